"""What every view needs to write text: colour, escaping, and a stream that never fails whoever writes to it.

A view shows names, values and messages that others wrote. Escape sequences among them could repaint the terminal or
hide a line, so nothing but ordinary characters passes (`visible`). A reader may hang up (`workstead up | head`) or have
an encoding without box characters; a run must not break off for that, so `Out` swallows the one and spells out the
other.

Left to others: what is said (`words`, `properties`, `sections`), when (`text`, `live`, `json`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, TextIO

# Control characters, invisible ones, those that turn the reading direction, and halves of surrogate pairs.
_UNSEEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_ESCAPE_SEQUENCE: Final = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[()][A-Z0-9])")
_SHORT: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}

_CODES: Final = {
    "green": "32",
    "yellow": "33",
    "red": "31",
    "magenta": "35",
    "cyan": "36",
    "bold": "1",
    "dim": "2",
    "red bold": "1;31",
}


def _spelled(match: re.Match[str]) -> str:
    character = match[0]
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def visible(text: str) -> str:
    """`text` on one line, with everything that is not a printable character spelled out (`\\n`, `\\x1b`)."""
    return text if text.isascii() and text.isprintable() else _UNSEEN.sub(_spelled, text)


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters of a text; what is cut off is marked."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def message_lines(text: str) -> list[str]:
    """A message as lines fit to print: colours taken out, tabs widened, the rest of the unprintable spelled out."""
    plain = _ESCAPE_SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    return [visible(line.expandtabs(8)) for line in plain.split("\n")]


class Ink:
    """Colours text, or leaves it alone. The caller decides which (NO_COLOR, FORCE_COLOR, a pipe)."""

    def __init__(self, colour: bool) -> None:
        self.colour = colour

    def __call__(self, style: str, text: str) -> str:
        if not self.colour or not style or not text:
            return text
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


class Out:
    """A stream that takes any text and never raises: what it cannot encode is spelled out, what nobody reads is lost.

    Safe to write to from several threads only as far as the stream is.
    """

    def __init__(self, stream: TextIO, colour: bool = False) -> None:
        self._stream = stream
        self._broken = False
        self.ink = Ink(colour)

    @property
    def encoding(self) -> str:
        """The stream's encoding."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    @property
    def draws(self) -> bool:
        """Can it show box characters?"""
        return self.encoding.lower().replace("-", "").startswith("utf")

    def write(self, text: str) -> int:
        """Write text."""
        if not self._broken:
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                self.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))
            except (OSError, ValueError):
                self._broken = True
        return len(text)

    def flush(self) -> None:
        """Pass on what was written so far."""
        if not self._broken:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self._broken = True

    def lines(self, lines: Iterable[str]) -> None:
        """Write lines, all in one piece, and pass them on."""
        text = "".join(f"{line}\n" for line in lines)
        if text:
            self.write(text)
            self.flush()


def indented(lines: Iterable[str], by: int) -> Iterator[str]:
    """The lines, moved to the right; empty ones stay empty."""
    margin = " " * by
    for line in lines:
        yield margin + line if line else line

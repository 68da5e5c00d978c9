"""A property value on one line.

Values are only as well-behaved as the programs they come from: what is shown of one has a limit, in length and in
depth, and is free of control characters. A secret is `[secret]`, an unknown is `(known after up)`; members whose name
starts with `__` (the pickled code of a dynamic provider) are left out.

Left to others: values over several lines (`tree`), changes (`properties`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from engine.core import paths
from engine.core.values import MASK, Archive, Asset, ResourceReference, Sealed, Secret, Unknown
from engine.views.printing import shortened, visible

UNKNOWN_TEXT: Final = "(known after up)"
LINE_LIMIT: Final = 72
DEPTH_LIMIT: Final = 40

SECRETS: Final = (Secret, Sealed)


class _Placeholder:
    """Stands for a value that is not shown, or not there."""

    def __init__(self, text: str) -> None:
        self.text = text


MISSING: Final = _Placeholder("(nothing)")
HIDDEN: Final = _Placeholder("(hidden)")
MASKED: Final = Secret(None)


def inline(value: Any, limit: int = LINE_LIMIT) -> str:
    """A value on one line, in at most about `limit` characters."""
    if type(value) is str:
        return _quoted(value, limit)
    text = ""
    for token in _tokens(value, 0, limit):
        text += token
        if len(text) > limit:
            return _size(value) or shortened(text, limit)
    return text


def _quoted(text: str, limit: int) -> str:
    shown = visible(text[: limit + 1].replace("\\", "\\\\").replace('"', '\\"'))
    if len(text) <= limit and len(shown) <= 2 * limit:
        return f'"{shown}"'
    return f'"{shown[: limit - 24]}…" ({len(text):,} characters)'


def _size(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{{len(value):,} entries}}"
    return f"[{len(value):,} items]" if isinstance(value, list | tuple) else ""


def _tokens(value: Any, depth: int, limit: int) -> Iterator[str]:
    if depth > DEPTH_LIMIT:
        yield "…"
    elif isinstance(value, Mapping):
        yield "{"
        for index, (name, item) in enumerate(members(value)):
            yield f"{', ' if index else ''}{name_text(name)}: "
            yield from _tokens(item, depth + 1, limit)
        yield "}"
    elif isinstance(value, list | tuple):
        yield "["
        for index, item in enumerate(value):
            if index:
                yield ", "
            yield from _tokens(item, depth + 1, limit)
        yield "]"
    else:
        yield _leaf(value, limit)


def _leaf(value: Any, limit: int) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value, limit)
    if isinstance(value, int):
        return _number(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, SECRETS):
        return MASK
    if isinstance(value, _Placeholder):
        return value.text
    if isinstance(value, Unknown):
        return UNKNOWN_TEXT
    if isinstance(value, Asset):
        return _file("asset", value.path or value.uri or ("text" if value.text is not None else ""), value.hash)
    if isinstance(value, Archive):
        return _file("archive", value.path or value.uri or f"{len(value.assets or ()):,} files", value.hash)
    if isinstance(value, ResourceReference):
        return visible(value.urn)
    return f"<{type(value).__name__}>"


def _file(kind: str, source: str, digest: str) -> str:
    return f"{kind}({visible(source)}{', ' if source and digest else ''}{visible(digest[:7])})"


def _number(value: int) -> str:
    # Python refuses to write very long ones in decimals.
    return str(value) if value.bit_length() < 10_000 else hex(value)


def members(value: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    """The members of a map that a person may see."""
    return ((name, item) for name, item in value.items() if not str(name).startswith("__"))


def name_text(name: Any) -> str:
    """A member's name; one that is no plain word is quoted."""
    text = paths.show((str(name),))
    return shortened(visible(text[1:-1] if text.startswith("[") else text), LINE_LIMIT)

"""A settings file, YAML or JSON: what it says, where it says so, and how it is changed.

A changed text is read again before anything is written, and has to say exactly what was wanted; otherwise the person is
asked to edit by hand.

Left to others: how YAML is read (`nodes`) and edited (`edit`), what the content means (`project`, `stack`).
"""

from __future__ import annotations

import json
import math
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from engine.config.edit import Edit, Tangled
from engine.config.entries import Place, json_text
from engine.config.nodes import Refused, child, compose, value_of
from engine.core import paths
from engine.core.errors import UsageError
from engine.core.values import plain_number


@dataclass(frozen=True)
class Document:
    """A file's text and what it says; an absent or empty file says `{}`. `file` may end in .yaml, .yml or .json."""

    file: Path
    text: str
    value: dict[str, Any]

    @classmethod
    def read(cls, file: Path) -> Document:
        """The document in a file. Raises UsageError naming file and line when it cannot be read."""
        try:
            return cls.parse(file, file.read_bytes().decode("utf-8-sig"))
        except FileNotFoundError:
            return cls(file, "", {})
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{file} cannot be read: {error}",
                remedy="give a readable file of UTF-8 text",
                reference="file-unreadable",
            ) from error

    @classmethod
    def parse(cls, file: Path, text: str) -> Document:
        """The document a text is. Raises UsageError naming file and line."""
        line = 1
        try:
            if file.suffix == ".json" and text.strip():
                value = json.loads(text, parse_constant=_finite, parse_float=_finite)
            else:
                node = compose(text)
                value = None if node is None else value_of(node)
        except ValueError as error:
            line, problem = getattr(error, "lineno", 1), getattr(error, "msg", str(error))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, problem = (mark.line + 1 if mark else 1), f"{error.problem or error.context}"
        except yaml.YAMLError as error:
            problem = str(error).partition("\n")[0]
        except Refused as error:
            line, problem = error.line, error.message
        else:
            if value is None or isinstance(value, dict):
                return cls(file, text, value or {})
            problem = "the file is not a map of keys to values"
        raise UsageError(f"{file}:{line}: {problem}", remedy="correct the file there", reference="file-malformed")

    def line(self, place: Place) -> int:
        """The line (from 1) of the deepest part of a place that is there."""
        node, line = None, 1
        with suppress(yaml.YAMLError):
            node = compose(self.text)
        for segment in place:
            key, node = child(node, segment)
            if node is None or key is None:
                break
            line = key.start_mark.line + 1
        return line

    def error(self, problem: str, place: Place, *, why: str = "", remedy: str, reference: str) -> UsageError:
        """An error about what stands at a place, with file, line and property path."""
        where = f"{self.file}:{self.line(place)}"
        return UsageError(f"{problem} ({where})", path=paths.show(place), why=why, remedy=remedy, reference=reference)

    def changed(self, wanted: dict[str, Any], place: Place) -> Document:
        """The document that says `wanted`, which differs from this one only at `place`.

        Raises UsageError when the text cannot be changed without changing something else.
        """
        if self.file.suffix == ".json":
            return Document(self.file, json.dumps(wanted, indent=4, ensure_ascii=False) + "\n", wanted)
        with suppress(UsageError, Tangled):
            after = Document.parse(self.file, Edit(self.text).made(self.value, wanted, place))
            if json_text(after.value) == json_text(wanted):
                return after
        raise self.error(
            "this cannot be changed without disturbing the rest of the file",
            place,
            why="Most often an anchor (&name) or alias (*name) ties it to another value.",
            remedy="change it in an editor",
            reference="file-edit",
        )

    def write(self) -> None:
        """Put the text into the file, all or nothing. Raises UsageError when the file cannot be written."""
        try:
            write_atomically(self.file, self.text)
        except (OSError, UnicodeEncodeError) as error:
            raise UsageError(
                f"{self.file} cannot be written: {error}",
                why="It is as it was before.",
                remedy="check the folder's permissions and free space",
                reference="file-unwritable",
            ) from error


def write_atomically(file: Path, text: str, mode: int = 0o644) -> None:
    """Replace a file's content through a temporary file in the same folder, made if need be.

    An existing file keeps its mode, a symbolic link stays a link. The content is on disk before the old one goes.
    """
    content = text.encode()
    target = file.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        mode = target.stat().st_mode & 0o7777
    # Not tempfile: it costs every command 6 ms of imports.
    temporary = target.with_name(f".{target.name}.{os.urandom(8).hex()}")
    try:
        with open(temporary, "xb") as stream:
            stream.write(content)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _finite(word: str) -> int | float:
    number = float(word)
    if math.isfinite(number):
        return plain_number(number)
    raise ValueError(f"{word} is not a number that can be passed on")

"""One request against the service model: every violation, in the text AWS words it with (spec 3.3, 15).

Two kinds of wrong: a value of the wrong JSON type cannot be read at all (`Unreadable`, the service's
SerializationException); a value that breaks a constraint is listed, and all of them are answered at once. Members the
model does not know are dropped, nulls count as absent (spec 2).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

from providers.sagemaker.emulator.shapes import Service, Shape

LONGEST_MATCHED: Final = 20_000  # characters; what is longer breaks its length limit anyway, so no pattern is tried

# Spec 15, the two patterns Python cannot run: `\p{..}` does not compile, RepositoryUrl takes for ever on a non-match.
TAG_TEXT: Final = re.compile(r"\(?\[\\p\{L\}\\p\{Z\}\\p\{N\}_\.:/=\+\\-@\](?P<count>[*+])\)?")
REPOSITORY_URL: Final = r"https://([.\-_a-zA-Z0-9]+/?){3,1016}"
LINEAR_URL: Final = re.compile(r"https://([.\-_a-zA-Z0-9]+(?:/[.\-_a-zA-Z0-9]+)*/?)", re.ASCII)

JAVA_NAMES: Final = {str: "STRING_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE"}


class Unreadable(Exception):
    """A value whose JSON type the member cannot take; the text names the two."""


def checked(service: Service, operation: str, given: Any, *, anchor: str = "^") -> tuple[dict[str, Any], list[str]]:
    """The members of a request that the model knows, and what is wrong with them.

    `anchor`: what a pattern is printed with in front; SageMaker was seen to add one (spec 3.3). Raises Unreadable.
    """
    if operation not in service.inputs:
        return {}, []
    walk = _Walk(service, anchor)
    found = walk.value(service.inputs[operation], given, "")
    return found, walk.failures


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches a pattern of the model (spec 15)."""
    return _matcher(pattern)(text)


class _Walk:
    """One pass over one request."""

    def __init__(self, service: Service, anchor: str) -> None:
        self.shapes = service.shapes
        self.anchor = anchor
        self.failures: list[str] = []

    def value(self, name: str, value: Any, path: str) -> Any:
        """The value without what the model does not know; what is wrong with it is noted on the way."""
        shape = self.shapes[name]
        kind = shape["type"]
        if kind == "structure":
            return self.structure(shape, _typed(value, dict, kind), path)
        if kind == "list":
            found = _typed(value, list, kind)
            self.note(path, found, _length(shape, len(found)))
            return [self.item(shape["member"], each, f"{path}.{at}.member") for at, each in enumerate(found, 1)]
        if kind == "string":
            found = _typed(value, str, kind)
            self.note(path, found, self.text(shape, found))
            return found
        if kind == "boolean":
            return _typed(value, bool, kind)
        if kind == "timestamp":
            return _instant(value)
        found = _whole(value)
        self.note(path, found, _range(shape, found))
        return found

    def structure(self, shape: Shape, value: dict[str, Any], path: str) -> dict[str, Any]:
        """Its members in the order of the model."""
        found: dict[str, Any] = {}
        for name, inner in shape["members"].items():
            place = f"{path}.{name[0].lower()}{name[1:]}" if path else f"{name[0].lower()}{name[1:]}"
            given = value.get(name)
            if given is not None:
                found[name] = self.value(inner, given, place)
            elif name in shape.get("required", ()):
                self.note(place, None, ["Member must not be null"])
        if shape.get("union") and len(found) != 1:
            self.note(path, value, ["Member must have exactly one member set"])  # [E]
        return found

    def item(self, name: str, value: Any, path: str) -> Any:
        """One item of a list, which unlike a member cannot be absent."""
        if value is None:
            self.note(path, None, ["Member must not be null"])
            return None
        return self.value(name, value, path)

    def text(self, shape: Shape, value: str) -> Iterator[str]:
        """Pattern before length, as recorded."""
        pattern = shape.get("pattern")
        if pattern is not None and len(value) <= LONGEST_MATCHED and not matches(pattern, value):
            anchored = pattern if pattern.startswith("^") else f"{self.anchor}{pattern}"
            yield f"Member must satisfy regular expression pattern: {anchored}"
        yield from _length(shape, len(value))
        if "enum" in shape and value not in shape["enum"]:
            yield f"Member must satisfy enum value set: [{', '.join(shape['enum'])}]"

    def note(self, path: str, value: Any, constraints: Any) -> None:
        """Note what a value breaks."""
        shown = "Value null" if value is None else f"Value '{_shown(value)}'"
        self.failures.extend(f"{shown} at '{path}' failed to satisfy constraint: {each}" for each in constraints)


def _length(shape: Shape, length: int) -> Iterator[str]:
    if "max" in shape and length > shape["max"]:
        yield f"Member must have length less than or equal to {shape['max']}"
    if "min" in shape and length < shape["min"]:
        yield f"Member must have length greater than or equal to {shape['min']}"


def _range(shape: Shape, value: int) -> Iterator[str]:
    if "max" in shape and value > shape["max"]:
        yield f"Member must have value less than or equal to {shape['max']}"
    if "min" in shape and value < shape["min"]:
        yield f"Member must have value greater than or equal to {shape['min']}"


def _typed(value: Any, wanted: type, kind: str) -> Any:
    """The value if it has exactly this JSON type; a boolean is no number here. Raises Unreadable."""
    if type(value) is wanted:
        return value
    if isinstance(value, list | dict):
        raise Unreadable(
            f"Start of {'list' if isinstance(value, list) else 'structure or map'} found where not expected."
        )
    if wanted in (list, dict):
        raise Unreadable(f"Expected {'list' if wanted is list else 'structure or map'} or null")
    raise Unreadable(f"{_java_name(value)} can not be converted to {'a String' if wanted is str else 'a Boolean'}")


def _whole(value: Any) -> int:
    if type(value) is int and abs(value) < 2**63:
        return value
    if isinstance(value, list | dict):
        return _typed(value, int, "integer")
    raise Unreadable(f"{_java_name(value)} can not be converted to an Integer")


def _instant(value: Any) -> float:
    """Seconds since the epoch (spec 2)."""
    if type(value) in (int, float) and math.isfinite(value) and abs(value) < 2**53:
        return float(value)
    if isinstance(value, list | dict):
        return _typed(value, float, "timestamp")
    raise Unreadable(f"{_java_name(value)} can not be converted to a Date")


def _java_name(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    return JAVA_NAMES.get(type(value), "VALUE")


def _shown(value: Any) -> str:
    """A value as Java prints it, more or less [E]."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={_shown(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_shown(each) for each in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


@cache
def _matcher(pattern: str) -> Callable[[str], bool]:
    found = TAG_TEXT.fullmatch(pattern)
    if found is not None:
        may_be_empty = found["count"] == "*"
        return lambda text: (may_be_empty or bool(text)) and all(map(_tag_letter, text))
    if pattern == REPOSITORY_URL:
        return _repository_url
    try:
        compiled = re.compile(pattern, re.ASCII)
    except re.error:  # one that a later model brings; nothing is refused by a rule nobody here can read
        return lambda text: True
    return lambda text: compiled.fullmatch(text) is not None


def _tag_letter(letter: str) -> bool:
    return letter in "_.:/=+-@" or unicodedata.category(letter)[0] in "LZN"


def _repository_url(text: str) -> bool:
    found = LINEAR_URL.fullmatch(text)
    return found is not None and len(found[1].replace("/", "")) >= 3

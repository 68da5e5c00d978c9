"""Property paths: where inside a resource's properties something is.

Written `spec.ports[0]["odd name"].*` (spec section 2): dotted names, `[n]`, `["quoted"]`, and `[*]` or `.*` for any one
key or index. A path contains every longer path that begins with it. In memory a path is a tuple of names, indices and
`ANY`; the text form is what people type in options and read in plans.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from engine.core.errors import UsageError


class _Any:
    """Matches any one key or index."""

    def __repr__(self) -> str:
        return "*"


ANY: Final = _Any()
Segment = str | int | _Any
Path = tuple[Segment, ...]

_PLAIN_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")
_TOKEN = re.compile(
    r"""(?P<dot>\.)?(?:
        (?P<star>\*) |
        (?P<name>[^.\[\]"*]+) |
        \[\s*(?: (?P<any>\*) | (?P<index>\d+) | (?P<quoted>"(?:[^"\\]|\\.)*") )\s*\]
    )""",
    re.VERBOSE,
)


def parse(text: str) -> Path:
    """The path a text stands for. Raises UsageError naming the place where it stops making sense."""
    segments: list[Segment] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        bracketed = match is not None and match["star"] is None and match["name"] is None
        if match is None or (not bracketed and bool(match["dot"]) == (position == 0)):
            raise _nonsense(text, position)
        try:
            segments.append(_segment(match))
        except ValueError:  # not JSON's escapes in quotes, or a number of thousands of digits
            raise _nonsense(text, position) from None
        position = match.end()
    return tuple(segments)


def _segment(match: re.Match[str]) -> Segment:
    if match["star"] or match["any"]:
        return ANY
    if match["index"]:
        return int(match["index"])
    return json.loads(match["quoted"]) if match["quoted"] else match["name"]


def _nonsense(text: str, position: int) -> UsageError:
    return UsageError(
        f"{text!r} is not a property path",
        why=f"It stops making sense at character {position + 1}.",
        remedy='write names with dots, list positions as [0], odd names as ["..."], any one as [*]',
        reference="property-path",
    )


def show(path: Path) -> str:
    """The text of a path; names that are not plain words are quoted."""
    text = ""
    for segment in path:
        if segment is ANY:
            text += "[*]"
        elif isinstance(segment, int):
            text += f"[{segment}]"
        elif _PLAIN_NAME.match(str(segment)):
            text += f".{segment}" if text else str(segment)
        else:
            text += f"[{json.dumps(segment, ensure_ascii=False)}]"
    return text


def contains(outer: Path, inner: Path) -> bool:
    """Is `inner` the same place as `outer`, or inside it?"""
    return len(inner) >= len(outer) and all(
        one is ANY or one == other for one, other in zip(outer, inner, strict=False)
    )


def expand(path: Path, value: Any) -> Iterator[Path]:
    """The places in `value` that a path with wildcards names; the path itself, existing or not, when it has none."""
    if ANY not in path:
        yield path
        return
    yield from _expand((), path, value)


def _expand(done: Path, rest: Path, value: Any) -> Iterator[Path]:
    if not rest:
        yield done
        return
    segment = rest[0]
    if segment is not ANY:
        _, inner = lookup(value, (segment,))
        yield from _expand((*done, segment), rest[1:], inner)
        return
    members: Iterable[tuple[Segment, Any]] = ()
    if isinstance(value, Mapping):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    for key, inner in members:
        yield from _expand((*done, key), rest[1:], inner)


def lookup(value: Any, path: Path) -> tuple[bool, Any]:
    """(is it there, the value at a path without wildcards)."""
    for segment in path:
        if isinstance(value, Mapping):
            if segment not in value:
                return False, None
            value = value[segment]
        elif isinstance(value, list) and isinstance(segment, int) and segment < len(value):
            value = value[segment]
        else:
            return False, None
    return True, value


def put(value: Any, path: Path, new: Any) -> Any:
    """A copy of `value` with `new` at a path; maps on the way are made, lists never change their length.

    Raises KeyError when the path leads through something that is not a container, or past the end of a list.
    """
    if not path:
        return new
    segment, rest = path[0], path[1:]
    if isinstance(segment, str):
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            raise KeyError(show(path))
        return {**value, segment: put(value.get(segment), rest, new)}
    if isinstance(segment, int) and isinstance(value, list) and segment < len(value):
        return [*value[:segment], put(value[segment], rest, new), *value[segment + 1 :]]
    raise KeyError(show(path))


def drop(value: Any, path: Path) -> Any:
    """A copy of `value` without the key at a path. Raises KeyError for a list position: lists keep their length."""
    segment, rest = path[0], path[1:]
    if isinstance(segment, str) and isinstance(value, Mapping):
        if segment not in value:
            return value
        if not rest:
            return {key: item for key, item in value.items() if key != segment}
        return {**value, segment: drop(value[segment], rest)}
    if isinstance(segment, int) and isinstance(value, list) and rest and segment < len(value):
        return [*value[:segment], drop(value[segment], rest), *value[segment + 1 :]]
    raise KeyError(show(path))

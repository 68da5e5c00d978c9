"""What changed between two property trees, path by path.

One entry per place: the outermost one that was added or deleted, the innermost one that was updated; a container that
turns into something else is one update; lists are compared by position (spec section 10.4). The common case, nothing
changed, is answered first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.core import paths
from engine.core.paths import Path
from engine.core.values import Properties, Secret, equal


class Kind(StrEnum):
    """What happens at one path; the words of the event log and of plans (spec 13.3)."""

    ADD = "add"
    ADD_REPLACE = "add-replace"
    DELETE = "delete"
    DELETE_REPLACE = "delete-replace"
    UPDATE = "update"
    UPDATE_REPLACE = "update-replace"

    @property
    def replaces(self) -> bool:
        """Does this change force a replacement?"""
        return self.value.endswith("-replace")

    def as_replace(self) -> Kind:
        """The same change, forcing a replacement."""
        return self if self.replaces else Kind(f"{self.value}-replace")


@dataclass(frozen=True, slots=True)
class Change:
    """One path that differs, and how."""

    path: Path
    kind: Kind

    def __str__(self) -> str:
        return paths.show(self.path)


def changes(old: Properties, new: Properties) -> tuple[Change, ...]:
    """What turns `old` into `new`, in the order of `new`'s keys, then `old`'s; secrets are looked into."""
    if equal(old, new):
        return ()
    return tuple(_changes((), old, new))


def _changes(path: Path, old: Any, new: Any) -> Iterator[Change]:
    old = old.value if type(old) is Secret else old
    new = new.value if type(new) is Secret else new
    if equal(old, new):
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*new, *(key for key in old if key not in new)]:
            yield from _member((*path, key), old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            if index >= len(old):
                yield Change((*path, index), Kind.ADD)
            elif index >= len(new):
                yield Change((*path, index), Kind.DELETE)
            else:
                yield from _changes((*path, index), old[index], new[index])
    else:
        yield Change(path, Kind.UPDATE)


def _member(path: Path, old: Any, new: Any) -> Iterator[Change]:
    if old is None and new is not None:
        yield Change(path, Kind.ADD)
    elif new is None and old is not None:
        yield Change(path, Kind.DELETE)
    else:
        yield from _changes(path, old, new)


def top_level(found: Iterable[Change]) -> tuple[str, ...]:
    """The top-level property names among some changes, in order, each once."""
    return tuple(dict.fromkeys(str(change.path[0]) for change in found if change.path))

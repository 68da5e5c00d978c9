"""Which versions of a stack can still be believed: the history, told again row by row, must come to each one's digest.

A digest is the sum of the checksums of a snapshot's rows and pending operations, kept with the deployment that left it.
A row that was lost or changed makes every version wrong that shows it, and no other: once its resource has been written
again, or dropped, the sums agree again.

Left to others: reading what is there and checking each row by itself (`sqlite_survey`, `memory`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Written(NamedTuple):
    """A row of the history: what a deployment wrote of a key. `checksum` None: it was dropped."""

    deployment: int
    key: int
    checksum: int | None


class Begun(NamedTuple):
    """A pending operation, and the later deployment that settled it, if one did."""

    deployment: int
    ended: int | None
    checksum: int

    def shows_in(self, version: int) -> bool:
        """Was it pending when that deployment ended?"""
        return self.deployment <= version and (self.ended is None or self.ended > version)


def whole_versions(
    written: Iterable[Written], begun: Iterable[Begun], digests: Mapping[int, int | None], last: int
) -> tuple[int, ...]:
    """The versions from 1 to `last` that come to their digest. `written` in the order it was written."""
    rows = iter(written)
    row = next(rows, None)
    live: dict[int, int] = {}
    total = 0
    # What is pending counts from the deployment that began it to the one before it was settled.
    changes: dict[int, int] = {}
    for each in begun:
        changes[each.deployment] = changes.get(each.deployment, 0) + each.checksum
        if each.ended is not None:
            changes[each.ended] = changes.get(each.ended, 0) - each.checksum
    whole: list[int] = []
    for version in range(1, last + 1):
        while row is not None and row.deployment <= version:
            total -= live.pop(row.key, 0)
            if row.checksum is not None:
                live[row.key] = row.checksum
                total += row.checksum
            row = next(rows, None)
        total += changes.get(version, 0)
        if digests.get(version) == total:
            whole.append(version)
    return tuple(whole)

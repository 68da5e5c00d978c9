"""Puts an earlier version of a stack's record in the place of the present one: `workstead stack restore`.

Of a record that is whole this is a deployment like any other: the version's snapshot is written anew, under new keys,
and the history goes on. A damaged one is first made anew from everything that is still whole (`Backend.mending`), and
the damaged file is kept. The cloud is not touched: what later versions had made is told, because its objects may exist
and this version does not know of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.core.errors import RecordError, UsageError
from engine.core.model import ResourceState, Snapshot
from engine.opening import Place, holder
from engine.state import refusals
from engine.state.backend import Condition, Deployment, StackName, StackRecord


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done. `version` was put in place by the deployment `serial`.

    `aside`: where the damaged file is kept, empty when there was none. `unknown`: what the record knew before, as far
    as it could be read, and does not know now.
    """

    version: int
    serial: int
    snapshot: Snapshot
    aside: str
    unknown: tuple[ResourceState, ...]


def restore(place: Place, name: StackName, version: int | None, agree: Callable[[int, Condition], None]) -> Restored:
    """Put a version in place; None: of a damaged record the last one that is whole.

    `agree` is told the version and the record's condition before anything is done, and raises to stop it.
    Raises UsageError for a version there is not, RecordError for one that is damaged or when none is whole.
    """
    record = _whole(place, name)
    if record is not None:
        return _put_in_place(record, _chosen, "", version, agree)
    with place.backend.mending(name) as mended:
        return _put_in_place(mended.record, _chosen_of_damaged, mended.aside, version, agree)


def _whole(place: Place, name: StackName) -> StackRecord | None:
    """The stack's record; None when it is damaged, or even the list of stacks is."""
    try:
        record = place.backend.stack(name)
    except RecordError as error:
        if error.reference != refusals.DAMAGED:
            raise
        return None
    return record if record.check().present else None


def _put_in_place(
    record: StackRecord,
    choose: Callable[[StackName, Condition, int | None], int],
    aside: str,
    version: int | None,
    agree: Callable[[int, Condition], None],
) -> Restored:
    condition = record.check()
    chosen = choose(record.name, condition, version)
    agree(chosen, condition)
    snapshot, secrets_state = record.load(chosen), record.secrets_state(chosen)
    known = {(state.urn, state.id) for state in snapshot.resources}
    before = record.load()
    lease = record.acquire(holder("restore"))
    try:
        started = lease.start(Deployment("restore", message=f"version {chosen}"))
        lease.replace(snapshot, secrets_state)
        lease.finish("succeeded", {})
    finally:
        lease.release()
    unknown = tuple(state for state in before.resources if state.custom and (state.urn, state.id) not in known)
    return Restored(chosen, started.version, snapshot, aside, unknown)


def _chosen(name: StackName, condition: Condition, version: int | None) -> int:
    if version is None:
        raise UsageError(
            "which version shall be restored?",
            why=f"The record of the stack {name} is whole. Its versions are {refusals.ranges(condition.versions)}."
            if condition.versions
            else f"The stack {name} has no versions yet.",
            remedy="give --version N; `workstead stack history` shows them",
            reference="version-needed",
        )
    if not 1 <= version <= condition.last:
        raise refusals.version_missing(version, condition.last)
    if version not in condition.versions:
        raise RecordError(
            f"version {version} of the stack {name} is damaged itself",
            why=f"Whole are the versions {refusals.ranges(condition.versions)}.",
            remedy="restore one of those",
            reference="version-damaged",
        )
    return version


def _chosen_of_damaged(name: StackName, condition: Condition, version: int | None) -> int:
    if not condition.versions:
        raise refusals.damaged_record(name, condition)
    return _chosen(name, condition, condition.versions[-1] if version is None else version)

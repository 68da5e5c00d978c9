"""What every backend refuses, in the same words.

Some of these texts are also recognised by Pulumi's Automation API (spec section 13.1), so they are said in one place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from engine.core.errors import (
    Diagnostic,
    InternalError,
    LeaseHeldError,
    LeaseLostError,
    RecordError,
    Severity,
    StackNotFoundError,
    UsageError,
)
from engine.state.backend import Condition, Holder, StackName

DAMAGED: Final = "record-damaged"


def stack_missing(name: StackName, known: Iterable[StackName]) -> StackNotFoundError:
    """No stack of that name; tells those there are."""
    names = ", ".join(str(other) for other in known)
    return StackNotFoundError(
        f"no stack named '{name}' found",
        why=f"The record has {names}." if names else "The record has no stacks yet.",
        remedy=f"make it with `workstead stack init {name.stack}`, or name another one",
    )


def stack_exists(name: StackName) -> UsageError:
    """A stack of that name is there already."""
    return UsageError(
        f"stack '{name}' already exists",
        remedy=f"select it with `workstead stack select {name.stack}`, or choose another name",
        reference="stack-exists",
    )


def version_missing(version: int, last: int) -> UsageError:
    """There never was such a deployment; `last` is the newest one."""
    there = f"there are 1 to {last}" if last else "there are none yet"
    return UsageError(
        f"the stack has no version {version}: {there}",
        remedy="see `workstead stack history`",
        reference="version-missing",
    )


def lease_held(holder: Holder, until: str) -> LeaseHeldError:
    """Another run may write; `until` is when its lease runs out unless it renews it."""
    return LeaseHeldError(
        f"the stack is currently locked by {described(holder)}",
        why=f"Only one run may write a record. Its lease runs until {until} and is renewed as long as that run lives.",
        remedy="wait until it has ended (`--wait`); if it hangs, stop that process: its lease ends with it",
    )


def lease_lost(taken_by: Holder | None) -> LeaseLostError:
    """This run may not write any more; `taken_by` None when whoever took over has ended too."""
    return LeaseLostError(
        "this run has lost the right to write the stack's record",
        why=f"It did not renew its lease in time, and the record was taken over by {described(taken_by)}."
        if taken_by
        else "It did not renew its lease in time, or the stack was removed.",
        remedy="see with `workstead stack history` what the other run did, then run again",
    )


def lease_over() -> LeaseLostError:
    """This run has given its lease back."""
    return LeaseLostError(
        "the lease was given back, nothing more can be recorded under it",
        why="A step ended after its run did.",
        remedy="run again: the next run settles what is pending",
        reference="lease-over",
    )


def described(holder: Holder) -> str:
    """A holder in a few words: who, where, doing what, since when."""
    since = f" since {holder.since}" if holder.since else ""
    return f"{holder.who} (process {holder.pid} on {holder.host}), running {holder.operation or 'a command'}{since}"


def not_started() -> InternalError:
    """Rows were written outside a deployment."""
    return InternalError("the record was written to before the deployment was started")


def keyless(urn: str) -> InternalError:
    """A row was written that nobody has asked a key for."""
    return InternalError("a state without a key was to be recorded", urn=urn)


def not_pending(token: int) -> InternalError:
    """A step ended that had not begun, or ended twice."""
    return InternalError(f"no pending operation has the token {token}")


def damaged(
    what: str,
    urn: str = "",
    why: str = "Its checksum does not match: something other than Workstead changed the file, or the disk is failing.",
) -> RecordError:
    """Bytes are not what was once written."""
    return RecordError(
        f"{what} is damaged",
        urn=urn,
        why=why,
        remedy="see with `workstead stack history` what is whole; `workstead stack restore` brings it back",
        reference=DAMAGED,
    )


def require_present(name: StackName, condition: Condition) -> None:
    """Raises RecordError for a record whose present snapshot is damaged: nothing may be written after it."""
    if not condition.present:
        raise damaged_record(name, condition)


def damaged_record(name: StackName, condition: Condition, urn: str = "") -> RecordError:
    """Something of a stack's record is not what was once written; tells what is, and how to get it back."""
    whole = f"{len(condition.resources)} resources" if condition.resources else "no resource"
    lost = f" but not {_some(condition.lost)}" if condition.lost else ""
    others = [f"{other}{'' if fine else ' (damaged too)'}" for other, fine in condition.others.items()]
    versions = f"version {ranges(condition.versions)} of {condition.last}" if condition.versions else "no version"
    return RecordError(
        f"the record of the stack {name} is damaged",
        urn=urn or (condition.lost[0] if condition.lost else ""),
        why=f"Damaged: {_some(condition.damage)}. Something other than Workstead changed the file, or the disk is "
        f"failing. Still whole: of the present record {whole}{lost}; of the history {versions}"
        + (f"; the other stacks: {', '.join(others)}." if others else "."),
        remedy=f"`workstead stack restore --version {condition.versions[-1]}` puts the last whole version in place and "
        "keeps the damaged file; see `workstead stack history`"
        if condition.versions
        else "bring the file back from a backup, or move it away, `workstead stack init` and import an export",
        reference=DAMAGED,
    )


def place_in_use(path: object, lease: Path) -> LeaseHeldError:
    """A file cannot be put in another's place while somebody writes it."""
    return LeaseHeldError(
        f"the record {path} is being written by another run",
        why=f"The process that holds {lease.name} lives.",
        remedy="wait until it has ended, or stop it; then run again",
    )


def damaged_history(condition: Condition) -> Diagnostic:
    """The present snapshot is whole, but something else is not: a warning."""
    return Diagnostic(
        Severity.WARNING,
        "something of the record's history is damaged; the present snapshot is whole",
        why=f"Damaged: {_some(condition.damage)}. Whole: version {ranges(condition.versions)} of {condition.last}.",
        remedy="see whether the disk is failing, and keep a copy with `workstead stack export`",
        reference="history-damaged",
    )


def damaged_place(path: object, said: str, whole: Sequence[StackName]) -> RecordError:
    """The file itself is damaged so that not even its list of stacks can be believed."""
    names = ", ".join(map(str, whole)) or "none that can be read"
    return RecordError(
        f"the record {path} is damaged",
        why=f"{said} Stacks that are still whole: {names}.",
        remedy="`workstead stack restore --stack NAME` puts together what is whole and keeps the damaged file; "
        "or bring the file back from a backup",
        reference=DAMAGED,
    )


def ranges(numbers: Sequence[int]) -> str:
    """`1 to 3, 5` for 1, 2, 3, 5."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(f"{first} to {last}" if last > first else str(first) for first, last in found)


def _some(things: Sequence[str], most: int = 5) -> str:
    more = f" and {len(things) - most} more" if len(things) > most else ""
    return ", ".join(things[:most]) + more

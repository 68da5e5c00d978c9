"""What every backend refuses, in the same words.

Some of these texts are also recognised by Pulumi's Automation API (spec section 13.1), so they are said in one place.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.errors import (
    InternalError,
    LeaseHeldError,
    LeaseLostError,
    RecordError,
    StackNotFoundError,
    UsageError,
)
from engine.state.backend import Holder, StackName


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
        remedy="wait until it has ended; if it hangs, stop that process: its lease ends with it",
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


def damaged(what: str, urn: str = "") -> RecordError:
    """Bytes are not what was once written."""
    return RecordError(
        f"{what} is damaged",
        urn=urn,
        why="Its checksum does not match: something other than Workstead changed the file, or the disk is failing.",
        remedy="copy the file, then bring back an earlier version: `workstead stack export --version`, `stack import`",
        reference="record-damaged",
    )

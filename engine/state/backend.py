"""What every place a record can live in owes the engine.

A `Backend` holds the records of many stacks. One stack's record is read through `StackRecord` by anybody at any time,
and written only through a `Lease`: the right to write, until a moment, under a fencing number that every write checks.
Of each step a *begin* is durable before its provider call and an *end* before anything that depends on it; `begin` and
`end` return only when that is so. They are called from many threads at once, and a backend may commit several together
(group commit), but the cost of one never depends on how many resources the stack has.

`tests/contract/test_backend.py` is this file as a test suite; every backend runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.core.model import Entry, PendingKind, ResourceState, Snapshot, Write

# Makes the envelope a secret's content is recorded as (`secrets.Vault.seal`), so that no backend knows of encryption.
Seal = Callable[[Any], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class StackName:
    """A stack's full name: its project's and its own."""

    project: str
    stack: str

    def __str__(self) -> str:
        return f"{self.project}/{self.stack}"


@dataclass(frozen=True, slots=True)
class StackSummary:
    """One line of `stack ls`. Times are RFC 3339, empty before the first deployment."""

    name: StackName
    resource_count: int = 0
    last_update: str = ""
    held_by: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One run of one operation, as history tells it (spec 13.1).

    `version` counts a stack's deployments from 1; it is also the serial of the snapshot the deployment leaves. `result`
    is `in-progress`, `succeeded`, `failed` or `cancelled`; one that was killed stays `in-progress` until the next
    deployment begins, which marks it `interrupted`.
    """

    kind: str
    version: int = 0
    start_time: str = ""
    end_time: str = ""
    message: str = ""
    result: str = "in-progress"
    resource_changes: Mapping[str, int] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lease, told to whoever is refused."""

    who: str
    host: str
    pid: int
    operation: str
    since: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """What of a stack's record is still as it was once written.

    `damage`: what is not, a line each; empty when all is whole. `present`: the present snapshot is whole and more can
    be written after it. `resources` and `lost`: the URNs of its rows that are whole, and of those that are not as far
    as they can still be read. `versions`: the deployments whose snapshot is whole, the oldest first; `last`: the newest
    there is. `others`: the other stacks in the same place, and whether the present snapshot of each is whole.
    """

    damage: tuple[str, ...] = ()
    present: bool = True
    resources: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    versions: tuple[int, ...] = ()
    last: int = 0
    others: Mapping[str, bool] = field(default_factory=dict)


class Lease(Protocol):
    """The right to write one stack's record. Renews itself in the background until released.

    Every method that writes raises LeaseLostError once somebody else has taken the lease over, and
    RecordUnavailableError when the record cannot be written (a full disk, a failing one): then nothing of that call was
    written, and a later call can succeed. `record`, `begin`, `end` and `replace` need a started deployment, which
    history ties their rows to. For a value that no record can hold (not finite, not Unicode, unknown) they raise an
    error naming URN and property path, and write nothing.
    """

    @property
    def fence(self) -> int:
        """The fencing number: greater than that of every earlier lease of this stack."""
        ...

    def ensure(self) -> None:
        """Raises LeaseLostError when somebody else has taken the lease over, or it was given back; only reads.

        To be asked before a call that no begin stands before, and between the requests of one: from many threads.
        """
        ...

    def start(self, deployment: Deployment) -> Deployment:
        """Begin a deployment: gives it its version and start time, makes the serial one greater."""
        ...

    def new_key(self) -> int:
        """A row number nobody has used in this stack."""
        ...

    def record(self, entries: Sequence[Entry]) -> Sequence[int]:
        """Make all entries durable as one; the tokens of the begins among them, in order."""
        ...

    def begin(self, kind: PendingKind, state: ResourceState) -> int:
        """Record, durably, that a provider call is about to be made. Returns the token for `end`."""
        ...

    def end(self, token: int | None, writes: Sequence[Write]) -> None:
        """Record, durably and as one, what a step has led to, and that it has ended.

        `token` None: a change of the record that no provider call stood behind.
        """
        ...

    def replace(self, snapshot: Snapshot, secrets_state: Mapping[str, Any] | None = None) -> None:
        """Put a whole other snapshot in place, pending operations included (an import); its rows get new keys.

        `secrets_state`: the `secrets_providers` object the lease's `seal` works under, changed in the same breath.
        Raises RecordError for a snapshot that is not whole (`model.problems`).
        """
        ...

    def finish(self, result: str, changes: Mapping[str, int]) -> None:
        """End the deployment."""
        ...

    def release(self) -> None:
        """Give the lease back. Harmless when it was lost."""
        ...


class StackRecord(Protocol):
    """One stack's record."""

    @property
    def name(self) -> StackName:
        """The stack."""
        ...

    def load(self, version: int | None = None) -> Snapshot:
        """The present snapshot, or as deployment `version` left it; secrets stay sealed.

        Raises RecordError when it is damaged, telling what is still whole, or was written by another Workstead, and
        UsageError for a version there never was. Whether the snapshot is whole (`model.problems`) is left to the
        caller: one that is not must still be readable, or nobody could mend it.
        """
        ...

    def secrets_state(self, version: int | None = None) -> Mapping[str, Any] | None:
        """The `secrets_providers` object of spec 12.3 (as of a deployment), None before there was a secret."""
        ...

    def set_secrets_state(self, state: Mapping[str, Any]) -> None:
        """Keep a `secrets_providers` object. To change one that has sealed something, use `Lease.replace`."""
        ...

    def history(self, limit: int | None = None, offset: int = 0) -> list[Deployment]:
        """The deployments, newest first."""
        ...

    def check(self) -> Condition:
        """Look over everything that is kept of the stack, earlier versions too.

        It takes as long as there is much to read: about a third of a second for a hundred thousand rows.
        """
        ...

    def acquire(self, holder: Holder, seconds: float = 30.0, seal: Seal | None = None) -> Lease:
        """Take the lease for that many seconds at a time. `seal` encrypts; without it a secret cannot be written.

        Raises LeaseHeldError at once, naming the holder and since when, while another process holds it; a holder whose
        process is known to be dead is taken over at once.
        """
        ...


@dataclass(frozen=True, slots=True)
class Mended:
    """What `Backend.mending` gives: the record to write to, and where the damaged place is kept (empty: nowhere)."""

    record: StackRecord
    aside: str


class Backend(Protocol):
    """Where records live."""

    @property
    def url(self) -> str:
        """How to open it again."""
        ...

    def stacks(self, project: str | None = None) -> list[StackSummary]:
        """All stacks, or those of one project, by name."""
        ...

    def create(self, name: StackName) -> StackRecord:
        """Make an empty stack. Raises UsageError when it exists."""
        ...

    def stack(self, name: StackName) -> StackRecord:
        """An existing stack's record. Raises StackNotFoundError naming those there are."""
        ...

    def remove(self, name: StackName) -> None:
        """Remove a stack and its history. Raises LeaseHeldError while somebody writes it."""
        ...

    def mending(self, name: StackName) -> AbstractContextManager[Mended]:
        """A damaged stack's record in a place made anew from all that is whole, to be written to inside the block.

        When the block ends well, that place takes the stead of the damaged one, which is kept aside; otherwise nothing
        has happened. What the block finds as the present snapshot is the newest whole row of each resource, which may
        be no snapshot that ever was: the block puts one in place (`Lease.replace`).
        Raises LeaseHeldError while anybody writes any stack of the place.
        """
        ...

    def close(self) -> None:
        """Let go of files and threads."""
        ...

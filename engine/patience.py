"""A lease for a run that has begun things: its writes wait for a disk that is full or failing, and nothing gets lost.

While the record cannot be written the executor waits here, so no further call is started; what runs goes on. Once the
patience is over, or the person stops the run, later writes are tried once each: begins are refused, which is what keeps
their calls from being made, and ends are kept and written, in their order, with whatever can be written next. What is
still unwritten when the run ends is a snapshot in memory, which `rescue` puts into a file somewhere else.

Left to others: writing (`state.backend.Lease`), what is refused for what it is and not for want of space (the codec).
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO, TypeVar

from engine.clock import Clock
from engine.core.errors import Diagnostic, RecordUnavailableError, Severity
from engine.core.model import (
    Begin,
    End,
    Entry,
    PendingOperation,
    Put,
    ResourceState,
    Snapshot,
    Write,
    in_dependency_order,
)
from engine.state.backend import Deployment, Lease

T = TypeVar("T")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0


class PatientLease:
    """The lease of a run. `told` shows the person what is waited for; `stopped` says whether they have had enough."""

    def __init__(
        self,
        lease: Lease,
        clock: Clock,
        patience: float,
        told: Callable[[Diagnostic], None],
        stopped: Callable[[], bool],
    ) -> None:
        self.lease = lease
        self._clock = clock
        self._patience = patience
        self._told = told
        self._stopped = stopped
        self._nobody = threading.Event()
        self._unwritten: list[End] = []
        self._rows: dict[int, ResourceState] = {}
        self._pending: dict[int, PendingOperation] = {}
        self._base = Snapshot()

    @property
    def unwritten(self) -> int:
        """How many steps have ended without that being recorded."""
        return len(self._unwritten)

    def new_key(self) -> int:
        """A row number nobody has used."""
        return self.lease.new_key()

    def ensure(self) -> None:
        """Raises LeaseLostError unless the lease is ours still."""
        self.lease.ensure()

    def release(self) -> None:
        """Give the lease back."""
        self.lease.release()

    def starts_from(self, snapshot: Snapshot) -> None:
        """The record was read, secrets open: what is written from now on changes this snapshot."""
        self._base = snapshot
        self._rows = {state.key: state for state in snapshot.resources}
        self._pending = {operation.token: operation for operation in snapshot.pending}

    def record(self, entries: Sequence[Entry]) -> Sequence[int]:
        """Make all entries durable as one, and before them what could not be written so far.

        Raises RecordUnavailableError when that is not possible; the ends among the entries are kept all the same.
        """
        try:
            tokens = self.patiently(lambda: self.lease.record([*self._unwritten, *entries]))
        except RecordUnavailableError:
            for entry in entries:
                if isinstance(entry, End):
                    self._unwritten.append(entry)
                    self._note(entry)
            raise
        self._unwritten.clear()
        fresh = iter(tokens)
        for entry in entries:
            self._note(entry, next(fresh) if isinstance(entry, Begin) else None)
        return tokens

    def _note(self, entry: Entry, token: int | None = None) -> None:
        if isinstance(entry, Begin):
            assert token is not None
            self._pending[token] = PendingOperation(entry.kind, entry.state, token, self._clock.stamp())
            return
        if entry.token is not None:
            self._pending.pop(entry.token, None)
        for write in entry.writes:
            if isinstance(write, Put):
                self._rows[write.state.key] = write.state
            else:
                self._rows.pop(write.key, None)

    def end(self, token: int | None, writes: Sequence[Write]) -> None:
        """Record what a step has led to, and that it has ended."""
        self.record([End(token, tuple(writes))])

    def finish(self, result: str, changes: Mapping[str, int]) -> None:
        """Write what is still unwritten, then end the deployment."""
        if self._unwritten:
            self.record([])
        self.patiently(lambda: self.lease.finish(result, changes))

    def start(self, deployment: Deployment) -> Deployment:
        """Begin a deployment."""
        return self.patiently(lambda: self.lease.start(deployment))

    def patiently(self, write: Callable[[], T]) -> T:
        """Write, again and again until it can be done or the patience is over."""
        began = self._clock.monotonic()
        pause = _FIRST_PAUSE
        told = False
        while True:
            try:
                result = write()
            except RecordUnavailableError as error:
                left = self._patience - (self._clock.monotonic() - began)
                if left <= 0 or self._stopped():
                    self._patience = 0.0  # from now on a write is tried once: this run is coming to its end
                    raise
                if not told:
                    told = True
                    self._told(_waiting(error, self._patience))
                self._clock.wait(self._nobody, min(pause, left))
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                if told:
                    self._told(Diagnostic(Severity.INFO, "The record can be written again: going on."))
                return result

    def snapshot(self) -> Snapshot:
        """The record as it would be if everything could be written; secrets open."""
        base = self._base
        resources = in_dependency_order(self._rows.values())
        return Snapshot(resources, tuple(self._pending.values()), base.lineage, base.serial, base.extra)


def _waiting(error: RecordUnavailableError, patience: float) -> Diagnostic:
    return Diagnostic(
        Severity.WARNING,
        error.summary,
        why="Nothing new is started until it can be written; what runs goes on. It is tried again for "
        f"{patience:.0f} s. {error.why}",
        remedy="free some space or mend the disk; Ctrl-C ends the run",
        reference=error.reference,
    )


def rescue(text: bytes, name: str, places: Sequence[Path], otherwise: TextIO | None = None) -> str:
    """Put a text where only this user can read it: into the first of the places that takes it; says where.

    If none does, it is printed (standard error), which is said too.
    """
    for place in (*places, Path(tempfile.gettempdir()), Path("/dev/shm")):
        file = place / name
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:
            continue
        try:
            with os.fdopen(descriptor, "wb") as out:
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
        except OSError:
            file.unlink(missing_ok=True)
            continue
        return str(file)
    stream = otherwise or sys.stderr
    stream.write(text.decode())
    stream.flush()
    return ""

"""A run's hold on its stack's record: the lease it writes under, the snapshot it starts from, its line in the history.

The lease is taken for a recipe and given back while a person thinks (`release`, `take_up`), so it can change under a
run; whoever writes asks for the `journal` each time. What was done and cannot be recorded any more is not lost: it goes
into a file that `stack import` takes.

Left to others: how a record is kept (`state`), waiting for a full disk (`patience`), what is written (the stations).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from engine.core.errors import (
    CancelledError,
    Diagnostic,
    LeaseHeldError,
    RecordUnavailableError,
    Severity,
    WorksteadError,
)
from engine.core.model import Snapshot, require_whole
from engine.core.plan import count
from engine.patience import PatientLease, rescue
from engine.stack import Stack
from engine.state import backend as records
from engine.state import refusals
from engine.stop import Stop
from engine.telling import Telling

_WAITING_LOOKS_EVERY: Final = 0.5  # seconds between two attempts at a lease somebody else holds
_WAITING_TOLD_EVERY: Final = 60.0  # seconds after which the person is told again


class Tenure:
    """The record of one stack in the hands of one run.

    `wait`: how many seconds to wait for another run on the same stack to end; `message` stands in the history.
    """

    def __init__(self, stack: Stack, telling: Telling, stop: Stop, *, wait: float, message: str) -> None:
        self._stack = stack
        self._clock = stack.clock
        self._telling = telling
        self._stop = stop
        self._wait = wait
        self._message = message
        self._operation = ""
        self._lease: PatientLease | None = None

    @contextmanager
    def held(self, operation: str) -> Iterator[None]:
        """Hold the right to write; an unfinished deployment is ended as failed.

        Before that the whole record is looked over. Raises RecordError when its present snapshot is damaged.
        """
        condition = self._stack.record.check()
        refusals.require_present(self._stack.name, condition)
        if condition.damage:
            self._telling.told(refusals.damaged_history(condition))
        self._operation = operation
        self.take_up()
        try:
            yield
        finally:
            self.release()

    def take_up(self) -> None:
        """Take the lease, once more after a `release`."""
        holder = replace(self._stack.holder, operation=self._operation)
        lease = self._waited_for(lambda: self._stack.record.acquire(holder, seal=self._stack.seal))
        patience, told = self._stack.patience, self._telling.told
        self._lease = PatientLease(lease, self._clock, patience, told, lambda: self._stop.asked > 0)

    def release(self) -> None:
        """Give the lease back, if it is held."""
        if self._lease is not None:
            self._lease.release()
            self._lease = None

    def _waited_for(self, acquire: Callable[[], records.Lease]) -> records.Lease:
        """The lease, at once or, where the person is ready to wait for it, once whoever holds it has ended."""
        began = self._clock.monotonic()
        told_of, told_at = "", began
        while True:
            try:
                return acquire()
            except LeaseHeldError as held:
                now = self._clock.monotonic()
                if now - began >= self._wait:
                    raise
                if told_of != held.summary or now - told_at >= _WAITING_TOLD_EVERY:
                    told_of, told_at = held.summary, now
                    waited = f" (waiting for {now - began:.0f} s)" if now - began >= 1 else ""
                    text = f"Waiting: {held.summary}{waited}."
                    self._telling.told(Diagnostic(Severity.INFO, text, reference="lease-waiting"))
            self._clock.wait(threading.Event(), _WAITING_LOOKS_EVERY)
            if self._stop.asked:
                raise CancelledError(
                    "the run was stopped while it waited for another one; nothing was changed",
                    remedy="run the same command again",
                )

    @property
    def journal(self) -> PatientLease:
        """The lease this run writes under."""
        assert self._lease is not None
        return self._lease

    @property
    def guard(self) -> Callable[[], None]:
        """What raises LeaseLostError once somebody has taken over the lease held now; nothing does without a lease."""
        return self._lease.ensure if self._lease is not None else lambda: None

    @contextmanager
    def recording(self, kind: str) -> Iterator[Callable[[str], None]]:
        """A deployment in the history; the block says how it ended."""
        self._telling.done.clear()
        self.journal.start(records.Deployment(kind=kind, message=self._message, config=self._shown_config()))
        result = "failed"

        def ended(how: str) -> None:
            nonlocal result
            result = how

        try:
            yield ended
        finally:
            # Only now: what was running when the block ended has ended, too.
            self._telling.counts = count(self._telling.done)
            try:
                self.journal.finish(result, {op.value: number for op, number in self._telling.counts.items()})
            except RecordUnavailableError as error:
                raise self._kept_elsewhere(error) from error

    def _kept_elsewhere(self, error: RecordUnavailableError) -> RecordUnavailableError:
        """What was done and cannot be recorded goes into a file that `stack import` takes; the error that says so."""
        steps = self.journal.unwritten
        if not steps:
            return error
        told = f"{steps} {'step' if steps == 1 else 'steps'} ended in the cloud and"
        try:
            text = self._stack.exported(self.journal.snapshot())
        except WorksteadError as reason:  # such as a pass phrase that nobody gave
            return RecordUnavailableError(
                error.summary,
                why=f"{told} could not be recorded, nor put into a file: {reason.summary}.",
                remedy="free some space, then run again: what is pending is looked up in the cloud",
                reference=error.reference,
            )
        stamp = "".join(char for char in self._clock.stamp() if char.isdigit())[:14]
        name = f"workstead-{self._stack.name.stack}-unrecorded-{stamp}.json"
        file = rescue(text, name, (self._stack.root, Path.home()))
        return RecordUnavailableError(
            error.summary,
            why=f"{told} could not be recorded. The whole record as it should be, secrets sealed, is in "
            f"{file or 'the text above'}.",
            remedy=f"free some space, then `workstead stack import --stack {self._stack.name.stack} --file "
            f"{file or 'FILE'}`; or just run again: what is pending is looked up in the cloud",
            reference=error.reference,
        )

    def _shown_config(self) -> Mapping[str, Any]:
        return {
            key: {
                "value": "[secret]" if key in self._stack.secret_keys else text,
                "secret": key in self._stack.secret_keys,
            }
            for key, text in self._stack.config.items()
        }

    def load(self) -> Snapshot:
        """The record, whole and readable. Raises RecordError or CredentialsError when it is not."""
        sealed = self._stack.record.load()
        snapshot = self._stack.unseal(sealed)
        if snapshot is not sealed:
            for before, after in zip(sealed.resources, snapshot.resources, strict=True):
                if after is not before:
                    self._telling.secrecy.note_all(after.inputs)
                    self._telling.secrecy.note_all(after.outputs)
        if self._lease is not None:
            self._lease.starts_from(snapshot)
        return require_whole(snapshot)

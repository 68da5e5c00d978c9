"""Carries steps out: the only place with threads.

`Workers` runs work on a bounded number of threads, in the order a `Schedule` allows. `Executor` does one step: begin on
disk, provider call, end on disk, in that order and each before the next (house rule 3). A step whose outcome
is not known (a lost answer) keeps its begin: the next run looks the object up instead of making another.

Providers are plain synchronous code. They learn of time limits, cancellation and the person watching through
`contract.CALL`; code in this process cannot be interrupted safely from outside, so a limit takes effect where a
provider waits.

Left to others: what to do (`core.planner`), what an outcome means for the record (`core.results`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from engine.core import events, exchange, results
from engine.core.contract import CALL, CallContext, PartialFailure, Provider, ReadResult
from engine.core.errors import (
    CancelledError,
    CloudError,
    DeadlineError,
    InternalError,
    RecordError,
    StepFailedError,
    WorksteadError,
)
from engine.core.model import PendingKind, ResourceState, Write, is_provider_type
from engine.core.plan import Op, Step
from engine.core.planner import Look
from engine.core.schedule import Schedule, Skipped
from engine.core.values import reveal

T = TypeVar("T")


class NotStartedError(StepFailedError):
    """A piece of work was never started: another one failed, or the run was stopped."""

    reference = "not-started"

    def __init__(self, cause: Hashable | None) -> None:
        self.cause = "" if cause is None else str(cause)
        because = f"because {self.cause} failed" if self.cause else "because the run was stopped"
        super().__init__(f"not started {because}")


class Workers:
    """A bounded number of threads working off a schedule. Closed by leaving its `with` block."""

    def __init__(self, parallel: int, *, stop_on_failure: bool = True) -> None:
        self._schedule = Schedule()
        self._changed = threading.Condition()
        self._futures: dict[Hashable, Future[Any]] = {}
        self._stop_on_failure = stop_on_failure
        self._limit = max(parallel, 1)
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False

    def submit(
        self, name: Hashable, work: Callable[[], T], after: Collection[Hashable] = (), weight: float = 0.0
    ) -> Future[T]:
        """Run `work` once everything it comes after has succeeded; its future fails with NotStartedError if not."""
        future: Future[T] = Future()
        with self._changed:
            skipped = self._schedule.add(name, work, after, weight)
            if skipped is None:
                self._futures[name] = future
                if self._idle:
                    self._changed.notify()
                elif len(self._threads) < self._limit:
                    self._start_thread()
        if skipped is not None:
            future.set_exception(NotStartedError(skipped.cause))
        return future

    def stop(self) -> None:
        """Start nothing any more; what is running goes on."""
        with self._changed:
            futures = self._take(self._schedule.stop())
            self._changed.notify_all()
        _skip(futures)

    @property
    def stopped(self) -> bool:
        """Has the run been stopped?"""
        return self._schedule.stopped

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name=f"worker-{len(self._threads) + 1}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                while (task := self._schedule.next()) is None:
                    if self._closed:
                        return
                    self._idle += 1
                    self._changed.wait()
                    self._idle -= 1
            self._do(*task)

    def _do(self, name: Hashable, work: Callable[[], Any]) -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            result = work()
        except BaseException as problem:
            error = problem
        with self._changed:
            future = self._futures.pop(name)
            skipped = self._schedule.finished(name, error is None)
            if error is not None and (self._stop_on_failure or isinstance(error, RecordError)):
                skipped += self._schedule.stop()
            futures = self._take(skipped)
            self._changed.notify_all()
        # Outside the lock: whoever waits for these may submit more at once.
        _skip(futures)
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def _take(self, skipped: list[Skipped]) -> list[tuple[Future[Any], Hashable | None]]:
        return [(self._futures.pop(task.name), task.cause) for task in skipped if task.name in self._futures]


def _skip(futures: list[tuple[Future[Any], Hashable | None]]) -> None:
    for future, cause in futures:
        future.set_exception(NotStartedError(cause))


class Journal(Protocol):
    """Where begins and ends are made durable: a lease on a stack's record."""

    def new_key(self) -> int:
        """A row number nobody has used."""
        ...

    def begin(self, kind: PendingKind, state: ResourceState) -> int:
        """A provider call is about to be made."""
        ...

    def end(self, token: int | None, writes: Sequence[Write]) -> None:
        """It has ended, and this is what it led to."""
        ...


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, handed in: `monotonic` and `epoch` in seconds, `stamp` as RFC 3339 text."""

    monotonic: Callable[[], float]
    epoch: Callable[[], float]
    stamp: Callable[[], str]


class Caller:
    """Calls providers, each in the context it may look at: time left, cancellation, progress."""

    def __init__(self, emit: events.Watcher, clock: Clock) -> None:
        self._emit = emit
        self._clock = clock
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Make every provider that waits give up now, and let nobody call any more."""
        self._cancelled.set()

    def look(self, look: Look, provider: Provider, timeout: float = 0) -> ReadResult:
        """Read the object a decision waits for."""
        state = ResourceState(urn=look.urn, type=look.type, custom=True, id=look.id, inputs=look.inputs)
        step = Step(op=Op.READ, urn=look.urn, new=state)
        return self.ask(step, timeout, lambda: provider.read(look.id, dict(reveal(look.inputs))))

    def ask(self, step: Step, timeout: float, call: Callable[[], T]) -> T:
        """A provider's answer to a call of at most `timeout` seconds (0: the provider's own limit)."""
        if self._cancelled.is_set():
            raise CancelledError("the run was stopped before this call", urn=step.urn, remedy="run the command again")
        started = self._clock.monotonic()
        context = CallContext(
            urn=step.urn,
            operation=step.op.value,
            clock=self._clock.monotonic,
            wait=self._cancelled.wait,
            report=lambda text: self._emit(events.StepProgressed(step, text, self._clock.epoch())),
            deadline=started + timeout if timeout else None,
            started=started,
        )
        token = CALL.set(context)
        try:
            return exchange.ask(step.urn, step.op.value, call)
        finally:
            CALL.reset(token)


class Executor:
    """Does steps, one call at a time per thread.

    `concluded(step, state)` is told of each end; `new_id` gives the IDs of provider resources.
    """

    def __init__(
        self,
        caller: Caller,
        journal: Journal,
        provider_of: Callable[[ResourceState], Provider],
        concluded: Callable[[Step, ResourceState | None], None],
        emit: events.Watcher,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._ask = caller.ask
        self._journal = journal
        self._provider_of = provider_of
        self._concluded = concluded
        self._emit = emit
        self._clock = clock
        self._new_id = new_id

    def carry_out(self, steps: Sequence[Step]) -> ResourceState | None:
        """Do the steps of one resource in order; the state the last one leaves.

        Raises StepFailedError, after having told the watchers, when one fails; the rest are not started.
        """
        state: ResourceState | None = None
        for step in steps:
            state = self._do(_following(step, state))
        return state

    def _do(self, step: Step) -> ResourceState | None:
        self._emit(events.StepBegan(step, self._clock.epoch()))
        try:
            state = self._act(step)
        except WorksteadError as error:
            error.urn = error.urn or step.urn
            recorded = isinstance(error, PartialFailure)
            self._emit(events.StepFailed(step, error.diagnostic(), self._clock.epoch(), recorded))
            if isinstance(error, RecordError):
                raise
            raise StepFailedError(f"{step.op} failed", urn=step.urn) from error
        self._concluded(step, state)
        self._emit(events.StepEnded(replace(step, new=state), self._clock.epoch()))
        return state

    def _act(self, step: Step) -> ResourceState | None:
        if step.op is Op.REPLACE:
            return step.new
        kind = results.pending(step)
        token = self._journal.begin(kind, _begun(step)) if kind is not None else None
        key = self._journal.new_key() if step.op.creates and not (step.new and step.new.key) else 0
        try:
            state = self._call(step, key)
        except PartialFailure as failure:
            left = self._partial(step, failure, key)
            self._journal.end(token, results.writes(step, left))
            raise
        except WorksteadError as error:
            if token is not None and not _outcome_unknown(error):
                self._journal.end(token, ())
            raise
        changed = results.writes(step, state)
        if changed or token is not None:
            self._journal.end(token, changed)
        return state

    def _partial(self, step: Step, failure: PartialFailure, key: int) -> ResourceState:
        if step.op is Op.UPDATE:
            return results.partly_updated(step, failure, self._clock.stamp())
        return results.partly_created(step, failure, key, self._clock.stamp())

    def _call(self, step: Step, key: int) -> ResourceState | None:
        """The state the step ends with; reaches the provider if the step does."""
        now = self._clock.stamp()
        new, old = step.new, step.old
        reaches = results.calls_provider(step)
        if step.op in (Op.CREATE, Op.CREATE_REPLACEMENT):
            assert new is not None
            if not reaches:
                id_ = self._new_id() if is_provider_type(new.type) else ""
                return results.created(step, id_, None, key, now)
            provider, properties = self._provider_of(new), dict(reveal(new.inputs))
            made = self._ask(step, new.options.custom_timeouts.create, lambda: provider.create(properties))
            return results.created(step, made.id, made.outs, key, now)
        if step.op is Op.UPDATE:
            assert new is not None
            assert old is not None
            if not reaches:
                return new.but(modified=now)
            provider, properties = self._provider_of(new), dict(reveal(new.inputs))
            before = dict(reveal(old.outputs))
            changed = self._ask(
                step, new.options.custom_timeouts.update, lambda: provider.update(old.id, before, properties)
            )
            return results.updated(step, changed.outs, now)
        if step.op.deletes:
            assert old is not None
            if reaches:
                provider, before = self._provider_of(old), dict(reveal(old.outputs))
                self._ask(step, old.options.custom_timeouts.delete, lambda: provider.delete(old.id, before))
            return new
        assert new is not None
        return new.but(key=key or new.key, created=new.created or now, modified=now) if step.op.creates else new


def _outcome_unknown(error: WorksteadError) -> bool:
    """May the call have had its effect all the same? Then its begin stays, and the next run looks."""
    if isinstance(error, CloudError):
        return error.uncertain or isinstance(error, DeadlineError)
    return isinstance(error, CancelledError | InternalError)


def _begun(step: Step) -> ResourceState:
    """What a pending operation holds: the resource as it will be; of a delete, as it is."""
    if step.op.deletes:
        assert step.old is not None
        return step.old
    assert step.new is not None
    return step.new


def _following(step: Step, before: ResourceState | None) -> Step:
    """An update straight after an import starts from the imported row, which has its key only now."""
    if step.op is Op.UPDATE and before is not None and step.new is not None:
        return replace(step, old=before, new=step.new.but(id=before.id, key=before.key, created=before.created))
    return step

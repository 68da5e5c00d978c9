"""Carries steps out: the only place with threads of its own.

One loop starts what it may and then waits for a result (house rule 13; Ninja's `Builder::Build`). In each turn it
takes what has come in, writes all begins and ends that follow from it in *one* durable commit, and only then makes the
calls and tells the results. So every begin is on disk before its call and every end before anything that depends on it
(house rule 3), at a cost shared by everything that happened meanwhile. Provider calls run on a bounded number of worker
threads, which do nothing else.

A step whose outcome is not known (a lost answer) keeps its begin: the next run looks the object up instead of making
another. A call takes notice of its limits where its provider waits (`caller`). One that does not wait, and is still
away when its time is long over or the run was given up, is abandoned: its thread is left to itself, its step has failed
with an unknown outcome, and the run goes on or ends.

Left to others: what to do (`core.planner`), in which order (`core.schedule`), what a step asks of its provider and an
answer leaves (`work`), asking it (`caller`), what an outcome means for the record (`core.results`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Any, Final, Protocol, TypeVar

from engine.caller import HERE, Away, Caller, NotCalledError
from engine.clock import Clock
from engine.core import events, exchange, results
from engine.core.contract import PartialFailure, Provider
from engine.core.errors import (
    CancelledError,
    CloudError,
    DeadlineError,
    InternalError,
    LeaseLostError,
    RecordError,
    RecordUnavailableError,
    StepFailedError,
    WorksteadError,
)
from engine.core.model import Begin, End, Entry, PendingKind, ResourceState, Write
from engine.core.plan import Step
from engine.core.schedule import Schedule, Skipped
from engine.hands import Hands, Threads
from engine.promise import Promise
from engine.work import Call, Chain, Record, Work

T = TypeVar("T")

LOOK_AGAIN: Final = 0.25
"""Seconds after which the loop looks whether a call is overdue."""


class NotStartedError(StepFailedError):
    """Work was never started: something before it failed, or the run was stopped."""

    reference = "not-started"

    def __init__(self, cause: str) -> None:
        self.cause = cause
        because = f"because {cause} failed" if cause else "because the run was stopped"
        super().__init__(f"not started {because}")


class Journal(Protocol):
    """Where begins and ends are made durable: a lease on a stack's record."""

    def new_key(self) -> int:
        """A row number nobody has used."""
        ...

    def record(self, entries: Sequence[Entry]) -> Sequence[int]:
        """Make all entries durable as one; the tokens of the begins among them, in order."""
        ...


# --- messages to the loop ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Returned:
    """A call has come back; or `instead` of it, because nobody waits for it any more."""

    work: Call | Chain
    result: Any = None
    error: BaseException | None = None
    instead: bool = False


@dataclass(frozen=True, slots=True)
class _Submitted:
    work: Work
    after: Collection[Hashable]
    weight: float


@dataclass(frozen=True, slots=True)
class _Abandon:
    seconds: float


_STOP = object()
_CLOSE = object()


# --- the executor -----------------------------------------------------------------------------------------------------


class Executor:
    """The loop. Use it in a `with` block: leaving it starts nothing more and waits for what runs and is not abandoned.

    `provider_of(state)` finds providers, `concluded(step, state)` is told of each end before anybody else, `new_id`
    gives the IDs of provider resources, `clean(error)` takes secrets out of a failure's text. Without a
    journal only calls can be submitted (a preview). `hands` do the work.
    """

    def __init__(
        self,
        caller: Caller,
        emit: events.Watcher,
        clock: Clock,
        *,
        parallel: int,
        stop_on_failure: bool,
        journal: Journal | None = None,
        provider_of: Callable[[ResourceState], Provider] | None = None,
        concluded: Callable[[Step, ResourceState | None], None] = lambda _step, _state: None,
        new_id: Callable[[], str] = str,
        clean: Callable[[WorksteadError], None] = lambda _error: None,
        hands: Hands | None = None,
    ) -> None:
        self._caller = caller
        self._emit = emit
        self._clock = clock
        self._journal = journal
        self._provider_of = provider_of
        self._concluded = concluded
        self._new_id = new_id
        self._clean = clean
        self._parallel = max(parallel, 1)
        self._stop_on_failure = stop_on_failure
        self._schedule = Schedule()
        self._inbox: SimpleQueue[Any] = SimpleQueue()
        self._hands = hands or Threads()
        self._calling = 0
        self._away: dict[Call | Chain, Away] = {}
        self._given_up_at: float | None = None
        self._closing = False
        self._unsettled: set[Work] = set()
        self._culprits: dict[Hashable, str] = {}

    # --- what others ask ----------------------------------------------------------------------------------------------

    def carry_out(
        self, name: Hashable, steps: Sequence[Step], after: Collection[Hashable] = (), weight: float = 0.0
    ) -> Promise[ResourceState | None]:
        """Do the steps of one resource once everything they come after has been done.

        The state the last one leaves; StepFailedError, after the watchers were told, when one fails; NotStartedError.
        """
        return self._submit(Chain(name, self._promise(), steps), after, weight)

    def call(self, name: Hashable, call: Callable[[], T]) -> Promise[T]:
        """Run something that changes nothing on a worker thread."""
        return self._submit(Call(name, self._promise(), call))

    def write(self, name: Hashable, writes: tuple[Write, ...]) -> Promise[None]:
        """Change the record where no call stands behind it."""
        return self._submit(Record(name, self._promise(), writes))

    def _submit(self, work: Work, after: Collection[Hashable] = (), weight: float = 0.0) -> Promise[Any]:
        self._send(_Submitted(work, after, weight))
        return work.promise

    def _promise(self) -> Promise[Any]:
        return Promise(self._hands.advance)

    def stop(self) -> None:
        """Start nothing any more; what is running goes on."""
        self._send(_STOP)

    def _send(self, message: Any) -> None:
        self._inbox.put(message)
        self._hands.woken()

    def abandon(self, seconds: float) -> None:
        """Start nothing any more; what is not back in so many seconds is abandoned."""
        self._send(_Abandon(seconds))

    def __enter__(self) -> Executor:
        self._hands.start(self._run, self._try_turn)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._send(_CLOSE)
        self._hands.join()

    # --- the loop -----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not (self._closing and not self._schedule.running):
                self._turn()
        except BaseException as error:
            self._give_up(error)

    def _try_turn(self) -> bool:
        """Take a turn if anything has come in."""
        if self._inbox.empty():
            return False
        self._turn()
        return True

    def _turn(self) -> None:
        entries: list[tuple[Entry, Work]] = []
        for message in self._arrived():
            self._take(message, entries)
        self._start(entries)
        while entries:
            # What is told of an end may have unlocked more, so start again before waiting.
            ready = self._commit(entries)
            entries = []
            for work in ready:
                self._go_on(work, entries)
            self._start(entries)

    def _give_up(self, error: BaseException) -> None:
        """The loop itself has failed, which is a bug: nobody may wait for ever for what it will not do any more."""
        problem = error if isinstance(error, WorksteadError) else InternalError(f"{type(error).__name__}: {error}")
        problem.__cause__ = None if problem is error else error
        for work in list(self._unsettled):
            self._settle(work, error=problem)
        while not self._closing:
            message = self._inbox.get()
            if isinstance(message, _Submitted):
                message.work.promise.settle(None, problem)
            self._closing = message is _CLOSE

    def _arrived(self) -> Iterator[Any]:
        """Everything that has come in; waits for the first, but not for calls that are overdue."""
        try:
            yield self._inbox.get(timeout=self._until_a_look())
        except Empty:
            yield from self._overdue()
        while True:
            try:
                yield self._inbox.get_nowait()
            except Empty:
                return

    def _until_a_look(self) -> float | None:
        """Seconds until somebody could be overdue; None while nobody is away."""
        if not self._away:
            return None
        if self._given_up_at is None:
            return LOOK_AGAIN
        return min(LOOK_AGAIN, max(0.0, self._given_up_at - self._clock.monotonic()))

    def _overdue(self) -> Iterator[_Returned]:
        """What stands in for the answers of calls that are not waited for any more."""
        now = self._clock.monotonic()
        given_up = self._given_up_at is not None and now >= self._given_up_at
        for work, away in list(self._away.items()):
            if given_up or away.overdue(now):
                yield _Returned(work, error=_abandoned(work, away, given_up), instead=True)

    def _take(self, message: Any, entries: list[tuple[Entry, Work]]) -> None:
        if isinstance(message, _Submitted):
            self._unsettled.add(message.work)
            skipped = self._schedule.add(message.work.name, message.work, message.after, message.weight)
            if skipped is not None:
                self._skip([skipped])
        elif isinstance(message, _Returned):
            if not message.instead:
                self._calling -= 1
            if self._away.pop(message.work, None) is None:
                self._came_late(message)
            else:
                self._returned(message, entries)
        elif isinstance(message, _Abandon):
            self._given_up_at = self._clock.monotonic() + message.seconds
            self._skip(self._schedule.stop())
        else:
            self._closing = self._closing or message is _CLOSE
            self._skip(self._schedule.stop())

    def _start(self, entries: list[tuple[Entry, Work]]) -> None:
        """Start whatever may start: begins into `entries`, calls that need none to the workers."""
        while self._schedule.running < self._parallel and (task := self._schedule.next()) is not None:
            work: Work = task[1]
            if isinstance(work, Call):
                self._hand_out(work, work.call)
            elif isinstance(work, Record):
                entries.append((End(None, work.writes), work))
            elif isinstance(work, Chain):
                self._begin(work, entries)

    def _commit(self, entries: list[tuple[Entry, Work]]) -> list[Work]:
        """Make the entries durable, then act on them: make the calls, tell the ends. The work that goes on."""
        assert self._journal is not None
        try:
            tokens = iter(self._journal.record([entry for entry, _ in entries]))
        except (RecordUnavailableError, LeaseLostError) as error:
            self._unrecorded(entries, error)
            return []
        except WorksteadError as error:
            if len(entries) > 1:  # one that no record can hold must not take the others with it
                return [work for entry in entries for work in self._commit([entry])]
            self._unrecorded(entries, error)
            return []
        ended: list[Work] = []
        for entry, work in entries:
            if isinstance(entry, Begin):
                assert isinstance(work, Chain)
                work.token = next(tokens)
                self._make_call(work)
            else:
                ended.append(work)
        return ended

    def _unrecorded(self, entries: list[tuple[Entry, Work]], error: WorksteadError) -> None:
        """The record cannot be written: whatever depended on it fails, and no further call is made."""
        self._stop_for(error)
        for _, work in entries:
            if isinstance(work, Chain):
                self._tell_failure(work.step, error)
            self._finish(work, error=error)

    def _stop_for(self, error: BaseException | None) -> None:
        """Start nothing any more; where the record is somebody else's by now, what waits gives up too."""
        self._skip(self._schedule.stop())
        if isinstance(error, LeaseLostError):
            self._caller.cancel()

    # --- steps --------------------------------------------------------------------------------------------------------

    def _begin(self, chain: Chain, entries: list[tuple[Entry, Work]]) -> None:
        """Take up the next step of a chain."""
        step = chain.take_up()
        assert self._journal is not None
        chain.key = self._journal.new_key() if chain.makes_a_row else 0
        self._emit(events.StepBegan(step, self._clock.epoch()))
        kind = results.pending(step)
        if kind is None:
            self._ended(chain, chain.without_call(self._new_id, self._clock.stamp()), entries)
        else:
            entries.append((Begin(kind, chain.begun()), chain))

    def _make_call(self, chain: Chain) -> None:
        step, state, provider_of = chain.step, chain.begun(), self._provider_of
        assert provider_of is not None
        call, timeout = chain.call()
        # There may be no provider (any more), or it may refuse its settings: that fails this step only.
        self._hand_out(chain, lambda: self._caller.ask(step, timeout, lambda: call(provider_of(state))))

    def _returned(self, returned: _Returned, entries: list[tuple[Entry, Work]]) -> None:
        work, error = returned.work, returned.error
        if isinstance(work, Call):
            self._finish(work, returned.result, error)
        elif error is not None:
            self._failed(work, error, entries)
        else:
            try:
                now = self._clock.stamp()
                after = exchange.ask(work.step.urn, work.step.op, lambda: work.state_after(returned.result, now))
            except WorksteadError as problem:
                self._failed(work, problem, entries)
            else:
                self._ended(work, after, entries)

    def _came_late(self, returned: _Returned) -> None:
        """An abandoned call has come back after all: its step has failed, but what it says is recorded."""
        chain, error = returned.work, returned.error
        if not isinstance(chain, Chain) or chain.token is None:
            return
        assert self._journal is not None
        try:
            if error is None:
                writes = results.writes(chain.step, chain.state_after(returned.result, self._clock.stamp()))
            elif isinstance(error, PartialFailure) and not chain.step.op.deletes:
                writes = results.writes(chain.step, chain.left_unfinished(error, self._clock.stamp()))
            elif not isinstance(error, WorksteadError) or _outcome_unknown(error):
                return
            else:
                writes = ()
            self._journal.record([End(chain.token, writes)])
        except WorksteadError as problem:
            # The failure of the step was told already, and its begin stays, so the next run settles it.
            self._emit(events.Told(problem.diagnostic(), self._clock.epoch()))

    def _ended(self, chain: Chain, state: ResourceState | None, entries: list[tuple[Entry, Work]]) -> None:
        """A step has done its work; it counts once that is recorded."""
        chain.state = state
        writes = results.writes(chain.step, state)
        if writes or chain.token is not None:
            entries.append((End(chain.token, writes), chain))
        else:
            self._go_on(chain, entries)

    def _go_on(self, work: Work, entries: list[tuple[Entry, Work]]) -> None:
        """Something is recorded: tell it, and take up what comes next in its chain."""
        if not isinstance(work, Chain):
            self._finish(work)
            return
        self._concluded(work.step, work.state)
        self._emit(events.StepEnded(replace(work.step, new=work.state), self._clock.epoch()))
        if work.left:
            self._begin(work, entries)
        else:
            self._finish(work, work.state)

    def _failed(self, chain: Chain, error: BaseException, entries: list[tuple[Entry, Work]]) -> None:
        """A step has failed: record what is known of it, tell it, and give the chain up."""
        step = chain.step
        problem = error if isinstance(error, WorksteadError) else InternalError(str(error) or repr(error))
        problem.urn = problem.urn or step.urn
        self._clean(problem)
        writes: tuple[Write, ...] = ()
        under_way: list[Entry] = []
        if isinstance(problem, PartialFailure) and not step.op.deletes:
            try:
                left = chain.left_unfinished(problem, self._clock.stamp())
                writes = results.writes(step, left)
                if problem.uncertain:  # It may still change: the next run waits for that, and looks.
                    under_way.append(Begin(PendingKind.UPDATING, left))
            except WorksteadError as without_id:
                problem = without_id
        if writes or (chain.token is not None and not _outcome_unknown(problem)):
            assert self._journal is not None
            try:
                self._journal.record([End(chain.token, writes), *under_way])
            except WorksteadError as unrecorded:
                problem, writes = unrecorded, ()
                self._stop_for(problem)
        self._tell_failure(step, problem, recorded=bool(writes))
        if isinstance(problem, RecordError):
            self._finish(chain, error=problem)
            return
        failure = StepFailedError(f"{step.op} failed", urn=step.urn)
        failure.__cause__ = problem
        self._finish(chain, error=failure)

    def _tell_failure(self, step: Step, problem: WorksteadError, recorded: bool = False) -> None:
        self._emit(events.StepFailed(step, problem.diagnostic(), self._clock.epoch(), recorded))

    # --- ends ---------------------------------------------------------------------------------------------------------

    def _finish(self, work: Work, result: Any = None, error: BaseException | None = None) -> None:
        if error is not None and isinstance(work, Chain):
            self._culprits[work.name] = work.step.urn
        skipped = self._schedule.finished(work.name, error is None)
        if isinstance(error, LeaseLostError):
            self._stop_for(error)
        elif error is not None and self._stop_on_failure and not isinstance(work, Call):
            skipped += self._schedule.stop()
        self._settle(work, result, error)
        self._skip(skipped)

    def _skip(self, skipped: Iterable[Skipped]) -> None:
        for task in skipped:
            cause = self._culprits.get(task.cause, "")
            if isinstance(task.work, Chain):
                self._emit(events.StepSkipped(task.work.step, cause, self._clock.epoch()))
            self._settle(task.work, error=NotStartedError(cause))

    def _settle(self, work: Work, result: Any = None, error: BaseException | None = None) -> None:
        self._unsettled.discard(work)
        work.promise.settle(result, error)

    # --- calls --------------------------------------------------------------------------------------------------------

    def _hand_out(self, work: Call | Chain, call: Callable[[], Any]) -> None:
        away = self._away[work] = Away()

        def task() -> None:
            HERE.away = away
            try:
                returned = _Returned(work, call())
            except BaseException as error:
                returned = _Returned(work, error=error)
            self._send(returned)

        self._calling += 1
        self._hands.call(task, self._calling)


def _abandoned(work: Work, away: Away, given_up: bool) -> WorksteadError:
    """Why a call is not waited for any more."""
    doing = f"{work.step.op}" if isinstance(work, Chain) else "a call"
    why = "The call could not be interrupted. The cloud may carry it out all the same."
    if given_up:
        return CancelledError(
            f"{doing} had not ended when the run was given up", why=why, remedy="run again: it is looked up then"
        )
    limit = "its time limit was over" if away.deadline is not None else "it should long have been answered"
    return DeadlineError(
        f"{doing} did not come back when {limit}",
        uncertain=True,
        why=why,
        remedy="run again: it is looked up then; give longer custom_timeouts if it needs more time",
    )


def _outcome_unknown(error: WorksteadError) -> bool:
    """May the call have had its effect all the same? Then its begin stays, and the next run looks."""
    if isinstance(error, CloudError):
        return error.uncertain or isinstance(error, DeadlineError)
    if isinstance(error, NotCalledError):
        return False
    return isinstance(error, CancelledError | InternalError | LeaseLostError)

"""Carries steps out: the only place with threads of its own.

One loop starts what it may and then waits for a result (house rule 13; Ninja's `Builder::Build`). In each turn it
takes what has come in, writes all begins and ends that follow from it in *one* durable commit, and only then makes the
calls and tells the results. So every begin is on disk before its call and every end before anything that depends on it
(house rule 3), at a cost shared by everything that happened meanwhile. Provider calls run on a bounded number of worker
threads, which do nothing else.

A step whose outcome is not known (a lost answer) keeps its begin: the next run looks the object up instead of making
another. Providers are plain synchronous code and learn of time limits, cancellation and the person watching through
`contract.CALL`; code in this process cannot be interrupted safely from outside, so a limit takes effect where a
provider waits. One that does not wait, and is still away when its time is long over or the run was given up, is
abandoned: its thread is left to itself, its step has failed with an unknown outcome, and the run goes on or ends.

Left to others: what to do (`core.planner`), in which order (`core.schedule`), what an outcome means for the record
(`core.results`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, Protocol, TypeVar, cast

from engine.clock import Clock
from engine.core import events, exchange, results
from engine.core.contract import CALL, GONE, CallContext, LocatingProvider, PartialFailure, Provider, ReadResult
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
from engine.core.model import Begin, End, Entry, PendingKind, ResourceState, Write, is_provider_type
from engine.core.plan import Op, Step
from engine.core.planner import Look
from engine.core.schedule import Schedule, Skipped
from engine.core.values import reveal
from engine.hands import Hands, Threads

T = TypeVar("T")

OVERDUE: Final = 5.0
"""Seconds that a provider has after its time limit to come back with its own error, which says more than ours."""
LOOK_AGAIN: Final = 0.25
"""Seconds after which the loop looks whether a call is overdue."""


class NotStartedError(StepFailedError):
    """Work was never started: something before it failed, or the run was stopped."""

    reference = "not-started"

    def __init__(self, cause: str) -> None:
        self.cause = cause
        because = f"because {cause} failed" if cause else "because the run was stopped"
        super().__init__(f"not started {because}")


class NotCalledError(CancelledError):
    """A provider was not asked any more, because the run had been given up: nothing has happened."""


class Promise(Generic[T]):
    """A result that is not there yet. `then` calls back once: from the executor's loop, or at once if it is there.

    `advance`, if there is one, brings the work forward and is called again and again by whoever waits.
    """

    __slots__ = ("_advance", "_callbacks", "_lock", "_outcome")

    def __init__(self, advance: Callable[[], None] | None = None) -> None:
        self._advance = advance
        self._lock = threading.Lock()
        self._outcome: tuple[T | None, BaseException | None] | None = None
        self._callbacks: list[Callable[[T | None, BaseException | None], None]] = []

    def then(self, callback: Callable[[T | None, BaseException | None], None]) -> None:
        """Call back with (result, None) or (None, error)."""
        with self._lock:
            if self._outcome is None:
                self._callbacks.append(callback)
                return
        callback(*self._outcome)

    def settle(self, result: T | None, error: BaseException | None = None) -> None:
        """Give the result or the error; called once."""
        with self._lock:
            self._outcome = (result, error)
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(result, error)

    def wait(self) -> T:
        """The result, once it is there. Raises the error."""
        if self._advance is None:
            there = threading.Event()
            self.then(lambda _result, _error: there.set())
            there.wait()
        else:
            while self._outcome is None:
                self._advance()
        assert self._outcome is not None
        result, error = self._outcome
        if error is not None:
            raise error
        return result  # type: ignore[return-value]


class Journal(Protocol):
    """Where begins and ends are made durable: a lease on a stack's record."""

    def new_key(self) -> int:
        """A row number nobody has used."""
        ...

    def record(self, entries: Sequence[Entry]) -> Sequence[int]:
        """Make all entries durable as one; the tokens of the begins among them, in order."""
        ...


class Caller:
    """Calls providers, each in the context it may look at: time left, cancellation, progress.

    `ensure` raises when this process may not call any more, because another one has taken its lease over; it is asked
    at the last moment before each call, whenever a provider has waited, and by our providers before each request.
    """

    def __init__(self, emit: events.Watcher, clock: Clock, ensure: Callable[[], None] = lambda: None) -> None:
        self._emit = emit
        self._ensure = ensure
        self._clock = clock
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Make every provider that waits give up now, and let nobody call any more."""
        self._cancelled.set()

    def look(self, look: Look, provider: Provider, timeout: float = 0) -> ReadResult:
        """Read the object a decision waits for; without an ID the one that bears the declared name, if there is one."""
        inputs = dict(reveal(look.inputs))

        def read() -> ReadResult:
            id_ = look.id or cast("LocatingProvider", provider).locate(inputs)
            return provider.read(id_, inputs) if id_ else GONE

        state = ResourceState(urn=look.urn, type=look.type, custom=True, id=look.id, inputs=look.inputs)
        step = Step(op=Op.READ, urn=look.urn, new=state)
        return self.ask(step, timeout, read)

    def ask(self, step: Step, timeout: float, call: Callable[[], T]) -> T:
        """A provider's answer to a call of at most `timeout` seconds (0: the provider's own limit)."""
        if self._cancelled.is_set():
            raise NotCalledError("the run was stopped before this call", urn=step.urn, remedy="run the command again")
        self._require_lease()
        started = self._clock.monotonic()
        away: _Away = getattr(_HERE, "away", None) or _Away()
        away.deadline = started + timeout if timeout else None

        def expect(seconds: float | None) -> None:
            away.back_by = None if seconds is None else self._clock.monotonic() + seconds

        context = CallContext(
            urn=step.urn,
            operation=step.op.value,
            clock=self._clock.monotonic,
            wait=self._waited,
            report=lambda text: self._emit(events.StepProgressed(step, text, self._clock.epoch())),
            deadline=away.deadline,
            started=started,
            expect=expect,
            ensure=self._ensure_meanwhile,
        )
        token = CALL.set(context)
        try:
            return exchange.ask(step.urn, step.op.value, call)
        finally:
            CALL.reset(token)

    def _require_lease(self) -> None:
        try:
            self._ensure()
        except LeaseLostError:
            self.cancel()
            raise

    def _waited(self, seconds: float) -> bool:
        """Let time pass for a provider; True when it shall give up."""
        if self._clock.wait(self._cancelled, seconds):
            return True
        self._ensure_meanwhile()
        return False

    def _ensure_meanwhile(self) -> None:
        """Like the question before a call; but a record that cannot be written now ends none that is under way."""
        try:
            self._require_lease()
        except RecordUnavailableError:
            return


class _Away:
    """A call that a worker is on: until when it must be back by what the customer says, and by what it said itself."""

    __slots__ = ("back_by", "deadline")

    def __init__(self) -> None:
        self.deadline: float | None = None
        self.back_by: float | None = None

    def overdue(self, now: float) -> bool:
        """Is it so late that nobody should wait any more?"""
        return any(limit is not None and now >= limit + OVERDUE for limit in (self.deadline, self.back_by))


_HERE = threading.local()


# --- work -------------------------------------------------------------------------------------------------------------


class _Work:
    """One piece of work under a name: a call, a write, or a chain of steps."""

    __slots__ = ("name", "promise")

    def __init__(self, name: Hashable, promise: Promise[Any]) -> None:
        self.name = name
        self.promise = promise


class _Call(_Work):
    """A call that leaves record and cloud as they are: a look, an observation."""

    __slots__ = ("call",)

    def __init__(self, name: Hashable, promise: Promise[Any], call: Callable[[], Any]) -> None:
        super().__init__(name, promise)
        self.call = call


class _Record(_Work):
    """A change of the record that no call stands behind."""

    __slots__ = ("writes",)

    def __init__(self, name: Hashable, promise: Promise[Any], writes: tuple[Write, ...]) -> None:
        super().__init__(name, promise)
        self.writes = writes


class _Chain(_Work):
    """The steps of one resource, done one after the other."""

    __slots__ = ("key", "left", "state", "step", "token")

    def __init__(self, name: Hashable, promise: Promise[Any], steps: Sequence[Step]) -> None:
        super().__init__(name, promise)
        self.left = list(steps)
        self.step: Step = steps[0]
        self.state: ResourceState | None = None
        self.token: int | None = None
        self.key = 0


@dataclass(frozen=True, slots=True)
class _Returned:
    """A call has come back; or `instead` of it, because nobody waits for it any more."""

    work: _Call | _Chain
    result: Any = None
    error: BaseException | None = None
    instead: bool = False


@dataclass(frozen=True, slots=True)
class _Submitted:
    work: _Work
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
        self._away: dict[_Call | _Chain, _Away] = {}
        self._given_up_at: float | None = None
        self._closing = False
        self._unsettled: set[_Work] = set()
        self._culprits: dict[Hashable, str] = {}

    # --- what others ask ----------------------------------------------------------------------------------------------

    def carry_out(
        self, name: Hashable, steps: Sequence[Step], after: Collection[Hashable] = (), weight: float = 0.0
    ) -> Promise[ResourceState | None]:
        """Do the steps of one resource once everything they come after has been done.

        The state the last one leaves; StepFailedError, after the watchers were told, when one fails; NotStartedError.
        """
        return self._submit(_Chain(name, self._promise(), steps), after, weight)

    def call(self, name: Hashable, call: Callable[[], T]) -> Promise[T]:
        """Run something that changes nothing on a worker thread."""
        return self._submit(_Call(name, self._promise(), call))

    def write(self, name: Hashable, writes: tuple[Write, ...]) -> Promise[None]:
        """Change the record where no call stands behind it."""
        return self._submit(_Record(name, self._promise(), writes))

    def _submit(self, work: _Work, after: Collection[Hashable] = (), weight: float = 0.0) -> Promise[Any]:
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
        entries: list[tuple[Entry, _Work]] = []
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

    def _take(self, message: Any, entries: list[tuple[Entry, _Work]]) -> None:
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

    def _start(self, entries: list[tuple[Entry, _Work]]) -> None:
        """Start whatever may start: begins into `entries`, calls that need none to the workers."""
        while self._schedule.running < self._parallel and (task := self._schedule.next()) is not None:
            work: _Work = task[1]
            if isinstance(work, _Call):
                self._hand_out(work, work.call)
            elif isinstance(work, _Record):
                entries.append((End(None, work.writes), work))
            elif isinstance(work, _Chain):
                self._begin(work, entries)

    def _commit(self, entries: list[tuple[Entry, _Work]]) -> list[_Work]:
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
        ended: list[_Work] = []
        for entry, work in entries:
            if isinstance(entry, Begin):
                assert isinstance(work, _Chain)
                work.token = next(tokens)
                self._make_call(work)
            else:
                ended.append(work)
        return ended

    def _unrecorded(self, entries: list[tuple[Entry, _Work]], error: WorksteadError) -> None:
        """The record cannot be written: whatever depended on it fails, and no further call is made."""
        self._stop_for(error)
        for _, work in entries:
            if isinstance(work, _Chain):
                self._tell_failure(work.step, error)
            self._finish(work, error=error)

    def _stop_for(self, error: BaseException | None) -> None:
        """Start nothing any more; where the record is somebody else's by now, what waits gives up too."""
        self._skip(self._schedule.stop())
        if isinstance(error, LeaseLostError):
            self._caller.cancel()

    # --- steps --------------------------------------------------------------------------------------------------------

    def _begin(self, chain: _Chain, entries: list[tuple[Entry, _Work]]) -> None:
        """Take up the next step of a chain."""
        step = chain.step = _following(chain.left.pop(0), chain.state)
        chain.token = None
        chain.key = self._new_key(step)
        self._emit(events.StepBegan(step, self._clock.epoch()))
        kind = results.pending(step)
        if kind is None:
            self._ended(chain, self._without_call(chain), entries)
        else:
            entries.append((Begin(kind, _begun(step)), chain))

    def _new_key(self, step: Step) -> int:
        assert self._journal is not None
        return self._journal.new_key() if step.op.creates and not (step.new and step.new.key) else 0

    def _without_call(self, chain: _Chain) -> ResourceState | None:
        step, now = chain.step, self._clock.stamp()
        new = step.new
        if step.op in (Op.CREATE, Op.CREATE_REPLACEMENT):
            assert new is not None
            return results.created(step, self._new_id() if is_provider_type(new.type) else "", None, chain.key, now)
        if new is None or step.op in (Op.SAME, Op.REPLACE):
            return new
        return new.but(key=chain.key or new.key, created=new.created or now, modified=now)

    def _make_call(self, chain: _Chain) -> None:
        step = chain.step
        state = step.old if step.op.deletes else step.new
        assert state is not None
        provider_of, limits, inputs = self._provider_of, state.options.custom_timeouts, dict(reveal(state.inputs))
        assert provider_of is not None
        if step.op.deletes:
            timeout, recorded = limits.delete, dict(reveal(state.outputs))
            call: Callable[[Provider], Any] = lambda provider: provider.delete(state.id, recorded)  # noqa: E731
        elif step.op is Op.UPDATE:
            assert step.old is not None
            timeout, recorded, id_ = limits.update, dict(reveal(step.old.outputs)), step.old.id
            call = lambda provider: provider.update(id_, recorded, inputs)  # noqa: E731
        else:
            timeout = limits.create
            call = lambda provider: provider.create(inputs)  # noqa: E731
        # There may be no provider (any more), or it may refuse its settings: that fails this step only.
        self._hand_out(chain, lambda: self._caller.ask(step, timeout, lambda: call(provider_of(state))))

    def _returned(self, returned: _Returned, entries: list[tuple[Entry, _Work]]) -> None:
        work, error = returned.work, returned.error
        if isinstance(work, _Call):
            self._finish(work, returned.result, error)
        elif error is not None:
            self._failed(work, error, entries)
        else:
            try:
                after = exchange.ask(work.step.urn, work.step.op, lambda: self._state_after(work, returned.result))
            except WorksteadError as problem:
                self._failed(work, problem, entries)
            else:
                self._ended(work, after, entries)

    def _state_after(self, chain: _Chain, answer: Any) -> ResourceState | None:
        step, now = chain.step, self._clock.stamp()
        if step.op.deletes:
            return step.new
        if step.op is Op.UPDATE:
            return results.updated(step, answer.outs, now)
        return results.created(step, answer.id, answer.outs, chain.key, now)

    def _came_late(self, returned: _Returned) -> None:
        """An abandoned call has come back after all: its step has failed, but what it says is recorded."""
        chain, error = returned.work, returned.error
        if not isinstance(chain, _Chain) or chain.token is None:
            return
        assert self._journal is not None
        try:
            if error is None:
                writes = results.writes(chain.step, self._state_after(chain, returned.result))
            elif isinstance(error, PartialFailure) and not chain.step.op.deletes:
                writes = results.writes(chain.step, self._left_unfinished(chain, error))
            elif not isinstance(error, WorksteadError) or _outcome_unknown(error):
                return
            else:
                writes = ()
            self._journal.record([End(chain.token, writes)])
        except WorksteadError as problem:
            # The failure of the step was told already, and its begin stays, so the next run settles it.
            self._emit(events.Told(problem.diagnostic(), self._clock.epoch()))

    def _ended(self, chain: _Chain, state: ResourceState | None, entries: list[tuple[Entry, _Work]]) -> None:
        """A step has done its work; it counts once that is recorded."""
        chain.state = state
        writes = results.writes(chain.step, state)
        if writes or chain.token is not None:
            entries.append((End(chain.token, writes), chain))
        else:
            self._go_on(chain, entries)

    def _go_on(self, work: _Work, entries: list[tuple[Entry, _Work]]) -> None:
        """Something is recorded: tell it, and take up what comes next in its chain."""
        if not isinstance(work, _Chain):
            self._finish(work)
            return
        self._concluded(work.step, work.state)
        self._emit(events.StepEnded(replace(work.step, new=work.state), self._clock.epoch()))
        if work.left:
            self._begin(work, entries)
        else:
            self._finish(work, work.state)

    def _failed(self, chain: _Chain, error: BaseException, entries: list[tuple[Entry, _Work]]) -> None:
        """A step has failed: record what is known of it, tell it, and give the chain up."""
        step = chain.step
        problem = error if isinstance(error, WorksteadError) else InternalError(str(error) or repr(error))
        problem.urn = problem.urn or step.urn
        self._clean(problem)
        writes: tuple[Write, ...] = ()
        under_way: list[Entry] = []
        if isinstance(problem, PartialFailure) and not step.op.deletes:
            try:
                left = self._left_unfinished(chain, problem)
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

    def _left_unfinished(self, chain: _Chain, failure: PartialFailure) -> ResourceState:
        if chain.step.op is Op.UPDATE:
            return results.partly_updated(chain.step, failure, self._clock.stamp())
        return results.partly_created(chain.step, failure, chain.key, self._clock.stamp())

    def _tell_failure(self, step: Step, problem: WorksteadError, recorded: bool = False) -> None:
        self._emit(events.StepFailed(step, problem.diagnostic(), self._clock.epoch(), recorded))

    # --- ends ---------------------------------------------------------------------------------------------------------

    def _finish(self, work: _Work, result: Any = None, error: BaseException | None = None) -> None:
        if error is not None and isinstance(work, _Chain):
            self._culprits[work.name] = work.step.urn
        skipped = self._schedule.finished(work.name, error is None)
        if isinstance(error, LeaseLostError):
            self._stop_for(error)
        elif error is not None and self._stop_on_failure and not isinstance(work, _Call):
            skipped += self._schedule.stop()
        self._settle(work, result, error)
        self._skip(skipped)

    def _skip(self, skipped: Iterable[Skipped]) -> None:
        for task in skipped:
            cause = self._culprits.get(task.cause, "")
            if isinstance(task.work, _Chain):
                self._emit(events.StepSkipped(task.work.step, cause, self._clock.epoch()))
            self._settle(task.work, error=NotStartedError(cause))

    def _settle(self, work: _Work, result: Any = None, error: BaseException | None = None) -> None:
        self._unsettled.discard(work)
        work.promise.settle(result, error)

    # --- calls --------------------------------------------------------------------------------------------------------

    def _hand_out(self, work: _Call | _Chain, call: Callable[[], Any]) -> None:
        away = self._away[work] = _Away()

        def task() -> None:
            _HERE.away = away
            try:
                returned = _Returned(work, call())
            except BaseException as error:
                returned = _Returned(work, error=error)
            self._send(returned)

        self._calling += 1
        self._hands.call(task, self._calling)


def _abandoned(work: _Work, away: _Away, given_up: bool) -> WorksteadError:
    """Why a call is not waited for any more."""
    doing = f"{work.step.op}" if isinstance(work, _Chain) else "a call"
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


def _begun(step: Step) -> ResourceState:
    """What a pending operation holds: the resource as it will be; of a delete, as it is."""
    state = step.old if step.op.deletes else step.new
    assert state is not None
    return state


def _following(step: Step, before: ResourceState | None) -> Step:
    """A step as it is once the one before it in its chain has ended with `before`.

    A replace stands for what its create step made. An update straight after an import starts from the imported row,
    which has its key only now.
    """
    if step.op is Op.REPLACE and before is not None:
        return replace(step, new=before)
    if step.op is Op.UPDATE and before is not None and step.new is not None:
        return replace(step, old=before, new=step.new.but(id=before.id, key=before.key, created=before.created))
    return step

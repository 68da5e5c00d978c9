"""The executor alone: steps in, journal entries and events out; what it does when something it stands on breaks."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from engine.caller import OVERDUE, Caller
from engine.clock import Clock
from engine.core import events
from engine.core.contract import CALL, CreateResult, PartialFailure
from engine.core.errors import (
    CancelledError,
    CloudError,
    DeadlineError,
    InternalError,
    ProgramError,
    RecordError,
    StepFailedError,
)
from engine.core.model import Begin, End, Entry, Options, Put, ResourceState, Timeouts
from engine.core.plan import Op, Step
from engine.executor import Executor, NotStartedError
from engine.promise import Promise
from tests.builders import ThingCloud, ThingProvider, state

SOON = 10.0
CLOCK = Clock(monotonic=lambda: 0.0, epoch=lambda: 0.0, stamp=lambda: "now")


class Journal:
    """Entries in memory; `refuse` may raise before they are kept."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.batches: list[int] = []
        self.refuse: Callable[[Sequence[Entry]], None] = lambda _entries: None
        self._keys = itertools.count(100)
        self._tokens = itertools.count(1)

    def new_key(self) -> int:
        return next(self._keys)

    def record(self, entries: Sequence[Entry]) -> Sequence[int]:
        self.refuse(entries)
        self.entries += entries
        self.batches.append(len(entries))
        return [next(self._tokens) for entry in entries if isinstance(entry, Begin)]

    def told(self) -> list[str]:
        """What was written, in short."""
        return [
            f"begin {entry.kind} {entry.state.name}"
            if isinstance(entry, Begin)
            else f"end {entry.token}: " + ", ".join(_named(write) for write in entry.writes)
            for entry in self.entries
        ]


def _named(write: Any) -> str:
    return f"put {write.state.name}" if isinstance(write, Put) else f"drop {write.urn.rsplit('::', 1)[1]}"


class Works:
    """An executor over things, and everything that came out of it."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.cloud = ThingCloud()
        self.provider: Any = ThingProvider(self.cloud)
        self.events: list[Any] = []
        self.concluded: list[tuple[Op, str | None]] = []

    def provider_of(self, _state: ResourceState) -> Any:
        return self.provider

    @contextmanager
    def running(self, parallel: int = 4, *, stop_on_failure: bool = True, clock: Clock = CLOCK) -> Iterator[Executor]:
        self.caller = Caller(self.events.append, clock)
        with Executor(
            self.caller,
            self.events.append,
            clock,
            parallel=parallel,
            stop_on_failure=stop_on_failure,
            journal=self.journal,
            provider_of=self.provider_of,
            concluded=lambda step, after: self.concluded.append((step.op, after.id if after else None)),
        ) as executor:
            yield executor

    def failures(self) -> list[events.StepFailed]:
        return [event for event in self.events if isinstance(event, events.StepFailed)]


@pytest.fixture
def works() -> Works:
    return Works()


def create(name: str, **fields: Any) -> Step:
    """The step that makes a thing."""
    new = state(name, {"name": name}, id="", key=0, **fields)
    return Step(op=Op.CREATE, urn=new.urn, new=new)


def delete(name: str) -> Step:
    """The step that ends a thing."""
    old = state(name, {"name": name})
    return Step(op=Op.DELETE, urn=old.urn, old=old)


def ended(promise: Promise[Any]) -> Any:
    """The promise's result or error, which must come soon."""
    there = threading.Event()
    outcome: list[Any] = []

    def settled(result: Any, error: BaseException | None) -> None:
        outcome.append(error if error is not None else result)
        there.set()

    promise.then(settled)
    assert there.wait(SOON), "nobody ever answered"
    return outcome[0]


# --- the order of things ----------------------------------------------------------------------------------------------


def test_begin_is_written_before_the_call_and_end_before_the_answer(works: Works) -> None:
    seen: list[list[str]] = []
    works.cloud.fail = lambda _operation, _name, _when: seen.append(works.journal.told())
    with works.running() as executor:
        after = ended(executor.carry_out("a", [create("a")]))
        assert works.journal.told() == ["begin creating a", "end 1: put a"]
    assert seen == [["begin creating a"], ["begin creating a"]]
    assert after.id == "thing-1"
    assert after.outputs["serial"] == "serial of thing-1"


def test_a_dependent_starts_after_the_end_of_what_it_waits_for(works: Works) -> None:
    at_call: dict[str, list[str]] = {}

    def note(_operation: str, name: str, when: str) -> None:
        at_call.setdefault(f"{name} {when}", works.journal.told())

    works.cloud.fail = note
    with works.running() as executor:
        executor.carry_out("a", [create("a")])
        ended(executor.carry_out("b", [create("b")], after=["a"]))
    assert "end 1: put a" in at_call["b before"]


def test_what_comes_in_together_is_written_together(works: Works) -> None:
    """While the journal is busy with the first begin, ten more come in: they share one commit."""
    busy, go_on = threading.Event(), threading.Event()

    def wait_once(_entries: Sequence[Entry]) -> None:
        busy.set()
        assert go_on.wait(SOON)

    works.journal.refuse = wait_once
    with works.running(parallel=20) as executor:
        first = executor.carry_out("a", [create("a")])
        assert busy.wait(SOON)
        others = [executor.carry_out(f"x{n}", [create(f"x{n}")]) for n in range(10)]
        go_on.set()
        for promise in [first, *others]:
            assert ended(promise).id
    assert works.journal.batches[0] == 1
    assert max(works.journal.batches[1:]) >= 10


def test_never_more_calls_at_once_than_parallel(works: Works) -> None:
    running, most, lock = [0], [0], threading.Lock()
    three = threading.Barrier(3, timeout=SOON)

    def count(_operation: str, _name: str, when: str) -> None:
        with lock:
            running[0] += 1 if when == "before" else -1
            most[0] = max(most[0], running[0])
        if when == "before":
            three.wait()

    works.cloud.fail = count
    with works.running(parallel=3) as executor:
        for promise in [executor.carry_out(f"x{n}", [create(f"x{n}")]) for n in range(9)]:
            assert ended(promise).id
    assert most[0] == 3


def test_a_provider_sees_its_time_limit_and_where_it_is(works: Works) -> None:
    seen: list[Any] = []

    class Looking(ThingProvider):
        def create(self, props: dict[str, Any]) -> CreateResult:
            seen.append((CALL.get().operation, CALL.get().urn, CALL.get().deadline))
            return super().create(props)

    works.provider = Looking(works.cloud)
    step = create("a", options=Options(custom_timeouts=Timeouts(create=7.5)))
    with works.running() as executor:
        ended(executor.carry_out("a", [step]))
        ended(executor.carry_out("b", [create("b")]))
    assert seen == [("create", step.urn, 7.5), ("create", create("b").urn, None)]


# --- failures ---------------------------------------------------------------------------------------------------------


def test_a_failed_step_ends_and_what_waits_for_it_is_not_started(works: Works) -> None:
    def fail(_operation: str, name: str, _when: str) -> None:
        if name == "a":
            raise CloudError("out of things")

    works.cloud.fail = fail
    with works.running(stop_on_failure=False) as executor:
        first = executor.carry_out("a", [create("a")])
        second = executor.carry_out("b", [create("b")], after=["a"])
        third = executor.carry_out("c", [create("c")])
        error, echo = ended(first), ended(second)
        assert ended(third).id
    assert isinstance(error, StepFailedError)
    assert str(error.__cause__) == str(CloudError("out of things", urn=create("a").urn))
    assert isinstance(echo, NotStartedError)
    assert echo.cause == create("a").urn
    (skipped,) = [event for event in works.events if isinstance(event, events.StepSkipped)]
    assert (skipped.step.urn, skipped.cause) == (create("b").urn, create("a").urn)
    assert "end 1: " in works.journal.told()
    assert [failure.problem.summary for failure in works.failures()] == ["out of things"]


def test_after_a_failure_nothing_new_starts_by_default(works: Works) -> None:
    def fail(_operation: str, name: str, _when: str) -> None:
        raise CloudError("out of things")

    works.cloud.fail = fail
    with works.running(parallel=1) as executor:
        first = executor.carry_out("a", [create("a")])
        second = executor.carry_out("b", [create("b")])
        assert isinstance(ended(first), StepFailedError)
        echo = ended(second)
        late = ended(executor.carry_out("c", [create("c")]))
    assert isinstance(echo, NotStartedError)
    assert echo.cause == ""
    assert isinstance(late, NotStartedError)
    assert works.cloud.calls == [("create", "a")]
    skipped = [(event.step.urn, event.cause) for event in works.events if isinstance(event, events.StepSkipped)]
    assert skipped == [(create("b").urn, ""), (create("c").urn, "")]


@pytest.mark.parametrize(
    ("error", "begin_stays"),
    [
        pytest.param(CloudError("refused"), False, id="a refusal had no effect: the begin is ended"),
        pytest.param(CloudError("lost", uncertain=True), True, id="a lost answer may have had one: the begin stays"),
        pytest.param(DeadlineError("too slow"), True, id="after a time limit nobody knows: the begin stays"),
        pytest.param(CancelledError("stopped"), True, id="a call that was broken off: the begin stays"),
        pytest.param(ProgramError("never"), False, id="an input error had no effect: the begin is ended"),
        pytest.param(ZeroDivisionError("oops"), True, id="a bug of the provider: nobody knows, the begin stays"),
    ],
)
def test_which_failures_keep_their_begin(works: Works, error: Exception, begin_stays: bool) -> None:
    def fail(_operation: str, _name: str, _when: str) -> None:
        raise error

    works.cloud.fail = fail
    with works.running() as executor:
        ended(executor.carry_out("a", [create("a")]))
    assert works.journal.told() == ["begin creating a", *([] if begin_stays else ["end 1: "])]


def test_an_unfinished_object_is_recorded_and_told_as_such(works: Works) -> None:
    def fail(_operation: str, _name: str, when: str) -> None:
        if when == "after":
            raise PartialFailure("half done", id="thing-1", outs={"name": "a"})

    works.cloud.fail = fail
    with works.running() as executor:
        assert isinstance(ended(executor.carry_out("a", [create("a")])), StepFailedError)
    (entry,) = [entry for entry in works.journal.entries if isinstance(entry, End)]
    (write,) = entry.writes
    assert isinstance(write, Put)
    assert (write.state.id, write.state.init_errors, write.state.tainted) == ("thing-1", ("half done",), False)
    assert works.failures()[0].recorded


# Each of these once ended the loop's thread, after which everybody waited for ever.


def test_no_provider_for_a_recorded_type_fails_the_step_only(works: Works) -> None:
    def nobody(_state: ResourceState) -> Any:
        raise ProgramError("nobody serves this")

    works.provider_of = nobody  # type: ignore[method-assign]
    with works.running() as executor:
        error = ended(executor.carry_out("a", [delete("a")]))
    assert isinstance(error, StepFailedError)
    assert works.journal.told() == ["begin deleting a", "end 1: "]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(None, id="nothing"),
        pytest.param(CreateResult("", {}), id="no ID"),
        pytest.param(CreateResult("x", 5), id="outputs that are none"),  # type: ignore[arg-type]
    ],
)
def test_an_answer_that_makes_no_sense_is_a_failure(works: Works, answer: Any) -> None:
    works.provider.create = lambda props: answer
    with works.running() as executor:
        error = ended(executor.carry_out("a", [create("a")]))
    assert isinstance(error, StepFailedError)
    assert isinstance(error.__cause__, InternalError)
    assert works.journal.told() == ["begin creating a"]  # something may be there: the next run looks


def test_a_partial_failure_without_an_id_keeps_the_begin(works: Works) -> None:
    def fail(_operation: str, _name: str, _when: str) -> None:
        raise PartialFailure("half done", id="", outs={})

    works.cloud.fail = fail
    with works.running() as executor:
        assert isinstance(ended(executor.carry_out("a", [create("a")])), StepFailedError)
    assert works.journal.told() == ["begin creating a"]
    assert not works.failures()[0].recorded


def test_a_partial_failure_of_a_delete_leaves_the_row_as_it_was(works: Works) -> None:
    def fail(_operation: str, _name: str, _when: str) -> None:
        raise PartialFailure("half gone", id="x", outs={})

    works.cloud.fail = fail
    with works.running() as executor:
        assert isinstance(ended(executor.carry_out("a", [delete("a")])), StepFailedError)
    assert works.journal.told() == ["begin deleting a", "end 1: "]
    assert not works.failures()[0].recorded


def test_a_journal_that_breaks_in_an_unforeseen_way_answers_everybody(works: Works) -> None:
    def broken(_entries: Sequence[Entry]) -> None:
        raise OSError("disk on fire")

    works.journal.refuse = broken
    with works.running() as executor:
        first = ended(executor.carry_out("a", [create("a")]))
        second = ended(executor.carry_out("b", [create("b")]))
    assert isinstance(first, InternalError)
    assert "disk on fire" in str(first)
    assert isinstance(second, InternalError)
    assert works.cloud.calls == []


def test_a_journal_that_refuses_stops_the_run(works: Works) -> None:
    def full(_entries: Sequence[Entry]) -> None:
        raise RecordError("disk full")

    works.journal.refuse = full
    with works.running() as executor:
        first = ended(executor.carry_out("a", [create("a")]))
        second = ended(executor.carry_out("b", [create("b")]))
    assert isinstance(first, RecordError)
    assert isinstance(second, NotStartedError)
    assert works.cloud.calls == []


def test_a_value_no_record_can_hold_does_not_take_others_of_its_batch_along(works: Works) -> None:
    """Two creates end in the same commit and one of them cannot be recorded: the other one is all the same."""
    both = threading.Barrier(2, timeout=SOON)
    busy, go_on = threading.Event(), threading.Event()

    def refuse(entries: Sequence[Entry]) -> None:
        ends = [entry for entry in entries if isinstance(entry, End)]
        if any(_named(write) == "put bad" for end in ends for write in end.writes):
            raise ProgramError("that cannot be recorded")
        if any(_named(write) == "put first" for end in ends for write in end.writes):
            busy.set()
            assert go_on.wait(SOON)

    def meet(_operation: str, name: str, when: str) -> None:
        if name != "first" and when == "after":
            both.wait()
            assert busy.wait(SOON)
            if both.wait() == 0:
                threading.Timer(0.05, go_on.set).start()

    works.journal.refuse = refuse
    works.cloud.fail = meet
    with works.running(stop_on_failure=False) as executor:
        promises = [executor.carry_out(name, [create(name)]) for name in ("good", "bad", "first")]
        outcomes = dict(zip(("good", "bad", "first"), map(ended, promises), strict=True))
    assert outcomes["good"].id
    assert outcomes["first"].id
    assert isinstance(outcomes["bad"], ProgramError)
    assert any(line.endswith("put good") for line in works.journal.told())


# --- chains -----------------------------------------------------------------------------------------------------------


def test_a_replace_answers_with_what_its_create_made(works: Works) -> None:
    old = state("a", {"name": "jack"})
    new = state("a", {"name": "jill"}, id="", key=0)
    steps = [
        Step(op=Op.CREATE_REPLACEMENT, urn=old.urn, old=old, new=new, logical=False),
        Step(op=Op.REPLACE, urn=old.urn, old=old, new=new),
    ]
    with works.running() as executor:
        after = ended(executor.carry_out("a", steps))
    assert (after.id, after.outputs["serial"]) == ("thing-1", "serial of thing-1")
    assert after.key
    assert works.concluded == [(Op.CREATE_REPLACEMENT, "thing-1"), (Op.REPLACE, "thing-1")]


def test_an_update_after_an_import_starts_from_the_imported_row(works: Works) -> None:
    works.cloud.things["x"] = {"name": "a", "size": 1}
    imported = state("a", {"name": "a", "size": 1}, id="x", key=0)
    wanted = imported.but(inputs={"name": "a", "size": 2})
    steps = [
        Step(op=Op.IMPORT, urn=imported.urn, new=imported),
        Step(op=Op.UPDATE, urn=imported.urn, old=imported, new=wanted),
    ]
    with works.running() as executor:
        after = ended(executor.carry_out("a", steps))
    assert (after.id, after.key) == ("x", 100)
    assert works.cloud.things["x"]["size"] == 2
    assert works.journal.told() == ["end None: put a", "begin updating a", "end 1: put a"]


# --- stopping ---------------------------------------------------------------------------------------------------------


def test_stop_lets_what_runs_end_and_starts_nothing_more(works: Works) -> None:
    there, go_on = threading.Event(), threading.Event()

    def wait(_operation: str, _name: str, when: str) -> None:
        if when == "before":
            there.set()
            assert go_on.wait(SOON)

    works.cloud.fail = wait
    with works.running(parallel=1) as executor:
        first = executor.carry_out("a", [create("a")])
        second = executor.carry_out("b", [create("b")])
        assert there.wait(SOON)
        executor.stop()
        assert isinstance(ended(second), NotStartedError)
        go_on.set()
        assert ended(first).id == "thing-1"
    assert works.cloud.calls == [("create", "a")]


def test_leaving_the_block_waits_for_what_runs(works: Works) -> None:
    there, go_on = threading.Event(), threading.Event()

    def wait(_operation: str, _name: str, when: str) -> None:
        if when == "before":
            there.set()
            assert go_on.wait(SOON)

    works.cloud.fail = wait
    with works.running() as executor:
        promise = executor.carry_out("a", [create("a")])
        assert there.wait(SOON)
        threading.Timer(0.02, go_on.set).start()
    assert ended(promise).id == "thing-1"
    assert works.journal.told() == ["begin creating a", "end 1: put a"]


def test_cancel_ends_a_provider_that_waits_and_lets_nobody_call_again(works: Works) -> None:
    there = threading.Event()

    def wait(_operation: str, _name: str, when: str) -> None:
        there.set()
        CALL.get().pause(3600, "Pending")

    works.cloud.fail = wait
    with works.running(stop_on_failure=False) as executor:
        first = executor.carry_out("a", [create("a")])
        assert there.wait(SOON)
        works.caller.cancel()
        error = ended(first)
        late = ended(executor.carry_out("b", [create("b")]))
    assert isinstance(error, StepFailedError)
    assert isinstance(error.__cause__, CancelledError)
    assert isinstance(late.__cause__, CancelledError)
    assert works.journal.told()[0] == "begin creating a"
    assert not any(line.startswith("end 1:") for line in works.journal.told())
    assert works.journal.told()[-1] == "end 2: ", "it is known that nothing has happened"


# --- abandoning -------------------------------------------------------------------------------------------------------


class Stubborn:
    """A cloud's `fail` that blocks the calls for some names, looking neither at limits nor at cancellation."""

    def __init__(self, *names: str, where: str = "before") -> None:
        self.names = names
        self.where = where
        self.there = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, _operation: str, name: str, when: str) -> None:
        if name in self.names and when == self.where:
            self.there.set()
            assert self.go_on.wait(SOON)


REAL_CLOCK = Clock(monotonic=time.monotonic, epoch=time.time, stamp=lambda: "now")


class Hours:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.clock = Clock(monotonic=lambda: self.now, epoch=lambda: 0.0, stamp=lambda: "now")


def test_a_call_that_never_returns_is_abandoned_long_after_its_time_limit(works: Works) -> None:
    """Its step has failed with an unknown outcome, its begin stays, and the others go on, on another thread."""
    hours, stubborn = Hours(), Stubborn("a")
    works.cloud.fail = stubborn
    limits = Options(custom_timeouts=Timeouts(create=60))
    with works.running(parallel=1, stop_on_failure=False, clock=hours.clock) as executor:
        first = executor.carry_out("a", [create("a", options=limits)])
        second = executor.carry_out("b", [create("b")])
        assert stubborn.there.wait(SOON)
        hours.now = 60 + OVERDUE
        error = ended(first)
        assert ended(second).id == "thing-1"
    assert isinstance(error.__cause__, DeadlineError)
    assert error.__cause__.uncertain
    assert works.journal.told() == ["begin creating a", "begin creating b", "end 2: put b"]
    assert [failure.step.urn for failure in works.failures()] == [create("a").urn]
    stubborn.go_on.set()


def test_a_call_that_says_how_long_it_takes_is_abandoned_when_it_does_not_come_back(works: Works) -> None:
    hours, stubborn = Hours(), Stubborn("a")

    def attempt(operation: str, name: str, when: str) -> None:
        CALL.get().expect(150.0)
        stubborn(operation, name, when)

    works.cloud.fail = attempt
    with works.running(clock=hours.clock) as executor:
        promise = executor.carry_out("a", [create("a")])
        assert stubborn.there.wait(SOON)
        hours.now = 150 + OVERDUE
        assert isinstance(ended(promise).__cause__, DeadlineError)
    assert works.journal.told() == ["begin creating a"]
    stubborn.go_on.set()


def test_given_up_what_is_not_back_is_left_pending_and_looks_are_answered(works: Works) -> None:
    stubborn = Stubborn("a")
    works.cloud.fail = stubborn
    with works.running(clock=REAL_CLOCK) as executor:
        step = executor.carry_out("a", [create("a")])
        look = executor.call("look", lambda: stubborn.go_on.wait(SOON))
        waiting = executor.carry_out("b", [create("b")], after=["a"])
        assert stubborn.there.wait(SOON)
        executor.abandon(0.02)
        assert isinstance(ended(step).__cause__, CancelledError)
        assert isinstance(ended(look), CancelledError)
        assert isinstance(ended(waiting), NotStartedError)
    assert works.journal.told() == ["begin creating a"]
    stubborn.go_on.set()


def test_given_up_what_comes_back_in_time_is_recorded(works: Works) -> None:
    stubborn = Stubborn("a", where="after")
    works.cloud.fail = stubborn
    with works.running() as executor:
        promise = executor.carry_out("a", [create("a")])
        assert stubborn.there.wait(SOON)
        executor.abandon(SOON)
        stubborn.go_on.set()
        assert ended(promise).id == "thing-1"
    assert works.journal.told() == ["begin creating a", "end 1: put a"]


@pytest.mark.parametrize(
    ("comes_to", "ends"),
    [
        (None, ["end 1: put a"]),
        (CloudError("no such thing"), ["end 1: "]),
        (CloudError("lost", uncertain=True), []),
        (PartialFailure("half", id="thing-9", outs={}), ["end 1: put a"]),
        (ZeroDivisionError(), []),
    ],
    ids=["done", "refused", "lost", "half done", "a bug"],
)
def test_an_abandoned_call_that_comes_back_during_the_run(
    works: Works, comes_to: Exception | None, ends: list[str]
) -> None:
    """Its step stays failed, but what is known now is recorded, so the next run has nothing to look up."""
    hours, stubborn = Hours(), Stubborn("a", where="after")

    def fail(operation: str, name: str, when: str) -> None:
        stubborn(operation, name, when)
        if name == "a" and when == "after" and comes_to is not None:
            raise comes_to

    works.cloud.fail = fail
    limits = Options(custom_timeouts=Timeouts(create=60))
    with works.running(stop_on_failure=False, clock=hours.clock) as executor:
        promise = executor.carry_out("a", [create("a", options=limits)])
        assert stubborn.there.wait(SOON)
        hours.now = 60 + OVERDUE
        assert isinstance(ended(promise), StepFailedError)
        stubborn.go_on.set()
        until = time.monotonic() + SOON
        while ends and len(works.journal.entries) < 2 and time.monotonic() < until:
            time.sleep(0.005)
    assert works.journal.told() == ["begin creating a", *ends]

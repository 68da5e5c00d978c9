"""Which task may start, what a result unlocks, and who is skipped because of whom."""

from __future__ import annotations

from collections.abc import Hashable

import pytest
from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from engine.core.schedule import Schedule, Skipped


def _drain(schedule: Schedule) -> list[Hashable]:
    """Every task, each ended well before the next is asked for."""
    order = []
    while (task := schedule.next()) is not None:
        order.append(task[0])
        schedule.finished(task[0], ok=True)
    return order


def test_ready_tasks_come_in_the_order_they_were_added() -> None:
    schedule = Schedule()
    for name in "abc":
        schedule.add(name, None)
    assert _drain(schedule) == ["a", "b", "c"]


def test_the_longest_way_ahead_first() -> None:
    schedule = Schedule()
    schedule.add("short", None, weight=1)
    schedule.add("long", None, weight=5)
    schedule.add("long too", None, weight=5)
    assert _drain(schedule) == ["long", "long too", "short"]


def test_a_task_waits_for_all_it_comes_after() -> None:
    schedule = Schedule()
    schedule.add("a", None)
    schedule.add("b", None)
    schedule.add("c", None, after=["a", "b"])
    assert [schedule.next(), schedule.next(), schedule.next()] == [("a", None), ("b", None), None]
    schedule.finished("a", ok=True)
    assert schedule.next() is None
    schedule.finished("b", ok=True)
    assert schedule.next() == ("c", None)


@pytest.mark.parametrize("before", ["never added", "done already"])
def test_what_is_over_is_not_waited_for(before: str) -> None:
    schedule = Schedule()
    if before == "done already":
        schedule.add(before, None)
        _drain(schedule)
    schedule.add("a", "work", after=[before])
    assert schedule.next() == ("a", "work")


def test_a_failure_skips_all_that_follows_and_names_the_root() -> None:
    schedule = Schedule()
    schedule.add("a", 1)
    schedule.add("b", 2, after=["a"])
    schedule.add("c", 3, after=["b"])
    schedule.add("d", 4)
    schedule.next()
    assert schedule.finished("a", ok=False) == [Skipped("b", 2, "a"), Skipped("c", 3, "a")]
    assert all(schedule.failed(name) for name in "abc")
    assert schedule.add("e", 5, after=["c"]) == Skipped("e", 5, "a")
    assert schedule.failed("e")
    assert schedule.next() == ("d", 4)


def test_stop_skips_what_waits_without_a_cause_and_lets_the_rest_end() -> None:
    schedule = Schedule()
    schedule.add("a", 1)
    schedule.add("b", 2)
    schedule.add("c", 3, after=["a"])
    schedule.next()
    assert schedule.stop() == [Skipped("b", 2, None), Skipped("c", 3, None)]
    assert schedule.stopped
    assert schedule.running == 1
    assert schedule.finished("a", ok=True) == []
    assert schedule.next() is None
    assert schedule.add("d", 4) == Skipped("d", 4, None)
    assert schedule.stop() == []


def test_counting() -> None:
    schedule = Schedule()
    schedule.add("a", None)
    schedule.add("b", None, after=["a"])
    assert (schedule.running, schedule.waiting) == (0, 2)
    schedule.next()
    assert (schedule.running, schedule.waiting) == (1, 1)
    schedule.finished("a", ok=True)
    assert (schedule.running, schedule.waiting) == (0, 1)


class AnyRun(RuleBasedStateMachine):
    """Adds, starts, ends and stops in any order; the books must always balance."""

    tasks: Bundle[int] = Bundle("tasks")

    @initialize()
    def begin(self) -> None:
        self.schedule = Schedule()
        self.after: dict[int, set[int]] = {}
        self.ended: dict[int, str] = {}
        self.running: list[int] = []
        self.stopped = False

    def _skipped(self, skipped: list[Skipped]) -> None:
        for each in skipped:
            assert isinstance(each.name, int)
            assert each.name not in self.ended, "ended twice"
            assert each.name not in self.running, "a running task is never skipped"
            assert each.work == f"work of {each.name}"
            if each.cause is None:
                assert self.stopped
            else:
                assert isinstance(each.cause, int)
                assert self.ended[each.cause] == "failed"
            self.ended[each.name] = "skipped"

    @rule(target=tasks, after=some.lists(tasks, max_size=3), weight=some.integers(0, 3), strange=some.booleans())
    def add(self, after: list[int], weight: int, strange: bool) -> int:
        name = len(self.after)
        self.after[name] = set(after)
        skipped = self.schedule.add(name, f"work of {name}", [*after, *(["nobody"] if strange else [])], weight)
        if skipped is not None:
            self._skipped([skipped])
        return name

    @rule()
    def start(self) -> None:
        task = self.schedule.next()
        if task is None:
            return
        name, work = task
        assert isinstance(name, int)
        assert work == f"work of {name}"
        assert not self.stopped
        assert name not in self.running
        assert name not in self.ended
        assert all(self.ended.get(other) == "done" for other in self.after[name]), "started too early"
        self.running.append(name)

    @rule(which=some.integers(0, 50), ok=some.booleans())
    def end(self, which: int, ok: bool) -> None:
        if self.running:
            name = self.running.pop(which % len(self.running))
            self.ended[name] = "done" if ok else "failed"
            self._skipped(self.schedule.finished(name, ok))

    @rule(really=some.sampled_from([False] * 9 + [True]))
    def stop(self, really: bool) -> None:
        if really:
            self.stopped = True
            self._skipped(self.schedule.stop())

    @invariant()
    def the_books_balance(self) -> None:
        assert self.schedule.running == len(self.running)
        assert self.schedule.waiting == len(self.after) - len(self.running) - len(self.ended)
        for name in self.after:
            assert self.schedule.failed(name) is (self.ended.get(name) in ("failed", "skipped"))

    def teardown(self) -> None:
        """Everything that was added ends exactly once."""
        if not hasattr(self, "schedule"):
            return
        while self.running or (not self.stopped and self.schedule.waiting):
            before = len(self.ended)
            self.start()
            self.end(0, True)
            assert len(self.ended) > before, "nothing can go on, and there is still work"
        assert set(self.ended) == set(self.after)


TestAnyRun = AnyRun.TestCase
TestAnyRun.settings = settings(max_examples=60, stateful_step_count=40)

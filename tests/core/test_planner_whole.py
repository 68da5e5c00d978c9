"""Whatever is recorded and whatever a program asks, the record stays whole: at every moment, in every order.

A run is simulated without threads: goals are registered in some order in which needs come first, the steps of the
goals that are under way end one by one in some order, some of them fail, and the run may be cut off after any of them.
After each step the rows it writes are written, and the record must be whole. The next run starts from what is left.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as some

from engine.core import graph, results
from engine.core.contract import DiffResult, PartialFailure, ReadResult
from engine.core.model import Goal, Options, Put, ResourceState, Snapshot, in_dependency_order, problems
from engine.core.plan import Op, Step
from engine.core.planner import Decision, Planner, goal_needs
from tests.builders import PROVIDER_URN, ThingCloud, ThingProvider, ThingSource, goal, urn
from tests.core.records import snapshots


class _Provider(ThingProvider):
    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        result = super().diff(id_, olds, news)
        return replace(result, delete_before_replace=olds.get("name") == news.get("name"))


class _Source(ThingSource):
    def __init__(self) -> None:
        super().__init__(ThingCloud())
        self.provider = _Provider(ThingCloud())


PROVIDER_GOAL = Goal(urn=PROVIDER_URN, type="pulumi:providers:test", custom=True, inputs={})


@some.composite
def programs(draw: some.DrawFn) -> list[Goal]:
    """A program: goals in an order in which needs come first."""
    names = draw(some.permutations([f"r{number}" for number in range(6)]))[: draw(some.integers(0, 6))]
    goals: list[Goal] = [PROVIDER_GOAL]
    for name in names:
        before = [other.urn for other in goals[1:]]
        needs = draw(some.lists(some.sampled_from(before), unique=True, max_size=3)) if before else []
        inputs: dict[str, Any] = {
            "name": draw(some.sampled_from([name, name, f"other {name}"])),
            "size": draw(some.integers(0, 2)),
            "kind": draw(some.sampled_from(["x", "x", "y"])),
        }
        by_property: dict[str, tuple[str, ...]] = {}
        options: dict[str, Any] = {}
        fields: dict[str, Any] = {}
        for need in needs:
            how = draw(some.sampled_from(["plain", "size", "kind", "parent", "deleted_with", "replace_with"]))
            if how in ("size", "kind"):
                by_property[how] = (*by_property.get(how, ()), need)
            elif how == "parent":
                fields["parent"] = need
            elif how != "plain":
                options[how] = need if how == "deleted_with" else (need,)
        kind = draw(some.sampled_from(["own"] * 8 + ["read", "import"]))
        if kind == "read":
            fields["read_id"] = draw(some.sampled_from([f"id-{name}", "elsewhere"]))
            options = {}
        elif kind == "import":
            fields["import_id"] = draw(some.sampled_from([f"id-{name}", "elsewhere"]))
        else:
            options["protect"] = draw(some.sampled_from([False] * 9 + [True]))
            fields["delete_before_replace"] = draw(some.sampled_from([None, None, True, False]))
        goals.append(
            goal(
                name,
                inputs,
                dependencies=tuple(needs),
                property_dependencies=by_property,
                options=options,
                **fields,
            )
        )
    return goals


class Run:
    """One run over a record, step by step."""

    _keys = itertools.count(10**9)  # far from the keys that the builders give

    def __init__(self, record: Snapshot, goals: list[Goal], chance: random.Random, unlucky: float) -> None:
        self.record = record
        self.rows = {row.key: row for row in record.resources}
        self.planner = Planner(record, _Source(), preview=False)
        self.waiting = list(goals)
        self.chance = chance
        self.unlucky = unlucky
        self.under_way: list[tuple[Goal, list[Step], ResourceState | None]] = []
        self.held: list[tuple[Goal, Decision]] = []
        self.over: set[str] = set()
        self.failed: set[str] = set()
        self.objects_of = {row.key: row.id for row in record.resources}

    def steps(self) -> Iterator[None]:
        """Everything there is to do, in an order drawn by chance; yields after each step that was recorded."""
        while self.waiting or self.under_way or self.held:
            self._let_go()
            ready = [goal for goal in self.waiting if all(need in self.over for need in self._known(goal))]
            if ready and (not self.under_way or self.chance.random() < 0.5):
                self._register(self.chance.choice(ready))
            elif self.under_way:
                self._advance(self.chance.randrange(len(self.under_way)))
                yield
        yield from self._leftovers()

    def _known(self, goal: Goal) -> list[str]:
        return [need for need in goal_needs(goal) if need != goal.urn]

    def _register(self, goal: Goal) -> None:
        self.waiting.remove(goal)
        if any(need in self.failed for need in self._known(goal)):
            self.planner.goals.setdefault(goal.urn, goal)
            self._fail(goal)
            return
        look = self.planner.look(goal)
        seen = None
        if look is not None:
            found = {"name": goal.inputs["name"], "size": 1, "kind": "x"}
            seen = ReadResult(look.id, {**found, "serial": "s"}, found)
        decision = self.planner.decide(goal, seen)
        if not decision.valid:
            self._fail(goal)
            return
        note(f"{goal.urn.split('::')[-1]}: {[f'{step.op} {_short(step)}' for step in decision.steps]}")
        self.held.append((goal, decision))

    def _let_go(self) -> None:
        """Start what waited for the steps of other goals; what they fail at is not started."""
        for held in list(self.held):
            wanted, decision = held
            if any(other in self.failed for other in decision.after):
                self.held.remove(held)
                self._fail(wanted)
            elif all(other in self.over for other in decision.after):
                self.held.remove(held)
                self.under_way.append((wanted, list(decision.steps), None))

    def _fail(self, goal: Goal) -> None:
        self.planner.failed(goal.urn)
        self.failed.add(goal.urn)
        self.over.add(goal.urn)

    def _advance(self, which: int) -> None:
        goal, left, before = self.under_way.pop(which)
        step = left.pop(0)
        if step.op is Op.REPLACE and before is not None:
            step = replace(step, new=before)
        elif step.op is Op.UPDATE and before is not None and step.new is not None:
            step = replace(step, old=before, new=step.new.but(id=before.id, key=before.key))
        if results.pending(step) is not None and self.chance.random() < self.unlucky:
            self._unlucky(step)
            self._fail(goal)
            return
        after = self._after(step)
        self._write(step, after)
        self.planner.concluded(step, after)
        if left:
            self.under_way.append((goal, left, after))
        else:
            self.over.add(goal.urn)

    def _unlucky(self, step: Step) -> None:
        """A call that fails, or leaves something unfinished behind."""
        if step.op.deletes or self.chance.random() < 0.5:
            return
        failure = PartialFailure(
            "half done", id=f"half-{next(self._keys)}", outs={}, tainted=self.chance.random() < 0.5
        )
        if step.op is Op.UPDATE:
            self._write(step, results.partly_updated(step, failure, "now"))
        else:
            self._write(step, results.partly_created(step, failure, next(self._keys), "now"))

    def _after(self, step: Step) -> ResourceState | None:
        if step.op in (Op.CREATE, Op.CREATE_REPLACEMENT):
            assert step.new is not None
            key = next(self._keys)
            return results.created(step, f"new-{key}", step.new.outputs, key, "now")
        if step.op is Op.UPDATE:
            assert step.new is not None
            return results.updated(step, step.new.outputs, "now")
        if step.op.deletes or step.new is None or step.op in (Op.SAME, Op.REPLACE):
            return step.new
        return step.new.but(key=step.new.key or next(self._keys))

    def _write(self, step: Step, after: ResourceState | None) -> None:
        for write in results.writes(step, after):
            if isinstance(write, Put):
                assert write.state.key, f"{_short(step)} has no row"
                self.rows[write.state.key] = write.state
            else:
                self.rows.pop(write.key, None)
        record = self.now()
        assert not problems(record), f"after {_short(step)}: {[_told(row) for row in record.resources]}"

    def _leftovers(self) -> Iterator[None]:
        steps, protected = self.planner.leftovers()
        if protected:
            return
        before, _ = graph.delete_order(steps)
        # As for the executor, what is submitted later is not waited for: old rows can need each other in a circle.
        waits: dict[int, set[int]] = {}
        for step in steps:
            assert step.old is not None
            waits[step.old.key] = before[step.old.key] & waits.keys()
        gone: set[int] = set()
        left = list(steps)
        while left:
            ready = [step for step in left if step.old is not None and waits[step.old.key] <= gone]
            step = self.chance.choice(ready)
            left.remove(step)
            assert step.old is not None
            if self.chance.random() < self.unlucky:
                return
            gone.add(step.old.key)
            self._write(step, None)
            self.planner.concluded(step, None)
            yield

    def now(self) -> Snapshot:
        """The record as written so far."""
        return Snapshot(in_dependency_order(self.rows.values()), serial=self.record.serial + 1)


def _told(row: ResourceState) -> str:
    marks = "-" * row.delete + "…" * row.pending_replacement + "?" * row.external
    return f"{row.name}{marks} needs {sorted({need.split('::')[-1] for need in row.needs()} - {'default'})}"


def _short(step: Step) -> str:
    return f"{step.op} {step.urn.split('::')[-1]}"


def _finished(run: Run, goals: list[Goal]) -> None:
    """A run without mishaps leaves exactly what the program asked for."""
    record = run.now()
    if run.failed or run.planner.leftovers()[1]:
        return
    assert sorted(row.urn for row in record.resources) == sorted(goal.urn for goal in goals)
    for wanted in goals[1:]:
        row = record.by_urn[wanted.urn]
        assert (row.parent, row.dependencies, row.options) == (wanted.parent, wanted.dependencies, wanted.options)
        assert row.external is wanted.is_read
        assert row.id
        assert not any((row.delete, row.pending_replacement, row.tainted, row.init_errors))


@given(snapshots(), programs(), some.randoms(use_true_random=False))
@settings(max_examples=150)
def test_a_run_keeps_the_record_whole_and_does_what_was_asked(
    record: Snapshot, goals: list[Goal], chance: random.Random
) -> None:
    run = Run(record, goals, chance, unlucky=0.0)
    for _ in run.steps():
        pass
    _finished(run, goals)


@given(
    snapshots(),
    some.lists(programs(), min_size=1, max_size=3),
    some.randoms(use_true_random=False),
    some.sampled_from([0.0, 0.1, 0.4]),
)
@settings(max_examples=150)
def test_mishaps_and_cut_off_runs_keep_it_whole_and_the_next_run_finishes(
    record: Snapshot, several: list[list[Goal]], chance: random.Random, unlucky: float
) -> None:
    for goals in several:
        run = Run(record, goals, chance, unlucky)
        for _ in run.steps():
            if chance.random() < 0.15:
                break
        record = run.now()
        note(f"left: {[_told(row) for row in record.resources]}")
    last = Run(record, several[-1], chance, unlucky=0.0)
    for _ in last.steps():
        pass
    _finished(last, several[-1])


def test_builders_name_what_records_name() -> None:
    assert urn("r0") == goal("r0").urn
    assert Options() == goal("r0").options

"""Takes existing objects into the record, without the program: `workstead import`.

Each object is read, and the goal it is put to the planner with is exactly what it is; so an import is decided, shown
and recorded like everything else. It runs twice, to show and to act, as an up runs its program twice.

Left to others: taking over what a program declares (`core.planner`), the list a person wrote (`engine.cli.import_`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from engine.caller import Caller
from engine.core import events, exchange
from engine.core.contract import ReadResult
from engine.core.errors import Diagnostic, UsageError
from engine.core.model import (
    PROVIDER_TYPE_PREFIX,
    STACK_TYPE,
    Goal,
    Options,
    ResourceState,
    Snapshot,
    make_urn,
    package_of,
)
from engine.core.plan import Plan
from engine.core.planner import Planner
from engine.core.values import UNKNOWN
from engine.executor import Executor
from engine.planning import show_steps
from engine.run import Run


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object to import: the type token and name it shall have, its ID, the URN of its parent (empty: the stack)."""

    type: str
    name: str
    id: str
    parent: str = ""


def adopt(
    run: Run, snapshot: Snapshot, wanted: Sequence[Wanted], protect: bool, *, acting: bool
) -> tuple[Plan, tuple[ResourceState, ...]]:
    """Look at each wanted object, and plan (or, `acting`, carry out) taking it into the record."""
    planner = run.planner(snapshot, preview=not acting)
    caller = run.caller()
    problems: list[Diagnostic] = []
    name = run.stack.name
    root = make_urn(name.stack, name.project, "", STACK_TYPE, f"{name.project}-{name.stack}")
    with ExitStack() as block:
        executor = block.enter_context(run.acting(planner, caller) if acting else run.previewing(caller))
        ended = block.enter_context(run.tenure.recording("import")) if acting else lambda _result: None

        def settle(goal: Goal, seen: ReadResult | None = None) -> ResourceState | None:
            decision = planner.decide(goal, seen)
            for problem in decision.problems:
                run.telling.told(problem)
                problems.append(problem)
            if not decision.valid:
                return None
            if acting:
                return executor.carry_out(goal.urn, decision.steps).wait()
            show_steps(run, decision.steps)
            for step in decision.steps:
                planner.concluded(step, step.new)
            return decision.steps[-1].new

        settle(Goal(urn=root, type=STACK_TYPE, custom=False, inputs={}))
        imported = [
            state
            for each in wanted
            if (state := settle(*_wanted(run, each, root, protect, caller, executor, planner, settle))) is not None
        ]
        if acting:
            _imported(run, snapshot, imported)
        ended("succeeded")
    plan = Plan(tuple(planner.steps), snapshot.serial, planner.goals, tuple(problems))
    run.telling.counts = plan.counts
    if not acting:
        run.telling.emit(events.Planned(plan, run.clock.epoch()))
    return plan, tuple(imported)


def _imported(run: Run, snapshot: Snapshot, imported: Sequence[ResourceState]) -> None:
    """Creates that could not be looked up are settled by the import of what they made."""
    urns = {state.urn for state in imported}
    for operation in snapshot.pending:
        if operation.resource.urn in urns:
            run.tenure.journal.end(operation.token, ())


def _wanted(
    run: Run,
    wanted: Wanted,
    root: str,
    protect: bool,
    caller: Caller,
    executor: Executor,
    planner: Planner,
    settle: Callable[[Goal], ResourceState | None],
) -> tuple[Goal, ReadResult]:
    """(the goal that is exactly what the object is, what was read of it)."""
    name, package = run.stack.name, package_of(wanted.type)
    provider = make_urn(name.stack, name.project, "", PROVIDER_TYPE_PREFIX + package, "default")
    if provider not in planner.goals:
        config = run.stack.package_config(package)
        settle(Goal(urn=provider, type=PROVIDER_TYPE_PREFIX + package, custom=True, inputs=config))
    parent = wanted.parent or root
    goal = Goal(
        urn=make_urn(name.stack, name.project, parent, wanted.type, wanted.name),
        type=wanted.type,
        custom=True,
        inputs=planner.source.constants(wanted.type),
        parent=parent,
        provider=f"{provider}::{planner.states[provider].id or UNKNOWN.sentinel}",
        options=Options(protect=protect),
        import_id=wanted.id,
    )
    if planner.recorded(goal.urn) is not None:
        raise UsageError(
            f"there is a resource {wanted.name} of this type in the record already",
            urn=goal.urn,
            remedy="give another name",
            reference="import-name-taken",
        )
    look = planner.look(goal)
    assert look is not None
    service = planner.provider_of(goal.type, goal.inputs, goal.provider)
    seen = executor.call(("look", goal.urn), lambda: caller.look(look, service)).wait()
    return replace(goal, inputs=exchange.marked(seen.inputs or {}, goal.inputs)), seen

"""The operations: preview, up, destroy, refresh, import. Each is a short recipe over HOUSE.md's stations.

A recipe takes a `Stack` (everything an operation needs to know, opened by `engine.opening`), `Choices` (what the person
asked for) and a watcher, and returns an `Outcome`; it raises a WorksteadError for what stopped it. It says in which
order the stations come, and nothing else.

The lease is held while a recipe reads, plans and acts, but not while a person thinks about a plan: it is given back for
the question, and afterwards the plan is only carried out if the record's serial is still the one it was made from.

Left to others: the stations (`settling`, `observing`, `planning`, `acting`, `adoption`), what they share (`run`).
"""

from __future__ import annotations

from collections.abc import Sequence

from engine import acting, adoption, observing, planning, recovery, settling
from engine.core import events
from engine.core.plan import Plan, Why
from engine.run import Choices, Outcome, Run
from engine.stack import Stack
from engine.stop import Stop


def preview(stack: Stack, choices: Choices, watch: events.Watcher, stop: Stop | None = None) -> Plan:
    """What an up would do. Changes nothing, needs no lease.

    Raises ProgramError when the program does. Inputs that cannot be right are in the plan's diagnostics, all of them.
    """
    run = Run(stack, choices, watch, stop)
    with run.telling.of("update", preview=True):
        snapshot = run.tenure.load()
        snapshot = recovery.in_record(snapshot, settling.settle(run, snapshot, None))
        if choices.refresh:
            snapshot = observing.observe(run, snapshot)[1]
        return planning.make(run, snapshot)


def up(stack: Stack, choices: Choices, watch: events.Watcher, stop: Stop | None = None) -> Outcome:
    """Make the cloud as the program says."""
    run = Run(stack, choices, watch, stop)
    with run.tenure.held("update"):
        snapshot = settling.settled(run)
        if choices.refresh:
            snapshot = observing.refreshed(run, snapshot)
        plan = None
        if not choices.skip_preview:
            with run.telling.of("update", preview=True):
                plan = planning.make(run, snapshot)
            planning.require(plan, choices.expect_no_changes)
            snapshot = planning.agreed(run, plan, snapshot)
        with run.telling.of("update", preview=False):
            return acting.carry_out(run, snapshot, plan)


def destroy(stack: Stack, choices: Choices, watch: events.Watcher, stop: Stop | None = None) -> Outcome:
    """Delete every object of the stack, dependents first. The program is not needed."""
    run = Run(stack, choices, watch, stop)
    with run.tenure.held("destroy"):
        snapshot = settling.settled(run)
        if choices.refresh:
            snapshot = observing.refreshed(run, snapshot)
        planner = run.planner(snapshot, preview=False)
        steps, problems = planner.leftovers(Why.DESTROY)
        plan = Plan(steps, snapshot.serial, diagnostics=problems)
        if not choices.skip_preview or problems:
            with run.telling.of("destroy", preview=True):
                planning.show(run, plan)
        planning.require(plan, choices.expect_no_changes)
        if not choices.skip_preview:
            snapshot = planning.agreed(run, plan, snapshot)
        with run.telling.of("destroy", preview=False):
            return acting.delete_all(run, planner, steps, plan)


def refresh_record(stack: Stack, choices: Choices, watch: events.Watcher, stop: Stop | None = None) -> Outcome:
    """Read every object and correct the record. Never changes the cloud."""
    run = Run(stack, choices, watch, stop)
    with run.tenure.held("refresh"):
        snapshot = settling.settled(run)
        with run.telling.of("refresh", preview=True):
            steps, after = observing.observe(run, snapshot)
            plan = Plan(steps, snapshot.serial)
            run.telling.emit(events.Planned(plan, stack.clock.epoch()))
            run.telling.counts = plan.counts
        planning.require(plan, choices.expect_no_changes)
        if not choices.skip_preview:
            planning.agreed(run, plan, snapshot)
        with run.telling.of("refresh", preview=False):
            observing.write_observed(run, snapshot, steps)
            run.telling.counts = plan.counts
        return Outcome("succeeded", plan.counts, plan, after.stack_outputs)


def import_objects(
    stack: Stack,
    choices: Choices,
    watch: events.Watcher,
    wanted: Sequence[adoption.Wanted],
    *,
    protect: bool = True,
    stop: Stop | None = None,
) -> Outcome:
    """Take existing objects into the record, without the program. Only reads the cloud.

    Raises UsageError for names that are taken, InvalidPlanError after having told what cannot be imported.
    """
    run = Run(stack, choices, watch, stop)
    with run.tenure.held("import"):
        snapshot = settling.settled(run, importing=True)
        with run.telling.of("import", preview=True):
            plan, _ = adoption.adopt(run, snapshot, wanted, protect, acting=False)
        planning.require(plan, choices.expect_no_changes)
        if not choices.skip_preview:
            snapshot = planning.agreed(run, plan, snapshot)
        with run.telling.of("import", preview=False):
            _, imported = adoption.adopt(run, snapshot, wanted, protect, acting=True)
        return Outcome("succeeded", run.telling.counts, plan, snapshot.stack_outputs, imported)

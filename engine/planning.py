"""Makes plans, shows them, and has them agreed to.

A plan comes from running the program against predicted answers, or is handed in by a recipe that needs no program. It
is shown as events, refused when it has errors, and put to the person, with the lease given back while they think.

Left to others: what each goal needs (`core.planner`), printing (`views`), keeping the plan's promise (`answers`).
"""

from __future__ import annotations

from engine.answers import Predicted
from engine.core import events
from engine.core.errors import CancelledError, ChangesFoundError, Diagnostic, Severity, WorksteadError
from engine.core.model import Snapshot
from engine.core.plan import Plan, Step, count
from engine.run import InvalidPlanError, Run


def make(run: Run, snapshot: Snapshot) -> Plan:
    """Run the program to see what it asks for."""
    planner = run.planner(snapshot, preview=True)
    caller = run.caller()
    problems: list[Diagnostic] = []

    def note(event: events.Event) -> None:
        if isinstance(event, events.Told):
            problems.append(event.problem)
        run.telling.emit(event)

    with run.previewing(caller) as executor:
        answers = Predicted(planner, caller, executor, note, run.clock)
        try:
            run.evaluate(answers, preview=True)
        except WorksteadError:
            run.telling.counts = count(planner.steps)  # what it had asked for until then
            raise
        run.require_not_stopped()
        steps, protected = planner.leftovers()
    for problem in protected:
        note(events.Told(problem, run.clock.epoch()))
    show_steps(run, steps)
    outputs = answers.stack_outputs or {}
    run.telling.emit(events.OutputsKnown(snapshot.stack_outputs, outputs, run.clock.epoch()))
    plan = Plan(tuple(planner.steps), snapshot.serial, planner.goals, tuple(problems), outputs)
    run.telling.counts = plan.counts
    run.telling.emit(events.Planned(plan, run.clock.epoch()))
    return plan


def show(run: Run, plan: Plan) -> None:
    """Tell a plan that was made without the program."""
    for problem in plan.diagnostics:
        run.telling.told(problem)
    show_steps(run, plan.steps)
    run.telling.counts = plan.counts
    run.telling.emit(events.Planned(plan, run.clock.epoch()))


def show_steps(run: Run, steps: tuple[Step, ...]) -> None:
    """Tell steps that are only planned."""
    for step in steps:
        now = run.clock.epoch()
        run.telling.emit(events.StepBegan(step, now, preview=True))
        run.telling.emit(events.StepEnded(step, now, preview=True))


def require(plan: Plan, expect_no_changes: bool = False) -> None:
    """Raises InvalidPlanError for a plan with errors, ChangesFoundError for changes where none are expected."""
    errors = sum(1 for problem in plan.diagnostics if problem.severity is Severity.ERROR)
    if errors:
        raise InvalidPlanError(errors)
    if expect_no_changes and plan.has_changes:
        raise ChangesFoundError(
            "there are changes, and none were expected",
            why="--expect-no-changes was given.",
            remedy="look at the plan above; run without --expect-no-changes to carry it out",
        )


def agreed(run: Run, plan: Plan, snapshot: Snapshot) -> Snapshot:
    """The snapshot to work from once the person has agreed; the lease is given back for the question."""
    confirm = run.choices.confirm
    if confirm is None:
        return snapshot
    run.tenure.release()
    if not confirm(plan):
        raise CancelledError("you declined the plan; nothing was changed", remedy="run again when you are ready")
    run.tenure.take_up()
    fresh = run.tenure.load()
    plan.require_serial(fresh.serial)
    return fresh

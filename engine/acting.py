"""Makes the cloud as it was planned: the program for real, and the deletes that no program asks for.

What succeeded is recorded whatever fails beside it; the exports of a program are recorded last, once it is known
whether it got to its end.

Left to others: doing steps and recording them (`executor`), what a goal becomes (`answers`), what to do (`planning`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine import program
from engine.answers import Carried
from engine.core import events, graph, results
from engine.core import plan as plans
from engine.core.errors import StepFailedError, WorksteadError
from engine.core.model import Put, Snapshot
from engine.core.plan import Plan, Step
from engine.core.planner import Planner
from engine.core.values import Properties, has_unknown, identical
from engine.executor import Executor
from engine.promise import Promise
from engine.run import Outcome, Run


def carry_out(run: Run, snapshot: Snapshot, plan: Plan | None) -> Outcome:
    """Run the program for real, each registration answered when its steps have ended; then delete what is left."""
    planner = run.planner(snapshot, preview=False)
    caller = run.caller()
    _expect(run, snapshot)
    problem: WorksteadError | None = None
    with run.tenure.recording("update") as ended, run.acting(planner, caller) as executor:
        answers = Carried(
            planner,
            caller,
            executor,
            run.telling.emit,
            run.clock,
            _weights(plan, snapshot),
            run.choices.continue_on_error,
            plan,
        )
        try:
            run.evaluate(answers, preview=False)
        except WorksteadError as error:
            problem = error
        failed = bool(answers.failures or run.telling.errors)
        if problem is None and not run.stop.asked and (not failed or run.choices.continue_on_error):
            steps, protected = planner.leftovers()
            for error in protected:
                run.telling.told(error)
            unkept = plan and plans.unkept(plan, planner.goals, steps)
            if unkept and not failed:
                problem = plans.broken(unkept[1], unkept[0])
            elif not unkept and not protected:
                # (What never came after a failure may only follow from that: then nothing is deleted.)
                answers.failures += _delete(steps, executor)
        whole = problem is None and not answers.failures and not run.telling.errors
        outputs = _keep_outputs(run, planner, snapshot, answers, whole)
        result = run.result(problem, answers.failures)
        ended(result)
    run.raise_for(problem, answers.failures)
    return Outcome(result, run.telling.counts, plan, outputs)


def delete_all(run: Run, planner: Planner, steps: tuple[Step, ...], plan: Plan) -> Outcome:
    """Carry out a destroy."""
    caller = run.caller()
    _expect(run, planner.snapshot)
    place = program.import_path(run.stack.program)
    with run.tenure.recording("destroy") as ended, place, run.acting(planner, caller) as executor:
        failures = _delete(steps, executor)
        result = run.result(None, failures)
        ended(result)
    run.raise_for(None, failures)
    return Outcome(result, run.telling.counts, plan)


def _expect(run: Run, snapshot: Snapshot) -> None:
    """Tell where each recorded resource belongs, so that a tree of them stands still from the start."""
    parents = {state.urn: state.parent for state in snapshot.resources if state.parent}
    run.telling.emit(events.Expected(parents))


def _delete(steps: tuple[Step, ...], executor: Executor) -> list[BaseException]:
    """Delete, each after everything that needs it; the errors of those that failed or were not started."""
    after, weights = graph.delete_order(steps)
    promises = [
        executor.carry_out(
            ("delete", step.old.key),
            (step,),
            after=[("delete", key) for key in after[step.old.key]],
            weight=weights[step.old.key],
        )
        for step in steps
        if step.old is not None
    ]
    return [error for promise in promises if (error := _step_failure(promise)) is not None]


def _keep_outputs(run: Run, planner: Planner, snapshot: Snapshot, answers: Carried, whole: bool) -> Properties:
    """Record what the program exported: all of it after a success, else what is known over what was (spec 5)."""
    old = snapshot.stack_outputs
    known = {name: value for name, value in (answers.stack_outputs or {}).items() if not has_unknown(value)}
    outputs = known if whole else {**old, **known}
    root = next((state for state in planner.states.values() if results.is_root(state)), None)
    if root is not None and not identical(root.outputs, outputs):
        run.tenure.journal.end(None, (Put(root.but(outputs=outputs)),))
    if whole:
        for state in answers.without_outputs():
            run.tenure.journal.end(None, (Put(state),))
    run.telling.emit(events.OutputsKnown(old, outputs, run.clock.epoch()))
    return outputs


def _step_failure(promise: Promise[Any]) -> StepFailedError | None:
    try:
        promise.wait()
    except StepFailedError as error:
        return error
    return None


def _weights(plan: Plan | None, snapshot: Snapshot) -> Mapping[str, float]:
    """The longest way ahead of each resource: by the plan, or without one by the record."""
    states = [step.new for step in plan.steps if step.new is not None] if plan else list(snapshot.resources)
    known = graph.of_states(states)
    graph.require_acyclic(known)
    return graph.remaining_path(known, lambda _urn: 1.0)

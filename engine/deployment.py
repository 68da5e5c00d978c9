"""The operations: preview, up, destroy, refresh. Each is a short recipe over the stations of HOUSE.md section 1.

This is the one place that joins them: the program, the planner, the executor, the record, the providers. A recipe takes
a `Stack` (everything an operation needs to know, opened by `engine.opening`), `Choices` (what the person asked for) and
a watcher, and returns an `Outcome`; it raises a WorksteadError for what stopped it.

The lease is held while a recipe reads, plans and acts, but not while a person thinks about a plan: it is given back for
the question, and afterwards the plan is only carried out if the record's serial is still the one it was made from.
"""

from __future__ import annotations

import io
import itertools
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TextIO, cast

from engine import builtins, program, recovery
from engine.answers import Carried, Predicted
from engine.core import events, exchange, graph, refresh, results
from engine.core import plan as plans
from engine.core.contract import CALL, Provider, ReadResult
from engine.core.errors import (
    CancelledError,
    ChangesFoundError,
    CredentialsError,
    DeadlineError,
    Diagnostic,
    InputError,
    InternalError,
    LeaseHeldError,
    RecordUnavailableError,
    Severity,
    StepFailedError,
    UsageError,
    WorksteadError,
)
from engine.core.model import (
    PROVIDER_TYPE_PREFIX,
    STACK_TYPE,
    Goal,
    Options,
    Put,
    ResourceState,
    Snapshot,
    make_urn,
    package_of,
    require_whole,
)
from engine.core.plan import Op, Plan, Step, Why, count
from engine.core.planner import Planner
from engine.core.secrecy import Secrecy
from engine.core.values import UNKNOWN, Properties, has_unknown, identical, reveal
from engine.executor import Caller, Executor, NotStartedError, Promise
from engine.patience import PatientLease, rescue
from engine.stack import Stack
from engine.state import backend as records
from engine.state import refusals
from engine.stop import Stage, Stop


@dataclass(frozen=True)
class Choices:
    """What the person asked for. `confirm` is shown the plan and decides; None means yes.

    `wait`: how many seconds to wait for another run on the same stack to end, possibly for ever (`math.inf`).
    """

    refresh: bool = False
    skip_preview: bool = False
    continue_on_error: bool = False
    expect_no_changes: bool = False
    clear_pending_creates: bool = False
    adopt: bool = False
    message: str = ""
    debug: bool = False
    confirm: Callable[[Plan], bool] | None = None
    wait: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """How an operation ended. `result`: succeeded, failed or cancelled; `counts`: what was done."""

    result: str
    counts: Mapping[Op, int]
    plan: Plan | None = None
    outputs: Properties = field(default_factory=dict)
    imported: tuple[ResourceState, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object to import: the type token and name it shall have, its ID, the URN of its parent (empty: the stack)."""

    type: str
    name: str
    id: str
    parent: str = ""


_WAITING_LOOKS_EVERY: Final = 0.5  # seconds between two attempts at a lease somebody else holds
_WAITING_TOLD_EVERY: Final = 60.0  # seconds after which the person is told again


# --- the recipes ------------------------------------------------------------------------------------------------------


def preview(stack: Stack, choices: Choices, watch: events.Watcher, stop: Stop | None = None) -> Plan:
    """What an up would do. Changes nothing, needs no lease.

    Raises ProgramError when the program does. Inputs that cannot be right are in the plan's diagnostics, all of them.
    """
    run = _Run(stack, choices, watch, stop or Stop())
    with run.telling("update", preview=True):
        snapshot = run.load()
        snapshot = recovery.in_record(snapshot, run.settle(snapshot, None))
        if choices.refresh:
            snapshot = run.observe(snapshot)[1]
        return run.plan(snapshot)


def up(stack: Stack, choices: Choices, watch: events.Watcher, stop: Stop | None = None) -> Outcome:
    """Make the cloud as the program says."""
    run = _Run(stack, choices, watch, stop or Stop())
    with run.lease("update"):
        snapshot = run.settled()
        if choices.refresh:
            snapshot = run.refreshed(snapshot)
        plan = None
        if not choices.skip_preview:
            with run.telling("update", preview=True):
                plan = run.plan(snapshot)
            run.require(plan)
            snapshot = run.agreed(plan, snapshot)
        with run.telling("update", preview=False):
            return run.carry_out(snapshot, plan)


def destroy(stack: Stack, choices: Choices, watch: events.Watcher, stop: Stop | None = None) -> Outcome:
    """Delete every object of the stack, dependents first. The program is not needed."""
    run = _Run(stack, choices, watch, stop or Stop())
    with run.lease("destroy"):
        snapshot = run.settled()
        if choices.refresh:
            snapshot = run.refreshed(snapshot)
        planner = run.planner(snapshot, preview=False)
        steps, problems = planner.leftovers(Why.DESTROY)
        plan = Plan(steps, snapshot.serial, diagnostics=problems)
        if not choices.skip_preview or problems:
            with run.telling("destroy", preview=True):
                run.show(plan)
        run.require(plan)
        if not choices.skip_preview:
            snapshot = run.agreed(plan, snapshot)
        with run.telling("destroy", preview=False):
            return run.delete_all(planner, steps, plan)


def refresh_record(stack: Stack, choices: Choices, watch: events.Watcher, stop: Stop | None = None) -> Outcome:
    """Read every object and correct the record. Never changes the cloud."""
    run = _Run(stack, choices, watch, stop or Stop())
    with run.lease("refresh"):
        snapshot = run.settled()
        with run.telling("refresh", preview=True):
            steps, after = run.observe(snapshot)
            plan = Plan(steps, snapshot.serial)
            run.emit(events.Planned(plan, stack.clock.epoch()))
            run.counts = plan.counts
        run.require(plan)
        if not choices.skip_preview:
            run.agreed(plan, snapshot)
        with run.telling("refresh", preview=False):
            run.write_observed(snapshot, steps)
            run.counts = plan.counts
        return Outcome("succeeded", plan.counts, plan, after.stack_outputs)


def import_objects(
    stack: Stack,
    choices: Choices,
    watch: events.Watcher,
    wanted: Sequence[Wanted],
    *,
    protect: bool = True,
    stop: Stop | None = None,
) -> Outcome:
    """Take existing objects into the record, without the program. Only reads the cloud.

    Raises UsageError for names that are taken, InvalidPlanError after having told what cannot be imported.
    """
    run = _Run(stack, choices, watch, stop or Stop())
    with run.lease("import"):
        snapshot = run.settled(importing=True)
        with run.telling("import", preview=True):
            plan, _ = run.adopt(snapshot, wanted, protect, acting=False)
        run.require(plan)
        if not choices.skip_preview:
            snapshot = run.agreed(plan, snapshot)
        with run.telling("import", preview=False):
            _, imported = run.adopt(snapshot, wanted, protect, acting=True)
        return Outcome("succeeded", run.counts, plan, snapshot.stack_outputs, imported)


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


# --- one run ----------------------------------------------------------------------------------------------------------


class _Run:
    """What the recipes are made of. One instance serves one operation on one stack."""

    def __init__(self, stack: Stack, choices: Choices, watch: events.Watcher, stop: Stop) -> None:
        self.stack = stack
        self.choices = choices
        self.clock = stack.clock
        self.stop = stop
        self.counts: Mapping[Op, int] = {}
        self._watch = watch
        self._one_at_a_time = threading.RLock()
        self._watching = threading.local()
        self.secrecy = Secrecy()
        for key in stack.secret_keys:
            self.secrecy.note_text(stack.config[key])
        self._lease: PatientLease | None = None
        self._started = False
        self._done: list[Step] = []
        self._errors = 0
        self._deaf: Exception | None = None
        self._missed: frozenset[str] = frozenset()

    # --- telling ------------------------------------------------------------------------------------------------------

    def emit(self, event: events.Event) -> None:
        """Tell the watcher; events come from many threads, but reach it one at a time.

        A watcher that fails cannot stop anything (house rule 7): it hears no more, and `telling` raises its error at
        the end.
        """
        event = self._discreet(event)
        with self._one_at_a_time:
            if isinstance(event, events.StepEnded) and not event.preview:
                self._done.append(event.step)
            if isinstance(event, events.Told) and event.problem.severity is Severity.ERROR:
                self._errors += 1
            if self._deaf is not None:
                return
            self._watching.now = True
            try:
                self._watch(event)
            except Exception as error:
                self._deaf = error
            finally:
                self._watching.now = False

    def _discreet(self, event: events.Event) -> events.Event:
        """The event without the secrets that a cloud, a provider or the program has put into its text."""
        match event:
            case events.Told() | events.StepFailed():
                return replace(event, problem=self.secrecy.scrubbed(event.problem))
            case events.StepProgressed():
                return replace(event, text=self.secrecy.scrub(event.text))
            case events.Settled():
                return replace(event, outcome=self.secrecy.scrub(event.outcome))
            case events.StepEnded() if event.step.new is not None and event.step.new.options.additional_secret_outputs:
                self.secrecy.note_all(event.step.new.outputs)
        return event

    @contextmanager
    def telling(self, operation: str, preview: bool) -> Iterator[None]:
        """Begin and end of a run, whatever happens in between; and what Ctrl-C does meanwhile."""
        began = self.clock.monotonic()
        self.counts = {}
        shown = {key: "[secret]" if key in self.stack.secret_keys else text for key, text in self.stack.config.items()}
        name = self.stack.name
        self.emit(events.Began(operation, name.stack, name.project, preview, self.clock.epoch(), shown))
        result = "failed"
        try:
            with self.stop.heard_by(self._told_to_stop, self._told_to_give_up):
                yield
            result = "succeeded" if not self._errors else "failed"
        except CancelledError:
            result = "cancelled"
            raise
        except WorksteadError as error:
            self.secrecy.clean(error)
            raise
        finally:
            seconds = self.clock.monotonic() - began
            self.emit(events.Ended(operation, preview, result, self.counts, seconds, self.clock.epoch()))
        if self._deaf is not None:
            raise self._deaf

    def _told_to_stop(self) -> None:
        if self.stop.stage is Stage.GENTLY:
            self.told(
                Diagnostic(
                    Severity.INFO,
                    f"Stopping: what runs has {self.stop.grace:g} s to end and is recorded (Ctrl-C stops at once).",
                )
            )

    def _told_to_give_up(self) -> None:
        self.told(
            Diagnostic(
                Severity.INFO,
                "Stopping at once: what still runs is left to the next run, which looks what has become of it.",
            )
        )

    def told(self, problem: Diagnostic) -> None:
        """A message for the person."""
        self.emit(events.Told(problem, self.clock.epoch()))

    # --- the record ---------------------------------------------------------------------------------------------------

    @contextmanager
    def lease(self, operation: str) -> Iterator[None]:
        """Hold the right to write; an unfinished deployment is ended as failed.

        Before that the whole record is looked over. Raises RecordError when its present snapshot is damaged.
        """
        condition = self.stack.record.check()
        refusals.require_present(self.stack.name, condition)
        if condition.damage:
            self.told(refusals.damaged_history(condition))
        self._acquire(operation)
        try:
            yield
        finally:
            lease, self._lease = self._lease, None
            if lease is not None:
                lease.release()

    def _acquire(self, operation: str) -> None:
        self._operation = operation
        holder = replace(self.stack.holder, operation=operation)
        lease = self._waited_for(lambda: self.stack.record.acquire(holder, seal=self.stack.seal))
        self._lease = PatientLease(lease, self.clock, self.stack.patience, self.told, lambda: self.stop.asked > 0)

    def _waited_for(self, acquire: Callable[[], records.Lease]) -> records.Lease:
        """The lease, at once or, where the person is ready to wait for it, once whoever holds it has ended."""
        began = self.clock.monotonic()
        told_of, told_at = "", began
        while True:
            try:
                return acquire()
            except LeaseHeldError as held:
                now = self.clock.monotonic()
                if now - began >= self.choices.wait:
                    raise
                if told_of != held.summary or now - told_at >= _WAITING_TOLD_EVERY:
                    told_of, told_at = held.summary, now
                    waited = f" (waiting for {now - began:.0f} s)" if now - began >= 1 else ""
                    self.told(Diagnostic(Severity.INFO, f"Waiting: {held.summary}{waited}.", reference="lease-waiting"))
            self.clock.wait(threading.Event(), _WAITING_LOOKS_EVERY)
            if self.stop.asked:
                raise CancelledError(
                    "the run was stopped while it waited for another one; nothing was changed",
                    remedy="run the same command again",
                )

    @property
    def journal(self) -> PatientLease:
        """The lease this run writes under."""
        assert self._lease is not None
        return self._lease

    def caller(self) -> Caller:
        """Calls providers, as long as the lease is ours if there is one."""
        return Caller(self.emit, self.clock, self._lease.ensure if self._lease is not None else lambda: None)

    @contextmanager
    def recording(self, kind: str) -> Iterator[Callable[[str], None]]:
        """A deployment in the history; the block says how it ended."""
        self._done.clear()
        self.journal.start(records.Deployment(kind=kind, message=self.choices.message, config=self._shown_config()))
        result = "failed"

        def ended(how: str) -> None:
            nonlocal result
            result = how

        try:
            yield ended
        finally:
            self.counts = count(self._done)  # only now: what was running when the block ended has ended, too
            try:
                self.journal.finish(result, {op.value: number for op, number in self.counts.items()})
            except RecordUnavailableError as error:
                raise self._kept_elsewhere(error) from error

    def _kept_elsewhere(self, error: RecordUnavailableError) -> RecordUnavailableError:
        """What was done and cannot be recorded goes into a file that `stack import` takes; the error that says so."""
        from importlib.metadata import version

        from engine.state import deployment_json

        steps = self.journal.unwritten
        if not steps:
            return error
        try:
            text = deployment_json.export(
                self.journal.snapshot(),
                seal=self.stack.seal,
                secrets_state=self.stack.record.secrets_state(),
                time=self.clock.stamp(),
                version=version("workstead"),
            )
        except WorksteadError:  # not even what its secrets are sealed with can be read
            return error
        stamp = "".join(char for char in self.clock.stamp() if char.isdigit())[:14]
        name = f"workstead-{self.stack.name.stack}-unrecorded-{stamp}.json"
        file = rescue(text, name, (self.stack.root, Path.home()))
        return RecordUnavailableError(
            error.summary,
            why=f"{steps} {'step' if steps == 1 else 'steps'} ended in the cloud and could not be recorded. The whole "
            f"record as it should be, secrets sealed, is in {file or 'the text above'}.",
            remedy=f"free some space, then `workstead stack import --stack {self.stack.name.stack} --file "
            f"{file or 'FILE'}`; or just run again: what is pending is looked up in the cloud",
            reference=error.reference,
        )

    def _shown_config(self) -> Mapping[str, Any]:
        return {
            key: {
                "value": "[secret]" if key in self.stack.secret_keys else text,
                "secret": key in self.stack.secret_keys,
            }
            for key, text in self.stack.config.items()
        }

    def load(self) -> Snapshot:
        """The record, whole and readable. Raises RecordError or CredentialsError when it is not."""
        sealed = self.stack.record.load()
        snapshot = self.stack.unseal(sealed)
        if snapshot is not sealed:
            for before, after in zip(sealed.resources, snapshot.resources, strict=True):
                if after is not before:
                    self.secrecy.note_all(after.inputs)
                    self.secrecy.note_all(after.outputs)
        if self._lease is not None:
            self._lease.starts_from(snapshot)
        return require_whole(snapshot)

    # --- settle and observe -------------------------------------------------------------------------------------------

    def settled(self, importing: bool = False) -> Snapshot:
        """The record with every pending operation of an interrupted run settled and written.

        `importing`: a create that cannot be looked up may be what is imported, and is left as it is.
        """
        snapshot = self.load()
        if not snapshot.pending:
            return snapshot
        facts = self.settle(snapshot, self.journal, importing)
        if facts:
            with self.recording("recover") as ended:
                for fact in facts:
                    self.journal.end(fact.operation.token, fact.writes)
                ended("succeeded")
        return self.load()

    def settle(self, snapshot: Snapshot, journal: PatientLease | None, importing: bool = False) -> list[recovery.Fact]:
        """The facts behind what is pending, told to the person. A preview does not wait for what may be under way."""
        if not snapshot.pending:
            return []
        planner = self.planner(snapshot, preview=journal is None)
        keys = iter(range(-1, -len(snapshot.pending) - 1, -1))
        caller, numbers = self.caller(), itertools.count()

        def provider_of(state: ResourceState) -> Provider:
            return planner.provider_of(state.type, state.inputs, state.provider)

        with self._previewing(caller) as executor:

            def ask(step: Step, limit: float, call: Callable[[], Any]) -> Any:
                return executor.call(("settle", next(numbers)), lambda: caller.ask(step, limit, call)).wait()

            seconds = recovery.waiting_time(snapshot, provider_of) if journal is not None else 0.0
            if seconds:
                self.told(Diagnostic(Severity.INFO, f"Waiting {seconds:g} s for what the interrupted run sent last."))
                state = snapshot.pending[0].resource
                ask(Step(op=Op.READ, urn=state.urn, new=state), 0, lambda: CALL.get().pause(seconds))
            facts = recovery.settle(
                snapshot,
                provider_of,
                ask,
                journal.new_key if journal else lambda: next(keys),
                self.clock.stamp(),
                self.choices.clear_pending_creates,
                importing,
            )
        for fact in facts:
            operation = fact.operation
            self.emit(events.Settled(operation.resource.urn, operation.kind, fact.outcome, self.clock.epoch()))
        self._missed = frozenset(fact.operation.resource.urn for fact in facts if fact.missed)
        return facts

    def observe(self, snapshot: Snapshot) -> tuple[tuple[Step, ...], Snapshot]:
        """(what a look at every object means, the snapshot as it will be)."""
        planner = self.planner(snapshot, preview=True)
        caller = self.caller()
        with self._previewing(caller) as executor:
            looks = [
                executor.call(state.key, self._observation(state, planner, caller))
                for state in snapshot.resources
                if refresh.observable(state)
            ]
            steps = tuple(_results(looks))
        return steps, refresh.repaired(snapshot, steps)

    def _observation(self, state: ResourceState, planner: Planner, caller: Caller) -> Callable[[], Step]:
        def look() -> Step:
            provider = planner.provider_of(state.type, state.outputs or state.inputs, state.provider)
            asking = Step(op=Op.REFRESH, urn=state.urn, old=state, new=state)
            self.emit(events.StepBegan(asking, self.clock.epoch(), preview=True))
            young = _unseen_for(state, provider, self.clock.epoch())

            def read() -> ReadResult:
                if young:
                    CALL.get().pause(young, "waiting until what was changed last can be seen")
                return provider.read(state.id, dict(reveal(state.outputs)))

            seen = caller.ask(asking, state.options.custom_timeouts.read, read)
            step = refresh.observed(state, seen, provider)
            self.emit(events.StepEnded(step, self.clock.epoch(), preview=True))
            return step

        return look

    def refreshed(self, snapshot: Snapshot) -> Snapshot:
        """The record, corrected by a look at every object."""
        with self.telling("refresh", preview=False):
            steps, _ = self.observe(snapshot)
            self.write_observed(snapshot, steps)
            self.counts = count(steps)
        return self.load()

    def write_observed(self, snapshot: Snapshot, steps: tuple[Step, ...]) -> None:
        """Correct the record by what was observed."""
        writes = refresh.corrections(snapshot, refresh.repaired(snapshot, steps), self.clock.stamp())
        with self.recording("refresh") as ended:
            if writes:
                self.journal.end(None, writes)
            self._done += [step for step in steps if step.op is not Op.SAME]
            ended("succeeded")

    # --- plan ---------------------------------------------------------------------------------------------------------

    def planner(self, snapshot: Snapshot, preview: bool) -> Planner:
        """A planner over a snapshot, with the providers of this stack."""
        return Planner(snapshot, _Source(self.stack), preview=preview)

    def plan(self, snapshot: Snapshot) -> Plan:
        """Run the program to see what it asks for."""
        planner = self.planner(snapshot, preview=True)
        caller = self.caller()
        problems: list[Diagnostic] = []

        def note(event: events.Event) -> None:
            if isinstance(event, events.Told):
                problems.append(event.problem)
            self.emit(event)

        with self._previewing(caller) as executor:
            answers = Predicted(planner, caller, executor, note, self.clock)
            try:
                self._run_program(answers, preview=True)
            except WorksteadError:
                self.counts = count(planner.steps)  # what it had asked for until then
                raise
            self._require_not_stopped()
            steps, protected = planner.leftovers()
        for problem in protected:
            note(events.Told(problem, self.clock.epoch()))
        self._show(steps)
        outputs = answers.stack_outputs or {}
        self.emit(events.OutputsKnown(snapshot.stack_outputs, outputs, self.clock.epoch()))
        plan = Plan(tuple(planner.steps), snapshot.serial, planner.goals, tuple(problems), outputs)
        self.counts = plan.counts
        self.emit(events.Planned(plan, self.clock.epoch()))
        return plan

    def _expect(self, snapshot: Snapshot) -> None:
        """Tell where each recorded resource belongs, so that a tree of them stands still from the start."""
        parents = {state.urn: state.parent for state in snapshot.resources if state.parent}
        self.emit(events.Expected(parents))

    def show(self, plan: Plan) -> None:
        """Tell a plan that was made without the program."""
        for problem in plan.diagnostics:
            self.told(problem)
        self._show(plan.steps)
        self.counts = plan.counts
        self.emit(events.Planned(plan, self.clock.epoch()))

    def _show(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            now = self.clock.epoch()
            self.emit(events.StepBegan(step, now, preview=True))
            self.emit(events.StepEnded(step, now, preview=True))

    def require(self, plan: Plan) -> None:
        """Raises for a plan that cannot be carried out, or has changes where none are expected."""
        require(plan, self.choices.expect_no_changes)

    def agreed(self, plan: Plan, snapshot: Snapshot) -> Snapshot:
        """The snapshot to work from once the person has agreed; the lease is given back for the question."""
        confirm = self.choices.confirm
        if confirm is None:
            return snapshot
        self.journal.release()
        self._lease = None
        if not confirm(plan):
            raise CancelledError("you declined the plan; nothing was changed", remedy="run again when you are ready")
        self._acquire(self._operation)
        fresh = self.load()
        plan.require_serial(fresh.serial)
        return fresh

    # --- act ----------------------------------------------------------------------------------------------------------

    def carry_out(self, snapshot: Snapshot, plan: Plan | None) -> Outcome:
        """Run the program for real, each registration answered when its steps have ended; then delete what is left."""
        planner = self.planner(snapshot, preview=False)
        caller = self.caller()
        self._expect(snapshot)
        problem: WorksteadError | None = None
        with self.recording("update") as ended, self._acting(planner, caller) as executor:
            answers = Carried(
                planner,
                caller,
                executor,
                self.emit,
                self.clock,
                _weights(plan, snapshot),
                self.choices.continue_on_error,
                plan,
            )
            try:
                self._run_program(answers, preview=False)
            except WorksteadError as error:
                problem = error
            failed = bool(answers.failures or self._errors)
            if problem is None and not self.stop.asked and (not failed or self.choices.continue_on_error):
                steps, protected = planner.leftovers()
                for error in protected:
                    self.told(error)
                unkept = plan and plans.unkept(plan, planner.goals, steps)
                if unkept and not failed:
                    problem = plans.broken(unkept[1], unkept[0])
                elif not unkept and not protected:
                    # (What never came after a failure may only follow from that: then nothing is deleted.)
                    answers.failures += self._delete(steps, executor)
            whole = problem is None and not answers.failures and not self._errors
            outputs = self._keep_outputs(planner, snapshot, answers, whole)
            result = self._result(problem, answers.failures)
            ended(result)
        self._raise(problem, answers.failures)
        return Outcome(result, self.counts, plan, outputs)

    def delete_all(self, planner: Planner, steps: tuple[Step, ...], plan: Plan) -> Outcome:
        """Carry out a destroy."""
        caller = self.caller()
        self._expect(planner.snapshot)
        place = program.import_path(self.stack.program)
        with self.recording("destroy") as ended, place, self._acting(planner, caller) as executor:
            failures = self._delete(steps, executor)
            result = self._result(None, failures)
            ended(result)
        self._raise(None, failures)
        return Outcome(result, self.counts, plan)

    @contextmanager
    def _previewing(self, caller: Caller) -> Iterator[Executor]:
        """An executor that only looks."""
        parallel, hands = self.stack.parallel, self.stack.hands()
        executor = Executor(caller, self.emit, self.clock, parallel=parallel, stop_on_failure=False, hands=hands)
        try:
            with executor, self._stopping(executor, caller):
                yield executor
        except NotStartedError as error:
            # What is only looked at has no failures to tell: nothing was started because the run was stopped.
            raise (_stopped(self.stop) if self.stop.asked else error) from error

    @contextmanager
    def _acting(self, planner: Planner, caller: Caller) -> Iterator[Executor]:
        """An executor that carries steps out and records them."""
        executor = Executor(
            caller,
            self.emit,
            self.clock,
            parallel=self.stack.parallel,
            stop_on_failure=not self.choices.continue_on_error,
            journal=self.journal,
            provider_of=lambda state: self._provider_of(state, planner),
            concluded=planner.concluded,
            new_id=lambda: str(uuid.uuid4()),
            clean=self.secrecy.clean,
            hands=self.stack.hands(),
        )
        with executor, self._stopping(executor, caller):
            yield executor

    def _provider_of(self, state: ResourceState, planner: Planner) -> Provider:
        provider = planner.provider_of(state.type, state.inputs, state.provider)
        if state.urn not in self._missed:
            return provider

        def known(id_: str) -> bool:
            made = [other for urn, other in list(planner.states.items()) if urn != state.urn]
            return recovery.known(id_, state, [*planner.snapshot.resources, *made])

        return cast("Provider", recovery.SecondLook(provider, known))

    def _stopping(self, executor: Executor, caller: Caller) -> AbstractContextManager[None]:
        """Let the wish to stop reach what runs."""

        def now() -> None:
            caller.cancel()
            executor.abandon(self.stop.parting)

        return self.stop.heard_by(executor.stop, now)

    def _delete(self, steps: tuple[Step, ...], executor: Executor) -> list[BaseException]:
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

    def _keep_outputs(self, planner: Planner, snapshot: Snapshot, answers: Carried, whole: bool) -> Properties:
        """Record what the program exported: all of it after a success, else what is known over what was (spec 5)."""
        old = snapshot.stack_outputs
        known = {name: value for name, value in (answers.stack_outputs or {}).items() if not has_unknown(value)}
        outputs = known if whole else {**old, **known}
        root = next((state for state in planner.states.values() if results.is_root(state)), None)
        if root is not None and not identical(root.outputs, outputs):
            self.journal.end(None, (Put(root.but(outputs=outputs)),))
        if whole:
            for state in answers.without_outputs():
                self.journal.end(None, (Put(state),))
        self.emit(events.OutputsKnown(old, outputs, self.clock.epoch()))
        return outputs

    # --- import -------------------------------------------------------------------------------------------------------

    def adopt(
        self, snapshot: Snapshot, wanted: Sequence[Wanted], protect: bool, *, acting: bool
    ) -> tuple[Plan, tuple[ResourceState, ...]]:
        """Look at each wanted object, and plan (or, `acting`, carry out) taking it into the record."""
        planner = self.planner(snapshot, preview=not acting)
        caller = self.caller()
        problems: list[Diagnostic] = []
        name = self.stack.name
        root = make_urn(name.stack, name.project, "", STACK_TYPE, f"{name.project}-{name.stack}")
        with ExitStack() as block:
            executor = block.enter_context(self._acting(planner, caller) if acting else self._previewing(caller))
            ended = block.enter_context(self.recording("import")) if acting else lambda _result: None

            def settle(goal: Goal, seen: ReadResult | None = None) -> ResourceState | None:
                decision = planner.decide(goal, seen)
                for problem in decision.problems:
                    self.told(problem)
                    problems.append(problem)
                if not decision.valid:
                    return None
                if acting:
                    return executor.carry_out(goal.urn, decision.steps).wait()
                self._show(decision.steps)
                for step in decision.steps:
                    planner.concluded(step, step.new)
                return decision.steps[-1].new

            settle(Goal(urn=root, type=STACK_TYPE, custom=False, inputs={}))
            imported = [
                state
                for each in wanted
                if (state := settle(*self._wanted(each, root, protect, caller, executor, planner, settle))) is not None
            ]
            if acting:
                self._imported(snapshot, imported)
            ended("succeeded")
        plan = Plan(tuple(planner.steps), snapshot.serial, planner.goals, tuple(problems))
        self.counts = plan.counts
        if not acting:
            self.emit(events.Planned(plan, self.clock.epoch()))
        return plan, tuple(imported)

    def _imported(self, snapshot: Snapshot, imported: Sequence[ResourceState]) -> None:
        """Creates that could not be looked up are settled by the import of what they made."""
        urns = {state.urn for state in imported}
        for operation in snapshot.pending:
            if operation.resource.urn in urns:
                self.journal.end(operation.token, ())

    def _wanted(
        self,
        wanted: Wanted,
        root: str,
        protect: bool,
        caller: Caller,
        executor: Executor,
        planner: Planner,
        settle: Callable[[Goal], ResourceState | None],
    ) -> tuple[Goal, ReadResult]:
        """(the goal that is exactly what the object is, what was read of it)."""
        name, package = self.stack.name, package_of(wanted.type)
        provider = make_urn(name.stack, name.project, "", PROVIDER_TYPE_PREFIX + package, "default")
        if provider not in planner.goals:
            config = self.stack.package_config(package)
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

    # --- the program --------------------------------------------------------------------------------------------------

    def _run_program(self, answers: Predicted | Carried, preview: bool) -> None:
        from engine.assets import hashed
        from engine.monitor import Deployment, Monitor

        stack = self.stack
        if stack.declare is not None:
            stack.declare(answers)
            return
        monitor = Monitor(
            Deployment(
                project=stack.name.project,
                root=str(stack.root.resolve()),
                stack=stack.name.stack,
                organization=stack.organization,
                preview=preview,
                parallel=self.stack.parallel,
                config=stack.config,
                secret_keys=stack.secret_keys,
                adopt=self.choices.adopt,
            ),
            answers,
            stack.package_config,
            hashed,
            self.secrecy.note,
        )
        this = program.Run(
            program=stack.program,
            project=stack.name.project,
            stack=stack.name.stack,
            root=stack.root,
            config=stack.config,
            secret_keys=stack.secret_keys,
            organization=stack.organization,
            parallel=self.stack.parallel,
            preview=preview,
            debug=self.choices.debug,
        )
        printed = _Lines(answers.told, self._watching, Severity.INFO, sys.stdout)
        complained = _Lines(answers.told, self._watching, Severity.STDERR, sys.stderr)
        try:
            program.run(this, monitor, monitor, printed, complained)
        finally:
            printed.end()
            complained.end()

    # --- how it ended -------------------------------------------------------------------------------------------------

    def _require_not_stopped(self) -> None:
        if self.stop.asked:
            raise _stopped(self.stop)

    def _result(self, problem: WorksteadError | None, failures: Sequence[BaseException]) -> str:
        if self.stop.asked:
            return "cancelled"
        return "failed" if problem is not None or failures or self._errors else "succeeded"

    def _raise(self, problem: WorksteadError | None, failures: Sequence[BaseException]) -> None:
        """Raise what stopped the run, if anything did: root failures are counted, their echoes are not."""
        if self.stop.asked:
            raise _stopped(self.stop)
        if problem is not None and not isinstance(problem, StepFailedError):
            raise problem
        roots = [error for error in failures if not isinstance(error, NotStartedError)]
        if roots:
            failed = StepFailedError(
                f"{len(roots)} of the steps failed",
                why="Each is reported above with its resource. What succeeded is recorded.",
                remedy="mend what the messages name, then run again: it goes on from here",
            )
            codes = {getattr(error.__cause__, "exit_code", failed.exit_code) for error in roots}
            if len(codes) == 1 and codes <= _TELLING_CODES:
                failed.exit_code = codes.pop()
            raise failed
        if self._errors:
            raise InvalidPlanError(self._errors, changed=bool(self._done))
        if problem is not None:
            raise problem


# Exit codes that say more than "a resource failed" if all that failed did so for this reason.
_TELLING_CODES = frozenset({CredentialsError.exit_code, DeadlineError.exit_code, InternalError.exit_code})


class InvalidPlanError(InputError):
    """The program asks for something that cannot be right; each problem was already told with its resource."""

    reference = "plan-invalid"

    def __init__(self, problems: int, changed: bool = False) -> None:
        outcome = "what was done before is recorded" if changed else "nothing was changed"
        super().__init__(
            f"{problems} {'problem has' if problems == 1 else 'problems have'} to be solved first; {outcome}",
            remedy="correct what the messages above name, then run again",
        )


class _Source:
    """The stack's providers: the engine's own types, then whatever the installed clouds serve."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def provider_for(self, type_: str, inputs: Properties, config: Properties, *, explicit: bool = False) -> Provider:
        """See `contract.ProviderSource`. Settings of today win over those recorded with a default provider."""
        package = package_of(type_)
        if package == "pulumi" or type_.startswith("pulumi:"):
            return builtins.provider_for(type_, self._stack.outputs_of, lambda: str(uuid.uuid4()))
        today = {} if explicit else reveal(self._stack.package_config(package))
        return self._stack.source.provider_for(type_, inputs, {**config, **today, **self._stack.overlay})

    def constants(self, type_: str) -> Properties:
        """See `contract.ProviderSource`."""
        return self._stack.source.constants(type_)


class _Lines(io.StringIO):
    """What the program prints, line by line, as messages; what a watcher prints meanwhile goes where it belongs."""

    def __init__(
        self, told: Callable[[Diagnostic], None], watching: threading.local, severity: Severity, behind: TextIO
    ) -> None:
        super().__init__()
        self._told = told
        self._watching = watching
        self._severity = severity
        self._behind = behind
        self._open = ""

    def write(self, text: str, /) -> int:
        if getattr(self._watching, "now", False):
            return self._behind.write(text)
        *lines, self._open = (self._open + text).split("\n")
        for line in lines:
            self._told(Diagnostic(self._severity, line))
        return len(text)

    def end(self) -> None:
        """Tell the last line too, which nothing ended."""
        if self._open:
            self.write("\n")


def _stopped(stop: Stop) -> CancelledError:
    given_up = "What had been started was given up, and is on record as that: the next run looks what became of it."
    return CancelledError(
        "the run was stopped",
        why=given_up if stop.stage >= Stage.NOW else "What had been started was finished and recorded.",
        remedy="run the same command again: it goes on from here",
    )


def _unseen_for(state: ResourceState, provider: Provider, now: float) -> float:
    """Seconds (`now` is since the epoch) until a look can be believed: what was just changed may not show yet."""
    lag = getattr(provider, "lag", None)
    if lag is None or not state.modified:
        return 0.0
    age = now - datetime.fromisoformat(state.modified).timestamp()
    return min(max(lag() - age, 0.0), lag())


def _step_failure(promise: Promise[Any]) -> StepFailedError | None:
    try:
        promise.wait()
    except StepFailedError as error:
        return error
    return None


def _results(promises: list[Promise[Any]]) -> Iterator[Any]:
    """The results in order. Raises the first real error, not one that only echoes it."""
    echo: StepFailedError | None = None
    found: list[Any] = []
    for promise in promises:
        try:
            found.append(promise.wait())
        except StepFailedError as error:
            echo = error
    if echo is not None:
        raise echo
    yield from found


def _weights(plan: Plan | None, snapshot: Snapshot) -> Mapping[str, float]:
    """The longest way ahead of each resource: by the plan, or without one by the record."""
    states = [step.new for step in plan.steps if step.new is not None] if plan else list(snapshot.resources)
    known = graph.of_states(states)
    graph.require_acyclic(known)
    return graph.remaining_path(known, lambda _urn: 1.0)

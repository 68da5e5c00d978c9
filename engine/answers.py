"""What becomes of a goal: the one thing in which a preview and an up differ.

`Predicted` answers with what will be, `Carried` does it and answers with what is. Both put every goal to the same
planner, tell the watchers the same events, and keep what components and the program export.

Left to others: requests and responses (`monitor`), what a goal needs (`core.planner`), doing it (`executor`).
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import RLock

from engine.caller import Caller
from engine.clock import Clock
from engine.core import results
from engine.core.contract import ReadResult
from engine.core.errors import (
    Diagnostic,
    ProgramError,
    StepFailedError,
    WorksteadError,
)
from engine.core.events import StepBegan, StepEnded, StepSkipped, Told, Watcher
from engine.core.model import STACK_TYPE, Goal, Put, ResourceState
from engine.core.plan import Op, Plan, Reason, Step, Why, breach, broken
from engine.core.planner import Decision, Planner, goal_needs
from engine.core.values import Properties, has_unknown
from engine.executor import Executor, NotStartedError
from engine.monitor import Answer
from engine.promise import Promise


class _Answers:
    """What both kinds share: the turn-taking around the planner, looks, exports, and who has failed."""

    def __init__(self, planner: Planner, caller: Caller, executor: Executor, emit: Watcher, clock: Clock) -> None:
        self.planner = planner
        self.failures: list[BaseException] = []
        self.stack_outputs: Properties | None = None
        self._caller = caller
        self._executor = executor
        self._emit = emit
        self._clock = clock
        self._turn = RLock()
        self._with_outputs: set[str] = set()
        self._failed: dict[str, str] = {}  # what failed or was skipped → the failure it goes back to

    # --- what the monitor asks ----------------------------------------------------------------------------------------

    def settle(self, goal: Goal) -> Answer | Promise[Answer]:
        """What becomes of a goal, now or later."""
        cause = next((self._failed[urn] for urn in goal_needs(goal) if urn in self._failed), None)
        if cause is not None:
            return self._skip(goal, cause)
        with self._turn:
            look = self.planner.look(goal)
        if look is None:
            return self._decided(goal, self._decide(goal, None))
        provider = self.planner.provider_of(goal.type, goal.inputs, goal.provider)
        timeout = goal.options.custom_timeouts.read
        seen = self._executor.call(("look", goal.urn), lambda: self._caller.look(look, provider, timeout))
        return self._after(seen, goal)

    def _after(self, seen: Promise[ReadResult], goal: Goal) -> Promise[Answer]:
        """Go on with a goal once its object has been read."""
        answer: Promise[Answer] = Promise()

        def read(result: ReadResult | None, error: BaseException | None) -> None:
            try:
                if isinstance(error, WorksteadError):
                    error.urn = error.urn or goal.urn
                    answer.settle(self._unseen(goal, error))
                    return
                settled = self._decided(goal, self._decide(goal, result))
            except BaseException as problem:
                answer.settle(None, problem)
                return
            if isinstance(settled, Promise):
                settled.then(answer.settle)
            else:
                answer.settle(settled)

        seen.then(read)
        return answer

    def registered(self, urn: str) -> tuple[Goal, ResourceState | None] | None:
        """The goal of this run under a URN, and its state so far."""
        goal = self.planner.goals.get(urn)
        return (goal, self.planner.states.get(urn)) if goal is not None else None

    def invoke(self, token: str, arguments: Properties, provider: str) -> Properties:
        """Functions of providers are served by Pulumi's plugins only."""
        raise ProgramError(
            f"the function {token} is not served here",
            why="Functions (data sources) are run by Pulumi's plugins, and Workstead starts none.",
            remedy="pass the value as config, or read the resource with .get",
            reference="function-not-served",
        )

    def told(self, message: Diagnostic) -> None:
        """A message for the person."""
        self._emit(Told(message, self._clock.epoch()))

    def outputs(self, urn: str, outputs: Properties) -> Promise[None] | None:
        """A component's outputs, once; the root stack's are kept back until the run has ended."""
        with self._turn:
            state = self.planner.states.get(urn)
            if urn in self._failed:
                return None
            if state is None or urn in self._with_outputs:
                raise ProgramError(
                    f"outputs were registered {'twice' if state else 'for something that is not a resource'}: {urn}",
                    urn=urn,
                    why="Each component registers its outputs once, after itself.",
                    remedy="call register_outputs once, at the end of the component's constructor",
                    reference="outputs-registered",
                )
            self._with_outputs.add(urn)
            if state.type == STACK_TYPE:
                self.stack_outputs = outputs
                return None
            new = state.but(outputs=outputs)
            self.planner.states[urn] = new
        return self._keep_outputs(state, new)

    def without_outputs(self) -> list[ResourceState]:
        """Components of this run that never registered outputs, but have some recorded: these end here."""
        return [
            state.but(outputs={})
            for urn, state in self.planner.states.items()
            if not state.custom and state.outputs and state.type != STACK_TYPE and urn not in self._with_outputs
        ]

    # --- in common ----------------------------------------------------------------------------------------------------

    def _decide(self, goal: Goal, seen: ReadResult | None) -> Decision:
        with self._turn:
            decision = self.planner.decide(goal, seen)
        for problem in decision.problems:
            self.told(problem)
        if not self.planner.goes_on(decision):
            self._failed[goal.urn] = goal.urn
        return decision

    def _unseen(self, goal: Goal, error: WorksteadError) -> Answer:
        """A goal whose object could not be read, or is not read any more."""
        if not isinstance(error, NotStartedError):
            self.told(error.diagnostic())
        self._failed[goal.urn] = goal.urn
        with self._turn:
            self.planner.goals.setdefault(goal.urn, goal)
            self.planner.failed(goal.urn)
        return Answer(None, ok=False)

    def _skip(self, goal: Goal, cause: str) -> Answer:
        self._failed[goal.urn] = cause
        with self._turn:
            self.planner.goals.setdefault(goal.urn, goal)
            self.planner.failed(goal.urn)
            old = self.planner.recorded(goal.urn)
        state = old or ResourceState(urn=goal.urn, type=goal.type, custom=goal.custom)
        step = Step(op=Op.SAME if old else Op.CREATE, urn=goal.urn, old=old, new=state, reason=Reason(Why.NEW))
        self._emit(StepSkipped(step, cause, self._clock.epoch()))
        return Answer(None, ok=False)

    def _decided(self, goal: Goal, decision: Decision) -> Answer | Promise[Answer]:
        raise NotImplementedError

    def _keep_outputs(self, old: ResourceState, new: ResourceState) -> Promise[None] | None:
        raise NotImplementedError


class Predicted(_Answers):
    """A preview's answers: what each resource will be, as far as that is known."""

    def settle_now(self, goal: Goal) -> Answer:
        """A default provider's answer."""
        return self._decided(goal, self._decide(goal, None))

    def _decided(self, goal: Goal, decision: Decision) -> Answer:
        if not self.planner.goes_on(decision):
            return Answer(None, ok=False)
        state: ResourceState | None = None
        for step in decision.steps:
            now = self._clock.epoch()
            self._emit(StepBegan(step, now, preview=True))
            self.planner.concluded(step, step.new)
            self._emit(StepEnded(step, now, preview=True))
            state = step.new
        return Answer(state)

    def _keep_outputs(self, old: ResourceState, new: ResourceState) -> None:
        return None


class Carried(_Answers):
    """An up's answers: the steps are carried out, and the answer is what they led to.

    `promise` is the plan the person has agreed to; a goal or step that breaks it stops the run.
    """

    def __init__(
        self,
        planner: Planner,
        caller: Caller,
        executor: Executor,
        emit: Watcher,
        clock: Clock,
        weights: Mapping[str, float],
        continue_on_error: bool = False,
        promise: Plan | None = None,
    ) -> None:
        super().__init__(planner, caller, executor, emit, clock)
        self._weights = weights
        self._continue = continue_on_error
        self._promise = promise

    def settle_now(self, goal: Goal) -> Answer:
        """A default provider's answer: nothing but the record is touched, so it is done on the spot."""
        settled = self._decided(goal, self._decide(goal, None))
        return settled.wait() if isinstance(settled, Promise) else settled

    def _decided(self, goal: Goal, decision: Decision) -> Answer | Promise[Answer]:
        if not decision.valid:
            if not self._continue:
                self._executor.stop()
            return Answer(None, ok=False)
        self._keep_promise(goal, decision)
        if all(_leaves_all_as_it_is(step) for step in decision.steps):
            return self._unchanged(decision)
        answer: Promise[Answer] = Promise()

        def ended(state: ResourceState | None, error: BaseException | None) -> None:
            if error is None:
                answer.settle(Answer(state))
                return
            self.failures.append(error)
            self._failed[goal.urn] = goal.urn
            with self._turn:
                self.planner.failed(goal.urn)
            if self._continue and isinstance(error, StepFailedError):
                answer.settle(Answer(None, ok=False))
            else:
                answer.settle(None, error)

        weight = self._weights.get(goal.urn, 0.0)
        chain = self._executor.carry_out(goal.urn, decision.steps, decision.after, weight)
        chain.then(ended)
        return answer

    def _unseen(self, goal: Goal, error: WorksteadError) -> Answer:
        if isinstance(error, NotStartedError):
            self.failures.append(error)
        else:
            self.failures.append(StepFailedError("read failed", urn=goal.urn))
            self.failures[-1].__cause__ = error
        if not self._continue:
            self._executor.stop()
        return super()._unseen(goal, error)

    def _unchanged(self, decision: Decision) -> Answer:
        """Nothing to do and nothing to record: said at once, without troubling the executor."""
        for step in decision.steps:
            now = self._clock.epoch()
            self._emit(StepBegan(step, now))
            self.planner.concluded(step, step.new)
            self._emit(StepEnded(step, now))
        return Answer(decision.steps[-1].new)

    def _keep_promise(self, goal: Goal, decision: Decision) -> None:
        if self._promise is None:
            return
        how = breach(self._promise, goal, decision.steps)
        if how:
            self._executor.stop()
            raise broken(how, goal.urn)

    def _keep_outputs(self, old: ResourceState, new: ResourceState) -> Promise[None] | None:
        if has_unknown(new.outputs):
            # Something it exports has failed; what was recorded before stays.
            return None
        recorded = self.planner.recorded(new.urn)
        if recorded is not None and not results.differs(recorded, new):
            return None
        return self._executor.write(("outputs", new.urn), (Put(new),))


def _leaves_all_as_it_is(step: Step) -> bool:
    return step.op is Op.SAME and not results.writes(step, step.new)

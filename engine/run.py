"""One run of one operation on one stack: what the stations of a recipe share.

A run was asked for something (`Choices`), tells what happens (`Telling`), holds the record (`Tenure`), has the program
run and gives each station its planner and its executor; at the end it says what the run has come to. The stations are
modules of functions over a run (`settling`, `observing`, `planning`, `acting`, `adoption`), so that each can be read by
itself, and a recipe in `deployment` reads as the order they come in.

Left to others: which station comes when (`deployment`), what a station does, and the program's process (`program`).
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import cast

from engine import program, recovery
from engine.answers import Carried, Predicted
from engine.caller import Caller
from engine.core import events
from engine.core.contract import Provider
from engine.core.errors import (
    CancelledError,
    CredentialsError,
    DeadlineError,
    InputError,
    InternalError,
    Severity,
    StepFailedError,
    WorksteadError,
)
from engine.core.model import ResourceState, Snapshot
from engine.core.plan import Op, Plan
from engine.core.planner import Planner
from engine.core.values import Properties
from engine.executor import Executor, NotStartedError
from engine.source import Source
from engine.stack import Stack
from engine.stop import Stage, Stop
from engine.telling import Telling
from engine.tenure import Tenure


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


class Run:
    """One operation on one stack. `missed`: URNs of interrupted creates that were looked for and not found."""

    def __init__(self, stack: Stack, choices: Choices, watch: events.Watcher, stop: Stop | None = None) -> None:
        self.stack = stack
        self.choices = choices
        self.clock = stack.clock
        self.stop = stop or Stop()
        self.telling = Telling(stack, watch, self.stop)
        self.tenure = Tenure(stack, self.telling, self.stop, wait=choices.wait, message=choices.message)
        self.missed: frozenset[str] = frozenset()

    # --- what a station works with ------------------------------------------------------------------------------------

    def caller(self) -> Caller:
        """Calls providers, as long as the lease is ours if there is one."""
        return Caller(self.telling.emit, self.clock, self.tenure.guard)

    def planner(self, snapshot: Snapshot, preview: bool) -> Planner:
        """A planner over a snapshot, with the providers of this stack."""
        return Planner(snapshot, Source(self.stack), preview=preview)

    @contextmanager
    def previewing(self, caller: Caller) -> Iterator[Executor]:
        """An executor that only looks."""
        executor = Executor(
            caller,
            self.telling.emit,
            self.clock,
            parallel=self.stack.parallel,
            stop_on_failure=False,
            hands=self.stack.hands(),
        )
        try:
            with executor, self._stopping(executor, caller):
                yield executor
        except (NotStartedError, CancelledError) as error:
            # What is only looked at has no failures to tell: it was not started, or given up, as the run was stopped.
            if not self.stop.asked:
                raise
            raise self._stopped() from error

    @contextmanager
    def acting(self, planner: Planner, caller: Caller) -> Iterator[Executor]:
        """An executor that carries steps out and records them."""
        executor = Executor(
            caller,
            self.telling.emit,
            self.clock,
            parallel=self.stack.parallel,
            stop_on_failure=not self.choices.continue_on_error,
            journal=self.tenure.journal,
            provider_of=lambda state: self._provider_of(state, planner),
            concluded=planner.concluded,
            new_id=lambda: str(uuid.uuid4()),
            clean=self.telling.secrecy.clean,
            hands=self.stack.hands(),
        )
        with executor, self._stopping(executor, caller):
            yield executor

    def _provider_of(self, state: ResourceState, planner: Planner) -> Provider:
        provider = planner.provider_of(state.type, state.inputs, state.provider)
        if state.urn not in self.missed:
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

    # --- the program --------------------------------------------------------------------------------------------------

    def evaluate(self, answers: Predicted | Carried, preview: bool) -> None:
        """Run the program, each of its goals put to `answers`."""
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
            self.telling.secrecy.note,
        )
        this = program.Evaluation(
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
        printed = program.Lines(answers.told, self.telling.watching, Severity.INFO, sys.stdout)
        complained = program.Lines(answers.told, self.telling.watching, Severity.STDERR, sys.stderr)
        try:
            program.run(this, monitor, monitor, printed, complained)
        finally:
            printed.end()
            complained.end()

    # --- how it ended -------------------------------------------------------------------------------------------------

    def require_not_stopped(self) -> None:
        """Raises CancelledError once somebody has asked to stop."""
        if self.stop.asked:
            raise self._stopped()

    def result(self, problem: WorksteadError | None, failures: Sequence[BaseException]) -> str:
        """Succeeded, failed or cancelled, for the history."""
        if self.stop.asked:
            return "cancelled"
        return "failed" if problem is not None or failures or self.telling.errors else "succeeded"

    def raise_for(self, problem: WorksteadError | None, failures: Sequence[BaseException]) -> None:
        """Raise what stopped the run, if anything did: root failures are counted, their echoes are not."""
        if self.stop.asked:
            raise self._stopped()
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
        if self.telling.errors:
            raise InvalidPlanError(self.telling.errors, changed=bool(self.telling.done))
        if problem is not None:
            raise problem

    def _stopped(self) -> CancelledError:
        given_up = "What had been started was given up, and is on record as that: the next run looks what became of it."
        return CancelledError(
            "the run was stopped",
            why=given_up if self.stop.stage >= Stage.NOW else "What had been started was finished and recorded.",
            remedy="run the same command again: it goes on from here",
        )


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

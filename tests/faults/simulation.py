"""One simulated stack: commands on it, deaths in them, and what has to be true in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from engine import adoption, deployment
from engine.core import events
from engine.core.errors import WorksteadError
from engine.core.model import problems, urn_name
from engine.core.values import equal
from engine.run import Choices
from engine.state.backend import StackName
from engine.state.memory import MemoryBackend
from engine.stop import Stop
from tests.builders import PROJECT, STACK, make_stack
from tests.faults.cloud import TYPES, Cloud, SimSource
from tests.faults.things import Declaring, Program
from tests.faults.world import EPOCH, LAG, LATE, Crash, Fate, Record, World

_STOP = Stop()
"""Nobody asks any of these runs to stop; each Stop has a thread."""


class WrongError(AssertionError):
    """Something was lost, or is there twice, or is not as it should be."""


class Simulation:
    """A stack over the simulated cloud."""

    def __init__(self, chance: Random | None = None, fate: Fate = Fate.CHANCE, stale: float | None = None) -> None:
        """`stale`: how old what the cloud shows is, in seconds; None leaves it to chance."""
        chance = chance or Random(0)
        self.world = World(chance, fate, (lambda: chance.uniform(0.0, LAG)) if stale is None else lambda: stale)
        self.cloud = Cloud(self.world)
        self.program: Program = ()
        self.foreign: set[str] = set()
        """IDs of objects that are somebody else's."""
        backend = MemoryBackend(clock=lambda: EPOCH + self.world.now)
        self.record = backend.create(StackName(PROJECT, STACK))
        self._stack = make_stack(
            lambda: None,
            None,  # type: ignore[arg-type]  # the source knows its cloud
            record=Record(self.world, self.record),
            source=SimSource(self.cloud),
            clock=self.world.clock,
            hands=self.world.new_hands,
            declare=self._declare,
            parallel=4,
        )

    def _declare(self, answers: Any) -> None:
        hands = self.world.hands
        assert hands is not None
        Declaring(self.program, answers, hands.advance).run()

    # --- commands

    def command(self, name: str, **choices: Any) -> WorksteadError | None:
        """Run a command; the error it ended with. Raises nothing when the machine dies."""
        recipe: Callable[..., Any] = {
            "up": deployment.up,
            "destroy": deployment.destroy,
            "refresh": deployment.refresh_record,
            "preview": deployment.preview,
        }[name]
        told = " ".join(f"--{key.replace('_', '-')}" for key, value in choices.items() if value)
        self.world.tell("$", f"{name} {told}".rstrip())
        try:
            recipe(self._stack, Choices(**choices), self._watch, _STOP)
        except Crash:
            pass
        except WorksteadError as error:
            if not self.world.dead:
                self.world.tell("ended", f"{type(error).__name__}: {error.summary}")
                return error
        else:
            if not self.world.dead:
                self.world.tell("ended", "well")
        return None

    def crash(self, name: str, moment: int, **choices: Any) -> bool:
        """Run a command on a machine that dies at a moment; False when the command ends before."""
        self.world.moments, self.world.dies_at = 0, moment
        self.command(name, **choices)
        died = self.world.dead
        self.world.live()
        return died

    def moments(self, name: str, **choices: Any) -> int:
        """Run a command undisturbed; how many moments it has."""
        self.world.moments = 0
        self.well(name, **choices)
        return self.world.moments

    def well(self, name: str, **choices: Any) -> None:
        """Run a command that must succeed."""
        error = self.command(name, **choices)
        if error is not None:
            raise self.wrong(f"{name} failed: {error}")

    def import_objects(self, wanted: Sequence[adoption.Wanted]) -> None:
        """Take these objects into the record."""
        choices = Choices(skip_preview=True)
        deployment.import_objects(self._stack, choices, self._watch, wanted, protect=False, stop=_STOP)

    def _watch(self, event: events.Event) -> None:
        if isinstance(event, events.Settled):
            self.world.tell("settled", f"{event.kind} {urn_name(event.urn)}: {event.outcome}")
        elif isinstance(event, events.StepBegan) and event.step.op.calls_cloud:
            self.world.tell("step", lambda: f"{event.step.op} {urn_name(event.step.urn)} ({event.step.reason.why})")
        elif isinstance(event, events.StepFailed):
            self.world.tell("failed", f"{event.step.op} {urn_name(event.step.urn)}: {event.problem.summary}")
        elif isinstance(event, events.Told):
            self.world.tell("told", event.problem.summary)

    # --- what has to be true

    def wrong(self, what: str) -> WrongError:
        """The error, with the tale."""
        self.world.tell("WRONG", what)
        return WrongError(f"{what}\n{self.world.text}")

    def require_whole(self) -> None:
        """The record makes sense at any time, or whoever comes after a death could not read it."""
        found = problems(self.record.load())
        if found:
            raise self.wrong(f"the record is broken: {urn_name(found[0].urn)}: {found[0].summary}")

    def require_well(self) -> None:
        """Nothing lost, nothing twice: cloud, record and program say the same, and nothing is left to do."""
        self.world.pass_time(2 * (LATE + LAG))
        snapshot = self.record.load()
        self.require_whole()
        if snapshot.pending:
            raise self.wrong(f"there are {len(snapshot.pending)} pending operations")
        rows = {row.name: row for row in snapshot.resources if row.type in TYPES}
        if len(rows) != sum(1 for row in snapshot.resources if row.type in TYPES):
            raise self.wrong("the record has two rows of one resource")
        there = self.cloud.present()
        recorded = {row.id for row in rows.values()}
        self._require_same(recorded, there.keys() - (self.foreign - recorded), rows)
        if rows.keys() != {thing.name for thing in self.program}:
            raise self.wrong(f"recorded are {sorted(rows)}")
        for thing in self.program:
            row, content = rows[thing.name], there[rows[thing.name].id]
            wanted = thing.inputs(lambda name: there[rows[name].id]["serial"])
            self._require_equal(f"{thing.name} in the cloud", content, wanted)
            self._require_equal(f"the inputs of {thing.name}", row.inputs, wanted)
            self._require_equal(f"the outputs of {thing.name}", row.outputs, {**wanted, "serial": content["serial"]})
        self.well("refresh", expect_no_changes=True)
        plan = deployment.preview(self._stack, Choices(), lambda _event: None, _STOP)
        if plan.has_changes:
            raise self.wrong(f"there is something left to do: {dict(plan.counts)}")

    def _require_same(self, recorded: set[str], there: set[str], rows: Mapping[str, Any]) -> None:
        if recorded - there:
            raise self.wrong(f"recorded, but not there: {sorted(recorded - there)}")
        if there - recorded:
            raise self.wrong(f"orphans: {sorted(there - recorded)}")
        if len(recorded) != len(rows):
            raise self.wrong("two resources have one object")

    def _require_equal(self, what: str, actual: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        for key, value in wanted.items():
            if not equal(actual.get(key), value):
                raise self.wrong(f"{what} has {key} {actual.get(key)!r} instead of {value!r}")

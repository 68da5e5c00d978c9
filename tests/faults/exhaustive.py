"""Every small story: each change of a small program, a death at each of its moments, and each way to go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from random import Random

from tests.faults.cloud import MARKED, NAMED, NUMBERED
from tests.faults.simulation import Simulation
from tests.faults.things import Program, Thing
from tests.faults.world import LAG, Fate


@dataclass(frozen=True, slots=True)
class Change:
    """From one program to another, by a command."""

    name: str
    before: Program
    after: Program
    command: str = "up"
    unsettled: Callable[[Simulation], None] = lambda _simulation: None
    """What somebody else does in between."""


def _alone(type_: str) -> Iterator[Change]:
    thing, kind = Thing("a", type_), type_.rpartition(":")[2].lower()
    yield Change(f"{kind} made", (), (thing,))
    yield Change(f"{kind} changed", (thing,), (thing.but(size=2),))
    yield Change(f"{kind} replaced", (thing,), (thing.but(shape="square"),))
    yield Change(f"{kind} replaced, the old one first", (thing,), (thing.but(shape="square", delete_first=True),))
    yield Change(f"{kind} deleted", (thing,), ())
    yield Change(f"{kind} destroyed", (thing,), (), "destroy")
    yield Change(f"{kind} refreshed, changed outside", (thing,), (thing,), "refresh", _meddle)
    yield Change(f"{kind} refreshed, gone", (thing,), (thing,), "refresh", _remove)
    if type_ != MARKED:
        yield Change(f"{kind} renamed", (thing,), (thing.but(called="b"),))


def _together(first: str, second: str) -> Iterator[Change]:
    a, b, c = Thing("a", first), Thing("b", second, tag="a"), Thing("c", first, bound="b")
    kind = f"{first.rpartition(':')[2]}-{second.rpartition(':')[2]}".lower()
    three = (a, b, c)
    yield Change(f"{kind} three made", (), three)
    yield Change(f"{kind} three destroyed", three, (), "destroy")
    yield Change(f"{kind} the first replaced", three, (a.but(shape="square"), b, c))
    yield Change(f"{kind} the first replaced, old first", three, (a.but(shape="square", delete_first=True), b, c))
    yield Change(f"{kind} the second replaced", three, (a, b.but(shape="square"), c))
    bound = (a, b.but(tag="", bound="a"), c)
    yield Change(f"{kind} a chain replaced", bound, (a.but(shape="square"), *bound[1:]))
    yield Change(f"{kind} a chain replaced, old first", bound, (a.but(shape="square", delete_first=True), *bound[1:]))
    tied = (a, b.but(tag="", deleted_with="a"))
    yield Change(f"{kind} tied ones replaced", tied, (a.but(shape="square"), tied[1]))
    yield Change(f"{kind} all different", three, (a.but(size=2), b.but(shape="square"), c.but(size=3)))
    yield Change(f"{kind} side by side", (a, b.but(tag="")), (a.but(size=2), b.but(tag="", size=2)))
    yield Change(f"{kind} one for another", (a,), (b.but(tag=""),))
    yield Change(f"{kind} the first removed", three, (b.but(tag=""), c))


def _imported(type_: str) -> Iterator[Change]:
    name = {} if type_ == MARKED else {"name": "a"}
    label = {"label": "a"} if type_ == MARKED else {}
    kind = type_.rpartition(":")[2].lower()

    def there(simulation: Simulation) -> None:
        props = {**name, **label, "size": 1, "shape": "round", "tag": "", "bound": ""}
        simulation.foreign.add(simulation.cloud.put(type_, props))
        simulation.world.pass_time(LAG)

    thing = Thing("a", type_, import_id="a" if type_ == NAMED else f"{kind}-1")
    yield Change(f"{kind} imported", (), (thing,), "up", there)
    yield Change(f"{kind} imported and changed", (), (thing.but(size=2),), "up", there)


def _meddle(simulation: Simulation) -> None:
    simulation.cloud.change(next(iter(simulation.cloud.present())), {"size": 7})
    simulation.world.pass_time(LAG)


def _remove(simulation: Simulation) -> None:
    simulation.cloud.end(next(iter(simulation.cloud.present())))
    simulation.world.pass_time(LAG)


CHANGES = tuple(
    change
    for changes in (
        *(_alone(type_) for type_ in (NAMED, NUMBERED, MARKED)),
        *(_together(first, second) for first, second in ((NAMED, NUMBERED), (NUMBERED, MARKED), (MARKED, NAMED))),
        *(_imported(type_) for type_ in (NAMED, NUMBERED, MARKED)),
    )
    for change in changes
)

STALE = {"fresh": 0.0, "stale": LAG}


def brought_to(change: Change, fate: Fate, stale: float) -> Simulation:
    """A stack at the beginning of a change."""
    simulation = Simulation(Random(0), fate, stale)
    simulation.program = change.before
    if change.before:
        simulation.well("up", skip_preview=True)
    change.unsettled(simulation)
    simulation.world.pass_time(1.0)
    simulation.program = change.after
    return simulation


def deaths(change: Change, fate: Fate, stale: float) -> Iterator[Simulation]:
    """The stack after a death at each moment of the change."""
    for moment in count(1):
        simulation = dead(change, fate, stale, moment)
        if simulation is None:
            return
        yield simulation


def dead(change: Change, fate: Fate, stale: float, moment: int) -> Simulation | None:
    """The stack after a death at this moment; None when the change has fewer."""
    simulation = brought_to(change, fate, stale)
    if not simulation.crash(change.command, moment, skip_preview=True):
        return None
    simulation.require_whole()
    return simulation


def finish(simulation: Simulation, program: Program) -> None:
    """One more up, after which all has to be well."""
    simulation.program = program
    simulation.well("up", skip_preview=True, refresh=True)
    simulation.require_well()

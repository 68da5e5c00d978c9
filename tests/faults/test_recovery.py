"""What recovery does where a cloud gives it little to go by, in the simulated cloud."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from engine import adoption
from engine.core.contract import GONE, ReadResult
from engine.core.errors import InputError
from engine.core.model import PendingKind
from tests.faults.cloud import SimProvider
from tests.faults.exhaustive import CHANGES, Change, dead, deaths, finish
from tests.faults.simulation import Simulation
from tests.faults.things import ROOT
from tests.faults.world import LAG, LATE, Fate


def _change(name: str) -> Change:
    return next(change for change in CHANGES if change.name == name)


def _killed(name: str, when: str, fate: Fate = Fate.NEVER) -> Simulation:
    """A stack whose run was killed at the first moment of that description."""
    for simulation in deaths(_change(name), fate, 0.0):
        if any(kind == "killed" and when in str(what) for _, kind, what in simulation.world.tale):
            return simulation
    raise AssertionError(f"there is no moment {when}")


def _settled(simulation: Simulation) -> list[str]:
    return [str(what) for _, kind, what in simulation.world.tale if kind == "settled"]


@pytest.mark.parametrize(
    ("name", "when", "outcome"),
    [
        ("named made", "after create", "creating a: it had been created, as a (found by its name), and is ours"),
        (
            "marked made",
            "after create",
            "creating a: it had been created, as marked-1 (found by its label), and is ours",
        ),
        ("named made", "before create", "creating a: it had not been created"),
        ("named changed", "before set", "updating a: the object a was read again; whatever is missing of the update"),
        ("named deleted", "before delete", "deleting a: the object a is still there"),
        ("named deleted", "after delete", "deleting a: the object a is gone"),
    ],
)
def test_one_line_for_each_settled_operation(name: str, when: str, outcome: str) -> None:
    simulation = _killed(name, when)
    finish(simulation, _change(name).after)
    assert [line for line in _settled(simulation) if line.startswith(outcome)] == _settled(simulation)
    assert len(_settled(simulation)) == 1


def test_a_preview_shows_what_would_be_settled_and_changes_nothing() -> None:
    simulation = _killed("named made", "after create")
    before, now, there = simulation.record.load(), simulation.world.now, simulation.cloud.present()
    simulation.well("preview")
    assert _settled(simulation) == ["creating a: it had been created, as a (found by its name), and is ours"]
    assert simulation.record.load() == before
    assert (simulation.cloud.present(), simulation.world.now) == (there, now), "it does not wait either"


def test_it_waits_for_what_was_sent_last() -> None:
    """The request arrives after the next run has begun, and its effect shows later still."""
    simulation = _killed("numbered made", "before create", Fate.LATE)
    assert simulation.cloud.present() == {}
    began = simulation.world.now
    finish(simulation, _change("numbered made").after)
    assert _settled(simulation) == ["creating a: it had been created, as numbered-1 (found by its name), and is ours"]
    assert simulation.world.now >= began + LATE + LAG


def test_a_create_that_arrives_after_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Later than any promise: the next create finds its name taken, looks again, and takes what is its own."""
    simulation = _killed("numbered made", "after create")
    find, looks = SimProvider.find, iter([True])

    def late(self: SimProvider, props: dict[str, Any]) -> ReadResult:
        return GONE if next(looks, False) else find(self, props)

    monkeypatch.setattr(SimProvider, "find", late)
    (thing,) = _change("numbered made").after
    finish(simulation, (thing.but(size=4),))
    assert _settled(simulation) == ["creating a: it had not been created"]
    assert list(simulation.cloud.present()) == ["numbered-1"]


def test_a_strangers_object_is_never_taken() -> None:
    """Of the same name, but of another make: the create fails, and goes on failing."""
    simulation = _killed("numbered made", "before create")
    props = {"name": "a", "shape": "flat", "size": 1, "tag": "", "bound": ""}
    simulation.cloud.put("sim:index:Numbered", props)
    simulation.world.pass_time(LAG)
    for _ in range(2):
        error = simulation.command("up", skip_preview=True)
        assert error is not None
        assert [row for row in simulation.record.load().resources if row.name == "a"] == []


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> Simulation:
    """A run killed after a create that its provider cannot look up; and an object of somebody else's."""
    simulation = _killed("marked made", "after create")
    monkeypatch.setattr(SimProvider, "find", None)
    simulation.cloud.put("sim:index:Marked", {"label": "theirs"})
    return simulation


@pytest.mark.parametrize("command", ["up", "preview", "refresh", "destroy"])
def test_a_create_nobody_can_look_up_names_the_candidates(blind: Simulation, command: str) -> None:
    before = blind.record.load()
    error = blind.command(command)
    assert isinstance(error, InputError)
    assert error.reference == "pending-create"
    assert "marked-1, marked-2" in error.why
    assert "workstead import sim:index:Marked a ID" in error.remedy
    assert blind.record.load() == before


def test_importing_a_candidate_settles_it(blind: Simulation) -> None:
    wanted = [adoption.Wanted("sim:index:Marked", "a", "marked-1", ROOT)]
    blind.import_objects(wanted)
    assert not blind.record.load().pending
    blind.foreign.add("marked-2")
    finish(blind, _change("marked made").after)


def test_forgetting_it_is_the_persons_word(blind: Simulation) -> None:
    assert [pending.kind for pending in blind.record.load().pending] == [PendingKind.CREATING]
    blind.cloud.end("marked-1")
    blind.foreign.add("marked-2")
    blind.well("up", skip_preview=True, clear_pending_creates=True)
    blind.require_well()


@pytest.mark.parametrize("name", ["marked replaced", "named replaced, the old one first"])
def test_two_deaths_at_any_two_moments(name: str) -> None:
    """The run that mends dies too, at each of its moments."""
    change = _change(name)
    for first in count(1):
        for second in count(1):
            simulation = dead(change, Fate.LATE, LAG, first)
            if simulation is None:
                return
            if not simulation.crash("up", second, skip_preview=True):
                break
            finish(simulation, change.after)

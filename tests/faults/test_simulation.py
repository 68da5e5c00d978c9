"""The simulated cloud and machine: whatever dies whenever, one more up leads to what the program says.

`python -m tests.faults.simulate` is the same at any length.
"""

from __future__ import annotations

import pytest

from tests.faults.cloud import SimProvider
from tests.faults.exhaustive import CHANGES, STALE, Change, brought_to, deaths, finish
from tests.faults.simulate import Life
from tests.faults.simulation import WrongError
from tests.faults.world import LAG, Fate

_SINGLE = [change for change in CHANGES if "-" not in change.name]


def _each(changes: list[Change]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("change", [pytest.param(change, id=change.name) for change in changes])


@_each(list(CHANGES))
def test_a_death_at_any_moment(change: Change) -> None:
    """What was under way arrives late, and what the cloud shows is old."""
    for simulation in deaths(change, Fate.LATE, LAG):
        finish(simulation, change.after)


@_each(_SINGLE)
def test_a_death_at_any_moment_and_another_mind(change: Change) -> None:
    """Afterwards the program is what it was before."""
    for simulation in deaths(change, Fate.NEVER, LAG):
        finish(simulation, change.before)


@_each(_SINGLE)
def test_a_death_before_a_cloud_that_is_quick(change: Change) -> None:
    """What was under way never arrives, and what the cloud shows is true."""
    for simulation in deaths(change, Fate.NEVER, STALE["fresh"]):
        finish(simulation, change.after)


def test_lives_left_to_chance() -> None:
    """Fifty schedules; `.ci/run` does five hundred. A failing one tells its seed."""
    for seed in range(1001, 1051):
        Life(seed).run()


def test_the_simulation_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that promises too much loses things: these tests can fail."""
    monkeypatch.setattr(SimProvider, "lag", lambda _self: 0.0)
    made = next(change for change in CHANGES if change.name == "marked made")
    with pytest.raises(WrongError, match="orphans"):
        test_a_death_at_any_moment(made)
    simulation = brought_to(made, Fate.LATE, 0.0)
    simulation.well("up", skip_preview=True)
    simulation.cloud.change(next(iter(simulation.cloud.present())), {"size": 9})
    with pytest.raises(WrongError, match="size 9"):
        simulation.require_well()

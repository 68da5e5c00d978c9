"""What a provider may see of the program while it checks: the URN, and what a property is made from."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.contract import CHECK, CheckResult
from engine.core.planner import Planner
from engine.core.values import UNKNOWN, secret
from tests.builders import ThingCloud, ThingProvider, ThingSource, goal, snapshot, urn


class Curious(ThingProvider):
    """Notes what it can see."""

    def __init__(self) -> None:
        super().__init__(ThingCloud())
        self.seen: dict[str, list[tuple[str, dict[str, Any]]]] = {}

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        context = CHECK.get()
        self.seen[context.urn] = [(origin.urn, dict(origin.inputs)) for origin in context.origins("owner")]
        return CheckResult(news)


def seen_by(*goals: Any) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """URN → (URN, inputs) of what its property `owner` is made from, after deciding these goals."""
    provider = Curious()
    planner = Planner(snapshot(), ThingSource(ThingCloud(), {goals[0].type: provider}), preview=True)
    for wanted in goals:
        planner.decide(wanted)
    return provider.seen


def test_the_resources_a_property_is_made_from_nearest_first() -> None:
    house = goal("house", {"doors": 2})
    team = goal("team", {"house": UNKNOWN}, dependencies=(house.urn,), property_dependencies={"house": (house.urn,)})
    desk = goal(
        "desk",
        {"owner": UNKNOWN, "room": "x"},
        dependencies=(team.urn, house.urn),
        property_dependencies={"owner": (team.urn,), "room": (house.urn,)},
    )
    seen = seen_by(house, team, desk)
    assert seen[house.urn] == []
    assert seen[desk.urn] == [(team.urn, {"house": UNKNOWN}), (house.urn, {"doors": 2})]


def test_what_is_not_of_this_run_is_not_seen() -> None:
    desk = goal("desk", {"owner": "them"}, property_dependencies={"owner": (urn("stranger"),)})
    assert seen_by(desk)[desk.urn] == []


def test_values_are_plain() -> None:
    house = goal("house", {"key": secret("swordfish")})
    desk = goal("desk", {"owner": UNKNOWN}, property_dependencies={"owner": (house.urn,)})
    assert seen_by(house, desk)[desk.urn] == [(house.urn, {"key": "swordfish"})]


def test_outside_a_check_there_is_nothing_to_see() -> None:
    seen_by(goal("house"))
    with pytest.raises(LookupError):
        CHECK.get()

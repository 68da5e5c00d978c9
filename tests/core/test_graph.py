"""Who depends on whom: order, dependents, circles, and the longest way ahead."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from engine.core import graph
from engine.core.errors import ProgramError
from engine.core.model import Options, ResourceState, Snapshot, in_dependency_order
from engine.core.plan import Op, Step
from tests.builders import state, urn
from tests.core.records import snapshots


def _needing(name: str, *needs: str, **fields: Any) -> ResourceState:
    return state(name, dependencies=tuple(urn(need) for need in needs), provider="", **fields)


def test_edges_lead_from_what_is_needed_to_what_needs_it() -> None:
    known = graph.of_states(
        [
            _needing("a"),
            _needing("b", "a"),
            _needing("c", parent=urn("b"), options=Options(deleted_with=urn("a"))),
            _needing("d", "not there"),
            _needing("e", "e"),
        ]
    )
    assert sorted(known.edges) == sorted([(urn("a"), urn("b")), (urn("b"), urn("c")), (urn("a"), urn("c"))])
    assert set(known) == {urn(name) for name in "abcde"}


def test_dependents_are_followed() -> None:
    known = graph.of_states([_needing("a"), _needing("b", "a"), _needing("c", "b"), _needing("d")])
    assert graph.dependents(known, urn("a")) == {urn("b"), urn("c")}
    assert graph.dependents(known, urn("d")) == set()
    assert graph.dependents(known, urn("nobody")) == set()


def test_a_circle_is_told_with_the_way_round() -> None:
    known = graph.of_states([_needing("x", "c"), _needing("a", "c"), _needing("b", "a"), _needing("c", "b")])
    with pytest.raises(ProgramError) as caught:
        graph.require_acyclic(known)
    assert caught.value.reference == "dependency-cycle"
    way = caught.value.summary.split(": ", 1)[1].split(" → ")
    assert way[0] == way[-1]
    assert {urn("a"), urn("b"), urn("c")} == set(way)
    assert caught.value.urn == way[0]


def test_without_a_circle_nothing_is_told() -> None:
    graph.require_acyclic(graph.of_states([_needing("a"), _needing("b", "a"), _needing("c", "a", "b")]))


@given(snapshots(), some.randoms(use_true_random=False))
def test_order_respects_needs_and_else_the_order_given(record: Snapshot, chance: random.Random) -> None:
    live = [row for row in record.resources if not row.delete]
    like = [row.urn for row in live]
    chance.shuffle(like)
    known = graph.of_states(live)
    order = graph.in_order(known, like)
    place = {urn: index for index, urn in enumerate(order)}
    assert sorted(order) == sorted(like)
    assert all(place[one] < place[other] for one, other in known.edges)
    free = graph.in_order(graph.of_states([row.but(dependencies=(), parent="", provider="") for row in live[:1]]), like)
    assert free == [live[0].urn]


def test_unrelated_nodes_keep_the_order_given() -> None:
    known = graph.of_states([_needing(name) for name in "abc"])
    assert graph.in_order(known, [urn("b"), urn("c"), urn("a")]) == [urn("b"), urn("c"), urn("a")]


@pytest.mark.parametrize(
    ("reverse", "expected"),
    [
        pytest.param(False, {"a": 3.0, "b": 2.0, "c": 1.0, "d": 2.0, "e": 1.0}, id="to the last that follows"),
        pytest.param(True, {"a": 1.0, "b": 2.0, "c": 3.0, "d": 1.0, "e": 2.0}, id="backwards, for deletes"),
    ],
)
def test_the_longest_way_ahead(reverse: bool, expected: dict[str, float]) -> None:
    known = graph.of_states(
        [_needing("a"), _needing("b", "a"), _needing("c", "b", "a"), _needing("d"), _needing("e", "d")]
    )
    found = graph.remaining_path(known, lambda _urn: 1.0, reverse)
    assert {name: found[urn(name)] for name in "abcde"} == expected


def test_costs_count() -> None:
    known = graph.of_states([_needing("a"), _needing("b", "a"), _needing("c", "a")])
    found = graph.remaining_path(known, {urn("a"): 1.0, urn("b"): 5.0, urn("c"): 2.0}.__getitem__)
    assert found[urn("a")] == 6.0


# --- deletes ----------------------------------------------------------------------------------------------------------


def _deletes(rows: list[ResourceState]) -> list[Step]:
    return [Step(op=Op.DELETE, urn=row.urn, old=row) for row in reversed(rows)]


def test_what_needs_a_row_goes_before_it() -> None:
    a, b, c = _needing("a"), _needing("b", "a"), _needing("c", "b", "a")
    before, ahead = graph.delete_order(_deletes([a, b, c]))
    assert before == {a.key: {b.key, c.key}, b.key: {c.key}, c.key: set()}
    assert ahead == {c.key: 3.0, b.key: 2.0, a.key: 1.0}


def test_old_rows_count_by_themselves() -> None:
    old, new, user = _needing("a", delete=True), _needing("a"), _needing("b", "a")
    before, _ = graph.delete_order(_deletes([old, new, user]))
    assert before == {old.key: {user.key}, new.key: {user.key}, user.key: set()}


@given(snapshots(most=8))
def test_deletes_can_always_be_carried_out(record: Snapshot) -> None:
    """Dependents first: every row only waits for rows that come before it in the order of the leftovers."""
    rows = list(in_dependency_order(record.resources))
    steps = _deletes(rows)
    before, ahead = graph.delete_order(steps)
    gone: set[int] = set()
    for step in steps:
        assert step.old is not None
        assert before[step.old.key] <= gone
        assert all(ahead[other] > ahead[step.old.key] for other in before[step.old.key])
        gone.add(step.old.key)
    assert gone == {row.key for row in rows}


def test_ten_thousand_nodes_are_no_matter() -> None:
    rows = [state("r0", provider="")]
    for number in range(1, 10_000):
        rows.append(_needing(f"r{number}", f"r{number - 1}", f"r{number // 2}"))
    began = time.perf_counter()
    known = graph.of_states(rows)
    graph.require_acyclic(known)
    graph.remaining_path(known, lambda _urn: 1.0)
    graph.delete_order(_deletes(rows))
    assert time.perf_counter() - began < 5.0, "linear in nodes and edges"

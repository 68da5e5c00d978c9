"""URNs, the needs of a state, the order of a record, and what is wrong with one."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from engine.core.errors import ProgramError, RecordError
from engine.core.model import (
    STACK_TYPE,
    Options,
    ResourceState,
    Snapshot,
    Timeouts,
    Urn,
    in_dependency_order,
    is_provider_type,
    make_urn,
    package_of,
    parse_urn,
    problems,
    provider_id,
    provider_urn,
    require_whole,
    urn_name,
)
from tests.builders import PROVIDER_URN, provider_state, snapshot, state, urn
from tests.core.records import snapshots

ROOT = make_urn("dev", "proj", "", STACK_TYPE, "proj-dev")
GROUP = make_urn("dev", "proj", ROOT, "my:Group", "g")


@pytest.mark.parametrize(
    ("parent", "type_", "expected"),
    [
        pytest.param("", "a:b:C", "urn:pulumi:dev::proj::a:b:C::x", id="without a parent"),
        pytest.param(ROOT, "a:b:C", "urn:pulumi:dev::proj::a:b:C::x", id="the root stack is left out of the chain"),
        pytest.param(GROUP, "a:b:C", "urn:pulumi:dev::proj::my:Group$a:b:C::x", id="a parent's type comes before"),
        pytest.param(
            make_urn("dev", "proj", GROUP, "my:Inner", "i"),
            "a:b:C",
            "urn:pulumi:dev::proj::my:Group$my:Inner$a:b:C::x",
            id="and its parents' types before that",
        ),
    ],
)
def test_urns_are_made_of_the_types_of_all_ancestors(parent: str, type_: str, expected: str) -> None:
    assert make_urn("dev", "proj", parent, type_, "x") == expected
    assert parse_urn(expected).type == type_


def test_a_name_may_contain_double_colons() -> None:
    text = "urn:pulumi:dev::proj::a:b:C::x::y"
    assert parse_urn(text) == Urn("dev", "proj", "a:b:C", "x::y")
    assert urn_name(text) == "x::y"


@pytest.mark.parametrize("text", ["", "urn", "urn:pulumi:dev::proj::a:b:C", "urn:other:dev::proj::a:b:C::x"])
def test_anything_else_is_not_a_urn(text: str) -> None:
    with pytest.raises(ProgramError, match="is not a URN"):
        parse_urn(text)


_part = some.text(some.characters(exclude_characters=":$", codec="utf-8"), min_size=1, max_size=5)


@given(stack=_part, project=_part, type_=_part, name=some.text(max_size=9))
def test_a_urn_says_what_it_was_made_of(stack: str, project: str, type_: str, name: str) -> None:
    assert parse_urn(make_urn(stack, project, "", type_, name)) == Urn(stack, project, type_, name)


@pytest.mark.parametrize(
    ("type_", "package", "provider"),
    [
        ("aws:s3/bucket:Bucket", "aws", False),
        ("pulumi:providers:aws", "aws", True),
        ("pulumi:pulumi:Stack", "pulumi", False),
        ("pulumi-python:dynamic/mod:Name", "pulumi-python", False),
    ],
)
def test_the_package_of_a_type(type_: str, package: str, provider: bool) -> None:
    assert (package_of(type_), is_provider_type(type_)) == (package, provider)


def test_a_provider_reference_is_a_urn_and_an_id() -> None:
    reference = state("p", id="some-id").reference
    assert (provider_urn(reference), provider_id(reference)) == (urn("p"), "some-id")


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        pytest.param({"parent": "P"}, ["P"], id="its parent"),
        pytest.param({"provider": "Q::id"}, ["Q"], id="its provider"),
        pytest.param({"dependencies": ("A", "B")}, ["A", "B"], id="its dependencies"),
        pytest.param({"property_dependencies": {"x": ("A",), "y": ("C",)}}, ["A", "C"], id="those of its properties"),
        pytest.param({"options": Options(deleted_with="D")}, ["D"], id="what it is deleted with"),
        pytest.param({"options": Options(replace_with=("E", "F"))}, ["E", "F"], id="what it is replaced with"),
        pytest.param({}, [], id="nothing else"),
    ],
)
def test_what_a_state_needs(fields: dict[str, Any], needs: list[str]) -> None:
    assert list(state("x", **{"provider": "", **fields}).needs()) == needs


def test_no_time_limit_is_none() -> None:
    assert not Timeouts()
    assert all(Timeouts(**{name: 1}) for name in ("create", "update", "delete", "read"))


# --- snapshots --------------------------------------------------------------------------------------------------------


def test_the_live_state_of_a_urn_is_not_the_one_that_waits_for_its_delete() -> None:
    live, old = state("a", id="new"), state("a", id="old", delete=True)
    record = snapshot(old, live, state("b", delete=True))
    assert record.by_urn[urn("a")].id == "new"
    assert urn("b") not in record.by_urn


def test_the_stack_outputs_are_those_of_the_root() -> None:
    root = ResourceState(urn=ROOT, type=STACK_TYPE, custom=False, outputs={"x": 1})
    assert snapshot(root).stack_outputs == {"x": 1}
    assert snapshot(state("a")).stack_outputs == {}


def _needing(name: str, *needs: str, **fields: Any) -> ResourceState:
    return state(name, dependencies=tuple(urn(need) for need in needs), **fields)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        pytest.param([state("a")], None, id="whole: a thing after its provider"),
        pytest.param([_needing("b", "a"), state("a")], "not recorded before it", id="a need that comes later"),
        pytest.param([_needing("b", "zzz")], "not recorded before it", id="a need that is not there"),
        pytest.param([state("a"), state("a")], "recorded twice", id="a URN with two live rows"),
        pytest.param([state("a"), state("a", delete=True)], None, id="whole: an old row beside the live one"),
        pytest.param([state("a", delete=True), state("a", delete=True)], None, id="whole: two old rows"),
        pytest.param([state("a", custom=False)], "cannot have an ID", id="a component with an ID"),
        pytest.param([state("a", urn="")], "no URN or no type", id="no URN"),
        pytest.param([state("a", type="", urn=urn("a"))], "no URN or no type", id="no type"),
        pytest.param(
            [state("a", provider=f"{urn('gone')}::id", pending_replacement=True)],
            None,
            id="whole: what waits for its successor may have lost its provider",
        ),
        pytest.param([state("a", provider=f"{urn('gone')}::id")], "not recorded before it", id="a lost provider"),
        pytest.param([state("a", delete=True), _needing("b", "a")], None, id="whole: a need that is an old row"),
    ],
)
def test_what_is_wrong_with_a_record(rows: list[ResourceState], said: str | None) -> None:
    found = problems(snapshot(*rows))
    assert [problem.summary for problem in found if said is None or said not in problem.summary] == []
    assert bool(found) is (said is not None)
    if said is None:
        record = snapshot(*rows)
        assert require_whole(record) is record
    else:
        with pytest.raises(RecordError, match=said):
            require_whole(snapshot(*rows))


def test_all_problems_are_counted_and_the_first_is_named() -> None:
    with pytest.raises(RecordError) as caught:
        require_whole(snapshot(_needing("b", "x"), _needing("c", "y")))
    assert caught.value.urn == urn("b")
    assert "2 problems in all" in caught.value.why


# --- order ------------------------------------------------------------------------------------------------------------


def _names(rows: tuple[ResourceState, ...]) -> list[str]:
    return [f"{row.name}{'-' if row.delete else ''}" for row in rows]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([state("b"), state("a")], ["b", "a"], id="unrelated ones stay as they are"),
        pytest.param([_needing("b", "a"), state("a")], ["a", "b"], id="a need goes before"),
        pytest.param(
            [_needing("c", "b"), _needing("b", "a"), state("a"), state("d")], ["a", "b", "c", "d"], id="and its needs"
        ),
        pytest.param([_needing("b", "zzz"), state("a")], ["b", "a"], id="what is not there does not matter"),
        pytest.param(
            [_needing("b", "a"), state("a", delete=True), state("a")], ["a", "b", "a-"], id="the live row is needed"
        ),
        pytest.param(
            [_needing("b", "a"), state("a", delete=True)], ["a-", "b"], id="an old row, where there is no live one"
        ),
        pytest.param(
            [_needing("a", "b", delete=True), state("a"), _needing("b", "a")],
            ["a", "b", "a-"],
            id="a dependency turned round while one end is replaced",
        ),
        pytest.param(
            [_needing("b", "a", delete=True), state("a", delete=True), state("a"), _needing("b", "a")],
            ["a", "a-", "b-", "b"],
            id="an old row stands after the old row it was made from, so that backwards it goes first",
        ),
    ],
)
def test_the_order_of_a_record(rows: list[ResourceState], expected: list[str]) -> None:
    assert _names(in_dependency_order(rows)) == expected


@given(snapshots(), some.randoms(use_true_random=False))
def test_every_whole_record_is_whole_again_after_shuffling(record: Snapshot, chance: random.Random) -> None:
    assert not problems(record)
    rows = list(record.resources)
    chance.shuffle(rows)
    ordered = in_dependency_order(rows)
    assert not problems(Snapshot(ordered))
    assert sorted(row.key for row in ordered) == sorted(row.key for row in rows)


@given(snapshots())
def test_order_is_stable(record: Snapshot) -> None:
    """What is in order stays exactly as it is, so that a record does not change by being read."""
    once = in_dependency_order(record.resources)
    assert in_dependency_order(once) == once


def test_a_deep_chain_is_no_problem() -> None:
    rows = [_needing(f"r{n}", f"r{n + 1}") for n in range(5000)] + [state("r5000")]
    assert _names(in_dependency_order(rows))[:2] == ["r5000", "r4999"]


def test_a_circle_stays_for_the_check_to_find() -> None:
    rows = [_needing("a", "b"), _needing("b", "a")]
    ordered = in_dependency_order([provider_state(), *rows])
    assert len(ordered) == 3
    assert problems(Snapshot(ordered))


def test_builders_make_whole_records() -> None:
    assert not problems(snapshot(state("a")))
    assert provider_urn(state("a").provider) == PROVIDER_URN

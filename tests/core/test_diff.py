"""What changed between two property trees."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from engine.core import paths
from engine.core.diff import Change, Kind, changes, top_level
from engine.core.values import UNKNOWN, UNKNOWN_BOOL, Asset, Secret, equal, reveal
from tests.core.records import properties


def _shown(found: tuple[Change, ...]) -> list[str]:
    return [f"{change.kind} {change}" for change in found]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param({"a": 1}, {"a": 1}, [], id="nothing"),
        pytest.param({}, {"a": 1}, ["add a"], id="a name added"),
        pytest.param({"a": 1}, {}, ["delete a"], id="a name deleted"),
        pytest.param({"a": 1}, {"a": 2}, ["update a"], id="a value"),
        pytest.param({"a": None}, {}, [], id="null is as good as missing"),
        pytest.param({"a": None}, {"a": 1}, ["add a"], id="from null it is added"),
        pytest.param({"a": 1}, {"a": None}, ["delete a"], id="to null it is deleted"),
        pytest.param({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, ["update a.c"], id="innermost for updates"),
        pytest.param({"a": {}}, {"a": {"b": {"c": 1}}}, ["add a.b"], id="outermost for what is added"),
        pytest.param({"a": {"b": {"c": 1}}}, {"a": {}}, ["delete a.b"], id="and for what is deleted"),
        pytest.param({"a": {"b": 1}}, {"a": [1]}, ["update a"], id="a container that becomes another is one update"),
        pytest.param({"a": {"b": 1}}, {"a": 1}, ["update a"], id="and one that becomes a value"),
        pytest.param({"a": [1, 2]}, {"a": [1, 3, 4]}, ["update a[1]", "add a[2]"], id="lists by position"),
        pytest.param({"a": [1, 2, 3]}, {"a": [1]}, ["delete a[1]", "delete a[2]"], id="a shorter list"),
        pytest.param({"a": [2]}, {"a": [1, 2]}, ["update a[0]", "add a[1]"], id="an insertion changes what follows"),
        pytest.param({"a": [None]}, {"a": [1]}, ["update a[0]"], id="null in a list is a value"),
        pytest.param({"a": Secret(1)}, {"a": Secret(2)}, ["update a"], id="a secret's content"),
        pytest.param({"a": Secret({"b": 1})}, {"a": Secret({"b": 2})}, ["update a.b"], id="inside a secret"),
        pytest.param({"a": Secret(1)}, {"a": 1}, [], id="the mark of a secret is no change"),
        pytest.param({"a": 1}, {"a": Secret(1)}, [], id="nor is a new one"),
        pytest.param({"a": [Secret(1)]}, {"a": Secret([1])}, [], id="wherever the marks are"),
        pytest.param({"a": 1}, {"a": UNKNOWN}, ["update a"], id="an unknown may be anything"),
        pytest.param({"a": UNKNOWN}, {"a": UNKNOWN}, [], id="the same unknown"),
        pytest.param({"a": UNKNOWN}, {"a": UNKNOWN_BOOL}, ["update a"], id="an unknown of another kind"),
        pytest.param({"a": 1}, {"a": True}, ["update a"], id="a number that becomes a bool"),
        pytest.param({"a": Asset(text="1", hash="x")}, {"a": Asset(path="p", hash="x")}, [], id="an asset elsewhere"),
        pytest.param({"a": Asset(hash="x")}, {"a": Asset(hash="y")}, ["update a"], id="another asset"),
        pytest.param(
            {"z": 1, "b": 1, "gone": 1}, {"b": 2, "z": 2, "new": 1}, ["update b", "update z", "add new", "delete gone"]
        ),
    ],
)
def test_changes(old: dict[str, Any], new: dict[str, Any], expected: list[str]) -> None:
    assert _shown(changes(old, new)) == expected


def _apply(old: dict[str, Any], new: dict[str, Any], found: tuple[Change, ...]) -> Any:
    """`old`, with what the changes name taken from `new`."""
    result: Any = old
    for change in reversed(found):
        if change.kind is Kind.DELETE and isinstance(change.path[-1], int):
            whole, last = paths.lookup(result, change.path[:-1])[1], change.path[-1]
            result = paths.put(result, change.path[:-1], whole[:last])
        elif change.kind is Kind.DELETE:
            result = paths.drop(result, change.path)
    for change in found:
        value = paths.lookup(new, change.path)[1]
        if change.kind is Kind.ADD and isinstance(change.path[-1], int):
            whole = paths.lookup(result, change.path[:-1])[1]
            result = paths.put(result, change.path[:-1], [*whole, value])
        elif change.kind is not Kind.DELETE:
            result = paths.put(result, change.path, value)
    return result


@given(properties(), properties())
def test_the_changes_lead_from_one_to_the_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    found = changes(old, new)
    assert bool(found) is not equal(old, new)
    assert equal(_apply(old, new, found), new)


@given(properties(secrets=True, unknowns=True), properties(secrets=True, unknowns=True))
def test_no_changes_means_equal_but_for_the_marks_of_secrets(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert bool(changes(old, new)) is not equal(reveal(old), reveal(new))
    assert changes(old, reveal(old)) == ()


@given(properties(secrets=True), properties(secrets=True))
def test_no_change_is_inside_another(old: dict[str, Any], new: dict[str, Any]) -> None:
    found = changes(old, new)
    for one in found:
        assert not any(one is not other and paths.contains(one.path, other.path) for other in found)


@given(properties(), properties())
def test_backwards_what_was_added_is_deleted(old: dict[str, Any], new: dict[str, Any]) -> None:
    turned = {Kind.ADD: Kind.DELETE, Kind.DELETE: Kind.ADD, Kind.UPDATE: Kind.UPDATE}
    there = {(change.path, change.kind) for change in changes(old, new)}
    back = {(change.path, turned[change.kind]) for change in changes(new, old)}
    assert there == back


def test_kinds_know_whether_they_replace() -> None:
    for kind in (Kind.ADD, Kind.DELETE, Kind.UPDATE):
        assert not kind.replaces
        assert kind.as_replace().replaces
        assert kind.as_replace() == f"{kind}-replace"
        assert kind.as_replace().as_replace() is kind.as_replace()


def test_top_level_names_in_order_each_once() -> None:
    found = changes({"b": {"x": 1, "y": 1}, "a": 1}, {"b": {"x": 2, "y": 2}, "a": 2})
    assert top_level(found) == ("b", "a")
    assert top_level([Change((), Kind.UPDATE)]) == ()

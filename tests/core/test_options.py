"""Resource options as small transforms."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.diff import Change, Kind, changes
from engine.core.errors import Severity, UsageError
from engine.core.options import (
    ignore_changes,
    marked_by_provider,
    protected,
    replace_on_changes,
    trigger_fired,
    without_ignored,
)
from engine.core.paths import parse
from engine.core.values import UNKNOWN, Secret
from tests.builders import state, urn


@pytest.mark.parametrize(
    ("inputs", "recorded", "ignored", "result", "unusable"),
    [
        pytest.param({"a": 2, "b": 2}, {"a": 1, "b": 1}, ["a"], {"a": 1, "b": 2}, [], id="a changed value"),
        pytest.param({"a": 2}, {}, ["a"], {}, [], id="an added one is taken out again"),
        pytest.param({}, {"a": 1}, ["a"], {"a": 1}, [], id="a removed one is put back"),
        pytest.param({"a": {"b": 2, "c": 2}}, {"a": {"b": 1}}, ["a.b"], {"a": {"b": 1, "c": 2}}, [], id="inside"),
        pytest.param({}, {"a": {"b": 1}}, ["a.b"], {"a": {"b": 1}}, [], id="a removed map comes back as far as needed"),
        pytest.param({"a": [5, 6]}, {"a": [1, 2]}, ["a[1]"], {"a": [5, 2]}, [], id="a position of a list"),
        pytest.param({"a": [5]}, {"a": [1, 2]}, ["a[1]"], {"a": [5]}, ["a[1]"], id="lists never grow"),
        pytest.param({"a": [5, 6]}, {"a": [1]}, ["a[1]"], {"a": [5, 6]}, ["a[1]"], id="nor shrink"),
        pytest.param({"a": [5, 6]}, {"a": [1]}, ["a"], {"a": [1]}, [], id="but a list as a whole can be ignored"),
        pytest.param(
            {"a": [{"x": 5}, {"x": 6}]}, {"a": [{"x": 1}, {"x": 2}]}, ["a[*].x"], {"a": [{"x": 1}, {"x": 2}]}, [],
            id="every member of a list",
        ),
        pytest.param({"a": 2, "n": 3}, {"a": 1, "b": 1}, ["*"], {"a": 1, "b": 1}, [], id="everything"),
        pytest.param({"a": 2}, {"a": 1}, ["b"], {"a": 2}, [], id="what is nowhere does no harm"),
        pytest.param({"a": 2}, {"a": Secret(1)}, ["a"], {"a": Secret(1)}, [], id="a recorded secret stays one"),
        pytest.param({"a": "text"}, {"a": {"b": 1}}, ["a.b"], {"a": "text"}, ["a.b"], id="a path through a text"),
    ],
)  # fmt: skip
def test_ignored_changes(
    inputs: dict[str, Any], recorded: dict[str, Any], ignored: list[str], result: dict[str, Any], unusable: list[str]
) -> None:
    assert ignore_changes(inputs, recorded, ignored) == (result, unusable)


def test_nonsense_to_ignore_is_refused() -> None:
    with pytest.raises(UsageError):
        ignore_changes({}, {}, ["a["])


@pytest.mark.parametrize(
    ("ignored", "left"),
    [
        pytest.param([], ["a.b", "a.c", "d"], id="nothing"),
        pytest.param(["a.b"], ["a.c", "d"], id="a place"),
        pytest.param(["a"], ["d"], id="and what is inside one"),
        pytest.param(["a.*"], ["d"], id="by wildcard"),
        pytest.param(["a.b.x"], ["a.b", "a.c", "d"], id="not what is around one"),
    ],
)
def test_changes_outside_the_ignored_paths(ignored: list[str], left: list[str]) -> None:
    found = changes({"a": {"b": 1, "c": 1}, "d": 1}, {"a": {"b": 2, "c": 2}, "d": 2})
    assert [str(change) for change in without_ignored(found, ignored)] == left


FOUND = (Change(parse("a.b"), Kind.UPDATE), Change(parse("d"), Kind.ADD))


@pytest.mark.parametrize(
    ("listed", "unfinished", "replaces"),
    [
        pytest.param([], False, [], id="nothing listed"),
        pytest.param(["a.b"], False, ["a.b"], id="the place itself"),
        pytest.param(["a"], False, ["a.b"], id="a place around it"),
        pytest.param(["*"], False, ["a.b", "d"], id="everything"),
        pytest.param(["a.*", "d"], False, ["a.b", "d"], id="by wildcard"),
        pytest.param(["x"], False, [], id="another place"),
        pytest.param(["a.b.c"], False, [], id="a place inside what changed as a whole is not known to have changed"),
        pytest.param(["#initerror"], True, ["#initerror"], id="an unfinished initialisation"),
        pytest.param(["#initerror"], False, [], id="one that is finished"),
        pytest.param(["*"], True, ["#initerror", "a.b", "d"], id="everything contains that too"),
    ],
)
def test_changes_that_force_a_replacement(listed: list[str], unfinished: bool, replaces: list[str]) -> None:
    marked, forced = replace_on_changes(FOUND, listed, unfinished)
    assert sorted(forced) == sorted(replaces)
    assert [str(change) for change in marked] == ["a.b", "d"]
    assert [str(change) for change in marked if change.kind.replaces] == [one for one in replaces if one[0] != "#"]


@pytest.mark.parametrize(
    ("keys", "replaces"),
    [
        pytest.param(["a"], ["a.b"], id="inside the property"),
        pytest.param(["a.b"], ["a.b"], id="the path itself"),
        pytest.param(["d"], ["d"], id="another one"),
        pytest.param(["a.b.c"], [], id="deeper than what changed"),
        pytest.param([], [], id="none"),
    ],
)
def test_changes_of_which_the_provider_says_so(keys: list[str], replaces: list[str]) -> None:
    assert [str(change) for change in marked_by_provider(FOUND, keys) if change.kind.replaces] == replaces


@pytest.mark.parametrize(
    ("old", "new", "preview", "fires"),
    [
        pytest.param(None, None, True, False, id="never set"),
        pytest.param(1, 1, False, False, id="the same"),
        pytest.param(1, 2, False, True, id="another value"),
        pytest.param(1, None, False, False, id="taken away"),
        pytest.param(None, 1, False, False, id="set for the first time"),
        pytest.param(1, Secret(1), False, False, id="made secret"),
        pytest.param({"a": [1]}, {"a": [Secret(2)]}, False, True, id="another value, secret from now on"),
        pytest.param({"a": None}, {}, False, False, id="null and absent are equal"),
        pytest.param(1, UNKNOWN, True, True, id="unknown in a preview counts as changed"),
        pytest.param(UNKNOWN, UNKNOWN, True, True, id="unknown again, too"),
    ],
)
def test_the_replacement_trigger(old: Any, new: Any, preview: bool, fires: bool) -> None:
    assert trigger_fired(old, new, preview) is fires


def test_a_trigger_must_be_known_in_a_real_run() -> None:
    with pytest.raises(UsageError) as caught:
        trigger_fired(1, {"a": [UNKNOWN]}, False)
    assert caught.value.reference == "trigger-unknown"


@pytest.mark.parametrize("doing", ["deleted", "replaced"])
def test_the_error_of_a_protected_resource(doing: str) -> None:
    problem = protected(state("a"), doing)
    assert (problem.severity, problem.urn, problem.reference) == (Severity.ERROR, urn("a"), "protected")
    assert doing in problem.summary
    assert problem.why
    assert problem.remedy

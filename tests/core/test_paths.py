"""Property paths: text and back, what contains what, and reading, writing and dropping at a place."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as some

from engine.core.errors import UsageError
from engine.core.paths import ANY, Path, contains, drop, expand, lookup, parse, put, show
from tests.core.records import keys, properties

segments = some.one_of(keys, some.integers(0, 99), some.just(ANY))
any_path = some.lists(segments, max_size=4).map(tuple)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        pytest.param("", (), id="the whole"),
        pytest.param("a", ("a",), id="a name"),
        pytest.param("a.b", ("a", "b"), id="a name in a name"),
        pytest.param("a[0]", ("a", 0), id="a position"),
        pytest.param("a[0].b", ("a", 0, "b"), id="a name in a position"),
        pytest.param("a[ 12 ]", ("a", 12), id="with spaces"),
        pytest.param("[0][1]", (0, 1), id="positions only"),
        pytest.param('a["b.c"]', ("a", "b.c"), id="a quoted name"),
        pytest.param('["a"]["b"]', ("a", "b"), id="quoted names only"),
        pytest.param('a.["b"]', ("a", "b"), id="a dot before a bracket"),
        pytest.param(r'["say \"hi\""]', ('say "hi"',), id="a quote in a quoted name"),
        pytest.param(r'["a\\b"]', ("a\\b",), id="a backslash in a quoted name"),
        pytest.param("*", (ANY,), id="any"),
        pytest.param("a.*.b", ("a", ANY, "b"), id="any with a dot"),
        pytest.param("a[*].b", ("a", ANY, "b"), id="any in brackets"),
        pytest.param("a-b.c d", ("a-b", "c d"), id="names may have odd characters"),
        pytest.param("0", ("0",), id="a number without brackets is a name"),
        pytest.param("#initerror", ("#initerror",), id="a pseudo name"),
    ],
)
def test_reading(text: str, path: Path) -> None:
    assert parse(text) == path


@pytest.mark.parametrize(
    ("text", "position"),
    [
        pytest.param(".a", 1, id="a dot in front"),
        pytest.param("a.", 2, id="a dot at the end"),
        pytest.param("a..b", 2, id="two dots"),
        pytest.param("a[", 2, id="an open bracket"),
        pytest.param("a[0", 2, id="a bracket that is not closed"),
        pytest.param("a[b]", 2, id="a name in brackets without quotes"),
        pytest.param("a[-1]", 2, id="a negative position"),
        pytest.param('a["b]', 2, id="a quote that is not closed"),
        pytest.param("a]", 2, id="a closing bracket"),
        pytest.param("a[0]b", 5, id="a name straight after a bracket"),
        pytest.param("a**", 2, id="two stars"),
        pytest.param(r'a["\x"]', 2, id="an escape that JSON does not have"),
        pytest.param('a["\n"]', 2, id="a line break in quotes"),
        pytest.param(f"a[{'9' * 5000}]", 2, id="a position no computer has"),
    ],
)
def test_what_is_no_path_says_where(text: str, position: int) -> None:
    with pytest.raises(UsageError, match=f"at character {position}\\.") as caught:
        parse(text)
    assert caught.value.reference == "property-path"


@given(some.text())
@example('["\\u12"]')
def test_any_text_is_a_path_or_refused(text: str) -> None:
    try:
        path = parse(text)
    except UsageError:
        return
    assert parse(show(path)) == path


@given(any_path)
def test_text_and_back(path: Path) -> None:
    assert parse(show(path)) == path


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("a", "b_1", "$c"), "a.b_1.$c"),
        (("a", 0, "b"), "a[0].b"),
        (("a.b", "c-d"), '["a.b"]["c-d"]'),
        (("ä",), '["ä"]'),
        ((ANY, "a"), "[*].a"),
        ((), ""),
    ],
)
def test_showing(path: Path, text: str) -> None:
    assert show(path) == text


@pytest.mark.parametrize(
    ("outer", "inner", "inside"),
    [
        ("a", "a", True),
        ("a", "a.b[0]", True),
        ("a.b", "a", False),
        ("a", "ab", False),
        ("a.*", "a.b.c", True),
        ("a.*", "a", False),
        ("*.b", "a.b", True),
        ("*.b", "a.c", False),
        ("a[*].b", "a[3].b", True),
        ("", "a", True),
    ],
)
def test_a_path_contains_every_longer_one_that_begins_with_it(outer: str, inner: str, inside: bool) -> None:
    assert contains(parse(outer), parse(inner)) is inside


TREE: dict[str, Any] = {"a": {"b": [{"c": 1}, {"c": 2, "d": 3}]}, "e": None}


@pytest.mark.parametrize(
    ("path", "places"),
    [
        pytest.param("a.x", ["a.x"], id="without a wildcard the path itself, there or not"),
        pytest.param("a.b[*].c", ["a.b[0].c", "a.b[1].c"], id="every position"),
        pytest.param("*", ["a", "e"], id="every name"),
        pytest.param("a.b[*].d", ["a.b[0].d", "a.b[1].d"], id="what is missing in one of them is a place all the same"),
        pytest.param("e.*", [], id="nothing inside nothing"),
        pytest.param("*.*", ["a.b"], id="two wildcards"),
        pytest.param("a.b[0].c.*", [], id="nothing inside a number"),
    ],
)
def test_wildcards_name_places(path: str, places: list[str]) -> None:
    assert [show(place) for place in expand(parse(path), TREE)] == places


@pytest.mark.parametrize(
    ("path", "there", "value"),
    [
        ("a.b[1].d", True, 3),
        ("a.b[2]", False, None),
        ("a.b.c", False, None),
        ("a.x", False, None),
        ("e", True, None),
        ("e.f", False, None),
        ("", True, TREE),
        ("a[0]", False, None),
    ],
)
def test_looking_up(path: str, there: bool, value: Any) -> None:
    assert lookup(TREE, parse(path)) == (there, value)


@pytest.mark.parametrize(
    ("path", "result"),
    [
        pytest.param("e", {**TREE, "e": 9}, id="a name"),
        pytest.param("f", {**TREE, "f": 9}, id="a new name"),
        pytest.param("f.g", {**TREE, "f": {"g": 9}}, id="maps on the way are made"),
        pytest.param("e.g", {**TREE, "e": {"g": 9}}, id="also in the place of nothing"),
        pytest.param("a.b[0].c", {"a": {"b": [{"c": 9}, {"c": 2, "d": 3}]}, "e": None}, id="inside a list"),
        pytest.param("", 9, id="everything"),
    ],
)
def test_writing(path: str, result: Any) -> None:
    before = copy.deepcopy(TREE)
    assert put(TREE, parse(path), 9) == result
    assert before == TREE, "the old value is not touched"


@pytest.mark.parametrize("path", ["a.b[2]", "a.b.c", "a[0]", "a.b[0].c.x", "a.b[0].c[0]"])
def test_writing_where_nothing_can_be(path: str) -> None:
    with pytest.raises(KeyError):
        put(TREE, parse(path), 9)


@pytest.mark.parametrize(
    ("path", "result"),
    [
        pytest.param("e", {"a": TREE["a"]}, id="a name"),
        pytest.param("x", TREE, id="what is not there"),
        pytest.param("x.y", TREE, id="what is in what is not there"),
        pytest.param("a.b[1].d", {"a": {"b": [{"c": 1}, {"c": 2}]}, "e": None}, id="inside a list"),
    ],
)
def test_dropping(path: str, result: Any) -> None:
    before = copy.deepcopy(TREE)
    assert drop(TREE, parse(path)) == result
    assert before == TREE


@pytest.mark.parametrize("path", ["a.b[0]", "a.b.c", "a.b[5].c", "a.b[0].c.d"])
def test_lists_keep_their_length(path: str) -> None:
    with pytest.raises(KeyError):
        drop(TREE, parse(path))


@given(properties(), some.lists(keys, min_size=1, max_size=3).map(tuple), some.integers())
def test_what_was_written_is_there_and_can_be_dropped(value: dict[str, Any], path: Path, new: int) -> None:
    try:
        written = put(value, path, new)
    except KeyError:
        assume(False)
    assert lookup(written, path) == (True, new)
    assert lookup(drop(written, path), path) == (False, None)

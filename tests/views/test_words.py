"""Words, reasons and single values: each has a case here, so that a new op or reason cannot be forgotten."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from engine.core.diff import Change, Kind
from engine.core.model import Options
from engine.core.plan import Op, Reason, Step, Why
from engine.core.values import UNKNOWN, Archive, Asset, ResourceReference, Sealed, Secret
from engine.views import choose, has_colour, is_live, words
from engine.views.inline import inline
from engine.views.json_digest import Digest
from engine.views.json_events import Events
from engine.views.live import Live
from engine.views.printing import Ink, visible
from engine.views.properties import compact
from engine.views.reasons import because, with_reason
from engine.views.text import Text
from engine.views.tree import full, tree
from tests.views.scenes import create, replacement, state, update, urn

PLAIN = Ink(False)


def _because(why: Why, *properties: str, urns: tuple[str, ...] = (), note: str = "") -> str:
    one = state("lab", {"a": 1, "s": Secret({"inner": 1})})
    return because(Step(op=Op.UPDATE, urn=one.urn, old=one, new=one, reason=Reason(why, properties, urns, note)))


@pytest.mark.parametrize("why", Why)
def test_every_reason_has_a_sentence(why: Why) -> None:
    for text in (_because(why), _because(why, "size", urns=(urn("other"),), note="a note")):
        assert text
        assert "{" not in text
        assert "|" not in text
    assert _because(why, "size", note="a note").endswith(": a note")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (Reason(Why.CHANGED, ("size",)), "update: size changed"),
        (Reason(Why.CHANGED, ("b", "a")), "update: a and b changed"),
        (Reason(Why.CHANGED, ("a", "b", "c", "d")), "update: a, b, c and d changed"),
        (Reason(Why.CHANGED, ("l[10]", "l[9]", "a", "b", "c")), "update: a, b, c and 2 more changed"),
        (Reason(Why.CHANGED), "update: its provider finds it different"),
        (Reason(Why.CHANGED, ("__provider",)), "update: the code of its provider changed"),
        (Reason(Why.CHANGED, ("__provider", "a")), "update: a changed"),
        (Reason(Why.CHANGED, ("s.inner", "s")), "update: s changed"),
        (Reason(Why.CHANGED, ("not [a path",)), 'update: ["not [a path"] changed'),
        (
            Reason(Why.PROPERTY_REPLACES, ("name",), note="no API can rename a workspace"),
            "update because name changed: no API can rename a workspace",
        ),
        (Reason(Why.UNFINISHED), "update to finish what an earlier run left unfinished"),
        (
            Reason(Why.REPLACED_WITH, urns=(urn("a"), urn("b"))),
            "update because it is to be replaced together with dataforest:index:Workspace a and "
            "dataforest:index:Workspace b",
        ),
    ],
)
def test_reasons_as_sentences(reason: Reason, expected: str) -> None:
    one = state("lab", {"a": 1, "s": Secret({"inner": 1})})
    assert with_reason("update", Step(op=Op.UPDATE, urn=one.urn, old=one, new=one, reason=reason)) == expected


@pytest.mark.parametrize("op", Op)
def test_every_op_has_words(op: Op) -> None:
    look = words.OPS[op]
    assert len(look.prefix) == 2
    assert op is Op.SAME or all((look.planned, look.running, look.done, look.counted, look.colour))


@pytest.mark.parametrize(
    ("seconds", "shown", "rounded"),
    [
        (-1, "0.00s", "0s"),
        (0, "0.00s", "0s"),
        (0.074, "0.07s", "1s"),
        (3.9, "3s", "4s"),
        (65, "1m5s", "1m5s"),
        (3600, "1h0m0s", "1h0m0s"),
    ],
)
def test_times(seconds: float, shown: str, rounded: str) -> None:
    assert words.seconds_text(seconds) == shown
    assert words.duration_text(seconds) == rounded


def test_what_is_no_urn_is_its_own_name() -> None:
    assert words.place("a\nb") == "a\\nb"
    assert words.place(urn("x::y")) == "dataforest:index:Workspace x::y"


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        (float("nan"), "nan"),
        ('say "hi"\\', '"say \\"hi\\"\\\\"'),
        ("two\nlines\x1b", '"two\\nlines\\x1b"'),
        ("日本\u202e", '"日本\\u202e"'),
        ("x" * 100, f'"{"x" * 48}…" (100 characters)'),
        ({}, "{}"),
        ([], "[]"),
        ({"a": [1, {"b c": "d"}], "__provider": "p"}, '{a: [1, {"b c": "d"}]}'),
        ({str(number): number for number in range(100)}, "{100 entries}"),
        (list(range(1000)), "[1,000 items]"),
        (Secret({"a": 1}), "[secret]"),
        (Sealed("v1:x"), "[secret]"),
        ([Secret(1)], "[[secret]]"),
        (UNKNOWN, "(known after up)"),
        (Asset(path="a.txt", hash="0123456789"), "asset(a.txt, 0123456)"),
        (Archive(assets={"a": 1, "b": 2}), "archive(2 files)"),
        (ResourceReference(urn("lab"), "1"), urn("lab")),
        ((1, 2), "[1, 2]"),
        pytest.param(object(), "<object>", id="an object"),
    ],
    ids=repr,
)
def test_values_on_one_line(value: Any, expected: str) -> None:
    assert inline(value) == expected


def test_a_number_too_long_for_decimals() -> None:
    assert inline(10**5000).startswith("0x")


@pytest.mark.parametrize("text", ["plain", "é", "日本", "\t\n\x00\x7f\x9b\u200b\u2028\ud800"])
def test_visible_text_is_printable(text: str) -> None:
    assert visible(text).isprintable()


# --- changes ----------------------------------------------------------------------------------------------------------


def _compact(old: dict[str, Any], new: dict[str, Any], **more: Any) -> list[str]:
    return list(compact(update(state("lab", old, **more), new), PLAIN))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 2}, ["~ a: 1 => 2"]),
        ({}, {"a": [1]}, ["+ a: [1]"]),
        ({"a": {"b": 1}}, {}, ["- a: {b: 1}"]),
        ({"b": 1, "a": 1}, {"b": 2, "a": 2}, ["~ a: 1 => 2", "~ b: 1 => 2"]),
        ({"l": [0] * 11}, {"l": [0, 1, *[0] * 8, 1]}, ["~ l[1]: 0 => 1", "~ l[10]: 0 => 1"]),
        ({"a": Secret(1)}, {"a": 2}, ["~ a: [secret] => [secret]"]),
        ({"a": 1}, {"a": Secret(2)}, ["~ a: [secret] => [secret]"]),
        ({"a": Secret({"k": 1})}, {"a": Secret({"j": 1})}, ["~ a: [secret] => [secret]"]),
        ({"a": Secret(1)}, {"a": UNKNOWN}, ["~ a: [secret] => (known after up)"]),
        ({"a": {"b": Secret(1), "c": 1}}, {"a": {"b": Secret(2), "c": 1}}, ["~ a.b: [secret] => [secret]"]),
        ({"__provider": "1"}, {"__provider": "2"}, []),
        ({"a": "one"}, {"a": "one\ntwo"}, ["~ a: (text, 1 lines => 2 lines)", "      ...", "      one", "    + two"]),
        ({"a": '{"x": 1}'}, {"a": '{"x": 2}'}, ["~ a: (json)", "    ~ x: 1 => 2"]),
        ({"a": '{"x": 1}'}, {"a": '{"x":1}'}, ['~ a: "{\\"x\\": 1}" => "{\\"x\\":1}"']),
        ({"a": "{x"}, {"a": "{y"}, ['~ a: "{x" => "{y"']),
        ({"a": "[1]"}, {"a": '{"b": 1}'}, ["~ a: (json)", "    ~ all of it: [1] => {b: 1}"]),
    ],
)
def test_changes_line_by_line(old: dict[str, Any], new: dict[str, Any], expected: list[str]) -> None:
    assert _compact(old, new) == expected


def test_differences_that_are_to_be_hidden() -> None:
    hide = Options(hide_diffs=("a", "l[*].x", "not [a path"))
    old, new = {"a": {"b": 1}, "l": [{"x": 1}], "c": 1}, {"a": {"b": 2}, "l": [{"x": 2}], "c": 2}
    assert _compact(old, new, options=hide) == ["~ a.b: (hidden)", "~ c: 1 => 2", "~ l[0].x: (hidden)"]
    step = update(state("lab", old, options=hide), new)
    assert "2" not in "".join(line for line in full(step, PLAIN) if "c:" not in line)


def test_a_long_list_of_changes_is_cut_off() -> None:
    lines = _compact({f"p{number}": 1 for number in range(500)}, {f"p{number}": 2 for number in range(500)})
    assert lines[-1] == "  … and 440 more lines"
    assert len(lines) == 61


def test_a_long_text_is_cut_off() -> None:
    before = "\n".join(str(number) for number in range(100))
    lines = _compact({"a": before}, {"a": before.replace("\n", "!\n")})
    assert len(lines) == 12
    assert lines[-1].endswith("more lines")
    # Nobody reads a difference of that many lines, and finding it takes long.
    assert len(_compact({"a": "x\n" * 5000}, {"a": "y\n" * 5000})) == 1


def test_what_forces_a_replacement_is_marked() -> None:
    step = replacement(state("lab", {"name": "a", "size": 1}), {"name": "b", "size": 2}, "name")[-1]
    assert list(compact(step, PLAIN)) == ['~ name: "a" => "b" (forces replacement)', "~ size: 1 => 2"]
    assert list(full(step, PLAIN)) == ['~ name: "a" => "b" (forces replacement)', "~ size: 1 => 2"]


def test_what_a_look_found_is_compared_with_the_record() -> None:
    old = state("lab", {"size": 1}, {"size": 1})
    step = Step(
        op=Op.UPDATE,
        urn=old.urn,
        old=old,
        new=old.but(outputs={"size": 5}),
        reason=Reason(Why.DRIFT, ("size",)),
        changes=(Change(("size",), Kind.UPDATE),),
        from_inputs=False,
    )
    assert list(compact(step, PLAIN)) == ["~ size: 1 => 5"]
    # Of a provider's own difference, the new side is what is asked for.
    asked = replace(step, new=old.but(inputs={"size": 3}), reason=Reason(Why.CHANGED, ("size",)))
    assert list(compact(asked, PLAIN)) == ["~ size: 1 => 3"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": None}, {"a": None}, ["  a: null"]),
        ({"a": None}, {"a": 1}, ["+ a: 1"]),
        ({"a": 1}, {}, ["- a: 1"]),
        ({"a": [1, 2]}, {"a": [1]}, ["~ a: [", "      [0]: 1", "    - [1]: 2", "  ]"]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["~ a: {", "    ~ b: 1 => 2", "  }"]),
        ({"a": [1]}, {"a": {"b": 2}}, ["~ a: [1] => {b: 2}"]),
        ({"long": 1, "a": 1}, {"long": 1, "a": 1}, ["  a   : 1", "  long: 1"]),
    ],
)
def test_trees(old: dict[str, Any], new: dict[str, Any], expected: list[str]) -> None:
    assert list(tree(old, new, PLAIN)) == expected


def test_what_is_endless_is_cut_off() -> None:
    def deep(value: Any) -> Any:
        for _ in range(3000):
            value = {"a": [value]}
        return value

    one, other = state("lab", {"p": deep(1)}), state("lab", {"p": deep(2)})
    changes = (Change(("p",), Kind.UPDATE),)
    step = Step(op=Op.UPDATE, urn=one.urn, old=one, new=other, reason=Reason(Why.CHANGED, ("p",)), changes=changes)
    assert list(compact(step, PLAIN))
    assert list(full(step, PLAIN))
    assert list(full(create(other), PLAIN))
    text = "[" * 5000 + "]" * 5000
    assert list(compact(update(state("lab", {"a": text}), {"a": text + " "}), PLAIN))


# --- choosing a view --------------------------------------------------------------------------------------------------


class _Stream:
    encoding = "utf-8"

    def __init__(self, terminal: bool) -> None:
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None: ...

    def fileno(self) -> int:
        raise OSError


@pytest.mark.parametrize(
    ("command", "as_json", "terminal", "environ", "expected"),
    [
        ("up", False, True, {"TERM": "xterm"}, Live),
        ("up", False, True, {"TERM": "dumb"}, Text),
        ("up", False, True, {}, Text),
        ("up", False, True, {"TERM": "xterm", "CI": "true"}, Text),
        ("up", False, False, {"TERM": "xterm"}, Text),
        ("up", False, False, {"TERM": "xterm", "FORCE_COLOR": "1"}, Text),
        ("preview", True, True, {"TERM": "xterm"}, Digest),
        ("up", True, True, {"TERM": "xterm"}, Events),
        ("destroy", True, False, {}, Events),
    ],
)
def test_which_view(command: str, as_json: bool, terminal: bool, environ: dict[str, str], expected: type) -> None:
    stream: Any = _Stream(terminal)
    view = choose(command, stdout=stream, stderr=stream, environ=environ, as_json=as_json)
    view.pause()
    view.close()
    assert isinstance(view, expected)
    assert is_live(stream, environ) is (terminal and environ == {"TERM": "xterm"})


@pytest.mark.parametrize(
    ("terminal", "environ", "expected"),
    [
        (True, {"TERM": "xterm"}, True),
        (True, {"TERM": "dumb"}, False),
        (True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (False, {}, False),
        (False, {"FORCE_COLOR": "1"}, True),
        (False, {"FORCE_COLOR": "0"}, False),
        (True, {"NO_COLOR": ""}, True),
    ],
)
def test_who_gets_colour(terminal: bool, environ: dict[str, str], expected: bool) -> None:
    stream: Any = _Stream(terminal)
    assert has_colour(stream, environ) is expected


def test_only_the_live_view_imports_rich() -> None:
    program = """
import io, sys
from engine.views import choose
for as_json in (False, True):
    for command in ("preview", "up"):
        choose(command, stdout=io.StringIO(), stderr=io.StringIO(), environ={}, as_json=as_json).close()
print([name for name in ("rich", "pulumi", "pydantic", "networkx", "boto3", "engine.state") if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"

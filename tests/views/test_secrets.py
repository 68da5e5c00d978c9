"""No view prints what is inside a secret, none fails on odd values, and JSON can always be read."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core import events
from engine.core.diff import changes
from engine.core.errors import Diagnostic, Severity
from engine.core.model import Options
from engine.core.plan import Op, Plan, Reason, Step, Why
from engine.core.values import UNKNOWN, UNKNOWN_OBJECT, Archive, Asset, ResourceReference, Sealed, Secret
from engine.views import View
from engine.views.json_digest import Digest
from engine.views.json_events import Events
from engine.views.live import Live
from engine.views.outline import Show
from engine.views.printing import Out
from engine.views.text import Text
from tests.views.scenes import BEGAN, PROVIDER, began, component, ended, root, state, urn

INSIDE = "hunter2"

_texts = st.one_of(
    st.text(max_size=20),
    st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Lo"]), max_size=5),
    st.sampled_from(["a\nb\x1b[2J", '{"a": 1}', "[[1, 2]]"]),
)
_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**4000),
    st.floats(),
    _texts,
    st.sampled_from([UNKNOWN, UNKNOWN_OBJECT, Sealed(INSIDE), ResourceReference(urn("lab"), UNKNOWN)]),
    st.builds(Asset, path=_texts, hash=st.just("abc")),
    st.builds(lambda text: Archive(assets={"f": Asset(text=text)}), _texts),
)
_contents = st.one_of(
    st.just(INSIDE),
    st.just({INSIDE: 1}),
    st.just({"a": [INSIDE, {INSIDE: INSIDE}]}),
    st.builds(lambda text: f"{text}{INSIDE}\n{text}", _texts),
    st.builds(lambda text: json.dumps({INSIDE: text}), _texts),
)
_values = st.recursive(
    st.one_of(_leaves, st.builds(Secret, _contents)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_texts, inner, max_size=3)),
    max_leaves=8,
)
_names = st.one_of(st.sampled_from(["a", "b", "__provider", "odd name"]), _texts)
_properties = st.dictionaries(_names, _values, max_size=4)
_resource_names = st.one_of(st.sampled_from(["lab", "bench"]), _texts)


@st.composite
def _steps(draw: st.DrawFn) -> Step:
    op = draw(st.sampled_from(Op))
    name = draw(_resource_names)
    options = Options(
        protect=draw(st.booleans()),
        hide_diffs=draw(st.sampled_from([(), ("a",), ("b[0]", "a[*]")])),
        replacement_trigger=draw(st.sampled_from([None, Secret(INSIDE)])),
    )
    parent = draw(st.sampled_from([root().urn, component().urn, ""]))
    old = state(name, draw(_properties), draw(_properties), parent=parent, id="id", key=draw(st.integers(0, 3)))
    new = old.but(inputs=draw(_properties), outputs=draw(_properties), options=options)
    found = changes(old.inputs, new.inputs)
    if draw(st.booleans()):
        found = tuple(type(change)(change.path, change.kind.as_replace()) for change in found)
    return Step(
        op=op,
        urn=old.urn,
        old=None if op is Op.CREATE else old,
        new=None if op in (Op.DELETE, Op.DISCARD) else new,
        reason=Reason(draw(st.sampled_from(Why)), tuple(map(str, found)), draw(st.sampled_from([(), (old.urn,)]))),
        changes=found,
        replace_keys=tuple(map(str, found[:1])),
        from_inputs=draw(st.booleans()),
        logical=draw(st.booleans()),
    )


def _run(steps: list[Step], outputs: tuple[dict[str, Any], dict[str, Any]], text: str) -> list[events.Event]:
    """A preview of the steps and a run that does some and fails in others, with everything that can be told."""
    told: list[events.Event] = [began(preview=True)]
    told += [events.StepEnded(step, BEGAN, True) for step in steps]
    told += [
        events.OutputsKnown(*outputs, BEGAN),
        events.Planned(Plan(tuple(steps)), BEGAN),
        ended(steps, preview=True),
    ]
    told.append(began())
    for number, step in enumerate(steps):
        told.append(events.StepBegan(step, BEGAN))
        told.append(events.StepProgressed(step, text, BEGAN + 20 * number))
        problem = Diagnostic(Severity.ERROR, text, urn=step.urn, path=text, why=text, remedy=text)
        told.append(events.Told(problem, BEGAN))
        if number % 2:
            told.append(events.StepFailed(step, problem, BEGAN + 3, recorded=True))
            told.append(events.StepSkipped(step, step.urn, BEGAN))
        else:
            told.append(events.StepEnded(step, BEGAN + 3))
        told.append(events.Settled(step.urn, text, text, BEGAN))
    return [*told, events.OutputsKnown(*outputs, BEGAN), ended(steps)]


def _live(out: Out, progress: Out, show: Show) -> View:
    view = Live(out, progress, show, lambda: (60, 10), clock=lambda: BEGAN + 5, interval=None)
    called = view.__call__

    def and_drawn(event: events.Event) -> None:
        called(event)
        view.draw()

    class Drawn:
        __call__ = staticmethod(and_drawn)
        pause = staticmethod(view.pause)
        close = staticmethod(view.close)

    return Drawn()


_VIEWS: list[Callable[[Out, Out, Show], View]] = [Text, Digest, Events, _live]
_SHOWS = [Show(), Show(detailed=True, sames=True, replacement_steps=True, debug=True)]


@settings(max_examples=60)
@given(st.lists(_steps(), max_size=4), _properties, _properties, _texts)
def test_no_view_tells_a_secret_and_none_fails(
    steps: list[Step], old: dict[str, Any], new: dict[str, Any], text: str
) -> None:
    run = _run(steps, (old, new), text)
    for make in _VIEWS:
        for show in _SHOWS:
            out, progress = io.StringIO(), io.StringIO()
            view = make(Out(out), Out(progress), show)
            for event in run:
                view(event)
            view.close()
            assert INSIDE not in out.getvalue() + progress.getvalue(), make
            if make is Digest:
                json.loads(out.getvalue())
            if make is Events:
                assert all(json.loads(line) for line in out.getvalue().splitlines())
            if make in (Text, Digest, Events):
                assert "\x1b" not in progress.getvalue()
                assert make is not Text or "\x1b" not in out.getvalue()
                out.getvalue().encode("utf-8")


def test_what_forces_a_replacement_is_not_told_from_inside_a_secret() -> None:
    old, new = state("a", {"list": [Secret({INSIDE: 1})]}), state("a", {"list": [Secret({})]})
    found = changes(old.inputs, new.inputs)
    reason = Reason(Why.CHANGED, tuple(map(str, found)))
    step = Step(
        op=Op.UPDATE, urn=old.urn, old=old, new=new, reason=reason, changes=found, replace_keys=tuple(map(str, found))
    )
    assert INSIDE in step.replace_keys[0]
    for make in _VIEWS:
        out, progress = io.StringIO(), io.StringIO()
        view = make(Out(out), Out(progress), _SHOWS[1])
        for event in _run([step], ({}, {}), "x"):
            view(event)
        view.close()
        assert INSIDE not in out.getvalue() + progress.getvalue()


def test_the_marker_would_be_found() -> None:
    step = Step(op=Op.CREATE, urn=urn("a"), new=state("a", {"open": INSIDE}), reason=Reason(Why.NEW))
    out = io.StringIO()
    view = Text(Out(out), Out(io.StringIO()), Show(detailed=True))
    for event in _run([step], ({}, {}), "x"):
        view(event)
    assert INSIDE in out.getvalue()
    assert PROVIDER

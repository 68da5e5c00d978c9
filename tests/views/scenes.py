"""Recorded runs: the events a deployment would tell, made by hand so that each golden file can be explained.

A scene is a list of events. Times are seconds since `BEGAN`. `played` shows a scene to a text view and gives what went
to either stream.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.core import events
from engine.core.diff import Change, Kind, changes
from engine.core.errors import Diagnostic, Severity
from engine.core.model import Options, ResourceState, make_urn
from engine.core.plan import UNCHANGED, Op, Plan, Reason, Step, Why, count
from engine.core.values import UNKNOWN, Asset, Properties, Secret
from engine.views import View
from engine.views.outline import Show
from engine.views.printing import Out
from engine.views.text import Text

BEGAN = 1_800_000_000.0
STACK, PROJECT = "dev", "lab"
ROOT = make_urn(STACK, PROJECT, "", "pulumi:pulumi:Stack", "lab-dev")
COMPONENT = make_urn(STACK, PROJECT, ROOT, "lab:team:Team", "vision")
WORKSPACE, NOTEBOOK = "dataforest:index:Workspace", "modelarts:index:Notebook"
PROVIDER = make_urn(STACK, PROJECT, "", "pulumi:providers:modelarts", "default") + "::11111111"


def urn(name: str, type_: str = WORKSPACE, parent: str = ROOT) -> str:
    """A resource's URN."""
    return make_urn(STACK, PROJECT, parent, type_, name)


def state(
    name: str,
    inputs: Properties | None = None,
    outputs: Properties | None = None,
    *,
    type_: str = WORKSPACE,
    parent: str = ROOT,
    **more: Any,
) -> ResourceState:
    """A custom resource under the stack; its outputs are its inputs unless others are given."""
    inputs = {"name": name} if inputs is None else inputs
    return ResourceState(
        urn=urn(name, type_, parent),
        type=type_,
        custom=True,
        inputs=inputs,
        outputs=inputs if outputs is None else outputs,
        parent=parent,
        provider=PROVIDER,
        **more,
    )


def root(outputs: Properties | None = None) -> ResourceState:
    """The stack's own state."""
    return ResourceState(urn=ROOT, type="pulumi:pulumi:Stack", custom=False, outputs=outputs or {})


def component() -> ResourceState:
    """A component under the stack."""
    return ResourceState(urn=COMPONENT, type="lab:team:Team", custom=False, parent=ROOT)


def create(new: ResourceState) -> Step:
    """Something new."""
    return Step(op=Op.CREATE, urn=new.urn, new=new, reason=Reason(Why.NEW))


def same(old: ResourceState, **changed: Any) -> Step:
    """Something that stays as it is."""
    return Step(op=Op.SAME, urn=old.urn, old=old, new=old.but(**changed), reason=UNCHANGED)


def update(old: ResourceState, inputs: Properties, outputs: Properties | None = None, note: str = "") -> Step:
    """An update with the differences the inputs have."""
    found = changes(old.inputs, inputs)
    return Step(
        op=Op.UPDATE,
        urn=old.urn,
        old=old,
        new=old.but(inputs=inputs, outputs=inputs if outputs is None else outputs),
        reason=Reason(Why.CHANGED, tuple(map(str, found)), note=note),
        changes=found,
    )


def replacement(
    old: ResourceState, inputs: Properties, *keys: str, note: str = "", delete_first: bool = False
) -> tuple[Step, ...]:
    """The steps of a replacement that come before its leftovers."""
    found = tuple(
        Change(change.path, change.kind.as_replace() if str(change) in keys else change.kind)
        for change in changes(old.inputs, inputs)
    )
    reason = Reason(Why.PROPERTY_REPLACES, keys, note=note)
    new = old.but(inputs=inputs, outputs={**inputs, "url": UNKNOWN}, id="", key=0)
    gone = old.but(pending_replacement=True) if delete_first else old
    common: dict[str, Any] = {"urn": old.urn, "reason": reason, "changes": found, "replace_keys": keys}
    first = (Step(op=Op.DELETE_REPLACED, old=old, new=gone, logical=False, **common),) if delete_first else ()
    return (
        *first,
        Step(op=Op.CREATE_REPLACEMENT, old=gone, new=new, logical=False, **common),
        Step(op=Op.REPLACE, old=gone, new=new, **common),
    )


def original(old: ResourceState, why: Why = Why.REPLACED) -> Step:
    """The delete of a replaced object."""
    return Step(op=Op.DELETE_REPLACED, urn=old.urn, old=old, reason=Reason(why), logical=False)


def delete(old: ResourceState, why: Why = Why.NOT_DECLARED) -> Step:
    """The delete of an object."""
    return Step(op=Op.DELETE, urn=old.urn, old=old, reason=Reason(why))


def told(severity: Severity, summary: str, at: float = 0.1, **more: str) -> events.Told:
    """A message."""
    return events.Told(Diagnostic(severity, summary, **more), BEGAN + at)


def began(operation: str = "update", preview: bool = False, config: Mapping[str, str] | None = None) -> events.Began:
    """The beginning of a run."""
    return events.Began(operation, STACK, PROJECT, preview, BEGAN, config or {})


def ended(
    steps: Iterable[Step],
    seconds: float = 64.2,
    *,
    operation: str = "update",
    preview: bool = False,
    result: str = "succeeded",
) -> events.Ended:
    """The end of a run in which these steps were done or planned."""
    return events.Ended(operation, preview, result, count(steps), seconds, BEGAN + seconds)


def preview_of(
    steps: Sequence[Step],
    *between: events.Event,
    operation: str = "update",
    old_outputs: Properties | None = None,
    outputs: Properties | None = None,
    config: Mapping[str, str] | None = None,
) -> list[events.Event]:
    """A preview that comes to these steps."""
    found: list[events.Event] = [began(operation, True, config), *between]
    for step in steps:
        found += [events.StepBegan(step, BEGAN + 0.5, True), events.StepEnded(step, BEGAN + 0.5, True)]
    if outputs is not None:
        found.append(events.OutputsKnown(old_outputs or {}, outputs, BEGAN + 0.9))
    found.append(events.Planned(Plan(tuple(steps)), BEGAN + 1))
    return [*found, ended(steps, 1.0, operation=operation, preview=True)]


def carried_out(step: Step, begin: float, end: float, **outputs: Any) -> list[events.Event]:
    """A step that succeeds."""
    done = step
    if step.new is not None:
        done = replace(step, new=step.new.but(outputs={**step.new.outputs, **outputs}, id=step.new.id or "id-1"))
    return [events.StepBegan(step, BEGAN + begin), events.StepEnded(done, BEGAN + end)]


# --- scenes -----------------------------------------------------------------------------------------------------------


def first_steps() -> tuple[Step, ...]:
    """The plan of a stack that does not exist yet: a component, secrets, outputs nobody knows."""
    lab = state("lab", {"name": "lab", "quota": 4}, {"name": "lab", "quota": 4, "url": UNKNOWN})
    notebook = state(
        "bench",
        {
            "name": "bench",
            "workspace": UNKNOWN,
            "password": Secret("hunter2"),
            "start": Asset(text="#!", hash="ab12cd34"),
        },
        type_=NOTEBOOK,
        parent=COMPONENT,
        dependencies=(lab.urn,),
    )
    provider = ResourceState(urn=PROVIDER.rsplit("::", 1)[0], type="pulumi:providers:modelarts", custom=True)
    return (
        create(root()),
        create(provider),
        create(component()),
        create(state("zebra")),
        create(state("ant", dependencies=(urn("zebra"),))),
        create(lab),
        create(notebook),
    )


def first_preview() -> list[events.Event]:
    """A first preview, with a program that prints."""
    return preview_of(
        first_steps(),
        told(Severity.INFO, "hello from the program"),
        told(Severity.DEBUG, "registering resource"),
        told(Severity.WARNING, "this region is nearly full", urn=urn("lab"), path="region", remedy="take another one"),
        outputs={"url": UNKNOWN, "password": Secret("hunter2"), "sizes": {"small": 1, "large": [2, {"gpu": True}]}},
        config={"lab:region": "kr-1", "lab:token": "[secret]"},
    )


LONG = "a sentence that goes on for longer than a line has room for, and then some more of it, to the end"


def second_steps() -> tuple[Step, ...]:
    """A plan in which everything happens: updates of all kinds, both orders of replacement, deletes, protection."""
    notebook = state(
        "bench",
        {
            "configuration": {"docker": {"command": "run", "env": {"A": "1"}}, "ports": [80, 443]},
            "password": Secret("hunter1"),
            "tokens": Secret({"old-token-name": "x"}),
            "notes": "one\ntwo\nthree\nfour\nfive",
            "policy": '{"allow": ["read"], "level": 1}',
            "about": "short",
            "__provider": "pickle-1",
        },
        type_=NOTEBOOK,
        parent=COMPONENT,
        id="nb-1",
    )
    changed = update(
        notebook,
        {
            "configuration": {"docker": {"command": "run --fast", "env": {"A": "1"}}, "ports": [80]},
            "password": Secret("hunter2"),
            "tokens": Secret({"new-token-name": "x"}),
            "notes": "one\n2\nthree\nfour\nfive\nsix",
            "policy": '{"allow": ["read", "write"], "level": 1}',
            "about": LONG,
            "workspace": UNKNOWN,
            "__provider": "pickle-2",
        },
        note="stops and starts the notebook",
    )
    lab = state("lab", {"name": "lab", "quota": 4}, id="ws-1", key=3)
    first = state("first", {"name": "first"}, id="ws-2", key=4)
    dependent = state("tail", {"of": "first"}, id="ws-3", key=5)
    recreated = dependent.but(inputs={"of": UNKNOWN}, outputs={"of": UNKNOWN}, id="", key=0)
    reason = Reason(Why.DEPENDENCY_REPLACED, urns=(first.urn,))
    waiting = dependent.but(pending_replacement=True)
    old_code = state("job", {"x": 1, "__provider": "pickle-1"}, id="job")
    return (
        same(root()),
        same(component()),
        changed,
        *replacement(lab, {"name": "lab2", "quota": 5}, "name", note="no API can rename a workspace"),
        Step(op=Op.DELETE_REPLACED, urn=dependent.urn, old=dependent, new=waiting, reason=reason, logical=False),
        *replacement(first, {"name": "first2"}, "name", delete_first=True),
        Step(op=Op.CREATE_REPLACEMENT, urn=dependent.urn, old=waiting, new=recreated, reason=reason, logical=False),
        Step(op=Op.REPLACE, urn=dependent.urn, old=waiting, new=recreated, reason=reason, replace_keys=("id",)),
        same(state("kept", id="ws-4"), options=Options(protect=True)),
        same(state("still", id="ws-5")),
        update(old_code, {"x": 1, "__provider": "pickle-2"}),
        delete(state("gone", id="ws-6")),
        delete(state("left", id="ws-7", options=Options(retain_on_delete=True))),
        original(lab),
        original(state("older", id="ws-8", delete=True), Why.PENDING_DELETE),
    )


def second_preview() -> list[events.Event]:
    """The preview of that plan."""
    return preview_of(
        second_steps(),
        old_outputs={"url": "https://a", "count": 1, "key": Secret("hunter1"), "gone": True, "same": [1, 2]},
        outputs={"url": UNKNOWN, "count": 2, "key": Secret("hunter2"), "new": {"a": None}, "same": [1, 2]},
    )


def up_with_failures() -> list[events.Event]:
    """A real run: progress, a failure, what could not be started because of it, something left half-made."""
    lab, bench, tail = state("lab"), state("bench", type_=NOTEBOOK, parent=COMPONENT), state("tail")
    quota = Diagnostic(
        Severity.ERROR,
        "the quota for ml.p3 is used up",
        urn=bench.urn,
        path="instance.type",
        why="The account may have 2 of them.",
        remedy="ask for more, or take another type",
        reference="quota-exceeded",
    )
    timeout = Diagnostic(Severity.ERROR, "it was not ready in 10 minutes", urn=urn("half"), reference="deadline")
    waits = [events.StepProgressed(create(lab), f"Pending, {seconds} s", BEGAN + seconds) for seconds in range(1, 40)]
    replaced = replacement(state("old", {"name": "old"}, id="ws-9"), {"name": "new"}, "name", delete_first=True)
    return [
        began(config={"lab:region": "kr-1"}),
        events.Settled(urn("early"), "creating", "the object was found and is recorded", BEGAN),
        *carried_out(create(root()), 0, 0),
        *carried_out(create(component()), 0, 0),
        *carried_out(same(state("still")), 0, 0),
        events.StepBegan(create(lab), BEGAN),
        events.StepBegan(create(bench), BEGAN + 0.2),
        told(Severity.INFO, "making two of them\n  and a tail"),
        *(event for step in replaced for event in carried_out(step, 0.5, 0.75)),
        *waits,
        events.StepFailed(create(bench), quota, BEGAN + 40),
        events.StepSkipped(create(tail), bench.urn, BEGAN + 40),
        events.StepFailed(create(state("half")), timeout, BEGAN + 41, recorded=True),
        *carried_out(create(lab), 0, 63.5, url="https://lab")[1:],
        events.StepSkipped(create(state("late")), "", BEGAN + 64),
        events.OutputsKnown({}, {"url": "https://lab", "token": Secret("hunter2")}, BEGAN + 64),
        ended([create(root()), create(component()), create(lab), replaced[-1], same(state("still"))], result="failed"),
    ]


def refresh_preview() -> list[events.Event]:
    """A look at every object: one differs, one is gone, one is as recorded."""
    lab = state("lab", {"name": "lab"}, {"name": "lab", "quota": 4}, id="ws-1")
    drift = Step(
        op=Op.UPDATE,
        urn=lab.urn,
        old=lab,
        new=lab.but(outputs={"name": "lab", "quota": 9, "tag": "by hand"}),
        reason=Reason(Why.DRIFT, ("quota", "tag")),
        changes=(Change(("quota",), Kind.UPDATE), Change(("tag",), Kind.ADD)),
        from_inputs=False,
    )
    gone, kept = state("gone", id="ws-2"), state("kept", id="ws-3")
    steps = [drift, delete(gone, Why.GONE), same(kept)]
    looks = [Step(op=Op.REFRESH, urn=step.urn, old=step.old, new=step.old) for step in steps]
    found: list[events.Event] = [began("refresh", True)]
    found += [events.StepBegan(look, BEGAN, True) for look in looks]
    found += [events.StepEnded(step, BEGAN + 1, True) for step in steps]
    return [*found, events.Planned(Plan(tuple(steps)), BEGAN + 1), ended(steps, 1, operation="refresh", preview=True)]


def odd_ones() -> list[events.Event]:
    """Reads, imports and what leaves the record, in one plan."""
    looked = state("looked", {}, {"size": 3}, id="vpc-1", external=True)
    taken = state("taken", {"name": "taken"}, id="ws-1", import_id="ws-1")
    managed = state("managed", id="ws-2", external=True, key=4)
    dropped = state("dropped", id="ws-3", pending_replacement=True)
    mine = Reason(Why.BECOMES_MANAGED)
    tainted = state("tainted", id="ws-4", tainted=True)
    return preview_of(
        [
            same(root()),
            Step(op=Op.READ, urn=looked.urn, new=looked, reason=Reason(Why.READ)),
            Step(op=Op.READ, urn=urn("seen"), old=state("seen"), new=state("seen"), reason=Reason(Why.READ)),
            Step(op=Op.IMPORT, urn=taken.urn, new=taken, reason=Reason(Why.IMPORT)),
            Step(op=Op.CREATE_REPLACEMENT, urn=managed.urn, old=managed, new=managed, reason=mine, logical=False),
            Step(op=Op.REPLACE, urn=managed.urn, old=managed, new=managed, reason=mine, replace_keys=("id",)),
            Step(
                op=Op.REPLACE,
                urn=tainted.urn,
                old=tainted,
                new=tainted,
                reason=Reason(Why.TAINTED, note="it never became ready"),
                replace_keys=("id",),
            ),
            Step(op=Op.DISCARD, urn=urn("away"), old=state("away", external=True), reason=Reason(Why.NOT_DECLARED)),
            Step(op=Op.DISCARD_REPLACED, urn=managed.urn, old=managed, reason=mine, logical=False),
            Step(
                op=Op.REMOVE_PENDING_REPLACE,
                urn=dropped.urn,
                old=dropped,
                reason=Reason(Why.NOT_DECLARED),
                logical=False,
            ),
        ]
    )


def destroy_preview() -> list[events.Event]:
    """Everything goes, dependents first."""
    tail = state("tail", {"of": "lab"}, id="ws-2", dependencies=(urn("lab"),))
    steps = [delete(one, Why.DESTROY) for one in (tail, state("lab", id="ws-1"), component(), root({"a": 1}))]
    return preview_of(steps, operation="destroy")


SCENES: Mapping[str, Callable[[], list[events.Event]]] = {
    "first_preview": first_preview,
    "second_preview": second_preview,
    "up_with_failures": up_with_failures,
    "refresh_preview": refresh_preview,
    "odd_ones": odd_ones,
    "destroy_preview": destroy_preview,
}


# --- showing them -----------------------------------------------------------------------------------------------------


def tell(view: View, scene: Iterable[events.Event]) -> None:
    """Show a whole scene and close."""
    for event in scene:
        view(event)
    view.close()


def played(scene: Iterable[events.Event], show: Show = Show(), colour: bool = False) -> tuple[str, str]:  # noqa: B008
    """(what a text view prints as the result, what it prints on the way)."""
    out, progress = io.StringIO(), io.StringIO()
    tell(Text(Out(out, colour), Out(progress, colour), show), scene)
    return out.getvalue(), progress.getvalue()

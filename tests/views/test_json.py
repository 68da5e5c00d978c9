"""JSON for programs: the digest of a preview, the stream of events, and Pulumi's own readers of both."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation.events import EngineEvent

from engine.core import events
from engine.core.errors import Severity
from engine.core.model import Options, Timeouts
from engine.core.plan import Op, Reason, Step, Why
from engine.core.values import ASSET, SIGNATURE, UNKNOWN, Archive, Asset, ResourceReference, Sealed, Secret
from engine.views import json_parts
from engine.views.json_digest import Digest
from engine.views.json_events import Events
from engine.views.outline import Show
from engine.views.printing import Out
from tests.views import scenes
from tests.views.scenes import BEGAN, ROOT, SCENES, began, create, delete, root, state, tell, told, urn

GOLDEN = Path(__file__).parent / "golden"
Golden = Callable[[Path, str], None]
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def digest_of(scene: Iterable[events.Event]) -> tuple[dict[str, Any], str, str]:
    """(the document, its text, what went to progress)."""
    out, progress = io.StringIO(), io.StringIO()
    tell(Digest(Out(out), Out(progress), Show()), scene)
    return json.loads(out.getvalue()), out.getvalue(), progress.getvalue()


def stream_of(scene: Iterable[events.Event]) -> list[dict[str, Any]]:
    """The lines of a stream."""
    out = io.StringIO()
    tell(Events(Out(out), Out(io.StringIO()), Show()), scene)
    return [json.loads(line) for line in out.getvalue().splitlines()]


# --- the digest -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["first_preview", "second_preview", "refresh_preview", "destroy_preview"])
def test_a_preview_as_json(name: str, golden: Golden) -> None:
    golden(GOLDEN / f"{name}.json", digest_of(SCENES[name]())[1])


def test_the_digest_lists_what_pulumi_lists() -> None:
    document, _, _ = digest_of(SCENES["second_preview"]())
    listed = [(step["op"], step["urn"].rsplit("::", 1)[1]) for step in document["steps"]]
    assert listed == [
        ("same", "lab-dev"),
        ("update", "bench"),
        ("replace", "lab"),
        ("replace", "first"),
        ("replace", "tail"),
        ("same", "kept"),
        ("update", "job"),
        ("delete", "gone"),
        ("delete", "left"),
        # Pulumi leaves this one out; a plan that deletes something says so.
        ("delete-replaced", "older"),
    ]
    assert document["changeSummary"] == {"delete": 2, "replace": 3, "same": 4, "update": 2}


def test_members_of_a_step_stand_in_pulumis_order() -> None:
    document, _, _ = digest_of(SCENES["second_preview"]())
    assert list(document) == ["version", "steps", "duration", "changeSummary"]
    step = document["steps"][2]
    assert list(step) == [
        "op",
        "urn",
        "provider",
        "oldState",
        "newState",
        "diffReasons",
        "replaceReasons",
        "detailedDiff",
        "reason",
    ]
    assert step["detailedDiff"]["name"] == {"kind": "update-replace", "inputDiff": True}
    assert step["reason"] == {
        "why": "property-replaces",
        "properties": ["name"],
        "urns": [],
        "note": "no API can rename a workspace",
        "text": "because name changed: no API can rename a workspace",
    }


def test_a_resource_has_the_members_of_the_record_in_pulumis_order() -> None:
    whole = state(
        "all",
        {"b": 1, "a": Secret("hunter2"), "u": UNKNOWN, "none": None},
        {"x": Sealed("v1:abc"), "ref": ResourceReference(urn("other"), UNKNOWN)},
        id="ws-1",
        dependencies=(urn("lab"),),
        property_dependencies={"b": (urn("lab"),), "a": ()},
        options=Options(
            protect=True,
            retain_on_delete=True,
            ignore_changes=("a",),
            replace_on_changes=("b",),
            additional_secret_outputs=("x",),
            custom_timeouts=Timeouts(create=600),
            deleted_with=urn("lab"),
            replace_with=(urn("lab"),),
            replacement_trigger=Secret("hunter2"),
            hide_diffs=("b",),
        ),
        external=True,
        delete=True,
        pending_replacement=True,
        tainted=True,
        init_errors=("late",),
        import_id="ws-1",
        created="2026-01-01T00:00:00Z",
        modified="2026-01-02T00:00:00Z",
        source_position="project:///__main__.py#1",
        extra={"viewOf": "x"},
    )
    found = json_parts.resource(whole)
    assert list(found) == [
        "urn",
        "custom",
        "delete",
        "id",
        "type",
        "inputs",
        "outputs",
        "parent",
        "protect",
        "taint",
        "external",
        "dependencies",
        "initErrors",
        "provider",
        "propertyDependencies",
        "pendingReplacement",
        "additionalSecretOutputs",
        "customTimeouts",
        "importID",
        "retainOnDelete",
        "deletedWith",
        "replaceWith",
        "created",
        "modified",
        "sourcePosition",
        "ignoreChanges",
        "hideDiff",
        "replaceOnChanges",
        "replacementTrigger",
        "viewOf",
    ]
    assert found["inputs"] == {"a": "[secret]", "b": 1, "none": None, "u": UNKNOWN_TEXT}
    assert list(found["inputs"]) == sorted(found["inputs"])
    assert found["outputs"]["x"] == "[secret]"
    assert found["outputs"]["ref"]["id"] == ""
    assert found["replacementTrigger"] == "[secret]"


def test_an_empty_resource_is_short() -> None:
    assert json_parts.resource(root()) == {"urn": ROOT, "custom": False, "type": "pulumi:pulumi:Stack"}


def test_a_preview_that_breaks_off_is_still_a_document() -> None:
    scene = SCENES["first_preview"]()[:8]
    scene.append(told(Severity.ERROR, "the program failed", reference="program"))
    document, _, progress = digest_of(scene)
    assert [step["op"] for step in document["steps"]] == ["create"]
    assert document["diagnostics"][-1] == {
        "message": "error: the program failed\nReference: program\n",
        "severity": "error",
        "reference": "program",
    }
    assert "error: the program failed" in progress


def test_an_error_before_anything_began_is_a_document_too() -> None:
    document, _, _ = digest_of([told(Severity.ERROR, "no such stack")])
    assert set(document) == {"version", "diagnostics"}


def test_debug_messages_are_left_out() -> None:
    document, _, _ = digest_of(SCENES["first_preview"]())
    assert [entry["severity"] for entry in document["diagnostics"]] == ["info", "warning"]


def test_closing_twice_writes_once() -> None:
    out = io.StringIO()
    view = Digest(Out(out), Out(io.StringIO()), Show())
    view.close()
    view.close()
    assert json.loads(out.getvalue()) == {"version": 1}


def test_a_refresh_lists_everything_it_looked_at() -> None:
    document, _, _ = digest_of(SCENES["refresh_preview"]())
    assert [step["op"] for step in document["steps"]] == ["update", "delete", "refresh"]
    assert document["steps"][0]["detailedDiff"]["quota"] == {"kind": "update", "inputDiff": False}


def test_paths_inside_a_secret_are_not_told() -> None:
    document, text, _ = digest_of(SCENES["second_preview"]())
    bench = document["steps"][1]
    assert bench["detailedDiff"]["tokens"] == {"kind": "update", "inputDiff": True}
    assert "tokens" in bench["reason"]["properties"]
    assert "token-name" not in text
    assert "hunter" not in text


# --- the stream -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["up_with_failures"])
def test_a_run_as_a_stream(name: str, golden: Golden) -> None:
    lines = stream_of(SCENES[name]())
    golden(GOLDEN / f"{name}.jsonl", "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines))


@pytest.mark.parametrize("name", SCENES)
def test_pulumis_automation_api_reads_the_stream(name: str) -> None:
    lines = stream_of(SCENES[name]())
    read = [EngineEvent.from_json(line) for line in lines]
    assert [event.sequence for event in read] == list(range(len(read)))
    summary = next(event.summary_event for event in read if event.summary_event)
    assert summary.resource_changes == lines[-2]["summaryEvent"]["resourceChanges"]
    assert lines[-1]["cancelEvent"] == {}


def test_both_runs_of_an_up_are_in_one_stream() -> None:
    lines = stream_of([*SCENES["first_preview"](), *SCENES["up_with_failures"]()])
    assert [line["summaryEvent"]["isPreview"] for line in lines if "summaryEvent" in line] == [True, False]
    assert [line["version"] for line in lines if "preludeEvent" in line] == [1, 1]
    assert [line for line in lines if "cancelEvent" in line] == lines[-1:]


def test_the_root_ends_last_with_the_stacks_outputs() -> None:
    lines = stream_of(SCENES["up_with_failures"]())
    ends = [line["resOutputsEvent"]["metadata"] for line in lines if "resOutputsEvent" in line]
    assert ends[-1]["urn"] == ROOT
    assert ends[-1]["new"]["outputs"]["url"] == "https://lab"
    assert ends[-1]["new"]["outputs"]["token"]["ciphertext"] == "[secret]"


def test_a_failure_is_told_and_then_ends_its_step() -> None:
    lines = stream_of(SCENES["up_with_failures"]())
    at = next(index for index, line in enumerate(lines) if "resOpFailedEvent" in line)
    before = lines[at - 1]["diagnosticEvent"]
    assert (before["severity"], before["prefix"], before["color"]) == ("error", "error: ", "never")
    assert before["reference"] == "quota-exceeded"
    assert lines[at]["resOpFailedEvent"]["metadata"]["op"] == "create"


def test_nothing_is_left_after_a_delete() -> None:
    old = state("old", id="ws-1")
    step = Step(
        op=Op.DELETE_REPLACED,
        urn=old.urn,
        old=old,
        new=old.but(pending_replacement=True),
        reason=Reason(Why.DEPENDENCY_REPLACED),
        logical=False,
    )
    metadata = stream_of([events.StepBegan(step, BEGAN)])[0]["resourcePreEvent"]["metadata"]
    assert metadata["new"] is None
    assert metadata["detailedDiff"] is None
    assert "logical" not in metadata


def test_default_providers_are_not_told_of() -> None:
    begun = [line["resourcePreEvent"] for line in stream_of(SCENES["first_preview"]()) if "resourcePreEvent" in line]
    assert not any("pulumi:providers" in event["metadata"]["type"] for event in begun)


def test_progress_is_ephemeral_and_not_repeated() -> None:
    step = create(state("lab"))
    scene = [events.StepProgressed(step, text, BEGAN) for text in ("Pending", "Pending", "Ready")]
    lines = stream_of(scene)
    assert [line["diagnosticEvent"]["message"] for line in lines[:-1]] == ["Pending\n", "Ready\n"]
    assert all(line["diagnosticEvent"]["ephemeral"] for line in lines[:-1])


def test_a_cancelled_run_is_called_as_pulumi_does() -> None:
    lines = stream_of([began(), scenes.ended([], result="cancelled")])
    assert lines[1]["summaryEvent"]["result"] == "canceled"


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ("\ud800 half", "? half"),
        ("é\x1b", "é\x1b"),
        (object, "<type>"),
        ((1, (2,)), [1, [2]]),
        (Secret({"a": 1}), "[secret]"),
        (UNKNOWN, UNKNOWN_TEXT),
        ({"b": {2: 1}, "a": []}, {"a": [], "b": {"2": 1}}),
    ],
)
def test_odd_values(value: Any, expected: Any) -> None:
    found = json_parts.plain(value)
    assert found == expected
    assert json.loads(json_parts.dumped({"": found})) == {"": expected}


def test_a_number_too_long_for_decimals() -> None:
    assert json_parts.plain({"a": 10**5000})["a"].startswith("0x")


def test_files_keep_their_envelopes() -> None:
    found = json_parts.plain({"a": Asset(path="x", hash="12"), "b": Archive(assets={"f": Asset(text="t")})})
    assert found["a"] == {SIGNATURE: ASSET, "path": "x", "hash": "12"}
    assert found["b"]["assets"]["f"]["text"] == "t"


def test_what_is_endless_is_cut_off() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    assert "…" in json_parts.dumped({"": json_parts.plain(deep)})
    assert stream_of([events.StepBegan(delete(state("deep", {"a": deep})), BEGAN)])

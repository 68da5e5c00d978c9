"""Correcting the record by what was just read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from engine.core import refresh
from engine.core.contract import GONE, DiffResult, ReadResult
from engine.core.diff import Kind
from engine.core.model import Drop, Options, Put, ResourceState, Snapshot, problems
from engine.core.plan import Op, Step, Why
from engine.core.values import Secret
from tests.builders import ThingCloud, ThingProvider, provider_state, snapshot, state, urn
from tests.core.records import snapshots

PROVIDER = ThingProvider(ThingCloud())


@pytest.mark.parametrize(
    ("fields", "can"),
    [
        pytest.param({}, True, id="a thing"),
        pytest.param({"external": True}, True, id="a thing that is only looked up"),
        pytest.param({"delete": True}, True, id="an old one"),
        pytest.param({"custom": False, "id": ""}, False, id="a component"),
        pytest.param({"id": ""}, False, id="nothing with an ID"),
        pytest.param({"provider": ""}, False, id="nothing with a provider"),
        pytest.param({"type": "pulumi:providers:test"}, False, id="a provider"),
        pytest.param({"pending_replacement": True}, False, id="what is gone and waits for its successor"),
    ],
)
def test_what_can_be_looked_at(fields: dict[str, Any], can: bool) -> None:
    assert refresh.observable(state("a", **fields)) is can


def seen(inputs: dict[str, Any] | None = None, **outputs: Any) -> ReadResult:
    """What a read returns."""
    return ReadResult("id-a", outputs, inputs)


def _recorded(**fields: Any) -> ResourceState:
    return state("a", {"name": "a", "size": 1}, outputs={"name": "a", "size": 1, "serial": "s"}, **fields)


def test_what_is_gone() -> None:
    old = _recorded()
    step = refresh.observed(old, GONE, PROVIDER)
    assert (step.op, step.old, step.new, step.reason.why) == (Op.DELETE, old, None, Why.GONE)


def test_nothing_new() -> None:
    old = _recorded()
    step = refresh.observed(old, seen({"name": "a", "size": 1}, name="a", size=1, serial="s"), PROVIDER)
    assert (step.op, step.new) == (Op.SAME, old)


def test_drift_reads_from_recorded_to_actual() -> None:
    step = refresh.observed(_recorded(), seen({"name": "a", "size": 9}, name="a", size=9, serial="s"), PROVIDER)
    assert (step.op, step.reason.why, step.reason.properties) == (Op.UPDATE, Why.DRIFT, ("size",))
    assert step.new is not None
    assert (step.new.inputs["size"], step.new.outputs["size"]) == (9, 9)
    assert not step.from_inputs


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("add", Kind.DELETE),
        ("add-replace", Kind.DELETE),
        ("delete", Kind.ADD),
        ("delete-replace", Kind.ADD),
        ("update", Kind.UPDATE),
        ("update-replace", Kind.UPDATE),
    ],
)
def test_the_providers_words_are_turned_round(kind: str, shown: Kind) -> None:
    """It says what an update back to the record would do; a person wants to know what happened."""

    class Saying(ThingProvider):
        def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
            assert (olds["size"], news["size"]) == (9, 1), "from what is there to what is recorded"
            return DiffResult(changes=True, detailed_diff={"size": kind})

    step = refresh.observed(_recorded(), seen(name="a", size=9), Saying(ThingCloud()))
    assert [change.kind for change in step.changes] == [shown]


def test_another_spelling_is_recorded_without_a_word() -> None:
    class Lenient(ThingProvider):
        def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
            return DiffResult(changes=False)

    step = refresh.observed(_recorded(), seen(None, name="A", size=1, serial="s"), Lenient(ThingCloud()))
    assert step.op is Op.SAME
    assert step.new is not None
    assert step.new.outputs["name"] == "A"
    assert step.new.inputs["name"] == "a", "inputs stay when the provider returned none"


@pytest.mark.parametrize("changes", [None, True], ids=["no opinion", "changes without details"])
def test_without_details_the_outputs_are_compared(changes: bool | None) -> None:
    class Terse(ThingProvider):
        def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
            return DiffResult(changes=changes)

    step = refresh.observed(_recorded(), seen(None, name="a", size=1, serial="t"), Terse(ThingCloud()))
    assert (step.op, step.reason.properties) == (Op.UPDATE, ("serial",))


def test_of_what_is_only_looked_up_the_outputs_are_compared() -> None:
    class Never(ThingProvider):
        def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
            raise AssertionError("nothing is declared, so there is nothing to compare with")

    step = refresh.observed(_recorded(external=True), seen(None, name="a", size=2, serial="s"), Never(ThingCloud()))
    assert (step.op, step.reason.properties) == (Op.UPDATE, ("size",))


def test_secrets_stay_secret() -> None:
    old = _recorded().but(
        inputs={"name": "a", "size": Secret(1)}, outputs={"name": "a", "size": Secret(1), "token": Secret("t")}
    )
    step = refresh.observed(old, seen({"name": "a", "size": 2}, name="a", size=2, token="u"), PROVIDER)
    assert step.new is not None
    assert step.new.inputs == {"name": "a", "size": Secret(2)}
    assert step.new.outputs == {"name": "a", "size": Secret(2), "token": Secret("u")}


def test_a_look_clears_what_went_wrong_before_and_keeps_a_taint() -> None:
    old = _recorded(init_errors=("half done",), tainted=True)
    step = refresh.observed(old, seen(None, **old.outputs), PROVIDER)
    assert step.new is not None
    assert (step.new.init_errors, step.new.tainted) == ((), True)


# --- repair -----------------------------------------------------------------------------------------------------------


def gone(row: ResourceState) -> Step:
    """A look that found nothing."""
    return Step(op=Op.DELETE, urn=row.urn, old=row)


def test_references_to_what_is_gone_are_dropped() -> None:
    a, b = state("a"), state("b")
    user = state(
        "user",
        dependencies=(a.urn, b.urn),
        property_dependencies={"x": (a.urn,), "y": (a.urn, b.urn)},
        options=Options(deleted_with=a.urn, replace_with=(a.urn, b.urn), protect=True),
    )
    before = snapshot(a, b, user)
    after = refresh.repaired(before, [gone(a)])
    row = after.by_urn[user.urn]
    assert row.dependencies == (b.urn,)
    assert row.property_dependencies == {"y": (b.urn,)}
    assert row.options == Options(replace_with=(b.urn,), protect=True)
    assert refresh.corrections(before, after, "noon") == (Put(row.but(modified="noon")), Drop(a.key, a.urn))
    assert a.urn not in after.by_urn


def test_children_move_to_the_next_ancestor_that_is_left() -> None:
    grand = state("grand")
    parent = state("parent", parent=grand.urn)
    child = state("child", parent=parent.urn)
    after = refresh.repaired(snapshot(grand, parent, child), [gone(parent)])
    assert after.by_urn[child.urn].parent == grand.urn
    after = refresh.repaired(snapshot(grand, parent, child), [gone(parent), gone(grand)])
    assert after.by_urn[child.urn].parent == ""


def test_a_urn_that_lives_on_in_another_row_is_not_lost() -> None:
    new, old = state("a"), state("a", delete=True)
    user = state("user", dependencies=(new.urn,))
    after = refresh.repaired(snapshot(new, old, user), [gone(old)])
    assert after.by_urn[user.urn] == user


@given(snapshots(), some.data())
def test_the_record_stays_whole_whatever_is_gone(record: Snapshot, data: some.DataObject) -> None:
    steps: list[Step] = []
    for row in record.resources:
        if not refresh.observable(row):
            continue
        fate = data.draw(some.sampled_from(["same", "gone", "drifted"]), label=row.name)
        if fate == "gone":
            steps.append(gone(row))
        else:
            new = row if fate == "same" else row.but(outputs={**row.outputs, "size": 99})
            steps.append(Step(op=Op.SAME if fate == "same" else Op.UPDATE, urn=row.urn, old=row, new=new))
    after = refresh.repaired(record, steps)
    assert not problems(after)
    assert {row.key for row in record.resources} - {row.key for row in after.resources} == {
        step.old.key for step in steps if step.old and step.op is Op.DELETE
    }
    rows = {row.key: row for row in record.resources}
    for write in refresh.corrections(record, after, "noon"):
        if isinstance(write, Put):
            rows[write.state.key] = write.state
        else:
            rows.pop(write.key)
    unstamped = {key: row.but(modified="") for key, row in rows.items()}
    assert unstamped == {row.key: row for row in after.resources}


def test_a_provider_is_never_lost() -> None:
    a = state("a")
    after = refresh.repaired(snapshot(a), [])
    assert after.resources[0].type == provider_state().type
    assert after.by_urn[urn("a")] == a

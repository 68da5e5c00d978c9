"""What a step's outcome means for the record: the table of spec 11.2, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core import results
from engine.core.contract import PartialFailure
from engine.core.errors import InternalError
from engine.core.model import STACK_TYPE, Drop, Options, PendingKind, Put, ResourceState, Timeouts
from engine.core.plan import Op, Step
from engine.core.values import Secret
from tests.builders import state, urn

OLD = state("a", {"size": 1}, id="old-id", key=1)
NEW = state("a", {"size": 2}, id="", key=0)
COMPONENT: dict[str, Any] = {"custom": False, "id": "", "provider": ""}


def step(op: Op, old: ResourceState | None = OLD, new: ResourceState | None = NEW) -> Step:
    """A step on `a`."""
    return Step(op=op, urn=urn("a"), old=old, new=new)


# --- begins -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "kind"),
    [
        (Op.CREATE, PendingKind.CREATING),
        (Op.CREATE_REPLACEMENT, PendingKind.CREATING),
        (Op.UPDATE, PendingKind.UPDATING),
        (Op.DELETE, PendingKind.DELETING),
        (Op.DELETE_REPLACED, PendingKind.DELETING),
        (Op.SAME, None),
        (Op.REPLACE, None),
        (Op.READ, None),
        (Op.READ_REPLACEMENT, None),
        (Op.IMPORT, None),
        (Op.IMPORT_REPLACEMENT, None),
        (Op.DISCARD, None),
        (Op.DISCARD_REPLACED, None),
        (Op.REMOVE_PENDING_REPLACE, None),
    ],
)
def test_which_begin_an_op_needs(op: Op, kind: PendingKind | None) -> None:
    assert results.pending(step(op, new=None if op.deletes else NEW)) == kind


@pytest.mark.parametrize(
    ("op", "fields"),
    [
        pytest.param(Op.CREATE, COMPONENT, id="a component has no provider"),
        pytest.param(Op.DELETE, COMPONENT, id="also when it goes"),
        pytest.param(Op.CREATE, {"provider": "", "type": "pulumi:providers:x"}, id="nor has a provider"),
        pytest.param(Op.DELETE, {"external": True}, id="what is not ours stays in the cloud"),
        pytest.param(Op.DELETE, {"options": Options(retain_on_delete=True)}, id="so does what is retained"),
        pytest.param(Op.DELETE_REPLACED, {"options": Options(retain_on_delete=True)}, id="also when it was replaced"),
    ],
)
def test_without_a_call_there_is_no_begin(op: Op, fields: dict[str, Any]) -> None:
    there = state("a", **fields)
    assert results.pending(step(op, there, None if op.deletes else there)) is None


def test_a_retained_resource_is_created_and_updated_like_any() -> None:
    new = NEW.but(options=Options(retain_on_delete=True))
    assert results.pending(step(Op.CREATE, None, new)) is PendingKind.CREATING
    assert results.pending(step(Op.UPDATE, OLD, new)) is PendingKind.UPDATING


# --- states after -----------------------------------------------------------------------------------------------------


def test_after_a_create() -> None:
    after = results.created(step(Op.CREATE, None), "id", {"size": 2, "serial": "s"}, 7, "noon")
    assert (after.id, after.outputs, after.key) == ("id", {"size": 2, "serial": "s"}, 7)
    assert (after.created, after.modified, after.inputs) == ("noon", "noon", {"size": 2})


def test_a_create_without_an_id_is_a_bug_of_the_provider() -> None:
    with pytest.raises(InternalError, match="gave no ID"):
        results.created(step(Op.CREATE, None), "", {}, 7, "noon")


def test_a_component_has_no_id_and_keeps_its_planned_outputs() -> None:
    new = state("a", outputs={"x": 1}, **COMPONENT)
    after = results.created(step(Op.CREATE, None, new), "", None, 7, "noon")
    assert (after.id, after.outputs) == ("", {"x": 1})


def test_secrets_of_the_inputs_mark_the_outputs() -> None:
    options = Options(additional_secret_outputs=("token",))
    new = NEW.but(inputs={"size": Secret(2)}, options=options)
    after = results.created(step(Op.CREATE, None, new), "id", {"size": 2, "token": "t", "open": 1}, 7, "noon")
    assert after.outputs == {"size": Secret(2), "token": Secret("t"), "open": 1}
    after = results.updated(step(Op.UPDATE, OLD, new), {"size": 2, "token": "t"}, "noon")
    assert after.outputs == {"size": Secret(2), "token": Secret("t")}


def test_after_an_update_the_outputs_are_replaced_as_a_whole() -> None:
    new = NEW.but(id="old-id", key=1, outputs={"size": 2, "gone": 1}, created="morning")
    after = results.updated(step(Op.UPDATE, OLD, new), {"size": 2}, "noon")
    assert (after.outputs, after.id, after.key, after.created, after.modified) == (
        {"size": 2},
        "old-id",
        1,
        "morning",
        "noon",
    )
    assert results.updated(step(Op.UPDATE, OLD, new), None, "noon").outputs == {}


@pytest.mark.parametrize("tainted", [False, True])
def test_after_half_a_create_the_object_is_recorded_with_what_went_wrong(tainted: bool) -> None:
    failure = PartialFailure("no start", id="id", outs={"size": 2}, tainted=tainted)
    after = results.partly_created(step(Op.CREATE, None), failure, 7, "noon")
    assert (after.id, after.inputs, after.outputs) == ("id", {"size": 2}, {"size": 2})
    assert (after.init_errors, after.tainted) == (("no start",), tainted)


def test_after_half_an_update_the_inputs_are_the_recorded_ones() -> None:
    failure = PartialFailure("no growth", id="old-id", outs={"size": 1, "serial": "s"})
    after = results.partly_updated(step(Op.UPDATE, OLD, NEW), failure, "noon")
    assert (after.inputs, after.outputs) == ({"size": 1}, {"size": 1, "serial": "s"})
    assert (after.init_errors, after.key, after.id) == (("no growth",), 1, "old-id")


# --- rows -------------------------------------------------------------------------------------------------------------

AFTER = NEW.but(id="new-id", key=9)
WAITING = OLD.but(pending_replacement=True)
EXTERNAL = OLD.but(external=True)


@pytest.mark.parametrize(
    ("made", "after", "expected"),
    [
        pytest.param(step(Op.CREATE, None), AFTER, (Put(AFTER),), id="create: appended"),
        pytest.param(step(Op.UPDATE), AFTER, (Put(AFTER),), id="update: the new for the old"),
        pytest.param(step(Op.DELETE, OLD, None), None, (Drop(1, urn("a")),), id="delete: removed"),
        pytest.param(
            step(Op.DELETE_REPLACED, OLD, WAITING), WAITING, (Put(WAITING),), id="delete-first: kept until the create"
        ),
        pytest.param(step(Op.DELETE_REPLACED, OLD, None), None, (Drop(1, urn("a")),), id="at the end: removed"),
        pytest.param(
            step(Op.CREATE_REPLACEMENT),
            AFTER,
            (Put(AFTER), Put(OLD.but(delete=True))),
            id="create-first: both, the old one to be deleted",
        ),
        pytest.param(
            step(Op.CREATE_REPLACEMENT, WAITING),
            AFTER,
            (Put(AFTER), Drop(1, urn("a"))),
            id="after delete-first: the waiting row goes",
        ),
        pytest.param(
            step(Op.CREATE_REPLACEMENT, EXTERNAL),
            AFTER,
            (Put(AFTER), Drop(1, urn("a"))),
            id="what was only looked up is not to be deleted",
        ),
        pytest.param(step(Op.REPLACE), AFTER, (), id="replace: a marker"),
        pytest.param(step(Op.DISCARD_REPLACED, EXTERNAL, None), None, (), id="discard-replaced: gone already"),
        pytest.param(step(Op.DISCARD, EXTERNAL, None), None, (Drop(1, urn("a")),), id="discard: removed"),
        pytest.param(
            step(Op.REMOVE_PENDING_REPLACE, WAITING, None), None, (Drop(1, urn("a")),), id="nothing came after all"
        ),
        pytest.param(step(Op.READ, None), AFTER, (Put(AFTER),), id="read: appended"),
        pytest.param(step(Op.READ, EXTERNAL, EXTERNAL), EXTERNAL, (), id="read again, nothing new: nothing"),
        pytest.param(
            step(Op.READ_REPLACEMENT),
            AFTER,
            (Put(AFTER), Put(OLD.but(delete=True))),
            id="read in the place of our own: that one to be deleted",
        ),
        pytest.param(step(Op.IMPORT, None), AFTER, (Put(AFTER),), id="import: appended"),
        pytest.param(
            step(Op.IMPORT_REPLACEMENT),
            AFTER,
            (Put(AFTER), Put(OLD.but(delete=True))),
            id="import in the place of our own",
        ),
        pytest.param(step(Op.SAME, OLD, OLD), OLD, (), id="same, and nothing to record"),
        pytest.param(
            step(Op.SAME, OLD, OLD.but(inputs={})), OLD.but(inputs={}), (Put(OLD.but(inputs={})),), id="same, but"
        ),
        pytest.param(step(Op.DELETE, OLD.but(key=0), None), None, (), id="what was never recorded is not removed"),
    ],
)
def test_rows(made: Step, after: ResourceState | None, expected: tuple[Any, ...]) -> None:
    assert results.writes(made, after) == expected


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({"inputs": {"size": 9}}, True),
        ({"inputs": {"size": True}}, True),
        ({"outputs": {"size": Secret(1)}}, True),
        ({"outputs": {"size": 1, "more": None}}, True),
        ({"parent": "p"}, True),
        ({"provider": "q::r"}, True),
        ({"id": "other"}, True),
        ({"external": True}, True),
        ({"import_id": "x"}, True),
        ({"dependencies": ("z",)}, True),
        ({"property_dependencies": {"size": ("z",)}}, True),
        ({"init_errors": ("x",)}, True),
        ({"tainted": True}, True),
        ({"options": Options(protect=True)}, True),
        ({"options": Options(custom_timeouts=Timeouts(create=1))}, True),
        ({"options": Options(replacement_trigger=1)}, True),
        ({"source_position": "elsewhere"}, False),
        ({"created": "x", "modified": "y"}, False),
        ({"inputs": {"size": 1.0}}, False),
    ],
)
def test_what_is_worth_recording(change: dict[str, Any], counts: bool) -> None:
    assert results.differs(OLD, OLD.but(**change)) is counts


def test_dependencies_are_a_set() -> None:
    one, other = OLD.but(dependencies=("x", "y")), OLD.but(dependencies=("y", "x"))
    assert not results.differs(one, other)


def test_the_root_stack() -> None:
    assert results.is_root(state("s", type=STACK_TYPE, **COMPONENT))
    assert not results.is_root(state("a"))

"""A plan: what it counts, what it promises, and when the promise is broken."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given

from engine.core.errors import RecordError
from engine.core.plan import Op, Plan, Step, breach, broken, count, unkept
from engine.core.values import UNKNOWN, UNKNOWN_NUMBER, ResourceReference, Secret, has_unknown, reveal
from tests.builders import goal, provider_state, state, urn
from tests.core.records import properties


def step(op: Op, name: str = "a", **fields: Any) -> Step:
    """A step on a thing."""
    there = state(name)
    return Step(
        op=op, urn=there.urn, old=None if op is Op.CREATE else there, new=None if op.deletes else there, **fields
    )


# --- ops and steps ----------------------------------------------------------------------------------------------------


def test_every_op_is_said_in_pulumis_words() -> None:
    words = (
        "same create update delete replace create-replacement delete-replaced read read-replacement refresh "
        "discard discard-replaced remove-pending-replace import import-replacement"
    )
    assert " ".join(Op) == words


@pytest.mark.parametrize(
    ("question", "yes"),
    [
        ("creates", "create create-replacement read read-replacement import import-replacement"),
        ("deletes", "delete delete-replaced discard discard-replaced remove-pending-replace"),
        (
            "calls_cloud",
            "create create-replacement read read-replacement import import-replacement update delete delete-replaced "
            "refresh",
        ),
    ],
)
def test_what_ops_are_like(question: str, yes: str) -> None:
    assert {op.value for op in Op if getattr(op, question)} == set(yes.split())


def test_a_step_speaks_of_what_it_ends_with_or_of_what_it_started_from() -> None:
    old, new = state("a", id="old"), state("a", id="new")
    assert Step(op=Op.UPDATE, urn=urn("a"), old=old, new=new).state is new
    assert Step(op=Op.DELETE, urn=urn("a"), old=old).state is old
    assert Step(op=Op.DELETE, urn=urn("a"), old=old).type == old.type


@pytest.mark.parametrize(
    ("name", "parent", "internal"),
    [
        ("default", "", True),
        ("default_1_2_3", "", True),
        ("defaults", "", False),
        ("west", "", False),
        ("default", urn("x"), False),
    ],
)
def test_default_providers_are_not_shown(name: str, parent: str, internal: bool) -> None:
    default = provider_state()
    there = default.but(urn=default.urn.rsplit("::", 1)[0] + f"::{name}", parent=parent)
    assert Step(op=Op.CREATE, urn=there.urn, new=there).internal is internal


def test_what_is_counted() -> None:
    default = provider_state()
    steps = [
        step(Op.CREATE),
        step(Op.CREATE, "b"),
        step(Op.SAME, "c"),
        step(Op.CREATE_REPLACEMENT, "d"),
        step(Op.REPLACE, "d"),
        step(Op.DELETE_REPLACED, "d"),
        step(Op.READ_REPLACEMENT, "e"),
        step(Op.REPLACE, "e"),
        step(Op.IMPORT_REPLACEMENT, "f"),
        step(Op.REPLACE, "f"),
        step(Op.DISCARD_REPLACED, "g"),
        step(Op.IMPORT, "h"),
        step(Op.DISCARD, "i"),
        Step(op=Op.CREATE, urn=default.urn, new=default),
    ]
    assert count(steps) == {Op.CREATE: 2, Op.SAME: 1, Op.REPLACE: 3, Op.IMPORT: 1, Op.DISCARD: 1}
    assert Plan(tuple(steps)).counts == count(steps)


@pytest.mark.parametrize(
    ("ops", "changes"),
    [
        ([], False),
        ([Op.SAME, Op.READ], False),
        *(([Op.SAME, op], True) for op in Op if op not in (Op.SAME, Op.READ)),
    ],
)
def test_whether_a_plan_changes_anything(ops: list[Op], changes: bool) -> None:
    assert Plan(tuple(step(op, str(n)) for n, op in enumerate(ops))).has_changes is changes


def test_a_default_provider_alone_is_no_change() -> None:
    default = provider_state()
    assert not Plan((Step(op=Op.UPDATE, urn=default.urn, old=default, new=default),)).has_changes


def test_the_steps_of_one_resource() -> None:
    one, two, other = step(Op.CREATE_REPLACEMENT), step(Op.REPLACE), step(Op.CREATE, "b")
    plan = Plan((one, other, two))
    assert plan.of(urn("a")) == (one, two)
    assert plan.of(urn("zzz")) == ()


def test_a_plan_is_good_for_one_serial() -> None:
    plan = Plan((), serial=7)
    plan.require_serial(7)
    with pytest.raises(RecordError) as caught:
        plan.require_serial(8)
    assert caught.value.reference == "plan-stale"
    assert "7" in caught.value.summary
    assert "8" in caught.value.summary


# --- the promise ------------------------------------------------------------------------------------------------------

REF = ResourceReference(urn("x"), "id")


@pytest.mark.parametrize(
    ("planned", "actual", "kept"),
    [
        pytest.param({"a": 1}, {"a": 1}, True, id="exactly as shown"),
        pytest.param({"a": 1}, {"a": 2}, False, id="another value"),
        pytest.param({"a": 1}, {}, False, id="a value that is gone"),
        pytest.param({}, {"a": 1}, False, id="a value nobody was shown"),
        pytest.param({"a": None}, {}, True, id="null is as good as missing"),
        pytest.param({"a": UNKNOWN}, {"a": [1, {"b": 2}]}, True, id="an unknown may become anything"),
        pytest.param({"a": UNKNOWN_NUMBER}, {"a": "text"}, True, id="of any kind"),
        pytest.param({"a": UNKNOWN}, {}, True, id="or nothing at all"),
        pytest.param({"a": {"b": UNKNOWN, "c": 1}}, {"a": {"b": 5, "c": 1}}, True, id="an unknown inside"),
        pytest.param({"a": {"b": UNKNOWN, "c": 1}}, {"a": {"b": 5, "c": 2}}, False, id="does not excuse its neighbour"),
        pytest.param({"a": [UNKNOWN, 2]}, {"a": [1, 2]}, True, id="in a list"),
        pytest.param({"a": [UNKNOWN]}, {"a": [1, 2]}, False, id="which has its length"),
        pytest.param({"a": Secret(UNKNOWN)}, {"a": Secret(5)}, True, id="a secret unknown"),
        pytest.param({"a": Secret(1)}, {"a": Secret(2)}, False, id="another secret"),
        pytest.param({"a": Secret(1)}, {"a": 1}, True, id="the mark alone is no breach"),
        pytest.param(
            {"a": REF}, {"a": ResourceReference(urn("x"), "other")}, True, id="a reference's ID may come later"
        ),
        pytest.param({"a": REF}, {"a": ResourceReference(urn("y"), "id")}, False, id="but it names the same resource"),
        pytest.param({"a": 1}, {"a": True}, False, id="a bool for a number"),
    ],
)
def test_inputs_arrive_as_shown(planned: dict[str, Any], actual: dict[str, Any], kept: bool) -> None:
    plan = Plan((step(Op.UPDATE),), goals={urn("a"): goal("a", planned)})
    said = breach(plan, goal("a", actual), [step(Op.UPDATE)])
    assert said == ("" if kept else "its input a is not what the plan shows")


@given(properties(secrets=True))
def test_every_goal_keeps_its_own_promise(inputs: dict[str, Any]) -> None:
    plan = Plan((step(Op.CREATE),), goals={urn("a"): goal("a", inputs)})
    assert breach(plan, goal("a", reveal(inputs)), [step(Op.CREATE)]) == ""


@given(properties(unknowns=True), properties())
def test_what_is_known_in_the_plan_is_what_arrives(planned: dict[str, Any], actual: dict[str, Any]) -> None:
    plan = Plan((step(Op.CREATE),), goals={urn("a"): goal("a", planned)})
    if breach(plan, goal("a", actual), [step(Op.CREATE)]) == "":
        for name, value in planned.items():
            if not has_unknown(value):
                assert breach(plan, goal("a", {**actual, name: ["something else"]}), []) != "" or value == [
                    "something else"
                ]


REPLACED = (Op.CREATE_REPLACEMENT, Op.REPLACE)


@pytest.mark.parametrize(
    ("planned", "actual", "kept"),
    [
        pytest.param((Op.CREATE,), (Op.CREATE,), True, id="the same op"),
        pytest.param((Op.UPDATE,), (Op.SAME,), True, id="an update may turn out to be none"),
        pytest.param((Op.CREATE,), (Op.SAME,), True, id="so may a create (recovered meanwhile)"),
        pytest.param(REPLACED, (Op.UPDATE,), True, id="a replacement may turn out to be an update"),
        pytest.param(REPLACED, (Op.SAME,), True, id="or nothing"),
        pytest.param((Op.DELETE_REPLACED, *REPLACED), (Op.DELETE_REPLACED, *REPLACED), True, id="delete-first"),
        pytest.param((Op.SAME,), (Op.UPDATE,), False, id="nothing may not become an update"),
        pytest.param((Op.SAME,), REPLACED, False, id="nor a replacement"),
        pytest.param((Op.UPDATE,), REPLACED, False, id="nor an update a replacement"),
        pytest.param(REPLACED, (Op.DELETE_REPLACED, *REPLACED), False, id="nor create-first delete-first"),
        pytest.param((Op.IMPORT,), (Op.CREATE,), False, id="nor an import a create"),
        pytest.param((Op.READ,), (Op.READ,), True, id="a look stays a look"),
        pytest.param((), (Op.CREATE,), False, id="a planned goal without steps"),
    ],
)
def test_steps_are_those_shown_or_weaker(planned: tuple[Op, ...], actual: tuple[Op, ...], kept: bool) -> None:
    plan = Plan(tuple(step(op) for op in planned), goals={urn("a"): goal("a")})
    assert (breach(plan, goal("a"), [step(op) for op in actual]) == "") is kept


def test_what_the_plan_does_not_have_may_only_be_the_same() -> None:
    plan = Plan(())
    assert breach(plan, goal("a"), [step(Op.SAME)]) == ""
    assert "does not have this resource" in breach(plan, goal("a"), [step(Op.CREATE)])


def test_what_is_deleted_for_another_resources_sake_is_not_measured_by_this_goal() -> None:
    plan = Plan((step(Op.DELETE_REPLACED, "b"), *(step(op) for op in REPLACED)), goals={urn("a"): goal("a")})
    steps = [step(Op.DELETE_REPLACED, "b"), *(step(op) for op in REPLACED)]
    assert breach(plan, goal("a"), steps) == ""


@pytest.mark.parametrize(
    ("registered", "leftovers", "said"),
    [
        pytest.param("ab", [], None, id="everything came"),
        pytest.param("abz", [], None, id="what came on top was measured when it came"),
        pytest.param("a", [], (urn("b"), "does not declare"), id="something never came"),
        pytest.param("ab", [step(Op.DELETE, "c")], None, id="a delete that was announced"),
        pytest.param("ab", [step(Op.DELETE, "d")], (urn("d"), "does not say delete"), id="one that was not"),
        pytest.param("ab", [step(Op.DISCARD, "c")], (urn("c"), "does not say discard"), id="another op than announced"),
    ],
)
def test_the_end_of_a_program(registered: str, leftovers: list[Step], said: tuple[str, str] | None) -> None:
    plan = Plan((step(Op.DELETE, "c"),), goals={urn("a"): goal("a"), urn("b"): goal("b")})
    found = unkept(plan, {urn(name) for name in registered}, leftovers)
    if said is None:
        assert found is None
    else:
        assert found is not None
        assert found[0] == said[0]
        assert re.search(said[1], found[1])


def test_a_broken_promise_is_an_error_of_the_program() -> None:
    error = broken("it would be replaced", urn("a"))
    assert (error.reference, error.urn, error.exit_code) == ("plan-broken", urn("a"), 1)
    assert "it would be replaced" in str(error)
    assert "--skip-preview" in error.remedy

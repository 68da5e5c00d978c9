"""What one goal, or the lack of one, means for what is recorded: spec 10.2 to 10.6, line by line.

A case is a record and a goal (or several), and what comes of it: ops with the names they are done to, `name:op`, and
the reason of the last one. Whole runs over random records are in `test_planner_whole`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from engine.builtins import ProviderResource
from engine.core.contract import GONE, CheckFailure, CheckResult, DiffResult, ReadResult
from engine.core.errors import InternalError, ProgramError, Severity, UsageError
from engine.core.model import STACK_TYPE, Goal, Options, ResourceState, Snapshot
from engine.core.plan import Op, Step, Why
from engine.core.planner import Decision, Planner
from engine.core.values import UNKNOWN, Secret, has_unknown
from tests.builders import (
    PROVIDER,
    PROVIDER_URN,
    ThingCloud,
    ThingProvider,
    ThingSource,
    goal,
    provider_state,
    snapshot,
    state,
    urn,
)

PROVIDER_TYPE = "pulumi:providers:test"


class Opinion(ThingProvider):
    """The provider of things, but `diff` says what the test says (None: what it would say itself)."""

    def __init__(self, result: DiffResult | None = None) -> None:
        super().__init__(ThingCloud())
        self.result = result
        self.checked: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self.compared: list[tuple[str, dict[str, Any], dict[str, Any]]] = []

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        self.checked.append((olds, news))
        return super().check(olds, news)

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        self.compared.append((id_, olds, news))
        return self.result if self.result is not None else super().diff(id_, olds, news)


def planner(
    record: Snapshot | Sequence[ResourceState] = (), *, preview: bool = False, provider: Any = None, **types: Any
) -> Planner:
    """A planner over a record, after the default provider has been registered."""
    source = ThingSource(ThingCloud(), {PROVIDER_TYPE: ProviderResource(), **types})
    if provider is not None:
        source.provider = provider
    whole = record if isinstance(record, Snapshot) else snapshot(*record)
    made = Planner(whole, source, preview=preview)
    carry(made, made.decide(Goal(urn=PROVIDER_URN, type=PROVIDER_TYPE, custom=True, inputs={})))
    return made


def carry(over: Planner, decision: Decision) -> Decision:
    """Tell the planner that the steps have ended as planned."""
    for step in decision.steps:
        over.concluded(step, step.new)
    return decision


def ops(steps: Sequence[Step]) -> list[str]:
    """`name:op` of each step."""
    return [f"{step.urn.split('::')[-1]}:{step.op}" for step in steps]


def why(decision: Decision) -> Why:
    """The reason of the last step, which stands for the whole."""
    return decision.steps[-1].reason.why


RECORDED = state("a", {"name": "a", "size": 1}, outputs={"name": "a", "size": 1, "serial": "s"}, id="id-a", key=70_000)
CREATE_FIRST = ["a:create-replacement", "a:replace"]
DELETE_FIRST = ["a:delete-replaced", *CREATE_FIRST]


# --- 10.2: order of decisions -----------------------------------------------------------------------------------------


def test_a_urn_is_registered_once() -> None:
    plan = planner()
    plan.decide(goal("a", {"name": "a"}))
    with pytest.raises(ProgramError) as caught:
        plan.decide(goal("a", {"name": "b"}))
    assert (caught.value.reference, caught.value.urn) == ("urn-duplicate", urn("a"))


def test_what_is_not_recorded_is_created() -> None:
    decision = planner().decide(goal("a", {"name": "a"}))
    assert ops(decision.steps) == ["a:create"]
    assert why(decision) is Why.NEW
    (step,) = decision.steps
    assert step.new is not None
    assert (step.new.id, step.new.key, step.new.inputs) == ("", 0, {"name": "a", "size": 1})
    assert "serial" not in step.new.outputs, "nobody knows it before"


def test_what_is_recorded_and_equal_stays_the_same_and_takes_over_todays_options() -> None:
    wanted = goal("a", {"name": "a", "size": 1}, options={"protect": True}, source_position="here")
    decision = planner([RECORDED]).decide(wanted)
    assert ops(decision.steps) == ["a:same"]
    assert why(decision) is Why.UNCHANGED
    (step,) = decision.steps
    assert step.new is not None
    assert (step.new.options.protect, step.new.source_position) == (True, "here")
    assert (step.new.id, step.new.key, step.new.outputs) == ("id-a", 70_000, RECORDED.outputs)


def test_what_differs_is_updated() -> None:
    decision = planner([RECORDED]).decide(goal("a", {"name": "a", "size": 2}))
    (step,) = decision.steps
    assert (step.op, step.reason.why, step.reason.properties) == (Op.UPDATE, Why.CHANGED, ("size",))
    assert step.new is not None
    assert (step.new.id, step.new.key) == ("id-a", 70_000)
    assert step.new.outputs == {"name": "a", "size": 2, "serial": "s"}, "predicted from what is there"


@pytest.mark.parametrize(
    ("old", "olds"),
    [
        pytest.param(None, {}, id="withheld: nothing recorded"),
        pytest.param(RECORDED, {"name": "a", "size": 1}, id="the recorded inputs"),
        pytest.param(RECORDED.but(external=True), {}, id="withheld: only looked up"),
    ],
)
def test_which_old_inputs_check_sees(old: ResourceState | None, olds: dict[str, Any]) -> None:
    provider = Opinion()
    planner([old] if old else [], provider=provider).decide(goal("a", {"name": "a"}))
    assert provider.checked[0] == (olds, {"name": "a"})


def test_check_sees_no_old_inputs_of_what_was_deleted_in_this_run() -> None:
    provider = Opinion()
    bound = state("b", {"name": "b", "kind": "x"}, property_dependencies={"kind": (urn("a"),)})
    plan = planner([RECORDED, bound], provider=provider)
    carry(plan, plan.decide(goal("a", {"name": "a", "kind": "new"})))
    provider.checked.clear()
    plan.decide(goal("b", {"name": "b", "kind": "y"}))
    assert provider.checked == [({}, {"name": "b", "kind": "y"})]


def test_a_check_failure_makes_the_goal_invalid_and_all_are_told() -> None:
    class Strict(ThingProvider):
        def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
            return CheckResult(news, [CheckFailure("a", "one"), CheckFailure("b", "two")], [CheckFailure("c", "hm")])

    decision = planner(provider=Strict(ThingCloud())).decide(goal("a"))
    assert not decision.valid
    assert decision.steps == ()
    assert [(problem.severity, problem.summary) for problem in decision.problems] == [
        (Severity.ERROR, "one"),
        (Severity.ERROR, "two"),
        (Severity.WARNING, "hm"),
    ]


def test_a_warning_does_not() -> None:
    decision = planner().decide(goal("a", {"name": "a", "size": 13}))
    assert decision.valid
    assert ops(decision.steps) == ["a:create"]
    assert [problem.summary for problem in decision.problems] == ["brings bad luck"]


def test_types_that_nobody_serves_are_told_together() -> None:
    class Picky(ThingSource):
        def provider_for(self, type_: str, inputs: Any, config: Any, **more: Any) -> Any:
            if type_ != "test:index:Thing":
                raise ProgramError(f"nothing here serves the type {type_}", reference="type-not-served")
            return super().provider_for(type_, inputs, config)

    plan = Planner(snapshot(), Picky(ThingCloud()), preview=True)
    decisions = [
        plan.decide(Goal(urn=urn(name, type_), type=type_, custom=True, inputs={"name": name}))
        for name, type_ in (("a", "aws:s3/bucket:Bucket"), ("b", "test:index:Thing"), ("c", "aws:sqs/queue:Queue"))
    ]
    assert [decision.valid for decision in decisions] == [False, True, False]
    for decision, type_ in ((decisions[0], "aws:s3/bucket:Bucket"), (decisions[2], "aws:sqs/queue:Queue")):
        (problem,) = decision.problems
        assert type_ in problem.summary
        assert (problem.urn, problem.reference) == (decision.urn, "type-not-served")


def test_what_was_only_looked_up_becomes_managed() -> None:
    """7b: a new object is made; the one that was looked up is forgotten, not deleted."""
    old = RECORDED.but(external=True)
    plan = planner([old])
    decision = carry(plan, plan.decide(goal("a", {"name": "b"})))
    assert ops(decision.steps) == CREATE_FIRST
    assert why(decision) is Why.BECOMES_MANAGED
    assert decision.steps[0].new is not None
    assert not decision.steps[0].new.external
    assert decision.steps[0].new.key == 0
    assert ops(plan.leftovers()[0]) == ["a:discard-replaced"]


def test_components_are_compared_by_their_inputs() -> None:
    fields: dict[str, Any] = {"type": "my:Group", "custom": False, "provider": ""}
    old = state("g", {"x": 1}, id="", outputs={"y": 2}, **fields)
    assert ops(planner([old]).decide(goal("g", {"x": 1}, **fields)).steps) == ["g:same"]
    decision = planner([old]).decide(goal("g", {"x": 2}, **fields))
    assert ops(decision.steps) == ["g:update"]
    assert decision.steps[0].reason.properties == ("x",)
    assert decision.steps[0].new is not None
    assert decision.steps[0].new.outputs == {"y": 2}, "until it registers others"
    assert ops(planner().decide(goal("g", {"x": 1}, **fields)).steps) == ["g:create"]


# --- 10.2.4: imports --------------------------------------------------------------------------------------------------

THERE = ReadResult("x", {"name": "a", "size": 1, "serial": "s"}, {"name": "a", "size": 1})


@pytest.mark.parametrize(
    ("old", "looks"),
    [
        pytest.param(None, True, id="nothing recorded"),
        pytest.param(RECORDED, True, id="another object recorded"),
        pytest.param(RECORDED.but(id="x"), False, id="this object recorded"),
        pytest.param(RECORDED.but(id="x2", import_id="x"), False, id="imported under this name, its ID being another"),
        pytest.param(RECORDED.but(id="x", import_id="y"), True, id="imported under another name"),
        pytest.param(RECORDED.but(id="x", external=True), True, id="this object was only looked up"),
    ],
)
def test_when_an_import_looks(old: ResourceState | None, looks: bool) -> None:
    look = planner([old] if old else []).look(goal("a", {"name": "a"}, import_id="x"))
    assert (look is not None) is looks
    if look is not None:
        assert (look.urn, look.id, look.type, look.provider) == (urn("a"), "x", goal("a").type, PROVIDER)


def test_providers_and_components_are_not_imported() -> None:
    plan = planner()
    assert plan.look(goal("p", type=PROVIDER_TYPE, import_id="x")) is None
    assert plan.look(goal("g", type="my:Group", custom=False, import_id="x")) is None


@pytest.mark.parametrize(
    ("old", "wanted", "seen", "expected"),
    [
        pytest.param(None, {"name": "a", "size": 1}, THERE, ["a:import"], id="as the program says"),
        pytest.param(None, {"name": "a", "size": 2}, THERE, ["a:import", "a:update"], id="differs: then updated"),
        pytest.param(RECORDED.but(external=True), {"name": "a", "size": 1}, THERE, ["a:import"], id="looked up before"),
        pytest.param(
            RECORDED, {"name": "a", "size": 1}, THERE, ["a:import-replacement", "a:replace"], id="in the place of ours"
        ),
        pytest.param(
            RECORDED,
            {"name": "a", "size": 2},
            THERE,
            ["a:import-replacement", "a:replace", "a:update"],
            id="in the place of ours, and differs",
        ),
        pytest.param(None, {"name": "a"}, GONE, None, id="nothing there"),
        pytest.param(None, {"name": "a"}, replace(THERE, inputs=None), None, id="its inputs cannot be told"),
        pytest.param(None, {"name": "other"}, THERE, None, id="would have to be replaced"),
    ],
)
def test_imports(
    old: ResourceState | None, wanted: dict[str, Any], seen: ReadResult, expected: list[str] | None
) -> None:
    decision = planner([old] if old else []).decide(goal("a", wanted, import_id="x"), seen)
    assert decision.valid is (expected is not None)
    if expected is not None:
        assert ops(decision.steps) == expected
        new = decision.steps[0].new
        assert new is not None
        assert (new.id, new.import_id, new.external) == ("x", "x", False)
        assert new.key == (old.key if old is not None and old.external else 0)


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (GONE, "no object with the ID 'x'"),
        (replace(THERE, inputs=None), "cannot tell which inputs"),
    ],
)
def test_why_an_import_is_impossible(seen: ReadResult, said: str) -> None:
    decision = planner().decide(goal("a", {"name": "a"}, import_id="x"), seen)
    (problem,) = decision.problems
    assert said in problem.summary
    assert problem.reference == "import-impossible"


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize("already", [False, True], ids=["being imported", "imported before"])
def test_an_imported_resource_that_still_names_its_id_is_not_replaced(preview: bool, already: bool) -> None:
    """A warning in a preview, an error in a run."""
    record = [RECORDED.but(id="x", import_id="x")] if already else []
    plan = planner(record, preview=preview)
    decision = plan.decide(goal("a", {"name": "other"}, import_id="x"), None if already else THERE)
    (problem,) = decision.problems
    assert problem.reference == "import-would-replace"
    assert problem.severity is (Severity.WARNING if preview else Severity.ERROR)
    assert "name" in problem.summary
    assert decision.valid is preview


def test_imported_secrets_are_marked_like_those_of_the_program() -> None:
    wanted = goal(
        "a", {"name": "a", "size": Secret(1)}, import_id="x", options={"additional_secret_outputs": ("serial",)}
    )
    decision = planner().decide(wanted, THERE)
    assert ops(decision.steps) == ["a:import"]
    assert decision.steps[0].new is not None
    assert decision.steps[0].new.inputs == {"name": "a", "size": Secret(1)}
    assert decision.steps[0].new.outputs == {"name": "a", "size": Secret(1), "serial": Secret("s")}


# --- 10.3: reads ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "expected", "reason", "leftover"),
    [
        pytest.param(None, ["a:read"], Why.READ, [], id="nothing recorded"),
        pytest.param(RECORDED.but(external=True), ["a:read"], Why.READ, [], id="looked up before"),
        pytest.param(RECORDED.but(external=True, id="y"), ["a:read"], Why.READ, [], id="another one looked up before"),
        pytest.param(RECORDED.but(id="x"), ["a:read"], Why.READ, [], id="ours: relinquished, not deleted"),
        pytest.param(
            RECORDED,
            ["a:read-replacement", "a:replace"],
            Why.BECOMES_EXTERNAL,
            ["a:delete-replaced"],
            id="another one of ours: that goes",
        ),
    ],
)
def test_reads(old: ResourceState | None, expected: list[str], reason: Why, leftover: list[str]) -> None:
    plan = planner([old] if old else [])
    wanted = goal("a", {}, read_id="x")
    look = plan.look(wanted)
    assert look is not None
    assert look.id == "x"
    decision = carry(plan, plan.decide(wanted, ReadResult("x", {"size": 3})))
    assert ops(decision.steps) == expected
    assert why(decision) is reason
    new = decision.steps[0].new
    assert new is not None
    assert (new.external, new.id, new.outputs) == (True, "x", {"size": 3})
    assert new.key == (old.key if old is not None and expected == ["a:read"] else 0)
    assert ops(plan.leftovers()[0]) == leftover


def test_a_missing_object_is_an_error_naming_its_id() -> None:
    decision = planner().decide(goal("a", read_id="x"), GONE)
    (problem,) = decision.problems
    assert "'x'" in problem.summary
    assert problem.reference == "object-missing"


def test_in_a_preview_an_unknown_id_is_not_read() -> None:
    plan = planner(preview=True)
    wanted = goal("a", read_id=UNKNOWN.sentinel)
    assert plan.look(wanted) is None
    decision = plan.decide(wanted)
    assert ops(decision.steps) == ["a:read"]
    assert decision.steps[0].new is not None
    assert (decision.steps[0].new.id, decision.steps[0].new.outputs) == ("", {})


def test_outputs_of_a_look_can_be_secret() -> None:
    wanted = goal("a", read_id="x", options={"additional_secret_outputs": ("token",)})
    decision = planner().decide(wanted, ReadResult("x", {"token": "t", "open": 1}))
    assert decision.steps[0].new is not None
    assert decision.steps[0].new.outputs == {"token": Secret("t"), "open": 1}


# --- 10.4: differences ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "wanted", "reason", "keys"),
    [
        pytest.param(RECORDED.but(tainted=True), goal("a", RECORDED.inputs), Why.TAINTED, ("id",), id="1: tainted"),
        pytest.param(
            RECORDED.but(pending_replacement=True),
            goal("a", RECORDED.inputs),
            Why.PENDING_REPLACEMENT,
            ("id",),
            id="gone already, waiting for its successor",
        ),
        pytest.param(
            RECORDED, goal("a", RECORDED.inputs, provider=""), Why.PROVIDER_CHANGED, ("provider",), id="4: no provider"
        ),
        pytest.param(
            RECORDED.but(options=Options(replacement_trigger=0)),
            goal("a", RECORDED.inputs, options={"replacement_trigger": 1}),
            Why.TRIGGER,
            ("replacementTrigger",),
            id="the trigger has fired",
        ),
    ],
)
def test_replacements_without_a_difference(
    old: ResourceState, wanted: Goal, reason: Why, keys: tuple[str, ...]
) -> None:
    decision = planner([old]).decide(wanted)
    assert ops(decision.steps) == CREATE_FIRST
    assert why(decision) is reason
    assert decision.steps[-1].replace_keys == keys


@pytest.mark.parametrize(
    ("options", "because", "key"),
    [
        pytest.param(
            {"replace_with": (urn("z"), urn("x"))}, Why.REPLACED_WITH, "replaceWith", id="2: replaced with another"
        ),
        pytest.param(
            {"deleted_with": urn("x")}, Why.DELETED_WITH, "deletedWith", id="3: deleted with another that was replaced"
        ),
    ],
)
def test_replaced_because_another_was(options: dict[str, Any], because: Why, key: str) -> None:
    other = state("x", {"name": "x", "size": 1})
    plan = planner([other, RECORDED])
    carry(plan, plan.decide(goal("x", {"name": "y"})))
    decision = plan.decide(goal("a", RECORDED.inputs, options=options))
    assert ops(decision.steps) == CREATE_FIRST
    assert (why(decision), decision.steps[-1].reason.urns) == (because, (urn("x"),))
    assert decision.steps[-1].replace_keys == (key,)


def test_not_replaced_when_the_other_was_only_updated() -> None:
    other = state("x", {"name": "x", "size": 1})
    plan = planner([other, RECORDED])
    carry(plan, plan.decide(goal("x", {"name": "x", "size": 2})))
    options = {"replace_with": (urn("x"),), "deleted_with": urn("x")}
    assert ops(plan.decide(goal("a", RECORDED.inputs, options=options)).steps) == ["a:same"]


def test_the_provider_compares_recorded_outputs_with_checked_inputs() -> None:
    provider = Opinion()
    planner([RECORDED], provider=provider).decide(goal("a", {"name": "a"}))
    assert provider.compared == [("id-a", RECORDED.outputs, {"name": "a", "size": 1})]


@pytest.mark.parametrize(
    ("result", "expected", "shown"),
    [
        pytest.param(DiffResult(changes=False), ["a:same"], [], id="it sees no change"),
        pytest.param(DiffResult(changes=True), ["a:update"], ["size"], id="it sees one, without details"),
        pytest.param(
            DiffResult(changes=True, detailed_diff={"deep.down": "update"}),
            ["a:update"],
            ["deep.down"],
            id="it sees one, with details",
        ),
        pytest.param(DiffResult(), ["a:update"], ["size"], id="no opinion: the engine compares inputs"),
        pytest.param(DiffResult(changes=True, replaces=["size"]), CREATE_FIRST, ["size!"], id="it says replace"),
        pytest.param(DiffResult(replaces=["size"]), CREATE_FIRST, ["size!"], id="replace, without saying changed"),
        pytest.param(
            DiffResult(changes=True, replaces=["size"], delete_before_replace=True),
            DELETE_FIRST,
            ["size!"],
            id="it says delete first",
        ),
        pytest.param(
            DiffResult(changes=True, replaces=["size.x"], detailed_diff={"size": "update", "size.x": "update-replace"}),
            CREATE_FIRST,
            ["size", "size.x!"],
            id="its own kinds",
        ),
    ],
)
def test_what_the_provider_says(result: DiffResult, expected: list[str], shown: list[str]) -> None:
    decision = planner([RECORDED], provider=Opinion(result)).decide(goal("a", {"name": "a", "size": 2}))
    assert ops(decision.steps) == expected
    assert [f"{change}{'!' * change.kind.replaces}" for change in decision.steps[-1].changes] == shown


def test_without_an_opinion_equal_inputs_are_no_change() -> None:
    assert ops(planner([RECORDED], provider=Opinion(DiffResult())).decide(goal("a", RECORDED.inputs)).steps) == [
        "a:same"
    ]


def test_making_a_value_secret_is_no_difference_but_is_recorded() -> None:
    decision = planner([RECORDED], provider=Opinion(DiffResult())).decide(goal("a", {"name": "a", "size": Secret(1)}))
    (step,) = decision.steps
    assert step.op is Op.SAME
    assert step.new is not None
    assert step.new.inputs["size"] == Secret(1)
    assert step.new.outputs["size"] == Secret(1)


def test_additional_secret_outputs_mark_what_is_recorded_already() -> None:
    wanted = goal("a", RECORDED.inputs, options={"additional_secret_outputs": ("serial", "nothing")})
    (step,) = planner([RECORDED]).decide(wanted).steps
    assert step.op is Op.SAME
    assert step.new is not None
    assert step.new.outputs == {"name": "a", "size": 1, "serial": Secret("s")}


def test_a_providers_note_is_kept() -> None:
    result = DiffResult(changes=True, note="it restarts")
    (step,) = planner([RECORDED], provider=Opinion(result)).decide(goal("a", {"name": "a", "size": 2})).steps
    assert step.reason.note == "it restarts"


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param(DiffResult(changes=True, detailed_diff={"size": "sideways"}), id="a kind nobody knows"),
        pytest.param(DiffResult(changes=True, detailed_diff={"a[": "update"}), id="a path that is none"),
        pytest.param(DiffResult(changes=True, replaces=["a["]), id="a path to replace that is none"),
    ],
)
def test_nonsense_of_a_provider_is_its_bug(nonsense: DiffResult) -> None:
    with pytest.raises(InternalError) as caught:
        planner([RECORDED], provider=Opinion(nonsense)).decide(goal("a", {"name": "a", "size": 2}))
    assert caught.value.urn == urn("a")


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        pytest.param(("size",), CREATE_FIRST, id="the property that changed"),
        pytest.param(("kind",), ["a:update"], id="another one"),
        pytest.param(("*",), CREATE_FIRST, id="any"),
    ],
)
def test_replace_on_changes(listed: tuple[str, ...], expected: list[str]) -> None:
    wanted = goal("a", {"name": "a", "size": 2}, options={"replace_on_changes": listed})
    decision = planner([RECORDED]).decide(wanted)
    assert ops(decision.steps) == expected
    if expected == CREATE_FIRST:
        assert (why(decision), decision.steps[-1].reason.properties) == (Why.PROPERTY_REPLACES, ("size",))
        assert [change.kind.replaces for change in decision.steps[-1].changes] == [True]


def test_replace_on_changes_without_a_change() -> None:
    wanted = goal("a", RECORDED.inputs, options={"replace_on_changes": ("*",)})
    assert ops(planner([RECORDED]).decide(wanted).steps) == ["a:same"]


UNFINISHED = RECORDED.but(init_errors=("it does not start",))


@pytest.mark.parametrize(
    ("listed", "expected", "reason"),
    [
        pytest.param((), ["a:update"], Why.UNFINISHED, id="an update without changes finishes it"),
        pytest.param(("#initerror",), CREATE_FIRST, Why.PROPERTY_REPLACES, id="unless it shall be replaced"),
        pytest.param(("size",), ["a:update"], Why.UNFINISHED, id="for that, not for another reason"),
    ],
)
def test_an_unfinished_initialisation(listed: tuple[str, ...], expected: list[str], reason: Why) -> None:
    wanted = goal("a", RECORDED.inputs, options={"replace_on_changes": listed})
    decision = planner([UNFINISHED]).decide(wanted)
    assert ops(decision.steps) == expected
    assert why(decision) is reason
    if expected == ["a:update"]:
        assert decision.steps[0].changes == ()
        assert decision.steps[0].reason.note == "it does not start"
        assert decision.steps[0].new is not None
        assert decision.steps[0].new.init_errors == ()


@pytest.mark.parametrize(
    ("trigger", "preview", "expected"),
    [
        pytest.param(1, False, ["a:same"], id="as before"),
        pytest.param(2, False, CREATE_FIRST, id="another value"),
        pytest.param(None, False, ["a:same"], id="none any more"),
        pytest.param(UNKNOWN, True, CREATE_FIRST, id="unknown in a preview"),
    ],
)
def test_the_replacement_trigger(trigger: Any, preview: bool, expected: list[str]) -> None:
    old = RECORDED.but(options=Options(replacement_trigger=1))
    wanted = goal("a", RECORDED.inputs, options={"replacement_trigger": trigger})
    assert ops(planner([old], preview=preview).decide(wanted).steps) == expected


def test_an_unknown_trigger_in_a_run_is_an_error() -> None:
    wanted = goal("a", RECORDED.inputs, options={"replacement_trigger": UNKNOWN})
    with pytest.raises(UsageError):
        planner([RECORDED]).decide(wanted)


# --- ignore_changes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "ignored", "expected", "recorded"),
    [
        pytest.param({"name": "a", "size": 9}, ["size"], ["a:same"], {"name": "a", "size": 1}, id="a change"),
        pytest.param(
            {"name": "a", "size": 1, "tag": "t"}, ["tag"], ["a:same"], {"name": "a", "size": 1}, id="an addition"
        ),
        pytest.param({"size": 1}, ["name"], ["a:same"], {"name": "a", "size": 1}, id="a removal"),
        pytest.param({"name": "b", "size": 9}, ["size"], CREATE_FIRST, None, id="another change is followed"),
        pytest.param(
            {"name": "a", "size": 1, "list": [1]},
            ["list[0]"],
            ["a:update"],
            {"name": "a", "size": 1, "list": [1]},
            id="a position that was not there",
        ),
    ],
)
def test_ignored_changes(
    inputs: dict[str, Any], ignored: list[str], expected: list[str], recorded: dict[str, Any] | None
) -> None:
    decision = planner([RECORDED]).decide(goal("a", inputs, options={"ignore_changes": tuple(ignored)}))
    assert ops(decision.steps) == expected
    if recorded is not None:
        assert decision.steps[-1].new is not None
        assert decision.steps[-1].new.inputs == recorded


def test_a_path_that_cannot_be_ignored_is_told_and_does_no_harm() -> None:
    old = RECORDED.but(inputs={**RECORDED.inputs, "list": [1]}, outputs={**RECORDED.outputs, "list": [1]})
    wanted = goal("a", {"name": "a", "size": 1, "list": [1, 2]}, options={"ignore_changes": ("list[1]",)})
    decision = planner([old]).decide(wanted)
    assert decision.valid
    (problem,) = decision.problems
    assert (problem.severity, problem.reference) == (Severity.INFO, "ignore-changes-unusable")
    assert "list[1]" in problem.summary


def test_ignored_changes_count_neither_in_the_providers_diff_nor_in_the_engines_own() -> None:
    provider = Opinion(DiffResult())
    old = RECORDED.but(inputs={**RECORDED.inputs, "size": 5})
    wanted = goal("a", {"name": "a", "size": 9}, options={"ignore_changes": ("size",)})
    decision = planner([old], provider=provider).decide(wanted)
    assert provider.compared[0][2] == {"name": "a", "size": 5}
    assert ops(decision.steps) == ["a:same"]


@pytest.mark.parametrize(
    "old",
    [None, RECORDED.but(external=True, inputs={})],
    ids=["nothing recorded", "only looked up"],
)
def test_where_there_is_nothing_of_ours_nothing_is_ignored(old: ResourceState | None) -> None:
    wanted = goal("a", {"name": "a", "size": 9}, options={"ignore_changes": ("size", "name")})
    decision = planner([old] if old else []).decide(wanted)
    assert decision.steps[0].new is not None
    assert decision.steps[0].new.inputs == {"name": "a", "size": 9}


def test_a_replacement_takes_the_programs_values_also_where_changes_are_ignored() -> None:
    """Checked again as something new, as Pulumi does: what was ignored belonged to the old object."""
    wanted = goal("a", {"name": "b", "size": 9}, options={"ignore_changes": ("size",)})
    decision = planner([RECORDED]).decide(wanted)
    assert ops(decision.steps) == CREATE_FIRST
    assert decision.steps[0].new is not None
    assert decision.steps[0].new.inputs == {"name": "b", "size": 9}


# --- 10.5: replacing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "option", "first"),
    [
        pytest.param(None, None, False, id="create first by default"),
        pytest.param(True, None, True, id="the provider says delete first"),
        pytest.param(True, False, False, id="the option says no"),
        pytest.param(None, True, True, id="the option says yes"),
        pytest.param(False, True, True, id="whatever the provider says"),
    ],
)
@pytest.mark.parametrize("cause", ["property", "tainted", "trigger", "replace_on_changes"])
def test_who_decides_the_order(says: bool | None, option: bool | None, first: bool, cause: str) -> None:
    replaces = ["size"] if cause == "property" else []
    provider = Opinion(DiffResult(changes=True, replaces=replaces, delete_before_replace=says))
    options = {
        "trigger": {"replacement_trigger": 1},
        "replace_on_changes": {"replace_on_changes": ("*",)},
    }.get(cause, {})
    old = RECORDED.but(tainted=cause == "tainted", options=Options(replacement_trigger=0))
    wanted = goal("a", {"name": "a", "size": 2}, delete_before_replace=option, options=options)
    decision = planner([old], provider=provider).decide(wanted)
    assert ops(decision.steps) == (DELETE_FIRST if first else CREATE_FIRST)


def test_the_inputs_of_a_replacement_are_checked_as_those_of_something_new() -> None:
    provider = Opinion()
    planner([RECORDED], provider=provider).decide(goal("a", {"name": "b"}))
    assert provider.checked == [(RECORDED.inputs, {"name": "b"}), ({}, {"name": "b"})]


def test_create_first_leaves_the_old_one_for_the_end() -> None:
    plan = planner([RECORDED])
    decision = carry(plan, plan.decide(goal("a", {"name": "b"})))
    create, marker = decision.steps
    assert (create.old, marker.old) == (RECORDED, RECORDED)
    assert create.new is not None
    assert (create.new.id, create.new.key, create.logical, marker.logical) == ("", 0, False, True)
    steps, problems = plan.leftovers()
    assert ops(steps) == ["a:delete-replaced"]
    assert (steps[0].old, steps[0].reason.why, problems) == (RECORDED, Why.REPLACED, ())


def test_delete_first_leaves_nothing_for_the_end() -> None:
    plan = planner([RECORDED])
    decision = carry(plan, plan.decide(goal("a", {"name": "a", "kind": "new"})))
    assert ops(decision.steps) == DELETE_FIRST
    delete, create, _ = decision.steps
    assert delete.new is not None
    assert delete.new.pending_replacement
    assert create.old == delete.new
    assert plan.leftovers() == ((), ())


def test_what_is_gone_already_is_not_deleted_again() -> None:
    old = RECORDED.but(pending_replacement=True)
    plan = planner([old])
    decision = carry(plan, plan.decide(goal("a", RECORDED.inputs, delete_before_replace=True)))
    assert ops(decision.steps) == CREATE_FIRST
    assert plan.leftovers() == ((), ())


@pytest.mark.parametrize(
    ("before", "now", "valid"),
    [
        pytest.param(True, True, False, id="protected before and now"),
        pytest.param(False, True, True, id="only now"),
        pytest.param(True, False, True, id="not any more"),
    ],
)
@pytest.mark.parametrize("kind", ["create-first", "delete-first"])
def test_protected_resources_are_not_replaced(before: bool, now: bool, valid: bool, kind: str) -> None:
    old = RECORDED.but(options=Options(protect=before))
    inputs = {"name": "b"} if kind == "create-first" else {"name": "a", "kind": "new"}
    decision = planner([old]).decide(goal("a", inputs, options={"protect": now}))
    assert decision.valid is valid
    assert [problem.reference for problem in decision.problems] == ([] if valid else ["protected"])


def test_a_check_failure_of_the_fresh_inputs_is_told() -> None:
    class Fussy(ThingProvider):
        def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
            return CheckResult(news, () if olds else [CheckFailure("name", "must be new")])

    decision = planner([RECORDED], provider=Fussy(ThingCloud())).decide(goal("a", {"name": "b"}))
    assert not decision.valid
    assert [problem.summary for problem in decision.problems] == ["must be new"]


# who must go first with a resource that is deleted before it is replaced


def _bound(name: str, **fields: Any) -> ResourceState:
    return state(name, {"name": name, "kind": "k", "size": 1}, **fields)


A = urn("a")


@pytest.mark.parametrize(
    ("other", "goes"),
    [
        pytest.param(
            _bound("b", property_dependencies={"kind": (A,)}), True, id="an input that replaces depends on it"
        ),
        pytest.param(
            _bound("b", property_dependencies={"size": (A,)}), False, id="an input that updates depends on it"
        ),
        pytest.param(
            _bound("b", property_dependencies={"size": (A,)}, options=Options(replace_on_changes=("size",))),
            True,
            id="an input that replaces by the option depends on it",
        ),
        pytest.param(_bound("b", dependencies=(A,)), False, id="a plain dependency"),
        pytest.param(_bound("b", parent=A), False, id="a child"),
        pytest.param(_bound("b", options=Options(deleted_with=A)), True, id="deleted with it"),
        pytest.param(_bound("b", options=Options(replace_with=(A,))), True, id="replaced with it"),
        pytest.param(_bound("b", external=True, property_dependencies={"kind": (A,)}), False, id="only looked up"),
        pytest.param(_bound("b", custom=False, id="", property_dependencies={"kind": (A,)}), False, id="a component"),
        pytest.param(_bound("b"), False, id="unrelated"),
    ],
)
def test_who_goes_first(other: ResourceState, goes: bool) -> None:
    plan = planner([RECORDED, other])
    decision = plan.decide(goal("a", {"name": "a", "kind": "new"}))
    assert ops(decision.steps) == (["b:delete-replaced"] if goes else []) + DELETE_FIRST
    if goes:
        step = decision.steps[0]
        assert (step.old, step.logical) == (other, False)
        assert (step.reason.why, step.reason.urns) == (Why.DEPENDENCY_REPLACED, (A,))
        assert step.new is not None
        assert step.new.pending_replacement


def test_who_uses_a_provider_that_goes_first_goes_before_it() -> None:
    fired = Options(replacement_trigger=0)
    explicit = state("p", {"region": "x"}, type=PROVIDER_TYPE, provider="", id="pid", options=fired)
    user = state("b", {"name": "b"}, provider=explicit.reference)
    plan = planner([explicit, user], provider=None)
    wanted = goal(
        "p",
        {"region": "x"},
        type=PROVIDER_TYPE,
        provider="",
        delete_before_replace=True,
        options={"replacement_trigger": 1},
    )
    assert ops(plan.decide(wanted).steps) == [
        "b:delete-replaced",
        "p:delete-replaced",
        "p:create-replacement",
        "p:replace",
    ]


def test_dependents_of_dependents_go_before_them() -> None:
    b = _bound("b", property_dependencies={"kind": (A,)})
    c = _bound("c", property_dependencies={"kind": (urn("b"),)})
    d = _bound("d", property_dependencies={"size": (urn("c"),)}, dependencies=(urn("c"),))
    decision = planner([RECORDED, b, c, d]).decide(goal("a", {"name": "a", "kind": "new"}))
    assert ops(decision.steps) == ["c:delete-replaced", "b:delete-replaced", *DELETE_FIRST]


def test_what_is_registered_already_stays() -> None:
    b = _bound("b", property_dependencies={"kind": (A,)})
    plan = planner([RECORDED, b])
    carry(plan, plan.decide(goal("b", b.inputs)))
    assert ops(plan.decide(goal("a", {"name": "a", "kind": "new"})).steps) == DELETE_FIRST


def test_a_protected_dependent_is_an_error() -> None:
    b = _bound("b", property_dependencies={"kind": (A,)}, options=Options(protect=True))
    decision = planner([RECORDED, b]).decide(goal("a", {"name": "a", "kind": "new"}))
    assert not decision.valid
    assert [problem.urn for problem in decision.problems] == [urn("b")]


def test_an_old_row_among_the_dependents_is_deleted_for_good() -> None:
    b = _bound("b", property_dependencies={"kind": (A,)}, delete=True)
    plan = planner([RECORDED, b])
    decision = carry(plan, plan.decide(goal("a", {"name": "a", "kind": "new"})))
    assert ops(decision.steps) == ["b:delete", *DELETE_FIRST]
    assert decision.steps[0].new is None
    assert plan.leftovers() == ((), ()), "it is gone already"


def test_a_dependent_that_is_declared_is_made_anew() -> None:
    b = _bound("b", property_dependencies={"kind": (A,)})
    plan = planner([RECORDED, b])
    carry(plan, plan.decide(goal("a", {"name": "a", "kind": "new"})))
    decision = carry(plan, plan.decide(goal("b", {"name": "b", "kind": "k"})))
    assert ops(decision.steps) == ["b:create-replacement", "b:replace"]
    assert (why(decision), decision.steps[0].reason.urns) == (Why.DEPENDENCY_REPLACED, (A,))
    assert decision.after == (A,)
    assert decision.steps[0].old is not None
    assert decision.steps[0].old.pending_replacement
    assert plan.leftovers() == ((), ())


def test_a_dependent_that_is_not_declared_is_gone() -> None:
    b = _bound("b", property_dependencies={"kind": (A,)})
    plan = planner([RECORDED, b])
    carry(plan, plan.decide(goal("a", {"name": "a", "kind": "new"})))
    steps, _ = plan.leftovers()
    assert ops(steps) == ["b:remove-pending-replace"]


def test_a_dependent_whose_delete_did_not_come_about_is_deleted_like_any() -> None:
    """Its delete failed, or was never started: the object is still there."""
    b = _bound("b", property_dependencies={"kind": (A,)})
    plan = planner([RECORDED, b])
    plan.decide(goal("a", {"name": "a", "kind": "new"}))
    plan.failed(A)
    assert ops(plan.leftovers()[0]) == ["b:delete"]


def test_an_old_row_that_was_to_go_first_and_did_not_goes_at_the_end() -> None:
    """What it needs goes after it. The goal that needed its place failed before any of its steps was taken."""
    ground = _bound("ground", external=True)
    first = RECORDED.but(delete=True, key=71)
    b = _bound("b", dependencies=(A, urn("ground")), delete=True)
    plan = planner([ground, RECORDED.but(pending_replacement=True), first, b])
    decision = plan.decide(goal("a", {"name": "a", "kind": "new", "size": 1}))
    assert ops(decision.steps) == ["b:delete-replaced", "a:delete-replaced", *CREATE_FIRST]
    plan.failed(A)
    assert ops(plan.leftovers()[0]) == ["b:delete-replaced", "a:delete-replaced", "ground:discard"]


def test_an_old_row_goes_first_with_one_of_two_that_could_not_outlive_it() -> None:
    x = state("x", {"name": "x", "size": 1})
    b = _bound("b", property_dependencies={"kind": (A,), "name": (urn("x"),)}, delete=True)
    plan = planner([RECORDED, x, b])
    first = plan.decide(goal("a", {"name": "a", "kind": "new"}))
    second = plan.decide(goal("x", {"name": "x", "kind": "new"}))
    assert ops(first.steps) == ["b:delete", *DELETE_FIRST]
    assert ops(second.steps) == ["x:delete-replaced", "x:create-replacement", "x:replace"]
    assert (first.after, second.after) == ((), (A,))


def test_two_that_take_along_the_same_dependent() -> None:
    """The second one's own delete comes after the first one's steps, which delete what depends on both."""
    x = state("x", {"name": "x", "size": 1})
    b = _bound("b", property_dependencies={"kind": (A,), "name": (urn("x"),)})
    plan = planner([RECORDED, x, b])
    first = plan.decide(goal("a", {"name": "a", "kind": "new"}))
    second = plan.decide(goal("x", {"name": "x", "kind": "new"}))
    assert ops(first.steps) == ["b:delete-replaced", *DELETE_FIRST]
    assert ops(second.steps) == ["x:delete-replaced", "x:create-replacement", "x:replace"]
    assert (first.after, second.after) == ((), (A,))


# --- 10.6: what is left -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "expected", "reason"),
    [
        pytest.param(RECORDED, ["a:delete"], Why.NOT_DECLARED, id="not declared"),
        pytest.param(RECORDED.but(delete=True), ["a:delete-replaced"], Why.PENDING_DELETE, id="waits for its delete"),
        pytest.param(
            RECORDED.but(pending_replacement=True),
            ["a:remove-pending-replace"],
            Why.NOT_DECLARED,
            id="gone, and nothing came after it",
        ),
        pytest.param(RECORDED.but(external=True), ["a:discard"], Why.NOT_DECLARED, id="only looked up"),
        pytest.param(RECORDED.but(custom=False, id="", provider=""), ["a:delete"], Why.NOT_DECLARED, id="a component"),
    ],
)
def test_what_is_left(row: ResourceState, expected: list[str], reason: Why) -> None:
    steps, problems = planner([row]).leftovers()
    assert ops(steps) == expected
    assert (steps[0].reason.why, steps[0].old, steps[0].new, problems) == (reason, row, None, ())


def test_what_is_declared_stays_and_its_old_row_goes() -> None:
    old = RECORDED.but(delete=True, key=71)
    plan = planner([RECORDED, old])
    carry(plan, plan.decide(goal("a", RECORDED.inputs)))
    assert ops(plan.leftovers()[0]) == ["a:delete-replaced"]


def test_a_replacement_that_failed_keeps_the_old_one() -> None:
    plan = planner([RECORDED])
    decision = plan.decide(goal("a", {"name": "b"}))
    assert ops(decision.steps) == CREATE_FIRST
    plan.failed(A)
    assert plan.leftovers() == ((), ())


def test_dependents_come_first() -> None:
    rows = [_bound("a"), _bound("b", dependencies=(A,)), _bound("c", parent=urn("b")), _bound("d")]
    steps, _ = planner(rows).leftovers()
    assert ops(steps) == ["d:delete", "c:delete", "b:delete", "a:delete"]


def test_all_protected_ones_are_told() -> None:
    rows = [
        _bound("a", options=Options(protect=True)),
        _bound("b", options=Options(protect=True)),
        _bound("c", options=Options(protect=True), delete=True),
        _bound("d", options=Options(protect=True), external=True),
    ]
    _, problems = planner(rows).leftovers()
    assert [problem.urn for problem in problems] == [urn("b"), urn("a")]


def test_destroy_says_so() -> None:
    steps, _ = Planner(snapshot(RECORDED), ThingSource(ThingCloud()), preview=False).leftovers(Why.DESTROY)
    assert ops(steps) == ["a:delete", "default:delete"]
    assert {step.reason.why for step in steps} == {Why.DESTROY}


@pytest.mark.parametrize(
    "needs",
    [
        pytest.param({"dependencies": (urn("ground"),)}, id="a dependency"),
        pytest.param({"property_dependencies": {"size": (urn("ground"),)}}, id="a property's"),
        pytest.param({"parent": urn("ground")}, id="its parent"),
        pytest.param({"options": Options(deleted_with=urn("ground"))}, id="what it is deleted with"),
        pytest.param({"options": Options(replace_with=(urn("ground"),))}, id="what it is replaced with"),
    ],
)
def test_what_a_failed_one_needs_is_kept(needs: dict[str, Any]) -> None:
    below, ground = _bound("below"), _bound("ground", dependencies=(urn("below"),))
    plan = planner([below, ground, _bound("house", **needs), _bound("tree")])
    plan.decide(goal("house", {"name": "house", "kind": "k", "size": 9}))
    plan.failed(urn("house"))
    assert ops(plan.leftovers()[0]) == ["tree:delete"]


def test_an_old_row_that_is_kept_keeps_what_it_needs() -> None:
    ground, old = _bound("ground"), _bound("house", dependencies=(urn("ground"),), delete=True)
    plan = planner([ground, old, _bound("house"), _bound("guest", dependencies=(urn("house"),))])
    carry(plan, plan.decide(goal("house", {"name": "house", "kind": "k", "size": 1})))
    plan.decide(goal("guest", {"name": "guest", "kind": "k", "size": 9}, dependencies=(urn("house"),)))
    plan.failed(urn("guest"))
    assert plan.leftovers() == ((), ())


def test_what_a_failed_one_newly_needs_is_kept_too() -> None:
    plan = planner([_bound("ground")])
    plan.decide(goal("house", {"name": "house"}, dependencies=(urn("ground"),)))
    plan.failed(urn("house"))
    assert plan.leftovers() == ((), ())


# --- states and settings ----------------------------------------------------------------------------------------------


def test_identity_dates_and_what_others_wrote_come_from_the_record() -> None:
    old = RECORDED.but(created="then", modified="later", extra={"x": 1}, import_id="i")
    (step,) = planner([old]).decide(goal("a", {"name": "a", "size": 2})).steps
    assert step.new is not None
    assert (step.new.created, step.new.modified, step.new.extra, step.new.import_id) == ("then", "later", {"x": 1}, "i")


def test_predictions_hold_back_what_nobody_knows() -> None:
    decision = planner([RECORDED], preview=True).decide(goal("a", {"name": "b", "size": UNKNOWN}))
    assert decision.steps[0].new is not None
    assert "serial" not in decision.steps[0].new.outputs
    assert has_unknown(decision.steps[0].new.outputs)


def test_a_default_provider_whose_settings_changed_is_updated() -> None:
    plan = Planner(snapshot(), ThingSource(ThingCloud()), preview=False)
    wanted = Goal(urn=PROVIDER_URN, type=PROVIDER_TYPE, custom=True, inputs={"region": "x"})
    (step,) = plan.decide(wanted).steps
    assert (step.op, step.internal) == (Op.UPDATE, True)


def test_providers_are_found_once_per_type_and_settings() -> None:
    asked: list[tuple[Any, ...]] = []

    class Counting(ThingSource):
        def provider_for(self, type_: str, inputs: Any, config: Any, **more: Any) -> Any:
            asked.append((type_, dict(inputs), dict(config), more))
            return super().provider_for(type_, inputs, config)

    plan = Planner(snapshot(), Counting(ThingCloud(), {PROVIDER_TYPE: ProviderResource()}), preview=False)
    wanted = Goal(urn=PROVIDER_URN, type=PROVIDER_TYPE, custom=True, inputs={"region": Secret("x")})
    carry(plan, plan.decide(wanted))
    asked.clear()
    plan.decide(goal("a", {"name": "a"}))
    plan.decide(goal("b", {"name": "b"}))
    plan.decide(goal("c", {"name": "c", "__provider": Secret("pickle")}))
    assert [(type_, inputs, config) for type_, inputs, config, _ in asked] == [
        ("test:index:Thing", {}, {"region": "x"}),
        ("test:index:Thing", {"__provider": "pickle"}, {"region": "x"}),
    ]


def test_the_root_stack_is_a_component() -> None:
    root = Goal(urn=urn("proj-dev", STACK_TYPE), type=STACK_TYPE, custom=False, inputs={})
    assert ops(planner().decide(root).steps) == ["proj-dev:create"]


def test_every_step_is_in_the_plan_in_the_order_it_was_decided() -> None:
    plan = planner([RECORDED, _bound("b")])
    carry(plan, plan.decide(goal("a", {"name": "b"})))
    plan.leftovers()
    assert ops(plan.steps) == ["default:same", *CREATE_FIRST, "b:delete", "a:delete-replaced"]


def test_a_record_is_never_changed_in_place() -> None:
    record = snapshot(RECORDED, _bound("b", property_dependencies={"kind": (A,)}))
    before = repr(record)
    plan = planner(record)
    carry(plan, plan.decide(goal("a", {"name": "a", "kind": "new"})))
    plan.leftovers()
    assert repr(record) == before
    assert provider_state().urn in record.by_urn

"""Resource types from schemas: everything the three clouds need of `providers.base` and `providers.inputs`.

The schema here is made up of the odd cases of all three: sets, enums in any case, shrinking volumes, maps in which the
cloud keeps entries of its own, properties that arrive in camelCase.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ConfigDict, Field

from engine.core.contract import PartialFailure
from engine.core.errors import CancelledError, CloudError, CredentialsError, DeadlineError
from engine.core.values import MASK, UNKNOWN, Unknown
from providers.base import (
    GENERATED,
    MADE_UP,
    Facts,
    Inputs,
    ReplaceRule,
    ResourceType,
    Rule,
    keeping,
    look_briefly,
    physical_name,
    wait_until,
)
from providers.inputs import canonical, completed, judged, laid_over, rebuilt
from tests.contract.contract_cases import TestClock, under


class Volume(Inputs):
    category: Annotated[Literal["EVS", "EFS"], Facts(source="6.1", remedy="EVS or EFS", any_case=True, replace="fixed")]
    capacity: Annotated[int | None, Field(ge=5, le=4096), Facts(source="6.1", remedy="5-4096", computed=True)] = None
    uri: Annotated[str | None, Facts(source="6.1", remedy="give one")] = None

    rules = (
        Rule(
            at="uri",
            reads=("category",),
            broken=lambda uri, category: category == "EFS" and not uri,
            rule="is required for EFS",
            remedy="give a uri",
            source="6.1",
        ),
        Rule(
            at="capacity",
            broken=lambda capacity: capacity is not None and capacity > 1000,
            rule="is large",
            remedy="think again",
            source="6.1",
            warning=True,
        ),
    )


class Notebook(Inputs):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$"), Facts(source="5.1", remedy="rename", replace="named")]
    description: Annotated[str | None, Field(max_length=20), Facts(source="5.1", remedy="shorten", absent="")] = None
    volume: Annotated[Volume | None, Facts(source="6.1", remedy="give one")] = None
    extras: Annotated[list[Volume] | None, Facts(source="6.1", remedy="give a list", absent=[])] = None
    groups: Annotated[list[str] | None, Field(max_length=3), Facts(source="5.1", remedy="≤ 3", unordered=True)] = None
    tags: Annotated[dict[str, str] | None, Facts(source="6.8", remedy="text", foreign_keys=True, absent={})] = None
    root: Annotated[bool, Facts(source="5.1", remedy="true or false", absent=False)] = False
    token: Annotated[str | None, Facts(source="5.1", sensitive=True, unreadable=True, computed=True)] = None
    prompt: Annotated[str | None, Facts(source="5.1", undiffed=True)] = None

    rules = (
        Rule(
            at="groups",
            reads=("volume.uri",),
            broken=lambda groups, uri: bool(groups) and uri is not None and not uri.startswith("/"),
            rule="do not go with a relative uri",
            remedy="use an absolute uri",
            source="5.2",
        ),
    )


class Notebooks(ResourceType):
    token = "test:index:Notebook"
    schema = Notebook
    outputs: ClassVar = {"status": ("volume", "groups"), "arn": ()}
    identity = ("name",)
    replace_rules = (ReplaceRule("volume.capacity", lambda old, new: new < old, "a volume cannot shrink"),)


class Camel(Inputs):
    model_config = ConfigDict(loc_by_alias=True, validate_by_alias=True, validate_by_name=False)
    volume_size: Annotated[int | None, Field(ge=5), Facts(source="5.1", remedy="≥ 5", replace="fixed")] = None
    key_id: Annotated[str | None, Facts(source="5.1", remedy="text")] = None

    rules = (
        Rule(
            at="keyId",
            reads=("volumeSize",),
            broken=lambda key, size: key is not None and size is None,
            rule="needs volumeSize",
            remedy="give one",
            source="5.2",
        ),
    )


class Camels(ResourceType):
    token = "aws:test/camel:Camel"
    schema = Camel


NOTEBOOKS, CAMELS = Notebooks(), Camels()


def check(tree: Any, olds: Any = None, type_: ResourceType = NOTEBOOKS) -> dict[str, str]:
    return {failure.property: failure.reason for failure in type_.check(olds or {}, tree).failures}


def diff(old: Any, new: Any, type_: ResourceType = NOTEBOOKS) -> dict[str, str]:
    return dict(type_.diff("id", old, new).detailed_diff or {})


# --- check ------------------------------------------------------------------------------------------------------------


def test_completes_names_numbers_cases_and_defaults() -> None:
    result = NOTEBOOKS.check(
        {}, {"name": "a", "volume": {"category": "efs", "capacity": 5.0, "uri": "/x"}, "tags": None}
    )
    assert result.inputs == {
        "name": "a",
        "volume": {"category": "EFS", "capacity": 5, "uri": "/x"},
        "root": False,
    }
    assert type(result.inputs["volume"]["capacity"]) is int


def test_a_fraction_stays_and_is_reported() -> None:
    assert check({"name": "a", "volume": {"category": "EVS", "capacity": 5.5}})["volume.capacity"].startswith(
        "must be a whole number; given: 5.5"
    )


def test_members_and_rules_are_judged_together() -> None:
    found = check({"name": "a b", "volume": {"category": "EFS", "capacity": 1}, "extras": [{"category": "EFS"}]})
    assert set(found) == {"name", "volume.capacity", "volume.uri", "extras[0].uri"}


def test_rules_wait_for_what_is_unknown_or_wrong() -> None:
    assert check({"name": "a", "volume": {"category": UNKNOWN}}) == {}
    assert check({"name": "a", "volume": {"category": "EFS", "uri": UNKNOWN}}) == {}
    assert set(check({"name": "a", "volume": {"category": "nonsense"}})) == {"volume.category"}
    assert check({"name": "a", "groups": UNKNOWN, "volume": {"category": "EFS", "uri": "x"}}) == {}
    assert check({"name": "a", "groups": ["g"], "volume": UNKNOWN}) == {}
    assert set(check({"name": "a", "groups": ["g"], "volume": {"category": "EFS", "uri": "x"}})) == {"groups"}


def test_rules_are_judged_around_what_is_unknown_or_wrong() -> None:
    """A list with something unknown in it is not empty; only a rule that looks at the unknown has to wait."""
    relative = {"category": "EFS", "uri": "x"}
    assert set(check({"name": "a", "groups": [UNKNOWN], "volume": relative})) == {"groups"}
    assert set(check({"name": "a", "groups": [1], "volume": relative})) == {"groups", "groups[0]"}
    assert set(check({"name": "a", "groups": ["g"], "volume": {"category": "EFS", "uri": 1}})) == {"volume.uri"}


@pytest.mark.parametrize(
    "look",
    [
        lambda items: items[0] == "a",
        lambda items: "a" in items,
        lambda items: len(items[0]) > 1,
        lambda items: items[0].startswith("a"),
        lambda items: not isinstance(items[0], str),
        lambda items: bool(items[0]),
        lambda items: len(set(items)) < len(items),
        lambda items: f"{items[0]}" != "a",
        lambda items: any("a" in item for item in items),
        lambda items: re.match("a", items[0]) is None,
        lambda items: sorted(items) != items,
        lambda items: ipaddress.ip_network(items[0]).is_private,
    ],
)
def test_a_rule_that_looks_at_something_unknown_or_wrong_is_not_broken(look: Callable[[list[Any]], bool]) -> None:
    class Listed(Inputs):
        items: Annotated[list[str] | None, Facts(source="5.1", remedy="a list")] = None
        rules = (Rule(at="items", broken=look, rule="never", remedy="nothing", source="5.1"),)

    assert judged(Listed, {"items": [UNKNOWN, UNKNOWN]}) == ([], [])
    assert [failure.property for failure in judged(Listed, {"items": [1, 2]})[0]] == ["items[0]", "items[1]"]


def test_a_broken_warning_rule_is_a_warning() -> None:
    result = NOTEBOOKS.check({}, {"name": "a", "volume": {"category": "EVS", "capacity": 2000}})
    assert not result.failures
    assert [warning.property for warning in result.warnings] == ["volume.capacity"]


@pytest.mark.parametrize(
    ("tree", "path", "suggestion"),
    [
        ({"name": "a", "descripton": "x"}, "descripton", "did you mean description?"),
        ({"name": "a", "capacity": 5}, "capacity", "did you mean volume.capacity?"),
        ({"name": "a", "volume": {"category": "EVS", "cap": 5}}, "volume.cap", "use one of category, capacity, uri"),
        ({"name": "a", "odd key": 1}, '["odd key"]', "use one of name"),
    ],
)
def test_a_misspelt_member_is_named_with_a_suggestion(tree: Any, path: str, suggestion: str) -> None:
    assert suggestion in check(tree)[path]


def test_a_member_given_in_both_spellings() -> None:
    assert "given twice" in check({"volumeSize": 5, "volume_size": 6}, type_=CAMELS)["volume_size"]


@pytest.mark.parametrize("wrong", ["swordfish" * 20, ["swordfish"], {"a": "swordfish"}])
def test_secrets_are_masked_and_unknown_members_not_shown(wrong: Any) -> None:
    for tree in ({"name": "a", "token": wrong}, {"name": "a", "tokn": wrong}, {"name": wrong}):
        for failure in NOTEBOOKS.check({}, tree).failures:
            shown = "swordfish" in failure.reason
            assert not shown or failure.property == "name"
    failures = NOTEBOOKS.check({}, {"name": "a", "token": ["swordfish"]}).failures
    assert failures[0].given == MASK


def test_long_values_are_cut() -> None:
    assert len(check({"name": "x" * 5000})["name"]) < 200


def test_a_generated_name_stays_what_it_was() -> None:
    """An alias renames the resource, which must not rename the object."""
    news = {"name": "new-123", GENERATED: ["name"]}
    assert NOTEBOOKS.check({"name": "old-123"}, news).inputs["name"] == "old-123"
    assert NOTEBOOKS.check({}, news).inputs["name"] == "new-123"
    assert NOTEBOOKS.check({"name": "old-123"}, {"name": "given"}).inputs["name"] == "given"


def test_camel_case_records() -> None:
    assert CAMELS.check({}, {"volume_size": 6.0}).inputs == {"volumeSize": 6}
    assert set(check({"volumeSize": 1, "keyID": "k"}, type_=CAMELS)) == {"volumeSize", "keyID"}
    assert set(check({"keyId": "k"}, type_=CAMELS)) == {"keyId"}
    assert diff({"volumeSize": 5}, {"volumeSize": 6}, CAMELS) == {"volumeSize": "update-replace"}


# --- diff -------------------------------------------------------------------------------------------------------------

RECORDED = {
    "name": "a",
    "volume": {"category": "EVS", "capacity": 10, "uri": "/x"},
    "groups": ["g1", "g2"],
    "tags": {"mine": "1"},
    "root": False,
    "status": "RUNNING",
    "arn": "arn:x",
}


def but(**changes: Any) -> dict[str, Any]:
    tree = {name: value for name, value in RECORDED.items() if name not in ("status", "arn")}
    tree.update(changes)
    return {name: value for name, value in tree.items() if value is not None}


@pytest.mark.parametrize(
    "same",
    [
        but(),
        but(root=None),
        but(description=""),
        but(extras=[]),
        but(groups=["g2", "g1"]),
        but(volume={"category": "evs", "capacity": "10", "uri": "/x"}),
        but(volume={"category": "EVS", "capacity": 10.0, "uri": "/x"}),
        but(volume={"category": "EVS", "uri": "/x"}),
        but(tags={}),
        but(tags=None, prompt="never compared"),
        but(volume={"category": "EVS", "capacity": 10, "uri": "/x"}, __provider="other"),
    ],
)
def test_what_means_the_same_is_no_difference(same: Any) -> None:
    recorded = {**RECORDED, "tags": {}} if "tags" not in same else RECORDED
    assert NOTEBOOKS.diff("id", recorded, same).changes is False


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (but(name="b"), {"name": "update-replace"}),
        (but(description="x"), {"description": "add"}),
        (but(volume=None), {"volume": "delete-replace"}),
        (but(volume={"category": "EVS", "capacity": 11, "uri": "/x"}), {"volume.capacity": "update"}),
        (but(volume={"category": "EVS", "capacity": 9, "uri": "/x"}), {"volume.capacity": "update-replace"}),
        (but(volume={"category": "EVS", "capacity": UNKNOWN, "uri": "/x"}), {"volume.capacity": "update"}),
        (but(volume={"category": UNKNOWN, "capacity": 10, "uri": "/x"}), {"volume.category": "update-replace"}),
        (but(volume={"category": "EVS", "capacity": 10}), {"volume.uri": "delete"}),
        (but(volume=UNKNOWN), {"volume": "update-replace"}),
        (but(groups=["g1", "g3"]), {"groups": "update"}),
        (but(groups=None), {"groups": "delete"}),
        (but(groups=["g1", UNKNOWN]), {"groups": "update"}),
        (but(extras=[{"category": "EVS"}]), {"extras": "add-replace"}),
        (but(tags={"mine": "2"}), {"tags.mine": "update"}),
        (but(tags={"mine": "1", "new": "x"}), {"tags.new": "add"}),
        (but(root=True), {"root": "add"}),
        (but(token="t"), {"token": "add"}),
        (but(name=UNKNOWN.sentinel), {"name": "update-replace"}),
    ],
)
def test_differences_and_what_they_mean(new: Any, expected: Any) -> None:
    result = NOTEBOOKS.diff("id", RECORDED, new)
    assert result.changes is True
    assert result.detailed_diff == expected
    assert list(result.replaces) == [path for path, kind in expected.items() if kind.endswith("-replace")]
    assert bool(result.note) is bool(result.replaces)


def test_a_replacement_that_keeps_its_place_deletes_first() -> None:
    shrunk = but(volume={"category": "EVS", "capacity": 9, "uri": "/x"})
    kept = NOTEBOOKS.diff("id", RECORDED, shrunk)
    assert kept.delete_before_replace is True
    assert kept.note == "a volume cannot shrink; the old one is deleted first, because name must be unique"
    assert NOTEBOOKS.diff("id", RECORDED, {**shrunk, "name": "b"}).delete_before_replace is None
    assert NOTEBOOKS.diff("id", RECORDED, {**shrunk, "name": UNKNOWN}).delete_before_replace is None


def test_records_in_an_older_spelling_are_understood() -> None:
    assert (
        NOTEBOOKS.diff("id", {"name": "a", "volume": {"category": "evs"}}, but(groups=None, tags=None)).replaces == []
    )
    assert CAMELS.diff("id", {"volume_size": 5.0}, {"volumeSize": 5}).changes is False


# --- predict ----------------------------------------------------------------------------------------------------------


def test_prediction() -> None:
    assert NOTEBOOKS.predict("", {}, but()) == but()
    same = NOTEBOOKS.predict("id", RECORDED, but())
    assert same == RECORDED
    assert NOTEBOOKS.predict("id", RECORDED, but(description="x")) == {**RECORDED, "description": "x"}
    grown = NOTEBOOKS.predict("id", RECORDED, but(volume={"category": "EVS", "capacity": 20, "uri": "/x"}))
    assert "status" not in grown
    assert grown["arn"] == "arn:x"


def test_what_the_provider_made_up_stays_known_and_undeclared() -> None:
    recorded = {"name": "a", "root": False, "token": "made", MADE_UP: ["token"]}
    assert NOTEBOOKS.declared(recorded) == {"name": "a", "root": False}
    assert NOTEBOOKS.predict("id", recorded, {"name": "a"}) == {"name": "a", "token": "made", MADE_UP: ["token"]}
    assert diff(recorded, {"name": "a", "token": "mine"}) == {"token": "add"}
    assert NOTEBOOKS.predict("id", recorded, {"name": "a", "token": "mine"}) == {"name": "a", "token": "mine"}
    assert NOTEBOOKS.seen("id", recorded, {"name": "a"}, {}).inputs == {"name": "a", "root": False}


# --- reading back -----------------------------------------------------------------------------------------------------


def read(recorded: Any, observed: Any) -> Any:
    result = NOTEBOOKS.seen("id", recorded, observed, {"status": "RUNNING"})
    assert result.outs == {**(result.inputs or {}), "status": "RUNNING"}
    return result.inputs


def test_a_respelling_keeps_what_was_declared() -> None:
    observed = {
        "name": "a",
        "description": "",
        "volume": {"category": "evs", "capacity": "10", "uri": "/x", "id": "server's"},
        "groups": ["g2", "g1"],
        "tags": {"mine": "1", "sys:owner": "cloud"},
    }
    assert read(RECORDED, observed) == but()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"volume": {"category": "EVS", "capacity": 20, "uri": "/x"}}, {"capacity": 20}),
        ({"volume": {"category": "EFS", "capacity": 10, "uri": "/x"}}, {"category": "EFS"}),
    ],
)
def test_drift_is_laid_over(change: Any, expected: Any) -> None:
    assert read(RECORDED, {**but(), **change})["volume"] == {**RECORDED["volume"], **expected}


def test_what_is_gone_goes_and_what_was_not_declared_is_not_seen() -> None:
    observed = but(groups=None, tags={"other": "x"}, description="set in the console")
    seen = read({**but(), "token": "secret", "prompt": "kept"}, observed)
    assert "groups" not in seen
    assert "description" not in seen
    assert seen["tags"] == {}
    assert seen["token"] == "secret"
    assert seen["prompt"] == "kept"


def test_lists_of_objects_are_laid_over_by_position() -> None:
    recorded = {"name": "a", "extras": [{"category": "EVS"}, {"category": "EVS"}]}
    observed = [{"category": "evs", "capacity": 5}, {"category": "EFS", "capacity": 50}, {"category": "EVS"}]
    assert read(recorded, {"name": "a", "extras": observed})["extras"] == [
        {"category": "EVS"},
        {"category": "EFS"},
        {"category": "EVS"},
    ]


def test_an_import_rebuilds_everything_but_what_means_left_out() -> None:
    observed = {
        "name": "a",
        "description": "",
        "volume": {"category": "EVS", "capacity": 5},
        "root": False,
        "extras": [],
    }
    seen = NOTEBOOKS.seen("id", {}, observed, {})
    assert seen.inputs == {"name": "a", "volume": {"category": "EVS", "capacity": 5}}
    checked = NOTEBOOKS.check({}, seen.inputs)
    assert not checked.failures
    assert NOTEBOOKS.diff("id", seen.outs, checked.inputs).changes is False


def test_deviations_and_leftovers() -> None:
    assert NOTEBOOKS.deviations(but(), but()) == {}
    assert NOTEBOOKS.deviations(but(), but(volume={"category": "EVS", "capacity": 11, "uri": "/x"})) == {
        "volume.capacity": 11
    }
    assert NOTEBOOKS.leftovers(RECORDED, but(groups=None), but()) == ["groups"]
    assert NOTEBOOKS.leftovers(RECORDED, but(groups=None), but(groups=None)) == []


# --- any tree ---------------------------------------------------------------------------------------------------------

scalars = st.none() | st.booleans() | st.integers(0, 20) | st.sampled_from(["", "a", "EVS", "evs", "10", UNKNOWN])
volumes = st.fixed_dictionaries({}, optional={"category": scalars, "capacity": scalars, "uri": scalars})
trees = st.fixed_dictionaries(
    {},
    optional={
        "name": scalars,
        "description": scalars,
        "volume": volumes | scalars,
        "extras": st.lists(volumes | scalars, max_size=3) | scalars,
        "groups": st.lists(scalars, max_size=3) | scalars,
        "tags": st.dictionaries(st.sampled_from("abc"), scalars, max_size=3) | scalars,
        "root": scalars,
        "token": scalars,
        "stray": scalars,
    },
)


@given(trees)
def test_check_never_fails_and_is_idempotent(tree: Any) -> None:
    once = NOTEBOOKS.check({}, tree)
    again = NOTEBOOKS.check({}, once.inputs)
    assert again.inputs == once.inputs
    assert {f.property for f in again.failures} == {f.property for f in once.failures}
    assert completed(Notebook, once.inputs) == once.inputs


@given(trees)
def test_nothing_differs_from_itself(tree: Any) -> None:
    inputs = NOTEBOOKS.check({}, tree).inputs
    if not any(isinstance(value, Unknown) for value in _walk(inputs)):
        assert NOTEBOOKS.diff("id", inputs, inputs).changes is False


@given(trees, trees)
def test_what_is_read_back_has_only_what_was_declared(one: Any, other: Any) -> None:
    recorded, observed = completed(Notebook, one), completed(Notebook, other)
    over = laid_over(Notebook, recorded, observed)
    assert over.keys() <= recorded.keys()
    assert laid_over(Notebook, recorded, recorded).keys() == recorded.keys() - {"stray"}
    assert canonical(Notebook, laid_over(Notebook, over, observed)) == canonical(Notebook, over)


@given(trees)
def test_what_is_rebuilt_means_the_same(tree: Any) -> None:
    observed = completed(Notebook, tree)
    observed.pop("stray", None)
    assert canonical(Notebook, rebuilt(Notebook, observed)) == canonical(Notebook, observed)


def _walk(value: Any) -> Any:
    yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _walk(item)


# --- waiting ----------------------------------------------------------------------------------------------------------


def test_waiting_backs_off_gently_and_reports() -> None:
    clock, looks = TestClock(), []

    def look() -> str:
        looks.append(clock.now)
        return "RUNNING" if clock.now >= 1030 else "PENDING"

    with under(clock.call()):
        assert wait_until(look, lambda s: s == "RUNNING", progress=lambda s: s, every=10, limit=60) == "RUNNING"
    gaps = [later - sooner for sooner, later in itertools.pairwise(looks)]
    assert gaps[0] == pytest.approx(0.1)
    assert gaps == sorted(gaps)
    assert max(gaps) <= 10
    assert clock.reports[0] == "PENDING, 0 s"


def test_waiting_has_the_types_own_limit_unless_the_customer_gave_one() -> None:
    for limit, expected in ((None, 60), (300, 300), (5, 5)):
        clock = TestClock()
        with under(clock.call(limit=limit)), pytest.raises(DeadlineError) as caught:
            wait_until(lambda: "PENDING", lambda s: False, progress=lambda s: s, every=10, limit=60)
        assert clock.now - 1000 == pytest.approx(expected)
        assert "PENDING" in caught.value.why


def test_waiting_ends_when_the_run_is_cancelled() -> None:
    with under(TestClock(cancelled=True).call()), pytest.raises(CancelledError):
        wait_until(lambda: 1, lambda s: False, progress=str, every=1, limit=1)


def test_waiting_without_a_context_really_waits() -> None:
    """As in Pulumi's plugin process, which tells a provider nothing."""
    looks = iter([1, 2, 3])
    assert wait_until(lambda: next(looks), lambda s: s == 3, progress=str, every=0.01, limit=5) == 3
    with pytest.raises(DeadlineError):
        wait_until(lambda: 1, lambda s: False, progress=str, every=0.01, limit=0.05)


def test_looking_briefly_gives_up_without_an_error() -> None:
    clock = TestClock()
    with under(clock.call()):
        assert look_briefly(lambda: 1, lambda s: False, within=3) == 1
    assert clock.now == pytest.approx(1003)
    assert look_briefly(lambda: 1, lambda s: True, within=3) == 1


@pytest.mark.parametrize(
    "error",
    [
        CloudError("no", why="because", remedy="try"),
        DeadlineError("late"),
        CancelledError("stop"),
        CredentialsError("key"),
    ],
)
def test_what_fails_after_the_object_exists_records_it(error: Any) -> None:
    with pytest.raises(PartialFailure) as caught, keeping("id-1", lambda: {"a": 1}, "made, but"):
        raise error
    assert (caught.value.id, caught.value.outs) == ("id-1", {"a": 1})
    assert caught.value.summary == f"made, but: {error.summary}"
    assert (caught.value.reference, caught.value.exit_code) == (error.reference, error.exit_code)


def test_a_partial_failure_inside_stays_as_it_is() -> None:
    inner = PartialFailure("inner", id="i", outs={})
    with pytest.raises(PartialFailure) as caught, keeping("o", dict, "outer"):
        raise inner
    assert caught.value is inner


# --- names ------------------------------------------------------------------------------------------------------------

URN = "urn:pulumi:dev::demo::pulumi-python:dynamic/dataforest:AIWorkspace::{}"


@given(st.text(min_size=1, max_size=40), st.integers(8, 63))
def test_names_satisfy_the_strictest_rule(name: str, limit: int) -> None:
    made = physical_name(URN.format(name), limit)
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", made)
    assert len(made) <= limit
    assert made == physical_name(URN.format(name), limit)


@pytest.mark.parametrize(
    ("name", "readable"),
    [
        ("nlp", "nlp-"),
        ("My Long Name_x", "my-long-"),
        ("9lives", "lives-"),
        ("---", "w-"),
        ("日本", "w-"),
        ("a::b", "a-b-"),
    ],
)
def test_names_are_readable(name: str, readable: str) -> None:
    made = physical_name(URN.format(name), 15)
    assert made.startswith(readable)
    assert len(made) <= 15


def test_names_by_other_rules() -> None:
    assert physical_name(URN.format("My Nb_1"), 63, allowed="A-Za-z0-9_-").startswith("My-Nb_1-")
    assert physical_name(URN.format("a-b"), 20, allowed="a-z0-9", separator="").isalnum()


def test_names_differ_between_stacks_and_parents() -> None:
    urns = [
        URN.format("nlp"),
        URN.format("nlp").replace("dev", "prod"),
        URN.format("nlp").replace("pulumi-python", "a$b"),
    ]
    assert len({physical_name(urn, 15) for urn in urns}) == 3

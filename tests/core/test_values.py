"""Property values: equality as the engine means it, marks of secrets and unknowns, the way to JSON and back."""

from __future__ import annotations

import copy
import json
import math
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from engine.core import values
from engine.core.errors import InputError
from engine.core.values import (
    ARCHIVE,
    ASSET,
    MASK,
    OUTPUT,
    REFERENCE,
    SECRET,
    SENTINELS,
    SIGNATURE,
    UNKNOWN,
    UNKNOWN_BOOL,
    UNKNOWN_NUMBER,
    Archive,
    Asset,
    ResourceReference,
    Sealed,
    Secret,
    canonical_json,
    equal,
    finite,
    from_plain,
    has_secret,
    has_unknown,
    is_special,
    mark_like,
    mask,
    open_envelope,
    plain_number,
    reveal,
    secret,
    to_plain,
    transform,
    unknown_as,
    walk,
)
from tests.core.records import values as any_value

everything = any_value(unknowns=True, secrets=True, special=True)
REF = ResourceReference("urn:pulumi:s::p::a:b:C::x", "id")


# --- equality ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param({"a": None}, {}, True, id="a missing key equals null"),
        pytest.param({"a": {"b": None}}, {"a": {}}, True, id="inside, too"),
        pytest.param({"a": None}, None, False, id="a map of nulls is not null"),
        pytest.param([None], [], False, id="in a list null is something"),
        pytest.param(1, 1.0, True, id="numbers are compared by value"),
        pytest.param(10**30, 1e30, False, id="exactly"),
        pytest.param(True, 1, False, id="a bool is not a number"),
        pytest.param(False, 0, False, id="not even zero"),
        pytest.param({"a": 1}, {"a": True}, False, id="not inside a map either"),
        pytest.param("1", 1, False, id="a text is not a number"),
        pytest.param([1, 2], [2, 1], False, id="lists have an order"),
        pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, True, id="maps have none"),
        pytest.param([], {}, False, id="an empty list is not an empty map"),
        pytest.param(UNKNOWN, UNKNOWN, True, id="an unknown equals itself"),
        pytest.param(UNKNOWN, UNKNOWN_BOOL, False, id="and only one of its kind"),
        pytest.param(UNKNOWN, UNKNOWN.sentinel, False, id="and not its sentinel as text"),
        pytest.param(Secret(1), Secret(1.0), True, id="secrets by content"),
        pytest.param(Secret(1), 1, False, id="a secret equals no plain value"),
        pytest.param(Secret({"a": None}), Secret({}), True, id="a secret's content as everywhere"),
        pytest.param(Sealed("x"), Sealed("x"), True, id="sealed secrets by their text"),
        pytest.param(Sealed("x"), Secret("x"), False, id="but nobody knows what is in them"),
        pytest.param(Asset(path="a", hash="h"), Asset(text="b", hash="h"), True, id="assets by their hash"),
        pytest.param(Asset(path="a", hash="h"), Asset(path="a", hash="i"), False, id="and only that"),
        pytest.param(Asset(path="a"), Asset(path="a", hash="i"), True, id="without one by what they are"),
        pytest.param(Archive(path="a", hash="h"), Archive(uri="b", hash="h"), True, id="archives too"),
        pytest.param(
            Archive(assets={"x": Asset(text="1")}), Archive(assets={"x": Asset(text="2")}), False, id="inside"
        ),
        pytest.param(Asset(hash="h"), Archive(hash="h"), False, id="an asset is no archive"),
        pytest.param(REF, ResourceReference(REF.urn, "id"), True, id="references by URN and ID"),
        pytest.param(REF, ResourceReference(REF.urn, "id", "2.0"), True, id="whatever version of the package"),
        pytest.param(REF, ResourceReference(REF.urn, "other"), False, id="another ID"),
        pytest.param(REF, ResourceReference(REF.urn, UNKNOWN), False, id="an unknown ID"),
    ],
)
def test_equality(one: Any, other: Any, same: bool) -> None:
    assert equal(one, other) is same
    assert equal(other, one) is same


@given(everything)
def test_everything_equals_itself_and_its_copy(value: Any) -> None:
    assert equal(value, value)
    assert equal(value, copy.deepcopy(value))


@given(everything, everything)
def test_equality_goes_both_ways(one: Any, other: Any) -> None:
    assert equal(one, other) == equal(other, one)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param({"a": [1, "x", None]}, {"a": [1.0, "x", None]}, True, id="equal in everything"),
        pytest.param({"a": None}, {}, False, id="null is written, a missing key is not"),
        pytest.param({"a": 1}, {"a": True}, False, id="a bool is not a number"),
        pytest.param({"a": Secret(1)}, {"a": 1}, False, id="a mark counts"),
    ],
)
def test_identity(one: Any, other: Any, same: bool) -> None:
    assert values.identical(one, other) is same
    assert values.identical(other, one) is same


small = some.recursive(
    some.sampled_from([None, 0, 1, True, "", UNKNOWN, Secret(1), Secret({})]),
    lambda inner: some.one_of(
        some.lists(inner, max_size=2), some.dictionaries(some.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=3,
)


@given(small, small, small)
def test_what_equals_the_same_is_equal(one: Any, two: Any, three: Any) -> None:
    if equal(one, two) and equal(two, three):
        assert equal(one, three)


# --- unknowns and secrets ---------------------------------------------------------------------------------------------


def test_an_unknown_is_one_object_however_it_travels() -> None:
    for unknown in SENTINELS.values():
        assert copy.deepcopy(unknown) is unknown
        assert copy.copy(unknown) is unknown
        assert pickle.loads(pickle.dumps(unknown)) is unknown
    assert repr(UNKNOWN_NUMBER) == "<unknown number>"


@pytest.mark.parametrize(
    ("value", "unknown", "hidden", "special"),
    [
        pytest.param("text", False, False, False, id="a text"),
        pytest.param({"a": [1, {"b": None}]}, False, False, False, id="plain containers"),
        pytest.param({"a": [1, {"b": UNKNOWN}]}, True, False, True, id="an unknown deep inside"),
        pytest.param({"a": Secret([UNKNOWN_BOOL])}, True, True, True, id="an unknown in a secret"),
        pytest.param([Sealed("x")], False, True, True, id="a sealed secret"),
        pytest.param(Archive(assets={"x": Asset(text="")}), False, False, True, id="an archive"),
        pytest.param(ResourceReference("urn", UNKNOWN), True, False, True, id="a reference to what is not there yet"),
        pytest.param(ResourceReference("urn", None), False, False, True, id="a reference to a component"),
    ],
)
def test_what_is_inside(value: Any, unknown: bool, hidden: bool, special: bool) -> None:
    assert (has_unknown(value), has_secret(value), is_special(value)) == (unknown, hidden, special)


def test_walking_goes_into_secrets_and_archives() -> None:
    inner = Asset(text="x")
    value = {"a": [Secret({"b": 1})], "c": Archive(assets={"d": inner})}
    seen = list(walk(value))
    assert seen[0] is value
    assert 1 in seen
    assert any(item is inner for item in seen)


@given(everything)
def test_a_provider_gets_no_marks(value: Any) -> None:
    assert not has_secret(reveal(value))
    assert equal(reveal(reveal(value)), reveal(value))


@given(everything)
def test_nobody_sees_a_secret(value: Any) -> None:
    shown = mask(value)
    assert not has_secret(shown)
    if has_secret(value):
        assert any(item == MASK for item in walk(shown))
    else:
        assert shown is value


@pytest.mark.parametrize("hidden", [Secret("hunter2"), Sealed("hunter2")], ids=["opened", "sealed"])
def test_a_secret_does_not_print_itself(hidden: Any) -> None:
    assert "hunter2" not in repr(hidden)
    assert "hunter2" not in str({"a": [hidden]})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("x", Secret("x"), id="a value"),
        pytest.param(None, None, id="nothing is no secret"),
        pytest.param(Secret("x"), Secret("x"), id="a secret is one already"),
        pytest.param(Sealed("x"), Sealed("x"), id="a sealed one too"),
        pytest.param({"a": Secret("x")}, Secret({"a": "x"}), id="marks inside are absorbed"),
    ],
)
def test_marking_secret(value: Any, expected: Any) -> None:
    assert equal(secret(value), expected)


@pytest.mark.parametrize(
    ("answer", "pattern", "expected"),
    [
        pytest.param({"a": 1, "b": 2}, {"a": Secret(9)}, {"a": Secret(1), "b": 2}, id="the member of the same name"),
        pytest.param({"a": {"x": 1, "y": 2}}, {"a": {"x": Secret(9)}}, {"a": {"x": Secret(1), "y": 2}}, id="inside"),
        pytest.param({"a": [1, 2]}, {"a": [0, Secret(9)]}, {"a": Secret([1, 2])}, id="a list as a whole"),
        pytest.param({"a": [1, 2]}, {"a": [0, 9]}, {"a": [1, 2]}, id="a list without secrets stays"),
        pytest.param({"a": None}, {"a": Secret(9)}, {"a": None}, id="nothing stays nothing"),
        pytest.param({}, {"a": Secret(9)}, {}, id="what is not there stays away"),
        pytest.param({"a": 1}, {"a": Sealed("x")}, {"a": Secret(1)}, id="a sealed pattern marks too"),
        pytest.param({"a": {"x": 1}}, {"a": Secret({"x": 9})}, {"a": Secret({"x": 1})}, id="a map as a whole"),
    ],
)
def test_answers_get_the_marks_of_the_inputs(answer: Any, pattern: Any, expected: Any) -> None:
    assert equal(mark_like(answer, pattern), expected)


@given(any_value(secrets=True))
def test_a_value_marked_like_itself_hides_what_it_hid(value: Any) -> None:
    again = mark_like(reveal(value), value)
    assert equal(reveal(again), reveal(value))
    assert has_secret(again) == has_secret(value)


def test_an_answer_without_secrets_is_the_same_object() -> None:
    answer = {"a": {"b": [1]}}
    assert mark_like(answer, {"a": {"b": [2]}}) is answer


@given(any_value(unknowns=True, secrets=True))
def test_unknowns_can_be_replaced_and_secrets_stay(value: Any) -> None:
    known = unknown_as(value, lambda unknown: unknown.kind)
    assert not has_unknown(known)
    assert has_secret(known) == has_secret(value)
    if not has_unknown(value):
        assert equal(known, value)


@given(everything)
def test_a_transformation_that_changes_nothing_gives_the_same_object(value: Any) -> None:
    assert transform(value, lambda item: item) is value


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "expected", "kind"),
    [
        (1.0, 1, int),
        (-0.0, 0, int),
        (1.5, 1.5, float),
        (2.0**53, 2**53, int),
        (2.0**54, 2.0**54, float),
        (1e300, 1e300, float),
    ],
)
def test_whole_numbers_are_ints(number: float, expected: Any, kind: type) -> None:
    assert plain_number(number) == expected
    assert type(plain_number(number)) is kind


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_json_cannot_write_is_refused_with_its_place(number: float) -> None:
    with pytest.raises(InputError) as caught:
        finite(number, "spec.size")
    assert (caught.value.reference, caught.value.path) == ("number-not-finite", "spec.size")
    with pytest.raises(InputError):
        from_plain({"a": [number]})


# --- JSON and back ----------------------------------------------------------------------------------------------------


def _through_json(value: Any) -> Any:
    return from_plain(json.loads(json.dumps(to_plain(value, open_envelope))))


@given(everything)
def test_there_and_back(value: Any) -> None:
    back = _through_json(value)
    assert equal(back, value)
    assert canonical_json(back) == canonical_json(value)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(Asset(text=""), id="an asset that is an empty text"),
        pytest.param(Asset(path="a", hash="h"), id="a file"),
        pytest.param(Archive(assets={}), id="an archive of nothing"),
        pytest.param(Archive(assets={"a": Archive(path="d"), "b": Asset(text="x")}), id="an archive in an archive"),
        pytest.param(ResourceReference("urn", None, "1.2"), id="a component"),
        pytest.param(ResourceReference("urn", UNKNOWN), id="something without an ID yet"),
        pytest.param(Secret({"a": [UNKNOWN]}), id="a secret with an unknown in it"),
        pytest.param(2**63 + 1, id="a number no double can hold"),
        pytest.param({"": 1, "a.b": 2}, id="odd names"),
    ],
)
def test_there_and_back_exactly(value: Any) -> None:
    back = _through_json(value)
    assert type(back) is type(value)
    assert back == value
    if isinstance(value, Asset | Archive | ResourceReference):
        assert repr(back) == repr(value), "fields that do not count for equality"


@pytest.mark.parametrize(
    ("envelope", "expected"),
    [
        pytest.param({SIGNATURE: SECRET, "value": {"a": 1}}, Secret({"a": 1}), id="a secret on the wire"),
        pytest.param({SIGNATURE: SECRET, "value": None}, None, id="a secret nothing"),
        pytest.param({SIGNATURE: SECRET, "ciphertext": "v1:x"}, Sealed("v1:x"), id="a secret at rest"),
        pytest.param({SIGNATURE: SECRET, "plaintext": '{"a": 1.0}'}, Secret({"a": 1}), id="a secret shown in clear"),
        pytest.param({SIGNATURE: OUTPUT, "value": 1}, 1, id="an output"),
        pytest.param({SIGNATURE: OUTPUT}, UNKNOWN, id="an output without a value"),
        pytest.param({SIGNATURE: OUTPUT, "value": 1, "secret": True}, Secret(1), id="a secret output"),
        pytest.param({SIGNATURE: OUTPUT, "secret": True}, Secret(UNKNOWN), id="a secret nobody knows"),
        pytest.param({SIGNATURE: ASSET, "text": "x", "hash": "h"}, Asset(text="x", hash="h"), id="an asset"),
        pytest.param({SIGNATURE: ASSET, "hash": ""}, Asset(text=""), id="an asset without text: Pulumi's empty text"),
        pytest.param(
            {SIGNATURE: ARCHIVE, "assets": {"a": {SIGNATURE: ASSET, "path": "p"}}},
            Archive(assets={"a": Asset(path="p")}),
            id="an archive with an asset in it",
        ),
        pytest.param({SIGNATURE: REFERENCE, "urn": "u", "id": ""}, ResourceReference("u", UNKNOWN), id="a reference"),
        pytest.param({SIGNATURE: REFERENCE, "urn": "u"}, ResourceReference("u", None), id="one to a component"),
        pytest.param({SIGNATURE: SECRET, "value": {SIGNATURE: SECRET, "value": 1}}, Secret(1), id="secret twice"),
    ],
)
def test_envelopes(envelope: dict[str, Any], expected: Any) -> None:
    assert equal(from_plain(envelope), expected)


def test_an_envelope_of_a_kind_nobody_knows_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        from_plain({"a": [{SIGNATURE: "zzz"}]})
    assert caught.value.reference == "value-kind-unknown"


def test_a_python_object_is_refused() -> None:
    with pytest.raises(InputError, match="object"):
        to_plain({"a": object()}, open_envelope)


def test_how_a_secret_rests_is_the_callers_business() -> None:
    assert to_plain({"a": Secret("x")}, lambda content: {"locked": content}) == {"a": {"locked": "x"}}
    assert to_plain(Secret("x"), values.masked_envelope) == MASK
    assert to_plain(Sealed("v1:x"), open_envelope) == {SIGNATURE: SECRET, "ciphertext": "v1:x"}


def test_canonical_json_does_not_depend_on_the_order_of_keys() -> None:
    assert canonical_json({"b": [1], "a": {"d": 1, "c": "ä"}}) == '{"a":{"c":"ä","d":1},"b":[1]}'
    assert canonical_json({"b": 1, "a": 2}) == canonical_json({"a": 2, "b": 1})

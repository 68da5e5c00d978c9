"""Rows as JSON: everything goes there and back, what is not ours is kept, what cannot be written is refused by name."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import CredentialsError, InputError, RecordError, WorksteadError
from engine.core.model import (
    NO_OPTIONS,
    Options,
    PendingKind,
    PendingOperation,
    ResourceState,
    Snapshot,
    Timeouts,
)
from engine.core.values import (
    SECRET,
    SENTINELS,
    SIGNATURE,
    UNKNOWN,
    UNKNOWN_NUMBER,
    Archive,
    Asset,
    ResourceReference,
    Sealed,
    Secret,
)
from engine.state.codec import (
    BYTE_STRING,
    SPECIAL_FLOAT,
    content_of,
    decode,
    encode,
    refuse_secret,
    text_of,
    timestamp,
    with_new_keys,
)
from tests.contract.records import resource, urn


def in_clear(content: Any) -> Mapping[str, Any]:
    """A seal one can read: what comes back is the secret."""
    return {SIGNATURE: SECRET, "plaintext": text_of(content)}


# --- everything there and back ----------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40).filter(lambda text: text not in SENTINELS)
names = texts.filter(lambda text: text != SIGNATURE)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
assets = st.builds(Asset, path=texts, text=st.none() | texts.filter(bool), uri=texts, hash=texts).filter(
    lambda asset: asset.path or asset.uri or asset.text  # one of nothing at all reads as the empty text
)
special = (
    st.builds(Sealed, st.from_regex(r"v1:[a-z]{1,9}:[a-z]{1,9}", fullmatch=True))
    | assets
    | st.builds(
        Archive, path=texts, uri=texts, assets=st.none() | st.dictionaries(names, assets, max_size=2), hash=texts
    )
    | st.builds(ResourceReference, texts, st.none() | st.just(UNKNOWN) | texts.filter(bool), texts)
)


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)


plain = st.recursive(scalars, containers, max_leaves=8)
values = st.recursive(scalars | special | plain.map(Secret), containers, max_leaves=10)
properties = st.dictionaries(names, values, max_size=4)
urns = st.from_regex(r"urn:pulumi:s::p::t:m:T::[a-z]{1,8}", fullmatch=True)
several = st.lists(urns, max_size=3).map(tuple)
paths = st.lists(texts, max_size=2).map(tuple)
seconds = st.sampled_from([0, 0.5, 60, 3600.0])
options = st.just(NO_OPTIONS) | st.builds(
    Options,
    protect=st.booleans(),
    retain_on_delete=st.booleans(),
    ignore_changes=paths,
    replace_on_changes=paths,
    additional_secret_outputs=paths,
    custom_timeouts=st.builds(Timeouts, seconds, seconds, seconds, seconds),
    deleted_with=st.just("") | urns,
    replace_with=several,
    replacement_trigger=values,
    hide_diffs=paths,
)
states = st.builds(
    ResourceState,
    urn=urns,
    type=st.just("t:m:T"),
    custom=st.booleans(),
    id=texts,
    inputs=properties,
    outputs=properties,
    parent=st.just("") | urns,
    provider=st.just("") | urns.map(lambda urn: f"{urn}::id"),
    dependencies=several,
    property_dependencies=st.dictionaries(names, several, max_size=2),
    options=options,
    external=st.booleans(),
    delete=st.booleans(),
    pending_replacement=st.booleans(),
    tainted=st.booleans(),
    init_errors=paths,
    import_id=texts,
    created=st.sampled_from(["", "2026-01-31T12:00:00.123456789Z"]),
    modified=st.sampled_from(["", "2026-01-31T12:00:00Z"]),
    source_position=texts,
    extra=st.dictionaries(st.sampled_from(["viewOf", "stackTrace", "fromTheFuture"]), plain, max_size=2),
    key=st.integers(0, 9),
)


@given(states)
def test_there_and_back(state: ResourceState) -> None:
    data = encode(state, in_clear)
    back = decode(data, state.key)
    assert back == state
    assert encode(back, in_clear) == data


@given(states, st.sampled_from(list(SENTINELS.values())))
def test_pending_rows_may_hold_unknown_values(state: ResourceState, unknown: Any) -> None:
    planned = state.but(outputs={**state.outputs, "new": unknown, "deep": [Secret({"x": unknown})]})
    assert decode(encode(planned, in_clear, pending=True), state.key, pending=True) == planned


@given(plain)
def test_secret_content_there_and_back(content: Any) -> None:
    assert content_of(text_of(content)) == content


# --- the JSON itself --------------------------------------------------------------------------------------------------


def test_members_are_pulumis_and_empty_ones_are_left_out() -> None:
    assert json.loads(encode(resource("a", inputs={}), in_clear)) == {
        "urn": urn("a"),
        "custom": True,
        "id": "id-a",
        "type": "test:index:Thing",
    }
    full = resource(
        "a",
        inputs={"n": 1.0},
        options=Options(
            protect=True,
            retain_on_delete=True,
            ignore_changes=("a.b",),
            replace_on_changes=("c",),
            additional_secret_outputs=("o",),
            custom_timeouts=Timeouts(create=60.0, delete=1.5),
            deleted_with=urn("d"),
            replace_with=(urn("e"),),
            replacement_trigger={"t": Secret(1)},
            hide_diffs=("h",),
        ),
        tainted=True,
        init_errors=("slow",),
        import_id="i",
        extra={"resourceHooks": {"beforeCreate": ["h"]}},
    )
    assert json.loads(encode(full, in_clear)) == {
        "urn": urn("a"),
        "custom": True,
        "id": "id-a",
        "type": "test:index:Thing",
        "inputs": {"n": 1},
        "taint": True,
        "initErrors": ["slow"],
        "importID": "i",
        "protect": True,
        "retainOnDelete": True,
        "ignoreChanges": ["a.b"],
        "replaceOnChanges": ["c"],
        "additionalSecretOutputs": ["o"],
        "customTimeouts": {"create": 60, "delete": 1.5},
        "deletedWith": urn("d"),
        "replaceWith": [urn("e")],
        "replacementTrigger": {"t": {SIGNATURE: SECRET, "plaintext": "1"}},
        "hideDiff": ["h"],
        "resourceHooks": {"beforeCreate": ["h"]},
    }


def test_what_another_engine_wrote_is_kept() -> None:
    text = (
        '{"urn":"u","custom":true,"type":"t","viewOf":"v","stackTrace":[{"sourcePosition":"p"}],'
        '"refreshBeforeUpdate":true,"fromTheFuture":{"a":[1.0,null,1e300]}}'
    )
    state = decode(text.encode())
    assert state.extra["viewOf"] == "v"
    assert json.loads(encode(state, refuse_secret)) == json.loads(text)


def test_nulls_count_as_absent() -> None:
    text = b'{"urn":"u","type":"t","custom":false,"inputs":null,"dependencies":null,"customTimeouts":null,"id":null}'
    assert decode(text) == ResourceState(urn="u", type="t", custom=False, options=Options())


@pytest.mark.parametrize("signature", [BYTE_STRING, SPECIAL_FLOAT])
def test_kinds_that_only_pass_through(signature: str) -> None:
    envelope = {SIGNATURE: signature, "value": "7ff8000000000001"}
    state = resource("a", outputs={"deep": [envelope]})
    assert decode(encode(state, refuse_secret)) == state


def test_references_as_an_older_pulumi_wrote_them() -> None:
    envelope = {SIGNATURE: "5cf8f73096256a8f31e491e813e4eb8e", "urn": urn("b"), "id": {"V": "i"}}
    for id, expected in (({"V": "i"}, "i"), ({"V": None}, None), ({"V": {}}, UNKNOWN), ("", UNKNOWN), ("x", "x")):
        members = {"urn": "u", "type": "t", "custom": True, "outputs": {"ref": {**envelope, "id": id}}}
        assert decode(json.dumps(members).encode()).outputs["ref"] == ResourceReference(urn("b"), expected)


def test_sentinel_texts_are_unknown_only_in_pending_rows() -> None:
    text = json.dumps({"urn": "u", "type": "t", "custom": True, "outputs": {"x": UNKNOWN_NUMBER.sentinel}}).encode()
    assert decode(text, pending=True).outputs == {"x": UNKNOWN_NUMBER}
    state = decode(text)
    assert state.outputs == {"x": UNKNOWN_NUMBER.sentinel}
    assert encode(state, refuse_secret).count(UNKNOWN_NUMBER.sentinel.encode()) == 1


def test_whole_numbers_are_written_as_such() -> None:
    data = encode(resource("a", inputs={"a": 1.0, "b": [2.5, -0.0, 1e300], "c": 2**70}), refuse_secret)
    assert json.dumps(json.loads(data)["inputs"]) == f'{{"a": 1, "b": [2.5, 0, 1e+300], "c": {2**70}}}'


# --- refusing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "path", "reference", "kind"),
    [
        ({"inputs": {"a": math.nan}}, "inputs.a", "number-not-finite", InputError),
        ({"outputs": {"a": [0, {"b c": math.inf}]}}, 'outputs.a[1]["b c"]', "number-not-finite", InputError),
        ({"outputs": {"a": Secret({"b": -math.inf})}}, "outputs.a.b", "number-not-finite", InputError),
        ({"outputs": {"a": Secret(["\ud800"])}}, "outputs.a[0]", "text-not-unicode", InputError),
        ({"inputs": {"a": {"b": "x\udfff"}}}, "inputs.a.b", "text-not-unicode", InputError),
        ({"inputs": {"a": [{"\ud800": 1}]}}, "inputs.a[0][\"'\\\\ud800'\"]", "text-not-unicode", InputError),
        ({"source_position": "\ud800"}, "sourcePosition", "text-not-unicode", InputError),
        ({"inputs": {"a": [UNKNOWN]}}, "inputs.a[0]", "record-unknown-value", RecordError),
        ({"inputs": {"a": Secret([UNKNOWN])}}, "inputs.a", "record-unknown-value", RecordError),
        ({"inputs": {"a": {1, 2}}}, "inputs.a", "value-kind-unknown", InputError),
        ({"inputs": {"a": b"x"}}, "inputs.a", "value-kind-unknown", InputError),
        (
            {"options": Options(replacement_trigger=[math.nan])},
            "replacementTrigger[0]",
            "number-not-finite",
            InputError,
        ),
        (
            {"options": Options(custom_timeouts=Timeouts(read=math.inf))},
            "customTimeouts.read",
            "number-not-finite",
            InputError,
        ),
    ],
    ids=str,
)
def test_what_no_record_can_hold(fields: dict[str, Any], path: str, reference: str, kind: type[WorksteadError]) -> None:
    with pytest.raises(kind) as refused:
        encode(resource("a", **fields), in_clear)
    assert (refused.value.urn, refused.value.path, refused.value.reference) == (urn("a"), path, reference)


def test_a_secret_without_a_vault_is_refused() -> None:
    with pytest.raises(CredentialsError) as refused:
        encode(resource("a", inputs={"s": {"t": Secret("x")}}), refuse_secret)
    assert (refused.value.urn, refused.value.path) == (urn("a"), "inputs.s.t")
    assert refused.value.reference == "passphrase-missing"


def test_nothing_secret_is_ever_written_in_clear() -> None:
    data = encode(
        resource(
            "a", inputs={"s": [Secret("open sesame")]}, options=Options(replacement_trigger=Secret("open sesame"))
        ),
        lambda content: {SIGNATURE: SECRET, "ciphertext": "v1:a:b"},
    )
    assert b"sesame" not in data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"urn":"u"}',
        b'{"urn":"u","type":"t","custom":true,"inputs":[1]',
        b'{"urn":"u","type":"t","custom":true,"customTimeouts":{"never":1}}',
        b'{"urn":"u","type":"t","custom":true,"dependencies":7}',
        b"\xff\xfe",
        b"[" * 5000,
    ],
)
def test_damaged_rows(data: bytes) -> None:
    with pytest.raises(RecordError) as refused:
        decode(data)
    assert refused.value.reference == "record-damaged"


@pytest.mark.parametrize(
    ("envelope", "kind", "reference"),
    [
        ({SIGNATURE: SECRET}, RecordError, "secret-damaged"),
        ({SIGNATURE: SECRET, "ciphertext": ""}, RecordError, "secret-damaged"),
        ({SIGNATURE: SECRET, "ciphertext": "a", "plaintext": "b"}, RecordError, "secret-damaged"),
        ({SIGNATURE: SECRET, "ciphertext": 7}, RecordError, "secret-damaged"),
        ({SIGNATURE: SECRET, "plaintext": "{"}, RecordError, "secret-damaged"),
        ({SIGNATURE: "from the future"}, InputError, "value-kind-unknown"),
    ],
)
def test_damaged_envelopes_name_the_resource(
    envelope: dict[str, Any], kind: type[WorksteadError], reference: str
) -> None:
    members = {"urn": urn("a"), "type": "t", "custom": True, "outputs": {"x": [envelope]}}
    with pytest.raises(kind) as refused:
        decode(json.dumps(members).encode())
    assert (refused.value.urn, refused.value.reference) == (urn("a"), reference)


# --- small things -----------------------------------------------------------------------------------------------------


def test_timestamps_are_as_pulumi_shows_them() -> None:
    assert timestamp(0) == "1970-01-01T00:00:00.000Z"
    assert timestamp(1_769_860_800.1239) == "2026-01-31T12:00:00.123Z"


def test_new_keys_follow_their_rows() -> None:
    old, new = resource("a", delete=True).but(id="old"), resource("a")
    snapshot = Snapshot(
        (old, new),
        (
            PendingOperation(PendingKind.DELETING, old.but(delete=False)),
            PendingOperation(PendingKind.UPDATING, new.but(inputs={})),
            PendingOperation(PendingKind.CREATING, resource("a")),
            PendingOperation(PendingKind.READING, resource("elsewhere")),
        ),
    )
    numbers = iter(range(10, 20))
    keyed = with_new_keys(snapshot, lambda: next(numbers))
    assert [state.key for state in keyed.resources] == [10, 11]
    assert [operation.resource.key for operation in keyed.pending] == [10, 11, 12, 13]

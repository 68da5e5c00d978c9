"""A resource's state as JSON and back: the bytes of one row of the record, and one element of Pulumi's deployment JSON.

Both are the object of spec section 12.2, so a row can be shown, exported and imported without translation. What this
engine has no field for is kept in `ResourceState.extra` and written back unchanged. Secrets are sealed on the way out
by whoever is handed in (`secrets.Vault.seal`) and stay sealed on the way in.

Every step passes here twice, so the usual row is cheap: on the way in its values are looked at only when the text
mentions an envelope at all; on the way out they are walked once, because the JSON library would write NaN as null, a
secret in clear and a class as a map. What no record can hold is refused with the resource and the property path.

Left to others: encryption (`secrets`), where rows are kept (`sqlite`, `memory`), the file around them
(`deployment_json`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from engine.core import paths
from engine.core.errors import CredentialsError, InputError, RecordError, RecordUnavailableError, WorksteadError
from engine.core.model import (
    NO_OPTIONS,
    Options,
    PendingKind,
    PendingOperation,
    ResourceState,
    Snapshot,
    Timeouts,
    in_dependency_order,
)
from engine.core.values import (
    REFERENCE,
    SECRET,
    SENTINELS,
    SIGNATURE,
    ResourceReference,
    Sealed,
    Secret,
    Unknown,
    finite,
    from_envelope,
    has_unknown,
    to_plain,
)
from engine.state.backend import Seal
from engine.state.refusals import damaged

# Two kinds of Pulumi's values that only pass through: text that is not Unicode, and the floats JSON does not have.
BYTE_STRING: Final = "803fd3297a5875dc03ca845dda5d2a98"
SPECIAL_FLOAT: Final = "8ad145fe-0d11-4827-bfd7-1abcbf086f5c"

_ENCODER: Final = msgspec.json.Encoder()
_SORTING_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_DECODER: Final = msgspec.json.Decoder()
_SIGNATURE_BYTES: Final = SIGNATURE.encode()
_AS_GO_SPELLS: Final = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
_INERT: Final = frozenset({str, int, bool, type(None)})
_OPTION_NAMES: Final = frozenset(
    {
        "protect",
        "retainOnDelete",
        "ignoreChanges",
        "replaceOnChanges",
        "additionalSecretOutputs",
        "customTimeouts",
        "deletedWith",
        "replaceWith",
        "replacementTrigger",
        "hideDiff",
    }
)


def refuse_secret(content: Any) -> Mapping[str, Any]:
    """The seal of a lease that was given none: nothing secret is ever written in clear."""
    raise CredentialsError(
        "a secret cannot be recorded, because there is no pass phrase to encrypt it with",
        remedy="set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE and run again",
        reference="passphrase-missing",
    )


# --- rows -------------------------------------------------------------------------------------------------------------


def encode(state: ResourceState, seal: Seal, *, pending: bool = False) -> bytes:
    """The JSON text of one row. Only a pending operation's row may hold unknown values.

    Raises InputError or RecordError with URN and property path for what no record can hold.
    """
    members = members_of(state, seal, pending=pending)
    try:
        return _ENCODER.encode(members)
    except UnicodeEncodeError:
        raise not_unicode(members, state.urn) from None
    except TypeError as error:
        raise InputError(f"it cannot be recorded: {error}", urn=state.urn, reference="value-kind-unknown") from None


def decode(data: bytes, key: int = 0, *, pending: bool = False) -> ResourceState:
    """The state in a row's bytes. Raises RecordError when they are not one."""
    try:
        members = _DECODER.decode(data)
        return state_of(members, key, special=pending or _SIGNATURE_BYTES in data, pending=pending)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RecordError(
            "a row of the record is not a resource",
            why=f"Its text cannot be read: {error}.",
            remedy="bring back an earlier version with `workstead stack export --version` and `stack import`",
            reference="record-damaged",
        ) from error


def members_of(state: ResourceState, seal: Seal, *, pending: bool = False) -> dict[str, Any]:
    """The members of spec 12.2 in Pulumi's order, empty ones left out, ready to be written as JSON."""
    urn = state.urn
    members: dict[str, Any] = {"urn": urn, "custom": state.custom}
    if state.delete:
        members["delete"] = True
    if state.id:
        members["id"] = state.id
    members["type"] = state.type
    if state.inputs:
        members["inputs"] = _recordable(state.inputs, seal, pending, urn, "inputs")
    if state.outputs:
        members["outputs"] = _recordable(state.outputs, seal, pending, urn, "outputs")
    if state.parent:
        members["parent"] = state.parent
    if state.tainted:
        members["taint"] = True
    if state.external:
        members["external"] = True
    if state.dependencies:
        members["dependencies"] = state.dependencies
    if state.init_errors:
        members["initErrors"] = state.init_errors
    if state.provider:
        members["provider"] = state.provider
    if state.property_dependencies:
        members["propertyDependencies"] = dict(state.property_dependencies)
    if state.pending_replacement:
        members["pendingReplacement"] = True
    if state.import_id:
        members["importID"] = state.import_id
    if state.created:
        members["created"] = state.created
    if state.modified:
        members["modified"] = state.modified
    if state.source_position:
        members["sourcePosition"] = state.source_position
    if state.options is not NO_OPTIONS:
        _add_options(members, state.options, seal, pending, urn)
    if state.extra:
        members.update(state.extra)
    return members


def _add_options(members: dict[str, Any], options: Options, seal: Seal, pending: bool, urn: str) -> None:
    found = {
        "protect": options.protect,
        "additionalSecretOutputs": options.additional_secret_outputs,
        "customTimeouts": _recordable(_timeouts(options.custom_timeouts), seal, pending, urn, "customTimeouts"),
        "retainOnDelete": options.retain_on_delete,
        "deletedWith": options.deleted_with,
        "replaceWith": options.replace_with,
        "ignoreChanges": options.ignore_changes,
        "hideDiff": options.hide_diffs,
        "replaceOnChanges": options.replace_on_changes,
    }
    members.update((name, value) for name, value in found.items() if value)
    if options.replacement_trigger is not None:
        trigger = {"replacementTrigger": options.replacement_trigger}
        members.update(_recordable(trigger, seal, pending, urn, ""))


def _timeouts(timeouts: Timeouts) -> dict[str, float]:
    found = {
        "create": timeouts.create,
        "update": timeouts.update,
        "delete": timeouts.delete,
        "read": timeouts.read,
    }
    return {name: seconds for name, seconds in found.items() if seconds}


def state_of(members: dict[str, Any], key: int, *, special: bool = True, pending: bool = False) -> ResourceState:
    """The state that JSON members stand for; takes `members` over. `special`: envelopes may be among the values."""
    take = members.pop
    inputs = take("inputs", None) or {}
    outputs = take("outputs", None) or {}
    if special:
        try:
            inputs, outputs = value_of(inputs, pending), value_of(outputs, pending)
        except WorksteadError as error:
            error.urn = members.get("urn", "")
            raise
    needs = take("propertyDependencies", None)
    return ResourceState(
        urn=take("urn"),
        type=take("type"),
        custom=take("custom", None) or False,
        id=take("id", None) or "",
        inputs=inputs,
        outputs=outputs,
        parent=take("parent", None) or "",
        provider=take("provider", None) or "",
        dependencies=tuple(take("dependencies", None) or ()),
        property_dependencies={name: tuple(urns) for name, urns in needs.items()} if needs else {},
        options=NO_OPTIONS if _OPTION_NAMES.isdisjoint(members) else _take_options(members, pending),
        external=take("external", None) or False,
        delete=take("delete", None) or False,
        pending_replacement=take("pendingReplacement", None) or False,
        tainted=take("taint", None) or False,
        init_errors=tuple(take("initErrors", None) or ()),
        import_id=take("importID", None) or "",
        created=take("created", None) or "",
        modified=take("modified", None) or "",
        source_position=take("sourcePosition", None) or "",
        extra=members,
        key=key,
    )


def _take_options(members: dict[str, Any], pending: bool) -> Options:
    take = members.pop
    return Options(
        protect=take("protect", None) or False,
        retain_on_delete=take("retainOnDelete", None) or False,
        ignore_changes=tuple(take("ignoreChanges", None) or ()),
        replace_on_changes=tuple(take("replaceOnChanges", None) or ()),
        additional_secret_outputs=tuple(take("additionalSecretOutputs", None) or ()),
        custom_timeouts=Timeouts(**(take("customTimeouts", None) or {})),
        deleted_with=take("deletedWith", None) or "",
        replace_with=tuple(take("replaceWith", None) or ()),
        replacement_trigger=value_of(take("replacementTrigger", None), pending),
        hide_diffs=tuple(take("hideDiff", None) or ()),
    )


def snapshot_of(
    rows: Iterable[tuple[int, bytes]],
    pending: Iterable[tuple[int, str, int, str, bytes]],
    *,
    lineage: str,
    serial: int,
    extra: Mapping[str, Any],
) -> Snapshot:
    """A snapshot from rows (key, text) and pending operations (token, kind, key, begun, text)."""
    return Snapshot(
        in_dependency_order(decode(data, key) for key, data in rows),
        tuple(
            PendingOperation(_kind(kind), decode(data, key, pending=True), token, begun)
            for token, kind, key, begun, data in pending
        ),
        lineage,
        serial,
        extra,
    )


def _kind(text: str) -> PendingKind:
    try:
        return PendingKind(text)
    except ValueError as error:
        raise damaged("a pending operation of the record") from error


def with_new_keys(snapshot: Snapshot, new_key: Callable[[], int]) -> Snapshot:
    """The snapshot with a new key for every row; a pending operation gets its row's, or one for the row to come."""
    resources = tuple(state.but(key=new_key()) for state in snapshot.resources)
    key_of = {(state.urn, state.id): state.key for state in resources}
    pending = []
    for operation in snapshot.pending:
        state = operation.resource
        key = 0 if operation.kind is PendingKind.CREATING else key_of.get((state.urn, state.id), 0)
        pending.append(replace(operation, resource=state.but(key=key or new_key())))
    return replace(snapshot, resources=resources, pending=tuple(pending))


# --- values -----------------------------------------------------------------------------------------------------------


def plain_of(value: Any, seal: Seal, *, pending: bool = False) -> Any:
    """The JSON form of a value. Raises like `encode`, with the path inside `value`."""
    kind = type(value)
    if kind in _INERT:
        return value
    if kind is dict:
        changed: dict[str, Any] | None = None
        for key, item in value.items():
            if type(item) in _INERT:
                continue
            try:
                new = plain_of(item, seal, pending=pending)
            except WorksteadError as error:
                _place(error, key)
                raise
            if new is not item:
                changed = dict(value) if changed is None else changed
                changed[key] = new
        return value if changed is None else changed
    if kind is list:
        items = []
        for index, item in enumerate(value):
            try:
                items.append(plain_of(item, seal, pending=pending))
            except WorksteadError as error:
                _place(error, index)
                raise
        return items
    if kind is float:
        return finite(value)
    if not pending and (kind is Unknown or (kind is Secret and has_unknown(value))):
        raise RecordError(
            "a value nobody has yet cannot be recorded",
            why="Only a step that has not ended may have unknown values; this one has.",
            remedy="report this: the provider or the engine left out an output",
            reference="record-unknown-value",
        )
    if kind is Secret:
        return seal(value.value)
    plain = to_plain(value, seal)
    if kind is ResourceReference:
        plain.setdefault("packageVersion", "")  # Pulumi writes it always
    return plain


def value_of(value: Any, pending: bool = False) -> Any:
    """A value from its JSON form. Sentinel texts are unknown values only in a pending operation.

    Raises InputError for an envelope this version does not know, RecordError for a malformed one.
    """
    kind = type(value)
    if kind is dict:
        items = {name: item if type(item) is bool else value_of(item, pending) for name, item in value.items()}
        return _special(items, pending) if SIGNATURE in items else items
    if kind is list:
        return [value_of(item, pending) for item in value]
    if kind is float:
        return finite(value)
    if pending and kind is str and len(value) == 36:
        return SENTINELS.get(value, value)
    return value


def _special(members: dict[str, Any], pending: bool) -> Any:
    signature = members[SIGNATURE]
    if signature in (BYTE_STRING, SPECIAL_FLOAT):
        return members
    if signature != SECRET:
        identity = members.get("id")
        if signature == REFERENCE and isinstance(identity, dict):  # some versions of Pulumi wrote the ID so
            inner = identity.get("V")
            members["id"] = "" if isinstance(inner, dict) else inner
        return from_envelope(members)
    sealed, clear = members.get("ciphertext"), members.get("plaintext")
    if bool(sealed) == bool(clear) or not isinstance(sealed or clear, str):
        raise RecordError(
            "a secret of the record is malformed",
            why="It must have either a ciphertext or a plaintext.",
            remedy="mend it by hand in an export, or bring back an earlier version",
            reference="secret-damaged",
        )
    return Sealed(sealed) if sealed else Secret(content_of(str(clear), pending))


def text_of(content: Any) -> str:
    """The one JSON text of a secret's content, which is what is encrypted: the text Pulumi would make of it.

    Unknown values are their sentinels.
    Raises like `encode`, with the path inside the content.
    """
    plain = plain_of(content, _unmarked, pending=True)
    try:
        return _SORTING_ENCODER.encode(plain).decode().translate(_AS_GO_SPELLS)
    except UnicodeEncodeError:
        raise not_unicode(plain) from None


def content_of(text: str, pending: bool = False) -> Any:
    """A secret's content from its JSON text. Marks inside are absorbed: there, a ciphertext is the text in clear."""
    try:
        value = value_of(_DECODER.decode(text), pending)
    except ValueError as error:
        raise RecordError(
            "a secret of the record is malformed",
            why="What it encrypts is not the JSON text of a value.",
            remedy="mend it by hand in an export, or bring back an earlier version",
            reference="secret-damaged",
        ) from error
    return _absorb(value, pending) if SIGNATURE in text else value


def _absorb(value: Any, pending: bool) -> Any:
    if type(value) is dict:
        return {name: _absorb(item, pending) for name, item in value.items()}
    if type(value) is list:
        return [_absorb(item, pending) for item in value]
    if type(value) is Sealed:
        return content_of(value.ciphertext, pending)
    return value.value if type(value) is Secret else value


def _unmarked(content: Any) -> Any:
    return plain_of(content, _unmarked, pending=True)


# --- refusing ---------------------------------------------------------------------------------------------------------


def not_unicode(value: Any = None, urn: str = "") -> InputError:
    """The refusal of a text that is not Unicode; says where in `value` it stands."""
    return InputError(
        "a text is not Unicode and cannot be recorded",
        urn=urn,
        path=paths.show(_first_unwritable(value)),
        why="It holds half of a surrogate pair, which no JSON text can.",
        remedy="decode it from its bytes with the right encoding",
        reference="text-not-unicode",
    )


def _recordable(properties: Mapping[str, Any], seal: Seal, pending: bool, urn: str, member: str) -> Any:
    try:
        return plain_of(dict(properties) if type(properties) is not dict else properties, seal, pending=pending)
    except WorksteadError as error:
        if member:
            _place(error, member)
        error.urn = urn
        raise


def _place(error: WorksteadError, inside: str | int) -> None:
    """Note where the value is; not where the record is at fault, which could not keep the salt of its first secret."""
    if not isinstance(error, RecordUnavailableError):
        error.path = _within(inside, error.path)


def _within(segment: str | int, rest: str) -> str:
    outer = paths.show((segment,))
    return f"{outer}.{rest}" if rest and not rest.startswith("[") else outer + rest


def _first_unwritable(value: Any, place: paths.Path = ()) -> paths.Path:
    """Where the first text is that is not Unicode; empty when there is none."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            found = _first_unwritable(item, (*place, key)) or _first_unwritable(key, (*place, ascii(key)))
            if found:
                return found
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            found = _first_unwritable(item, (*place, index))
            if found:
                return found
    elif isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return place
    return ()


# --- small texts ------------------------------------------------------------------------------------------------------


def json_text(value: Mapping[str, Any]) -> str:
    """Compact JSON of plain data: what the record keeps beside the rows. Raises like `encode`, also for a secret."""
    plain = plain_of(dict(value), refuse_secret)
    try:
        return _ENCODER.encode(plain).decode()
    except UnicodeEncodeError:
        raise not_unicode(plain) from None


def json_value(text: str | bytes) -> Any:
    """Plain data from `json_text`. Raises RecordError when it is damaged."""
    try:
        return _DECODER.decode(text)
    except ValueError as error:
        raise damaged("the record") from error


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds, as Pulumi's history shows it; `seconds` since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""The parts of JSON documents for other programs: values, resources, steps, messages. Pulumi's members, secrets masked.

The same members as in the record (spec section 12.2), but made to be read, not to be loaded again: a secret is
`[secret]` (in the event stream Pulumi's envelope around that text), a value nobody has yet is its sentinel, and what
JSON cannot hold becomes text instead of an error, because a view must not stop a run. Its strict counterpart for the
record is `engine.state.codec`.

Left to others: the documents around them (`json_digest`, `json_events`).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from engine.core import paths
from engine.core.diff import Kind
from engine.core.errors import Diagnostic, WorksteadError
from engine.core.model import ResourceState, Timeouts
from engine.core.plan import Op, Step
from engine.core.values import MASK, SECRET, SIGNATURE, Sealed, Secret, to_plain
from engine.views import reasons, words

VERSION: Final = 1  # of what we add to Pulumi's documents; a member that changes its meaning raises it

_DEPTH_LIMIT: Final = 100
# JSON allows these as they are, but some readers take them for the end of a line, a terminal for a command.
_UNSAFE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_INTEGER_BITS: Final = 10_000

Masking = Callable[[Any], Any]


def masked_text(_content: Any) -> str:
    """A secret in a plan."""
    return MASK


def masked_in_envelope(_content: Any) -> dict[str, str]:
    """A secret in the event stream."""
    return {SIGNATURE: SECRET, "ciphertext": MASK}


# --- values -----------------------------------------------------------------------------------------------------------


def plain(value: Any, masking: Masking = masked_text, depth: int = 0) -> Any:
    """The JSON form of any value whatever; keys sorted, as Pulumi writes them."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return value if value.bit_length() < _INTEGER_BITS else hex(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Secret | Sealed):
        return masking(None)
    if depth > _DEPTH_LIMIT:
        return "…"
    if isinstance(value, Mapping):
        members = sorted(((_text(str(name)), item) for name, item in value.items()), key=lambda member: member[0])
        return {name: plain(item, masking, depth + 1) for name, item in members}
    if isinstance(value, list | tuple):
        return [plain(item, masking, depth + 1) for item in value]
    try:
        special = to_plain(value, masking)
    except (WorksteadError, RecursionError):
        return f"<{type(value).__name__}>"
    return special if isinstance(special, str) else plain(special, masking, depth + 1)


def _text(text: str) -> str:
    """The text; halves of surrogate pairs, which no UTF-8 can hold, are replaced as Go does."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


# --- resources --------------------------------------------------------------------------------------------------------


def resource(state: ResourceState) -> dict[str, Any]:
    """A resource of a plan: the members of spec section 12.2 in Pulumi's order, empty ones left out."""
    options = state.options
    members: dict[str, Any] = {
        "urn": state.urn,
        "custom": state.custom,
        "delete": state.delete,
        "id": state.id,
        "type": state.type,
        "inputs": state.inputs,
        "outputs": state.outputs,
        "parent": state.parent,
        "protect": options.protect,
        "taint": state.tainted,
        "external": state.external,
        "dependencies": state.dependencies,
        "initErrors": state.init_errors,
        "provider": state.provider,
        "propertyDependencies": state.property_dependencies,
        "pendingReplacement": state.pending_replacement,
        "additionalSecretOutputs": options.additional_secret_outputs,
        "customTimeouts": _timeouts(options.custom_timeouts),
        "importID": state.import_id,
        "retainOnDelete": options.retain_on_delete,
        "deletedWith": options.deleted_with,
        "replaceWith": options.replace_with,
        "created": state.created,
        "modified": state.modified,
        "sourcePosition": state.source_position,
        "ignoreChanges": options.ignore_changes,
        "hideDiff": options.hide_diffs,
        "replaceOnChanges": options.replace_on_changes,
        "replacementTrigger": options.replacement_trigger,
        **state.extra,
    }
    return {name: plain(item) for name, item in members.items() if item or name == "custom"}


def _timeouts(timeouts: Timeouts) -> dict[str, float]:
    found = {"create": timeouts.create, "update": timeouts.update, "delete": timeouts.delete, "read": timeouts.read}
    return {name: seconds for name, seconds in found.items() if seconds}


def brief_resource(state: ResourceState) -> dict[str, Any]:
    """A resource of an event (spec section 13.3)."""
    options = state.options
    flags = {
        "custom": state.custom,
        "delete": state.delete,
        "protect": options.protect,
        "taint": state.tainted,
        "external": state.external,
        "retainOnDelete": options.retain_on_delete,
        "initErrors": list(state.init_errors),
        "hideDiffs": list(options.hide_diffs),
    }
    return {
        "type": _text(state.type),
        "urn": _text(state.urn),
        **{name: plain(flag) for name, flag in flags.items() if flag},
        "id": _text(state.id),
        "parent": _text(state.parent),
        "inputs": plain(state.inputs, masked_in_envelope),
        "outputs": plain(state.outputs, masked_in_envelope),
        "provider": _text(state.provider),
    }


# --- steps ------------------------------------------------------------------------------------------------------------


def ends(step: Step) -> tuple[ResourceState | None, ResourceState | None]:
    """Before and after; after a delete nothing is left to be shown, whatever the record still keeps."""
    return step.old, None if step.op.deletes else step.new


def changed_keys(step: Step) -> list[str]:
    """The top-level properties that differ."""
    return sorted({_text(str(change.path[0])) for change in step.changes if change.path})


def detailed_diff(step: Step, kind_name: str) -> dict[str, Any] | None:
    """Path → how it changes; None when no difference is known. `kind_name`: Pulumi has two names for the kind."""
    if not step.changes:
        return None
    kinds: dict[str, Kind] = {}
    for change in step.changes:
        path = reasons.outside_secrets(change.path, step)
        kind = change.kind
        if path != change.path:
            kind = Kind.UPDATE_REPLACE if kind.replaces else Kind.UPDATE
        kinds.setdefault(_text(paths.show(path)), kind)
    return {path: {kind_name: kinds[path].value, "inputDiff": step.from_inputs} for path in sorted(kinds)}


def reason(step: Step) -> dict[str, Any]:
    """Why the step was chosen: our own member, which readers of Pulumi's JSON pass over."""
    given = step.reason
    return {
        "why": given.why.value,
        "properties": [_text(name) for name in reasons.shown_properties(given, step)],
        "urns": [_text(urn) for urn in given.urns],
        "note": _text(given.note),
        "text": reasons.because(step),
    }


def message(problem: Diagnostic) -> str:
    """A message as Pulumi ends it, without escape sequences."""
    return "\n".join(words.told(problem)) + "\n"


# --- documents --------------------------------------------------------------------------------------------------------


def counts(found: Mapping[Op, int]) -> dict[str, int]:
    """How many resources each op touches."""
    return {op.value: found[op] for op in sorted(found) if found[op]}


def dumped(document: Mapping[str, Any], indent: int | None = None) -> str:
    """The text of a document, on one line or indented."""
    text = json.dumps(document, indent=indent, separators=(",", ": " if indent else ":"), ensure_ascii=False)
    return text if text.isascii() else _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)

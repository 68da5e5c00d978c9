"""What a step's outcome means for the record (spec section 11.2).

Before the provider call: which pending operation to write. After it: the state the step ends with, and which rows to
write or remove in the same breath. Pure: times and row keys come in as arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.core import exchange
from engine.core.contract import PartialFailure
from engine.core.errors import InternalError
from engine.core.model import STACK_TYPE, Drop, PendingKind, Put, ResourceState, Write
from engine.core.plan import Op, Step
from engine.core.values import Properties, identical

_BEGINS: Mapping[Op, PendingKind] = {
    Op.CREATE: PendingKind.CREATING,
    Op.CREATE_REPLACEMENT: PendingKind.CREATING,
    Op.UPDATE: PendingKind.UPDATING,
    Op.DELETE: PendingKind.DELETING,
    Op.DELETE_REPLACED: PendingKind.DELETING,
}


def pending(step: Step) -> PendingKind | None:
    """Which begin the step needs before its provider call; None when it makes no call.

    Components and provider resources have no provider; what is retained, or not ours, stays in the cloud; reads and
    imports have been looked at before they were decided.
    """
    state = step.state
    if not state.custom or not state.provider:
        return None
    if step.op.deletes and (state.external or state.options.retain_on_delete):
        return None
    return _BEGINS.get(step.op)


def created(step: Step, id_: str, outputs: Mapping[str, Any] | None, key: int, now: str) -> ResourceState:
    """The state after a create. Raises InternalError when the provider gave no ID."""
    assert step.new is not None
    new = step.new
    if new.custom and not id_:
        raise InternalError(
            "the provider created the object but gave no ID",
            urn=step.urn,
            why="Without an ID nobody could read, change or delete it again.",
        )
    values = new.outputs if outputs is None else _outputs(new, outputs)
    return new.but(id=id_, outputs=values, key=key, created=now, modified=now)


def updated(step: Step, outputs: Mapping[str, Any] | None, now: str) -> ResourceState:
    """The state after an update: outputs are replaced as a whole."""
    assert step.new is not None
    return step.new.but(outputs=_outputs(step.new, outputs or {}), modified=now)


def _outputs(new: ResourceState, outputs: Mapping[str, Any]) -> Properties:
    return exchange.marked(outputs, new.inputs, new.options.additional_secret_outputs)


def partly_created(step: Step, failure: PartialFailure, key: int, now: str) -> ResourceState:
    """The state after a create that left an unfinished object behind."""
    state = created(step, failure.id, failure.outs, key, now)
    return state.but(init_errors=(failure.summary,), tainted=failure.tainted)


def partly_updated(step: Step, failure: PartialFailure, now: str) -> ResourceState:
    """The state after an update that stopped half-way: the recorded inputs, the outputs as they are now."""
    assert step.old is not None
    return step.old.but(
        outputs=_outputs(step.old, failure.outs),
        init_errors=(failure.summary,),
        tainted=failure.tainted,
        modified=now,
    )


def writes(step: Step, state: ResourceState | None) -> tuple[Write, ...]:
    """The rows to change when a step has ended with `state` (None: nothing is left of it)."""
    old = step.old
    if step.op in (Op.REPLACE, Op.DISCARD_REPLACED):  # their rows went with the step that made the new one
        return ()
    if step.op in (Op.DELETE, Op.DELETE_REPLACED) and state is not None:
        return (Put(state),)
    if step.op.deletes or state is None:
        return (Drop(old.key, old.urn),) if old is not None and old.key else ()
    if step.op in (Op.CREATE_REPLACEMENT, Op.READ_REPLACEMENT, Op.IMPORT_REPLACEMENT) and old is not None:
        gone = old.pending_replacement or old.external
        return (Put(state), Drop(old.key, old.urn) if gone else Put(old.but(delete=True)))
    if step.op in (Op.SAME, Op.READ) and old is not None and not differs(old, state):
        return ()
    return (Put(state),)


def differs(old: ResourceState, new: ResourceState) -> bool:
    """Is there anything to record? Source positions and dates alone are not (spec section 11.6)."""
    return (
        not identical(old.inputs, new.inputs)
        or not identical(old.outputs, new.outputs)
        or old.parent != new.parent
        or old.provider != new.provider
        or old.options != new.options
        or old.id != new.id
        or old.external != new.external
        or old.import_id != new.import_id
        or set(old.dependencies) != set(new.dependencies)
        or dict(old.property_dependencies) != dict(new.property_dependencies)
        or old.init_errors != new.init_errors
        or old.tainted != new.tainted
    )


def is_root(state: ResourceState) -> bool:
    """Is it the root stack, whose outputs are applied at the end of the run?"""
    return state.type == STACK_TYPE

"""Correcting the record by what was just read (spec section 11.4).

Refreshing never changes a cloud. Each recorded object is read; what differs *in meaning* is drift and shows as an
update, what the API merely spells differently is recorded without a word. An object that is gone leaves the record, and
references to it with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from engine.core import exchange, results
from engine.core.contract import Provider, ReadResult
from engine.core.diff import Change, Kind, changes
from engine.core.model import (
    Drop,
    Put,
    ResourceState,
    Snapshot,
    Write,
    in_dependency_order,
    is_provider_type,
    provider_urn,
)
from engine.core.plan import UNCHANGED, Op, Reason, Step, Why

_INVERSE: Mapping[Kind, Kind] = {
    Kind.ADD: Kind.DELETE,
    Kind.ADD_REPLACE: Kind.DELETE,
    Kind.DELETE: Kind.ADD,
    Kind.DELETE_REPLACE: Kind.ADD,
    Kind.UPDATE: Kind.UPDATE,
    Kind.UPDATE_REPLACE: Kind.UPDATE,
}


def observable(state: ResourceState) -> bool:
    """Is there an object behind this state that can be read?"""
    return (
        state.custom
        and bool(state.id)
        and bool(state.provider)
        and not is_provider_type(state.type)
        and not state.pending_replacement
    )


def observed(old: ResourceState, seen: ReadResult, provider: Provider) -> Step:
    """What a look at an object means: nothing, drift, or that it is gone."""
    if not seen.id:
        return Step(op=Op.DELETE, urn=old.urn, old=old, reason=Reason(Why.GONE))
    outputs, inputs = exchange.observed(seen, old)
    new = old.but(id=seen.id, outputs=outputs, inputs=inputs, init_errors=())
    drift = _drift(old, new, provider)
    if not drift:
        return Step(op=Op.SAME, urn=old.urn, old=old, new=new, reason=UNCHANGED)
    return Step(
        op=Op.UPDATE,
        urn=old.urn,
        old=old,
        new=new,
        reason=Reason(Why.DRIFT, tuple(map(str, drift))),
        changes=drift,
        from_inputs=False,
    )


def _drift(old: ResourceState, new: ResourceState, provider: Provider) -> tuple[Change, ...]:
    """Recorded → actual: what an update back to the recorded inputs would have to change, turned round."""
    if old.external:
        return changes(old.outputs, new.outputs)
    result = exchange.diff(provider, new, old.inputs)
    if result.changes is None:
        return changes(old.outputs, new.outputs)
    if not result.changes and not result.replaces:
        return ()
    found = exchange.detailed(result)
    if found is None:
        return changes(old.outputs, new.outputs)
    return tuple(Change(change.path, _INVERSE[change.kind]) for change in found)


def repaired(snapshot: Snapshot, steps: Iterable[Step]) -> Snapshot:
    """The snapshot after these steps: references to what is gone are dropped, and its children move to its parent."""
    rows = {state.key: state for state in snapshot.resources}
    gone: dict[str, ResourceState] = {}
    for step in steps:
        assert step.old is not None
        if step.op is Op.DELETE:
            rows.pop(step.old.key, None)
            gone[step.urn] = step.old
        elif step.new is not None:
            rows[step.old.key] = step.new
    still_there = {state.urn for state in rows.values()}
    lost = {urn: old for urn, old in gone.items() if urn not in still_there}
    for key, state in rows.items():
        if any(urn in lost for urn in state.needs()):
            rows[key] = _without(state, lost)
    return replace(snapshot, resources=in_dependency_order(rows.values()))


def corrections(before: Snapshot, after: Snapshot, now: str) -> tuple[Write, ...]:
    """What to write to get from one snapshot to the other; all of it at once, or the record may not be whole."""
    rows = {state.key: state for state in before.resources}
    puts = [Put(row.but(modified=now)) for row in after.resources if results.differs(rows.pop(row.key), row)]
    return (*puts, *(Drop(row.key, row.urn) for row in rows.values()))


def _without(state: ResourceState, lost: Mapping[str, ResourceState]) -> ResourceState:
    parent = state.parent
    while parent in lost:
        parent = lost[parent].parent
    deleted_with = state.options.deleted_with
    options = state.options
    if deleted_with in lost or any(urn in lost for urn in options.replace_with):
        options = replace(
            options,
            deleted_with="" if deleted_with in lost else deleted_with,
            replace_with=tuple(urn for urn in options.replace_with if urn not in lost),
        )
    return state.but(
        parent=parent,
        provider="" if state.provider and provider_urn(state.provider) in lost else state.provider,
        dependencies=tuple(urn for urn in state.dependencies if urn not in lost),
        property_dependencies={
            name: kept
            for name, urns in state.property_dependencies.items()
            if (kept := tuple(urn for urn in urns if urn not in lost))
        },
        options=options,
    )

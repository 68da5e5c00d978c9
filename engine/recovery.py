"""Settles what an interrupted run left behind: each pending operation becomes a fact again.

A create is looked up by its marker (`find`): found, and its object belongs to us; or it never happened. An update or a
delete is settled by reading the object. Nothing is guessed: a create that its provider cannot look up stops the run and
says what to do (house rule 3). Settling writes the record, never the cloud.

`settle` only works out the facts; `deployment` decides when, and in a preview shows them without writing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from engine.core import exchange, results
from engine.core.contract import Provider, ReadResult
from engine.core.errors import InputError
from engine.core.model import (
    Drop,
    PendingKind,
    PendingOperation,
    Put,
    ResourceState,
    Snapshot,
    Write,
    in_dependency_order,
    provider_urn,
)
from engine.core.plan import Op, Step
from engine.core.values import reveal

T = TypeVar("T")
Ask = Callable[[Step, float, Callable[[], T]], T]


@dataclass(frozen=True, slots=True)
class Fact:
    """A pending operation as it turned out: what to write, and one sentence for the person."""

    operation: PendingOperation
    writes: tuple[Write, ...]
    outcome: str


def settle(
    snapshot: Snapshot,
    provider_of: Callable[[ResourceState], Provider],
    ask: Callable[[Step, float, Callable[[], Any]], Any],
    new_key: Callable[[], int],
    now: str,
    forget_creates: bool = False,
) -> list[Fact]:
    """The facts behind all pending operations. Raises the errors of providers that cannot be asked.

    `forget_creates`: take a create that cannot be looked up as never happened (`--clear-pending-creates`).
    """
    return [
        _settle(operation, snapshot, provider_of, ask, new_key, now, forget_creates) for operation in snapshot.pending
    ]


def _settle(
    operation: PendingOperation,
    snapshot: Snapshot,
    provider_of: Callable[[ResourceState], Provider],
    ask: Callable[[Step, float, Callable[[], Any]], Any],
    new_key: Callable[[], int],
    now: str,
    forget_creates: bool,
) -> Fact:
    state, recorded = operation.resource, snapshot.by_urn
    if operation.kind in (PendingKind.READING, PendingKind.IMPORTING):
        return Fact(operation, (), "it only read, so nothing is left of it")
    provider = provider_of(state)
    if operation.kind is PendingKind.CREATING:
        return _settle_create(operation, snapshot, provider, ask, new_key, now, forget_creates)
    step = Step(op=Op.READ, urn=state.urn, new=state)
    seen: ReadResult = ask(
        step, state.options.custom_timeouts.read, lambda: provider.read(state.id, dict(reveal(state.outputs)))
    )
    row = recorded.get(state.urn)
    if not seen.id:
        return Fact(operation, _gone(state, snapshot), f"the object {state.id} is gone")
    if operation.kind is PendingKind.DELETING or row is None:
        return Fact(operation, (), f"the object {state.id} is still there")
    outputs, inputs = exchange.observed(seen, row)
    return Fact(
        operation,
        (Put(row.but(outputs=outputs, inputs=inputs, modified=now)),),
        f"the object {state.id} was read again; whatever is missing of the update comes next",
    )


def _gone(state: ResourceState, snapshot: Snapshot) -> tuple[Write, ...]:
    """What to write when the object of a row is gone; what others still need waits for its successor."""
    live = snapshot.by_urn.get(state.urn)
    row = next((row for row in snapshot.resources if row.key == state.key), live)
    if row is None:
        return ()
    needed = any(row.urn in other.needs() for other in snapshot.resources if other.urn != row.urn)
    return (Put(row.but(pending_replacement=True)),) if row is live and needed else (Drop(row.key, row.urn),)


def _settle_create(
    operation: PendingOperation,
    snapshot: Snapshot,
    provider: Provider,
    ask: Callable[[Step, float, Callable[[], Any]], Any],
    new_key: Callable[[], int],
    now: str,
    forget: bool,
) -> Fact:
    state = operation.resource
    find = getattr(provider, "find", None)
    if find is None:
        if forget:
            return Fact(operation, (), "taken as never created, as you asked")
        raise InputError(
            "an interrupted run may or may not have created this object, and its provider cannot look it up",
            urn=state.urn,
            why="Creating it again could leave two of them; forgetting it could leave one that nobody knows of.",
            remedy="look in the cloud: if it exists, `workstead import` it or delete it there; "
            "then run again with --clear-pending-creates",
            reference="pending-create",
        )
    step = Step(op=Op.READ, urn=state.urn, new=state)
    found: ReadResult = ask(step, state.options.custom_timeouts.read, lambda: find(dict(reveal(state.inputs))))
    if not found.id or _known(found.id, state, snapshot):
        return Fact(operation, (), "it had not been created")
    old = snapshot.by_urn.get(state.urn)
    op = Op.CREATE if old is None else Op.CREATE_REPLACEMENT
    made = results.created(
        Step(op=op, urn=state.urn, old=old, new=state.but(key=0)), found.id, found.outs, new_key(), now
    )
    writes = results.writes(Step(op=op, urn=state.urn, old=old, new=made), made)
    return Fact(operation, writes, f"it had been created, as {found.id}, and is ours")


def _known(id_: str, state: ResourceState, snapshot: Snapshot) -> bool:
    """Is the object that was found one that the record has already, under this URN or another?"""
    return any(
        row.id == id_
        and row.type == state.type
        and provider_urn(row.provider) == provider_urn(state.provider)
        and not row.pending_replacement
        for row in snapshot.resources
        if row.provider
    )


def in_record(snapshot: Snapshot, facts: Sequence[Fact]) -> Snapshot:
    """The snapshot as it will be once the facts are written: for previews, which write nothing."""
    rows = {state.key: state for state in snapshot.resources}
    for fact in facts:
        for write in fact.writes:
            if isinstance(write, Put):
                rows[write.state.key] = write.state
            else:
                rows.pop(write.key, None)
    return Snapshot(in_dependency_order(rows.values()), (), snapshot.lineage, snapshot.serial, snapshot.extra)

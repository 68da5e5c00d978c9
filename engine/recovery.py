"""Settles what an interrupted run left behind: each pending operation becomes a fact again.

A create is looked up by its marker (`find`): found, and its object belongs to us; or it never happened. An update or a
delete is settled by reading the object, which waits for a deletion that is under way. Nothing is guessed: a create that
its provider cannot look up stops the run and names the objects it may have made (house rule 3). Settling writes the
record, never the cloud.

What was sent before the death may have its effect after it, and a cloud may show it later still. So recovery first lets
the `lag` of the types concerned pass (`waiting_time`), and only then looks, once: after that, what cannot be seen never
happened, and what can be seen stays. Should a create arrive even later, the next one of its name is refused by the
cloud, and `SecondLook` finds whose object is in the way.

`settle` only works out the facts; `engine.settling` decides when, and in a preview shows them without writing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from engine.core import exchange, results
from engine.core.contract import CreateResult, Found, PartialFailure, Provider, ReadResult
from engine.core.errors import CloudError, InputError, WorksteadError
from engine.core.model import (
    Drop,
    PendingKind,
    PendingOperation,
    Put,
    ResourceState,
    Snapshot,
    Write,
    in_dependency_order,
    urn_name,
)
from engine.core.plan import Op, Step
from engine.core.values import Properties, reveal

T = TypeVar("T")
Ask = Callable[[Step, float, Callable[[], T]], T]

_ONLY_LOOKED = frozenset({PendingKind.READING, PendingKind.IMPORTING})


@dataclass(frozen=True, slots=True)
class Fact:
    """A pending operation as it turned out: what to write, and one sentence for the person.

    `missed`: a create that was looked for and not found.
    """

    operation: PendingOperation
    writes: tuple[Write, ...]
    outcome: str
    missed: bool = False


def waiting_time(snapshot: Snapshot, provider_of: Callable[[ResourceState], Provider]) -> float:
    """Seconds until everything that was sent for the pending operations has had its effect, and can be seen."""
    lags = [
        lag() if (lag := getattr(provider_of(operation.resource), "lag", None)) else 0.0
        for operation in snapshot.pending
        if operation.kind not in _ONLY_LOOKED
    ]
    return max(lags, default=0.0)


def settle(
    snapshot: Snapshot,
    provider_of: Callable[[ResourceState], Provider],
    ask: Callable[[Step, float, Callable[[], Any]], Any],
    new_key: Callable[[], int],
    now: str,
    forget_creates: bool = False,
    leave_unfindable: bool = False,
) -> list[Fact]:
    """The facts behind all pending operations. Raises the errors of providers that cannot be asked.

    Of a create that cannot be looked up there is no fact: InputError with the objects it may have made. With
    `forget_creates` it is taken as never happened (`--clear-pending-creates`), with `leave_unfindable` left pending.
    """
    facts: list[Fact] = []
    for operation in snapshot.pending:
        provider = None if operation.kind in _ONLY_LOOKED else provider_of(operation.resource)
        if leave_unfindable and provider is not None and operation.kind is PendingKind.CREATING and _blind(provider):
            continue
        facts.append(_settle(operation, snapshot, provider, ask, new_key, now, forget_creates))
        # What one of them has turned out to be is nobody else's.
        snapshot = in_record(snapshot, facts[-1:]) if facts[-1].writes else snapshot
    return facts


def _settle(
    operation: PendingOperation,
    snapshot: Snapshot,
    provider: Provider | None,
    ask: Callable[[Step, float, Callable[[], Any]], Any],
    new_key: Callable[[], int],
    now: str,
    forget_creates: bool,
) -> Fact:
    state, recorded = operation.resource, snapshot.by_urn
    if provider is None:
        return Fact(operation, (), "it only read, so nothing is left of it")
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
    step = Step(op=Op.READ, urn=state.urn, new=state)
    if _blind(provider):
        if forget:
            return Fact(operation, (), "taken as never created, as you asked")
        raise _unfindable(state, ask(step, state.options.custom_timeouts.read, lambda: _strangers(provider, snapshot)))
    find: Callable[[dict[str, Any]], ReadResult] = provider.find  # type: ignore[attr-defined]
    found: ReadResult = ask(step, state.options.custom_timeouts.read, lambda: find(dict(reveal(state.inputs))))
    if not found.id or known(found.id, state, snapshot.resources):
        return Fact(operation, (), "it had not been created", missed=True)
    old = snapshot.by_urn.get(state.urn)
    op = Op.CREATE if old is None else Op.CREATE_REPLACEMENT
    made = results.created(
        Step(op=op, urn=state.urn, old=old, new=state.but(key=0)), found.id, found.outs, new_key(), now
    )
    writes = results.writes(Step(op=op, urn=state.urn, old=old, new=made), made)
    marker = getattr(provider, "marker", "")
    how = f" (found by {marker})" if marker else ""
    return Fact(operation, writes, f"it had been created, as {found.id}{how}, and is ours")


def _blind(provider: Provider) -> bool:
    """Can it not look for what an interrupted create may have made?"""
    return getattr(provider, "find", None) is None


def _strangers(provider: Provider, snapshot: Snapshot) -> list[Found] | None:
    """The objects of a type that no row of the record stands for; None when the provider cannot list them."""
    listed: Callable[[], Iterable[Found]] | None = getattr(provider, "list", None)
    if listed is None:
        return None
    known = {row.id for row in snapshot.resources if not row.pending_replacement}
    return [found for found in listed() if found.id not in known]


def _unfindable(state: ResourceState, strangers: list[Found] | None) -> InputError:
    """The question to the person: which of these is it, if any?"""
    why = "Creating it again could leave two of them; forgetting it could leave one that nobody knows of."
    if strangers:
        called = reveal(state.inputs).get("name")
        alike = sorted(strangers, key=lambda found: found.name not in (called, urn_name(state.urn)))
        named = [f"{found.id} ({found.name})" if found.name else found.id for found in alike[:_CANDIDATES]]
        more = f" and {len(alike) - _CANDIDATES} more" if len(alike) > _CANDIDATES else ""
        why += f" It may be one of these, which this stack does not know: {', '.join(named)}{more}."
    elif strangers is not None:
        why += " There is no object of its type just now that this stack does not know."
    take = f"`workstead import {state.type} {urn_name(state.urn)} ID`"
    return InputError(
        "an interrupted run may or may not have created this object, and its provider cannot look it up",
        urn=state.urn,
        why=why,
        remedy=f"look in the cloud: if it exists, take it over with {take}; "
        "if it does not, or you have deleted it there, run again with --clear-pending-creates",
        reference="pending-create",
    )


_CANDIDATES = 10
"""How many objects an error names."""


class SecondLook:
    """The provider of a resource whose interrupted create was looked for and not found.

    Should its object have come into being only after that, the next create of it is refused. Then what is in the way is
    looked for again, and taken if it is ours: it is what the interrupted create asked for, and no row stands for it.
    """

    def __init__(self, provider: Any, known: Callable[[str], bool]) -> None:
        self._provider = provider
        self._known = known

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create it, or take what the interrupted create made after all, changed to what is asked for now."""
        try:
            return self._provider.create(props)
        except PartialFailure:
            raise
        except CloudError as error:
            if error.uncertain:
                raise
            found: ReadResult = self._provider.find(dict(props))
            if not found.id or self._known(found.id):
                raise
            change = self._provider.diff(found.id, dict(found.outs), dict(props))
            if change.replaces:
                raise
            return CreateResult(found.id, self._finished(found, props) if change.changes is not False else found.outs)

    def _finished(self, found: ReadResult, props: Properties) -> dict[str, Any]:
        try:
            return self._provider.update(found.id, dict(found.outs), dict(props)).outs
        except PartialFailure:
            raise
        except WorksteadError as error:
            raise PartialFailure(
                f"it had been created before, as {found.id}, and could not be changed: {error.summary}",
                id=found.id,
                outs=found.outs,
                uncertain=isinstance(error, CloudError) and error.uncertain,
                why=error.why,
                remedy=error.remedy,
            ) from error


def known(id_: str, state: ResourceState, rows: Iterable[ResourceState]) -> bool:
    """Does one of these rows stand for the object already, under this URN or another?"""
    return any(row.provider and row.stands_for(id_, state.type, state.provider) for row in rows)


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

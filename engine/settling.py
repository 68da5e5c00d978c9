"""Settles the record before a run builds on it: asks `recovery` for the facts, tells them, writes them.

A preview holds no lease, so it only looks, waits for nothing that may be under way, and writes nothing.

Left to others: what the facts are (`recovery`), why they are looked for again later (`Run.missed`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from engine import recovery
from engine.core import events
from engine.core.contract import CALL, Provider
from engine.core.errors import Diagnostic, Severity
from engine.core.model import ResourceState, Snapshot
from engine.core.plan import Op, Step
from engine.patience import PatientLease
from engine.run import Run


def settled(run: Run, importing: bool = False) -> Snapshot:
    """The record with every pending operation of an interrupted run settled and written.

    `importing`: a create that cannot be looked up may be what is imported, and is left as it is.
    """
    snapshot = run.tenure.load()
    if not snapshot.pending:
        return snapshot
    facts = settle(run, snapshot, run.tenure.journal, importing)
    if facts:
        with run.tenure.recording("recover") as ended:
            for fact in facts:
                run.tenure.journal.end(fact.operation.token, fact.writes)
            ended("succeeded")
    return run.tenure.load()


def settle(run: Run, snapshot: Snapshot, journal: PatientLease | None, importing: bool = False) -> list[recovery.Fact]:
    """The facts behind what is pending, told to the person. A preview does not wait for what may be under way."""
    if not snapshot.pending:
        return []
    planner = run.planner(snapshot, preview=journal is None)
    keys = iter(range(-1, -len(snapshot.pending) - 1, -1))
    caller, numbers = run.caller(), itertools.count()

    def provider_of(state: ResourceState) -> Provider:
        return planner.provider_of(state.type, state.inputs, state.provider)

    with run.previewing(caller) as executor:

        def ask(step: Step, limit: float, call: Callable[[], Any]) -> Any:
            return executor.call(("settle", next(numbers)), lambda: caller.ask(step, limit, call)).wait()

        seconds = recovery.waiting_time(snapshot, provider_of) if journal is not None else 0.0
        if seconds:
            waiting = f"Waiting {seconds:g} s for what the interrupted run sent last."
            run.telling.told(Diagnostic(Severity.INFO, waiting))
            state = snapshot.pending[0].resource
            ask(Step(op=Op.READ, urn=state.urn, new=state), 0, lambda: CALL.get().pause(seconds))
        facts = recovery.settle(
            snapshot,
            provider_of,
            ask,
            journal.new_key if journal else lambda: next(keys),
            run.clock.stamp(),
            run.choices.clear_pending_creates,
            importing,
        )
    for fact in facts:
        operation = fact.operation
        run.telling.emit(events.Settled(operation.resource.urn, operation.kind, fact.outcome, run.clock.epoch()))
    run.missed = frozenset(fact.operation.resource.urn for fact in facts if fact.missed)
    return facts

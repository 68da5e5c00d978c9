"""Looks at every object of a stack, and corrects the record by what it sees.

All objects are read at once, as many as the executor runs; the steps come in the record's order all the same.

Left to others: what a look means (`core.refresh`); the looks that a program's goals need (`answers`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from engine.caller import Caller
from engine.core import events, refresh
from engine.core.contract import CALL, Provider, ReadResult
from engine.core.errors import CancelledError, StepFailedError
from engine.core.model import ResourceState, Snapshot
from engine.core.plan import Op, Step, count
from engine.core.planner import Planner
from engine.core.values import reveal
from engine.promise import Promise
from engine.run import Run


def observe(run: Run, snapshot: Snapshot) -> tuple[tuple[Step, ...], Snapshot]:
    """(what a look at every object means, the snapshot as it will be)."""
    planner = run.planner(snapshot, preview=True)
    caller = run.caller()
    with run.previewing(caller) as executor:
        looks = [
            executor.call(state.key, _observation(run, state, planner, caller))
            for state in snapshot.resources
            if refresh.observable(state)
        ]
        steps = _results(looks)
    return steps, refresh.repaired(snapshot, steps)


def _observation(run: Run, state: ResourceState, planner: Planner, caller: Caller) -> Callable[[], Step]:
    def look() -> Step:
        provider = planner.provider_of(state.type, state.outputs or state.inputs, state.provider)
        asking = Step(op=Op.REFRESH, urn=state.urn, old=state, new=state)
        run.telling.emit(events.StepBegan(asking, run.clock.epoch(), preview=True))
        young = _unseen_for(state, provider, run.clock.epoch())

        def read() -> ReadResult:
            if young:
                CALL.get().pause(young, "waiting until what was changed last can be seen")
            return provider.read(state.id, dict(reveal(state.outputs)))

        seen = caller.ask(asking, state.options.custom_timeouts.read, read)
        step = refresh.observed(state, seen, provider)
        run.telling.emit(events.StepEnded(step, run.clock.epoch(), preview=True))
        return step

    return look


def refreshed(run: Run, snapshot: Snapshot) -> Snapshot:
    """The record, corrected by a look at every object."""
    with run.telling.of("refresh", preview=False):
        steps, _ = observe(run, snapshot)
        write_observed(run, snapshot, steps)
        run.telling.counts = count(steps)
    return run.tenure.load()


def write_observed(run: Run, snapshot: Snapshot, steps: tuple[Step, ...]) -> None:
    """Correct the record by what was observed."""
    writes = refresh.corrections(snapshot, refresh.repaired(snapshot, steps), run.clock.stamp())
    with run.tenure.recording("refresh") as ended:
        if writes:
            run.tenure.journal.end(None, writes)
        run.telling.done += [step for step in steps if step.op is not Op.SAME]
        ended("succeeded")


def _unseen_for(state: ResourceState, provider: Provider, now: float) -> float:
    """Seconds (`now` is since the epoch) until a look can be believed: what was just changed may not show yet."""
    lag = getattr(provider, "lag", None)
    if lag is None or not state.modified:
        return 0.0
    age = now - datetime.fromisoformat(state.modified).timestamp()
    return min(max(lag() - age, 0.0), lag())


def _results(promises: list[Promise[Any]]) -> tuple[Any, ...]:
    """The results in order. Raises the first real error, not an echo of it: what was not started, or given up."""
    echo: StepFailedError | CancelledError | None = None
    found: list[Any] = []
    for promise in promises:
        try:
            found.append(promise.wait())
        except (StepFailedError, CancelledError) as error:
            echo = error
    if echo is not None:
        raise echo
    return tuple(found)

"""The work an executor is given: a call, a change of the record, or the chain of steps of one resource.

A chain knows what each of its steps asks of its provider, and which state an answer leaves; it makes no call, writes
nothing and asks no clock, so all of that can be read without thinking of threads.

Left to others: when a piece of work is done, and by whom (`executor`); what the states look like (`core.results`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any

from engine.core import results
from engine.core.contract import PartialFailure, Provider
from engine.core.model import ResourceState, Write, is_provider_type
from engine.core.plan import Op, Step
from engine.core.values import reveal
from engine.promise import Promise


class Work:
    """One piece of work under a name: a call, a write, or a chain of steps."""

    __slots__ = ("name", "promise")

    def __init__(self, name: Hashable, promise: Promise[Any]) -> None:
        self.name = name
        self.promise = promise


class Call(Work):
    """A call that leaves record and cloud as they are: a look, an observation."""

    __slots__ = ("call",)

    def __init__(self, name: Hashable, promise: Promise[Any], call: Callable[[], Any]) -> None:
        super().__init__(name, promise)
        self.call = call


class Record(Work):
    """A change of the record that no call stands behind."""

    __slots__ = ("writes",)

    def __init__(self, name: Hashable, promise: Promise[Any], writes: tuple[Write, ...]) -> None:
        super().__init__(name, promise)
        self.writes = writes


class Chain(Work):
    """The steps of one resource, done one after the other."""

    __slots__ = ("key", "left", "state", "step", "token")

    def __init__(self, name: Hashable, promise: Promise[Any], steps: Sequence[Step]) -> None:
        super().__init__(name, promise)
        self.left = list(steps)
        self.step: Step = steps[0]
        self.state: ResourceState | None = None
        self.token: int | None = None
        self.key = 0

    def take_up(self) -> Step:
        """Go on to the next step, as it is once the one before it has ended."""
        self.step = _following(self.left.pop(0), self.state)
        self.token = None
        return self.step

    @property
    def makes_a_row(self) -> bool:
        """Does the step need a row number that nobody has used?"""
        return self.step.op.creates and not (self.step.new and self.step.new.key)

    def begun(self) -> ResourceState:
        """What a pending operation holds: the resource as it will be; of a delete, as it is."""
        state = self.step.old if self.step.op.deletes else self.step.new
        assert state is not None
        return state

    def without_call(self, new_id: Callable[[], str], now: str) -> ResourceState | None:
        """The state a step leaves that calls nobody; `new_id` gives the IDs of provider resources."""
        step = self.step
        new = step.new
        if step.op in (Op.CREATE, Op.CREATE_REPLACEMENT):
            assert new is not None
            return results.created(step, new_id() if is_provider_type(new.type) else "", None, self.key, now)
        if new is None or step.op in (Op.SAME, Op.REPLACE):
            return new
        return new.but(key=self.key or new.key, created=new.created or now, modified=now)

    def call(self) -> tuple[Callable[[Provider], Any], float]:
        """(the step's call, its time limit in seconds; 0: the provider's own)."""
        step, state = self.step, self.begun()
        limits, inputs = state.options.custom_timeouts, dict(reveal(state.inputs))
        if step.op.deletes:
            recorded = dict(reveal(state.outputs))
            return lambda provider: provider.delete(state.id, recorded), limits.delete
        if step.op is Op.UPDATE:
            assert step.old is not None
            recorded, id_ = dict(reveal(step.old.outputs)), step.old.id
            return lambda provider: provider.update(id_, recorded, inputs), limits.update
        return lambda provider: provider.create(inputs), limits.create

    def state_after(self, answer: Any, now: str) -> ResourceState | None:
        """The state that the provider's answer leaves."""
        step = self.step
        if step.op.deletes:
            return step.new
        if step.op is Op.UPDATE:
            return results.updated(step, answer.outs, now)
        return results.created(step, answer.id, answer.outs, self.key, now)

    def left_unfinished(self, failure: PartialFailure, now: str) -> ResourceState:
        """The state that a call leaves which got only part of the way. Raises where its object has no ID."""
        if self.step.op is Op.UPDATE:
            return results.partly_updated(self.step, failure, now)
        return results.partly_created(self.step, failure, self.key, now)


def _following(step: Step, before: ResourceState | None) -> Step:
    """A step as it is once the one before it in its chain has ended with `before`.

    A replace stands for what its create step made. An update straight after an import starts from the imported row,
    which has its key only now.
    """
    if step.op is Op.REPLACE and before is not None:
        return replace(step, new=before)
    if step.op is Op.UPDATE and before is not None and step.new is not None:
        return replace(step, old=before, new=step.new.but(id=before.id, key=before.key, created=before.created))
    return step

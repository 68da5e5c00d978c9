"""What a run tells its watchers.

Facts, in the order they became true. A watcher is any callable that takes an event; it returns nothing and cannot stop,
steer or save (house rule 7). Times are seconds since the epoch, given by whoever emits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.core.errors import Diagnostic
from engine.core.plan import Op, Plan, Step


@dataclass(frozen=True, slots=True)
class Began:
    """A run of one operation on one stack begins; `config` values are masked."""

    operation: str
    stack: str
    project: str
    preview: bool
    time: float
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of the work ahead: the graph of URNs the record knows, for a tree that stands still."""

    parents: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StepBegan:
    """A step starts; in a preview it is also all that happens before its `StepEnded`."""

    step: Step
    time: float
    preview: bool = False


@dataclass(frozen=True, slots=True)
class StepProgressed:
    """The provider reports: `Pending, 40 s`."""

    step: Step
    text: str
    time: float


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step is done and recorded; `step.new` has the real outputs (in a preview, the predicted ones)."""

    step: Step
    time: float
    preview: bool = False


@dataclass(frozen=True, slots=True)
class StepFailed:
    """A step failed; its resource stays as it was, or unfinished when `recorded`."""

    step: Step
    problem: Diagnostic
    time: float
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class StepSkipped:
    """A step was not started because of another one, or because the run stopped (`cause` empty)."""

    step: Step
    cause: str
    time: float


@dataclass(frozen=True, slots=True)
class Settled:
    """A pending operation of an interrupted run became a fact again. `outcome` is one sentence."""

    urn: str
    kind: str
    outcome: str
    time: float


@dataclass(frozen=True, slots=True)
class Told:
    """A message for the person: from the program, the SDK, a provider, or the engine."""

    problem: Diagnostic
    time: float


@dataclass(frozen=True, slots=True)
class OutputsKnown:
    """The stack's outputs, recorded before and now."""

    old: Mapping[str, Any]
    new: Mapping[str, Any]
    time: float


@dataclass(frozen=True, slots=True)
class Planned:
    """A preview has ended with this plan."""

    plan: Plan
    time: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The run is over. `result`: succeeded, failed or cancelled."""

    operation: str
    preview: bool
    result: str
    counts: Mapping[Op, int]
    seconds: float
    time: float


Event = (
    Began
    | Expected
    | StepBegan
    | StepProgressed
    | StepEnded
    | StepFailed
    | StepSkipped
    | Settled
    | Told
    | OutputsKnown
    | Planned
    | Ended
)
Watcher = Callable[[Event], None]

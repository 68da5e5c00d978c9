"""A plan: which step each resource needs, and why. Data, and questions about it; nothing here decides or acts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from engine.core.diff import Change
from engine.core.errors import Diagnostic, ProgramError, RecordError
from engine.core.model import Goal, ResourceState, is_provider_type
from engine.core.values import ResourceReference, Secret, Unknown, equal, has_unknown


class Op(StrEnum):
    """What a step does; Pulumi's words (spec section 10.1)."""

    SAME = "same"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    REPLACE = "replace"
    CREATE_REPLACEMENT = "create-replacement"
    DELETE_REPLACED = "delete-replaced"
    READ = "read"
    READ_REPLACEMENT = "read-replacement"
    REFRESH = "refresh"
    DISCARD = "discard"
    DISCARD_REPLACED = "discard-replaced"
    REMOVE_PENDING_REPLACE = "remove-pending-replace"
    IMPORT = "import"
    IMPORT_REPLACEMENT = "import-replacement"

    @property
    def calls_cloud(self) -> bool:
        """Can this op change or read something in a cloud?"""
        return self in _CLOUD_OPS

    @property
    def creates(self) -> bool:
        """Does it bring a new object into being, or into the record?"""
        return self in _CREATING

    @property
    def deletes(self) -> bool:
        """Does it end an object, or its record?"""
        return self in _DELETING


_CREATING = frozenset(
    {Op.CREATE, Op.CREATE_REPLACEMENT, Op.READ, Op.READ_REPLACEMENT, Op.IMPORT, Op.IMPORT_REPLACEMENT}
)
_DELETING = frozenset({Op.DELETE, Op.DELETE_REPLACED, Op.DISCARD, Op.DISCARD_REPLACED, Op.REMOVE_PENDING_REPLACE})
_CLOUD_OPS = (_CREATING | _DELETING | {Op.UPDATE, Op.REFRESH}) - {
    Op.DISCARD,
    Op.DISCARD_REPLACED,
    Op.REMOVE_PENDING_REPLACE,
}


class Why(StrEnum):
    """The kinds of reasons a step can have."""

    UNCHANGED = "unchanged"
    NEW = "new"
    CHANGED = "changed"
    NOT_DECLARED = "not-declared"
    DESTROY = "destroy"
    REPLACED = "replaced"
    PROPERTY_REPLACES = "property-replaces"
    TAINTED = "tainted"
    PROVIDER_CHANGED = "provider-changed"
    TRIGGER = "trigger"
    REPLACED_WITH = "replaced-with"
    DELETED_WITH = "deleted-with"
    DEPENDENCY_REPLACED = "dependency-replaced"
    PENDING_DELETE = "pending-delete"
    PENDING_REPLACEMENT = "pending-replacement"
    TAKEN_BACK = "taken-back"
    UNFINISHED = "unfinished"
    IMPORT = "import"
    READ = "read"
    BECOMES_MANAGED = "becomes-managed"
    BECOMES_EXTERNAL = "becomes-external"
    DRIFT = "drift"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a step was chosen: the kind, the properties and resources that caused it, the provider's own words."""

    why: Why
    properties: tuple[str, ...] = ()
    urns: tuple[str, ...] = ()
    note: str = ""


UNCHANGED = Reason(Why.UNCHANGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One op on one URN, with its before and after.

    `new` holds what the state will be, unknown outputs included. `changes` is the detailed diff, `from_inputs` whether
    its paths are the inputs' or the outputs'. `logical` is False for steps that only carry out another one.
    """

    op: Op
    urn: str
    old: ResourceState | None = None
    new: ResourceState | None = None
    reason: Reason = UNCHANGED
    changes: tuple[Change, ...] = ()
    replace_keys: tuple[str, ...] = ()
    from_inputs: bool = True
    logical: bool = True

    @property
    def state(self) -> ResourceState:
        """The state the step ends with, or for a delete the one it starts from."""
        state = self.new or self.old
        assert state is not None
        return state

    @property
    def type(self) -> str:
        """The resource's type token."""
        return self.state.type

    @property
    def internal(self) -> bool:
        """Default providers: not shown and not counted (spec section 8.1)."""
        name = self.state.name
        return is_provider_type(self.type) and not self.state.parent and name.split("_", 1)[0] == "default"


@dataclass(frozen=True)
class Plan:
    """Every step of a deployment in the order they were decided, tied to the serial of the snapshot it came from."""

    steps: tuple[Step, ...]
    serial: int = 0
    goals: Mapping[str, Goal] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def counts(self) -> Mapping[Op, int]:
        """How many resources each op touches; a replacement counts once (spec section 14)."""
        return count(self.steps)

    @property
    def has_changes(self) -> bool:
        """Would carrying it out change anything in a cloud, or what the record says about it?"""
        return any(step.op is not Op.SAME and step.op is not Op.READ for step in self.steps if not step.internal)

    @cached_property
    def _by_urn(self) -> Mapping[str, tuple[Step, ...]]:
        found: dict[str, list[Step]] = {}
        for step in self.steps:
            found.setdefault(step.urn, []).append(step)
        return {urn: tuple(steps) for urn, steps in found.items()}

    def of(self, urn: str) -> tuple[Step, ...]:
        """The steps of one resource."""
        return self._by_urn.get(urn, ())

    def announces(self, step: Step) -> bool:
        """Does the plan have a step of this op for this resource?"""
        return any(planned.op is step.op for planned in self.of(step.urn))

    def require_serial(self, serial: int) -> None:
        """Raises RecordError when the record has moved on since the plan was made."""
        if serial != self.serial:
            raise RecordError(
                f"the plan was made from version {self.serial} of the record, which is now at {serial}",
                why="Another run changed the stack in between, so the plan may no longer be true.",
                remedy="look at a fresh plan and confirm that one",
                reference="plan-stale",
            )


# Which ops may stand in for a planned one: the unknowns of a plan can turn out to need less (spec section 11.5).
_WEAKER: Mapping[Op, frozenset[Op]] = {
    Op.CREATE: frozenset({Op.SAME}),
    Op.UPDATE: frozenset({Op.SAME}),
    Op.REPLACE: frozenset({Op.SAME, Op.UPDATE}),
    Op.CREATE_REPLACEMENT: frozenset({Op.SAME, Op.UPDATE, Op.IMPORT_REPLACEMENT}),
    Op.DELETE_REPLACED: frozenset({Op.SAME, Op.UPDATE}),
}


def breach(plan: Plan, goal: Goal, steps: Iterable[Step]) -> str:
    """How a goal and its steps break the plan's promise, as a sentence; empty when they keep it.

    What the plan knows must arrive exactly so; an unknown may become any value, and a step may turn out weaker.
    """
    promised = plan.goals.get(goal.urn)
    ops = [step.op for step in steps]
    if promised is None:
        if all(op is Op.SAME for op in ops):
            return ""
        return f"the plan does not have this resource, and now it would be {ops[0]}"
    for name in [*promised.inputs, *(name for name in goal.inputs if name not in promised.inputs)]:
        if not _fits(promised.inputs.get(name), goal.inputs.get(name)):
            return f"its input {name} is not what the plan shows"
    planned = {step.op for step in plan.of(goal.urn)}
    allowed = planned.union(*(_WEAKER.get(op, frozenset()) for op in planned))
    if promised.adopt and has_unknown(promised.inputs):
        allowed |= {Op.IMPORT, Op.UPDATE}  # what the plan's note said: adopted, if it is there once that is known
    for step in steps:
        if step.urn == goal.urn and step.op not in allowed:
            return f"the plan says {', '.join(sorted(planned)) or 'nothing'}, and now it would be {step.op}"
    return ""


def unkept(plan: Plan, registered: Container[str], leftovers: Iterable[Step]) -> tuple[str, str] | None:
    """(URN, how) the end of a program breaks the plan's promise: something never came, or would go unannounced."""
    for urn in plan.goals:
        if urn not in registered:
            return urn, "the plan has this resource, and now the program does not declare it"
    for step in leftovers:
        if not plan.announces(step):
            return step.urn, f"the plan does not say {step.op}"
    return None


def broken(how: str, urn: str) -> ProgramError:
    """The error of a promise that was not kept."""
    return ProgramError(
        f"the program does not do what its plan says: {how}",
        urn=urn,
        why="Nothing is carried out that was not shown and agreed to. The program, or something it reads, "
        "gave another answer than a moment ago.",
        remedy="run again and look at the new plan; or use --skip-preview to go without one",
        reference="plan-broken",
    )


def _fits(planned: Any, actual: Any) -> bool:
    planned = planned.value if type(planned) is Secret else planned
    actual = actual.value if type(actual) is Secret else actual
    if type(planned) is Unknown:
        return True
    if isinstance(planned, ResourceReference) and isinstance(actual, ResourceReference):
        return planned.urn == actual.urn
    if isinstance(planned, Mapping) and isinstance(actual, Mapping):
        return all(_fits(planned.get(key), actual.get(key)) for key in planned.keys() | actual.keys())
    if isinstance(planned, list) and isinstance(actual, list):
        return len(planned) == len(actual) and all(map(_fits, planned, actual))
    return equal(planned, actual)


_NOT_COUNTED = frozenset(
    {
        Op.CREATE_REPLACEMENT,
        Op.READ_REPLACEMENT,
        Op.IMPORT_REPLACEMENT,
        Op.DELETE_REPLACED,
        Op.DISCARD_REPLACED,
    }
)


def count(steps: Iterable[Step]) -> Mapping[Op, int]:
    """How many resources each op touches. Bookkeeping steps and default providers are left out."""
    counts: Counter[Op] = Counter()
    for step in steps:
        if step.op in _NOT_COUNTED or step.internal:
            continue
        counts[step.op] += 1
    return counts

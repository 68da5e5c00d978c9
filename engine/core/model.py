"""What the engine talks about: URNs, goals, recorded states, pending operations, snapshots.

All of it is values: frozen, and a change is a new value. A `Goal` is what the program asks of one resource; a
`ResourceState` is one resource as recorded, observed or planned; a `Snapshot` is all recorded states of a stack in
dependency order. How they are stored and in which format they travel is the business of `engine.state`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, NamedTuple

from engine.core.errors import Diagnostic, ProgramError, RecordError, Severity
from engine.core.values import Properties

STACK_TYPE: Final = "pulumi:pulumi:Stack"
PROVIDER_TYPE_PREFIX: Final = "pulumi:providers:"
STACK_REFERENCE_TYPE: Final = "pulumi:pulumi:StackReference"
STASH_TYPE: Final = "pulumi:index:Stash"
DYNAMIC_PACKAGE: Final = "pulumi-python"
PROVIDER_KEY: Final = "__provider"

_NOTHING: Final[Mapping[str, Any]] = {}


# --- identity ---------------------------------------------------------------------------------------------------------


class Urn(NamedTuple):
    """The parts of `urn:pulumi:<stack>::<project>::<type chain>::<name>` (spec section 4)."""

    stack: str
    project: str
    chain: str
    name: str

    @property
    def type(self) -> str:
        """The resource's own type token: the last of the chain."""
        return self.chain.rsplit("$", 1)[-1]


def make_urn(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """The URN of a resource under `parent` (a URN, or empty). The root stack is left out of the type chain."""
    chain = type_
    if parent:
        parent_chain = parse_urn(parent).chain
        if parent_chain != STACK_TYPE:
            chain = f"{parent_chain}${type_}"
    return f"urn:pulumi:{stack}::{project}::{chain}::{name}"


def parse_urn(urn: str) -> Urn:
    """The parts of a URN; the name may itself contain `::`. Raises ProgramError for anything else."""
    parts = urn.split("::", 3)
    if len(parts) != 4 or not urn.startswith("urn:pulumi:"):
        raise ProgramError(
            f"{urn!r} is not a URN",
            why="A URN reads urn:pulumi:<stack>::<project>::<type>::<name>.",
            remedy="copy one from `workstead stack export`",
            reference="urn-malformed",
        )
    return Urn(parts[0][len("urn:pulumi:") :], parts[1], parts[2], parts[3])


def urn_name(urn: str) -> str:
    """The resource name in a URN."""
    return urn.split("::", 3)[3]


def package_of(type_: str) -> str:
    """The package of a type token; of a provider's type, the package it provides."""
    if type_.startswith(PROVIDER_TYPE_PREFIX):
        return type_[len(PROVIDER_TYPE_PREFIX) :]
    return type_.split(":", 1)[0]


def is_provider_type(type_: str) -> bool:
    """Is it the type of a provider resource?"""
    return type_.startswith(PROVIDER_TYPE_PREFIX)


def is_default_provider(urn: str) -> bool:
    """Is it the URN of a provider resource that the engine makes itself (spec section 8.1)?"""
    name = urn_name(urn)
    return name == "default" or name.startswith("default_")


def provider_urn(reference: str) -> str:
    """The URN in a provider reference `<urn>::<id>`."""
    return reference.rsplit("::", 1)[0]


def provider_id(reference: str) -> str:
    """The ID in a provider reference `<urn>::<id>`."""
    return reference.rsplit("::", 1)[1]


# --- what a program asks ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The customer's time limits, in seconds; 0 means the provider's own."""

    create: float = 0
    update: float = 0
    delete: float = 0
    read: float = 0

    def __bool__(self) -> bool:
        return bool(self.create or self.update or self.delete or self.read)


@dataclass(frozen=True, slots=True)
class Options:
    """A resource's options that the record keeps (spec section 5). Most resources share `NO_OPTIONS`."""

    protect: bool = False
    retain_on_delete: bool = False
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    custom_timeouts: Timeouts = Timeouts()
    deleted_with: str = ""
    replace_with: tuple[str, ...] = ()
    replacement_trigger: Any = None
    hide_diffs: tuple[str, ...] = ()


NO_OPTIONS: Final = Options()


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What the program asks of one resource: inputs, options, dependencies.

    `read_id` makes it a read (`.get`), `import_id` an import; `adopt` an import of the object that bears the declared
    name, if there is one. `delete_before_replace` None leaves the order of a replacement to the provider.
    """

    urn: str
    type: str
    custom: bool
    inputs: Properties
    parent: str = ""
    provider: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: Options = NO_OPTIONS
    delete_before_replace: bool | None = None
    import_id: str = ""
    read_id: str = ""
    source_position: str = ""
    adopt: bool = False

    @property
    def is_read(self) -> bool:
        """Does the program only look this object up?"""
        return bool(self.read_id)


# --- what is recorded -------------------------------------------------------------------------------------------------


ADOPT_IF_THERE = "urn:pulumi:any::any::workstead:adopt:IfThere::adopt"
"""An alias that no resource ever has: how a program says of one resource what `--adopt` says of all.

Pulumi's engine looks for it in its record, finds nothing and goes on, so such a program runs there unchanged.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceState:
    """One resource: as recorded, as observed, or as planned (spec section 12.2).

    `key` is the record's own name for this row (a URN can have several rows while a replacement is under way); 0
    before the first write. `delete` marks an old object that waits for its delete step, `pending_replacement` one that
    is gone already and waits for its successor. `extra` keeps what other engines wrote and this one does not use.
    """

    urn: str
    type: str
    custom: bool
    id: str = ""
    inputs: Properties = field(default_factory=dict)
    outputs: Properties = field(default_factory=dict)
    parent: str = ""
    provider: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: Options = NO_OPTIONS
    external: bool = False
    delete: bool = False
    pending_replacement: bool = False
    tainted: bool = False
    init_errors: tuple[str, ...] = ()
    import_id: str = ""
    created: str = ""
    modified: str = ""
    source_position: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    key: int = 0

    def but(self, **changes: Any) -> ResourceState:
        """This state with some fields changed."""
        return replace(self, **changes)

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return urn_name(self.urn)

    @property
    def reference(self) -> str:
        """For a provider resource: how its users name it."""
        return f"{self.urn}::{self.id}"

    def stands_for(self, id_: str, type_: str, provider: str) -> bool:
        """Is this the row of the object of that ID, of the resource type and provider? One that is gone has none."""
        return (
            self.id == id_
            and self.type == type_
            and not self.pending_replacement
            and provider_urn(self.provider) == provider_urn(provider)
        )

    def needs(self) -> Iterator[str]:
        """Every URN that must stand earlier in a snapshot: parent, provider, dependencies and the like."""
        if self.parent:
            yield self.parent
        if self.provider:
            yield provider_urn(self.provider)
        yield from self.dependencies
        for urns in self.property_dependencies.values():
            yield from urns
        if self.options.deleted_with:
            yield self.options.deleted_with
        yield from self.options.replace_with


class PendingKind(StrEnum):
    """What an interrupted step was doing (spec section 11.2)."""

    CREATING = "creating"
    UPDATING = "updating"
    DELETING = "deleting"
    READING = "reading"
    IMPORTING = "importing"


@dataclass(frozen=True, slots=True)
class PendingOperation:
    """A begin without an end: we do not know what the cloud did. `token` is the record's name for it."""

    kind: PendingKind
    resource: ResourceState
    token: int = 0
    begun: str = ""


@dataclass(frozen=True, slots=True)
class Put:
    """A change of the record: write a state under its `key`, which must not be 0."""

    state: ResourceState


@dataclass(frozen=True, slots=True)
class Drop:
    """A change of the record: remove the row of that key."""

    key: int
    urn: str


Write = Put | Drop


@dataclass(frozen=True, slots=True)
class Begin:
    """An entry of the record: a provider call is about to be made for this state."""

    kind: PendingKind
    state: ResourceState


@dataclass(frozen=True, slots=True)
class End:
    """An entry of the record: what a step has led to, and that it has ended.

    `token` None: a change of the record that no provider call stood behind.
    """

    token: int | None
    writes: tuple[Write, ...]


Entry = Begin | End


@dataclass(frozen=True)
class Snapshot:
    """All recorded states of a stack, in dependency order, and what an interrupted run left behind.

    `lineage` is a random name given once per stack and `serial` a count of the deployments that wrote it: a plan is
    only good for the serial it was made from. `extra` keeps what another engine wrote about the stack as a whole
    (snippets, extensions, plugin versions) and this one does not use.
    """

    resources: tuple[ResourceState, ...] = ()
    pending: tuple[PendingOperation, ...] = ()
    lineage: str = ""
    serial: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def by_urn(self) -> Mapping[str, ResourceState]:
        """The live state of each URN: not the one that waits for its delete step."""
        return {state.urn: state for state in self.resources if not state.delete}

    @property
    def states(self) -> tuple[ResourceState, ...]:
        """All states in it: the recorded ones and those that pending operations hold."""
        return (*self.resources, *(operation.resource for operation in self.pending))

    def values(self) -> Iterator[Any]:
        """Everything in it that is made of property values."""
        for state in self.states:
            yield from (state.inputs, state.outputs, state.options.replacement_trigger)

    @property
    def root(self) -> ResourceState | None:
        """The root stack's own state, whose outputs are the stack's outputs."""
        return next((state for state in self.resources if state.type == STACK_TYPE and not state.delete), None)

    @property
    def stack_outputs(self) -> Properties:
        """What the program exported last."""
        root = self.root
        return root.outputs if root else _NOTHING


def in_dependency_order(states: Iterable[ResourceState]) -> tuple[ResourceState, ...]:
    """The states so that each stands after what it needs, otherwise in the order given.

    Needs that are not among the states are left for `problems` to find; so are cycles, which no program can record.
    """
    rows = list(states)
    rows_of: dict[str, list[int]] = {}
    for index, state in enumerate(rows):
        rows_of.setdefault(state.urn, []).append(index)
    for several in rows_of.values():
        several.sort(key=lambda index: rows[index].delete)
    placed: list[ResourceState] = []
    done = [False] * len(rows)
    for start in range(len(rows)):
        stack = [(start, _rows_needed(rows[start], rows, rows_of))] if not done[start] else []
        done[start] = True
        while stack:
            index, needed = stack[-1]
            for other in needed:
                if not done[other]:
                    done[other] = True
                    stack.append((other, _rows_needed(rows[other], rows, rows_of)))
                    break
            else:
                placed.append(rows[index])
                stack.pop()
    return tuple(placed)


def _rows_needed(
    state: ResourceState, rows: Sequence[ResourceState], rows_of: Mapping[str, list[int]]
) -> Iterator[int]:
    """The rows that a state must stand after.

    Of a URN with several rows a live state needs the live one. One that waits for its delete stands after all of them,
    so that read backwards it goes before what it was made from; were live states to need such rows, turning a
    dependency round while one is replaced would make a circle.
    """
    for urn in state.needs():
        if urn != state.urn:
            several = rows_of.get(urn, ())
            live = bool(several) and not state.delete and not rows[several[0]].delete
            yield from (other for other in several if not (live and rows[other].delete))


def problems(snapshot: Snapshot) -> list[Diagnostic]:
    """What is wrong with a snapshot (spec section 11.2): empty when it is whole."""
    found: list[Diagnostic] = []
    seen: set[str] = set()
    live: set[str] = set()

    def wrong(state: ResourceState, text: str) -> None:
        found.append(
            Diagnostic(
                Severity.ERROR,
                text,
                urn=state.urn,
                why="A record like this cannot be planned from.",
                remedy="bring back an earlier version with `workstead stack export --version` and `stack import`",
                reference="record-integrity",
            )
        )

    for state in snapshot.resources:
        if not state.urn or not state.type:
            wrong(state, "a recorded resource has no URN or no type")
        if not state.custom and state.id:
            wrong(state, f"a component cannot have an ID, this one has {state.id!r}")
        if not state.delete and state.urn in live:
            wrong(state, "the URN is recorded twice")
        for urn in state.needs():
            excused = state.pending_replacement and state.provider and urn == provider_urn(state.provider)
            if urn not in seen and not excused:
                wrong(state, f"it needs {urn}, which is not recorded before it")
        seen.add(state.urn)
        if not state.delete:
            live.add(state.urn)
    return found


def require_whole(snapshot: Snapshot) -> Snapshot:
    """The snapshot itself. Raises RecordError naming the first problem when it is not whole."""
    found = problems(snapshot)
    if found:
        first = found[0]
        raise RecordError(
            first.summary,
            urn=first.urn,
            why=first.why if len(found) == 1 else f"{first.why} {len(found)} problems in all.",
            remedy=first.remedy,
            reference=first.reference,
        )
    return snapshot

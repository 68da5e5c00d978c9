"""What a provider owes the engine, and what it may ask of it.

The seven methods of `Provider` are those of Pulumi's dynamic providers, names and arguments included, so that a
provider written for one runs under the other (spec section 9.3). `CloudProvider` adds what only this engine uses:
finding an object again after an interrupted create, listing, and predicting outputs. The result classes have the
attributes Pulumi's plugin process reads, plus ours, which it ignores.

Properties arrive plain: no secret marks, and unknowns (in `check`, `diff` and `predict` only) as `Unknown` objects. A
method that calls the cloud may look at `CALL`, the context of the present call: how much time is left, whether the
person has cancelled, and where progress goes.

Left to others: what properties a type has (`providers`), when which method is called (`planner`, `engine.executor`).
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from engine.core.errors import CancelledError, CloudError, DeadlineError
from engine.core.values import Properties


@dataclass(frozen=True, slots=True)
class CheckFailure:
    """One input that cannot be right: where, the rule, what was given, what to do.

    `property` is a property path, `source` the vendor's page or spec section that states the rule. `reason` alone must
    do for Pulumi's CLI, which shows nothing else.
    """

    property: str
    rule: str
    given: str = ""
    remedy: str = ""
    source: str = ""

    @builtins.property
    def reason(self) -> str:
        """Rule, given value and remedy in one line."""
        given = f"; given: {self.given}" if self.given else ""
        remedy = f". To do: {self.remedy}" if self.remedy else ""
        return f"{self.rule}{given}{remedy}"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Completed inputs, what is wrong with them, and what is merely doubtful."""

    inputs: dict[str, Any]
    failures: Sequence[CheckFailure] = ()
    warnings: Sequence[CheckFailure] = ()


@dataclass(frozen=True, slots=True)
class DiffResult:
    """What an update would mean.

    `changes` None: no opinion, the engine compares the inputs. `replaces`: property paths that force a replacement.
    `detailed_diff`: property path → kind (`add`, `update-replace`, …; `core.diff.Kind`). `note` tells a person what
    else happens, such as stopping and starting the object.
    """

    changes: bool | None = None
    replaces: Sequence[str] = ()
    stables: Sequence[str] = ()
    delete_before_replace: bool | None = None
    detailed_diff: Mapping[str, str] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class CreateResult:
    """The new object's ID and outputs."""

    id: str
    outs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What the object looks like now; an empty ID means it does not exist. `inputs` None keeps the recorded ones."""

    id: str = ""
    outs: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] | None = None


GONE = ReadResult()


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """The object's outputs after an update; they replace the recorded ones."""

    outs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """One object of a cloud: what `list` yields."""

    type: str
    id: str
    name: str
    status: str = ""
    outs: Mapping[str, Any] = field(default_factory=dict)


class PartialFailure(CloudError):
    """The object exists, but it is not what was asked for.

    `id` and `outs` are recorded all the same. `tainted`: it cannot be mended, the next plan replaces it; otherwise the
    next up tries an update to finish it. `uncertain`: what failed may still have its effect on the object.
    """

    reference = "partial-failure"

    def __init__(
        self,
        summary: str,
        *,
        id: str,
        outs: Mapping[str, Any],
        tainted: bool = False,
        uncertain: bool = False,
        why: str = "",
        remedy: str = "",
    ) -> None:
        super().__init__(summary, uncertain=uncertain, why=why, remedy=remedy)
        self.id = id
        self.outs = dict(outs)
        self.tainted = tainted


class ConfigReader(Protocol):
    """Settings by key; a key without a namespace is the project's own (spec section 9.2)."""

    def get(self, key: str) -> Any:
        """The value, or None."""
        ...


class ConfigureRequest(Protocol):
    """What `configure` is given."""

    @property
    def config(self) -> ConfigReader:
        """The stack's whole configuration."""
        ...


class Provider(Protocol):
    """Pulumi's dynamic-provider methods. `check` and `diff` decide from their arguments alone: no cloud calls."""

    def configure(self, req: ConfigureRequest) -> None:
        """Called once before the first use."""
        ...

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Complete and validate inputs. `olds`: the recorded inputs, empty for something new."""
        ...

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Compare recorded outputs with checked inputs."""
        ...

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Make the object and wait until it is usable. Raises CloudError or PartialFailure."""
        ...

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What the object looks like now. `props`: the recorded outputs, empty on import.

        One that the cloud is deleting is waited for, until it is gone or its deletion has failed: what `read` says is
        what the next plan is made from.
        """
        ...

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Change the object in place. `olds`: recorded outputs; `news`: checked inputs."""
        ...

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """End the object and wait until it is gone. One that is gone already is success."""
        ...


@runtime_checkable
class CloudProvider(Protocol):
    """What our own types offer beyond Pulumi's methods."""

    marker: str
    """How `find` knows the object of an interrupted create, in the words of a person: "its name", "its tag"."""

    def lag(self) -> float:
        """Seconds within which what was sent has its effect, if ever, and shows in `read`, `find` and `list`."""
        ...

    def predict(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        """The outputs as far as they are known before the call; `id_` empty for a create. Leaves out the rest."""
        ...

    def find(self, props: dict[str, Any]) -> ReadResult:
        """The object an interrupted create of these inputs may have left (by its marker), or `GONE`."""
        ...

    def list(self) -> Iterable[Found]:
        """Every object of this type that the credentials can see."""
        ...


@runtime_checkable
class LocatingProvider(Protocol):
    """What a type offers whose objects can be found by their declared name, so that an existing one can be adopted.

    Unlike `find`, which only knows what this stack's own create left.
    """

    def locate(self, props: dict[str, Any]) -> str:
        """The ID of the object that bears the name in these checked inputs, whoever made it; empty for none.

        One that another stack's marker claims is none. Raises CloudError when it cannot be told which one is meant.
        """
        ...


@dataclass(frozen=True, slots=True)
class CallContext:
    """The present provider call, as its provider may see it.

    `deadline` is a reading of `clock` (seconds), None for no limit; `wait(seconds)` returns early, with True, when the
    run is being cancelled. `expect(seconds)` says that from now on something is under way that cannot be interrupted
    and takes at most so long (None: nothing is); who overruns it is not waited for any more.
    `ensure()` is to be asked before each request: it raises when this process may send none any more, because another
    one has taken the stack over.
    """

    urn: str
    operation: str
    clock: Callable[[], float]
    wait: Callable[[float], bool]
    report: Callable[[str], None]
    deadline: float | None = None
    started: float = 0.0
    expect: Callable[[float | None], None] = lambda seconds: None
    ensure: Callable[[], None] = lambda: None

    def elapsed(self) -> float:
        """Seconds since the call began."""
        return self.clock() - self.started

    def remaining(self) -> float | None:
        """Seconds left, never negative; None for no limit."""
        return None if self.deadline is None else max(0.0, self.deadline - self.clock())

    def with_limit(self, seconds: float) -> CallContext:
        """This call with a limit of its own, if the customer gave none."""
        if self.deadline is not None:
            return self
        return replace(self, deadline=self.started + seconds)

    def pause(self, seconds: float, progress: str = "") -> None:
        """Report progress and wait. Raises DeadlineError when no time is left, CancelledError when the run ends."""
        if progress:
            self.report(f"{progress}, {self.elapsed():.0f} s")
        left = self.remaining()
        if left is None or left > 0:
            if self.wait(seconds if left is None else min(seconds, left)):
                raise CancelledError(
                    f"{self.operation} was interrupted", urn=self.urn, remedy="run the same command again"
                )
            left = self.remaining()
        if left is not None and left <= 0:
            raise DeadlineError(
                f"{self.operation} did not finish within {self.elapsed():.0f} s",
                urn=self.urn,
                why=f"The last thing seen was: {progress or 'nothing yet'}.",
                remedy="look at the object in the cloud's console, then run again, with longer custom_timeouts",
            )


CALL: ContextVar[CallContext] = ContextVar("workstead_call")


@dataclass(frozen=True, slots=True)
class Origin:
    """A resource of the program that a property's value comes from; its inputs as the program gives them, plain."""

    urn: str
    type: str
    inputs: Properties


@dataclass(frozen=True, slots=True)
class CheckContext:
    """The present `check`, as its provider may see it: no cloud, only more of what the program says.

    `urn` is for names that are made up; `origins(property)` are the resources of this run that a top-level property is
    made from, nearest first, for rules between resources. Pulumi's plugin process tells neither.
    """

    urn: str
    origins: Callable[[str], Sequence[Origin]]


CHECK: ContextVar[CheckContext] = ContextVar("workstead_check")


class ProviderSource(Protocol):
    """Finds the provider of a type; the engine's only way to providers."""

    def provider_for(self, type_: str, inputs: Properties, config: Properties, *, explicit: bool = False) -> Provider:
        """The provider of a resource with these (plain) inputs, configured with its package's settings.

        `explicit`: the program made the provider itself, so its settings are what the program says and nothing else.
        Raises ProgramError when nothing here serves the type.
        """
        ...

    def constants(self, type_: str) -> Properties:
        """Inputs that every resource of a type has, whatever the program says (`__provider`); usually none."""
        ...

"""The shape of what a cloud gives the provider suite: sample inputs, changes, mistakes, and a running emulator.

Each cloud has a module `<cloud>_cases.py` here with `open_bench()` (a context manager giving a `Bench`) and `TYPES`.
Inputs are functions of the bench, because most need the ID of something that exists.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from engine.core.contract import CALL, CallContext
from providers import Providers, clouds
from providers.emulation import CloudFile

Tree = dict[str, Any]


@dataclass
class Bench:
    """One cloud's emulator and how to reach it. `needs` holds IDs of things the inputs refer to, made by `prepare`.

    `used`: it is no longer as `reset` left it.
    """

    cloud: str
    file: CloudFile
    settings: Mapping[str, str]
    wrong_credentials: Mapping[str, str]
    prepare: Callable[[Bench], None]
    needs: dict[str, str] = field(default_factory=dict)
    used: bool = True

    def reset(self) -> None:
        """A fresh cloud with what the inputs need, and an empty call log afterwards."""
        self.file.reset()
        self.needs.clear()
        self.prepare(self)

    @contextmanager
    def fresh(self) -> Iterator[Bench]:
        """A fresh cloud for one test, whose switches are put back afterwards."""
        self.reset()
        before = self.file.switches(self.cloud)
        yield self
        for name, value in self.file.switches(self.cloud).items():
            if before[name] != value:
                self.switch(name, before[name])

    def switch(self, name: str, value: str) -> None:
        """Turn one of the emulator's switches."""
        self.file.set_switch(self.cloud, name, value)

    def fault(self, kind: str, operation: str, **parameters: Any) -> None:
        """Plan an unkindness."""
        self.file.add_fault(self.cloud, kind, operation, **parameters)

    def provider(self, type_: str, settings: Mapping[str, str] | None = None) -> Any:
        """A provider of a type, configured for the emulator (or with other settings)."""
        return Providers("test").provider_for(type_, {}, dict(self.settings if settings is None else settings))

    def calls(self, operation: str = "") -> list[dict[str, Any]]:
        """The log of this cloud's calls, of one operation if named."""
        log = [entry for entry in self.file.log() if entry["cloud"] == self.cloud]
        return [entry for entry in log if not operation or entry["operation"] == operation]

    def ids(self, type_: str) -> list[str]:
        """The IDs of a cloud's objects of one of the emulator's types; not of those that only show as deleted."""
        objects = (o for o in self.file.objects() if o["cloud"] == self.cloud and o["type"] == type_)
        return [o["id"] for o in objects if o["status"] != "Deleted"]


Make = Callable[[Bench], Tree]


@dataclass(frozen=True)
class Change:
    """Inputs before and after, and the paths a diff must name; `delete_first` for a replacement."""

    label: str
    before: Make
    after: Make
    paths: frozenset[str]
    delete_first: bool = False


@dataclass(frozen=True)
class Invalid:
    """Wrong inputs and exactly the paths that must be reported."""

    label: str
    inputs: Make
    paths: frozenset[str]


@dataclass(frozen=True)
class Drift:
    """What somebody did to an object in the console, and the paths where it must show."""

    label: str
    damage: Callable[[Bench, str], None]
    paths: frozenset[str]


@dataclass(frozen=True)
class TypeCases:
    """One resource type. `emulated` is the emulator's word for it, `create_operation` that of its create call."""

    type: str
    emulated: str
    create_operation: str
    minimal: Make
    full: Make
    in_place: tuple[Change, ...]
    replacing: tuple[Change, ...]
    invalid: tuple[Invalid, ...]
    drifts: tuple[Drift, ...]
    secret_in_failure: tuple[Make, str] | None = None
    not_rebuilt: frozenset[str] = frozenset()
    """Inputs that an import cannot know."""
    going: str = ""
    """The status of an object that is being deleted; empty where the API knows none."""
    undeleted: str = ""
    """The status of one whose deletion failed."""


def checked(provider: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Good inputs, completed."""
    result = provider.check({}, copy.deepcopy(dict(inputs)))
    assert not result.failures, [f"{failure.property}: {failure.reason}" for failure in result.failures]
    return result.inputs


def provider_path(type_: str) -> str:
    """`module:Class` of a type's provider."""
    return next(cloud.types[type_] for cloud in clouds().values() if type_ in cloud.types)


class TestClock:
    """A clock that stands still but for the waits, for calls that would otherwise really wait."""

    __test__ = False

    def __init__(self, *, cancelled: bool = False) -> None:
        self.now = 1000.0
        self.reports: list[str] = []
        self._cancelled = cancelled

    def wait(self, seconds: float) -> bool:
        """Let the time pass at once; True when the run is cancelled."""
        self.now += seconds
        return self._cancelled

    def call(self, operation: str = "create", limit: float | None = None) -> CallContext:
        """The context of a call that began now."""
        deadline = None if limit is None else self.now + limit
        return CallContext(
            "urn:test", operation, lambda: self.now, self.wait, self.reports.append, deadline, started=self.now
        )


class Meanwhile(TestClock):
    """A clock during whose first wait something happens in the cloud."""

    def __init__(self, happens: Callable[[], None]) -> None:
        super().__init__()
        self._happens = [happens]

    def wait(self, seconds: float) -> bool:
        """Let the time pass at once, and happen what happens."""
        while self._happens:
            self._happens.pop()()
        return super().wait(seconds)


class Passing(TestClock):
    """A clock whose waits let the time of an emulator pass, too."""

    def __init__(self, file: CloudFile) -> None:
        super().__init__()
        self._file = file

    def wait(self, seconds: float) -> bool:
        """Let the time pass at once, here and there."""
        self._file.advance(seconds)
        return super().wait(seconds)


class under:
    """`with under(context):` makes it the context of the provider calls inside."""

    def __init__(self, context: CallContext) -> None:
        self._context = context

    def __enter__(self) -> CallContext:
        self._token = CALL.set(self._context)
        return self._context

    def __exit__(self, *_: object) -> None:
        CALL.reset(self._token)

"""What tests of the engine are made of: a small cloud with a provider, and states, goals and stacks in one line.

The fakes stand at the edge (house rule 8): a `ThingProvider` implements the provider contract over a `ThingCloud` in
memory, the record is the memory backend, programs are ordinary Pulumi programs. Nothing inside the engine is patched.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.core.contract import (
    GONE,
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    Found,
    ReadResult,
    UpdateResult,
)
from engine.core.diff import changes
from engine.core.errors import CloudError
from engine.core.model import Goal, Options, ResourceState, Snapshot
from engine.core.values import SECRET, SIGNATURE, Secret, has_unknown
from engine.stack import Stack
from engine.state import deployment_json, open_backend
from engine.state.backend import StackName
from engine.state.secrets import Vault

THING = "test:index:Thing"
PROJECT, STACK = "proj", "dev"
PROVIDER_URN = f"urn:pulumi:{STACK}::{PROJECT}::pulumi:providers:test::default"
PROVIDER = f"{PROVIDER_URN}::provider-id"


# --- a cloud and its provider -----------------------------------------------------------------------------------------


@dataclass
class ThingCloud:
    """A cloud of named things, every call to it, and how it shall fail.

    `fail` is asked before and after each call's effect with (operation, name, "before" | "after"), and may raise.
    """

    things: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    fail: Callable[[str, str, str], None] = lambda _operation, _name, _moment: None
    _ids: Iterable[int] = field(default_factory=lambda: itertools.count(1))

    def create(self, props: Mapping[str, Any]) -> str:
        """Make a thing; names are unique."""
        name = str(props.get("name", ""))
        self.calls.append(("create", name))
        self.fail("create", name, "before")
        if any(thing.get("name") == name for thing in list(self.things.values())):
            raise CloudError(f"there is a thing called {name} already")
        id_ = f"thing-{next(iter(self._ids))}"
        self.things[id_] = dict(props)
        self.fail("create", name, "after")
        return id_

    def update(self, id_: str, props: Mapping[str, Any]) -> None:
        """Change a thing."""
        name = str(props.get("name", ""))
        self.calls.append(("update", name))
        self.fail("update", name, "before")
        self.things[id_] = dict(props)
        self.fail("update", name, "after")

    def delete(self, id_: str) -> None:
        """End a thing; one that is gone is fine."""
        name = str(self.things.get(id_, {}).get("name", id_))
        self.calls.append(("delete", name))
        self.fail("delete", name, "before")
        self.things.pop(id_, None)
        self.fail("delete", name, "after")

    def names(self) -> list[str]:
        """The names of all things, sorted."""
        return sorted(str(thing.get("name")) for thing in list(self.things.values()))


class ThingProvider:
    """The provider of things.

    A change of `kind` or `name` replaces; `name` is unique, so a replacement that keeps it deletes first. `size` must
    not be negative; `size: 13` is doubtful. Outputs are the inputs and `serial`, which nobody knows before.
    """

    marker = "its name"

    def __init__(self, cloud: ThingCloud) -> None:
        self.cloud = cloud

    def lag(self) -> float:
        """It does at once what it is asked."""
        return 0.0

    def configure(self, req: Any) -> None:
        """Nothing to set."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Validate the size."""
        failures, warnings = [], []
        size = news.get("size", 1)
        if not has_unknown(size) and size < 0:
            failures.append(CheckFailure("size", "must not be negative", str(size), "give 0 or more"))
        if size == 13:
            warnings.append(CheckFailure("size", "brings bad luck", "13", "give another"))
        return CheckResult({"size": 1, **news}, failures, warnings)

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Compare what the program declares."""
        declared = {key: value for key, value in olds.items() if key in news}
        found = changes(declared, news)
        replaces = [str(change) for change in found if change.path[0] in ("name", "kind")]
        return DiffResult(
            changes=bool(found),
            replaces=replaces,
            delete_before_replace=bool(replaces) and "name" not in replaces,
            detailed_diff={str(change): change.kind for change in found},
        )

    def predict(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        """Everything but the serial, which is known only for what exists."""
        return {**news, **({"serial": olds["serial"]} if id_ and "serial" in olds else {})}

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Make the thing."""
        id_ = self.cloud.create(props)
        return CreateResult(id_, {**props, "serial": f"serial of {id_}"})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What it looks like."""
        self.cloud.calls.append(("read", id_))
        self.cloud.fail("read", id_, "before")
        thing = self.cloud.things.get(id_)
        if thing is None:
            return GONE
        declared = {key: value for key, value in thing.items() if key in props or not props}
        return ReadResult(id_, {**thing, "serial": f"serial of {id_}"}, declared)

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Change it."""
        self.cloud.update(id_, news)
        return UpdateResult({**news, "serial": olds.get("serial")})

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """End it."""
        self.cloud.delete(id_)

    def find(self, props: dict[str, Any]) -> ReadResult:
        """By its name."""
        for id_, thing in list(self.cloud.things.items()):
            if thing.get("name") == props.get("name"):
                return ReadResult(id_, {**thing, "serial": f"serial of {id_}"}, dict(thing))
        return GONE

    def locate(self, props: dict[str, Any]) -> str:
        """By its name, whoever made it."""
        name = props.get("name")
        self.cloud.calls.append(("locate", str(name)))
        return next((id_ for id_, thing in list(self.cloud.things.items()) if thing.get("name") == name), "")

    def list(self) -> Iterable[Found]:
        """All of them."""
        return [Found(THING, id_, str(thing.get("name"))) for id_, thing in list(self.cloud.things.items())]


class ThingSource:
    """Serves every type with the provider of things, or with what `providers` has for it."""

    def __init__(self, cloud: ThingCloud, providers: Mapping[str, Any] | None = None) -> None:
        self.provider = ThingProvider(cloud)
        self.providers = dict(providers or {})

    def constants(self, type_: str) -> dict[str, Any]:
        """None."""
        return {}

    def provider_for(self, type_: str, inputs: Any, config: Any, *, explicit: bool = False) -> Any:
        """The provider."""
        return self.providers.get(type_, self.provider)


# --- a stack ----------------------------------------------------------------------------------------------------------


def seal(content: Any) -> dict[str, Any]:
    """A secret's envelope without encryption: tests of the engine are not tests of `state.secrets`."""
    return {SIGNATURE: SECRET, "plaintext": json.dumps(content)}


def exported(snapshot: Snapshot) -> bytes:
    """A snapshot for `stack import`."""
    return deployment_json.export(snapshot, Vault.create("a pass phrase"), time="2027-01-15T08:00:00Z", version="1.0.0")


def make_stack(
    program: Any, cloud: ThingCloud, *, record: Any = None, config: Mapping[str, str] | None = None, **more: Any
) -> Stack:
    """A stack over the cloud of things, its record in memory."""
    texts = dict(config or {})
    return Stack(
        name=StackName(PROJECT, STACK),
        record=record or open_backend("memory://").create(StackName(PROJECT, STACK)),
        program=program,
        root=Path.cwd(),
        source=more.pop("source", None) or ThingSource(cloud),
        seal=seal,
        unseal=lambda snapshot: snapshot,
        exported=exported,
        package_config=lambda package: {
            key.partition(":")[2]: text for key, text in texts.items() if key.startswith(f"{package}:")
        },
        outputs_of=more.pop("outputs_of", None) or (lambda _name: {}),
        config=texts,
        **more,
    )


# --- states and goals -------------------------------------------------------------------------------------------------


def urn(name: str, type_: str = THING) -> str:
    """The URN of a top-level resource."""
    return f"urn:pulumi:{STACK}::{PROJECT}::{type_}::{name}"


_keys = itertools.count(1)


def state(name: str, inputs: Mapping[str, Any] | None = None, **fields: Any) -> ResourceState:
    """A recorded thing."""
    values = dict(inputs or {})
    defaults: dict[str, Any] = {
        "urn": urn(name, fields.get("type", THING)),
        "type": THING,
        "custom": True,
        "id": f"id-{name}",
        "inputs": values,
        "outputs": dict(values),
        "provider": PROVIDER,
        "key": next(_keys),
    }
    return ResourceState(**{**defaults, **fields})


def goal(
    name: str, inputs: Mapping[str, Any] | None = None, *, options: Mapping[str, Any] | None = None, **fields: Any
) -> Goal:
    """What a program asks of a thing."""
    defaults: dict[str, Any] = {
        "urn": urn(name, fields.get("type", THING)),
        "type": THING,
        "custom": True,
        "inputs": dict(inputs or {}),
        "provider": PROVIDER,
        "options": Options(**(options or {})),
    }
    return Goal(**{**defaults, **fields})


def provider_state() -> ResourceState:
    """The default provider of things, as recorded."""
    return ResourceState(urn=PROVIDER_URN, type="pulumi:providers:test", custom=True, id="provider-id", key=next(_keys))


def snapshot(*states: ResourceState, **fields: Any) -> Snapshot:
    """A record with these states, after the default provider."""
    return Snapshot((provider_state(), *states), **fields)


__all__ = [
    "PROVIDER",
    "THING",
    "Secret",
    "ThingCloud",
    "ThingProvider",
    "ThingSource",
    "goal",
    "make_stack",
    "provider_state",
    "seal",
    "snapshot",
    "state",
    "urn",
]

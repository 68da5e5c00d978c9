"""What our resource classes send to an engine: Pulumi's own mock monitor keeps the requests."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pulumi
import pytest
from google.protobuf import json_format
from pulumi.runtime import Settings, configure
from pulumi.runtime.mocks import MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.stack import run_pulumi_func
from pulumi.runtime.sync_await import _sync_await

from engine.core.model import make_urn
from providers import dataforest
from providers.base import physical_name
from providers.resource import pickle_of

WORKSPACE = "pulumi-python:dynamic/dataforest:AIWorkspace"
ACCOUNT = "pulumi-python:dynamic/dataforest:Account"


class Answers(Mocks):
    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        extra = {"image_version": "a:b", "password": "made-up-1!"} if ":dynamic/" in args.typ else {}
        return args.resource_id or f"{args.name}-id", {**args.inputs, **extra}

    def call(self, args: Any) -> tuple[dict[str, Any], None]:
        return {}, None


class Keeper(MockMonitor):
    def __init__(self) -> None:
        super().__init__(Answers())
        self.requests: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:
        self.requests[request.name] = request
        return super().RegisterResource(request)

    def ReadResource(self, request: Any) -> Any:
        self.requests[request.name] = request
        return super().ReadResource(request)


@contextmanager
def closed_loops() -> Iterator[None]:
    """The mock monitor makes an event loop on every thread it is called on, and leaves them open."""
    made: list[asyncio.AbstractEventLoop] = []

    class Remembering(asyncio.DefaultEventLoopPolicy):
        def new_event_loop(self) -> asyncio.AbstractEventLoop:
            made.append(super().new_event_loop())
            return made[-1]

    before = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(Remembering())
    try:
        yield
    finally:
        asyncio.set_event_loop_policy(before)
        for loop in made:
            loop.close()


def run(program: Callable[[], Any], stack: str = "dev") -> dict[str, Any]:
    """The requests of a program by resource name."""

    def inside() -> dict[str, Any]:
        keeper = Keeper()
        configure(Settings(project="demo", stack=stack, monitor=keeper, dry_run=False))
        pulumi.runtime.settings.SETTINGS.monitor_features = {resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS}
        with closed_loops():
            _sync_await(run_pulumi_func(program))
        return keeper.requests

    return contextvars.copy_context().run(inside)


def sent(request: Any) -> dict[str, Any]:
    """The inputs on the wire."""
    return json_format.MessageToDict(getattr(request, "object", None) or request.properties)


CONFIGURATION = dataforest.Configuration(
    docker=dataforest.Docker(image="tensorflow:r2.3.1-py3", command="ls"),
    queue_name="gpu",
    resource=dataforest.Resources(cpu_count=1, gpu_count=1, gpu_model="T4", memory_mb=1024),
)
PLAIN = {
    "docker": {"image": "tensorflow:r2.3.1-py3", "command": "ls"},
    "queue_name": "gpu",
    "resource": {"cpu_count": 1, "gpu_count": 1, "gpu_model": "T4", "memory_mb": 1024},
}


def test_groups_are_plain_dicts() -> None:
    assert CONFIGURATION == PLAIN
    assert CONFIGURATION.queue_name == "gpu"
    assert CONFIGURATION.docker.args is None
    assert "args" not in CONFIGURATION.docker
    with pytest.raises(AttributeError, match="no member 'queue'"):
        CONFIGURATION.queue  # noqa: B018


@pytest.mark.parametrize("configuration", [CONFIGURATION, PLAIN])
def test_what_a_workspace_sends(configuration: Any) -> None:
    requests = run(
        lambda: dataforest.AIWorkspace("nlp", account_id="acc", configuration=configuration, description="d", name="n")
    )
    request = requests["nlp"]
    assert request.type == WORKSPACE
    assert request.custom
    assert sent(request) == {
        "__provider": pickle_of("providers.dataforest.provider.workspaces:AIWorkspaces"),
        "account_id": "acc",
        "name": "n",
        "description": "d",
        "configuration": PLAIN,
    }


def test_a_name_is_made_from_the_urn() -> None:
    def program() -> None:
        first = dataforest.AIWorkspace("nlp", account_id="acc", configuration=PLAIN)
        dataforest.AIWorkspace("kid", account_id="acc", configuration=PLAIN, opts=pulumi.ResourceOptions(parent=first))
        dataforest.Account("Team_A")

    requests = run(program)
    urn = make_urn("dev", "demo", "", WORKSPACE, "nlp")
    assert sent(requests["nlp"])["name"] == physical_name(urn, 15) == "nlp-uqlj4i"
    assert sent(requests["kid"])["name"] == physical_name(make_urn("dev", "demo", urn, WORKSPACE, "kid"), 15)
    assert sent(requests["kid"])["name"] == "kid-xs5ceu", "the names of an up with Pulumi's CLI"
    assert sent(requests["Team_A"])["name"] == physical_name(make_urn("dev", "demo", "", ACCOUNT, "Team_A"), 16)
    assert sent(requests["nlp"])["__generated"] == ["name"]
    assert sent(run(program, stack="prod")["nlp"])["name"] != "nlp-uqlj4i"


def test_outputs_are_attributes_and_inputs_of_others() -> None:
    seen: list[Any] = []

    def program() -> None:
        account = dataforest.Account("team", name="ml-team")
        workspace = dataforest.AIWorkspace(
            "nlp",
            account_id=account.id,
            configuration=dataforest.Configuration(
                docker=dataforest.Docker(image="a:b", command=account.name, env={"PW": account.password})
            ),
        )
        workspace.image_version.apply(seen.append)
        workspace.configuration["docker"]["command"].apply(seen.append)

    requests = run(program)
    assert set(seen) == {"a:b", "ml-team"}
    assert sent(requests["nlp"])["account_id"] == "team-id"
    assert sent(requests["nlp"])["configuration"]["docker"]["command"] == "ml-team"
    dependencies = {name: list(deps.urns) for name, deps in requests["nlp"].propertyDependencies.items() if deps.urns}
    assert set(dependencies) == {"account_id", "configuration"}


def test_passwords_are_secret() -> None:
    def program() -> None:
        account = dataforest.Account("team", name="ml-team", password="Passw0rd!x")
        assert account.password is not None

    request = run(program)["team"]
    assert list(request.additionalSecretOutputs) == ["password"]
    marked = sent(request)["password"]
    assert marked["4dabf18193072939515e22adb298388d"] == "1b47061264138c4ac30d75fd1eb44270"


def test_adopting_without_a_name_makes_none_up() -> None:
    assert "name" not in sent(run(lambda: dataforest.Account("team", adopt=True))["team"])
    assert "name" in sent(run(lambda: dataforest.Account("team", adopt=False))["team"])


def test_looking_one_up() -> None:
    found: list[Any] = []

    def program() -> None:
        dataforest.AIWorkspace.get("looked", "ws-1").id.apply(found.append)

    request = run(program)["looked"]
    assert request.id == "ws-1"
    assert sent(request) == {"__provider": pickle_of("providers.dataforest.provider.workspaces:AIWorkspaces")}
    assert list(request.additionalSecretOutputs) == ["configuration"], "nobody marks what is secret in it"
    assert found == ["ws-1"]


def test_the_customers_own_options_stay() -> None:
    options = pulumi.ResourceOptions(protect=True, additional_secret_outputs=["principal"], import_="acc-1")
    request = run(lambda: dataforest.Account("team", name="ml-team", opts=options))["team"]
    assert request.protect
    assert request.importId == "acc-1"
    assert set(request.additionalSecretOutputs) == {"password", "principal"}


def test_the_packages_names() -> None:
    assert set(dir(dataforest)) == set(dataforest.__all__)
    for name in dataforest.__all__:
        assert getattr(dataforest, name) is not None
    with pytest.raises(AttributeError):
        dataforest.Nonsense  # noqa: B018

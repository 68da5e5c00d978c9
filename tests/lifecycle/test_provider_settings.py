"""Whose settings a resource's provider gets: the stack's for the default one, the program's for one it makes itself."""

from __future__ import annotations

import uuid
from typing import Any

import pulumi

from engine import deployment
from engine.core.values import UNKNOWN
from engine.run import Choices
from engine.state import open_backend
from engine.state.backend import StackName
from providers import Providers
from tests.builders import PROJECT, STACK, ThingCloud, ThingSource, make_stack
from tests.lifecycle.story import Thing


class Noting(ThingSource):
    """Notes the settings it is asked with."""

    def __init__(self) -> None:
        super().__init__(ThingCloud())
        self.settings: list[dict[str, Any]] = []

    def provider_for(self, type_: str, inputs: Any, config: Any, *, explicit: bool = False) -> Any:
        self.settings.append(dict(config))
        return super().provider_for(type_, inputs, config)


class Settings(pulumi.ProviderResource):
    """A provider of things that the program makes itself."""

    def __init__(self, name: str, **inputs: Any) -> None:
        super().__init__("test", name, inputs)


def asked_with(program: Any, *, destroy: bool = False) -> list[dict[str, Any]]:
    source = Noting()
    record = open_backend(f"memory://{uuid.uuid4()}").create(StackName(PROJECT, STACK))
    stack = make_stack(
        program,
        source.provider.cloud,
        record=record,
        source=source,
        config={"test:region": "here"},
        overlay={"workstead:home": "/x"},
    )
    deployment.up(stack, Choices(), lambda event: None)
    if destroy:
        source.settings.clear()
        deployment.destroy(stack, Choices(), lambda event: None)
    return source.settings


def test_the_default_provider_has_the_stacks_settings() -> None:
    for destroy in (False, True):
        for settings in asked_with(lambda: Thing("a"), destroy=destroy):
            assert settings == {"region": "here", "workstead:home": "/x"}


def test_an_explicit_provider_has_the_programs() -> None:
    def program() -> None:
        Thing("a", opts=pulumi.ResourceOptions(provider=Settings("mine", region="there")))

    for destroy in (False, True):
        for settings in asked_with(program, destroy=destroy):
            assert settings == {"region": "there", "workstead:home": "/x"}


def test_settings_have_their_full_names_and_unknown_ones_wait() -> None:
    token = "pulumi-python:dynamic/dataforest:Account"
    provider: Any = Providers().provider_for(token, {}, {"dataforest:accessKey": "a", "bare": "b", "later": UNKNOWN})
    assert provider.config.values == {"dataforest:accessKey": "a", "pulumi-python:bare": "b"}

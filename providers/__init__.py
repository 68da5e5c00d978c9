"""Finds the clouds and the provider of a resource type.

Being in this folder is being registered: a cloud is a package here whose `__init__` has a `CLOUD`. Finding the clouds
imports nothing heavy; a provider's module is imported when the first resource of its type turns up.

Our own types are served from the installed package, by type token: what `__provider` a record holds for them is never
unpickled, so neither an old nor a forged pickle can run. A stranger's dynamic provider runs from its pickle
(`providers.dynamic`), because there is nothing else to run.
"""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

from engine.core.contract import Provider
from engine.core.errors import ProgramError
from engine.core.model import DYNAMIC_PACKAGE, PROVIDER_KEY
from engine.core.values import Properties, canonical_json, has_unknown

_SHARED = frozenset({"emulation"})
"""Packages in this folder that are no clouds."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """One cloud: its name, its types (type token → `module:Class` of the provider), its emulator, its config keys.

    `config` is the namespace of its settings in the stack's configuration (`<config>:accessKey`).
    """

    name: str
    types: Mapping[str, str]
    emulator: str
    config: str


@cache
def clouds() -> Mapping[str, Cloud]:
    """Every cloud in this folder by its name."""
    found: dict[str, Cloud] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.ispkg and module.name not in _SHARED:
            found[module.name] = importlib.import_module(f"{__name__}.{module.name}").CLOUD
    return found


@dataclass(frozen=True, slots=True)
class Settings:
    """The stack's configuration as a provider reads it; a key without a namespace is the project's own."""

    values: Properties
    project: str = ""

    def get(self, key: str) -> Any:
        """The value, or None."""
        return self.values.get(key if ":" in key else f"{self.project}:{key}")

    def require(self, key: str) -> Any:
        """The value. Raises ValueError when there is none, as Pulumi's does."""
        value = self.get(key)
        if value is None:
            raise ValueError(f"missing required configuration key: {key}")
        return value


@dataclass(frozen=True, slots=True)
class Configuration:
    """What `configure` is given."""

    config: Settings


class Providers:
    """The engine's source of providers. Safe to use from many threads.

    `project` is the name of the Pulumi project, for settings without a namespace.
    """

    def __init__(self, project: str = "") -> None:
        self._project = project
        self._types = {token: path for cloud in clouds().values() for token, path in cloud.types.items()}
        self._ready: dict[tuple[str, str], Provider] = {}
        self._lock = threading.Lock()

    def constants(self, type_: str) -> Properties:
        """What our own dynamic types record so that Pulumi's CLI can take them over: a pickle by reference."""
        path = self._types.get(type_)
        if path is None or not type_.startswith(f"{DYNAMIC_PACKAGE}:dynamic"):
            return {}
        from providers.resource import pickle_of

        return {PROVIDER_KEY: pickle_of(path)}

    def provider_for(self, type_: str, inputs: Properties, config: Properties) -> Provider:
        """The provider of a resource with these (plain) inputs, configured once per distinct configuration.

        Raises ProgramError when nothing here serves the type.
        """
        path = self._types.get(type_)
        if path is None and type_.startswith(f"{DYNAMIC_PACKAGE}:dynamic"):
            from providers import dynamic

            return dynamic.provider_for(inputs.get(PROVIDER_KEY), config, self._project)
        if path is None:
            package = type_.partition(":")[0]
            near = [token for token in self._types if token.partition(":")[0] == package]
            short = {token.rpartition("/")[2]: token for token in self._types}
            near = near or [short[each] for each in get_close_matches(type_.rpartition("/")[2], short)]
            served = ", ".join(sorted(near)) if near else f"the types of {' and '.join(sorted(clouds()))}"
            raise ProgramError(
                f"nothing here serves the type {type_}",
                why=f"Served are {'among others ' if near else ''}{served}; and Pulumi's dynamic providers in Python.",
                remedy="use one of these types, or write a dynamic provider for this one",
                reference="type-not-served",
            )
        settings = _named_in_full(type_.partition(":")[0], config)
        key = (path, canonical_json(settings))
        with self._lock:
            ready = self._ready.get(key)
            if ready is None:
                module, _, name = path.partition(":")
                ready = getattr(importlib.import_module(module), name)()
                ready.configure(Configuration(Settings(settings, self._project)))
                self._ready[key] = ready
        return ready


def _named_in_full(package: str, config: Properties) -> dict[str, Any]:
    """Settings under their full keys: those of a package's provider come without its namespace.

    What is not known yet, because a provider of the program takes it from something unborn, is left out: a preview
    calls no cloud.
    """
    known = {key: value for key, value in config.items() if not has_unknown(value)}
    return {key if ":" in key else f"{package}:{key}": value for key, value in known.items()}

"""Huawei Cloud ModelArts: development environment instances and notebooks.

    from providers import modelarts

    instance = modelarts.DevEnvInstance("nlp", profile_id=..., flavor=..., spec=modelarts.Spec(...))

Importing this loads nothing heavy; the classes come when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from providers import Cloud

if TYPE_CHECKING:
    from providers.modelarts.resources import (
        AIProject,
        AutoStop,
        ContainerHooks,
        DevEnvInstance,
        Endpoint,
        Hook,
        Hooks,
        Lease,
        Location,
        Notebook,
        Owner,
        Pool,
        Spec,
        Storage,
        Volume,
        Workspace,
    )

CLOUD: Final = Cloud(
    name="modelarts",
    types={
        "pulumi-python:dynamic/modelarts:DevEnvInstance": "providers.modelarts.provider.instances:DevEnvInstances",
        "pulumi-python:dynamic/modelarts:Notebook": "providers.modelarts.provider.notebooks:Notebooks",
    },
    emulator="providers.modelarts.emulator:ModelArtsEmulator",
    config="modelarts",
)

__all__ = [
    "CLOUD",
    "AIProject",
    "AutoStop",
    "ContainerHooks",
    "DevEnvInstance",
    "Endpoint",
    "Hook",
    "Hooks",
    "Lease",
    "Location",
    "Notebook",
    "Owner",
    "Pool",
    "Spec",
    "Storage",
    "Volume",
    "Workspace",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from providers.modelarts import resources

    return getattr(resources, name)


def __dir__() -> list[str]:
    return __all__

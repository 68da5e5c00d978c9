"""Naver Cloud Data Forest: accounts and AI workspaces.

    from providers import dataforest

    workspace = dataforest.AIWorkspace("nlp", account_id=..., configuration=dataforest.Configuration(...))

Importing this loads nothing heavy; the classes come when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from providers import Cloud

if TYPE_CHECKING:
    from providers.dataforest.resources import (
        Account,
        AIWorkspace,
        Configuration,
        Data,
        DataInput,
        DataOutput,
        Docker,
        Quota,
        Quotas,
        Resources,
    )

CLOUD: Final = Cloud(
    name="dataforest",
    types={
        "pulumi-python:dynamic/dataforest:AIWorkspace": "providers.dataforest.provider.workspaces:AIWorkspaces",
        "pulumi-python:dynamic/dataforest:Account": "providers.dataforest.provider.accounts:Accounts",
    },
    emulator="providers.dataforest.emulator:DataForestEmulator",
    config="dataforest",
)

__all__ = [
    "CLOUD",
    "AIWorkspace",
    "Account",
    "Configuration",
    "Data",
    "DataInput",
    "DataOutput",
    "Docker",
    "Quota",
    "Quotas",
    "Resources",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from providers.dataforest import resources

    return getattr(resources, name)


def __dir__() -> list[str]:
    return __all__

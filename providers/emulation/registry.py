"""Which emulator serves which cloud: a table that fills itself.

An emulator class enters the table when its module is imported (`providers.emulation.emulator.Emulator` sees to it); a
cloud nobody has imported yet is looked up in `providers.clouds()`, so that `workstead cloud log` need not load the
emulators of clouds it does not show. It stands apart so that the store can ask for a cloud's switches without importing
the emulators' base class, which imports the store.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

from engine.core.errors import UsageError

if TYPE_CHECKING:
    from providers.emulation.emulator import Emulator

KNOWN: Final[dict[str, type[Emulator]]] = {}


def emulator_classes() -> dict[str, type[Emulator]]:
    """Every cloud's emulator class by the cloud's name, imported now if need be."""
    from providers import clouds  # lazily: finding the clouds may import this package

    found: dict[str, type[Emulator]] = {}
    for name, cloud in clouds().items():
        module, _, attribute = cloud.emulator.partition(":")
        found[name] = getattr(importlib.import_module(module), attribute)
    return found


def emulator_class(cloud: str) -> type[Emulator]:
    """The emulator class of one cloud.

    Raises UsageError (`unknown-cloud`) when there is none of that name.
    """
    if cloud not in KNOWN:
        known = KNOWN | emulator_classes()
        if cloud not in known:
            raise UsageError(
                f"there is no emulated cloud named {cloud!r}",
                remedy=f"use one of: {', '.join(sorted(known)) or 'none is installed'}",
                reference="unknown-cloud",
            )
        return known[cloud]
    return KNOWN[cloud]

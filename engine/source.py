"""Where a stack's providers come from: the engine's own types, then whatever the installed clouds serve.

The planner asks one source for all of them, so that neither it nor a cloud knows of the engine's own types.

Left to others: those types (`builtins`), the clouds (`providers`), a package's settings (`config.run`).
"""

from __future__ import annotations

import uuid

from engine import builtins
from engine.core.contract import Provider
from engine.core.model import package_of
from engine.core.values import Properties, reveal
from engine.stack import Stack


class Source:
    """The stack's providers."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def provider_for(self, type_: str, inputs: Properties, config: Properties, *, explicit: bool = False) -> Provider:
        """See `contract.ProviderSource`. Settings of today win over those recorded with a default provider."""
        package = package_of(type_)
        if package == "pulumi" or type_.startswith("pulumi:"):
            return builtins.provider_for(type_, self._stack.outputs_of, lambda: str(uuid.uuid4()))
        today = {} if explicit else reveal(self._stack.package_config(package))
        return self._stack.source.provider_for(type_, inputs, {**config, **today, **self._stack.overlay})

    def constants(self, type_: str) -> Properties:
        """See `contract.ProviderSource`."""
        return self._stack.source.constants(type_)

"""What both types need to call Data Forest: a client that is opened late."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from engine.core.contract import ConfigReader
from providers.base import OneClientType

if TYPE_CHECKING:
    from providers.dataforest.client import Client


class DataForestType(OneClientType["Client"]):
    """What both types need."""

    endpoints: ClassVar[tuple[str, ...]] = ("dataforest:endpoint",)

    def opened(self, config: ConfigReader) -> Client:
        """The API client; only here is loaded what calls need."""
        from providers.dataforest.client import open_client

        return open_client(config)

"""What both types need to call Data Forest: a client that is opened late."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from providers.base import ResourceType

if TYPE_CHECKING:
    from providers.dataforest.client import Client

_opening = threading.Lock()


class DataForestType(ResourceType):
    """What both types need: a client that is opened at the first call that reaches the cloud."""

    _opened: Client | None = None

    @property
    def client(self) -> Client:
        """The API client, opened now if need be; only here is loaded what calls need."""
        if self._opened is None:
            from providers.dataforest.client import open_client

            with _opening:
                if self._opened is None:
                    assert self.config is not None, "configure was not called"
                    self._opened = open_client(self.config)
        return self._opened

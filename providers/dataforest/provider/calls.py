"""What both types need to call Data Forest: a client opened late, and a create that is never sent twice in vain."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from engine.core.errors import CloudError, DeadlineError, WorksteadError
from providers.base import ResourceType, current_call, look_briefly

if TYPE_CHECKING:
    from providers.dataforest.client import Client

TRIES: Final = 3
"""How often a create is sent when its outcome stays uncertain and nothing is found."""

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


def create_once(send: Callable[[], str], look: Callable[[], str | None], what: str) -> str:
    """The ID of a new object: sent again only when an uncertain answer turns out to have had no effect.

    The caller has seen that the name is free, so what `look` finds under it afterwards is what was sent. Raises the
    uncertain error itself when nobody can look.
    """
    lost: CloudError | None = None
    for attempt in range(1, TRIES + 1):
        try:
            return send()
        except WorksteadError as error:
            if isinstance(error, CloudError) and error.uncertain:
                lost = error
            if lost is None:
                raise
            if isinstance(error, DeadlineError) or not isinstance(error, CloudError):
                raise lost from error
            current_call().report(f"the answer was lost, looking for {what}")
            try:
                found = look_briefly(look, lambda found: found is not None, within=1.0, every=0.25)
            except WorksteadError as problem:
                raise lost from problem
            if found is not None:
                return found
            if attempt == TRIES or error is not lost:
                raise
    raise AssertionError("unreachable")

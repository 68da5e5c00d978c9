"""Who does an executor's work: real threads, or in a simulation only whoever waits for a result."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final, Protocol

LEAVING: Final = 0.5
"""Seconds in which idle workers end."""


class Hands(Protocol):
    """Who runs an executor's loop and its calls: threads, or in a simulation only whoever waits."""

    @property
    def advance(self) -> Callable[[], None] | None:
        """Brings the work forward while somebody waits for a promise; None when it comes forward by itself."""
        ...

    def start(self, loop: Callable[[], None], turn: Callable[[], bool]) -> None:
        """Run `loop`, which ends after `join`; or `turn` each time after `woken`, until it returns False."""
        ...

    def woken(self) -> None:
        """Something has come in."""
        ...

    def call(self, task: Callable[[], None], running: int) -> None:
        """Run a call; with it there are `running` at once, abandoned ones included."""
        ...

    def join(self) -> None:
        """Everything has come in: wait for the end of the loop, and of all calls that are not abandoned."""
        ...


class Threads:
    """The loop on a thread of its own, and as many workers as there are ever calls at once."""

    advance = None

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._workers: list[threading.Thread] = []

    def start(self, loop: Callable[[], None], turn: Callable[[], bool]) -> None:
        """See `Hands`."""
        self._loop = threading.Thread(target=loop, name="executor", daemon=True)
        self._loop.start()

    def woken(self) -> None:
        """The loop waits at its inbox itself."""

    def call(self, task: Callable[[], None], running: int) -> None:
        """See `Hands`."""
        if running > len(self._workers):
            worker = threading.Thread(target=self._serve, name=f"worker-{len(self._workers) + 1}", daemon=True)
            self._workers.append(worker)
            worker.start()
        self._calls.put(task)

    def join(self) -> None:
        """See `Hands`."""
        self._loop.join()
        for _ in self._workers:
            self._calls.put(None)
        # Whoever does not end at once is on a call that was abandoned, and is left to itself.
        end = time.monotonic() + LEAVING
        for worker in self._workers:
            worker.join(max(0.0, end - time.monotonic()))

    def _serve(self) -> None:
        while (task := self._calls.get()) is not None:
            task()

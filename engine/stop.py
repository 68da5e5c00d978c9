"""Stopping a run: Ctrl-C, a pipeline's SIGTERM, and how long what runs may take to end.

Three stages. *Gently*: nothing new is started; what runs may finish and is recorded. *Now*, after the grace time or
when asked again: whatever waits gives up at once, and calls on the wire have the parting time to come back; those that
do not are left as pending operations, which the next run settles. *Leave*, for what can be neither interrupted nor
abandoned (a program in an endless loop): the process ends. Everything begun is on disk by then, at any stage.

Left to others: what a signal is (`engine.cli`), what giving up means for a call (`engine.executor`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from queue import Empty, SimpleQueue
from typing import Final

GRACE: Final = 20.0
"""Seconds that what runs has to finish by itself; less than the 30 s that Kubernetes lets pass before it kills."""
PARTING: Final = 2.0
"""Seconds that a call on the wire has to come back once the run is given up."""
FAREWELL: Final = 3.0
"""Seconds after that in which the run has to end, or the process is ended."""


class Stage(IntEnum):
    """How far stopping has come."""

    RUNNING = 0
    GENTLY = 1
    NOW = 2
    LEAVE = 3


class Stop:
    """The wish to stop, as the run sees it; each further `ask` goes one stage on, and so does time.

    `ask` may be called from a signal handler: it only counts. `grace` and `parting` are in seconds; `leave` ends the
    process, and does nothing where the run is part of another program.
    """

    def __init__(
        self, *, grace: float = GRACE, parting: float = PARTING, leave: Callable[[], None] = lambda: None
    ) -> None:
        self.grace = grace
        self.parting = parting
        self.stage = Stage.RUNNING
        self._leave = leave
        self._lock = threading.Lock()
        self._hearing: list[tuple[Callable[[], None], Callable[[], None]]] = []
        self._bell: SimpleQueue[None] = SimpleQueue()  # its put may come from a signal handler at any moment
        self._asked = False
        self._stopping = threading.Event()
        threading.Thread(target=self._listen, name="stop", daemon=True).start()

    @property
    def asked(self) -> bool:
        """Has anybody asked?"""
        return self._asked

    def ask(self) -> None:
        """Stop, please."""
        self._asked = True
        self._bell.put(None)

    def wait(self, seconds: float) -> bool:
        """Wait so long, but not longer than until somebody asks; True when somebody has."""
        return self._stopping.wait(seconds)

    @contextmanager
    def heard_by(self, gently: Callable[[], None], now: Callable[[], None]) -> Iterator[None]:
        """While the block runs, call these at their stage; at once if it has been reached."""
        with self._lock:
            self._hearing.append((gently, now))
            reached = self.stage
        try:
            if reached >= Stage.GENTLY:
                gently()
            if reached >= Stage.NOW:
                now()
            yield
        finally:
            with self._lock:
                self._hearing.remove((gently, now))

    def _listen(self) -> None:
        self._bell.get()
        self._stopping.set()
        self._reach(Stage.GENTLY)
        self._rung_within(self.grace)
        self._reach(Stage.NOW)
        self._rung_within(self.parting + FAREWELL)
        self._reach(Stage.LEAVE)
        self._leave()

    def _rung_within(self, seconds: float) -> None:
        with suppress(Empty):
            self._bell.get(timeout=seconds)

    def _reach(self, stage: Stage) -> None:
        with self._lock:
            self.stage = stage
            hearing = list(self._hearing)
        for gently, now in hearing:
            {Stage.GENTLY: gently, Stage.NOW: now}.get(stage, lambda: None)()

"""Which piece of work may start, and what a result unlocks: bookkeeping without threads.

Work is added as *tasks* under a name, each after some others. `next` hands out ready tasks, the one with the longest
path ahead first; `finished` says how one went and returns what is skipped because of it. Whoever calls this brings the
threads and the lock (`engine.executor`).
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Hashable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class _Task:
    name: Hashable
    work: Any
    weight: float
    waits_for: set[Hashable]
    unlocks: list[Hashable] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A task that will not start because `cause` failed (or was skipped itself)."""

    name: Hashable
    work: Any
    cause: Hashable


class Schedule:
    """Ready, running, done, failed and skipped tasks."""

    def __init__(self) -> None:
        self._tasks: dict[Hashable, _Task] = {}
        self._ready: list[tuple[float, int, Hashable]] = []
        self._order = 0
        self._running: set[Hashable] = set()
        self._done: set[Hashable] = set()
        self._failed: dict[Hashable, Hashable] = {}
        self._stopped = False

    @property
    def running(self) -> int:
        """How many tasks have been handed out and not come back."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """How many tasks have not been handed out."""
        return len(self._tasks) - len(self._running)

    @property
    def stopped(self) -> bool:
        """Has `stop` been called?"""
        return self._stopped

    def add(self, name: Hashable, work: Any, after: Collection[Hashable] = (), weight: float = 0.0) -> Skipped | None:
        """Add a task that may start once every one of `after` is done; names never added count as done.

        Returns why it is skipped when one of them has failed already, or when the run is stopped (`cause` None).
        """
        if self._stopped:
            self._failed[name] = None
            return Skipped(name, work, None)
        for other in after:
            if other in self._failed:
                self._failed[name] = self._failed[other]
                return Skipped(name, work, self._failed[other])
        task = _Task(name, work, weight, {other for other in after if other in self._tasks})
        self._tasks[name] = task
        for other in task.waits_for:
            self._tasks[other].unlocks.append(name)
        if not task.waits_for:
            self._make_ready(task)
        return None

    def _make_ready(self, task: _Task) -> None:
        self._order += 1
        heapq.heappush(self._ready, (-task.weight, self._order, task.name))

    def next(self) -> tuple[Hashable, Any] | None:
        """The next task to start, now counted as running; None when nothing may start."""
        while self._ready and not self._stopped:
            _, _, name = heapq.heappop(self._ready)
            task = self._tasks.get(name)
            if task is not None and name not in self._running:
                self._running.add(name)
                return name, task.work
        return None

    def finished(self, name: Hashable, ok: bool) -> list[Skipped]:
        """A running task has ended. Unlocks what waited for it, or skips all of that when it failed."""
        task = self._tasks.pop(name)
        self._running.discard(name)
        if ok:
            self._done.add(name)
            for other in task.unlocks:
                waiting = self._tasks.get(other)
                if waiting is not None:
                    waiting.waits_for.discard(name)
                    if not waiting.waits_for:
                        self._make_ready(waiting)
            return []
        self._failed[name] = name
        return self._skip_after(task, cause=name)

    def _skip_after(self, task: _Task, cause: Hashable) -> list[Skipped]:
        skipped: list[Skipped] = []
        pending = list(task.unlocks)
        while pending:
            other = self._tasks.pop(pending.pop(), None)
            if other is not None:
                self._failed[other.name] = cause
                skipped.append(Skipped(other.name, other.work, cause))
                pending.extend(other.unlocks)
        return skipped

    def stop(self) -> list[Skipped]:
        """Hand out nothing any more. Running tasks go on; all others are skipped without a cause of their own."""
        self._stopped = True
        left = [task for name, task in self._tasks.items() if name not in self._running]
        for task in left:
            del self._tasks[task.name]
            self._failed[task.name] = None
        return [Skipped(task.name, task.work, None) for task in left]

    def failed(self, name: Hashable) -> bool:
        """Did this task fail, or was it skipped?"""
        return name in self._failed

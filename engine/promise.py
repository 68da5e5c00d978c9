"""A result that is not there yet: what the executor gives for work it takes on, and `answers` for a goal.

Callbacks and waiting threads are served alike, so that a thousand registrations that wait hold no thread at all. It is
not `concurrent.futures.Future`, because in a simulation whoever waits is the one who brings the work forward.

Left to others: doing the work and settling the promise (`executor`), bringing it forward meanwhile (`hands`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Promise(Generic[T]):
    """A result that is not there yet. `then` calls back once: from the executor's loop, or at once if it is there.

    `advance`, if there is one, brings the work forward and is called again and again by whoever waits.
    """

    __slots__ = ("_advance", "_callbacks", "_lock", "_outcome")

    def __init__(self, advance: Callable[[], None] | None = None) -> None:
        self._advance = advance
        self._lock = threading.Lock()
        self._outcome: tuple[T | None, BaseException | None] | None = None
        self._callbacks: list[Callable[[T | None, BaseException | None], None]] = []

    def then(self, callback: Callable[[T | None, BaseException | None], None]) -> None:
        """Call back with (result, None) or (None, error)."""
        with self._lock:
            if self._outcome is None:
                self._callbacks.append(callback)
                return
        callback(*self._outcome)

    def settle(self, result: T | None, error: BaseException | None = None) -> None:
        """Give the result or the error; called once."""
        with self._lock:
            self._outcome = (result, error)
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(result, error)

    def wait(self) -> T:
        """The result, once it is there. Raises the error."""
        if self._advance is None:
            there = threading.Event()
            self.then(lambda _result, _error: there.set())
            there.wait()
        else:
            while self._outcome is None:
                self._advance()
        assert self._outcome is not None
        result, error = self._outcome
        if error is not None:
            raise error
        return result  # type: ignore[return-value]

"""Group commit: one thread owns the connection and commits together what many threads ask for at the same time.

A commit waits for the disk, and while it does, the next requests gather; so the disk's pace bounds commits, not
steps. `commit` returns when what it was given is durable. A transaction that fails writes nothing of any request in it,
and each of them is told; the next one may succeed. A check runs first in every transaction, also in one without
requests when nobody asked for a while: that is how a lease is verified and renewed. A close runs last in each, and
`committed` once it is durable, before anybody is told.

Left to others: what the statements mean, what the check checks (`sqlite`).
"""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, Final

from engine.core.errors import InternalError, LeaseLostError, WorksteadError

Statement = tuple[str, Sequence[Any]]

_MOST_TOGETHER: Final = 1000


class _Request:
    """Statements to commit as one, and whether that has happened."""

    __slots__ = ("done", "error", "statements")

    def __init__(self, statements: Sequence[Statement]) -> None:
        self.statements = statements
        self.done = Event()
        self.error: WorksteadError | None = None


class GroupCommit:
    """The writer of one connection, which it closes at its end.

    `check` raises LeaseLostError when nothing may be written any more: that ends the writer. `explain` turns SQLite's
    errors into ours. `idle_seconds` without a request lead to a check of its own.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        check: Callable[[sqlite3.Connection], None],
        explain: Callable[[sqlite3.Error], WorksteadError],
        idle_seconds: float,
        close: Callable[[sqlite3.Connection], None] = lambda _db: None,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        self._db = db
        self._check = check
        self._close = close
        self._committed = committed
        self._explain = explain
        self._idle_seconds = idle_seconds
        self._requests: SimpleQueue[_Request | None] = SimpleQueue()  # None: stop
        self._gate = Lock()  # nothing is queued after `_over` is set
        self._over: WorksteadError | None = None
        self._thread = Thread(target=self._run, name="workstead-record", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many requests wait for the transaction after the present one."""
        return self._requests.qsize()

    @property
    def over(self) -> bool:
        """Will nothing be committed any more?"""
        return self._over is not None

    def commit(self, statements: Sequence[Statement]) -> None:
        """Commit the statements as one; returns when they are durable. Raises what `check` or `explain` say."""
        request = _Request(statements)
        with self._gate:
            if self._over is not None:
                raise copy.copy(self._over)
            self._requests.put(request)
        request.done.wait()
        if request.error is not None:
            raise copy.copy(request.error)  # a copy each: threads must not share one exception's traceback

    def stop(self, last: Sequence[Statement], because: WorksteadError) -> bool:
        """Commit what is queued, then `last` if that can be, and end; says whether `last` is durable.

        Later commits raise `because`.
        """
        request = _Request(last)
        with self._gate:
            if self._over is None:
                self._over = because
                self._requests.put(request)
                self._requests.put(None)
        self._thread.join()
        return request.done.is_set() and request.error is None

    def _run(self) -> None:
        try:
            stopping = False
            while not stopping:
                gathered = self._gather()
                requests = [request for request in gathered if request is not None]
                error = self._transact(requests)
                if isinstance(error, LeaseLostError):
                    self._give_up(error)
                for request in requests:
                    request.error = error
                    request.done.set()
                stopping = None in gathered or isinstance(error, LeaseLostError)
        finally:
            self._db.close()

    def _gather(self) -> list[_Request | None]:
        gathered: list[_Request | None] = []
        try:
            gathered.append(self._requests.get(timeout=self._idle_seconds))
            while gathered[-1] is not None and len(gathered) < _MOST_TOGETHER:
                gathered.append(self._requests.get_nowait())
        except Empty:
            pass  # nobody asks any more, or nobody has asked for a while
        return gathered

    def _transact(self, requests: list[_Request]) -> WorksteadError | None:
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
            self._check(db)
            for request in requests:
                for sql, values in request.statements:
                    db.execute(sql, values)
            self._close(db)
            db.execute("COMMIT")
            self._committed()
        except Exception as error:
            self._roll_back()
            if isinstance(error, WorksteadError):
                return error
            if isinstance(error, sqlite3.Error):
                return self._explain(error)
            return InternalError(f"the record's writer failed: {type(error).__name__}: {error}")
        return None

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            try:
                self._db.execute("ROLLBACK")
            except sqlite3.Error:  # the disk fails so badly that SQLite has rolled back by itself
                return

    def _give_up(self, error: WorksteadError) -> None:
        with self._gate:
            self._over = error
        try:
            while True:
                request = self._requests.get_nowait()
                if request is not None:
                    request.error = error
                    request.done.set()
        except Empty:
            return

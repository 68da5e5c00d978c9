"""The embedded default: every stack's record in one SQLite file, as anybody may read it at any time.

The tables keep every version of every row, tied to the deployment that wrote it, so a snapshot is what the newest rows
say, or those up to an earlier deployment. Each row has a checksum and each snapshot a digest (`sqlite_rows`), and each
lease's file says how far the record had come (`liveness`): what was changed, taken out or cut off is told, never
believed. Reading a snapshot proves that snapshot; `check` proves everything.

Left to others: the file itself and its failures (`sqlite_file`), writing (`sqlite_lease`), what damage has left
(`sqlite_survey`, `sqlite_mending`), JSON (`codec`), encryption (`secrets`), who may decide what to write
(`engine.executor`).
"""

from __future__ import annotations

import platform
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

from engine.core.errors import RecordError, WorksteadError
from engine.core.model import Snapshot
from engine.state import liveness, refusals
from engine.state.backend import Condition, Deployment, Holder, Mended, Seal, StackName, StackSummary
from engine.state.codec import json_value, refuse_secret, snapshot_of
from engine.state.sqlite_file import RecordFile
from engine.state.sqlite_lease import EXTRA, SECRETS_STATE, SqliteLease, added_attribute, free_lease, holder_of
from engine.state.sqlite_rows import (
    StackRow,
    begun_checksum,
    is_whole,
    number_of,
    row_id,
    sealing,
    selecting,
    span,
    stack_row,
)
from engine.state.sqlite_survey import Survey

TABLES_OF_A_STACK: Final = ("attribute", "deployment", "history", "resource", "pending")


class SqliteBackend:
    """The records in one file, which is made when the first stack is.

    `clock` gives seconds since the epoch. `patience`: how many seconds to wait while another process writes.
    """

    def __init__(self, path: str | Path, *, clock: Callable[[], float] = time.time, patience: float = 10.0) -> None:
        self.file = RecordFile(Path(path).expanduser().absolute(), patience)
        self.clock = clock
        self._leases: set[SqliteLease] = set()

    @property
    def url(self) -> str:
        """`sqlite:///` and the absolute path."""
        return f"sqlite:///{self.file.path}"

    def stacks(self, project: str | None = None) -> list[StackSummary]:
        """All stacks, or those of one project, by name."""
        now = self.clock()
        found: list[StackSummary] = []
        with self._reported(), self.file.reading() as db:
            for row in stack_rows(db):
                if project not in (None, row.project):
                    continue
                [last] = _deployments(db, row.id, row.serial, row.serial) or [Deployment("")]
                count = db.execute("SELECT count(*) FROM resource WHERE id BETWEEN ? AND ?", span(row.id)).fetchone()[0]
                held = refusals.described(holder_of(row.holder)) if row.holder and row.expires > now else ""
                found.append(
                    StackSummary(StackName(row.project, row.name), count, last.end_time or last.start_time, held)
                )
        return sorted(found, key=lambda summary: (summary.name.project, summary.name.stack))

    def create(self, name: StackName) -> SqliteRecord:
        """Make an empty stack, and the file if need be. Raises UsageError when the stack exists."""
        self.file.make()
        with self._reported(), self.file.writing() as db:
            stacks = stack_rows(db)
            if any((row.project, row.name) == (name.project, name.stack) for row in stacks):
                raise refusals.stack_exists(name)
            made = db.execute(
                "INSERT INTO stack(project, name, lineage) VALUES (?, ?, lower(hex(randomblob(16))))",
                (name.project, name.stack),
            ).lastrowid
            assert made is not None
            db.execute(sealing("stack"), (made,))
            _count_stacks(db, len(stacks) + 1)
            return SqliteRecord(self, name, made)

    def stack(self, name: StackName) -> SqliteRecord:
        """An existing stack's record. Raises StackNotFoundError naming those there are."""
        with self._reported(), self.file.reading() as db:
            named = db.execute(f"{selecting('stack')} WHERE project = ? AND name = ?", (name.project, name.stack))
            found = [row[0] for row in named if is_whole("stack", row)]
            if not found:
                stack_rows(db)  # it may have been lost
        if not found:
            raise self.missing(name)
        return SqliteRecord(self, name, found[0])

    def remove(self, name: StackName) -> None:
        """Remove a stack and its history. Raises LeaseHeldError while somebody writes it."""
        record = self.stack(name)
        with self._reported(), self.file.writing() as db:
            free_lease(self, db, record, platform.node())
            stacks = stack_rows(db)
            for table in TABLES_OF_A_STACK:
                db.execute(f"DELETE FROM {table} WHERE id BETWEEN ? AND ?", span(record.id))
            db.execute("DELETE FROM stack WHERE id = ?", (record.id,))
            _count_stacks(db, len(stacks) - 1)
        for file in self.file.lease_files(record.id):
            liveness.forget(file)

    def mending(self, name: StackName) -> AbstractContextManager[Mended]:
        """The stack's record in a file made anew; see `backend.Backend.mending`."""
        from engine.state.sqlite_mending import mending

        return mending(self, name)

    def close(self) -> None:
        """Give back the leases that are still held."""
        for lease in list(self._leases):
            lease.release()

    # --- for the record and the lease below -------------------------------------------------------------------------

    def missing(self, name: StackName) -> WorksteadError:
        """The error for a stack that is not there."""
        return refusals.stack_missing(name, [summary.name for summary in self.stacks()])

    def hold(self, lease: SqliteLease) -> None:
        """Remember a lease until it is released."""
        self._leases.add(lease)

    def let_go(self, lease: SqliteLease) -> None:
        """Forget a lease."""
        self._leases.discard(lease)

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """A damaged file is told with the stacks that are whole."""
        try:
            yield
        except RecordError as error:
            if error.reference != refusals.DAMAGED:
                raise
            whole = Survey.of(self.file).whole_stacks()
            raise refusals.damaged_place(self.file.path, error.why, whole) from error


class SqliteRecord:
    """One stack's record in the file."""

    def __init__(self, backend: SqliteBackend, name: StackName, id: int) -> None:
        self._backend = backend
        self._name = name
        self.id = id

    @property
    def name(self) -> StackName:
        """The stack."""
        return self._name

    def load(self, version: int | None = None) -> Snapshot:
        """The present snapshot, or as a deployment left it. Raises RecordError when a row is damaged."""
        with self._reading() as (db, stack):
            at = _version(version, stack.serial)
            now = at == stack.serial
            rows, sum_of_rows = _present_rows(db, self.id) if now else _earlier_rows(db, self.id, at)
            pending, sum_of_pending = _pending_rows(db, self.id, at)
            if sum_of_rows + sum_of_pending != (stack.digest if now else _deployment_row(db, self.id, at)[-2]):
                raise refusals.damaged("the list of resources")
            extra = _attribute(db, stack, EXTRA, at)
            return snapshot_of(rows, pending, lineage=stack.lineage, serial=at, extra=extra or {})

    def secrets_state(self, version: int | None = None) -> Mapping[str, Any] | None:
        """The `secrets_providers` object, now or as of a deployment; None when there is none."""
        with self._reading() as (db, stack):
            return _attribute(db, stack, SECRETS_STATE, _version(version, stack.serial))

    def set_secrets_state(self, state: Mapping[str, Any]) -> None:
        """Keep a `secrets_providers` object."""
        with self._backend.file.writing() as db:
            row = db.execute(f"{selecting('stack')} WHERE id = ?", (self.id,)).fetchone()
            if row is None:
                raise self._backend.missing(self._name)
            for statement in added_attribute(self.id, SECRETS_STATE, stack_row(row).serial, state):
                db.execute(*statement)
            db.execute("UPDATE stack SET commits = commits + 1 WHERE id = ?", (self.id,))
            db.execute(sealing("stack"), (self.id,))

    def history(self, limit: int | None = None, offset: int = 0) -> list[Deployment]:
        """The deployments, newest first."""
        with self._reading() as (db, stack):
            newest = stack.serial - offset
            oldest = 1 if limit is None else max(newest - limit + 1, 1)
            return _deployments(db, self.id, oldest, newest)

    def check(self) -> Condition:
        """Look over everything that is kept of the stack."""
        acknowledged = self._acknowledged()
        return Survey.of(self._backend.file).condition(self._name, self.id, acknowledged)

    def acquire(self, holder: Holder, seconds: float = 30.0, seal: Seal | None = None) -> SqliteLease:
        """Take the lease. Raises LeaseHeldError at once while a living process holds it."""
        return SqliteLease(self._backend, self, holder, seconds, seal or refuse_secret)

    def _acknowledged(self) -> int:
        """How many commits the files of leases know of; ask before the record is read, which may go on meanwhile."""
        return liveness.acknowledged(self._backend.file.lease_files(self.id))

    @contextmanager
    def _reading(self) -> Iterator[tuple[sqlite3.Connection, StackRow]]:
        """One view of the record; when something in it turns out to be damaged, the error tells what is whole."""
        try:
            acknowledged = self._acknowledged()
            with self._backend.file.reading() as db:
                row = db.execute(f"{selecting('stack')} WHERE id = ?", (self.id,)).fetchone()
                if row is None:
                    stack_rows(db)  # it may have been lost
                    raise self._backend.missing(self._name)
                stack = stack_row(row)
                if stack.commits < acknowledged:
                    raise refusals.damaged("the end of the record")
                yield db, stack
        except RecordError as error:
            if error.reference != refusals.DAMAGED:
                raise
            raise refusals.damaged_record(self._name, self.check(), error.urn) from error


# --- reading a view of the file; each raises RecordError for a row that is damaged ------------------------------------


def stack_rows(db: sqlite3.Connection) -> list[StackRow]:
    """The rows of all stacks. Raises RecordError when one is damaged or missing."""
    rows = db.execute(selecting("stack")).fetchall()
    file = db.execute(selecting("file")).fetchone()
    if file is None or not is_whole("file", file) or file[2] != len(rows):
        raise refusals.damaged("the list of stacks")
    return [stack_row(row) for row in rows]


def _count_stacks(db: sqlite3.Connection, stacks: int) -> None:
    db.execute("UPDATE file SET stacks = ? WHERE id = 1", (stacks,))
    db.execute(sealing("file"), (1,))


def _version(asked: int | None, serial: int) -> int:
    if asked is None:
        return serial
    if not 1 <= asked <= serial:
        raise refusals.version_missing(asked, serial)
    return asked


def _present_rows(db: sqlite3.Connection, stack: int) -> tuple[list[tuple[int, bytes]], int]:
    """(key and text of each row, the sum of their checksums)"""
    found: list[tuple[int, bytes]] = []
    total = 0
    for id, kept, *row in db.execute(
        """SELECT resource.id, resource.checksum, history.id, deployment, key, urn, state, history.checksum
        FROM resource LEFT JOIN history ON history.id = resource.history
        WHERE resource.id BETWEEN ? AND ? ORDER BY resource.id""",
        span(stack),
    ):
        _, _, key, urn, state, checksum = row
        if kept != checksum or key != number_of(id) or not is_whole("history", tuple(row)):
            raise refusals.damaged("a row of the record", urn if isinstance(urn, str) else "")
        found.append((key, state))
        total += kept
    return found, total


def _earlier_rows(db: sqlite3.Connection, stack: int, at: int) -> tuple[list[tuple[int, bytes]], int]:
    """(key and text of each row, the sum of their checksums), as a deployment left them"""
    found: list[tuple[int, bytes]] = []
    total = 0
    for row in db.execute(
        f"""{selecting("history")} WHERE state IS NOT NULL AND id IN
            (SELECT max(id) FROM history WHERE id BETWEEN ? AND ? AND deployment <= ? GROUP BY key)
        ORDER BY key""",
        (*span(stack), at),
    ):
        _, _, key, urn, state, checksum = row
        if not is_whole("history", row):
            raise refusals.damaged("a row of the history", urn)
        found.append((key, state))
        total += checksum
    return found, total


def _pending_rows(db: sqlite3.Connection, stack: int, at: int) -> tuple[list[tuple[int, str, int, str, bytes]], int]:
    """(token, kind, key, begin and text of each operation, the sum of their checksums)"""
    found: list[tuple[int, str, int, str, bytes]] = []
    total = 0
    for row in db.execute(
        f"""{selecting("pending")} WHERE id BETWEEN ? AND ? AND deployment <= ? AND (ended IS NULL OR ended > ?)
        ORDER BY id""",
        (*span(stack), at, at),
    ):
        id, _, _, kind, key, begun, urn, state, _ = row
        if not is_whole("pending", row):
            raise refusals.damaged("a pending operation of the record", urn)
        found.append((number_of(id), kind, key, begun, state))
        total += begun_checksum(row)
    return found, total


def _deployment_row(db: sqlite3.Connection, stack: int, version: int) -> tuple[Any, ...]:
    row = db.execute(f"{selecting('deployment')} WHERE id = ?", (row_id(stack, version),)).fetchone()
    if row is None or not is_whole("deployment", row):
        raise refusals.damaged("a deployment of the history")
    return row


def _deployments(db: sqlite3.Connection, stack: int, oldest: int, newest: int) -> list[Deployment]:
    """The deployments from `newest` down to `oldest`; one whose row is damaged says nothing but that."""
    within = (row_id(stack, oldest), row_id(stack, newest))
    found: dict[int, Deployment] = {}
    for row in db.execute(f"{selecting('deployment')} WHERE id BETWEEN ? AND ?", within):
        if is_whole("deployment", row):
            id, kind, message, start_time, end_time, result, *texts = row[:-2]
            version = number_of(id)
            found[version] = Deployment(kind, version, start_time, end_time, message, result, *map(json_value, texts))
    return [
        found.get(version) or Deployment("unknown", version, result="damaged")
        for version in range(newest, oldest - 1, -1)
        if version
    ]


def _attribute(db: sqlite3.Connection, stack: StackRow, name: str, at: int) -> Any:
    """Something about the stack as a whole, as of a deployment."""
    rows = db.execute(f"{selecting('attribute')} WHERE id BETWEEN ? AND ? ORDER BY id", span(stack.id)).fetchall()
    if len(rows) != stack.attributes or not all(is_whole("attribute", row) for row in rows):
        raise refusals.damaged("what is kept of the stack as a whole")
    values = [value for _, since, known, value, _ in rows if known == name and since <= at]
    return json_value(values[-1]) if values else None

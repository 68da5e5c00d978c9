"""The embedded default: every stack's record in one SQLite file, as anybody may read it at any time.

The tables keep every version of every row, tied to the deployment that wrote it, so a snapshot is what the newest rows
say, or those up to an earlier deployment. Each row has a checksum: one that was damaged is told, never believed.

Left to others: the file itself and its failures (`sqlite_file`), writing (`sqlite_lease`), JSON (`codec`), encryption
(`secrets`), who may decide what to write (`engine.executor`).
"""

from __future__ import annotations

import platform
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from engine.core.errors import WorksteadError
from engine.core.model import Snapshot
from engine.state import liveness, refusals
from engine.state.backend import Deployment, Holder, Seal, StackName, StackSummary
from engine.state.codec import json_value, refuse_secret, snapshot_of
from engine.state.sqlite_file import RecordFile
from engine.state.sqlite_lease import EXTRA, SECRETS_STATE, SqliteLease, free_lease, holder_of, set_attribute

_TABLES_OF_A_STACK: Final = ("attribute", "deployment", "history", "resource", "pending")


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
        with self.file.reading() as db:
            rows = db.execute(
                """SELECT project, name, (SELECT count(*) FROM resource WHERE stack = id), holder, expires,
                    (SELECT iif(end_time = '', start_time, end_time) FROM deployment
                     WHERE stack = id ORDER BY version DESC LIMIT 1)
                FROM stack WHERE ?1 IS NULL OR project = ?1 ORDER BY project, name""",
                (project,),
            ).fetchall()
        now = self.clock()
        return [
            StackSummary(
                StackName(in_project, name),
                resources,
                last_update or "",
                refusals.described(holder_of(holder)) if holder and expires > now else "",
            )
            for in_project, name, resources, holder, expires, last_update in rows
        ]

    def create(self, name: StackName) -> SqliteRecord:
        """Make an empty stack, and the file if need be. Raises UsageError when the stack exists."""
        self.file.make()
        with self.file.writing() as db:
            if _stack_id(db, name) is not None:
                raise refusals.stack_exists(name)
            made = db.execute(
                "INSERT INTO stack(project, name, lineage) VALUES (?, ?, lower(hex(randomblob(16))))",
                (name.project, name.stack),
            )
            return SqliteRecord(self, name, made.lastrowid or 0)

    def stack(self, name: StackName) -> SqliteRecord:
        """An existing stack's record. Raises StackNotFoundError naming those there are."""
        with self.file.reading() as db:
            id = _stack_id(db, name)
        if id is None:
            raise self.missing(name)
        return SqliteRecord(self, name, id)

    def remove(self, name: StackName) -> None:
        """Remove a stack and its history. Raises LeaseHeldError while somebody writes it."""
        record = self.stack(name)
        with self.file.writing() as db:
            _, _, lock = free_lease(self, db, record, platform.node())
            for table in _TABLES_OF_A_STACK:
                db.execute(f"DELETE FROM {table} WHERE stack = ?", (record.id,))
            db.execute("DELETE FROM stack WHERE id = ?", (record.id,))
        if lock:
            liveness.forget(lock)

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
        with self._reading() as (db, serial):
            lineage = db.execute("SELECT lineage FROM stack WHERE id = ?", (self.id,)).fetchone()[0]
            at = self._version(version, serial)
            extra = self._attribute(db, EXTRA, at)
            pending = db.execute(
                """SELECT token, kind, key, begun, state, checksum, urn FROM pending
                WHERE stack = ? AND deployment <= ? AND (ended IS NULL OR ended > ?) ORDER BY token""",
                (self.id, at, at),
            ).fetchall()
            if version is None:
                rows = db.execute(
                    """SELECT resource.key, state, checksum, urn FROM resource
                    LEFT JOIN history ON id = resource.history AND history.key = resource.key
                        AND history.stack = resource.stack
                    WHERE resource.stack = ? ORDER BY resource.key""",
                    (self.id,),
                ).fetchall()
            else:
                rows = db.execute(
                    """SELECT key, state, checksum, urn FROM history WHERE state IS NOT NULL AND id IN
                        (SELECT max(id) FROM history WHERE stack = ? AND deployment <= ? GROUP BY key)
                    ORDER BY key""",
                    (self.id, at),
                ).fetchall()
        return snapshot_of(
            ((key, _checked(state, checksum, urn)) for key, state, checksum, urn in rows),
            (
                (token, kind, key, begun, _checked(state, checksum, urn))
                for token, kind, key, begun, state, checksum, urn in pending
            ),
            lineage=lineage,
            serial=at,
            extra=extra or {},
        )

    def secrets_state(self, version: int | None = None) -> Mapping[str, Any] | None:
        """The `secrets_providers` object, now or as of a deployment; None when there is none."""
        with self._reading() as (db, serial):
            return self._attribute(db, SECRETS_STATE, self._version(version, serial))

    def set_secrets_state(self, state: Mapping[str, Any]) -> None:
        """Keep a `secrets_providers` object."""
        with self._backend.file.writing() as db:
            row = db.execute("SELECT serial FROM stack WHERE id = ?", (self.id,)).fetchone()
            if row is None:
                raise self._backend.missing(self._name)
            db.execute(*set_attribute(self.id, SECRETS_STATE, row[0], state))

    def history(self, limit: int | None = None, offset: int = 0) -> list[Deployment]:
        """The deployments, newest first."""
        with self._reading() as (db, _):
            rows = db.execute(
                """SELECT kind, version, start_time, end_time, message, result, changes, environment, config
                FROM deployment WHERE stack = ? ORDER BY version DESC LIMIT ? OFFSET ?""",
                (self.id, -1 if limit is None else limit, offset),
            ).fetchall()
        return [Deployment(*row[:6], *map(json_value, row[6:])) for row in rows]

    def acquire(self, holder: Holder, seconds: float = 30.0, seal: Seal | None = None) -> SqliteLease:
        """Take the lease. Raises LeaseHeldError at once while a living process holds it."""
        return SqliteLease(self._backend, self, holder, seconds, seal or refuse_secret)

    @contextmanager
    def _reading(self) -> Iterator[tuple[sqlite3.Connection, int]]:
        with self._backend.file.reading() as db:
            row = db.execute("SELECT serial FROM stack WHERE id = ?", (self.id,)).fetchone()
            if row is None:
                raise self._backend.missing(self._name)
            yield db, row[0]

    def _version(self, asked: int | None, serial: int) -> int:
        if asked is None:
            return serial
        if not 1 <= asked <= serial:
            raise refusals.version_missing(asked, serial)
        return asked

    def _attribute(self, db: sqlite3.Connection, name: str, at: int) -> Any:
        row = db.execute(
            """SELECT value FROM attribute WHERE stack = ? AND name = ? AND deployment <= ?
            ORDER BY deployment DESC LIMIT 1""",
            (self.id, name, at),
        ).fetchone()
        return json_value(row[0]) if row else None


def _stack_id(db: sqlite3.Connection, name: StackName) -> int | None:
    row = db.execute("SELECT id FROM stack WHERE project = ? AND name = ?", (name.project, name.stack)).fetchone()
    return row[0] if row else None


def _checked(state: Any, checksum: Any, urn: Any) -> bytes:
    """The text of a row that is what was once written. Raises RecordError, also for a row that is not there."""
    if not isinstance(state, bytes) or zlib.crc32(state) != checksum:
        raise refusals.damaged("a row of the record", urn or "")
    return state

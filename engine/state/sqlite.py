"""The embedded default: every stack's record in one SQLite file.

What was decided, and why:

* A state is written once, into `history`, which only ever grows; `resource` names the newest row of each key. So the
  present costs no second copy, and any earlier deployment can be read again.
* One thread per lease commits what all steps of a run ask for together (`group_commit`). A step is a few statements on
  a few pages however many resources the stack has.
* A lease is the fencing number, the holder and the expiry in the stack's row. Every write transaction checks it, and by
  the same statement renews it. A holder whose process has died is recognised by its lock file (`liveness`); one that is
  merely paused is taken over when its lease has run out, and then finds its fencing number too old.

Left to others: the file itself and its failures (`sqlite_file`), JSON (`codec`), encryption (`secrets`), who may decide
what to write (`engine.executor`).
"""

from __future__ import annotations

import platform
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Final

from engine.core.errors import WorksteadError
from engine.core.model import (
    Begin,
    Drop,
    End,
    Entry,
    PendingKind,
    Put,
    ResourceState,
    Snapshot,
    Write,
    require_whole,
)
from engine.state import liveness, refusals
from engine.state.backend import Deployment, Holder, Seal, StackName, StackSummary
from engine.state.codec import (
    encode,
    json_text,
    json_value,
    refuse_secret,
    snapshot_of,
    timestamp,
    with_new_keys,
)
from engine.state.group_commit import GroupCommit, Statement
from engine.state.sqlite_file import RecordFile

_TABLES_OF_A_STACK: Final = ("attribute", "deployment", "history", "resource", "pending")

_SECRETS_STATE: Final = "secrets_state"
_EXTRA: Final = "extra"


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
                refusals.described(_holder(holder)) if holder and expires > now else "",
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
            _, _, lock = self.lease_row(db, record, platform.node())
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

    def lease_row(self, db: sqlite3.Connection, record: SqliteRecord, host: str) -> tuple[int, int, Path | None]:
        """(fence, serial, lock file) of a stack whose lease can be taken now.

        Raises LeaseHeldError while a holder lives; one on the same `host` is asked, others are believed.
        """
        row = db.execute("SELECT fence, serial, holder, lock, expires FROM stack WHERE id = ?", (record.id,)).fetchone()
        if row is None:
            raise self.missing(record.name)
        fence, serial, text, name, expires = row
        lock = self.file.path.with_name(name) if name else None
        if text is not None and expires > self.clock():
            holder = _holder(text)
            if lock is None or holder.host != host or not liveness.is_dead(lock):
                raise refusals.lease_held(holder, timestamp(expires))
        return fence, serial, lock

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
            extra = self._attribute(db, _EXTRA, at)
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
            return self._attribute(db, _SECRETS_STATE, self._version(version, serial))

    def set_secrets_state(self, state: Mapping[str, Any]) -> None:
        """Keep a `secrets_providers` object."""
        with self._backend.file.writing() as db:
            row = db.execute("SELECT serial FROM stack WHERE id = ?", (self.id,)).fetchone()
            if row is None:
                raise self._backend.missing(self._name)
            db.execute(*_attribute_set(self.id, _SECRETS_STATE, row[0], state))

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


class SqliteLease:
    """The right to write one stack's record; see `backend.Lease` for what its methods promise."""

    def __init__(
        self, backend: SqliteBackend, record: SqliteRecord, holder: Holder, seconds: float, seal: Seal
    ) -> None:
        self._backend = backend
        self._stack = record.id
        self._seal = seal
        self._seconds = seconds
        self._version = 0
        self._proof: int | None = None
        db = backend.file.connect()
        try:
            with backend.file.writing(db):
                old_lock = self._take(db, record, holder)
        except BaseException:
            db.close()
            if self._proof is not None:
                liveness.forget(self._lock, self._proof)
            raise
        if old_lock:
            liveness.forget(old_lock)
        self._writer = GroupCommit(db, self._verify, backend.file.explain, seconds / 3)
        backend.hold(self)

    def _take(self, db: sqlite3.Connection, record: SqliteRecord, holder: Holder) -> Path | None:
        """Put our name into the stack's row; the lock file of the lease before, which has ended."""
        fence, self._serial, old_lock = self._backend.lease_row(db, record, holder.host)
        self._fence = fence + 1
        path = self._backend.file.path
        self._lock = path.with_name(f"{path.name}.{self._stack}.{self._fence}.lease")
        self._proof = liveness.prove(self._lock)
        lock = self._lock.name if self._proof is not None else None
        now = self._backend.clock()
        named = json_text(replace(holder, since=timestamp(now)))
        db.execute(
            "UPDATE stack SET fence = ?, holder = ?, lock = ?, expires = ? WHERE id = ?",
            (self._fence, named, lock, now + self._seconds, self._stack),
        )
        last_key, last_token = db.execute(
            """SELECT max(ifnull((SELECT max(key) FROM history WHERE stack = ?1), 0),
                          ifnull((SELECT max(key) FROM pending WHERE stack = ?1), 0)),
                      ifnull((SELECT max(token) FROM pending WHERE stack = ?1), 0)""",
            (self._stack,),
        ).fetchone()
        self._keys, self._tokens = count(last_key + 1), count(last_token + 1)
        open_operations = "SELECT token, deployment FROM pending WHERE stack = ? AND ended IS NULL"
        self._begun_in: dict[int, int] = dict(db.execute(open_operations, (self._stack,)).fetchall())
        return old_lock

    @property
    def fence(self) -> int:
        """The fencing number."""
        return self._fence

    def start(self, deployment: Deployment) -> Deployment:
        """Begin a deployment, the next version; one that is still in progress was interrupted."""
        version = self._serial + 1
        now = timestamp(self._backend.clock())
        started = replace(deployment, version=version, start_time=now, result="in-progress")
        self._writer.commit(
            [
                (
                    "UPDATE deployment SET result = 'interrupted' WHERE stack = ? AND result = 'in-progress'",
                    (self._stack,),
                ),
                (
                    "INSERT INTO deployment VALUES (?, ?, ?, ?, ?, '', ?, '{}', ?, ?)",
                    (
                        self._stack,
                        version,
                        started.kind,
                        started.message,
                        started.start_time,
                        started.result,
                        json_text(started.environment),
                        json_text(started.config),
                    ),
                ),
                ("UPDATE stack SET serial = ? WHERE id = ?", (version, self._stack)),
            ]
        )
        self._serial = self._version = version
        return started

    def new_key(self) -> int:
        """A row number nobody has used in this stack."""
        return next(self._keys)

    def record(self, entries: Sequence[Entry]) -> list[int]:
        """Make all entries durable as one; the tokens of the begins among them, in order."""
        self._require_started()
        begun: list[int] = []
        ended: list[int] = []
        statements: list[Statement] = []
        for entry in entries:
            if isinstance(entry, Begin):
                token, statement = self._pending(entry.kind, entry.state)
                statements.append(statement)
                begun.append(token)
                continue
            if entry.token is not None:
                statements.append(self._settled(entry.token))
                ended.append(entry.token)
            for write in entry.writes:
                statements += self._dropped(write) if isinstance(write, Drop) else self._put(write)
        if entries:
            self._writer.commit(statements)
        self._begun_in.update(dict.fromkeys(begun, self._version))
        for token in ended:
            self._begun_in.pop(token, None)
        return begun

    def begin(self, kind: PendingKind, state: ResourceState) -> int:
        """Record that a provider call is about to be made; durable when it returns."""
        return self.record([Begin(kind, state)])[0]

    def end(self, token: int | None, writes: Sequence[Write]) -> None:
        """Record what a step has led to; durable when it returns."""
        self.record([End(token, tuple(writes))])

    def replace(self, snapshot: Snapshot, secrets_state: Mapping[str, Any] | None = None) -> None:
        """Put a whole other snapshot in place."""
        self._require_started()
        require_whole(snapshot)
        statements: list[Statement] = [
            (
                """INSERT INTO history(stack, deployment, key, urn, state, checksum)
                SELECT stack, ?, key, urn, NULL, 0 FROM history
                WHERE id IN (SELECT history FROM resource WHERE stack = ?)""",
                (self._version, self._stack),
            ),
            ("DELETE FROM resource WHERE stack = ?", (self._stack,)),
            ("UPDATE pending SET ended = ? WHERE stack = ? AND ended IS NULL", (self._version, self._stack)),
            _attribute_set(self._stack, _EXTRA, self._version, snapshot.extra),
        ]
        if secrets_state is not None:
            statements.append(_attribute_set(self._stack, _SECRETS_STATE, self._version, secrets_state))
        keyed = with_new_keys(snapshot, self.new_key)
        for state in keyed.resources:
            statements += self._put(Put(state))
        begun_in: dict[int, int] = {}
        for operation in keyed.pending:
            token, statement = self._pending(operation.kind, operation.resource, operation.begun)
            statements.append(statement)
            begun_in[token] = self._version
        self._writer.commit(statements)
        self._begun_in = begun_in

    def finish(self, result: str, changes: Mapping[str, int]) -> None:
        """End the deployment."""
        self._require_started()
        self._writer.commit(
            [
                (
                    "UPDATE deployment SET result = ?, end_time = ?, changes = ? WHERE stack = ? AND version = ?",
                    (result, timestamp(self._backend.clock()), json_text(changes), self._stack, self._version),
                )
            ]
        )
        self._version = 0

    def release(self) -> None:
        """Give the lease back; harmless when it was lost, or given back before."""
        give_back = "UPDATE stack SET holder = NULL, lock = NULL, expires = 0 WHERE id = ? AND fence = ?"
        self._writer.stop([(give_back, (self._stack, self._fence))], refusals.lease_over())
        liveness.forget(self._lock, self._proof)
        self._proof = None
        self._backend.let_go(self)

    # --- statements -------------------------------------------------------------------------------------------------

    def _verify(self, db: sqlite3.Connection) -> None:
        """Is the lease still ours? If so it runs anew from now. Part of every write transaction."""
        renewed = db.execute(
            "UPDATE stack SET expires = ? WHERE id = ? AND fence = ? AND holder IS NOT NULL",
            (self._backend.clock() + self._seconds, self._stack, self._fence),
        )
        if renewed.rowcount == 0:
            row = db.execute("SELECT holder FROM stack WHERE id = ?", (self._stack,)).fetchone()
            raise refusals.lease_lost(_holder(row[0]) if row and row[0] else None)

    def _require_started(self) -> None:
        if not self._version:
            raise refusals.not_started()

    def _pending(self, kind: PendingKind, state: ResourceState, begun: str = "") -> tuple[int, Statement]:
        data = encode(state, self._seal, pending=True)
        token = next(self._tokens)
        values = (
            self._stack,
            token,
            self._version,
            kind.value,
            state.key,
            begun or timestamp(self._backend.clock()),
            state.urn,
            data,
            zlib.crc32(data),
        )
        return token, ("INSERT INTO pending VALUES (?, ?, ?, NULL, ?, ?, ?, ?, ?, ?)", values)

    def _settled(self, token: int) -> Statement:
        """End a pending operation; one of an earlier deployment stays readable as of then."""
        begun_in = self._begun_in.get(token)
        if begun_in is None:
            raise refusals.not_pending(token)
        if begun_in == self._version:
            return "DELETE FROM pending WHERE stack = ? AND token = ?", (self._stack, token)
        return "UPDATE pending SET ended = ? WHERE stack = ? AND token = ?", (self._version, self._stack, token)

    def _put(self, write: Put) -> list[Statement]:
        state = write.state
        if not state.key:
            raise refusals.keyless(state.urn)
        data = encode(state, self._seal)
        return [
            (
                "INSERT INTO history VALUES (NULL, ?, ?, ?, ?, ?, ?)",
                (self._stack, self._version, state.key, state.urn, data, zlib.crc32(data)),
            ),
            # `resource` has no rowid of its own, so this is still the history row's
            ("INSERT OR REPLACE INTO resource VALUES (?, ?, last_insert_rowid())", (self._stack, state.key)),
        ]

    def _dropped(self, write: Drop) -> list[Statement]:
        return [
            (
                "INSERT INTO history VALUES (NULL, ?, ?, ?, ?, NULL, 0)",
                (self._stack, self._version, write.key, write.urn),
            ),
            ("DELETE FROM resource WHERE stack = ? AND key = ?", (self._stack, write.key)),
        ]


def _stack_id(db: sqlite3.Connection, name: StackName) -> int | None:
    row = db.execute("SELECT id FROM stack WHERE project = ? AND name = ?", (name.project, name.stack)).fetchone()
    return row[0] if row else None


def _attribute_set(stack: int, name: str, deployment: int, value: Mapping[str, Any]) -> Statement:
    return (
        "INSERT OR REPLACE INTO attribute VALUES (?, ?, ?, ?)",
        (stack, name, deployment, json_text(dict(value))),
    )


def _holder(text: str) -> Holder:
    try:
        return Holder(**json_value(text))
    except TypeError as error:
        raise refusals.damaged("a stack's lease") from error


def _checked(state: Any, checksum: Any, urn: Any) -> bytes:
    """The text of a row that is what was once written. Raises RecordError, also for a row that is not there."""
    if not isinstance(state, bytes) or zlib.crc32(state) != checksum:
        raise refusals.damaged("a row of the record", urn or "")
    return state

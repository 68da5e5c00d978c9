"""The right to write one stack's record in the SQLite file: what `backend.Lease` promises, as statements.

The lease is the fencing number, the holder and the expiry in the stack's row. Every write transaction checks it, and by
the same statement renews it. A holder whose process has died is recognised by its lock file (`liveness`); one that is
merely paused is taken over when its lease has run out, and then finds its fencing number too old.

A state is written once, into `history`, which only ever grows; `resource` names the newest row of each key. A step is a
few statements on a few pages however many resources the stack has; `group_commit` makes them durable together with what
other threads ask for. Row numbers and tokens are counted here and not in the file: nobody else may give any out.

Left to others: the tables (`sqlite_file`), reading them (`sqlite`).
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

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
from engine.state.backend import Deployment, Holder, Seal
from engine.state.codec import encode, json_text, json_value, timestamp, with_new_keys
from engine.state.group_commit import GroupCommit, Statement

if TYPE_CHECKING:
    from engine.state.sqlite import SqliteBackend, SqliteRecord

SECRETS_STATE: Final = "secrets_state"
EXTRA: Final = "extra"


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
        fence, self._serial, old_lock = free_lease(self._backend, db, record, holder.host)
        self._fence = fence + 1
        path = self._backend.file.path
        self._lock = path.with_name(f"{path.name}.{self._stack}.{self._fence}.lease")
        self._proof = liveness.prove(self._lock)
        lock = self._lock.name if self._proof is not None else None
        now = self._backend.clock()
        named = json_text(asdict(replace(holder, since=timestamp(now))))
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
            set_attribute(self._stack, EXTRA, self._version, snapshot.extra),
        ]
        if secrets_state is not None:
            statements.append(set_attribute(self._stack, SECRETS_STATE, self._version, secrets_state))
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
            raise refusals.lease_lost(holder_of(row[0]) if row and row[0] else None)

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


def free_lease(
    backend: SqliteBackend, db: sqlite3.Connection, record: SqliteRecord, host: str
) -> tuple[int, int, Path | None]:
    """(fence, serial, lock file) of a stack whose lease can be taken now.

    Raises LeaseHeldError while a holder lives; one on the same `host` is asked, others are believed.
    """
    row = db.execute("SELECT fence, serial, holder, lock, expires FROM stack WHERE id = ?", (record.id,)).fetchone()
    if row is None:
        raise backend.missing(record.name)
    fence, serial, text, name, expires = row
    lock = backend.file.path.with_name(name) if name else None
    if text is not None and expires > backend.clock():
        holder = holder_of(text)
        if lock is None or holder.host != host or not liveness.is_dead(lock):
            raise refusals.lease_held(holder, timestamp(expires))
    return fence, serial, lock


def set_attribute(stack: int, name: str, deployment: int, value: Mapping[str, Any]) -> Statement:
    """Keep something about the stack as a whole, as of a deployment."""
    return (
        "INSERT OR REPLACE INTO attribute VALUES (?, ?, ?, ?)",
        (stack, name, deployment, json_text(value)),
    )


def holder_of(text: str) -> Holder:
    """A holder as the stack's row tells it."""
    try:
        return Holder(**json_value(text))
    except TypeError as error:
        raise refusals.damaged("a stack's lease") from error

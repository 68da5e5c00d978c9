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
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from threading import Lock
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
from engine.state.sqlite_rows import (
    COLUMNS,
    StackRow,
    history_checksum,
    number_of,
    pending_checksum,
    row_id,
    sealing,
    selecting,
    span,
    stack_row,
)

if TYPE_CHECKING:
    from engine.state.sqlite import SqliteBackend, SqliteRecord

SECRETS_STATE: Final = "secrets_state"
EXTRA: Final = "extra"


class _Numbers:
    """Numbers that are given out once each, from many threads."""

    def __init__(self, last: int) -> None:
        self.last = last
        self._lock = Lock()

    def __next__(self) -> int:
        with self._lock:
            self.last += 1
            return self.last


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
        self._looking = Lock()
        self._looks = self._good_look = 0
        self._eyes: sqlite3.Connection | None = None
        acknowledged = liveness.acknowledged(backend.file.lease_files(record.id))
        db = backend.file.connect()
        try:
            with backend.file.writing(db):
                self._take(db, record, holder, acknowledged)
        except BaseException:
            db.close()
            if self._proof is not None:
                liveness.forget(self._lock, self._proof)
            raise
        self._testify()
        for file in backend.file.lease_files(record.id):
            if file != self._lock:
                liveness.forget(file)
        self._writer = GroupCommit(db, self._verify, backend.file.explain, seconds / 3, self._close, self._committed)
        backend.hold(self)

    def _take(self, db: sqlite3.Connection, record: SqliteRecord, holder: Holder, acknowledged: int) -> None:
        """Put our name into the stack's row."""
        before = free_lease(self._backend, db, record, holder.host)
        if before.commits < acknowledged:
            raise refusals.damaged("the end of the record")
        self._fence = before.fence + 1
        self._serial = before.serial
        self._keys, self._tokens, self._rows = map(_Numbers, (before.keys, before.tokens, before.written))
        self._commits = before.commits + 1
        self._lock = self._backend.file.lease_file(self._stack, self._fence)
        self._proof = liveness.prove(self._lock)
        lock = self._lock.name if self._proof is not None else None
        now = self._backend.clock()
        named = json_text(asdict(replace(holder, since=timestamp(now))))
        db.execute(
            "UPDATE stack SET fence = ?, holder = ?, lock = ?, expires = ?, commits = ? WHERE id = ?",
            (self._fence, named, lock, now + self._seconds, self._commits, self._stack),
        )
        db.execute(sealing("stack"), (self._stack,))
        open_operations = "SELECT id, deployment FROM pending WHERE id BETWEEN ? AND ? AND ended IS NULL"
        self._begun_in: dict[int, int] = {
            number_of(id): deployment for id, deployment in db.execute(open_operations, span(self._stack))
        }

    @property
    def fence(self) -> int:
        """The fencing number."""
        return self._fence

    def ensure(self) -> None:
        """Raises LeaseLostError unless the lease is ours still: looks into the file, on a connection of its own.

        A look serves everybody who had asked before it began.
        """
        if self._writer.over:
            self._writer.commit([])
        before = self._looks
        with self._looking:
            if self._good_look > before:
                return
            self._looks += 1
            look = self._looks
            try:
                self._eyes = self._eyes or self._backend.file.connect()
                self._verify(self._eyes)
            except sqlite3.Error as error:
                raise self._backend.file.explain(error) from error
            self._good_look = look

    def start(self, deployment: Deployment) -> Deployment:
        """Begin a deployment, the next version; one that is still in progress was interrupted."""
        version = self._serial + 1
        now = timestamp(self._backend.clock())
        started = replace(deployment, version=version, start_time=now, result="in-progress")
        id = row_id(self._stack, version)
        self._writer.commit(
            [
                *self._ended(self._serial, "result = 'interrupted'", (), "result = 'in-progress'"),
                (
                    "INSERT INTO deployment VALUES (?, ?, ?, ?, '', ?, '{}', ?, ?, NULL, 0)",
                    (
                        id,
                        started.kind,
                        started.message,
                        started.start_time,
                        started.result,
                        json_text(started.environment),
                        json_text(started.config),
                    ),
                ),
                (sealing("deployment"), (id,)),
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
                token, pending = self._pending(entry.kind, entry.state)
                statements += pending
                begun.append(token)
                continue
            if entry.token is not None:
                statements += self._settled(entry.token)
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
        statements: list[Statement] = []
        with self._backend.file.reading() as db:
            present = "SELECT key, urn FROM history WHERE id IN (SELECT history FROM resource WHERE id BETWEEN ? AND ?)"
            for key, urn in db.execute(present, span(self._stack)):
                statements += self._dropped(Drop(key, urn))
        statements += [
            (
                f"""UPDATE pending SET ended = ?1, checksum = {_PENDING_CHECKSUM.replace("ended", "?1")}
                WHERE id BETWEEN ?2 AND ?3 AND ended IS NULL""",
                (self._version, *span(self._stack)),
            ),
            ("UPDATE stack SET digest = 0 WHERE id = ?", (self._stack,)),
            *added_attribute(self._stack, EXTRA, self._version, snapshot.extra),
        ]
        if secrets_state is not None:
            statements += added_attribute(self._stack, SECRETS_STATE, self._version, secrets_state)
        keyed = with_new_keys(snapshot, self.new_key)
        for state in keyed.resources:
            statements += self._put(Put(state))
        begun_in: dict[int, int] = {}
        for operation in keyed.pending:
            token, pending = self._pending(operation.kind, operation.resource, operation.begun)
            statements += pending
            begun_in[token] = self._version
        self._writer.commit(statements)
        self._begun_in = begun_in

    def finish(self, result: str, changes: Mapping[str, int]) -> None:
        """End the deployment."""
        self._require_started()
        how = (result, timestamp(self._backend.clock()), json_text(changes))
        self._writer.commit(list(self._ended(self._version, "result = ?, end_time = ?, changes = ?", how)))
        self._version = 0

    def release(self) -> None:
        """Give the lease back; harmless when it was lost, or given back before."""
        give_back = "UPDATE stack SET holder = NULL, lock = NULL, expires = 0 WHERE id = ? AND fence = ?"
        given_back = self._writer.stop([(give_back, (self._stack, self._fence))], refusals.lease_over())
        with self._looking:
            if self._eyes is not None:
                self._eyes.close()
                self._eyes = None
        if self._proof is not None:
            # While others keep SQLite from emptying its log, the file goes on bearing witness. A record that could not
            # be written still names this lease, and only a file without a lock says that nobody holds it.
            stays = self._backend.file.has_log() or not given_back
            liveness.forget(None if stays else self._lock, self._proof)
        self._proof = None
        self._backend.let_go(self)

    # --- statements -------------------------------------------------------------------------------------------------

    def _verify(self, db: sqlite3.Connection) -> None:
        """Is the lease still ours? Also the beginning of every write transaction."""
        row = db.execute("SELECT fence, holder FROM stack WHERE id = ?", (self._stack,)).fetchone()
        if row is None or row[0] != self._fence or row[1] is None:
            raise refusals.lease_lost(holder_of(row[1]) if row and row[1] else None)

    def _close(self, db: sqlite3.Connection) -> None:
        """Renew the lease from now and seal the stack's row. The end of every write transaction."""
        until = self._backend.clock() + self._seconds
        numbers = (self._keys.last, self._tokens.last, self._rows.last)
        db.execute(_CLOSE, (until, *numbers, self._commits + 1, self._stack))

    def _committed(self) -> None:
        self._commits += 1
        self._testify()

    def _testify(self) -> None:
        if self._proof is not None:
            liveness.testify(self._proof, self._commits)

    def _require_started(self) -> None:
        if not self._version:
            raise refusals.not_started()

    def _ended(
        self, version: int, how: str, values: Sequence[Any], condition: str = "TRUE"
    ) -> tuple[Statement, Statement]:
        """End a deployment: it keeps the digest of the snapshot it leaves."""
        id = row_id(self._stack, version)
        end = f"""UPDATE deployment SET {how}, digest = (SELECT digest FROM stack WHERE id = ?)
            WHERE id = ? AND {condition}"""
        return (end, (*values, self._stack, id)), (sealing("deployment"), (id,))

    def _pending(self, kind: PendingKind, state: ResourceState, begun: str = "") -> tuple[int, list[Statement]]:
        data = encode(state, self._seal, pending=True)
        token = next(self._tokens)
        begun = begun or timestamp(self._backend.clock())
        row = (row_id(self._stack, token), self._version, None, kind.value, state.key, begun, state.urn, data)
        checksum = pending_checksum(*row)
        return token, [
            ("INSERT INTO pending VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, checksum)),
            ("UPDATE stack SET digest = digest + ? WHERE id = ?", (checksum, self._stack)),
        ]

    def _settled(self, token: int) -> list[Statement]:
        """End a pending operation; one of an earlier deployment stays readable as of then."""
        begun_in = self._begun_in.get(token)
        if begun_in is None:
            raise refusals.not_pending(token)
        id = row_id(self._stack, token)
        count_out = "UPDATE stack SET digest = digest - (SELECT checksum FROM pending WHERE id = ?) WHERE id = ?"
        if begun_in == self._version:
            end: Statement = ("DELETE FROM pending WHERE id = ?", (id,))
        else:
            ended = _PENDING_CHECKSUM.replace("ended", "?1")
            end = (f"UPDATE pending SET ended = ?1, checksum = {ended} WHERE id = ?2", (self._version, id))
        return [(count_out, (id, self._stack)), end]

    def _put(self, write: Put) -> list[Statement]:
        state = write.state
        if not state.key:
            raise refusals.keyless(state.urn)
        data = encode(state, self._seal)
        row = row_id(self._stack, next(self._rows)), self._version, state.key, state.urn, data
        checksum = history_checksum(*row)
        return [
            ("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?)", (*row, checksum)),
            self._counted(state.key, checksum),
            ("INSERT OR REPLACE INTO resource VALUES (?, ?, ?)", (row_id(self._stack, state.key), row[0], checksum)),
        ]

    def _dropped(self, write: Drop) -> list[Statement]:
        row = row_id(self._stack, next(self._rows)), self._version, write.key, write.urn, None
        return [
            ("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?)", (*row, history_checksum(*row))),
            self._counted(write.key, 0),
            ("DELETE FROM resource WHERE id = ?", (row_id(self._stack, write.key),)),
        ]

    def _counted(self, key: int, checksum: int) -> Statement:
        """Put a row's checksum into the digest, in the place of the one its key had."""
        return (
            """UPDATE stack SET digest = digest + ? - ifnull((SELECT checksum FROM resource WHERE id = ?), 0)
            WHERE id = ?""",
            (checksum, row_id(self._stack, key), self._stack),
        )


# What every transaction changes of the stack's row, and with it the checksum: expressions see the values from before.
_RENEWED: Final = {"expires": "?1", "keys": "?2", "tokens": "?3", "written": "?4", "commits": "?5"}
_CLOSE: Final = (
    f"UPDATE stack SET {', '.join(f'{column} = {value}' for column, value in _RENEWED.items())}, "
    f"checksum = row_checksum('stack', {', '.join(_RENEWED.get(column, column) for column in COLUMNS['stack'])}) "
    "WHERE id = ?6"
)
_PENDING_CHECKSUM: Final = f"pending_checksum({', '.join(COLUMNS['pending'])})"


def free_lease(backend: SqliteBackend, db: sqlite3.Connection, record: SqliteRecord, host: str) -> StackRow:
    """The row of a stack whose lease can be taken now.

    Raises LeaseHeldError while a holder lives; one on the same `host` is asked, others are believed.
    """
    found = db.execute(f"{selecting('stack')} WHERE id = ?", (record.id,)).fetchone()
    if found is None:
        raise backend.missing(record.name)
    row = stack_row(found)
    if row.holder is not None and row.expires > backend.clock():
        holder = holder_of(row.holder)
        lock = backend.file.path.with_name(row.lock) if row.lock else None
        if lock is None or holder.host != host or not liveness.is_dead(lock):
            raise refusals.lease_held(holder, timestamp(row.expires))
    return row


def added_attribute(stack: int, name: str, deployment: int, value: Mapping[str, Any]) -> list[Statement]:
    """Keep something about the stack as a whole, as of a deployment."""
    return [
        ("UPDATE stack SET attributes = attributes + 1 WHERE id = ?", (stack,)),
        (
            """INSERT INTO attribute
            SELECT ?1 + attributes, ?2, ?3, ?4, row_checksum('attribute', ?1 + attributes, ?2, ?3, ?4)
            FROM stack WHERE id = ?5""",
            (row_id(stack, 0), deployment, name, json_text(value), stack),
        ),
    ]


def holder_of(text: str) -> Holder:
    """A holder as the stack's row tells it."""
    try:
        return Holder(**json_value(text))
    except TypeError as error:
        raise refusals.damaged("a stack's lease") from error

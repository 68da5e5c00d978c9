"""The durable file behind all emulators, and what can be done with it without a server.

One SQLite file (`.workstead/cloud.db`) is "the cloud" of a project. Several processes may serve it at once
(`workstead up`, `workstead cloud serve`, the plugin process of the real Pulumi), and the command line looks into it and
changes it without a server. So nothing is remembered outside the file, and each request is one BEGIN IMMEDIATE
transaction.

A commit survives `kill -9` (WAL). It is not forced to the platter (`synchronous=NORMAL`): a crash of the operating
system may cost the last commits, never the file's integrity, and the speed is worth that in a stand-in.

Left to others: what is in the file (`providers.emulation.transaction`), how a request becomes a transaction
(`providers.emulation.emulator`), sockets (`providers.emulation.server`).
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from engine.core.errors import UsageError
from providers.emulation.faults import Fault, as_throttle, check_kind, converted
from providers.emulation.registry import emulator_class
from providers.emulation.transaction import COLUMNS, SCHEMA, CloudObject, Transaction, faults_of, object_of

FILE_NAME: Final = "cloud.db"
FORMAT: Final = 1


class CloudFile:
    """The file; safe to share between threads and between processes.

    `path`: the file, made with its folder on first use (mode 0600, folder 0700). `clock`: seconds since the epoch; the
    file's own clock runs ahead of it by what `advance` added, or stands where `freeze` put it.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.path = Path(path)
        self._clock = clock
        self._lock = threading.RLock()
        self._sql: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go; it opens again by itself when used again."""
        with self._lock:
            if self._sql is not None:
                self._sql.close()
                self._sql = None

    @contextmanager
    def transaction(self, cloud: str = "") -> Iterator[Transaction]:
        """One atomic look at and change of the file; an exception undoes all of it."""
        with self._lock:
            sql = self._opened()
            sql.execute("BEGIN IMMEDIATE")
            try:
                yield Transaction(sql, cloud, self._clock)
                sql.execute("COMMIT")
            except BaseException:
                if sql.in_transaction:  # a COMMIT that fails for want of space may have ended it already
                    sql.execute("ROLLBACK")
                raise

    def open(self) -> Self:
        """Open it now instead of at the first use. Raises UsageError (`cloud-file-unreadable`) if that cannot be."""
        with self._lock:
            self._opened()
        return self

    # What the command line shows

    def objects(self) -> list[dict[str, str]]:
        """Every object as {cloud, type, id, name, status}, as it is at this moment; looking changes nothing."""
        with self._reading() as (sql, now):
            rows = sql.execute(f"SELECT {COLUMNS} FROM object ORDER BY cloud, seq").fetchall()
        present: list[CloudObject] = []
        gone: set[tuple[str, str, str]] = set()
        for stored in map(object_of, rows):
            found = stored.at(now)
            if found is None or (found.cloud, found.owner, found.parent) in gone:
                gone.add((stored.cloud, stored.owner, stored.id))  # what it is the parent of was made after it
            else:
                present.append(found)
        return [
            {
                "cloud": found.cloud, "type": found.type, "id": found.id, "name": found.name, "status": found.status,
            }
            for found in present
        ]  # fmt: skip

    def log(self) -> list[dict[str, Any]]:
        """Every call, oldest first, as {time, cloud, operation, object, status}.

        `time` is RFC 3339 with a fraction, by the emulator's clock; `status` the HTTP status (int) or "dropped".
        """
        with self._reading() as (sql, _):
            rows = sql.execute("SELECT time, cloud, operation, object, status FROM call ORDER BY seq").fetchall()
        return [
            {
                "time": rfc3339(at),
                "cloud": cloud,
                "operation": operation,
                "object": object,
                "status": int(status) if status.isdigit() else status,
            }
            for at, cloud, operation, object, status in rows
        ]

    # Changes behind the engine's back

    def reset(self) -> None:
        """A fresh cloud: no objects, calls, faults or added keys; switches, clock and seed as in a new file."""
        with self.transaction() as transaction:
            for table in ("object", "call", "fault", "key", "setting"):
                transaction.sql.execute(f"DELETE FROM {table}")
            transaction.set_common("seed", secrets.token_hex(16))

    def delete(self, cloud: str, id: str, *, type: str | None = None) -> None:
        """Delete one object (and what depends on it) as a person at the vendor's console would.

        Raises UsageError when there is no such object, or several types have one of this ID and none is named.
        """
        with self.transaction(cloud) as transaction:
            transaction.remove(self._only(transaction, id, type))

    def edit(
        self,
        cloud: str,
        id: str,
        changes: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        status: str | None = None,
        type: str | None = None,
    ) -> None:
        """Change one object as a person at the vendor's console would.

        `changes`: dotted path in the vendor's JSON → new value; None removes the member. A new `status` ends whatever
        change was under way. Raises UsageError like `delete`.
        """
        with self.transaction(cloud) as transaction:
            found = self._only(transaction, id, type)
            body = json.loads(json.dumps(found.body))
            for path, value in (changes or {}).items():
                *parts, last = path.split(".")
                inner = body
                for part in parts:
                    inner = inner.setdefault(part, {})
                    if not isinstance(inner, dict):
                        raise UsageError(f"{path}: {part} of {id} is not an object", reference="no-such-member")
                if value is None:
                    inner.pop(last, None)
                else:
                    inner[last] = value
            transaction.save(
                found,
                body=body,
                name=found.name if name is None else name,
                status=found.status if status is None else status,
                course=found.course if status is None else (),
            )

    # Faults, switches, keys, clock

    def faults(self) -> list[Fault]:
        """The faults that wait for their call, oldest first."""
        with self._reading() as (sql, _):
            return faults_of(sql)

    def add_fault(
        self,
        cloud: str,
        kind: str,
        operation: str = "*",
        *,
        object: str = "",
        times: int | None = 1,
        **parameters: Any,
    ) -> Fault:
        """Plan a fault (see `Fault` and `FAULT_KINDS`).

        Raises UsageError for an unknown cloud, kind, parameter, or a pattern that matches no operation of the cloud.
        """
        emulator = emulator_class(cloud)
        check_kind(kind)
        if emulator.operations and not any(fnmatchcase(known, operation) for known in emulator.operations):
            raise UsageError(
                f"{cloud} has no operation {operation!r}",
                remedy=f"use a shell pattern over: {', '.join(emulator.operations)}",
                reference="unknown-operation",
            )
        if times is not None and times < 1:
            raise UsageError(f"times is {times}; it must be at least 1", reference="fault-times")
        times = None if kind == "rate-limit" else times
        fault = Fault(0, cloud, kind, operation, object, times, converted(kind, parameters))
        if kind in ("throttle", "rate-limit", "error", "quota"):
            try:  # what the vendor cannot say is refused here, not when the call comes
                emulator().fault_response(as_throttle(fault) if kind == "rate-limit" else fault)
            except ValueError as error:
                raise UsageError(f"{cloud}: {error}", reference="fault-parameter") from error
        with self.transaction(cloud) as transaction:
            seq = transaction.sql.execute(
                "INSERT INTO fault (cloud, kind, operation, object, times, parameters) VALUES (?, ?, ?, ?, ?, ?)",
                (cloud, kind, operation, object, times, json.dumps(fault.parameters)),
            ).lastrowid
        return replace(fault, seq=seq or 0)

    def clear_faults(self, cloud: str | None = None) -> None:
        """Forget the faults of one cloud, or all."""
        with self.transaction() as transaction:
            transaction.sql.execute("DELETE FROM fault WHERE ? IS NULL OR cloud = ?", (cloud, cloud))

    def set_switch(self, cloud: str, name: str, value: str) -> None:
        """Set one switch of a cloud's emulator.

        Raises UsageError for a cloud, name or value that is not known.
        """
        switches = emulator_class(cloud).switches
        if name not in switches:
            raise UsageError(
                f"the {cloud} emulator has no switch {name!r}",
                remedy=f"use one of: {', '.join(switches) or 'it has none'}",
                reference="unknown-switch",
            )
        switches[name].check(name, value)
        with self.transaction(cloud) as transaction:
            transaction.sql.execute("INSERT OR REPLACE INTO setting VALUES (?, ?, ?)", (cloud, name, value))

    def switches(self, cloud: str) -> dict[str, str]:
        """Every switch of a cloud's emulator with its present value."""
        defaults = {name: switch.default for name, switch in emulator_class(cloud).switches.items()}
        with self.transaction(cloud) as transaction:
            return defaults | transaction.switches

    def add_key(self, cloud: str, access_key: str, secret_key: str, *, owner: str, standing: str = "active") -> None:
        """Let the emulator know one access key more; `standing`: active, disabled or unsubscribed."""
        with self.transaction(cloud) as transaction:
            transaction.sql.execute(
                "INSERT OR REPLACE INTO key VALUES (?, ?, ?, ?, ?)", (cloud, access_key, secret_key, owner, standing)
            )

    def now(self) -> float:
        """The emulator's clock, seconds since the epoch."""
        with self._reading() as (_, now):
            return now

    def advance(self, seconds: float) -> None:
        """Let time pass, at once and for every process that serves this file."""
        with self.transaction() as transaction:
            if "clock-stands-at" in transaction.common:
                transaction.set_common("clock-stands-at", repr(transaction.now + seconds))
            else:
                ahead = float(transaction.common.get("clock-ahead", "0"))
                transaction.set_common("clock-ahead", repr(ahead + seconds))

    def freeze(self, at: float | None = None) -> None:
        """Stop the emulator's clock at an instant (seconds since the epoch), or where it is."""
        with self.transaction() as transaction:
            transaction.set_common("clock-stands-at", repr(float(transaction.now if at is None else at)))

    def set_seed(self, seed: str) -> None:
        """Make the identifiers of objects to come predictable: the same seed, the same identifiers."""
        with self.transaction() as transaction:
            transaction.set_common("seed", seed)
            transaction.set_common("texts", "0")

    # Opening

    @contextmanager
    def _reading(self) -> Iterator[tuple[sqlite3.Connection, float]]:
        """The file and its clock, without the right to write: showing it must not hold up who serves it."""
        with self._lock:
            sql = self._opened()
            sql.execute("BEGIN")
            try:
                yield sql, Transaction(sql, "", self._clock).now
            finally:
                sql.execute("ROLLBACK")

    def _opened(self) -> sqlite3.Connection:
        if self._sql is None:
            self._sql = _open(self.path)
        return self._sql

    @staticmethod
    def _only(transaction: Transaction, id: str, type: str | None) -> CloudObject:
        found = transaction.select(id=id, type=type)
        if len(found) == 1:
            return found[0]
        if found:
            kinds = ", ".join(sorted({each.type for each in found}))
            raise UsageError(
                f"{transaction.cloud} has several objects with the ID {id!r}",
                why=f"They are of these types: {kinds}.",
                remedy="name the type as well",
                reference="ambiguous-object",
            )
        raise UsageError(
            f"{transaction.cloud} has no object with the ID {id!r}",
            remedy="list what there is with `workstead cloud ls`",
            reference="no-such-object",
        )


def find_home(start: Path) -> Path:
    """The `.workstead` folder of the project that `start` lies in; of `start` itself when it lies in none."""
    start = start.absolute()
    for folder in (start, *start.parents):
        if any((folder / name).is_file() for name in ("Pulumi.yaml", "Pulumi.yml", "Pulumi.json")):
            return folder / ".workstead"
    return start / ".workstead"


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        sql = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, str(error)) from error
    try:
        _prepare(sql, path)
    except BaseException as error:
        sql.close()
        if isinstance(error, sqlite3.OperationalError):
            raise _unusable(path, str(error)) from error
        if isinstance(error, sqlite3.DatabaseError):
            raise _unreadable(path, str(error)) from error
        raise
    return sql


def _prepare(sql: sqlite3.Connection, path: Path) -> None:
    """Set the connection up and make the tables, however many processes do so at the same moment."""
    for attempt in range(100):
        # SQLite does not call its busy handler when two connections switch a file to WAL at once, so the waiting is
        # ours; it is a matter of milliseconds, once in the life of a file.
        try:
            sql.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:
            if attempt == 99:
                raise
            time.sleep(0.01)
    sql.execute("PRAGMA synchronous = NORMAL")
    sql.execute("BEGIN IMMEDIATE")
    version = sql.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, FORMAT):
        sql.execute("ROLLBACK")
        raise _unreadable(path, f"It has format {version}; this version knows {FORMAT}.")
    if version == 0:
        for statement in filter(str.strip, SCHEMA.split(";")):
            sql.execute(statement)
        sql.execute("INSERT OR IGNORE INTO setting VALUES ('', 'seed', ?)", (secrets.token_hex(16),))
        sql.execute(f"PRAGMA user_version = {FORMAT}")
    sql.execute("COMMIT")


def _unusable(path: Path, why: str) -> UsageError:
    return UsageError(
        f"{path}, where the emulated clouds are kept, cannot be opened",
        why=f"The system says: {why}.",
        remedy=f"let this user read and write {path.parent} and what is in it, and see that there is room",
        reference="cloud-file-unreadable",
    )


def _unreadable(path: Path, why: str) -> UsageError:
    return UsageError(
        f"{path} is not an emulators' file that can be read",
        why=why,
        remedy="delete the file: it holds emulated objects only, and a new one is made",
        reference="cloud-file-unreadable",
    )


def rfc3339(at: float) -> str:
    """An instant (seconds since the epoch) as UTC with microseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

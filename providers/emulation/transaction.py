"""What the emulators' file holds, and one transaction on it: objects, calls, faults and keys.

An object carries the *course* its status will take, as instants or as numbers of looks, and whoever reads it computes
where it has got to. So nothing has to be done at the right moment, and nobody has to be running then.

Left to others: the file itself and what the command line does with it (`providers.emulation.store`), which course an
object takes (`providers.emulation.emulator`).
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Final

from providers.emulation.faults import Fault

LOG_KEEPS: Final = 50_000  # calls; an emulator left running for weeks must not fill the disk

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS object (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, cloud TEXT, owner TEXT, type TEXT, id TEXT, name TEXT, parent TEXT,
    created REAL, modified REAL, status TEXT, looks INTEGER, course TEXT, body TEXT,
    UNIQUE (cloud, type, id, owner));
CREATE INDEX IF NOT EXISTS object_name ON object (cloud, type, name);
CREATE INDEX IF NOT EXISTS object_parent ON object (cloud, parent);
CREATE INDEX IF NOT EXISTS object_id ON object (cloud, id);
CREATE TABLE IF NOT EXISTS call (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, time REAL, cloud TEXT, operation TEXT, object TEXT, status TEXT);
CREATE TABLE IF NOT EXISTS fault (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, cloud TEXT, kind TEXT, operation TEXT, object TEXT, times INTEGER,
    parameters TEXT);
CREATE TABLE IF NOT EXISTS setting (cloud TEXT, name TEXT, value TEXT, PRIMARY KEY (cloud, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS key (
    cloud TEXT, access_key TEXT, secret_key TEXT, owner TEXT, standing TEXT, PRIMARY KEY (cloud, access_key)
    ) WITHOUT ROWID;
"""

COLUMNS: Final = "seq, cloud, owner, type, id, name, parent, created, modified, status, looks, course, body"


@dataclass(frozen=True, slots=True)
class Turn:
    """One coming status change of an object.

    `status`: what it becomes, None when the object is gone then. It comes at the instant `due` (seconds since the
    epoch, emulator's clock) or when the object has been looked at `looks` times in its present status; neither: never.
    `changes` are body members set at the same time.
    """

    status: str | None
    due: float | None = None
    looks: int | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)

    def reached(self, now: float, looks: int) -> bool:
        """Whether this turn lies behind us."""
        if self.looks is not None:
            return looks >= self.looks
        return self.due is not None and self.due <= now


@dataclass(frozen=True, slots=True)
class CloudObject:
    """One object of a cloud.

    `id` is the ID a provider records, unique with `owner` (account, project, region: what the vendor separates by) and
    `type`. `parent` is the ID of the object it cannot outlive, or empty. `body` is the vendor's JSON members.
    """

    seq: int
    cloud: str
    owner: str
    type: str
    id: str
    name: str
    parent: str
    created: float
    modified: float
    status: str
    looks: int
    course: tuple[Turn, ...]
    body: Mapping[str, Any]

    def at(self, now: float) -> CloudObject | None:
        """This object as time and looks have made it by `now`; None when it is gone."""
        found = self
        while found.course and found.course[0].reached(now, found.looks):
            turn, *coming = found.course
            if turn.status is None:
                return None
            found = replace(
                found,
                status=turn.status,
                looks=0,
                modified=now if turn.due is None else turn.due,
                course=tuple(coming),
                body={**found.body, **turn.changes},
            )
        return found


@dataclass(frozen=True, slots=True)
class Key:
    """An access key an emulator accepts. `standing`: active, disabled or unsubscribed."""

    access_key: str
    secret_key: str
    owner: str
    standing: str = "active"


class Transaction:
    """One cloud's part of the file within one transaction; what an emulator's operations work with.

    `now` is the emulator's clock, read once: all that happens in one call happens at one instant.
    """

    def __init__(self, sql: sqlite3.Connection, cloud: str, clock: Callable[[], float]) -> None:
        self.cloud = cloud
        self.sql = sql
        self._looked: list[int] = []
        self.common: dict[str, str] = {}
        self.switches: dict[str, str] = {}
        for place, name, value in sql.execute(
            "SELECT cloud, name, value FROM setting WHERE cloud IN ('', ?)", (cloud,)
        ):
            (self.switches if place else self.common)[name] = value
        frozen = self.common.get("clock-stands-at")
        self.now = clock() + float(self.common.get("clock-ahead", "0")) if frozen is None else float(frozen)

    # Objects

    def add(
        self,
        type: str,
        id: str,
        *,
        owner: str,
        name: str = "",
        parent: str = "",
        status: str = "",
        course: Sequence[Turn] = (),
        body: Mapping[str, Any] | None = None,
    ) -> CloudObject:
        """A new object. Raises sqlite3.IntegrityError when one of this owner, type and ID exists."""
        made = CloudObject(
            0, self.cloud, owner, type, id, name, parent, self.now, self.now, status, 0, tuple(course), body or {}
        )
        self.get(type, id, owner=owner)  # one whose time is over makes room
        cursor = self.sql.execute(
            "INSERT INTO object (cloud, owner, type, id, name, parent, created, modified, status, looks, course, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self.cloud, owner, type, id, name, parent, self.now, self.now, status, 0, *_texts(made)),
        )
        return replace(made, seq=cursor.lastrowid or 0)

    def get(self, type: str, id: str, *, owner: str | None = None, look: bool = False) -> CloudObject | None:
        """The object of this type and ID, None when there is none. `look` counts as a look at its status."""
        return next(iter(self.select(look, type=type, id=id, owner=owner)), None)

    def all(
        self,
        type: str,
        *,
        owner: str | None = None,
        parent: str | None = None,
        name: str | None = None,
        look: bool = False,
    ) -> list[CloudObject]:
        """Objects of a type in order of creation, narrowed by what is given."""
        return self.select(look, type=type, owner=owner, parent=parent, name=name)

    def at_least(self, count: int, type: str, *, owner: str) -> bool:
        """Whether an owner has so many objects of a type; quick to say no, however many there are."""
        stored = self.sql.execute(
            "SELECT count(*) FROM object WHERE cloud = ? AND type = ? AND owner = ?", (self.cloud, type, owner)
        ).fetchone()[0]
        return stored >= count and len(self.all(type, owner=owner)) >= count  # some may be gone by now

    def save(self, found: CloudObject, **changes: Any) -> CloudObject:
        """Write an object with fields changed; `modified` becomes now unless it is among them."""
        changed = replace(found, **{"modified": self.now, **changes})
        self._write(changed)
        return changed

    def remove(self, found: CloudObject) -> None:
        """Delete an object with everything that has it as a parent."""
        for row in self.sql.execute(
            f"SELECT {COLUMNS} FROM object WHERE cloud = ? AND parent = ? AND owner = ? AND seq <> ?",
            (found.cloud, found.id, found.owner, found.seq),
        ).fetchall():
            self.remove(object_of(row))
        self.sql.execute("DELETE FROM object WHERE seq = ?", (found.seq,))

    def new_text(self, alphabet: str, length: int) -> str:
        """Letters nobody can guess and no other call gets, drawn from the file's seed; for identifiers."""
        count = int(self.common.get("texts", "0")) + 1
        self.set_common("texts", str(count))
        seed = self.common.get("seed", "")
        drawn = hashlib.shake_256(f"{seed}:{self.cloud}:{count}".encode()).digest(2 * length)
        pairs = (int.from_bytes(drawn[at : at + 2], "big") for at in range(0, 2 * length, 2))
        return "".join(alphabet[pair % len(alphabet)] for pair in pairs)

    def select(self, look: bool = False, **wanted: str | None) -> list[CloudObject]:
        """Objects by the values of columns; None asks for nothing."""
        given = {column: value for column, value in wanted.items() if value is not None}
        where = "".join(f" AND {column} = ?" for column in given)
        rows = self.sql.execute(
            f"SELECT {COLUMNS} FROM object WHERE cloud = ?{where} ORDER BY seq", (self.cloud, *given.values())
        ).fetchall()
        return [found for row in rows if (found := self._settled(object_of(row), look)) is not None]

    def _settled(self, stored: CloudObject, look: bool) -> CloudObject | None:
        """The object as it is now, with that written down: the next reader need not compute it again."""
        if not stored.course:
            return stored
        found = stored.at(self.now)
        if found is None:
            self.remove(stored)
            return None
        if look and found.course and found.course[0].looks is not None:
            found = replace(found, looks=found.looks + 1)
            self._looked.append(found.seq)
        if found is not stored:
            self._write(found)
        return found

    def _write(self, changed: CloudObject) -> None:
        self.sql.execute(
            "UPDATE object SET name = ?, parent = ?, modified = ?, status = ?, looks = ?, course = ?, body = ?"
            " WHERE seq = ?",
            (
                changed.name, changed.parent, changed.modified, changed.status, changed.looks, *_texts(changed),
                changed.seq,
            ),
        )  # fmt: skip

    # Calls, faults, keys

    def record(self, operation: str, object: str, status: int | str) -> None:
        """Append one line to the call log."""
        texts = (printable(text)[:200] for text in (operation, object))
        seq = self.sql.execute(
            "INSERT INTO call (time, cloud, operation, object, status) VALUES (?, ?, ?, ?, ?)",
            (self.now, self.cloud, *texts, str(status)),
        ).lastrowid
        if seq and seq % 1000 == 0:
            self.sql.execute("DELETE FROM call WHERE seq <= ?", (seq - LOG_KEEPS,))

    def calls_so_far(self) -> int:
        """How many calls the file has seen, this one not yet counted: a number no other call has."""
        return self.sql.execute("SELECT max(seq) FROM call").fetchone()[0] or 0

    def calls_since(self, at: float, most: int) -> int:
        """How many calls of this cloud came at that instant or later, as far as `most`; for limits of rate."""
        return self.sql.execute(
            "SELECT count(*) FROM (SELECT time FROM call WHERE cloud = ? ORDER BY seq DESC LIMIT ?) WHERE time >= ?",
            (self.cloud, most, at),
        ).fetchone()[0]

    def take_fault(self, kinds: Collection[str], operation: str, subjects: Sequence[str]) -> Fault | None:
        """The oldest fault of these kinds meant for this call, used up by one; None when there is none.

        `subjects` are the IDs and names the call is about; a fault that names an object by its name also meets calls
        that carry the object's ID only.
        """
        for fault in faults_of(self.sql, self.cloud):
            if fault.kind not in kinds or not fnmatchcase(operation, fault.operation):
                continue
            if fault.object and fault.object not in self._names(subjects):
                continue
            if fault.times is not None:
                self.sql.execute("UPDATE fault SET times = times - 1 WHERE seq = ?", (fault.seq,))
                self.sql.execute("DELETE FROM fault WHERE seq = ? AND times < 1", (fault.seq,))
            return fault
        return None

    def calls_left(self, limit: Fault, owner: str) -> float:
        """How many calls a rate limit lets an account make at this instant: a bucket that fills with time."""
        burst, per_second = limit.parameters.get("burst", 1.0), limit.parameters.get("per_second", 5.0)
        left, at = map(float, self.common.get(_bucket(limit, owner), f"{burst!r} {self.now!r}").split())
        return min(burst, left + max(0.0, self.now - at) * per_second)

    def count_call(self, limit: Fault, owner: str) -> bool:
        """Take one call of those left; False when there is none."""
        left = self.calls_left(limit, owner)
        if left >= 1:
            self.set_common(_bucket(limit, owner), f"{left - 1!r} {self.now!r}")
        return left >= 1

    def key(self, access_key: str) -> Key | None:
        """The access key of that name added to the file, or None."""
        row = self.sql.execute(
            "SELECT access_key, secret_key, owner, standing FROM key WHERE cloud = ? AND access_key = ?",
            (self.cloud, printable(access_key)),
        ).fetchone()
        return Key(*row) if row else None

    @contextmanager
    def undoable(self) -> Iterator[None]:
        """A part of the transaction that an exception undoes, leaving the rest (log, used-up faults) to be kept.

        Looks stay counted: whoever is told "not yet" has looked.
        """
        self.sql.execute("SAVEPOINT effect")
        self._looked.clear()
        try:
            yield
        except BaseException:
            self.sql.execute("ROLLBACK TO effect")
            self.sql.execute("RELEASE effect")
            for seq in tuple(self._looked):
                row = self.sql.execute(f"SELECT {COLUMNS} FROM object WHERE seq = ?", (seq,)).fetchone()
                if row is not None:  # one made in the undone part is gone
                    self._settled(object_of(row), look=True)
            raise
        self.sql.execute("RELEASE effect")

    def _names(self, subjects: Sequence[str]) -> set[str]:
        marks = ", ".join("?" * len(subjects))
        rows = self.sql.execute(
            f"SELECT name FROM object WHERE cloud = ? AND id IN ({marks})", (self.cloud, *map(printable, subjects))
        )
        return {*subjects, *(name for (name,) in rows if name)}

    def set_common(self, name: str, value: str) -> None:
        """Write a setting of the whole file."""
        self.common[name] = value
        self.sql.execute("INSERT OR REPLACE INTO setting VALUES ('', ?, ?)", (name, value))


def _bucket(limit: Fault, owner: str) -> str:
    return f"calls left of {owner} under {limit.seq}"


def faults_of(sql: sqlite3.Connection, cloud: str | None = None) -> list[Fault]:
    """The waiting faults of one cloud, or of all, oldest first."""
    rows = sql.execute(
        "SELECT seq, cloud, kind, operation, object, times, parameters FROM fault"
        " WHERE ? IS NULL OR cloud = ? ORDER BY seq",
        (cloud, cloud),
    ).fetchall()
    return [
        Fault(seq, name, kind, operation, object, times, json.loads(parameters))
        for seq, name, kind, operation, object, times, parameters in rows
    ]


def printable(text: str) -> str:
    """Text SQLite can keep: lone surrogates, which a JSON body may smuggle in, replaced."""
    return text.encode("utf-8", "replace").decode()


def object_of(row: Sequence[Any]) -> CloudObject:
    """A row of `COLUMNS` as an object, as it was when it was written."""
    *plain, course, body = row
    return CloudObject(*plain, course=tuple(Turn(*turn) for turn in json.loads(course)), body=json.loads(body))


def _texts(of: CloudObject) -> tuple[str, str]:
    """Course and body as the file keeps them."""
    course = [[turn.status, turn.due, turn.looks, dict(turn.changes)] for turn in of.course]
    return json.dumps(course), json.dumps(of.body)

"""Makes a damaged file anew from everything in it that can still be read, and keeps the damaged one.

Rows are taken over as they are, checksums included: what is damaged stays known as damaged, and other stacks are
neither better nor worse than before. Only the stack that is being mended gets a row of its own that fits what is left:
its present snapshot is then the newest whole row of each resource, which nobody may work from, and whoever mends puts a
whole version in place before the new file takes the old one's.

A crash on the way leaves the damaged file, or the mended one: never none, and never one that looks whole and is not.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import InternalError
from engine.state import liveness, refusals
from engine.state.backend import Mended, StackName
from engine.state.sqlite_file import RecordFile
from engine.state.sqlite_rows import COLUMNS, is_whole, number_of, row_id, sealing, span, stack_of
from engine.state.sqlite_survey import Survey

if TYPE_CHECKING:
    import sqlite3

    from engine.state.sqlite import SqliteBackend

_MISSING = "INSERT INTO deployment VALUES (?, 'unknown', '', '', '', 'damaged', '{}', '{}', '{}', NULL, 0)"


@contextmanager
def mending(backend: SqliteBackend, name: StackName) -> Iterator[Mended]:
    """See `backend.Backend.mending`."""
    from engine.state.sqlite import SqliteBackend, SqliteRecord

    file = backend.file
    survey = Survey.of(file)
    _require_unused(survey, file)
    number = survey.number(name)
    if number is None:
        raise backend.missing(name) if survey.complete else refusals.damaged_place(file.path, survey.structure, [])
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    aside = file.path.with_name(f"{file.path.name}.damaged-{stamp}")
    draft = SqliteBackend(file.path.with_name(f"{file.path.name}.mended-{stamp}"), clock=backend.clock)
    try:
        draft.file.make()
        with survey.opened() as old, draft.file.writing() as new:
            _take_over(survey, old, new, name, number, file)
        yield Mended(SqliteRecord(draft, name, number), str(aside))
        draft.close()
        if draft.file.has_log():
            raise InternalError("the mended record was not written out")
        _swap(file, draft.file.path, aside)
    finally:
        draft.close()
        for rest in (draft.file.path, *_companions(draft.file.path)):
            rest.unlink(missing_ok=True)


def _require_unused(survey: Survey, file: RecordFile) -> None:
    """Raises LeaseHeldError while any stack of the file is written by a living process."""
    numbers = {*survey.stacks, *(row[0] for row in survey.doubtful if isinstance(row[0], int))}
    for number in numbers:
        for lease in file.lease_files(number):
            if not liveness.is_dead(lease):
                raise refusals.place_in_use(file.path, lease)


def _take_over(
    survey: Survey, old: sqlite3.Connection, new: sqlite3.Connection, name: StackName, number: int, file: RecordFile
) -> None:
    for table in ("stack", "attribute", "deployment", "history", "resource", "pending"):
        places = ", ".join("?" * (len(COLUMNS[table]) + 1))
        for row in survey.rows(old, table):
            ours = row[0] == number if table == "stack" else stack_of(row[0]) == number
            if not ours or (table in ("deployment", "history", "pending") and is_whole(table, row)):
                new.execute(f"INSERT OR IGNORE INTO {table} VALUES ({places})", row)
    written = _attributes(survey, old, new, number)
    before: Any = survey.stacks.get(number)
    serial = _deployments(new, number, before.serial if before else 0)
    # One that had not ended goes by the digest the stack had then; if that is lost, by one that nothing comes to.
    new.execute(
        "UPDATE deployment SET digest = ? WHERE id = ? AND digest IS NULL",
        (before.digest if before else -1, row_id(number, serial)),
    )
    new.execute(sealing("deployment"), (row_id(number, serial),))

    def greatest(column: str, table: str) -> int:
        rows = [row[0] for row in new.execute(f"SELECT {column} FROM {table} WHERE id BETWEEN ? AND ?", span(number))]
        return max(rows, default=0)

    acknowledged = liveness.acknowledged(file.lease_files(number))
    values = {
        "id": number,
        "project": name.project,
        "name": name.stack,
        "lineage": before.lineage if before else os.urandom(16).hex(),
        "serial": serial,
        # Where the last fencing number is not known any more, the time is greater than any count of leases.
        "fence": before.fence if before else int(time.time()),
        "holder": None,
        "lock": None,
        "expires": 0.0,
        "keys": max(before.keys if before else 0, greatest("key", "history"), greatest("key", "pending")),
        "tokens": max(before.tokens if before else 0, number_of(greatest("id", "pending"))),
        "written": max(before.written if before else 0, number_of(greatest("id", "history"))),
        "attributes": written,
        "commits": max(before.commits if before else 0, acknowledged),
        "digest": _present(new, number),
    }
    new.execute(f"INSERT INTO stack VALUES ({', '.join('?' * len(values))}, 0)", tuple(values.values()))
    new.execute(sealing("stack"), (number,))
    new.execute("UPDATE file SET stacks = (SELECT count(*) FROM stack) WHERE id = 1")
    new.execute(sealing("file"), (1,))


def _attributes(survey: Survey, old: sqlite3.Connection, new: sqlite3.Connection, number: int) -> int:
    """Take over what is kept of the stack as a whole, numbered without gaps; how many there are."""
    count = 0
    for row in survey.rows(old, "attribute", number):
        if is_whole("attribute", row):
            count += 1
            new.execute("INSERT INTO attribute VALUES (?, ?, ?, ?, 0)", (row_id(number, count), *row[1:4]))
            new.execute(sealing("attribute"), (row_id(number, count),))
    return count


def _deployments(new: sqlite3.Connection, number: int, serial: int) -> int:
    """Put a stand-in where a deployment is lost; the newest version."""
    there = {number_of(id) for (id,) in new.execute("SELECT id FROM deployment WHERE id BETWEEN ? AND ?", span(number))}
    last = max(serial, *there, 0)
    for version in range(1, last + 1):
        if version not in there:
            new.execute(_MISSING, (row_id(number, version),))
            new.execute(sealing("deployment"), (row_id(number, version),))
    return last


def _present(new: sqlite3.Connection, number: int) -> int:
    """Name the newest row of each key as present; the digest of that and of what is pending."""
    newest: dict[int, tuple[int, int] | None] = {}
    history = "SELECT id, key, state IS NULL, checksum FROM history WHERE id BETWEEN ? AND ? ORDER BY id"
    for id, key, dropped, checksum in new.execute(history, span(number)):
        newest[key] = None if dropped else (id, checksum)
    rows = [(row_id(number, key), *row) for key, row in newest.items() if row is not None]
    new.executemany("INSERT INTO resource VALUES (?, ?, ?)", rows)
    pending = "SELECT checksum FROM pending WHERE id BETWEEN ? AND ? AND ended IS NULL"
    return sum(row[-1] for row in rows) + sum(checksum for (checksum,) in new.execute(pending, span(number)))


def _swap(file: RecordFile, draft: Path, aside: Path) -> None:
    """Put the new file in the old one's place. The old log goes first: SQLite would read it into the new file."""
    descriptor = os.open(draft, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    for companion in _companions(file.path):
        if companion.exists():
            os.rename(companion, aside.with_name(companion.name.replace(file.path.name, aside.name, 1)))
    try:
        os.link(file.path, aside)
    except OSError:
        shutil.copy2(file.path, aside)
    os.replace(draft, file.path)
    for lease in file.path.parent.glob("*.lease"):
        if lease.name.startswith(f"{file.path.name}."):
            liveness.forget(lease)
    with suppress(OSError):  # not every system lets a folder be synced
        folder = os.open(file.path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def _companions(path: Path) -> list[Path]:
    return [path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm")]

"""Rows of the record's file: their numbers and their checksums, so that damage is told and never believed.

Every row's `id` is its stack's number and its own number within the stack in one integer. The rows of a stack lie
together, and there is no index that could disagree with its table.

Every row has a checksum over all its columns, and `stack.digest` is the sum of those of the present rows and pending
operations: a row that is missing, one too many, or an older one in the place of a newer is noticed as well. A
deployment keeps the digest it ended with, so every version can prove itself. Both cost the same for each step however
large the stack is. (CRC-32 finds every damage of up to 32 bits in a row and all but one in four thousand million of
the others; it guards against disks, not against people.)

Left to others: the tables (`sqlite_file`), what becomes of damage (`sqlite_survey`).
"""

from __future__ import annotations

import sqlite3
import zlib
from typing import Any, Final, NamedTuple

from engine.state import refusals

_NUMBERS: Final = 40  # bits of an id that number a row within its stack

# The columns of each table, in order; a checksum follows them.
COLUMNS: Final = {
    table: tuple(columns.split())
    for table, columns in {
        "file": "id format stacks",
        "stack": "id project name lineage serial fence holder lock expires keys tokens written attributes commits "
        "digest",
        "attribute": "id deployment name value",
        "deployment": "id kind message start_time end_time result changes environment config digest",
        "history": "id deployment key urn state",
        "resource": "id history",
        "pending": "id deployment ended kind key begun urn state",
    }.items()
}


class StackRow(NamedTuple):
    """A stack's own row.

    `keys`, `tokens`, `written` (rows of the history), `attributes`: the highest number given out of each; `commits`:
    how many times it was written to; `holder`, `lock` (the lease's file), `expires`, `fence`: its lease.
    """

    id: int
    project: str
    name: str
    lineage: str
    serial: int
    fence: int
    holder: str | None
    lock: str | None
    expires: float
    keys: int
    tokens: int
    written: int
    attributes: int
    commits: int
    digest: int


def row_id(stack: int, number: int) -> int:
    """The `id` of a stack's row of that number."""
    return stack << _NUMBERS | number


def number_of(id: int) -> int:
    """A row's number within its stack."""
    return id & (1 << _NUMBERS) - 1


def stack_of(id: int) -> int:
    """The number of the stack that a row belongs to."""
    return id >> _NUMBERS


def span(stack: int) -> tuple[int, int]:
    """The least and the greatest `id` of a stack's rows, for BETWEEN."""
    return row_id(stack, 0), row_id(stack + 1, 0) - 1


def checksum(*values: Any) -> int:
    """Of a row without a state: its table's name, then its columns. `ascii`, unlike `repr`, never changes its mind."""
    return zlib.crc32(ascii(values).encode())


def history_checksum(id: int, deployment: int, key: int, urn: str, state: bytes | None) -> int:
    """Of a row of the history; `state` None: the resource was dropped."""
    return zlib.crc32(state or b"", checksum("history", id, deployment, key, urn))


def pending_checksum(
    id: int, deployment: int, ended: int | None, kind: str, key: int, begun: str, urn: str, state: bytes
) -> int:
    """Of a pending operation."""
    return zlib.crc32(state, checksum("pending", id, deployment, ended, kind, key, begun, urn))


def begun_checksum(row: tuple[Any, ...]) -> int:
    """What a pending operation, read by `selecting`, counts in digests: its checksum as it was begun."""
    id, deployment, _, *rest, _ = row
    return pending_checksum(id, deployment, None, *rest)


def teach(db: sqlite3.Connection) -> None:
    """Let the connection compute checksums by itself: `row_checksum(table, columns…)`, `pending_checksum(columns…)`."""
    db.create_function("row_checksum", -1, checksum, deterministic=True)
    db.create_function("pending_checksum", 8, pending_checksum, deterministic=True)


def sealing(table: str) -> str:
    """The statement that gives a row, named by its id, the checksum it must have."""
    return f"UPDATE {table} SET checksum = row_checksum('{table}', {', '.join(COLUMNS[table])}) WHERE id = ?"


def selecting(table: str) -> str:
    """The statement's beginning that reads a table's columns and the checksum."""
    return f"SELECT {', '.join(COLUMNS[table])}, checksum FROM {table}"


def is_whole(table: str, row: tuple[Any, ...]) -> bool:
    """Is this row, read by `selecting`, what was once written?"""
    *values, kept = row
    try:
        if table == "history":
            return history_checksum(*values) == kept
        if table == "pending":
            return pending_checksum(*values) == kept
        if table == "resource":
            return isinstance(kept, int)  # it repeats the checksum of the history row it names
    except TypeError:  # damage can make a text of what was a blob
        return False
    return checksum(table, *values) == kept


def stack_row(row: tuple[Any, ...]) -> StackRow:
    """A stack's row, read by `selecting`. Raises RecordError when it is damaged."""
    if not is_whole("stack", row):
        raise refusals.damaged("the row of a stack")
    return StackRow(*row[:-1])

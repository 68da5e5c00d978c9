"""What is left of a record's file: reads around damage, and says what of a stack can still be believed.

SQLite refuses a page that makes no sense, and with it everything a query would find behind it. So a table is read from
its beginning up to the first page that is refused, and from its end back to it. Each row that was read proves itself by
its checksum, each version by its digest (`wholeness`), the file's structure by SQLite's own check.

Nothing here raises because of damage; a file that is not ours at all is refused as ever.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from engine.core.errors import RecordError
from engine.state import refusals
from engine.state.backend import Condition, StackName
from engine.state.sqlite_file import RecordFile
from engine.state.sqlite_rows import (
    StackRow,
    begun_checksum,
    is_whole,
    number_of,
    row_id,
    selecting,
    span,
    stack_of,
    stack_row,
)
from engine.state.wholeness import Begun, Written, whole_versions

Row = tuple[Any, ...]


class Survey:
    """One look at a file."""

    def __init__(self, file: RecordFile) -> None:
        self._file = file
        self.structure = ""
        """What SQLite says of the file's structure; empty when it is sound."""
        self.stacks: dict[int, StackRow] = {}
        """The stacks whose rows are whole."""
        self.doubtful: list[Row] = []
        """The rows of the other stacks, as far as they can be read."""
        self.complete = True
        """Are these all stacks?"""

    @classmethod
    def of(cls, file: RecordFile) -> Survey:
        """Look at its structure and its list of stacks."""
        survey = cls(file)
        with survey.opened() as db:
            try:
                said = db.execute("PRAGMA quick_check(1)").fetchone()[0]
                survey.structure = "" if said == "ok" else str(said)
            except sqlite3.Error as error:
                survey.structure = str(error)
            rows = list(survey.rows(db, "stack"))
            files = list(survey.rows(db, "file"))
            for row in rows:
                if is_whole("stack", row):
                    survey.stacks[row[0]] = stack_row(row)
                else:
                    survey.doubtful.append(row)
            survey.complete = len(files) == 1 and is_whole("file", files[0]) and files[0][2] == len(survey.stacks)
        return survey

    def opened(self) -> closing[sqlite3.Connection]:
        """A connection that hands out text that is none; on a file whose very header is damaged, to an empty one."""
        try:
            db = self._file.connect()
            try:
                db.execute("BEGIN")
                db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            except BaseException:
                db.close()
                raise
        except (sqlite3.Error, RecordError) as error:
            self.structure = self.structure or str(error.__cause__ or error)
            db = sqlite3.connect(":memory:")
        db.text_factory = lambda text: text.decode(errors="replace")
        return closing(db)

    def rows(self, db: sqlite3.Connection, table: str, stack: int | None = None) -> Iterator[Row]:
        """The rows of a table (or of one stack in it) that can be read, in the order of their ids."""
        least, greatest = span(stack) if stack is not None else (-(1 << 62), 1 << 62)
        within = f"{selecting(table)} WHERE id BETWEEN ? AND ? ORDER BY id"
        try:
            for row in db.execute(within, (least, greatest)):
                least = row[0] + 1
                yield row
            return
        except (sqlite3.Error, OverflowError) as error:
            self.structure = self.structure or str(error)
        behind: deque[Row] = deque()
        try:
            for row in db.execute(f"{within} DESC", (least, greatest)):
                behind.appendleft(row)
        except (sqlite3.Error, OverflowError):
            pass  # that is the other side of the damage
        yield from behind

    def whole_stacks(self) -> list[StackName]:
        """The stacks whose present snapshot is whole, by name."""
        found = [StackName(row.project, row.name) for id, row in self.stacks.items() if self._condition(id, 0).present]
        return sorted(found, key=str)

    def number(self, name: StackName) -> int | None:
        """The number of a stack of which there may be nothing left but what it has written."""
        for row in (*self.stacks.values(), *self.doubtful):
            if (row[1], row[2]) == (name.project, name.stack):
                return row[0]
        urns = f"urn:pulumi:{name.stack}::{name.project}::"
        with self.opened() as db:
            owners = {
                stack_of(row[0])
                for row in self.rows(db, "history")
                if is_whole("history", row) and row[3].startswith(urns)
            }
        lost = owners - self.stacks.keys()
        return lost.pop() if len(lost) == 1 else None

    def condition(self, name: StackName, id: int, acknowledged: int) -> Condition:
        """What is whole of a stack, and of the others in the file if this one is not.

        `acknowledged`: how many commits the files of its leases know of.
        """
        condition = self._condition(id, acknowledged)
        if not condition.damage:
            return condition
        others = {
            str(StackName(row.project, row.name)): self._condition(other, 0).present
            for other, row in self.stacks.items()
            if other != id
        }
        others |= {f"{row[1]}/{row[2]}": False for row in self.doubtful if row[0] != id}
        return Condition(
            condition.damage,
            condition.present,
            condition.resources,
            condition.lost,
            condition.versions,
            condition.last,
            others,
        )

    def _condition(self, id: int, acknowledged: int) -> Condition:
        damage: dict[str, None] = {}  # each thing once, in order

        def damaged(what: str) -> None:
            damage[what] = None

        with self.opened() as db:
            stack = self.stacks.get(id)
            if stack is None:
                damaged("the stack's own row")
            attributes = list(self.rows(db, "attribute", id))
            if not all(is_whole("attribute", row) for row in attributes) or (
                stack is not None and len(attributes) != stack.attributes
            ):
                damaged("what is kept of the stack as a whole")
            present_needs = len(damage)

            deployments = {
                number_of(row[0]): row for row in self.rows(db, "deployment", id) if is_whole("deployment", row)
            }
            last = max(stack.serial if stack else 0, *deployments, 0)
            for version in range(1, last + 1):
                if version not in deployments:
                    damaged(f"what deployment {version} was")

            named = {row[1]: row for row in self.rows(db, "resource", id)}
            written: list[Written] = []
            resources: list[str] = []
            lost: list[str] = []
            total = 0
            for row in self.rows(db, "history", id):
                here = named.pop(row[0], None)
                if not is_whole("history", row):
                    damaged(f"{row[3]} as version {row[1]} wrote it")
                    if here is not None:
                        lost.append(str(row[3]))
                    continue
                written.append(Written(row[1], row[2], None if row[4] is None else row[5]))
                if here is not None and (row_id(id, row[2]), row[5]) == (here[0], here[2]):
                    resources.append(row[3])
                    total += row[5]
                elif here is not None:
                    lost.append(row[3])
            begun: list[Begun] = []
            for row in self.rows(db, "pending", id):
                if is_whole("pending", row):
                    begun.append(Begun(row[1], row[2], begun_checksum(row)))
                    total += row[8] if row[2] is None else 0
                else:
                    damaged(f"a pending operation on {row[6]}")
            whole_rows = not lost and not named and stack is not None and total == stack.digest
            if not whole_rows:
                damaged("the present list of resources")
            missing = acknowledged - stack.commits if stack is not None else 0
            if missing > 0:
                damaged(f"the last {missing} changes, which were recorded and have been cut off")
            if self.structure or not self.complete:
                damaged(f"the file itself ({self.structure or 'its list of stacks'})")
        digests = {version: row[-2] for version, row in deployments.items()}
        if stack is not None and digests.get(stack.serial, 0) is None:  # it has not ended
            digests[stack.serial] = stack.digest
        versions = whole_versions(written, begun, digests, last)
        if last > (versions or (0,))[-1]:
            damaged(f"version {refusals.ranges([n for n in range(1, last + 1) if n not in versions])}")
        return Condition(
            tuple(damage),
            not present_needs and whole_rows and missing <= 0 and not self.structure,
            tuple(resources),
            tuple(dict.fromkeys(lost)),
            versions,
            last,
        )

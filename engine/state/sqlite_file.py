"""The file a record is kept in: how it is made, opened, recognised and read, and what its failures mean.

WAL with `synchronous=FULL`: a commit is on disk when it returns, and readers never wait for a writer. Readers open the
file for one question and close it again, so no connection is shared between threads and none is left open. An
application number and a format number in the header tell our file from other people's, and from a newer Workstead's;
neither is ever touched.

Left to others: what the tables mean (`sqlite`).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from engine.core.errors import RecordError
from engine.state.refusals import damaged

_APPLICATION: Final = 0x574B5354  # "WKST", in the file's header: tells our files from other people's databases
_FORMAT: Final = 1

# `stack.lock` names the lease's lock file; `attribute` and `history` say since which deployment something holds;
# `pending.ended` is set when a later deployment than the one that began an operation settles it.
_SCHEMA: Final = (
    """CREATE TABLE stack(
        id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, name TEXT NOT NULL, lineage TEXT NOT NULL,
        serial INTEGER NOT NULL DEFAULT 0, fence INTEGER NOT NULL DEFAULT 0, holder TEXT, lock TEXT,
        expires REAL NOT NULL DEFAULT 0, UNIQUE(project, name))""",
    """CREATE TABLE attribute(
        stack INTEGER NOT NULL, name TEXT NOT NULL, deployment INTEGER NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY(stack, name, deployment))""",
    """CREATE TABLE deployment(
        stack INTEGER NOT NULL, version INTEGER NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL,
        start_time TEXT NOT NULL, end_time TEXT NOT NULL, result TEXT NOT NULL, changes TEXT NOT NULL,
        environment TEXT NOT NULL, config TEXT NOT NULL, PRIMARY KEY(stack, version))""",
    """CREATE TABLE history(
        id INTEGER PRIMARY KEY, stack INTEGER NOT NULL, deployment INTEGER NOT NULL, key INTEGER NOT NULL,
        urn TEXT NOT NULL, state BLOB, checksum INTEGER NOT NULL)""",
    "CREATE INDEX history_of_key ON history(stack, key)",
    """CREATE TABLE resource(
        stack INTEGER NOT NULL, key INTEGER NOT NULL, history INTEGER NOT NULL,
        PRIMARY KEY(stack, key)) WITHOUT ROWID""",
    """CREATE TABLE pending(
        stack INTEGER NOT NULL, token INTEGER NOT NULL, deployment INTEGER NOT NULL, ended INTEGER, kind TEXT NOT NULL,
        key INTEGER NOT NULL, begun TEXT NOT NULL, urn TEXT NOT NULL, state BLOB NOT NULL, checksum INTEGER NOT NULL,
        PRIMARY KEY(stack, token))""",
)


class RecordFile:
    """One SQLite file. `patience`: how many seconds to wait while another process writes.

    Every method raises RecordError, with a remedy, for whatever SQLite or the system says.
    """

    def __init__(self, path: Path, patience: float) -> None:
        self.path = path
        self._patience = patience

    def make(self) -> None:
        """Make the file, for this user only, unless it is there."""
        with self._told():
            folder = self.path.parent
            if not folder.exists():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                if folder.name == ".workstead":
                    (folder / ".gitignore").write_text("*\n")
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            with closing(self.connect()) as db:
                if not self._is_ours(db):
                    db.execute("PRAGMA journal_mode = WAL")
                    with self.writing(db):
                        if not self._is_ours(db):  # nobody was faster
                            _make_tables(db)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view of the file. One that is not there, or not finished, reads as empty."""
        with self._told(), closing(self.connect() if self.path.exists() else _empty()) as db:
            if self._is_ours(db):
                db.execute("BEGIN")
                yield db
            else:
                with closing(_empty()) as empty:
                    yield empty

    @contextmanager
    def writing(self, db: sqlite3.Connection | None = None) -> Iterator[sqlite3.Connection]:
        """One write transaction, committed unless something is raised; on a connection of its own if none is given."""
        if db is None:
            with closing(self.connect()) as own, self.writing(own):
                yield own
            return
        with self._told():
            self._is_ours(db)
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def connect(self) -> sqlite3.Connection:
        """A connection in autocommit mode to the file, which must be there."""
        with self._told():
            db = sqlite3.connect(
                f"file:{quote(str(self.path))}?mode=rw",
                uri=True,
                timeout=self._patience,
                isolation_level=None,
                check_same_thread=False,
            )
            db.execute("PRAGMA synchronous = FULL")
            return db

    def explain(self, error: sqlite3.Error) -> RecordError:
        """What SQLite says, and what to do about it."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        summary, why, remedy, reference = _EXPLANATIONS.get(code, _FAILED)
        said = f"{error} ({getattr(error, 'sqlite_errorname', 'no code')})"
        words = {"path": self.path, "folder": self.path.parent, "said": said, "patience": f"{self._patience:g} s"}
        return RecordError(
            summary.format(**words), why=why.format(**words), remedy=remedy.format(**words), reference=reference
        )

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self.explain(error) from error
        except OSError as error:
            unopened = sqlite3.OperationalError(f"{error.strerror}: {error.filename}")
            unopened.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise self.explain(unopened) from error
        except UnicodeDecodeError as error:  # SQLite hands out text as it lies in the file, even in its own messages
            raise damaged(f"the record {self.path}") from error

    def _is_ours(self, db: sqlite3.Connection) -> bool:
        """Does the file hold our tables? False for an empty one. Raises RecordError for one we must not touch."""
        application, version, tables = (
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version", "schema_version")
        )
        if application == _APPLICATION and version == _FORMAT:
            return True
        if not application and not tables:
            return False
        if application == _APPLICATION:
            raise RecordError(
                f"{self.path} was written by a newer Workstead",
                why=f"Its format is {version}, this Workstead reads up to {_FORMAT}.",
                remedy="use the newer Workstead",
                reference="record-newer",
            )
        raise RecordError(
            f"{self.path} is a database, but not a Workstead record",
            why="It belongs to another program, which may not expect changes.",
            remedy="give the backend's URL another path",
            reference="record-foreign",
        )


def _empty() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    _make_tables(db)
    return db


def _make_tables(db: sqlite3.Connection) -> None:
    for statement in _SCHEMA:
        db.execute(statement)
    db.execute(f"PRAGMA application_id = {_APPLICATION}")
    db.execute(f"PRAGMA user_version = {_FORMAT}")


# (summary, why, remedy, reference) by SQLite's primary error code
_CLOSED: Final = (
    "the record {path} cannot be opened",
    "The system says: {said}.",
    "let this user read and write {folder} and what is in it (readers too keep a file there), "
    "or give the backend's URL another path",
    "record-unwritable",
)
_BUSY: Final = (
    "the record {path} is kept locked by another program",
    "It did not become free within {patience}.",
    "close what has the file open, such as a database browser or a backup, then run again",
    "record-busy",
)
_FULL: Final = (
    "the record {path} cannot grow: the disk is full",
    "What was to be recorded just now is not; everything recorded before is whole.",
    "free some space, then run again: the next run settles what is pending",
    "record-disk-full",
)
_DAMAGED: Final = (
    "{path} is damaged, or is not a Workstead record at all",
    "SQLite says: {said}.",
    "bring the file back from a backup, or rescue what `sqlite3 <file> .recover` still finds",
    "record-damaged",
)
_FAILED: Final = (
    "the record {path} cannot be read or written",
    "SQLite says: {said}. What was recorded before is whole.",
    "see whether the disk is full or failing, or a size limit is set, then run again",
    "record-io",
)
_EXPLANATIONS: Final = {
    sqlite3.SQLITE_READONLY: _CLOSED,
    sqlite3.SQLITE_CANTOPEN: _CLOSED,
    sqlite3.SQLITE_PERM: _CLOSED,
    sqlite3.SQLITE_AUTH: _CLOSED,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_PROTOCOL: _BUSY,
    sqlite3.SQLITE_FULL: _FULL,
    0: _DAMAGED,  # the sqlite3 module's own complaint about text that is not UTF-8
    sqlite3.SQLITE_ERROR: _DAMAGED,  # a header or a schema that makes no sense
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}

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

from engine.core.errors import RecordError, RecordUnavailableError
from engine.state.refusals import damaged
from engine.state.sqlite_rows import COLUMNS, teach

_APPLICATION: Final = 0x574B5354  # "WKST", in the file's header: tells our files from other people's databases
_FORMAT: Final = 2

# No index: `sqlite_rows` says how rows are numbered. `file` knows how many stacks there are, lest one go missing.
# `attribute.deployment` and `history.deployment` say since when something holds; `pending.ended` is set when a later
# deployment than the one that began an operation settles it; `resource` names the newest row of each key.
_SCHEMA: Final = (
    """CREATE TABLE file(
        id INTEGER PRIMARY KEY, format INTEGER NOT NULL, stacks INTEGER NOT NULL, checksum INTEGER NOT NULL)""",
    """CREATE TABLE stack(
        id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, name TEXT NOT NULL, lineage TEXT NOT NULL,
        serial INTEGER NOT NULL DEFAULT 0, fence INTEGER NOT NULL DEFAULT 0, holder TEXT, lock TEXT,
        expires REAL NOT NULL DEFAULT 0, keys INTEGER NOT NULL DEFAULT 0, tokens INTEGER NOT NULL DEFAULT 0,
        written INTEGER NOT NULL DEFAULT 0, attributes INTEGER NOT NULL DEFAULT 0, commits INTEGER NOT NULL DEFAULT 0,
        digest INTEGER NOT NULL DEFAULT 0, checksum INTEGER NOT NULL DEFAULT 0)""",
    """CREATE TABLE attribute(
        id INTEGER PRIMARY KEY, deployment INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
        checksum INTEGER NOT NULL)""",
    """CREATE TABLE deployment(
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, message TEXT NOT NULL, start_time TEXT NOT NULL,
        end_time TEXT NOT NULL, result TEXT NOT NULL, changes TEXT NOT NULL, environment TEXT NOT NULL,
        config TEXT NOT NULL, digest INTEGER, checksum INTEGER NOT NULL)""",
    """CREATE TABLE history(
        id INTEGER PRIMARY KEY, deployment INTEGER NOT NULL, key INTEGER NOT NULL, urn TEXT NOT NULL, state BLOB,
        checksum INTEGER NOT NULL)""",
    "CREATE TABLE resource(id INTEGER PRIMARY KEY, history INTEGER NOT NULL, checksum INTEGER NOT NULL)",
    """CREATE TABLE pending(
        id INTEGER PRIMARY KEY, deployment INTEGER NOT NULL, ended INTEGER, kind TEXT NOT NULL, key INTEGER NOT NULL,
        begun TEXT NOT NULL, urn TEXT NOT NULL, state BLOB NOT NULL, checksum INTEGER NOT NULL)""",
    f"INSERT INTO file VALUES (1, {_FORMAT}, 0, row_checksum('file', 1, {_FORMAT}, 0))",
)


class RecordFile:
    """One SQLite file. `patience`: how many seconds to wait while another process writes.

    Every method raises RecordError, with a remedy, for whatever SQLite or the system says.
    """

    def __init__(self, path: Path, patience: float) -> None:
        self.path = path
        self._patience = patience

    def make(self) -> None:
        """Make the file, for this user only, unless it is there.

        It appears under its name with everything in it, so one that is empty is one that was truncated.
        """
        with self._told():
            folder = self.path.parent
            if not folder.exists():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                if folder.name == ".workstead":
                    (folder / ".gitignore").write_text("*\n")
            if self.path.exists():
                return
            draft = self.path.with_name(f"{self.path.name}.new-{os.getpid()}-{os.urandom(4).hex()}")
            try:
                os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
                with closing(RecordFile(draft, self._patience).connect()) as db:
                    db.execute("PRAGMA journal_mode = WAL")
                    _make_tables(db)
                self._appear(draft)
            finally:
                draft.unlink(missing_ok=True)

    def _appear(self, draft: Path) -> None:
        try:
            os.link(draft, self.path)
        except FileExistsError:
            return  # somebody was faster
        except OSError:  # a file system without links
            os.rename(draft, self.path)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view of the file. One that is not there reads as empty."""
        with self._told(), closing(self.connect() if self.path.exists() else _empty()) as db:
            self._require_ours(db)
            db.execute("BEGIN")
            yield db

    @contextmanager
    def writing(self, db: sqlite3.Connection | None = None) -> Iterator[sqlite3.Connection]:
        """One write transaction, committed unless something is raised; on a connection of its own if none is given."""
        if db is None:
            with closing(self.connect()) as own, self.writing(own):
                yield own
            return
        with self._told():
            self._require_ours(db)
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
            try:
                db.execute("PRAGMA synchronous = FULL")
                db.execute("PRAGMA cell_size_check = ON")
                teach(db)
            except BaseException:
                db.close()
                raise
            return db

    def has_log(self) -> bool:
        """Is there anything that SQLite has not brought from its log into the file itself?"""
        try:
            return self.path.with_name(self.path.name + "-wal").stat().st_size > 0
        except OSError:
            return False

    def lease_files(self, stack: int) -> list[Path]:
        """The files beside it that leases of a stack have left or still hold (`liveness`), the oldest lease first."""
        start, end = f"{self.path.name}.{stack}.", ".lease"
        try:
            names = os.listdir(self.path.parent)
        except OSError:  # no folder, no leases; one that cannot be read is told when the file is opened
            return []
        fences = (name[len(start) : -len(end)] for name in names if name.startswith(start) and name.endswith(end))
        return [self.lease_file(stack, fence) for fence in sorted(int(text) for text in fences if text.isdecimal())]

    def lease_file(self, stack: int, fence: int) -> Path:
        """The file of the lease of that fencing number."""
        return self.path.with_name(f"{self.path.name}.{stack}.{fence}.lease")

    def explain(self, error: sqlite3.Error) -> RecordError:
        """What SQLite says, and what to do about it."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        summary, why, remedy, reference = _EXPLANATIONS.get(code, _FAILED)
        said = f"{error} ({getattr(error, 'sqlite_errorname', 'no code')})"
        kind = RecordError if reference == "record-damaged" else RecordUnavailableError
        words = {"path": self.path, "folder": self.path.parent, "said": said, "patience": f"{self._patience:g} s"}
        return kind(
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

    def _require_ours(self, db: sqlite3.Connection) -> None:
        """Raises RecordError for a file that does not hold our tables, or not as this version knows them."""
        application, version, moving = (
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version", "auto_vacuum")
        )
        if application == _APPLICATION and version == _FORMAT and not moving:
            return
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if not tables or (
            tables >= COLUMNS.keys() and db.execute("SELECT format FROM file").fetchone() in (None, (_FORMAT,))
        ):
            said = "Its header is not what was once written." if tables else "It is empty, or was cut off."
            raise damaged(f"the record {self.path}", why=said)
        if application == _APPLICATION:
            newer = version > _FORMAT
            raise RecordError(
                f"{self.path} was written by {'a newer' if newer else 'an older'} Workstead",
                why=f"Its format is {version}, this Workstead reads {_FORMAT}.",
                remedy="use the newer Workstead"
                if newer
                else "with that Workstead run `workstead stack export`, with this one `stack import` into a new record",
                reference="record-newer" if newer else "record-older",
            )
        raise RecordError(
            f"{self.path} is a database, but not a Workstead record",
            why="It belongs to another program, which may not expect changes.",
            remedy="give the backend's URL another path",
            reference="record-foreign",
        )


def _empty() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    teach(db)
    _make_tables(db)
    return db


def _make_tables(db: sqlite3.Connection) -> None:
    db.execute("BEGIN")
    for statement in _SCHEMA:
        db.execute(statement)
    db.execute(f"PRAGMA application_id = {_APPLICATION}")
    db.execute(f"PRAGMA user_version = {_FORMAT}")
    db.execute("COMMIT")


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

"""What is peculiar to the SQLite file: who may read it, foreign and damaged files, full disks, the cost of a step.

What every backend owes is in `tests/contract/test_backend.py`.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.core.errors import LeaseLostError, RecordError, UsageError, WorksteadError
from engine.core.model import Drop, PendingKind, Put, Snapshot
from engine.state import open_backend
from engine.state.backend import Lease, StackName
from engine.state.group_commit import GroupCommit
from engine.state.sqlite import SqliteBackend
from tests.contract.records import ME, NAME, UPDATE, resource, urn

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".workstead" / "record.db"


@pytest.fixture
def backend(path: Path) -> Iterator[SqliteBackend]:
    backend = SqliteBackend(path, patience=0.2)
    yield backend
    backend.close()


def deployed(backend: SqliteBackend, *steps: Callable[[Lease], object]) -> None:
    """One whole deployment that does these things."""
    lease = backend.stack(NAME).acquire(ME)
    lease.start(UPDATE)
    for step in steps:
        step(lease)
    lease.finish("succeeded", {})
    lease.release()


def add(lease: Lease, name: str) -> int:
    """Record a created resource; its key."""
    state = resource(name, key=lease.new_key())
    lease.end(lease.begin(PendingKind.CREATING, state), [Put(state)])
    return state.key


def changed(path: Path, sql: str, *values: object) -> None:
    """The file after somebody else has been at it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(sql, values)


class TestFile:
    def test_is_for_its_user_only(self, backend: SqliteBackend, path: Path) -> None:
        backend.create(NAME)
        lease = backend.stack(NAME).acquire(ME)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert modes.pop(".gitignore")
        assert len(modes) == 4
        assert set(modes.values()) == {0o600}
        assert (path.parent / ".gitignore").read_text() == "*\n"
        lease.release()

    def test_leaves_other_folders_as_they_are(self, tmp_path: Path) -> None:
        folder = tmp_path / "mine"
        folder.mkdir(mode=0o755)
        SqliteBackend(folder / "r.db").create(NAME)
        SqliteBackend(tmp_path / "new" / "r.db").create(NAME)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o755
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
        assert not list(tmp_path.glob("*/.gitignore"))

    def test_is_not_made_by_reading(self, backend: SqliteBackend, tmp_path: Path) -> None:
        assert backend.stacks() == []
        with pytest.raises(WorksteadError):
            backend.stack(NAME)
        assert list(tmp_path.iterdir()) == []

    def test_syncs_every_commit(self, backend: SqliteBackend, path: Path) -> None:
        backend.create(NAME)
        with closing(backend.file.connect()) as db:
            assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert db.execute("PRAGMA synchronous").fetchone() == (2,)

    def test_stands_alone_when_nobody_has_it_open(self, backend: SqliteBackend, path: Path) -> None:
        backend.create(NAME)
        deployed(backend, lambda lease: add(lease, "a"))
        assert sorted(file.name for file in path.parent.iterdir()) == [".gitignore", "record.db"]

    def test_url_is_absolute_and_opens_it_again(self, backend: SqliteBackend, path: Path) -> None:
        backend.create(NAME)
        assert backend.url == f"sqlite:///{path}"
        assert [summary.name for summary in open_backend(backend.url).stacks()] == [NAME]

    def test_relative_url(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        assert open_backend("sqlite:///.workstead/r.db").url == f"sqlite:///{tmp_path}/.workstead/r.db"

    def test_odd_path(self, tmp_path: Path) -> None:
        backend = SqliteBackend(tmp_path / "a b?c#d%41" / "r&é.db")
        backend.create(NAME)
        assert len(open_backend(backend.url).stacks()) == 1
        assert [file.name for file in tmp_path.iterdir()] == ["a b?c#d%41"]

    @pytest.mark.parametrize(
        "url", ["", "record.db", "file:///x", "sqlite://", "sqlite:///", "sqlite://x", "s3://b", "memory"]
    )
    def test_other_urls_are_refused(self, url: str) -> None:
        with pytest.raises(UsageError, match="sqlite:///path") as refused:
            open_backend(url)
        assert "memory://" in str(refused.value)

    def test_memory_by_name(self) -> None:
        open_backend("memory://here").create(NAME)
        assert len(open_backend("memory://here").stacks()) == 1
        assert open_backend("memory://elsewhere").stacks() == []


class TestForeignFiles:
    def refused(self, backend: SqliteBackend, reference: str) -> None:
        """Every use is refused in the same way."""
        for use in (backend.stacks, lambda: backend.stack(NAME), lambda: backend.create(NAME)):
            with pytest.raises(RecordError) as refused:
                use()
            assert refused.value.reference == reference
            assert refused.value.remedy

    def test_of_another_program(self, backend: SqliteBackend, path: Path) -> None:
        path.parent.mkdir()
        changed(path, "CREATE TABLE photos(name)")
        before = path.read_bytes()
        self.refused(backend, "record-foreign")
        assert path.read_bytes() == before

    def test_of_a_newer_workstead(self, backend: SqliteBackend, path: Path) -> None:
        record = backend.create(NAME)
        changed(path, "PRAGMA user_version = 99")
        changed(path, "UPDATE file SET format = 99")
        self.refused(backend, "record-newer")
        with pytest.raises(RecordError, match="newer"):
            record.acquire(ME)
        with pytest.raises(RecordError, match="newer"):
            record.load()

    def test_that_are_no_databases(self, backend: SqliteBackend, path: Path) -> None:
        path.parent.mkdir()
        path.write_text("Dear diary, " * 1000)
        self.refused(backend, "record-damaged")

    def test_that_are_folders(self, backend: SqliteBackend, path: Path) -> None:
        path.mkdir(parents=True)
        self.refused(backend, "record-unwritable")

    def test_of_an_older_workstead(self, backend: SqliteBackend, path: Path) -> None:
        backend.create(NAME)
        changed(path, "PRAGMA user_version = 1")
        changed(path, "DROP TABLE file")
        self.refused(backend, "record-older")

    def test_that_are_empty_are_what_is_left_of_a_record(self, backend: SqliteBackend, path: Path) -> None:
        path.parent.mkdir()
        path.touch()
        self.refused(backend, "record-damaged")


class TestDamage:
    def test_changed_row_is_told_with_its_urn(self, backend: SqliteBackend, path: Path) -> None:
        backend.create(NAME)
        keys: list[int] = []
        deployed(backend, lambda lease: keys.append(add(lease, "a")), lambda lease: add(lease, "b"))
        deployed(backend, lambda lease: lease.end(None, [Put(resource("a", key=keys[0], inputs={"size": 2}))]))
        changed(path, "UPDATE history SET state = CAST(replace(state, '2', '3') AS BLOB) WHERE deployment = 2")
        with pytest.raises(RecordError) as refused:
            backend.stack(NAME).load()
        assert (refused.value.urn, refused.value.reference) == (urn("a"), "record-damaged")
        assert len(backend.stack(NAME).load(1).resources) == 2

    def test_changed_pending_operation_is_told(self, backend: SqliteBackend, path: Path) -> None:
        backend.create(NAME)
        deployed(backend, lambda lease: lease.begin(PendingKind.CREATING, resource("a", key=1)))
        changed(path, "UPDATE pending SET state = '{}'")
        with pytest.raises(RecordError) as refused:
            backend.stack(NAME).load()
        assert (refused.value.urn, refused.value.reference) == (urn("a"), "record-damaged")

    def test_anywhere_never_goes_unnoticed(self, backend: SqliteBackend, path: Path, tmp_path: Path) -> None:
        """Whichever byte of the file is lost: the rows come back right, or an error of ours says they do not."""
        backend.create(NAME)
        deployed(backend, *(lambda lease, n=n: add(lease, f"r{n}") for n in range(20)))
        deployed(backend, lambda lease: lease.begin(PendingKind.CREATING, resource("p", key=lease.new_key())))
        whole, chance = path.read_bytes(), random.Random(7)
        right = backend.stack(NAME).load()
        broken = SqliteBackend(tmp_path / "broken.db", patience=0.2)
        told = 0
        for _ in range(150):
            place = chance.randrange(len(whole))
            length = chance.choice([1, 1, 16, 4096])
            broken.file.path.write_bytes(
                whole[:place] + bytes(chance.randrange(256) for _ in range(length)) + whole[place + length :]
            )
            try:
                broken.stacks()
                record = broken.stack(NAME)
                record.history()
                loaded = record.load()
            except WorksteadError:
                told += 1
            else:
                assert {state.key: state for state in loaded.resources}.items() <= {
                    state.key: state for state in right.resources
                }.items()
        assert told > 20


class TestCrowd:
    def test_a_program_that_keeps_the_file_locked_is_told(self, backend: SqliteBackend, path: Path) -> None:
        backend.create(NAME)
        lease = backend.stack(NAME).acquire(ME)
        lease.start(UPDATE)
        with closing(sqlite3.connect(path, isolation_level=None)) as browser:
            browser.execute("BEGIN IMMEDIATE")
            uses: list[Callable[[], object]] = [
                lambda: backend.create(StackName("lab", "prod")),
                lambda: add(lease, "a"),
                lambda: backend.stack(NAME).acquire(ME),
            ]
            for use in uses:
                with pytest.raises(RecordError) as refused:
                    use()
                assert refused.value.reference == "record-busy"
            assert backend.stack(NAME).load().resources == ()  # reading goes on
            browser.execute("ROLLBACK")
        add(lease, "a")
        assert len(backend.stack(NAME).load().resources) == 1
        lease.release()

    def test_a_lease_leaves_no_files(self, backend: SqliteBackend, path: Path) -> None:
        record = backend.create(NAME)
        for _ in range(3):
            lease = record.acquire(ME)
            assert len(list(path.parent.glob("*.lease"))) == 1
            lease.release()
        assert list(path.parent.glob("*.lease")) == []

    def test_closing_gives_leases_back(self, backend: SqliteBackend) -> None:
        record = backend.create(NAME)
        lease = record.acquire(ME)
        backend.close()
        with pytest.raises(LeaseLostError):
            lease.start(UPDATE)
        record.acquire(ME).release()

    def test_a_lock_file_that_was_swept_away_proves_nothing(self, backend: SqliteBackend, path: Path) -> None:
        record = backend.create(NAME)
        lease = record.acquire(ME)
        for file in path.parent.glob("*.lease"):
            file.unlink()
        with pytest.raises(RecordError, match="currently locked"):
            record.acquire(ME)
        lease.release()


class TestUnwritable:
    """In a process of its own: an ordinary user, for whom permissions count, or one whose disk is small."""

    def run(self, program: str, *arguments: object, before: tuple[str, ...] = ()) -> list[str]:
        """The lines a program says; each use of the record there is one line, `ok` or the error's reference."""
        prelude = (
            "import sys\n"
            "from engine.core.errors import WorksteadError\n"
            "from engine.core.model import PendingKind, Put\n"
            "from engine.state import open_backend\n"
            "from tests.contract.records import ME, NAME, UPDATE, resource\n"
            "def tell(use):\n"
            "    try:\n"
            "        use()\n"
            "        print('ok', flush=True)\n"
            "    except WorksteadError as error:\n"
            "        print(error.reference, flush=True)\n"
        )
        told = subprocess.run(
            [*before, sys.executable, "-c", prelude + program, *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=REPOSITORY,
            check=False,
        )
        assert told.stderr == ""
        return told.stdout.split()

    def test_folder(self, tmp_path: Path) -> None:
        path = tmp_path / "folder" / "r.db"
        SqliteBackend(path).create(NAME)
        readable = tmp_path
        while readable != readable.parent and readable.stat().st_uid == os.getuid() and readable != Path("/tmp"):
            readable.chmod(0o755)
            readable = readable.parent
        path.chmod(0o644)
        path.parent.chmod(0o555)
        program = (
            "import os, engine.state.sqlite\n"
            "if os.getuid() == 0:\n"
            "    os.setuid(65534)\n"
            "backend = open_backend(sys.argv[1])\n"
            "tell(lambda: backend.stacks())\n"
            "tell(lambda: backend.stack(NAME).acquire(ME))\n"
            "tell(lambda: open_backend(sys.argv[1] + '/new').create(NAME))\n"
            "tell(lambda: open_backend(sys.argv[2]).create(NAME))\n"
        )
        try:
            said = self.run(program, f"sqlite:///{path}", f"sqlite:///{path.parent}/new/r.db")
        finally:
            path.parent.chmod(0o755)
        assert said == ["record-unwritable"] * 4

    FILLING = (
        "backend = open_backend(sys.argv[1])\n"
        "backend.create(NAME)\n"
        "lease = backend.stack(NAME).acquire(ME)\n"
        "lease.start(UPDATE)\n"
        "def step(name, size):\n"
        "    state = resource(name, key=lease.new_key(), inputs={'text': 'x' * size})\n"
        "    lease.end(lease.begin(PendingKind.CREATING, state), [Put(state)])\n"
        "tell(lambda: step('small', 10))\n"
        "shrink()\n"
        "tell(lambda: step('big', 4_000_000))\n"
        "tell(lambda: step('big', 4_000_000))\n"
        "snapshot = backend.stack(NAME).load()\n"
        "print(len(snapshot.resources), len(snapshot.pending))\n"
        "grow()\n"
        "tell(lambda: step('big', 4_000_000))\n"
        "tell(lambda: lease.finish('succeeded', {}))\n"
        "lease.release()\n"
        "snapshot = backend.stack(NAME).load()\n"
        "print(len(snapshot.resources), len(snapshot.pending))\n"
    )

    def test_file_size_limit(self, path: Path) -> None:
        limits = (
            "import resource as system\n"
            "def limit(size):\n"
            "    system.setrlimit(system.RLIMIT_FSIZE, (size, system.RLIM_INFINITY))\n"
            "def shrink(): limit(1_000_000)\n"
            "def grow(): limit(system.RLIM_INFINITY)\n"
        )
        said = self.run(limits + self.FILLING, f"sqlite:///{path}")
        assert said == ["ok", "record-io", "record-io", "1", "0", "ok", "ok", "2", "0"]

    def test_a_lease_that_could_not_be_given_back_is_free(self, path: Path) -> None:
        """The file itself may grow, and takes in what the log holds; the log may not, and so nothing is added to it."""
        program = (
            "import os, resource as system\n"
            "def limit(size):\n"
            "    system.setrlimit(system.RLIMIT_FSIZE, (size, system.RLIM_INFINITY))\n"
            "record = open_backend(sys.argv[1]).create(NAME)\n"
            "lease = record.acquire(ME)\n"
            "lease.start(UPDATE)\n"
            "while os.path.getsize(sys.argv[2] + '-wal') < 300_000:\n"
            "    lease.end(None, [Put(resource('again', key=1))])\n"
            "limit(200_000)\n"
            "tell(lease.release)\n"
            "limit(system.RLIM_INFINITY)\n"
            "print(os.path.exists(sys.argv[2] + '-wal'), flush=True)\n"
            "tell(lambda: record.acquire(ME).release())\n"
            "print(*(name for name in os.listdir(os.path.dirname(sys.argv[2])) if name.endswith('.lease')))\n"
        )
        said = self.run(program, f"sqlite:///{path}", path)
        assert said == ["ok", "False", "ok"]

    def test_full_disk(self, tmp_path: Path) -> None:
        """A disk of two megabytes, in a mount namespace of its own."""
        script = 'mount -t tmpfs -o size=2m none "$0" && exec "$@"'
        before = ("unshare", "--mount", "--map-root-user", "sh", "-c", script, str(tmp_path))
        if (
            not shutil.which("unshare")
            or subprocess.run([*before, "true"], capture_output=True, check=False).returncode
        ):
            pytest.skip("this system does not let us mount a small disk")
        disk = (
            "import subprocess\n"
            "def shrink(): pass\n"
            "def grow(): subprocess.run(['mount', '-o', 'remount,size=64m', sys.argv[2]], check=True)\n"
        )
        said = self.run(disk + self.FILLING, f"sqlite:///{tmp_path}/r.db", tmp_path, before=before)
        assert said == ["ok", "record-disk-full", "record-disk-full", "1", "0", "ok", "ok", "2", "0"]


class Gate:
    """A check that holds its transaction up until the gate is open."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self.refusal: WorksteadError | None = None

    def __call__(self, db: sqlite3.Connection) -> None:
        self.reached.set()
        self.opened.wait(10)
        if self.refusal:
            raise self.refusal


Request = list[tuple[str, tuple[int]]]


class TestGroupCommit:
    @pytest.fixture
    def db(self, tmp_path: Path) -> sqlite3.Connection:
        """A table of numbers; its connection belongs to the writer."""
        db = sqlite3.connect(tmp_path / "numbers.db", isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE number(value INTEGER PRIMARY KEY)")
        return db

    def writer(self, db: sqlite3.Connection, check: Callable[[sqlite3.Connection], None]) -> GroupCommit:
        return GroupCommit(db, check, lambda error: RecordError(str(error)), 60)

    def numbers(self, tmp_path: Path) -> list[int]:
        with closing(sqlite3.connect(tmp_path / "numbers.db")) as db:
            return [value for (value,) in db.execute("SELECT value FROM number ORDER BY value")]

    def insert(self, *values: int) -> Request:
        return [("INSERT INTO number VALUES (?)", (value,)) for value in values]

    def at_once(self, writer: GroupCommit, gate: Gate, *requests: Request) -> list[Exception | None]:
        """What becomes of requests, the first of which is being committed while all others are made."""
        outcomes: list[Exception | None] = [None] * len(requests)

        def ask(number: int) -> None:
            try:
                writer.commit(requests[number])
            except Exception as error:
                outcomes[number] = error

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(requests))]
        threads[0].start()
        gate.reached.wait(10)
        for thread in threads[1:]:
            thread.start()
        while writer.waiting < len(requests) - 1:
            time.sleep(0.001)
        gate.opened.set()
        for thread in threads:
            thread.join()
        return outcomes

    def test_many_requests_are_few_commits(self, db: sqlite3.Connection, tmp_path: Path) -> None:
        commits: list[str] = []
        db.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
        gate = Gate()
        writer = self.writer(db, gate)
        outcomes = self.at_once(writer, gate, *(self.insert(number) for number in range(20)))
        writer.stop([], LeaseLostError("over"))
        assert outcomes == [None] * 20
        assert self.numbers(tmp_path) == list(range(20))
        assert len(commits) == 3  # the one that was under way, all the others, and the end

    def test_a_transaction_that_fails_writes_nothing(self, db: sqlite3.Connection, tmp_path: Path) -> None:
        gate = Gate()
        writer = self.writer(db, gate)
        clashing = [*self.insert(2), *self.insert(0)]
        outcomes = self.at_once(writer, gate, self.insert(0), self.insert(1), clashing, self.insert(3))
        assert outcomes[0] is None
        assert {type(outcome) for outcome in outcomes[1:]} == {RecordError}
        assert len({id(outcome) for outcome in outcomes}) == 4  # an error each: they carry tracebacks
        assert self.numbers(tmp_path) == [0]
        writer.commit(self.insert(1))
        writer.stop(self.insert(2), LeaseLostError("over"))
        assert self.numbers(tmp_path) == [0, 1, 2]

    def test_a_lost_lease_ends_it_for_everybody(self, db: sqlite3.Connection, tmp_path: Path) -> None:
        gate = Gate()
        gate.refusal = LeaseLostError("lost")
        writer = self.writer(db, gate)
        outcomes = self.at_once(writer, gate, *(self.insert(number) for number in range(4)))
        assert {str(outcome).split("\n")[0] for outcome in outcomes} == {"lost"}
        with pytest.raises(LeaseLostError, match="lost"):
            writer.commit(self.insert(9))
        writer.stop(self.insert(9), LeaseLostError("over"))
        assert self.numbers(tmp_path) == []

    def test_nothing_is_taken_after_the_end(self, db: sqlite3.Connection) -> None:
        writer = self.writer(db, lambda db: None)
        writer.stop([], LeaseLostError("over"))
        writer.stop([], LeaseLostError("over"))
        with pytest.raises(LeaseLostError, match="over"):
            writer.commit(self.insert(1))

    def test_it_checks_when_nobody_asks(self, db: sqlite3.Connection) -> None:
        checked = threading.Event()
        writer = GroupCommit(db, lambda db: checked.set(), lambda error: RecordError(str(error)), 0.01)
        assert checked.wait(10)
        writer.stop([], LeaseLostError("over"))


class TestCost:
    @pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="needs Linux's count of the bytes a process writes")
    def test_of_a_step_does_not_depend_on_the_size_of_the_stack(self, backend: SqliteBackend) -> None:
        def written() -> int:
            return int(Path("/proc/self/io").read_text().split("wchar: ")[1].split()[0])

        def steps(stack: StackName, resources: int) -> int:
            """The bytes 20 steps of each kind write in a stack of that many resources."""
            lease = backend.create(stack).acquire(ME)
            lease.start(UPDATE)
            lease.replace(Snapshot(tuple(resource(f"r{number}") for number in range(resources))))
            keys = [state.key for state in backend.stack(stack).load().resources[:20]]
            before = written()
            for number, key in enumerate(keys):
                add(lease, f"new-{number}")
                update = lease.begin(PendingKind.UPDATING, resource(f"r{number}", key=key))
                lease.end(update, [Put(resource(f"r{number}", key=key, inputs={"size": 2}))])
                delete = lease.begin(PendingKind.DELETING, resource(f"r{number}", key=key))
                lease.end(delete, [Drop(key, urn(f"r{number}"))])
            bytes_written = written() - before
            lease.release()
            return bytes_written

        small, large = steps(StackName("lab", "small"), 20), steps(StackName("lab", "large"), 4000)
        assert large < small * 1.5  # a tree of 4,000 rows is one or two levels higher

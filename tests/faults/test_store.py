"""Damage: bits that flip and files cut short, at every page of a small record, in the file and in SQLite's log.

Each is noticed, by an error that says what is still whole, or harmless: what is read is what was written. Never is
something else read, and never does a person see a traceback.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.config import Project, Settings
from engine.core.errors import RecordError
from engine.core.model import Drop, PendingKind, Put, Snapshot
from engine.opening import Place
from engine.restoring import restore
from engine.state.backend import Deployment, Lease, StackName
from engine.state.sqlite import SqliteBackend
from tests.contract.records import ME, NAME, UPDATE, resource, urn
from tests.faults import lease
from tests.workstead import Folder, clean_environment

OTHER = StackName("lab", "other")
PAGE = 4096
FRAME = PAGE + 24  # a page in SQLite's log, with its header
LOG_HEADER = 32


@dataclass
class Written:
    """What was written: the versions of each stack, the present one, and the files that hold them."""

    folder: Path
    versions: dict[StackName, list[Snapshot]] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """The record."""
        return self.folder / "state.db"

    def to(self, folder: Path) -> Path:
        """A copy of all its files, as a crash would leave them; the record there."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for file in self.folder.iterdir():
            if not file.name.endswith("-shm"):
                shutil.copy(file, folder)
        return folder / "state.db"


def write(backend: SqliteBackend, name: StackName) -> None:
    """Three versions: made, changed and partly dropped, with an operation left pending."""
    record = backend.create(name)
    record.set_secrets_state({"type": "passphrase", "state": {"salt": f"v1:{name}"}})
    keys: dict[str, int] = {}

    def made(lease: Lease) -> None:
        for number in range(12):
            state = resource(f"r{number}", key=lease.new_key(), inputs={"text": "x" * (400 if number else 6000)})
            lease.end(lease.begin(PendingKind.CREATING, state), [Put(state)])
            keys[state.name] = state.key

    def changed(lease: Lease) -> None:
        for number in range(0, 12, 3):
            lease.end(None, [Put(resource(f"r{number}", key=keys[f"r{number}"], inputs={"size": number}))])
        lease.begin(PendingKind.CREATING, resource("late", key=lease.new_key()))

    def dropped(lease: Lease) -> None:
        [pending] = record.load().pending
        lease.end(pending.token, [Put(pending.resource)])
        lease.end(None, [Drop(keys["r5"], urn("r5"))])
        lease.begin(PendingKind.DELETING, resource("r4", key=keys["r4"]))

    for step in (made, changed, dropped):
        held = record.acquire(ME)
        held.start(UPDATE)
        step(held)
        held.finish("succeeded", {})
        held.release()


def versions_of(file: Path) -> dict[StackName, list[Snapshot]]:
    """All versions of all stacks of a whole record."""
    backend = SqliteBackend(file)
    found: dict[StackName, list[Snapshot]] = {}
    for name in (NAME, OTHER):
        record = backend.stack(name)
        assert record.check().damage == ()
        found[name] = [record.load(version) for version in range(1, record.load().serial + 1)]
    return found


@pytest.fixture
def scratch() -> Iterator[Path]:
    """The same file is damaged, opened and thrown away many hundred times."""
    with lease.scratch() as folder:
        yield folder


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A record that everybody has closed: one file."""
    written = Written(tmp_path_factory.mktemp("closed"))
    backend = SqliteBackend(written.file)
    write(backend, NAME)
    write(backend, OTHER)
    backend.close()
    written.versions = versions_of(written.file)
    return written


@pytest.fixture(scope="module")
def crashed(closed: Written, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The same after a run that was killed: most of what it did is in SQLite's log, and its lease's file is left."""
    running = closed.to(tmp_path_factory.mktemp("running") / "record")
    backend = SqliteBackend(running)
    held = backend.stack(NAME).acquire(ME)
    held.start(UPDATE)
    for number in range(6):
        state = resource(f"new{number}", key=held.new_key())
        held.end(held.begin(PendingKind.CREATING, state), [Put(state)])
    held.begin(PendingKind.CREATING, resource("begun", key=held.new_key()))
    written = Written(tmp_path_factory.mktemp("crashed") / "record")
    Written(running.parent).to(written.folder)
    backend.close()
    written.versions = versions_of(written.to(tmp_path_factory.mktemp("looked-at") / "record"))
    return written


def judged(file: Path, right: dict[StackName, list[Snapshot]]) -> bool:
    """Was damage noticed? Fails when anything is read that was not written, or told badly."""
    backend = SqliteBackend(file, patience=0.2)
    noticed = False
    for name, versions in right.items():
        try:
            record = backend.stack(name)
            condition = record.check()
        except RecordError as error:
            well_told(error)
            noticed = True
            continue
        for version, snapshot in [(None, versions[-1]), *enumerate(versions, 1)]:
            try:
                loaded = record.load(version)
            except RecordError as error:
                well_told(error)
                noticed = True
                assert not condition.present or version not in condition.versions
            else:
                assert loaded == snapshot
        noticed = noticed or bool(condition.damage)
        try:
            record.history()
            record.secrets_state()
            backend.stacks()
        except RecordError as error:
            well_told(error)
            noticed = True
    return noticed


def well_told(error: RecordError) -> None:
    """It says that something is damaged, what is whole, and what to do."""
    assert error.reference == "record-damaged", error
    assert error.remedy, error
    assert "whole" in error.why, error


def damages(content: bytes, pages: range, size: int, start: int, heads: tuple[int, ...]) -> Iterator[tuple[str, bytes]]:
    """(what, the damaged bytes): for every page flips in its head and where chance says; zeros; two cuts."""
    chance = random.Random(20261128)
    for page in pages:
        first = start + page * size
        places = [*heads, *(chance.randrange(size) for _ in range(len(heads)))]
        if first == 0:
            places += range(16, 100, 3)  # the file's own header
        for place in places:
            at = first + place
            flipped = content[at] ^ (1 << chance.randrange(8))
            yield f"bit of byte {place} of page {page}", content[:at] + bytes([flipped]) + content[at + 1 :]
        yield f"zeros for page {page}", content[:first] + bytes(size) + content[first + size :]
        for end in (first, first + chance.randrange(1, size)):
            yield f"cut off at byte {end}", content[:end]


def test_every_page_of_the_file(closed: Written, scratch: Path) -> None:
    content = closed.file.read_bytes()
    counts = {True: 0, False: 0}
    for what, damaged in damages(content, range(len(content) // PAGE), PAGE, 0, (0, 3, 4, 5, 8, 9, PAGE - 1)):
        file = closed.to(scratch / "damaged")
        file.write_bytes(damaged)
        try:
            noticed = judged(file, closed.versions)
        except Exception as error:
            error.add_note(what)
            raise
        assert noticed or not what.startswith("cut"), what
        counts[noticed] += 1
    assert counts[True] > counts[False] > 0, counts


def test_every_page_of_the_log(crashed: Written, scratch: Path) -> None:
    content = crashed.file.with_name("state.db-wal").read_bytes()
    counts = {True: 0, False: 0}
    frames = range((len(content) - LOG_HEADER) // FRAME)
    for what, damaged in damages(content, frames, FRAME, LOG_HEADER, (1,)):
        file = crashed.to(scratch / "damaged")
        file.with_name("state.db-wal").write_bytes(damaged)
        try:
            noticed = judged(file, crashed.versions)
        except Exception as error:
            error.add_note(what)
            raise
        counts[noticed] += 1
        assert noticed, what
    file = crashed.to(scratch / "damaged")
    file.with_name("state.db-wal").unlink()
    assert judged(file, crashed.versions)


def test_the_last_whole_version_comes_back(closed: Written, scratch: Path) -> None:
    """Whatever page is lost: a version that is whole can be restored, and is exactly what it was."""
    content = closed.file.read_bytes()
    restored = 0
    for page in range(1, len(content) // PAGE):
        file = closed.to(scratch / "damaged")
        file.write_bytes(content[: page * PAGE] + bytes(PAGE) + content[(page + 1) * PAGE :])
        backend = SqliteBackend(file, patience=0.2)
        place = Place(Project(name="lab", root=scratch), Settings(backend.url), backend, {}, {})
        try:
            done = restore(place, NAME, None, lambda _version, _condition: None)
        except RecordError as error:
            well_told(error)
            continue
        except Exception as error:
            if getattr(error, "reference", "") == "version-needed":
                continue  # it was another stack's page
            raise
        restored += 1
        right = closed.versions[NAME][done.version - 1]
        record = SqliteBackend(file).stack(NAME)
        now = record.load()
        assert alike(now) == alike(right)
        assert record.check().present
        assert record.history(1)[0] == Deployment(
            "restore", now.serial, message=f"version {done.version}", **ended(record.history(1)[0])
        )
        if done.aside:
            assert Path(done.aside).read_bytes()[page * PAGE :][:PAGE] == bytes(PAGE)
        held = record.acquire(ME)
        held.start(UPDATE)
        held.finish("succeeded", {})
        held.release()
    assert restored > 3


def alike(snapshot: Snapshot) -> object:
    """A snapshot without what is given anew when it is put in place."""
    return (
        [state.but(key=0) for state in snapshot.resources],
        [(each.kind, each.resource.but(key=0)) for each in snapshot.pending],
    )


def ended(deployment: Deployment) -> dict[str, str]:
    """When a deployment began and ended, and how."""
    return {name: getattr(deployment, name) for name in ("start_time", "end_time", "result")}


# --- the command line -------------------------------------------------------------------------------------------------

PROGRAM = """
import pulumi

class Group(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("test:index:Group", name)

for number in range({count}):
    Group(f"group-{{number}}")
"""


def test_a_person_gets_a_version_back(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "lab", clean_environment(tmp_path / "home"))
    folder.write(Pulumi__yaml="name: lab\nruntime: python\n", Pulumi__dev__yaml="config: {}\n")
    for count in (2, 3):
        (folder.path / "__main__.py").write_text(PROGRAM.format(count=count))
        folder.run("up", "-s", "dev", "-y").must()
    refused = folder.run("stack", "restore", "-s", "dev", "-y").must(2)
    assert "which version shall be restored?" in refused.err
    assert "1 to 2" in refused.err
    assert (
        "Reference: version-missing" in folder.run("stack", "restore", "-s", "dev", "-y", "--version", "9").must(2).err
    )

    file = folder.path / ".workstead/state.db"
    content = file.read_bytes()
    at = content.rindex(b"group-2")
    file.write_bytes(content[:at] + b"groap-2" + content[at + 7 :])
    refused = folder.run("up", "-s", "dev", "-y").must(1)
    for words in ("the record of the stack lab/dev is damaged", "version 1 of 2", "stack restore --version 1"):
        assert words in refused.err
    assert "Traceback" not in refused.err
    rows = folder.run("stack", "history", "-s", "dev", "--json").must().json
    assert [(row["version"], row["whole"]) for row in rows] == [(2, False), (1, True)]
    assert "damaged" in folder.run("stack", "history", "-s", "dev").must().out

    done = folder.run("stack", "restore", "-s", "dev", "-y", "--json").must().json
    assert (done["restored"], done["version"], done["resources"], done["unknown"]) == (1, 3, 3, [])
    assert b"groap-2" in Path(done["aside"]).read_bytes()
    rows = folder.run("stack", "history", "-s", "dev", "--json").must().json
    assert [(row["version"], row["kind"], row["whole"]) for row in rows] == [
        (3, "restore", True),
        (2, "update", False),
        (1, "update", True),
    ]
    folder.run("up", "-s", "dev", "-y").must()
    folder.run("up", "-s", "dev", "-y", "--expect-no-changes").must()

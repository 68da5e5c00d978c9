"""Disks that are full, or fail, in the middle of a run: nothing new is started, and nothing that was done is lost.

First in this process, at every write of a run, with time that the test moves; then with real processes: one whose files
may not grow (RLIMIT_FSIZE, which Linux lets the test set and lift while it runs), and one under libfiu, where it is
installed (`.ci/run` does that), which fails the system calls themselves with EIO and ENOSPC.
"""

from __future__ import annotations

import resource as system
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from engine.clock import Clock
from engine.core.errors import RecordUnavailableError
from engine.core.model import Entry, Snapshot
from engine.state import deployment_json
from engine.state.backend import Deployment
from tests.faults import kill
from tests.faults.running import Running, project_on
from tests.lifecycle.story import ME, Story, Thing

PATIENCE = 60.0


class Disk:
    """Full from the given write of the record on, for so many tries."""

    def __init__(self, fills_at: int, tries: float) -> None:
        self.fills_at = fills_at
        self.frees_at = fills_at + tries
        self.writes = 0
        self.refused = 0
        self.calls_when_full: int | None = None
        self.told: Callable[[], None] = lambda: None

    def write(self, calls: int) -> None:
        """A write is tried. Raises RecordUnavailableError when the disk is full; no call may come in between then."""
        self.writes += 1
        if self.fills_at <= self.writes < self.frees_at:
            self.refused += 1
            assert calls == (calls if self.calls_when_full is None else self.calls_when_full)
            self.calls_when_full = calls
            self.told()
            raise RecordUnavailableError("the record cannot grow: the disk is full", reference="record-disk-full")


class _Record:
    """A stack's record on such a disk."""

    def __init__(self, inner: Any, disk: Disk, calls: Callable[[], int]) -> None:
        self._inner, self._disk, self._calls = inner, disk, calls

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def acquire(self, *arguments: Any, **named: Any) -> Any:
        return _Lease(self._inner.acquire(*arguments, **named), self._disk, self._calls)


class _Lease:
    def __init__(self, inner: Any, disk: Disk, calls: Callable[[], int]) -> None:
        self._inner, self._disk, self._calls = inner, disk, calls

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def start(self, deployment: Deployment) -> Deployment:
        self._disk.write(self._calls())
        return self._inner.start(deployment)

    def record(self, entries: Sequence[Entry]) -> Sequence[int]:
        self._disk.write(self._calls())
        return self._inner.record(entries)

    def finish(self, result: str, changes: Mapping[str, int]) -> None:
        self._disk.write(self._calls())
        self._inner.finish(result, changes)


class Time:
    """Passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let time pass at once."""
        self.now += seconds
        return event.is_set()

    def clock(self) -> Clock:
        """For a stack."""
        return Clock(lambda: self.now, lambda: self.now, lambda: "2027-01-15T08:00:00.000000Z", self.wait)


def _before() -> None:
    first = Thing("first")
    Thing("second", tag=first.serial)
    Thing("gone")


def _after() -> None:
    """An update, a replacement, a create and a delete."""
    first = Thing("first", size=3)
    Thing("second", tag=first.serial, called="another")
    Thing("third")
    pulumi.export("serial", first.serial)


def story_on(disk: Disk | None, folder: Path) -> Story:
    """A story whose next up runs on that disk."""
    story = Story(_before)
    story.up(skip_preview=True)
    story.program = _after
    if disk is not None:
        record = _Record(story.stack.record, disk, lambda: len(story.cloud.calls))
        story.stack = replace(story.stack, record=record, clock=Time().clock(), patience=PATIENCE, root=folder)
    return story


def writes_of_a_run(folder: Path) -> int:
    """How often an up writes the record when nothing is wrong."""
    disk = Disk(10_000, 0)
    story_on(disk, folder).up(skip_preview=True)
    return disk.writes


def all_is_well(story: Story) -> None:
    """The record knows exactly what there is, and nothing is left to do."""
    assert story.error is None, story.text
    assert not story.snapshot.pending, story.text
    recorded = sorted(state.id for state in story.snapshot.resources if state.type == "test:index:Thing")
    assert recorded == sorted(story.cloud.things), story.text
    plan = story.preview()
    assert plan is not None
    assert not plan.has_changes, story.text


def test_full_for_a_while_the_run_waits_and_goes_on(tmp_path: Path) -> None:
    for moment in range(1, writes_of_a_run(tmp_path) + 1):
        story = story_on(Disk(moment, 4), tmp_path)
        story.up(skip_preview=True)
        assert "the record cannot grow: the disk is full" in story.messages()
        assert story.messages()[-1] == "The record can be written again: going on."
        all_is_well(story)
    assert not list(tmp_path.iterdir())


def test_full_for_good_nothing_is_lost(tmp_path: Path) -> None:
    """What could not be recorded is in a file; importing that, or just running again, leads to what is wanted."""
    kept = 0
    for moment in range(1, writes_of_a_run(tmp_path) + 1):
        for by_import in (False, True):
            disk = Disk(moment, float("inf"))
            story = story_on(disk, tmp_path)
            story.up(skip_preview=True)
            assert isinstance(story.error, RecordUnavailableError), story.text
            assert disk.refused > 3
            disk.frees_at = 0
            files = list(tmp_path.iterdir())
            for file in files:
                kept += 1
                assert str(file) in str(story.error)
                assert stat.S_IMODE(file.stat().st_mode) == 0o600
                if by_import:
                    imported(story, deployment_json.parse(file.read_bytes()).snapshot)
                file.unlink()
            story.up(skip_preview=True)
            all_is_well(story)
    assert kept > 6


def imported(story: Story, snapshot: Snapshot) -> None:
    """What `workstead stack import` does; afterwards nothing that is there is unknown, but for what is pending."""
    lease = story.record.acquire(ME)
    lease.start(Deployment("import"))
    lease.replace(snapshot)
    lease.finish("succeeded", {})
    lease.release()
    known = {state.id for state in snapshot.resources}
    pending = {operation.resource.inputs.get("name") for operation in snapshot.pending}
    assert all(id_ in known or thing["name"] in pending for id_, thing in story.cloud.things.items()), story.text


def test_ctrl_c_ends_the_waiting(tmp_path: Path) -> None:
    disk = Disk(3, float("inf"))
    story = story_on(disk, tmp_path)
    disk.told = lambda: story.stop.ask() if disk.refused == 3 else None
    story.up(skip_preview=True)
    assert isinstance(story.error, RecordUnavailableError)
    assert 3 < disk.refused < 10, "the other writes of the run are tried once each"


# --- real processes ---------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Iterator[kill.Project]:
    with project_on(tmp_path, "instant") as project:
        yield project


@pytest.fixture
def slow_project(tmp_path: Path) -> Iterator[kill.Project]:
    """One whose clouds take a second or more for most of its creates."""
    with project_on(tmp_path, "fast") as project:
        yield project


def up_on(project: kill.Project, *before: str, patience: float, **popen: Any) -> Running:
    """A running `workstead up`."""
    return Running(project, *kill.COMMANDS["up"], before=before, environ={"WORKSTEAD_PATIENCE": str(patience)}, **popen)


def is_clean(project: kill.Project) -> None:
    """One more up, and clouds and record agree."""
    project.run(*kill.COMMANDS["up"], speed="instant")
    found = kill.Found()
    assert kill.compare(project, found) == []
    assert found.is_clean


SMALL = 260_000  # bytes: the log holds some of the thirty steps then


def small_files() -> None:
    """No file of this process may be larger; the test can lift that."""
    system.setrlimit(system.RLIMIT_FSIZE, (SMALL, system.RLIM_INFINITY))


needs_prlimit = pytest.mark.skipif(
    not hasattr(system, "prlimit"), reason="needs Linux's prlimit to change a limit of a running process"
)


@needs_prlimit
def test_a_run_whose_files_may_grow_again_goes_on(project: kill.Project) -> None:
    with up_on(project, patience=100, preexec_fn=small_files) as up:
        up.until("It is tried again")
        assert up.process.poll() is None, up.said
        system.prlimit(up.process.pid, system.RLIMIT_FSIZE, (system.RLIM_INFINITY, system.RLIM_INFINITY))
        assert up.ended() == 0, up.said
        assert "can be written again" in up.said
    is_clean(project)


@needs_prlimit
def test_a_run_whose_files_may_not_grow_leaves_a_deployment(slow_project: kill.Project) -> None:
    with up_on(slow_project, patience=1) as up:
        up.until(" created (")  # what began together with it is on its way
        log = slow_project.folder.path / ".workstead" / "state.db-wal"
        system.prlimit(up.process.pid, system.RLIMIT_FSIZE, (log.stat().st_size, system.RLIM_INFINITY))
        assert up.ended() == 1, up.said
        assert "Traceback" not in up.said
        assert "ended in the cloud and could not be recorded" in up.said
        [file] = slow_project.folder.path.glob("*-unrecorded-*.json")
        assert f"--file {file}" in up.said
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    slow_project.folder.run("stack", "import", "-s", "dev", "--file", str(file)).must()
    known = {row.id for row in kill.snapshot_of(slow_project).resources}
    assert {row["id"] for row in slow_project.file.objects()} <= known
    is_clean(slow_project)


FIU = shutil.which("fiu-run")
needs_fiu = pytest.mark.skipif(FIU is None, reason="libfiu is not installed (Debian: fiu-utils); RLIMIT_FSIZE is tried")
EIO, ENOSPC = 5, 28


@needs_fiu
@pytest.mark.parametrize(
    ("calls", "error"),
    [("posix/io/rw/pwrite*", ENOSPC), ("posix/io/rw/pwrite*", EIO), ("posix/io/sync/fdatasync", EIO)],
    ids=["ENOSPC", "EIO", "EIO of a sync"],
)
def test_system_calls_that_fail_for_a_while(project: kill.Project, calls: str, error: int, tmp_path: Path) -> None:
    fault = f"enable_random name={calls},probability=0.3,failinfo={error}"
    with up_on(project, str(FIU), "-x", "-f", str(tmp_path / "fiu"), patience=100) as up:
        up.until("creating")
        control(up, tmp_path, fault)
        up.until("It is tried again")
        control(up, tmp_path, f"disable name={calls}")
        assert up.ended() == 0, up.said
        assert "Traceback" not in up.said
    is_clean(project)


@needs_fiu
def test_system_calls_that_fail_for_good(project: kill.Project, tmp_path: Path) -> None:
    with up_on(project, str(FIU), "-x", "-f", str(tmp_path / "fiu"), patience=1) as up:
        up.until("creating")
        control(up, tmp_path, f"enable name=posix/io/rw/pwrite*,failinfo={EIO}")
        assert up.ended() == 1, up.said
        assert "Traceback" not in up.said
    is_clean(project)


def control(up: Running, folder: Path, command: str) -> None:
    """Tell libfiu in the running process what to do."""
    pid = up.process.pid
    subprocess.run(["fiu-ctrl", "-f", str(folder / "fiu"), "-c", command, str(pid)], check=True, timeout=30)

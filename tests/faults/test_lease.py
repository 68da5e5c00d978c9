"""Two runs on one stack: one runs, the other is refused or waits; one paused for too long calls nothing any more."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.errors import RecordUnavailableError
from engine.state import open_backend
from engine.state.backend import Holder, Lease
from engine.state.sqlite import SqliteBackend
from tests.faults import kill, lease
from tests.faults.running import Running, project_on


@pytest.mark.parametrize("kind", lease.BACKENDS)
def test_schedules(kind: str) -> None:
    counts = lease.run(kind, 500 if kind == "sqlite" else 1500, seed=7)
    assert counts.takeovers > counts.schedules / 10
    assert counts.stale_writes > counts.schedules


# --- real processes ---------------------------------------------------------------------------------------------------

HOLDER = Holder("ada", "elsewhere", 12, "update")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[kill.Project]:
    """The stack of the kill test, its clouds in a process of their own."""
    with project_on(tmp_path, "fast") as project:
        project.folder.run("stack", "init", "dev").must()
        yield project


def url(project: kill.Project) -> str:
    """Where its record is."""
    return f"sqlite:///{project.folder.path}/.workstead/state.db"


def taken(project: kill.Project, later: float = 0.0) -> Lease:
    """The stack's lease, taken by somebody of another machine, whose clock may be late."""
    file = Path(url(project).removeprefix("sqlite:///"))
    backend = SqliteBackend(file, clock=lambda: time.time() + later, patience=1)
    return backend.stack(kill.STACK).acquire(HOLDER)


def started(project: kill.Project, *more: str) -> Running:
    """A running `workstead up`."""
    return Running(project, *kill.COMMANDS["up"], *more)


def test_one_runs_and_the_other_is_refused_at_once(project: kill.Project) -> None:
    held = taken(project)
    for more in ((), ("--wait", "0.2")):
        done = project.folder.run(*kill.COMMANDS["up"], *more).must(1)
        assert "the stack is currently locked by ada (process 12 on elsewhere), running update since" in done.err
        assert ("Waiting: the stack is currently locked" in done.err) is bool(more)
    assert project.file.objects() == []
    held.release()


def test_the_other_waits(project: kill.Project) -> None:
    held = taken(project)
    with started(project, "--wait") as up:
        up.until("Waiting: the stack is currently locked by ada")
        assert "since" in up.said
        held.release()
        assert up.ended() == 0, up.said
    assert kill.compare(project, kill.Found()) == []


def test_ctrl_c_ends_the_waiting(project: kill.Project) -> None:
    held = taken(project)
    with started(project, "--wait", "5m") as up:
        up.until("Waiting:")
        up.process.send_signal(signal.SIGINT)
        assert up.ended() == 8
        assert "stopped while it waited" in up.said
    held.release()


@pytest.mark.parametrize("command", ["up", "destroy", "refresh"])
def test_a_paused_run_that_was_taken_over_calls_nothing_any_more(project: kill.Project, command: str) -> None:
    """Paused in the midst of its calls, for so long that another machine took its lease over."""
    if command != "up":
        project.run(*kill.COMMANDS["up"], speed="fast")
    for cloud in ("dataforest", "modelarts", "sagemaker"):
        project.file.add_fault(cloud, "slow", times=1000, seconds=0.2)
    asked = len(project.file.log())
    with Running(project, command, "-s", "dev", "-y", "--parallel", "4") as run:
        while len(project.file.log()) < asked + 3:
            assert run.process.poll() is None, "it ended too early"
            time.sleep(0.02)
        held = taken_from(run.process, project)
        calls = len(project.file.log())
        before = open_backend(url(project)).stack(kill.STACK).load()
        run.process.send_signal(signal.SIGCONT)
        assert run.ended() == 1, run.said
    assert "this run has lost the right to write the stack's record" in run.said
    assert "taken over by ada (process 12 on elsewhere)" in run.said
    assert "Traceback" not in run.said
    assert len(project.file.log()) - calls <= 4, "at most what was on its way to the clouds when it was paused"
    assert open_backend(url(project)).stack(kill.STACK).load() == before
    held.release()
    project.file.clear_faults()
    project.run(*kill.COMMANDS["up"], speed="fast")
    assert kill.compare(project, kill.Found()) == []


def taken_from(process: subprocess.Popen[str], project: kill.Project) -> Lease:
    """Pause the process and take its lease over; where it was paused with the file locked, a little later."""
    for _ in range(20):
        process.send_signal(signal.SIGSTOP)
        time.sleep(1)  # what the clouds were asked before, they have answered
        try:
            return taken(project, later=31)
        except RecordUnavailableError:
            process.send_signal(signal.SIGCONT)
            time.sleep(0.05)
    raise AssertionError("it always had the record locked")

"""Two runs on one stack: one runs, the other is refused or waits; one paused for too long calls nothing any more."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from engine.core.errors import RecordUnavailableError
from engine.state import open_backend
from engine.state.backend import Holder, Lease
from engine.state.sqlite import SqliteBackend
from tests.faults import kill, lease


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
    project = kill.Project(tmp_path)
    with kill.serving(project.folder, "fast") as urls:
        project.want(1, urls)
        project.folder.run("stack", "init", "dev").must()
        yield project
    project.file.close()


def url(project: kill.Project) -> str:
    """Where its record is."""
    return f"sqlite:///{project.folder.path}/.workstead/state.db"


def taken(project: kill.Project, later: float = 0.0) -> Lease:
    """The stack's lease, taken by somebody of another machine, whose clock may be late."""
    file = Path(url(project).removeprefix("sqlite:///"))
    backend = SqliteBackend(file, clock=lambda: time.time() + later, patience=1)
    return backend.stack(kill.STACK).acquire(HOLDER)


def started(project: kill.Project, *more: str) -> subprocess.Popen[str]:
    """A running `workstead up`."""
    return subprocess.Popen(
        project.folder.command(*kill.COMMANDS["up"], *more),
        cwd=project.folder.path,
        env=dict(project.folder.environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(stream: IO[str] | None, words: str) -> str:
    """Read on until a line says this; all that was said."""
    assert stream
    said = ""
    for line in stream:
        said += line
        if words in line:
            return said
    raise AssertionError(f"it never said {words!r}: {said}")


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
        said = until(up.stderr, "Waiting: the stack is currently locked by ada")
        assert "since" in said
        held.release()
        assert up.stderr
        rest = up.stderr.read()
        assert up.wait(100) == 0, rest
    assert kill.compare(project, kill.Found()) == []


def test_ctrl_c_ends_the_waiting(project: kill.Project) -> None:
    held = taken(project)
    with started(project, "--wait", "5m") as up:
        until(up.stderr, "Waiting:")
        up.send_signal(signal.SIGINT)
        assert up.stderr
        assert "stopped while it waited" in up.stderr.read()
        assert up.wait(100) == 8
    held.release()


@pytest.mark.parametrize("command", ["up", "destroy", "refresh"])
def test_a_paused_run_that_was_taken_over_calls_nothing_any_more(project: kill.Project, command: str) -> None:
    """Paused in the midst of its calls, for so long that another machine took its lease over."""
    if command != "up":
        project.run(*kill.COMMANDS["up"], speed="fast")
    for cloud in ("dataforest", "modelarts", "sagemaker"):
        project.file.add_fault(cloud, "slow", times=1000, seconds=0.2)
    process = subprocess.Popen(
        project.folder.command(command, "-s", "dev", "-y", "--parallel", "4"),
        cwd=project.folder.path,
        env=dict(project.folder.environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    asked = len(project.file.log())
    with process, killed_at_the_end(process):
        while len(project.file.log()) < asked + 3:
            assert process.poll() is None, "it ended too early"
            time.sleep(0.02)
        held = taken_from(process, project)
        calls = len(project.file.log())
        before = open_backend(url(project)).stack(kill.STACK).load()
        process.send_signal(signal.SIGCONT)
        assert process.stderr
        said = process.stderr.read()
        assert process.wait(100) == 1, said
    assert "this run has lost the right to write the stack's record" in said
    assert "taken over by ada (process 12 on elsewhere)" in said
    assert "Traceback" not in said
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


@contextmanager
def killed_at_the_end(process: subprocess.Popen[str]) -> Iterator[None]:
    """Whatever happens in the block, the process does not outlive it."""
    try:
        yield
    finally:
        process.kill()

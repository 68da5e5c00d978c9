"""Ctrl-C and SIGTERM against real processes whose clouds, providers and programs do not answer any more."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.workstead import Folder, clean_environment

LIMIT = 40
"""Seconds for a process that should have ended after a few."""


@pytest.fixture
def deaf() -> Iterator[str]:
    """The address of a server that accepts every connection, reads what comes, and never answers."""
    listening = socket.create_server(("127.0.0.1", 0))
    open_: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                open_.append(listening.accept()[0])
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    for each in (listening, *open_):
        each.close()


DEAF = """
import threading
import pulumi
from providers import dataforest, modelarts, sagemaker

dataforest.AIWorkspace(
    "forest", account_id="acc1", configuration={"docker": {"image": "tensorflow:r2.3.1-py3", "command": "ls"}}
)
sagemaker.StudioLifecycleConfig(
    "maker", studio_lifecycle_config_app_type="JupyterLab", studio_lifecycle_config_content="ZWNobyBoZWxsbwo="
)
modelarts.Notebook(
    "arts", flavor="modelarts.vm.cpu.2u", image_id="e1a07296-22a8-4f05-8bc8-e936c8e54090",
    volume={"category": "EVS", "capacity": 20},
)


class Stubborn(pulumi.dynamic.ResourceProvider):
    def create(self, props):
        print("the stranger is asleep")
        threading.Event().wait()


class Stranger(pulumi.dynamic.Resource):
    def __init__(self, name):
        super().__init__(Stubborn(), name, {})


Stranger("stranger")
"""


def folder_of(tmp_path: Path, program: str, **config: str) -> Folder:
    folder = Folder(tmp_path / "stopping", clean_environment(tmp_path / "home"))
    settings = "".join(f"  {key.replace('__', ':')}: {value}\n" for key, value in config.items())
    folder.write(
        Pulumi__yaml="name: stopping\nruntime: python\n",
        Pulumi__dev__yaml=f"config:\n{settings}" if settings else "config: {}\n",
    )
    (folder.path / "__main__.py").write_text(program)
    return folder


@contextmanager
def started(folder: Folder, *arguments: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        folder.command(*arguments),
        cwd=folder.path,
        env={**folder.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        try:
            yield run
        finally:
            run.kill()


def until(run: subprocess.Popen[str], *texts: str) -> None:
    """Read what the process says until each text has come."""
    assert run.stdout is not None
    missing, said = set(texts), ""
    for line in run.stdout:
        said += line
        missing -= {text for text in missing if text in line}
        if not missing:
            return
    raise AssertionError(f"it ended without {missing}:\n{said}")


def ask(run: subprocess.Popen[str], *signals: signal.Signals) -> None:
    """Send each signal once the one before was noticed: two of a kind that wait for a process are one."""
    first, *more = signals
    run.send_signal(first)
    for number, answer in zip(more, ("Stopping: ", "Stopping at once: "), strict=False):
        until(run, answer)
        run.send_signal(number)


@pytest.mark.parametrize(
    ("signals", "grace"), [([signal.SIGTERM], "0.2"), ([signal.SIGINT, signal.SIGINT], "3600")], ids=["grace", "twice"]
)
def test_calls_without_an_answer_are_left_to_the_next_run(
    tmp_path: Path, deaf: str, signals: list[signal.Signals], grace: str
) -> None:
    folder = folder_of(
        tmp_path,
        DEAF,
        dataforest__endpoint=deaf,
        dataforest__accessKey="key",
        dataforest__secretKey="secret",
        sagemaker__endpoint=deaf,
        sagemaker__region="eu-west-1",
        sagemaker__accessKey="key",
        sagemaker__secretKey="secret",
        modelarts__endpoint=deaf,
        modelarts__region="cn-north-4",
        modelarts__projectId="0123456789abcdef0123456789abcdef",
        modelarts__accessKey="key",
        modelarts__secretKey="secret",
    )
    with started(folder, "up", "-s", "dev", "--skip-preview", WORKSTEAD_GRACE=grace) as run:
        until(run, "forest creating", "maker creating", "arts creating", "the stranger is asleep")
        ask(run, *signals)
        said, _ = run.communicate(timeout=LIMIT)
    assert run.returncode == 8, said
    assert "had not ended when the run was given up" in said
    assert "the run was stopped" in said
    record = folder.run("stack", "export", "-s", "dev").must().json["deployment"]
    pending = {row["resource"]["urn"].rpartition("::")[2]: row["type"] for row in record["pending_operations"]}
    assert pending == dict.fromkeys(("forest", "maker", "arts", "stranger"), "creating")
    history = folder.run("stack", "history", "-s", "dev", "--json").must().json
    assert history[0]["result"] == "cancelled"


@pytest.mark.parametrize("program", ["while True: pass", "import time\ntime.sleep(10**6)"], ids=["in a loop", "asleep"])
def test_a_program_that_does_not_end_is_left(tmp_path: Path, program: str) -> None:
    folder = folder_of(tmp_path, f"print('at work')\n{program}\n")
    with started(folder, "up", "-s", "dev", "--yes") as run:
        until(run, "at work")
        ask(run, signal.SIGINT, signal.SIGINT, signal.SIGINT)
        said, _ = run.communicate(timeout=LIMIT)
    assert run.returncode == 8, said
    assert "did not end by itself" in said
    (folder.path / "__main__.py").write_text("")
    folder.run("up", "-s", "dev", "--yes").must()  # its lease went with it


def test_a_grace_time_that_is_none(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "")
    assert "WORKSTEAD_GRACE" in folder.run("up", "-s", "dev", "--yes", WORKSTEAD_GRACE="soon").must(2).err

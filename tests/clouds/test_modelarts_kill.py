"""A command that is killed while ModelArts is still creating or deleting: the next one goes on with what is there."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from providers.emulation import FILE_NAME, CloudFile
from tests.workstead import Folder, clean_environment

PROGRAM = """
from providers import modelarts

modelarts.DevEnvInstance(
    "lab",
    profile_id="Multi-Engine 1.0 (python3)-cpu",
    flavor="modelarts.vm.cpu.2u",
    spec={"storage": {"type": "evs"}},
    running=False,
)
for desk in ("ada", "grace"):  # One name for both: only their marks tell them apart.
    modelarts.Notebook(
        desk,
        name="desk",
        flavor="modelarts.vm.cpu.2u",
        image_id="e1a07296-22a8-4f05-8bc8-e936c8e54090",
        volume={"category": "EVS"},
        tags={"person": desk},
    )
"""


DESK = """
from providers import modelarts

modelarts.Notebook(
    "desk",
    flavor="modelarts.vm.cpu.2u",
    image_id="e1a07296-22a8-4f05-8bc8-e936c8e54090",
    volume={"category": "EVS"},
)
"""


def project(tmp_path: Path, program: str) -> Folder:
    """A folder with this program, for emulators at full speed."""
    here = Folder(tmp_path, {**clean_environment(tmp_path / "home"), "WORKSTEAD_EMULATE_SPEED": "instant"})
    here.write(
        Pulumi__yaml="name: killed\nruntime: python\n",
        Pulumi__dev__yaml='config:\n  workstead:emulate: "true"\n',
    )
    (tmp_path / "__main__.py").write_text(program)
    (tmp_path / ".workstead").mkdir()
    return here


def killed(here: Folder, command: str, when: Callable[[], bool]) -> None:
    """Run a command, and kill it at that moment."""
    running = subprocess.Popen(
        Folder.command(command, "--stack", "dev", "--yes"),
        cwd=here.path,
        env=dict(here.environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not when():
            assert running.poll() is None, "it ended before it was killed"
            time.sleep(0.05)
    finally:
        running.kill()
        running.wait()


def test_a_killed_up_leaves_nothing_twice_and_nothing_behind(tmp_path: Path) -> None:
    here = project(tmp_path, PROGRAM)
    with CloudFile(tmp_path / ".workstead" / FILE_NAME) as file:
        file.set_switch("modelarts", "demanager-create", "never")
        file.set_switch("modelarts", "notebook-create", "never")
        killed(here, "up", lambda: len(file.objects()) == 3)
        made = {item["id"]: item["status"] for item in file.objects()}
        assert set(made.values()) == {"CREATING"}
        for id_ in made:
            file.edit("modelarts", id_, status="RUNNING")

        again = here.run("up", "--stack", "dev", "--yes").must()
        assert {item["id"] for item in file.objects()} == set(made)
        assert {item["name"]: item["status"] for item in file.objects()}["desk"] == "RUNNING"
        settled = [line for line in again.err.splitlines() if " settled (creating): " in line]
        assert len(settled) == 3
        for id_ in made:
            assert sum(f"it had been created, as {id_} (" in line for line in settled) == 1

        here.run("up", "--stack", "dev", "--yes", "--expect-no-changes").must()


def test_what_a_killed_destroy_was_deleting_is_made_anew(tmp_path: Path) -> None:
    here = project(tmp_path, DESK)
    with CloudFile(tmp_path / ".workstead" / FILE_NAME) as file:
        here.run("up", "--stack", "dev", "--yes").must()
        (old,) = [item["id"] for item in file.objects()]
        file.set_switch("modelarts", "notebook-delete", "looks:6")
        killed(here, "destroy", lambda: file.objects()[0]["status"] == "DELETING")

        again = here.run("up", "--stack", "dev", "--yes").must()
        assert f"settled (deleting): the object {old} is gone" in again.err
        (new,) = [item["id"] for item in file.objects()]
        assert new != old
        here.run("up", "--stack", "dev", "--yes", "--expect-no-changes").must()

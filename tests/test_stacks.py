"""Every example stack lives its four beats on the emulators, at the speeds instant and fast.

Up creates everything; up again does nothing and the clouds' call log shows no write; refresh finds no drift; destroy
leaves nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.config import find_project
from tests.workstead import ROOT, Folder, clean_environment, copy_of_stack

STACKS = sorted(path.parent.name for path in ROOT.glob("stacks/*/__main__.py"))


@pytest.mark.parametrize("speed", ["instant", "fast"])
@pytest.mark.parametrize("stack", STACKS)
def test_four_beats(stack: str, speed: str, tmp_path: Path) -> None:
    environ = {**clean_environment(tmp_path / "home"), "WORKSTEAD_EMULATE_SPEED": speed}
    here = Folder(copy_of_stack(stack, tmp_path / "project"), environ)

    first = here.run("up", "--stack", "dev", "--yes").must()
    made = here.run("cloud", "ls", "--json").must().json
    assert made
    assert f"+ {first.out.count(' create: ')} created" in first.out

    before = here.writes()
    here.run("up", "--stack", "dev", "--yes", "--expect-no-changes").must()
    assert here.writes() == before, "an up without changes wrote to a cloud"
    assert here.run("cloud", "ls", "--json").must().json == made

    here.run("refresh", "--stack", "dev", "--yes", "--expect-no-changes").must()
    assert here.writes() == before, "a refresh wrote to a cloud"

    here.run("destroy", "--stack", "dev", "--yes").must()
    assert here.run("cloud", "ls", "--json").must().json == []
    assert here.run("stack", "export", "--stack", "dev").must().json["deployment"].get("resources", []) == []


def test_there_are_stacks() -> None:
    assert "quickstart" in STACKS
    assert os.path.isfile(ROOT / "Pulumi.yaml")


@pytest.mark.parametrize("file", [ROOT / "Pulumi.yaml", *sorted(ROOT.glob("stacks/*/Pulumi.yaml"))], ids=str)
def test_pulumis_own_cli_finds_one_environment(file: Path) -> None:
    """It looks for `virtualenv` beside Pulumi.yaml to run the program, but below `main` for the dynamic providers."""
    project = find_project(file.parent)
    environment = project.runtime_options.get("virtualenv")
    if environment is not None:
        beside_file = (file.parent / environment).resolve()
        below_main = (file.parent / (project.main or ".") / environment).resolve()
        assert beside_file == below_main == ROOT / ".venv"

"""Runs the command line as a person would: in a process of its own, in a copy of a project, with a home of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, parsed."""
        return json.loads(self.out)

    def must(self, code: int = 0) -> Done:
        """This command itself, if it ended as expected."""
        assert self.code == code, f"exit code {self.code}, not {code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"
        return self


@dataclass(frozen=True)
class Folder:
    """A folder commands run in. Nothing of the machine's own settings reaches them."""

    path: Path
    environ: Mapping[str, str]

    def run(self, *arguments: str, stdin: str | None = None, timeout: float = 100, **environ: str) -> Done:
        """`workstead ARGUMENTS`."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.path,
            env={**self.environ, **environ},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    @staticmethod
    def command(*arguments: str) -> list[str]:
        """The command line of a command."""
        return [sys.executable, "-m", "engine", *arguments]

    def write(self, **files: str) -> None:
        """Write files; `main__py` becomes main.py, and folders are written with `___`."""
        for name, text in files.items():
            path = self.path / name.replace("___", "/").replace("__", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def writes(self, *clouds: str) -> list[str]:
        """The operations in the clouds' call log that change something."""
        reading = ("get", "list", "describe", "check", "show", "head")
        return [
            row["operation"]
            for row in self.run("cloud", "log", "--json").must().json
            if (not clouds or row["cloud"] in clouds)
            and not row["operation"].rpartition("/")[2].rpartition(":")[2].lower().startswith(reading)
        ]


def clean_environment(home: Path) -> dict[str, str]:
    """An environment without anybody's clouds, pass phrases or preferences, in which a module is compiled only once."""
    dropped = ("PULUMI_", "WORKSTEAD_", "NCLOUD_", "AWS_", "HUAWEI", "NO_COLOR", "FORCE_COLOR", "CI", "PYTHONDONTWRITE")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    return {**kept, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"), "PYTHONPATH": str(ROOT)}


def copy_of_stack(name: str, target: Path) -> Path:
    """A copy of one of the example stacks, as a project of its own; the folder with its project file."""
    own = ROOT / "stacks" / name
    if (own / "Pulumi.yaml").exists():
        shutil.copytree(own, target, ignore=shutil.ignore_patterns(".workstead", "__pycache__"))
        return target
    shutil.copytree(own, target / "stacks" / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Pulumi.yaml", target)
    return target

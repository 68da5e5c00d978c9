"""Commands that a test watches while they run, on the stack of the kill test and clouds of a process of their own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults import kill


@contextmanager
def project_on(folder: Path, speed: str) -> Iterator[kill.Project]:
    """The stack in its first generation; its clouds are so fast, and go on whatever becomes of a command."""
    project = kill.Project(folder)
    with kill.serving(project.folder, speed) as urls:
        project.want(1, urls)
        yield project
    project.file.close()


class Running:
    """A running command, its standard error read line by line. Leaving its block kills it, should it still run."""

    def __init__(
        self,
        project: kill.Project,
        *command: str,
        before: tuple[str, ...] = (),
        environ: dict[str, str] | None = None,
        **popen: Any,
    ) -> None:
        self._lines: list[str] = []
        self.process = subprocess.Popen(
            [*before, *project.folder.command(*command)],
            cwd=project.folder.path,
            env={**project.folder.environ, **(environ or {})},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            **popen,
        )

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.process.kill()
        self.process.communicate()

    def until(self, words: str) -> None:
        """Read on until a line says this. Raises AssertionError when it ends without having said it."""
        assert self.process.stderr
        for line in self.process.stderr:
            self._lines.append(line)
            if words in line:
                return
        raise AssertionError(f"it never said {words!r}: {self.said}")

    def ended(self) -> int:
        """Its exit code, once everything it says has been read."""
        assert self.process.stderr
        self._lines += self.process.stderr
        return self.process.wait(100)

    @property
    def said(self) -> str:
        """Everything so far."""
        return "".join(self._lines)

"""Terraform on the benchmark's graph: the same resources as `terraform_data`, which cost nothing either."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path


def program(count: int, group: int) -> Iterator[str]:
    """The resources, as HCL: within a group each after the one before."""
    for number in range(count):
        size = "1" if number % group == 0 else f"terraform_data.r{number - 1}.output.size"
        yield (
            f'resource "terraform_data" "r{number}" {{\n  input = {{ size = {size}, '
            f'title = "resource number {number}", '
            f'flavor = "bench.cpu.2u", enabled = true, labels = {{ team = "bench", number = "{number}" }}, '
            "ports = [8080, 8081] }\n}\n"
        )


def seconds_to_apply(count: int, group: int) -> float | None:
    """Seconds of `terraform apply`; None without a terraform on PATH."""
    binary = shutil.which("terraform")
    if binary is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "main.tf").write_text("".join(program(count, group)))
        environ = {**os.environ, "CHECKPOINT_DISABLE": "1"}

        def run(*arguments: str) -> None:
            subprocess.run([binary, *arguments], cwd=folder, stdout=subprocess.DEVNULL, env=environ, check=True)

        run("init", "-input=false")
        started = time.perf_counter()
        run("apply", "-auto-approve", "-input=false")
        return time.perf_counter() - started

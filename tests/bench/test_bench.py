"""The benchmarks are in step with the code: the smallest run, and the report made of given costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.bench import report
from tests.bench.engine import PHASES, Cost
from tests.workstead import ROOT


def test_a_line_for_each_phase(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.bench.engine", "--resources", "20", "--repeat", "1", "--no-terraform"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["phase"] for line in lines] == list(PHASES)
    assert all(line["resources"] == 20 and line["cpu_seconds"] > 0 for line in lines)
    written = {line["phase"]: line["bytes_written"] for line in lines}
    assert written["floor"] < 1000 < written["up"]
    assert written["preview"] < 1000 < written["destroy"]


def test_the_report_says_which_promises_are_kept() -> None:
    floor, usual, slow = Cost(1, 1, 60, 0), Cost(1.2, 1.2, 80, 1000), Cost(4, 4, 400, 1000)
    figures = {
        count: {phase: floor if phase == "floor" else slow if phase == "up" else usual for phase in PHASES}
        for count in (report.FEW, report.SOME, report.USUAL, report.MANY)
    }
    rows = report.targets_table(figures, terraform_seconds=200)[2:]
    assert [row.rsplit("|", 2)[1].strip() for row in rows] == ["yes", "**no**", "yes", "yes", "**no**", "yes"]
    assert "| 5,000 | 1.00 s | 1.20 s | 4.00 s | 1.20 s | 1.20 s | 1.20 s | 0.0 MB |" in report.sizes_table(figures)
    assert report.put_into("a\n\n## Figures\n\nold\n\n## b\n", "new") == "a\n\n## Figures\n\nnew\n\n## b\n"

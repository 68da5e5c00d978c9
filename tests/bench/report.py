"""The README's figures: the benchmark at several sizes, and how it stands to what was promised.

    python -m tests.bench.report --into README.md

prints two Markdown tables with machine and date, and puts them under the heading "Figures" of a file if one is named;
progress goes to stderr. Meant for an idle machine: about ten minutes, and eight more for Terraform, if it is on PATH
and not left out. `--terraform-seconds` takes its time from an earlier run on the same machine instead.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import terraform
from tests.bench.engine import GROUP, PHASES, Cost, measured

FEW, SOME, USUAL, MANY = 100, 2000, 5000, 20000

Figures = Mapping[int, Mapping[str, Cost]]


@dataclass(frozen=True)
class Target:
    """One promise: what is measured, in which unit, and what it may be at most (or, `least`, must be at least)."""

    what: str
    limit: float
    of: Callable[[Figures], float]
    unit: str = "times"
    least: bool = False

    def row(self, figures: Figures) -> str:
        """The promise and its fulfilment, as a row of a table."""
        found = self.of(figures)
        kept = found >= self.limit if self.least else found <= self.limit
        bound = "at least" if self.least else "at most"
        return f"| {self.what} | {bound} {self.limit:g} {self.unit} | {found:.3g} {self.unit} | {_said(kept)} |"


def _said(kept: bool) -> str:
    return "yes" if kept else "**no**"


def _to_floor(phase: str) -> Callable[[Figures], float]:
    return lambda figures: figures[USUAL][phase].seconds / figures[USUAL]["floor"].seconds


def _growth(phase: str) -> Callable[[Figures], float]:
    return lambda figures: (figures[MANY][phase].seconds / MANY) / (figures[SOME][phase].seconds / SOME)


def _kilobytes_over_floor(figures: Figures) -> float:
    return (figures[USUAL]["up"].peak_mb - figures[USUAL]["floor"].peak_mb) * 1024 / USUAL


def _growth_of_bytes(figures: Figures) -> float:
    return (figures[MANY]["up"].bytes_written / MANY) / (figures[FEW]["up"].bytes_written / FEW)


TARGETS = (
    Target(f"preview of {USUAL:,} resources, to the SDK alone", 1.3, _to_floor("preview")),
    Target(f"`up --skip-preview` of {USUAL:,} resources, to the SDK alone", 2, _to_floor("up")),
    Target(f"`up`, time per resource at {MANY:,} to that at {SOME:,}", 1.3, _growth("up")),
    Target(f"`up`, bytes written per resource at {MANY:,} to those at {FEW}", 1, _growth_of_bytes),
    Target("memory of an `up` on top of the SDK's, per resource", 10, _kilobytes_over_floor, unit="KB"),
)


def sizes_table(figures: Figures) -> list[str]:
    """Seconds of each phase, a row per number of resources."""
    head = ["resources", "the SDK alone", *(phase.replace("-", ", ") for phase in PHASES[1:]), "written in an `up`"]
    rows = [f"| {' | '.join(head)} |", f"|{'---:|' * len(head)}"]
    for count, costs in figures.items():
        seconds = [f"{costs[phase].seconds:.2f} s" for phase in PHASES]
        written = f"{costs['up'].bytes_written / 1e6:.1f} MB"
        rows.append(f"| {' | '.join([f'{count:,}', *seconds, written])} |")
    return rows


def targets_table(figures: Figures, terraform_seconds: float | None) -> list[str]:
    """A row per promise."""
    targets = list(TARGETS)
    if terraform_seconds is not None:
        what = f"`terraform apply` of the same {USUAL:,} resources, to `up`"
        targets.append(Target(what, 40, lambda figures: terraform_seconds / figures[USUAL]["up"].seconds, least=True))
    return ["| what | promised | measured | kept |", "|---|---|---|---|", *(target.row(figures) for target in targets)]


def machine() -> str:
    """What the figures were measured on, in words."""
    found = re.search(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.M)
    model = found[1] if found else platform.machine()
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {system}"


def report(sizes: Sequence[int], repeat: int, terraform_seconds: float | None) -> str:
    """Both tables and where they come from, as Markdown."""
    figures: dict[int, Mapping[str, Cost]] = {}
    for count in sizes:
        print(f"measuring {count:,} resources …", file=sys.stderr)
        figures[count] = measured(count, repeat)
    origin = f"Measured on {datetime.now(UTC):%Y-%m-%d} with `python -m tests.bench.report` ({machine()})."
    return "\n".join([origin, "", *sizes_table(figures), "", *targets_table(figures, terraform_seconds)])


def put_into(page: str, text: str) -> str:
    """A page with `text` as its section "Figures"."""
    before, heading, rest = page.partition("\n## Figures\n")
    _, following, after = rest.partition("\n## ")
    if not heading:
        raise SystemExit('there is no heading "## Figures" to put the tables under')
    return f"{before}{heading}\n{text}\n{following}{after}"


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--repeat", type=int, default=3)
    arguments.add_argument("--terraform-seconds", type=float, help=f"of an earlier apply of {USUAL:,} resources")
    arguments.add_argument("--no-terraform", action="store_true")
    arguments.add_argument("--into", type=Path, metavar="FILE", help="put the tables under its heading Figures")
    given = arguments.parse_args()
    seconds: float | None = given.terraform_seconds
    if seconds is None and not given.no_terraform:
        print(f"terraform applies {USUAL:,} resources …", file=sys.stderr)
        seconds = terraform.seconds_to_apply(USUAL, GROUP)
    text = report((FEW, SOME, USUAL, MANY), given.repeat, seconds)
    print(text)
    if given.into:
        given.into.write_text(put_into(given.into.read_text(encoding="utf-8"), text), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from engine.core.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])


def stack_option(command: F) -> F:
    """`-s/--stack`."""
    return click.option("-s", "--stack", "stack", metavar="NAME", help="The stack (default: the selected one).")(
        command
    )


def json_option(command: F) -> F:
    """`-j/--json`."""
    return click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def adopt_option(command: F) -> F:
    """`--adopt`."""
    return click.option(
        "--adopt", is_flag=True, help="Take objects that exist under a declared name into the record, not create them."
    )(command)


def yes_option(command: F) -> F:
    """`-y/--yes`."""
    return click.option("-y", "--yes", is_flag=True, help="Agree to the plan without being asked.")(command)


def run_options(command: F) -> F:
    """The options of every operation that calls clouds."""
    for option in (
        click.option("-p", "--parallel", type=click.IntRange(min=1), metavar="N", help="At most N calls at once (32)."),
        click.option("-m", "--message", default="", metavar="TEXT", help="A message for the history."),
        click.option("--diff", is_flag=True, help="Show every property, not only a summary of what changes."),
        click.option("--expect-no-changes", is_flag=True, help="Fail (exit code 7) if anything would change."),
        click.option(
            "--clear-pending-creates",
            is_flag=True,
            help="Take interrupted creates that cannot be looked up as never happened.",
        ),
    ):
        command = option(command)
    return command


class Duration(click.ParamType):
    """Seconds, or minutes or hours with `m` or `h` behind them."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if not isinstance(value, str):
            return value
        number, unit = (value[:-1], value[-1]) if value[-1:] in _UNITS else (value, "s")
        try:
            seconds = float(number) * _UNITS[unit]
        except ValueError:
            seconds = -1.0
        if not seconds >= 0:
            self.fail(f"{value!r} is no length of time: give 90, 90s, 5m or 1h.", param, ctx)
        return seconds


_UNITS = {"s": 1, "m": 60, "h": 3600}


def wait_option(command: F) -> F:
    """`--wait`, for what needs the right to write the record."""
    return click.option(
        "--wait",
        type=Duration(),
        is_flag=False,
        flag_value="inf",
        default=0.0,
        metavar="[TIME]",
        help="While another run holds the stack, wait for it to end, at most TIME (90s, 5m, 1h), instead of giving up.",
    )(command)


def must_ask(yes: bool, interactive: bool) -> bool:
    """Must the person be asked? Raises UsageError when they must and cannot be (no prompt without a terminal)."""
    if yes or os.environ.get("PULUMI_SKIP_CONFIRMATIONS", "").lower() in ("1", "true"):
        return False
    if interactive:
        return True
    raise UsageError(
        "nobody can be asked whether to go on: this is not a terminal",
        why="Without --yes this command says what it would do and waits for an answer.",
        remedy="add --yes to go on without being asked",
        reference="not-interactive",
    )


def require_confirmation(question: str, yes: bool) -> None:
    """Go on only with the person's yes. Raises Abort when they decline, UsageError when they cannot be asked."""
    if must_ask(yes, sys.stdin.isatty()):
        click.confirm(question, abort=True, err=True)


def print_table(rows: list[tuple[str, ...]]) -> None:
    """Rows in columns, the first row being the titles."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

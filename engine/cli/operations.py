"""`workstead preview`, `up`, `refresh`, `destroy`: open the stack, choose a view, run the operation."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from engine.cli.options import json_option, must_ask, run_options, stack_option, yes_option
from engine.core.errors import WorksteadError
from engine.core.events import Told


@click.command()
@stack_option
@json_option
@run_options
@click.option("-r", "--refresh", is_flag=True, help="Look at every object first.")
@click.pass_obj
def preview(obj: dict[str, Any], **given: Any) -> None:
    """Show what an up would do, and why. Changes nothing.

    \b
    Examples:
      workstead preview --diff
      workstead preview --json | jq .changeSummary
    """
    from engine import deployment

    with operation_session("preview", obj, given) as session:
        plan = deployment.preview(session.stack, session.choices(), session.view, session.stop)
        session.require(plan)


@click.command()
@stack_option
@yes_option
@json_option
@run_options
@click.option("-r", "--refresh", is_flag=True, help="Look at every object first, and correct the record.")
@click.option("-f", "--skip-preview", is_flag=True, help="Carry out without showing the plan first (implies --yes).")
@click.option("--continue-on-error", is_flag=True, help="After a failure go on with what does not depend on it.")
@click.pass_obj
def up(obj: dict[str, Any], **given: Any) -> None:
    """Make the cloud as the program says: plan, ask, carry out.

    Interrupted at any moment, the next run goes on where this one stopped: nothing is lost and nothing made twice.

    \b
    Examples:
      workstead up --stack dev --yes
      workstead up --refresh --parallel 8
    """
    from engine import deployment

    with operation_session("up", obj, given) as session:
        deployment.up(session.stack, session.choices(), session.view, session.stop)


@click.command()
@stack_option
@yes_option
@json_option
@run_options
@click.option("-f", "--skip-preview", is_flag=True, help="Correct the record without asking (implies --yes).")
@click.pass_obj
def refresh(obj: dict[str, Any], **given: Any) -> None:
    """Read every object and correct the record. Never changes a cloud.

    \b
    Example:
      workstead refresh --expect-no-changes     exit code 7 when somebody changed something by hand
    """
    from engine import deployment

    with operation_session("refresh", obj, given) as session:
        deployment.refresh_record(session.stack, session.choices(), session.view, session.stop)


@click.command()
@stack_option
@yes_option
@json_option
@run_options
@click.option("-r", "--refresh", is_flag=True, help="Look at every object first, and correct the record.")
@click.option("-f", "--skip-preview", is_flag=True, help="Carry out without showing the plan first (implies --yes).")
@click.option("--continue-on-error", is_flag=True, help="After a failure go on with what does not depend on it.")
@click.option("--remove", is_flag=True, help="Remove the stack and its history too, once it is empty.")
@click.pass_obj
def destroy(obj: dict[str, Any], remove: bool, **given: Any) -> None:
    """Delete every object of the stack, dependents first. The program is not run.

    \b
    Example:
      workstead destroy --stack dev --yes
    """
    from engine import deployment

    with operation_session("destroy", obj, given) as session:
        deployment.destroy(session.stack, session.choices(), session.view, session.stop)
        if remove:
            session.remove_stack()


# --- what they share --------------------------------------------------------------------------------------------------


class _Session:
    """One operation of one command: its stack, its view, and the way to stop it."""

    def __init__(self, command: str, obj: dict[str, Any], given: dict[str, Any]) -> None:
        from engine import opening, views
        from engine.deployment import Stop

        self.given = given
        self._debug = obj["debug"]
        interactive = sys.stdin.isatty() and sys.stderr.isatty()
        acts = command != "preview"
        skips = given.get("skip_preview", False)
        self._asks = acts and not skips and must_ask(given["yes"], interactive)
        flags = {"backend": obj["backend"], "parallel": given["parallel"]}
        self.place = opening.open_place(Path.cwd(), os.environ, flags)
        self.name = opening.stack_name(self.place, given["stack"])
        self.stack = opening.open_stack(
            self.place, self.name, create=acts, ask=_ask_passphrase if interactive else None
        )
        self.stop = Stop()
        self.view = views.choose(
            command,
            as_json=given["as_json"],
            diff=given["diff"],
            # The result of an import is the code to add; the plan is only the way there.
            stdout=sys.stderr if command == "import" and not given["as_json"] else sys.stdout,
            stderr=sys.stderr,
            environ=os.environ,
        )

    def choices(self) -> Any:
        """The person's choices."""
        from engine.deployment import Choices

        given = self.given
        environ = os.environ
        return Choices(
            refresh=given.get("refresh", False) or self.place.project.always_refresh,
            skip_preview=given.get("skip_preview", False),
            continue_on_error=given.get("continue_on_error", False)
            or environ.get("PULUMI_CONTINUE_ON_ERROR", "").lower() in ("1", "true"),
            expect_no_changes=given["expect_no_changes"],
            clear_pending_creates=given["clear_pending_creates"],
            message=given["message"],
            debug=self._debug,
            confirm=self._confirm if self._asks else None,
        )

    def _confirm(self, plan: Any) -> bool:
        if not plan.has_changes:
            return True
        self.view.pause()
        question = f"Do you want to go on with {self.name.stack}?"
        return click.confirm(question, default=False, err=True)

    def require(self, plan: Any) -> None:
        """Exit codes of a preview."""
        from engine.deployment import require

        require(plan, self.given["expect_no_changes"])

    def remove_stack(self) -> None:
        """Remove the emptied stack."""
        from engine import config

        self.place.backend.remove(self.name)
        config.unselect_stack(self.place.project)


@contextmanager
def operation_session(command: str, obj: dict[str, Any], given: dict[str, Any]) -> Iterator[_Session]:
    """A session, its view closed and its record let go whatever happens; Ctrl-C and SIGTERM stop it."""
    import gc

    # This process ends with the operation: neither the operation nor the way out needs the cyclic collector.
    gc.disable()
    session = _Session(command, obj, given)
    try:
        with _signals(session.stop.ask):
            yield session
    except WorksteadError as error:
        if command == "preview" and given["as_json"]:
            # Pulumi's digest has what went wrong among its diagnostics; so does ours.
            session.view(Told(error.diagnostic(), time.time()))
        raise
    finally:
        session.view.close()
        session.place.backend.close()
        gc.freeze()


@contextmanager
def _signals(ask: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM asks the run to stop, the second to stop now, the third ends the process."""
    asked = 0

    def heard(number: int, _frame: Any) -> None:
        nonlocal asked
        asked += 1
        if asked > 2:
            # Everything begun is on disk; the next run settles it.
            os._exit(128 + number)
        ask()

    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ask_passphrase(question: str) -> str:
    return click.prompt(question, hide_input=True, err=True, prompt_suffix="")

"""`workstead preview`, `up`, `refresh`, `destroy`: open the stack, choose a view, run the operation."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from engine.cli.options import (
    adopt_option,
    json_option,
    must_ask,
    run_options,
    stack_option,
    wait_option,
    yes_option,
)
from engine.core.errors import CancelledError, UsageError, WorksteadError
from engine.core.events import Told


@click.command()
@stack_option
@json_option
@run_options
@click.option("-r", "--refresh", is_flag=True, help="Look at every object first.")
@adopt_option
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
@wait_option
@click.option("-r", "--refresh", is_flag=True, help="Look at every object first, and correct the record.")
@click.option("-f", "--skip-preview", is_flag=True, help="Carry out without showing the plan first (implies --yes).")
@click.option("--continue-on-error", is_flag=True, help="After a failure go on with what does not depend on it.")
@adopt_option
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
@wait_option
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
@wait_option
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
        from engine.stop import Stop

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
        self.stop = Stop(grace=_grace(os.environ), leave=_leave)
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
        from engine.run import Choices

        given = self.given
        environ = os.environ
        return Choices(
            refresh=given.get("refresh", False) or self.place.project.always_refresh,
            skip_preview=given.get("skip_preview", False),
            continue_on_error=given.get("continue_on_error", False)
            or environ.get("PULUMI_CONTINUE_ON_ERROR", "").lower() in ("1", "true"),
            expect_no_changes=given["expect_no_changes"],
            clear_pending_creates=given["clear_pending_creates"],
            adopt=given.get("adopt", False),
            message=given["message"],
            wait=given.get("wait", 0.0),
            debug=self._debug,
            confirm=self._confirm if self._asks else None,
        )

    def _confirm(self, plan: Any) -> bool:
        if not plan.has_changes:
            return True
        self.view.pause()
        question = f"Do you want to go on with {self.name.stack}?"
        with _caught_by(_interrupt):  # nothing runs meanwhile, so nothing has to be waited for
            return click.confirm(question, default=False, err=True)

    def require(self, plan: Any) -> None:
        """Exit codes of a preview."""
        from engine.planning import require

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


_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def _signals(ask: Callable[[], None]) -> Iterator[None]:
    """Each Ctrl-C or SIGTERM asks the run to stop, the next one more urgently (`engine.stop`).

    They come through a wakeup descriptor to a thread of their own. A handler would run in the main thread, and only
    once that takes up Python code again, which it need not do when the system gave the signal to another thread.
    """
    listening, written = socket.socketpair()
    written.setblocking(False)

    def listen() -> None:
        while number := listening.recv(1):
            if number[0] in _SIGNALS:
                ask()

    thread = threading.Thread(target=listen, name="signals", daemon=True)
    thread.start()
    before = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
    try:
        with _caught_by(lambda _number, _frame: None):
            yield
    finally:
        signal.set_wakeup_fd(before)
        written.close()
        thread.join()
        listening.close()


@contextmanager
def _caught_by(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """While the block runs, this is the handler of both signals."""
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, other in before.items():
            signal.signal(number, other)


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def _grace(environ: Mapping[str, str]) -> float:
    """`WORKSTEAD_GRACE`: the seconds that what runs has to end after a first Ctrl-C or SIGTERM."""
    from engine.stop import GRACE

    text = environ.get("WORKSTEAD_GRACE", "").removesuffix("s")
    try:
        seconds = float(text) if text else GRACE
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise UsageError(
            f"WORKSTEAD_GRACE is {text!r}, which is no number of seconds",
            remedy="give a number such as 20, or leave it out",
            reference="grace-malformed",
        )
    return seconds


def _leave() -> None:
    """End the process though something in it does not: a program in a loop, a provider that cannot be abandoned."""
    error = CancelledError(
        "the run was stopped, but did not end by itself",
        why="The program, or code that it brought along, is still at work. Everything begun is on disk.",
        remedy="run the same command again: it settles what was left and goes on from there",
    )
    os.write(2, f"error: {error}\n".encode())
    os._exit(error.exit_code)


def _ask_passphrase(question: str) -> str:
    return click.prompt(question, hide_input=True, err=True, prompt_suffix="")

"""The command line: arguments → one operation → one view → exit code.

Commands live in a module each and are imported when they are run, so that `--help`, completion and the commands that
only read the record start in a few hundredths of a second. Every error a person can cause ends here as one message on
standard error and Pulumi's exit code for its kind (spec 13.5); a traceback is for our own bugs, and only with --debug.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from engine.core.errors import CancelledError, InternalError, UsageError, WorksteadError

_COMMANDS = {
    "preview": ("engine.cli.operations", "preview", "Show what an up would do; change nothing."),
    "up": ("engine.cli.operations", "up", "Make the cloud as the program says."),
    "refresh": ("engine.cli.operations", "refresh", "Read every object and correct the record."),
    "destroy": ("engine.cli.operations", "destroy", "Delete every object of the stack."),
    "import": ("engine.cli.import_", "import_", "Take an existing object into the record."),
    "stack": ("engine.cli.stack", "stack", "Make, choose and look at stacks."),
    "config": ("engine.cli.config", "config", "Read and change a stack's settings."),
    "cloud": ("engine.cli.cloud", "cloud", "Run and look into the emulated clouds."),
    "version": ("engine.cli.version", "version", "Print the version."),
}


def _enter(_ctx: click.Context, _param: click.Parameter, folder: str | None) -> None:
    if not folder:
        return
    try:
        os.chdir(folder)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be entered: {error.strerror}", remedy="give an existing folder", reference="cwd"
        ) from error


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    shared = ctx.find_root().ensure_object(dict)
    assert param.name is not None
    if value or param.name not in shared:
        shared[param.name] = value


def everywhere(command: click.Command) -> click.Command:
    """The command with the options that every command takes, before or after its name, as with Pulumi's."""
    if any(option.name == "cwd" for option in command.params):
        return command
    command.params += [
        click.Option(
            ["-C", "--cwd"], metavar="DIR", callback=_enter, expose_value=False, help="Run as if started in DIR."
        ),
        click.Option(
            ["--backend"],
            metavar="URL",
            callback=_remember,
            expose_value=False,
            help="Where records are kept (default: .workstead/state.db of the project).",
        ),
        click.Option(
            ["--debug"],
            is_flag=True,
            callback=_remember,
            expose_value=False,
            help="Show tracebacks, and the messages of Pulumi's SDK.",
        ),
    ]
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            everywhere(inner)
    return command


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is run, and only then."""

    def __init__(self, *args: Any, commands_in: dict[str, tuple[str, str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._commands_in = commands_in
        everywhere(self)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._commands_in)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = self._commands_in.get(cmd_name)
        if place is None:
            return None
        return everywhere(getattr(importlib.import_module(place[0]), place[1]))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command meant. Raises UsageError for a word that is none, with the one it may have been meant for."""
        word = args[0]
        if word in self._commands_in or word.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        near = difflib.get_close_matches(word, self._commands_in, n=1)
        raise UsageError(
            f"there is no command {word!r}",
            why=f"There are: {', '.join(self._commands_in)}.",
            remedy=f"did you mean `workstead {near[0]}`?" if near else "see `workstead --help`",
        )

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`, from the table: no command is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in self._commands_in.items()])


@click.group(
    "workstead",
    cls=LazyGroup,
    commands_in=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 done, 1 error, 2 usage or configuration, 3 credentials, 4 a resource failed, "
    "6 no such stack, 7 changes where none were expected, 8 stopped, 9 out of time, 255 a bug in Workstead.",
)
@click.version_option(None, "--version", message="%(version)s", package_name="workstead", prog_name="workstead")
def cli() -> None:
    """Declarative provisioning of machine-learning workspaces.

    Runs the Pulumi Python program of the project in this folder: no binary, no plugin, no account needed to try it.

    \b
    Examples:
      workstead up --stack dev            plan, ask, and carry out
      workstead preview --diff            every property that would change
      workstead cloud ls                  what is in the emulated clouds
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(given))


def _run(arguments: list[str]) -> int:
    debug = "--debug" in arguments
    try:
        return cli.main(arguments, prog_name="workstead", standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else str(error))
        return 2
    except click.ClickException as error:
        return _tell(_misused(error), debug)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return _tell(CancelledError("stopped", remedy="run the command again when you are ready"), debug)
    except WorksteadError as error:
        return _tell(error, debug)
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        return _tell(InternalError(f"{type(error).__name__}: {error}"), debug, error)


def _misused(error: click.ClickException) -> UsageError:
    """Click's complaint about the command line, in the form of our own errors."""
    message = error.format_message().rstrip(".")
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    remedy = f"see `{ctx.command_path} --help`" if ctx else ""
    if ctx and "extra argument" in message and any(option.name == "stack" for option in ctx.command.params):
        remedy = f"name a stack with --stack; {remedy}"
    usage = " ".join(ctx.get_usage().split()) if ctx else ""
    return UsageError(message[:1].lower() + message[1:], why=usage, remedy=remedy)


def _tell(problem: WorksteadError, debug: bool, cause: BaseException | None = None) -> int:
    if debug:
        import traceback

        traceback.print_exception(cause or problem)
    click.echo(f"error: {problem}", err=True)
    return problem.exit_code

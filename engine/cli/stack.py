"""`workstead stack …`: make, choose and look at stacks. Reading commands need neither the program nor a provider."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from engine.cli.options import json_option, print_table, require_confirmation, stack_option, yes_option
from engine.core.errors import UsageError
from engine.core.model import STACK_TYPE


@click.group()
def stack() -> None:
    """Make, choose and look at stacks.

    \b
    Examples:
      workstead stack init dev
      workstead stack output --json
      workstead stack export --file record.json
    """


@stack.command("ls")
@click.option("-a", "--all", "everything", is_flag=True, help="Stacks of every project in this record.")
@json_option
@click.pass_obj
def list_stacks(obj: dict[str, Any], everything: bool, as_json: bool) -> None:
    """List the project's stacks.

    \b
    Example:
      workstead stack ls --json
    """
    from engine import config

    place = _place(obj)
    selected = config.selected_stack(None, os.environ, place.project)
    rows = [
        {
            "name": summary.name.stack if not everything else str(summary.name),
            "current": selected == (summary.name.project, summary.name.stack),
            "lastUpdate": summary.last_update,
            "updateInProgress": bool(summary.held_by),
            "resourceCount": summary.resource_count,
        }
        for summary in place.backend.stacks(None if everything else place.project.name)
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo("There are no stacks yet. Make one with `workstead stack init NAME`.", err=True)
        return
    table = [("NAME", "LAST UPDATE", "RESOURCES")]
    for row in rows:
        name = row["name"] + ("*" if row["current"] else "")
        last = "in progress" if row["updateInProgress"] else row["lastUpdate"] or "never"
        table.append((name, last, str(row["resourceCount"])))
    print_table(table)


@stack.command()
@click.argument("name", required=False)
@click.option("-s", "--stack", "flag", metavar="NAME", help="The name, as an option.")
@click.option("--no-select", is_flag=True, help="Do not select the new stack.")
@click.pass_obj
def init(obj: dict[str, Any], name: str | None, flag: str | None, no_select: bool) -> None:
    """Make an empty stack and select it.

    \b
    Example:
      workstead stack init dev
    """
    from engine import config
    from engine.state.backend import StackName

    place = _place(obj)
    full = StackName(*config.parse_stack_name(_required(name or flag, "init"), place.project.name))
    place.backend.create(full)
    if not no_select:
        config.select_stack(place.project, full.stack)
    click.echo(f"Created stack '{full.stack}'", err=True)


@stack.command()
@click.argument("name", required=False)
@click.option("-s", "--stack", "flag", metavar="NAME", help="The name, as an option.")
@click.option("-c", "--create", is_flag=True, help="Make it if it does not exist.")
@click.pass_obj
def select(obj: dict[str, Any], name: str | None, flag: str | None, create: bool) -> None:
    """Choose the stack that commands without --stack mean.

    \b
    Example:
      workstead stack select dev
    """
    from engine import config, opening
    from engine.state.backend import StackName

    place = _place(obj)
    full = StackName(*config.parse_stack_name(_required(name or flag, "select"), place.project.name))
    if create and all(summary.name != full for summary in place.backend.stacks(full.project)):
        place.backend.create(full)
    opening.open_record(place, full, create=True)
    config.select_stack(place.project, full.stack)
    click.echo(f"Selected stack '{full.stack}'", err=True)


@stack.command()
@click.argument("name", required=False)
@stack_option
@yes_option
@click.option("-f", "--force", is_flag=True, help="Even if it still has resources: they are forgotten, not deleted.")
@click.option("--preserve-config", is_flag=True, help="Keep the stack's settings file.")
@click.pass_obj
def rm(obj: dict[str, Any], name: str | None, stack: str | None, yes: bool, force: bool, preserve_config: bool) -> None:
    """Remove a stack, its history and its settings file.

    \b
    Examples:
      workstead stack rm dev --yes
      workstead stack rm dev --yes --preserve-config     keep Pulumi.dev.yaml
    """
    from engine import config, opening

    place = _place(obj)
    full = opening.stack_name(place, name or stack)
    record = place.backend.stack(full)
    # The stack's own row stands for nothing in a cloud, and stays behind a program that declares nothing.
    count = sum(1 for state in record.load().resources if state.type != STACK_TYPE)
    if count and not force:
        raise UsageError(
            f"the stack {full.stack} still has {count} resource{'' if count == 1 else 's'}",
            why="Removing it would leave them in the cloud with nobody knowing of them.",
            remedy="run `workstead destroy` first; or --force to forget them",
            reference="stack-not-empty",
        )
    require_confirmation(f"This removes the stack '{full.stack}' and its history. Go on?", yes)
    place.backend.remove(full)
    file = place.project.stack_file(full.stack)
    if not preserve_config and file.exists():
        file.unlink()
    if config.selected_stack(None, os.environ, place.project) == (full.project, full.stack):
        config.unselect_stack(place.project)
    click.echo(f"Stack '{full.stack}' has been removed!", err=True)


@stack.command()
@click.argument("name", required=False)
@stack_option
@json_option
@click.option("--show-secrets", is_flag=True, help="Show secrets in plain text.")
@click.pass_obj
def output(obj: dict[str, Any], name: str | None, stack: str | None, as_json: bool, show_secrets: bool) -> None:
    """Print what the program exported: all of it, or one output by its name.

    \b
    Examples:
      workstead stack output
      workstead stack output account --show-secrets
    """
    from engine.core.values import reveal
    from engine.views import json_parts

    _, _, record, secrets = _opened(obj, stack)
    snapshot = record.load()
    outputs = reveal(secrets.unseal(snapshot).stack_outputs) if show_secrets else snapshot.stack_outputs
    shown = json_parts.plain(outputs)
    if name is not None:
        if name not in shown:
            raise UsageError(
                f"the stack has no output {name!r}",
                why=f"It has: {', '.join(shown) or 'none'}.",
                remedy="export it in the program and run `workstead up`",
                reference="output-unknown",
            )
        value = shown[name]
        click.echo(_json(value) if as_json else _one_line(value))
    elif as_json:
        click.echo(_json(shown))
    elif not shown:
        click.echo("The stack has no outputs.", err=True)
    else:
        print_table([("OUTPUT", "VALUE"), *((key, _one_line(value)) for key, value in shown.items())])


@stack.command()
@stack_option
@click.option("--file", "file", metavar="FILE", type=click.Path(dir_okay=False), help="Write there (default: stdout).")
@click.option("--show-secrets", is_flag=True, help="Write secrets in plain text.")
@click.option("--version", "version", type=int, metavar="N", help="As deployment N left it (see `stack history`).")
@click.pass_obj
def export(obj: dict[str, Any], stack: str | None, file: str | None, show_secrets: bool, version: int | None) -> None:
    """Print the record as a Pulumi deployment, which the real `pulumi stack import` takes.

    \b
    Examples:
      workstead stack export --file record.json
      workstead stack export --version 3                 as deployment 3 left it
    """
    from engine.cli.version import workstead_version
    from engine.clock import CLOCK
    from engine.state import deployment_json

    _, _, record, secrets = _opened(obj, stack)
    snapshot = record.load(version)
    text = deployment_json.export(
        snapshot,
        secrets_state=record.secrets_state(version),
        vault=secrets.of_record() if show_secrets else None,
        show_secrets=show_secrets,
        time=CLOCK.stamp(),
        version=workstead_version(),
    )
    if file is None:
        sys.stdout.write(text.decode())
    else:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(text)


@stack.command("import")
@stack_option
@click.option("--file", "file", metavar="FILE", type=click.Path(exists=True, dir_okay=False), help="Read from there.")
@click.option("-f", "--force", is_flag=True, help="Even if it is another stack's.")
@click.pass_obj
def import_record(obj: dict[str, Any], stack: str | None, file: str | None, force: bool) -> None:
    """Replace the record by a Pulumi deployment, such as `pulumi stack export` prints.

    \b
    Example:
      workstead stack import --file record.json
    """
    from engine import opening

    place = _place(obj)
    name = opening.stack_name(place, stack)
    text = Path(file).read_bytes() if file else sys.stdin.buffer.read()
    opening.import_deployment(place, name, text, force=force)
    click.echo("Import complete.", err=True)


@stack.command()
@stack_option
@json_option
@click.option("--page-size", type=click.IntRange(min=1), default=10, help="How many entries.")
@click.option("--page", type=click.IntRange(min=1), default=1, help="Which page; 1 has the newest.")
@click.option("--show-secrets", is_flag=True, hidden=True)
@click.pass_obj
def history(
    obj: dict[str, Any], stack: str | None, as_json: bool, page_size: int, page: int, show_secrets: bool
) -> None:
    """Show what was done to the stack, newest first.

    \b
    Example:
      workstead stack history --page-size 3 --json
    """
    _, _, record, _ = _opened(obj, stack)
    entries = record.history(page_size, (page - 1) * page_size)
    whole = set(record.check().versions)
    if as_json:
        rows = [
            {
                "version": entry.version,
                "whole": entry.version in whole,
                "kind": entry.kind,
                "startTime": entry.start_time,
                "message": entry.message,
                "environment": dict(entry.environment),
                "config": dict(entry.config),
                "result": entry.result,
                "endTime": entry.end_time,
                "resourceChanges": dict(entry.resource_changes),
            }
            for entry in entries
        ]
        click.echo(_json(rows))
        return
    if not entries:
        click.echo("Nothing has been done to this stack yet.", err=True)
        return
    table = [("VERSION", "WHOLE", "KIND", "RESULT", "STARTED", "CHANGES", "MESSAGE")]
    for entry in entries:
        changes = ", ".join(f"{count} {op}" for op, count in entry.resource_changes.items() if count)
        intact = "yes" if entry.version in whole else "damaged"
        table.append((str(entry.version), intact, entry.kind, entry.result, entry.start_time, changes, entry.message))
    print_table(table)


@stack.command()
@stack_option
@yes_option
@json_option
@click.option(
    "--version", "version", type=int, metavar="N", help="Which one (default, if the record is damaged: the last whole)."
)
@click.pass_obj
def restore(obj: dict[str, Any], stack: str | None, yes: bool, as_json: bool, version: int | None) -> None:
    """Put an earlier version in the place of the record, also of a damaged one. The cloud stays as it is.

    \b
    Examples:
      workstead stack history
      workstead stack restore --version 6
    """
    from engine import opening, restoring

    place = _place(obj)
    name = opening.stack_name(place, stack)

    def agree(chosen: int, _condition: Any) -> None:
        question = f"This puts version {chosen} of the stack '{name.stack}' in the place of its record. Go on?"
        require_confirmation(question, yes)

    done = restoring.restore(place, name, version, agree)
    if as_json:
        click.echo(
            _json(
                {
                    "restored": done.version,
                    "version": done.serial,
                    "resources": len(done.snapshot.resources),
                    "pending": len(done.snapshot.pending),
                    "aside": done.aside,
                    "unknown": [{"urn": state.urn, "id": state.id} for state in done.unknown],
                }
            )
        )
        return
    click.echo(
        f"Version {done.version} of the stack '{name.stack}' ({len(done.snapshot.resources)} resources) is in place "
        f"again, as version {done.serial}.",
        err=True,
    )
    if done.aside:
        click.echo(f"The damaged file is kept as {done.aside}.", err=True)
    if done.unknown:
        click.echo(f"Version {done.version} does not know of these, whose objects may exist:", err=True)
        print_table([("ID", "URN"), *((state.id, state.urn) for state in done.unknown)])
    click.echo("Run `workstead refresh` next: it compares the record with the cloud.", err=True)


# --- what they share --------------------------------------------------------------------------------------------------


def _place(obj: dict[str, Any]) -> Any:
    from engine import opening

    return opening.open_place(Path.cwd(), os.environ, {"backend": obj["backend"]})


def _opened(obj: dict[str, Any], flag: str | None) -> tuple[Any, Any, Any, Any]:
    from engine import opening

    place = _place(obj)
    name = opening.stack_name(place, flag)
    record = opening.open_record(place, name, create=False)
    return place, name, record, opening.Secrets(place, name, record)


def _required(name: str | None, command: str) -> str:
    if name:
        return name
    raise UsageError(
        f"`stack {command}` needs a name", remedy=f"workstead stack {command} NAME", reference="stack-name"
    )


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _one_line(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))

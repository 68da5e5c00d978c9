"""`workstead import`: take existing objects into the record, and say which code to add to the program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from engine.cli.operations import operation_session
from engine.cli.options import json_option, run_options, stack_option, wait_option, yes_option
from engine.core.errors import UsageError


@click.command("import")
@click.argument("type_", metavar="[TYPE]", required=False)
@click.argument("name", required=False)
@click.argument("object_id", metavar="[ID]", required=False)
@stack_option
@yes_option
@json_option
@run_options
@wait_option
@click.option("--file", "file", type=click.Path(exists=True, dir_okay=False), help="A JSON file of what to import.")
@click.option("--parent", default="", metavar="URN", help="The resource to put it under (default: the stack).")
@click.option("--protect/--no-protect", default=True, help="Protect the imported resources (default: yes).")
@click.option("-f", "--skip-preview", is_flag=True, help="Import without asking (implies --yes).")
@click.pass_obj
def import_(
    obj: dict[str, Any],
    type_: str | None,
    name: str | None,
    object_id: str | None,
    file: str | None,
    parent: str,
    protect: bool,
    **given: Any,
) -> None:
    """Take existing objects into the record.

    TYPE is a type token, or the short form CLOUD:Class; NAME the resource's name in the program; ID the object's in its
    cloud. Prints the code to add to the program, without which the next up would want to delete what was imported.

    \b
    Examples:
      workstead import dataforest:AIWorkspace report uEQsARp9IAqkBoy7l73mZS
      workstead import --file objects.json     {"resources": [{"type": …, "name": …, "id": …}, …]}
    """
    from engine import adoption, deployment
    from engine.views import code

    with operation_session("import", obj, given) as session:
        rows = _from_file(Path(file)) if file else [_row(type_, name, object_id)]
        wanted = [
            adoption.Wanted(_token(row["type"]), row["name"], row["id"], row.get("parent", "") or parent)
            for row in rows
        ]
        outcome = deployment.import_objects(
            session.stack, session.choices(), session.view, wanted, protect=protect, stop=session.stop
        )
        session.view.close()
        if not given["as_json"]:
            click.echo("\nAdd this to the program, so that the next up keeps what was imported:\n", err=True)
            click.echo(code.program_of(outcome.imported))


def _row(type_: str | None, name: str | None, object_id: str | None) -> dict[str, str]:
    if type_ and name and object_id:
        return {"type": type_, "name": name, "id": object_id}
    raise UsageError(
        "what shall be imported?",
        remedy="workstead import TYPE NAME ID, or workstead import --file FILE",
        reference="import-arguments",
    )


def _from_file(file: Path) -> list[dict[str, Any]]:
    """The rows of an import file (spec 13.4); names of parents are looked up in its nameTable."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _no_import_file(file, str(error)) from error
    rows = content.get("resources") if isinstance(content, dict) else None
    if not isinstance(rows, list) or not rows:
        raise _no_import_file(file, "it has no list `resources` with something in it")
    names = content.get("nameTable") or {}
    for index, row in enumerate(rows):
        missing = [key for key in ("type", "name", "id") if not isinstance(row, dict) or not row.get(key)]
        if missing:
            raise _no_import_file(file, f"resources[{index}] has no {' and no '.join(missing)}")
    return [
        {
            "type": row["type"],
            "name": row["name"],
            "id": row["id"],
            "parent": names.get(row.get("parent", ""), row.get("parent", "")),
        }
        for row in rows
    ]


def _no_import_file(file: Path, problem: str) -> UsageError:
    return UsageError(
        f"{file} is not an import file: {problem}",
        why='It reads {"resources": [{"type": …, "name": …, "id": …}, …]}.',
        remedy="correct it, or write one with `preview --import-file` of the real pulumi",
        reference="import-file",
    )


def _token(given: str) -> str:
    """The type token of what a person wrote: `dataforest:AIWorkspace` stands for our own type of that name."""
    from providers import clouds

    for cloud in clouds().values():
        for token in cloud.types:
            if given == token or given == token.rpartition("/")[2]:
                return token
    return given

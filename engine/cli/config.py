"""`workstead config …`: read and change a stack's settings file."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from engine.cli.options import json_option, print_table, stack_option


@click.group(invoke_without_command=True)
@stack_option
@json_option
@click.option("--show-secrets", is_flag=True, help="Show secrets in plain text.")
@click.pass_context
def config(ctx: click.Context, stack: str | None, as_json: bool, show_secrets: bool) -> None:
    """Read and change a stack's settings; without a subcommand, list them.

    \b
    Examples:
      workstead config set region KR
      workstead config set --secret password              asks, or reads standard input
      workstead config set --path 'team.members[0]' ada
    """
    if ctx.invoked_subcommand is not None:
        return
    this = _Settings(ctx.obj, stack)
    vault = this.vault() if show_secrets else None
    if as_json:
        click.echo(json.dumps(this.file.listing(vault), indent=2, ensure_ascii=False))
    else:
        print_table([("KEY", "VALUE"), *this.file.rows(vault)])


@config.command()
@click.argument("key")
@stack_option
@json_option
@click.option("--path", is_flag=True, help="KEY is a path into a list or map.")
@click.pass_obj
def get(obj: dict[str, Any], key: str, stack: str | None, as_json: bool, path: bool) -> None:
    """Print one value, decrypted.

    \b
    Examples:
      workstead config get region
      workstead config get --path 'team.members[0]'
    """
    this = _Settings(obj, stack)
    found = this.file.get(key, path=path, vault=this.vault())
    click.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else found["value"])


@config.command("set")
@click.argument("key")
@click.argument("value", required=False)
@stack_option
@click.option("--secret", is_flag=True, help="Encrypt the value.")
@click.option("--plaintext", is_flag=True, help="Store it readably, even if it looks like a secret.")
@click.option("--path", is_flag=True, help="KEY is a path into a list or map.")
@click.option("--non-interactive", is_flag=True, hidden=True)
@click.pass_obj
def set_value(
    obj: dict[str, Any],
    key: str,
    value: str | None,
    stack: str | None,
    secret: bool,
    plaintext: bool,
    path: bool,
    non_interactive: bool,
) -> None:
    """Set one value; without VALUE it is read from standard input.

    \b
    Examples:
      workstead config set region KR
      workstead config set --secret password < password.txt
      workstead config set --path 'team.members[0]' ada
    """
    this = _Settings(obj, stack)
    if value is None:
        if sys.stdin.isatty() and not non_interactive:
            value = click.prompt("value", hide_input=secret, err=True)
        else:
            value = sys.stdin.read().removesuffix("\n")
    file, vault = this.file, None
    if secret:
        vault = this.secrets.for_new_config(file)
        if not file.encryption_salt:
            file = file.with_salt(vault.salt)
    file.set(key, value, path=path, secret=secret, plaintext=plaintext, vault=vault).write()


@config.command()
@click.argument("key")
@stack_option
@click.option("--path", is_flag=True, help="KEY is a path into a list or map.")
@click.pass_obj
def rm(obj: dict[str, Any], key: str, stack: str | None, path: bool) -> None:
    """Remove one value.

    \b
    Example:
      workstead config rm region
    """
    _Settings(obj, stack).file.remove(key, path=path).write()


class _Settings:
    """A stack's settings file, and its secrets."""

    def __init__(self, obj: dict[str, Any], flag: str | None) -> None:
        from engine import config as settings
        from engine import opening

        place = opening.open_place(Path.cwd(), os.environ, {"backend": obj["backend"]})
        name = opening.stack_name(place, flag)
        record = opening.open_record(place, name, create=False)
        self.file = settings.read_stack_config(place.project, name.stack)
        self.secrets = opening.Secrets(place, name, record)

    def vault(self) -> Any:
        """What opens the file's secrets; None when it has none."""
        return self.secrets.of_config(self.file)

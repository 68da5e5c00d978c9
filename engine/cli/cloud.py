"""`workstead cloud …`: the emulated clouds: run them for other clients, look into them, change them behind our back.

The emulators keep everything in one file, `.workstead/cloud.db` of the project, so looking needs no running server.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import click

from engine.cli.options import json_option, print_table, require_confirmation, yes_option


@click.group()
def cloud() -> None:
    """Run and look into the emulated clouds of this project.

    \b
    Examples:
      workstead cloud ls
      workstead cloud log --json | tail
      workstead cloud serve --port 8800
      workstead cloud fault add dataforest throttle --operation 'aiworkspaces/*' --times 3
    """


@cloud.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="The first cloud's port; others follow (0: any)."
)
@click.option(
    "--speed", type=click.Choice(["instant", "fast", "real"]), default="fast", help="How fast status changes."
)
def serve(port: int, speed: str) -> None:
    """Serve the clouds on loopback until Ctrl-C; prints one JSON line, cloud name to base URL.

    \b
    Example:
      workstead cloud serve --port 8800 --speed real
    """
    from providers import emulation

    classes = list(emulation.emulator_classes().values())
    with _file() as file, emulation.serve(classes, file, ports=port or None, speed=speed) as server:
        click.echo(json.dumps(server.urls))
        sys.stdout.flush()
        over = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: over.set())
        over.wait()


@cloud.command("ls")
@json_option
def list_objects(as_json: bool) -> None:
    """List every object in the clouds.

    \b
    Example:
      workstead cloud ls --json
    """
    with _file() as file:
        _print(file.objects(), ("cloud", "type", "id", "name", "status"), as_json, "The clouds are empty.")


@cloud.command()
@json_option
def log(as_json: bool) -> None:
    """List every call the clouds have answered.

    \b
    Example:
      workstead cloud log --json | tail
    """
    with _file() as file:
        _print(file.log(), ("time", "cloud", "operation", "object", "status"), as_json, "Nobody has called yet.")


@cloud.command()
@yes_option
def reset(yes: bool) -> None:
    """Empty the clouds, their log and their planned faults.

    \b
    Example:
      workstead cloud reset --yes
    """
    require_confirmation("This deletes every emulated object. Go on?", yes)
    with _file() as file:
        file.reset()


@cloud.command("rm")
@click.argument("cloud_name", metavar="CLOUD")
@click.argument("object_id", metavar="ID")
def remove(cloud_name: str, object_id: str) -> None:
    """Delete an object behind the engine's back, as somebody in the cloud's console would.

    \b
    Example:
      workstead cloud rm dataforest uEQsARp9IAqkBoy7l73mZS
    """
    with _file() as file:
        file.delete(cloud_name, object_id)


@cloud.group()
def fault() -> None:
    """Make the clouds unkind: throttling, errors, lost answers, slowness, full quotas.

    \b
    Examples:
      workstead cloud fault add dataforest throttle --times 3
      workstead cloud fault ls
    """


@fault.command("add")
@click.argument("cloud_name", metavar="CLOUD")
@click.argument("kind")
@click.option("--operation", default="*", help="Which operations, as a shell pattern (default: all).")
@click.option("--object", "subject", default="", help="Only calls about the object of this ID or name.")
@click.option("--times", type=click.IntRange(min=1), default=1, help="How many calls it hits (default: 1).")
@click.option("--always", is_flag=True, help="Every call, until `cloud fault clear`.")
@click.option("--set", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter of the fault.")
def add_fault(
    cloud_name: str, kind: str, operation: str, subject: str, times: int, always: bool, parameters: tuple[str, ...]
) -> None:
    """Plan a fault. KIND: throttle, rate-limit, error, drop-before, drop-after, slow, quota, non-json, stuck, fail.

    \b
    Examples:
      workstead cloud fault add dataforest drop-after --operation aiworkspaces/create
      workstead cloud fault add modelarts slow --always --set seconds=5
    """
    given: dict[str, Any] = {}
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        given[name] = value
    with _file() as file:
        file.add_fault(cloud_name, kind, operation, object=subject, times=None if always else times, **given)


@fault.command("ls")
@json_option
def list_faults(as_json: bool) -> None:
    """List the faults still planned.

    \b
    Example:
      workstead cloud fault ls --json
    """
    with _file() as file:
        rows = [
            {
                "cloud": each.cloud,
                "kind": each.kind,
                "operation": each.operation,
                "object": each.object,
                "times": each.times,
            }
            for each in file.faults()
        ]
    _print(rows, ("cloud", "kind", "operation", "object", "times"), as_json, "No faults are planned.")


@fault.command("clear")
def clear_faults() -> None:
    """Forget every planned fault.

    \b
    Example:
      workstead cloud fault clear
    """
    with _file() as file:
        file.clear_faults()


def _file() -> Any:
    from engine import config
    from providers import emulation

    project = config.find_project(Path.cwd())
    return emulation.CloudFile(project.own_folder / emulation.FILE_NAME)


def _print(rows: list[dict[str, Any]], columns: tuple[str, ...], as_json: bool, nothing: str) -> None:
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif not rows:
        click.echo(nothing, err=True)
    else:
        titles = tuple(column.upper() for column in columns)
        print_table([titles, *(tuple("" if row[c] is None else str(row[c]) for c in columns) for row in rows)])

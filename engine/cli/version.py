"""`workstead version`."""

from __future__ import annotations

import click

from engine.cli.options import json_option


@click.command()
@json_option
def version(as_json: bool) -> None:
    """Print the version of Workstead.

    \b
    Example:
      workstead version --json
    """
    mine = f"v{workstead_version()}"
    if as_json:
        import json
        import platform
        from importlib.metadata import version as version_of

        click.echo(json.dumps({"version": mine, "python": platform.python_version(), "pulumi": version_of("pulumi")}))
    else:
        click.echo(mine)


def workstead_version() -> str:
    """The installed version, such as 0.1.0."""
    from importlib.metadata import version as version_of

    return version_of("workstead")

"""Where records are kept. A backend is named by a URL, so that a setting or an environment variable can choose it.

    sqlite:///path/of/a/file          relative to the working directory
    sqlite:////absolute/path          four slashes: three of the URL, one of the path
    memory://name                     ends with the process

Backends are imported when they are opened: reading this package costs nothing.
"""

from __future__ import annotations

from engine.core.errors import UsageError
from engine.state.backend import Backend


def open_backend(url: str) -> Backend:
    """The backend a URL names; nothing is made or locked yet. Raises UsageError for a URL that names none."""
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        from engine.state.sqlite import SqliteBackend

        return SqliteBackend(rest[1:])
    if separator and scheme == "memory":
        from engine.state.memory import MemoryBackend

        return MemoryBackend.named(rest)
    raise UsageError(
        f"{url!r} does not name a place for records",
        why="There are sqlite:///path/of/a/file and memory://name. What the real pulumi keeps elsewhere (file://, "
        "s3://, its cloud) comes in with `pulumi stack export` and `workstead stack import`.",
        remedy="set WORKSTEAD_BACKEND, or leave it out for the record beside the project",
        reference="backend-unknown",
    )

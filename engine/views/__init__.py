"""Views: readers of plans and events that write text.

A view is called with every event of an operation, in order and one at a time, and closed at the end:

    view = choose("up", as_json=False, diff=False, stdout=sys.stdout, stderr=sys.stderr, environ=os.environ)
    try:
        deployment.up(stack, choices, view)
    finally:
        view.close()

Results (the plan, the sections after a run, JSON) go to `stdout`, everything that tells of the way there to `stderr`.
Views keep no secret, raise nothing because of what they are shown, and go on in silence when nobody reads them: a run
never fails for its display.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Protocol, TextIO

from engine.core.events import Event


class View(Protocol):
    """What the command line needs of a view."""

    def __call__(self, event: Event) -> None:
        """Show, or remember, one event."""
        ...

    def pause(self) -> None:
        """Somebody else is about to write to the same terminal: a question, an error."""
        ...

    def close(self) -> None:
        """Finish what is to be written and leave the terminal as it was. May be called more than once."""
        ...


def choose(
    command: str,
    *,
    stdout: TextIO,
    stderr: TextIO,
    environ: Mapping[str, str],
    as_json: bool = False,
    diff: bool = False,
    debug: bool = False,
    suppress_outputs: bool = False,
) -> View:
    """The view for a command (`preview`, `up`, `refresh`, `destroy`), as its streams and the environment suggest.

    JSON if asked for; a live tree if a person sits before a terminal that can show one; plain text otherwise.
    """
    from engine.views.outline import Show
    from engine.views.printing import Out

    out = Out(stdout, has_colour(stdout, environ))
    progress = Out(stderr, has_colour(stderr, environ))
    show = Show(detailed=diff, debug=debug, outputs=not suppress_outputs)
    if as_json:
        if command == "preview":
            from engine.views.json_digest import Digest

            return Digest(out, progress, show)
        from engine.views.json_events import Events

        return Events(out, progress, show)
    if is_live(stderr, environ):
        from engine.views.live import Live

        return Live(out, progress, show, lambda: _size(stderr))
    from engine.views.text import Text

    return Text(out, progress, show)


def has_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Is the stream to be coloured? NO_COLOR says no, FORCE_COLOR yes; else a terminal is, unless it is a dumb one."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


def is_live(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Can the stream show a tree that changes in place, and is there somebody to look at it?"""
    return stream.isatty() and environ.get("TERM", "") not in ("", "dumb") and not environ.get("CI")


def _size(stream: TextIO) -> tuple[int, int]:
    """Columns and lines of a terminal; never too few to draw in."""
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return 80, 24
    return max(size.columns, 20), max(size.lines, 6)

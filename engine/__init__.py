"""Workstead as a library: open a stack, then preview, up, refresh or destroy it.

    import engine

    stack = engine.open_stack(".", "dev")
    outcome = engine.up(stack)

A stack of a program that is a function, its record in memory or wherever `backend` says:

    def program():
        dataforest.Account("team", name="nlp-team")

    stack = engine.inline_stack(program, project="trial", stack="dev", config={"workstead:emulate": "true"})
    print(engine.preview(stack).counts)

The command line (`engine.cli`) is made of the same parts. Nothing heavy is imported before it is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.core.events import Event
    from engine.core.plan import Plan
    from engine.run import Choices, Outcome
    from engine.stack import Stack

__all__ = ["destroy", "inline_stack", "open_stack", "preview", "refresh", "up"]


def open_stack(project: str | Path = ".", stack: str | None = None, **settings: Any) -> Stack:
    """A stack of the project a folder belongs to; without a name the selected one.

    `settings` are those of the command line: `backend` (a URL), `parallel`. Raises InputErrors for what is wrong.
    """
    from engine import opening

    place = opening.open_place(Path(project), os.environ, settings)
    return opening.open_stack(place, opening.stack_name(place, stack))


def inline_stack(
    program: Callable[[], Any],
    *,
    project: str,
    stack: str,
    config: Mapping[str, str] | None = None,
    backend: str = "memory://",
    home: str | Path = ".",
) -> Stack:
    """A stack whose program is a function. `config` maps full keys to text; emulated clouds are kept in `home`."""
    from engine import opening

    return opening.inline_stack(program, project, stack, dict(config or {}), backend, Path(home))


def preview(stack: Stack, watch: Callable[[Event], None] | None = None, **choices: Any) -> Plan:
    """What an up would do; changes nothing. `choices` are the fields of `engine.run.Choices`."""
    from engine import deployment

    return deployment.preview(stack, _choices(choices), watch or _ignore)


def up(stack: Stack, watch: Callable[[Event], None] | None = None, **choices: Any) -> Outcome:
    """Make the cloud as the program says."""
    from engine import deployment

    return deployment.up(stack, _choices(choices), watch or _ignore)


def refresh(stack: Stack, watch: Callable[[Event], None] | None = None, **choices: Any) -> Outcome:
    """Read every object and correct the record."""
    from engine import deployment

    return deployment.refresh_record(stack, _choices(choices), watch or _ignore)


def destroy(stack: Stack, watch: Callable[[Event], None] | None = None, **choices: Any) -> Outcome:
    """Delete every object of the stack."""
    from engine import deployment

    return deployment.destroy(stack, _choices(choices), watch or _ignore)


def _choices(given: dict[str, Any]) -> Choices:
    from engine.run import Choices

    return Choices(**given)


def _ignore(_event: Event) -> None:
    return None

"""The words of every view: what a step is called before, during and after, how long it took, where, what was told.

Prefixes and words of ops are Pulumi's (spec section 14).

Left to others: why a step was chosen (`reasons`), property values (`properties`, `tree`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from engine.core.errors import Diagnostic, Severity
from engine.core.model import STACK_TYPE
from engine.core.plan import Op, Step
from engine.views.printing import message_lines, visible

# --- ops --------------------------------------------------------------------------------------------------------------


class Words(NamedTuple):
    """How one op is shown: prefix, before, during and after it, in a count of what was done, and its colour."""

    prefix: str
    planned: str
    running: str
    done: str
    counted: str
    colour: str


OPS: Final[Mapping[Op, Words]] = {
    Op.SAME: Words("  ", "", "", "", "unchanged", ""),
    Op.CREATE: Words("+ ", "create", "creating", "created", "created", "green"),
    Op.UPDATE: Words("~ ", "update", "updating", "updated", "updated", "yellow"),
    Op.DELETE: Words("- ", "delete", "deleting", "deleted", "deleted", "red"),
    Op.REPLACE: Words("+-", "replace", "replacing", "replaced", "replaced", "magenta"),
    Op.CREATE_REPLACEMENT: Words(
        "++", "create replacement", "creating replacement", "created replacement", "created replacement", "green"
    ),
    Op.DELETE_REPLACED: Words(
        "--", "delete original", "deleting original", "deleted original", "deleted original", "red"
    ),
    Op.READ: Words("> ", "read", "reading", "read", "read", "cyan"),
    Op.READ_REPLACEMENT: Words(
        ">>", "read for replacement", "reading for replacement", "read for replacement", "read", "cyan"
    ),
    Op.REFRESH: Words("~ ", "refresh", "refreshing", "refresh", "refreshed", "yellow"),
    Op.DISCARD: Words("< ", "discard", "discarding", "discarded", "discarded", "red"),
    Op.DISCARD_REPLACED: Words(
        "<<", "discard original", "discarding original", "discarded original", "discarded original", "red"
    ),
    Op.REMOVE_PENDING_REPLACE: Words(
        "< ", "drop from the record", "dropping from the record", "dropped from the record", "dropped", "red"
    ),
    Op.IMPORT: Words("= ", "import", "importing", "imported", "imported", "green"),
    Op.IMPORT_REPLACEMENT: Words(
        "=>", "import replacement", "importing replacement", "imported replacement", "imported", "green"
    ),
}

# Steps that only carry out a replacement: its `replace` step speaks for them.
CARRY_OUT: Final = frozenset(
    {
        Op.CREATE_REPLACEMENT,
        Op.DELETE_REPLACED,
        Op.READ_REPLACEMENT,
        Op.DISCARD_REPLACED,
        Op.IMPORT_REPLACEMENT,
    }
)

_RUNS: Final[Mapping[str, tuple[str, str]]] = {
    "update": ("Previewing update", "Updating"),
    "destroy": ("Previewing destroy", "Destroying"),
    "refresh": ("Previewing refresh", "Refreshing"),
    "import": ("Previewing import", "Importing"),
}


def run_name(operation: str, preview: bool) -> str:
    """What a run is doing: `Previewing update`, `Updating`."""
    names = _RUNS.get(operation, (f"Previewing {operation}", f"Running {operation}"))
    return names[0] if preview else names[1]


def planned(step: Step) -> str:
    """What the step will do; an object that is left in its cloud is marked."""
    return OPS[step.op].planned + _retained(step)


def running(step: Step) -> str:
    """What the step is doing."""
    return OPS[step.op].running + _retained(step)


def done(step: Step, seconds: float) -> str:
    """What the step has done, and in which time."""
    return f"{OPS[step.op].done}{_retained(step)} ({seconds_text(seconds)})"


def failed(step: Step) -> str:
    """That the step failed."""
    word = OPS[step.op].running
    return f"**{word} failed**" if word else "**failed**"


def _retained(step: Step) -> str:
    return " [retain]" if step.op.deletes and step.state.options.retain_on_delete else ""


def protection_changed(step: Step) -> bool:
    """Does the step change whether its resource may be deleted? Shown even when nothing else changes."""
    return step.old is not None and step.new is not None and step.old.options.protect != step.new.options.protect


# --- time -------------------------------------------------------------------------------------------------------------


def seconds_text(seconds: float) -> str:
    """`0.07s`, `3s`, `1m5s`, `2h0m5s`."""
    if seconds < 1:
        return f"{max(seconds, 0):.2f}s"
    return _clock_text(int(seconds))


def duration_text(seconds: float) -> str:
    """Whole seconds, rounded up."""
    return _clock_text(math.ceil(max(seconds, 0)))


def _clock_text(whole: int) -> str:
    hours, rest = divmod(whole, 3600)
    minutes, seconds = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"


# --- places -----------------------------------------------------------------------------------------------------------


# How every dynamic type begins; what follows (`dataforest:AIWorkspace`) is what a person calls it.
_DYNAMIC = "pulumi-python:dynamic/"


def type_and_name(urn: str) -> tuple[str, str]:
    """The type and name in a URN, fit to print; what is no URN is its own name."""
    parts = urn.split("::", 3)
    if len(parts) < 4:
        return "", visible(urn)
    return visible(parts[2].rsplit("$", 1)[-1].removeprefix(_DYNAMIC)), visible(parts[3])


def place(urn: str) -> str:
    """A resource in a sentence: type and name."""
    return " ".join(filter(None, type_and_name(urn)))


def is_root(step: Step) -> bool:
    """Is it the root stack's own step?"""
    return step.type == STACK_TYPE


# --- messages ---------------------------------------------------------------------------------------------------------

_MARKS: Final = {Severity.ERROR: "error: ", Severity.WARNING: "warning: ", Severity.DEBUG: "debug: "}
_COLOURS: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.DEBUG: "dim"}


def mark(severity: Severity) -> str:
    """What a message begins with."""
    return _MARKS.get(severity, "")


def colour(severity: Severity) -> str:
    """The colour of that."""
    return _COLOURS.get(severity, "")


def told(problem: Diagnostic) -> list[str]:
    """A message as lines without its mark: what, where, why, what to do, reference."""
    return message_lines(problem.sentences())

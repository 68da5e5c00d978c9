"""Resource options as small transforms of goals, inputs and diffs (spec section 5).

Each function is one option's whole meaning and decides nothing else; `planner` says when it applies. Options that only
travel with the state (custom timeouts, hide diffs) have no function here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.core import paths
from engine.core.diff import Change
from engine.core.errors import Diagnostic, Severity, UsageError
from engine.core.model import ResourceState
from engine.core.values import Properties, equal, has_unknown, reveal

INITIALISATION = "#initerror"


def ignore_changes(inputs: Properties, recorded: Properties, ignored: Iterable[str]) -> tuple[Properties, list[str]]:
    """The inputs with the recorded value at each ignored path, and the paths that could not be applied.

    An ignored value that was added is taken out again, one that was removed is put back. Lists keep their length.
    """
    unusable: list[str] = []
    for text in ignored:
        path = paths.parse(text)
        places = dict.fromkeys([*paths.expand(path, recorded), *paths.expand(path, inputs)])
        for place in places:
            found, value = paths.lookup(recorded, place)
            try:
                inputs = paths.put(inputs, place, value) if found else paths.drop(inputs, place)
            except KeyError:
                unusable.append(text)
    return inputs, unusable


def without_ignored(changes: Iterable[Change], ignored: Iterable[str]) -> tuple[Change, ...]:
    """The changes outside the ignored paths."""
    outer = [paths.parse(text) for text in ignored]
    return tuple(change for change in changes if not any(paths.contains(path, change.path) for path in outer))


def replace_on_changes(
    changes: tuple[Change, ...], listed: Iterable[str], unfinished: bool
) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """The changes, those at or inside a listed path now forcing a replacement, and the texts of the paths that do.

    What changes as a whole around a listed path does not: that is Pulumi's rule. `unfinished`: the recorded object's
    initialisation failed, which the pseudo path `#initerror` stands for.
    """
    outer = [paths.parse(text) for text in listed]
    forced: list[str] = []
    if unfinished and any(paths.contains(path, (INITIALISATION,)) for path in outer):
        forced.append(INITIALISATION)
    marked: list[Change] = []
    for change in changes:
        if any(paths.contains(path, change.path) for path in outer):
            marked.append(Change(change.path, change.kind.as_replace()))
            forced.append(str(change))
        else:
            marked.append(change)
    return tuple(marked), tuple(forced)


def marked_by_provider(changes: tuple[Change, ...], replace_keys: Iterable[str]) -> tuple[Change, ...]:
    """The changes, those at or inside a path the provider says forces a replacement marked as such."""
    outer = [paths.parse(key) for key in replace_keys]
    return tuple(
        Change(change.path, change.kind.as_replace())
        if any(paths.contains(path, change.path) for path in outer)
        else change
        for change in changes
    )


def trigger_fired(old: Any, new: Any, preview: bool) -> bool:
    """Has the replacement trigger changed? An unknown counts as changed in a preview.

    Giving a resource a trigger, or taking it away, replaces nothing: there is no other value to compare with. Nor does
    making it secret.

    Raises UsageError for an unknown trigger in a real run: it would replace on every run.
    """
    if has_unknown(new):
        if preview:
            return True
        raise UsageError(
            "the replacement trigger is still unknown when the resource is about to be changed",
            remedy="use a value that is known by then",
            reference="trigger-unknown",
        )
    return old is not None and new is not None and not equal(reveal(old), reveal(new))


def protected(state: ResourceState, doing: str) -> Diagnostic:
    """The error of a protected resource that is about to be deleted or replaced."""
    return Diagnostic(
        Severity.ERROR,
        f"it is protected, so it cannot be {doing}",
        urn=state.urn,
        why="The option protect was set so that nobody loses this object by accident.",
        remedy="set protect to False in the program, run `workstead up`, and try again"
        if doing == "replaced"
        else "set protect to False, run `workstead up`, and try again; or leave it declared",
        reference="protected",
    )

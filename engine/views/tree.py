"""Every property of a resource over as many lines as it takes: the full form of a plan (`--diff`), and stack outputs.

As Pulumi prints it (spec section 14): maps in `{}`, lists in `[]` with positions, what is added, deleted and changed
marked at its own place.

Left to others: one value on one line (`inline`), what changed inside a text (`properties`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from engine.core import paths
from engine.core.model import ResourceState
from engine.core.plan import Op, Step, Why
from engine.core.values import Properties, equal
from engine.views.inline import DEPTH_LIMIT, HIDDEN, MISSING, inline, members, name_text
from engine.views.printing import Ink
from engine.views.properties import both_masked, compact, hidden_paths, inside, marked

_TEXT_LIMIT: Final = 10_000  # characters of one string
_WIDTH_LIMIT: Final = 40  # of the names' column


def full(step: Step, ink: Ink) -> Iterator[str]:
    """Every property of the step's resource, changes marked."""
    if step.op is Op.SAME:
        yield from compact(step, ink)
        return
    drift = step.reason.why is Why.DRIFT
    old, new = (_shown_of(state, step, drift) for state in (step.old, step.new))
    if step.op.deletes:
        yield from tree({}, old, ink, marks=False)
    else:
        forcing = frozenset(change.path[0] for change in step.changes if change.kind.replaces and change.path)
        yield from tree(old, new, ink, marks=step.old is not None and not step.op.creates, forcing=forcing)


def _shown_of(state: ResourceState | None, step: Step, drift: bool) -> Properties:
    """What is compared: what the program asks, or after a look what the cloud has; without what is to be hidden."""
    if state is None:
        return {}
    values = state.outputs if drift else state.inputs
    for hidden in hidden_paths(step):
        for path in paths.expand(hidden, values):
            if path and paths.lookup(values, path)[0]:
                values = paths.put(values, path, HIDDEN)
    return values


def tree(
    old: Properties,
    new: Properties,
    ink: Ink,
    *,
    marks: bool = True,
    unchanged: bool = True,
    forcing: Collection[object] = (),
    depth: int = 0,
) -> Iterator[str]:
    """The members of two property trees, sorted, with what turns the old one into the new one marked.

    `marks` False: the new one is printed as it is. `unchanged` False: only what differs. `forcing`: the members whose
    change forces a replacement.
    """
    names = sorted({str(name) for name, _ in [*members(old), *members(new)]})
    width = min(max((len(name_text(name)) for name in names), default=0), _WIDTH_LIMIT)
    for name in names:
        one, other = old.get(name), new.get(name)
        if not marks or (one is None and other is None):
            one = other
        elif one is None or other is None:
            one, other = (MISSING if value is None else value for value in (one, other))
        if unchanged or not _same(one, other):
            first, *rest = _member(name_text(name).ljust(width), one, other, depth, ink)
            yield f"{first} (forces replacement)" if name in forcing else first
            yield from rest


def _same(one: Any, other: Any) -> bool:
    try:
        return one is other or (one is not MISSING and other is not MISSING and equal(one, other))
    except RecursionError:
        return False


def _member(name: str, old: Any, new: Any, depth: int, ink: Ink) -> Iterator[str]:
    if old is MISSING:
        yield from _block("+", name, new, depth, ink)
    elif new is MISSING:
        yield from _block("-", name, old, depth, ink)
    elif _same(old, new):
        yield from _block(" ", name, new, depth, ink)
    else:
        yield from _difference(name, old, new, depth, ink)


def _difference(name: str, old: Any, new: Any, depth: int, ink: Ink) -> Iterator[str]:
    margin = "    " * depth
    old, new = both_masked(old, new)
    if depth < DEPTH_LIMIT and isinstance(old, Mapping) and isinstance(new, Mapping):
        yield margin + marked("~", f"{name}: {{", ink)
        yield from tree(old, new, ink, depth=depth + 1)
        yield f"{margin}  }}"
    elif depth < DEPTH_LIMIT and isinstance(old, list) and isinstance(new, list):
        yield margin + marked("~", f"{name}: [", ink)
        for index in range(max(len(old), len(new))):
            one, other = (values[index] if index < len(values) else MISSING for values in (old, new))
            yield from _member(f"[{index}]", one, other, depth + 1, ink)
        yield f"{margin}  ]"
    else:
        lines = list(inside(old, new, ink))
        if lines:
            yield margin + marked("~", f"{name}: {lines[0]}", ink)
            yield from (f"{margin}    {line}" for line in lines[1:])
        else:
            yield margin + marked("~", f"{name}: {inline(old, _TEXT_LIMIT)} => {inline(new, _TEXT_LIMIT)}", ink)


def _block(sign: str, name: str, value: Any, depth: int, ink: Ink) -> Iterator[str]:
    """A value that is there as a whole, over as many lines as it needs."""
    margin = "    " * depth
    first = marked(sign, "", ink) if sign != " " else "  "
    if depth < DEPTH_LIMIT and isinstance(value, Mapping) and value:
        yield f"{margin}{first}{name}: {{"
        parts = sorted(members(value), key=lambda part: str(part[0]))
        width = min(max((len(name_text(key)) for key, _ in parts), default=0), _WIDTH_LIMIT)
        for key, item in parts:
            yield from _block(sign, name_text(key).ljust(width), item, depth + 1, ink)
        yield f"{margin}  }}"
    elif depth < DEPTH_LIMIT and isinstance(value, list) and value:
        yield f"{margin}{first}{name}: ["
        for index, item in enumerate(value):
            yield from _block(sign, f"[{index}]", item, depth + 1, ink)
        yield f"{margin}  ]"
    else:
        yield f"{margin}{first}{name}: {inline(value, _TEXT_LIMIT)}"

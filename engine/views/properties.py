"""What a step changes, as a few lines: the compact form of a plan.

One line per changed path, `old => new`, long values shortened, what forces a replacement marked; where a text or JSON
changed, a few lines of what changed inside. Nothing is told from inside a secret, keys and paths included.

Left to others: every property of a resource (`tree`), which steps are shown (`outline`), words (`words`).
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any, Final

from engine.core import paths
from engine.core.diff import Kind, changes
from engine.core.errors import WorksteadError
from engine.core.model import ResourceState
from engine.core.paths import Path
from engine.core.plan import Step, Why
from engine.core.values import Properties, Unknown
from engine.views.inline import HIDDEN, LINE_LIMIT, MASKED, MISSING, SECRETS, inline
from engine.views.printing import Ink, shortened, visible
from engine.views.reasons import is_internal, outside_secrets, path_order
from engine.views.words import protection_changed

_LINES_LIMIT: Final = 60  # of one step
_INSIDE_LIMIT: Final = 10  # of one text's or JSON's difference
_DIFF_LIMIT: Final = 2_000  # lines of a text beyond which nobody reads a difference
_COLOURS: Final = {"+": "green", "-": "red", "~": "yellow"}


def compact(step: Step, ink: Ink) -> Iterator[str]:
    """One line per changed path, `old => new`; what forces a replacement is marked."""
    lines = [line for path, kind in _shown_changes(step) for line in _change(step, path, kind, ink)]
    if protection_changed(step):
        lines.append(marked("~", f"protect: {inline(_protected(step.old))} => {inline(_protected(step.new))}", ink))
    yield from lines[:_LINES_LIMIT]
    if len(lines) > _LINES_LIMIT:
        yield f"  … and {len(lines) - _LINES_LIMIT:,} more lines"


def _protected(state: ResourceState | None) -> bool:
    return state is not None and state.options.protect


def _shown_changes(step: Step) -> list[tuple[Path, Kind]]:
    """The changed paths a person may see, each once, and how each changes."""
    kinds: dict[Path, Kind] = {}
    for change in step.changes:
        if is_internal(change.path) or change.path in kinds:
            continue
        path = outside_secrets(change.path, step)
        if path == change.path:
            kinds[path] = change.kind
        else:
            before = kinds.get(path)
            replaces = change.kind.replaces or (before is not None and before.replaces)
            kinds[path] = Kind.UPDATE_REPLACE if replaces else Kind.UPDATE
    return sorted(kinds.items(), key=lambda item: path_order(item[0]))


def _change(step: Step, path: Path, kind: Kind, ink: Ink) -> Iterator[str]:
    name = visible(paths.show(path))
    old, new = _sides(step, path)
    forces = " (forces replacement)" if _forces(step, path, kind) else ""
    old, new = both_masked(old, new)
    if any(paths.contains(hidden, path) for hidden in hidden_paths(step)):
        yield marked(_sign(kind), f"{name}: {inline(HIDDEN)}{forces}", ink)
    elif kind in (Kind.ADD, Kind.ADD_REPLACE):
        yield marked("+", f"{name}: {inline(new)}{forces}", ink)
    elif kind in (Kind.DELETE, Kind.DELETE_REPLACE):
        yield marked("-", f"{name}: {inline(old)}{forces}", ink)
    else:
        lines = list(inside(old, new, ink))
        if not lines:
            yield marked("~", f"{name}: {inline(old)} => {inline(new)}{forces}", ink)
            return
        yield marked("~", f"{name}: {lines[0]}{forces}", ink)
        yield from ("    " + line for line in lines[1 : _INSIDE_LIMIT + 1])
        if len(lines) > _INSIDE_LIMIT + 1:
            yield f"      … {len(lines) - _INSIDE_LIMIT - 1:,} more lines"


def both_masked(old: Any, new: Any) -> tuple[Any, Any]:
    """What is a secret now, or was one, is shown on neither side."""
    if not isinstance(old, SECRETS) and not isinstance(new, SECRETS):
        return old, new
    old, new = (side if side is MISSING or isinstance(side, Unknown) else MASKED for side in (old, new))
    return old, new


def _sign(kind: Kind) -> str:
    return {"add": "+", "delete": "-"}.get(kind.value.removesuffix("-replace"), "~")


def marked(sign: str, text: str, ink: Ink) -> str:
    """A line that begins with its sign: added, deleted or changed."""
    return ink(_COLOURS[sign], f"{sign} ") + text


def _forces(step: Step, path: Path, kind: Kind) -> bool:
    return kind.replaces or paths.show(path) in step.replace_keys


def hidden_paths(step: Step) -> list[Path]:
    """Where the program does not want differences to be shown (the option hideDiffs)."""
    found: list[Path] = []
    for text in step.state.options.hide_diffs:
        try:
            found.append(paths.parse(text))
        except WorksteadError:
            continue
    return found


def _sides(step: Step, path: Path) -> tuple[Any, Any]:
    """The values at a path before and after: of the inputs, or of what the cloud has (see `Step.from_inputs`)."""
    old, new = step.old, step.new
    before = (old.inputs, old.outputs) if old else ()
    after = (new.inputs, new.outputs) if new else ()
    if not step.from_inputs:
        before = before[::-1]
        # A provider compares what the cloud has with what is asked; after a look, with what is recorded.
        after = after[::-1] if step.reason.why is Why.DRIFT else after
    return _first(before, path), _first(after, path)


def _first(trees: tuple[Properties, ...], path: Path) -> Any:
    for tree in trees:
        found, value = paths.lookup(tree, path)
        if found:
            return value
    return MISSING


# --- inside texts -----------------------------------------------------------------------------------------------------


def inside(old: Any, new: Any, ink: Ink) -> Iterator[str]:
    """What changed inside a text that is JSON or has several lines: a headline, then lines; nothing for any other."""
    if type(old) is not str or type(new) is not str:
        return
    before, after = _as_json(old), _as_json(new)
    if before is not None and after is not None:
        yield from _inside_json(before, after, ink)
    elif "\n" in old or "\n" in new:
        one, other = old.split("\n"), new.split("\n")
        if max(len(one), len(other)) > _DIFF_LIMIT:
            return
        lines = list(difflib.unified_diff(one, other, n=1, lineterm=""))[2:]
        if lines:
            yield f"(text, {len(one):,} lines => {len(other):,} lines)"
            yield from _text_lines(lines, ink)


def _inside_json(before: Any, after: Any, ink: Ink) -> Iterator[str]:
    try:
        found = changes({"": before}, {"": after})
    except RecursionError:
        return
    if found:
        yield "(json)"
    for change in found:
        name = visible(paths.show(change.path[1:])) or "all of it"
        sides = [_first(({"": value},), change.path) for value in (before, after)]
        shown = " => ".join(inline(side) for side in sides if side is not MISSING)
        yield marked(_sign(change.kind), f"{name}: {shown}", ink)


def _text_lines(lines: list[str], ink: Ink) -> Iterator[str]:
    for line in lines:
        if line.startswith("@@"):
            yield ink("dim", "  ...")
            continue
        text = shortened(visible(line[1:]), 2 * LINE_LIMIT)
        yield marked(line[0], text, ink) if line[0] in "+-" else f"  {text}"


def _as_json(text: str) -> dict[str, Any] | list[Any] | None:
    if text[:1] not in "{[" or len(text) < 2:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None

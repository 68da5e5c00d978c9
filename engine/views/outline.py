"""A plan as people read it: its steps in the order of the resource tree, each with its reason and what it changes.

The order is the same on every run, although programs register their resources in an order that varies: parents before
children, below one parent what depends on nothing first, then by type and name. So two printed plans can be compared
line by line.

Left to others: the words (`words`), the values (`properties`), the live tree of a run (`board`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from engine.core.model import STACK_TYPE
from engine.core.plan import Op, Step
from engine.views import words
from engine.views.printing import Ink, indented, visible
from engine.views.properties import compact
from engine.views.reasons import with_reason
from engine.views.tree import full

_DEPTH_LIMIT: Final = 20


@dataclass(frozen=True, slots=True)
class Show:
    """What a person asked to see. `detailed`: `--diff`; `outputs` can be left out, the others are by default."""

    detailed: bool = False
    sames: bool = False
    replacement_steps: bool = False
    debug: bool = False
    outputs: bool = True


@dataclass(slots=True)
class _Node:
    urn: str
    parent: str
    rank: int
    step: Step | None = None
    more: tuple[Step, ...] = ()


def shown(steps: Sequence[Step], show: Show) -> list[Step]:
    """The steps a person sees: no default providers, nothing that stays as it is, a replacement as one step."""
    replaced = {step.urn for step in steps if step.op is Op.REPLACE}

    def is_shown(step: Step) -> bool:
        if step.internal:
            return False
        if step.op is Op.SAME:
            return show.sames or words.protection_changed(step)
        if step.op in words.CARRY_OUT:
            return show.replacement_steps or step.urn not in replaced
        return step.op is not Op.READ or step.old is None or show.sames

    return [step for step in steps if is_shown(step)]


def deletes_first(steps: Iterable[Step]) -> frozenset[str]:
    """The URNs whose replacement deletes the old object before it creates the new one."""
    return frozenset(
        step.urn for step in steps if step.op is Op.REPLACE and step.old is not None and step.old.pending_replacement
    )


def plan_lines(steps: Sequence[Step], show: Show, ink: Ink) -> Iterator[str]:
    """The `Changes:` of a plan: one entry per step, unchanged parents as bare lines for the place."""
    first = deletes_first(steps)
    for node, depth in _in_tree_order(steps, shown(steps, show)):
        entries = [step for step in (node.step, *node.more) if step is not None]
        if not entries:
            kind, name = words.type_and_name(node.urn)
            text = f"{kind}: (same)" if show.detailed else f"{kind} {name}"
            yield from indented([ink("dim", text)], 4 + 2 * depth)
        for step in entries:
            yield from _entry(step, depth, step.urn in first, show, ink)


def _entry(step: Step, depth: int, deletes_first: bool, show: Show, ink: Ink) -> Iterator[str]:
    look = words.OPS[step.op]
    kind, name = words.type_and_name(step.urn)
    word = words.planned(step) or "same"
    order = " (delete first)" if deletes_first else ""
    said = order if step.op is Op.SAME else with_reason(order, step)
    if not show.detailed:
        yield f" {ink(look.colour, look.prefix)} {'  ' * depth}{kind} {name} {word}{said}"
        yield from indented(compact(step, ink), 8 + 2 * depth)
        return
    yield f" {ink(look.colour, look.prefix)} {'  ' * depth}{kind}: ({word}){said}"
    yield from indented(_identity(step), 8 + 2 * depth)
    yield from indented(full(step, ink), 6 + 2 * depth)


def _identity(step: Step) -> Iterator[str]:
    state = step.old or step.state
    if state.id:
        yield f"[id={visible(state.id)}]"
    yield f"[urn={visible(step.urn)}]"
    before, after = (state.provider if state else "" for state in (step.old, step.new))
    if before and after and before != after:
        yield f"[provider={visible(before)} => {visible(after)}]"


# --- order ------------------------------------------------------------------------------------------------------------


def _in_tree_order(steps: Sequence[Step], listed: Sequence[Step]) -> Iterator[tuple[_Node, int]]:
    """The listed steps with the parents they need to stand under, and how deep each is. The root is no level."""
    parents = {step.urn: step.state.parent for step in steps}
    ranks = _ranks(steps)
    nodes: dict[str, _Node] = {}
    for step in listed:
        node = nodes.get(step.urn)
        if node is not None and node.step is not None:
            node.more = (*node.more, step)
            continue
        node = nodes.setdefault(step.urn, _Node(step.urn, step.state.parent, ranks.get(step.urn, 0)))
        node.step = step
        while (above := node.parent) and above not in nodes and words.type_and_name(above)[0] != STACK_TYPE:
            node = nodes[above] = _Node(above, parents.get(above, ""), ranks.get(above, 0))
    children: dict[str, list[_Node]] = {}
    for node in nodes.values():
        children.setdefault(node.parent if node.parent in nodes else "", []).append(node)
    while children:
        # A record whose parents go in a circle has no top; its steps are shown all the same.
        top = children.pop("", None) or children.pop(next(iter(children)))
        pending = [(node, 0) for node in _sorted(top)]
        while pending:
            node, depth = pending.pop()
            yield node, min(depth, _DEPTH_LIMIT)
            below = depth + (not _is_root(node))
            pending += [(child, below) for child in _sorted(children.pop(node.urn, []))]


def _sorted(nodes: list[_Node]) -> list[_Node]:
    """For a stack to take from: the first one last."""
    return sorted(nodes, key=_order, reverse=True)


def _order(node: _Node) -> tuple[bool, bool, int, tuple[str, str], str]:
    gone = node.step is not None and node.step.op.deletes
    return (not _is_root(node), gone, node.rank, words.type_and_name(node.urn), node.urn)


def _is_root(node: _Node) -> bool:
    return words.type_and_name(node.urn)[0] == STACK_TYPE


def _ranks(steps: Sequence[Step]) -> Mapping[str, int]:
    """How many others each resource waits for in a row; what is deleted comes in the order it was made."""
    ranks: dict[str, int] = {}
    deleted = [step for step in reversed(steps) if step.op.deletes]
    for step in [*deleted, *(step for step in steps if not step.op.deletes)]:
        state = step.state
        needed = (*state.dependencies, *(urn for urns in state.property_dependencies.values() for urn in urns))
        ranks[step.urn] = 1 + max((ranks.get(urn, 0) for urn in needed), default=0)
    return ranks

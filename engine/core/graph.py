"""Who depends on whom, on networkx: order, dependents, the longest path ahead.

An edge leads from what is needed to what needs it. Nodes are URNs. Everything here is linear in nodes and edges: the
calls that are not (transitive reduction, ancestors per node) are not used (LIBRARIES.md, speed facts).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import networkx

from engine.core.errors import ProgramError
from engine.core.model import ResourceState
from engine.core.plan import Step


def of_states(states: Iterable[ResourceState]) -> networkx.DiGraph:
    """The dependency graph of some states; needs that are not among them are left out."""
    rows = list(states)
    graph = networkx.DiGraph()
    graph.add_nodes_from(state.urn for state in rows)
    graph.add_edges_from(
        (need, state.urn) for state in rows for need in state.needs() if need != state.urn and need in graph
    )
    return graph


def require_acyclic(graph: networkx.DiGraph) -> None:
    """Raises ProgramError naming a shortest way round when resources depend on each other in a circle."""
    if networkx.is_directed_acyclic_graph(graph):
        return
    circle = [one for one, _ in networkx.find_cycle(graph)]
    raise ProgramError(
        "resources depend on each other in a circle: " + " → ".join([*circle, circle[0]]),
        urn=circle[0],
        why="None of them could ever be the first to be created, or the last to be deleted.",
        remedy="take one of these dependencies out of the program",
        reference="dependency-cycle",
    )


def in_order(graph: networkx.DiGraph, like: Sequence[str]) -> list[str]:
    """The nodes, each after what it needs, otherwise in the order of `like`."""
    place = {urn: index for index, urn in enumerate(like)}
    return list(networkx.lexicographical_topological_sort(graph, key=lambda urn: place.get(urn, len(place))))


def dependents(graph: networkx.DiGraph, urn: str) -> set[str]:
    """Everything that needs `urn`, directly or through others."""
    return networkx.descendants(graph, urn) if urn in graph else set()


def remaining_path(graph: networkx.DiGraph, cost: Callable[[str], float], reverse: bool = False) -> Mapping[str, float]:
    """For each node the cost of the longest way from it to an end, itself included.

    Starting what has the longest way ahead first keeps the whole run short. `reverse`: for deletes, which run against
    the edges.
    """
    ahead = graph.predecessors if reverse else graph.successors
    order = list(networkx.topological_sort(graph))
    length: dict[str, float] = {}
    for urn in order if reverse else reversed(order):
        length[urn] = cost(urn) + max((length[other] for other in ahead(urn)), default=0.0)
    return length


def delete_order(steps: Sequence[Step]) -> tuple[Mapping[int, set[int]], Mapping[int, float]]:
    """(row key → keys of the rows to delete before it, row key → longest way ahead) of some deletes.

    Whatever needs a row goes before it. `steps` come dependents first, as `Planner.leftovers` gives them.
    """
    rows = [step.old for step in steps if step.old is not None]
    keys_of: dict[str, list[int]] = {}
    for state in rows:
        keys_of.setdefault(state.urn, []).append(state.key)
    before: dict[int, set[int]] = {state.key: set() for state in rows}
    needed: dict[int, set[int]] = {}
    for state in rows:
        needed[state.key] = {key for urn in state.needs() if urn != state.urn for key in keys_of.get(urn, ())}
        for key in needed[state.key]:
            before[key].add(state.key)
    ahead: dict[int, float] = {}
    for state in reversed(rows):
        ahead[state.key] = 1.0 + max((ahead.get(key, 0.0) for key in needed[state.key]), default=0.0)
    return before, ahead

"""Hypothesis strategies for property values and for records, shared by the tests of the pure part."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as some

from engine.core.model import Options, ResourceState, Snapshot
from engine.core.values import (
    SENTINELS,
    SIGNATURE,
    UNKNOWN,
    Archive,
    Asset,
    ResourceReference,
    Secret,
)
from tests.builders import provider_state, state, urn

texts = some.text(some.characters(codec="utf-8"), max_size=6).filter(lambda text: text not in SENTINELS)
keys = some.one_of(some.sampled_from(["a", "b", "name", "odd key", "x.y", 'say "hi"', ""]), texts).filter(
    lambda key: key != SIGNATURE
)
numbers = some.one_of(
    some.integers(-(2**60), 2**60),
    some.floats(allow_nan=False, allow_infinity=False).filter(lambda number: number != int(number)),
)
scalars = some.one_of(some.none(), some.booleans(), numbers, texts)


def values(*, unknowns: bool = False, secrets: bool = False, special: bool = False) -> some.SearchStrategy[Any]:
    """Property values; secrets are never nested and never null, as everywhere in the engine."""
    leaves: some.SearchStrategy[Any] = scalars
    if unknowns:
        leaves = some.one_of(leaves, some.sampled_from(list(SENTINELS.values())))
    if special:
        leaves = some.one_of(leaves, assets, references)
    plain = some.recursive(
        leaves,
        lambda inner: some.one_of(some.lists(inner, max_size=3), some.dictionaries(keys, inner, max_size=3)),
        max_leaves=8,
    )
    if not secrets:
        return plain
    hidden = plain.filter(lambda value: value is not None).map(Secret)
    return some.recursive(
        some.one_of(leaves, hidden),
        lambda inner: some.one_of(some.lists(inner, max_size=3), some.dictionaries(keys, inner, max_size=3)),
        max_leaves=6,
    )


def properties(**kinds: bool) -> some.SearchStrategy[dict[str, Any]]:
    """Top-level properties."""
    return some.dictionaries(keys, values(**kinds), max_size=4)


hashes = some.one_of(some.just(""), some.text("0123456789abcdef", min_size=4, max_size=4))
assets = some.one_of(
    some.builds(Asset, path=some.sampled_from(["a.txt", "b/c"]), hash=hashes),
    some.builds(Asset, text=texts, hash=hashes),
    some.builds(Asset, uri=some.just("https://x/y"), hash=hashes),
    some.builds(Archive, path=some.just("dir"), hash=hashes),
    some.builds(
        Archive,
        assets=some.dictionaries(some.sampled_from(["m", "n"]), some.builds(Asset, text=texts), max_size=2),
        hash=hashes,
    ),
)
references = some.builds(
    ResourceReference,
    urn=some.sampled_from([urn("a"), urn("b")]),
    id=some.one_of(some.none(), some.just(UNKNOWN), some.just("id-1")),
    package_version=some.sampled_from(["", "1.2.3"]),
)


@some.composite
def snapshots(draw: some.DrawFn, most: int = 6) -> Snapshot:
    """A whole record: things in dependency order, some of them old rows that wait for their delete or successor."""
    rows: list[ResourceState] = [provider_state()]
    for number in range(draw(some.integers(0, most))):
        name = f"r{number}"
        live = [row for row in rows[1:] if not row.delete]
        needs = draw(some.lists(some.sampled_from(live), unique_by=lambda row: row.urn, max_size=3)) if live else []
        rows.append(draw(_row(name, needs)))
        if draw(some.booleans()) and draw(some.booleans()):
            old = draw(_row(name, [row for row in needs if row.urn != rows[-1].urn]))
            rows.append(old.but(delete=True, id=f"old-{old.id}", pending_replacement=False))
    return Snapshot(tuple(rows), lineage="l", serial=3)


@some.composite
def _row(draw: some.DrawFn, name: str, needs: list[ResourceState]) -> ResourceState:
    inputs = {"name": name, "size": draw(some.integers(0, 2)), "kind": draw(some.sampled_from(["x", "y"]))}
    by_property: dict[str, tuple[str, ...]] = {}
    parent = ""
    fields: dict[str, Any] = {}
    for need in needs:
        how = draw(some.sampled_from(["plain", "size", "kind", "parent", "deleted_with", "replace_with"]))
        if how in ("size", "kind"):
            by_property[how] = (*by_property.get(how, ()), need.urn)
        elif how == "parent":
            parent = need.urn
        elif how != "plain":
            fields[how] = need.urn if how == "deleted_with" else (need.urn,)
    external = draw(some.sampled_from([False] * 7 + [True]))
    return state(
        name,
        inputs,
        outputs={**inputs, "serial": f"serial of {name}"},
        dependencies=tuple(need.urn for need in needs),
        property_dependencies=by_property,
        parent=parent,
        options=Options(protect=draw(some.sampled_from([False] * 9 + [True])), **fields),
        external=external,
        tainted=not external and draw(some.sampled_from([False] * 7 + [True])),
        pending_replacement=not external and draw(some.sampled_from([False] * 7 + [True])),
        init_errors=draw(some.sampled_from([(), (), (), ("half done",)])),
    )

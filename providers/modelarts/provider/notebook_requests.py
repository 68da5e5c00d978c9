"""What a notebook's inputs become on the wire: the body of a create, a lease, a description with its mark."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

from engine.core.values import canonical_json
from providers.base import Tree
from providers.modelarts.schema import notebooks as schema

OURS: Final = ("running", "tags", "marker")
"""Inputs that are not members of the request."""

MARK: Final = re.compile(r" ?\(workstead (?P<marker>[a-z0-9-]{1,40})\)$")
"""How a description on the wire ends, so that an interrupted create is found again."""


def create_body(wanted: Tree) -> Tree:
    """The body of a create."""
    body = {name: value for name, value in wanted.items() if name not in OURS}
    lease = {name: value for name, value in (wanted.get("lease") or {}).items() if name != "renew"}
    body.pop("lease", None)
    return {**body, **({"lease": lease} if lease else {}), "description": description_of(wanted)}


def on_the_wire(name: str, wanted: Tree) -> Any:
    if name == "description":
        return description_of(wanted)
    return wanted.get(name, [] if name == "endpoints" else {})


def lease_of(wanted: Tree) -> Tree:
    """The lease as start and renewal want it."""
    if "duration" in wanted:
        return {"duration": wanted["duration"]}
    return {name: value for name, value in (wanted.get("lease") or {}).items() if name != "renew"}


def description_of(wanted: Tree) -> str:
    """The description with the mark, where there is room for both."""
    marker = wanted.get("marker")
    if marker is None:
        digest = int.from_bytes(hashlib.sha256(canonical_json(wanted).encode()).digest()[:10], "big")
        marker = f"{digest:x}"
    text = wanted.get("description") or ""
    marked = f"{text} (workstead {marker})".lstrip() if text else f"(workstead {marker})"
    return marked if len(marked) <= schema.DESCRIPTION_LIMIT else text


def unmarked(description: str) -> str:
    """A description without its mark."""
    return MARK.sub("", description)

"""Small records for tests of backends: resources by name, in one stack."""

from __future__ import annotations

from typing import Any

from engine.core.model import STACK_TYPE, ResourceState, make_urn
from engine.state.backend import Deployment, Holder, StackName

NAME = StackName("lab", "dev")
ME = Holder("ada", "here", 4711, "update")
UPDATE = Deployment("update")


def urn(name: str) -> str:
    """The URN of a resource of these tests."""
    return make_urn("dev", "lab", "", "test:index:Thing", name)


def resource(name: str, *, key: int = 0, **fields: Any) -> ResourceState:
    """A custom resource with an ID."""
    fields.setdefault("inputs", {"name": name, "size": 1})
    return ResourceState(urn=urn(name), type="test:index:Thing", custom=True, id=f"id-{name}", key=key, **fields)


def root() -> ResourceState:
    """The root stack's own state."""
    return ResourceState(
        urn=make_urn("dev", "lab", "", STACK_TYPE, "lab-dev"),
        type=STACK_TYPE,
        custom=False,
        outputs={"url": "https://x"},
    )

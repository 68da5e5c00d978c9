"""What a request may hold, from the service model that botocore ships (spec 17.3).

The model is read at the first request that needs it and kept, cut down to the input shapes of the operations served:
SageMaker's whole model is some 20 MB of Python objects, of which 241 shapes of about 2,000 are wanted. A newer botocore
widens the enumerations by itself (spec 12).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

Shape = Mapping[str, Any]

# Only what constrains; documentation is nine tenths of a model.
KEPT: Final = ("type", "required", "enum", "min", "max", "pattern", "union")


@dataclass(frozen=True, slots=True)
class Service:
    """The inputs of one service: operation → name of its input shape (none: no input), shape name → shape.

    A shape's `members` is member → shape name, its `member` the shape name of a list's items.
    """

    inputs: Mapping[str, str]
    shapes: Mapping[str, Shape]


@cache
def service(name: str, operations: tuple[str, ...]) -> Service:
    """The inputs of these operations. Takes 0.2 s the first time, botocore's own import included."""
    from botocore.loaders import Loader  # lazily: a command that only looks into the file must not pay for it

    model = Loader().load_service_model(name, "service-2")
    inputs = {
        operation: model["operations"][operation]["input"]["shape"]
        for operation in operations
        if "input" in model["operations"][operation]
    }
    shapes: dict[str, Shape] = {}
    waiting = list(inputs.values())
    while waiting:
        wanted = waiting.pop()
        if wanted not in shapes:
            shapes[wanted] = _trimmed(model["shapes"][wanted])
            waiting.extend(_inner(shapes[wanted]))
    return Service(inputs, shapes)


def _trimmed(shape: Shape) -> Shape:
    found: dict[str, Any] = {name: shape[name] for name in KEPT if name in shape}
    if "members" in shape:
        found["members"] = {name: member["shape"] for name, member in shape["members"].items()}
    if "member" in shape:
        found["member"] = shape["member"]["shape"]
    return found


def _inner(shape: Shape) -> Iterable[str]:
    yield from shape.get("members", {}).values()
    if "member" in shape:
        yield shape["member"]

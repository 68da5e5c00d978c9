"""Python code that declares what is recorded: what a person adds to a program after an import.

Our own types become calls of their classes; anything else becomes a comment that names it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from engine.core.model import ResourceState
from engine.core.values import Sealed, Secret

_OWN_TYPE = re.compile(r"pulumi-python:dynamic/(?P<module>\w+):(?P<name>\w+)\Z")


def program_of(states: Iterable[ResourceState]) -> str:
    """The declarations of some resources, with the imports they need."""
    modules: set[str] = set()
    parts: list[str] = []
    for state in states:
        own = _OWN_TYPE.match(state.type)
        if own is None:
            parts.append(f"# {state.type} {state.name!r} ({state.id}): declare it with its own class")
            continue
        modules.add(own["module"])
        parts.append(_call(f"{own['module']}.{own['name']}", state))
    lines = ["import pulumi", "", *(f"from providers import {module}" for module in sorted(modules)), ""]
    return "\n".join([*lines, *parts])


def _call(class_: str, state: ResourceState) -> str:
    variable = re.sub(r"\W", "_", state.name)
    variable = f"_{variable}" if variable[:1].isdigit() else variable
    lines = [f"{variable} = {class_}(", f"    {_literal(state.name, 0)},"]
    for name, value in state.inputs.items():
        if not name.startswith("__"):
            lines.append(f"    {name}={_literal(value, 1)},")
    if state.options.protect:
        lines.append("    opts=pulumi.ResourceOptions(protect=True),")
    return "\n".join([*lines, ")"])


def _literal(value: Any, depth: int) -> str:
    """A value as source text; a secret becomes a question to the configuration, never its content."""
    if isinstance(value, Secret | Sealed):
        return 'pulumi.Config().require_secret("…")'
    inner, outer = "    " * (depth + 1), "    " * depth
    if isinstance(value, Mapping) and value:
        members = "".join(f"{inner}{_literal(key, 0)}: {_literal(item, depth + 1)},\n" for key, item in value.items())
        return f"{{\n{members}{outer}}}"
    if isinstance(value, list) and value:
        items = "".join(f"{inner}{_literal(item, depth + 1)},\n" for item in value)
        return f"[\n{items}{outer}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)

"""What the resource classes of this cloud share: tokens, names that are made up, groups as plain dicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pulumi

from providers.base import GENERATED
from providers.resource import generated_name

Group = Mapping[str, Any]
"""A group of inputs as a plain dict."""

Tags = pulumi.Input[Mapping[str, pulumi.Input[str]]]

LONGEST: Final = 63
"""Characters of a name."""


def token_of(name: str) -> str:
    """The type token of one of our types."""
    return f"pulumi-python:dynamic/sagemaker:{name}"


def named(member: str, given: Any, token: str, resource_name: str, opts: pulumi.ResourceOptions | None) -> Group:
    """The input that is the object's name: as given, or made from the URN and marked so."""
    if given is not None:
        return {member: given}
    made = generated_name(token, resource_name, opts, LONGEST, allowed="a-zA-Z0-9-")
    return {member: made["name"], GENERATED: [member]}

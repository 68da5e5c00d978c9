"""YAML as Pulumi reads it: the value of a text, and where in the text each part of it stands.

Pulumi's YAML library has its own opinion on plain words (`yes` is text, `0777` and `0o777` are numbers, a date is a
long text), so they are judged here by `plain_scalar`, and PyYAML only finds out where they are. Observed with the real
command on about a hundred scalars; tests/test_config.py repeats the comparison.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import yaml

from engine.config.entries import json_text
from engine.core.values import plain_number

# --- scalars ----------------------------------------------------------------------------------------------------------

_WORDS: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<binary>[01]+)|0[oO]?(?P<octal>[0-7]+)"
    r"|(?P<decimal>0|[1-9][0-9]*))\Z"
)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_TIME = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?(Z|[-+]\d\d:\d\d))|(?: (\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?))?\Z",
    re.ASCII,
)
_BASES: Final = {"hex": 16, "binary": 2, "octal": 8, "decimal": 10}


def plain_scalar(text: str) -> Any:
    """The value of an unquoted scalar: None, bool, int, float or str."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if when := _TIME.match(text):
        return _time_text(when)
    bare = text.replace("_", "")
    whole = _INTEGER.match(bare) if len(bare) < 100 else None
    if whole and whole.lastgroup:
        number = int(whole["sign"] + whole[whole.lastgroup], _BASES[whole.lastgroup])
        if -(2**63) <= number < 2**64:
            return number
    # What no double can hold stays text, as in Pulumi.
    return plain_number(float(bare)) if _FLOAT.match(bare) and math.isfinite(float(bare)) else text


def _time_text(match: re.Match[str]) -> str:
    """An unquoted date the way Pulumi passes it on: Go's long form. Impossible dates stay as they are."""
    year, month, day, *clock = match.groups()
    hour, minute, second = (int(part or 0) for part in (clock[0:3] if clock[0] else clock[5:8]))
    fraction = (clock[3] or clock[8] or "").rstrip("0").removesuffix(".")
    zone = UTC
    if clock[4] and clock[4] != "Z":
        hours, minutes = int(clock[4][1:3]), int(clock[4][4:6])
        zone = timezone((1 if clock[4][0] == "+" else -1) * timedelta(hours=hours, minutes=minutes))
    try:
        moment = datetime(int(year), int(month), int(day), hour, minute, second, tzinfo=zone)
    except ValueError:
        return match[0]
    offset = moment.strftime("%z")
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} {offset} {'UTC' if offset == '+0000' else offset}"


# --- nodes ------------------------------------------------------------------------------------------------------------

PLAIN: Final = "!plain"  # the tag of a scalar that was written without quotes and without a tag of its own


class Refused(Exception):
    """Legal YAML that a settings file cannot hold, and where."""

    def __init__(self, node: yaml.Node, message: str) -> None:
        self.message = message
        self.line: int = node.start_mark.line + 1
        super().__init__(message)


class _Loader(yaml.SafeLoader):
    """Finds nodes and their places; leaves plain scalars unjudged."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode and implicit[0]:
            return PLAIN
        return super().resolve(kind, value, implicit)


def compose(text: str) -> yaml.Node | None:
    """The tree of a text's nodes, None for an empty one. Raises yaml.YAMLError."""
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def value_of(node: yaml.Node, above: tuple[yaml.Node, ...] = ()) -> Any:
    """The value of a node; `above` are the nodes it is inside of. Raises Refused."""
    if node in above:
        raise Refused(node, "a value contains itself")
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [value_of(item, (*above, node)) for item in node.value]
    members: dict[str, Any] = {}
    merged: list[Any] = []
    for key_node, value_node in node.value:
        inner = value_of(value_node, (*above, node))
        if key_node.tag == PLAIN and key_node.value == "<<":
            merged += inner if isinstance(inner, list) else [inner]
            continue
        key = key_text(key_node)
        if key in members:
            raise Refused(key_node, f"the key {key!r} is there twice")
        members[key] = inner
    for other in merged:
        if not isinstance(other, dict):
            raise Refused(node, "`<<` takes a map or a list of maps")
        members = {**other, **members}
    return members


def _scalar(node: yaml.ScalarNode) -> Any:
    if node.tag == "tag:yaml.org,2002:binary":
        return base64.b64decode(node.value).decode(errors="replace")
    if node.tag == "tag:yaml.org,2002:str" or not node.tag.startswith((PLAIN, "tag:yaml.org,2002:")):
        return node.value
    found = plain_scalar(node.value)
    if isinstance(found, float) and not math.isfinite(found):
        raise Refused(node, f"{node.value} is not a number that can be passed on")
    return found


def key_text(node: yaml.Node) -> str:
    """The text of a key. Raises Refused for a key that is a list or a map."""
    found = _scalar(node) if isinstance(node, yaml.ScalarNode) else None
    if isinstance(found, str):
        return found
    if isinstance(node, yaml.ScalarNode):
        return "<nil>" if found is None else json_text(found)  # as Pulumi spells keys that are not text
    raise Refused(node, "a key is a list or a map")


def child(node: yaml.Node | None, segment: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """(key node, value node) of a member; of a list item, the item twice."""
    if isinstance(node, yaml.MappingNode) and isinstance(segment, str):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key_text(key) == segment:
                return key, value
    if isinstance(node, yaml.SequenceNode) and isinstance(segment, int) and segment < len(node.value):
        return node.value[segment], node.value[segment]
    return None, None

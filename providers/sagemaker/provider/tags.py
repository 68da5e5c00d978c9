"""Tags: maps with us, lists in the API; which of an object's tags count (specification 4.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.core.contract import CheckFailure
from engine.core.values import SENTINELS, Unknown


def own_tags(tags: Mapping[str, str], given: Mapping[str, str], recorded: bool) -> dict[str, str]:
    """The tags that count: those the program gives, or on an import all that are not the cloud's own."""
    if recorded:
        return {name: value for name, value in tags.items() if name in given}
    return {name: value for name, value in tags.items() if not name.startswith(("aws:", "sagemaker:"))}


def with_tag_map(news: Mapping[str, Any], names: tuple[str, ...]) -> tuple[dict[str, Any], list[CheckFailure]]:
    """Inputs with tags as a map, also when they came as the API's list; and the keys that came twice."""
    given, wrong = dict(news), []
    for name in names:
        items = given.get(name)
        if not isinstance(items, (list, tuple)):
            continue
        tags: dict[str, Any] = {}
        for index, item in enumerate(items):
            if _is_unknown(item):
                given[name] = item
                break
            key = (item.get("Key") or item.get("key")) if isinstance(item, Mapping) else None
            if _is_unknown(key):
                given[name] = key
                break
            if not isinstance(item, Mapping) or not isinstance(key, str):
                break
            if key in tags:
                wrong.append(
                    CheckFailure(
                        f"{name}[{index}]",
                        "has the key of a tag before it: keys are unique",
                        repr(key),
                        "give each key once",
                        "API_CreateApp, API_Tag",
                    )
                )
            tags[key] = item.get("Value", item.get("value", ""))
        else:
            given[name] = tags
    return given, wrong


def _is_unknown(value: Any) -> bool:
    return (
        isinstance(value, Unknown)
        or (isinstance(value, str) and value in SENTINELS)
        or (type(value).__name__ == "Unknown" and type(value).__module__.startswith("pulumi."))
    )

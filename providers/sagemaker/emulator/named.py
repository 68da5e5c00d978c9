"""What lifecycle configs and code repositories share: known by their name, done when answered (spec 10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from providers.emulation import Call, CloudObject
from providers.sagemaker.emulator.answers import epoch, shown
from providers.sagemaker.emulator.names import ARN_MEMBERS, SEGMENTS, place
from providers.sagemaker.emulator.references import missing_by_name
from providers.sagemaker.emulator.tags import tags_of

Members = Mapping[str, Any]


def made(call: Call, type: str, name: str, given: Members) -> Members:
    """Keep a new object, and answer with its ARN."""
    arn = place(call).arn(f"{SEGMENTS[type]}/{name}")
    body = {**{each: value for each, value in given.items() if each != "Tags"}, "Tags": tags_of(given)}
    body[ARN_MEMBERS[type]] = arn
    call.objects.add(type, name, owner=call.owner, name=name, body=body)
    call.object = name
    return {ARN_MEMBERS[type]: arn}


def described(found: CloudObject) -> dict[str, Any]:
    """All that was given, and the times."""
    return {**shown(found), "CreationTime": epoch(found.created), "LastModifiedTime": epoch(found.modified)}


def by_name(call: Call, type: str, name: str) -> CloudObject:
    """The object of this name. Raises Refused, with a ValidationException (spec 3.2)."""
    found = call.objects.get(type, name, owner=call.owner)
    if found is None:
        raise missing_by_name(call, type, name)
    return found


def row(*names: str) -> Callable[[Call, CloudObject], Members]:
    """How a list shows an object: these members, and the times (spec 14)."""
    shows = {*names, "CreationTime", "LastModifiedTime"}

    def summary(call: Call, found: CloudObject) -> Members:
        return {name: value for name, value in described(found).items() if name in shows}

    return summary

"""Tags: the three operations on any ARN, and the rules a create obeys too (spec 4.5, 3.4).

Tags are kept in the object's body as a map under `Tags`, which no Describe shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from providers.emulation import Call, CloudObject
from providers.sagemaker.emulator.answers import invalid, missing
from providers.sagemaker.emulator.names import SEGMENTS, arn_of
from providers.sagemaker.emulator.references import missing_by_name

MOST: Final = 50
RESERVED: Final = "aws:"

TYPES: Final = {segment: type for type, segment in SEGMENTS.items()}


def tags_of(given: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a create, as they are kept. Raises Refused for a key twice or a reserved one."""
    found = given.get("Tags", [])
    for key, count in Counter(tag["Key"] for tag in found).items():
        _not_reserved(key)
        if count > 1:
            raise invalid(f"Duplicate tag key: {key}")  # [E]
    return {tag["Key"]: tag["Value"] for tag in found}


def add_tags(call: Call, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Overwrites what has the same key; answers with all the tags, by default (spec 4.5)."""
    found = tagged(call, given["ResourceArn"])
    added = tags_of(given)
    after = {**found.body.get("Tags", {}), **added}
    if len(after) > MOST:
        raise invalid(f"The resource cannot have more than {MOST} tags.")  # [E]
    _save(call, found, after)
    return {"Tags": _listed(after if call.switch("add-tags-answer") == "all" else added)}


def delete_tags(call: Call, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A key that is not there is no mistake [E]; a reserved one is (spec 3.4)."""
    found = tagged(call, given["ResourceArn"])
    for key in given["TagKeys"]:
        _not_reserved(key)
    gone = set(given["TagKeys"])
    _save(call, found, {key: value for key, value in found.body.get("Tags", {}).items() if key not in gone})
    return {}


def list_tags(call: Call, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """All of them at once: no resource has more than the smallest page holds (spec 4.3)."""
    if "NextToken" in given:
        raise invalid("Invalid NextToken")  # [E]
    return {"Tags": _listed(tagged(call, given["ResourceArn"]).body.get("Tags", {}))}


def tagged(call: Call, arn: str) -> CloudObject:
    """The object of an ARN. Raises Refused, also for an app that is Deleted or Failed: with no text (spec 3.4)."""
    kind, _, rest = arn.split(":", 5)[5].partition("/")
    type = TYPES.get(kind)
    if type is None:
        raise invalid(f"The resource {arn} is of a type this emulator does not have.")  # [E]
    found = next(_named(call, type, arn, rest), None)
    if found is None and type in ("NotebookInstance", "NotebookInstanceLifecycleConfig", "CodeRepository"):
        raise missing_by_name(call, type, rest)
    if found is None:
        raise missing(f"{type} [{arn}] does not exist.")  # [E]
    if type == "App" and found.status in ("Deleted", "Failed"):
        raise invalid("")
    return found


def _named(call: Call, type: str, arn: str, name: str) -> Iterator[CloudObject]:
    """The object with this ARN, whichever letters are capitals (spec 4.6); what an ID finds at once comes first."""
    direct = (call.objects.get(type, id, owner=call.owner) for id in (arn, name))
    for found in chain(filter(None, direct), call.objects.all(type, owner=call.owner)):
        if arn_of(found).lower() == arn.lower():
            yield found


def _save(call: Call, found: CloudObject, after: Mapping[str, str]) -> None:
    """Tags do not move LastModifiedTime [E]."""
    call.objects.save(found, body={**found.body, "Tags": dict(after)}, modified=found.modified)


def _not_reserved(key: str) -> None:
    if key.lower().startswith(RESERVED):
        raise invalid(f"System prefix 'aws:' reserved for AWS usage in tag key: {key}")


def _listed(found: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    return [{"Key": key, "Value": value} for key, value in found.items()]


OPERATIONS: Final = {"AddTags": add_tags, "DeleteTags": delete_tags, "ListTags": list_tags}

"""Spaces (spec 9): five operations. `SpaceManagedResources` is kept, but nothing is made for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.emulation import Call, CloudObject
from providers.sagemaker.emulator.answers import epoch, in_use, invalid
from providers.sagemaker.emulator.courses import course
from providers.sagemaker.emulator.lists import Listing
from providers.sagemaker.emulator.names import arn_of, place
from providers.sagemaker.emulator.settings import judge_apps, updated
from providers.sagemaker.emulator.studio import (
    DELETABLE,
    UPDATABLE,
    described,
    domain_of,
    must_be,
    next_uid,
    no_apps,
    profile_named,
    space_of,
)
from providers.sagemaker.emulator.tags import tags_of

Members = Mapping[str, Any]

TYPE: Final = "Space"
REST: Final = 6 * 3600.0  # seconds between two changes of a volume (spec 3.4)
# Spec 3.4, as far as it is known; the rest is ours [E].
TOO_SOON: Final = "VolumeModificationRateExceeded: Wait at least 6 hours before trying to update the volume size again."


def create(call: Call, given: Members) -> Members:
    """In a domain in service (spec 9, 17.3)."""
    tags = tags_of(given)
    settings = given.get("SpaceSettings", {})
    judge_apps(call, settings)
    domain = domain_of(call, given)
    name = given["SpaceName"]
    where = place(call)
    arn = where.arn(f"space/{domain.id}/{name}")
    _judge_owner(call, domain, given, arn)
    if call.objects.get(TYPE, arn, owner=call.owner) is not None:
        raise in_use(f"Space [{arn}] already exists.")  # [E]
    must_be(domain, "InService")
    body = {each: value for each, value in given.items() if each != "Tags"}
    body |= {
        "SpaceArn": arn,
        "HomeEfsFileSystemUid": next_uid(call, domain),
        "Url": f"{domain.body['Url']}/{settings.get('AppType', 'jupyter').lower()}/{name}",  # [E]
        "Tags": tags,
    }
    turns = course(call, TYPE, "create", "InService", failed="Failed")
    call.objects.add(
        TYPE, arn, owner=call.owner, name=name, parent=domain.id, status="Pending", course=turns, body=body
    )
    call.object = arn
    return {"SpaceArn": arn}


def describe(call: Call, given: Members) -> Members:
    """All that was given, a URL, and the number of its home directory."""
    domain = domain_of(call, given)
    return described(space_of(call, domain.id, given["SpaceName"], look=True))


def update(call: Call, given: Members) -> Members:
    """Settings and display name (spec 9)."""
    settings = given.get("SpaceSettings", {})
    if "AppType" in settings:  # even unchanged (spec 3.4)
        raise invalid("Updating AppType for Space is not supported.")
    judge_apps(call, settings)
    domain = domain_of(call, given)
    found = space_of(call, domain.id, given["SpaceName"])
    body = dict(found.body)
    before = body.get("SpaceSettings", {})
    size, old_size = _volume(settings), _volume(before)
    if size and old_size and size < old_size:  # refused; text [E] (spec 9)
        raise invalid(f"EbsVolumeSizeInGb of Space [{arn_of(found)}] cannot be decreased from {old_size} to {size}.")
    must_be(found, *UPDATABLE)
    doomed = ""
    if size and old_size and size > old_size:
        doomed = TOO_SOON if call.now - body.get("_resized", -REST) < REST else ""
        body["_resized"] = body.get("_resized") if doomed else call.now
    if "SpaceSettings" in given and not doomed:
        kept = {"AppType": before["AppType"]} if "AppType" in before else {}
        body["SpaceSettings"] = {**updated(call, before, settings), **kept}
    if "SpaceDisplayName" in given:
        body["SpaceDisplayName"] = given["SpaceDisplayName"]
    turns = course(call, TYPE, "update", "InService", failed="Update_Failed", doomed=doomed)
    call.objects.save(found, status="Updating", course=turns, body=body)
    return {"SpaceArn": arn_of(found)}


def delete(call: Call, given: Members) -> None:
    """Without live apps (spec 9)."""
    domain = domain_of(call, given)
    found = space_of(call, domain.id, given["SpaceName"])
    must_be(found, *DELETABLE)
    no_apps(call, found)
    call.objects.save(found, status="Deleting", course=course(call, TYPE, "delete", None, failed="Delete_Failed"))


def _judge_owner(call: Call, domain: CloudObject, given: Members, arn: str) -> None:
    """An owner and a sharing type go together; a private space needs settings (spec 9, 3.4)."""
    owner = given.get("OwnershipSettings", {}).get("OwnerUserProfileName")
    sharing = given.get("SpaceSharingSettings", {}).get("SharingType")
    if (owner is None) != (sharing is None):  # [E]
        raise invalid("OwnershipSettings and SpaceSharingSettings must be specified together.")
    if sharing == "Private" and "SpaceSettings" not in given:
        raise invalid(f"SpaceSettings must be provided for creating private space [{arn}]")
    if owner is not None and call.switch("references") == "check" and profile_named(call, domain.id, owner) is None:
        raise invalid(f"OwnerUserProfileName [{owner}] does not exist in Domain [{arn_of(domain)}].")  # [E]


def _volume(settings: Members) -> int | None:
    return settings.get("SpaceStorageSettings", {}).get("EbsStorageSettings", {}).get("EbsVolumeSizeInGb")


def _row(call: Call, found: CloudObject) -> Members:
    """SpaceDetails: without an ARN (spec 4.3)."""
    body = found.body
    settings = body.get("SpaceSettings", {})
    names = ("AppType", "RemoteAccess", "SpaceStorageSettings")
    summaries = {
        "SpaceSettingsSummary": {name: settings[name] for name in names if name in settings},
        "SpaceSharingSettingsSummary": body.get("SpaceSharingSettings"),
        "OwnershipSettingsSummary": body.get("OwnershipSettings"),
        "SpaceDisplayName": body.get("SpaceDisplayName"),
    }
    return {
        "DomainId": found.parent,
        "SpaceName": found.name,
        "Status": found.status,
        "CreationTime": epoch(found.created),
        "LastModifiedTime": epoch(found.modified),
        **{name: value for name, value in summaries.items() if value},
    }


OPERATIONS: Final = {
    "CreateSpace": create,
    "DescribeSpace": describe,
    "UpdateSpace": update,
    "DeleteSpace": delete,
    "ListSpaces": Listing(TYPE, "Spaces", _row),
}

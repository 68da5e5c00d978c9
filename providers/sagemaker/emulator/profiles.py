"""User profiles (spec 8): five operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.emulation import Call, CloudObject
from providers.sagemaker.emulator.answers import epoch, in_use, invalid
from providers.sagemaker.emulator.courses import course
from providers.sagemaker.emulator.lists import Listing
from providers.sagemaker.emulator.names import arn_of, place
from providers.sagemaker.emulator.settings import judge_user_settings, updated
from providers.sagemaker.emulator.studio import (
    DELETABLE,
    UPDATABLE,
    described,
    domain_of,
    must_be,
    next_uid,
    no_apps,
    profile_named,
    profile_of,
)
from providers.sagemaker.emulator.tags import tags_of

Members = Mapping[str, Any]

TYPE: Final = "UserProfile"
SSO: Final = ("SingleSignOnUserIdentifier", "SingleSignOnUserValue")


def create(call: Call, given: Members) -> Members:
    """In a domain in service (spec 8, 17.3)."""
    tags = tags_of(given)
    settings = given.get("UserSettings", {})
    judge_user_settings(call, settings, domain=False)
    domain = domain_of(call, given)
    _judge_sign_on(domain, given)
    _judge_groups(domain, settings)
    name = given["UserProfileName"]
    present = profile_named(call, domain.id, name)
    if present is not None:
        raise in_use(f"UserProfile [{arn_of(present)}] already exists.")  # [E]
    must_be(domain, "InService")
    arn = place(call).arn(f"user-profile/{domain.id}/{name}")
    body = {each: value for each, value in given.items() if each != "Tags"}
    body |= {"UserProfileArn": arn, "HomeEfsFileSystemUid": next_uid(call, domain), "Tags": tags}
    turns = course(call, TYPE, "create", "InService", failed="Failed")
    call.objects.add(
        TYPE, arn, owner=call.owner, name=name, parent=domain.id, status="Pending", course=turns, body=body
    )
    call.object = arn
    return {"UserProfileArn": arn}


def describe(call: Call, given: Members) -> Members:
    """All that was given, and the number of its home directory."""
    domain = domain_of(call, given)
    return described(profile_of(call, domain.id, given["UserProfileName"], look=True))


def update(call: Call, given: Members) -> Members:
    """The settings are all there is to update (spec 8)."""
    judge_user_settings(call, given.get("UserSettings", {}), domain=False)
    domain = domain_of(call, given)
    found = profile_of(call, domain.id, given["UserProfileName"])
    body = dict(found.body)
    if "UserSettings" in given:
        body["UserSettings"] = updated(call, body.get("UserSettings", {}), given["UserSettings"])
        _judge_groups(domain, body["UserSettings"])
    must_be(found, *UPDATABLE)
    turns = course(call, TYPE, "update", "InService", failed="Update_Failed")
    call.objects.save(found, status="Updating", course=turns, body=body)
    return {"UserProfileArn": arn_of(found)}


def delete(call: Call, given: Members) -> None:
    """Without live apps, owning no space (spec 8)."""
    domain = domain_of(call, given)
    found = profile_of(call, domain.id, given["UserProfileName"])
    must_be(found, *DELETABLE)
    no_apps(call, found)
    for space in call.objects.all("Space", owner=call.owner, parent=domain.id):
        if space.body.get("OwnershipSettings", {}).get("OwnerUserProfileName", "").lower() == found.name.lower():
            text = f"Unable to delete UserProfile [{arn_of(found)}] because Space(s) are associated with it."  # [E]
            raise in_use(text)
    call.objects.save(found, status="Deleting", course=course(call, TYPE, "delete", None, failed="Delete_Failed"))


def _judge_sign_on(domain: CloudObject, given: Members) -> None:
    """Both with single sign-on, neither without (spec 8); texts [E]."""
    for name in SSO:
        if domain.body["AuthMode"] == "SSO" and name not in given:
            raise invalid(f"{name} is required for a domain whose AuthMode is SSO.")
        if domain.body["AuthMode"] != "SSO" and name in given:
            raise invalid(f"{name} cannot be specified for a domain whose AuthMode is {domain.body['AuthMode']}.")


def _judge_groups(domain: CloudObject, settings: Members) -> None:
    """In a VpcOnly domain somebody must name security groups (spec 7.2); text [E]."""
    if domain.body["AppNetworkAccessType"] == "VpcOnly" and not (
        settings.get("SecurityGroups") or domain.body["DefaultUserSettings"].get("SecurityGroups")
    ):
        raise invalid("SecurityGroups is required for a domain whose AppNetworkAccessType is VpcOnly.")


def _row(call: Call, found: CloudObject) -> Members:
    """UserProfileDetails: without an ARN (spec 4.3)."""
    return {
        "DomainId": found.parent,
        "UserProfileName": found.name,
        "Status": found.status,
        "CreationTime": epoch(found.created),
        "LastModifiedTime": epoch(found.modified),
    }


OPERATIONS: Final = {
    "CreateUserProfile": create,
    "DescribeUserProfile": describe,
    "UpdateUserProfile": update,
    "DeleteUserProfile": delete,
    "ListUserProfiles": Listing(TYPE, "UserProfiles", _row),
}

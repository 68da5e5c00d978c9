"""Apps (spec 6): four operations. There is no update, and what has ended stays visible for a day.

The app a service makes for a whole domain (RStudio's, with the owner `domain-shared`) is not emulated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.emulation import Call, CloudObject
from providers.sagemaker.emulator.answers import epoch, in_use, invalid, over_quota, refused, shown
from providers.sagemaker.emulator.courses import FORGOTTEN, course, maintained
from providers.sagemaker.emulator.lists import Listing
from providers.sagemaker.emulator.names import arn_of, place
from providers.sagemaker.emulator.settings import IN_SPACES, default_spec, effective_spec, judge_spec
from providers.sagemaker.emulator.studio import (
    ENDED,
    apps_of,
    domain_of,
    must_be,
    not_there,
    profile_named,
    profile_of,
    space_of,
)
from providers.sagemaker.emulator.tags import tags_of

Members = Mapping[str, Any]

TYPE: Final = "App"
MOST_ON_AN_INSTANCE: Final = 4  # KernelGateway apps of one user on one instance (spec 6.2)
FOR_PROFILES: Final = ("TensorBoard", "DetailedProfiler", "Canvas", "RSessionGateway", "RStudioServerPro")

# Spec 3.4: the quotas whose names were seen; the others are named alike [E].
QUOTAS: Final[Mapping[str, str]] = {
    "JupyterLab": "Studio JupyterLab Apps running on {} instance",
    "CodeEditor": "Studio CodeEditor Apps running on {} instance",
}


def create(call: Call, given: Members) -> Members:
    """Starts it; one of the same key that has ended is started anew (spec 6.3)."""
    tags = tags_of(given)
    app_type = given["AppType"]
    _one_owner(given)
    _judge_kind(call, given)
    judge_spec(call, given.get("ResourceSpec", {}), app_type)
    domain = domain_of(call, given)
    owner = _owner(call, domain, given)
    spec = effective_spec(call, app_type, given.get("ResourceSpec", {}), *_inherited(call, domain, owner, app_type))
    found = _keyed(call, owner, given)
    if found is not None and found.status not in ENDED:
        raise in_use(f"App [{arn_of(found)}] already exists.")  # [E]
    must_be(domain, "InService")
    must_be(owner, "InService")
    _judge_room(call, owner, app_type, spec["InstanceType"])
    arn = _arn(call, owner, given) if found is None else arn_of(found)
    body = {each: value for each, value in given.items() if each != "Tags"}
    body["UserProfileName" if owner.type == "UserProfile" else "SpaceName"] = owner.name
    body |= {"AppArn": arn, "ResourceSpec": spec, "Tags": {**_propagated(domain, owner), **tags}}
    turns = course(call, TYPE, "create", "InService", failed="Failed")
    turns = maintained(call, turns, "Pending", "InService")
    call.object = arn
    if found is not None:
        call.objects.save(found, status="Pending", course=turns, body=body)
    else:
        names = {"name": given["AppName"], "parent": owner.id}
        call.objects.add(TYPE, arn, owner=call.owner, status="Pending", course=turns, body=body, **names)
    return {"AppArn": arn}


def describe(call: Call, given: Members) -> Members:
    """Also of one that has ended, for a day (spec 6.3)."""
    found = _named(call, given, look=True)
    members = {**shown(found), "Status": found.status, "CreationTime": epoch(found.created)}
    if found.status == "InService":
        members["LastHealthCheckTimestamp"] = members["LastUserActivityTimestamp"] = epoch(found.modified)
    return members


def delete(call: Call, given: Members) -> None:
    """Stops it (spec 6.3, 17.3); what has ended is refused in words terraform knows, the rest is [E] (spec 3.2)."""
    found = _named(call, given)
    if found.status == "Deleting":
        raise in_use(f"App [{arn_of(found)}] is in status Deleting.")
    if found.status == "Deleted":
        raise invalid(f"App [{arn_of(found)}] has already been deleted.")
    if found.status == "Failed":
        raise invalid(f"App [{arn_of(found)}] previously failed and was automatically deleted.")
    turns = course(call, TYPE, "delete", "Deleted", FORGOTTEN, failed="Failed")
    call.objects.save(found, status="Deleting", course=turns)


def list_apps(call: Call, given: Members) -> Members:
    """Ended ones too; of a profile or of a space, not both (spec 4.3)."""
    if "UserProfileNameEquals" in given and "SpaceNameEquals" in given:
        raise invalid("UserProfileNameEquals and SpaceNameEquals cannot be specified together.")  # [E]
    return LISTING(call, given)


def _one_owner(given: Members) -> None:
    """Exactly one of the two (spec 6.1); texts [E] (unknown 3)."""
    named = [name for name in ("UserProfileName", "SpaceName") if name in given]
    if not named:
        raise invalid("Either UserProfileName or SpaceName must be specified.")
    if len(named) == 2:
        raise invalid("UserProfileName and SpaceName cannot be specified together.")


def _judge_kind(call: Call, given: Members) -> None:
    """Who may own what (spec 6.2, by inference); texts [E], but for the deprecation, seen on a new account."""
    app_type = given["AppType"]
    if app_type in call.switch("deprecated-app-types").split(","):
        raise invalid(f"Invalid AppType [{app_type}]. This AppType has been deprecated.")
    if call.switch("app-rules") == "lax":
        return
    if app_type in IN_SPACES and "SpaceName" not in given:
        raise invalid(f"SpaceName must be specified for AppType [{app_type}].")
    if app_type in FOR_PROFILES and "UserProfileName" not in given:
        raise invalid(f"UserProfileName must be specified for AppType [{app_type}].")
    if app_type in (*IN_SPACES, "JupyterServer") and given["AppName"] != "default":
        raise invalid(f"AppName must be default for AppType [{app_type}].")


def _judge_room(call: Call, owner: CloudObject, app_type: str, instance: str) -> None:
    """One app in a space, four kernels on an instance, then the account's quota (spec 6.2, 3.4)."""
    beside = apps_of(call, owner, *ENDED)
    if app_type in IN_SPACES and beside and call.switch("app-rules") == "strict":
        raise in_use(f"Space [{arn_of(owner)}] already has App [{arn_of(beside[0])}].")
    same = [app for app in beside if app.body["AppType"] == app_type and _instance(app) == instance]
    if app_type == "KernelGateway" and len(same) >= MOST_ON_AN_INSTANCE:
        kind = f"AppType [KernelGateway] and ResourceSpec(instanceType=[{instance}])"
        text = f"Unable to start more Apps of {kind} for {owner.type} [{arn_of(owner)}]."  # its end is ours [E]
        raise refused("sagemaker", call.switch("fifth-kernel"), text)
    most = call.switch("app-type-quota")
    if most != "none":
        live = [
            app
            for app in call.objects.all(TYPE, owner=call.owner)
            if app.status not in ENDED and app.body["AppType"] == app_type and _instance(app) == instance
        ]
        if len(live) >= int(most):
            quota = QUOTAS.get(app_type, f"{app_type} Apps running on {{}} instance").format(instance)
            raise over_quota(quota, int(most), len(live))


def _owner(call: Call, domain: CloudObject, given: Members) -> CloudObject:
    if "SpaceName" in given:
        return space_of(call, domain.id, given["SpaceName"])
    return profile_of(call, domain.id, given["UserProfileName"])


def _inherited(call: Call, domain: CloudObject, owner: CloudObject, app_type: str) -> list[Members]:
    """The settings that fill what the request leaves open, nearest first (spec 6.2); a space's come by inference."""
    users = default_spec(domain.body["DefaultUserSettings"], app_type)
    if owner.type == "UserProfile":
        return [default_spec(owner.body.get("UserSettings", {}), app_type), users]
    nearest = default_spec(owner.body.get("SpaceSettings", {}), app_type)
    owned_by = owner.body.get("OwnershipSettings", {}).get("OwnerUserProfileName")
    if owner.body.get("SpaceSharingSettings", {}).get("SharingType") == "Private" and owned_by:
        profile = profile_named(call, domain.id, owned_by)
        settings = profile.body.get("UserSettings", {}) if profile else {}
        return [nearest, default_spec(settings, app_type), users]
    return [nearest, default_spec(domain.body.get("DefaultSpaceSettings", {}), app_type)]


def _propagated(domain: CloudObject, owner: CloudObject) -> Members:
    """Tags of the domain and the profile, where the domain propagates tags (spec 4.5)."""
    if domain.body["TagPropagation"] != "ENABLED":
        return {}
    return {**domain.body.get("Tags", {}), **owner.body.get("Tags", {})}


def _arn(call: Call, owner: CloudObject, given: Members) -> str:
    """The app's type in lower case or as it is spelled: both were seen (spec 4.6)."""
    app_type = given["AppType"] if call.switch("app-arn") == "mixed" else given["AppType"].lower()
    return place(call).arn(f"app/{given['DomainId']}/{owner.name}/{app_type}/{given['AppName']}")


def _named(call: Call, given: Members, *, look: bool = False) -> CloudObject:
    _one_owner(given)
    domain = domain_of(call, given)
    owner = _owner(call, domain, given)
    found = _keyed(call, owner, given)
    if found is None:
        raise not_there(call, f"App [{_arn(call, owner, given)}] does not exist.")
    looked = call.objects.get(TYPE, found.id, owner=call.owner, look=look)
    return looked or found


def _keyed(call: Call, owner: CloudObject, given: Members) -> CloudObject | None:
    """By type and name under its owner, however its ARN is spelled."""
    key = (given["AppType"], given["AppName"])
    found = (app for app in apps_of(call, owner) if (app.body["AppType"], app.name) == key)
    return next(found, None)


def _instance(app: CloudObject) -> str:
    return str(app.body["ResourceSpec"]["InstanceType"])


def _row(call: Call, found: CloudObject) -> Members:
    """AppDetails: without an ARN (spec 4.3)."""
    names = ("DomainId", "UserProfileName", "SpaceName", "AppType", "AppName", "ResourceSpec")
    return {
        **{name: found.body[name] for name in names if name in found.body},
        "Status": found.status,
        "CreationTime": epoch(found.created),
    }


LISTING: Final = Listing(
    TYPE,
    "Apps",
    _row,
    filters={
        "UserProfileNameEquals": lambda found, name: found.body.get("UserProfileName", "").lower() == name.lower(),
        "SpaceNameEquals": lambda found, name: found.body.get("SpaceName") == name,
    },
)

OPERATIONS: Final = {"CreateApp": create, "DescribeApp": describe, "DeleteApp": delete, "ListApps": list_apps}

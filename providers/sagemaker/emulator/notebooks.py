"""Notebook instances (spec 5): eight operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.emulation import Call, CloudObject, Turn
from providers.sagemaker.emulator.answers import epoch, invalid, over_quota, shown
from providers.sagemaker.emulator.courses import course, maintained
from providers.sagemaker.emulator.lists import Listing
from providers.sagemaker.emulator.names import arn_of, derived_hex, hex_id, key_arn, place
from providers.sagemaker.emulator.references import (
    check_key,
    check_names,
    check_roles,
    listed,
    missing_by_name,
    network_problem,
)
from providers.sagemaker.emulator.tags import tags_of

Members = Mapping[str, Any]

TYPE: Final = "NotebookInstance"
LIFECYCLE: Final = "NotebookInstanceLifecycleConfigName"
DEFAULT_PLATFORM: Final = "notebook-al2023-v1"

# Spec 5.4: the first three cannot be created; since 2026-07-01 the fourth can neither be created nor started.
GONE_PLATFORMS: Final = ("notebook-al1-v1", "notebook-al2-v1", "notebook-al2-v2")
LAST_AL2: Final = "notebook-al2-v3"
NOT_ON_AL2023: Final = ("ml.p2.", "ml.p3.", "ml.p3dn.", "ml.inf1.", "ml.g3.")  # spec 5.2, rule 6

# Spec 5.3 and 17.3: operation → the statuses it is legal from, and the one it leads to.
GUARDS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "StartNotebookInstance": (("Stopped", "Failed"), "Pending"),
    "StopNotebookInstance": (("InService",), "Stopping"),
    "UpdateNotebookInstance": (("Stopped", "Failed"), "Updating"),
    "DeleteNotebookInstance": (("Stopped", "Failed"), "Deleting"),
}

# Spec 5.1: what a Describe shows under another name than the one it was given by.
RENAMED: Final = {"SecurityGroupIds": "SecurityGroups", "LifecycleConfigName": LIFECYCLE}

# Spec 5.1: the flag that clears a member → that member.
CLEARED: Final[Mapping[str, str]] = {
    "DisassociateLifecycleConfig": "LifecycleConfigName",
    "DisassociateAcceleratorTypes": "AcceleratorTypes",
    "DisassociateDefaultCodeRepository": "DefaultCodeRepository",
    "DisassociateAdditionalCodeRepositories": "AdditionalCodeRepositories",
}

# Spec 5.1: what an instance has that was not asked for.
DEFAULTS: Final[Members] = {
    "DirectInternetAccess": "Enabled",
    "RootAccess": "Enabled",
    "VolumeSizeInGB": 5,
    "PlatformIdentifier": DEFAULT_PLATFORM,
    "IpAddressType": "ipv4",
    "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "1"},
}
RUNNING: Final = ("Pending", "InService", "Updating", "Stopping", "PendingMaintenance", "InMaintenance")


def create(call: Call, given: Members) -> Members:
    """Answers at once; InService comes minutes later (spec 5.3)."""
    name = given["NotebookInstanceName"]
    tags = tags_of(given)
    _judge(call, given)
    if given.get("DirectInternetAccess") == "Disabled" and "SubnetId" not in given:  # rule 1; text [E]
        raise invalid("DirectInternetAccess can be set to Disabled only if SubnetId is specified.")
    groups = given.get("SecurityGroupIds", [])
    if groups and "SubnetId" not in given and call.switch("groups-without-subnet") == "refuse":  # rule 2
        raise invalid("SecurityGroupIds can be specified only with a SubnetId.")
    if given.get("IpAddressType") == "dualstack" and "SubnetId" not in given:  # spec 5.1; text [E]
        raise invalid("IpAddressType can be set to dualstack only if a SubnetId with an IPv6 CIDR block is specified.")
    _judge_platform(call, given.get("PlatformIdentifier", DEFAULT_PLATFORM), given["InstanceType"], created=True)
    subnets = [given["SubnetId"]] if "SubnetId" in given else []
    if problem := network_problem(call, None, subnets, groups):
        raise invalid(problem)
    check_key(call, given.get("KmsKeyId"))
    for found in call.objects.all(TYPE, owner=call.owner):
        if found.name.lower() == name.lower():  # their ARNs would be one (spec 4.6)
            raise invalid(f"Cannot create a duplicate Notebook Instance ({arn_of(found)})")
    _judge_quota(call, given["InstanceType"], created=True)
    where = place(call)
    body = {**DEFAULTS, **_renamed({each: given[each] for each in given if each != "Tags"})}
    body["NotebookInstanceArn"] = where.arn(f"notebook-instance/{name.lower()}")
    body["Url"] = f"{name}.notebook.{where.region}.sagemaker.{_domain(where.partition)}"
    if subnets:
        body["NetworkInterfaceId"] = hex_id(call, "eni")
        body["SecurityGroups"] = groups or [_default_group(call, subnets[0])]
    else:
        body.pop("SecurityGroups", None)
    if "KmsKeyId" in body:
        body["KmsKeyId"] = key_arn(where, body["KmsKeyId"])
    call.objects.add(
        TYPE,
        name,
        owner=call.owner,
        name=name,
        status="Pending",
        course=_to_service(call, "create"),
        body={**_without_empty(body), "Tags": tags},
    )
    call.object = name
    return {"NotebookInstanceArn": body["NotebookInstanceArn"]}


def describe(call: Call, given: Members) -> Members:
    """Unset members are left out (spec 2)."""
    found = _named(call, given, look=True)
    return {
        **shown(found),
        "NotebookInstanceStatus": found.status,
        "CreationTime": epoch(found.created),
        "LastModifiedTime": epoch(found.modified),
    }


def update(call: Call, given: Members) -> Members:
    """In place, while stopped (spec 5.1, 5.3). What is not sent stays."""
    flags = {flag for flag in CLEARED if given.get(flag)}
    for flag in sorted(flags):
        if CLEARED[flag] in given and call.switch("disassociate-with-value") == "refuse":  # spec 5.2, rule 3
            raise invalid(f"{flag} and {CLEARED[flag]} cannot be specified together.")
    _judge(call, given)
    found = _named(call, given)
    _guard(call, found)
    body = found.body
    if given.get("VolumeSizeInGB", body["VolumeSizeInGB"]) < body["VolumeSizeInGB"]:  # rule 5; text [E]
        raise invalid(
            f"VolumeSizeInGB cannot be decreased from {body['VolumeSizeInGB']} to {given['VolumeSizeInGB']}"
            f" for Notebook Instance ({arn_of(found)})"
        )
    if given.get("IpAddressType") == "dualstack" and "SubnetId" not in body:
        raise invalid("IpAddressType can be set to dualstack only for a Notebook Instance with a SubnetId.")
    platform = given.get("PlatformIdentifier", body["PlatformIdentifier"])
    changed = "PlatformIdentifier" in given
    _judge_platform(call, platform, given.get("InstanceType", body["InstanceType"]), created=changed)
    sent = {name: value for name, value in given.items() if name not in CLEARED and name != "NotebookInstanceName"}
    for flag in flags:
        if CLEARED[flag] not in sent or call.switch("disassociate-with-value") == "disassociate":
            sent[CLEARED[flag]] = None
    body = _without_empty({**body, **_renamed(sent)})
    turns = course(call, TYPE, "update", "Stopped", failed="Failed")
    call.objects.save(found, status="Updating", course=turns, body=body)
    return {}


def start(call: Call, given: Members) -> None:
    """From Stopped or Failed (spec 5.3)."""
    found = _named(call, given)
    _guard(call, found)
    if found.body["PlatformIdentifier"] == LAST_AL2 and call.switch("al2-v3") == "retired":
        raise invalid(_not_supported(LAST_AL2))
    _judge_quota(call, found.body["InstanceType"], created=False)
    call.objects.save(found, status="Pending", course=_to_service(call, "start"))


def stop(call: Call, given: Members) -> None:
    """From InService only: there is no force (spec 5.3)."""
    found = _named(call, given)
    _guard(call, found)
    turns = course(call, TYPE, "stop", "Stopped", failed="Failed")
    call.objects.save(found, status="Stopping", course=turns)


def delete(call: Call, given: Members) -> None:
    """From Stopped or Failed; then it is unknown (spec 5.3)."""
    found = _named(call, given)
    _guard(call, found)
    call.objects.save(found, status="Deleting", course=course(call, TYPE, "delete", None, failed="Failed"))


def presigned_url(call: Call, given: Members) -> Members:
    """Only for one in service (spec 17.3.10)."""
    found = _named(call, given)
    if found.status != "InService":  # [E]
        raise invalid(f"Notebook Instance ({arn_of(found)}) is not InService.")
    token = derived_hex(found.id, repr(call.now), length=64)
    return {"AuthorizedUrl": f"https://{found.body['Url']}?authToken={token}"}


def using(call: Call, *, lifecycle_config: str = "", repository: str = "") -> list[CloudObject]:
    """The instances that name a lifecycle config, or a repository."""
    return [
        found
        for found in call.objects.all(TYPE, owner=call.owner)
        if (lifecycle_config and found.body.get(LIFECYCLE) == lifecycle_config)
        or (repository and repository == found.body.get("DefaultCodeRepository"))
        or (repository and repository in found.body.get("AdditionalCodeRepositories", []))
    ]


def _named(call: Call, given: Members, *, look: bool = False) -> CloudObject:
    name = given["NotebookInstanceName"]
    found = call.objects.get(TYPE, name, owner=call.owner, look=look)
    if found is None:
        raise missing_by_name(call, TYPE, name)
    return found


def _guard(call: Call, found: CloudObject) -> None:
    """Spec 17.3's table, in the text of spec 3.4."""
    legal, leads_to = GUARDS[call.operation]
    if call.operation == "UpdateNotebookInstance" and call.switch("update-failed-notebook") == "refuse":
        legal = ("Stopped",)  # unknown 2
    if found.status not in legal:
        raise invalid(
            f"Status ({found.status}) not in ([{', '.join(legal)}])."
            f" Unable to transition to ({leads_to}) for Notebook Instance ({arn_of(found)})"
        )


def _judge(call: Call, given: Members) -> None:
    """What create and update have in common."""
    if "AcceleratorTypes" in given and call.switch("elastic-inference") == "refuse":  # spec 5.1; text [E]
        raise invalid("AcceleratorTypes is no longer supported.")
    check_roles(call, given.get("RoleArn"))
    check_names(call, "NotebookInstanceLifecycleConfig", [given.get("LifecycleConfigName")])
    repositories = [given.get("DefaultCodeRepository"), *given.get("AdditionalCodeRepositories", [])]
    check_names(call, "CodeRepository", [each for each in repositories if each and not each.startswith("https://")])


def _judge_platform(call: Call, platform: str, instance_type: str, *, created: bool) -> None:
    if created and (platform in GONE_PLATFORMS or (platform == LAST_AL2 and call.switch("al2-v3") == "retired")):
        raise invalid(_not_supported(platform))
    if "al2023" in platform and instance_type.startswith(NOT_ON_AL2023):  # text [E]
        raise invalid(f"Instance type ({instance_type}) is not supported for platform identifier ({platform}).")


def _not_supported(platform: str) -> str:
    return f"Platform identifier ({platform}) is not supported for this service."


def _judge_quota(call: Call, instance_type: str, *, created: bool) -> None:
    """The two quotas seen (spec 3.4); a stopped instance counts among all, not among those of its type [E]."""
    present = call.objects.all(TYPE, owner=call.owner)
    most = call.switch("notebook-quota")
    if created and most != "none" and len(present) >= int(most):
        raise over_quota("Total number of notebook instances", int(most), len(present))
    most = call.switch("notebook-type-quota")
    busy = [each for each in present if each.status in RUNNING and each.body["InstanceType"] == instance_type]
    if most != "none" and len(busy) >= int(most):
        raise over_quota(f"{instance_type} for notebook instance usage", int(most), len(busy))


def _to_service(call: Call, change: str) -> tuple[Turn, ...]:
    turns = course(call, TYPE, change, "InService", failed="Failed")
    return maintained(call, turns, "PendingMaintenance", "InMaintenance", "InService")


def _renamed(given: Members) -> dict[str, Any]:
    return {RENAMED.get(name, name): value for name, value in given.items()}


def _without_empty(body: Members) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None and (value != [] or name == "Tags")}


def _default_group(call: Call, subnet: str) -> str:
    """The default security group of the subnet's VPC, which always exists (spec 5.1) [E]."""
    vpc = (listed(call, "subnets") or {}).get(subnet, subnet)
    return f"sg-{derived_hex(call.owner, vpc)}"


def _domain(partition: str) -> str:
    return "com.cn" if partition == "aws-cn" else "aws"


def _row(call: Call, found: CloudObject) -> Members:
    """NotebookInstanceSummary (spec 14)."""
    names = (
        "Url",
        "InstanceType",
        LIFECYCLE,
        "DefaultCodeRepository",
        "AdditionalCodeRepositories",
        "NotebookInstanceArn",
        "NotebookInstanceName",
    )
    return {
        **{name: found.body[name] for name in names if name in found.body},
        "NotebookInstanceStatus": found.status,
        "CreationTime": epoch(found.created),
        "LastModifiedTime": epoch(found.modified),
    }


OPERATIONS: Final = {
    "CreateNotebookInstance": create,
    "DescribeNotebookInstance": describe,
    "UpdateNotebookInstance": update,
    "DeleteNotebookInstance": delete,
    "StartNotebookInstance": start,
    "StopNotebookInstance": stop,
    "ListNotebookInstances": Listing(
        TYPE,
        "NotebookInstances",
        _row,
        sort="Name",
        filters={
            "StatusEquals": lambda found, wanted: found.status == wanted,
            "NotebookInstanceLifecycleConfigNameContains": lambda found, part: part in found.body.get(LIFECYCLE, ""),
            "DefaultCodeRepositoryContains": lambda found, part: part in found.body.get("DefaultCodeRepository", ""),
            "AdditionalCodeRepositoryEquals": lambda found, wanted: (
                wanted in found.body.get("AdditionalCodeRepositories", [])
            ),
        },
    ),
    "CreatePresignedNotebookInstanceUrl": presigned_url,
}

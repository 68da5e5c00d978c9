"""Domains (spec 7): six operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.emulation import Call, CloudObject
from providers.sagemaker.emulator.answers import epoch, in_use, invalid, over_quota
from providers.sagemaker.emulator.courses import course
from providers.sagemaker.emulator.lists import Listing
from providers.sagemaker.emulator.names import arn_of, derived_hex, domain_id, hex_id, key_arn, place
from providers.sagemaker.emulator.references import check_key, check_roles, network_problem
from providers.sagemaker.emulator.settings import judge_space_defaults, judge_spec, judge_user_settings, updated
from providers.sagemaker.emulator.studio import (
    BUSY_APPS,
    DELETABLE,
    UPDATABLE,
    apps_in,
    described,
    domain_of,
    must_be,
    profile_of,
    space_of,
)
from providers.sagemaker.emulator.tags import tags_of

Members = Mapping[str, Any]

TYPE: Final = "Domain"
RSTUDIO: Final = "RStudioServerProDomainSettings"

# Spec 7.1; whether a Describe shows them all is not recorded [E].
DEFAULTS: Final[Members] = {
    "AppNetworkAccessType": "PublicInternetOnly",
    "TagPropagation": "DISABLED",
    "HomeEfsFileSystemCreation": "Enabled",
}

# Spec 7.1, the domain a console made in 2024, less its image: what the switch adds.
CONSOLE: Final[Members] = {
    "JupyterServerAppSettings": {"DefaultResourceSpec": {"InstanceType": "system"}},
    "CanvasAppSettings": {
        name: {"Status": "DISABLED"}
        for name in ("TimeSeriesForecastingSettings", "ModelRegisterSettings", "DirectDeploySettings", "KendraSettings")
    },
    "SpaceStorageSettings": {
        "DefaultEbsStorageSettings": {"DefaultEbsVolumeSizeInGb": 5, "MaximumEbsVolumeSizeInGb": 100}
    },
    "DefaultLandingUri": "studio::",
    "StudioWebPortal": "ENABLED",
}

# Spec 7.1: what an update simply sets.
SET: Final = ("AppSecurityGroupManagement", "SubnetIds", "AppNetworkAccessType", "TagPropagation", "VpcId")


def create(call: Call, given: Members) -> Members:
    """Answers at once; a wrong network shows later, as a failed domain (spec 7.3, 3.4)."""
    tags = tags_of(given)
    _judge_network(given)
    _judge_settings(call, given, given["AuthMode"])
    key = given.get("KmsKeyId", given.get("HomeEfsFileSystemKmsKeyId"))
    check_key(call, key)
    name = given["DomainName"]
    present = call.objects.all(TYPE, owner=call.owner)
    if call.switch("domain-names") == "unique" and any(each.name == name for each in present):  # unknown 4
        raise in_use(f"Domain with DomainName {name} already exists. Please use a different DomainName.")
    most = call.switch("domain-quota")
    if most != "none" and len(present) >= int(most):
        raise over_quota("Total domains", int(most), len(present), "Domains")
    where, id = place(call), domain_id(call)
    body = {**DEFAULTS, **{each: value for each, value in given.items() if each != "Tags"}}
    body |= {
        "DomainId": id,
        "DomainArn": where.arn(f"domain/{id}"),
        "Url": f"https://{id}.studio.{where.region}.sagemaker.aws",
    }
    if key is not None:
        body["KmsKeyId"] = key_arn(where, key)
        body.pop("HomeEfsFileSystemKmsKeyId", None)
    if call.switch("domain-extras") == "console":
        body["DefaultUserSettings"] = {**CONSOLE, **body["DefaultUserSettings"]}
    body |= _made_by_service(call, body)
    doomed = network_problem(call, given.get("VpcId"), given.get("SubnetIds", []), _groups(given))
    call.objects.add(
        TYPE,
        id,
        owner=call.owner,
        name=name,
        status="Pending",
        course=course(call, TYPE, "create", "InService", failed="Failed", doomed=doomed),
        body={**body, "Tags": tags},
    )
    call.object = id
    return {name: body[name] for name in ("DomainArn", "DomainId", "Url")}


def describe(call: Call, given: Members) -> Members:
    """All that was given, and what the service made."""
    return described(domain_of(call, given, look=True))


def update(call: Call, given: Members) -> Members:
    """What is not sent stays (spec 7.1)."""
    found = domain_of(call, given)
    body = found.body
    _judge_settings(call, given, body["AuthMode"])
    must_be(found, *UPDATABLE)
    _judge_changes(call, found, given)
    after = {**body, **{name: given[name] for name in SET if name in given}}
    for name in ("DefaultUserSettings", "DefaultSpaceSettings"):
        if name in given:
            after[name] = updated(call, body.get(name, {}), given[name])
    if "DomainSettingsForUpdate" in given:
        sent = dict(given["DomainSettingsForUpdate"])
        if "RStudioServerProDomainSettingsForUpdate" in sent:
            sent[RSTUDIO] = sent.pop("RStudioServerProDomainSettingsForUpdate")
        # a shape of its own with members of its own: each that is sent replaces, the others stay [E]
        after["DomainSettings"] = {**body.get("DomainSettings", {}), **sent}
    if given.get("HomeEfsFileSystemCreation") == "Enabled":
        after["HomeEfsFileSystemCreation"] = "Enabled"
        after.setdefault("HomeEfsFileSystemId", hex_id(call, "fs"))
    problem = network_problem(call, after.get("VpcId"), after.get("SubnetIds", []), _groups(after))
    turns = course(call, TYPE, "update", "InService", failed="Update_Failed", doomed=problem)
    call.objects.save(found, status="Updating", course=turns, body=after)
    return {"DomainArn": arn_of(found)}


def delete(call: Call, given: Members) -> None:
    """Last of all: profiles, spaces and apps must have gone (spec 7.4). The file system is nobody's to see."""
    found = domain_of(call, given)
    must_be(found, *DELETABLE)
    for type, plural in (("UserProfile", "UserProfile(s)"), ("Space", "Space(s)")):
        if call.objects.all(type, owner=call.owner, parent=found.id):
            raise in_use(f"Unable to delete Domain [{arn_of(found)}] because {plural} are associated with it.")
    call.objects.save(found, status="Deleting", course=course(call, TYPE, "delete", None, failed="Delete_Failed"))


def presigned_url(call: Call, given: Members) -> Members:
    """For a profile of a domain in service (spec 17.3.10)."""
    domain = domain_of(call, given)
    profile = profile_of(call, domain.id, given["UserProfileName"])
    owners = [profile] if "SpaceName" not in given else [profile, space_of(call, domain.id, given["SpaceName"])]
    for each in (domain, *owners):
        if each.status not in UPDATABLE:  # [E]
            raise invalid(f"{each.type} [{arn_of(each)}] is not InService.")
    token = derived_hex(*(each.id for each in owners), repr(call.now), length=64)
    return {"AuthorizedUrl": f"{domain.body['Url']}/auth?token={token}"}


def _judge_network(given: Members) -> None:
    """Spec 7.1: a VPC is optional for Unified Studio's domains with public access only; texts [E]."""
    unified = "UnifiedStudioSettings" in given.get("DomainSettings", {})
    vpc_only = given.get("AppNetworkAccessType") == "VpcOnly"
    for name in ("VpcId", "SubnetIds"):
        if name not in given and (vpc_only or not unified):
            raise invalid(f"{name} is required.")
    managed = given.get("AppSecurityGroupManagement")
    if RSTUDIO in given.get("DomainSettings", {}):
        if vpc_only and managed is None:
            raise invalid("AppSecurityGroupManagement is required for a VpcOnly domain with RStudio.")
        if managed not in (None, "Service"):
            raise invalid("AppSecurityGroupManagement must be Service for a domain with RStudio.")


def _judge_settings(call: Call, given: Members, auth_mode: str) -> None:
    """What create and update have in common."""
    judge_user_settings(call, given.get("DefaultUserSettings", {}), domain=True)
    judge_space_defaults(call, given.get("DefaultSpaceSettings", {}))
    for name, rstudio in (("DomainSettings", RSTUDIO), ("DomainSettingsForUpdate", f"{RSTUDIO}ForUpdate")):
        settings = given.get(name, {})
        if "AmazonQSettings" in settings and auth_mode != "SSO":
            raise invalid("AmazonQSettings needs a domain whose AuthMode is SSO.")
        check_roles(call, settings.get(rstudio, {}).get("DomainExecutionRoleArn"))
        judge_spec(call, settings.get(rstudio, {}).get("DefaultResourceSpec", {}), "RStudioServerPro")


def _judge_changes(call: Call, found: CloudObject, given: Members) -> None:
    """What an update may not do, or not while apps live (spec 7.1)."""
    body = found.body
    if "VpcId" in given and body.get("VpcId") not in (None, given["VpcId"]):
        raise invalid("VpcId can be set only for a domain that was created without one.")
    if given.get("HomeEfsFileSystemCreation") == "Disabled" and body["HomeEfsFileSystemCreation"] == "Enabled":
        raise invalid("HomeEfsFileSystemCreation cannot be changed from Enabled to Disabled.")
    settings = given.get("DomainSettingsForUpdate", {})
    access = given.get("AppNetworkAccessType", body["AppNetworkAccessType"])
    if access != body["AppNetworkAccessType"]:
        if RSTUDIO in body.get("DomainSettings", {}) or f"{RSTUDIO}ForUpdate" in settings:
            raise invalid("AppNetworkAccessType cannot be updated for a domain with RStudio.")
        _without_apps(call, found, "AppNetworkAccessType", *BUSY_APPS)
    if set(body.get("SubnetIds", [])) - set(given.get("SubnetIds", body.get("SubnetIds", []))):
        _without_apps(call, found, "SubnetIds", *BUSY_APPS)
    identity = body.get("DomainSettings", {}).get("ExecutionRoleIdentityConfig", "DISABLED")
    if settings.get("ExecutionRoleIdentityConfig", identity) != identity:
        _without_apps(call, found, "ExecutionRoleIdentityConfig", "InService", "Pending")


def _without_apps(call: Call, found: CloudObject, member: str, *statuses: str) -> None:
    if apps_in(call, found, *statuses):
        raise in_use(f"{member} of Domain [{arn_of(found)}] cannot be updated because App(s) are associated with it.")


def _groups(given: Members) -> list[str]:
    """All security groups a domain names."""
    return [
        *given.get("DefaultUserSettings", {}).get("SecurityGroups", []),
        *given.get("DefaultSpaceSettings", {}).get("SecurityGroups", []),
        *given.get("DomainSettings", {}).get("SecurityGroupIds", []),
    ]


def _made_by_service(call: Call, body: Members) -> Members:
    """Outputs of spec 7.1; a file system only where one is wanted, a group for RStudio only."""
    made: dict[str, Any] = {}
    if body["HomeEfsFileSystemCreation"] == "Enabled":
        made["HomeEfsFileSystemId"] = hex_id(call, "fs")
    if RSTUDIO in body.get("DomainSettings", {}):
        made["SecurityGroupIdForDomainBoundary"] = hex_id(call, "sg")
    if body["AuthMode"] == "SSO":
        where, digits = place(call), derived_hex(body["DomainId"], length=16)
        made["SingleSignOnManagedApplicationInstanceId"] = f"ins-{digits}"
        made["SingleSignOnApplicationArn"] = (
            f"arn:{where.partition}:sso::{where.account}:application/ssoins-{digits}/apl-{digits}"
        )
    return made


def _row(call: Call, found: CloudObject) -> Members:
    """DomainDetails (spec 14)."""
    return {
        **{name: found.body[name] for name in ("DomainArn", "DomainId", "DomainName", "Url")},
        "Status": found.status,
        "CreationTime": epoch(found.created),
        "LastModifiedTime": epoch(found.modified),
    }


OPERATIONS: Final = {
    "CreateDomain": create,
    "DescribeDomain": describe,
    "UpdateDomain": update,
    "DeleteDomain": delete,
    "ListDomains": Listing(TYPE, "Domains", _row),
    "CreatePresignedDomainUrl": presigned_url,
}

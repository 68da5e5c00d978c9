"""IAM, as far as roles go: what a program needs for Role, RolePolicy and RolePolicyAttachment; and who is asking (STS).

Not part of the SageMaker spec (its section 17.3 leaves IAM to moto); an independent reading of IAM's API reference, and
kept in the emulators' file like the rest. Policies made by customers, users, groups and instance profiles are not here.
"""

from __future__ import annotations

import re
import string
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from providers.emulation import Call, CloudObject, Refused
from providers.sagemaker.emulator.answers import refused
from providers.sagemaker.emulator.policies import judge
from providers.sagemaker.emulator.signature import Caller

Members = Mapping[str, Any]

ROLE: Final = "Role"
INLINE: Final = "RolePolicy"  # its ID is `role:policy`, as terraform and Pulumi record it
ATTACHMENT: Final = "RolePolicyAttachment"  # its ID is `role/policy ARN`

ID_LETTERS: Final = string.ascii_uppercase + "234567"
MOST_TAGS: Final = 50
MOST_ATTACHED: Final = 10
TRUST_LENGTH: Final = 2048
INLINE_LENGTH: Final = 10_240  # of all inline policies together, white space not counted
DEFAULT_SESSION: Final = 3600
PAGE: Final = 100

# AWS-managed policies known when the switch makes the emulator know all it accepts: those a workspace is likely to
# attach. The path is part of the ARN.
MANAGED: Final = frozenset(
    """
    AdministratorAccess AmazonAthenaFullAccess AmazonEC2ContainerRegistryFullAccess AmazonEC2ContainerRegistryReadOnly
    AmazonEC2FullAccess AmazonEC2ReadOnlyAccess AmazonElasticFileSystemFullAccess AmazonRedshiftFullAccess
    AmazonS3FullAccess AmazonS3ReadOnlyAccess AmazonSageMakerCanvasFullAccess AmazonSageMakerFeatureStoreAccess
    AmazonSageMakerFullAccess AmazonSageMakerModelRegistryFullAccess AmazonSageMakerPipelinesIntegrations
    AmazonSageMakerReadOnly AmazonSSMManagedInstanceCore AWSCodeCommitFullAccess AWSCodeCommitPowerUser
    AWSGlueConsoleFullAccess AWSKeyManagementServicePowerUser AWSLambda_FullAccess AWSLambda_ReadOnlyAccess
    CloudWatchFullAccess CloudWatchLogsFullAccess CloudWatchLogsReadOnlyAccess CloudWatchReadOnlyAccess IAMFullAccess
    IAMReadOnlyAccess PowerUserAccess ReadOnlyAccess SecretsManagerReadWrite SecurityAudit
    job-function/DataScientist job-function/ViewOnlyAccess service-role/AWSGlueServiceRole
    service-role/AWSLambdaBasicExecutionRole service-role/AmazonSageMakerServiceCatalogProductsUseRole
    """.split()  # noqa: SIM905
)
MANAGED_SINCE: Final = 1_423_000_000.0  # 2015; nobody looks


def create_role(call: Call, given: Members) -> Members:
    """Names are unique in the account, whatever their case."""
    name, path = given["RoleName"], given.get("Path", "/")
    judge(given["AssumeRolePolicyDocument"], trust=True)
    _judge_trust_length(given["AssumeRolePolicyDocument"])
    tags = _judge_tags(given)
    boundary = _boundary(call, given)
    if any(role.name.lower() == name.lower() for role in call.objects.all(ROLE, owner=call.owner)):
        raise no("EntityAlreadyExists", f"Role with name {name} already exists.", 409)
    most = call.switch("role-quota")
    if most != "none" and len(call.objects.all(ROLE, owner=call.owner)) >= int(most):
        raise no("LimitExceeded", f"Cannot exceed quota for RolesPerAccount: {most}", 409)
    account, partition = call.owner.split("/")
    body = {
        "Path": path,
        "RoleName": name,
        "RoleId": f"AROA{call.objects.new_text(ID_LETTERS, 17)}",
        "Arn": f"arn:{partition}:iam::{account}:role{path}{name}",
        "AssumeRolePolicyDocument": given["AssumeRolePolicyDocument"],
        "Description": given.get("Description") or None,
        "MaxSessionDuration": given.get("MaxSessionDuration", DEFAULT_SESSION),
        "PermissionsBoundary": boundary,
        "Tags": tags,
    }
    call.object = name
    return {"Role": _shown(call.objects.add(ROLE, name, owner=call.owner, name=name, body=body), created=True)}


def get_role(call: Call, given: Members) -> Members:
    """The trust policy comes percent-encoded, as IAM's answers have it."""
    return {"Role": _shown(_role(call, given))}


def update_role(call: Call, given: Members) -> Members:
    """Description and session length; what is not sent stays."""
    role = _role(call, given)
    names = ("Description", "MaxSessionDuration")
    body = {**role.body, **{name: given[name] or None for name in names if name in given}}
    call.objects.save(role, body=body)
    return {}


def update_description(call: Call, given: Members) -> Members:
    """The older way to say it."""
    role = _role(call, given)
    changed = call.objects.save(role, body={**role.body, "Description": given["Description"] or None})
    return {"Role": _shown(changed)}


def delete_role(call: Call, given: Members) -> None:
    """Only without policies, inline or attached."""
    role = _role(call, given)
    if _under(call, ATTACHMENT, role):
        raise no("DeleteConflict", "Cannot delete entity, must detach all policies first.", 409)
    if _under(call, INLINE, role):
        raise no("DeleteConflict", "Cannot delete entity, must delete policies first.", 409)
    call.objects.remove(role)


def list_roles(call: Call, given: Members) -> Members:
    """By path, in order of their names; without tags, boundary or last use, as IAM's reference says."""
    prefix = given.get("PathPrefix", "/")
    roles = [role for role in call.objects.all(ROLE, owner=call.owner) if role.body["Path"].startswith(prefix)]
    hidden = ("Tags", "PermissionsBoundary", "RoleLastUsed")
    rows = {role.name: {n: v for n, v in _shown(role).items() if n not in hidden} for role in roles}
    return _page(given, "Roles", rows)


def update_trust(call: Call, given: Members) -> None:
    """Replaces the trust policy."""
    document = given["PolicyDocument"]
    judge(document, trust=True)
    _judge_trust_length(document)
    role = _role(call, given)
    call.objects.save(role, body={**role.body, "AssumeRolePolicyDocument": document})


def tag_role(call: Call, given: Members) -> None:
    """Overwrites what has the same key."""
    role = _role(call, given)
    after = {**role.body["Tags"], **_judge_tags(given)}
    if len(after) > MOST_TAGS:
        raise no("LimitExceeded", f"Cannot exceed quota for TagsPerRole: {MOST_TAGS}", 409)
    call.objects.save(role, body={**role.body, "Tags": after})


def untag_role(call: Call, given: Members) -> None:
    """A key that is not there is no mistake."""
    role = _role(call, given)
    gone = set(given["TagKeys"])
    call.objects.save(role, body={**role.body, "Tags": {k: v for k, v in role.body["Tags"].items() if k not in gone}})


def list_role_tags(call: Call, given: Members) -> Members:
    """In order of their keys."""
    role = _role(call, given)
    return _page(given, "Tags", {key: {"Key": key, "Value": value} for key, value in role.body["Tags"].items()})


# Inline policies


def put_policy(call: Call, given: Members) -> None:
    """Makes it, or replaces the one of that name."""
    document, name = given["PolicyDocument"], given["PolicyName"]
    judge(document, trust=False)
    role = _role(call, given)
    others = [each.body["PolicyDocument"] for each in _under(call, INLINE, role) if each.name != name]
    if sum(len(re.sub(r"\s", "", each)) for each in (*others, document)) > INLINE_LENGTH:
        text = f"Maximum policy size of {INLINE_LENGTH} bytes exceeded for role {role.name}"
        raise no("LimitExceeded", text, 409)
    id = f"{role.id}:{name}"
    body = {"RoleName": role.name, "PolicyName": name, "PolicyDocument": document}
    found = call.objects.get(INLINE, id, owner=call.owner)
    if found is None:
        call.objects.add(INLINE, id, owner=call.owner, name=name, parent=role.id, body=body)
    else:
        call.objects.save(found, body=body)
    call.object = id


def get_policy(call: Call, given: Members) -> Members:
    """The document comes percent-encoded."""
    found = _inline(call, given)
    return {**found.body, "PolicyDocument": quote(found.body["PolicyDocument"], safe="")}


def delete_policy(call: Call, given: Members) -> None:
    """An inline policy lives in its role only."""
    call.objects.remove(_inline(call, given))


def list_policies(call: Call, given: Members) -> Members:
    """Their names."""
    role = _role(call, given)
    return _page(given, "PolicyNames", {each.name: each.name for each in _under(call, INLINE, role)})


# Attached policies


def attach(call: Call, given: Members) -> None:
    """Attaching twice is no mistake."""
    role, arn = _role(call, given), given["PolicyArn"]
    _judge_managed(call, arn, f"Policy {arn} does not exist or is not attachable.")
    id = f"{role.id}/{arn}"
    call.object = id
    if call.objects.get(ATTACHMENT, id, owner=call.owner) is not None:
        return
    if len(_under(call, ATTACHMENT, role)) >= MOST_ATTACHED:
        raise no("LimitExceeded", f"Cannot exceed quota for PoliciesPerRole: {MOST_ATTACHED}", 409)
    body = {"RoleName": role.name, "PolicyArn": arn}
    call.objects.add(ATTACHMENT, id, owner=call.owner, name=_last(arn), parent=role.id, body=body)


def detach(call: Call, given: Members) -> None:
    """What is not attached is not found."""
    role, arn = _role(call, given), given["PolicyArn"]
    found = call.objects.get(ATTACHMENT, f"{role.id}/{arn}", owner=call.owner)
    if found is None:
        raise no("NoSuchEntity", f"Policy {arn} was not found.", 404)
    call.objects.remove(found)


def list_attached(call: Call, given: Members) -> Members:
    """Name and ARN of each."""
    role, prefix = _role(call, given), given.get("PathPrefix", "/")
    rows = {
        each.body["PolicyArn"]: {"PolicyName": each.name, "PolicyArn": each.body["PolicyArn"]}
        for each in _under(call, ATTACHMENT, role)
        if _path(each.body["PolicyArn"]).startswith(prefix)
    }
    return _page(given, "AttachedPolicies", rows)


def list_profiles(call: Call, given: Members) -> Members:
    """There are no instance profiles here."""
    _role(call, given)
    return {"InstanceProfiles": [], "IsTruncated": False}


def get_managed(call: Call, given: Members) -> Members:
    """One of AWS's own."""
    arn = given["PolicyArn"]
    _judge_managed(call, arn, f"Policy {arn} was not found.")
    attached = call.objects.all(ATTACHMENT, owner=call.owner)
    bounded = [role.body["PermissionsBoundary"] for role in call.objects.all(ROLE, owner=call.owner)]
    policy = {
        "PolicyName": _last(arn),
        "PolicyId": f"ANPA{''.join(ID_LETTERS[ord(letter) % 32] for letter in arn[::-1])[:17]}",
        "Arn": arn,
        "Path": _path(arn),
        "DefaultVersionId": "v1",
        "AttachmentCount": sum(each.body["PolicyArn"] == arn for each in attached),
        "PermissionsBoundaryUsageCount": sum(bool(each) and each["PermissionsBoundaryArn"] == arn for each in bounded),
        "IsAttachable": True,
        "CreateDate": _date(MANAGED_SINCE),
        "UpdateDate": _date(MANAGED_SINCE),
    }
    return {"Policy": policy}


def put_boundary(call: Call, given: Members) -> None:
    """Any policy that could be attached can be a boundary."""
    role = _role(call, given)
    call.objects.save(role, body={**role.body, "PermissionsBoundary": _boundary(call, given)})


def delete_boundary(call: Call, given: Members) -> None:
    """What is not there is not found."""
    role = _role(call, given)
    if role.body["PermissionsBoundary"] is None:
        raise no("NoSuchEntity", f"Role {role.name} does not have a permissions boundary.", 404)  # [E]
    call.objects.save(role, body={**role.body, "PermissionsBoundary": None})


# STS


def get_caller_identity(call: Call, caller: Caller) -> Members:
    """A user for a lasting key, a role's session for a temporary one."""
    partition = call.owner.partition("/")[2]
    if caller.access_key.startswith("ASIA"):
        part, service, id = "assumed-role/example-role/example-session", "sts", "AROAEXAMPLEROLEIDXXXX:example-session"
    else:
        part, service, id = "user/example-user", "iam", "AIDAEXAMPLEUSERIDXXXX"
    return {
        "UserId": id,
        "Account": caller.account,
        "Arn": f"arn:{partition}:{service}::{caller.account}:{part}",
    }


# Parts


def no(code: str, text: str, status: int) -> Refused:
    """A refusal of IAM's."""
    return refused("iam", code, text, status)


def _role(call: Call, given: Members) -> CloudObject:
    name = given["RoleName"]
    for found in (call.objects.get(ROLE, name, owner=call.owner), *_any_case(call, name)):
        if found is not None:
            return found
    raise no("NoSuchEntity", f"The role with name {name} cannot be found.", 404)


def _any_case(call: Call, name: str) -> Sequence[CloudObject]:
    return [role for role in call.objects.all(ROLE, owner=call.owner) if role.name.lower() == name.lower()]


def _inline(call: Call, given: Members) -> CloudObject:
    role, name = _role(call, given), given["PolicyName"]
    found = call.objects.get(INLINE, f"{role.id}:{name}", owner=call.owner)
    if found is None:
        raise no("NoSuchEntity", f"The role policy with name {name} cannot be found.", 404)
    return found


def _under(call: Call, type: str, role: CloudObject) -> list[CloudObject]:
    return call.objects.all(type, owner=call.owner, parent=role.id)


def _shown(role: CloudObject, *, created: bool = False) -> dict[str, Any]:
    """A role as answers have it; that of its creation has neither last use nor session length."""
    tags = [{"Key": key, "Value": value} for key, value in sorted(role.body["Tags"].items())]
    members = {
        **role.body,
        "CreateDate": _date(role.created),
        "AssumeRolePolicyDocument": quote(role.body["AssumeRolePolicyDocument"], safe=""),
        "Tags": tags or None,
        "RoleLastUsed": {},
    }
    if created:
        for name in ("RoleLastUsed", "MaxSessionDuration"):
            del members[name]
    return {name: value for name, value in members.items() if value is not None}


def _page(given: Members, key: str, rows: Mapping[str, Any]) -> Members:
    """One page in order of the names; a marker is the last name it showed."""
    names = sorted(name for name in rows if name > given.get("Marker", ""))
    page = names[: given.get("MaxItems", PAGE)]
    more = len(page) < len(names)
    return {key: [rows[name] for name in page], "IsTruncated": more, "Marker": page[-1] if more else None}


def _boundary(call: Call, given: Members) -> Members | None:
    arn = given.get("PermissionsBoundary")
    if arn is None:
        return None
    _judge_managed(call, arn, f"Scope ARN: {arn} does not exist or is not attachable.")
    return {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}


def _judge_managed(call: Call, arn: str, text: str) -> None:
    """AWS's own policies only; any well-formed one, or those of the table, by the switch."""
    partition = call.owner.partition("/")[2]
    if not re.fullmatch(r"arn:[a-z-]+:iam::(aws|\d{12}):policy/[\x21-\x7e]+", arn, re.ASCII):
        raise no("InvalidInput", f"ARN {arn} is not valid.", 400)
    prefix = f"arn:{partition}:iam::aws:policy/"
    known = arn.removeprefix(prefix) in MANAGED or call.switch("managed-policies") == "any"
    if not arn.startswith(prefix) or not known:
        raise no("NoSuchEntity", text, 404)


def _judge_tags(given: Members) -> dict[str, str]:
    keys = [tag["Key"] for tag in given.get("Tags", [])]
    if len(keys) != len({key.lower() for key in keys}):
        raise no("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.", 400)
    if any(key.lower().startswith("aws:") for key in keys):
        raise no("InvalidInput", "Tag keys that start with 'aws:' are reserved for system use.", 400)  # [E]
    return {tag["Key"]: tag["Value"] for tag in given.get("Tags", [])}


def _judge_trust_length(document: str) -> None:
    if len(re.sub(r"\s", "", document)) > TRUST_LENGTH:
        raise no("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {TRUST_LENGTH}", 409)


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]


def _path(arn: str) -> str:
    """`/` or `/path/` of a policy's ARN."""
    return "/" + "".join(f"{part}/" for part in arn.partition(":policy/")[2].split("/")[:-1])


def _date(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


OPERATIONS: Final = {
    "CreateRole": create_role,
    "GetRole": get_role,
    "UpdateRole": update_role,
    "UpdateRoleDescription": update_description,
    "DeleteRole": delete_role,
    "ListRoles": list_roles,
    "UpdateAssumeRolePolicy": update_trust,
    "TagRole": tag_role,
    "UntagRole": untag_role,
    "ListRoleTags": list_role_tags,
    "PutRolePolicy": put_policy,
    "GetRolePolicy": get_policy,
    "DeleteRolePolicy": delete_policy,
    "ListRolePolicies": list_policies,
    "AttachRolePolicy": attach,
    "DetachRolePolicy": detach,
    "ListAttachedRolePolicies": list_attached,
    "ListInstanceProfilesForRole": list_profiles,
    "GetPolicy": get_managed,
    "PutRolePermissionsBoundary": put_boundary,
    "DeleteRolePermissionsBoundary": delete_boundary,
}

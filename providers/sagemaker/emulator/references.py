"""What a request points at: roles, networks, keys, and objects of SageMaker itself (spec 11, 17.3.6).

Roles are IAM's on this same port. Nothing here emulates EC2 or KMS, so subnets, security groups and keys are whatever
the caller says, unless a switch lists those there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from providers.emulation import Call, CloudObject
from providers.sagemaker.emulator.answers import invalid
from providers.sagemaker.emulator.names import arn_of, place

PRINCIPAL = "sagemaker.amazonaws.com"


def check_roles(call: Call, *arns: str | None) -> None:
    """Refuse a role that SageMaker cannot assume, in the observed text (spec 3.4, 11).

    By default a role nobody made here is taken on trust, as one that was in the account before; the switch makes the
    emulator know all roles, or ask for none. A role made less than `role-delay` seconds ago is not known yet.
    """
    strictness = call.switch("role-check")
    for arn in filter(None, arns):
        if strictness == "accept" or _assumable(call, arn, unknown=strictness == "trust"):
            continue
        raise invalid(
            f"Could not assume role {arn}. Please ensure that the role exists and allows principal '{PRINCIPAL}' to"
            " assume the role."
        )


def _assumable(call: Call, arn: str, *, unknown: bool) -> bool:
    account = arn.split(":")[4]
    role = call.objects.get("Role", arn.rpartition("/")[2], owner=f"{account}/{place(call).partition}")
    if role is None or arn_of(role) != arn:
        return unknown
    if call.now - role.created < float(call.switch("role-delay")):
        return False
    return trusts(role.body["AssumeRolePolicyDocument"])


def trusts(document: str) -> bool:
    """Whether a trust policy lets SageMaker in."""
    statements = json.loads(document).get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, Mapping) else [principal]
        actions = _listed(statement.get("Action", []))
        if (
            statement.get("Effect") == "Allow"
            and {PRINCIPAL, "*"} & set(_listed(services))
            and {"sts:AssumeRole", "sts:*", "*"} & set(actions)
        ):
            return True
    return False


def network_problem(call: Call, vpc: str | None, subnets: Sequence[str], groups: Sequence[str]) -> str:
    """Why this network cannot be, empty when it can: all must exist, in one VPC (spec 11). All texts are ours [E]."""
    known_subnets, known_groups = listed(call, "subnets"), listed(call, "security-groups")
    if known_subnets is not None:
        for subnet in subnets:
            if subnet not in known_subnets:
                return f"The subnet ID '{subnet}' does not exist"
            if vpc and known_subnets[subnet] != vpc:
                return f"The subnet ID '{subnet}' is not in the VPC '{vpc}'"
        vpc = vpc or next((known_subnets[subnet] for subnet in subnets), None)
    if known_groups is None:
        return ""
    for group in groups:
        if group not in known_groups:
            return f"The security group '{group}' does not exist"
        if vpc and known_groups[group] not in ("", vpc):
            return f"The security group '{group}' is not in the VPC '{vpc}'"
    return ""


def check_key(call: Call, given: str | None) -> None:
    """Refuse a KMS key that is not there or not enabled, if the switch lists keys (spec 11) [E]."""
    keys = listed(call, "kms-keys")
    if given is None or keys is None:
        return
    name = given if given in keys else given.rpartition("/")[2]
    if name not in keys:
        raise invalid(f"KMS key '{given}' does not exist")
    if keys[name] == "disabled":
        raise invalid(f"KMS key '{given}' is disabled")


def listed(call: Call, switch: str) -> dict[str, str] | None:
    """A switch of the form `a=x,b=y,c` as a table; None for `any`."""
    value = call.switch(switch)
    if value == "any":
        return None
    return {name: more for name, _, more in (each.partition("=") for each in value.split(",") if each)}


def check_names(call: Call, type: str, names: Iterable[str | None]) -> None:
    """Refuse the name of a lifecycle config or repository that is not there (spec 17.3.6)."""
    if call.switch("references") == "accept":
        return
    for name in filter(None, names):
        if call.objects.get(type, name, owner=call.owner) is None:
            raise missing_by_name(call, type, name)


def missing_by_name(call: Call, type: str, name: str) -> Exception:
    """Not found, as the three types say it that answer ValidationException (spec 3.2, 3.4)."""
    where = place(call)
    if type == "CodeRepository":  # the words after the first three are ours [E]
        return invalid(f'Cannot find CodeRepository "{where.arn(f"code-repository/{name}")}"')
    if type == "NotebookInstance":
        return invalid("RecordNotFound")
    verb = next(
        (verb for verb in ("delete", "update") if call.operation.lower().startswith(f"{verb}notebookinstancel")), ""
    )
    arn = where.arn(f"notebook-instance-lifecycle-config/{name}")
    return invalid(
        f"Unable to {verb or 'describe'} Notebook Instance Lifecycle Config '{arn}'."
        " (Details: Notebook Instance Lifecycle Config does not exist.)"
    )


def check_studio_configs(call: Call, arns: Iterable[str | None], app_type: str = "") -> None:
    """Refuse the ARN of a studio lifecycle config that is not there, or is made for another kind of app [E]."""
    if call.switch("references") == "accept":
        return
    known = {arn_of(found): found for found in call.objects.all("StudioLifecycleConfig", owner=call.owner)}
    for arn in filter(None, arns):
        if arn == "None":  # the literal that clears (spec 6.1)
            continue
        if arn not in known:
            raise invalid(f"StudioLifecycleConfig [{arn}] does not exist.")
        made_for = known[arn].body["StudioLifecycleConfigAppType"]
        if app_type and made_for != app_type:
            raise invalid(f"StudioLifecycleConfig [{arn}] is for AppType [{made_for}], not [{app_type}].")


def names_it(value: Any, wanted: str) -> bool:
    """Whether some text inside settings is the wanted one."""
    if isinstance(value, Mapping):
        return any(names_it(each, wanted) for each in value.values())
    if isinstance(value, list):
        return any(names_it(each, wanted) for each in value)
    return value == wanted


def users_of(call: Call, type: str, arn: str) -> list[CloudObject]:
    """The objects of a type that name an ARN somewhere in their settings."""
    return [found for found in call.objects.all(type, owner=call.owner) if names_it(found.body, arn)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

"""IAM roles and their policies, as far as Pulumi's AWS classes have them: constraints from botocore's model of IAM."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from providers.base import Rule
from providers.sagemaker.model import service_model
from providers.sagemaker.schema.structures import Own, Structure, text

# --- policies ---------------------------------------------------------------------------------------------------------


def policy_text(policy: Any) -> Any:
    """A policy as compact JSON text with sorted keys, whether it was given as text or as a map; else as it is."""
    try:
        content = json.loads(policy) if isinstance(policy, str) else policy
    except ValueError:
        return policy
    if not isinstance(content, dict):
        return policy
    return json.dumps(content, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def same_policy(one: Any, other: Any) -> bool:
    """Do two policies mean the same? Order in lists does not matter, nor whether one item stands in a list."""
    return _settled(_loaded(one)) == _settled(_loaded(other))


def _loaded(policy: Any) -> Any:
    try:
        return json.loads(policy) if isinstance(policy, str) else policy
    except ValueError:
        return policy


def _settled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _settled(item) for key, item in value.items()}
    if isinstance(value, list):
        items = sorted((_settled(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
        return items[0] if len(items) == 1 else items
    return value


def _policy(shape: str) -> Any:
    limits = service_model("iam").text(shape)

    def judge(policy: str) -> str:
        complaint = limits.complaint(policy)
        if complaint:
            raise ValueError(complaint)
        try:
            content = json.loads(policy)
        except ValueError as error:
            raise ValueError(f"must be JSON: {error}") from None
        if not isinstance(content, dict) or "Statement" not in content:
            raise ValueError("must be a JSON object with a Statement")
        return policy

    return Annotated[str, AfterValidator(judge)]


def _shape(name: str) -> Any:
    return text(service_model("iam").text(name))


_POLICY_REMEDY: Final = "give a policy as JSON text, with Version and Statement"
_NAME_REMEDY: Final = "give 1 to {} letters, digits and _ + = , . @ -"
_ARN_REMEDY: Final = "give an ARN, such as arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"


def _facts(page: str, shape: str, remedy: str, **more: Any) -> dict[str, Any]:
    return {"source": f"IAM API_{page}; shape {shape}", "remedy": remedy, **more}


def _tag_map() -> Any:
    model = service_model("iam")
    most = model.shape("tagListType").get("max", 50)
    return Annotated[dict[_shape("tagKeyType"), _shape("tagValueType")], Field(max_length=most)]


def _prefix(page: str, shape: str, longest: int) -> Own:
    annotation = Annotated[_shape(shape), Field(max_length=longest)]
    return Own(annotation, _facts(page, shape, f"give at most {longest} characters", replace=_NAMED))


def _name(page: str, shape: str, replace: str) -> Own:
    longest = service_model("iam").shape(shape)["max"]
    return Own(_shape(shape), _facts(page, shape, _NAME_REMEDY.format(longest), replace=replace), required=True)


_ARNS: Final = list[_shape("arnType")]
_NAMED: Final = "a name cannot be changed"

STRUCTURES: Final[Mapping[str, Structure]] = {
    "Role": Structure(
        service="iam",
        own={
            "AssumeRolePolicy": Own(
                _policy("policyDocumentType"),
                _facts("CreateRole", "policyDocumentType", _POLICY_REMEDY),
                required=True,
            ),
            "Description": Own(
                _shape("roleDescriptionType"),
                _facts("CreateRole", "roleDescriptionType", "give at most 1000 characters", absent=""),
            ),
            "ForceDetachPolicies": Own(
                bool, {"source": "specification 19", "remedy": "say True or False", "unreadable": True}, default=False
            ),
            "InlinePolicies": Own(
                None,
                {
                    "source": "IAM API_PutRolePolicy",
                    "remedy": "give a list of maps with name and policy",
                    "unordered": True,
                    "computed": True,
                },
                structure="InlinePolicy",
                many=1000,
            ),
            "ManagedPolicyArns": Own(
                _ARNS,
                _facts("AttachRolePolicy", "arnType", _ARN_REMEDY, unordered=True, computed=True),
            ),
            "MaxSessionDuration": Own(
                Annotated[
                    int,
                    Field(
                        ge=service_model("iam").shape("roleMaxSessionDurationType")["min"],
                        le=service_model("iam").shape("roleMaxSessionDurationType")["max"],
                    ),
                ],
                _facts("CreateRole", "roleMaxSessionDurationType", "give seconds, 3600 to 43200"),
                default=3600,
            ),
            "Name": _name("CreateRole", "roleNameType", "a role cannot be renamed"),
            "NamePrefix": _prefix("CreateRole", "roleNameType", 38),
            "Path": Own(
                _shape("pathType"),
                _facts(
                    "CreateRole",
                    "pathType",
                    "give / or a path that begins and ends with /",
                    replace="a role cannot move to another path",
                ),
                default="/",
            ),
            "PermissionsBoundary": Own(_shape("arnType"), _facts("CreateRole", "arnType", _ARN_REMEDY, absent="")),
            "Tags": Own(
                _tag_map(),
                _facts(
                    "CreateRole",
                    "tagListType",
                    "give at most 50 tags; keys of 1 to 128 and values of up to 256 letters, digits, spaces and "
                    "_ . : / = + - @",
                    absent={},
                ),
            ),
        },
        rules=(
            Rule(
                at="Tags",
                broken=lambda tags: any(str(key).lower().startswith("aws:") for key in tags or ()),
                rule="has a key that begins with aws:, which AWS keeps for itself",
                remedy="give that tag another name",
                source="IAM API_Tag",
            ),
        ),
    ),
    "InlinePolicy": Structure(
        service="iam",
        own={
            "Name": Own(
                _shape("policyNameType"),
                _facts("PutRolePolicy", "policyNameType", _NAME_REMEDY.format(128)),
                required=True,
            ),
            "Policy": Own(
                _policy("policyDocumentType"),
                _facts("PutRolePolicy", "policyDocumentType", _POLICY_REMEDY),
                required=True,
            ),
        },
    ),
    "RolePolicy": Structure(
        service="iam",
        own={
            "Name": _name("PutRolePolicy", "policyNameType", "an inline policy cannot be renamed"),
            "NamePrefix": _prefix("PutRolePolicy", "policyNameType", 102),
            "Policy": Own(
                _policy("policyDocumentType"),
                _facts("PutRolePolicy", "policyDocumentType", _POLICY_REMEDY),
                required=True,
            ),
            "Role": Own(
                _shape("roleNameType"),
                _facts(
                    "PutRolePolicy",
                    "roleNameType",
                    "give the role's name, such as role.name",
                    replace="an inline policy belongs to one role",
                ),
                required=True,
            ),
        },
    ),
    "RolePolicyAttachment": Structure(
        service="iam",
        own={
            "PolicyArn": Own(
                _shape("arnType"),
                _facts(
                    "AttachRolePolicy", "arnType", _ARN_REMEDY, replace="an attachment joins one policy to one role"
                ),
                required=True,
            ),
            "Role": Own(
                _shape("roleNameType"),
                _facts(
                    "AttachRolePolicy",
                    "roleNameType",
                    "give the role's name, such as role.name",
                    replace="an attachment joins one policy to one role",
                ),
                required=True,
            ),
        },
    ),
}

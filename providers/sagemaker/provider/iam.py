"""IAM roles and their policies, for programs written with `pulumi_aws`: as much as SageMaker's objects stand on.

A role is its trust policy and, where the program lists them, exactly the inline and managed policies listed; a policy
or an attachment can also be a resource of its own. Policies are compared by what they mean. IAM has no regions and no
statuses, but what was just made may not be seen for some seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from engine.core.contract import CheckFailure, CheckResult, Found, ReadResult
from engine.core.values import UNKNOWN, has_unknown
from providers.base import Tree, keeping
from providers.errors import NotFoundError
from providers.sagemaker.errors import InUseError
from providers.sagemaker.provider.calls import Answer, Key
from providers.sagemaker.provider.pulumi_aws import PulumiType
from providers.sagemaker.schema.iam import policy_text, same_policy

if TYPE_CHECKING:
    from providers.sagemaker.client import Client

_BOTH_NAMES: Final = "does not go with name: a prefix is for names that are made up"


class IamType(PulumiType):
    """A type of IAM."""

    service = "iam"
    endpoints = ("iam:endpoint",)
    name_letters = "a-zA-Z0-9+=,.@_-"
    policies: ClassVar[tuple[str, ...]] = ()
    """The API members that are policies."""

    def check(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> CheckResult:
        """As in the base; policies may be maps, and are recorded as text with sorted keys."""
        given = dict(news)
        for name in map(self.spelt, self.policies):
            if given.get(name) is not None:
                given[name] = _as_text(given[name])
        result = super().check(olds, given)
        if given.get("namePrefix") is None or given.get("name") is None:
            return result
        wrong = CheckFailure("namePrefix", _BOTH_NAMES, "", "give one of name and namePrefix", "specification 19")
        return CheckResult(result.inputs, [*result.failures, wrong], result.warnings)

    def made_up_name(self, urn: str, given: Mapping[str, Any]) -> Any:
        """A name for the resource of this URN, with the program's prefix if it has one."""
        prefix = given.get("namePrefix")
        name = super().made_up_name(urn, given)
        if prefix is None:
            return name
        return UNKNOWN if has_unknown(prefix) else f"{prefix}{str(name)[-7:]}"

    def respelt(self, content: Tree, wanted: Tree) -> Tree:
        """A policy that means the same as the given one is the given one."""
        for name in self.policies:
            given, shown = wanted.get(name), content.get(name)
            if given is not None and shown is not None and same_policy(given, shown):
                content = {**content, name: given}
        return content

    def tags_of(self, client: Client, content: Tree) -> dict[str, str]:
        """Only roles have tags, and they come with the description."""
        return dict(content.get("Tags") or {})

    def keys_of(self, id_: str) -> list[Key]:
        """From the parts of the ID."""
        return [dict(zip(self.key, id_.split(":"), strict=True))] if id_.count(":") == len(self.key) - 1 else []


def _as_text(policy: Any) -> Any:
    """A policy as text; as an unknown when something in it is not known."""
    if isinstance(policy, (dict, list)) and has_unknown(policy):
        return UNKNOWN
    return policy_text(policy)


class Roles(IamType):
    """`aws.iam.Role`. The ID is the name."""

    token = "aws:iam/role:Role"
    structure = "Role"
    noun = "role"
    create_operation, describe_operation, delete_operation = "CreateRole", "GetRole", "DeleteRole"
    key = ("Name",)
    unique = ("Name",)
    named_by = "Name"
    arn_member = "Arn"
    autonamed = "Name"
    longest_name = 64
    policies = ("AssumeRolePolicy",)
    answers: ClassVar = {
        "arn": Answer("Arn"),
        "unique_id": Answer("RoleId"),
        "create_date": Answer("CreateDate"),
    }

    # --- inputs

    def named(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        """With a name, and the inline policies' own policies as text."""
        given = super().named(olds, news)
        inline = given.get("inlinePolicies")
        if isinstance(inline, list):
            given["inlinePolicies"] = [
                {**item, "policy": _as_text(item["policy"])} if isinstance(item, dict) and "policy" in item else item
                for item in inline
            ]
        return given

    # --- descriptions

    def describe(self, client: Client, key: Key) -> Tree | None:
        """The role in our schema's spelling; without its policies, which are calls of their own."""
        answer = client.look("GetRole", RoleName=key["Name"])
        if answer is None:
            return None
        role = answer["Role"]
        return {
            "Name": role["RoleName"],
            "Path": role.get("Path", "/"),
            "Description": role.get("Description"),
            "MaxSessionDuration": role.get("MaxSessionDuration"),
            "AssumeRolePolicy": policy_text(role.get("AssumeRolePolicyDocument")),
            "PermissionsBoundary": (role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn"),
            "Tags": {tag["Key"]: tag["Value"] for tag in role.get("Tags") or ()},
            "Arn": role["Arn"],
            "RoleId": role.get("RoleId"),
            "CreateDate": role.get("CreateDate"),
        }

    def respelt(self, content: Tree, wanted: Tree) -> Tree:
        """As in the base; also inline policies, one by one."""
        content = super().respelt(content, wanted)
        given = {item["Name"]: item["Policy"] for item in wanted.get("InlinePolicies") or ()}
        shown = content.get("InlinePolicies")
        if shown is None:
            return content
        same = [
            {**item, "Policy": given[item["Name"]]}
            if item["Name"] in given and same_policy(given[item["Name"]], item["Policy"])
            else item
            for item in shown
        ]
        return {**content, "InlinePolicies": same}

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What it looks like now, with its policies if the program lists them."""
        client, key, content = self._found(id_, props)
        if content is None:
            return ReadResult()
        wanted = self.wanted(props)
        if "InlinePolicies" in wanted:
            content["InlinePolicies"] = [
                {"Name": name, "Policy": _inline_policy(client, key["Name"], name)} for name in _inline(client, key)
            ]
        if "ManagedPolicyArns" in wanted:
            content["ManagedPolicyArns"] = list(_attached(client, key["Name"]))
        return self._seen(id_, props, content, client)

    def find(self, props: dict[str, Any]) -> ReadResult:
        """As in the base, by what CreateRole sets; policies come later, so those missing are for the next update."""
        later = {self.spelt(name) for name in ("InlinePolicies", "ManagedPolicyArns")}
        found = super().find({name: value for name, value in props.items() if name not in later})
        return self.read(found.id, props) if found.id else found

    # --- creating and changing

    def body(self, wanted: Mapping[str, Any]) -> Tree:
        """The members of CreateRole."""
        body = super().body(wanted)
        for name in ("ForceDetachPolicies", "InlinePolicies", "ManagedPolicyArns", "NamePrefix"):
            body.pop(name, None)
        body["RoleName"] = body.pop("Name")
        body["AssumeRolePolicyDocument"] = body.pop("AssumeRolePolicy")
        return body

    def _sent(self, client: Client, wanted: Tree) -> Tree:
        content = super()._sent(client, wanted)
        role = content.get("Role") or {}
        return {**content, "Arn": content.get("Arn") or role.get("Arn"), "RoleId": role.get("RoleId")}

    def finished(self, client: Client, content: Tree, wanted: Tree) -> Tree:
        """With the policies that the program lists."""
        self._set_policies(client, wanted["Name"], {}, wanted)
        return content

    def _set_policies(self, client: Client, role: str, old: Tree, new: Tree) -> None:
        """Exactly the listed policies; nothing where the program lists none."""
        if "InlinePolicies" in new:
            wanted = {item["Name"]: item["Policy"] for item in new["InlinePolicies"]}
            for name, policy in wanted.items():
                client.call("PutRolePolicy", RoleName=role, PolicyName=name, PolicyDocument=policy)
            for name in set(_inline(client, {"Name": role})) - set(wanted):
                _forget(client, "DeleteRolePolicy", RoleName=role, PolicyName=name)
        if "ManagedPolicyArns" in new:
            there = set(_attached(client, role))
            for arn in sorted(set(new["ManagedPolicyArns"]) - there):
                client.call("AttachRolePolicy", RoleName=role, PolicyArn=arn)
            for arn in sorted(there - set(new["ManagedPolicyArns"])):
                _forget(client, "DetachRolePolicy", RoleName=role, PolicyArn=arn)

    def changed(
        self, client: Client, key: Key, content: Tree, members: set[str], old: Tree, new: Tree, olds: Mapping[str, Any]
    ) -> Tree:
        """Each kind of change has a call of its own."""
        role = key["Name"]
        with keeping(self.id_of(content), lambda: dict(olds), "the role was changed in part"):
            if "AssumeRolePolicy" in members:
                client.call("UpdateAssumeRolePolicy", RoleName=role, PolicyDocument=new["AssumeRolePolicy"])
            if members & {"Description", "MaxSessionDuration"}:
                client.call(
                    "UpdateRole",
                    RoleName=role,
                    Description=new.get("Description", ""),
                    MaxSessionDuration=new["MaxSessionDuration"],
                )
            if "PermissionsBoundary" in members:
                if new.get("PermissionsBoundary"):
                    boundary = new["PermissionsBoundary"]
                    client.call("PutRolePermissionsBoundary", RoleName=role, PermissionsBoundary=boundary)
                else:
                    _forget(client, "DeleteRolePermissionsBoundary", RoleName=role)
            if members & {"InlinePolicies", "ManagedPolicyArns"}:
                self._set_policies(client, role, old, new)
        seen = self.describe(client, key)
        return content if seen is None else seen

    def change_tags(self, client: Client, content: Tree, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """IAM's own tag calls."""
        from providers.sagemaker.client import tag_list

        put = {name: value for name, value in new.items() if old.get(name) != value}
        drop = [name for name in old if name not in new]
        if drop:
            client.call("UntagRole", RoleName=content["Name"], TagKeys=drop)
        if put:
            client.call("TagRole", RoleName=content["Name"], Tags=tag_list(put))

    # --- deleting

    def end(self, client: Client, key: Key, props: Mapping[str, Any]) -> None:
        """Without the policies that belong to it: those listed, or all of them if the program says so."""
        role, wanted = key["Name"], self.wanted(props)
        everything = bool(wanted.get("ForceDetachPolicies"))
        if everything or "ManagedPolicyArns" in wanted:
            for arn in _attached(client, role):
                _forget(client, "DetachRolePolicy", RoleName=role, PolicyArn=arn)
        if everything or "InlinePolicies" in wanted:
            for name in _inline(client, key):
                _forget(client, "DeleteRolePolicy", RoleName=role, PolicyName=name)
        try:
            client.call("DeleteRole", RoleName=role)
        except InUseError as error:
            there = [*_attached(client, role), *_inline(client, key)]
            raise InUseError(
                error.summary,
                why=f"It still has policies: {', '.join(there)}." if there else error.why,
                remedy="take them off, or say force_detach_policies=True and run up before the next destroy",
            ) from error

    def list(self) -> Iterator[Found]:
        """Every role of the account that is not AWS's own."""
        for item in self.client().pages("ListRoles", "Roles"):
            if not str(item.get("Path", "")).startswith("/aws-service-role/"):
                yield self.listed({**item, "Name": item["RoleName"]})


def _attached(client: Client, role: str) -> list[str]:
    """The ARNs of the managed policies of a role; none when there is no such role."""
    try:
        return [
            item["PolicyArn"] for item in client.pages("ListAttachedRolePolicies", "AttachedPolicies", RoleName=role)
        ]
    except NotFoundError:
        return []


def _inline(client: Client, key: Key) -> list[str]:
    """The names of the inline policies of a role."""
    try:
        return list(client.pages("ListRolePolicies", "PolicyNames", RoleName=key["Name"]))
    except NotFoundError:
        return []


def _inline_policy(client: Client, role: str, name: str) -> Any:
    answer = client.look("GetRolePolicy", RoleName=role, PolicyName=name) or {}
    return policy_text(answer.get("PolicyDocument"))


def _forget(client: Client, operation: str, **members: Any) -> None:
    """A call that removes something; that it is gone already is fine."""
    client.look(operation, **members)


class RolePolicies(IamType):
    """`aws.iam.RolePolicy`: an inline policy of a role. The ID is `ROLE:NAME`."""

    token = "aws:iam/rolePolicy:RolePolicy"
    structure = "RolePolicy"
    noun = "inline policy"
    key = ("Role", "Name")
    unique = ("Role", "Name")
    marker = "its role and name"
    named_by = "Name"
    autonamed = "Name"
    longest_name = 128
    policies = ("Policy",)
    answers: ClassVar = {}
    id_forms = "ROLE:NAME"

    def id_of(self, content: Mapping[str, Any]) -> str:
        """Role and name."""
        return f"{content.get('Role')}:{content.get('Name')}"

    def describe(self, client: Client, key: Key) -> Tree | None:
        """The policy; None when the role or the policy is gone."""
        answer = client.look("GetRolePolicy", RoleName=key["Role"], PolicyName=key["Name"])
        return None if answer is None else {**key, "Policy": policy_text(answer.get("PolicyDocument"))}

    def _sent(self, client: Client, wanted: Tree) -> Tree:
        self._put(client, wanted)
        return wanted

    def _put(self, client: Client, wanted: Tree) -> None:
        """Put it there, which may be done twice."""
        client.call(
            "PutRolePolicy", RoleName=wanted["Role"], PolicyName=wanted["Name"], PolicyDocument=wanted["Policy"]
        )

    def changed(
        self, client: Client, key: Key, content: Tree, members: set[str], old: Tree, new: Tree, olds: Mapping[str, Any]
    ) -> Tree:
        """Put it there again."""
        if "Policy" in members:
            self._put(client, {**key, "Policy": new["Policy"]})
            content = {**content, "Policy": new["Policy"]}
        return content

    def end(self, client: Client, key: Key, props: Mapping[str, Any]) -> None:
        """Delete it."""
        client.call("DeleteRolePolicy", RoleName=key["Role"], PolicyName=key["Name"])

    def list(self) -> Iterator[Found]:
        """Every inline policy of every role."""
        client = self.client()
        for role in client.pages("ListRoles", "Roles"):
            for name in _inline(client, {"Name": role["RoleName"]}):
                yield self.listed({"Role": role["RoleName"], "Name": name})


class RolePolicyAttachments(IamType):
    """`aws.iam.RolePolicyAttachment`: a managed policy on a role. The ID is `ROLE/POLICY-ARN`."""

    token = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    structure = "RolePolicyAttachment"
    noun = "policy attachment"
    key = ("Role", "PolicyArn")
    unique = ("Role", "PolicyArn")
    marker = "its role and policy"
    named_by = "PolicyArn"
    answers: ClassVar = {}
    id_forms = "ROLE/POLICY-ARN"

    def id_of(self, content: Mapping[str, Any]) -> str:
        """Role and policy."""
        return f"{content.get('Role')}/{content.get('PolicyArn')}"

    def keys_of(self, id_: str) -> list[Key]:
        """From ROLE/POLICY-ARN."""
        role, _, arn = id_.partition("/")
        return [{"Role": role, "PolicyArn": arn}] if role and arn.startswith("arn:") else []

    def describe(self, client: Client, key: Key) -> Tree | None:
        """The attachment; None when the role is gone or does not have the policy."""
        return dict(key) if key["PolicyArn"] in _attached(client, key["Role"]) else None

    def require_free(self, client: Client, wanted: Tree) -> None:
        """Attaching what is attached changes nothing, so it needs no asking."""

    def _sent(self, client: Client, wanted: Tree) -> Tree:
        client.call("AttachRolePolicy", RoleName=wanted["Role"], PolicyArn=wanted["PolicyArn"])
        return wanted

    def end(self, client: Client, key: Key, props: Mapping[str, Any]) -> None:
        """Detach it."""
        client.call("DetachRolePolicy", RoleName=key["Role"], PolicyArn=key["PolicyArn"])

    def list(self) -> Iterator[Found]:
        """Every managed policy on every role."""
        client = self.client()
        for role in client.pages("ListRoles", "Roles"):
            for arn in _attached(client, role["RoleName"]):
                yield self.listed({"Role": role["RoleName"], "PolicyArn": arn})

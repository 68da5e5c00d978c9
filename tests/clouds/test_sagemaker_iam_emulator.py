"""IAM's roles and STS on the port of the SageMaker emulator, driven by boto3; moto as a second opinion.

Not in the SageMaker spec: the reading is of IAM's API reference.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import boto3
import botocore.exceptions
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.sagemaker.emulator import (
    DISABLED_ACCESS_KEY,
    DISABLED_SECRET_KEY,
    EXPIRED_ACCESS_KEY,
    EXPIRED_SECRET_KEY,
    IAM_OPERATIONS,
    OTHER_ACCESS_KEY,
    OTHER_SECRET_KEY,
    SESSION_ACCESS_KEY,
    SESSION_SECRET_KEY,
    SESSION_TOKEN,
    UNSUBSCRIBED_ACCESS_KEY,
    UNSUBSCRIBED_SECRET_KEY,
)
from providers.sagemaker.emulator.answers import QUERY_FAULTS, TRANSLATED
from tests.clouds.sagemaker_cloud import ACCOUNT, CONFIG, NOON, REGION, TRUST, Cloud, moto_server, served

TRUST_TEXT = json.dumps(TRUST)
POLICY = {"Version": "2012-10-17", "Statement": [{"Sid": "A", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
POLICY_TEXT = json.dumps(POLICY, indent=2)
FULL_ACCESS = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
SM = {"RoleName": "sm"}


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with served(tmp_path_factory.mktemp("iam")) as cloud:
        yield cloud


@pytest.fixture
def cloud(one_server: Cloud) -> Cloud:
    """A fresh cloud; its clock stands still."""
    one_server.file.reset()
    one_server.file.freeze(NOON)
    return one_server


def no(cloud: Cloud, code: str, operation: str, **members: Any) -> str:
    return cloud.no(code, operation, "iam", **members)


def post(cloud: Cloud, form: dict[str, str] | bytes, *, service: str = "iam", method: str = "POST", **more: Any) -> Any:
    """A form with our own signature, without a target."""
    body = form if isinstance(form, bytes) else urlencode(form).encode()
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    return cloud.post(cloud.sign(body, headers, service=service, method=method, **more), body, method=method)


# The wire


def test_a_form_in_and_xml_out(cloud: Cloud) -> None:
    form = {"Action": "CreateRole", "Version": "2010-05-08", "RoleName": "sm", "AssumeRolePolicyDocument": TRUST_TEXT}
    answer = post(cloud, {**form, "Tags.member.1.Key": "a<b", "Tags.member.1.Value": ""})
    assert no(cloud, "NoSuchEntity", "get_role", **SM)  # `<` is no letter of a tag
    answer = post(cloud, {**form, "Tags.member.1.Key": "a", "Tags.member.1.Value": ""})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml")
    xml = ElementTree.fromstring(answer.text)
    spaces = {"i": "https://iam.amazonaws.com/doc/2010-05-08/"}
    assert xml.tag == "{https://iam.amazonaws.com/doc/2010-05-08/}CreateRoleResponse"
    role = xml.find("i:CreateRoleResult/i:Role", spaces)
    assert role is not None
    assert role.findtext("i:Arn", "", spaces) == f"arn:aws:iam::{ACCOUNT}:role/sm"
    assert role.findtext("i:CreateDate", "", spaces) == "2023-11-14T22:13:20Z"
    assert role.findtext("i:AssumeRolePolicyDocument", "", spaces).startswith("%7B%22Version%22%3A%20%222012")
    assert role.find("i:Description", spaces) is None
    assert xml.findtext("i:ResponseMetadata/i:RequestId", "", spaces) == answer.headers["x-amzn-requestid"]


def test_the_shape_of_an_error(cloud: Cloud) -> None:
    answer = post(cloud, {"Action": "GetRole", "RoleName": "sm", "Version": "2010-05-08"})
    assert answer.status_code == 404
    assert re.fullmatch(
        '<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>'
        "<Code>NoSuchEntity</Code><Message>The role with name sm cannot be found.</Message></Error>"
        "<RequestId>[0-9a-f-]{36}</RequestId></ErrorResponse>",
        answer.text,
    )


@pytest.mark.parametrize(
    ("form", "service", "code"),
    [
        ({"Action": "CreateUser", "Version": "2010-05-08"}, "iam", "InvalidAction"),
        ({"Action": "", "Version": "2010-05-08"}, "iam", "InvalidAction"),
        ({"Version": "2010-05-08"}, "iam", "InvalidAction"),
        ({"Action": "AssumeRole", "Version": "2011-06-15"}, "sts", "InvalidAction"),
        ({"Action": "GetCallerIdentity"}, "iam", "InvalidAction"),
        (b"\xff=1", "iam", "InvalidAction"),
        (b"a=1&" * 2000, "iam", "InvalidAction"),
        ({"Action": "ListRoles", "MaxItems": "many"}, "iam", "MalformedInput"),
        ({"Action": "ListRoles", "MaxItems": "9" * 30}, "iam", "MalformedInput"),
        ({"Action": "ListRoles", "MaxItems": "1001"}, "iam", "ValidationError"),
        ({"Action": "TagRole", "RoleName": "sm", "Tags.member.1.Key": "a"}, "iam", "ValidationError"),
        ({"Action": "TagRole", "RoleName": "sm", "Tags.member.1": "a"}, "iam", "ValidationError"),
        ({"Action": "TagRole", "RoleName": "sm"}, "iam", "ValidationError"),
    ],
)
def test_forms_that_are_refused(cloud: Cloud, form: Any, service: str, code: str) -> None:
    answer = post(cloud, form, service=service)
    assert answer.status_code == 400
    assert f"<Code>{code}</Code>" in answer.text


def test_only_posts(cloud: Cloud) -> None:
    answer = post(cloud, {"Action": "ListRoles"}, method="PUT")
    assert "<Code>InvalidAction</Code>" in answer.text


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"key": "AKIAWORKSTEADNOBODY0"}, 403, "InvalidClientTokenId"),
        ({"key": DISABLED_ACCESS_KEY, "secret": DISABLED_SECRET_KEY}, 403, "InvalidClientTokenId"),
        ({"key": EXPIRED_ACCESS_KEY, "secret": EXPIRED_SECRET_KEY}, 403, "ExpiredToken"),
        ({"key": UNSUBSCRIBED_ACCESS_KEY, "secret": UNSUBSCRIBED_SECRET_KEY}, 403, "OptInRequired"),
        ({"secret": "wrong"}, 403, "SignatureDoesNotMatch"),
        ({"at": 1_600_000_000.0}, 403, "SignatureDoesNotMatch"),
        ({"unsigned": ("host",)}, 403, "SignatureDoesNotMatch"),
    ],
)
def test_signatures_that_are_refused(cloud: Cloud, more: dict[str, Any], status: int, code: str) -> None:
    answer = post(cloud, {"Action": "ListRoles", "Version": "2010-05-08"}, **more)
    assert answer.status_code == status
    assert f"<Code>{code}</Code>" in answer.text


def test_which_api_an_unsigned_form_is_meant_for(cloud: Cloud) -> None:
    for body, namespace in (
        (b"Action=ListRoles&Version=2010-05-08", "iam"),
        (b"Action=GetCallerIdentity&Version=2011-06-15", "sts"),
        (b"Action=Anything", "iam"),
    ):
        answer = cloud.post({}, body)
        assert answer.status_code == 403
        assert f"https://{namespace}.amazonaws.com/doc/" in answer.text
        assert "<Code>MissingAuthenticationToken</Code>" in answer.text
    assert cloud.post({}, b"").json()["__type"] == "MissingAuthenticationTokenException"


def test_a_signature_is_for_one_service(cloud: Cloud) -> None:
    body = b"{}"
    headers = {"x-amz-target": "SageMaker.ListDomains", "content-type": "application/x-amz-json-1.1"}
    answer = cloud.post(cloud.sign(body, headers, service="iam"), body)
    assert "correct service: 'sagemaker'" in answer.json()["message"]


# Who is asking


def test_caller_identity(cloud: Cloud) -> None:
    found = cloud.client("sts").get_caller_identity()
    assert found["Account"] == ACCOUNT
    assert found["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/example-user"
    session = {"key": SESSION_ACCESS_KEY, "secret": SESSION_SECRET_KEY, "token": SESSION_TOKEN}
    found = cloud.client("sts", **session).get_caller_identity()
    assert found["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/example-role/example-session"
    assert found["UserId"].endswith(":example-session")
    other = cloud.client("sts", key=OTHER_ACCESS_KEY, secret=OTHER_SECRET_KEY).get_caller_identity()
    assert other["Account"] == "444455556666"
    china = cloud.client("sts", region="cn-north-1").get_caller_identity()
    assert china["Arn"].startswith("arn:aws-cn:iam::")


# Roles


def test_the_life_of_a_role(cloud: Cloud) -> None:
    tags = [{"Key": "b", "Value": "2"}, {"Key": "a", "Value": ""}]
    made = cloud.iam.create_role(
        **SM,
        Path="/service-role/",
        AssumeRolePolicyDocument=TRUST_TEXT,
        Description="for workspaces ü",
        MaxSessionDuration=7200,
        PermissionsBoundary=FULL_ACCESS,
        Tags=tags,
    )["Role"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/service-role/sm"
    assert re.fullmatch("AROA[A-Z2-7]{17}", made["RoleId"])
    assert made["CreateDate"].timestamp() == NOON
    found = cloud.iam.get_role(**SM)["Role"]
    assert found == {
        **made,
        "MaxSessionDuration": 7200,
        "RoleLastUsed": {},
        "AssumeRolePolicyDocument": TRUST,
        "Tags": sorted(tags, key=lambda tag: tag["Key"]),
        "PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": FULL_ACCESS},
    }
    cloud.iam.update_role(**SM, Description="other")
    cloud.iam.update_role(**SM, MaxSessionDuration=3600)
    found = cloud.iam.get_role(**SM)["Role"]
    assert (found["Description"], found["MaxSessionDuration"]) == ("other", 3600)
    assert cloud.iam.update_role_description(**SM, Description="third")["Role"]["Description"] == "third"
    cloud.iam.update_role(**SM, Description="")
    assert "Description" not in cloud.iam.get_role(**SM)["Role"]
    closed = {"Version": "2012-10-17", "Statement": [{**TRUST["Statement"][0], "Effect": "Deny"}]}  # type: ignore[dict-item]
    cloud.iam.update_assume_role_policy(**SM, PolicyDocument=json.dumps(closed))
    assert cloud.iam.get_role(**SM)["Role"]["AssumeRolePolicyDocument"] == closed
    cloud.iam.delete_role_permissions_boundary(**SM)
    assert "PermissionsBoundary" not in cloud.iam.get_role(**SM)["Role"]
    no(cloud, "NoSuchEntity", "delete_role_permissions_boundary", **SM)
    cloud.iam.put_role_permissions_boundary(**SM, PermissionsBoundary=FULL_ACCESS)
    assert cloud.iam.list_instance_profiles_for_role(**SM)["InstanceProfiles"] == []
    cloud.iam.delete_role(**SM)
    for operation, more in (
        ("get_role", {}),
        ("delete_role", {}),
        ("update_role", {"Description": "x"}),
        ("update_assume_role_policy", {"PolicyDocument": TRUST_TEXT}),
        ("list_role_tags", {}),
        ("tag_role", {"Tags": []}),
        ("list_role_policies", {}),
        ("put_role_policy", {"PolicyName": "p", "PolicyDocument": POLICY_TEXT}),
        ("attach_role_policy", {"PolicyArn": FULL_ACCESS}),
        ("list_attached_role_policies", {}),
        ("list_instance_profiles_for_role", {}),
    ):
        assert no(cloud, "NoSuchEntity", operation, **SM, **more) == "The role with name sm cannot be found."
    assert cloud.file.objects() == []


def test_names_of_roles(cloud: Cloud) -> None:
    cloud.role("Sm")
    assert cloud.iam.get_role(RoleName="sM")["Role"]["RoleName"] == "Sm"
    said = no(cloud, "EntityAlreadyExists", "create_role", **SM, AssumeRolePolicyDocument=TRUST_TEXT)
    assert said == "Role with name sm already exists."
    for name in ("", "a b", "a" * 65, "a/b"):
        said = no(cloud, "ValidationError", "create_role", RoleName=name, AssumeRolePolicyDocument=TRUST_TEXT)
        assert "at 'roleName' failed to satisfy constraint: Member must" in said
        assert "pattern: ^" not in said  # an anchor is SageMaker's way
    for path in ("x", "/x", "x/"):
        no(cloud, "ValidationError", "create_role", **SM, Path=path, AssumeRolePolicyDocument=TRUST_TEXT)


def test_accounts_have_their_own_roles_and_regions_do_not(cloud: Cloud) -> None:
    cloud.role()
    assert cloud.client("iam", region="us-west-2").get_role(**SM)["Role"]["RoleName"] == "sm"
    other = cloud.client("iam", key=OTHER_ACCESS_KEY, secret=OTHER_SECRET_KEY)
    with pytest.raises(other.exceptions.NoSuchEntityException):
        other.get_role(**SM)


def test_lists_of_roles(cloud: Cloud) -> None:
    for number in range(5):
        path = "/service-role/" if number % 2 else "/"
        cloud.iam.create_role(
            RoleName=f"r{number}", Path=path, AssumeRolePolicyDocument=TRUST_TEXT, Tags=[{"Key": "a", "Value": "b"}]
        )
    roles = cloud.iam.list_roles(PathPrefix="/service-role/")["Roles"]
    assert [role["RoleName"] for role in roles] == ["r1", "r3"]
    assert not {"Tags", "RoleLastUsed"} & roles[0].keys()
    first = cloud.iam.list_roles(MaxItems=2)
    assert (first["IsTruncated"], first["Marker"]) == (True, "r1")
    pages = cloud.iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 2})
    assert [role["RoleName"] for page in pages for role in page["Roles"]] == [f"r{number}" for number in range(5)]
    last = cloud.iam.list_roles(Marker="r3")
    assert last["IsTruncated"] is False
    assert "Marker" not in last


def test_tags_of_a_role(cloud: Cloud) -> None:
    cloud.role()
    cloud.iam.tag_role(**SM, Tags=[{"Key": "b", "Value": "1"}, {"Key": "a", "Value": "2"}])
    cloud.iam.tag_role(**SM, Tags=[{"Key": "b", "Value": "3"}])
    found = cloud.iam.list_role_tags(**SM)
    assert found["Tags"] == [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}]
    assert [len(page["Tags"]) for page in cloud.iam.get_paginator("list_role_tags").paginate(
        **SM, PaginationConfig={"PageSize": 1}
    )] == [1, 1]  # fmt: skip
    cloud.iam.untag_role(**SM, TagKeys=["a", "nothing"])
    assert cloud.iam.get_role(**SM)["Role"]["Tags"] == [{"Key": "b", "Value": "3"}]
    for wrong in ([{"Key": "x", "Value": ""}, {"Key": "X", "Value": ""}], [{"Key": "aws:x", "Value": ""}]):
        no(cloud, "InvalidInput", "tag_role", **SM, Tags=wrong)
    many = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    no(cloud, "LimitExceeded", "tag_role", **SM, Tags=many)
    no(cloud, "ValidationError", "tag_role", **SM, Tags=[{"Key": "a!", "Value": ""}])


# Inline policies


def test_the_life_of_an_inline_policy(cloud: Cloud) -> None:
    cloud.role()
    policy = {**SM, "PolicyName": "p"}
    assert no(cloud, "NoSuchEntity", "get_role_policy", **policy) == "The role policy with name p cannot be found."
    cloud.iam.put_role_policy(**policy, PolicyDocument=POLICY_TEXT)
    found = cloud.iam.get_role_policy(**policy)
    assert (found["RoleName"], found["PolicyName"], found["PolicyDocument"]) == ("sm", "p", POLICY)
    other = {**POLICY, "Statement": {"Effect": "Deny", "NotAction": ["a:b"], "NotResource": ["x"]}}
    cloud.iam.put_role_policy(**policy, PolicyDocument=json.dumps(other))
    assert cloud.iam.get_role_policy(**policy)["PolicyDocument"] == other
    cloud.iam.put_role_policy(**{**policy, "PolicyName": "a"}, PolicyDocument=POLICY_TEXT)
    assert cloud.iam.list_role_policies(**SM)["PolicyNames"] == ["a", "p"]
    assert cloud.iam.list_role_policies(**SM, MaxItems=1)["Marker"] == "a"
    assert no(cloud, "DeleteConflict", "delete_role", **SM) == "Cannot delete entity, must delete policies first."
    for name in ("a", "p"):
        cloud.iam.delete_role_policy(**SM, PolicyName=name)
    no(cloud, "NoSuchEntity", "delete_role_policy", **policy)
    cloud.iam.delete_role(**SM)


def test_the_size_of_inline_policies(cloud: Cloud) -> None:
    cloud.role()
    large = json.dumps({**POLICY, "Statement": [{**POLICY["Statement"][0], "Resource": ["x" * 6000]}]})  # type: ignore[dict-item]
    cloud.iam.put_role_policy(**SM, PolicyName="a", PolicyDocument=large)
    cloud.iam.put_role_policy(**SM, PolicyName="a", PolicyDocument=large + " " * 9000)  # itself again, and white space
    said = no(cloud, "LimitExceeded", "put_role_policy", **SM, PolicyName="b", PolicyDocument=large)
    assert said == "Maximum policy size of 10240 bytes exceeded for role sm"


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("{", "This policy contains invalid Json"),
        ("[" * 10_000, "This policy contains invalid Json"),
        ("[]", "Syntax errors in policy."),
        ("{}", "Syntax errors in policy."),
        ({"Statement": []}, "Syntax errors in policy."),
        ({"Statement": ["x"]}, "Syntax errors in policy."),
        ({"Statement": {"Effect": "Perhaps"}}, "Syntax errors in policy."),
        ({**POLICY, "Version": "2020-01-01"}, "Policy document must be version 2012-10-17 or greater."),
        ({**POLICY, "Colour": "red"}, "Syntax errors in policy."),
        ({"Statement": {"Effect": "Allow", "Resource": "*"}}, "Missing required field Action"),
        ({"Statement": {"Effect": "Allow", "Action": [], "Resource": "*"}}, "Missing required field Action"),
        ({"Statement": {"Effect": "Allow", "Action": 5, "Resource": "*"}}, "Syntax errors in policy."),
        ({"Statement": {"Effect": "Allow", "Action": "a:b"}}, "Policy statement must contain resources."),
        ({"Statement": {"Effect": "Allow", "Action": "a:b", "NotAction": "c:d", "Resource": "*"}}, "Syntax errors in"),
        (
            {"Statement": {"Effect": "Allow", "Action": "a:b", "Resource": "*", "Principal": "*"}},
            "Policy document should not specify a principal.",
        ),
        ({"Statement": {**POLICY["Statement"][0], "Sid": 1}}, "Syntax errors in policy."),  # type: ignore[dict-item]
        ({"Statement": {**POLICY["Statement"][0], "Condition": "x"}}, "Syntax errors in policy."),  # type: ignore[dict-item]
        ({"Statement": {**POLICY["Statement"][0], "Other": "x"}}, "Syntax errors in policy."),  # type: ignore[dict-item]
        ({"Statement": POLICY["Statement"] * 2}, "Statement IDs (SID) in a single policy must be unique."),  # type: ignore[operator]
    ],
)
def test_malformed_policies(cloud: Cloud, document: Any, text: str) -> None:
    cloud.role()
    given = document if isinstance(document, str) else json.dumps(document)
    said = no(cloud, "MalformedPolicyDocument", "put_role_policy", **SM, PolicyName="p", PolicyDocument=given)
    assert said.startswith(text)


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ({"Resource": "*"}, "Has prohibited field Resource"),
        ({"Principal": None}, "Missing required field Principal"),
        ({"Principal": {}}, "Missing required field Principal"),
        ({"Principal": "me"}, "Syntax errors in policy."),
        ({"Principal": {"Robot": "x"}}, "Syntax errors in policy."),
        ({"Principal": {"Service": 5}}, "Syntax errors in policy."),
        ({"Principal": {"Service": "sagemaker"}}, 'Invalid principal in policy: "SERVICE":"sagemaker"'),
        ({"NotPrincipal": {"AWS": "*"}}, "Syntax errors in policy."),
    ],
)
def test_malformed_trust(cloud: Cloud, statement: dict[str, Any], text: str) -> None:
    whole = {**TRUST["Statement"][0], **statement}  # type: ignore[dict-item]
    document = json.dumps({"Statement": [{name: value for name, value in whole.items() if value is not None}]})
    assert no(cloud, "MalformedPolicyDocument", "create_role", **SM, AssumeRolePolicyDocument=document) == text
    cloud.role()
    assert no(cloud, "MalformedPolicyDocument", "update_assume_role_policy", **SM, PolicyDocument=document) == text
    trusted = {"Principal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:root"], "Federated": "cognito-identity.amazonaws.com"}}
    good = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", **trusted}]}
    cloud.iam.update_assume_role_policy(**SM, PolicyDocument=json.dumps(good))


def test_a_trust_policy_too_long(cloud: Cloud) -> None:
    long = {**TRUST["Statement"][0], "Sid": "a" * 2048}  # type: ignore[dict-item]
    document = json.dumps({"Statement": [long]})
    no(cloud, "LimitExceeded", "create_role", **SM, AssumeRolePolicyDocument=document)
    cloud.switch("role-quota", "1")
    cloud.role()
    said = no(cloud, "LimitExceeded", "create_role", RoleName="b", AssumeRolePolicyDocument=TRUST_TEXT)
    assert said == "Cannot exceed quota for RolesPerAccount: 1"


# Attached policies


def test_attaching(cloud: Cloud) -> None:
    cloud.role()
    data = "arn:aws:iam::aws:policy/job-function/DataScientist"
    assert no(cloud, "NoSuchEntity", "detach_role_policy", **SM, PolicyArn=data) == f"Policy {data} was not found."
    for arn in (FULL_ACCESS, data, FULL_ACCESS):
        cloud.iam.attach_role_policy(**SM, PolicyArn=arn)
    attached = cloud.iam.list_attached_role_policies(**SM)["AttachedPolicies"]
    assert attached == [
        {"PolicyName": "AmazonSageMakerFullAccess", "PolicyArn": FULL_ACCESS},
        {"PolicyName": "DataScientist", "PolicyArn": data},
    ]
    narrowed = cloud.iam.list_attached_role_policies(**SM, PathPrefix="/job-function/")["AttachedPolicies"]
    assert narrowed == attached[1:]
    policy = cloud.iam.get_policy(PolicyArn=data)["Policy"]
    assert (policy["PolicyName"], policy["Path"], policy["AttachmentCount"]) == ("DataScientist", "/job-function/", 1)
    said = no(cloud, "DeleteConflict", "delete_role", **SM)
    assert said == "Cannot delete entity, must detach all policies first."
    for arn in (FULL_ACCESS, data):
        cloud.iam.detach_role_policy(**SM, PolicyArn=arn)
    cloud.iam.delete_role(**SM)


def test_policies_there_are_not(cloud: Cloud) -> None:
    cloud.role()
    for arn, code in (
        (f"arn:aws:iam::{ACCOUNT}:policy/mine", "NoSuchEntity"),
        ("arn:aws-cn:iam::aws:policy/AmazonSageMakerFullAccess", "NoSuchEntity"),
        ("arn:aws:iam::aws:role/AmazonSageMakerFullAccess", "InvalidInput"),
        ("not an arn but long enough", "InvalidInput"),
        ("short", "ValidationError"),
    ):
        no(cloud, code, "attach_role_policy", **SM, PolicyArn=arn)
        no(cloud, code, "get_policy", PolicyArn=arn)
        no(cloud, code, "put_role_permissions_boundary", **SM, PermissionsBoundary=arn)
    anything = "arn:aws:iam::aws:policy/AnythingAtAll"
    cloud.iam.get_policy(PolicyArn=anything)
    cloud.switch("managed-policies", "listed")
    said = no(cloud, "NoSuchEntity", "attach_role_policy", **SM, PolicyArn=anything)
    assert said == f"Policy {anything} does not exist or is not attachable."
    cloud.iam.attach_role_policy(**SM, PolicyArn=FULL_ACCESS)
    cloud.switch("managed-policies", "any")
    for number in range(9):
        cloud.iam.attach_role_policy(**SM, PolicyArn=f"{anything}{number}")
    no(cloud, "LimitExceeded", "attach_role_policy", **SM, PolicyArn=anything)


# Faults and the file


def test_what_the_command_line_shows(cloud: Cloud) -> None:
    cloud.role()
    cloud.iam.put_role_policy(**SM, PolicyName="p", PolicyDocument=POLICY_TEXT)
    cloud.iam.attach_role_policy(**SM, PolicyArn=FULL_ACCESS)
    rows = [(row["type"], row["id"], row["name"]) for row in cloud.file.objects()]
    assert rows == [
        ("Role", "sm", "sm"),
        ("RolePolicy", "sm:p", "p"),
        ("RolePolicyAttachment", f"sm/{FULL_ACCESS}", "AmazonSageMakerFullAccess"),
    ]
    last = cloud.file.log()[-1]
    assert (last["operation"], last["object"], last["status"]) == ("iam:AttachRolePolicy", f"sm/{FULL_ACCESS}", 200)
    cloud.file.edit("sagemaker", "sm", {"Description": "by hand"}, type="Role")
    assert cloud.iam.get_role(**SM)["Role"]["Description"] == "by hand"
    cloud.file.delete("sagemaker", "sm")  # at the console, with its policies
    assert cloud.file.objects() == []


def test_faults_in_iams_words(cloud: Cloud) -> None:
    cloud.role()
    cloud.fault("throttle", times=2)
    assert no(cloud, "Throttling", "get_role", **SM) == "Rate exceeded"
    assert cloud.no("ThrottlingException", "list_domains") == "Rate exceeded"
    cloud.fault("quota", "iam:CreateRole")
    no(cloud, "LimitExceeded", "create_role", **SM, AssumeRolePolicyDocument=TRUST_TEXT)
    cloud.fault("throttle", "iam:*")
    cloud.sm.list_domains()
    no(cloud, "Throttling", "list_roles")
    cloud.fault("drop-after", "iam:DeleteRole", object="sm")
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        cloud.iam.delete_role(**SM)
    no(cloud, "NoSuchEntity", "get_role", **SM)


@pytest.mark.parametrize("code", sorted(QUERY_FAULTS))
def test_any_error_by_its_code(cloud: Cloud, code: str) -> None:
    cloud.fault("error", "iam:ListRoles", code=code, message="because <&>")
    answer = post(cloud, {"Action": "ListRoles", "Version": "2010-05-08"})
    assert answer.status_code == QUERY_FAULTS[code][0]
    assert f"<Code>{code}</Code><Message>because &lt;&amp;&gt;</Message>" in answer.text
    blame = "Receiver" if answer.status_code >= 500 else "Sender"
    assert f"<Type>{blame}</Type>" in answer.text


def test_codes_are_translated(cloud: Cloud) -> None:
    for code, translated in TRANSLATED.items():
        assert translated in QUERY_FAULTS
        cloud.fault("error", "iam:ListRoles", code=code)
        no(cloud, translated, "list_roles")


# moto as a second opinion


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with moto_server() as url:
        yield url


# Where they differ: a role being made shows neither of the first two in IAM; moto leaves the third out of one list.
APART = {"MaxSessionDuration", "RoleLastUsed", "IsTruncated"}


def test_moto_agrees_where_it_is_right(tmp_path: Path, moto: str) -> None:
    theirs = boto3.client(
        "iam", endpoint_url=moto, region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b", config=CONFIG
    )
    policy, twin = {**SM, "PolicyName": "p"}, {**POLICY, "Statement": POLICY["Statement"] * 2}  # type: ignore[operator]
    script: list[tuple[str, dict[str, Any]]] = [
        ("get_role", SM),
        ("delete_role", SM),
        ("create_role", {**SM, "AssumeRolePolicyDocument": TRUST_TEXT, "Tags": [{"Key": "a", "Value": "b"}]}),
        ("create_role", {**SM, "AssumeRolePolicyDocument": TRUST_TEXT}),
        ("get_role", SM),
        ("update_role", {**SM, "Description": "d", "MaxSessionDuration": 7200}),
        ("update_role_description", {**SM, "Description": "e"}),
        ("list_roles", {}),
        ("update_assume_role_policy", {**SM, "PolicyDocument": TRUST_TEXT}),
        ("update_assume_role_policy", {**SM, "PolicyDocument": "{"}),
        ("tag_role", {**SM, "Tags": [{"Key": "c", "Value": "d"}]}),
        ("tag_role", {**SM, "Tags": [{"Key": "x", "Value": ""}, {"Key": "X", "Value": ""}]}),
        ("list_role_tags", SM),
        ("untag_role", {**SM, "TagKeys": ["c"]}),
        ("get_role_policy", policy),
        ("put_role_policy", {**policy, "PolicyDocument": POLICY_TEXT}),
        ("put_role_policy", {**policy, "PolicyDocument": json.dumps(twin)}),
        ("put_role_policy", {**policy, "PolicyDocument": json.dumps({**POLICY, "Version": "2020-01-01"})}),
        ("get_role_policy", policy),
        ("list_role_policies", SM),
        ("delete_role", SM),
        ("delete_role_policy", policy),
        ("delete_role_policy", policy),
        ("list_attached_role_policies", SM),
        ("list_instance_profiles_for_role", SM),
        ("attach_role_policy", {**SM, "PolicyArn": "arn:aws:iam::aws:policy/NoSuchPolicyAtAll"}),
        ("detach_role_policy", {**SM, "PolicyArn": FULL_ACCESS}),
        ("get_policy", {"PolicyArn": "arn:aws:iam::aws:policy/NoSuchPolicyAtAll"}),
        ("delete_role", SM),
        ("get_role", SM),
    ]

    def said(client: Any, operation: str, members: dict[str, Any]) -> Any:
        try:
            answer = getattr(client, operation)(**members)
        except botocore.exceptions.ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
        return {name: sorted(each) if isinstance(each, dict) else type(each) for name, each in answer.items()}

    with served(tmp_path) as cloud:
        cloud.switch("managed-policies", "listed")
        for operation, members in script:
            mine, its = said(cloud.iam, operation, members), said(theirs, operation, members)
            if isinstance(mine, tuple):
                assert mine == its, (operation, members, mine, its)
            else:
                assert mine.keys() - APART == its.keys() - APART, (operation, mine, its)
                for name in mine.keys() - {"ResponseMetadata", *APART}:
                    apart = APART if isinstance(mine[name], list) else set()
                    assert mine[name] == its[name] or set(mine[name]) - apart == set(its[name]) - apart, operation
    theirs.close()


# Random members: always one of the documented shapes

FIELDS = st.sampled_from(
    """
    RoleName Path AssumeRolePolicyDocument PolicyDocument PolicyName PolicyArn Description MaxSessionDuration Marker
    MaxItems PathPrefix PermissionsBoundary Tags Tags.member.1 Tags.member.1.Key Tags.member.1.Value Tags.member.x
    Tags.member.2.Key TagKeys.member.1 TagKeys.member.1.x TagKeys RoleName.member.1 Action Version
    """.split()  # noqa: SIM905
)
VALUES = st.one_of(
    st.sampled_from(
        ["sm", "p", "/", "/a/", TRUST_TEXT, POLICY_TEXT, FULL_ACCESS, "5", "3600", "a", "{}", "[]", "null"]
    ),
    st.text(max_size=12),
    st.recursive(
        st.one_of(st.none(), st.text(max_size=4), st.sampled_from(["Allow", "*", "sts:AssumeRole"])),
        lambda inner: st.one_of(
            st.lists(inner, max_size=2),
            st.dictionaries(
                st.sampled_from(["Statement", "Effect", "Action", "Principal", "Service", "Resource", "Sid"]), inner
            ),
        ),
        max_leaves=6,
    ).map(json.dumps),
)


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    action=st.sampled_from(sorted(IAM_OPERATIONS)),
    form=st.dictionaries(FIELDS, VALUES, max_size=6),
    named=st.booleans(),
    raw=st.one_of(st.none(), st.binary(max_size=40)),
)
def test_whatever_comes_in_a_documented_shape_goes_out(
    cloud: Cloud,
    caplog: pytest.LogCaptureFixture,
    action: str,
    form: dict[str, str],
    named: bool,
    raw: bytes | None,
) -> None:
    if not any(row["id"] == "sm" for row in cloud.file.objects()):
        cloud.role()
    whole = {"Action": action, "Version": "2010-05-08", **({"RoleName": "sm"} if named else {}), **form}
    with caplog.at_level(logging.WARNING):
        answer = post(cloud, whole if raw is None else raw)
    assert not caplog.records, whole
    assert answer.status_code in (200, 400, 404, 409)
    xml = ElementTree.fromstring(answer.text)
    assert xml.tag.endswith("Response")

"""The wire of the SageMaker emulator: JSON 1.1, Signature Version 4, constraints from botocore's model.

Section numbers are those of the SageMaker spec. What the operations do is in `test_sagemaker_emulator`.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import botocore.exceptions
import pytest
from botocore.loaders import Loader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.sagemaker.emulator import (
    DISABLED_ACCESS_KEY,
    DISABLED_SECRET_KEY,
    EXPIRED_ACCESS_KEY,
    EXPIRED_SECRET_KEY,
    IAM_OPERATIONS,
    OPERATIONS,
    OTHER_ACCESS_KEY,
    OTHER_SECRET_KEY,
    SESSION_ACCESS_KEY,
    SESSION_SECRET_KEY,
    SESSION_TOKEN,
    UNSUBSCRIBED_ACCESS_KEY,
    UNSUBSCRIBED_SECRET_KEY,
    SageMakerEmulator,
)
from providers.sagemaker.emulator import _model as model_of
from providers.sagemaker.emulator.constraints import TAG_TEXT, matches
from tests.clouds.sagemaker_cloud import ACCOUNT, NOON, NOTEBOOK, ROLE, Cloud, arn, fresh, served


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with served(tmp_path_factory.mktemp("sagemaker")) as cloud:
        yield cloud


@pytest.fixture
def cloud(one_server: Cloud) -> Iterator[Cloud]:
    with fresh(one_server):
        yield one_server


# 2: the wire


def test_the_round_trip_of_section_2(cloud: Cloud) -> None:
    body = f'{{"NotebookInstanceName":"nb-a","InstanceType":"ml.t3.medium","RoleArn":"{ROLE}"}}'
    answer = cloud.signed("CreateNotebookInstance", body.encode())
    assert answer.status_code == 200
    assert answer.json() == {"NotebookInstanceArn": arn("notebook-instance/nb-a")}
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.headers["x-amzn-requestid"])
    assert parsedate_to_datetime(answer.headers["date"]).timestamp() == NOON


def test_times_are_numbers_and_unset_members_are_left_out(cloud: Cloud) -> None:
    cloud.file.freeze(NOON + 0.5004)
    cloud.signed("CreateNotebookInstance", json.dumps(NOTEBOOK).encode())
    found = cloud.signed("DescribeNotebookInstance", b'{"NotebookInstanceName":"nb"}').json()
    assert found["CreationTime"] == NOON + 0.5
    assert found == {
        **NOTEBOOK,
        "NotebookInstanceArn": arn("notebook-instance/nb"),
        "NotebookInstanceStatus": "Pending",
        "Url": "nb.notebook.eu-west-1.sagemaker.aws",
        "CreationTime": NOON + 0.5,
        "LastModifiedTime": NOON + 0.5,
        # server's defaults (5.1)
        "DirectInternetAccess": "Enabled",
        "RootAccess": "Enabled",
        "VolumeSizeInGB": 5,
        "PlatformIdentifier": "notebook-al2023-v1",
        "IpAddressType": "ipv4",
        "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "1"},
    }


def test_empty_answers(cloud: Cloud) -> None:
    cloud.notebook()
    stopped = cloud.signed("StopNotebookInstance", b'{"NotebookInstanceName":"nb"}')
    assert (stopped.status_code, stopped.content, stopped.headers["content-length"]) == (200, b"", "0")
    cloud.advance(120)
    body = b'{"NotebookInstanceName":"nb","VolumeSizeInGB":6}'
    assert cloud.signed("UpdateNotebookInstance", body).json() == {}  # an output shape without members


def test_the_shape_of_an_error(cloud: Cloud) -> None:
    plain = cloud.signed("DescribeNotebookInstance", b'{"NotebookInstanceName":"nb"}')
    assert (plain.status_code, plain.json()) == (400, {"__type": "ValidationException", "message": "RecordNotFound"})
    assert plain.headers["x-amzn-errortype"] == "ValidationException"
    modelled = cloud.signed("DescribeDomain", b'{"DomainId":"d-nowhere"}')
    assert modelled.status_code == 400
    assert modelled.json().keys() == {"__type", "Message"}
    assert modelled.json()["__type"] == "ResourceNotFound"
    for each in (plain, modelled):
        assert each.headers["x-amzn-requestid"]


def test_the_45_operations() -> None:
    """Of section 13, all of them in the model with the outputs they have here."""
    assert len(OPERATIONS) == 45
    model = Loader().load_service_model("sagemaker", "service-2")
    assert set(OPERATIONS) <= set(model["operations"])
    assert {f"iam:{name}" for name in IAM_OPERATIONS} | set(OPERATIONS) | {"sts:GetCallerIdentity"} == set(
        SageMakerEmulator.operations
    )


@pytest.mark.parametrize("target", ["SageMaker.CreateNothing", "SageMaker.CreateModel", "CreateApp", "", "SageMaker."])
def test_operations_there_are_not(cloud: Cloud, target: str) -> None:
    answer = cloud.signed("", headers={"x-amz-target": target})
    assert (answer.status_code, answer.json()["__type"]) == (400, "UnknownOperationException")


def test_only_posts_of_json_to_the_root(cloud: Cloud) -> None:
    for more in (
        {"method": "GET"},
        {"method": "PUT"},
        {"path": "/elsewhere"},
        {"headers": {"content-type": "text/plain"}},
    ):
        answer = cloud.signed("ListDomains", **more)
        assert answer.json()["__type"] == "UnknownOperationException"
    assert cloud.signed("ListDomains", headers={"content-type": "application/x-amz-json-1.0"}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff", b"{'a': 1}", b'{"MaxResults": NaN}', b"[" * 100_000, b'{"NextToken": "\\ud800"}', b"[]", b'"x"'],
)
def test_bodies_that_are_no_json_object(cloud: Cloud, body: bytes) -> None:
    answer = cloud.signed("ListDomains", body)
    assert (answer.status_code, answer.json()["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"NotebookInstanceName": 5}, "NUMBER_VALUE can not be converted to a String"),
        ({"NotebookInstanceName": True}, "TRUE_VALUE can not be converted to a String"),
        ({"NotebookInstanceName": ["nb"]}, "Start of list found where not expected."),
        ({"VolumeSizeInGB": "5"}, "STRING_VALUE can not be converted to an Integer"),
        ({"VolumeSizeInGB": 5.0}, "NUMBER_VALUE can not be converted to an Integer"),
        ({"VolumeSizeInGB": False}, "FALSE_VALUE can not be converted to an Integer"),
        ({"VolumeSizeInGB": 2**63}, "NUMBER_VALUE can not be converted to an Integer"),
        ({"VolumeSizeInGB": {}}, "Start of structure or map found where not expected."),
        ({"Tags": "a"}, "Expected list or null"),
        ({"Tags": [1]}, "Expected structure or map or null"),
        ({"InstanceMetadataServiceConfiguration": []}, "Start of list found where not expected."),
    ],
)
def test_values_of_a_wrong_type(cloud: Cloud, members: dict[str, Any], text: str) -> None:
    answer = cloud.signed("CreateNotebookInstance", json.dumps({**NOTEBOOK, **members}).encode())
    assert answer.json() == {"__type": "SerializationException", "message": text}
    assert cloud.file.objects() == []


def test_types_of_times_and_booleans(cloud: Cloud) -> None:
    for value in ("2023-11-14", True, [], 1e300):
        answer = cloud.signed("ListNotebookInstances", json.dumps({"CreationTimeAfter": value}).encode())
        assert answer.json()["__type"] == "SerializationException"
    answer = cloud.signed("CreateApp", b'{"RecoveryMode": "yes"}')
    assert answer.json()["message"] == "STRING_VALUE can not be converted to a Boolean"


def test_an_empty_body_nulls_and_strangers(cloud: Cloud) -> None:
    assert cloud.signed("ListDomains", b"").json() == {"Domains": []}
    body = {**NOTEBOOK, "SubnetId": None, "Colour": "red", "Tags": [{"Key": "a", "Value": "b", "More": 1}]}
    assert cloud.signed("CreateNotebookInstance", json.dumps(body).encode()).status_code == 200
    found = cloud.sm.describe_notebook_instance(NotebookInstanceName="nb")
    assert not {"Colour", "SubnetId"} & found.keys()


# SigV4


def test_our_own_signature_is_accepted(cloud: Cloud) -> None:
    assert cloud.signed("ListDomains").status_code == 200
    for more in ({"x-custom": "two   words"}, {"amz-sdk-request": "attempt=1; max=3"}):
        assert cloud.signed("ListDomains", headers=more, unsigned=()).status_code == 200


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"key": "AKIAWORKSTEADNOBODY0"}, "UnrecognizedClientException"),
        ({"key": DISABLED_ACCESS_KEY, "secret": DISABLED_SECRET_KEY}, "UnrecognizedClientException"),
        ({"key": UNSUBSCRIBED_ACCESS_KEY, "secret": UNSUBSCRIBED_SECRET_KEY}, "SubscriptionRequiredException"),
        ({"key": EXPIRED_ACCESS_KEY, "secret": EXPIRED_SECRET_KEY}, "ExpiredTokenException"),
        ({"key": EXPIRED_ACCESS_KEY, "secret": "wrong"}, "InvalidSignatureException"),
        ({"key": SESSION_ACCESS_KEY, "secret": SESSION_SECRET_KEY}, "UnrecognizedClientException"),
        ({"secret": "wrong"}, "InvalidSignatureException"),
        ({"service": "s3"}, "InvalidSignatureException"),
        ({"unsigned": ("x-amz-target",)}, "InvalidSignatureException"),
        ({"unsigned": ("host",)}, "InvalidSignatureException"),
        ({"late": 301}, "InvalidSignatureException"),
        ({"late": -400}, "InvalidSignatureException"),
    ],
)
def test_signatures_that_are_refused(cloud: Cloud, more: dict[str, Any], code: str) -> None:
    timing = {"at": time.time() - more["late"]} if "late" in more else more
    answer = cloud.signed("ListDomains", **timing)
    assert (answer.status_code, answer.json()["__type"]) == (400, code)


def test_what_is_signed_cannot_be_changed(cloud: Cloud) -> None:
    headers = cloud.sign(b"{}", {"x-amz-target": "SageMaker.ListDomains", "content-type": "application/x-amz-json-1.1"})
    assert cloud.post(headers, b"{}").status_code == 200
    for changed, body in (
        (headers, b'{"MaxResults":1}'),
        ({**headers, "x-amz-target": "SageMaker.ListApps"}, b"{}"),
        ({**headers, "authorization": headers["authorization"].replace("eu-west-1", "eu-west-2")}, b"{}"),
        ({**headers, "authorization": headers["authorization"][:-1] + "g"}, b"{}"),
        ({**headers, "x-amz-date": "20200101T000000Z"}, b"{}"),
        ({**headers, "x-amz-date": "soon"}, b"{}"),
        ({**headers, "authorization": "Basic dTpw"}, b"{}"),
        ({name: value for name, value in headers.items() if name != "authorization"}, b"{}"),
    ):
        answer = cloud.post(changed, body)
        assert answer.status_code == 400
        assert answer.json()["__type"].endswith(("SignatureException", "TokenException"))
    assert answer.json() == {"__type": "MissingAuthenticationTokenException", "message": "Missing Authentication Token"}


def test_skew_is_measured_by_either_clock(cloud: Cloud) -> None:
    now = time.time()
    for at, good in ((now, True), (now - 200, True), (NOON, True), (NOON + 290, True), (NOON - 310, False)):
        answer = cloud.signed("ListDomains", at=at)
        assert answer.status_code == (200 if good else 400)
    assert re.fullmatch(
        r"Signature expired: 20231114T220810Z is now earlier than 20231114T220820Z \(20231114T221320Z - 5 min\.\)",
        answer.json()["message"],
    )
    ahead = cloud.signed("ListDomains", at=NOON + 310).json()["message"]
    assert ahead.startswith("Signature not yet current: 20231114T221830Z is still later than 20231114T221820Z")
    cloud.switch("skew", "off")
    assert cloud.signed("ListDomains", at=NOON - 310).status_code == 200


def test_session_tokens(cloud: Cloud) -> None:
    session = {"key": SESSION_ACCESS_KEY, "secret": SESSION_SECRET_KEY}
    assert cloud.client(**session, token=SESSION_TOKEN).list_domains()["Domains"] == []
    for wrong in (cloud.client(**session, token="wrong"), cloud.client(token="needless")):
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            wrong.list_domains()
        assert refused.value.response["Error"]["Code"] == "UnrecognizedClientException"
    cloud.file.add_key("sagemaker", "ASIAADDED", "added", owner="777788889999")
    cloud.client(key="ASIAADDED", secret="added", token="any").list_domains()


def test_added_keys_have_accounts_of_their_own(cloud: Cloud) -> None:
    cloud.file.add_key("sagemaker", "AKIAADDED", "added", owner="777788889999")
    added = cloud.client(key="AKIAADDED", secret="added")
    made = added.create_notebook_instance(**NOTEBOOK)["NotebookInstanceArn"]
    assert made == arn("notebook-instance/nb", account="777788889999")


def test_accounts_and_regions_are_kept_apart(cloud: Cloud) -> None:
    other = cloud.client(key=OTHER_ACCESS_KEY, secret=OTHER_SECRET_KEY)
    elsewhere = cloud.client(region="us-gov-west-1")
    china = cloud.client(region="cn-north-1")
    arns = [
        each.create_notebook_instance(**NOTEBOOK)["NotebookInstanceArn"] for each in (cloud.sm, other, elsewhere, china)
    ]
    assert arns == [
        arn("notebook-instance/nb"),
        arn("notebook-instance/nb", account="444455556666"),
        f"arn:aws-us-gov:sagemaker:us-gov-west-1:{ACCOUNT}:notebook-instance/nb",
        f"arn:aws-cn:sagemaker:cn-north-1:{ACCOUNT}:notebook-instance/nb",
    ]
    assert len(cloud.sm.list_notebook_instances()["NotebookInstances"]) == 1
    domain = cloud.domain()
    with pytest.raises(botocore.exceptions.ClientError, match="does not exist"):
        other.describe_domain(DomainId=domain)
    with pytest.raises(botocore.exceptions.ClientError):
        other.list_tags(ResourceArn=arns[0])


# 3.3 and 15: constraints


def test_one_violation_and_several(cloud: Cloud) -> None:
    said = cloud.no("ValidationException", "create_notebook_instance", **{**NOTEBOOK, "VolumeSizeInGB": 4})
    where = "'volumeSizeInGB' failed to satisfy constraint: Member must have value"
    assert said == f"1 validation error detected: Value '4' at {where} greater than or equal to 5"
    name = "-" * 70
    said = cloud.no("ValidationException", "describe_user_profile", DomainId=name, UserProfileName=name)
    assert said == (  # the recording of ssh-helper-70
        "4 validation errors detected: "
        f"Value '{name}' at 'domainId' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: ^d-(-*[a-z0-9]){1,61}; "
        f"Value '{name}' at 'domainId' failed to satisfy constraint: "
        "Member must have length less than or equal to 63; "
        f"Value '{name}' at 'userProfileName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: ^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}; "
        f"Value '{name}' at 'userProfileName' failed to satisfy constraint: "
        "Member must have length less than or equal to 63"
    )


@pytest.mark.parametrize(
    ("members", "value", "path", "constraint"),
    [
        ({"NotebookInstanceName": None}, None, "notebookInstanceName", "Member must not be null"),
        ({"InstanceType": None}, None, "instanceType", "Member must not be null"),
        ({"NotebookInstanceName": ""}, "", "notebookInstanceName", "Member must satisfy regular expression pattern"),
        ({"NotebookInstanceName": "a\n"}, "a\n", "notebookInstanceName", "Member must satisfy regular expression pat"),
        ({"NotebookInstanceName": "é"}, "é", "notebookInstanceName", "Member must satisfy regular expression pattern"),
        ({"VolumeSizeInGB": 16385}, 16385, "volumeSizeInGB", "Member must have value less than or equal to 16384"),
        (
            {"RoleArn": "arn:aws:iam::123:role/x"},
            "arn:aws:iam::123:role/x",
            "roleArn",
            "Member must satisfy regular expression ",
        ),
        (
            {"InstanceType": "ml.no"},
            "ml.no",
            "instanceType",
            "Member must satisfy enum value set: [ml.t2.medium, ml.t2",
        ),
        ({"RootAccess": "Maybe"}, "Maybe", "rootAccess", "Member must satisfy enum value set: [Enabled, Disabled]"),
        (
            {"SecurityGroupIds": list("abcdef")},
            "[a, b, c, d, e, f]",
            "securityGroupIds",
            "Member must have length less than or equal to 5",
        ),
        (
            {"SecurityGroupIds": ["a", "b_"]},
            "b_",
            "securityGroupIds.2.member",
            "Member must satisfy regular expression pattern: ^[-0-9a-zA-Z]+",
        ),
        ({"Tags": [{"Key": "a"}]}, None, "tags.1.member.value", "Member must not be null"),
        (
            {"Tags": [{"Key": "a!", "Value": ""}]},
            "a!",
            "tags.1.member.key",
            "Member must satisfy regular expression pa",
        ),
        (
            {"Tags": [{"Key": f"k{at}", "Value": ""} for at in range(51)]},
            None,
            "tags",
            "Member must have length less than or equal to 50",
        ),
        (
            {"InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "3"}},
            "3",
            "instanceMetadataServiceConfiguration.minimumInstanceMetadataServiceVersion",
            "Member must satisfy regular expression pattern: ^(1|2)",
        ),
        (
            {"PlatformIdentifier": "notebook-al9-v1"},
            "notebook-al9-v1",
            "platformIdentifier",
            "Member must satisfy regular expression pattern: ^(notebook-al1-v1|",
        ),
        (
            {"AdditionalCodeRepositories": ["a", "b", "c", "d"]},
            "[a, b, c, d]",
            "additionalCodeRepositories",
            "Member must have length less than or equal to 3",
        ),
    ],
)
def test_constraints_of_a_notebook(
    cloud: Cloud, members: dict[str, Any], value: Any, path: str, constraint: str
) -> None:
    given = {name: each for name, each in {**NOTEBOOK, **members}.items() if each is not None}
    said = cloud.no("ValidationException", "create_notebook_instance", **given)
    assert said.startswith("1 validation error detected: Value ")
    assert f" at '{path}' failed to satisfy constraint: {constraint}" in said
    if value is not None:
        assert f"Value '{value}' at" in said
    elif path != "tags":
        assert "Value null at" in said
    assert cloud.file.objects() == []


def test_all_violations_come_at_once(cloud: Cloud) -> None:
    said = cloud.no(
        "ValidationException", "create_notebook_instance", NotebookInstanceName="-bad_name!", VolumeSizeInGB=0
    )
    assert said.startswith("4 validation errors detected: ")
    assert re.findall(r"at '([^']+)'", said) == [
        "notebookInstanceName", "instanceType", "roleArn", "volumeSizeInGB",
    ]  # fmt: skip


def test_an_item_that_is_null(cloud: Cloud) -> None:
    answer = cloud.signed("CreateNotebookInstance", json.dumps({**NOTEBOOK, "Tags": [None]}).encode())
    where = "Value null at 'tags.1.member' failed to satisfy constraint: Member must not be null"
    assert answer.json()["message"] == f"1 validation error detected: {where}"


def test_a_union_has_exactly_one_member(cloud: Cloud) -> None:
    for wrong in ({}, {"EFSFileSystem": {"FileSystemId": "fs-0123456789"}, "S3FileSystem": {"S3Uri": "s3://b/k"}}):
        members = {"DomainId": "d-x", "SpaceName": "s", "SpaceSettings": {"CustomFileSystems": [wrong]}}
        said = cloud.no("ValidationException", "create_space", **members)
        assert "at 'spaceSettings.customFileSystems.1.member' failed" in said


def test_the_enumerations_are_todays(cloud: Cloud) -> None:
    """Section 12: seed 002 had 38 types, and ml.g5 was not among them."""
    cloud.notebook(InstanceType="ml.g5.xlarge")
    for only_apps in ("system", "ml.t3.micro", "ml.c5.large", "ml.geospatial.interactive"):
        cloud.no("ValidationException", "create_notebook_instance", **{**NOTEBOOK, "InstanceType": only_apps})


def test_every_pattern_of_the_model_can_be_run() -> None:
    """Those that Python cannot compile have a replacement: none is waved through."""
    patterns = {
        shape["pattern"]
        for api in ("sagemaker", "iam")
        for shape in model_of(api).shapes.values()
        if "pattern" in shape
    }
    assert len(patterns) > 40
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error:
            assert TAG_TEXT.fullmatch(pattern), pattern


TAG_KEY = r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)"


@pytest.mark.parametrize(
    ("text", "good"),
    [("", True), ("a b_.:/=+-@", True), ("ключ 键 ²\u2028", True), ("a!", False), ("a\n", False), ("€", False)],
)
def test_tag_letters(text: str, good: bool) -> None:
    assert matches(TAG_KEY, text) is good
    assert matches(TAG_KEY[1:-2] + "+", text) is (good and text != "")  # IAM's spelling


def test_repository_urls_are_matched_in_linear_time() -> None:
    original = r"https://([.\-_a-zA-Z0-9]+/?){3,1016}"
    chance = random.Random(3)
    for _ in range(3000):
        text = "https://" + "".join(chance.choice("a./-_ ") for _ in range(chance.randrange(0, 9)))
        assert matches(original, text) is bool(re.fullmatch(original, text)), text
    started = time.perf_counter()
    assert not matches(original, "https://" + "a" * 1000 + "!")
    assert time.perf_counter() - started < 0.1


def test_a_long_text_costs_no_time(cloud: Cloud) -> None:
    started = time.perf_counter()
    for text in ("a" * 1_000_000, "https://" + "/" * 19_000, "-" * 19_000):
        cloud.no("ValidationException", "create_notebook_instance", **{**NOTEBOOK, "DefaultCodeRepository": text})
        config = {"RepositoryUrl": text}
        cloud.no("ValidationException", "create_code_repository", CodeRepositoryName="r", GitConfig=config)
    assert time.perf_counter() - started < 3


# Anything at all

VISIBLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
HEADERS = st.sampled_from(["authorization", "x-amz-date", "x-amz-target", "content-type"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(headers=st.dictionaries(HEADERS, VISIBLE), body=st.binary(max_size=60))
def test_unsigned_requests_of_any_kind(
    one_server: Cloud, caplog: pytest.LogCaptureFixture, headers: dict[str, str], body: bytes
) -> None:
    assert one_server.post(headers, body).status_code in (400, 403)
    assert not caplog.records

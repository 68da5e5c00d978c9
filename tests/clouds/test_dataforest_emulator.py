"""The Data Forest emulator against the spec, over real sockets and with a signer of its own.

Section numbers are those of the Data Forest spec; the tests of its section 11.3 come first, then switches, faults and
random bodies. Nothing here knows the provider or its client: what is tested is the wire.
"""

from __future__ import annotations

import base64
import hmac
import json
import logging
import re
import string
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.errors import UsageError
from providers.dataforest.emulator import (
    ACCESS_KEY,
    DISABLED_ACCESS_KEY,
    DISABLED_SECRET_KEY,
    OPERATIONS,
    OTHER_ACCESS_KEY,
    OTHER_SECRET_KEY,
    SECRET_KEY,
    SWITCHES,
    UNSUBSCRIBED_ACCESS_KEY,
    UNSUBSCRIBED_SECRET_KEY,
    DataForestEmulator,
)
from providers.emulation import CloudFile, serve

NOON = 1_700_000_000.0  # where the emulator's clock stands: the instant of the spec's test vectors
MISSING = {"message": "no such element", "success": False}
AUTHENTICATION_FAILED = {"error": {"errorCode": "200", "message": "Authentication Failed"}}
PERMISSION_DENIED = {"error": {"errorCode": "210", "message": "Permission Denied"}}
NOT_FOUND = {"error": {"errorCode": "300", "message": "Not Found Exception"}}
PASSWORD = "Example-1"
IMAGE = "tensorflow:r2.3.1-py3"
SMALL: dict[str, Any] = {"docker": {"image": IMAGE, "command": "python train.py"}}
FULL: dict[str, Any] = {
    "docker": {
        "image": f"dataforest/{IMAGE}",
        "command": "python train.py",
        "args": "--epochs 3",
        "env": {"A": "1", "B": "ü"},
        "exposeTcpPorts": [8888, 1, 65535],
    },
    "data": {
        "input": [{"hdfs": "/in/b", "path": "/b"}, {"hdfs": "/in/a", "path": "/a"}],
        "output": [{"hdfs": "/out", "path": "/o", "overwrite": True}],
    },
    "resource": {"cpuCount": 2, "gpuCount": 8, "gpuModel": "T4", "memoryMb": 1024},
    "queueName": "gpu",
    "name": "label",
    "userPackageUri": "/packages/a.zip",
}
NOTEBOOK: dict[str, Any] = {
    "name": "nb-a",
    "typeCode": "SW.DFRNT.OS.LNX64.CNTOS.0708.B050",
    "typeName": "Jupyter Lab",
    "serverTypeCode": "SVR.VSVR.STAND.C004.M016.NET.SSD.B050.G002",
    "vpcNo": 1001,
    "subnetNo": 2001,
    "loginKeyName": "ml-key",
    "bucketName": "bucket",
    "addStorage": False,
    "userConfigurations": [{"componentName": "Jupyter Lab", "name": "Access Password", "value": "secret1"}],
}


def sign(secret: str, method: str, target: str, timestamp: str, access_key: str) -> str:
    """Section 3.2, read once more."""
    message = "\n".join([f"{method} {target}", timestamp, access_key]).encode("utf-8")
    return base64.b64encode(hmac.digest(secret.encode("utf-8"), message, "sha256")).decode("ascii")


class Cloud:
    """The emulator as a caller with one key sees it."""

    def __init__(
        self, file: CloudFile, url: str, http: httpx2.Client, key: str = ACCESS_KEY, secret: str = SECRET_KEY
    ) -> None:
        self.file, self.url, self.http, self.key, self.secret = file, url, http, key, secret

    def as_key(self, key: str, secret: str) -> Cloud:
        return Cloud(self.file, self.url, self.http, key, secret)

    def send(
        self,
        path: str,
        body: bytes = b"{}",
        *,
        method: str = "POST",
        timestamp: str | None = None,
        signature: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        timestamp = str(int(self.file.now() * 1000)) if timestamp is None else timestamp
        signature = sign(self.secret, method, path, timestamp, self.key) if signature is None else signature
        signed = {
            "x-ncp-apigw-timestamp": timestamp,
            "x-ncp-iam-access-key": self.key,
            "x-ncp-apigw-signature-v2": signature,
        }
        sent = {name: value.encode() for name, value in {**signed, **(headers or {})}.items()}
        return self.http.request(method, self.url + path, content=body, headers=sent)

    def call(self, operation: str, **members: Any) -> httpx2.Response:
        return self.send(f"/api/v2/{operation}", json.dumps(members).encode())

    def ok(self, operation: str, **members: Any) -> dict[str, Any]:
        answer = self.call(operation, **members)
        assert (answer.status_code, answer.json().get("success")) == (200, True), answer.text
        return answer.json()

    def no(self, status: int, operation: str, **members: Any) -> str:
        """The message of a refusal in the service's shape."""
        answer = self.call(operation, **members)
        assert answer.status_code == status, answer.text
        assert answer.json().keys() == {"message", "success"}
        assert answer.json()["success"] is False
        return answer.json()["message"]

    def account(self, name: str = "lab") -> str:
        """A running account."""
        id = self.ok("accounts/create", name=name, password=PASSWORD)["id"]
        self.file.advance(150)
        return id

    def workspace(self, account: str, name: str = "train-a", **members: Any) -> str:
        members = {"configuration": SMALL, **members}
        return self.ok("aiworkspaces/create", accountId=account, name=name, **members)["id"]

    def notebook(self, account: str, **members: Any) -> str:
        return self.ok("notebooks/create", accountId=account, **{**NOTEBOOK, **members})["id"]

    def run(self, workspace: str) -> str:
        settings = {"docker": SMALL["docker"], "data": {"input": [], "output": []}, "resource": {}}
        return self.ok("aiapps/submit", aiWorkspaceId=workspace, namePrefix="run", queueName="gpu", **settings)["id"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with (
        CloudFile(tmp_path_factory.mktemp("dataforest") / "cloud.db") as file,
        serve([DataForestEmulator], file, speed="real") as server,
        httpx2.Client(timeout=10) as http,
    ):
        yield Cloud(file, server.urls["dataforest"], http)


@pytest.fixture
def cloud(served: Cloud) -> Cloud:
    """A fresh cloud; its clock stands still until a test advances it."""
    served.file.reset()
    served.file.freeze(NOON)
    return served


@pytest.fixture
def other(cloud: Cloud) -> Cloud:
    return cloud.as_key(OTHER_ACCESS_KEY, OTHER_SECRET_KEY)


def switch(cloud: Cloud, name: str, value: str) -> None:
    cloud.file.set_switch("dataforest", name, value)


# 3: signature, in the order of 3.4

VECTORS = [
    ("POST", "/api/v2/aiworkspaces/create", "1700000000000", "3Sp2kVIPW4KDrIfvoU95xDW92i1XODyEcExPKTwCG8I="),
    ("POST", "/api/v2/aiworkspaces/getDetail", "1700000000000", "r2Tzv5g5MIHdrz1o0GB21vVF56Pj5CvZCrKsp4C/pHk="),
    ("POST", "/api/v2/aiworkspaces/getDetail", "1700000000001", "1b3wPxWim7GvsZfG9yNichQxrkEEZnNDODMiORga7RM="),
    ("POST", "/api/v2/accounts/getList", "1700000000000", "NiNomIyKjMA2sncwYtPnjC49hIphts5ePPsoTr92h3g="),
    ("GET", "/api/v2/aiworkspaces/create", "1700000000000", "AMGvR76cqse0a4s8uEzfAkHCaWdYTVTVImyqxGk0+gM="),
    (
        "POST",
        "/api/v2/aiworkspaces/create?x=a%20b&y=1",
        "1700000000000",
        "KN1ATS3hCBJOgm0s4B7d4NKvahYodMPzdDBy19ETYXU=",
    ),
]


@pytest.mark.parametrize(("method", "target", "timestamp", "signature"), VECTORS)
def test_signature_vectors_are_accepted(cloud: Cloud, method: str, target: str, timestamp: str, signature: str) -> None:
    answer = cloud.send(target, method=method, timestamp=timestamp, signature=signature)
    assert answer.status_code != 401
    if method == "GET":
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_the_local_signer_is_right_too(cloud: Cloud) -> None:
    for method, target, timestamp, signature in VECTORS:
        assert sign(SECRET_KEY, method, target, timestamp, ACCESS_KEY) == signature
    theirs = sign("SK_TEST", "POST", "/vserver/v2/createServerInstances?regionCode=KR", "1700000000000", "AK_TEST")
    assert theirs == "xBcE26XFU55BMjppdPT7ZY3oDrqoOedfPyAn3Cq4lUw="


@pytest.mark.parametrize(
    "signature",
    [
        "7oSBtIRasKcyyBT0QC979amBtVc2CMYoTrtDRZrvCWA=",  # CRLF
        "6BwxJ031uHOIUsYEIc1pHe0ayb/RE7pI+k+FSuA9PS8=",  # LF at the end
        "8eJTVFZ1YYsFHvSRAMlBSP3ygJhHu/NlFR/oTunY1zU=",  # full URL
        "tF4e4DoqggWXt7D36+kKp/ELSloMwdzoJSlBZSTAwbU=",  # other secret
        "3Sp2kVIPW4KDrIfvoU95xDW92i1XODyEcExPKTwCG8I",  # no padding
        "ü",
    ],
)
def test_wrong_signatures_are_refused(cloud: Cloud, signature: str) -> None:
    answer = cloud.send("/api/v2/aiworkspaces/create", timestamp="1700000000000", signature=signature)
    assert (answer.status_code, answer.json()) == (401, AUTHENTICATION_FAILED)


@pytest.mark.parametrize(
    ("apart", "status"),
    [(0, 200), (299_999, 200), (-299_999, 200), (300_000, 401), (-300_000, 401)],
)
def test_five_minutes_of_skew(cloud: Cloud, apart: int, status: int) -> None:
    answer = cloud.send("/api/v2/accounts/getList", timestamp=str(1_700_000_000_000 + apart))
    assert answer.status_code == status
    if status == 401:
        assert answer.json() == AUTHENTICATION_FAILED
        switch(cloud, "skew", "off")
        assert cloud.send("/api/v2/accounts/getList", timestamp=str(1_700_000_000_000 + apart)).status_code == 200


@pytest.mark.parametrize(
    "timestamp", ["soon", "-1700000000000", "1700000000000.0", "1" * 5000, "１７００００００００００"]
)
def test_timestamps_that_are_none(cloud: Cloud, timestamp: str) -> None:
    answer = cloud.send("/api/v2/accounts/getList", timestamp=timestamp, signature="x")
    assert answer.json() == AUTHENTICATION_FAILED


def test_the_timestamp_sent_must_be_the_one_signed(cloud: Cloud) -> None:
    signature = sign(SECRET_KEY, "POST", "/api/v2/accounts/getList", "1700000000000", ACCESS_KEY)
    answer = cloud.send("/api/v2/accounts/getList", timestamp="1700000000001", signature=signature)
    assert answer.json() == AUTHENTICATION_FAILED


def test_a_signature_may_be_used_again_with_any_body(cloud: Cloud) -> None:
    for body in (b"{}", b"", b'{"x": 1}'):
        assert cloud.send("/api/v2/accounts/getList", body, timestamp="1700000000000").status_code == 200


@pytest.mark.parametrize("name", ["x-ncp-apigw-timestamp", "x-ncp-iam-access-key", "x-ncp-apigw-signature-v2"])
def test_each_header_is_needed(cloud: Cloud, name: str) -> None:
    answer = cloud.send("/api/v2/accounts/getList", headers={name: ""})
    assert (answer.status_code, answer.json()) == (401, AUTHENTICATION_FAILED)


def test_keys_that_may_not(cloud: Cloud) -> None:
    unknown = cloud.as_key("EXAMPLEACCESSKEY9999", SECRET_KEY)
    disabled = cloud.as_key(DISABLED_ACCESS_KEY, DISABLED_SECRET_KEY)
    unsubscribed = cloud.as_key(UNSUBSCRIBED_ACCESS_KEY, UNSUBSCRIBED_SECRET_KEY)
    for caller, said in (
        (unknown, AUTHENTICATION_FAILED),
        (disabled, AUTHENTICATION_FAILED),
        (unsubscribed, PERMISSION_DENIED),
    ):
        answer = caller.call("accounts/getList")
        assert (answer.status_code, answer.json()) == (401, said)
    wrong = unsubscribed.send("/api/v2/accounts/getList", signature="x")
    assert wrong.json() == AUTHENTICATION_FAILED  # the signature is looked at first


def test_keys_can_be_added(cloud: Cloud) -> None:
    cloud.file.add_key("dataforest", "EXAMPLEACCESSKEY1234", "exampleAddedSecret", owner="added")
    assert cloud.as_key("EXAMPLEACCESSKEY1234", "exampleAddedSecret").ok("accounts/getList")["total"] == 0


def test_keys_are_checked_before_anything_else(cloud: Cloud) -> None:
    nobody = cloud.as_key("EXAMPLEACCESSKEY9999", "x")
    for path in ("/", "/api/v2/nowhere/at-all", "/api/v2/accounts/create"):
        assert nobody.send(path, b"not json").json() == AUTHENTICATION_FAILED


# 11.1: routing and bodies


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("POST", "/", NOT_FOUND),
        ("POST", "/accounts/getList", NOT_FOUND),
        ("POST", "/api/v2", NOT_FOUND),
        ("POST", "/api/v2/accounts", NOT_FOUND),
        ("POST", "/api/v2/apps/getList", NOT_FOUND),
        ("POST", "/api/v2/Accounts/getList", NOT_FOUND),
        ("GET", "/api/v2/accounts/getList", NOT_FOUND),
        ("PUT", "/api/v2/accounts/nothing", NOT_FOUND),
        ("POST", "/api/v2/accounts/", MISSING),
        ("POST", "/api/v2/accounts/nothing", MISSING),
        ("POST", "/api/v2/accounts/getlist", MISSING),
        ("POST", "/api/v2/accounts/getList/more", MISSING),
    ],
)
def test_routes_there_are_not(cloud: Cloud, method: str, path: str, answer: dict[str, Any]) -> None:
    got = cloud.send(path, method=method)
    assert (got.status_code, got.json()) == (404, answer)


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"text"', b"1", b"\xff", b'{"name": NaN}', b"[" * 100_000, b'{"name": "\\ud800"}']
)
def test_bodies_that_cannot_be_read(cloud: Cloud, body: bytes) -> None:
    answer = cloud.send("/api/v2/accounts/checkAvailableName", body)
    assert (answer.status_code, answer.json()) == (400, {"message": "invalid request parameters", "success": False})


def test_a_missing_body_is_an_empty_one(cloud: Cloud) -> None:
    assert cloud.send("/api/v2/accounts/getList", b"").json()["total"] == 0


def test_a_body_too_large(cloud: Cloud) -> None:
    answer = cloud.send("/api/v2/accounts/getList", b" " * 1_048_577)
    assert (answer.status_code, answer.json()["error"]["errorCode"]) == (413, "430")
    assert cloud.send("/api/v2/accounts/getList", b" " * 1_048_576).status_code == 200
    switch(cloud, "body-limit", "10")
    assert cloud.send("/api/v2/accounts/getList", b" " * 11).status_code == 413


def test_xml_is_out_of_scope_and_json_needs_no_header(cloud: Cloud) -> None:
    assert cloud.send("/api/v2/accounts/getList", headers={"content-type": "text/plain"}).status_code == 200
    for header in ({"content-type": "application/xml"}, {"accept": "application/xml"}):
        assert cloud.send("/api/v2/accounts/getList", headers=header).status_code == 415
    assert cloud.send("/api/v2/accounts/getList", headers={"accept": "application/xml, */*"}).status_code == 200


def test_the_first_failure_by_rule_then_by_field(cloud: Cloud) -> None:
    """11.1.4: required before types before lengths before regexes before ranges."""
    bad = {"docker": {"image": "no", "command": "x", "exposeTcpPorts": [0]}}
    operation, good = "aiworkspaces/create", {"configuration": SMALL}
    invalid = "invalid request parameter"
    assert cloud.no(400, operation, name=1, **good) == f"{invalid} (accountId, null). must not be null"
    assert (
        cloud.no(400, operation, accountId="x", name="A" * 16) == f"{invalid} (configuration, null). must not be null"
    )
    assert cloud.no(400, operation, accountId="x", name=1, configuration=bad) == "invalid request parameters"
    said = cloud.no(400, operation, accountId="x", name="A" * 16, configuration=bad)
    assert said == f"{invalid} (name, '{'A' * 16}'). size must be between 0 and 15"
    assert "(name, 'A')" in cloud.no(400, operation, accountId="x", name="A", configuration=bad)
    bad["docker"]["image"] = IMAGE
    said = cloud.no(400, operation, accountId="x", name="a", configuration=bad)
    assert said == f"{invalid} (configuration.docker.exposeTcpPorts[0], '0'). must be between 1 and 65535"


def test_null_is_absent_and_a_boolean_is_no_number(cloud: Cloud) -> None:
    account = cloud.account()
    cloud.workspace(account, description=None, configuration={**SMALL, "resource": None})
    for wrong in (True, 1.0, "1", [1]):
        configuration = {**SMALL, "resource": {"cpuCount": wrong}}
        said = cloud.no(400, "aiworkspaces/create", accountId=account, name="b", configuration=configuration)
        assert said == "invalid request parameters"


# 11.3.4: a full life


def test_a_full_life(cloud: Cloud) -> None:
    account = cloud.ok("accounts/create", name="lab", password=PASSWORD)["id"]
    assert re.fullmatch("[0-9A-Za-z]{22}", account)
    assert cloud.ok("accounts/getDetail", id=account)["status"] == "ACCEPTED"
    cloud.file.advance(149)
    assert cloud.ok("accounts/getDetail", id=account)["status"] == "ACCEPTED"
    cloud.file.advance(1)
    assert cloud.ok("accounts/getDetail", id=account)["status"] == "RUNNING"
    assert cloud.ok("aiworkspaces/checkAvailableName", accountId=account, name="train-a")["availableName"] is True
    created = cloud.ok("aiworkspaces/create", accountId=account, name="train-a", description="d", configuration=FULL)
    assert created == {"success": True, "id": created["id"]}  # no message on a create
    id = created["id"]
    answer = cloud.ok("aiworkspaces/checkAvailableName", accountId=account, name="train-a")
    assert answer == {
        "success": True,
        "availableName": False,
        "message": "'train-a' is not registrable name. already registered.",
    }
    created_at = "2023-11-15T07:15:50+09:00"
    row = {
        "id": id,
        "name": "train-a",
        "accountName": "lab",
        "description": "d",
        "imageVersion": f"dataforest/{IMAGE}",
        "createdAt": created_at,
        "modifiedAt": created_at,
    }
    listed = cloud.ok("aiworkspaces/getList", search={"accountId": account})
    assert listed == {
        "success": True,
        "message": "success",
        "total": 1,
        "contents": [{**row, "disabled": False}],
    }
    entry = {"configuration": FULL, "createdAt": created_at, "modifiedAt": created_at}
    detail = cloud.ok("aiworkspaces/getDetail", id=id)
    assert detail == {"success": True, "message": "success", "accountId": account, **row, "contents": [entry]}

    cloud.file.advance(60)
    assert cloud.ok("aiworkspaces/setConfiguration", id=id, configuration=SMALL)["id"] == id
    modified = {"createdAt": created_at, "modifiedAt": "2023-11-15T07:16:50+09:00"}
    detail = cloud.ok("aiworkspaces/getDetail", id=id)
    assert {name: detail[name] for name in modified} == modified
    assert detail["imageVersion"] == IMAGE
    assert detail["contents"] == [{"configuration": SMALL, **modified}]
    configurations = cloud.ok("aiworkspaces/getConfigurationList", id=id)
    assert configurations["total"] == 1
    assert configurations["contents"] == detail["contents"]
    assert cloud.ok("aiworkspaces/setConfiguration", id=id, configuration=SMALL)["id"] == id  # the same again

    assert cloud.ok("aiworkspaces/delete", id=id)["id"] == id
    for operation in ("getDetail", "getConfigurationList", "delete"):
        assert cloud.no(404, f"aiworkspaces/{operation}", id=id) == "no such element"
    assert cloud.no(404, "aiworkspaces/setConfiguration", id=id, configuration=SMALL) == "no such element"
    assert cloud.ok("aiworkspaces/getList", search={"accountId": account}) == {
        "success": True,
        "message": "success",
        "total": 0,
        "contents": [],
    }


def test_the_vendors_own_example_body(cloud: Cloud) -> None:
    """The request sample of the page `create`, with the account's ID put in."""
    configuration = {
        "data": {
            "input": [{"hdfs": "string", "path": "string"}],
            "output": [{"hdfs": "string", "overwrite": True, "path": "string"}],
        },
        "docker": {"command": "ls", "image": "tensorflow:r2.3.1-py3", "workdir": "/root/"},
        "name": "test",
        "queueName": "gpu",
        "resource": {"cpuCount": 1, "gpuCount": 1, "gpuModel": "T4", "memoryMb": 1024},
        "userPackageUri": "string",
    }
    id = cloud.workspace(cloud.account(), "api-test", description="test", configuration=configuration)
    kept = cloud.ok("aiworkspaces/getDetail", id=id)["contents"][0]["configuration"]
    assert kept["docker"] == {"command": "ls", "image": "tensorflow:r2.3.1-py3"}  # no workdir since 2024-08-08
    assert {**kept, "docker": None} == {**configuration, "docker": None}


# 11.3.5 and 6: names, images, boundaries


def test_the_image_message_byte_for_byte(cloud: Cloud) -> None:
    answer = cloud.call(
        "aiworkspaces/create",
        accountId="6COytUeFj7b8eOhq2L5zL",
        name="api-test",
        configuration={"docker": {"command": "ls", "image": "tensorflow/r2.3.1-py3"}},
    )
    assert answer.status_code == 400
    assert answer.content == (
        rb'{"message":"invalid request parameter (configuration.docker.image, '
        rb"'tensorflow/r2.3.1-py3'). Must match "
        rb'\"^(dataforest/)?([a-z0-9._-]{1,30}):([a-z0-9._-]{1,20})$\"","success":false}'
    )


@pytest.mark.parametrize("name", ["", "1abc", "-a", "a-", "a--b", "Api", "a_b", "a" * 16, "a\n", "ä", "a b"])
def test_bad_workspace_names(cloud: Cloud, name: str) -> None:
    account = cloud.account()
    assert "(name, '" in cloud.no(400, "aiworkspaces/create", accountId=account, name=name, configuration=SMALL)
    if len(name) <= 15:
        assert not cloud.ok("aiworkspaces/checkAvailableName", accountId=account, name=name)["availableName"]


@pytest.mark.parametrize("name", ["a", "api-test", "a-b-c", "a1-2", "a" * 15])
def test_good_workspace_names(cloud: Cloud, name: str) -> None:
    cloud.workspace(cloud.account(), name)


@pytest.mark.parametrize(
    "image",
    [
        "tensorflow/r2.3.1-py3",
        "tensorflow",
        "TensorFlow:1",
        "other/tensorflow:1",
        f"{'n' * 31}:1",
        f"n:{'t' * 21}",
        "a:b:c",
        "",
        "a:b\n",
    ],
)
def test_bad_images(cloud: Cloud, image: str) -> None:
    configuration = {"docker": {"image": image, "command": "x"}}
    for operation, more in (("create", {"accountId": "x", "name": "a"}), ("setConfiguration", {"id": "x"})):
        said = cloud.no(400, f"aiworkspaces/{operation}", configuration=configuration, **more)
        assert said.startswith(f"invalid request parameter (configuration.docker.image, '{image}'). Must match")


@pytest.mark.parametrize("image", [IMAGE, f"dataforest/{IMAGE}", f"{'n' * 30}:{'t' * 20}", "a.b_c-d:e.f_g-h"])
def test_good_images(cloud: Cloud, image: str) -> None:
    id = cloud.workspace(cloud.account(), configuration={"docker": {"image": image, "command": "x"}})
    assert cloud.ok("aiworkspaces/getDetail", id=id)["imageVersion"] == image


def test_boundaries(cloud: Cloud) -> None:
    account = cloud.account()
    cloud.workspace(account, "a", description="d" * 255)
    said = cloud.no(400, "aiworkspaces/create", accountId=account, name="b", description="d" * 256, configuration=SMALL)
    assert said == f"invalid request parameter (description, '{'d' * 256}'). size must be between 0 and 255"
    for count, good in ((0, False), (1, True), (8, True), (9, False)):
        configuration = {**SMALL, "resource": {"gpuCount": count}}
        answer = cloud.call("aiworkspaces/create", accountId=account, name=f"g{count}", configuration=configuration)
        assert answer.status_code == (200 if good else 400)
        if not good:
            rule = f"(configuration.resource.gpuCount, '{count}'). must be between 1 and 8"
            assert answer.json()["message"] == f"invalid request parameter {rule}"
    assert "size must be between 0 and 22" in cloud.no(400, "aiworkspaces/getDetail", id="x" * 23)
    assert cloud.no(404, "aiworkspaces/getDetail", id="x" * 22) == "no such element"


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"docker": {"image": IMAGE}}, "configuration.docker.command"),
        ({"docker": {"command": "x"}}, "configuration.docker.image"),
        ({}, "configuration.docker"),
        ({**SMALL, "data": {"input": []}}, "configuration.data.output"),
        ({**SMALL, "data": {"input": [{"hdfs": "/a"}], "output": []}}, "configuration.data.input[0].path"),
        ({**SMALL, "data": {"input": [], "output": [{"path": "/a"}]}}, "configuration.data.output[0].hdfs"),
    ],
)
def test_required_members_by_their_path(cloud: Cloud, wrong: dict[str, Any], path: str) -> None:
    said = cloud.no(400, "aiworkspaces/setConfiguration", id="x", configuration=wrong)
    assert said == f"invalid request parameter ({path}, null). must not be null"


def test_images_of_the_catalogue(cloud: Cloud) -> None:
    for kind, images in (("tensorflow", [IMAGE]), ("pytorch", ["pytorch:r1.7.0-py3"])):
        answer = cloud.ok("aiworkspaces/getDockerImageList", search={"typeName": kind})
        assert answer == {"success": True, "message": "success", "dockerImages": {kind: images}}
    said = cloud.no(400, "aiworkspaces/getDockerImageList", search={"typeName": "jax"})
    assert said == "invalid request parameter (search.typeName, 'jax'). must be one of [tensorflow, pytorch]"
    assert "(search, null)" in cloud.no(400, "aiworkspaces/getDockerImageList")
    assert "(search.accountId, null)" in cloud.no(400, "aiworkspaces/getList", search={}, accountId="x")


# 11.3.7 and 5.5: whose it is


def test_foreign_and_unknown(cloud: Cloud, other: Cloud) -> None:
    account = cloud.account()
    workspace, notebook = cloud.workspace(account), cloud.notebook(account)
    run = cloud.run(workspace)

    def not_allowed(id: str) -> str:
        return f"resource ('{id}') is not allowed or not exists"

    for group, id in (("accounts", account), ("aiworkspaces", workspace), ("notebooks", notebook), ("aiapps", run)):
        assert other.no(403, f"{group}/getDetail", id=id) == not_allowed(id)
        assert cloud.no(404, f"{group}/getDetail", id="unknown") == "no such element"
    for id in (account, "unknown"):
        assert other.no(403, "aiworkspaces/getList", search={"accountId": id}) == not_allowed(id)
        assert other.no(403, "aiworkspaces/checkAvailableName", accountId=id, name="a") == not_allowed(id)
        said = other.no(403, "aiworkspaces/create", accountId=id, name="b", configuration=SMALL)
        assert said == not_allowed(id)
        assert other.no(403, "notebooks/getList", accountId=id) == not_allowed(id)
    assert other.no(403, "aiworkspaces/delete", id=workspace) == not_allowed(workspace)
    assert cloud.ok("aiworkspaces/getDetail", id=workspace)["name"] == "train-a"
    assert other.ok("accounts/getList")["total"] == 0


def test_a_disabled_item_is_seen_but_not_used(cloud: Cloud) -> None:
    account = cloud.account()
    workspace = cloud.workspace(account)
    cloud.file.edit("dataforest", workspace, {"disabled": True})
    assert cloud.ok("aiworkspaces/getList", search={"accountId": account})["contents"][0]["disabled"] is True
    cloud.no(403, "aiworkspaces/getDetail", id=workspace)


def test_names_are_unique_per_account_not_wider(cloud: Cloud, other: Cloud) -> None:
    mine, theirs = cloud.account(), other.account("lab2")
    cloud.workspace(mine, "same")
    other.workspace(theirs, "same")
    said = cloud.no(400, "aiworkspaces/create", accountId=mine, name="same", configuration=SMALL)
    taken = "'same' is not registrable name. already registered."
    assert said == f"invalid request parameter (name, 'same'). {taken}"


# 7: accounts


def test_account_reads(cloud: Cloud) -> None:
    id = cloud.account("lab-1")
    created = {"id": id, "name": "lab-1", "status": "RUNNING", "createdAt": "2023-11-15T07:13:20+09:00"}
    assert cloud.ok("accounts/getList") == {
        "success": True,
        "message": "success",
        "total": 1,
        "contents": [{**created, "principal": "lab-1@KR.DF.NAVERNCP.COM", "disabled": False}],
    }
    assert cloud.ok("accounts/getDetail", id=id) == {
        "success": True,
        "message": "success",
        **created,
        "quotas": [
            {"namespace": "koya", "fileCountMillion": 1, "spaceTb": 200},
            {"namespace": "tata", "fileCountMillion": 1, "spaceTb": 200},
        ],
    }


def test_a_second_account(cloud: Cloud) -> None:
    """11.3.8: HTTP 200 that is a failure."""
    cloud.account()
    answer = cloud.call("accounts/create", name="lab-2", password=PASSWORD)
    assert answer.status_code == 200
    assert answer.json()["success"] is False
    assert answer.json()["message"].startswith("Data Forest can only create and use one account pe")
    assert "id" not in answer.json()
    assert cloud.ok("accounts/getList")["total"] == 1
    switch(cloud, "second-account", "400")
    cloud.no(400, "accounts/create", name="lab-2", password=PASSWORD)
    switch(cloud, "accounts-per-owner", "2")
    cloud.account("lab-2")


def test_account_names_are_unique_in_the_cluster(cloud: Cloud, other: Cloud) -> None:
    cloud.account("lab")
    assert other.ok("accounts/checkAvailableName", name="lab")["availableName"] is False
    assert other.ok("accounts/checkAvailableName", name="lab2")["availableName"] is True
    said = other.no(400, "accounts/create", name="lab", password=PASSWORD)
    assert said.endswith("'lab' is not registrable name. already registered.")


@pytest.mark.parametrize("name", ["a", "a" * 17, "-ab", "ab-", "Ab", "a_b", "", "ab\n"])
def test_bad_account_names(cloud: Cloud, name: str) -> None:
    assert f"(name, '{name}')" in cloud.no(400, "accounts/create", name=name, password=PASSWORD)


@pytest.mark.parametrize("name", ["ab", "1a", "a--b", "a" * 16])
def test_good_account_names(cloud: Cloud, name: str) -> None:
    cloud.account(name)


@pytest.mark.parametrize(
    "password",
    ["Short-1", "a" * 19 + "-1", "12345678-", "abcdefgh-", "abcdefgh1"] + [f"abcdef-1{bad}" for bad in "'\"₩¥\\/&` "],
)
def test_bad_passwords(cloud: Cloud, password: str) -> None:
    id = cloud.account()
    for operation, more in (("create", {"name": "lab2"}), ("resetPassword", {"id": id})):
        said = cloud.no(400, f"accounts/{operation}", password=password, **more)
        where = f"invalid request parameter (password, '{password}'). "
        assert said.startswith(f"{where}Please enter a valid password, which must be at leas")


@pytest.mark.parametrize("password", ["abcde-12", "A1!" * 6, "a1" + "~" * 18])
def test_good_passwords(cloud: Cloud, password: str) -> None:
    id = cloud.ok("accounts/create", name="lab", password=password)["id"]
    assert cloud.ok("accounts/resetPassword", id=id, password=password)["id"] == id


def test_quotas(cloud: Cloud) -> None:
    id = cloud.account()
    assert cloud.ok("accounts/setQuota", id=id, namespace="tata", fileCountMillion=5, spaceTb=300)["id"] == id
    assert cloud.ok("accounts/getDetail", id=id)["quotas"] == [
        {"namespace": "koya", "fileCountMillion": 1, "spaceTb": 200},
        {"namespace": "tata", "fileCountMillion": 5, "spaceTb": 300},
    ]
    for wrong in ({"spaceTb": 250}, {"spaceTb": 600}, {"fileCountMillion": 0}, {"fileCountMillion": 6}):
        cloud.no(400, "accounts/setQuota", **{"id": id, "namespace": "koya", **wrong})
    said = cloud.no(400, "accounts/setQuota", id=id, namespace="other", fileCountMillion=1, spaceTb=200)
    assert said == "invalid request parameter (namespace, 'other'). must be one of [koya, tata]"


def test_keytabs(cloud: Cloud) -> None:
    id = cloud.account()
    first = cloud.call("accounts/getKerberosKeytab", id=id)
    assert (first.status_code, first.headers["content-type"]) == (200, "application/octet-stream")
    assert cloud.call("accounts/getKerberosKeytab", id=id).content == first.content
    assert cloud.ok("accounts/resetKerberosKeytab", id=id)["id"] == id
    assert cloud.call("accounts/getKerberosKeytab", id=id).content != first.content
    cloud.no(404, "accounts/getKerberosKeytab", id="unknown")


def test_an_account_with_resources_stays(cloud: Cloud) -> None:
    account = cloud.account()
    assert cloud.ok("accounts/checkHasResource", id=account)["hasResource"] is False
    workspace = cloud.workspace(account)
    assert cloud.ok("accounts/checkHasResource", id=account)["hasResource"] is True
    assert cloud.no(400, "accounts/delete", id=account) == "account has resources"
    switch(cloud, "account-has-resources-text", "please empty it first")
    assert cloud.no(400, "accounts/delete", id=account) == "please empty it first"
    switch(cloud, "delete-account-with-resources", "allow")
    cloud.ok("accounts/delete", id=account)
    cloud.no(404, "accounts/getDetail", id=account)
    cloud.no(404, "aiworkspaces/getDetail", id=workspace)
    cloud.account()  # room again, for the name and for the one account


@pytest.mark.parametrize(
    ("pace", "seen"),
    [
        ("looks:2", ["ACCEPTED", "ACCEPTED", "RUNNING"]),
        ("instant", ["RUNNING"] * 3),
        ("never", ["ACCEPTED"] * 3),
    ],
)
def test_the_creation_of_an_account_by_switch(cloud: Cloud, pace: str, seen: list[str]) -> None:
    switch(cloud, "account-create", pace)
    id = cloud.ok("accounts/create", name="lab", password=PASSWORD)["id"]
    assert [cloud.ok("accounts/getDetail", id=id)["status"] for _ in seen] == seen


def test_changing_by_switch(cloud: Cloud) -> None:
    switch(cloud, "account-change", "looks:1")
    id = cloud.account()
    for operation, more in (("setQuota", {"namespace": "koya"}), ("resetPassword", {"password": PASSWORD})):
        cloud.ok(f"accounts/{operation}", id=id, **more)
        seen = [cloud.ok("accounts/getDetail", id=id)["status"] for _ in range(2)]
        assert seen == ["CHANGING", "RUNNING"]


def test_nothing_lives_under_an_account_that_does_not_run(cloud: Cloud) -> None:
    account = cloud.ok("accounts/create", name="lab", password=PASSWORD)["id"]
    said = cloud.no(400, "aiworkspaces/create", accountId=account, name="a", configuration=SMALL)
    assert f"(accountId, '{account}')" in said
    switch(cloud, "before-account-runs", "allow")
    cloud.workspace(account)


def test_a_real_150_seconds_are_a_fast_one_and_a_half(cloud: Cloud) -> None:
    with serve([DataForestEmulator], cloud.file, speed="fast") as server:
        fast = Cloud(cloud.file, server.urls["dataforest"], cloud.http)
        id = fast.ok("accounts/create", name="lab", password=PASSWORD)["id"]
        cloud.file.advance(1.4)
        assert fast.ok("accounts/getDetail", id=id)["status"] == "ACCEPTED"
        cloud.file.advance(0.2)
        assert cloud.ok("accounts/getDetail", id=id)["status"] == "RUNNING"  # whoever serves it


# 8: AI apps


def test_the_life_of_a_run(cloud: Cloud) -> None:
    account = cloud.account()
    workspace = cloud.workspace(account)
    id = cloud.run(workspace)
    assert cloud.ok("accounts/checkHasResource", id=account)["hasResource"] is True
    listed = cloud.ok("aiapps/getList", search={"accountId": account})["contents"][0]
    assert (listed["id"], listed["state"], listed["finalStatus"]) == (id, "ACCEPTED", "UNDEFINED")
    assert (listed["workspaceName"], listed["accountName"]) == ("train-a", "lab")
    assert re.fullmatch("run-[a-z0-9]{6}", listed["name"])
    cloud.file.advance(30)
    detail = cloud.ok("aiapps/getDetail", id=id)
    assert detail["state"] == "RUNNING"
    (container,) = detail["containers"].values()
    assert (container["dockerImage"], container["status"]) == (IMAGE, "RUNNING")
    assert cloud.ok("aiapps/kill", id=id) == {"success": True, "message": "success", "id": id}
    assert cloud.ok("aiapps/getDetail", id=id)["finalStatus"] == "KILLED"
    cloud.ok("aiapps/kill", id=id)
    finishing = cloud.run(workspace)
    cloud.file.advance(30 + 600)
    assert cloud.ok("aiapps/getDetail", id=finishing)["finalStatus"] == "SUCCEEDED"
    assert cloud.ok("aiapps/kill", id=finishing)["id"] == finishing
    assert cloud.ok("aiapps/getDetail", id=finishing)["state"] == "FINISHED"


def test_what_a_run_needs(cloud: Cloud) -> None:
    whole = {
        "aiWorkspaceId": "x",
        "namePrefix": "ab",
        "queueName": "gpu",
        "data": {"input": [], "output": []},
        "docker": SMALL["docker"],
        "resource": {},
    }
    for name in whole:
        said = cloud.no(400, "aiapps/submit", **{each: value for each, value in whole.items() if each != name})
        assert said == f"invalid request parameter ({name}, null). must not be null"
    for prefix in ("a", "a" * 9):
        said = cloud.no(400, "aiapps/submit", **{**whole, "namePrefix": prefix})
        assert "size must be between 2 and 8" in said
    assert cloud.no(404, "aiapps/submit", **whole) == "no such element"


def test_deleting_a_workspace_that_runs(cloud: Cloud) -> None:
    account = cloud.account()
    first, second = cloud.workspace(account, "a"), cloud.workspace(account, "b")
    run = cloud.run(first)
    cloud.ok("aiworkspaces/delete", id=first)
    assert cloud.ok("aiapps/getDetail", id=run)["workspaceName"] == "a"  # a run outlives its workspace
    run = cloud.run(second)
    switch(cloud, "delete-with-running-apps", "refuse")
    cloud.no(400, "aiworkspaces/delete", id=second)
    cloud.ok("aiapps/kill", id=run)
    cloud.ok("aiworkspaces/delete", id=second)


# 9: notebooks


def test_the_life_of_a_notebook(cloud: Cloud) -> None:
    account = cloud.account()
    assert cloud.ok("notebooks/checkAvailableName", name="nb-a")["availableName"] is True
    id = cloud.notebook(account, addStorage=True, storageType="SSD", storageGB=100)
    taken = cloud.ok("notebooks/checkAvailableName", name="nb-a")
    assert taken["message"] == "'nb-a' is not registrable name. already registered."
    assert cloud.ok("notebooks/getDetail", id=id)["state"] == "ACCEPTED"
    cloud.file.advance(180)
    detail = cloud.ok("notebooks/getDetail", id=id)
    assert detail["state"] == "RUNNING"
    assert detail["additionalStorage"] == {"storageGB": 100, "storageType": "SSD"}
    assert not detail.keys() & {"accountId", "serverTypeCode", "typeCode", "bucketName"}
    (setting,) = detail["userConfigurations"]
    assert (setting["name"], setting["value"], setting["isMasking"]) == ("Access Password", "********", True)
    row = {
        name: detail[name]
        for name in ("id", "name", "state", "typeName", "serverDesc", "vpcNo", "vpcName", "subnetNo", "subnetName")
    }
    listed = cloud.ok("notebooks/getList", accountId=account)
    assert listed["contents"] == [{**row, "createdAt": detail["createdAt"]}]
    rules = cloud.ok("notebooks/getAcgRuleList", id=id)["contents"]
    assert rules[0]["accessControlGroupNo"] == detail["acgNo"]

    settings = [
        *NOTEBOOK["userConfigurations"],
        {"componentName": "Object Storage", "name": "Access Key", "value": "k"},
    ]
    assert cloud.ok("notebooks/setUserConfigurationList", id=id, userConfigurations=settings) == {
        "success": True,
        "message": "success",
    }
    assert len(cloud.ok("notebooks/getDetail", id=id)["userConfigurations"]) == 2
    cloud.ok("notebooks/setObjectStorageBucket", id=id, bucketName="other")
    assert cloud.ok("notebooks/restart", id=id)["id"] == id
    assert cloud.ok("notebooks/getDetail", id=id)["state"] == "ACCEPTED"
    cloud.file.advance(60)
    assert cloud.ok("notebooks/getDetail", id=id)["state"] == "RUNNING"
    assert cloud.ok("notebooks/delete", id=id)["id"] == id
    for operation in ("getDetail", "delete", "restart", "getAcgRuleList"):
        assert cloud.no(404, f"notebooks/{operation}", id=id) == "no such element"


@pytest.mark.parametrize("size", [99, 2001, 5000])
def test_storage_refused(cloud: Cloud, size: int) -> None:
    body = {**NOTEBOOK, "accountId": cloud.account(), "addStorage": True, "storageType": "HDD", "storageGB": size}
    assert f"(storageGB, '{size}')" in cloud.no(400, "notebooks/create", **body)


@pytest.mark.parametrize("size", [100, 2000, 4000, 6000])
def test_storage_accepted(cloud: Cloud, size: int) -> None:
    cloud.notebook(cloud.account(), addStorage=True, storageType="HDD", storageGB=size)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"addStorage": True, "storageGB": 100}, "storageType, null"),
        ({"addStorage": True, "storageType": "SSD"}, "storageGB, null"),
        ({"addStorage": True, "storageType": "TAPE", "storageGB": 100}, "storageType, 'TAPE'"),
        ({"addStorage": None}, "addStorage, null"),
        ({"name": "ab"}, "name, 'ab'"),
        ({"name": "a" * 16}, "name"),
        ({"name": "1ab"}, "name, '1ab'"),
        ({"name": "ab-"}, "name, 'ab-'"),
        ({"typeCode": "x"}, "typeCode, 'x'"),
        ({"serverTypeCode": "x"}, "serverTypeCode, 'x'"),
        ({"vpcNo": 7}, "vpcNo, '7'"),
        ({"subnetNo": 2002}, "subnetNo, '2002'"),  # private
        ({"subnetNo": 2003}, "subnetNo, '2003'"),  # zone KR-1
        ({"subnetNo": 2004}, "subnetNo, '2004'"),  # of another VPC
        ({"loginKeyName": "x"}, "loginKeyName, 'x'"),
        ({"bucketName": ""}, "bucketName, ''"),
        ({"userConfigurations": []}, "userConfigurations, null"),
        (
            {"userConfigurations": [{"componentName": "x", "name": "y", "value": "z"}]},
            "userConfigurations[0].name, 'y'",
        ),
    ],
)
def test_notebooks_refused(cloud: Cloud, wrong: dict[str, Any], where: str) -> None:
    body = {**NOTEBOOK, "accountId": cloud.account(), **wrong}
    assert f"({where}" in cloud.no(400, "notebooks/create", **body)


def test_a_secret_setting_is_neither_echoed_nor_kept(cloud: Cloud) -> None:
    account = cloud.account()
    wrong = [{**NOTEBOOK["userConfigurations"][0], "value": "1-very-secret"}]
    said = cloud.no(400, "notebooks/create", **{**NOTEBOOK, "accountId": account, "userConfigurations": wrong})
    assert said.startswith("invalid request parameter (userConfigurations[0].value, '********'). Must match")
    cloud.notebook(account)
    cloud.file.close()  # the write-ahead log goes into the file
    assert b"secret1" not in cloud.file.path.read_bytes()
    assert PASSWORD.encode() not in cloud.file.path.read_bytes()


def test_notebook_names_are_unique_everywhere(cloud: Cloud, other: Cloud) -> None:
    cloud.notebook(cloud.account())
    body = {**NOTEBOOK, "accountId": other.account("lab2")}
    assert "already registered" in other.no(400, "notebooks/create", **body)


def test_paging(cloud: Cloud) -> None:
    account = cloud.account()
    for letter in "abcde":
        cloud.notebook(account, name=f"nb-{letter}")

    def page(**paging: int) -> str:
        answer = cloud.ok("notebooks/getList", accountId=account, paging=paging)
        assert answer["total"] == 5
        return "".join(row["name"][-1] for row in answer["contents"])

    assert page() == "abcde"
    assert page(limit=2) == "ab"
    assert page(limit=2, offset=4) == "e"
    assert page(offset=9) == ""
    cloud.no(400, "notebooks/getList", accountId=account, paging={"limit": 0})


def test_a_lingering_delete_by_switch(cloud: Cloud) -> None:
    id = cloud.notebook(cloud.account())
    switch(cloud, "notebook-delete", "looks:1")
    cloud.ok("notebooks/delete", id=id)
    assert cloud.ok("notebooks/getDetail", id=id)["state"] == "TERMINATING"
    cloud.no(404, "notebooks/getDetail", id=id)


def test_the_catalogue_is_enough_to_create_from(cloud: Cloud) -> None:
    kind = cloud.ok("notebooks/getTypeList")["contents"][0]
    server = cloud.ok("notebooks/getServerTypeList", typeCode=kind["typeCode"])["contents"][0]
    vpc = cloud.ok("notebooks/getVpcList")["contents"][0]
    assert cloud.ok("notebooks/getVpcDetail", vpcNo=vpc["vpcNo"])["vpcName"] == vpc["vpcName"]
    subnets = cloud.ok("notebooks/getSubnetList", typeCode=kind["typeCode"], vpcNo=vpc["vpcNo"])["contents"]
    subnet = next(each for each in subnets if each["isPublic"] and each["zoneName"] == "KR-2")
    numbers = {"vpcNo": vpc["vpcNo"], "subnetNo": subnet["subnetNo"]}
    detail = cloud.ok("notebooks/getSubnetDetail", **numbers)
    assert {name: detail[name] for name in subnet} == subnet
    key = cloud.ok("notebooks/getLoginKeyList")["contents"][0]
    specs = cloud.ok("notebooks/getUserConfigurationSpecList", typeName=kind["typeName"])["userConfigurationSpecs"]
    cloud.notebook(
        cloud.account(),
        **numbers,
        typeCode=kind["typeCode"],
        typeName=kind["typeName"],
        serverTypeCode=server["serverTypeCode"],
        loginKeyName=key["loginKeyName"],
        userConfigurations=[
            {"componentName": spec["componentName"], "name": spec["name"], "value": "abc1"}
            for spec in specs
            if spec["isMandatory"]
        ],
    )
    cloud.no(404, "notebooks/getVpcDetail", vpcNo=7)
    cloud.no(404, "notebooks/getSubnetDetail", vpcNo=1001, subnetNo=2004)
    assert cloud.ok("notebooks/getServerTypeList", typeCode="x")["contents"] == []


# 11.2: the remaining switches


def test_missing_as_403(cloud: Cloud) -> None:
    switch(cloud, "missing-id", "403")
    assert cloud.no(403, "aiworkspaces/getDetail", id="x") == "resource ('x') is not allowed or not exists"


def test_contents_as_an_object(cloud: Cloud) -> None:
    id = cloud.workspace(cloud.account())
    switch(cloud, "contents", "object")
    assert cloud.ok("aiworkspaces/getDetail", id=id)["contents"]["configuration"] == SMALL


def test_defaults_echoed(cloud: Cloud) -> None:
    account = cloud.account()
    small = cloud.workspace(account, "a")
    part = cloud.workspace(account, "b", configuration={**SMALL, "resource": {"gpuModel": "T4", "gpuCount": 2}})
    switch(cloud, "resource-defaults", "echo")

    def resource(id: str) -> dict[str, Any]:
        return cloud.ok("aiworkspaces/getDetail", id=id)["contents"][0]["configuration"]["resource"]

    assert resource(small) == {"cpuCount": 1, "gpuModel": "V100", "memoryMb": 15360}
    assert resource(part) == {"cpuCount": 1, "gpuModel": "T4", "memoryMb": 15360, "gpuCount": 2}
    switch(cloud, "resource-defaults", "omit")
    assert resource(part) == {"gpuModel": "T4", "gpuCount": 2}


def test_merge_keeps_what_is_not_sent(cloud: Cloud) -> None:
    id = cloud.workspace(cloud.account(), configuration=FULL)
    switch(cloud, "set-configuration", "merge")
    change = {"docker": {"image": IMAGE, "command": "y", "env": {"B": "2"}}, "data": {"input": [], "output": []}}
    cloud.ok("aiworkspaces/setConfiguration", id=id, configuration=change)
    kept = cloud.ok("aiworkspaces/getDetail", id=id)["contents"][0]["configuration"]
    assert kept["docker"] == {**FULL["docker"], "image": IMAGE, "command": "y", "env": {"A": "1", "B": "2"}}
    assert kept["data"] == change["data"]
    assert kept["resource"] == FULL["resource"]


def test_workdir(cloud: Cloud) -> None:
    account = cloud.account()
    configuration = {"docker": {**SMALL["docker"], "workdir": "/root/"}}
    switch(cloud, "workdir", "echo")
    id = cloud.workspace(account, configuration=configuration)
    assert cloud.ok("aiworkspaces/getDetail", id=id)["contents"][0]["configuration"] == configuration
    switch(cloud, "workdir", "refuse")
    said = cloud.no(400, "aiworkspaces/create", accountId=account, name="b", configuration=configuration)
    assert "(configuration.docker.workdir, '/root/')" in said


def test_only_images_of_the_catalogue(cloud: Cloud) -> None:
    account = cloud.account()
    strange = {"docker": {"image": "strange:1", "command": "x"}}
    cloud.workspace(account, "a", configuration=strange)
    switch(cloud, "image-must-be-listed", "yes")
    cloud.no(400, "aiworkspaces/create", accountId=account, name="b", configuration=strange)
    cloud.workspace(account, "c", configuration=FULL)


def test_a_quota_of_workspaces(cloud: Cloud) -> None:
    account = cloud.account()
    switch(cloud, "workspaces-per-account", "1")
    cloud.workspace(account, "a")
    said = cloud.no(400, "aiworkspaces/create", accountId=account, name="b", configuration=SMALL)
    assert said == "exceeded limit on resource quota"


def test_a_duplicate_as_a_200(cloud: Cloud) -> None:
    account = cloud.account()
    cloud.workspace(account, "a")
    switch(cloud, "duplicate-workspace", "200")
    assert "already registered" in cloud.no(
        200, "aiworkspaces/create", accountId=account, name="a", configuration=SMALL
    )


def test_unknown_members(cloud: Cloud) -> None:
    account = cloud.account()
    configuration = {**SMALL, "colour": "red"}
    id = cloud.workspace(account, configuration=configuration)
    assert cloud.ok("aiworkspaces/getDetail", id=id)["contents"][0]["configuration"] == SMALL
    switch(cloud, "unknown-members", "refuse")
    said = cloud.no(400, "aiworkspaces/setConfiguration", id=id, configuration=configuration)
    assert said == "invalid request parameters"
    cloud.ok("aiworkspaces/setConfiguration", id=id, configuration=FULL)


def test_messages_on_success(cloud: Cloud) -> None:
    account = cloud.account()
    switch(cloud, "success-message", "always")
    assert cloud.ok("aiworkspaces/create", accountId=account, name="a", configuration=SMALL)["message"] == "success"
    switch(cloud, "success-message", "never")
    assert "message" not in cloud.ok("accounts/getList")


def test_dates_in_utc(cloud: Cloud) -> None:
    id = cloud.account()
    switch(cloud, "date-layout", "utc")
    assert cloud.ok("accounts/getDetail", id=id)["createdAt"] == "2023-11-14T22:13:20.000Z"


def test_removed_groups(cloud: Cloud) -> None:
    switch(cloud, "removed-groups", "aiworkspaces=gateway,notebooks=service")
    assert cloud.call("aiworkspaces/getDetail", id="x").json() == NOT_FOUND
    assert cloud.call("notebooks/getTypeList").json() == MISSING
    cloud.ok("accounts/getList")


def test_identifiers_from_a_list_and_from_a_seed(cloud: Cloud) -> None:
    switch(cloud, "ids", "first,second")
    account = cloud.account()
    assert account == "first"
    # an ID need only be new for its type
    assert [cloud.workspace(account, name) for name in "ab"] == ["first", "second"]
    cloud.file.set_seed("s")
    drawn = cloud.workspace(account, "c")
    cloud.ok("aiworkspaces/delete", id=drawn)
    cloud.file.set_seed("s")
    assert cloud.workspace(account, "c") == drawn


def test_a_workspace_that_can_be_read_only_later(cloud: Cloud) -> None:
    account = cloud.account()
    switch(cloud, "workspace-visible", "seconds:3")
    id = cloud.workspace(account)
    cloud.no(404, "aiworkspaces/getDetail", id=id)
    assert cloud.ok("aiworkspaces/getList", search={"accountId": account})["total"] == 0
    cloud.file.advance(3)
    assert cloud.ok("aiworkspaces/getDetail", id=id)["name"] == "train-a"
    assert cloud.ok("aiworkspaces/getList", search={"accountId": account})["total"] == 1
    switch(cloud, "workspace-visible", "looks:2")
    id = cloud.workspace(account, "b")
    assert [cloud.call("aiworkspaces/getDetail", id=id).status_code for _ in range(4)] == [404, 404, 200, 200]


def test_every_switch_says_what_it_means_and_takes_its_default() -> None:
    for name, each in SWITCHES.items():
        each.check(name, each.default)
        assert each.meaning
    with pytest.raises(UsageError):
        SWITCHES["contents"].check("contents", "list")


# 4 and 11.2: faults


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("100", 400),
        ("200", 401),
        ("210", 401),
        ("300", 404),
        ("400", 429),
        ("410", 429),
        ("420", 429),
        ("430", 413),
        ("500", 503),
        ("510", 504),
        ("900", 500),
    ],
)
def test_any_row_of_the_gateways_table(cloud: Cloud, code: str, status: int) -> None:
    cloud.file.add_fault("dataforest", "error", "accounts/getList", code=code)
    answer = cloud.call("accounts/getList")
    assert answer.status_code == status
    assert answer.json()["error"]["errorCode"] == code
    cloud.ok("accounts/getList")


@pytest.mark.parametrize(
    ("parameters", "status", "message"),
    [
        ({}, 500, "unexpected error"),
        ({"status": 403}, 403, "not allowed to access"),
        ({"status": 404}, 404, "no such element"),
        ({"status": 400}, 400, "invalid request parameters"),
        ({"status": 200, "message": "no"}, 200, "no"),
    ],
)
def test_any_row_of_the_services_table(cloud: Cloud, parameters: dict[str, Any], status: int, message: str) -> None:
    cloud.file.add_fault("dataforest", "error", "accounts/*", **parameters)
    assert cloud.no(status, "accounts/getList") == message


def test_throttling(cloud: Cloud) -> None:
    cloud.file.add_fault("dataforest", "throttle", times=2, retry_after=1)
    cloud.file.add_fault("dataforest", "throttle", code="400")
    answers = [cloud.call("accounts/getList") for _ in range(3)]
    assert [answer.json()["error"]["message"] for answer in answers] == [
        "Throttle Limited",
        "Throttle Limited",
        "Quota Exceeded",
    ]
    assert [answer.headers.get("retry-after") for answer in answers] == ["1", "1", None]
    with pytest.raises(UsageError):
        cloud.file.add_fault("dataforest", "throttle", code="900")
    with pytest.raises(UsageError):
        cloud.file.add_fault("dataforest", "error", code="1")


def test_quota_and_drop_meet_one_object(cloud: Cloud) -> None:
    account = cloud.account()
    cloud.file.add_fault("dataforest", "quota", "aiworkspaces/create", object="b")
    cloud.file.add_fault("dataforest", "drop-after", "aiworkspaces/create", object="c")
    cloud.workspace(account, "a")
    said = cloud.no(400, "aiworkspaces/create", accountId=account, name="b", configuration=SMALL)
    assert said == "exceeded limit on resource quota"
    with pytest.raises(httpx2.RemoteProtocolError):
        cloud.workspace(account, "c")
    listed = cloud.ok("aiworkspaces/getList", search={"accountId": account})["contents"]
    assert [row["name"] for row in listed] == ["a", "c"]
    assert [line["status"] for line in cloud.file.log() if line["operation"] == "aiworkspaces/create"] == [
        200,
        400,
        "dropped",
    ]
    cloud.file.add_fault("dataforest", "throttle", "aiworkspaces/getDetail", object="c")
    assert [cloud.call("aiworkspaces/getDetail", id=row["id"]).status_code for row in listed] == [200, 429]


def test_stuck_and_failed(cloud: Cloud) -> None:
    cloud.file.add_fault("dataforest", "stuck", "accounts/create")
    account = cloud.account()
    assert cloud.ok("accounts/getDetail", id=account)["status"] == "ACCEPTED"
    cloud.file.edit("dataforest", account, status="RUNNING")
    cloud.file.add_fault("dataforest", "fail", "notebooks/create", status="CREATION_ERROR")
    notebook = cloud.notebook(account)
    cloud.file.advance(180)
    assert cloud.ok("notebooks/getDetail", id=notebook)["state"] == "CREATION_ERROR"


def test_a_failed_write_changes_nothing_and_is_logged(cloud: Cloud) -> None:
    account = cloud.account()
    cloud.workspace(account, "a")
    before = cloud.file.objects()
    cloud.no(400, "aiworkspaces/create", accountId=account, name="a", configuration=SMALL)
    assert cloud.file.objects() == before
    assert cloud.file.log()[-1] == {
        "time": "2023-11-14T22:15:50.000000Z",
        "cloud": "dataforest",
        "operation": "aiworkspaces/create",
        "object": "a",
        "status": 400,
    }


def test_drift_behind_the_engines_back(cloud: Cloud) -> None:
    account = cloud.account()
    id = cloud.workspace(account)
    cloud.file.edit("dataforest", id, {"configuration.docker.command": "rm -rf /", "description": "touched"})
    detail = cloud.ok("aiworkspaces/getDetail", id=id)
    assert detail["description"] == "touched"
    assert detail["contents"][0]["configuration"]["docker"]["command"] == "rm -rf /"
    cloud.file.delete("dataforest", id)
    cloud.no(404, "aiworkspaces/getDetail", id=id)


def test_what_the_command_line_shows(cloud: Cloud) -> None:
    account = cloud.account()
    workspace = cloud.workspace(account)
    common = {"cloud": "dataforest"}
    assert cloud.file.objects() == [
        {**common, "type": "account", "id": account, "name": "lab", "status": "RUNNING"},
        {**common, "type": "aiworkspace", "id": workspace, "name": "train-a", "status": ""},
    ]


# Random bodies: always one of the documented shapes

IDS = st.sampled_from(["ACCOUNT", "WORKSPACE", "NOTEBOOK", "APP", "unknown", "", "x" * 23])
WORDS = st.one_of(
    st.sampled_from(["lab", "train-a", "nb-a", "gpu", IMAGE, PASSWORD, "koya", "Jupyter Lab"]), st.text(max_size=25)
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), WORDS, IDS)
NAMES = st.sampled_from(
    """
    id accountId name description password search typeName configuration docker image command args env exposeTcpPorts
    workdir data input output hdfs path overwrite resource cpuCount gpuCount gpuModel memoryMb queueName aiWorkspaceId
    namePrefix paging limit offset userConfigurations componentName value namespace fileCountMillion spaceTb typeCode
    serverTypeCode vpcNo subnetNo loginKeyName bucketName addStorage storageType storageGB userPackageUri
    """.split()  # noqa: SIM905
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=6)),
    max_leaves=12,
)
VALID: dict[str, dict[str, Any]] = {
    "accounts/create": {"name": "lab2", "password": PASSWORD},
    "aiworkspaces/create": {"accountId": "ACCOUNT", "name": "new", "configuration": FULL},
    "aiworkspaces/setConfiguration": {"id": "WORKSPACE", "configuration": FULL},
    "aiworkspaces/getList": {"search": {"accountId": "ACCOUNT"}},
    "aiapps/submit": {
        "aiWorkspaceId": "WORKSPACE",
        "namePrefix": "run",
        **{name: FULL[name] for name in ("docker", "data", "resource", "queueName")},
    },
    "notebooks/create": {**NOTEBOOK, "accountId": "ACCOUNT", "name": "nb-b"},
    "notebooks/getList": {"accountId": "ACCOUNT", "paging": {"limit": 1, "offset": 0}},
    "notebooks/setUserConfigurationList": {"id": "NOTEBOOK", "userConfigurations": NOTEBOOK["userConfigurations"]},
}
OBJECT_OF = {"accounts": "ACCOUNT", "aiworkspaces": "WORKSPACE", "notebooks": "NOTEBOOK", "aiapps": "APP"}


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, Any]:
    """An operation with a body: anything at all, or a valid one with up to two members replaced."""
    operation = draw(st.sampled_from(sorted(OPERATIONS)))
    if draw(st.booleans()):
        return operation, draw(JSON)
    body = json.loads(json.dumps(VALID.get(operation, {"id": OBJECT_OF[operation.partition("/")[0]]})))
    for _ in range(draw(st.integers(0, 2))):
        place = body
        while isinstance(place, dict) and place:
            name = draw(st.sampled_from(sorted(place)))
            if not isinstance(place[name], dict) or draw(st.booleans()):
                place[name] = draw(JSON)
                break
            place = place[name]
    return operation, body


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(request=requests(), raw=st.one_of(st.none(), st.binary(max_size=40)))
def test_whatever_comes_in_a_documented_shape_goes_out(
    served: Cloud, caplog: pytest.LogCaptureFixture, request: tuple[str, Any], raw: bytes | None
) -> None:
    operation, body = request
    file = served.file
    file.reset()
    file.freeze(NOON)
    with file.transaction("dataforest") as transaction:
        base: dict[str, Any] = {"owner": "example-user", "parent": "ACCOUNT"}
        quotas = {space: {"fileCountMillion": 1, "spaceTb": 200} for space in ("koya", "tata")}
        transaction.add(
            "account", "ACCOUNT", owner="example-user", name="lab", status="RUNNING", body={"quotas": quotas}
        )
        transaction.add("aiworkspace", "WORKSPACE", **base, name="train-a", body={"configuration": SMALL})
        notebook = {**NOTEBOOK, "storage": None, "settings": NOTEBOOK["userConfigurations"]}
        transaction.add("notebook", "NOTEBOOK", **base, name="nb-a", status="RUNNING", body=notebook)
        run = {
            "workspaceId": "WORKSPACE",
            "workspaceName": "train-a",
            "queueName": "gpu",
            "image": IMAGE,
            "resource": {},
        }
        transaction.add("aiapp", "APP", **base, name="run-1", status="RUNNING", body=run)
    with caplog.at_level(logging.WARNING):
        answer = served.send(f"/api/v2/{operation}", json.dumps(body).encode() if raw is None else raw)
    assert not caplog.records
    assert answer.status_code in (200, 400, 403, 404)
    if answer.headers["content-type"] == "application/octet-stream":
        assert operation == "accounts/getKerberosKeytab"
        return
    found = answer.json()
    if answer.status_code == 200 and found["success"]:
        assert set(found["message"]) <= set(string.printable) if "message" in found else operation.endswith("/create")
    else:
        assert found.keys() == {"message", "success"}
        assert found["success"] is False
    for name in ("createdAt", "modifiedAt"):
        if name in found:
            assert datetime.fromisoformat(found[name]).utcoffset() == timedelta(hours=9)

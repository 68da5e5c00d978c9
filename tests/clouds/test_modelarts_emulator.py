"""The ModelArts emulator against the spec, over real sockets: gateway and IAM, API A, faults.

Section numbers are those of the ModelArts spec. API B has a file of its own (`test_modelarts_notebooks`), and so
have random requests (`test_modelarts_random`). Nothing here knows the provider or its client: what is tested is the
wire.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from engine.core.errors import UsageError
from providers.modelarts.emulator import (
    ACCESS_KEY,
    DISABLED_ACCESS_KEY,
    DISABLED_SECRET_KEY,
    DOMAIN,
    EAST_PROJECT_ID,
    OTHER_PROJECT_ID,
    PASSWORD,
    PROJECT_ID,
    REGION,
    SECRET_KEY,
    SUB_PROJECT_ID,
    SWITCHES,
    USER,
)
from providers.modelarts.emulator.answers import GATEWAY_ERRORS, SERVICE_ERRORS
from providers.modelarts.emulator.instances import EVENTS, REFUSALS, STATUSES
from tests.clouds.modelarts_wire import (
    ANY_PROFILE,
    ASCEND_PROFILE,
    EVS,
    GPU_PROFILE,
    HOST,
    HOUR,
    INSTANCE,
    JSON_TYPE,
    NB,
    NOON,
    NOTEBOOK,
    OBS,
    A,
    B,
    Cloud,
    colleague_of,
    fresh,
    gateway_refusal,
    serving,
    sign,
    stamp,
    stranger_to,
    switch,
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with serving(tmp_path_factory.mktemp("modelarts")) as cloud:
        yield cloud


@pytest.fixture
def cloud(served: Cloud) -> Cloud:
    return fresh(served)


@pytest.fixture
def colleague(cloud: Cloud) -> Cloud:
    return colleague_of(cloud)


@pytest.fixture
def other(cloud: Cloud) -> Cloud:
    return stranger_to(cloud)


# 2.2: signature, by the spec's vectors

P = PROJECT_ID
V1_BODY = (
    b'{"name":"nb-1","profile_id":"Multi-Engine 1.0 (python3)-cpu","flavor":"modelarts.vm.cpu.2u","spec":{"storage":'
    b'{"type":"evs","location":{"volume_size":5}},"auto_stop":{"enable":true,"duration":3600}},"workspace":{"id":"0"}}'
)
ALL_FOUR = "content-type;host;x-project-id;x-sdk-date"
VECTORS = {
    "V1": ("POST", f"/v1/{P}/demanager/instances", V1_BODY, ALL_FOUR, {"Content-Type": JSON_TYPE, "X-Project-Id": P},
           "517a53ce922fb78676262827040c0cf006c840606252b2699812a58a715cad5f", 200),
    "V2": ("GET", f"/v1/{P}/demanager/instances?de_type=Notebook&limit=10&offset=0&status=RUNNING", b"",
           "host;x-sdk-date", {}, "a065dde9819ed507a5d61afc77be790910721c6770637f1f68674406915741d9", 200),
    "V3": ("PUT", f"/v1/{P}/notebooks/{NB}", '{"description":"déjà vu"}'.encode(), ALL_FOUR,
           {"Content-Type": "application/json;charset=UTF-8", "X-Project-Id": P},
           "d05ebb08bb92d099c8af272efc9219c648935dc725b4feaf87bd1bc6928e3753", 400),
    "V4": ("GET", f"/v1/{P}/notebooks?empty=&name=a%20b%2Fc%2Bd~e&tags=k1%7Cv1%2Ck2%7Cv2", b"", "host;x-sdk-date", {},
           "21f675b97e92f9361d325903f6b9fd7fc029afa376530f7d4877f31b8f718734", 400),
    "V5": ("DELETE", f"/v1/{P}/notebooks/{NB}", b"", ALL_FOUR,
           {"Content-Type": JSON_TYPE, "X-Project-Id": P, "Host": "127.0.0.1:8080"},
           "6737c13bb86d6cf225a4d055fcc9291d6d7e2198139d483e25fa96de0144cad8", 400),
    "V6": ("POST", f"/v1/{P}/notebooks/{NB}/stop", b"", f"{ALL_FOUR};x-security-token",
           {"Content-Type": JSON_TYPE, "X-Project-Id": P, "X-Security-Token": "TESTSTSTOKEN"},
           "f8cff3871eb023a9ea32cb26903ed4c926f66f6ecf2337fbb38fb7b08f90bbfb", 400),
}  # fmt: skip


def vector(cloud: Cloud, name: str, **changes: Any) -> httpx2.Response:
    method, target, body, names, headers, signature, _ = VECTORS[name]
    line = f"SDK-HMAC-SHA256 Access={ACCESS_KEY}, SignedHeaders={names}, Signature={signature}"
    sent: dict[str, Any] = {
        "method": method,
        "target": target,
        "body": body,
        "headers": {"Host": HOST, **headers},
        "authorization": line,
        "date": "20250102T030405Z",
    }
    return cloud.send(**{**sent, **changes})


@pytest.mark.parametrize("name", VECTORS)
def test_signature_vectors_are_accepted(cloud: Cloud, name: str) -> None:
    answer = vector(cloud, name)
    assert answer.status_code == VECTORS[name][-1], answer.text
    if answer.status_code == 400:  # let in, and then there is no such notebook, or no such query parameter
        assert answer.json()["error_code"] == ("ModelArts.6400" if name == "V4" else "ModelArts.6404")


def test_the_local_signer_is_right_too(cloud: Cloud) -> None:
    for method, target, body, names, headers, signature, _ in VECTORS.values():
        signed = {"Host": HOST, "X-Sdk-Date": "20250102T030405Z", **headers}
        made = sign(SECRET_KEY, method, target, "20250102T030405Z", signed, body, ACCESS_KEY)
        assert made.endswith(f"SignedHeaders={names}, Signature={signature}")


@pytest.mark.parametrize(
    "changes",
    [
        {"body": V1_BODY + b" "},
        {"method": "PUT"},
        {"target": f"/v1/{P}/demanager/instances/"[:-2]},
        {"target": f"/v1/{P}/demanager/instances?limit=1"},
        {"headers": {"Host": "elsewhere", "Content-Type": JSON_TYPE, "X-Project-Id": P}},
        {"headers": {"Host": HOST, "Content-Type": "text/plain", "X-Project-Id": P}},
        {"headers": {"Host": HOST, "Content-Type": JSON_TYPE}},
        {"date": "20250102T030406Z"},
    ],
)
def test_whatever_is_signed_must_not_change(cloud: Cloud, changes: dict[str, Any]) -> None:
    assert "canonical request" in gateway_refusal(vector(cloud, "V1", **changes), "0301")
    assert cloud.file.objects() == []


def test_a_mismatch_shows_the_canonical_request(cloud: Cloud) -> None:
    """2.3.3: with bars instead of newlines."""
    answer = vector(cloud, "V2", authorization=vector_line("V2").replace("a065", "b065"))
    assert answer.status_code == 401
    assert gateway_refusal(answer, "0301").endswith(
        f"GET|/v1/{P}/demanager/instances/|de_type=Notebook&limit=10&offset=0&status=RUNNING|"
        f"host:{HOST}|x-sdk-date:20250102T030405Z||host;x-sdk-date|{hashlib.sha256(b'').hexdigest()}"
    )


def vector_line(name: str) -> str:
    *_, names, _, signature, _ = VECTORS[name]
    return f"SDK-HMAC-SHA256 Access={ACCESS_KEY}, SignedHeaders={names}, Signature={signature}"


GOOD = vector_line("V2")


@pytest.mark.parametrize(
    "line",
    [
        "x",
        GOOD.replace("SDK-HMAC-SHA256 ", "SDK-HMAC-SHA256, "),
        GOOD.replace("SDK-HMAC-SHA256", "SDK-HMAC-SM3"),
        GOOD.replace(", Signature=", " Signature="),
        GOOD.replace("Access=", "Credential="),
        GOOD.replace(ACCESS_KEY, "EXAMPLEAK00000000099"),
        GOOD.replace("host;x-sdk-date", "host"),
        GOOD.replace("host;x-sdk-date", "host;x-sdk-date;accept;missing"),
        GOOD.replace("a065dde9", "A065DDE9"),
        GOOD + "0",
        "Signature=ü",
        GOOD.replace("a065", "ü065"),
    ],
)
def test_authorizations_that_are_none(cloud: Cloud, line: str) -> None:
    answer = vector(cloud, "V2", authorization=line)
    assert answer.status_code == 401
    gateway_refusal(answer, "0301")


@pytest.mark.parametrize(
    "date", ["", "2025-01-02T03:04:05Z", "20250102T030405", "20251302T030405Z", "２０250102T030405Z"]
)
def test_dates_that_are_none(cloud: Cloud, date: str) -> None:
    assert "X-Sdk-Date" in gateway_refusal(
        cloud.send("GET", f"/v1/{P}/notebooks", date=date, authorization=GOOD), "0301"
    )


@pytest.mark.parametrize(("apart", "status"), [(0, 200), (900, 200), (-900, 200), (901, 401), (-901, 401)])
def test_fifteen_minutes_of_skew(cloud: Cloud, apart: int, status: int) -> None:
    answer = cloud.send("GET", f"/v1/{P}/notebooks", date=stamp(NOON + apart))
    assert answer.status_code == status
    switch(cloud, "skew", "off")
    assert cloud.send("GET", f"/v1/{P}/notebooks", date=stamp(NOON + apart)).status_code == 200


def test_a_payload_may_be_left_unsigned(cloud: Cloud) -> None:
    """2.2.5: the header's value stands for the hash."""
    body = json.dumps({**INSTANCE, "name": "x"}).encode()
    headers = {"Content-Type": "text/plain", "X-Sdk-Content-Sha256": "UNSIGNED-PAYLOAD"}
    date, target = stamp(NOON), f"/v1/{P}/{A}"
    signed = {"Host": HOST, "X-Sdk-Date": date, **headers}
    made = sign(SECRET_KEY, "POST", target, date, signed, body, ACCESS_KEY)
    assert cloud.send("POST", target, body, headers={"Host": HOST, **headers}, authorization=made).status_code == 401
    names = ";".join(sorted(name.lower() for name in signed))
    canonical = "\n".join(
        ["POST", f"{target}/", ""]
        + [f"{name.lower()}:{value}" for name, value in sorted(signed.items(), key=lambda each: each[0].lower())]
        + ["", names, "UNSIGNED-PAYLOAD"]
    )
    text = f"SDK-HMAC-SHA256\n{date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
    line = f"SDK-HMAC-SHA256 Access={ACCESS_KEY}, SignedHeaders={names}, Signature={signature}"
    assert cloud.send("POST", target, body, headers={"Host": HOST, **headers}, authorization=line).status_code == 200


def test_a_security_token_must_be_signed(cloud: Cloud) -> None:
    line = sign(
        SECRET_KEY, "GET", f"/v1/{P}/notebooks", stamp(NOON), {"Host": HOST, "X-Sdk-Date": stamp(NOON)}, b"", ACCESS_KEY
    )
    headers = {"Host": HOST, "X-Security-Token": "t"}
    answer = cloud.send("GET", f"/v1/{P}/notebooks", headers=headers, authorization=line)
    assert "X-Security-Token" in gateway_refusal(answer, "0301")


def test_verification_can_be_switched_off(cloud: Cloud) -> None:
    switch(cloud, "signature", "off")
    line = GOOD.replace("a065", "b065")
    assert vector(cloud, "V2", authorization=line).status_code == 200
    assert vector(cloud, "V2", authorization=line.replace(ACCESS_KEY, "EXAMPLEAK00000000099")).status_code == 401


def test_keys_that_may_not(cloud: Cloud) -> None:
    assert cloud.as_key("EXAMPLEAK00000000099", "x").call("GET", B).status_code == 401
    disabled = cloud.as_key(DISABLED_ACCESS_KEY, DISABLED_SECRET_KEY)
    assert "disabled" in gateway_refusal(disabled.call("GET", B), "0301")
    cloud.file.add_key("modelarts", "EXAMPLEAK00000000055", "suspended", owner=USER, standing="unsubscribed")
    suspended = cloud.as_key("EXAMPLEAK00000000055", "suspended").call("GET", B)
    assert (suspended.status_code, suspended.json()["error_code"]) == (401, "ModelArts.6201")


def test_keys_can_be_added(cloud: Cloud) -> None:
    cloud.file.add_key("modelarts", "EXAMPLEAK00000000066", "ExampleAdded", owner="newcomer")
    added = cloud.as_key("EXAMPLEAK00000000066", "ExampleAdded")
    (project,) = added.send("GET", "/v3/projects").json()["projects"]
    assert re.fullmatch("[0-9a-f]{32}", project["id"])
    mine = cloud.as_key("EXAMPLEAK00000000066", "ExampleAdded", project["id"])
    assert mine.show(mine.instance())["user"]["name"] == "newcomer"


def test_who_is_asked_before_what(cloud: Cloud) -> None:
    """2.3: authentication, then the project, then the path."""
    for target in ("/", "/v1", f"/v1/{P}/nowhere", f"/v1/{OTHER_PROJECT_ID}/notebooks"):
        assert cloud.send("GET", target, authorization="").status_code == 401
    assert cloud.send("GET", f"/v1/{OTHER_PROJECT_ID}/nowhere").json()["error_code"] == "ModelArts.0210"
    assert cloud.send("GET", f"/v1/{P}/nowhere").json()["error_code"] == "APIGW.0101"


def test_the_project_must_be_the_callers(cloud: Cloud, other: Cloud) -> None:
    for project in (OTHER_PROJECT_ID, "0" * 32, "x"):
        answer = cloud.send("GET", f"/v1/{project}/notebooks")
        assert (answer.status_code, answer.json()["error_code"]) == (403, "ModelArts.0210")
    for project in (EAST_PROJECT_ID, SUB_PROJECT_ID):
        assert cloud.send("GET", f"/v1/{project}/notebooks").status_code == 200
    answer = cloud.send("GET", f"/v1/{P}/notebooks", headers={"X-Project-Id": EAST_PROJECT_ID})
    assert answer.json()["error_code"] == "ModelArts.0210"
    assert other.listed() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v1"),
        ("GET", f"/v1/{P}"),
        ("GET", f"/v2/{P}/notebooks"),
        ("GET", f"/v1/{P}/notebooks/"),
        ("PATCH", f"/v1/{P}/notebooks/{NB}"),
        ("GET", f"/v1/{P}/notebooks/{NB}/start"),
        ("POST", f"/v1/{P}/demanager/instances/x"),
        ("GET", f"/v1/{P}/demanager"),
        ("GET", f"/v1/{P}/Notebooks"),
        ("PUT", "/v3/projects"),
        ("GET", "/v3/users"),
    ],
)
def test_routes_there_are_not(cloud: Cloud, method: str, path: str) -> None:
    answer = cloud.send(method, path)
    assert answer.status_code == 404
    gateway_refusal(answer, "0101")


def test_every_answer_has_a_request_id_of_its_own(cloud: Cloud) -> None:
    cloud.file.add_fault("modelarts", "non-json", "images/list")
    cloud.file.add_fault("modelarts", "throttle", "images/get")
    answers = [
        cloud.call("GET", B),
        cloud.call("GET", f"{B}/x"),
        cloud.send("GET", "/", authorization=""),
        cloud.send("POST", "/v3/auth/tokens"),
        cloud.call("GET", "images"),
        cloud.call("GET", "images/x"),
        cloud.call("DELETE", f"{B}/{cloud.notebook()}/tags/delete", {"tags": []}),
    ]
    assert [answer.status_code for answer in answers] == [200, 400, 401, 400, 502, 429, 204]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[0-9a-f]{32}", id) for id in ids)


def test_limits_of_the_gateway(cloud: Cloud) -> None:
    """1.4; the server itself takes no more than 64 KB of request line and headers."""
    for expected, answer in (
        (414, cloud.send("GET", f"/v1/{P}/notebooks?name={'x' * 33_000}")),
        (494, cloud.send("GET", f"/v1/{P}/notebooks", headers={"X-Long": "x" * 33_000})),
        (413, cloud.send("POST", f"/v1/{P}/notebooks", b" " * (12 * 1024 * 1024 + 1))),
    ):
        assert answer.status_code == expected
        gateway_refusal(answer, "0201")


def test_a_limit_of_rate(cloud: Cloud) -> None:
    """4.2: 429, and when to come again."""
    switch(cloud, "rate-limit", "3/60")
    cloud.file.freeze(1_735_787_040.0)  # a window begins
    assert [cloud.call("GET", B).status_code for _ in range(3)] == [200] * 3
    cloud.file.advance(15)
    answer = cloud.call("GET", B)
    assert answer.status_code == 429
    gateway_refusal(answer, "0308")
    assert answer.headers["retry-after"] == "45"
    cloud.file.advance(45)
    assert cloud.call("GET", B).status_code == 200


# 2.1: tokens and projects


def token_body(**changes: Any) -> dict[str, Any]:
    user = {"name": USER, "password": PASSWORD, "domain": {"name": DOMAIN}}
    scope: dict[str, Any] = changes.pop("scope", {"project": {"name": REGION}})
    identity = {"methods": ["password"], "password": {"user": {**user, **changes}}}
    return {"auth": {"identity": identity, **({"scope": scope} if scope else {})}}


def take_token(cloud: Cloud, **changes: Any) -> httpx2.Response:
    body = json.dumps(token_body(**changes)).encode()
    return cloud.send("POST", "/v3/auth/tokens?nocatalog=1", body, authorization="")


def with_token(cloud: Cloud, token: str, project: str = PROJECT_ID) -> httpx2.Response:
    return cloud.send("GET", f"/v1/{project}/notebooks", headers={"X-Auth-Token": token}, authorization="")


def test_a_token_for_a_project(cloud: Cloud) -> None:
    answer = take_token(cloud)
    assert answer.status_code == 201
    token = answer.json()["token"]
    assert token["project"]["id"] == PROJECT_ID
    assert token["project"]["domain"]["name"] == token["user"]["domain"]["name"] == DOMAIN
    assert token["issued_at"] == "2025-01-02T03:04:05.000000Z"
    assert token["expires_at"] == "2025-01-03T03:04:05.000000Z"
    assert "catalog" not in token
    subject = answer.headers["x-subject-token"]
    assert with_token(cloud, subject).status_code == 200
    again = take_token(cloud, scope={"project": {"id": PROJECT_ID}, "domain": {"name": DOMAIN}})
    for each in (subject, again.headers["x-subject-token"]):  # a new one leaves the old one valid
        assert with_token(cloud, each).status_code == 200


def test_tokens_expire(cloud: Cloud) -> None:
    subject = take_token(cloud).headers["x-subject-token"]
    cloud.file.advance(86_399)
    assert with_token(cloud, subject).status_code == 200
    cloud.file.advance(1)
    assert "expired" in gateway_refusal(with_token(cloud, subject), "0301")
    switch(cloud, "expired-token-code", "0307")
    gateway_refusal(with_token(cloud, subject), "0307")
    switch(cloud, "token-life", "10")
    subject = take_token(cloud).headers["x-subject-token"]
    cloud.file.advance(10)
    assert with_token(cloud, subject).status_code == 401


def test_tokens_that_are_none(cloud: Cloud) -> None:
    subject = take_token(cloud).headers["x-subject-token"]
    for each in ("x", "", "." * 3, subject[:-1], "a" + subject, subject.replace(".", ""), "ü"):
        gateway_refusal(with_token(cloud, each), "0301")
    cloud.file.reset()
    cloud.file.freeze(NOON)
    assert with_token(cloud, subject).status_code == 401


def test_a_token_is_for_its_project_only(cloud: Cloud) -> None:
    subject = take_token(cloud, scope={"project": {"name": "cn-east-3"}}).headers["x-subject-token"]
    assert with_token(cloud, subject, EAST_PROJECT_ID).status_code == 200
    assert with_token(cloud, subject).json()["error_code"] == "ModelArts.0210"
    for scope in ({"domain": {"name": DOMAIN}}, {}):
        unscoped = take_token(cloud, scope=scope)
        assert unscoped.status_code == 201
        answer = with_token(cloud, unscoped.headers["x-subject-token"])
        assert (answer.status_code, answer.json()["error_code"]) == (401, "ModelArts.0204")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"password": "x"}, 401),
        ({"name": "nobody"}, 401),
        ({"domain": {"name": "other"}}, 401),
        ({"scope": {"project": {"name": "cn-north-9"}}}, 404),
        ({"scope": {"project": {"id": OTHER_PROJECT_ID}}}, 404),
        ({"scope": {"project": {}}}, 400),
        ({"scope": "x"}, 400),
        ({"name": 1}, 400),
        ({"domain": {}}, 400),
    ],
)
def test_tokens_not_given(cloud: Cloud, changes: dict[str, Any], status: int) -> None:
    answer = take_token(cloud, **changes)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error.keys() == {"code", "message", "title"}
    assert error["code"] == status


@pytest.mark.parametrize("body", [b"", b"[]", b"x", b'{"auth": 1}', b'{"auth": {"identity": {"methods": ["token"]}}}'])
def test_bodies_iam_cannot_read(cloud: Cloud, body: bytes) -> None:
    answer = cloud.send("POST", "/v3/auth/tokens", body, authorization="")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 400)


def test_projects_by_name(cloud: Cloud) -> None:
    """1.2: signed, compared exactly: a sub-project has its region's name in front."""
    (project,) = cloud.send("GET", f"/v3/projects?name={REGION}").json()["projects"]
    assert (project["id"], project["name"], project["enabled"]) == (PROJECT_ID, REGION, True)
    assert {"domain_id", "parent_id", "is_domain", "description", "links"} < project.keys()
    everything = cloud.send("GET", "/v3/projects").json()
    assert [each["name"] for each in everything["projects"]] == ["cn-north-4", "cn-east-3", "cn-north-4_team"]
    assert cloud.send("GET", "/v3/projects?name=cn-north").json()["projects"] == []
    subject = take_token(cloud).headers["x-subject-token"]
    by_token = cloud.send("GET", "/v3/projects", headers={"X-Auth-Token": subject}, authorization="")
    assert by_token.json() == everything
    nobody = cloud.send("GET", "/v3/projects", authorization="")
    assert (nobody.status_code, nobody.json()["error"]["code"]) == (401, 401)


# 5: API A, a full life


def test_the_sample_of_the_customers_page(cloud: Cloud) -> None:
    body = {
        "name": "notebook-instance",
        "description": "",
        "profile_id": GPU_PROFILE,
        "flavor": "modelarts.bm.gpu.v100NV32",
        "spec": {
            "storage": {"location": {"volume_size": 5}, "type": "evs"},
            "auto_stop": {"enable": True, "duration": 3600},
        },
        "workspace": {"id": "0"},
    }
    made = cloud.ok("POST", A, body)
    assert re.fullmatch("DE-[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-0255ac10[0-9a-f]{4}", made["id"])
    assert made["creation_timestamp"] == made["latest_update_timestamp"] == "1735787045000"
    assert made["status"] == "CREATING"
    assert made["ai_project"] == {"id": "default-ai-project"}
    details = made["flavor_details"]
    assert (details["name"], details["status"], details["type"]) == ("modelarts.bm.gpu.v100NV32", "onSale", "GPU")
    assert details["params"] == {"CPU": 8, "GPU": 1, "gpu_type": "v100NV32", "memory": "64GiB"}
    profile = made["profile"]
    assert profile["provision"]["spec"]["params"]["image_name"] == "mul-kernel-gpu-cuda-cp36"
    assert (profile["id"], profile["de_type"], profile["flavor_type"]) == (GPU_PROFILE, "Notebook", "GPU")
    assert made["spec"]["auto_stop"] == {"duration": 3600, "enable": True, "prompt": True}
    location = {"path": "/home/ma-user/work", "volume_size": 5, "volume_unit": "GB"}
    assert made["spec"]["storage"] == {"type": "evs", "location": location}
    assert made["spec"]["annotations"]["url"] == ""
    assert made["user"] == {"id": "00000000000000000000000000000001", "name": USER}
    assert made["workspace"] == {"id": "0"}
    assert not {"pool", "error_code", "queuing_info"} & made.keys()
    for name in ("extend_params", "failed_reasons", "repository", "extend_storage"):
        assert made["spec"][name] is None


def test_a_full_life_of_an_instance(cloud: Cloud) -> None:
    auto_stop = {"enable": True, "duration": 3600}
    id = cloud.instance(running=False, spec={"storage": EVS, "auto_stop": auto_stop})
    cloud.file.advance(58)
    assert cloud.show(id)["status"] == "CREATING"
    cloud.file.advance(1)
    shown = cloud.show(id)
    assert shown["status"] == "RUNNING"
    assert shown["latest_update_timestamp"] == str(int(NOON + 59) * 1000)
    assert id in shown["spec"]["annotations"]["url"]
    # 5.4: the countdown starts when RUNNING is reached
    times = {"stop_timestamp": int(NOON + 59 + 3600) * 1000, "remain_time": 3600}
    assert shown["spec"]["auto_stop"] == {**auto_stop, "prompt": True, **times}
    cloud.file.advance(10.5)
    assert cloud.show(id)["spec"]["auto_stop"]["remain_time"] == 3589

    token = cloud.ok("GET", f"{A}/{id}/token")["token"]
    assert re.fullmatch("[0-9a-f]{32}", token)
    changed = cloud.ok("PUT", f"{A}/{id}", {"description": "team A"})
    assert (changed["description"], changed["status"]) == ("team A", "RUNNING")
    assert cloud.act(id, "stop") == {"current_status": "STOPPING", "previous_state": "RUNNING"}
    cloud.no("6308", "POST", f"{A}/{id}/action", {"action": "start"})
    cloud.file.advance(15)
    stopped = cloud.show(id)
    assert stopped["status"] == "STOPPED"
    assert stopped["spec"]["auto_stop"] == {**auto_stop, "prompt": True}
    assert stopped["spec"]["annotations"]["url"] == ""
    cloud.no("6327", "GET", f"{A}/{id}/token")
    assert cloud.act(id, "start") == {"current_status": "STARTING", "previous_state": "STOPPED"}
    cloud.file.advance(30)
    assert cloud.act(id, "restart") == {"current_status": "RESTARTING", "previous_state": "RUNNING"}
    cloud.file.advance(30)
    shown = cloud.show(id)
    assert (shown["status"], shown["spec"]["auto_stop"]["remain_time"]) == ("RUNNING", 3600)
    cloud.no("6304", "DELETE", f"{A}/{id}")
    cloud.file.advance(3600)
    assert cloud.show(id)["status"] == "STOPPING"  # by itself
    cloud.file.advance(15)
    assert cloud.ok("DELETE", f"{A}/{id}") == {"instance_id": id}
    for method, path, body in (
        ("GET", f"{A}/{id}", None),
        ("PUT", f"{A}/{id}", {}),
        ("DELETE", f"{A}/{id}", None),
        ("GET", f"{A}/{id}/token", None),
        ("POST", f"{A}/{id}/action", {"action": "start"}),
    ):
        cloud.no("6309", method, path, body)
    assert cloud.ok("GET", A, de_type="Notebook") == {"total_count": 0, "instances": []}


def test_lives_at_instant_and_fast_and_by_looks(tmp_path: Path) -> None:
    for speed in ("instant", "fast"):
        with serving(tmp_path / speed, speed) as cloud:
            file = cloud.file
            file.freeze(NOON)
            step = 0.0 if speed == "instant" else 0.59
            id = cloud.instance(running=False, spec={"storage": EVS, "auto_stop": {"enable": True, "duration": 3600}})
            file.advance(step)
            assert cloud.show(id)["status"] == "RUNNING"
            cloud.act(id, "stop")
            file.advance(step)
            cloud.act(id, "start")
            file.advance(step)
            assert cloud.show(id)["spec"]["auto_stop"]["remain_time"] >= 3599  # what the user asked for is not scaled
            notebook = cloud.notebook(running=False)
            file.advance(step)
            assert cloud.see(notebook)["status"] == "RUNNING"
            cloud.ok("POST", f"{B}/{notebook}/stop")
            file.advance(step)
            cloud.ok("DELETE", f"{B}/{notebook}")
            file.advance(step)
            cloud.no("6404", "GET", f"{B}/{notebook}")
            switch(cloud, "demanager-create", "looks:2")
            switch(cloud, "notebook-create", "looks:2")
            id = cloud.instance("by-looks", running=False)
            assert [cloud.show(id)["status"] for _ in range(4)] == ["CREATING"] * 2 + ["RUNNING"] * 2
            id = cloud.notebook("by-looks", running=False)
            assert [cloud.see(id)["status"] for _ in range(4)] == ["CREATING"] * 2 + ["RUNNING"] * 2
            lease = cloud.ok("GET", f"{B}/{id}/lease")
            assert lease["duration"] == HOUR


# 5.8: statuses and refusals


def put_status(cloud: Cloud, id: str, status: str) -> None:
    cloud.file.edit("modelarts", id, status=status)


def attempt(cloud: Cloud, id: str, event: str) -> httpx2.Response:
    if event == "delete":
        return cloud.call("DELETE", f"{A}/{id}")
    if event == "update":
        return cloud.call("PUT", f"{A}/{id}", {"description": "x"})
    return cloud.call("POST", f"{A}/{id}/action", {"action": event})


@pytest.mark.parametrize("status", REFUSALS)
def test_what_each_status_refuses(cloud: Cloud, status: str) -> None:
    for event in EVENTS:
        cloud.file.reset()
        cloud.file.freeze(NOON)
        id = cloud.instance(flavor="modelarts.vm.cpu.free")
        put_status(cloud, id, status)
        answer = attempt(cloud, id, event)
        code = REFUSALS[status][event]
        assert answer.status_code == (400 if code else 200), (status, event)
        if code:
            assert answer.json()["error_code"] == f"ModelArts.{code}", (status, event)
            assert cloud.show(id)["status"] == status


@pytest.mark.parametrize(
    ("status", "event", "code"),
    [
        ("RUNNING", "start", "6305"),
        ("STARTING", "start", "6306"),
        ("STARTING", "stop", "6306"),
        ("STARTING", "delete", "6306"),
        ("STARTING", "update", "6306"),
        ("RESTARTING", "start", "6306"),
        ("STOPPED", "stop", "6307"),
        ("STOPPING", "start", "6308"),
        ("STOPPING", "stop", "6308"),
        ("STOPPING", "restart", "6308"),
        ("RUNNING", "delete", "6304"),
        ("STOPPED", "restart", "6327"),
        ("START_FAILED", "restart", "6327"),
        ("CREATING", "start", "6357"),
        ("CREATING", "stop", "6357"),
        ("CREATING", "delete", "6357"),
        ("CREATING", "update", "6357"),
    ],
)
def test_the_refusals_the_spec_names(status: str, event: str, code: str) -> None:
    assert REFUSALS[status][event] == code


def test_the_table_knows_every_status() -> None:
    assert set(REFUSALS) == set(STATUSES) - {"DELETED"}


def test_actions_there_are_not(cloud: Cloud) -> None:
    id = cloud.instance()
    action = f"{A}/{id}/action"
    cloud.no("6336", "POST", action, {"action": "reboot"})
    cloud.no("6335", "POST", action, {})
    cloud.no("6332", "POST", action, {"action": 1})
    cloud.no("6336", "POST", action, {"action": "start", "force": True})
    for event in ("queue", "dequeue"):
        cloud.no("6336", "POST", action, {"action": event})  # a flavor that costs money


def test_a_free_flavor_that_is_sold_out_is_queued_for(cloud: Cloud) -> None:
    switch(cloud, "sold-out", "modelarts.vm.cpu.free")
    id = cloud.instance(running=False, flavor="modelarts.vm.cpu.free")
    cloud.file.advance(20)
    shown = cloud.show(id)
    assert shown["status"] == "CREATE_QUEUING"
    assert shown["flavor_details"]["promo_type"] == "Free"
    assert (shown["flavor_details"]["status"], shown["flavor_details"]["queue_left_time"]) == ("soldOut", 120)
    queue = shown["queuing_info"]
    assert queue.pop("flavor_details") == shown["flavor_details"]
    assert queue == {
        "id": id,
        "name": "nb-1",
        "de_type": "Notebook",
        "flavor": "modelarts.vm.cpu.free",
        "status": "CREATE_QUEUING",
        "begin_timestamp": int(NOON) * 1000,
        "end_timestamp": int(NOON + 120) * 1000,
        "remain_time": 100,
        "rank": 1,
    }
    cloud.file.advance(100)
    assert cloud.show(id)["status"] == "CREATING"
    cloud.file.advance(59)
    assert cloud.show(id)["status"] == "RUNNING"
    cloud.act(id, "stop")
    cloud.file.advance(15)
    assert cloud.act(id, "start") == {"current_status": "START_QUEUING", "previous_state": "STOPPED"}
    assert cloud.show(id)["queuing_info"]["begin_timestamp"] == int(NOON + 194) * 1000
    cloud.file.advance(120)
    assert cloud.show(id)["status"] == "READY_TO_START"
    cloud.file.advance(1e6)
    assert cloud.show(id)["status"] == "READY_TO_START"  # waits to be started
    assert cloud.act(id, "start")["current_status"] == "STARTING"
    cloud.file.advance(30)
    assert cloud.show(id)["status"] == "RUNNING"


def test_queues_can_be_left(cloud: Cloud) -> None:
    switch(cloud, "sold-out", "modelarts.vm.cpu.free")
    id = cloud.instance(running=False, flavor="modelarts.vm.cpu.free")
    assert cloud.act(id, "dequeue") == {"current_status": "STOPPED", "previous_state": "CREATE_QUEUING"}
    assert cloud.act(id, "queue") == {"current_status": "START_QUEUING", "previous_state": "STOPPED"}
    assert cloud.ok("DELETE", f"{A}/{id}") == {"instance_id": id}


def test_start_meets_what_create_would(cloud: Cloud) -> None:
    cloud.instance("a", spec={"storage": OBS})
    id = cloud.ok("GET", A, de_type="Notebook")["instances"][0]["id"]
    cloud.act(id, "stop")
    cloud.file.advance(15)
    switch(cloud, "sold-out", "modelarts.vm.cpu.2u")
    cloud.no("6329", "POST", f"{A}/{id}/action", {"action": "start"})
    switch(cloud, "buckets", "another")
    cloud.no("6320", "POST", f"{A}/{id}/action", {"action": "start"})


def test_failures_are_told(cloud: Cloud) -> None:
    cloud.file.add_fault("modelarts", "fail", "demanager/create")
    id = cloud.instance()
    shown = cloud.show(id)
    assert shown["status"] == "CREATE_FAILED"
    assert shown["error_code"] == shown["spec"]["failed_reasons"]["code"] == "ModelArts.6361"
    assert shown["spec"]["failed_reasons"].keys() == {"code", "message", "detail"}
    cloud.no("6357", "POST", f"{A}/{id}/action", {"action": "start"})
    cloud.ok("DELETE", f"{A}/{id}")

    reasons = {"code": "ModelArts.6350", "message": "no access", "detail": {"bucket": "b"}}
    cloud.file.add_fault("modelarts", "fail", "demanager/create", changes={"failed_reasons": reasons})
    shown = cloud.show(cloud.instance())
    assert (shown["error_code"], shown["spec"]["failed_reasons"]) == ("ModelArts.6350", reasons)

    id = cloud.instance("other")
    cloud.act(id, "stop")
    cloud.file.advance(15)
    cloud.file.add_fault("modelarts", "fail", "demanager/start")
    cloud.act(id, "start")
    cloud.file.advance(30)
    shown = cloud.show(id)
    assert (shown["status"], shown["error_code"]) == ("START_FAILED", "ModelArts.6360")
    switch(cloud, "start-from-failed", "refuse")
    cloud.no("6357", "POST", f"{A}/{id}/action", {"action": "start"})
    switch(cloud, "start-from-failed", "allow")
    assert cloud.act(id, "start")["previous_state"] == "START_FAILED"
    cloud.file.advance(30)
    shown = cloud.show(id)
    assert (shown["status"], shown["spec"]["failed_reasons"]) == ("RUNNING", None)
    assert "error_code" not in shown
    cloud.file.add_fault("modelarts", "fail", "demanager/stop")
    cloud.act(id, "stop")
    cloud.file.advance(15)
    assert cloud.show(id)["status"] == "UNAVAILABLE"


def test_stuck_statuses(cloud: Cloud) -> None:
    cloud.file.add_fault("modelarts", "stuck", "demanager/create")
    cloud.file.add_fault("modelarts", "stuck", "demanager/stop")
    id = cloud.instance()
    cloud.file.advance(1e6)
    assert cloud.show(id)["status"] == "CREATING"
    put_status(cloud, id, "RUNNING")
    cloud.act(id, "stop")
    cloud.file.advance(1e6)
    assert cloud.show(id)["status"] == "STOPPING"
    switch(cloud, "sold-out", "modelarts.vm.cpu.free")
    switch(cloud, "demanager-create", "never")
    id = cloud.instance("queued", flavor="modelarts.vm.cpu.free")
    cloud.file.advance(1e6)
    shown = cloud.show(id)
    assert (shown["status"], shown["queuing_info"]["remain_time"]) == ("CREATE_QUEUING", 120)


# 5.10: validation, in its order


def at(path: str, value: Any) -> dict[str, Any]:
    """The valid body with one member replaced; `...` takes it away."""
    body = json.loads(json.dumps(INSTANCE))
    *parts, last = path.split(".")
    inner = body
    for part in parts:
        inner = inner.setdefault(part, {})
    if value is ...:
        inner.pop(last, None)
    else:
        inner[last] = value
    return body


def stored(type: str, **location: Any) -> dict[str, Any]:
    return at("spec.storage", {"type": type, **({"location": location} if location else {})})


def in_pool(storage: Any, *extended: Any, pool: Any = None) -> dict[str, Any]:
    spec = {"storage": storage, **({"extend_storage": list(extended)} if extended else {})}
    return {**INSTANCE, "pool": pool or {"id": "pool-example"}, "spec": spec}


PFS = {"type": "obsfs", "location": {"path": "pfs-bucket"}}
REFUSED: list[tuple[str, Any]] = [
    # 1-4
    ("6400", []),
    ("6335", {}),
    ("6335", at("name", ...)),
    ("6335", at("name", None)),
    ("6335", at("profile_id", ...)),
    ("6335", at("flavor", ...)),
    ("6335", at("spec", ...)),
    ("6316", at("spec.storage", ...)),
    ("6316", at("spec.storage", None)),
    ("6335", at("spec.storage", {})),
    ("6335", at("pool", {})),
    ("6332", at("name", 1)),
    ("6332", at("name", True)),
    ("6332", at("spec", [])),
    ("6332", at("spec.storage", "evs")),
    ("6332", at("spec.storage.location", "x")),
    ("6332", at("spec.storage.location.volume_size", "5")),
    ("6332", at("spec.storage.location.volume_size", 5.0)),
    ("6332", at("spec.storage.location.volume_size", True)),
    ("6332", at("spec.auto_stop", {"enable": 1})),
    ("6332", at("spec.auto_stop", {"enable": "true"})),
    ("6332", at("spec.auto_stop", {"duration": "3600"})),
    ("6332", at("spec.annotations", {"a": 1})),
    ("6332", at("spec.annotations", ["a"])),
    ("6332", at("spec.extend_storage", {})),
    ("6332", at("spec.extend_storage", ["x"])),
    ("6332", at("workspace", "0")),
    ("6332", at("workspace.id", 0)),
    ("6332", at("description", ["x"])),
    # unknown members (9)
    ("6336", at("colour", "red")),
    ("6336", at("spec.size", 1)),
    ("6336", at("spec.storage.location.colour", "red")),
    ("6336", at("repository", {})),
    # 5
    ("6334", at("name", "a b")),
    ("6334", at("name", "nb.1")),
    ("6334", at("name", "ñ")),
    ("6334", at("name", "a\n")),
    ("6336", at("name", "")),
    ("6336", at("name", "a" * 65)),
    *[("6334", at("description", f"a{character}b")) for character in "&<>\"'/"],
    ("6336", at("description", "a" * 513)),
    # 6
    ("6324", stored("efs")),
    ("6324", stored("OBS", path="b/d/")),
    ("6324", stored("EVS")),
    ("6324", in_pool(EVS, EVS)),
    ("6324", in_pool(EVS, PFS, OBS)),
    # 7
    ("6317", stored("obs")),
    ("6317", stored("obs", volume_size=5)),
    ("6317", stored("obs", path="")),
    ("6318", stored("obs", path="bucket/dir")),
    ("6318", stored("obs", path="bucket")),
    ("6358", stored("obs", path="bucket/")),
    ("6358", stored("obs", path="/bucket/")),
    ("6358", stored("obs", path="obs://bucket/")),
    ("6358", stored("obs", path="/")),
    # 8
    ("6331", stored("evs", volume_size=4)),
    ("6331", stored("evs", volume_size=4097)),
    ("6331", stored("evs", volume_size=-1)),
    # 9
    ("6336", stored("obsfs", path="bucket")),
    ("6336", at("spec.extend_storage", [PFS])),
    ("6336", in_pool({"type": "obsfs", "location": {"path": "b", "access_modes": "ReadWriteOnce"}})),
    ("6336", in_pool({"type": "obsfs", "location": {"path": "b/dir"}})),
    # 10
    ("6348", at("spec.auto_stop", {"enable": True})),
    ("6348", at("spec.auto_stop", {"enable": True, "duration": None})),
    ("6349", at("spec.auto_stop", {"enable": True, "duration": 3599})),
    ("6349", at("spec.auto_stop", {"enable": True, "duration": 86_401})),
    ("6349", at("spec.auto_stop", {"enable": False, "duration": 1})),
    ("6349", at("spec.auto_stop", {"duration": 0})),
    # 11
    ("6336", at("profile_id", "Python3")),
    ("6323", at("flavor", "modelarts.vm.cpu.3u")),
    ("6328", {**INSTANCE, "profile_id": GPU_PROFILE, "flavor": "modelarts.vm.gpu.2p100"}),
    ("6330", at("flavor", "modelarts.vm.gpu.p100")),
    ("6330", at("profile_id", GPU_PROFILE)),
    ("6330", {**INSTANCE, "profile_id": ANY_PROFILE, "flavor": "modelarts.kat1.xlarge"}),
    ("6330", at("profile_id", ASCEND_PROFILE)),
    # 12
    ("0102", at("workspace.id", "1")),
    ("6336", at("pool.id", "pool-unknown")),
]


@pytest.mark.parametrize(("code", "body"), REFUSED)
def test_create_refuses(cloud: Cloud, code: str, body: Any) -> None:
    cloud.no(code, "POST", A, body)
    assert cloud.file.objects() == []


def test_the_rules_come_in_their_order(cloud: Cloud) -> None:
    """5.10: a body that breaks all of them, mended from the front."""
    switch(cloud, "sold-out", "modelarts.vm.cpu.8u")
    switch(cloud, "buckets", "allowed")
    switch(cloud, "global-credentials", "missing")
    switch(cloud, "demanager-quota", "1")
    cloud.instance("taken")
    body: dict[str, Any] = {
        "name": 1,
        "description": "/" * 600,
        "flavor": "modelarts.vm.cpu.3u",
        "workspace": {"id": "1"},
        "spec": {"auto_stop": {"enable": True, "duration": None}},
    }
    for code, path, value in (
        ("6335", "profile_id", "nothing"),
        ("6316", "spec.storage", {}),
        ("6335", "spec.storage.type", "efs"),
        ("6332", "name", "ta ken" * 20),
        ("6334", "name", "taken" * 20),
        ("6334", "description", "x" * 600),
        ("6336", "name", "taken"),
        ("6336", "description", ""),
        ("6324", "spec.storage.type", "obs"),
        ("6317", "spec.storage.location", {"path": "bucket"}),
        ("6318", "spec.storage.location", {"path": "bucket/"}),
        ("6358", "spec.storage.location", {"path": "bucket/dir/"}),
        ("6320", "spec.storage.location", {"path": "allowed/dir/"}),
        ("6319", "spec.storage", {"type": "evs", "location": {"volume_size": 1}}),
        ("6331", "spec.storage.location", {"volume_size": 6}),
        ("6348", "spec.auto_stop.duration", 1),
        ("6349", "spec.auto_stop.duration", 3600),
        ("6336", "profile_id", GPU_PROFILE),
        ("6323", "flavor", "modelarts.vm.gpu.4p100"),
        ("6328", "flavor", "modelarts.vm.cpu.8u"),
        ("6329", "flavor", "modelarts.vm.cpu.2u"),
        ("6330", "profile_id", ANY_PROFILE),
        ("0102", "workspace.id", "0"),
        ("6301", "name", "free"),
        ("6302", "name", "free"),
    ):
        cloud.no(code, "POST", A, body)
        *parts, last = path.split(".")
        inner = body
        for part in parts:
            inner = inner[part]
        inner[last] = value
    switch(cloud, "demanager-quota", "2")
    cloud.ok("POST", A, body)


@pytest.mark.parametrize("raw", [b"", b"x", b"[]", b'"x"', b"\xff", b'{"name": NaN}', b'{"name": "\\ud800"}'])
@pytest.mark.parametrize("path", [A, B])
def test_bodies_that_cannot_be_read(cloud: Cloud, path: str, raw: bytes) -> None:
    answer = cloud.send("POST", f"/v1/{P}/{path}", raw)
    wanted = "ModelArts.6335" if (path, raw) == (A, b"") else "ModelArts.6400"  # no body is an empty one
    assert (answer.status_code, answer.json()["error_code"]) == (400, wanted)


@pytest.mark.parametrize(
    ("storage", "kept"),
    [
        ({"type": "evs"}, {"path": "/home/ma-user/work", "volume_size": 5, "volume_unit": "GB"}),
        (
            {"type": "evs", "location": {"volume_size": 4096, "path": "x", "mount_path": "/y"}},
            {"path": "/home/ma-user/work", "volume_size": 4096, "volume_unit": "GB"},
        ),
        ({"type": "obs", "location": {"path": "/b/d/", "volume_size": 9}}, {"path": "/b/d/"}),
        (
            {"type": "obsfs", "location": {"path": "pfs"}},
            {"path": "pfs", "mount_path": "/home/ma-user/work", "access_modes": "ReadWriteMany"},
        ),
    ],
)
def test_what_becomes_of_a_storage(cloud: Cloud, storage: dict[str, Any], kept: dict[str, Any]) -> None:
    id = cloud.ok("POST", A, in_pool(storage))["id"]
    assert cloud.show(id)["spec"]["storage"] == {"type": storage["type"], "location": kept}


def test_a_dedicated_pool(cloud: Cloud) -> None:
    made = cloud.ok("POST", A, {**in_pool(EVS, PFS), "ai_project": {"id": "p1"}, "description": "d" * 512})
    assert made["pool"] == {
        "id": "pool-example",
        "name": "pool-example",
        "type": "USER_DEFINED",
        "owner": {"project_id": P},
    }
    assert made["ai_project"] == {"id": "p1"}
    assert [each["type"] for each in made["spec"]["extend_storage"]] == ["obsfs"]
    body = {**in_pool(EVS, pool={"id": "pool-example", "name": "mine", "owner": {"project_id": "x"}}), "name": "b"}
    assert cloud.ok("POST", A, body)["pool"]["name"] == "mine"


def test_annotations_and_nulls(cloud: Cloud) -> None:
    spec = {"storage": EVS, "annotations": {"team": "a"}, "auto_stop": None, "extend_storage": None}
    shown = cloud.show(cloud.instance(spec=spec, description=None, pool=None))
    assert shown["spec"]["annotations"]["team"] == "a"
    assert shown["spec"]["annotations"].keys() == {"team", "target_domain", "url"}
    assert shown["spec"]["auto_stop"] == {"enable": False, "prompt": True}
    assert shown["description"] == ""


@pytest.mark.parametrize(
    ("profile", "flavor", "hardware"),
    [
        ("Multi-Engine 1.0 (python2)-cpu", "modelarts.vm.cpu.8u", "CPU"),
        ("Multi-Engine 1.0 (python2)-gpu", "modelarts.vm.gpu.p100", "GPU"),
        (GPU_PROFILE, "modelarts.vm.gpu.v100", "GPU"),
        (ANY_PROFILE, "modelarts.vm.cpu.2u", "CPU"),
        (ANY_PROFILE, "modelarts.vm.gpu.v100", "CPU"),
        (ASCEND_PROFILE, "modelarts.kat1.xlarge", "Ascend"),
    ],
)
def test_profiles_and_flavors_that_fit(cloud: Cloud, profile: str, flavor: str, hardware: str) -> None:
    made = cloud.ok("POST", A, {**INSTANCE, "profile_id": profile, "flavor": flavor})
    assert made["profile"]["flavor_type"] == hardware


def test_catalogues_can_be_added_to(cloud: Cloud) -> None:
    switch(cloud, "more-flavors", "my.cpu=CPU,my.gpu=GPU")
    switch(cloud, "more-profiles", "Python3,TF-2.1.0&Pytorch-1.4.0-python3.6")
    switch(cloud, "workspaces", "0,team")
    made = cloud.ok("POST", A, {**INSTANCE, "profile_id": "Python3", "flavor": "my.gpu", "workspace": {"id": "team"}})
    assert made["flavor_details"]["type"] == "GPU"
    assert cloud.ok("GET", A, de_type="Notebook")["total_count"] == 0
    assert cloud.ok("GET", A, de_type="Notebook", workspace_id="team")["total_count"] == 1
    switch(cloud, "more-flavors", "")
    switch(cloud, "more-profiles", "")
    assert cloud.show(made["id"])["flavor"] == "my.gpu"  # what was made stays


def test_names_and_numbers(cloud: Cloud, colleague: Cloud, other: Cloud) -> None:
    """5.9: unique in the project, whoever made it; ten of them."""
    cloud.instance("a")
    colleague.no("6301", "POST", A, {**INSTANCE, "name": "a"})
    other.instance("a")
    cloud.as_key(ACCESS_KEY, SECRET_KEY, EAST_PROJECT_ID).instance("a")
    for number in range(9):
        cloud.instance(f"n{number}", running=False)
    cloud.no("6302", "POST", A, {**INSTANCE, "name": "z"})
    switch(cloud, "demanager-quota", "11")
    switch(cloud, "workspaces", "0,team")
    cloud.no("6301", "POST", A, {**INSTANCE, "name": "a", "workspace": {"id": "team"}})
    switch(cloud, "name-scope", "workspace")
    cloud.ok("POST", A, {**INSTANCE, "name": "a", "workspace": {"id": "team"}})


# 5.6: update


def test_an_update_is_partial(cloud: Cloud) -> None:
    id = cloud.instance(description="d", spec={"storage": EVS, "auto_stop": {"enable": True, "duration": 3600}})
    before = cloud.show(id)
    cloud.file.advance(100)
    assert cloud.ok("PUT", f"{A}/{id}", {})["latest_update_timestamp"] == before["latest_update_timestamp"]
    changed = cloud.ok("PUT", f"{A}/{id}", {"spec": {"auto_stop": {"duration": 7200}}})
    assert changed["description"] == "d"
    # a new duration counts from the next start
    assert changed["spec"]["auto_stop"]["duration"] == 7200
    assert changed["spec"]["auto_stop"]["stop_timestamp"] == before["spec"]["auto_stop"]["stop_timestamp"]
    assert changed["latest_update_timestamp"] == str(int(NOON + 159) * 1000)
    changed = cloud.ok("PUT", f"{A}/{id}", {"spec": {"auto_stop": {"enable": False, "prompt": False}}})
    assert changed["spec"]["auto_stop"] == {"enable": False, "duration": 7200, "prompt": False}
    cloud.file.advance(1e6)
    assert cloud.show(id)["status"] == "RUNNING"
    changed = cloud.ok("PUT", f"{A}/{id}", {"description": "", "spec": {"auto_stop": {"enable": True}}})
    assert (changed["description"], changed["spec"]["auto_stop"]["remain_time"]) == ("", 7200)
    switch(cloud, "empty-update", "bump")
    cloud.file.advance(1)
    bumped = cloud.ok("PUT", f"{A}/{id}", {})
    assert bumped["latest_update_timestamp"] > changed["latest_update_timestamp"]


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("6400", []),
        ("6336", {"name": "b"}),
        ("6336", {"flavor": "modelarts.vm.cpu.8u"}),
        ("6336", {"profile_id": "x"}),
        ("6336", {"spec": {"storage": EVS}}),
        ("6336", {"spec": {"annotations": {}}}),
        ("6336", {"workspace": {"id": "0"}}),
        ("6332", {"description": 1}),
        ("6332", {"spec": {"auto_stop": {"prompt": "x"}}}),
        ("6334", {"description": "<"}),
        ("6336", {"description": "a" * 513}),
        ("6348", {"spec": {"auto_stop": {"enable": True}}}),
        ("6349", {"spec": {"auto_stop": {"duration": 10}}}),
    ],
)
def test_update_refuses(cloud: Cloud, code: str, body: Any) -> None:
    id = cloud.instance()
    before = cloud.show(id)
    cloud.no(code, "PUT", f"{A}/{id}", body)
    assert cloud.show(id) == before


def test_lenient_about_unknown_members(cloud: Cloud) -> None:
    id = cloud.instance()
    switch(cloud, "unknown-members", "ignore")
    assert cloud.ok("PUT", f"{A}/{id}", {"name": "b", "description": "x"})["name"] == "nb-1"
    assert cloud.ok("GET", A, de_type="Notebook", colour="red")["total_count"] == 1
    cloud.notebook("b", colour="red")


# 5.5: list


def test_list_filters_and_order(cloud: Cloud, colleague: Cloud) -> None:
    cloud.instance("b", pool={"id": "pool-example"})
    cloud.instance("c", ai_project={"id": "p"})
    cloud.instance("a", running=False)
    colleague.instance("d", running=False)

    def names(**query: Any) -> str:
        answer = cloud.ok("GET", A, de_type="Notebook", **query)
        assert answer["total_count"] >= len(answer["instances"])
        return "".join(each["name"] for each in answer["instances"])

    assert names() == "abc"
    assert names(order="desc") == "cba"
    assert names(sortby="creation_timestamp") == "bca"
    assert names(sortby="creation_timestamp", order="desc") == "acb"
    assert names(show_self="false") == "abcd"
    assert names(status="RUNNING") == "bc"
    assert names(status="DELETED") == ""
    assert names(pool_id="pool-example") == "b"
    assert names(ai_project="p") == "c"
    assert names(provision_type="Docker", workspace_id="0") == "abc"
    assert names(limit=2) == "ab"
    assert names(limit=2, offset=2) == "c"
    assert names(limit=0, offset=1) == "bc"
    assert names(offset=9) == ""
    assert cloud.ok("GET", A, de_type="Notebook", limit=1)["total_count"] == 3
    assert set(cloud.ok("GET", A, de_type="Notebook")["instances"][0]["spec"]) == {
        "storage", "extend_storage", "auto_stop", "annotations", "failed_reasons", "extend_params",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "query"),
    [
        ("6335", {}),
        ("6336", {"de_type": "notebook"}),
        ("6336", {"de_type": "Notebook", "status": "running"}),
        ("6336", {"de_type": "Notebook", "status": "RUNNING,STOPPED"}),
        ("6336", {"de_type": "Notebook", "order": "ASC"}),
        ("6336", {"de_type": "Notebook", "limit": "-1"}),
        ("6336", {"de_type": "Notebook", "offset": "x"}),
        ("6336", {"de_type": "Notebook", "offset": "１"}),
        ("6336", {"de_type": "Notebook", "show_self": "yes"}),
        ("6336", {"de_type": "Notebook", "provision_type": "VM"}),
        ("6336", {"de_type": "Notebook", "colour": "red"}),
        ("6303", {"de_type": "Notebook", "sortby": "status"}),
        ("0102", {"de_type": "Notebook", "workspace_id": "7"}),
    ],
)
def test_list_refuses(cloud: Cloud, code: str, query: dict[str, str]) -> None:
    cloud.no(code, "GET", A, **query)


def test_one_value_per_parameter(cloud: Cloud) -> None:
    target = f"/v1/{P}/{A}?de_type=Notebook&status=RUNNING&status=STOPPED"
    assert cloud.send("GET", target).json()["error_code"] == "ModelArts.6336"


def test_projects_do_not_see_each_other(cloud: Cloud, other: Cloud) -> None:
    id, notebook = cloud.instance(), cloud.notebook()
    other.no("6309", "GET", f"{A}/{id}")
    other.no("6404", "GET", f"{B}/{notebook}")
    cloud.no("6309", "GET", f"{A}/{notebook}")  # an ID of one API is none in the other
    cloud.no("6404", "GET", f"{B}/{id}")


# 9.1: API A's switches


def test_success_codes(cloud: Cloud) -> None:
    switch(cloud, "demanager-success", "202")
    made = cloud.call("POST", A, INSTANCE)
    path = f"{A}/{made.json()['id']}"
    cloud.file.advance(59)
    answers = [
        made,
        cloud.call("PUT", path, {}),
        cloud.call("GET", path),
        cloud.call("POST", f"{path}/action", {"action": "stop"}),
        cloud.call("GET", A, de_type="Notebook"),
        cloud.call("POST", B, NOTEBOOK),
    ]
    assert [answer.status_code for answer in answers] == [202, 200, 200, 202, 200, 200]
    cloud.file.advance(15)
    assert cloud.call("DELETE", path).status_code == 202


def test_error_text_keys(cloud: Cloud) -> None:
    for value, keys in (("error_msg", {"error_msg"}), ("error_message", {"error_message"})):
        switch(cloud, "error-text-keys", value)
        assert cloud.call("GET", f"{A}/x").json().keys() == {"error_code", *keys}
        assert cloud.call("GET", f"{B}/x").json().keys() == {"error_code", "error_msg"}
        cloud.file.add_fault("modelarts", "error", code="ModelArts.6361")
        assert cloud.call("GET", f"{A}/x").json().keys() == {"error_code", *keys}


def test_missing_as_404(cloud: Cloud) -> None:
    switch(cloud, "not-found-status", "404")
    for path, code in ((f"{A}/x", "6309"), (f"{B}/x", "6404"), ("images/x", "6797")):
        answer = cloud.call("GET", path)
        assert (answer.status_code, answer.json()["error_code"]) == (404, f"ModelArts.{code}")


def test_deleting_while_running_by_switch(cloud: Cloud) -> None:
    id, notebook = cloud.instance(), cloud.notebook()
    switch(cloud, "demanager-delete-running", "allow")
    switch(cloud, "notebook-delete-running", "refuse")
    cloud.ok("DELETE", f"{A}/{id}")
    cloud.no("6304", "DELETE", f"{B}/{notebook}")


def test_every_switch_says_what_it_means_and_takes_its_default() -> None:
    for name, each in SWITCHES.items():
        each.check(name, each.default)
        assert each.meaning
    for name, value in (("rate-limit", "5"), ("more-flavors", "x"), ("notebook-growth", "looks:1")):
        with pytest.raises(UsageError):
            SWITCHES[name].check(name, value)


# Faults, and what the command line shows


@pytest.mark.parametrize("number", GATEWAY_ERRORS)
def test_any_row_of_the_gateways_table(cloud: Cloud, number: str) -> None:
    cloud.file.add_fault("modelarts", "error", code=f"APIGW.{number}", times=2)
    for path in (A, B):
        answer = cloud.call("GET", path)
        assert answer.status_code == GATEWAY_ERRORS[number][0]
        gateway_refusal(answer, number)


@pytest.mark.parametrize("number", SERVICE_ERRORS)
def test_any_row_of_the_services_table(cloud: Cloud, number: str) -> None:
    cloud.file.add_fault("modelarts", "error", code=f"ModelArts.{number}", times=2)
    for path in (f"{A}/x", B):
        cloud.no(number, "GET", path)


def test_errors_of_the_tests_own(cloud: Cloud) -> None:
    cloud.file.add_fault("modelarts", "error", status=503)
    answer = cloud.call("GET", A)
    assert (answer.status_code, answer.json()) == (503, {"error_msg": "error"})  # tolerate a missing code (3.1)
    cloud.file.add_fault("modelarts", "error", code="ModelArts.6361", status=500, message="no")
    answer = cloud.call("GET", A)
    assert (answer.status_code, answer.json()["error_message"]) == (500, "no")
    cloud.file.add_fault("modelarts", "error", "iam/*", status=503)
    answer = take_token(cloud)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, 503)
    for kind, code in (("error", "6361"), ("error", "ModelArts.9999"), ("error", "APIGW.9999"),
                       ("throttle", "ModelArts.6361")):  # fmt: skip
        with pytest.raises(UsageError):
            cloud.file.add_fault("modelarts", kind, code=code)


def test_throttling(cloud: Cloud) -> None:
    cloud.file.add_fault("modelarts", "throttle", times=2, retry_after=1)
    for code in ("ModelArts.6101", "ModelArts.2799", "ModelArts.4206"):
        cloud.file.add_fault("modelarts", "throttle", code=code)
    answers = [cloud.call("GET", A, de_type="Notebook") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [429] * 5 + [200]
    assert [answer.json().get("error_code") for answer in answers] == [
        "APIGW.0308", "APIGW.0308", "ModelArts.6101", "ModelArts.2799", "ModelArts.4206", None,
    ]  # fmt: skip
    assert [answer.headers.get("retry-after") for answer in answers[:3]] == ["1", "1", None]


def test_quota_and_lost_answers(cloud: Cloud) -> None:
    cloud.file.add_fault("modelarts", "quota", times=2)
    cloud.no("6302", "POST", A, INSTANCE)
    cloud.no("0118", "POST", B, NOTEBOOK)
    cloud.file.add_fault("modelarts", "drop-after", "demanager/create", object="lost")
    cloud.file.add_fault("modelarts", "drop-before", "notebooks/create", object="lost")
    cloud.instance("kept", running=False)
    with pytest.raises(httpx2.RemoteProtocolError):
        cloud.instance("lost")
    with pytest.raises(httpx2.RemoteProtocolError):
        cloud.notebook("lost")
    assert [(row["type"], row["name"]) for row in cloud.file.objects()] == [
        ("devenvinstance", "kept"), ("devenvinstance", "lost"),
    ]  # fmt: skip
    cloud.no("6301", "POST", A, {**INSTANCE, "name": "lost"})  # 8.4


def test_faults_meet_one_action_of_one_object(cloud: Cloud) -> None:
    id, another = cloud.instance(), cloud.instance("b")
    cloud.file.add_fault("modelarts", "error", "demanager/stop", object="b", code="ModelArts.6361")
    assert cloud.act(id, "stop")["current_status"] == "STOPPING"
    assert cloud.act(another, "restart")["current_status"] == "RESTARTING"
    cloud.no("6361", "POST", f"{A}/{another}/action", {"action": "stop"})
    cloud.file.add_fault("modelarts", "throttle", "demanager/get", object=id)
    assert cloud.call("GET", f"{A}/{another}").status_code == 200
    assert cloud.call("GET", f"{A}/{id}").status_code == 429


def test_a_failed_write_changes_nothing_and_is_logged(cloud: Cloud) -> None:
    id = cloud.instance()
    before = cloud.file.objects()
    cloud.no("6301", "POST", A, INSTANCE)
    assert cloud.file.objects() == before
    assert [(line["operation"], line["object"], line["status"]) for line in cloud.file.log()] == [
        ("demanager/create", id, 200),
        ("demanager/create", "nb-1", 400),
    ]
    cloud.act(id, "stop")
    cloud.send("GET", f"/v1/{P}/nowhere")
    assert [line["operation"] for line in cloud.file.log()[2:]] == ["demanager/stop", f"GET /v1/{P}/nowhere"]


def test_drift_behind_the_engines_back(cloud: Cloud) -> None:
    id, notebook = cloud.instance(), cloud.notebook()
    cloud.file.edit("modelarts", id, {"description": "touched", "spec.auto_stop.prompt": False}, status="STOPPED")
    shown = cloud.show(id)
    assert (shown["description"], shown["status"]) == ("touched", "STOPPED")
    assert shown["spec"]["auto_stop"]["prompt"] is False
    cloud.file.edit("modelarts", notebook, {"description": "touched", "volume.capacity": 99}, name="renamed")
    seen = cloud.see(notebook)
    assert (seen["description"], seen["volume"]["capacity"], seen["name"]) == ("touched", 99, "renamed")
    cloud.file.delete("modelarts", id)
    cloud.file.delete("modelarts", notebook)
    cloud.no("6309", "GET", f"{A}/{id}")
    cloud.no("6404", "GET", f"{B}/{notebook}")


def test_what_the_command_line_shows(cloud: Cloud) -> None:
    id, notebook = cloud.instance(), cloud.notebook("nb-2", running=False)
    common = {"cloud": "modelarts"}
    assert cloud.file.objects() == [
        {**common, "type": "devenvinstance", "id": id, "name": "nb-1", "status": "RUNNING"},
        {**common, "type": "notebook", "id": notebook, "name": "nb-2", "status": "CREATING"},
    ]


def test_objects_and_tokens_survive_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path, "instant") as cloud:
        cloud.file.set_seed("s")
        id, notebook = cloud.instance(running=False), cloud.notebook(running=False)
        subject = take_token(cloud).headers["x-subject-token"]
        before = cloud.see(notebook)
        switch(cloud, "demanager-quota", "1")
    with serving(tmp_path, "instant") as cloud:
        assert cloud.show(id)["status"] == "RUNNING"
        assert cloud.see(notebook)["lease"]["create_at"] == before["lease"]["create_at"]
        assert with_token(cloud, subject).status_code == 200
        cloud.no("6302", "POST", A, {**INSTANCE, "name": "b"})


def test_the_same_seed_the_same_notebook(cloud: Cloud) -> None:
    cloud.file.set_seed("s")
    drawn = cloud.notebook(running=False), cloud.instance(running=False)
    fresh(cloud)
    cloud.file.set_seed("s")
    for _ in range(5):
        cloud.listed()  # looking draws nothing
    assert (cloud.notebook(running=False), cloud.instance(running=False)) == drawn

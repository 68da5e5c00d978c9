"""What is peculiar to ModelArts: its signature and tokens, two shapes of errors, power, two generations of one API.

Numbers in comments are sections of the specification.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.core.contract import CallContext, PartialFailure
from engine.core.errors import (
    CancelledError,
    CloudError,
    CredentialsError,
    DeadlineError,
    StepFailedError,
    UsageError,
    WorksteadError,
)
from engine.core.events import StepEnded, StepProgressed
from engine.core.plan import Op
from engine.core.values import UNKNOWN
from providers import Providers, modelarts
from providers.errors import EndpointGoneError, ForbiddenError, NotFoundError, RefusedError
from providers.http import Answer, Request, Verdict
from providers.inputs import members_of
from providers.modelarts import emulator
from providers.modelarts.answers import BAD_KEYS, FORBIDDEN, MEANINGS, NOT_NOW, Judge
from providers.modelarts.auth import Keys, Place, Standing, Token, authorization, iam_beside, query_string
from providers.modelarts.client import Client, open_client
from providers.modelarts.errors import TokenExpiredError, WrongStatusError
from providers.modelarts.provider import instances, notebooks
from providers.modelarts.provider.power import RUNNING, STOPPED
from providers.modelarts.schema import instances as instance_schema
from tests.contract.contract_cases import Bench, TestClock, under
from tests.contract.modelarts_cases import (
    FLAVOR,
    IMAGE,
    INSTANCE,
    NOTEBOOK,
    OTHER_FLAVOR,
    OTHER_IMAGE,
    PROFILE,
    disk_instance,
    folder_instance,
    full_instance,
    full_notebook,
    minimal_instance,
    minimal_notebook,
    open_bench,
    with_,
)

HERE = Path(__file__).parent
MINUTE = 60_000


@pytest.fixture(scope="module")
def running() -> Iterator[Bench]:
    with open_bench() as bench:
        yield bench


@pytest.fixture
def bench(running: Bench) -> Iterator[Bench]:
    running.reset()
    before = running.file.switches("modelarts")
    yield running
    for name, value in before.items():
        if running.file.switches("modelarts")[name] != value:
            running.file.set_switch("modelarts", name, value)


@pytest.fixture
def devenvs(bench: Bench) -> Any:
    return bench.provider(INSTANCE)


@pytest.fixture
def books(bench: Bench) -> Any:
    return bench.provider(NOTEBOOK)


def switch(bench: Bench, name: str, value: str) -> None:
    bench.file.set_switch("modelarts", name, value)


def fault(bench: Bench, kind: str, operation: str, **parameters: Any) -> None:
    bench.file.add_fault("modelarts", kind, operation, **parameters)


def inputs_of(provider: Any, tree: Mapping[str, Any]) -> dict[str, Any]:
    result = provider.check({}, dict(tree))
    assert not result.failures, result.failures
    return result.inputs


def made(provider: Any, bench: Bench, make: Any) -> Any:
    return provider.create(inputs_of(provider, make(bench)))


def status(provider: Any, id_: str) -> str:
    return provider.read(id_, {}).outs["status"]


def calls(bench: Bench, *operations: str, but: tuple[str, ...] = ("get", "list", "list-all")) -> list[str]:
    """The operations called, without looks."""
    names = [entry["operation"].partition("/")[2] for entry in bench.calls()]
    return [name for name in names if name not in but and (not operations or name in operations)]


# --- the signature (2.2) ----------------------------------------------------------------------------------------------

AK, SK = "EXAMPLEAK00000000001", "ExampleSecretKey" + "0" * 24
DATE, NOW = "20250102T030405Z", 1_735_787_045.0
P, NB = "0123456789abcdef0123456789abcdef", "11111111-2222-3333-4444-555555555555"
HOST = "modelarts.cn-north-4.myhuaweicloud.com"
V1_BODY = (
    b'{"name":"nb-1","profile_id":"Multi-Engine 1.0 (python3)-cpu","flavor":"modelarts.vm.cpu.2u","spec":{"storage":'
    b'{"type":"evs","location":{"volume_size":5}},"auto_stop":{"enable":true,"duration":3600}},"workspace":{"id":"0"}}'
)
JSON = {"content-type": "application/json", "x-project-id": P}
VECTORS = [
    (
        "POST",
        "demanager/instances",
        [],
        JSON,
        V1_BODY,
        "517a53ce922fb78676262827040c0cf006c840606252b2699812a58a715cad5f",
    ),
    (
        "GET",
        "demanager/instances",
        [("de_type", "Notebook"), ("status", "RUNNING"), ("limit", "10"), ("offset", "0")],
        {},
        b"",
        "a065dde9819ed507a5d61afc77be790910721c6770637f1f68674406915741d9",
    ),
    (
        "PUT",
        f"notebooks/{NB}",
        [],
        {**JSON, "content-type": "application/json;charset=UTF-8"},
        '{"description":"déjà vu"}'.encode(),
        "d05ebb08bb92d099c8af272efc9219c648935dc725b4feaf87bd1bc6928e3753",
    ),
    (
        "GET",
        "notebooks",
        [("name", "a b/c+d~e"), ("tags", "k1|v1,k2|v2"), ("empty", "")],
        {},
        b"",
        "21f675b97e92f9361d325903f6b9fd7fc029afa376530f7d4877f31b8f718734",
    ),
    (
        "DELETE",
        f"notebooks/{NB}",
        [],
        {**JSON, "host": "127.0.0.1:8080"},
        b"",
        "6737c13bb86d6cf225a4d055fcc9291d6d7e2198139d483e25fa96de0144cad8",
    ),
    (
        "POST",
        f"notebooks/{NB}/stop",
        [],
        {**JSON, "x-security-token": "TESTSTSTOKEN"},
        b"",
        "f8cff3871eb023a9ea32cb26903ed4c926f66f6ecf2337fbb38fb7b08f90bbfb",
    ),
]


@pytest.mark.parametrize(("method", "path", "query", "headers", "body", "signature"), VECTORS, ids="V{}".format)
def test_signature_vectors(
    method: str, path: str, query: Any, headers: dict[str, str], body: bytes, signature: str
) -> None:
    signed = {"host": HOST, "x-sdk-date": DATE, **headers}
    names = ";".join(sorted(signed))
    assert authorization(method, f"/v1/{P}/{path}", query_string(query), signed, body, AK, SK) == (
        f"SDK-HMAC-SHA256 Access={AK}, SignedHeaders={names}, Signature={signature}"
    )


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
header_name = st.from_regex(r"\A[a-z][a-z0-9-]{0,12}\Z").filter(lambda name: name not in ("host", "x-sdk-date"))
header_value = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)


@settings(max_examples=1000)
@given(
    method=st.sampled_from(["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD"]),
    path=st.lists(text, max_size=5).map(lambda parts: "/" + "/".join(parts)),
    query=st.lists(st.tuples(text, text), max_size=6),
    headers=st.dictionaries(header_name, header_value, max_size=4),
    body=st.one_of(st.just(b""), st.binary(max_size=60), text.map(lambda body: json.dumps({"text": body}).encode())),
    access_key=st.from_regex(r"\A[A-Z0-9]{1,20}\Z"),
    secret_key=st.from_regex(r"\A[A-Za-z0-9]{1,40}\Z"),
)
def test_the_signer_is_huaweis(
    method: str,
    path: str,
    query: list[tuple[str, str]],
    headers: dict[str, str],
    body: bytes,
    access_key: str,
    secret_key: str,
) -> None:
    """The signer of the vendor's SDK, an independent client in the test group, makes the same of 1,000 requests."""
    signer = pytest.importorskip("huaweicloudsdkcore.signer.signer")
    credentials = pytest.importorskip("huaweicloudsdkcore.auth.credentials")
    sdk_request = pytest.importorskip("huaweicloudsdkcore.sdk_request")
    signed = {"content-type": "application/json", **headers, "host": HOST, "x-sdk-date": DATE}
    request = sdk_request.SdkRequest(
        method, "https", HOST, path, query_params=list(query), header_params=dict(signed), body=body
    )
    signed.pop("x-sdk-content-sha256", None)
    done = signer.Signer(credentials.BasicCredentials(access_key, secret_key, P)).sign(request)
    ours = authorization(method, path, query_string(query), signed, body, access_key, secret_key)
    assert ours == done.header_params["Authorization"]
    assert done.uri == path + (f"?{query_string(query)}" if query else "")


def place(clock: Any = lambda: NOW, iam: str = "https://iam.example") -> Place:
    return Place(iam, "cn-north-4", clock)


def test_each_try_is_signed_anew_with_what_it_needs() -> None:
    times = iter([NOW, NOW + 1])
    keys = Keys(place(lambda: next(times)), AK, SK, "TESTSTSTOKEN")
    headers = {**JSON, "host": HOST, "user-agent": "x", "accept": "application/json", "content-length": "0"}
    request = Request("POST", HOST, f"/v1/{P}/notebooks/{NB}/stop", headers)
    first, second = keys.headers(request), keys.headers(request)
    assert first["x-sdk-date"] == DATE
    assert first["x-security-token"] == "TESTSTSTOKEN"
    assert first["authorization"].endswith(VECTORS[5][5])
    assert second["x-sdk-date"] == "20250102T030406Z"
    assert second["authorization"] != first["authorization"]


class Calls:
    """Calls with good or bad credentials, counted."""

    def __init__(self, *, good: bool = False) -> None:
        self.good, self.made, self.now = good, 0, 0.0

    def send(self) -> str:
        self.made += 1
        if not self.good:
            raise CredentialsError("no", why="wrong key", remedy="mend it", reference="credentials-refused")
        return "yes"


def test_wrong_credentials_are_tried_once() -> None:
    """More than five wrong signatures in a row lock the key (2.2)."""
    calls = Calls()
    standing = Standing(lambda: calls.now)

    def refused() -> str:
        with pytest.raises(CredentialsError) as caught:
            standing.asked(calls.send)
        return caught.value.diagnostic().sentences()

    first = refused()
    with ThreadPoolExecutor(8) as pool:
        assert {told.result() for told in [pool.submit(refused) for _ in range(50)]} == {first}
    assert calls.made == 1
    calls.good, calls.now = True, 11.0
    assert standing.asked(calls.send) == "yes"
    calls.good = False
    assert refused() == refused() == first, "a key that stops being good"
    assert calls.made == 3


def test_all_calls_at_once_with_a_wrong_key_are_one(bench: Bench) -> None:
    client = open_client(Config({**bench.settings, "modelarts:secretKey": "notTheSecretKeyEither"}))
    with ThreadPoolExecutor(8) as pool:
        told = [pool.submit(client.notebook, NB) for _ in range(8)]
        assert all(isinstance(each.exception(), CredentialsError) for each in told)
    assert len(bench.file.log()) == 1


def test_secrets_are_not_in_representations() -> None:
    shown = f"{Keys(place(), AK, SK, 'STS')} {Token(place(), 'd', 'u', 'hunter2')}"
    assert SK not in shown
    assert "STS" not in shown
    assert "hunter2" not in shown


# --- what answers mean (3) --------------------------------------------------------------------------------------------

SERVICE, DEMANAGER, IAM = "service", "demanager", "iam"


def body_of(shape: str | None, code: str, message: str) -> bytes:
    if shape is None:
        return b"<html>a proxy's page</html>"
    if shape == IAM:
        return json.dumps({"error": {"code": int(code), "message": message, "title": "T"}}).encode()
    return json.dumps({"error_code": code, "error_message" if shape == DEMANAGER else "error_msg": message}).encode()


@pytest.mark.parametrize(
    ("code_status", "shape", "code", "verdict", "error", "reference"),
    [
        (400, SERVICE, "ModelArts.6309", "refused", NotFoundError, "object-missing"),
        (400, DEMANAGER, "ModelArts.6309", "refused", NotFoundError, "object-missing"),
        (400, SERVICE, "ModelArts.6404", "refused", NotFoundError, "object-missing"),
        (404, SERVICE, "ModelArts.6404", "refused", NotFoundError, "object-missing"),
        (404, SERVICE, "APIGW.0101", "refused", EndpointGoneError, "endpoint-gone"),
        (404, SERVICE, "APIG.0101", "refused", EndpointGoneError, "endpoint-gone"),
        (404, None, "", "refused", EndpointGoneError, "endpoint-gone"),
        (302, None, "", "refused", EndpointGoneError, "endpoint-gone"),
        (401, SERVICE, "APIGW.0301", "refused", CredentialsError, "credentials-refused"),
        (401, SERVICE, "ModelArts.0203", "refused", CredentialsError, "credentials-refused"),
        (403, SERVICE, "ModelArts.0206", "refused", CredentialsError, "credentials-refused"),
        (400, SERVICE, "ModelArts.6401", "refused", CredentialsError, "credentials-refused"),
        (401, IAM, "401", "refused", CredentialsError, "credentials-refused"),
        (403, SERVICE, "ModelArts.0210", "refused", CredentialsError, "project-refused"),
        (400, SERVICE, "ModelArts.0210", "refused", CredentialsError, "project-refused"),
        (403, SERVICE, "APIGW.0302", "refused", ForbiddenError, "permission-denied"),
        (401, SERVICE, "ModelArts.0112", "refused", ForbiddenError, "permission-denied"),
        (400, SERVICE, "ModelArts.6407", "refused", ForbiddenError, "permission-denied"),
        (403, IAM, "403", "refused", ForbiddenError, "permission-denied"),
        (401, SERVICE, "ModelArts.6201", "refused", RefusedError, "account-suspended"),
        (400, SERVICE, "ModelArts.6301", "refused", RefusedError, "name-taken"),
        (400, SERVICE, "ModelArts.6302", "refused", RefusedError, "limit-reached"),
        (400, SERVICE, "ModelArts.0118", "refused", RefusedError, "limit-reached"),
        (400, SERVICE, "ModelArts.6318", "refused", RefusedError, "storage-refused"),
        (400, SERVICE, "ModelArts.6319", "refused", RefusedError, "authorisation-missing"),
        (400, SERVICE, "ModelArts.6336", "refused", RefusedError, "refused"),
        (400, SERVICE, "APIGW.0201", "refused", RefusedError, "refused"),
        (413, SERVICE, "APIGW.0201", "refused", RefusedError, "refused"),
        (400, None, "", "refused", RefusedError, "refused"),
        (429, SERVICE, "APIGW.0308", "throttled", CloudError, "throttled"),
        (429, SERVICE, "ModelArts.6101", "throttled", CloudError, "throttled"),
        (429, None, "", "throttled", CloudError, "throttled"),
        (400, SERVICE, "ModelArts.6333", "unavailable", CloudError, "not-ready"),
        (400, SERVICE, "ModelArts.6355", "unavailable", CloudError, "not-ready"),
        (503, SERVICE, "APIGW.0613", "unavailable", CloudError, "service-failed"),
        (500, SERVICE, "ModelArts.0010", "uncertain", CloudError, "service-failed"),
        (408, SERVICE, "ModelArts.6100", "uncertain", CloudError, "service-failed"),
        (502, None, "", "uncertain", CloudError, "service-failed"),
        (504, SERVICE, "APIGW.0201", "uncertain", CloudError, "service-failed"),
        (200, None, "", "uncertain", CloudError, "answer-unreadable"),
    ],
)
def test_classification(
    code_status: int, shape: str | None, code: str, verdict: str, error: type[WorksteadError], reference: str
) -> None:
    judgement = judge(code_status, body_of(shape, code, "what they say"))
    assert judgement.verdict is Verdict(verdict)
    assert type(judgement.error) is error
    assert judgement.error.reference == reference
    if verdict != "throttled" and error not in (NotFoundError, EndpointGoneError) and reference != "answer-unreadable":
        assert "rying again" in judgement.error.why
    assert judgement.error.remedy
    if shape and error is not EndpointGoneError:
        assert "what they say" in judgement.error.summary
    if verdict != "refused":
        assert judgement.error.retryable
        assert judgement.error.uncertain is (verdict == "uncertain")


def judge(code_status: int, body: bytes, *, signs: bool = True, date: str = "", path: str = "notebooks") -> Any:
    judged = Judge("https://modelarts.example", lambda: 1_700_000_000.0, signs)
    request = Request("POST", "modelarts.example", f"/v1/{P}/{path}", {})
    return judged(request, Answer(code_status, {"date": date} if date else {}, body))


@pytest.mark.parametrize("body", [b"", b"{}", b'{"id": "x"}', b"[]"])
def test_good_answers(body: bytes) -> None:
    assert judge(204 if not body else 200, body).verdict is Verdict.OK


@pytest.mark.parametrize("code", ["6304", "6305", "6306", "6307", "6308", "6327", "6347", "6357"])
def test_a_refusal_for_the_status_is_told_from_others(code: str) -> None:
    error = judge(400, body_of(DEMANAGER, f"ModelArts.{code}", "no")).error
    assert type(error) is WrongStatusError
    assert error.code == code
    assert error.retryable


def test_every_meaning_says_whose_fault_it_is_and_whether_trying_again_helps() -> None:
    for code, meaning in MEANINGS.items():
        assert "rying again" in meaning.why, code
        assert ("can help" in meaning.why) is meaning.later, code
        assert meaning.remedy, code
        error = judge(400, body_of(SERVICE, f"ModelArts.{code}", "no")).error
        assert error.retryable is meaning.later, code
    assert {code for code, meaning in MEANINGS.items() if meaning.later} == {"6329", "6360", "6528", "6716"}
    assert not (BAD_KEYS | FORBIDDEN | NOT_NOW) & set(MEANINGS)


@pytest.mark.parametrize(
    ("code", "path", "expected"),
    [
        ("6331", "demanager/instances", "spec.storage.location.volume_size"),
        ("6528", "notebooks", "volume.capacity"),
        ("6528", "notebooks/x/start", "volume.capacity"),
        ("6330", "demanager/instances", "flavor"),
        ("6797", "notebooks", "image_id"),
        ("0102", "demanager/instances", "workspace"),
        ("0102", "notebooks", "workspace_id"),
    ],
)
def test_a_refusal_names_the_input_in_the_words_of_its_type(code: str, path: str, expected: str) -> None:
    error = judge(400, body_of(SERVICE, f"ModelArts.{code}", "no"), path=path).error
    assert error.path == expected
    schema = notebooks.schema.Notebook if path.startswith("notebooks") else instance_schema.DevEnvInstance
    assert expected.partition(".")[0] in members_of(schema)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Tue, 14 Nov 2023 22:13:20 GMT", "wrong or disabled"),
        ("Tue, 14 Nov 2023 22:33:20 GMT", "1200 s behind"),
        ("Tue, 14 Nov 2023 21:53:20 GMT", "1200 s ahead of"),
        ("nonsense", "wrong or disabled"),
        ("", "wrong or disabled"),
    ],
)
def test_a_wrong_clock_is_told_from_a_wrong_key(date: str, expected: str) -> None:
    error = judge(401, body_of(SERVICE, "APIGW.0301", "Incorrect IAM authentication"), date=date).error
    assert expected in error.why
    assert ("set the clock" in error.remedy) == ("wrong or" not in expected)


def test_the_gateways_canonical_request_is_left_out() -> None:
    message = "verify aksk signature fail, canonicalRequest: GET|/v1/secret/notebooks/||host:x|host|e3b0"
    error = judge(401, body_of(SERVICE, "APIGW.0301", message)).error
    assert "verify aksk signature fail" in error.summary
    assert "/v1/secret" not in str(error)


@pytest.mark.parametrize("code", ["APIGW.0307", "APIGW.0301"])
def test_a_token_that_must_be_renewed(code: str) -> None:
    assert type(judge(401, body_of(SERVICE, code, "expired"), signs=False).error) is TokenExpiredError
    assert type(judge(401, body_of(SERVICE, code, "expired"), signs=True).error) is CredentialsError


# --- credentials ------------------------------------------------------------------------------------------------------


class Config(dict[str, Any]):
    """A stack's configuration."""


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("AK", "SK", "SECURITY_TOKEN", "PROJECT_ID", "REGION", "IAM_ENDPOINT"):
        monkeypatch.delenv(f"HUAWEICLOUD_SDK_{name}", raising=False)
    return monkeypatch


def test_settings_come_before_the_environment(bare: pytest.MonkeyPatch) -> None:
    for name in ("AK", "SK", "SECURITY_TOKEN", "PROJECT_ID", "REGION"):
        bare.setenv(f"HUAWEICLOUD_SDK_{name}", f"env{name}")
    bare.setenv("HUAWEICLOUD_SDK_IAM_ENDPOINT", "https://iam.env.example")
    client = open_client(Config())
    auth: Any = client.auth
    assert (auth.access_key, auth.secret_key, auth.security_token) == ("envAK", "envSK", "envSECURITY_TOKEN")
    assert (auth.place.region, auth.place.iam, client.project_id) == (
        "envREGION",
        "https://iam.env.example",
        "envPROJECT_ID",
    )
    assert client.endpoint == "https://modelarts.envREGION.myhuaweicloud.com"
    names = ("accessKey", "secretKey", "securityToken", "projectId", "region")
    own = Config({f"modelarts:{name}": f"our-{name}" for name in names})
    own |= {"modelarts:endpoint": "https://modelarts.eu-de.otc.example", "modelarts:iamEndpoint": "https://iam.example"}
    client = open_client(own)
    auth = client.auth
    assert (auth.access_key, auth.secret_key, auth.security_token) == (
        "our-accessKey",
        "our-secretKey",
        "our-securityToken",
    )
    assert (auth.place.region, auth.place.iam, client.project_id) == (
        "our-region",
        "https://iam.example",
        "our-projectId",
    )
    assert client.endpoint == "https://modelarts.eu-de.otc.example"


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, ["accessKey", "secretKey", "region"]),
        ({"accessKey": "A", "region": "r"}, ["secretKey"]),
        ({"accessKey": "A", "secretKey": "S"}, ["region"]),
        ({"accessKey": "A", "secretKey": "S", "endpoint": "https://x.example"}, ["region"]),
        ({"userName": "u", "region": "r"}, ["password", "domainName"]),
    ],
)
def test_only_what_is_missing_is_asked_for(bare: Any, given: dict[str, str], missing: list[str]) -> None:
    with pytest.raises(CredentialsError) as caught:
        open_client(Config({f"modelarts:{name}": value for name, value in given.items()}))
    asked = caught.value.summary
    assert all(f"modelarts:{name}" in asked for name in missing)
    assert asked.count("modelarts:") == len(missing)


def test_an_endpoint_that_is_no_address(bare: Any) -> None:
    keys = {"modelarts:accessKey": "A", "modelarts:secretKey": "S", "modelarts:region": "r"}
    with pytest.raises(UsageError):
        open_client(Config({**keys, "modelarts:endpoint": "modelarts.example"}))


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("", "https://iam.cn-north-4.myhuaweicloud.com"),
        ("https://modelarts.eu-de.otc.t-systems.com", "https://iam.eu-de.otc.t-systems.com"),
        ("http://127.0.0.1:8080", "https://iam.cn-north-4.myhuaweicloud.com"),
    ],
)
def test_iam_is_beside_the_endpoint(endpoint: str, expected: str) -> None:
    assert iam_beside(endpoint, "cn-north-4") == expected


def test_one_region_has_another_suffix(bare: Any) -> None:
    given = {"modelarts:accessKey": "A", "modelarts:secretKey": "S", "modelarts:region": "ap-southeast-1"}
    assert open_client(Config(given)).endpoint == "https://modelarts.ap-southeast-1.myhuaweicloud.cn"


def test_the_project_is_looked_up_by_its_exact_name(bench: Bench) -> None:
    """Sub-projects are named region_something, and IAM finds them too (1.2)."""
    without = {name: value for name, value in bench.settings.items() if name != "modelarts:projectId"}
    provider = bench.provider(NOTEBOOK, without)
    assert list(provider.list()) == []
    assert provider.client.project_id == emulator.PROJECT_ID
    assert len(bench.calls("iam/list-projects")) == 1
    elsewhere = bench.provider(NOTEBOOK, {**without, "modelarts:region": "xx-nowhere-1"})
    with pytest.raises(CredentialsError) as caught:
        list(elsewhere.list())
    assert caught.value.reference == "project-unknown"
    assert "xx-nowhere-1" in caught.value.summary


def test_somebody_elses_project(bench: Bench) -> None:
    with pytest.raises(CredentialsError) as caught:
        list(bench.provider(NOTEBOOK, {**bench.settings, "modelarts:projectId": emulator.OTHER_PROJECT_ID}).list())
    assert caught.value.reference == "project-refused"


@pytest.mark.parametrize("token", [INSTANCE, NOTEBOOK])
def test_another_projects_settings_do_not_make_an_object_gone(bench: Bench, token: str) -> None:
    provider = bench.provider(token)
    one = made(provider, bench, minimal_instance if token == INSTANCE else minimal_notebook)
    assert one.outs["project_id"] == emulator.PROJECT_ID
    east = bench.provider(token, {**bench.settings, "modelarts:projectId": emulator.EAST_PROJECT_ID})
    for call in (
        lambda: east.read(one.id, one.outs),
        lambda: east.update(one.id, one.outs, {**one.outs, "description": "x"}),
        lambda: east.delete(one.id, one.outs),
    ):
        with pytest.raises(UsageError) as caught:
            call()
        assert caught.value.reference == "project-differs"
    assert provider.read(one.id, one.outs).id == one.id


def login(bench: Bench, **changes: str) -> dict[str, str]:
    own = {"modelarts:userName": emulator.USER, "modelarts:password": emulator.PASSWORD}
    own |= {"modelarts:domainName": emulator.DOMAIN}
    places = {name: bench.settings[f"modelarts:{name}"] for name in ("endpoint", "iamEndpoint", "region")}
    return {**own, **{f"modelarts:{name}": value for name, value in {**places, **changes}.items()}}


def test_a_login_fetches_one_token_and_knows_its_project(bench: Bench, bare: Any) -> None:
    provider = bench.provider(INSTANCE, login(bench))
    one = made(provider, bench, minimal_instance)
    provider.delete(one.id, one.outs)
    assert provider.client.project_id == emulator.PROJECT_ID
    assert len(bench.calls("iam/create-token")) == 1
    assert not bench.calls("iam/list-projects")


@pytest.mark.parametrize("code", ["0301", "0307"])
def test_an_expired_token_is_renewed_once(bench: Bench, bare: Any, code: str) -> None:
    switch(bench, "expired-token-code", code)
    switch(bench, "token-life", "400")
    bench.file.freeze()
    provider = bench.provider(NOTEBOOK, login(bench, password=emulator.PASSWORD, region="cn-north-4", projectId=P))
    provider.client.auth.renew()
    assert list(provider.list()) == []
    fetched = len(bench.calls("iam/create-token"))
    bench.file.advance(500)
    assert list(provider.list()) == []
    assert len(bench.calls("iam/create-token")) == fetched + 1


def test_a_token_that_is_refused_again_is_a_matter_of_credentials(bench: Bench, bare: Any) -> None:
    provider = bench.provider(NOTEBOOK, login(bench, projectId=P))
    fault(bench, "error", "notebooks/*", times=None, code="APIGW.0307")
    with pytest.raises(CredentialsError, match="is not accepted"):
        list(provider.list())
    assert len(bench.calls("notebooks/list-all")) == 2


def test_a_token_is_renewed_before_it_ends(bench: Bench, bare: Any) -> None:
    now = [bench.file.now()]
    there = Place(bench.settings["modelarts:endpoint"], "cn-north-4", lambda: now[0])
    token = Token(there, emulator.DOMAIN, emulator.USER, emulator.PASSWORD)
    first = token.headers(Request("GET", "", "", {}))
    assert token.headers(Request("GET", "", "", {})) == first
    now[0] += 86_400 - 200
    assert token.headers(Request("GET", "", "", {})) != first


def test_a_wrong_password(bench: Bench, bare: Any) -> None:
    provider = bench.provider(NOTEBOOK, login(bench, password="hunter2"))
    with pytest.raises(CredentialsError) as caught:
        list(provider.list())
    assert caught.value.reference == "credentials-refused"
    assert "hunter2" not in str(caught.value)
    assert "modelarts:password" in caught.value.remedy


def test_emulation_is_a_setting(tmp_path: Path, bare: pytest.MonkeyPatch) -> None:
    bare.setenv("WORKSTEAD_EMULATE_SPEED", "instant")
    config = {"workstead:emulate": "true", "workstead:home": str(tmp_path / ".workstead")}
    provider: Any = Providers("p").provider_for(NOTEBOOK, {}, config)
    try:
        assert list(provider.list()) == []
    finally:
        from providers import emulation

        emulation.stop_running()


def test_long_lists_are_read_to_their_end(bench: Bench, books: Any, devenvs: Any) -> None:
    """Pages of 50 (6.4) and of 100 (5.5)."""
    switch(bench, "notebook-quota", "200")
    switch(bench, "demanager-quota", "200")
    body = {"flavor": FLAVOR, "image_id": IMAGE, "volume": {"category": "EVS", "ownership": "MANAGED"}}
    for number in range(101):
        books.client.create_notebook({**body, "name": f"n{number}"})
        devenvs.client.create_instance({**minimal_instance(bench), "name": f"n{number}"})
    assert len({found.id for found in books.list()}) == 101
    assert len({found.id for found in devenvs.list()}) == 101


# --- what is sent -----------------------------------------------------------------------------------------------------


def test_the_body_is_the_vendors_sample(bench: Bench, devenvs: Any) -> None:
    """What is declared goes out under the page's names, and nothing else."""
    sent: list[Any] = []
    devenvs._opened = Spy(devenvs.client, sent)
    inputs = inputs_of(devenvs, full_instance(bench))
    devenvs.create(dict(inputs))
    body = {name: value for name, value in inputs.items() if name != "running"}
    assert sent == [("create_instance", (body,))]
    assert body == {name: value for name, value in full_instance(bench).items() if name != "running"}


class Spy:
    """A client that tells what it was asked to change."""

    def __init__(self, client: Client, sent: list[Any]) -> None:
        self._client = client
        self._sent = sent

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if not callable(method) or name in ("instance", "instances", "notebook", "notebooks"):
            return method

        def call(*arguments: Any) -> Any:
            self._sent.append((name, arguments))
            return method(*arguments)

        return call


def test_camel_case_is_accepted_and_recorded_in_snake_case(bench: Bench, devenvs: Any, books: Any) -> None:
    def camel(value: Any) -> Any:
        if isinstance(value, dict):
            free = ("annotations", "tags")
            return {
                "".join(part.title() if at else part for at, part in enumerate(key.split("_"))): item
                if key in free
                else camel(item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [camel(item) for item in value]
        return float(value) if type(value) is int else value

    for provider, make in ((devenvs, full_instance), (books, full_notebook)):
        assert inputs_of(provider, camel(make(bench))) == inputs_of(provider, make(bench))


def test_what_the_service_would_ignore_is_warned_of_and_left_out(bench: Bench, devenvs: Any) -> None:
    """An OBS folder has no size, an EVS disk no path."""
    tree = with_(folder_instance, "spec.storage.location.volume_size", 10)(bench)
    result = devenvs.check({}, tree)
    assert not result.failures
    assert [warning.property for warning in result.warnings] == ["spec.storage.location.volume_size"]
    assert result.inputs == inputs_of(devenvs, folder_instance(bench))
    tree = with_(disk_instance, "spec.storage.location.path", "/home/ma-user/work")(bench)
    result = devenvs.check({}, tree)
    assert not result.failures
    assert [warning.property for warning in result.warnings] == ["spec.storage.location.path"]
    assert result.inputs == inputs_of(devenvs, disk_instance(bench))
    unsure = {**tree, "spec": {"storage": UNKNOWN, "extend_storage": UNKNOWN}}
    assert devenvs.check({}, unsure).inputs["spec"] == unsure["spec"]


@pytest.mark.parametrize(
    ("profile", "flavor", "warned"),
    [
        ("Multi-Engine 1.0 (python3)-gpu", FLAVOR, True),
        (PROFILE, "modelarts.bm.gpu.v100NV32", True),
        (PROFILE, FLAVOR, False),
        ("Multi-Engine 2.0 (python3)", FLAVOR, False),
        ("Ascend-Power-Engine 1.0(python3)", "modelarts.kat1.xlarge", False),
        ("Ascend-Power-Engine 1.0(python3)", FLAVOR, True),
        ("Power-Engine 1.0(python3)", "modelarts.vm.gpu.v100", True),
        (PROFILE, "modelarts.kat1.xlarge", True),
        (PROFILE, "something-new", False),
    ],
)
def test_a_profile_for_other_hardware_is_doubtful(
    bench: Bench, devenvs: Any, profile: str, flavor: str, warned: bool
) -> None:
    result = devenvs.check({}, {**minimal_instance(bench), "profile_id": profile, "flavor": flavor})
    assert not result.failures
    assert [warning.property for warning in result.warnings] == (["flavor"] if warned else [])


def test_mounting_outside_the_work_folder_is_doubtful(bench: Bench, devenvs: Any) -> None:
    for path, warned in (("/data", True), ("/home/ma-user/workers", True), ("/home/ma-user/work/a/", False)):
        result = devenvs.check({}, with_(full_instance, "spec.storage.location.mount_path", path)(bench))
        assert not result.failures
        assert bool(result.warnings) is warned


# --- instances: no difference whatever the service does ---------------------------------------------------------------


INSTANCES = (minimal_instance, disk_instance, folder_instance, full_instance)
NOTEBOOKS = (minimal_notebook, full_notebook)
OPEN_QUESTIONS = [
    ("not-found-status", "404", (*INSTANCES, *NOTEBOOKS)),
    ("empty-update", "bump", (*INSTANCES, *NOTEBOOKS)),
    ("demanager-success", "202", INSTANCES),
    ("error-text-keys", "error_message", INSTANCES),
    ("error-text-keys", "error_msg", INSTANCES),
    ("name-scope", "workspace", INSTANCES),
    ("demanager-create", "looks:3", INSTANCES),
    ("demanager-stop", "looks:3", INSTANCES),
    ("demanager-delete-running", "allow", INSTANCES),
    ("notebook-create", "looks:3", NOTEBOOKS),
    ("notebook-first-status", "INIT", NOTEBOOKS),
    ("notebook-update-answer", "few", NOTEBOOKS),
    ("notebook-delete", "looks:3", NOTEBOOKS),
    ("notebook-delete-running", "refuse", NOTEBOOKS),
    ("notebook-limit", "any", NOTEBOOKS),
]


@pytest.mark.parametrize(
    ("name", "value", "make"), [(name, value, make) for name, value, makes in OPEN_QUESTIONS for make in makes]
)
def test_no_difference_whatever_the_service_does(bench: Bench, name: str, value: str, make: Any) -> None:
    """For each open question (9.1)."""
    token = NOTEBOOK if make in NOTEBOOKS else INSTANCE
    switch(bench, name, value)
    provider = bench.provider(token)
    inputs = inputs_of(provider, make(bench))
    with under(TestClock().call()):
        one = provider.create(dict(inputs))
        assert provider.diff(one.id, one.outs, inputs).changes is False
        seen = provider.read(one.id, one.outs)
        assert seen.inputs == inputs
        assert provider.diff(one.id, seen.outs, inputs).changes is False
        imported = provider.read(one.id, {})
        assert provider.diff(one.id, imported.outs, inputs_of(provider, imported.inputs)).changes is False
        if make not in (full_instance, full_notebook):
            # A program that leaves to the service what the service filled in must not see a difference either.
            assert provider.diff(one.id, imported.outs, inputs).changes is False
        changed = provider.update(one.id, seen.outs, {**inputs, "description": "another"})
        assert provider.read(one.id, changed.outs).inputs == {**inputs, "description": "another"}
        provider.delete(one.id, one.outs)
        assert provider.read(one.id, one.outs).id == ""
    assert not bench.file.objects()


def test_the_whole_answer_can_be_read(bench: Bench, devenvs: Any, books: Any) -> None:
    outs = made(devenvs, bench, disk_instance).outs
    assert outs["status"] == RUNNING
    assert outs["creation_timestamp"].isdigit()
    assert outs["profile"]["provision"]["spec"]["params"]["image_name"]
    assert outs["flavor_details"]["params"]["GPU"] == 1
    assert outs["user"]["name"] == emulator.USER
    assert outs["answered"]["spec"]["storage"]["location"]["volume_unit"] == "GB"
    assert outs["answered"]["spec"]["auto_stop"]["remain_time"] > 3500
    assert outs["url"].startswith("https://")
    assert outs["spec"] == disk_instance(bench)["spec"], "an input stays what the program said"
    outs = made(books, bench, full_notebook).outs
    assert outs["answered"]["lease"]["enable"] is True
    assert [point["service"] for point in outs["answered"]["endpoints"]] == ["NOTEBOOK", "SSH"]
    assert outs["image"]["id"] == IMAGE
    assert outs["token"]


def test_git_and_obs_credentials_are_apart_from_what_is_shown() -> None:
    """5.4: `credential` and `repository` hold keys; they are secret outputs of their own."""
    repository = {"id": "r", "connection_info": {"credential": {"access_token": "hush"}}}
    direct = instances.computed({"spec": {"credential": {"ak": "a"}, "repository": repository}})
    assert direct["credential"] == {"ak": "a"}
    assert direct["repository"] == repository
    assert direct["answered"] == {"spec": {}}
    assert {"credential", "repository"} <= set(modelarts.DevEnvInstance._secrets)
    assert {"token", "url"} <= set(modelarts.Notebook._secrets)


@pytest.mark.parametrize(
    ("kind", "declared", "answered"),
    [
        ("obs", {"path": "/a/b/"}, {"path": "a/b/"}),
        ("obs", {"path": "a/b/"}, {"path": "/a/b/"}),
        (
            "obsfs",
            {"path": "fs", "mount_path": "/home/ma-user/work/x"},
            {"path": "fs/", "mount_path": "/home/ma-user/work/x/"},
        ),
        ("evs", {}, {"path": "/home/ma-user/work", "volume_size": 5, "volume_unit": "GB"}),
        ("evs", {"volume_size": 5}, {"path": "/home/ma-user/work", "volume_size": 5, "volume_unit": "GB"}),
    ],
)
def test_a_respelling_of_storage_is_no_drift(devenvs: Any, kind: str, declared: Any, answered: Any) -> None:
    """5.1: samples have OBS paths with and without a slash at the front; evs gets a path of its own."""
    recorded = {**BASE, "spec": {"storage": {"type": kind, **({"location": declared} if declared else {})}}}
    detail = {**DETAIL, "spec": {"storage": {"type": kind.upper(), "location": answered}}}
    seen = devenvs.seen("DE-1", recorded, instances.inputs_in(detail, recorded), {})
    assert seen.inputs == recorded


BASE = {"name": "nb", "profile_id": PROFILE, "flavor": FLAVOR}
DETAIL = {"id": "DE-1", "name": "nb", "flavor": FLAVOR, "profile": {"id": PROFILE}, "status": "RUNNING"}


def test_what_an_answer_leaves_out_is_no_drift(devenvs: Any, books: Any, bench: Bench) -> None:
    """List elements and some answers carry fewer members (5.4, 6.2)."""
    for provider, module, make in ((devenvs, instances, full_instance), (books, notebooks, full_notebook)):
        inputs = inputs_of(provider, make(bench))
        assert provider.seen("x", inputs, module.inputs_in({"id": "x"}, inputs), {}).inputs == inputs


def test_null_members_are_absent(devenvs: Any, bench: Bench) -> None:
    inputs = inputs_of(devenvs, full_instance(bench))
    detail = {**DETAIL, "name": "nb_full-1", "description": None, "spec": {"extend_storage": None, "auto_stop": None}}
    seen = devenvs.seen("x", inputs, instances.inputs_in(detail, inputs), {})
    assert "description" not in seen.inputs
    assert "extend_storage" not in seen.inputs["spec"]
    assert seen.inputs["spec"]["storage"] == inputs["spec"]["storage"]


def test_a_duration_that_is_forgotten_while_disabled_is_no_drift() -> None:
    recorded = {"spec": {"auto_stop": {"enable": False, "duration": 7200}}}
    for answered in ({"enable": False}, {"enable": False, "prompt": True}, {}):
        seen = instances.inputs_in({"spec": {"auto_stop": answered}}, recorded)
        assert seen["spec"]["auto_stop"].get("duration") == 7200
    seen = instances.inputs_in({"spec": {"auto_stop": {"enable": True}}}, recorded)
    assert "duration" not in seen["spec"]["auto_stop"]


# --- power ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("token", "make"), [(INSTANCE, disk_instance), (NOTEBOOK, minimal_notebook)])
def test_what_stopped_by_itself_is_drift_only_where_it_is_to_run(bench: Bench, token: str, make: Any) -> None:
    """8.2. The service's clock runs on, ours does not: so it is not asked to compare them."""
    switch(bench, "skew", "off")
    provider = bench.provider(token)
    free, pinned = inputs_of(provider, make(bench)), inputs_of(provider, {**make(bench), "running": True})
    free["name"] = "free"
    one, two = provider.create(dict(free)), provider.create(dict(pinned))
    bench.file.advance(3700)
    seen, pinned_seen = provider.read(one.id, one.outs), provider.read(two.id, two.outs)
    assert seen.outs["status"] == pinned_seen.outs["status"] == STOPPED
    assert seen.inputs == free
    assert provider.diff(one.id, seen.outs, free).changes is False
    diff = provider.diff(two.id, pinned_seen.outs, pinned)
    assert diff.detailed_diff == {"running": "update"}
    assert "it is started" in diff.note
    done = provider.update(two.id, pinned_seen.outs, pinned)
    assert done.outs["status"] == RUNNING
    changed = provider.update(one.id, seen.outs, {**free, "description": "x"})
    assert changed.outs["status"] == STOPPED, "a change does not start what stopped by itself"
    bench.file.advance(-3700)


@pytest.mark.parametrize(("token", "make"), [(INSTANCE, minimal_instance), (NOTEBOOK, minimal_notebook)])
def test_created_stopped(bench: Bench, token: str, make: Any) -> None:
    provider = bench.provider(token)
    inputs = inputs_of(provider, {**make(bench), "running": False})
    one = provider.create(dict(inputs))
    assert one.outs["status"] == STOPPED
    assert calls(bench) == ["create", "stop"]
    assert provider.diff(one.id, one.outs, inputs).changes is False


@pytest.mark.parametrize(("token", "make"), [(INSTANCE, minimal_instance), (NOTEBOOK, minimal_notebook)])
def test_power_changes_say_what_they_do(bench: Bench, token: str, make: Any) -> None:
    provider = bench.provider(token)
    one = made(provider, bench, make)
    plain = inputs_of(provider, make(bench))
    assert provider.diff(one.id, one.outs, {**plain, "running": False}).note == "it is stopped"
    assert provider.diff(one.id, one.outs, {**plain, "running": True}).note == ""
    done = provider.update(one.id, one.outs, {**plain, "running": False})
    assert done.outs["status"] == STOPPED
    assert provider.diff(one.id, done.outs, {**plain, "running": True}).note == "it is started"
    assert "left alone" in provider.diff(one.id, done.outs, plain).note
    before = len(calls(bench))
    freed = provider.update(one.id, done.outs, plain)
    assert len(calls(bench)) == before, "letting go of its power changes nothing"
    assert "running" not in freed.outs
    assert provider.diff(one.id, freed.outs, plain).changes is False


@pytest.mark.parametrize(("token", "make"), [(INSTANCE, minimal_instance), (NOTEBOOK, minimal_notebook)])
def test_an_object_in_motion_is_waited_for(bench: Bench, token: str, make: Any) -> None:
    """Somebody stops it in the console while an update wants it to run, or deletes it while it starts."""
    group = "demanager" if token == INSTANCE else "notebook"
    provider = bench.provider(token)
    inputs = inputs_of(provider, {**make(bench), "running": True})
    one = provider.create(dict(inputs))
    switch(bench, f"{group}-stop", "looks:3")
    switch(bench, f"{group}-start", "looks:3")
    provider._power(one.id, *([{}] if token == NOTEBOOK else [])).stop()
    clock = TestClock()
    with under(clock.call("update")):
        done = provider.update(one.id, one.outs, {**inputs, "description": "x"})
    assert done.outs["status"] == RUNNING
    assert any("STOPPING" in report for report in clock.reports)
    assert any("starting the" in report for report in clock.reports)
    provider._power(one.id, *([{}] if token == NOTEBOOK else [])).stop()
    with under(TestClock().call("delete")):
        provider.delete(one.id, done.outs)
    assert not bench.file.objects()


@pytest.mark.parametrize(("token", "make"), [(INSTANCE, minimal_instance), (NOTEBOOK, minimal_notebook)])
def test_a_start_that_fails_is_recorded_and_tried_again(bench: Bench, token: str, make: Any) -> None:
    group = "demanager" if token == INSTANCE else "notebooks"
    provider = bench.provider(token)
    inputs = inputs_of(provider, {**make(bench), "running": False})
    one = provider.create(dict(inputs))
    fault(bench, "fail", f"{group}/start")
    wanted = {**inputs, "running": True, "description": "x"}
    with under(TestClock().call("update")), pytest.raises(PartialFailure) as caught:
        provider.update(one.id, one.outs, wanted)
    failure = caught.value
    assert not failure.tainted
    assert failure.reference == "status-failed"
    assert "START_FAILED" in failure.summary
    assert failure.outs["status"] == "START_FAILED"
    assert failure.outs["description"] == "x", "what was done is recorded"
    assert failure.outs["running"] is False
    assert set(provider.diff(one.id, failure.outs, wanted).detailed_diff) == {"running"}
    with under(TestClock().call("update")):
        done = provider.update(one.id, failure.outs, wanted)
    assert done.outs["status"] == RUNNING


@pytest.mark.parametrize(
    ("token", "make", "group"), [(INSTANCE, minimal_instance, "demanager"), (NOTEBOOK, minimal_notebook, "notebook")]
)
def test_the_customers_time_limit_leaves_something_to_finish(bench: Bench, token: str, make: Any, group: str) -> None:
    switch(bench, f"{group}-create", "never")
    provider = bench.provider(token)
    inputs = inputs_of(provider, {**make(bench), "description": "x"})
    clock = TestClock()
    with under(clock.call(limit=90)), pytest.raises(PartialFailure) as caught:
        provider.create(dict(inputs))
    failure = caught.value
    assert clock.now <= 1090
    assert not failure.tainted
    assert failure.exit_code == DeadlineError.exit_code
    assert failure.outs["status"] == "CREATING"
    diff = provider.diff(failure.id, failure.outs, inputs)
    assert diff.detailed_diff == {"status": "update"}
    assert "waited for" in diff.note
    assert not diff.replaces
    assert provider.predict(failure.id, failure.outs, inputs)["status"] is UNKNOWN
    bench.file.edit("modelarts", failure.id, status=RUNNING)
    done = provider.update(failure.id, failure.outs, inputs)
    assert done.outs["status"] == RUNNING
    assert provider.diff(failure.id, done.outs, inputs).changes is False


@pytest.mark.parametrize(
    ("token", "make", "group"), [(INSTANCE, minimal_instance, "demanager"), (NOTEBOOK, minimal_notebook, "notebook")]
)
def test_without_a_limit_of_the_customers_it_ends_after_twenty_minutes(
    bench: Bench, token: str, make: Any, group: str
) -> None:
    switch(bench, f"{group}-create", "never")
    clock = TestClock()
    provider = bench.provider(token)
    with under(clock.call()), pytest.raises(PartialFailure) as caught:
        provider.create(inputs_of(provider, make(bench)))
    assert caught.value.reference == "deadline"
    assert 2100 < clock.now <= 2200
    assert len(bench.calls()) < 140, "looks come ever more slowly"


@pytest.mark.parametrize(("token", "make"), [(INSTANCE, minimal_instance), (NOTEBOOK, minimal_notebook)])
def test_a_failed_create_is_tainted_and_says_why(bench: Bench, token: str, make: Any) -> None:
    provider = bench.provider(token)
    group = "demanager" if token == INSTANCE else "notebooks"
    inputs = inputs_of(provider, make(bench))
    fault(bench, "fail", f"{group}/create")
    with under(TestClock().call()), pytest.raises(PartialFailure) as caught:
        provider.create(dict(inputs))
    failure = caught.value
    assert failure.tainted
    assert failure.reference == "create-failed"
    assert "CREATE_FAILED" in failure.summary
    assert "could not be created" in failure.summary
    assert failure.outs["status"] == "CREATE_FAILED"
    if token == INSTANCE:
        assert failure.outs["failed_reasons"]["code"] == "ModelArts.6361"
        assert "ModelArts.6361" in failure.summary
    else:
        assert failure.outs["fail_reason"]
    # A record that an interrupted run made of it, without the taint, comes to the same.
    diff = provider.diff(failure.id, failure.outs, inputs)
    assert diff.replaces == ["status"]
    assert bool(diff.delete_before_replace) is (token == INSTANCE)
    provider.delete(failure.id, failure.outs)
    assert not bench.file.objects()


def test_cancelling_leaves_something_to_finish(bench: Bench, devenvs: Any) -> None:
    switch(bench, "demanager-create", "never")
    with under(TestClock(cancelled=True).call()), pytest.raises(PartialFailure) as caught:
        made(devenvs, bench, minimal_instance)
    assert caught.value.reference == CancelledError.reference
    assert caught.value.id == bench.ids("devenvinstance")[0]


def test_the_place_in_the_queue_is_told(bench: Bench, devenvs: Any) -> None:
    """5.8: a free flavor that is sold out queues."""
    switch(bench, "sold-out", "modelarts.vm.cpu.free")
    switch(bench, "demanager-create", "looks:3")
    clock = TestClock()
    with under(clock.call()):
        devenvs.create({**minimal_instance(bench), "flavor": "modelarts.vm.cpu.free"})
    assert any("CREATE_QUEUING (number 1 in the queue" in report for report in clock.reports)


def test_a_slot_in_the_queue_is_taken(bench: Bench, devenvs: Any) -> None:
    """5.8: START_QUEUING becomes READY_TO_START, which waits to be started."""
    tree = {**minimal_instance(bench), "flavor": "modelarts.vm.cpu.free", "running": False}
    inputs = inputs_of(devenvs, tree)
    one = devenvs.create(dict(inputs))
    switch(bench, "sold-out", "modelarts.vm.cpu.free")
    switch(bench, "demanager-queue", "looks:3")
    clock = TestClock()
    with under(clock.call("update")):
        done = devenvs.update(one.id, one.outs, {**inputs, "running": True})
    assert done.outs["status"] == RUNNING
    assert any("START_QUEUING" in report for report in clock.reports)


# --- instances: names, changes, deletes -------------------------------------------------------------------------------


def test_a_taken_name_is_refused_and_can_be_imported(bench: Bench, devenvs: Any) -> None:
    one = made(devenvs, bench, minimal_instance)
    with pytest.raises(RefusedError) as caught:
        made(devenvs, bench, minimal_instance)
    assert caught.value.reference == "name-taken"
    assert caught.value.path == "name"
    assert f"import_='{one.id}'" in caught.value.remedy
    assert calls(bench) == ["create"], "it asked before it created"


def as_a_colleague(bench: Bench, token: str) -> Any:
    keys = {
        "modelarts:accessKey": emulator.COLLEAGUE_ACCESS_KEY,
        "modelarts:secretKey": emulator.COLLEAGUE_SECRET_KEY,
    }
    return bench.provider(token, {**bench.settings, **keys})


@pytest.mark.parametrize(("token", "make"), [(INSTANCE, minimal_instance), (NOTEBOOK, minimal_notebook)])
def test_a_colleague_goes_on_where_one_was_interrupted(bench: Bench, token: str, make: Any) -> None:
    provider = bench.provider(token)
    inputs = inputs_of(provider, make(bench))
    one = provider.create(dict(inputs))
    assert as_a_colleague(bench, token).find(dict(inputs)).id == one.id
    fault(bench, "error", "notebooks/list-all", times=None, code="ModelArts.6407")
    assert provider.find(dict(inputs)).id == one.id, "without the permission to see everybody's, one's own"


def test_find_does_not_take_a_strangers_instance_for_ours(bench: Bench, devenvs: Any) -> None:
    one = made(devenvs, bench, minimal_instance)
    ours = inputs_of(devenvs, minimal_instance(bench))
    assert devenvs.find(dict(ours)).id == one.id
    assert devenvs.find({**ours, "description": "later"}).id == one.id, "what can be changed is changed by the next up"
    assert devenvs.find({**ours, "flavor": OTHER_FLAVOR}).id == ""
    assert devenvs.find({**ours, "name": "nb-"}).id == ""


@pytest.mark.parametrize(("token", "make"), [(INSTANCE, minimal_instance), (NOTEBOOK, minimal_notebook)])
def test_found_while_it_is_still_being_made(bench: Bench, token: str, make: Any) -> None:
    group = "demanager" if token == INSTANCE else "notebook"
    switch(bench, f"{group}-create", "never")
    provider = bench.provider(token)
    inputs = inputs_of(provider, {**make(bench), "running": True})
    with under(TestClock().call(limit=5)), pytest.raises(PartialFailure):
        provider.create(dict(inputs))
    found = provider.find(dict(inputs))
    assert found.id
    assert found.inputs == inputs
    assert found.outs["status"] == "CREATING"
    bench.file.edit("modelarts", found.id, status=RUNNING)
    done = provider.update(found.id, found.outs, inputs)
    assert provider.diff(found.id, done.outs, inputs).changes is False


def test_an_instance_is_stopped_before_it_is_deleted(bench: Bench, devenvs: Any) -> None:
    """5.6, error 6304; and a person is told what goes with it."""
    one = made(devenvs, bench, disk_instance)
    clock = TestClock()
    with under(clock.call("delete")):
        devenvs.delete(one.id, one.outs)
    assert calls(bench) == ["create", "stop", "delete"]
    assert any("EVS disk (5 GB) are lost" in report for report in clock.reports)
    two = made(devenvs, bench, folder_instance)
    clock = TestClock()
    with under(clock.call("delete")):
        devenvs.delete(two.id, two.outs)
    assert not any("lost" in report for report in clock.reports)


@pytest.mark.parametrize(
    ("make", "path", "lost"),
    [(disk_instance, "flavor", True), (folder_instance, "flavor", False), (full_instance, "flavor", False)],
)
def test_a_replacement_that_loses_data_says_so(bench: Bench, devenvs: Any, make: Any, path: str, lost: bool) -> None:
    inputs = inputs_of(devenvs, make(bench))
    diff = devenvs.diff("x", inputs, {**inputs, path: OTHER_FLAVOR})
    assert diff.replaces == [path]
    assert ("lost" in diff.note) is lost
    assert "deleted first, because name must be unique" in diff.note
    renamed = devenvs.diff("x", inputs, {**inputs, path: OTHER_FLAVOR, "name": "new"})
    assert renamed.delete_before_replace is None


def test_auto_stop_is_always_sent_whole(bench: Bench, devenvs: Any) -> None:
    """10, question 11: whether an update merges the members or replaces them is not documented."""
    inputs = inputs_of(devenvs, with_(disk_instance, "spec.auto_stop.prompt", False)(bench))
    one = devenvs.create(dict(inputs))
    sent: list[Any] = []
    devenvs._opened = Spy(devenvs.client, sent)
    longer = with_(lambda _: inputs, "spec.auto_stop.duration", 7200)(bench)
    done = devenvs.update(one.id, one.outs, longer)
    assert sent == [
        ("update_instance", (one.id, {"spec": {"auto_stop": {"enable": True, "prompt": False, "duration": 7200}}}))
    ]
    sent.clear()
    off = with_(lambda _: longer, "spec.auto_stop", None)(bench)
    devenvs.update(one.id, done.outs, off)
    assert sent == [
        ("update_instance", (one.id, {"spec": {"auto_stop": {"enable": False, "prompt": True, "duration": 7200}}}))
    ]


def test_a_new_duration_counts_from_the_next_start(bench: Bench, devenvs: Any) -> None:
    """5.6, and the preview says so."""
    one = made(devenvs, bench, disk_instance)
    after = inputs_of(devenvs, with_(disk_instance, "spec.auto_stop.duration", 7200)(bench))
    assert "counts from its next start" in devenvs.diff(one.id, one.outs, after).note
    assert "next start" not in devenvs.diff(one.id, {**one.outs, "status": STOPPED}, after).note


def test_an_update_that_the_service_wants_stopped_is_done_stopped(bench: Bench, devenvs: Any) -> None:
    one = made(devenvs, bench, minimal_instance)
    fault(bench, "error", "demanager/update", code="ModelArts.6347")
    inputs = inputs_of(devenvs, minimal_instance(bench))
    done = devenvs.update(one.id, one.outs, {**inputs, "description": "x"})
    assert calls(bench) == ["create", "update", "stop", "update", "start"]
    assert done.outs["status"] == RUNNING
    assert devenvs.read(one.id, done.outs).inputs == {**inputs, "description": "x"}


@pytest.mark.parametrize(
    ("name", "value", "make", "reference", "later", "path"),
    [
        ("sold-out", FLAVOR, minimal_instance, "sold-out", True, "flavor"),
        ("not-permitted", FLAVOR, minimal_instance, "permission-denied", False, "flavor"),
        ("demanager-quota", "0", minimal_instance, "limit-reached", False, ""),
        ("buckets", "other", folder_instance, "storage-refused", False, "spec.storage.location.path"),
        ("global-credentials", "missing", folder_instance, "authorisation-missing", False, ""),
        ("pools", "other", full_instance, "refused", False, ""),
        ("sold-out", FLAVOR, minimal_notebook, "sold-out", True, "flavor"),
        ("notebook-quota", "0", minimal_notebook, "limit-reached", False, ""),
        ("key-pairs", "grace", full_notebook, "refused", False, "endpoints"),
    ],
)
def test_what_only_the_cloud_can_know(
    bench: Bench, name: str, value: str, make: Any, reference: str, later: bool, path: str
) -> None:
    switch(bench, name, value)
    provider = bench.provider(NOTEBOOK if "notebook" in make.__name__ else INSTANCE)
    with under(TestClock().call()), pytest.raises(RefusedError) as caught:
        made(provider, bench, make)
    assert caught.value.reference == reference
    assert caught.value.retryable is later
    assert caught.value.path == path
    assert "again" in caught.value.why or caught.value.why
    assert caught.value.remedy
    assert not bench.file.objects()


@pytest.mark.parametrize(
    ("change", "path"),
    [({"profile_id": "nope"}, ""), ({"flavor": "nope"}, "flavor"), ({"workspace": {"id": "7"}}, "workspace")],
)
def test_names_that_the_region_does_not_have(bench: Bench, devenvs: Any, change: dict[str, Any], path: str) -> None:
    with pytest.raises(RefusedError) as caught:
        devenvs.create(inputs_of(devenvs, {**minimal_instance(bench), **change}))
    assert caught.value.path == path
    assert not caught.value.retryable


# --- notebooks: the marker (8.4) --------------------------------------------------------------------------------------


def test_the_mark_stands_in_the_cloud_and_nowhere_else(bench: Bench, books: Any) -> None:
    inputs = inputs_of(books, full_notebook(bench))
    one = books.create(dict(inputs))
    assert books.client.notebook(one.id)["description"] == "team A (workstead full-0123456789ab)"
    assert one.outs["description"] == "team A"
    assert books.read(one.id, {}).inputs["description"] == "team A"
    plain = {name: value for name, value in inputs.items() if name != "description"}
    done = books.update(one.id, one.outs, plain)
    assert books.client.notebook(one.id)["description"] == "(workstead full-0123456789ab)"
    assert "description" not in books.read(one.id, done.outs).inputs
    assert "description" not in books.read(one.id, {}).inputs


def test_a_mark_that_somebody_took_away_is_no_drift(bench: Bench, books: Any) -> None:
    inputs = inputs_of(books, full_notebook(bench))
    one = books.create(dict(inputs))
    bench.file.edit("modelarts", one.id, {"description": "team A"})
    seen = books.read(one.id, one.outs)
    assert seen.inputs == inputs
    assert books.diff(one.id, seen.outs, inputs).changes is False


@pytest.mark.parametrize("length", [480, 490, 512])
def test_a_description_without_room_for_the_mark_is_its_own(bench: Bench, books: Any, length: int) -> None:
    inputs = inputs_of(books, {**full_notebook(bench), "description": "x" * length})
    one = books.create(dict(inputs))
    text = books.client.notebook(one.id)["description"]
    assert len(text) <= 512
    assert ("workstead" in text) is (length == 480)
    assert books.find(dict(inputs)).id == one.id
    assert books.read(one.id, one.outs).inputs == inputs


def test_a_stranger_of_the_same_name_is_not_taken_for_ours(bench: Bench, books: Any) -> None:
    """Names are not unique: two of somebody's own, one made by hand just like ours, and then ours."""
    inputs = inputs_of(books, full_notebook(bench))
    body = {name: inputs[name] for name in ("name", "flavor", "image_id", "volume", "description")}
    for _ in range(2):
        books.client.create_notebook(body)
    other = inputs_of(books, {**full_notebook(bench), "marker": "other-0123456789"})
    books.create(dict(other))
    assert books.find(dict(inputs)).id == ""
    fault(bench, "drop-after", "notebooks/create")
    with under(TestClock().call()):
        one = books.create(dict(inputs))
    assert len(bench.ids("notebook")) == 4
    assert books.find(dict(inputs)).id == one.id
    assert books.find(dict(other)).id != one.id


def test_two_alike_without_markers_are_kept_apart_within_one_create(bench: Bench, books: Any) -> None:
    """Without a marker the mark comes from the inputs: what bears it already is not what a lost create made."""
    inputs = inputs_of(books, minimal_notebook(bench))
    one = books.create(dict(inputs))
    fault(bench, "drop-after", "notebooks/create")
    with under(TestClock().call()):
        two = books.create(dict(inputs))
    assert two.id != one.id
    assert len(bench.ids("notebook")) == 2
    assert books.find(dict(inputs)).id == two.id, "the newest"


def test_what_is_being_replaced_is_not_what_its_replacement_made(bench: Bench, books: Any) -> None:
    """Old and new bear the same mark, because the URN is the same."""
    old = inputs_of(books, full_notebook(bench))
    new = inputs_of(books, {**full_notebook(bench), "volume": {"category": "EVS", "capacity": 9}})
    one = books.create(dict(old))
    assert books.find(dict(new)).id == "", "the old one has a larger disk, so it is not what was asked for"
    two = books.create(dict(new))
    assert books.find(dict(new)).id == two.id
    assert one.id != two.id
    books.delete(two.id, two.outs)
    assert books.find(dict(old)).id == one.id


def test_one_that_is_being_deleted_is_not_found(bench: Bench, books: Any) -> None:
    inputs = inputs_of(books, full_notebook(bench))
    one = books.create(dict(inputs))
    switch(bench, "notebook-delete", "never")
    books.client.delete_notebook(one.id)
    assert books.find(dict(inputs)).id == ""
    assert one.id not in [found.id for found in books.list()]


def test_everybodys_notebooks_are_a_permission_of_their_own(bench: Bench, books: Any) -> None:
    one = made(books, bench, minimal_notebook)
    fault(bench, "error", "notebooks/list-all", times=None, code="ModelArts.0108")
    assert [found.id for found in books.list()] == [one.id]
    assert "token" not in next(iter(books.list())).outs


# --- notebooks: changes (6.3, 6.5, 6.6, 6.8) --------------------------------------------------------------------------


def update(bench: Bench, provider: Any, before: Any, after: Any) -> tuple[Any, list[str], list[str], str]:
    """(outputs, calls, what was told, the diff's note) of one update, all of which must leave no difference."""
    one = provider.create(inputs_of(provider, before(bench)))
    wanted = inputs_of(provider, after(bench))
    note = provider.diff(one.id, one.outs, wanted).note
    done_before = len(calls(bench))
    clock = TestClock()
    with under(clock.call("update")):
        done = provider.update(one.id, one.outs, wanted)
        assert provider.diff(one.id, done.outs, wanted).changes is False
        assert provider.read(one.id, done.outs).inputs == wanted
    return done.outs, calls(bench)[done_before:], clock.reports, note


STOPPED_NOTEBOOK = with_(minimal_notebook, "running", False)


@pytest.mark.parametrize(
    ("before", "after", "expected", "note"),
    [
        (minimal_notebook, with_(minimal_notebook, "name", "other"), ["update"], ""),
        (
            minimal_notebook,
            with_(minimal_notebook, "flavor", OTHER_FLAVOR),
            ["stop", "update", "start"],
            "flavor can change only while it is stopped: it is stopped, changed and started again",
        ),
        (
            minimal_notebook,
            with_(with_(minimal_notebook, "flavor", OTHER_FLAVOR), "image_id", OTHER_IMAGE),
            ["stop", "update", "start"],
            "flavor and image can change only while it is stopped: it is stopped, changed and started again",
        ),
        (
            minimal_notebook,
            with_(with_(minimal_notebook, "flavor", OTHER_FLAVOR), "running", False),
            ["stop", "update"],
            "flavor can change only while it is stopped: it is stopped, changed and stays stopped",
        ),
        (
            with_(minimal_notebook, "volume.capacity", 10),
            with_(with_(with_(minimal_notebook, "name", "x"), "flavor", OTHER_FLAVOR), "volume.capacity", 20),
            ["update", "update", "stop", "update", "start"],
            "flavor can change only while it is stopped: it is stopped, changed and started again",
        ),
        (STOPPED_NOTEBOOK, with_(STOPPED_NOTEBOOK, "flavor", OTHER_FLAVOR), ["update"], ""),
        (
            with_(STOPPED_NOTEBOOK, "volume.capacity", 10),
            with_(STOPPED_NOTEBOOK, "volume.capacity", 20),
            ["start", "update", "stop"],
            "a volume grows only while it runs: it is started for that and stopped again",
        ),
        (
            with_(STOPPED_NOTEBOOK, "volume.capacity", 10),
            with_(with_(minimal_notebook, "running", True), "volume.capacity", 20),
            ["start", "update"],
            "a volume grows only while it runs: it is started for that",
        ),
        (
            with_(STOPPED_NOTEBOOK, "volume.capacity", 10),
            with_(with_(with_(minimal_notebook, "running", True), "flavor", OTHER_FLAVOR), "volume.capacity", 20),
            ["update", "start", "update"],
            "a volume grows only while it runs: it is started for that",
        ),
        (
            with_(minimal_notebook, "lease", {"duration": 60 * MINUTE}),
            with_(minimal_notebook, "lease", {"duration": 120 * MINUTE}),
            ["renew-lease"],
            "its time begins anew",
        ),
        (
            with_(STOPPED_NOTEBOOK, "lease", {"duration": 60 * MINUTE}),
            with_(STOPPED_NOTEBOOK, "lease", {"duration": 120 * MINUTE}),
            [],
            "the new lease counts from its next start",
        ),
        (
            with_(minimal_notebook, "lease", {"duration": 60 * MINUTE}),
            with_(with_(minimal_notebook, "lease", {"duration": 120 * MINUTE}), "image_id", OTHER_IMAGE),
            ["stop", "update", "start"],
            "image can change only while it is stopped: it is stopped, changed and started again",
        ),
        (
            with_(minimal_notebook, "tags", {"a": "1", "b": "2"}),
            with_(minimal_notebook, "tags", {"b": "3", "c": "4"}),
            ["delete-tags", "create-tags"],
            "",
        ),
    ],
    ids=range(13),
)
def test_a_change_takes_the_steps_its_note_tells(
    bench: Bench, books: Any, before: Any, after: Any, expected: list[str], note: str
) -> None:
    _, done, reports, told = update(bench, books, before, after)
    assert done == expected
    assert told == note
    assert ("stop" in expected) == any("stopping the notebook" in report for report in reports)
    assert ("start" in expected) == any("starting the notebook" in report for report in reports)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (minimal_notebook, with_(minimal_notebook, "name", "other"), ["update", "stop", "update", "start"]),
        (
            with_(minimal_notebook, "volume.capacity", 10),
            with_(minimal_notebook, "volume.capacity", 20),
            ["update", "stop", "update", "start"],
        ),
        (
            with_(minimal_notebook, "volume.capacity", 10),
            with_(with_(minimal_notebook, "volume.capacity", 20), "flavor", OTHER_FLAVOR),
            ["update", "stop", "update", "update", "start"],
        ),
    ],
)
def test_where_the_pages_strict_rule_holds_it_is_kept(
    bench: Bench, books: Any, before: Any, after: Any, expected: list[str]
) -> None:
    """6.3: the page lets nothing change in a running notebook, the vendor's own provider changes it there."""
    switch(bench, "notebook-update", "stopped")
    outs, done, _, _ = update(bench, books, before, after)
    assert done == expected
    assert outs["status"] == RUNNING


def test_a_volume_grows_in_steps_and_is_waited_for(bench: Bench, books: Any) -> None:
    """6.5: at most 100 GB at once, says the user guide."""
    switch(bench, "growth-step", "100")
    switch(bench, "notebook-growth", "instant")
    _, done, reports, _ = update(
        bench,
        books,
        with_(minimal_notebook, "volume.capacity", 10),
        with_(minimal_notebook, "volume.capacity", 250),
    )
    assert done == ["update"] * 3
    assert [report for report in reports if "grow" in report] == [
        f"letting the volume grow to {size} GB" for size in (110, 210, 250)
    ]


def test_a_growth_that_takes_its_time(bench: Bench, books: Any) -> None:
    switch(bench, "notebook-growth", "seconds:0.2")
    one = books.create(inputs_of(books, with_(minimal_notebook, "volume.capacity", 10)(bench)))
    reports: list[str] = []
    call = CallContext(
        "urn:test",
        "update",
        time.monotonic,
        lambda seconds: bool(time.sleep(seconds)),
        reports.append,
        started=time.monotonic(),
    )
    wanted = inputs_of(books, with_(minimal_notebook, "volume.capacity", 20)(bench))
    with under(call):
        done = books.update(one.id, one.outs, wanted)
    assert any("volume RESIZING" in report for report in reports)
    assert done.outs["answered"]["volume"]["capacity"] == 20


def test_a_smaller_volume_replaces_and_says_what_is_lost(bench: Bench, books: Any) -> None:
    one = books.create(inputs_of(books, with_(minimal_notebook, "volume.capacity", 20)(bench)))
    smaller = inputs_of(books, with_(minimal_notebook, "volume.capacity", 10)(bench))
    diff = books.diff(one.id, one.outs, smaller)
    assert diff.replaces == ["volume.capacity"]
    assert diff.note == "a volume cannot shrink; the contents of its EVS volume (20 GB) are lost"
    assert diff.delete_before_replace is None, "two may have the same name"
    with pytest.raises(PartialFailure) as caught:
        books.update(
            one.id, {**one.outs, "volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 9}}, smaller
        )
    assert caught.value.reference == "volume-shrinks"


def test_a_size_that_was_left_to_the_service(bench: Bench, books: Any) -> None:
    """What is declared later is compared with what the service chose; what is no longer declared is left alone."""
    one = made(books, bench, minimal_notebook)
    for size, replaces, changes in ((5, [], False), (6, [], True)):
        diff = books.diff(one.id, one.outs, inputs_of(books, with_(minimal_notebook, "volume.capacity", size)(bench)))
        assert (diff.replaces or [], diff.changes) == (replaces, changes)
    larger = books.create(inputs_of(books, with_(minimal_notebook, "volume.capacity", 20)(bench)))
    plain = inputs_of(books, minimal_notebook(bench))
    assert books.diff(larger.id, larger.outs, plain).changes is False
    seen = books.read(larger.id, {})
    assert books.diff(larger.id, {**seen.outs, "volume": {"category": "EVS"}}, {**plain, "volume": {
        "category": "EVS", "capacity": 10}}).replaces == ["volume.capacity"]  # fmt: skip


def test_a_volume_that_somebody_let_grow_is_left_so(bench: Bench, books: Any) -> None:
    """Only a replacement could undo it, and that would lose what is on it."""
    inputs = inputs_of(books, with_(minimal_notebook, "volume.capacity", 20)(bench))
    one = books.create(dict(inputs))
    books.client.update_notebook(one.id, {"storage_new_size": 40})
    clock = TestClock()
    with under(clock.call("read")):
        seen = books.read(one.id, one.outs)
    assert any("40 GB, more than declared" in report for report in clock.reports)
    assert books.diff(one.id, seen.outs, inputs).changes is False
    assert books.read(one.id, {}).inputs["volume"]["capacity"] == 40
    follow = inputs_of(books, with_(minimal_notebook, "volume.capacity", 40)(bench))
    done = books.update(one.id, seen.outs, follow)
    assert books.diff(one.id, done.outs, follow).changes is False
    assert calls(bench) == ["create", "update"], "only what was done by hand"


def test_only_evs_grows(bench: Bench, books: Any) -> None:
    tree = {**minimal_notebook(bench), "volume": {"category": "efs", "capacity": 50}}
    inputs = inputs_of(books, tree)
    assert inputs["volume"] == {"category": "EFS", "ownership": "MANAGED", "capacity": 50}
    diff = books.diff("x", inputs, with_(lambda _: inputs, "volume.capacity", 60)(bench))
    assert diff.replaces == ["volume.capacity"]
    assert "only an EVS volume can grow" in diff.note
    assert "EFS volume (50 GB) are lost" in diff.note


@pytest.mark.parametrize(
    ("given", "duration", "enabled"),
    [
        ({"duration": -1}, -1, False),
        ({"duration": 2 * 60 * MINUTE}, 2 * 60 * MINUTE, True),
        ({"lease": {"duration": 2 * 60 * MINUTE, "type": "IDLE"}}, 2 * 60 * MINUTE, True),
        ({}, 60 * MINUTE, True),
    ],
)
def test_the_lease_is_sent_at_creation_and_at_every_start(
    bench: Bench, books: Any, given: dict[str, Any], duration: int, enabled: bool
) -> None:
    inputs = inputs_of(books, {**minimal_notebook(bench), "running": True, **given})
    one = books.create(dict(inputs))
    lease = books.client.notebook(one.id)["lease"]
    assert lease["enable"] is enabled
    assert lease["duration"] == duration
    stopped = books.update(one.id, one.outs, {**inputs, "running": False})
    books.update(one.id, stopped.outs, inputs)
    again = books.client.notebook(one.id)["lease"]
    assert again["enable"] is enabled
    assert again["type"] == given.get("lease", {}).get("type", "TIMING")
    assert again["duration"] == -1 or again["duration"] - duration < 10_000


def test_other_peoples_tags_are_left_alone(bench: Bench, books: Any) -> None:
    inputs = inputs_of(books, full_notebook(bench))
    one = books.create(dict(inputs))
    books.client.add_tags(one.id, {"cost-centre": "42"})
    seen = books.read(one.id, one.outs)
    assert seen.inputs == inputs
    fewer = with_(lambda _: inputs, "tags.stage", None)(bench)
    done = books.update(one.id, seen.outs, fewer)
    assert {tag["key"] for tag in done.outs["answered"]["tags"]} == {"team", "cost-centre"}
    books.client.delete_tags(one.id, {"team": "nlp"})
    drifted = books.read(one.id, done.outs)
    assert set(books.diff(one.id, drifted.outs, fewer).detailed_diff) == {"tags"}
    assert books.read(one.id, {}).inputs["tags"] == {"cost-centre": "42"}


def test_tags_that_a_create_did_not_get_to_are_set_by_the_next_up(bench: Bench, books: Any) -> None:
    inputs = inputs_of(books, full_notebook(bench))
    fault(bench, "error", "notebooks/create-tags", code="ModelArts.0101")
    with pytest.raises(PartialFailure) as caught:
        books.create(dict(inputs))
    assert not caught.value.tainted
    done = books.update(caught.value.id, caught.value.outs, inputs)
    assert books.read(caught.value.id, done.outs).inputs == inputs
    assert {tag["key"] for tag in done.outs["answered"]["tags"]} == {"team", "stage"}


def test_an_update_that_stops_half_way_records_what_was_done(bench: Bench, books: Any) -> None:
    inputs = inputs_of(books, full_notebook(bench))
    one = books.create(dict(inputs))
    wanted = {**inputs, "description": "x", "flavor": OTHER_FLAVOR, "tags": {"a": "b"}}
    fault(bench, "error", "notebooks/stop", times=None, code="ModelArts.0101")
    with pytest.raises(PartialFailure) as caught:
        books.update(one.id, one.outs, wanted)
    assert caught.value.outs["description"] == "x"
    assert caught.value.outs["flavor"] == FLAVOR
    rest = books.diff(one.id, caught.value.outs, wanted)
    assert {path.partition(".")[0] for path in rest.detailed_diff} == {"flavor", "tags"}
    bench.file.clear_faults("modelarts")
    done = books.update(one.id, caught.value.outs, wanted)
    assert books.read(one.id, done.outs).inputs == wanted


def test_a_frozen_notebook_says_so(bench: Bench, books: Any) -> None:
    inputs = inputs_of(books, {**minimal_notebook(bench), "running": True})
    one = books.create(dict(inputs))
    bench.file.edit("modelarts", one.id, status="FROZEN")
    seen = books.read(one.id, one.outs)
    with pytest.raises(PartialFailure) as caught:
        books.update(one.id, seen.outs, inputs)
    assert "FROZEN" in caught.value.summary
    assert not caught.value.tainted


def test_a_delete_that_fails_is_an_error(bench: Bench, books: Any) -> None:
    one = made(books, bench, minimal_notebook)
    fault(bench, "fail", "notebooks/delete")
    with under(TestClock().call("delete")), pytest.raises(CloudError) as caught:
        books.delete(one.id, one.outs)
    assert "DELETE_FAILED" in caught.value.summary
    books.delete(one.id, one.outs)
    assert not bench.file.objects()


def test_addresses_without_a_key_are_doubtful(bench: Bench, books: Any) -> None:
    result = books.check({}, with_(full_notebook, "endpoints.0.key_pair_names", None)(bench))
    assert not result.failures
    assert [warning.property for warning in result.warnings] == ["endpoints[0].allowed_access_ips"]


def test_the_order_of_keys_and_addresses_means_nothing(bench: Bench, books: Any) -> None:
    ssh = {"service": "SSH", "key_pair_names": ["ada", "grace"], "allowed_access_ips": ["203.0.113.7", "203.0.113.8"]}
    inputs = inputs_of(books, {**minimal_notebook(bench), "endpoints": [ssh]})
    other = {"service": "ssh", "key_pair_names": ["grace", "ada"], "allowed_access_ips": ["203.0.113.8", "203.0.113.7"]}
    assert books.diff("x", inputs, inputs_of(books, {**minimal_notebook(bench), "endpoints": [other]})).changes is False


# --- through the engine -----------------------------------------------------------------------------------------------


def stack_of(program: Any, home: Path, speed: str = "instant") -> Any:
    config = {"workstead:emulate": "true", "workstead:emulateSpeed": speed}
    return engine.inline_stack(program, project="lab", stack="dev", config=config, home=home)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    from providers import emulation

    (tmp_path / ".workstead").mkdir()
    yield tmp_path
    emulation.stop_running()


def cloud_file(home: Path) -> Any:
    from providers.emulation import FILE_NAME, CloudFile, find_home

    return CloudFile(find_home(home) / FILE_NAME)


def test_a_tainted_instance_is_replaced_by_the_next_up_the_old_one_first(home: Path) -> None:
    def program() -> None:
        modelarts.DevEnvInstance("nb", name="nb", profile_id=PROFILE, flavor=FLAVOR, spec={"storage": {"type": "evs"}})

    stack = stack_of(program, home)
    with cloud_file(home) as file:
        file.add_fault("modelarts", "fail", "demanager/create")
        with pytest.raises(StepFailedError):
            engine.up(stack)
        failed = [item["id"] for item in file.objects()]
        assert len(failed) == 1
        steps: list[tuple[Op, str]] = []
        engine.up(
            stack,
            lambda event: (
                steps.append((event.step.op, event.step.reason.note)) if isinstance(event, StepEnded) else None
            ),
        )
        ops = [op for op, _ in steps]
        assert ops.index(Op.DELETE_REPLACED) < ops.index(Op.CREATE_REPLACEMENT)
        objects = file.objects()
        assert [item["status"] for item in objects] == ["RUNNING"]
        assert objects[0]["id"] not in failed


def test_two_notebooks_with_one_name_are_each_their_own(home: Path) -> None:
    """A program may give one name to several; a lost answer in the middle makes neither too many nor too few."""

    def program() -> None:
        for desk in ("ada", "grace"):
            modelarts.Notebook(desk, name="desk", flavor=FLAVOR, image_id=IMAGE, volume={"category": "EVS"})

    stack = stack_of(program, home)
    with cloud_file(home) as file:
        file.add_fault("modelarts", "drop-after", "notebooks/create", times=2)
        engine.up(stack)
        assert [item["name"] for item in file.objects()] == ["desk", "desk"]
        before = len(file.log())
        assert engine.preview(stack).counts.get(Op.CREATE, 0) == 0
        engine.up(stack)
        assert len(file.log()) == before, "an up without changes asks nothing"
        engine.destroy(stack)
        assert file.objects() == []


def test_a_create_that_nobody_could_look_up_is_found_by_the_next_up(home: Path) -> None:
    """8.4: the answer is lost, looking is refused; and somebody else has one of that name."""

    def program() -> None:
        modelarts.Notebook("nb", name="desk", flavor=FLAVOR, image_id=IMAGE, volume={"category": "EVS"})

    stack = stack_of(program, home)
    with cloud_file(home) as file:
        stranger: Any = Providers("x").provider_for(
            NOTEBOOK, {}, {"workstead:emulate": "true", "workstead:home": str(home / ".workstead")}
        )
        theirs = stranger.create(
            inputs_of(stranger, {"name": "desk", "flavor": FLAVOR, "image_id": IMAGE, "volume": {"category": "EVS"}})
        ).id
        file.add_fault("modelarts", "drop-after", "notebooks/create")

        def refuse_looking(event: Any) -> None:
            if isinstance(event, StepProgressed) and "looking for the notebook" in event.text:
                file.add_fault("modelarts", "error", "notebooks/list*", times=None, code="ModelArts.0108")

        with pytest.raises(StepFailedError):
            engine.up(stack, refuse_looking)
        file.clear_faults("modelarts")
        ids = {item["id"] for item in file.objects()}
        assert len(ids) == 2
        engine.up(stack)
        assert {item["id"] for item in file.objects()} == ids
        engine.destroy(stack)
        assert {item["id"] for item in file.objects()} == {theirs}


def test_sub_steps_are_told_in_the_plan_and_as_progress(home: Path) -> None:
    flavor = [FLAVOR]

    def program() -> None:
        modelarts.Notebook("nb", name="nb", flavor=flavor[0], image_id=IMAGE, volume={"category": "EVS"})

    stack = stack_of(program, home)
    engine.up(stack)
    flavor[0] = OTHER_FLAVOR
    step = next(step for step in engine.preview(stack).steps if step.op is Op.UPDATE)
    assert "it is stopped, changed and started again" in step.reason.note
    told: list[str] = []
    engine.up(stack, lambda event: told.append(event.text) if isinstance(event, StepProgressed) else None)
    order = [text for text in told if text in ("stopping the notebook", "changing flavor", "starting the notebook")]
    assert order == ["stopping the notebook", "changing flavor", "starting the notebook"]

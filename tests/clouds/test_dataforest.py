"""What is peculiar to Data Forest: its signature, its two shapes of errors, its open questions, its accounts.

Numbers in comments are sections of the specification; 11.3 lists the tests an implementation should have.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from engine.core.contract import PartialFailure
from engine.core.errors import CancelledError, CloudError, CredentialsError, DeadlineError, UsageError, WorksteadError
from engine.core.values import UNKNOWN
from providers import Providers
from providers.base import create_once
from providers.dataforest import emulator
from providers.dataforest.client import Client, open_client, signature
from providers.dataforest.provider.accounts import made_up_password
from providers.dataforest.provider.workspaces import inputs_in
from providers.dataforest.schema import FORBIDDEN_IN_PASSWORDS
from providers.errors import EndpointGoneError, ForbiddenError, NotFoundError, RefusedError
from providers.http import Answer, Request, Verdict
from tests.contract.contract_cases import Bench, TestClock, under
from tests.contract.dataforest_cases import (
    ACCOUNT,
    WORKSPACE,
    full_account,
    full_workspace,
    minimal_account,
    minimal_workspace,
    open_bench,
)

ACCESS, SECRET = "EXAMPLEACCESSKEY0001", "exampleSecretKey0123456789ABCDEFGHIJKLMN"


@pytest.fixture(scope="module")
def running() -> Iterator[Bench]:
    with open_bench() as bench:
        yield bench


@pytest.fixture
def bench(running: Bench) -> Bench:
    running.reset()
    return running


@pytest.fixture
def workspaces(bench: Bench) -> Any:
    return bench.provider(WORKSPACE)


@pytest.fixture
def accounts(bench: Bench) -> Any:
    return bench.provider(ACCOUNT)


def switch(bench: Bench, name: str, value: str) -> None:
    bench.file.set_switch("dataforest", name, value)


def inputs_of(provider: Any, tree: Mapping[str, Any]) -> dict[str, Any]:
    result = provider.check({}, dict(tree))
    assert not result.failures, result.failures
    return result.inputs


# --- the signature (3.2, 3.3) -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "target", "timestamp", "expected"),
    [
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
    ],
)
def test_signature_vectors(method: str, target: str, timestamp: str, expected: str) -> None:
    assert signature(method, target, timestamp, ACCESS, SECRET) == expected


def test_the_published_vector_of_another_service() -> None:
    target = "/vserver/v2/createServerInstances?regionCode=KR"
    made = signature("POST", target, "1700000000000", "AK_TEST", "SK_TEST")
    assert made == "xBcE26XFU55BMjppdPT7ZY3oDrqoOedfPyAn3Cq4lUw="


@pytest.mark.parametrize(
    ("text", "secret", "mistaken"),
    [
        ("POST {path}\r\n{time}\r\n{key}", SECRET, "7oSBtIRasKcyyBT0QC979amBtVc2CMYoTrtDRZrvCWA="),
        ("POST {path}\n{time}\n{key}\n", SECRET, "6BwxJ031uHOIUsYEIc1pHe0ayb/RE7pI+k+FSuA9PS8="),
        ("POST {host}{path}\n{time}\n{key}", SECRET, "8eJTVFZ1YYsFHvSRAMlBSP3ygJhHu/NlFR/oTunY1zU="),
        ("POST {path}\n{time}\n{key}", SECRET + "x", "tF4e4DoqggWXt7D36+kKp/ELSloMwdzoJSlBZSTAwbU="),
    ],
)
def test_the_known_mistakes_are_not_ours(text: str, secret: str, mistaken: str) -> None:
    path, time, host = "/api/v2/aiworkspaces/create", "1700000000000", "https://df.apigw.ntruss.com"
    wrong = text.format(path=path, time=time, key=ACCESS, host=host).encode()
    assert base64.b64encode(hmac.new(secret.encode(), wrong, hashlib.sha256).digest()).decode() == mistaken
    assert signature("POST", path, time, ACCESS, SECRET) != mistaken


def test_each_try_is_signed_anew() -> None:
    times = iter([1700000000.0, 1700000000.001])
    client = Client("http://127.0.0.1:1", ACCESS, SECRET, clock=lambda: next(times))
    request = Request("POST", "127.0.0.1:1", "/api/v2/aiworkspaces/getDetail", {})
    first, second = client._sign(request), client._sign(request)
    assert first["x-ncp-apigw-signature-v2"] == "r2Tzv5g5MIHdrz1o0GB21vVF56Pj5CvZCrKsp4C/pHk="
    assert second["x-ncp-apigw-signature-v2"] == "1b3wPxWim7GvsZfG9yNichQxrkEEZnNDODMiORga7RM="
    assert second["x-ncp-apigw-timestamp"] == "1700000000001"


# --- what answers mean (4.3) ------------------------------------------------------------------------------------------

GATEWAY = "gateway"


def body_of(shape: str | None, code: object, message: str) -> bytes:
    if shape == GATEWAY:
        return json.dumps({"error": {"errorCode": code, "message": message}}).encode()
    if shape is None:
        return b"<html>a proxy's page</html>"
    return json.dumps({"message": message, "success": False}).encode()


@pytest.mark.parametrize(
    ("status", "shape", "code", "message", "verdict", "error", "reference"),
    [
        (401, GATEWAY, "200", "Authentication Failed", "refused", CredentialsError, "credentials-refused"),
        (401, GATEWAY, 200, "Authentication Failed", "refused", CredentialsError, "credentials-refused"),
        (401, GATEWAY, "210", "Permission Denied", "refused", ForbiddenError, "permission-denied"),
        (403, "service", None, "resource ('x') is not allowed or not exists", "refused", ForbiddenError, None),
        (400, "service", None, "invalid request parameters", "refused", RefusedError, "refused"),
        (400, "service", None, "exceeded limit on resource quota", "refused", RefusedError, "limit-reached"),
        (400, GATEWAY, "100", "Bad Request Exception", "refused", RefusedError, "refused"),
        (404, "service", None, "no such element", "refused", NotFoundError, "object-missing"),
        (404, GATEWAY, "300", "Not Found Exception", "refused", EndpointGoneError, "endpoint-gone"),
        (404, None, None, "", "refused", EndpointGoneError, "endpoint-gone"),
        (302, None, None, "", "refused", EndpointGoneError, "endpoint-gone"),
        (413, GATEWAY, "430", "Request Entity Too Large", "refused", RefusedError, "refused"),
        (429, GATEWAY, "400", "Quota Exceeded", "throttled", CloudError, "throttled"),
        (429, GATEWAY, "410", "Throttle Limited", "throttled", CloudError, "throttled"),
        (429, GATEWAY, "420", "Rate Limited", "throttled", CloudError, "throttled"),
        (500, GATEWAY, "900", "Unexpected Error", "uncertain", CloudError, "service-failed"),
        (503, GATEWAY, "500", "Endpoint Error", "uncertain", CloudError, "service-failed"),
        (504, GATEWAY, "510", "Endpoint Timeout", "uncertain", CloudError, "service-failed"),
        (500, "service", None, "unexpected error", "uncertain", CloudError, "service-failed"),
        (502, None, None, "", "uncertain", CloudError, "service-failed"),
        (200, "service", None, "Data Forest can only create and use one account pe", "refused", RefusedError, None),
        (200, None, None, "", "uncertain", CloudError, "answer-unreadable"),
    ],
)
def test_classification(
    status: int,
    shape: str | None,
    code: object,
    message: str,
    verdict: str,
    error: type[WorksteadError],
    reference: str | None,
) -> None:
    client = Client("https://df.example", ACCESS, SECRET)
    request = Request("POST", "df.example", "/api/v2/aiworkspaces/create", {})
    judgement = client._judge(request, Answer(status, {}, body_of(shape, code, message)))
    assert judgement.verdict is Verdict(verdict)
    assert type(judgement.error) is error
    assert reference is None or judgement.error.reference == reference
    if isinstance(judgement.error, CloudError):
        assert judgement.error.retryable is (verdict in ("throttled", "uncertain"))
        assert judgement.error.uncertain is (verdict == "uncertain")
    assert judgement.error.remedy
    assert message in str(judgement.error) or error is EndpointGoneError


def test_a_good_answer() -> None:
    client = Client("https://df.example", ACCESS, SECRET)
    answer = Answer(200, {}, b'{"success": true, "id": "x"}')
    assert client._judge(Request("POST", "", "/api/v2/aiworkspaces/create", {}), answer).verdict is Verdict.OK


def test_a_refusal_names_the_input() -> None:
    message = "invalid request parameter (configuration.docker.exposeTcpPorts, '0'). must be between 1 and 65535"
    client = Client("https://df.example", ACCESS, SECRET)
    request = Request("POST", "", "/api/v2/aiworkspaces/create", {})
    error = client._judge(request, Answer(400, {}, body_of("service", None, message))).error
    assert error is not None
    assert error.path == "configuration.docker.expose_tcp_ports"


@pytest.mark.parametrize("field", ["password", "configuration.docker.env.TOKEN"])
def test_a_refusal_does_not_repeat_secrets(field: str) -> None:
    message = f"invalid request parameter ({field}, 'hunter'2'). Please enter a valid one"
    client = Client("https://df.example", ACCESS, SECRET)
    request = Request("POST", "", "/api/v2/accounts/create", {})
    error = client._judge(request, Answer(400, {}, body_of("service", None, message))).error
    assert "hunter" not in str(error)
    assert field in str(error)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Tue, 14 Nov 2023 22:13:20 GMT", "wrong or disabled"),
        ("Tue, 14 Nov 2023 22:23:20 GMT", "600 s behind"),
        ("Tue, 14 Nov 2023 22:03:20 GMT", "600 s ahead"),
        ("nonsense", "wrong or disabled"),
        ("", "wrong or disabled"),
    ],
)
def test_a_wrong_clock_is_told_from_a_wrong_key(date: str, expected: str) -> None:
    client = Client("https://df.example", ACCESS, SECRET, clock=lambda: 1700000000.0)
    body = body_of(GATEWAY, "200", "Authentication Failed")
    error = client._judge(Request("POST", "", "/api/v2/accounts/getList", {}), Answer(401, {"date": date}, body)).error
    assert error is not None
    assert expected in error.why


# --- credentials (10.4) -----------------------------------------------------------------------------------------------


class Config(dict[str, Any]):
    """A stack's configuration."""


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    for name in (
        "NCLOUD_ACCESS_KEY",
        "NCLOUD_ACCESS_KEY_ID",
        "NCLOUD_SECRET_KEY",
        "NCLOUD_SECRET_ACCESS_KEY",
        "NCLOUD_API_GW",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def keys(client: Client) -> tuple[str, str, str]:
    return client.endpoint, client._access_key, client._secret_key


def test_settings_come_before_environment_before_file(bare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / ".ncloud").mkdir()
    file = bare / ".ncloud" / "configure"
    file.write_text("[DEFAULT]\nncloud_access_key_id = fileA\nncloud_secret_access_key = file%S\n")
    assert keys(open_client(Config())) == ("https://df.apigw.ntruss.com", "fileA", "file%S")
    file.write_text("ncloud_access_key_id = bareA\nncloud_secret_access_key = bareS\n")
    assert keys(open_client(Config()))[1:] == ("bareA", "bareS")
    monkeypatch.setenv("NCLOUD_ACCESS_KEY_ID", "envA")
    monkeypatch.setenv("NCLOUD_SECRET_ACCESS_KEY", "envS")
    monkeypatch.setenv("NCLOUD_API_GW", "https://gw.example")
    assert keys(open_client(Config())) == ("https://gw.example", "envA", "envS")
    monkeypatch.setenv("NCLOUD_ACCESS_KEY", "envA2")
    monkeypatch.setenv("NCLOUD_SECRET_KEY", "envS2")
    assert keys(open_client(Config()))[1:] == ("envA2", "envS2")
    config = Config(
        {"dataforest:accessKey": "A", "dataforest:secretKey": "S", "dataforest:endpoint": "https://other.example"}
    )
    assert keys(open_client(config)) == ("https://other.example", "A", "S")


def test_an_unreadable_vendors_file_is_no_obstacle(bare: Any) -> None:
    (bare / ".ncloud").mkdir()
    (bare / ".ncloud" / "configure").write_bytes(b"\xff[[[")
    with pytest.raises(CredentialsError, match="dataforest:accessKey"):
        open_client(Config())


def test_only_what_is_missing_is_asked_for(bare: Any) -> None:
    with pytest.raises(CredentialsError) as caught:
        open_client(Config({"dataforest:accessKey": "A"}))
    assert "dataforest:secretKey" in caught.value.summary
    assert "accessKey" not in caught.value.summary


def test_an_endpoint_that_is_no_address(bare: Any) -> None:
    config = Config({"dataforest:accessKey": "A", "dataforest:secretKey": "S", "dataforest:endpoint": "df.example"})
    with pytest.raises(UsageError):
        open_client(config)


def test_emulation_is_a_setting(tmp_path: Any, bare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKSTEAD_EMULATE_SPEED", "instant")
    config = {"workstead:emulate": "true", "workstead:home": str(tmp_path / ".workstead")}
    provider: Any = Providers("p").provider_for(ACCOUNT, {}, config)
    try:
        assert list(provider.list()) == []
    finally:
        from providers import emulation

        emulation.stop_running()


# --- AI workspaces where the pages leave questions open (15) ----------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("contents", "object"),
        ("resource-defaults", "echo"),
        ("workdir", "echo"),
        ("date-layout", "utc"),
        ("success-message", "always"),
        ("success-message", "never"),
        ("account-change", "looks:2"),
        ("workspace-visible", "looks:2"),
        ("account-create", "looks:3"),
        ("set-configuration", "merge"),
    ],
)
@pytest.mark.parametrize("make", [minimal_workspace, full_workspace])
def test_no_difference_whatever_the_service_does(bench: Bench, make: Any, name: str, value: str) -> None:
    """11.3 number 9, for each open question."""
    switch(bench, name, value)
    provider = bench.provider(WORKSPACE)
    inputs = inputs_of(provider, make(bench))
    with under(TestClock().call()):
        made = provider.create(dict(inputs))
        assert provider.diff(made.id, made.outs, inputs).changes is False
        seen = provider.read(made.id, made.outs)
        assert seen.inputs == inputs
        assert provider.diff(made.id, seen.outs, inputs).changes is False
        imported = provider.read(made.id, {})
        assert provider.diff(made.id, imported.outs, inputs_of(provider, imported.inputs)).changes is False
        # A program that does not declare what the service filled in must not see a difference either.
        if make is minimal_workspace:
            assert provider.diff(made.id, imported.outs, inputs).changes is False


def test_a_description_forces_a_replacement_with_the_old_one_first(bench: Bench, workspaces: Any) -> None:
    """11.3 number 10."""
    inputs = inputs_of(workspaces, full_workspace(bench))
    made = workspaces.create(dict(inputs))
    diff = workspaces.diff(made.id, made.outs, {**inputs, "description": "other"})
    assert diff.replaces == ["description"]
    assert diff.delete_before_replace
    assert "cannot be changed by any API call" in diff.note
    assert "deleted first" in diff.note
    both = workspaces.diff(made.id, made.outs, {**inputs, "description": "other", "name": "new-name"})
    assert set(both.replaces) == {"description", "name"}
    assert both.delete_before_replace is None


@pytest.mark.parametrize("switches", [{}, {"missing-id": "403"}])
def test_gone_is_believed_when_the_group_still_works(bench: Bench, workspaces: Any, switches: dict[str, str]) -> None:
    """5.5: 404, or 403 confirmed by the list."""
    made = workspaces.create(inputs_of(workspaces, minimal_workspace(bench)))
    for name, value in switches.items():
        switch(bench, name, value)
    bench.file.delete("dataforest", made.id)
    assert workspaces.read(made.id, made.outs).id == ""
    if not switches:
        workspaces.delete(made.id, made.outs)


@pytest.mark.parametrize("shape", ["gateway", "service"])
def test_a_removed_api_keeps_the_record(bench: Bench, workspaces: Any, shape: str) -> None:
    """11.3 number 7, 4.3: an endpoint that is gone looks like an object that is gone."""
    made = workspaces.create(inputs_of(workspaces, minimal_workspace(bench)))
    switch(bench, "removed-groups", f"aiworkspaces={shape}")
    for call in (
        lambda: workspaces.read(made.id, made.outs),
        lambda: workspaces.delete(made.id, made.outs),
        lambda: workspaces.read(made.id, {}),
    ):
        with pytest.raises(CloudError) as caught:
            call()
        assert not caught.value.retryable
    switch(bench, "removed-groups", "none")
    assert workspaces.read(made.id, made.outs).id == made.id


def test_an_account_that_is_gone_takes_its_workspaces_along(bench: Bench, workspaces: Any) -> None:
    made = workspaces.create(inputs_of(workspaces, minimal_workspace(bench)))
    bench.file.delete("dataforest", made.outs["account_id"])
    assert workspaces.read(made.id, made.outs).id == ""
    assert workspaces.find(made.outs).id == ""
    workspaces.delete(made.id, made.outs)


def test_somebody_elses_workspace_is_an_error_not_gone(bench: Bench, workspaces: Any) -> None:
    made = workspaces.create(inputs_of(workspaces, minimal_workspace(bench)))
    theirs = {
        **bench.settings,
        "dataforest:accessKey": emulator.OTHER_ACCESS_KEY,
        "dataforest:secretKey": emulator.OTHER_SECRET_KEY,
    }
    with pytest.raises(ForbiddenError):
        bench.provider(WORKSPACE, theirs).read(made.id, made.outs)


def test_a_key_without_the_subscription(bench: Bench) -> None:
    settings = {
        **bench.settings,
        "dataforest:accessKey": emulator.UNSUBSCRIBED_ACCESS_KEY,
        "dataforest:secretKey": emulator.UNSUBSCRIBED_SECRET_KEY,
    }
    with pytest.raises(ForbiddenError, match="not subscribed"):
        list(bench.provider(ACCOUNT, settings).list())


def test_a_taken_name_is_refused_and_can_be_imported(bench: Bench, workspaces: Any) -> None:
    inputs = inputs_of(workspaces, minimal_workspace(bench))
    made = workspaces.create(dict(inputs))
    with pytest.raises(RefusedError) as caught:
        workspaces.create(dict(inputs))
    assert caught.value.reference == "name-taken"
    assert caught.value.path == "name"
    assert made.id in caught.value.why
    assert f"import_='{made.id}'" in caught.value.remedy
    assert len(bench.calls("aiworkspaces/create")) == 1, "it asked before it created"


def test_find_does_not_take_a_strangers_workspace_for_ours(bench: Bench, workspaces: Any) -> None:
    inputs = inputs_of(workspaces, minimal_workspace(bench))
    workspaces.create(dict(inputs))
    assert workspaces.find(dict(inputs)).id
    other = {**inputs, "configuration": {"docker": {"image": "a:b", "command": "ls"}}}
    assert workspaces.find(other).id == ""


def test_an_account_that_is_not_there(bench: Bench, workspaces: Any) -> None:
    tree = {**minimal_workspace(bench), "account_id": "0nobodysAccount"}
    with pytest.raises(CloudError) as caught:
        workspaces.create(tree)
    assert "0nobodysAccount" in str(caught.value)
    assert not caught.value.retryable


def test_a_workspace_waits_for_its_account(bench: Bench, workspaces: Any) -> None:
    switch(bench, "account-create", "looks:4")
    client = open_client(Config(bench.settings))
    account = client.create_account("slow-team", "Passw0rd!x")
    clock = TestClock()
    with under(clock.call()):
        workspaces.create({**minimal_workspace_in(account)})
    assert any("account ACCEPTED" in report for report in clock.reports)


def minimal_workspace_in(account: str) -> dict[str, Any]:
    docker = {"image": "tensorflow:r2.3.1-py3", "command": "ls"}
    return {"account_id": account, "name": "train-a", "configuration": {"docker": docker}}


def test_what_the_service_keeps_against_the_declaration_is_told_once(bench: Bench, workspaces: Any) -> None:
    """5.7: report, do not loop."""
    switch(bench, "set-configuration", "merge")
    before = inputs_of(workspaces, full_workspace(bench))
    after = json.loads(json.dumps(before))
    del after["configuration"]["docker"]["args"]
    made = workspaces.create(before)
    clock = TestClock()
    with under(clock.call("update")):
        done = workspaces.update(made.id, made.outs, after)
    assert any("kept configuration.docker.args" in report for report in clock.reports)
    assert workspaces.diff(made.id, done.outs, after).changes is False
    assert workspaces.diff(made.id, workspaces.read(made.id, done.outs).outs, after).changes is False


def test_workdir_is_sent_but_never_a_difference(bench: Bench, workspaces: Any) -> None:
    """6.2: removed in August 2024, still in the vendor's samples."""
    inputs = inputs_of(workspaces, full_workspace(bench))
    assert [warning.property for warning in workspaces.check({}, inputs).warnings] == ["configuration.docker.workdir"]
    made = workspaces.create(dict(inputs))
    other = json.loads(json.dumps(inputs))
    other["configuration"]["docker"]["workdir"] = "/elsewhere"
    assert workspaces.diff(made.id, made.outs, other).changes is False
    del other["configuration"]["docker"]["workdir"]
    assert workspaces.diff(made.id, made.outs, other).changes is False
    workspaces.delete(made.id, made.outs)
    switch(bench, "workdir", "refuse")
    with pytest.raises(RefusedError) as caught:
        workspaces.create(dict(inputs))
    assert caught.value.path == "configuration.docker.workdir"


def test_what_is_left_to_the_service_is_never_a_difference(bench: Bench, workspaces: Any) -> None:
    """6.3: the four resources are optional and computed."""
    inputs = inputs_of(workspaces, full_workspace(bench))
    made = workspaces.create(dict(inputs))
    for gone in ("cpu_count", "gpu_count", "gpu_model", "memory_mb"):
        fewer = json.loads(json.dumps(inputs))
        del fewer["configuration"]["resource"][gone]
        assert workspaces.diff(made.id, made.outs, fewer).changes is False
    fewer = json.loads(json.dumps(inputs))
    del fewer["configuration"]["resource"]
    assert workspaces.diff(made.id, made.outs, fewer).changes is False


@pytest.mark.parametrize(
    ("path", "empty"),
    [
        ("description", ""),
        ("configuration.docker.args", ""),
        ("configuration.docker.env", {}),
        ("configuration.docker.expose_tcp_ports", []),
    ],
)
def test_empty_means_left_out(bench: Bench, workspaces: Any, path: str, empty: Any) -> None:
    from engine.core import paths

    least = inputs_of(workspaces, minimal_workspace(bench))
    given = paths.put(least, paths.parse(path), empty)
    made = workspaces.create(dict(given))
    assert workspaces.diff(made.id, made.outs, least).changes is False
    assert workspaces.diff(made.id, workspaces.read(made.id, made.outs).outs, given).changes is False


def test_camel_case_is_accepted_and_recorded_in_snake_case(bench: Bench, workspaces: Any) -> None:
    snake = full_workspace(bench)
    camel = {
        "accountId": snake["account_id"],
        "name": snake["name"],
        "description": snake["description"],
        "configuration": {
            "data": snake["configuration"]["data"],
            "docker": {
                **{
                    name: value
                    for name, value in snake["configuration"]["docker"].items()
                    if name != "expose_tcp_ports"
                },
                "exposeTcpPorts": [8888.0, 6006.0],
            },
            "name": "test",
            "queueName": "gpu",
            "resource": {"cpuCount": 2.0, "gpuCount": 1.0, "gpuModel": "T4", "memoryMb": 1024.0},
            "userPackageUri": snake["configuration"]["user_package_uri"],
        },
    }
    assert inputs_of(workspaces, camel) == inputs_of(workspaces, snake)


def test_the_body_is_the_vendors_sample(bench: Bench, workspaces: Any) -> None:
    """Every parameter of the customer's page reaches the wire under the page's name."""
    from providers.dataforest import schema

    body = schema.wire(schema.AIWorkspace, inputs_of(workspaces, full_workspace(bench)))
    assert set(body) == {"accountId", "name", "description", "configuration"}
    configuration = body["configuration"]
    assert set(configuration) == {"data", "docker", "name", "queueName", "resource", "userPackageUri"}
    assert set(configuration["docker"]) == {"args", "command", "env", "exposeTcpPorts", "image", "workdir"}
    assert configuration["docker"]["env"] == {"TOKEN": "swordfish", "camelKey": "kept", "__x": "kept too"}
    assert set(configuration["resource"]) == {"cpuCount", "gpuCount", "gpuModel", "memoryMb"}
    assert set(configuration["data"]["output"][0]) == {"hdfs", "path", "overwrite"}


def test_the_catalogue_is_flattened(bench: Bench) -> None:
    assert open_client(Config(bench.settings)).docker_images("tensorflow") == ["tensorflow:r2.3.1-py3"]


def test_answers_that_the_type_pages_describe_otherwise() -> None:
    """5.5, 6.2: contents as several entries, `arg`, a single port."""
    entry = {"docker": {"image": "a:b", "command": "c", "arg": "x", "exposeTcpPorts": 80}}
    older = {"docker": {"image": "old:b", "command": "c"}}
    detail = {
        "id": "w",
        "name": "n",
        "contents": [
            {"configuration": entry, "modifiedAt": "2025-02-20T09:32:55+09:00"},
            {"configuration": older, "modifiedAt": "2023-05-15T02:23:55.752Z"},
        ],
    }
    clock = TestClock()
    with under(clock.call("read")):
        seen = inputs_in(detail, "acc")
    assert seen["configuration"]["docker"] == {"image": "a:b", "command": "c", "args": "x", "exposeTcpPorts": [80]}
    assert clock.reports
    undated = {"contents": [{"configuration": older}, {"configuration": entry}]}
    with under(clock.call("read")):
        assert inputs_in(undated, "acc")["configuration"]["docker"]["image"] == "a:b"
    assert "configuration" not in inputs_in({"id": "w"}, "acc")


# --- a create whose answer is lost (4.3) ------------------------------------------------------------------------------

UNCERTAIN = CloudError("lost", uncertain=True, retryable=True)


@pytest.mark.parametrize(
    ("answers", "found", "expected"),
    [
        (["id"], [], "id"),
        ([RefusedError("no")], [], RefusedError),
        ([UNCERTAIN], ["id"], "id"),
        ([UNCERTAIN, "id"], [None], "id"),
        ([UNCERTAIN, UNCERTAIN, "id"], [None], "id"),
        ([UNCERTAIN, RefusedError("registered already")], [None] * 5 + ["id"], "id"),
        ([UNCERTAIN, RefusedError("registered already")], [None], RefusedError),
        ([UNCERTAIN, UNCERTAIN, UNCERTAIN], [None], UNCERTAIN),
        ([UNCERTAIN], [CloudError("cannot look")], UNCERTAIN),
        ([UNCERTAIN, DeadlineError("late")], [None], UNCERTAIN),
        ([UNCERTAIN, CancelledError("stop")], [None], UNCERTAIN),
        ([DeadlineError("late")], [], DeadlineError),
        ([CancelledError("stop")], [], CancelledError),
    ],
)
def test_create_once(answers: list[Any], found: list[Any], expected: Any) -> None:
    """An uncertain outcome stays uncertain unless it is looked up; nothing is sent again before that."""
    asked: list[str] = []

    def send() -> str:
        asked.append("send")
        return _next(answers, keep=False)

    def look() -> str | None:
        asked.append("look")
        return _next(found, keep=True)

    def create() -> str:
        with under(TestClock().call()):
            return create_once(send, look, "it")

    if isinstance(expected, str):
        assert create() == expected
    else:
        with pytest.raises(WorksteadError) as caught:
            create()
        assert caught.value is expected or (isinstance(expected, type) and type(caught.value) is expected)
    assert ("send", "send") not in list(itertools.pairwise(asked))


def _next(values: list[Any], keep: bool) -> Any:
    value = values[0] if keep and len(values) == 1 else values.pop(0)
    if isinstance(value, Exception):
        raise value
    return value


# --- accounts (7) -----------------------------------------------------------------------------------------------------


def test_an_account_gets_a_password_that_satisfies_every_rule(accounts: Any, bench: Bench) -> None:
    made = accounts.create(inputs_of(accounts, minimal_account(bench)))
    password = made.outs["password"]
    assert not accounts.check({}, {"name": "ml-team", "password": password}).failures
    seen = accounts.read(made.id, made.outs)
    assert seen.outs["password"] == password
    assert "password" not in (seen.inputs or {}), "inputs are not marked secret by the provider"
    assert accounts.diff(made.id, seen.outs, {"name": "ml-team"}).changes is False
    done = accounts.update(made.id, made.outs, {"name": "ml-team", "quotas": {"koya": {"space_tb": 300}}})
    assert done.outs["password"] == password
    declared = accounts.diff(made.id, done.outs, {"name": "ml-team", "password": "An0ther!pw"})
    assert declared.detailed_diff == {"password": "add"}


def test_made_up_passwords() -> None:
    made = {made_up_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        assert len(password) == 20
        assert not FORBIDDEN_IN_PASSWORDS.intersection(password)
        assert any(map(str.islower, password))
        assert any(map(str.isupper, password))
        assert any(map(str.isdigit, password))


def test_a_renamed_account_follows_the_old_one(bench: Bench, accounts: Any) -> None:
    """A user can have one account, so the old one has to go first; and every workspace with it."""
    made = accounts.create(inputs_of(accounts, minimal_account(bench)))
    diff = accounts.diff(made.id, made.outs, {"name": "other-team"})
    assert diff.delete_before_replace
    assert "there can be only one" in diff.note
    workspaces = bench.provider(WORKSPACE)
    child = inputs_of(workspaces, minimal_workspace_in(made.id))
    assert workspaces.diff("w", child, {**child, "account_id": UNKNOWN}).replaces == ["account_id"]


@pytest.mark.parametrize("status", ["200", "400"])
def test_a_second_account_is_refused_with_a_way_out(bench: Bench, accounts: Any, status: str) -> None:
    """11.3 number 8."""
    switch(bench, "second-account", status)
    first = accounts.create(inputs_of(accounts, minimal_account(bench)))
    with pytest.raises(RefusedError) as caught:
        accounts.create({"name": "second-team", "password": "Passw0rd!x"})
    assert caught.value.reference == "limit-reached"
    assert first.id in caught.value.why
    assert "adopt=True" in caught.value.remedy


@pytest.mark.parametrize("name", [None, "ml-team"])
def test_adopting_an_account_leaves_it_in_the_cloud(bench: Bench, accounts: Any, name: str | None) -> None:
    there = accounts.create(inputs_of(accounts, minimal_account(bench)))
    tree = {"adopt": True, "quotas": {"koya": {"space_tb": 400}}} | ({"name": name} if name else {})
    inputs = inputs_of(accounts, tree)
    taken = accounts.create(dict(inputs))
    assert taken.id == there.id
    assert taken.outs["name"] == "ml-team"
    assert taken.outs["adopted"] is True
    assert "password" not in taken.outs, "the password of an adopted account is not touched"
    assert accounts.diff(taken.id, taken.outs, inputs).changes is False
    seen = accounts.read(taken.id, taken.outs)
    assert seen.outs["adopted"] is True
    assert seen.inputs == inputs
    accounts.delete(taken.id, seen.outs)
    assert bench.ids("account") == [there.id]


def test_an_interrupted_adoption_is_done_again(bench: Bench, accounts: Any) -> None:
    there = accounts.create(inputs_of(accounts, minimal_account(bench)))
    inputs = inputs_of(accounts, {"adopt": True})
    assert accounts.find(inputs).id == ""
    assert accounts.create(dict(inputs)).id == accounts.create(dict(inputs)).id == there.id


def test_adopting_makes_the_account_when_there_is_none_of_that_name(bench: Bench, accounts: Any) -> None:
    made = accounts.create({"name": "ml-team", "adopt": True})
    assert made.outs["adopted"] is False
    accounts.delete(made.id, made.outs)
    assert bench.ids("account") == []


def test_adopting_needs_a_name_when_there_are_several(bench: Bench, accounts: Any) -> None:
    with pytest.raises(RefusedError, match="none"):
        accounts.create({"adopt": True})
    switch(bench, "accounts-per-owner", "2")
    for name in ("one-team", "two-team"):
        accounts.create({"name": name})
    with pytest.raises(RefusedError, match="one-team, two-team"):
        accounts.create({"adopt": True})


@pytest.mark.parametrize("shape", ["gateway", "service"])
def test_a_removed_accounts_api_keeps_the_record(bench: Bench, accounts: Any, shape: str) -> None:
    made = accounts.create(inputs_of(accounts, minimal_account(bench)))
    switch(bench, "removed-groups", f"accounts={shape}")
    for call in (
        lambda: accounts.read(made.id, made.outs),
        lambda: accounts.delete(made.id, made.outs),
        lambda: accounts.read(made.id, {}),
    ):
        with pytest.raises(CloudError) as caught:
            call()
        assert not caught.value.retryable
    switch(bench, "removed-groups", "none")
    assert accounts.read(made.id, made.outs).id == made.id


def test_an_account_in_use_is_not_deleted(bench: Bench, accounts: Any, workspaces: Any) -> None:
    workspace = workspaces.create(inputs_of(workspaces, minimal_workspace(bench)))
    account = bench.needs["account"]
    clock = TestClock()
    with under(clock.call("delete")), pytest.raises(RefusedError) as caught:
        accounts.delete(account, {"name": "ml-team"})
    assert caught.value.reference == "account-not-empty"
    assert 1000 < clock.now < 1060, "it waits a while, because children may just have been deleted"
    assert not bench.calls("accounts/delete")
    workspaces.delete(workspace.id, workspace.outs)
    accounts.delete(account, {"name": "ml-team"})
    assert bench.ids("account") == []


def test_an_account_that_never_runs_is_recorded(bench: Bench, accounts: Any) -> None:
    switch(bench, "account-create", "never")
    with under(TestClock().call()), pytest.raises(PartialFailure) as caught:
        accounts.create({"name": "ml-team"})
    assert caught.value.id == bench.ids("account")[0]
    assert caught.value.outs["name"] == "ml-team"
    assert caught.value.outs["password"]
    assert caught.value.reference == "deadline"
    assert caught.value.exit_code == DeadlineError.exit_code
    switch(bench, "account-create", "instant")


def test_only_the_quotas_that_differ_are_set(bench: Bench, accounts: Any) -> None:
    inputs = inputs_of(accounts, full_account(bench))
    made = accounts.create(dict(inputs))
    assert len(bench.calls("accounts/setQuota")) == 2
    after = json.loads(json.dumps(inputs))
    after["quotas"]["tata"]["space_tb"] = 400
    done = accounts.update(made.id, made.outs, after)
    assert len(bench.calls("accounts/setQuota")) == 3
    assert accounts.diff(made.id, done.outs, after).changes is False
    del after["quotas"]["koya"]
    assert accounts.diff(made.id, done.outs, after).changes is False, "a quota cannot be deleted"


def test_a_change_that_stops_half_way_records_what_was_done(bench: Bench, accounts: Any) -> None:
    inputs = inputs_of(accounts, full_account(bench))
    made = accounts.create(dict(inputs))
    after = {**inputs, "password": "An0ther!pw", "quotas": {"koya": {"space_tb": 500}}}
    bench.file.add_fault("dataforest", "error", "accounts/setQuota", times=None, status=400, message="no")
    with pytest.raises(PartialFailure) as caught:
        accounts.update(made.id, made.outs, after)
    assert caught.value.outs["password"] == "An0ther!pw"
    assert caught.value.outs["quotas"] == inputs["quotas"]
    rest = accounts.diff(made.id, caught.value.outs, after)
    assert set(rest.detailed_diff) == {"quotas.koya.space_tb"}

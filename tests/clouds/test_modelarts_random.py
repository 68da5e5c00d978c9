"""The ModelArts emulator under random requests: whatever comes in, one of the documented shapes goes out."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.modelarts.emulator import OPERATIONS, PROJECT_ID, USER
from providers.modelarts.emulator.answers import SERVICE_ERRORS
from providers.modelarts.emulator.gateway import ACTIONS, ROUTES
from providers.modelarts.emulator.notebook_lists import FILTERS
from tests.clouds.modelarts_wire import (
    CPU_IMAGE,
    EVS,
    GPU_PROFILE,
    HOUR,
    INSTANCE,
    JSON_TYPE,
    NB,
    NOON,
    NOTEBOOK,
    Cloud,
    fresh,
    gateway_refusal,
    serving,
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with serving(tmp_path_factory.mktemp("modelarts")) as cloud:
        yield cloud


INSTANCE_ID, NOTEBOOK_ID = "DE-00000000-0000-1000-8000-0255ac100001", NB
STORAGE_ID, IMAGE_ID = "22222222-2222-4222-8222-222222222222", "33333333-3333-4333-8333-333333333333"
IDS = {
    "demanager": (INSTANCE_ID,),
    "notebooks": (NOTEBOOK_ID, STORAGE_ID),
    "images": (IMAGE_ID,),
    "authoring": ("NOTEBOOK", "pool-example"),
}
WORDS = st.one_of(
    st.sampled_from(
        ["nb-1", "evs", "EVS", "obs", "obsfs", "MANAGED", "DEDICATED", "b/d/", "obs://b/d/", "start", "stop", "0",
         "true", "queue", "modelarts.vm.cpu.2u", "modelarts.vm.cpu.free", CPU_IMAGE, NB, GPU_PROFILE, "SSH",
         "pool-example", "/data/x/", "Notebook", "RUNNING", "10", "50", "1e400", "-1", "3600000", "\x00", "k|v"]
    ),
    st.text(max_size=20),
)  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([5, 10, 20, 3600, HOUR, -1, 2**63, 10**400]),
    st.floats(allow_nan=False, allow_infinity=False),
    WORDS,
)
MEMBERS = st.sampled_from(
    """
    name profile_id description flavor spec storage extend_storage auto_stop annotations type location path volume_size
    mount_path access_modes enable duration prompt workspace pool id owner project_id ai_project action image_id volume
    category ownership capacity uri lease endpoints service key_pair_names allowed_access_ips pool_id workspace_id hooks
    container_hooks pre_start script mode data_volumes custom_spec cpu memory affinity key operator values weight tags
    value run_user uid user_vpc storage_new_size namespace tag swr_path arch auth identity password user scope feature
    """.split()  # noqa: SIM905
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(MEMBERS, inner, max_size=6)),
    max_leaves=12,
)
FULL_INSTANCE = {
    **INSTANCE,
    "name": "new",
    "description": "d",
    "spec": {"storage": EVS, "auto_stop": {"enable": True, "duration": 3600}, "annotations": {"a": "b"}},
    "workspace": {"id": "0"},
    "pool": {"id": "pool-example"},
}
FULL_NOTEBOOK = {
    **NOTEBOOK,
    "name": "new",
    "description": "d",
    "lease": {"duration": HOUR, "type": "TIMING"},
    "endpoints": [{"service": "SSH", "key_pair_names": ["k"], "allowed_access_ips": ["1.1.1.1"]}],
    "hooks": {"container_hooks": {"pre_start": {"script": "/a"}}},
    "data_volumes": [{"category": "OBSFS", "ownership": "DEDICATED", "uri": "obs://b/d/"}],
}
VALID: dict[str, Any] = {
    "demanager/create": FULL_INSTANCE,
    "demanager/update": {"description": "x", "spec": {"auto_stop": {"enable": True, "duration": 3600}}},
    "demanager/action": {"action": "stop"},
    "notebooks/create": FULL_NOTEBOOK,
    "notebooks/update": {"name": "b", "description": "x", "storage_new_size": 20},
    "notebooks/renew-lease": {"duration": HOUR, "type": "IDLE"},
    "notebooks/mount-storage": {"category": "OBS", "uri": "obs://b/d/", "mount_path": "/data/y/"},
    "notebooks/create-tags": {"tags": [{"key": "k", "value": "v"}]},
    "notebooks/delete-tags": {"tags": [{"key": "k", "value": "v"}]},
    "notebooks/create-image": {"name": "i", "namespace": "team", "tag": "1"},
    "images/register": {"swr_path": "swr.example.invalid/team/x:1", "arch": "X86_64"},
}
PARAMETERS = ["de_type", "order", "show_self", "sortby", "workspaceId", "sort_dir", "type", "category", "duration",
              "limit", "offset", "sort_key", "name_fuzzy_match", *FILTERS]  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, str, Any, dict[str, str]]:
    """An operation with a body and a query: anything at all, or a valid body with up to two members replaced."""
    method, path, operation = draw(st.sampled_from(ROUTES))
    ids = iter(IDS[operation.partition("/")[0]])
    if draw(st.integers(0, 9)) == 0:
        ids = iter([draw(WORDS) or "x", draw(WORDS) or "x"])
    parts = [quote(next(ids), safe="") if part == "{}" else part for part in path.split("/")]
    query = draw(st.dictionaries(st.sampled_from(PARAMETERS), WORDS, max_size=2))
    if operation == "demanager/list":
        query.setdefault("de_type", "Notebook")
    if draw(st.integers(0, 3)) == 0:
        return operation, method, "/".join(parts), draw(JSON), query
    body = json.loads(json.dumps(VALID.get(operation, {})))
    for _ in range(draw(st.integers(0, 2))):
        place = body
        while isinstance(place, dict) and place:
            name = draw(st.sampled_from(sorted(place)))
            if not isinstance(place[name], dict) or draw(st.booleans()):
                place[name] = draw(JSON)
                break
            place = place[name]
    return operation, method, "/".join(parts), body, query


def populate(cloud: Cloud, running: bool) -> None:
    """One object of every type, without the calls that make them."""
    fresh(cloud)
    status = "RUNNING" if running else "STOPPED"
    mine: dict[str, Any] = {"owner": PROJECT_ID}
    with cloud.file.transaction("modelarts") as transaction:
        body = {
            "description": "",
            "profile_id": INSTANCE["profile_id"],
            "flavor": "modelarts.vm.cpu.free",
            "spec": {
                "storage": EVS,
                "extend_storage": [],
                "auto_stop": {"enable": False, "prompt": True},
                "annotations": {},
            },
            "workspace": {"id": "0"},
            "pool": {},
            "ai_project": {"id": "default-ai-project"},
            "user": USER,
        }
        transaction.add("devenvinstance", INSTANCE_ID, **mine, name="nb-1", status=status, body=body)
        lease = {"create_at": int(NOON) * 1000, "update_at": 0, "duration": HOUR, "enable": True, "type": "TIMING"}
        body = {
            "description": "",
            "feature": "NOTEBOOK",
            "flavor": "modelarts.vm.cpu.2u",
            "image": {"id": CPU_IMAGE, "name": "i", "swr_path": "p", "arch": "x86_64"},
            "lease": lease,
            "period": HOUR,
            "volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 10},
            "endpoints": [],
            "tags": [{"key": "k", "value": "v"}],
            "token": NB,
            "user": USER,
            "workspace_id": "0",
        }
        transaction.add("notebook", NOTEBOOK_ID, **mine, name="nb-1", status=status, body=body)
        storage = {"category": "OBSFS", "uri": "obs://b/d/", "mount_path": "/data/x/", "mount_type": "DYNAMIC"}
        transaction.add("storage", STORAGE_ID, **mine, parent=NOTEBOOK_ID, status="MOUNTED", body=storage)
        image = {"name": "i", "namespace": "n", "tag": "1", "swr_path": "p", "arch": "x86_64", "type": "DEDICATED",
                 "visibility": "PRIVATE", "service_type": "DEV", "workspace_id": "0", "dev_services": ["NOTEBOOK"],
                 "resource_categories": ["CPU"]}  # fmt: skip
        transaction.add("image", IMAGE_ID, **mine, name="i", status="ACTIVE", body=image)


@settings(max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(request=requests(), running=st.booleans(), raw=st.one_of(st.none(), st.none(), st.binary(max_size=40)))
def test_whatever_comes_in_a_documented_shape_goes_out(
    served: Cloud,
    caplog: pytest.LogCaptureFixture,
    request: tuple[str, str, str, Any, dict[str, str]],
    running: bool,
    raw: bytes | None,
) -> None:
    operation, method, path, body, query = request
    populate(served, running)
    text = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(query.items()))
    target = f"/v1/{PROJECT_ID}/{path}" + (f"?{text}" if text else "")
    content = json.dumps(body).encode() if raw is None else raw
    with caplog.at_level(logging.WARNING):
        answer = served.send(method, target, content, headers={"Content-Type": JSON_TYPE})
    assert not caplog.records
    assert answer.status_code in (200, 204, 400, 403, 404)
    assert answer.headers["x-request-id"]
    if answer.status_code == 204:
        assert operation.endswith("-tags")
        return
    found = answer.json()
    if answer.status_code == 200:
        assert not {"error_msg", "error_message"} & found.keys()
        for name in ("id", "status", "name"):
            assert isinstance(found.get(name, ""), str)
        assert found["data"] is not None if "data" in found else True
    elif answer.status_code == 404:
        gateway_refusal(answer, "0101")
    else:
        both = operation.startswith("demanager/")
        assert found.keys() == {"error_code", "error_msg"} | ({"error_message"} if both else set())
        assert found["error_code"].removeprefix("ModelArts.") in SERVICE_ERRORS
        assert served.file.objects()[0]["status"] == ("RUNNING" if running else "STOPPED")


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(body=JSON, query=st.text(max_size=10))
def test_iam_answers_anything_in_its_shape(
    served: Cloud, caplog: pytest.LogCaptureFixture, body: Any, query: str
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = served.send("POST", "/v3/auth/tokens", json.dumps(body).encode(), authorization="")
        projects = served.send("GET", f"/v3/projects?{quote(query, safe='~')}=")
    assert not caplog.records
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 400)
    assert projects.json().keys() == {"projects", "links"}


def test_the_random_requests_know_every_operation() -> None:
    named = {operation for _, _, operation in ROUTES}
    assert set(VALID) <= named
    assert named | {f"demanager/{action}" for action in ACTIONS} == set(OPERATIONS)

"""The ModelArts emulator's API B (`notebooks`) against the spec, over real sockets.

Section numbers are those of the ModelArts spec. Nothing here knows the provider or its client: what is tested is the
wire. Huawei's own SDK drives the same half in `test_modelarts_sdk`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from providers.modelarts.emulator.notebook_lists import STATUSES
from tests.clouds.modelarts_wire import (
    ASCEND_IMAGE,
    CPU_IMAGE,
    HOUR,
    NB,
    NOON,
    NOTEBOOK,
    PYTORCH_IMAGE,
    SSH_IMAGE,
    B,
    Cloud,
    colleague_of,
    fresh,
    serving,
    stranger_to,
    switch,
)

NOW = int(NOON) * 1000
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
GPU = {"flavor": "modelarts.vm.gpu.p100", "image_id": PYTORCH_IMAGE}
MOUNT = {"category": "OBS", "uri": "obs://authoring-test/wang/", "mount_path": "/data/wang/"}


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


def lease_of(created: int, at: float, period: int, **more: Any) -> dict[str, Any]:
    """6.2: the end is at create_at + duration."""
    update = int((NOON + at) * 1000)
    return {
        "create_at": created,
        "update_at": update,
        "duration": update - created + period,
        "enable": True,
        "type": "TIMING",
        **more,
    }


# A full life


def test_the_samples_of_the_page(cloud: Cloud) -> None:
    """6.1: lower case in, upper case out; what create's answer lacks (6.2)."""
    volume = {"category": "evs", "ownership": "managed", "capacity": 50}
    body = {**NOTEBOOK, "name": "notebooks_test", "feature": "notebook", "description": "api-test", "volume": volume}
    made = cloud.ok("POST", B, {**body, "lease": {"duration": 2 * HOUR, "type": "timing"}, "workspace_id": "0"})
    id = made["id"]
    assert re.fullmatch(UUID, id)
    assert re.fullmatch(UUID, made["token"])
    assert (made["status"], made["feature"], made["workspace_id"]) == ("CREATING", "NOTEBOOK", "0")
    assert (made["create_at"], made["update_at"]) == (NOW, NOW)
    assert made["lease"] == lease_of(NOW, 0, 2 * HOUR)
    assert (made["image"]["id"], made["image"]["type"]) == (CPU_IMAGE, "BUILD_IN")
    assert made["image"]["swr_path"].endswith("/atelier/notebook2.0-mul-kernel-cpu-cp36:3.3.2-release_v1")
    assert (made["endpoints"], made["tags"], made["billing_items"]) == ([], [], [])
    assert [step["status"] for step in made["action_progress"]] == ["PROCESSING", "WAITING", "WAITING", "WAITING"]
    assert [step["step"] for step in made["action_progress"]] == [1, 2, 3, 4]
    assert made["user_id"] == "00000000000000000000000000000001"
    assert not {"url", "volume", "user", "pool", "fail_reason"} & made.keys()
    seen = cloud.see(id)
    assert seen["volume"] == {
        "category": "EVS",
        "ownership": "MANAGED",
        "capacity": 50,
        "mount_path": "/home/ma-user/work/",
        "read_only": False,
        "mount_type": "STATIC",
    }
    assert seen["user"]["domain"]["name"] == "example"
    assert "url" not in seen


def test_a_full_life_of_a_notebook(cloud: Cloud) -> None:
    id = cloud.notebook(running=False)
    cloud.file.advance(20)
    seen = cloud.see(id)
    assert seen["status"] == "CREATING"
    states = [step["status"] for step in seen["action_progress"]]
    assert states == ["COMPLETED", "COMPLETED", "PROCESSING", "WAITING"]
    cloud.no("6357", "GET", f"{B}/{id}/lease")
    cloud.file.advance(7)
    seen = cloud.see(id)
    assert (seen["status"], seen["update_at"]) == ("RUNNING", NOW + 27_000)
    assert {step["status"] for step in seen["action_progress"]} == {"COMPLETED"}
    assert seen["url"] == f"https://authoring-modelarts.example.invalid/{id}/lab"
    assert [endpoint["service"] for endpoint in seen["endpoints"]] == ["NOTEBOOK"]
    assert seen["billing_items"] == ["STORAGE", "COMPUTE"]
    assert seen["ip"]
    # 6.2: on reaching RUNNING the lease counts anew
    lease = lease_of(NOW, 27, HOUR)
    assert seen["lease"] == lease == cloud.ok("GET", f"{B}/{id}/lease")

    cloud.file.advance(100)
    stopping = cloud.ok("POST", f"{B}/{id}/stop")
    assert (stopping["status"], stopping["lease"]) == ("STOPPING", lease_of(NOW, 127, HOUR))
    cloud.no("6357", "POST", f"{B}/{id}/stop")
    cloud.file.advance(10)
    stopped = cloud.see(id)
    assert (stopped["status"], stopped["billing_items"], stopped["ip"]) == ("STOPPED", ["STORAGE"], "")
    assert stopped["action_progress"] == []
    starting = cloud.ok("POST", f"{B}/{id}/start", {}, duration=2 * HOUR)
    assert (starting["status"], starting["lease"]) == ("STARTING", lease_of(NOW, 137, 2 * HOUR))
    assert starting["token"] != stopped["token"]
    cloud.file.advance(20)
    seen = cloud.see(id)
    assert (seen["status"], seen["lease"]) == ("RUNNING", lease_of(NOW, 157, 2 * HOUR))
    ends = (seen["lease"]["create_at"] + seen["lease"]["duration"]) / 1000
    cloud.file.advance(ends - cloud.file.now() - 1)
    assert cloud.see(id)["status"] == "RUNNING"
    cloud.file.advance(1)
    assert cloud.see(id)["status"] == "STOPPING"  # by itself
    cloud.file.advance(10)
    deleting = cloud.ok("DELETE", f"{B}/{id}")
    assert deleting["status"] == "DELETING"
    assert not {"url", "volume"} & deleting.keys()
    assert cloud.see(id)["status"] == "DELETING"
    cloud.no("6357", "DELETE", f"{B}/{id}")  # 3.3: one that is being deleted
    cloud.file.advance(5)
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/start"), ("POST", "/stop"),
                         ("GET", "/lease"), ("PATCH", "/lease"), ("GET", "/flavors"), ("GET", "/storage")):  # fmt: skip
        cloud.no("6404", method, f"{B}/{id}{path}")
    assert cloud.file.objects() == []


def test_a_creation_may_begin_with_init(cloud: Cloud) -> None:
    switch(cloud, "notebook-first-status", "INIT")
    switch(cloud, "notebook-create", "looks:1")
    id = cloud.notebook(running=False)
    assert [cloud.see(id)["status"] for _ in range(4)] == ["INIT", "CREATING", "RUNNING", "RUNNING"]


def test_failures_are_told(cloud: Cloud) -> None:
    cloud.file.add_fault("modelarts", "fail", "notebooks/create")
    cloud.file.add_fault("modelarts", "fail", "notebooks/create", status="ERROR", changes={"fail_reason": "bad luck"})
    for status, reason in (("CREATE_FAILED", None), ("ERROR", "bad luck")):
        id = cloud.notebook()
        seen = cloud.see(id)
        assert seen["status"] == status
        assert seen["fail_reason"] == (reason or "the notebook could not be created")
        cloud.no("6357", "POST", f"{B}/{id}/start")
        cloud.ok("DELETE", f"{B}/{id}")
    id = stopped(cloud)
    cloud.file.add_fault("modelarts", "fail", "notebooks/start")
    cloud.ok("POST", f"{B}/{id}/start")
    cloud.file.advance(20)
    assert cloud.see(id)["status"] == "START_FAILED"
    assert "FAILED" in {step["status"] for step in cloud.see(id)["action_progress"]}
    switch(cloud, "start-from-failed", "refuse")
    cloud.no("6357", "POST", f"{B}/{id}/start")
    switch(cloud, "start-from-failed", "allow")
    cloud.ok("POST", f"{B}/{id}/start")
    cloud.file.advance(20)
    assert "fail_reason" not in cloud.see(id)
    cloud.file.add_fault("modelarts", "fail", "notebooks/delete")
    cloud.ok("DELETE", f"{B}/{id}")
    cloud.file.advance(5)
    assert cloud.see(id)["status"] == "DELETE_FAILED"
    cloud.file.add_fault("modelarts", "stuck", "notebooks/delete")
    cloud.ok("DELETE", f"{B}/{id}")
    cloud.file.advance(1e6)
    assert cloud.see(id)["status"] == "DELETING"


def stopped(cloud: Cloud, name: str = "nb-1", **members: Any) -> str:
    id = cloud.notebook(name, **members)
    cloud.ok("POST", f"{B}/{id}/stop")
    cloud.file.advance(10)
    return id


# 6.3: refusals

POSSIBLE = {
    "start": {"STOPPED", "START_FAILED"},
    "stop": {"RUNNING"},
    "delete": {"RUNNING", "STOPPED", "CREATE_FAILED", "START_FAILED", "DELETE_FAILED", "ERROR", "FROZEN"},
    "get-lease": {"RUNNING"},
    "renew-lease": {"RUNNING"},
    "mount": {"RUNNING"},
    "save": {"RUNNING"},
}
EVENTS: dict[str, tuple[str, str, Any]] = {
    "start": ("POST", "/start", None),
    "stop": ("POST", "/stop", None),
    "delete": ("DELETE", "", None),
    "get-lease": ("GET", "/lease", None),
    "renew-lease": ("PATCH", "/lease", {}),
    "mount": ("POST", "/storage", MOUNT),
    "save": ("POST", "/create-image", {"name": "i", "namespace": "team", "tag": "1"}),
}


@pytest.mark.parametrize("event", EVENTS)
def test_what_each_status_allows(cloud: Cloud, event: str) -> None:
    method, path, body = EVENTS[event]
    for status in STATUSES:
        fresh(cloud)
        id = cloud.notebook()
        cloud.file.edit("modelarts", id, status=status)
        if status in POSSIBLE[event]:
            cloud.ok(method, f"{B}/{id}{path}", body)
        else:
            cloud.no("6357", method, f"{B}/{id}{path}", body)
            assert cloud.see(id)["status"] == status


CHANGES: dict[str, Any] = {
    "name": "b",
    "description": "x",
    "storage_new_size": 20,
    "flavor": "modelarts.vm.cpu.8u",
    "image_id": PYTORCH_IMAGE,
    "endpoints": [{"service": "SSH", "key_pair_names": ["k"], "allowed_access_ips": ["1.1.1.1"]}],
    "hooks": {"container_hooks": {"pre_start": {"script": "/home/ma-user/work/a.sh"}}},
    "data_volumes": [{"category": "OBSFS", "ownership": "DEDICATED", "uri": "obs://b/d/"}],
    "affinity": {"required_during_scheduling_ignored_during_execution": [{"key": "k", "operator": "Exists"}]},
    "dew_secret_name": "secret",
    "public_network_config": {"public_network_type": "shared"},
}


@pytest.mark.parametrize("mode", ["split", "stopped"])
@pytest.mark.parametrize("member", CHANGES)
def test_when_each_member_may_change(cloud: Cloud, member: str, mode: str) -> None:
    """6.3: name and description running or stopped, the size running, the rest stopped; the strict mode: stopped."""
    switch(cloud, "notebook-update", mode)
    allowed = {"STOPPED"}
    if mode == "split":
        allowed = {"name": {"RUNNING", "STOPPED"}, "description": {"RUNNING", "STOPPED"},
                   "storage_new_size": {"RUNNING"}}.get(member, allowed)  # fmt: skip
    id = cloud.notebook()
    for status in ("CREATING", "STOPPING", "CREATE_FAILED", "RUNNING", "STOPPED"):
        cloud.file.edit("modelarts", id, status=status)
        if status in allowed:
            cloud.ok("PUT", f"{B}/{id}", {member: CHANGES[member]})
            cloud.file.edit("modelarts", id, {"volume.capacity": 10})
        else:
            cloud.no("6347", "PUT", f"{B}/{id}", {member: CHANGES[member]})


# 6.1: create


def without(*names: str, **members: Any) -> dict[str, Any]:
    return {name: value for name, value in {**NOTEBOOK, **members}.items() if name not in names}


def volume(category: str = "EVS", ownership: str = "MANAGED", **members: Any) -> dict[str, Any]:
    return without(volume={"category": category, "ownership": ownership, **members})


def hook(**members: Any) -> dict[str, Any]:
    return without(hooks={"container_hooks": {"post_start": members}})


def ips(*addresses: str) -> dict[str, Any]:
    return without(endpoints=[{"service": "SSH", "allowed_access_ips": list(addresses)}])


VPC = {"vpc_id": "v", "subnet_id": "s", "security_group_ids": ["g"]}
REFUSED: list[tuple[str, Any]] = [
    ("6400", []),
    ("6400", {}),
    ("6400", without("name")),
    ("6400", without("flavor")),
    ("6400", without("image_id")),
    ("6400", without("volume")),
    ("6400", without(colour="red")),
    ("6400", without(tags=[{"key": "k", "value": "v"}])),  # 6.8: not at creation
    ("6400", without(name="")),
    ("6400", without(name="a b")),
    ("6400", without(name="a" * 129)),
    ("6400", without(name=1)),
    ("6400", without(image_id="x")),
    ("6400", without(image_id=CPU_IMAGE.upper())),
    *[("6400", without(description=f"a{character}")) for character in "&<>\"'/"],
    ("6400", without(description="a" * 513)),
    ("6400", without(feature="LAB")),
    ("6400", without(duration=HOUR - 1)),
    ("6400", without(duration=72 * HOUR + 1)),
    ("6400", without(duration=0)),
    ("6400", without(duration=float(HOUR))),
    ("6400", without(duration=str(HOUR))),
    ("6400", without(lease={"duration": 1})),
    ("6400", without(lease={"type": "SOON"})),
    ("6400", without(endpoints={})),
    ("6400", without(endpoints=[{"service": "TELNET"}])),
    ("6400", ips("1.1.1")),
    ("6400", ips("10.0.0.1")),
    ("6400", ips("192.168.1.1")),
    ("6400", ips(*["1.1.1.1"] * 6)),
    ("6400", without(pool_id="abc")),
    ("6400", without(pool_id="1pool")),
    ("6400", without(pool_id="pool-")),
    ("6400", without(pool_id="pool-unknown")),
    ("6400", without(workspace_id="1")),
    ("6400", hook(type="SCRIPT")),
    ("6400", hook(script="relative.sh")),
    ("6400", hook(type="COMMAND", script="not base64!")),
    ("6400", hook(script="/a", mode="LATER")),
    ("6400", volume("NFS")),
    ("6400", without(volume={"category": "EVS"})),
    ("6400", without(volume={"ownership": "MANAGED"})),
    ("6400", volume("EVS", "DEDICATED")),
    ("6400", volume(capacity=4)),
    ("6400", volume(capacity=4097)),
    ("6400", volume(capacity="5")),
    ("6400", volume("EFS", capacity=0)),
    ("6400", volume("EFS", "DEDICATED", uri="x:/")),
    ("6400", volume("EFS", "DEDICATED", id=NB)),
    ("6400", volume("EFS", "DEDICATED", id="x", uri="x:/")),
    ("6400", volume("OBSFS", "DEDICATED")),
    ("6400", volume("OBS", "MANAGED", uri="obs://b/d/")),
    ("6400", volume(uri="x" * 1025)),
    ("6400", volume(mount_path="x" * 257)),
    ("6400", volume(dew_secret_name="a b")),
    ("6400", without(data_volumes=[{"category": "EVS", "ownership": "DEDICATED"}])),
    ("6400", without(custom_spec={"cpu": 1, "memory": 1024}, pool_id="pool-example")),  # and a flavor
    ("6400", without("flavor", custom_spec={"cpu": 1, "memory": 1024})),  # no pool
    ("6400", without("flavor", custom_spec={"cpu": 0.3, "memory": 1024}, pool_id="pool-example")),
    ("6400", without("flavor", custom_spec={"cpu": 1, "memory": 512}, pool_id="pool-example")),
    ("6400", without("flavor", custom_spec={"cpu": 1}, pool_id="pool-example")),
    ("6400", without(affinity={"preferred_during_scheduling_ignored_during_execution": [{"key": "k"}]})),
    (
        "6400",
        without(
            affinity={
                "preferred_during_scheduling_ignored_during_execution": [
                    {"key": "k", "operator": "In", "values": ["v"], "weight": 101}
                ]
            }
        ),
    ),
    ("6400", without(run_user={"uid": "root"})),
    ("6400", without(user_vpc={"vpc_id": "v", "subnet_id": "s"})),
    ("6400", without(public_network_config={"public_network_type": "OPEN"})),
    ("0102", without(workspace_id="a" * 32)),
    ("6323", without(flavor="modelarts.vm.cpu.3u")),
    ("6328", without(flavor="modelarts.vm.gpu.2p100", image_id=PYTORCH_IMAGE)),
    ("6870", without(flavor="modelarts.vm.cpu.free")),
    ("6870", without(feature="DEFAULT")),
    ("6797", without(image_id=NB)),
    ("6870", without(flavor="modelarts.vm.gpu.p100")),
    ("6870", without(image_id=ASCEND_IMAGE)),
    ("6768", without(flavor="modelarts.vm.gpu.p100", image_id=SSH_IMAGE)),
    (
        "6768",
        without(flavor="modelarts.vm.gpu.p100", image_id=SSH_IMAGE, endpoints=[{"service": "NOTEBOOK"}]),
    ),
]


@pytest.mark.parametrize(("code", "body"), REFUSED)
def test_create_refuses(cloud: Cloud, code: str, body: Any) -> None:
    cloud.no(code, "POST", B, body)
    assert cloud.file.objects() == []


def test_refusals_by_switch(cloud: Cloud) -> None:
    switch(cloud, "sold-out", "modelarts.vm.cpu.8u")
    cloud.no("6716", "POST", B, without(flavor="modelarts.vm.cpu.8u"))
    switch(cloud, "key-pairs", "mine")
    ssh = {"service": "ssh", "key_pair_names": ["theirs"]}
    cloud.no("6789", "POST", B, without(endpoints=[ssh]))
    switch(cloud, "buckets", "mine")
    obs = {"category": "OBSFS", "ownership": "DEDICATED", "uri": "obs://theirs/d/"}
    cloud.no("6320", "POST", B, without(data_volumes=[obs]))
    id = stopped(cloud)
    cloud.no("6716", "PUT", f"{B}/{id}", {"flavor": "modelarts.vm.cpu.8u"})
    cloud.no("6789", "PUT", f"{B}/{id}", {"endpoints": [ssh]})
    cloud.no("6320", "PUT", f"{B}/{id}", {"data_volumes": [obs]})
    switch(cloud, "sold-out", "modelarts.vm.cpu.2u")
    cloud.no("6716", "POST", f"{B}/{id}/start")


def test_everything_that_can_be_asked_for(cloud: Cloud) -> None:
    switch(cloud, "workspaces", f"0,{'w' * 32}")
    efs = {"category": "EFS", "ownership": "DEDICATED", "uri": "x.sfsturbo.internal:/", "id": NB}
    id = cloud.notebook(
        **GPU,
        volume=efs,
        endpoints=[{"service": "SSH", "key_pair_names": ["k"], "allowed_access_ips": ["1.1.1.1"]}],
        pool_id="pool-example",
        workspace_id="w" * 32,
        hooks={"container_hooks": {"pre_start": {"type": "COMMAND", "script": "ZWNobw==", "mode": "block"}}},
        data_volumes=[{"category": "OBS", "ownership": "DEDICATED", "uri": "obs://b/d/", "dew_secret_name": "s"}],
        affinity={"required_during_scheduling_ignored_during_execution": [{"key": "k", "operator": "Exists"}]},
        run_user={"uid": 1000, "gid": 100},
        user_vpc=VPC,
        public_network_config={"public_network_type": "FORBIDDEN"},
        duration=-1,
    )
    seen = cloud.see(id)
    assert seen["pool"] == {"id": "pool-example", "name": "pool-example"}
    assert seen["volume"]["uri"] == "x.sfsturbo.internal:/"
    assert seen["volume"]["capacity"] == 50  # the default of EFS
    assert seen["data_volumes"][0]["url"] == "obs://b/d/"
    assert (seen["run_user"], seen["user_vpc"]) == ({"uid": 1000, "gid": 100}, VPC)
    notebook, ssh = seen["endpoints"]
    assert (notebook["service"], ssh["service"]) == ("NOTEBOOK", "SSH")
    assert ssh["uri"].startswith("ssh://")
    assert (ssh["key_pair_names"], ssh["allowed_access_ips"]) == (["k"], ["1.1.1.1"])
    assert seen["lease"]["enable"] is False  # -1: never stops
    cloud.file.advance(1e7)
    assert cloud.see(id)["status"] == "RUNNING"


def test_a_flavor_made_to_measure(cloud: Cloud) -> None:
    spec = {"cpu": 0.5, "memory": 1024, "arch": "X86_64", "category": "CPU"}
    made = cloud.ok("POST", B, without("flavor", custom_spec=spec, pool_id="pool-example"))
    assert (made["flavor"], made["custom_spec"]) == ("custom.flavor.spec.code", spec)
    assert cloud.ok("GET", f"{B}/{made['id']}/flavors")["data"] == []
    cloud.file.edit("modelarts", made["id"], status="STOPPED")
    changed = cloud.ok("PUT", f"{B}/{made['id']}", {"custom_spec": {**spec, "cpu": 1}, "image_id": PYTORCH_IMAGE})
    assert (changed["custom_spec"]["cpu"], changed["image"]["id"]) == (1, PYTORCH_IMAGE)
    cloud.no("6870", "PUT", f"{B}/{made['id']}", {"image_id": ASCEND_IMAGE})
    cloud.no("6792", "PUT", f"{B}/{made['id']}", {"flavor": "modelarts.vm.cpu.2u"})


def test_defaults(cloud: Cloud) -> None:
    id = cloud.notebook(volume={"category": "EVS", "ownership": "MANAGED"}, description=None)
    seen = cloud.see(id)
    assert (seen["volume"]["capacity"], seen["description"], seen["feature"]) == (5, "", "NOTEBOOK")


@pytest.mark.parametrize(
    ("asked", "period", "kind"),
    [
        ({}, HOUR, "TIMING"),
        ({"lease": {"duration": 2 * HOUR}}, 2 * HOUR, "TIMING"),
        ({"lease": {"duration": 2 * HOUR, "type": "idle"}}, 2 * HOUR, "IDLE"),
        ({"lease": {"type": "IDLE"}}, HOUR, "IDLE"),
        ({"lease": {"duration": 2 * HOUR, "type": "IDLE"}, "duration": 3 * HOUR}, 3 * HOUR, "TIMING"),
    ],
)
def test_the_lease_asked_for(cloud: Cloud, asked: dict[str, Any], period: int, kind: str) -> None:
    id = cloud.notebook(**asked)
    assert cloud.see(id)["lease"] == lease_of(NOW, 27, period, type=kind)
    cloud.file.advance(period / 1000)
    assert cloud.see(id)["status"] == "STOPPING"


def test_names_may_be_in_use_and_ten_are_enough(cloud: Cloud, colleague: Cloud) -> None:
    for _ in range(8):
        cloud.notebook(running=False)
    lab = {"flavor": "modelarts.vm.cpu.free", "feature": "DEFAULT"}
    cloud.notebook("lab", running=False, **lab)
    cloud.no("0118", "POST", B, without(**lab))  # one CodeLab per user
    colleague.notebook("lab", running=False, **lab)
    cloud.no("0118", "POST", B, NOTEBOOK)
    cloud.instance(running=False)  # the other API counts for itself
    switch(cloud, "notebook-quota", "11")
    cloud.notebook(running=False)
    used = cloud.ok("GET", "authoring/features/NOTEBOOK")
    assert (used["quota"], used["used"], used["enabled"]) == (11, 9, True)
    assert cloud.ok("GET", "authoring/features/DEFAULT")["used"] == 2
    cloud.no("6404", "GET", "authoring/features/OTHER")


# 6.5: update


def test_rename_and_describe(cloud: Cloud) -> None:
    id = cloud.notebook()
    cloud.file.advance(10)
    changed = cloud.ok("PUT", f"{B}/{id}", {"name": "b", "description": "d"})
    assert (changed["name"], changed["description"], changed["update_at"]) == ("b", "d", NOW + 37_000)
    assert cloud.file.objects()[0]["name"] == "b"
    cloud.file.advance(10)
    assert cloud.ok("PUT", f"{B}/{id}", {})["update_at"] == NOW + 37_000
    switch(cloud, "empty-update", "bump")
    assert cloud.ok("PUT", f"{B}/{id}", {})["update_at"] == NOW + 47_000
    switch(cloud, "notebook-update-answer", "few")
    few = cloud.ok("PUT", f"{B}/{id}", {"description": ""})
    assert few.keys() == {"name", "description", "flavor", "endpoints"}
    cloud.file.advance(HOUR / 1000)
    assert cloud.see(id)["status"] == "STOPPED"  # the lease goes on, whatever is changed


def test_a_volume_grows(cloud: Cloud) -> None:
    id = cloud.notebook()
    grown = cloud.ok("PUT", f"{B}/{id}", {"storage_new_size": 50})
    assert (grown["status"], grown["volume"]["capacity"], grown["volume"]["status"]) == ("RUNNING", 50, "RESIZING")
    cloud.file.advance(10)
    assert "status" not in cloud.see(id)["volume"]
    for size in (50, 49, 4097):
        cloud.no("6400", "PUT", f"{B}/{id}", {"storage_new_size": size})
    switch(cloud, "growth-step", "100")
    cloud.no("6400", "PUT", f"{B}/{id}", {"storage_new_size": 151})
    cloud.file.add_fault("modelarts", "stuck", "notebooks/update")
    cloud.ok("PUT", f"{B}/{id}", {"storage_new_size": 150})
    cloud.file.advance(1000)
    assert cloud.see(id)["volume"]["status"] == "RESIZING"
    id = cloud.notebook(volume={"category": "EFS", "ownership": "MANAGED"})
    cloud.no("6400", "PUT", f"{B}/{id}", {"storage_new_size": 100})


def test_flavor_and_image_change_while_stopped(cloud: Cloud) -> None:
    id = stopped(cloud)
    offered = [each["id"] for each in cloud.ok("GET", f"{B}/{id}/flavors")["flavors"]]
    assert offered == ["modelarts.vm.cpu.2u", "modelarts.vm.cpu.8u"]
    changed = cloud.ok("PUT", f"{B}/{id}", {"flavor": "modelarts.vm.cpu.8u", "image_id": PYTORCH_IMAGE})
    assert (changed["flavor"], changed["image"]["id"]) == ("modelarts.vm.cpu.8u", PYTORCH_IMAGE)
    cloud.no("6792", "PUT", f"{B}/{id}", {"flavor": "modelarts.vm.gpu.p100"})
    cloud.no("6323", "PUT", f"{B}/{id}", {"flavor": "x"})
    cloud.no("6870", "PUT", f"{B}/{id}", {"image_id": ASCEND_IMAGE})
    cloud.no("6797", "PUT", f"{B}/{id}", {"image_id": NB})
    for body in (
        {"lease": {}}, {"volume": {}}, {"pool_id": "pool-example"}, {"workspace_id": "0"}, {"feature": "NOTEBOOK"},
        {"custom_spec": {"cpu": 1, "memory": 1024}}, {"name": "a b"}, {"endpoints": [{"allowed_access_ips": ["x"]}]},
    ):  # fmt: skip
        cloud.no("6400", "PUT", f"{B}/{id}", body)
    endpoints = [{"service": "SSH", "key_pair_names": ["k"], "allowed_access_ips": ["1.1.1.1"]}]
    shown = cloud.ok("PUT", f"{B}/{id}", {"endpoints": endpoints})["endpoints"]
    assert shown[1]["allowed_access_ips"] == ["1.1.1.1"]


# 6.6: lease


def test_renewing_a_lease(cloud: Cloud) -> None:
    id = cloud.notebook()
    cloud.file.advance(73)
    lease = f"{B}/{id}/lease"
    assert cloud.ok("PATCH", lease, {"duration": 2 * HOUR, "type": "idle"}) == lease_of(NOW, 100, 2 * HOUR, type="IDLE")
    # the query wins, and means TIMING
    assert cloud.ok("PATCH", lease, {"duration": 2 * HOUR, "type": "IDLE"}, duration=HOUR) == lease_of(NOW, 100, HOUR)
    assert cloud.ok("PATCH", lease) == lease_of(NOW, 100, HOUR)
    assert cloud.ok("PATCH", lease, duration=-1)["enable"] is False
    cloud.file.advance(1e7)
    assert cloud.see(id)["status"] == "RUNNING"
    cloud.ok("PATCH", lease, duration=HOUR)
    cloud.file.advance(3600)
    assert cloud.see(id)["status"] == "STOPPING"
    for query, body in (
        ({"duration": HOUR - 1}, None), ({"duration": "x"}, None), ({"type": "IDLE"}, None), ({}, {"duration": 1}),
        ({}, {"enable": False}),
    ):  # fmt: skip
        cloud.no("6400", "PATCH", lease, body, **query)


def test_starting_with_a_lease(cloud: Cloud) -> None:
    id = stopped(cloud)
    start = f"{B}/{id}/start"
    for query, body in (
        ({"duration": 1}, None), ({"duration": "１"}, None), ({"type": "x"}, None), ({"x": 1}, None),
        ({}, {"duration": HOUR}), ({}, []),
    ):  # fmt: skip
        cloud.no("6400", "POST", start, body, **query)
    started = cloud.ok("POST", start, duration=-1, type="idle")
    assert (started["lease"]["enable"], started["lease"]["type"]) == (False, "IDLE")


# 6.4: list


def test_every_filter(cloud: Cloud, colleague: Cloud) -> None:
    switch(cloud, "workspaces", f"0,{'w' * 32}")
    cloud.notebook("alpha", description="first of all", running=False)
    cloud.file.advance(5)
    beta = cloud.notebook("beta", pool_id="pool-example", **GPU)
    cloud.notebook("gamma-beta", running=False, flavor="modelarts.vm.cpu.free", feature="DEFAULT")
    colleague.notebook("delta", running=False)
    cloud.notebook("elsewhere", running=False, workspace_id="w" * 32)
    cloud.call("POST", f"{B}/{beta}/tags/create", {"tags": [{"key": "team", "value": "a"}, {"key": "x", "value": ""}]})
    seen = cloud.see(beta)

    for query, names in (
        ({}, "gamma-beta beta alpha"),  # newest first
        ({"name": "beta"}, "gamma-beta beta"),
        ({"name": "BETA"}, ""),
        ({"id": beta}, "beta"),
        ({"status": "CREATING"}, "gamma-beta"),
        ({"status": "RUNNING"}, "beta alpha"),
        ({"status": "DELETED"}, ""),
        ({"feature": "DEFAULT"}, "gamma-beta"),
        ({"feature": "NOTEBOOK"}, "beta alpha"),
        ({"flavor": "cpu"}, "gamma-beta alpha"),
        ({"image_id": PYTORCH_IMAGE}, "beta"),
        ({"pool_id": "pool-example"}, "beta"),
        ({"pool_name": "exam"}, "beta"),
        ({"workspace_id": "w" * 32}, "elsewhere"),
        ({"workspaceId": "w" * 32}, "elsewhere"),
        ({"owner": seen["user_id"]}, "gamma-beta beta alpha"),
        ({"owner": "0" * 32}, ""),
        ({"username": "de"}, "gamma-beta beta alpha"),
        ({"username": "colleague"}, ""),
        ({"description": "of all"}, "alpha"),
        ({"ip": seen["ip"]}, "beta"),
        ({"swr_path": "pytorch"}, "beta"),
        ({"billing": "COMPUTE"}, "beta alpha"),
        ({"billing": "ALL"}, "gamma-beta beta alpha"),
        ({"tags": "team|a"}, "beta"),
        ({"tags": "team|a,x|"}, "beta"),
        ({"tags": "team"}, "beta"),
        ({"tags": "team|b"}, ""),
        ({"sort_key": "name"}, "gamma-beta beta alpha"),
        ({"sort_key": "name", "sort_dir": "ASC"}, "alpha beta gamma-beta"),
        ({"sort_key": "create_at", "sort_dir": "ASC"}, "alpha beta gamma-beta"),
        ({"sort_key": "feature,name", "sort_dir": "ASC"}, "gamma-beta alpha beta"),
        ({"name": "beta", "status": "RUNNING", "limit": 50}, "beta"),
    ):
        assert " ".join(cloud.listed(**query)) == names, query
    everybody = cloud.ok("GET", f"{B}/all")
    assert [row["name"] for row in everybody["data"]] == ["delta", "gamma-beta", "beta", "alpha"]
    assert [row["name"] for row in cloud.ok("GET", f"{B}/all", username="coll")["data"]] == ["delta"]


def test_pages(cloud: Cloud) -> None:
    switch(cloud, "notebook-quota", "100")
    for number in range(23):
        cloud.notebook(f"n{number:02}", running=False)
        cloud.file.advance(1)
    first = cloud.ok("GET", B)
    assert {name: first[name] for name in ("current", "pages", "size", "total")} == {
        "current": 0, "pages": 3, "size": 10, "total": 23,
    }  # fmt: skip
    assert [row["name"] for row in first["data"]] == [f"n{number:02}" for number in range(22, 12, -1)]
    last = cloud.ok("GET", B, limit=10, offset=20)
    assert (last["current"], [row["name"] for row in last["data"]]) == (2, ["n02", "n01", "n00"])
    assert len(cloud.ok("GET", B, limit=50)["data"]) == 23
    assert len(cloud.ok("GET", B, limit=20, offset=5)["data"]) == 18
    assert cloud.ok("GET", B, offset=99)["data"] == []
    for limit in ("0", "5", "100", "-1", "x"):
        cloud.no("6400", "GET", B, limit=limit)
    switch(cloud, "notebook-limit", "any")
    assert len(cloud.ok("GET", B, limit=7)["data"]) == 7
    cloud.no("6400", "GET", B, limit=1001)


@pytest.mark.parametrize(
    ("code", "query"),
    [
        ("6400", {"status": "RUNNING,STOPPED"}),
        ("6400", {"status": "Running"}),
        ("6400", {"feature": "LAB"}),
        ("6400", {"offset": "-1"}),
        ("6400", {"sort_dir": "asc"}),
        ("6400", {"billing": "NONE"}),
        ("6400", {"workspaceID": "0"}),
        ("6303", {"sort_key": "colour"}),
        ("0102", {"workspace_id": "7"}),
    ],
)
def test_list_refuses(cloud: Cloud, code: str, query: dict[str, str]) -> None:
    cloud.no(code, "GET", B, **query)
    cloud.no(code, "GET", f"{B}/all", **query)


# 6.7: extra storage


def test_storages_come_and_go(cloud: Cloud) -> None:
    id = cloud.notebook()
    made = cloud.ok("POST", f"{B}/{id}/storage", MOUNT)
    assert made == {**MOUNT, "id": made["id"], "category": "OBSFS", "status": "MOUNTING", "mount_type": "DYNAMIC"}
    path = f"{B}/{id}/storage/{made['id']}"
    cloud.no("6357", "DELETE", path)
    cloud.file.advance(5)
    assert cloud.ok("GET", path)["status"] == "MOUNTED"
    cloud.no("6400", "POST", f"{B}/{id}/storage", MOUNT)
    listed = cloud.ok("GET", f"{B}/{id}/storage")
    assert {name: listed[name] for name in ("current", "pages", "size", "total")} == {
        "current": 1, "pages": 1, "size": 1, "total": 1,
    }  # fmt: skip
    assert listed["data"][0]["id"] == made["id"]
    assert cloud.ok("DELETE", path)["status"] == "UNMOUNTING"
    cloud.file.advance(5)
    cloud.no("6404", "GET", path)
    cloud.file.add_fault("modelarts", "fail", "notebooks/mount-storage")
    failed = cloud.ok("POST", f"{B}/{id}/storage", MOUNT)["id"]
    cloud.file.advance(5)
    assert cloud.ok("GET", f"{B}/{id}/storage/{failed}")["failure_reason"]
    cloud.ok("DELETE", f"{B}/{id}/storage/{failed}")
    cloud.file.advance(5)
    kept = cloud.ok("POST", f"{B}/{id}/storage", {**MOUNT, "category": "EFS", "efs_id": NB, "uri": "x:/"})["id"]
    another = cloud.notebook("b")
    cloud.no("6404", "GET", f"{B}/{another}/storage/{kept}")
    assert [row["type"] for row in cloud.file.objects()] == ["notebook", "storage", "notebook"]
    cloud.ok("DELETE", f"{B}/{id}")
    cloud.file.advance(5)
    assert [row["type"] for row in cloud.file.objects()] == ["notebook"]  # goes with its notebook


@pytest.mark.parametrize(
    "changes",
    [
        {"category": "EVS"},
        {"category": None},
        {"uri": "bucket/dir/"},
        {"uri": "obs://bucket/dir"},
        {"uri": "obs://b/" + "x" * 256 + "/"},
        {"mount_path": "/mnt/x/"},
        {"mount_path": "/data/"},
        {"mount_path": "/data/a/b/"},
        {"mount_path": "/data/" + "x" * 256},
        {"category": "EFS"},
        {"category": "EFS", "efs_id": "x"},
        {"colour": "red"},
    ],
)
def test_mount_refuses(cloud: Cloud, changes: dict[str, Any]) -> None:
    cloud.no("6400", "POST", f"{B}/{cloud.notebook()}/storage", {**MOUNT, **changes})


def test_mount_meets_the_settings(cloud: Cloud) -> None:
    id = cloud.notebook()
    switch(cloud, "global-credentials", "missing")
    cloud.no("6782", "POST", f"{B}/{id}/storage", MOUNT)
    switch(cloud, "buckets", "mine")
    cloud.no("6320", "POST", f"{B}/{id}/storage", MOUNT)


# 6.8: tags


def tag(cloud: Cloud, id: str, *tags: Any, verb: str = "create") -> int:
    method = "POST" if verb == "create" else "DELETE"
    answer = cloud.call(method, f"{B}/{id}/tags/{verb}", {"tags": list(tags)}, workspace_id="0")
    if answer.status_code == 204:
        assert answer.content == b""
    else:
        assert answer.json()["error_code"] == "ModelArts.6400"
    return answer.status_code


def test_tags(cloud: Cloud) -> None:
    id, another = cloud.notebook(), cloud.notebook("b")
    assert tag(cloud, id, {"key": "team", "value": "a"}, {"key": "Größe 1_.:=+-@", "value": "x/y"}) == 204
    assert tag(cloud, id, {"key": "team", "value": "b"}) == 204  # overwrites
    assert tag(cloud, another, {"key": "team", "value": ""}) == 204
    shown = [{"key": "team", "value": "b"}, {"key": "Größe 1_.:=+-@", "value": "x/y"}]
    assert cloud.see(id)["tags"] == shown
    assert cloud.see(id)["update_at"] == NOW + 27_000
    assert cloud.ok("GET", f"{B}/tags") == {
        "tags": [{"key": "team", "values": ["b", ""]}, {"key": "Größe 1_.:=+-@", "values": ["x/y"]}]
    }
    assert tag(cloud, id, {"key": "team"}, {"key": "absent", "value": "x"}, verb="delete") == 204
    assert cloud.see(id)["tags"] == shown[1:]
    assert tag(cloud, id, *({"key": f"k{number}", "value": ""} for number in range(19))) == 204
    assert tag(cloud, id, {"key": "one too many", "value": ""}) == 400


@pytest.mark.parametrize(
    "bad",
    [
        {"key": "", "value": "x"},
        {"key": " x", "value": "x"}, {"key": "x ", "value": "x"}, {"key": "a/b", "value": "x"},
        {"key": "_sys_x", "value": "x"}, {"key": "k" * 129, "value": "x"}, {"key": "k", "value": "v" * 256},
        {"key": "k", "value": "a,b"}, {"key": "k"}, {"value": "v"}, {"key": 1, "value": "v"}, "k", None,
    ],
)  # fmt: skip
def test_tags_that_are_none(cloud: Cloud, bad: Any) -> None:
    id = cloud.notebook()
    assert tag(cloud, id, bad) == 400
    cloud.no("6400", "POST", f"{B}/{id}/tags/create", {})
    cloud.no("0102", "GET", f"{B}/tags", workspace_id="7")
    cloud.no("6404", "POST", f"{B}/{NB}/tags/create", {"tags": []})


# 6.9: flavors, images, pools


def test_flavors(cloud: Cloud) -> None:
    answer = cloud.ok("GET", f"{B}/flavors")
    assert answer["data"] == answer["flavors"]
    small = next(each for each in answer["data"] if each["id"] == "modelarts.vm.cpu.2u")
    assert (small["arch"], small["category"], small["vcpus"], small["memory"]) == ("x86_64", "CPU", 2, 8_388_608)
    assert (small["free"], small["sold_out"], small["feature"]) == (False, False, "NOTEBOOK")
    assert small["billing"] == {"code": "modelarts.vm.cpu.2u", "unit_num": 1}
    switch(cloud, "sold-out", "modelarts.vm.cpu.8u")
    cpus = cloud.ok("GET", f"{B}/flavors", category="CPU", feature="NOTEBOOK", sort_dir="ASC")["data"]
    assert [(each["id"], each["sold_out"]) for each in cpus] == [
        ("modelarts.vm.cpu.2u", False), ("modelarts.vm.cpu.8u", True),
    ]  # fmt: skip
    assert {each["category"] for each in cloud.ok("GET", f"{B}/flavors", category="ASCEND")["data"]} == {"ASCEND"}
    page = cloud.ok("GET", f"{B}/flavors", limit=3, offset=3)
    assert (page["current"], page["size"], page["pages"], page["total"]) == (2, 3, 4, 10)
    assert cloud.ok("GET", f"{B}/flavors", flavor_type="ASCEND_SNT3")["data"] == []
    cloud.no("6400", "GET", f"{B}/flavors", category="cpu")


def test_images_of_the_catalogue(cloud: Cloud) -> None:
    answer = cloud.ok("GET", "images")
    assert (answer["current"], answer["size"], answer["total"]) == (0, 200, 5)
    cpu = cloud.ok("GET", f"images/{CPU_IMAGE}")
    assert cpu in answer["data"]
    assert (cpu["status"], cpu["dev_services"], cpu["resource_categories"]) == ("ACTIVE", ["NOTEBOOK", "SSH"], ["CPU"])
    assert [each["id"] for each in cloud.ok("GET", "images", name="pytorch")["data"]] == [PYTORCH_IMAGE]
    assert cloud.ok("GET", "images", name="pytorch", name_fuzzy_match="false")["data"] == []
    assert cloud.ok("GET", "images", type="DEDICATED")["data"] == []
    names = [each["name"] for each in cloud.ok("GET", "images", sort_key="name", sort_dir="ASC", limit=2)["data"]]
    assert names == sorted(names)
    cloud.no("6303", "GET", "images", sort_key="colour")
    cloud.no("6797", "GET", f"images/{NB}")
    cloud.no("0108", "DELETE", f"images/{CPU_IMAGE}")


def test_a_registered_image(cloud: Cloud) -> None:
    path = "swr.example.invalid/team/pytorch_1_8:train-1"
    body = {"swr_path": path, "arch": "x86_64", "resource_category": ["cpu"], "description": ""}
    made = cloud.ok("POST", "images", body)
    assert (made["name"], made["namespace"], made["tag"]) == ("pytorch_1_8", "team", "train-1")
    assert (made["status"], made["type"], made["arch"]) == ("ACTIVE", "DEDICATED", "x86_64")
    assert (made["service_type"], made["visibility"], made["origin"]) == ("UNKNOWN", "PRIVATE", "CUSTOMIZE")
    cloud.no("6737", "POST", "images", body)
    cloud.no("6400", "POST", "images", {"swr_path": "x"})
    assert cloud.ok("POST", f"images/{made['id']}/sync") == made == cloud.ok("GET", f"images/{made['id']}")
    stranger = stranger_to(cloud)
    stranger.no("6797", "GET", f"images/{made['id']}")
    stranger.no("6797", "POST", B, without(image_id=made["id"]))
    notebook = cloud.notebook(image_id=made["id"])
    (group,) = cloud.ok("GET", "images/group")["data"]
    assert (group["name"], group["namespace"], group["version_count"]) == ("pytorch_1_8", "team", 1)
    assert cloud.ok("DELETE", f"images/{made['id']}")["status"] == "DELETED"
    cloud.no("6797", "DELETE", f"images/{made['id']}")
    assert cloud.see(notebook)["image"]["name"] == "pytorch_1_8"
    public = cloud.ok("POST", "images", {**body, "visibility": "PUBLIC"})["id"]
    stranger.notebook(image_id=public)


def test_a_notebook_saved_as_an_image(cloud: Cloud) -> None:
    """6.3: SNAPSHOTTING, then RUNNING on; the image goes from INIT to ACTIVE."""
    id = cloud.notebook()
    body = {"name": "pytorch1_4", "namespace": "team", "tag": "1", "description": "d", "workspace_id": "0"}
    made = cloud.ok("POST", f"{B}/{id}/create-image", body)
    assert (made["status"], made["origin"]) == ("INIT", "IMAGE_SAVE")
    assert made["swr_path"] == "swr.example.invalid/team/pytorch1_4:1"
    assert cloud.see(id)["status"] == "SNAPSHOTTING"
    cloud.file.advance(30)
    assert cloud.ok("GET", f"images/{made['id']}")["status"] == "CREATING"
    cloud.no("6797", "POST", B, without(image_id=made["id"]))  # not ready
    cloud.file.advance(30)
    assert cloud.ok("GET", f"images/{made['id']}")["status"] == "ACTIVE"
    assert cloud.see(id)["status"] == "RUNNING"
    cloud.notebook("b", image_id=made["id"])
    cloud.no("6737", "POST", f"{B}/{id}/create-image", body)
    for changes in ({"name": "Upper"}, {"name": "-x"}, {"namespace": "1x"}, {"tag": None}, {"colour": "red"}):
        cloud.no("6400", "POST", f"{B}/{id}/create-image", {**body, **changes})
    cloud.file.advance(HOUR / 1000)
    assert cloud.see(id)["status"] == "STOPPED"  # the lease went on


def test_pools(cloud: Cloud) -> None:
    dedicated = cloud.ok("GET", "authoring/clusters", type="DEDICATED")["data"]
    assert [(pool["pool_id"], pool["status"]) for pool in dedicated] == [("pool-example", "ACTIVE")]
    assert cloud.ok("GET", "authoring/clusters")["total"] == 2
    assert cloud.ok("GET", "authoring/clusters/pool-example")["flavors"]
    cloud.no("6404", "GET", "authoring/clusters/nowhere")

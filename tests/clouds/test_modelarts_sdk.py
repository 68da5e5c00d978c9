"""Huawei's own SDK driving the notebooks half of the emulator: a client that nobody here wrote (spec 7).

It signs with the wall clock, so the emulator's clock runs here, ahead of it by what a test lets pass; the skew check is
off where that is more than fifteen minutes. The SDK has no `demanager` at all. Facts about the SDK that a reader of its
answers should know are asserted at the end.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its dependencies' own, at import
    import huaweicloudsdkmodelarts.v1 as sdk
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, ConnectionException
    from huaweicloudsdkcore.http.http_config import HttpConfig
    from huaweicloudsdkcore.region.region import Region
    from huaweicloudsdkcore.sdk_request import SdkRequest
    from huaweicloudsdkcore.signer.signer import Signer

from providers.emulation import Request
from providers.modelarts.emulator import (
    ACCESS_KEY,
    OTHER_ACCESS_KEY,
    OTHER_PROJECT_ID,
    OTHER_SECRET_KEY,
    PROJECT_ID,
    SECRET_KEY,
)
from providers.modelarts.emulator.signature import canonical_request, parsed, signed
from tests.clouds.modelarts_wire import CPU_IMAGE, HOUR, PYTORCH_IMAGE, Cloud, serving, switch

# the SDK's, from Python 3.12 on
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with serving(tmp_path_factory.mktemp("modelarts")) as cloud:
        yield cloud


@pytest.fixture
def cloud(served: Cloud) -> Cloud:
    """A fresh cloud whose clock runs."""
    served.file.reset()
    return served


@pytest.fixture(scope="module")
def client(served: Cloud) -> Any:
    return client_of(served, ACCESS_KEY, SECRET_KEY, PROJECT_ID)


def client_of(cloud: Cloud, key: str, secret: str, project: str) -> Any:
    credentials = BasicCredentials(key, secret, project)
    return sdk.ModelArtsClient.new_builder().with_credentials(credentials).with_endpoint(cloud.url).build()


def create(client: Any, name: str = "nb-1", **members: Any) -> Any:
    volume = sdk.VolumeMountRequest(category="EVS", ownership="MANAGED", capacity=10)
    given = {"flavor": "modelarts.vm.cpu.2u", "image_id": CPU_IMAGE, "volume": volume, **members}
    return client.create_notebook(sdk.CreateNotebookRequest(sdk.NotebookCreateRequest(name=name, **given)))


def running(cloud: Cloud, client: Any, name: str = "nb-1", **members: Any) -> str:
    id = create(client, name, **members).id
    cloud.file.advance(27)
    return id


def show(client: Any, id: str) -> Any:
    return client.show_notebook(sdk.ShowNotebookRequest(id))


def refused(code: str, call: Any, request: Any) -> str:
    with pytest.raises(ClientRequestException) as found:
        call(request)
    assert (found.value.status_code, found.value.error_code) == (400, code)
    assert re.fullmatch("[0-9a-f]{32}", found.value.request_id)
    return found.value.error_msg


def test_a_full_life(cloud: Cloud, client: Any) -> None:
    switch(cloud, "skew", "off")
    made = create(client, description="team A", lease=sdk.LeaseReq(duration=2 * HOUR, type="TIMING"), workspace_id="0")
    assert (made.status_code, made.status, made.url) == (200, "CREATING", None)
    assert [step.status for step in made.action_progress] == ["PROCESSING", "WAITING", "WAITING", "WAITING"]
    id = made.id
    cloud.file.advance(27)
    shown = show(client, id)
    assert (shown.name, shown.description, shown.status, shown.feature) == ("nb-1", "team A", "RUNNING", "NOTEBOOK")
    assert (shown.image.id, shown.flavor, shown.workspace_id) == (CPU_IMAGE, "modelarts.vm.cpu.2u", "0")
    assert (shown.volume.category, shown.volume.ownership, shown.volume.capacity) == ("EVS", "MANAGED", 10)
    assert (shown.user.name, shown.user.domain.name) == ("dev", "example")
    assert (shown.lease.enable, shown.lease.type) == (True, "TIMING")
    assert shown.lease.duration - (shown.lease.update_at - shown.lease.create_at) == 2 * HOUR
    assert [endpoint.service for endpoint in shown.endpoints] == ["NOTEBOOK"]

    renamed = client.update_notebook(sdk.UpdateNotebookRequest(id, sdk.NotebookUpdateRequest(name="nb-2")))
    assert (renamed.name, renamed.description) == ("nb-2", "team A")
    stopping = client.stop_notebook(sdk.StopNotebookRequest(id))
    assert stopping.status == "STOPPING"
    cloud.file.advance(10)
    larger = sdk.NotebookUpdateRequest(flavor="modelarts.vm.cpu.8u", image_id=PYTORCH_IMAGE)
    changed = client.update_notebook(sdk.UpdateNotebookRequest(id, larger))
    assert (changed.flavor, changed.image.id) == ("modelarts.vm.cpu.8u", PYTORCH_IMAGE)
    starting = client.start_notebook(sdk.StartNotebookRequest(id=id, duration=HOUR, type="TIMING"))
    assert starting.status == "STARTING"
    assert starting.token != shown.token
    cloud.file.advance(20)
    assert show(client, id).status == "RUNNING"
    cloud.file.advance(3600)
    assert show(client, id).status == "STOPPING"  # the lease is over
    cloud.file.advance(10)
    deleting = client.delete_notebook(sdk.DeleteNotebookRequest(id))
    assert deleting.status == "DELETING"
    cloud.file.advance(5)
    refused("ModelArts.6404", client.show_notebook, sdk.ShowNotebookRequest(id))


def test_lists(cloud: Cloud, client: Any) -> None:
    for name in ("a", "b", "c"):
        create(client, name)
        cloud.file.advance(1)
    answer = client.list_notebooks(sdk.ListNotebooksRequest())
    assert [each.name for each in answer.data] == ["c", "b", "a"]
    assert (answer.current, answer.pages, answer.size, answer.total) == (0, 1, 10, 3)
    asked = sdk.ListNotebooksRequest(name="b", limit=20, offset=0, feature="NOTEBOOK", status="CREATING", owner=None)
    (found,) = client.list_notebooks(asked).data
    assert (found.name, found.lease.enable) == ("b", True)
    ordered = client.list_all_notebooks(sdk.ListAllNotebooksRequest(sort_key="name", sort_dir="ASC", limit=50))
    assert [each.name for each in ordered.data] == ["a", "b", "c"]
    refused("ModelArts.6400", client.list_notebooks, sdk.ListNotebooksRequest(limit=7))
    other = client_of(cloud, OTHER_ACCESS_KEY, OTHER_SECRET_KEY, OTHER_PROJECT_ID)
    assert other.list_notebooks(sdk.ListNotebooksRequest()).data == []


def test_values_that_need_encoding_are_signed_alike(cloud: Cloud, client: Any) -> None:
    """2.2.2, by a signer nobody here wrote: spaces, slashes, bars, tildes, letters beyond ASCII, empty values."""
    for value in ("a b/c+d~e", "déjà vu", "k1|v1,k2|v2", "100%", "a=b&c", "", "日本"):
        assert client.list_notebooks(sdk.ListNotebooksRequest(name=value, description=value)).total == 0
    refused("ModelArts.6404", client.show_notebook, sdk.ShowNotebookRequest("a b/c?d"))
    made = create(client, "x", description="déjà vu, 日本")
    assert show(client, made.id).description == "déjà vu, 日本"


def test_leases(cloud: Cloud, client: Any) -> None:
    id = running(cloud, client)
    lease = client.show_lease(sdk.ShowLeaseRequest(id))
    assert lease.duration - (lease.update_at - lease.create_at) == HOUR
    body = sdk.LeaseReq(duration=3 * HOUR, type="IDLE")
    renewed = client.renew_lease(sdk.RenewLeaseRequest(id=id, body=body))
    assert (renewed.type, renewed.duration - (renewed.update_at - renewed.create_at)) == ("IDLE", 3 * HOUR)
    renewed = client.renew_lease(sdk.RenewLeaseRequest(id=id, duration=2 * HOUR, body=body))
    assert (renewed.type, renewed.duration - (renewed.update_at - renewed.create_at)) == ("TIMING", 2 * HOUR)
    never = running(cloud, client, "b", duration=-1)
    assert client.show_lease(sdk.ShowLeaseRequest(never)).enable is False
    client.stop_notebook(sdk.StopNotebookRequest(id))
    refused("ModelArts.6357", client.show_lease, sdk.ShowLeaseRequest(id))


def test_tags(cloud: Cloud, client: Any) -> None:
    id = running(cloud, client)
    tags = [sdk.TmsTag(key="team", value="a"), sdk.TmsTag(key="stage", value="test")]
    added = client.create_notebook_tags(sdk.CreateNotebookTagsRequest(id, "0", sdk.CreateTmsTagsRequest(tags)))
    assert added.status_code == 204
    assert [(tag.key, tag.value) for tag in show(client, id).tags] == [("team", "a"), ("stage", "test")]
    everything = client.show_notebook_tags(sdk.ShowNotebookTagsRequest(workspace_id="0")).tags
    assert [(tag.key, tag.values) for tag in everything] == [("team", ["a"]), ("stage", ["test"])]
    (found,) = client.list_notebooks(sdk.ListNotebooksRequest(tags="team|a")).data
    assert found.id == id
    # a DELETE with a body, signed and sent by the SDK
    gone = sdk.DeleteNotebookTagsRequest(id, "0", sdk.DeleteTmsTagsRequest(tags[:1]))
    assert client.delete_notebook_tags(gone).status_code == 204
    assert [tag.key for tag in show(client, id).tags] == ["stage"]


def test_storages(cloud: Cloud, client: Any) -> None:
    id = running(cloud, client)
    body = sdk.DataVolumesReq(category="OBS", mount_path="/data/wang/", uri="obs://authoring-test/wang/")
    made = client.attach_dynamic_storage(sdk.AttachDynamicStorageRequest(id, body))
    assert (made.category, made.status, made.mount_type) == ("OBSFS", "MOUNTING", "DYNAMIC")
    cloud.file.advance(5)
    listed = client.list_dynamic_storages(sdk.ListDynamicStoragesRequest(id))
    assert [(each.id, each.status) for each in listed.data] == [(made.id, "MOUNTED")]
    assert client.show_dynamic_storage(sdk.ShowDynamicStorageRequest(id, made.id)).uri == "obs://authoring-test/wang/"
    gone = client.detach_dynamic_storage(sdk.DetachDynamicStorageRequest(id, made.id))
    assert gone.status == "UNMOUNTING"


def test_the_catalogue(cloud: Cloud, client: Any) -> None:
    flavors = client.list_flavors(sdk.ListFlavorsRequest(category="GPU", type="MANAGED", limit=50)).data
    assert {flavor.category for flavor in flavors} == {"GPU"}
    assert next(flavor for flavor in flavors if flavor.id == "modelarts.vm.gpu.v100").gpu.type == "v100"
    images = client.list_image(sdk.ListImageRequest(type="BUILD_IN", limit=50, name="pytorch", name_fuzzy_match=True))
    assert [image.id for image in images.data] == [PYTORCH_IMAGE]
    assert client.show_image(sdk.ShowImageRequest(CPU_IMAGE)).dev_services == ["NOTEBOOK", "SSH"]
    id = running(cloud, client)
    switchable = client.show_switchable_flavors(sdk.ShowSwitchableFlavorsRequest(id)).flavors
    assert "modelarts.vm.cpu.8u" in {flavor.id for flavor in switchable}
    feature = client.list_features(sdk.ListFeaturesRequest("NOTEBOOK"))
    assert (feature.enabled, feature.quota, feature.used) == (True, 10, 1)
    pools = client.list_authoring_clusters(sdk.ListAuthoringClustersRequest(type="DEDICATED")).data
    assert [pool.pool_id for pool in pools] == ["pool-example"]
    assert client.show_cluster(sdk.ShowClusterRequest("pool-example")).pool_id == "pool-example"


def test_images(cloud: Cloud, client: Any) -> None:
    id = running(cloud, client)
    body = sdk.ImageCreateReq(name="saved", namespace="team", tag="1", description="", workspace_id="0")
    saved = client.create_image(sdk.CreateImageRequest(id, body))
    assert (saved.status, saved.origin) == ("INIT", "IMAGE_SAVE")
    assert show(client, id).status == "SNAPSHOTTING"
    cloud.file.advance(60)
    assert client.show_image(sdk.ShowImageRequest(saved.id)).status == "ACTIVE"
    body = sdk.ImageRegRequest(swr_path="swr.example.invalid/team/own:1", arch="X86_64", resource_category=["CPU"])
    own = client.register_image(sdk.RegisterImageRequest(body))
    assert client.sync_image(sdk.SyncImageRequest(own.id)).status == "ACTIVE"
    groups = client.list_image_group(sdk.ListImageGroupRequest()).data
    assert [group.name for group in groups] == ["saved", "own"]
    gone = sdk.DeleteImageRequest(own.id, sdk.DeleteImageRequestBody(is_force=False))
    assert client.delete_image(gone).status == "DELETED"


def test_everything_a_create_can_ask_for(cloud: Cloud, client: Any) -> None:
    """Every member of the SDK's request is one the emulator knows."""
    hook = sdk.Config(script="/home/ma-user/work/a.sh", type="SCRIPT", mode="ASYNC")
    rule = sdk.AffinityRule(key="k", operator="In", values=["v"], weight=1)
    made = create(
        client,
        endpoints=[sdk.EndpointsReq(service="SSH", key_pair_names=["k"])],
        feature="NOTEBOOK",
        pool_id="pool-example",
        workspace_id="0",
        hooks=sdk.CustomHooks(sdk.ContainerHooks(post_start=hook, pre_start=hook)),
        affinity=sdk.AffinityType([rule], [rule]),
        run_user=sdk.RunUserRequest(uid=1000, gid=100),
        user_vpc=sdk.UserVpcRequest(vpc_id="v", subnet_id="s", security_group_ids=["g"]),
        data_volumes=[
            sdk.VolumeMountRequest(category="OBSFS", ownership="DEDICATED", uri="obs://b/d/", mount_path="/data/b/")
        ],
        public_network_config=sdk.PublicNetworkConfig("SHARED"),
        lease=sdk.LeaseReq(duration=HOUR, type="TIMING"),
        duration=HOUR,
    )
    cloud.file.advance(27)
    shown = show(client, made.id)
    assert shown.pool.id == "pool-example"
    assert (shown.run_user.uid, shown.user_vpc.vpc_id) == (1000, "v")
    assert [endpoint.dev_service for endpoint in shown.endpoints] == ["NOTEBOOK", "SSH"]
    assert shown.data_volumes[0].url == "obs://b/d/"
    spec = sdk.NotebookCustomSpec(cpu=0.5, memory=1024, arch="X86_64", category="CPU")
    measured = create(client, "b", flavor=None, custom_spec=spec, pool_id="pool-example")
    assert (measured.flavor, float(measured.custom_spec.cpu)) == ("custom.flavor.spec.code", 0.5)


def test_every_member_of_an_answer_is_one_the_sdk_knows(cloud: Cloud, client: Any) -> None:
    """What the SDK's models lack is what the pages' samples have and its tables lack (6.2)."""
    id = running(
        cloud, client, endpoints=[sdk.EndpointsReq(service="SSH", key_pair_names=["k"])], pool_id="pool-example"
    )
    seen = json.loads(show(client, id).raw_content)
    assert set(seen) - set(sdk.ShowNotebookResponse.attribute_map.values()) == {"create_at", "update_at"}
    parts = {"lease": sdk.Lease, "image": sdk.Image, "volume": sdk.VolumeRes, "pool": sdk.Pool}
    for name, model in parts.items():
        assert set(seen[name]) <= set(model.attribute_map.values()), name
    assert set(seen["endpoints"][1]) - set(sdk.EndpointsRes.attribute_map.values()) == {"allowed_access_ips"}
    flavors = json.loads(client.list_flavors(sdk.ListFlavorsRequest()).raw_content)["data"]
    for flavor in flavors:
        assert set(flavor) <= set(sdk.NotebookFlavor.attribute_map.values())
    images = json.loads(client.list_image(sdk.ListImageRequest()).raw_content)["data"]
    assert set(images[0]) <= set(sdk.ImageResponse.attribute_map.values())


VALUES = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), max_size=8)
NAMES = VALUES.filter(bool)
HEADERS = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,8}", fullmatch=True)


@settings(max_examples=1000)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    path=st.lists(NAMES, max_size=4),
    query=st.one_of(
        st.lists(st.tuples(NAMES, VALUES), max_size=4),  # the SDK cannot sort one name's values of several types
        st.lists(st.tuples(NAMES, st.integers() | st.booleans()), max_size=4, unique_by=lambda each: each[0]),
    ),
    headers=st.dictionaries(HEADERS.map(str.title), VALUES, max_size=3),
    kind=st.sampled_from(["application/json", "application/json;charset=UTF-8", "text/plain", None]),
    body=st.text(max_size=20),
)
def test_the_sdks_signatures_are_the_emulators(
    method: str, path: list[str], query: list[tuple[str, Any]], headers: dict[str, str], kind: str | None, body: str
) -> None:
    """2.2 by the SDK's signer on one side, by the emulator's reading of the wire on the other."""
    given_headers = {name: value for name, value in headers.items() if name.lower() not in ("host", "x-sdk-date")}
    asked = SdkRequest(
        method=method,
        schema="https",
        host="modelarts.example.invalid",
        resource_path="/" + "/".join(quote(part, safe="") for part in path),
        query_params=list(query),
        header_params={**given_headers, **({"Content-Type": kind} if kind else {})},
        body=body,
    )
    signed_request = Signer(BasicCredentials(ACCESS_KEY, SECRET_KEY)).sign(asked)
    # the header values the SDK leaves behind are bytes of UTF-8 read as latin-1, which is how a server reads them
    wire = {name.lower(): value for name, value in signed_request.header_params.items()}
    request = Request(method, signed_request.uri, wire, body.encode("utf-8", "surrogatepass"))
    found = parsed(wire["authorization"])
    assert found is not None
    assert signed(SECRET_KEY, wire["x-sdk-date"], canonical_request(request, found.signed_headers)) == found.value


# Projects, keys and errors as the SDK meets them


def test_the_project_is_looked_up_by_the_region(cloud: Cloud) -> None:
    """1.2: no project given: a signed look-up at IAM, which must find exactly one."""
    credentials = BasicCredentials(ACCESS_KEY, SECRET_KEY).with_iam_endpoint(cloud.url)
    builder = sdk.ModelArtsClient.new_builder().with_credentials(credentials)
    client = builder.with_region(Region("cn-north-4", cloud.url)).build()
    assert create(client).status == "CREATING"
    assert [line["operation"] for line in cloud.file.log()] == ["iam/list-projects", "notebooks/create"]
    BasicCredentials._CACHE.clear()


def test_keys_it_may_not_use(cloud: Cloud) -> None:
    wrong = client_of(cloud, ACCESS_KEY, "wrong", PROJECT_ID)
    with pytest.raises(ClientRequestException) as found:
        wrong.list_notebooks(sdk.ListNotebooksRequest())
    assert (found.value.status_code, found.value.error_code) == (401, "APIGW.0301")
    assert "content-type;host;user-agent;x-project-id;x-sdk-date" in found.value.error_msg  # what it signs (2.2.4)
    foreign = client_of(cloud, ACCESS_KEY, SECRET_KEY, OTHER_PROJECT_ID)
    with pytest.raises(ClientRequestException) as found:
        foreign.list_notebooks(sdk.ListNotebooksRequest())
    assert (found.value.status_code, found.value.error_code) == (403, "ModelArts.0210")


def test_throttling_hides_its_code_unless_it_is_a_post(cloud: Cloud, client: Any) -> None:
    """With no retries asked for, the SDK's urllib3 still "retries" a 429 zero times and reports only that."""
    cloud.file.add_fault("modelarts", "throttle", times=2, retry_after=0)
    with pytest.raises(ClientRequestException) as found:
        client.list_notebooks(sdk.ListNotebooksRequest())
    assert (found.value.status_code, found.value.error_code, found.value.request_id) == (429, "429", "")
    with pytest.raises(ClientRequestException) as found:
        create(client)
    assert (found.value.status_code, found.value.error_code) == (429, "APIGW.0308")


def test_it_retries_what_it_is_told_to(cloud: Cloud) -> None:
    config = HttpConfig(retry_times=3)
    builder = sdk.ModelArtsClient.new_builder().with_http_config(config)
    credentials = BasicCredentials(ACCESS_KEY, SECRET_KEY, PROJECT_ID)
    client = builder.with_credentials(credentials).with_endpoint(cloud.url).build()
    cloud.file.add_fault("modelarts", "throttle", times=3, retry_after=0)
    assert client.list_notebooks(sdk.ListNotebooksRequest()).total == 0
    assert [line["status"] for line in cloud.file.log()] == [429, 429, 429, 200]


def test_a_lost_answer(cloud: Cloud, client: Any) -> None:
    cloud.file.add_fault("modelarts", "drop-after", "notebooks/create")
    with pytest.raises(ConnectionException):
        create(client)
    (found,) = client.list_notebooks(sdk.ListNotebooksRequest(name="nb-1")).data
    assert found.name == "nb-1"


def test_what_importing_it_costs() -> None:
    """It brings pymongo (for bson): a reason to keep it in the test group. No demanager in it (spec 7)."""
    code = textwrap.dedent(
        """
        import sys
        import huaweicloudsdkmodelarts.v1 as sdk
        assert "bson" in sys.modules and "requests" in sys.modules
        assert not any("demanager" in name.lower() for name in dir(sdk.ModelArtsClient))
        """
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)

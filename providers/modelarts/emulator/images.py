"""Images: the catalogue, registered ones, and a running notebook saved as one (spec 6.9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from providers.emulation import Call, CloudObject, Stage, Turn
from providers.modelarts.emulator import gateway
from providers.modelarts.emulator.answers import Answer, missing, refused
from providers.modelarts.emulator.catalogue import BOTH, IMAGES, check_workspace, image_body, image_of
from providers.modelarts.emulator.fields import Body, Field, Kind
from providers.modelarts.emulator.iam import Caller
from providers.modelarts.emulator.notebook_rules import WORKSPACE, read
from providers.modelarts.emulator.notebook_views import page, whole
from providers.modelarts.emulator.notebooks import new_uuid, own, wrong_state

TYPE: Final = "image"
SAVING_SECONDS: Final = 60.0  # [E]
LIST_LIMIT: Final = 200
REGISTRY: Final = "swr.example.invalid"

NAME: Final = Field("name", required=True, pattern=r"[a-z0-9]([a-z0-9._-]{0,126}[a-z0-9])?")
DESCRIPTION: Final = Field("description", longest=512)
WORKSPACE_ID: Final = Field("workspace_id", pattern=WORKSPACE)
SAVE: Final = (
    NAME,
    Field("namespace", required=True, pattern=r"[a-z][A-Za-z0-9._-]{0,63}"),
    Field("tag", required=True, pattern=r"[A-Za-z0-9._-]{1,64}"),
    DESCRIPTION,
    WORKSPACE_ID,
    Field("swr_instance_id"),
    Field("swr_instance_domain"),
)
SERVICE_TYPES: Final = ("COMMON", "INFERENCE", "TRAIN", "DEV", "UNKNOWN")
# The SDK's ImageRegRequest; the path is [registry[:port]]/[organisation]/[image]:[tag].
REGISTER: Final = (
    Field("swr_path", required=True, longest=2048, pattern=r"[^/\s]+/[^/\s]+/[^\s:]+:[A-Za-z0-9._-]+"),
    Field("arch", choices=("X86_64", "AARCH64"), any_case=True),
    DESCRIPTION,
    Field("origin", choices=("CUSTOMIZE", "IMAGE_SAVE"), any_case=True),
    Field("resource_category", Kind.ARRAY, item=Field("", choices=("CPU", "GPU", "ASCEND"), any_case=True)),
    Field("service_type", choices=SERVICE_TYPES, any_case=True),
    Field("services", Kind.ARRAY, item=Field("", choices=BOTH, any_case=True)),
    Field("visibility", choices=("PRIVATE", "PUBLIC"), any_case=True),
    WORKSPACE_ID,
    Field("flavor_type"),
    Field("tags", Kind.ARRAY, longest=20, item=Field("")),
    Field("swr_instance_id"),
    Field("read_me", longest=3000),
)


def list_all(call: Call, caller: Caller) -> Answer:
    """BUILD_IN unless asked otherwise; names are matched in part unless asked otherwise."""
    asked = gateway.query(call, LIST_PARAMETERS, "6400")
    found = _matching(call, asked, asked.get("type", "BUILD_IN"))
    key = asked.get("sort_key", "create_at")
    if key not in SORT_KEYS:
        raise refused("6303", f"Sorting by {key} is not supported")
    found.sort(key=lambda image: image[key], reverse=asked.get("sort_dir", "DESC") == "DESC")
    return page(found, asked, int(asked.get("limit", "0")) or LIST_LIMIT)


def list_groups(call: Call, caller: Caller) -> Answer:
    """The project's own images by organisation and name."""
    asked = gateway.query(call, GROUP_PARAMETERS, "6400")
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for image in _matching(call, asked, asked.get("type", "DEDICATED")):
        groups.setdefault((image["namespace"], image["name"]), []).append(image)
    shown = [
        {
            "name": name,
            "namespace": namespace,
            "version_count": len(versions),
            "create_at": min(image["create_at"] for image in versions),
            "update_at": max(image["update_at"] for image in versions),
        }
        for (namespace, name), versions in groups.items()
    ]
    return whole(shown, asked)


def register(call: Call, caller: Caller) -> Answer:
    """A custom image by its address; 6737 when it is registered already."""
    body = read(call, REGISTER, gateway.body(call, "6400"))
    check_workspace(call, body.get("workspace_id", "0"))
    place, _, tag = body["swr_path"].rpartition(":")
    _, namespace, name = place.split("/", 2)
    _unused(call, body["swr_path"])
    recorded = {
        "name": name,
        "namespace": namespace,
        "tag": tag,
        "swr_path": body["swr_path"],
        "arch": body.get("arch", "X86_64").lower(),
        "description": body.get("description", ""),
        "dev_services": body.get("services") or list(BOTH),
        "resource_categories": body.get("resource_category") or ["CPU", "GPU"],
        "service_type": body.get("service_type", "UNKNOWN"),
        "visibility": body.get("visibility", "PRIVATE"),
        "origin": body.get("origin", "CUSTOMIZE"),
        "workspace_id": body.get("workspace_id", "0"),
    }
    return image_body(_added(call, recorded, status="ACTIVE"))


def get(call: Call, caller: Caller, id: str) -> Answer:
    """Anybody's built-in or public one, the project's own."""
    own_one = call.objects.get(TYPE, id, owner=call.owner, look=True)
    image = image_body(own_one) if own_one is not None else image_of(call, id)
    if image is None:
        raise missing(call, "6797", "image", id)
    return image


def delete(call: Call, caller: Caller, id: str) -> Answer:
    """DELETED, and gone; a built-in one cannot be [E]."""
    if id in IMAGES:
        raise refused("0108")
    found = _own(call, id)
    call.objects.remove(found)
    return {**image_body(found), "status": "DELETED"}


def sync(call: Call, caller: Caller, id: str) -> Answer:
    """Looks whether the image is still in the registry; here it is."""
    return image_body(_own(call, id))


def save(call: Call, caller: Caller, id: str) -> Answer:
    """A running notebook is SNAPSHOTTING while its image goes from INIT by CREATING to ACTIVE (spec 6.3)."""
    found = own(call, id)
    body = read(call, SAVE, gateway.body(call, "6400"))
    check_workspace(call, body.get("workspace_id", "0"))
    if found.status != "RUNNING":
        raise wrong_state(found)
    path = f"{REGISTRY}/{body['namespace']}/{body['name']}:{body['tag']}"
    _unused(call, path)
    base = image_of(call, found.body["image"]["id"]) or {}
    recorded = {
        **{name: body[name] for name in ("name", "namespace", "tag")},
        "swr_path": path,
        "arch": base.get("arch", "x86_64"),
        "description": body.get("description", ""),
        "dev_services": base.get("dev_services", list(BOTH)),
        "resource_categories": base.get("resource_categories", ["CPU"]),
        "service_type": base.get("service_type", "UNKNOWN"),
        "visibility": "PRIVATE",
        "origin": "IMAGE_SAVE",
        "workspace_id": body.get("workspace_id", "0"),
    }
    stages = (Stage("CREATING", 1), Stage("ACTIVE", SAVING_SECONDS - 1))
    course = call.course(*stages, pace=call.switch("image-save"), failed="CREATE_FAILED")
    ready = replace(course[-1], status="RUNNING", changes={})
    call.objects.save(found, status="SNAPSHOTTING", course=(ready, *found.course))
    return image_body(_added(call, recorded, status="INIT", course=course))


def _matching(call: Call, asked: gateway.Query, type: str) -> list[Mapping[str, Any]]:
    workspace = asked.get("workspace_id", "0")
    check_workspace(call, workspace)
    stored = [image_body(each) for each in call.objects.all(TYPE, owner=call.owner, look=True)]
    name, fuzzy = asked.get("name", ""), asked.get("name_fuzzy_match", "true") == "true"
    return [
        image
        for image in (IMAGES.values() if type == "BUILD_IN" else stored)
        if image["workspace_id"] == workspace
        and (name in image["name"] if fuzzy else name in ("", image["name"]))
        and asked.get("namespace") in (None, image["namespace"])
        and asked.get("service_type") in (None, image["service_type"])
    ]


def _unused(call: Call, path: str) -> None:
    if any(each.body["swr_path"] == path for each in call.objects.all(TYPE, owner=call.owner)):
        raise refused("6737", f"The image {path} is registered")


def _added(call: Call, recorded: Body, *, status: str, course: tuple[Turn, ...] = ()) -> CloudObject:
    added = call.objects.add(
        TYPE,
        new_uuid(call),
        owner=call.owner,
        name=recorded["name"],
        status=status,
        course=course,
        body={**recorded, "type": "DEDICATED", "size": 3_376_133},
    )
    call.object = added.id
    return added


def _own(call: Call, id: str) -> CloudObject:
    found = call.objects.get(TYPE, id, owner=call.owner)
    if found is None:
        raise missing(call, "6797", "image", id)
    return found


SORT_KEYS: Final = ("create_at", "update_at", "name", "id", "status", "tag", "namespace")
_FILTERS: Final[Mapping[str, str]] = {
    "name": ".*",
    "name_fuzzy_match": "true|false",
    "namespace": ".*",
    "type": "BUILD_IN|DEDICATED",
    "workspace_id": ".*",
    "limit": "[0-9]{1,9}",
    "offset": "[0-9]{1,9}",
}
GROUP_PARAMETERS: Final[Mapping[str, str]] = {**_FILTERS, "swr_instance_id": ".*"}
LIST_PARAMETERS: Final[Mapping[str, str]] = {
    **_FILTERS,
    "service_type": "|".join(SERVICE_TYPES),
    "sort_dir": "ASC|DESC",
    "sort_key": ".*",
    "show_name": ".*",
    "show_tag": ".*",
}

OPERATIONS: Final[Mapping[str, Callable[..., Answer]]] = {
    "images/list": list_all,
    "images/list-groups": list_groups,
    "images/register": register,
    "images/get": get,
    "images/delete": delete,
    "images/sync": sync,
    "notebooks/create-image": save,
}

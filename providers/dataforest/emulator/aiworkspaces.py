"""AI workspaces (spec 5 and 6): eight operations, no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.dataforest.emulator.accounts import availability
from providers.dataforest.emulator.aiapps import running_apps
from providers.dataforest.emulator.answers import QUOTA_TEXT, date, invalid, invalid_text, refused, taken
from providers.dataforest.emulator.fields import (
    ACCOUNT_ID,
    CONFIGURATION,
    ID,
    Body,
    Field,
    Operation,
    search,
)
from providers.dataforest.emulator.ownership import UNSEEN, new_id, own, own_account, running_account
from providers.emulation import Call, CloudObject, Stage

VISIBLE_SECONDS: Final = 5.0  # [E]
NAME_PATTERN: Final = r"^(?=.{1,15}$)[a-z][a-z0-9]*(?:-[a-z0-9]+)*$"  # the page's rule as a regex (spec 5.3)
NAME: Final = Field("name", required=True, longest=15, pattern=NAME_PATTERN)

# Spec 5.2: one image is documented, the second is invented [E].
IMAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "tensorflow": ("tensorflow:r2.3.1-py3",),
    "pytorch": ("pytorch:r1.7.0-py3",),
}

# Spec 6.3; gpuCount has no documented default.
RESOURCE_DEFAULTS: Final[Mapping[str, Any]] = {"cpuCount": 1, "gpuModel": "V100", "memoryMb": 15360}


def check_name(call: Call, body: Body) -> Mapping[str, Any]:
    """A name is unique within its account (spec 5.1)."""
    account = own_account(call, body["accountId"])
    return availability(body["name"], NAME_PATTERN, _named(call, account, body["name"]))


def get_images(call: Call, body: Body) -> Mapping[str, Any]:
    """The catalogue of one framework (spec 5.2)."""
    wanted = body["search"]["typeName"]
    return {"dockerImages": {wanted: list(IMAGES[wanted])}}


def create(call: Call, body: Body) -> Mapping[str, Any]:
    """Done when it answers: a workspace has no status (spec 5.3)."""
    name, configuration = body["name"], body["configuration"]
    _judge(call, configuration)
    account = own_account(call, body["accountId"])
    if _named(call, account, name):
        text = invalid_text("name", name, taken(name))
        raise refused(int(call.switch("duplicate-workspace")), text)
    most = call.switch("workspaces-per-account")
    if most != "none" and len(call.objects.all("aiworkspace", parent=account.id)) >= int(most):
        raise refused(400, QUOTA_TEXT)
    running_account(call, account)
    id = new_id(call, "aiworkspace")
    pace = call.switch("workspace-visible")
    course = () if pace == "instant" else call.course(Stage("", VISIBLE_SECONDS), pace=pace)
    call.objects.add(
        "aiworkspace",
        id,
        owner=call.owner,
        name=name,
        parent=account.id,
        status=UNSEEN if course else "",
        course=course,
        body={"description": body.get("description"), "configuration": configuration},
    )
    return {"id": id}


def get_list(call: Call, body: Body) -> Mapping[str, Any]:
    """One account's workspaces in order of creation, without their configurations (spec 5.4)."""
    account = own_account(call, body["search"]["accountId"])
    contents = [
        {**_summary(call, found, account), "disabled": bool(found.body.get("disabled"))}
        for found in call.objects.all("aiworkspace", parent=account.id, look=True)
        if found.status != UNSEEN
    ]
    return {"total": len(contents), "contents": contents}


def get_detail(call: Call, body: Body) -> Mapping[str, Any]:
    """Everything; `contents` an array of one by default, an object by the switch (spec 5.5)."""
    found = own(call, "aiworkspace", body["id"], look=True)
    account = call.objects.get("account", found.parent)
    entry = _entry(call, found)
    contents = entry if call.switch("contents") == "object" else [entry]
    return {"accountId": found.parent, **_summary(call, found, account), "contents": contents}


def get_configurations(call: Call, body: Body) -> Mapping[str, Any]:
    """One entry, the present one [E] (spec 5.6)."""
    found = own(call, "aiworkspace", body["id"], look=True)
    return {"total": 1, "contents": [_entry(call, found)]}


def set_configuration(call: Call, body: Body) -> Mapping[str, Any]:
    """The only update: replaces the whole, or merges by the switch [E] (spec 5.7)."""
    _judge(call, body["configuration"])
    found = own(call, "aiworkspace", body["id"])
    configuration = body["configuration"]
    if call.switch("set-configuration") == "merge":
        configuration = _merged(found.body["configuration"], configuration)
    call.objects.save(found, body={**found.body, "configuration": configuration})
    return {"id": found.id}


def delete(call: Call, body: Body) -> Mapping[str, Any]:
    """At once; a second time it is unknown (spec 5.8)."""
    found = own(call, "aiworkspace", body["id"])
    if call.switch("delete-with-running-apps") == "refuse" and running_apps(call, found):
        raise refused(400, f"AI workspace ('{found.id}') has running AI apps")  # [E]
    call.objects.remove(found)
    return {"id": found.id}


def _named(call: Call, account: CloudObject, name: str) -> bool:
    return bool(call.objects.all("aiworkspace", parent=account.id, name=name))


def _judge(call: Call, configuration: Body) -> None:
    """Rules of a configuration that switches turn on: `workdir` (spec 6.2), the catalogue (spec 5.2)."""
    docker = configuration["docker"]
    if "workdir" in docker and call.switch("workdir") == "refuse":
        raise invalid("configuration.docker.workdir", docker["workdir"], "is no longer supported")  # [E]
    if call.switch("workdir") == "drop":
        docker.pop("workdir", None)
    listed = {image for images in IMAGES.values() for image in images}
    if call.switch("image-must-be-listed") == "yes" and docker["image"].removeprefix("dataforest/") not in listed:
        raise invalid("configuration.docker.image", docker["image"], "no such image")  # [E]


def _summary(call: Call, found: CloudObject, account: CloudObject | None) -> dict[str, Any]:
    members = {
        "id": found.id,
        "name": found.name,
        "accountName": account.name if account else "",
        "description": found.body.get("description"),
        "imageVersion": found.body["configuration"]["docker"]["image"],
        "createdAt": date(call, found.created),
        "modifiedAt": date(call, found.modified),
    }
    return {name: value for name, value in members.items() if value is not None}


def _entry(call: Call, found: CloudObject) -> dict[str, Any]:
    """AiWorkspaceConfig: the configuration as it was sent, defaults filled in only if the switch says so."""
    configuration = found.body["configuration"]
    if call.switch("resource-defaults") == "echo":
        configuration = {**configuration, "resource": {**RESOURCE_DEFAULTS, **configuration.get("resource", {})}}
    return {
        "configuration": configuration,
        "createdAt": date(call, found.created),
        "modifiedAt": date(call, found.modified),
    }


def _merged(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{name: _merged(old.get(name), value) for name, value in new.items()}}
    return new


OPERATIONS: Final[Mapping[str, Operation]] = {
    "aiworkspaces/checkAvailableName": Operation((ACCOUNT_ID, Field("name", required=True, longest=15)), check_name),
    "aiworkspaces/getDockerImageList": Operation(
        (search(Field("typeName", required=True, choices=tuple(IMAGES))),), get_images
    ),
    "aiworkspaces/create": Operation((ACCOUNT_ID, NAME, Field("description", longest=255), CONFIGURATION), create),
    "aiworkspaces/getList": Operation((search(ACCOUNT_ID),), get_list),
    "aiworkspaces/getDetail": Operation((ID,), get_detail),
    "aiworkspaces/getConfigurationList": Operation((ID,), get_configurations),
    "aiworkspaces/setConfiguration": Operation((ID, CONFIGURATION), set_configuration),
    "aiworkspaces/delete": Operation((ID,), delete),
}

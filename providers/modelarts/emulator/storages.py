"""Extra storage of a running notebook: mount, look, unmount (spec 6.7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from providers.emulation import Call, CloudObject, Stage
from providers.modelarts.emulator import gateway
from providers.modelarts.emulator.answers import Answer, missing
from providers.modelarts.emulator.iam import Caller
from providers.modelarts.emulator.notebook_rules import MOUNT, invalid, judge_mount, read
from providers.modelarts.emulator.notebook_views import whole
from providers.modelarts.emulator.notebooks import new_uuid, own, wrong_state

TYPE: Final = "storage"
SECONDS: Final = 5.0  # [E], either way
UNMOUNTABLE: Final = ("MOUNTED", "MOUNT_FAILED", "UNMOUNT_FAILED")


def mount(call: Call, caller: Caller, id: str) -> Answer:
    """MOUNTING; what was sent as OBS comes back as OBSFS."""
    found = own(call, id)
    body = read(call, MOUNT, gateway.body(call, "6400"))
    judge_mount(call, body)
    if found.status != "RUNNING":
        raise wrong_state(found)
    there = call.objects.all(TYPE, owner=call.owner, parent=found.id)
    if any(each.body["mount_path"] == body["mount_path"] and each.status != "UNMOUNTED" for each in there):
        raise invalid(f"{body['mount_path']} is in use")  # [E]
    category = "OBSFS" if body["category"] == "OBS" else body["category"]
    course = call.course(Stage("MOUNTED", SECONDS), pace=call.switch("storage-mount"), failed="MOUNT_FAILED")
    added = call.objects.add(
        TYPE,
        new_uuid(call),
        owner=call.owner,
        name=body["mount_path"],
        parent=found.id,
        status="MOUNTING",
        course=course,
        body={**body, "category": category, "mount_type": "DYNAMIC"},
    )
    call.object = added.id
    return _shown(added)


def list_all(call: Call, caller: Caller, id: str) -> Answer:
    """Of one notebook."""
    found = call.objects.all(TYPE, owner=call.owner, parent=own(call, id).id, look=True)
    return whole([_shown(each) for each in found], {})


def get(call: Call, caller: Caller, id: str, storage: str) -> Answer:
    """One of them."""
    return _shown(_storage(call, id, storage, look=True))


def unmount(call: Call, caller: Caller, id: str, storage: str) -> Answer:
    """UNMOUNTING, then gone [E]: a list that shows what was unmounted would only grow."""
    found = _storage(call, id, storage)
    if found.status not in UNMOUNTABLE:
        raise wrong_state(found)
    course = call.course(Stage(None, SECONDS), pace=call.switch("storage-mount"), failed="UNMOUNT_FAILED")
    return _shown(call.objects.save(found, status="UNMOUNTING", course=course))


def _storage(call: Call, id: str, storage: str, *, look: bool = False) -> CloudObject:
    notebook = own(call, id)
    found = call.objects.get(TYPE, storage, owner=call.owner, look=look)
    if found is None or found.parent != notebook.id:
        raise missing(call, "6404", "storage", storage)
    return found


def _shown(found: CloudObject) -> dict[str, Any]:
    failed = {"failure_reason": "the storage cannot be reached"} if found.status == "MOUNT_FAILED" else {}
    return {"id": found.id, **found.body, "status": found.status, **failed}


OPERATIONS: Final[Mapping[str, Callable[..., Answer]]] = {
    "notebooks/list-storages": list_all,
    "notebooks/mount-storage": mount,
    "notebooks/get-storage": get,
    "notebooks/unmount-storage": unmount,
}

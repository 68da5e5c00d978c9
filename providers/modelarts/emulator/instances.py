"""API A, `demanager/instances`: seven operations and the life of an instance (spec 5).

What a body may hold is `instance_rules`' business, what an answer shows `instance_views`'. Here: which status allows
what, and which course it takes. Durations marked [E] are the emulator's own; a minute to create is the samples'.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from providers.emulation import Call, CloudObject, Stage, Turn
from providers.modelarts.emulator import gateway
from providers.modelarts.emulator.answers import Answer, missing, refused
from providers.modelarts.emulator.catalogue import (
    QUEUE_SECONDS,
    check_bucket,
    check_workspace,
    flavor_named,
    sold_out,
)
from providers.modelarts.emulator.fields import Body
from providers.modelarts.emulator.iam import Caller
from providers.modelarts.emulator.instance_rules import (
    ACCESS_MODES,
    ACTION,
    CREATE,
    UPDATE,
    VOLUME_SIZES,
    judge_auto_stop,
    judge_create,
    judge_texts,
    read,
)
from providers.modelarts.emulator.instance_views import WORK_PATH, instance

TYPE: Final = "devenvinstance"
CREATION_SECONDS: Final = 59.0  # spec 5.4
START_SECONDS: Final = 30.0  # [E]
RESTART_SECONDS: Final = 30.0  # [E]
STOP_SECONDS: Final = 15.0  # [E]

STATUSES: Final = (
    "CREATE_QUEUING", "CREATING", "CREATE_FAILED", "START_QUEUING", "READY_TO_START", "STARTING", "RESTARTING",
    "STOPPING", "RESIZING", "START_FAILED", "RESIZE_FAILED", "RUNNING", "STOPPED", "UNAVAILABLE", "DELETED",
)  # fmt: skip
EVENTS: Final = ("start", "stop", "restart", "queue", "dequeue", "delete", "update")


def _refusals(**codes: str) -> Mapping[str, str]:
    """Event → code; `rest` for the events that are not named, "" for allowed."""
    rest = codes.pop("rest", "")
    return {event: codes.get(event, rest) for event in EVENTS}


# Spec 5.8, status → event → code of the refusal. Stated there: the refusals of CREATING, STARTING, RESTARTING,
# STOPPING, RUNNING and STOPPED; the others follow from what their codes mean [I].
_CAN_START: Final = {"stop": "6327", "restart": "6327", "dequeue": "6357"}
REFUSALS: Final[Mapping[str, Mapping[str, str]]] = {
    "CREATING": _refusals(rest="6357"),
    "RESIZING": _refusals(rest="6357"),
    "STARTING": _refusals(rest="6306"),
    "RESTARTING": _refusals(rest="6306"),
    "STOPPING": _refusals(rest="6308", update="6347"),
    "RUNNING": _refusals(start="6305", queue="6305", dequeue="6357", delete="6304"),
    "STOPPED": _refusals(stop="6307", restart="6327", dequeue="6357"),
    "CREATE_QUEUING": _refusals(start="6357", queue="6357", stop="6327", restart="6327"),
    "START_QUEUING": _refusals(start="6357", queue="6357", stop="6327", restart="6327"),
    "READY_TO_START": _refusals(**_CAN_START, queue="6357"),
    "CREATE_FAILED": _refusals(**_CAN_START, start="6357", queue="6357"),
    "START_FAILED": _refusals(**_CAN_START),
    "RESIZE_FAILED": _refusals(**_CAN_START),
    "UNAVAILABLE": _refusals(**_CAN_START),
}
_FAULTY: Final = ("START_FAILED", "RESIZE_FAILED", "UNAVAILABLE")


def create(call: Call, caller: Caller) -> Answer:
    """Spec 5.1, in the order of 5.10; CREATING, or CREATE_QUEUING for a free flavor that is sold out (5.8)."""
    body = read(call, CREATE, gateway.body(call, "6400"))
    judge_create(call, body)
    workspace = {"id": body.get("workspace", {}).get("id", "0")}
    named = call.objects.all(TYPE, owner=call.owner, name=body["name"])
    if call.switch("name-scope") == "workspace":
        named = [each for each in named if each.body["workspace"] == workspace]
    if named:
        raise refused("6301", f"An instance named {body['name']} exists")
    quota = int(call.switch("demanager-quota"))
    if call.objects.at_least(quota, TYPE, owner=call.owner):
        raise refused("6302", f"There may be no more than {quota} instances")
    spec = _recorded_spec(body["spec"])
    queued = sold_out(call, body["flavor"])
    pool = body.get("pool", {})
    added = call.objects.add(
        TYPE,
        _new_id(call),
        owner=call.owner,
        name=body["name"],
        status="CREATE_QUEUING" if queued else "CREATING",
        course=_creation(call, spec, queued=queued),
        body={
            "description": body.get("description", ""),
            "profile_id": body["profile_id"],
            "flavor": body["flavor"],
            "spec": spec,
            "workspace": workspace,
            "pool": pool and {"type": "USER_DEFINED", "owner": {"project_id": call.owner}, "name": pool["id"], **pool},
            "ai_project": {"id": body.get("ai_project", {}).get("id", "default-ai-project")},
            "user": caller.user.name,
        },
    )
    call.object = added.id
    return instance(call, added)


def list_all(call: Call, caller: Caller) -> Answer:
    """Spec 5.5: `total_count` counts what matches before paging."""
    asked = gateway.query(call, LIST_PARAMETERS, "6336")
    if "de_type" not in asked:
        raise refused("6335", "The query parameter de_type is missing")
    sort_by = asked.get("sortby", "name")
    if sort_by not in ("name", "creation_timestamp"):
        raise refused("6303", f"Sorting by {sort_by} is not supported")
    workspace = asked.get("workspace_id", "0")
    check_workspace(call, workspace)
    found = [
        each
        for each in call.objects.all(TYPE, owner=call.owner, look=True)
        if each.body["workspace"]["id"] == workspace
        and asked.get("status") in (None, each.status)
        and (asked.get("show_self", "true") == "false" or each.body["user"] == caller.user.name)
        and asked.get("ai_project") in (None, each.body["ai_project"]["id"])
        and asked.get("pool_id") in (None, each.body["pool"].get("id"))
    ]
    found.sort(
        key=lambda each: each.name if sort_by == "name" else (each.created, each.seq),
        reverse=asked.get("order") == "desc",
    )
    first, limit = int(asked.get("offset", "0")), int(asked.get("limit", "0")) or len(found)
    page = [instance(call, each, in_list=True) for each in found[first : first + limit]]
    return {"total_count": len(found), "instances": page}


def get(call: Call, caller: Caller, id: str) -> Answer:
    """Spec 5.6; anybody's in the project [E]."""
    return instance(call, _own(call, id, look=True))


def update(call: Call, caller: Caller, id: str) -> Answer:
    """Spec 5.6: description and auto_stop, member by member (10.11); a new duration counts from the next start."""
    found = _own(call, id)
    body = read(call, UPDATE, gateway.body(call, "6400"))
    judge_texts(body)
    auto_stop = {**found.body["spec"]["auto_stop"], **body.get("spec", {}).get("auto_stop", {})}
    judge_auto_stop(auto_stop)
    _allow(call, found, "update")
    if not body and call.switch("empty-update") == "keep":
        return instance(call, found)
    spec = {**found.body["spec"], "auto_stop": auto_stop}
    changed = {**found.body, "spec": spec, "description": body.get("description", found.body["description"])}
    course = _with_auto_stop(call, found, auto_stop)
    return instance(call, call.objects.save(found, body=changed, course=course))


def delete(call: Call, caller: Caller, id: str) -> Answer:
    """Spec 5.6: gone at once, there is no status for it."""
    found = _own(call, id)
    if found.status != "RUNNING" or call.switch("demanager-delete-running") == "refuse":
        _allow(call, found, "delete")
    call.objects.remove(found)
    return {"instance_id": found.id}


def token(call: Call, caller: Caller, id: str) -> Answer:
    """Spec 5.6: for the URL, so of a running instance only [E]."""
    found = _own(call, id, look=True)
    if found.status != "RUNNING":
        raise refused("6327")
    return {"token": hashlib.sha256(f"{found.id}:{found.created}".encode()).hexdigest()[:32]}


def action(call: Call, caller: Caller, id: str) -> Answer:
    """Spec 5.7: the answer is a pair of states, no instance."""
    found = _own(call, id)
    event = read(call, ACTION, gateway.body(call, "6400"))["action"]
    if event not in _ACTIONS:
        raise refused("6336", f"The action must be one of {', '.join(_ACTIONS)}")
    if event in ("queue", "dequeue") and not flavor_named(call, found.body["flavor"]).free:
        raise refused("6336", f"{event} is for free flavors only")
    _allow(call, found, event)
    if event in ("start", "queue") and found.status in _FAULTY and call.switch("start-from-failed") == "refuse":
        raise refused("6357")
    changed = _ACTIONS[event](call, found)
    return {"current_status": changed.status, "previous_state": found.status}


# Actions


def _start(call: Call, found: CloudObject) -> CloudObject:
    """STARTING; START_QUEUING where a free flavor is sold out, unless its slot was granted already (spec 5.8)."""
    storage = found.body["spec"]["storage"]
    if storage["type"] == "obs":
        check_bucket(call, storage["location"]["path"])
    if sold_out(call, found.body["flavor"]) and found.status != "READY_TO_START":
        if not flavor_named(call, found.body["flavor"]).free:
            raise refused("6329")
        return _queue(call, found)
    auto_stop = found.body["spec"]["auto_stop"]
    course = _to_running(call, auto_stop, START_SECONDS, pace="demanager-start", failed="START_FAILED")
    return call.objects.save(found, status="STARTING", course=course, body=_without_failure(found))


def _stop(call: Call, found: CloudObject) -> CloudObject:
    pace = call.switch("demanager-stop")
    course = call.course(Stage("STOPPED", STOP_SECONDS), pace=pace, failed="UNAVAILABLE")
    return call.objects.save(found, status="STOPPING", course=course)


def _restart(call: Call, found: CloudObject) -> CloudObject:
    auto_stop = found.body["spec"]["auto_stop"]
    course = _to_running(call, auto_stop, RESTART_SECONDS, pace="demanager-restart", failed="START_FAILED")
    return call.objects.save(found, status="RESTARTING", course=course)


def _queue(call: Call, found: CloudObject) -> CloudObject:
    course = call.course(Stage("READY_TO_START", QUEUE_SECONDS), pace=call.switch("demanager-queue"))
    body = {**_without_failure(found), "queued_at": call.now}
    return call.objects.save(found, status="START_QUEUING", course=course, body=body)


def _dequeue(call: Call, found: CloudObject) -> CloudObject:
    """[U] → STOPPED (spec 9.1)."""
    return call.objects.save(found, status="STOPPED", course=())


_ACTIONS: Final[Mapping[str, Callable[[Call, CloudObject], CloudObject]]] = {
    "start": _start,
    "stop": _stop,
    "restart": _restart,
    "queue": _queue,
    "dequeue": _dequeue,
}


def _allow(call: Call, found: CloudObject, event: str) -> None:
    """Refuse what the status does not allow; one that only an edit can have set allows everything."""
    if code := REFUSALS.get(found.status, {}).get(event):
        raise refused(code, f"{event} is not possible while the instance is {found.status}")


# Courses


def _creation(call: Call, spec: Body, *, queued: bool) -> tuple[Turn, ...]:
    pace = call.switch("demanager-create")
    waiting = (Stage("CREATING", QUEUE_SECONDS),) if queued else ()
    stages = (*waiting, Stage("RUNNING", CREATION_SECONDS), *_auto_stop_stages(spec["auto_stop"]))
    return call.course(*stages, pace=pace, failed="CREATE_FAILED")


def _to_running(call: Call, auto_stop: Body, seconds: float, *, pace: str, failed: str) -> tuple[Turn, ...]:
    """The countdown begins anew whenever RUNNING is reached (spec 5.1, 5.4)."""
    stages = (Stage("RUNNING", seconds), *_auto_stop_stages(auto_stop))
    return call.course(*stages, pace=call.switch(pace), failed=failed)


def _auto_stop_stages(auto_stop: Mapping[str, Any]) -> tuple[Stage, ...]:
    """Asked for in seconds by the user, so it holds at any speed of the server."""
    if not auto_stop["enable"]:
        return ()
    return Stage("STOPPING", float(auto_stop["duration"]), scaled=False), Stage("STOPPED", STOP_SECONDS)


def _with_auto_stop(call: Call, found: CloudObject, auto_stop: Mapping[str, Any]) -> tuple[Turn, ...]:
    """A running instance's course after an update: switched on it counts from now, switched off it ends [E]."""
    if found.status != "RUNNING" or auto_stop["enable"] == found.body["spec"]["auto_stop"]["enable"]:
        return found.course
    return call.course(*_auto_stop_stages(auto_stop), pace=call.switch("demanager-stop"))


# Bodies


def _own(call: Call, id: str, *, look: bool = False) -> CloudObject:
    found = call.objects.get(TYPE, id, owner=call.owner, look=look)
    if found is None:
        raise missing(call, "6309", "instance", id)
    return found


def _without_failure(found: CloudObject) -> Body:
    return {name: value for name, value in found.body.items() if name not in ("error_code", "failed_reasons")}


def _recorded_spec(spec: Body) -> Body:
    """What becomes of a spec on the server (spec 5.4): its defaults, and only what means something for the type."""
    return {
        "storage": _recorded_storage(spec["storage"]),
        "extend_storage": [_recorded_storage(each) for each in spec.get("extend_storage", [])],
        "auto_stop": {"enable": False, "prompt": True, **spec.get("auto_stop", {})},
        "annotations": spec.get("annotations", {}),
    }


def _recorded_storage(storage: Body) -> Body:
    kind, location = storage["type"], storage.get("location", {})
    if kind == "evs":
        size = location.get("volume_size", VOLUME_SIZES[0])
        return {"type": kind, "location": {"path": WORK_PATH, "volume_size": size, "volume_unit": "GB"}}
    if kind == "obsfs":
        location = {"mount_path": WORK_PATH, "access_modes": ACCESS_MODES[1], **location}
    meant = ("path", "mount_path", "access_modes") if kind == "obsfs" else ("path",)
    return {"type": kind, "location": {name: location[name] for name in meant if name in location}}


def _new_id(call: Call) -> str:
    """`DE-` and a UUID of version 1 (spec 5), with a node like the samples'."""
    ticks = int(call.now * 10_000_000) + 0x01B21DD213814000
    high = f"{ticks >> 48 & 0xFFF | 0x1000:04x}"
    while True:
        drawn = call.objects.new_text("0123456789abcdef", 7)
        clock = f"{int(drawn[:3], 16) | 0x8000:04x}"
        id = f"DE-{ticks & 0xFFFFFFFF:08x}-{ticks >> 32 & 0xFFFF:04x}-{high}-{clock}-0255ac10{drawn[3:]}"
        if call.objects.get(TYPE, id) is None:
            return id


LIST_PARAMETERS: Final[Mapping[str, str]] = {
    "de_type": "Notebook",
    "provision_type": "Docker",
    "status": "|".join(STATUSES),
    "sortby": ".*",
    "order": "asc|desc",
    "offset": "[0-9]{1,9}",
    "limit": "[0-9]{1,9}",
    "workspace_id": ".*",
    "show_self": "true|false",
    "ai_project": ".*",
    "pool_id": ".*",
}

OPERATIONS: Final[Mapping[str, Callable[..., Answer]]] = {
    "demanager/create": create,
    "demanager/list": list_all,
    "demanager/get": get,
    "demanager/update": update,
    "demanager/delete": delete,
    **{f"demanager/{name}": action for name in ("action", *_ACTIONS)},
    "demanager/token": token,
}

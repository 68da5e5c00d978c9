"""How API A shows an instance (spec 5.4): what was asked, and what the server makes of it.

Everything that depends on the moment (countdowns, the queue, the URL) is computed here from the object's course, so
nothing has to be kept up to date.
"""

from __future__ import annotations

from typing import Any, Final

from providers.emulation import Call, CloudObject, Turn
from providers.modelarts.emulator.answers import instant, milliseconds
from providers.modelarts.emulator.catalogue import (
    FREE_RETENTION_HOURS,
    QUEUE_SECONDS,
    flavor_named,
    profiles,
    sold_out,
)
from providers.modelarts.emulator.iam import user_named

TARGET_DOMAIN: Final = "https://modelarts-notebook.example.invalid"
WORK_PATH: Final = "/home/ma-user/work"
QUEUING: Final = ("CREATE_QUEUING", "START_QUEUING")

# Spec 5.4: what `failed_reasons` says when neither a fault nor an edit has said otherwise [E].
FAILURES: Final = {
    "CREATE_FAILED": ("ModelArts.6361", "the instance could not be created"),
    "START_FAILED": ("ModelArts.6360", "there are not enough resources to start the instance"),
    "RESIZE_FAILED": ("ModelArts.6361", "the instance could not be resized"),
    "UNAVAILABLE": ("ModelArts.6361", "the instance is unavailable"),
}


def instance(call: Call, found: CloudObject, *, in_list: bool = False) -> dict[str, Any]:
    """The Instance object; list elements carry fewer members of `spec` (spec 5.4)."""
    body = found.body
    user = user_named(body["user"])
    reasons = failed_reasons(found)
    shown = {
        "id": found.id,
        "name": found.name,
        "description": body["description"],
        "status": found.status,
        "creation_timestamp": instant(found.created),
        "latest_update_timestamp": instant(found.modified),
        "profile": _profile(call, body["profile_id"]),
        "flavor": body["flavor"],
        "flavor_details": _flavor_details(call, body["flavor"]),
        "spec": _spec(call, found, reasons, in_list=in_list),
        "workspace": body["workspace"],
        "ai_project": body["ai_project"],
        "user": {"id": user.id, "name": user.name},
    }
    if body["pool"]:
        shown["pool"] = body["pool"]
    if reasons:
        shown["error_code"] = body.get("error_code") or reasons["code"]
    if found.status in QUEUING:
        shown["queuing_info"] = _queuing_info(call, found)
    return shown


def failed_reasons(found: CloudObject) -> dict[str, Any] | None:
    """Why it failed, None when it did not."""
    if found.status not in FAILURES:
        return None
    code, message = FAILURES[found.status]
    return found.body.get("failed_reasons") or {
        "code": found.body.get("error_code") or code,
        "message": message,
        "detail": {},
    }


def auto_stop_turn(found: CloudObject) -> Turn | None:
    """The turn that will stop a running instance by itself."""
    coming = found.course[0] if found.status == "RUNNING" and found.course else None
    return coming if coming is not None and coming.status == "STOPPING" and coming.due is not None else None


def _spec(call: Call, found: CloudObject, reasons: dict[str, Any] | None, *, in_list: bool) -> dict[str, Any]:
    spec = found.body["spec"]
    running = found.status == "RUNNING"
    url = f"{TARGET_DOMAIN}:32000/modelarts/hubv100/notebook/user/{found.id}" if running else ""
    shown = {
        "storage": spec["storage"],
        "extend_storage": spec["extend_storage"] or None,
        "auto_stop": _auto_stop(call, found),
        "annotations": {**spec["annotations"], "target_domain": TARGET_DOMAIN, "url": url},
        "failed_reasons": reasons,
        "extend_params": None,
    }
    return shown if in_list else {**shown, "repository": None}


def _auto_stop(call: Call, found: CloudObject) -> dict[str, Any]:
    asked = found.body["spec"]["auto_stop"]
    turn = auto_stop_turn(found)
    if turn is None or turn.due is None:
        return asked
    return {**asked, "stop_timestamp": milliseconds(turn.due), "remain_time": int(turn.due - call.now)}


def _profile(call: Call, id: str) -> dict[str, Any]:
    profile = profiles(call).get(id)
    hardware = (profile.hardware if profile else None) or "CPU"
    shown_hardware = "Ascend" if hardware == "ASCEND" else hardware
    params = {
        "namespace": "atelier",
        "image_name": profile.image if profile else "custom",
        "image_tag": "2.0.5-B003",
        "annotations": None,
    }
    return {
        "id": id,
        "name": id,
        "description": profile.description if profile else "",
        "de_type": "Notebook",
        "flavor_type": shown_hardware,
        "provision": {"type": "Docker", "spec": {"engine": "CCE", "params": params}},
    }


def _flavor_details(call: Call, id: str) -> dict[str, Any]:
    flavor = flavor_named(call, id)
    gone = sold_out(call, id)
    params: dict[str, Any] = {"CPU": flavor.vcpus, "GPU": flavor.cards, "memory": f"{flavor.memory}GiB"}
    if flavor.card:
        params["gpu_type"] = flavor.card
    details = {
        "name": id,
        "type": flavor.category,
        "status": "soldOut" if gone else "onSale",
        "promo_type": "Free" if flavor.free else "NoDiscount",
        "params": params,
        "storage_list": ["obs", "evs", "efs"],
        "is_permitted": True,
        "store_time": FREE_RETENTION_HOURS if flavor.free else -1,
    }
    if gone and flavor.free:
        details |= {"queuing_num": 1, "queue_left_time": int(QUEUE_SECONDS)}
    return details


def _queuing_info(call: Call, found: CloudObject) -> dict[str, Any]:
    """Since when, and until when the queue is expected to last; a stuck queue is always about to begin anew [E]."""
    due = found.course[0].due if found.course else None
    ends = due if due is not None else call.now + QUEUE_SECONDS
    return {
        "id": found.id,
        "name": found.name,
        "de_type": "Notebook",
        "flavor": found.body["flavor"],
        "flavor_details": _flavor_details(call, found.body["flavor"]),
        "status": found.status,
        "begin_timestamp": milliseconds(found.body.get("queued_at", found.created)),
        "end_timestamp": milliseconds(ends),
        "remain_time": int(ends - call.now),
        "rank": 1,
    }

"""How API B shows a notebook, and its list's paging (spec 6.2, 6.4).

What depends on the moment (progress, a volume that grows, the addresses of a running instance) is computed here from
the object's course; the lease alone is kept in the body, because each event sets it anew (`notebooks`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from providers.emulation import Call, CloudObject
from providers.modelarts.emulator.answers import milliseconds
from providers.modelarts.emulator.iam import user_named

WORK_PATH: Final = "/home/ma-user/work/"
HOST: Final = "authoring-modelarts.example.invalid"
SSH_HOST: Final = "dev-modelarts.example.invalid"
BEGINNING: Final = ("INIT", "CREATING", "CREATE_FAILED")  # never been up: no addresses yet
STEPS: Final = ("prepare storage", "prepare compute", "configure network", "initialise the instance")
WITHOUT_ANSWER: Final = ("url", "volume", "user", "data_volumes")  # what create's answer lacks (spec 6.2)

# Spec 6.2: what `fail_reason` says when neither a fault nor an edit has said otherwise [E].
FAILURES: Final = {
    "CREATE_FAILED": "the notebook could not be created",
    "START_FAILED": "there are not enough resources to start the notebook",
    "DELETE_FAILED": "the notebook could not be deleted",
    "ERROR": "the notebook is faulty",
}


def notebook(call: Call, found: CloudObject) -> dict[str, Any]:
    """The whole object; absent rather than null (spec 6.2)."""
    body = found.body
    user = user_named(body["user"])
    up = found.status not in BEGINNING
    shown = {
        "id": found.id,
        "name": found.name,
        "description": body["description"],
        "feature": body["feature"],
        "flavor": body["flavor"],
        "status": found.status,
        "workspace_id": body["workspace_id"],
        "image": body["image"],
        "lease": body["lease"],
        "volume": _volume(call, body),
        "endpoints": _endpoints(found) if up else [],
        "action_progress": _progress(call, found),
        "billing_items": _billing(found),
        "tags": body["tags"],
        "token": body["token"],
        "user": {"id": user.id, "name": user.name, "domain": {"id": user.domain_id, "name": user.domain}},
        "user_id": user.id,
        "is_need_credentials": True,
        "jupyter_version": "3.2.3",
        "ip": ip_of(found),
        "create_at": milliseconds(found.created),
        "update_at": milliseconds(found.modified),
        **{name: body[name] for name in ("custom_spec", "affinity", "run_user", "user_vpc") if name in body},
    }
    if up:
        shown["url"] = _url(found)
    if "pool_id" in body:
        shown["pool"] = {"id": body["pool_id"], "name": body["pool_id"]}
    if "data_volumes" in body:
        shown["data_volumes"] = [_data_volume(each) for each in body["data_volumes"]]
    if found.status in FAILURES:
        shown["fail_reason"] = body.get("fail_reason") or FAILURES[found.status]
    return shown


def created(call: Call, found: CloudObject) -> dict[str, Any]:
    """Create's answer, which knows less (spec 6.2)."""
    return {name: value for name, value in notebook(call, found).items() if name not in WITHOUT_ANSWER}


def ip_of(found: CloudObject) -> str:
    """The node's address while there is one [E]."""
    return f"172.16.{found.seq // 250 % 250}.{found.seq % 250 + 1}" if found.status == "RUNNING" else ""


def page(found: Sequence[Any], asked: Mapping[str, str], limit: int) -> dict[str, Any]:
    """The envelope of notebooks and images: `current` counts pages from 0, `size` is what was asked for."""
    first = int(asked.get("offset", "0"))
    return {
        "current": first // limit,
        "data": found[first : first + limit],
        "pages": -(-len(found) // limit),
        "size": limit,
        "total": len(found),
    }


def whole(found: Sequence[Any], asked: Mapping[str, str]) -> dict[str, Any]:
    """The envelope of flavors, storages, groups and pools: `current` counts from 1, no limit by default."""
    first, limit = int(asked.get("offset", "0")), int(asked.get("limit", "0")) or max(len(found), 1)
    data = found[first : first + limit]
    return {
        "current": first // limit + 1,
        "data": data,
        "pages": -(-len(found) // limit),
        "size": len(data),
        "total": len(found),
    }


def _url(found: CloudObject) -> str:
    return f"https://{HOST}/{found.id}/lab"


def _volume(call: Call, body: Mapping[str, Any]) -> dict[str, Any]:
    """`status` is the growth's, so there is one only while it lasts (spec 6.5)."""
    grows = "growing_until" in body and (body["growing_until"] is None or body["growing_until"] > call.now)
    return {**body["volume"], **({"status": "RESIZING"} if grows else {})}


def _data_volume(volume: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"category": volume["category"], "mount_path": volume.get("mount_path", ""), "url": volume.get("uri", "")}
    return {**shown, "status": "MOUNTED", "mount_type": "STATIC"}


def _endpoints(found: CloudObject) -> list[dict[str, Any]]:
    """NOTEBOOK always, SSH if asked for (spec 6.2); `allowed_access_ips` as asked."""
    asked = {endpoint.get("service", "SSH"): endpoint for endpoint in found.body["endpoints"]}
    places = {"NOTEBOOK": _url(found), "SSH": f"ssh://ma-user@{SSH_HOST}:{30_000 + found.seq % 2_000}"}
    return [
        {
            "service": service,
            "dev_service": service,
            "uri": place,
            "key_pair_names": asked.get(service, {}).get("key_pair_names", []),
            "allowed_access_ips": asked.get(service, {}).get("allowed_access_ips", []),
        }
        for service, place in places.items()
        if service == "NOTEBOOK" or service in asked
    ]


def _billing(found: CloudObject) -> list[str]:
    if found.body["feature"] == "DEFAULT" or found.status in (*BEGINNING, "DELETING"):
        return []
    return ["STORAGE", "COMPUTE"] if found.status in ("RUNNING", "SNAPSHOTTING") else ["STORAGE"]


def _progress(call: Call, found: CloudObject) -> list[dict[str, Any]]:
    """Four steps, spread over the time the status lasts (spec 6.2)."""
    if found.status in ("CREATE_FAILED", "START_FAILED"):
        done, last = 1, "FAILED"
    elif found.status in ("INIT", "CREATING", "STARTING"):
        done, last = _steps_done(call, found), "PROCESSING"
    elif found.status == "RUNNING":
        done, last = len(STEPS), ""
    else:
        return []
    states = ["COMPLETED"] * done + [last] + ["WAITING"] * len(STEPS)
    return [
        {"step": number, "status": state, "description": text}
        for number, (text, state) in enumerate(zip(STEPS, states, strict=False), start=1)
    ]


def _steps_done(call: Call, found: CloudObject) -> int:
    turn = found.course[0] if found.course else None
    if turn is None or turn.due is None:
        return min(found.looks, len(STEPS) - 1)
    lasts = turn.due - found.modified
    return min(int(len(STEPS) * (call.now - found.modified) / lasts), len(STEPS) - 1) if lasts > 0 else 0

"""What the answers about a notebook say in our words: the inputs in them, the outputs, the reason of a failure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.base import Tree, current_call
from providers.modelarts.provider.notebook_requests import unmarked
from providers.modelarts.provider.power import DELETED, GOING, Life, status_of
from providers.modelarts.schema import notebooks as schema

LIFE: Final = Life(
    rising=frozenset({"INIT", "CREATING", "STARTING", "SNAPSHOTTING"}),
    unborn=frozenset({"INIT", "CREATING"}),
    failed=frozenset({"CREATE_FAILED", "START_FAILED", "DELETE_FAILED", "ERROR", "FROZEN"}),
    startable=frozenset({"START_FAILED"}),
    stillborn=frozenset({"CREATE_FAILED"}),
    gone=frozenset({DELETED, GOING}),
)

OUTPUTS: Final = (
    "status",
    "fail_reason",
    "create_at",
    "update_at",
    "url",
    "token",
    "image",
    "pool",
    "user",
    "user_id",
    "ip",
    "jupyter_version",
    "is_need_credentials",
    "action_progress",
    "billing_items",
)
"""Members of an answer that are outputs under their own names."""


def inputs_in(detail: Mapping[str, Any], recorded: Mapping[str, Any]) -> Tree:
    """The inputs in an answer. What the answer leaves out stays as recorded."""
    seen: Tree = {
        name: detail.get(name, recorded.get(name))
        for name in ("name", "description", "flavor", "feature", "workspace_id")
    }
    if "description" in detail:
        seen["description"] = unmarked(str(detail["description"] or ""))
    seen["image_id"] = (detail.get("image") or {}).get("id") or recorded.get("image_id")
    seen["pool_id"] = (detail.get("pool") or {}).get("id") if "pool" in detail else recorded.get("pool_id")
    seen["volume"] = _volume(detail.get("volume"), recorded.get("volume") or {})
    seen["endpoints"] = _endpoints(detail, recorded.get("endpoints"))
    seen["tags"] = _tags(detail, recorded.get("tags"))
    if recorded:
        # An import says nothing of power: it is looked after only where a program asks for it.
        seen["running"] = LIFE.is_up(status_of(detail)) if status_of(detail) else recorded.get("running")
    return {name: value for name, value in seen.items() if value is not None}


def _volume(theirs: Any, ours: Mapping[str, Any]) -> Tree | None:
    if not isinstance(theirs, dict) or not theirs:
        return dict(ours) or None
    managed = str(theirs.get("ownership") or "MANAGED").upper() == "MANAGED"
    # A managed volume's address, ID and folder are the service's choice, which an import need not repeat.
    names = ["category", "ownership", "capacity", "read_only"]
    if ours or not managed:
        names += ["uri", "id", "mount_path"]
    found = {name: theirs[name] for name in names if theirs.get(name) is not None}
    for name in ours:
        found.setdefault(name, ours[name])
    if str(found.get("mount_path")).rstrip("/") == str(ours.get("mount_path")).rstrip("/"):
        found["mount_path"] = ours.get("mount_path")
    return {name: value for name, value in found.items() if value is not None}


def as_large_as_declared(observed: Tree, recorded: Mapping[str, Any]) -> Tree:
    """Observed inputs in which a volume that somebody let grow is no difference.

    To undo that would take a new notebook with an empty volume, and nobody's work shall be lost for that.
    """
    volume, declared = observed.get("volume") or {}, (recorded.get("volume") or {}).get("capacity")
    if declared is None or number(volume.get("capacity")) <= declared:
        return observed
    current_call().report(f"the volume has {volume['capacity']} GB, more than declared; that is left so")
    return {**observed, "volume": {**volume, "capacity": declared}}


def _endpoints(detail: Mapping[str, Any], ours: Any) -> Any:
    """Those that were given, without the address and the service's other additions; on an import those with a key."""
    if "endpoints" not in detail:
        return ours
    theirs = {
        str(item.get("service") or "").upper(): {
            name: item[name] for name in ("service", "key_pair_names", "allowed_access_ips") if item.get(name)
        }
        for item in detail["endpoints"] or []
        if isinstance(item, dict)
    }
    if ours:
        services = [str(item.get("service") or "").upper() for item in ours if isinstance(item, dict)]
        return [theirs[service] for service in services if service in theirs]
    return [item for item in theirs.values() if item.get("key_pair_names")] or None


def _tags(detail: Mapping[str, Any], ours: Any) -> Any:
    """Those that were given; on an import all but the service's own. Other people's tags are none of our business."""
    if "tags" not in detail:
        return ours
    there = {
        str(item["key"]): str(item.get("value") or "")
        for item in detail["tags"] or []
        if isinstance(item, dict) and "key" in item
    }
    if ours:
        return {key: there[key] for key in ours if key in there}
    return {key: value for key, value in there.items() if not key.startswith(schema.SYSTEM_TAGS)} or None


def computed(detail: Mapping[str, Any]) -> Tree:
    """The outputs in an answer: every member under its own name, those that are also inputs in `answered`."""
    outs = {name: detail.get(name) for name in OUTPUTS}
    answered = {
        name: detail[name]
        for name in ("feature", "flavor", "workspace_id", "lease", "volume", "endpoints", "tags")
        if detail.get(name) is not None
    }
    return {name: value for name, value in {**outs, "answered": answered}.items() if value is not None}


def told(detail: Mapping[str, Any]) -> str:
    """What an answer says beyond its status: why it failed, or which of its four stages it is in."""
    if detail.get("fail_reason"):
        return str(detail["fail_reason"])
    steps = [item for item in detail.get("action_progress") or [] if isinstance(item, dict)]
    current = next((item for item in steps if item.get("status") in ("PROCESSING", "FAILED")), None)
    if current is None or status_of(detail) not in LIFE.rising | LIFE.failed:
        return ""
    stage = current.get("description") or current.get("step_description")
    return f"stage {current.get('step', '?')} of {len(steps)}{f', {stage}' if stage else ''}"


def answered(olds: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = (olds.get("answered") or {}).get(name)
    return found if isinstance(found, dict) else {}


def number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def listed(names: list[str]) -> str:
    names = [name.removesuffix("_id") for name in names]
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))

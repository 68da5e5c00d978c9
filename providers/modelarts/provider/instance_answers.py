"""What the answers about an instance say in our words: the inputs in them, the outputs, the reason of a failure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.base import Tree
from providers.modelarts.provider.power import DELETED, GOING, Detail, Life, status_of
from providers.modelarts.schema import instances as schema

_FAILED: Final = frozenset({"CREATE_FAILED", "START_FAILED", "RESIZE_FAILED", "UNAVAILABLE"})

LIFE: Final = Life(
    rising=frozenset({"CREATE_QUEUING", "CREATING", "START_QUEUING", "READY_TO_START", "STARTING", "RESTARTING"}),
    unborn=frozenset({"CREATE_QUEUING", "CREATING"}),
    failed=_FAILED,
    startable=frozenset({"READY_TO_START", "START_FAILED", "RESIZE_FAILED", "UNAVAILABLE"}),
    stillborn=frozenset({"CREATE_FAILED"}),
    gone=frozenset({DELETED, GOING}),
)

OUTPUTS: Final = (
    "status",
    "creation_timestamp",
    "latest_update_timestamp",
    "profile",
    "flavor_details",
    "queuing_info",
    "user",
    "error_code",
)
"""Members of an answer that are outputs under their own names."""
BESIDES: Final = ("failed_reasons", "url", "repository", "credential", "answered")
"""Outputs that are taken out of its depth."""


def told(detail: Detail) -> str:
    """What an answer says beyond its status: why it failed, or where it stands in a queue."""
    reasons = (detail.get("spec") or {}).get("failed_reasons") or {}
    if reasons:
        details = reasons.get("detail") or {}
        more = ", ".join(f"{name}: {value}" for name, value in details.items()) if isinstance(details, dict) else ""
        text = " ".join(str(reasons[part]) for part in ("code", "message") if reasons.get(part))
        return f"{text} ({more})" if more else text
    queue = detail.get("queuing_info") or {}
    if status_of(detail).endswith("QUEUING") and queue:
        return f"number {queue.get('rank', '?')} in the queue, {queue.get('remain_time', '?')} s left"
    return str(detail.get("error_code") or "") if status_of(detail) in LIFE.failed else ""


_STORAGE_MEMBERS: Final = {
    "evs": ("volume_size",),
    "obs": ("path",),
    "obsfs": ("path", "mount_path", "access_modes"),
}


def inputs_in(detail: Mapping[str, Any], recorded: Mapping[str, Any]) -> Tree:
    """The inputs in an answer. What the answer leaves out stays as recorded; what is null in it is absent."""
    theirs = detail.get("spec") or {}
    ours: Mapping[str, Any] = recorded.get("spec") or {}
    spec: Tree = {
        "storage": _storage(theirs["storage"], ours.get("storage") or {})
        if theirs.get("storage")
        else ours.get("storage"),
        "extend_storage": _storages(theirs, ours.get("extend_storage") or []),
        "auto_stop": _auto_stop(theirs.get("auto_stop"), ours.get("auto_stop") or {})
        if "auto_stop" in theirs
        else ours.get("auto_stop"),
        "annotations": _annotations(theirs, ours.get("annotations")),
    }
    seen: Tree = {name: detail.get(name, recorded.get(name)) for name in ("name", "description", "flavor")}
    seen["profile_id"] = (detail.get("profile") or {}).get("id") or recorded.get("profile_id")
    seen["spec"] = {name: value for name, value in spec.items() if value is not None}
    for name in ("workspace", "pool"):
        there = detail.get(name)
        found = {"id": there["id"]} if isinstance(there, dict) and there.get("id") else None
        seen[name] = found if name in detail else recorded.get(name)
    if recorded:
        # An import says nothing of power: it is looked after only where a program asks for it.
        seen["running"] = LIFE.is_up(status_of(detail)) if status_of(detail) else recorded.get("running")
    return {name: value for name, value in seen.items() if value is not None}


def _storage(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> Tree:
    kind = str(theirs.get("type", "")).lower()
    there = theirs.get("location") or {}
    location = {name: there[name] for name in _STORAGE_MEMBERS.get(kind, ()) if there.get(name) is not None}
    recorded = ours.get("location") or {}
    # Samples have the path of an OBS folder with and without a slash at its front.
    for name in ("path", "mount_path"):
        if name in location and str(location[name]).strip("/") == str(recorded.get(name)).strip("/"):
            location[name] = recorded[name]
    return {"type": kind, **({"location": location} if location else {})}


def _storages(theirs: Mapping[str, Any], ours: list[Any]) -> list[Tree] | None:
    if "extend_storage" not in theirs:
        return ours or None
    found = [item for item in theirs["extend_storage"] or [] if isinstance(item, dict)]
    return [_storage(item, ours[at] if at < len(ours) else {}) for at, item in enumerate(found)] or None


def _auto_stop(theirs: Any, ours: Mapping[str, Any]) -> Tree:
    found = {name: theirs[name] for name in ("enable", "duration", "prompt") if (theirs or {}).get(name) is not None}
    if not found.get("enable") and "duration" not in found and "duration" in ours:
        found["duration"] = ours["duration"]  # It counts only when enabled, so the service may forget it.
    return found


def _annotations(theirs: Mapping[str, Any], ours: Any) -> Any:
    """Those that were given; on an import all but the service's own."""
    if "annotations" not in theirs:
        return ours
    found = theirs["annotations"] or {}
    if ours:
        return {name: found[name] for name in ours if name in found}
    return {name: value for name, value in found.items() if name not in schema.SERVERS_OWN_ANNOTATIONS} or None


def computed(detail: Mapping[str, Any]) -> Tree:
    """The outputs in an answer: every member under its own name, those that are also inputs in `answered`."""
    spec = dict(detail.get("spec") or {})
    outs = {name: detail.get(name) for name in OUTPUTS}
    outs["repository"] = detail.get("repository") or spec.pop("repository", None)
    outs["credential"] = spec.pop("credential", None)
    outs["failed_reasons"] = spec.get("failed_reasons")
    outs["url"] = (spec.get("annotations") or {}).get("url") or None
    spec.pop("repository", None)
    answered = {name: detail.get(name) for name in ("flavor", "pool", "workspace", "ai_project")}
    answered["spec"] = {name: value for name, value in spec.items() if value is not None}
    outs["answered"] = {name: value for name, value in answered.items() if value is not None}
    return {name: value for name, value in outs.items() if value is not None}

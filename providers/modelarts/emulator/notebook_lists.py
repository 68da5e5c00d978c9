"""API B's two lists: filters, order and pages (spec 6.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from providers.emulation import Call, CloudObject
from providers.modelarts.emulator import gateway
from providers.modelarts.emulator.answers import Answer, refused
from providers.modelarts.emulator.catalogue import check_workspace
from providers.modelarts.emulator.iam import Caller, user_named
from providers.modelarts.emulator.notebook_rules import invalid
from providers.modelarts.emulator.notebook_views import ip_of, notebook, page
from providers.modelarts.emulator.notebooks import TYPE

STATUSES: Final = (
    "INIT", "CREATING", "STARTING", "STOPPING", "DELETING", "RUNNING", "STOPPED", "SNAPSHOTTING", "CREATE_FAILED",
    "START_FAILED", "DELETE_FAILED", "ERROR", "DELETED", "FROZEN",
)  # fmt: skip


def list_own(call: Call, caller: Caller) -> Answer:
    """Spec 6.4, the caller's."""
    return _list(call, [each for each in _everybodys(call) if each.body["user"] == caller.user.name])


def list_all(call: Call, caller: Caller) -> Answer:
    """Spec 6.4, all users' of the project."""
    return _list(call, _everybodys(call))


def _everybodys(call: Call) -> list[CloudObject]:
    return call.objects.all(TYPE, owner=call.owner, look=True)


def _list(call: Call, found: list[CloudObject]) -> Answer:
    """Filters, order and page of spec 6.4; `feature` filters only when it is given, `workspace_id` is 0 by default."""
    asked = dict(gateway.query(call, LIST_PARAMETERS, "6400"))
    asked.setdefault("workspace_id", asked.pop("workspaceId", "0"))
    check_workspace(call, asked["workspace_id"])
    limit = int(asked.get("limit", "10"))
    wanted = ("10", "20", "50") if call.switch("notebook-limit") == "documented" else map(str, range(1, 1001))
    if str(limit) not in wanted:
        raise invalid("limit must be 10, 20 or 50")
    matching = [each for each in found if all(FILTERS[name](each, asked[name]) for name in asked if name in FILTERS)]
    for key in reversed(asked.get("sort_key", "create_at").split(",")):
        if key not in SORT_KEYS:
            raise refused("6303", f"Sorting by {key} is not supported")
        matching.sort(key=SORT_KEYS[key], reverse=asked.get("sort_dir", "DESC") == "DESC")
    answer = page(matching, asked, limit)
    return {**answer, "data": [notebook(call, each) for each in answer["data"]]}


def _tagged(found: CloudObject, text: str) -> bool:
    """`k1|v1,k2|v2`: all of them; a key alone matches any value [I]."""
    has = {tag["key"]: tag["value"] for tag in found.body["tags"]}
    for each in text.split(","):
        key, bar, value = each.partition("|")
        if key not in has or (bar and has[key] != value):
            return False
    return True


def _billed(found: CloudObject, text: str) -> bool:
    """ALL selects everything [U]."""
    storage = found.body["feature"] != "DEFAULT"
    return text == "ALL" or (storage and (text == "STORAGE" or found.status == "RUNNING"))


Filter = Callable[[CloudObject, str], bool]


def _exactly(member: str) -> Filter:
    return lambda found, text: found.body.get(member) == text


FILTERS: Final[Mapping[str, Filter]] = {
    "id": lambda found, text: found.id == text,
    "name": lambda found, text: text in found.name,
    "status": lambda found, text: found.status == text,
    "feature": _exactly("feature"),
    "flavor": lambda found, text: text in found.body["flavor"],
    "image_id": lambda found, text: found.body["image"]["id"] == text,
    "pool_id": _exactly("pool_id"),
    "pool_name": lambda found, text: text in found.body.get("pool_id", ""),
    "workspace_id": _exactly("workspace_id"),
    "owner": lambda found, text: user_named(found.body["user"]).id == text,
    "username": lambda found, text: text in found.body["user"],
    "description": lambda found, text: text in found.body["description"],
    "ip": lambda found, text: ip_of(found) == text,
    "swr_path": lambda found, text: text in found.body["image"]["swr_path"],
    "billing": _billed,
    "tags": _tagged,
}
SORT_KEYS: Final[Mapping[str, Callable[[CloudObject], Any]]] = {
    "create_at": lambda found: (found.created, found.seq),
    "update_at": lambda found: (found.modified, found.seq),
    "id": lambda found: found.id,
    "name": lambda found: found.name,
    "status": lambda found: found.status,
    "flavor": lambda found: found.body["flavor"],
    "feature": lambda found: found.body["feature"],
    "description": lambda found: found.body["description"],
}
LIST_PARAMETERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("name", "id", "flavor", "image_id", "pool_id", "pool_name", "workspace_id", "workspaceId"), ".*"),
    **dict.fromkeys(("owner", "username", "description", "ip", "swr_path", "tags", "sort_key"), ".*"),
    "limit": "[0-9]{1,4}",
    "offset": "[0-9]{1,9}",
    "feature": "NOTEBOOK|DEFAULT",
    "status": "|".join(STATUSES),
    "billing": "COMPUTE|STORAGE|ALL",
    "sort_dir": "ASC|DESC",
}


OPERATIONS: Final[Mapping[str, Callable[..., Answer]]] = {
    "notebooks/list": list_own,
    "notebooks/list-all": list_all,
}

"""Tags of notebooks: two calls after the creation, and a summary of the project's (spec 6.8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from providers.emulation import Call, Response
from providers.modelarts.emulator import gateway
from providers.modelarts.emulator.answers import Answer
from providers.modelarts.emulator.catalogue import check_workspace
from providers.modelarts.emulator.iam import Caller
from providers.modelarts.emulator.notebook_rules import TAG_MOST, invalid, read, tags
from providers.modelarts.emulator.notebooks import TYPE, own

WORKSPACE: Final = {"workspace_id": ".*"}


def create(call: Call, caller: Caller, id: str) -> Answer:
    """204; an existing key gets the new value."""
    _workspace(call)
    found = own(call, id)
    given = read(call, tags(value_required=True), gateway.body(call, "6400"))["tags"]
    now = {tag["key"]: tag["value"] for tag in (*found.body["tags"], *given)}
    if len(now) > TAG_MOST:
        raise invalid(f"a notebook has at most {TAG_MOST} tags")
    kept = [{"key": key, "value": value} for key, value in now.items()]
    call.objects.save(found, body={**found.body, "tags": kept}, modified=found.modified)
    return Response(204)


def delete(call: Call, caller: Caller, id: str) -> Answer:
    """204, whether they are there or not; a DELETE with a body."""
    _workspace(call)
    found = own(call, id)
    given = read(call, tags(value_required=False), gateway.body(call, "6400"))["tags"]
    gone = {tag["key"] for tag in given}
    kept = [tag for tag in found.body["tags"] if tag["key"] not in gone]
    call.objects.save(found, body={**found.body, "tags": kept}, modified=found.modified)
    return Response(204)


def list_all(call: Call, caller: Caller) -> Answer:
    """Each key of the workspace with its values."""
    workspace = _workspace(call)
    values: dict[str, list[str]] = {}
    for found in call.objects.all(TYPE, owner=call.owner):
        for tag in found.body["tags"] if found.body["workspace_id"] == workspace else ():
            if tag["value"] not in values.setdefault(tag["key"], []):
                values[tag["key"]].append(tag["value"])
    return {"tags": [{"key": key, "values": each} for key, each in values.items()]}


def _workspace(call: Call) -> str:
    workspace = gateway.query(call, WORKSPACE, "6400").get("workspace_id", "0")
    check_workspace(call, workspace)
    return workspace


OPERATIONS: Final[Mapping[str, Callable[..., Answer]]] = {
    "notebooks/create-tags": create,
    "notebooks/delete-tags": delete,
    "notebooks/list-tags": list_all,
}

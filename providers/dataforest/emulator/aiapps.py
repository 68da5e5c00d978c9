"""AI apps (spec 8): runs of a workspace, here so that a delete can meet one. Not a managed resource."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from providers.dataforest.emulator.answers import date
from providers.dataforest.emulator.fields import (
    ACCOUNT_ID,
    DATA,
    DOCKER,
    ID,
    QUEUE,
    RESOURCE,
    Body,
    Field,
    Operation,
    search,
)
from providers.dataforest.emulator.ownership import new_id, own, own_account
from providers.emulation import Call, CloudObject, Stage

# YARN's life of an application; the durations are [E].
START_SECONDS: Final = 30.0
RUN_SECONDS: Final = 600.0
ALIVE: Final = ("ACCEPTED", "RUNNING")
FINAL_STATUS: Final = {"FINISHED": "SUCCEEDED", "KILLED": "KILLED", "FAILED": "FAILED"}


def running_apps(call: Call, workspace: CloudObject) -> list[CloudObject]:
    """The workspace's runs that have not ended."""
    runs = call.objects.all("aiapp", parent=workspace.parent)
    return [run for run in runs if run.body["workspaceId"] == workspace.id and run.status in ALIVE]


def submit(call: Call, body: Body) -> Mapping[str, Any]:
    """Starts a run with its own settings: later changes of the workspace do not reach it (spec 8)."""
    workspace = own(call, "aiworkspace", body["aiWorkspaceId"])
    id = new_id(call, "aiapp")
    suffix = call.objects.new_text(string.ascii_lowercase + string.digits, 6)  # [E]
    call.objects.add(
        "aiapp",
        id,
        owner=call.owner,
        name=f"{body['namePrefix']}-{suffix}",
        parent=workspace.parent,
        status="ACCEPTED",
        course=call.course(
            Stage("RUNNING", START_SECONDS),
            Stage("FINISHED", RUN_SECONDS),
            pace=call.switch("app-run"),
            failed="FAILED",
        ),
        body={
            "workspaceId": workspace.id,
            "workspaceName": workspace.name,
            "queueName": body["queueName"],
            "image": body["docker"]["image"],
            "resource": body["resource"],
        },
    )
    return {"id": id}


def get_list(call: Call, body: Body) -> Mapping[str, Any]:
    """One account's runs, ended ones too."""
    account = own_account(call, body["search"]["accountId"])
    contents = [_row(call, run, account) for run in call.objects.all("aiapp", parent=account.id, look=True)]
    return {"total": len(contents), "contents": contents}


def get_detail(call: Call, body: Body) -> Mapping[str, Any]:
    """A row of the list, and the containers by their ID."""
    run = own(call, "aiapp", body["id"], look=True)
    application = _application(run)
    container = f"container_{application.removeprefix('application_')}_01_000001"
    resource = run.body["resource"]
    return {
        **_row(call, run, call.objects.get("account", run.parent)),
        "containers": {
            container: {
                "component": "worker",
                "containerId": container,
                "cpuCount": resource.get("cpuCount", 1),
                "createdAt": date(call, run.created),
                "dockerImage": run.body["image"],
                "logUrl": f"https://df.example/logs/{container}",
                "memoryMb": resource.get("memoryMb", 15360),
                "status": run.status,
            }
        },
    }


def kill(call: Call, body: Body) -> Mapping[str, Any]:
    """Ends a run; one that has ended already stays as it ended [E]."""
    run = own(call, "aiapp", body["id"])
    if run.status in ALIVE:
        call.objects.save(run, status="KILLED", course=())
    return {"id": run.id}


def _application(run: CloudObject) -> str:
    return f"application_{int(run.created * 1000)}_{run.seq:04d}"


def _row(call: Call, run: CloudObject, account: CloudObject | None) -> dict[str, Any]:
    row = {
        "id": run.id,
        "appId": _application(run),
        "name": run.name,
        "accountName": account.name if account else "",
        "workspaceName": run.body["workspaceName"],
        "queueName": run.body["queueName"],
        "state": run.status,
        "finalStatus": FINAL_STATUS.get(run.status, "UNDEFINED"),
        "startedAt": date(call, run.created),
        "modifiedAt": date(call, run.modified),
        "disabled": bool(run.body.get("disabled")),
    }
    return row if run.status in ALIVE else {**row, "finishedAt": date(call, run.modified)}


OPERATIONS: Final[Mapping[str, Operation]] = {
    "aiapps/submit": Operation(
        (
            Field("aiWorkspaceId", required=True, longest=22),
            Field("namePrefix", required=True, shortest=2, longest=8),
            replace(QUEUE, required=True),
            replace(DATA, required=True),
            DOCKER,
            replace(RESOURCE, required=True),
        ),
        submit,
    ),
    "aiapps/getList": Operation((search(ACCOUNT_ID),), get_list),
    "aiapps/getDetail": Operation((ID,), get_detail),
    "aiapps/kill": Operation((ID,), kill),
}

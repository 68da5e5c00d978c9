"""Accounts (spec 7): ten operations."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from providers.dataforest.emulator.answers import ONE_ACCOUNT_TEXT, date, invalid, refused, taken
from providers.dataforest.emulator.fields import ID, Body, Field, Kind, Operation
from providers.dataforest.emulator.ownership import new_id, own
from providers.emulation import Call, CloudObject, Response, Stage

CREATION_SECONDS: Final = 150.0  # 2-3 minutes by the guide (spec 7.2)
CHANGE_SECONDS: Final = 10.0  # [E]
NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,14}[a-z0-9]$"
NAME_LENGTHS: Final = Field("name", required=True, shortest=2, longest=16)
NAME: Final = Field("name", required=True, shortest=2, longest=16, pattern=NAME_PATTERN)
PASSWORD: Final = Field(
    "password",
    required=True,
    # Spec 7.1; the won sign stands for a backslash, the yen sign is how the Japanese page spells it.
    pattern=r"""(?=.*[A-Za-z])(?=.*[0-9])(?=.*[^A-Za-z0-9])[^'"₩¥\\/&`\s]{8,20}""",
    # The page shows this text as far as "leas"; the rest is ours [E].
    says="Please enter a valid password, which must be at least 8 and at most 20 characters long"
    " and contain a letter, a number and a special character.",
)
NAMESPACES: Final = ("koya", "tata")
REALM: Final = "KR.DF.NAVERNCP.COM"


def check_name(call: Call, body: Body) -> Mapping[str, Any]:
    """Names are unique in the whole cluster, so other owners' count (spec 7.1)."""
    return availability(body["name"], NAME_PATTERN, bool(call.objects.all("account", name=body["name"])))


def availability(name: str, pattern: str, in_use: bool) -> Mapping[str, Any]:
    """200 either way; a name that can never be registered is not available either [E] (spec 2.2, 4.1)."""
    if in_use:
        return {"availableName": False, "message": taken(name)}
    if not re.fullmatch(pattern, name):
        return {"availableName": False, "message": f"'{name}' is not registrable name. Must match \"{pattern}\""}
    return {"availableName": True}


def check_has_resource(call: Call, body: Body) -> Mapping[str, Any]:
    """Whether anything lives under the account."""
    return {"hasResource": has_resource(call, own(call, "account", body["id"]))}


def has_resource(call: Call, account: CloudObject) -> bool:
    """Workspaces, notebooks, and runs that have not ended."""
    under = [*call.objects.all("aiworkspace", parent=account.id), *call.objects.all("notebook", parent=account.id)]
    runs = call.objects.all("aiapp", parent=account.id)
    return bool(under) or any(run.status in ("ACCEPTED", "RUNNING") for run in runs)


def create(call: Call, body: Body) -> Mapping[str, Any]:
    """Answers at once; RUNNING comes 2-3 minutes later (spec 7.2)."""
    name = body["name"]
    if call.objects.all("account", name=name):
        raise invalid("name", name, taken(name))
    if len(call.objects.all("account", owner=call.owner)) >= int(call.switch("accounts-per-owner")):
        raise refused(int(call.switch("second-account")), ONE_ACCOUNT_TEXT)
    id = new_id(call, "account")
    course = call.course(Stage("RUNNING", CREATION_SECONDS), pace=call.switch("account-create"), failed="FAILED")
    quotas = {namespace: {"fileCountMillion": 1, "spaceTb": 200} for namespace in NAMESPACES}
    call.objects.add(
        "account", id, owner=call.owner, name=name, status="ACCEPTED", course=course, body={"quotas": quotas}
    )
    return {"id": id}


def get_list(call: Call, body: Body) -> Mapping[str, Any]:
    """The caller's accounts; `disabled` marks those it may see but not use."""
    contents = [
        {
            "id": found.id,
            "name": found.name,
            "principal": f"{found.name}@{REALM}",
            "status": found.status,
            "createdAt": date(call, found.created),
            "disabled": bool(found.body.get("disabled")),
        }
        for found in call.objects.all("account", owner=call.owner, look=True)
    ]
    return {"total": len(contents), "contents": contents}


def get_detail(call: Call, body: Body) -> Mapping[str, Any]:
    """No principal here, and never the password (spec 7.1)."""
    found = own(call, "account", body["id"], look=True)
    return {
        "id": found.id,
        "name": found.name,
        "status": found.status,
        "createdAt": date(call, found.created),
        "quotas": [{"namespace": namespace, **quota} for namespace, quota in found.body["quotas"].items()],
    }


def get_keytab(call: Call, body: Body) -> Response:
    """Bytes that start like a keytab and change with each reset; no key to anything."""
    found = own(call, "account", body["id"])
    made = hashlib.sha256(f"{found.id}:{found.body.get('keytabResets', 0)}".encode()).digest()
    return Response(200, b"\x05\x02" + made, {"content-type": "application/octet-stream"})


def reset_keytab(call: Call, body: Body) -> Mapping[str, Any]:
    """The earlier keytab is void."""
    found = own(call, "account", body["id"])
    call.objects.save(found, body={**found.body, "keytabResets": found.body.get("keytabResets", 0) + 1})
    return {"id": found.id}


def reset_password(call: Call, body: Body) -> Mapping[str, Any]:
    """The password itself is kept nowhere: nothing here ever asks for it."""
    return _changed(call, own(call, "account", body["id"]), {})


def set_quota(call: Call, body: Body) -> Mapping[str, Any]:
    """One namespace per call; an absent number means its documented default (spec 7.1)."""
    found = own(call, "account", body["id"])
    quota = {"fileCountMillion": body.get("fileCountMillion", 1), "spaceTb": body.get("spaceTb", 200)}
    return _changed(call, found, {"quotas": {**found.body["quotas"], body["namespace"]: quota}})


def _changed(call: Call, found: CloudObject, changes: Body) -> Mapping[str, Any]:
    """CHANGING for a while if the switch says so, but a creation under way stays one [E] (spec 7.2)."""
    changed = call.objects.save(found, body={**found.body, **changes})
    if found.status != "ACCEPTED":
        course = call.course(Stage("RUNNING", CHANGE_SECONDS), pace=call.switch("account-change"), failed="FAILED")
        call.objects.save(changed, status="CHANGING", course=course)
    return {"id": found.id}


def delete(call: Call, body: Body) -> Mapping[str, Any]:
    """Refused while something lives under it, by default; with it otherwise [E] (spec 7.2)."""
    found = own(call, "account", body["id"])
    if call.switch("delete-account-with-resources") == "refuse" and has_resource(call, found):
        raise refused(400, call.switch("account-has-resources-text"))
    call.objects.remove(found)
    return {"id": found.id}


OPERATIONS: Final[Mapping[str, Operation]] = {
    "accounts/checkAvailableName": Operation((NAME_LENGTHS,), check_name),
    "accounts/checkHasResource": Operation((ID,), check_has_resource),
    "accounts/create": Operation((NAME, PASSWORD), create),
    "accounts/getList": Operation((), get_list),
    "accounts/getDetail": Operation((ID,), get_detail),
    "accounts/getKerberosKeytab": Operation((ID,), get_keytab),
    "accounts/resetKerberosKeytab": Operation((ID,), reset_keytab),
    "accounts/resetPassword": Operation((ID, PASSWORD), reset_password),
    "accounts/setQuota": Operation(
        (
            ID,
            Field("namespace", required=True, choices=NAMESPACES),
            Field("fileCountMillion", Kind.INTEGER, lowest=1, highest=5),
            Field("spaceTb", Kind.INTEGER, choices=(200, 300, 400, 500)),
        ),
        set_quota,
    ),
    "accounts/delete": Operation((ID,), delete),
}

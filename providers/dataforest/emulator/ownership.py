"""Whose object is it: the 403 and 404 of spec 5.3, 5.5 and 11.1.5, and identifiers (spec 2.1)."""

from __future__ import annotations

import string
from typing import Final

from providers.dataforest.emulator.answers import not_allowed, refused
from providers.emulation import Call, CloudObject

BASE62: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase


def new_id(call: Call, type: str) -> str:
    """An identifier nobody has: from the switch's list while that lasts, else 22 random letters and digits."""
    for id in filter(None, call.switch("ids").split(",")):
        if call.objects.get(type, id) is None:
            return id
    return call.objects.new_text(BASE62, 22)


def own(call: Call, type: str, id: str, *, look: bool = False) -> CloudObject:
    """The caller's object of this ID.

    Raises Refused: 404 when there is none at all (or 403, by the switch), 403 when it is somebody else's (spec 5.5).
    """
    found = call.objects.get(type, id, look=look)
    if found is None or found.status == UNSEEN:
        raise refused(404) if call.switch("missing-id") == "404" else not_allowed(id)
    if found.owner != call.owner or found.body.get("disabled"):
        raise not_allowed(id)
    return found


def own_account(call: Call, id: str) -> CloudObject:
    """The caller's account that a request refers to. Raises Refused: 403, unknown or foreign alike (spec 5.3)."""
    found = call.objects.get("account", id)
    if found is None or found.owner != call.owner or found.body.get("disabled"):
        raise not_allowed(id)
    return found


def running_account(call: Call, account: CloudObject) -> None:
    """Refuse with 400 what is to live under an account that is not ready yet [E] (spec 7.2)."""
    if account.status != "RUNNING" and call.switch("before-account-runs") == "refuse":
        text = f"invalid request parameter (accountId, '{account.id}'). account is {account.status}, not RUNNING"
        raise refused(400, text)


# A workspace that exists but cannot be read yet, when the switch delays read-after-write (spec 15, unknown 16).
UNSEEN: Final = "UNSEEN"

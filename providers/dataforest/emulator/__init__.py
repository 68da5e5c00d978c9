"""Data Forest's API, emulated: accounts, AI workspaces, AI apps, notebooks.

An independent reading of the vendor's pages as collected in the Data Forest spec, whose sections the comments cite. It
imports neither this cloud's `schema` nor its `client`: where the two readings differ, a test fails. Marks as in the
spec: [E] is the emulator's own choice where nobody knows the truth, and has a switch where it matters.

One module per concern: `gateway` (keys, signature, routing), `fields` (what a request may hold), `ownership` (403 and
404), `answers` (shapes and texts), and one for each group of operations. This one joins them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from providers.dataforest.emulator import accounts, aiapps, aiworkspaces, gateway, notebooks
from providers.dataforest.emulator.answers import (
    GATEWAY_ERRORS,
    QUOTA_TEXT,
    gateway_error,
    service_error,
    success,
)
from providers.dataforest.emulator.fields import Operation, read
from providers.dataforest.emulator.gateway import (
    ACCESS_KEY,
    DISABLED_ACCESS_KEY,
    DISABLED_SECRET_KEY,
    OTHER_ACCESS_KEY,
    OTHER_SECRET_KEY,
    SECRET_KEY,
    UNSUBSCRIBED_ACCESS_KEY,
    UNSUBSCRIBED_SECRET_KEY,
)
from providers.emulation import PACE, PACE_TEXT, Call, Emulator, Fault, Request, Response, Switch

OPERATIONS: Final[Mapping[str, Operation]] = {
    **accounts.OPERATIONS,
    **aiworkspaces.OPERATIONS,
    **aiapps.OPERATIONS,
    **notebooks.OPERATIONS,
}

COUNT: Final = r"\d{1,6}"
GROUP_GONE: Final = rf"({'|'.join(gateway.GROUPS)})=(gateway|service)"

# Spec 11.2, 7.2, 9.5 and 15.
SWITCHES: Final[Mapping[str, Switch]] = {
    "skew": Switch("check", "check|off", "whether a clock difference of 5 minutes is refused (spec 3.1)"),
    "ids": Switch("", r"([0-9A-Za-z]{1,22}(,[0-9A-Za-z]{1,22})*)?", "identifiers to use first, in this order"),
    "account-create": Switch("auto", PACE, f"how ACCEPTED becomes RUNNING: {PACE_TEXT} (spec 7.2)"),
    "account-change": Switch("instant", PACE, f"how long CHANGING lasts: {PACE_TEXT} (spec 7.2)"),
    "accounts-per-owner": Switch("1", COUNT, "how many accounts one user may have (spec 7.2)"),
    "second-account": Switch("200", "200|400", "HTTP status of one account too many (spec 7.2)"),
    "duplicate-workspace": Switch("400", "200|400", "HTTP status of a workspace name in use (spec 5.3)"),
    "workspaces-per-account": Switch("none", f"none|{COUNT}", "how many workspaces an account may have (spec 5.3)"),
    "missing-id": Switch("404", "403|404", "what an ID that nothing has is answered with (spec 5.5)"),
    "contents": Switch("array", "array|object", "what `contents` is in a workspace's getDetail (spec 5.5)"),
    "resource-defaults": Switch("omit", "omit|echo", "whether reads show defaults of `resource` (spec 6.3)"),
    "set-configuration": Switch("replace", "replace|merge", "what setConfiguration does (spec 5.7)"),
    "workdir": Switch("drop", "drop|refuse|echo", "what becomes of docker.workdir (spec 6.2)"),
    "image-must-be-listed": Switch("no", "no|yes", "whether an image outside the catalogue is refused (spec 5.2)"),
    "delete-with-running-apps": Switch("allow", "allow|refuse", "deleting a workspace that runs (spec 5.8)"),
    "delete-account-with-resources": Switch("refuse", "refuse|allow", "deleting an account in use (spec 7.2)"),
    "account-has-resources-text": Switch("account has resources", ".+", "what that refusal says (spec 7.2)"),
    "before-account-runs": Switch("refuse", "refuse|allow", "creating under an account not RUNNING (spec 7.2)"),
    "success-message": Switch("vendor", "vendor|always|never", "`message` of a success; vendor: not for creates"),
    "date-layout": Switch("offset", "offset|utc", "+09:00 with seconds, or Z with milliseconds (spec 2.1)"),
    "removed-groups": Switch("none", f"none|{GROUP_GONE}(,{GROUP_GONE})*", "groups that are gone (spec 1)"),
    "unknown-members": Switch("ignore", "ignore|refuse", "members no table has (spec 11.1)"),
    "body-limit": Switch("1048576", r"\d{1,8}", "the largest body in bytes (spec 11.1)"),
    "workspace-visible": Switch("instant", PACE, f"when a new workspace can be read: {PACE_TEXT} (spec 15)"),
    "app-run": Switch("auto", PACE, f"how an AI app goes through its states: {PACE_TEXT}"),
    "notebook-create": Switch("auto", PACE, f"how ACCEPTED becomes RUNNING: {PACE_TEXT} (spec 9.5)"),
    "notebook-delete": Switch("instant", PACE, f"how long a deleted notebook lingers: {PACE_TEXT} (spec 9.5)"),
}


class DataForestEmulator(Emulator):
    """`https://df.apigw.ntruss.com`, as far as the spec's sections 2-9 go.

    Faults: `throttle` takes code=400, 410 (default) or 420; `error` takes code=N for a row of the gateway's table, or
    status=N and message=TEXT for an answer of the service (spec 4).
    """

    cloud: ClassVar[str] = "dataforest"
    operations: ClassVar[Sequence[str]] = tuple(OPERATIONS)
    switches: ClassVar[Mapping[str, Switch]] = SWITCHES

    def aim(self, request: Request) -> tuple[str, Sequence[str]]:
        """The operation as `<group>/<operation>`; what it is about is named by one of a few members."""
        try:
            subjects = tuple(_subjects(request.json))
        except ValueError:
            subjects = ()
        return gateway.operation_of(request), subjects

    def answer(self, call: Call) -> Response:
        """The order of spec 11.1: key, route, body, fields, then the operation's own rules."""
        call.owner = gateway.authenticate(call)
        gateway.route(call, OPERATIONS)
        operation = OPERATIONS[call.operation]
        body = read(operation.fields, gateway.body(call), strict=call.switch("unknown-members") == "refuse")
        answer = operation.carry_out(call, body)
        if isinstance(answer, Response):
            return answer
        call.object = str(answer.get("id", ""))
        return success(call, answer)

    def fault_response(self, fault: Fault) -> Response:
        """Any row of the tables of spec 4."""
        wanted = fault.parameters
        if fault.kind == "quota":
            return service_error(400, QUOTA_TEXT)
        code = wanted.get("code", "410" if fault.kind == "throttle" else None)
        if code is None:
            return service_error(wanted.get("status", 500), wanted.get("message", ""))
        rows = {
            str(row): row for row, (status, _) in GATEWAY_ERRORS.items() if fault.kind != "throttle" or status == 429
        }
        if code not in rows:
            raise ValueError(f"the gateway has no answer {code} for this; it has {', '.join(rows)}")
        return gateway_error(rows[code])


def _subjects(body: Any) -> Iterator[str]:
    """IDs and names a request is about; the account only where nothing narrower is named."""
    if not isinstance(body, dict):
        return
    search = body.get("search")
    narrow = [body.get(member) for member in ("id", "name", "aiWorkspaceId")]
    wide = [body.get("accountId"), search.get("accountId") if isinstance(search, dict) else None]
    named = [each for each in narrow if isinstance(each, str)] or [each for each in wide if isinstance(each, str)]
    yield from named


__all__ = [
    "ACCESS_KEY",
    "DISABLED_ACCESS_KEY",
    "DISABLED_SECRET_KEY",
    "OPERATIONS",
    "OTHER_ACCESS_KEY",
    "OTHER_SECRET_KEY",
    "SECRET_KEY",
    "SWITCHES",
    "UNSUBSCRIBED_ACCESS_KEY",
    "UNSUBSCRIBED_SECRET_KEY",
    "DataForestEmulator",
]

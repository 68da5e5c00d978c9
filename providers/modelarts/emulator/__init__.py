"""ModelArts' two development APIs, emulated: `demanager/instances` (A) and `notebooks` (B), with the IAM they need.

An independent reading of the vendor's pages as collected in the ModelArts spec, whose sections the comments cite. It
imports neither this cloud's `schema` nor its `client`: where the two readings differ, a test fails. Marks as in the
spec, and [E] for the emulator's own choice where nobody knows the truth; it has a switch where it matters. The two APIs
are separate stores that share next to nothing but flavors, workspaces and pools (spec 8.1), so neither do the modules.

One module per concern: `signature`, `iam` and `gateway` (who calls, what is asked), `answers` (codes and shapes),
`fields` (tables of bodies), `catalogue` (what there is to choose from); API A is `instances` with its rules and views,
API B `notebooks` with its own and its lists, and `storages`, `tags`, `images`, `authoring`. This one joins them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from providers.emulation import PACE, PACE_TEXT, Call, Emulator, Fault, Request, Response, Switch
from providers.modelarts.emulator import (
    authoring,
    gateway,
    iam,
    images,
    instances,
    notebook_lists,
    notebooks,
    storages,
    tags,
)
from providers.modelarts.emulator.answers import (
    GATEWAY_ERRORS,
    SERVICE_ERRORS,
    Answer,
    by_gateway,
    gateway_error,
    iam_error,
    service_error,
    worded,
)
from providers.modelarts.emulator.iam import (
    ACCESS_KEY,
    COLLEAGUE_ACCESS_KEY,
    COLLEAGUE_SECRET_KEY,
    DISABLED_ACCESS_KEY,
    DISABLED_SECRET_KEY,
    DOMAIN,
    EAST_PROJECT_ID,
    OTHER_ACCESS_KEY,
    OTHER_PROJECT_ID,
    OTHER_SECRET_KEY,
    PASSWORD,
    PROJECT_ID,
    REGION,
    SECRET_KEY,
    SUB_PROJECT_ID,
    USER,
)

OPERATIONS: Final[Mapping[str, Callable[..., Answer]]] = {
    **instances.OPERATIONS,
    **notebooks.OPERATIONS,
    **notebook_lists.OPERATIONS,
    **storages.OPERATIONS,
    **tags.OPERATIONS,
    **images.OPERATIONS,
    **authoring.OPERATIONS,
}

COUNT: Final = "[0-9]{1,6}"
TEXTS: Final = r"([^,\s]+(,[^,\s]+)*)?"
FIXED_PACE: Final = r"auto|instant|never|seconds:\d{1,9}(\.\d{1,6})?"
MORE_FLAVORS: Final = r"([^,=\s]+=(CPU|GPU|ASCEND)(,[^,=\s]+=(CPU|GPU|ASCEND))*)?"

# Spec 9.1, and what else the pages leave open.
SWITCHES: Final[Mapping[str, Switch]] = {
    "signature": Switch("check", "check|off", "whether a signature must match (spec 9)"),
    "skew": Switch("check", "check|off", "whether a clock difference above 15 minutes is refused (spec 2.2)"),
    "token-life": Switch("86400", r"\d{1,8}", "how many seconds a token lasts (spec 2.1)"),
    "expired-token-code": Switch("0301", "0301|0307", "APIGW code of an expired token (spec 2.3)"),
    "rate-limit": Switch("off", r"off|\d{1,4}/[1-9]\d{0,5}", "off, or N/SECONDS: calls in a window (spec 4.2)"),
    "not-found-status": Switch("400", "400|404", "HTTP status of what does not exist (spec 3.3)"),
    "unknown-members": Switch("refuse", "refuse|ignore", "members and query parameters no table has (spec 9)"),
    "empty-update": Switch("keep", "keep|bump", "whether PUT with {} touches the update time"),
    "start-from-failed": Switch("allow", "allow|refuse", "start from START_FAILED or UNAVAILABLE (spec 5.8)"),
    "sold-out": Switch("", TEXTS, "flavors that are sold out, with commas"),
    "not-permitted": Switch(
        "modelarts.vm.gpu.2p100,modelarts.vm.gpu.4p100", TEXTS, "flavors nobody may use, with commas (spec 5.3)"
    ),
    "more-flavors": Switch("", MORE_FLAVORS, "flavors besides the catalogue's: NAME=CPU|GPU|ASCEND, with commas"),
    "more-profiles": Switch("", r"([^,]+(,[^,]+)*)?", "profile IDs besides the catalogue's, with commas"),
    "workspaces": Switch("0", TEXTS, "workspace IDs there are, with commas, or any"),
    "pools": Switch("pool-example", TEXTS, "dedicated pools there are, with commas, or any"),
    "buckets": Switch("any", TEXTS, "OBS buckets that can be accessed, with commas, or any"),
    "key-pairs": Switch("any", TEXTS, "SSH key pairs there are, with commas, or any"),
    "global-credentials": Switch("set", "set|missing", "whether the global settings hold AK and SK (6319, 6782)"),
    # API A
    "demanager-success": Switch("200", "200|201|202", "HTTP status of create, delete and actions (spec 4.3)"),
    "error-text-keys": Switch("both", "both|error_msg|error_message", "where API A's errors have their text (3.1)"),
    "name-scope": Switch("project", "project|workspace", "where instance names are unique (spec 5.9)"),
    "demanager-quota": Switch("10", COUNT, "how many instances a project may have (spec 5.9)"),
    "demanager-delete-running": Switch("refuse", "refuse|allow", "deleting a running instance (spec 5.8)"),
    "demanager-create": Switch("auto", PACE, f"how CREATING becomes RUNNING, the queue included: {PACE_TEXT}"),
    "demanager-start": Switch("auto", PACE, f"how STARTING becomes RUNNING: {PACE_TEXT}"),
    "demanager-restart": Switch("auto", PACE, f"how RESTARTING becomes RUNNING: {PACE_TEXT}"),
    "demanager-stop": Switch("auto", PACE, f"how STOPPING becomes STOPPED: {PACE_TEXT}"),
    "demanager-queue": Switch("auto", PACE, f"how START_QUEUING becomes READY_TO_START: {PACE_TEXT}"),
    # API B
    "notebook-quota": Switch("10", COUNT, "how many notebooks a project may have (spec 9.1)"),
    "notebook-limit": Switch("documented", "documented|any", "a list's limit: 10, 20, 50, or any of 1-1000 (6.4)"),
    "notebook-update": Switch("split", "split|stopped", "what may change while running (spec 6.3)"),
    "notebook-update-answer": Switch("full", "full|few", "what PUT answers: the object, or a few members (6.5)"),
    "notebook-delete-running": Switch("allow", "allow|refuse", "deleting a running notebook (spec 6.3)"),
    "notebook-first-status": Switch("CREATING", "CREATING|INIT", "the status a creation begins with (spec 6.3)"),
    "growth-step": Switch("none", rf"none|{COUNT}", "by how many GB a volume may grow at once (spec 6.5)"),
    "notebook-create": Switch("auto", PACE, f"how CREATING becomes RUNNING: {PACE_TEXT}"),
    "notebook-start": Switch("auto", PACE, f"how STARTING becomes RUNNING: {PACE_TEXT}"),
    "notebook-stop": Switch("auto", PACE, f"how STOPPING becomes STOPPED: {PACE_TEXT}"),
    "notebook-delete": Switch("auto", PACE, f"how long DELETING lasts: {PACE_TEXT}"),
    "notebook-growth": Switch("auto", FIXED_PACE, "how long a volume is RESIZING: as the others, but without looks"),
    "storage-mount": Switch("auto", PACE, f"how MOUNTING and UNMOUNTING end: {PACE_TEXT}"),
    "image-save": Switch("auto", PACE, f"how SNAPSHOTTING ends: {PACE_TEXT}"),
}
ONE_SUCCESS: Final = frozenset({"list", "get", "update", "token"})  # of API A: 200 whatever the switch says
THROTTLES: Final = ("APIGW.0308", "ModelArts.6101", "ModelArts.2799", "ModelArts.4206")  # spec 4.2


class ModelArtsEmulator(Emulator):
    """`https://modelarts.{region}.myhuaweicloud.com` and `https://iam.{region}.myhuaweicloud.com` on one port.

    Faults: `throttle` takes code=APIGW.0308 (default) or one of ModelArts' own; `error` takes code=APIGW.nnnn or
    code=ModelArts.nnnn, with status and message, or status=N alone for an answer without a code of its own (IAM's
    operations answer it in IAM's shape); `quota` is 6302 in API A and 0118 in API B.
    """

    cloud: ClassVar[str] = "modelarts"
    operations: ClassVar[Sequence[str]] = (*OPERATIONS, *gateway.IAM_ROUTES.values())
    switches: ClassVar[Mapping[str, Switch]] = SWITCHES

    def aim(self, request: Request) -> tuple[str, Sequence[str]]:
        """The operation as `<group>/<operation>`; it is about the IDs of its path, or the name of a new object."""
        aim = gateway.aim_of(request)
        if aim.operation is None:
            return f"{request.method} {request.path}", ()
        if aim.operation in ("demanager/create", "notebooks/create"):
            return aim.operation, _named(request)
        return aim.operation, tuple(reversed(aim.ids))

    def answer(self, call: Call) -> Response:
        """The order of spec 2.3: limits, who, rate, whose project, which API; then the operation's own rules."""
        gateway.limits(call.request)
        if call.operation == "iam/create-token":
            return iam.create_token(call)
        caller = gateway.authenticate(call)
        gateway.rate(call)
        if call.operation == "iam/list-projects":
            return iam.list_projects(call, caller, dict(gateway.pairs(call.request)))
        aim = gateway.aim_of(call.request)
        if aim.project:
            gateway.check_project(call, caller, aim.project)
        if aim.operation is None:
            raise by_gateway("0101")
        call.owner = aim.project
        answer = OPERATIONS[aim.operation](call, caller, *aim.ids)
        return answer if isinstance(answer, Response) else Response.of_json(self._success(call), answer)

    def _success(self, call: Call) -> int:
        """200, but what API A's pages do not say is a switch (spec 4.3)."""
        group, _, operation = call.operation.partition("/")
        return int(call.switch("demanager-success")) if group == "demanager" and operation not in ONE_SUCCESS else 200

    def finish(self, call: Call, response: Response) -> Response:
        """X-Request-Id on every answer; API A's second text key (spec 1.3, 3.1)."""
        seed = call.objects.common.get("seed", "")
        request_id = hashlib.sha256(f"{seed}:{call.objects.calls_so_far()}".encode()).hexdigest()[:32]
        in_a = "/demanager/" in call.request.path
        return worded(response, request_id, call.switch("error-text-keys") if in_a else "")

    def fault_answer(self, call: Call, fault: Fault) -> Response:
        """IAM's errors have IAM's shape; a quota's code is the API's."""
        if call.operation.startswith("iam/"):
            usual = {"throttle": 429, "quota": 403}.get(fault.kind, 500)
            return iam_error(fault.parameters.get("status", usual), fault.parameters.get("message", ""))
        if fault.kind == "quota":
            return service_error("6302" if call.operation.startswith("demanager/") else "0118")
        return self.fault_response(fault)

    def fault_response(self, fault: Fault) -> Response:
        """Any row of the tables of spec 3.2 and 3.3."""
        wanted = fault.parameters
        if fault.kind == "quota":
            return service_error("0118")
        code = wanted.get("code", "APIGW.0308" if fault.kind == "throttle" else None)
        status, text = wanted.get("status"), wanted.get("message", "")
        if code is None:
            return Response.of_json(status or 500, {"error_msg": text or "error"})
        if fault.kind == "throttle" and code not in THROTTLES:
            raise ValueError(f"throttling is one of {', '.join(THROTTLES)}, not {code}")
        family, _, number = code.partition(".")
        if family == "APIGW" and number in GATEWAY_ERRORS:
            return gateway_error(number, text, status=status)
        if family == "ModelArts" and number in SERVICE_ERRORS:
            return service_error(number, text, status=status)
        raise ValueError(f"there is no code {code}: give APIGW.nnnn or ModelArts.nnnn of the error tables")


def _named(request: Request) -> tuple[str, ...]:
    try:
        name: Any = request.json.get("name")
    except (ValueError, AttributeError):
        name = None
    return (name,) if isinstance(name, str) else ()


__all__ = [
    "ACCESS_KEY",
    "COLLEAGUE_ACCESS_KEY",
    "COLLEAGUE_SECRET_KEY",
    "DISABLED_ACCESS_KEY",
    "DISABLED_SECRET_KEY",
    "DOMAIN",
    "EAST_PROJECT_ID",
    "OPERATIONS",
    "OTHER_ACCESS_KEY",
    "OTHER_PROJECT_ID",
    "OTHER_SECRET_KEY",
    "PASSWORD",
    "PROJECT_ID",
    "REGION",
    "SECRET_KEY",
    "SUB_PROJECT_ID",
    "SWITCHES",
    "USER",
    "ModelArtsEmulator",
]

"""SageMaker's API, emulated: notebook instances, domains, profiles, spaces, apps; with IAM's roles on the same port.

An independent reading of the SageMaker spec, whose sections the comments cite. It imports neither this cloud's schema
nor its client: where the two readings differ, a test fails. What a request may hold is not read from the spec but from
botocore's own service model, so that both stay current. Marks as in the spec: [E] is the emulator's own choice where
nobody knows the truth, and has a switch where it matters.

One module per concern: `gateway` (which API, which operation), `signature` (SigV4), `shapes` and `constraints` (the
model), `answers` (shapes and texts), `courses` (status over time), `references`, `settings` and `studio` (rules that
join things), `lists`, `tags`, and one for each group of operations. `query`, `policies` and `iam` are IAM's. This one
joins them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from providers.emulation import PACE, PACE_TEXT, Call, Emulator, Fault, Request, Response, Switch
from providers.sagemaker.emulator import (
    apps,
    domains,
    gateway,
    iam,
    notebooks,
    profiles,
    repositories,
    scripts,
    spaces,
    tags,
)
from providers.sagemaker.emulator.answers import (
    FAULTS,
    JSON,
    QUERY_FAULTS,
    TRANSLATED,
    answer,
    error,
    invalid,
    quota_text,
    refused,
    violations,
    xml_answer,
)
from providers.sagemaker.emulator.constraints import Unreadable, checked
from providers.sagemaker.emulator.names import Place
from providers.sagemaker.emulator.query import Form, form_of, members_of
from providers.sagemaker.emulator.shapes import Service, service
from providers.sagemaker.emulator.signature import (
    ACCESS_KEY,
    ACCOUNT,
    DISABLED_ACCESS_KEY,
    DISABLED_SECRET_KEY,
    EXPIRED_ACCESS_KEY,
    EXPIRED_SECRET_KEY,
    OTHER_ACCESS_KEY,
    OTHER_ACCOUNT,
    OTHER_SECRET_KEY,
    SECRET_KEY,
    SESSION_ACCESS_KEY,
    SESSION_SECRET_KEY,
    SESSION_TOKEN,
    UNSUBSCRIBED_ACCESS_KEY,
    UNSUBSCRIBED_SECRET_KEY,
    Caller,
    authenticate,
)

Operation = Callable[[Call, Mapping[str, Any]], Mapping[str, Any] | None]

# Spec 13: forty-five.
OPERATIONS: Final[Mapping[str, Operation]] = {
    **apps.OPERATIONS,
    **notebooks.OPERATIONS,
    **domains.OPERATIONS,
    **profiles.OPERATIONS,
    **spaces.OPERATIONS,
    **scripts.OPERATIONS,
    **repositories.OPERATIONS,
    **tags.OPERATIONS,
}
IAM_OPERATIONS: Final[Mapping[str, Operation]] = iam.OPERATIONS
IDENTITY: Final = "sts:GetCallerIdentity"

COUNT: Final = r"none|\d{1,6}"
SECONDS: Final = r"\d{1,9}(\.\d{1,6})?"
LISTED: Final = r"[0-9a-zA-Z:/_-]+"
APP_TYPES: Final = r"none|[A-Za-z]+(,[A-Za-z]+)*"

# Spec 17.3 and 20.
SWITCHES: Final[Mapping[str, Switch]] = {
    "skew": Switch("check", "check|off", "whether a signature 5 minutes off this machine's and our clock is refused"),
    "notebook-pace": Switch("auto", PACE, f"how a notebook changes status: {PACE_TEXT} (spec 5.3)"),
    "domain-pace": Switch("auto", PACE, f"how a domain changes status: {PACE_TEXT} (spec 7.3)"),
    "user-profile-pace": Switch("auto", PACE, f"how a profile changes status: {PACE_TEXT} (spec 7.3)"),
    "space-pace": Switch("auto", PACE, f"how a space changes status: {PACE_TEXT} (spec 7.3)"),
    "app-pace": Switch("auto", PACE, f"how an app changes status: {PACE_TEXT} (spec 6.3)"),
    "maintenance": Switch("never", f"never|{SECONDS}", "seconds in service before maintenance (spec 5.3, 6.3)"),
    "role-check": Switch("trust", "accept|trust|known", "a role: any; not one known here that does not trust; known"),
    "role-delay": Switch("0", SECONDS, "seconds before a role made here can be assumed (spec 11)"),
    "references": Switch("check", "check|accept", "whether objects that are named must exist (spec 17.3.6)"),
    "subnets": Switch("any", f"any|{LISTED}=vpc-[0-9a-z]+(,{LISTED}=vpc-[0-9a-z]+)*", "the subnets there are"),
    "security-groups": Switch("any", f"any|{LISTED}(=vpc-[0-9a-z]+)?(,{LISTED}(=vpc-[0-9a-z]+)?)*", "likewise"),
    "kms-keys": Switch("any", f"any|{LISTED}(=disabled)?(,{LISTED}(=disabled)?)*", "the KMS keys there are"),
    "groups-without-subnet": Switch("refuse", "refuse|ignore", "SecurityGroupIds without SubnetId (spec 5.2)"),
    "disassociate-with-value": Switch("refuse", "refuse|disassociate|set", "a flag with its field (spec 5.2)"),
    "update-failed-notebook": Switch("allow", "allow|refuse", "UpdateNotebookInstance in Failed (spec 5.3)"),
    "al2-v3": Switch("retired", "retired|available", "notebook-al2-v3: what it is since, or was before 2026-07-01"),
    "elastic-inference": Switch("accept", "accept|refuse", "AcceleratorTypes, which no longer do anything (spec 5.1)"),
    "other-hook": Switch("keep", "keep|drop", "the hook an update does not send (spec 10)"),
    "repository-in-use": Switch("allow", "allow|refuse", "deleting a repository a notebook names (spec 20)"),
    "domain-names": Switch("unique", "unique|any", "whether a second domain of a name is refused (spec 20)"),
    "domain-extras": Switch("none", "none|console", "settings a console-made domain was seen with (spec 7.1)"),
    "settings-update": Switch("replace", "replace|merge", "what an update does to settings (spec 7.2)"),
    "app-arn": Switch("lower", "lower|mixed", "how an app's type is spelled in its ARN (spec 4.6)"),
    "app-rules": Switch("strict", "strict|lax", "inferred rules of who may own which app (spec 6.2)"),
    "fifth-kernel": Switch("ResourceLimitExceeded", "[A-Za-z]+", "the code of that refusal (spec 3.4)"),
    "deprecated-app-types": Switch("none", APP_TYPES, "app types a new account cannot create"),
    "missing-app-or-space": Switch(
        "ResourceNotFound", "ResourceNotFound|ValidationException", "the code of not found (spec 3.2)"
    ),
    "add-tags-answer": Switch("all", "all|added", "which tags AddTags answers with (spec 4.5)"),
    "page-size": Switch("10", r"[1-9]\d{0,2}", "the size of a page nobody asked for (spec 4.3)"),
    "notebook-quota": Switch("none", COUNT, "how many notebooks there may be (spec 3.4)"),
    "notebook-type-quota": Switch("none", COUNT, "how many notebooks of a type may run (spec 3.4)"),
    "domain-quota": Switch("none", COUNT, "how many domains there may be"),
    "app-type-quota": Switch("none", COUNT, "how many apps of a kind may run on a type of instance (spec 3.4)"),
    "role-quota": Switch("none", COUNT, "how many roles there may be (IAM)"),
    "managed-policies": Switch("any", "any|listed", "which AWS-managed policies there are (IAM)"),
}


class SageMakerEmulator(Emulator):
    """`https://api.sagemaker.<region>.amazonaws.com`, and what of IAM and STS a workspace needs.

    Operations are called as SageMaker does (`CreateApp`), IAM's and STS's with a prefix (`iam:CreateRole`). Faults:
    `throttle` is ThrottlingException (or code=CODE), `quota` ResourceLimitExceeded, `error` takes code=CODE of `FAULTS`
    or `QUERY_FAULTS`, or any with status=N; each is worded for the protocol of the call it meets. `fail` leads to
    Failed, Update_Failed or Delete_Failed; changes={"FailureReason": ".."} says why.
    """

    cloud: ClassVar[str] = "sagemaker"
    operations: ClassVar[Sequence[str]] = (*OPERATIONS, *(f"iam:{name}" for name in IAM_OPERATIONS), IDENTITY)
    switches: ClassVar[Mapping[str, Switch]] = SWITCHES

    def aim(self, request: Request) -> tuple[str, Sequence[str]]:
        """See `gateway.aim`."""
        return gateway.aim(request)

    def answer(self, call: Call) -> Response:
        """Who calls, what is asked, whether it may be asked; then the operation's own rules (spec 17.3.2)."""
        api = gateway.api_of(call.request)
        caller = authenticate(call, api)
        if api == "sagemaker":
            return _answer_json(call, caller)
        return _answer_query(call, caller, api)

    def fault_response(self, fault: Fault) -> Response:
        """In SageMaker's words; also how a fault is judged when it is planned."""
        return _fault_answer(fault, "sagemaker")

    def fault_answer(self, call: Call, fault: Fault) -> Response:
        """In the words of the API that is called."""
        return _fault_answer(fault, gateway.api_of(call.request))


def _answer_json(call: Call, caller: Caller) -> Response:
    """JSON 1.1: target, body, constraints, operation (spec 2, 17.3)."""
    request = call.request
    known = (
        request.headers.get("x-amz-target", "") == f"{gateway.PREFIX}{call.operation}" and call.operation in OPERATIONS
    )
    kind = request.headers.get("content-type", "").lower()
    if request.method != "POST" or request.path != "/" or not known or not kind.startswith("application/x-amz-json-1."):
        raise refused("sagemaker", "UnknownOperationException", "")
    call.owner = Place(caller.account, caller.region).owner
    try:
        given, failures = checked(_model("sagemaker"), call.operation, request.json)
    except Unreadable as unreadable:
        raise refused("sagemaker", "SerializationException", str(unreadable)) from None
    except ValueError:
        raise refused("sagemaker", "SerializationException", "The request body is not valid JSON.") from None
    if failures:
        raise invalid(violations(failures))
    return answer(OPERATIONS[call.operation](call, given))


def _answer_query(call: Call, caller: Caller, api: str) -> Response:
    """The query protocol: form, constraints, operation."""
    call.owner = Place(caller.account, caller.region).iam_owner
    action = call.operation.partition(":")[2]
    if call.request.method != "POST" or call.operation not in SageMakerEmulator.operations:
        raise refused(api, "InvalidAction", f"Could not find operation {action} for version {_version(call)}")
    if call.operation == IDENTITY:
        return xml_answer(api, action, iam.get_caller_identity(call, caller))
    model = _model(api)
    try:
        given, failures = checked(model, action, members_of(model, action, _form(call)), anchor="")
    except Unreadable as unreadable:
        raise refused(api, "MalformedInput", str(unreadable)) from None
    if failures:
        raise refused(api, "ValidationError", violations(failures))
    return xml_answer(api, action, IAM_OPERATIONS[action](call, given))


def _model(api: str) -> Service:
    return service(api, tuple(OPERATIONS if api == "sagemaker" else IAM_OPERATIONS))


def _form(call: Call) -> Form:
    try:
        return form_of(call.request)
    except ValueError:
        return {}


def _version(call: Call) -> str:
    return _form(call).get("Version", "")


def _fault_answer(fault: Fault, api: str) -> Response:
    wanted = fault.parameters
    default = {"throttle": "ThrottlingException", "quota": "ResourceLimitExceeded"}.get(fault.kind)
    code = wanted.get("code") or default or _code_of(wanted.get("status", 500))
    if api != "sagemaker":
        code = TRANSLATED.get(code, code)
    tables = (FAULTS, QUERY_FAULTS) if api == "sagemaker" else (QUERY_FAULTS, FAULTS)
    status, text = next((table[code] for table in tables if code in table), (None, ""))
    if fault.kind == "quota" and api == "sagemaker":
        text = quota_text("Total number of notebook instances", 8, 8)
    status = wanted.get("status", status)
    if status is None:
        raise ValueError(f"no answer {code} is known; say status=N with it, or use one of {', '.join(FAULTS)}")
    return error(api, code, wanted.get("message", text), status)


def _code_of(status: int) -> str:
    """What an HTTP status alone is worded as."""
    return {400: "ValidationException", 503: "ServiceUnavailable"}.get(status, "InternalFailure")


__all__ = [
    "ACCESS_KEY",
    "ACCOUNT",
    "DISABLED_ACCESS_KEY",
    "DISABLED_SECRET_KEY",
    "EXPIRED_ACCESS_KEY",
    "EXPIRED_SECRET_KEY",
    "IAM_OPERATIONS",
    "JSON",
    "OPERATIONS",
    "OTHER_ACCESS_KEY",
    "OTHER_ACCOUNT",
    "OTHER_SECRET_KEY",
    "SECRET_KEY",
    "SESSION_ACCESS_KEY",
    "SESSION_SECRET_KEY",
    "SESSION_TOKEN",
    "SWITCHES",
    "UNSUBSCRIBED_ACCESS_KEY",
    "UNSUBSCRIBED_SECRET_KEY",
    "SageMakerEmulator",
]

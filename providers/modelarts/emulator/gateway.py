"""The gateway in front of ModelArts and IAM: limits, keys and tokens, routes, bodies, queries (spec 1.4, 2.3).

The order of the checks is spec 2.3's: nobody learns which paths exist without being somebody.
"""

from __future__ import annotations

import hmac
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from providers.emulation import Call, Refused, Request, Response
from providers.modelarts.emulator.answers import by_gateway, by_iam, gateway_error, refused
from providers.modelarts.emulator.iam import KEYS, Caller, caller_of_token, user_named
from providers.modelarts.emulator.signature import canonical_request, date_of, parsed, signed

SKEW_SECONDS: Final = 900  # spec 2.2
BODY_BYTES: Final = 12 * 1024 * 1024  # spec 1.4, as the next three
TARGET_BYTES: Final = 32 * 1024
HEADER_BYTES: Final = 32 * 1024
HEADERS_BYTES: Final = 128 * 1024

# Method, path after /v1/{project_id}/, operation. The first that fits wins, so fixed words stand before `{}`.
ROUTES: Final[Sequence[tuple[str, str, str]]] = (
    # API A (spec 5); an action is named in the body, so `operation_of` tells actions apart
    ("POST", "demanager/instances", "demanager/create"),
    ("GET", "demanager/instances", "demanager/list"),
    ("GET", "demanager/instances/{}", "demanager/get"),
    ("PUT", "demanager/instances/{}", "demanager/update"),
    ("DELETE", "demanager/instances/{}", "demanager/delete"),
    ("POST", "demanager/instances/{}/action", "demanager/action"),
    ("GET", "demanager/instances/{}/token", "demanager/token"),
    # API B (spec 6)
    ("POST", "notebooks", "notebooks/create"),
    ("GET", "notebooks", "notebooks/list"),
    ("GET", "notebooks/all", "notebooks/list-all"),
    ("GET", "notebooks/flavors", "notebooks/list-flavors"),
    ("GET", "notebooks/tags", "notebooks/list-tags"),
    ("GET", "notebooks/{}", "notebooks/get"),
    ("PUT", "notebooks/{}", "notebooks/update"),
    ("DELETE", "notebooks/{}", "notebooks/delete"),
    ("POST", "notebooks/{}/start", "notebooks/start"),
    ("POST", "notebooks/{}/stop", "notebooks/stop"),
    ("GET", "notebooks/{}/lease", "notebooks/get-lease"),
    ("PATCH", "notebooks/{}/lease", "notebooks/renew-lease"),
    ("GET", "notebooks/{}/flavors", "notebooks/list-switchable-flavors"),
    ("POST", "notebooks/{}/create-image", "notebooks/create-image"),
    ("GET", "notebooks/{}/storage", "notebooks/list-storages"),
    ("POST", "notebooks/{}/storage", "notebooks/mount-storage"),
    ("GET", "notebooks/{}/storage/{}", "notebooks/get-storage"),
    ("DELETE", "notebooks/{}/storage/{}", "notebooks/unmount-storage"),
    ("POST", "notebooks/{}/tags/create", "notebooks/create-tags"),
    ("DELETE", "notebooks/{}/tags/delete", "notebooks/delete-tags"),
    ("GET", "images", "images/list"),
    ("POST", "images", "images/register"),
    ("GET", "images/group", "images/list-groups"),
    ("GET", "images/{}", "images/get"),
    ("DELETE", "images/{}", "images/delete"),
    ("POST", "images/{}/sync", "images/sync"),
    ("GET", "authoring/features/{}", "authoring/get-feature"),
    ("GET", "authoring/clusters", "authoring/list-pools"),
    ("GET", "authoring/clusters/{}", "authoring/get-pool"),
)
IAM_ROUTES: Final[Mapping[tuple[str, str], str]] = {
    ("POST", "/v3/auth/tokens"): "iam/create-token",
    ("GET", "/v3/projects"): "iam/list-projects",
}
ACTIONS: Final = ("start", "stop", "restart", "queue", "dequeue")  # spec 5.7

_BY_SHAPE: Final[dict[tuple[str, int], list[tuple[tuple[str, ...], str]]]] = {}
for _method, _path, _operation in ROUTES:
    _parts = tuple(_path.split("/"))
    _BY_SHAPE.setdefault((_method, len(_parts)), []).append((_parts, _operation))


@dataclass(frozen=True, slots=True)
class Aim:
    """Where a request goes: the operation (None: nowhere), the project of its path, the IDs in it."""

    operation: str | None
    project: str = ""
    ids: tuple[str, ...] = ()


def aim_of(request: Request) -> Aim:
    """Judges nothing: an unknown path has a project too, if it begins like one."""
    path = request.path
    if path.startswith("/v3/"):
        return Aim(IAM_ROUTES.get((request.method, path)))
    _, version, *parts = path.split("/") if path.count("/") >= 2 else ("", "", "")
    if version != "v1" or not parts:
        return Aim(None)
    project, *rest = (unquote(part) for part in parts)
    for pattern, operation in _BY_SHAPE.get((request.method, len(rest)), ()):
        if all(given == wanted or (given and wanted == "{}") for wanted, given in zip(pattern, rest, strict=True)):
            ids = tuple(given for wanted, given in zip(pattern, rest, strict=True) if wanted == "{}")
            return Aim(_action_of(request) if operation == "demanager/action" else operation, project, ids)
    return Aim(None, project)


def _action_of(request: Request) -> str:
    try:
        action = request.json.get("action")
    except (ValueError, AttributeError):
        action = None
    return f"demanager/{action}" if action in ACTIONS else "demanager/action"


# Spec 1.4


def limits(request: Request) -> None:
    """Refuse what the gateway never lets through."""
    if len(request.target) > TARGET_BYTES:
        raise by_gateway("0201", "The URI is too long", status=414)
    sizes = [len(name) + len(value) for name, value in request.headers.items()]
    if sum(sizes) > HEADERS_BYTES or max(sizes, default=0) > HEADER_BYTES:
        raise by_gateway("0201", "The headers are too large", status=494)
    if len(request.body) > BODY_BYTES:
        raise by_gateway("0201", "The body is too large", status=413)


def rate(call: Call) -> None:
    """The switch's n calls in a window of so many seconds; windows begin at its multiples [E] (spec 4.2)."""
    if call.switch("rate-limit") == "off":
        return
    most, window = (int(part) for part in call.switch("rate-limit").split("/"))
    began = call.now - call.now % window
    if call.objects.calls_since(began, most) >= most:
        after = math.ceil(began + window - call.now)
        limited = gateway_error("0308")
        raise Refused(Response(limited.status, limited.body, {**limited.headers, "retry-after": str(after)}))


# Spec 2.3, 1-5


def authenticate(call: Call) -> Caller:
    """The caller by key or by token. Raises Refused."""
    headers = call.request.headers
    if "authorization" in headers:
        return _by_key(call, headers["authorization"])
    if "x-auth-token" in headers:
        return _by_token(call, headers["x-auth-token"])
    raise _unknown(call, "Neither X-Auth-Token nor Authorization is there")


def _by_key(call: Call, header: str) -> Caller:
    request = call.request
    found = parsed(header)
    if found is None:
        raise _unknown(call, "The Authorization header is not of the form of SDK-HMAC-SHA256")
    key = call.objects.key(found.access_key) or KEYS.get(found.access_key)
    if key is None or key.standing == "disabled":
        raise _unknown(call, f"The AK {found.access_key} does not exist or is disabled")
    date = request.headers.get("x-sdk-date", "")
    at = date_of(date)
    if at is None or "x-sdk-date" not in found.signed_headers:
        raise _unknown(call, "X-Sdk-Date is missing, not signed, or not of the form YYYYMMDDTHHMMSSZ")
    if abs(call.now - at) > SKEW_SECONDS and call.switch("skew") == "check":
        raise _unknown(call, f"The request's date {date} is more than 15 minutes off")
    if "x-security-token" in request.headers and "x-security-token" not in found.signed_headers:
        raise _unknown(call, "X-Security-Token is not signed")  # spec 1.2
    if call.switch("signature") == "check":
        canonical = canonical_request(request, found.signed_headers)
        if not hmac.compare_digest(signed(key.secret_key, date, canonical).encode(), found.value.encode("latin-1")):
            shown = canonical.decode("utf-8", "replace").replace("\n", "|")
            raise _unknown(call, f"The signature does not match that of the canonical request {shown}")
    if key.standing == "unsubscribed":
        raise refused("6201")
    return Caller(user_named(key.owner))


def _by_token(call: Call, token: str) -> Caller:
    found = caller_of_token(call, token)
    if found is None:
        raise _unknown(call, "The token cannot be decoded")
    caller, expires = found
    if expires <= call.now:
        number = call.switch("expired-token-code")
        raise _unknown(call, f"The token expired {call.now - expires:.0f} s ago", number)
    return caller


def _unknown(call: Call, text: str, number: str = "0301") -> Refused:
    """401 in the gateway's words, in IAM's where IAM is asked."""
    return by_iam(401, text) if call.operation.startswith("iam/") else by_gateway(number, text)


def check_project(call: Call, caller: Caller, project: str) -> None:
    """Spec 2.3.5: the path's project is one of the caller's, and the one its token or header names."""
    if caller.by_token and not caller.project:
        raise refused("0204")
    named = call.request.headers.get("x-project-id")
    allowed = {caller.project} if caller.by_token else set(caller.user.projects)
    if project not in allowed or (named is not None and named != project):
        raise refused("0210")


# Bodies and queries


def body(call: Call, wrong: str) -> dict[str, Any]:
    """The body as a JSON object, no body as an empty one. Raises Refused with the code of the API's own."""
    try:
        found = call.request.json
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise refused(wrong, "The body is not a JSON object")
    return found


Query = Mapping[str, str]


def query(call: Call, known: Mapping[str, str], wrong: str) -> Query:
    """The query's parameters, each checked by its regex and given once.

    An unknown one is refused like an unknown member [E]: a misspelt filter would otherwise select everything.
    """
    found: dict[str, str] = {}
    for name, value in pairs(call.request):
        if name not in known:
            if call.switch("unknown-members") == "ignore":
                continue
            raise refused(wrong, f"There is no query parameter {name}")
        if name in found:
            raise refused(wrong, f"The query parameter {name} is given more than once")
        if not re.fullmatch(known[name], value, re.DOTALL):
            raise refused(wrong, f"The query parameter {name} cannot be {value}")
        found[name] = value
    return found


def pairs(request: Request) -> list[tuple[str, str]]:
    """The query's parameters in order, decoded; a plus is a plus (spec 2.2.2)."""
    parts = [each.partition("=")[::2] for each in request.target.partition("?")[2].split("&") if each]
    return [(unquote(name), unquote(value)) for name, value in parts]

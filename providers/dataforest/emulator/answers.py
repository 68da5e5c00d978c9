"""The two shapes of a Data Forest error, the success envelope and the dates (spec 2.1, 2.2, 4.1, 4.2).

Texts that the vendor's pages show are kept byte for byte; those the emulator had to invent are marked [E].
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from providers.emulation import Call, Refused, Response

KOREA: Final = timezone(timedelta(hours=9))

# Spec 4.2: errorCode -> HTTP status, message.
GATEWAY_ERRORS: Final[Mapping[int, tuple[int, str]]] = {
    100: (400, "Bad Request Exception"),
    200: (401, "Authentication Failed"),
    210: (401, "Permission Denied"),
    300: (404, "Not Found Exception"),
    400: (429, "Quota Exceeded"),
    410: (429, "Throttle Limited"),
    420: (429, "Rate Limited"),
    430: (413, "Request Entity Too Large"),
    500: (503, "Endpoint Error"),
    510: (504, "Endpoint Timeout"),
    900: (500, "Unexpected Error"),
}

# Spec 4.1: HTTP status -> the table's text.
SERVICE_ERRORS: Final[Mapping[int, str]] = {
    400: "invalid request parameters",
    403: "not allowed to access",
    404: "no such element",
    500: "unexpected error",
}
QUOTA_TEXT: Final = "exceeded limit on resource quota"

# Spec 4.1, from the accounts page; its end is not visible there, "r user." is ours [E].
ONE_ACCOUNT_TEXT: Final = "Data Forest can only create and use one account per user."


def gateway_error(code: int) -> Response:
    """An answer of the gateway: the code is a string, as in the vendor's sample (spec 4.2)."""
    status, message = GATEWAY_ERRORS[code]
    return Response.of_json(status, {"error": {"errorCode": str(code), "message": message}})


def service_error(status: int, message: str = "") -> Response:
    """An answer of Data Forest itself; no message: the table's (spec 4.1)."""
    text = message or SERVICE_ERRORS.get(status, SERVICE_ERRORS[500])
    return Response.of_json(status, {"message": text, "success": False})


def by_gateway(code: int) -> Refused:
    """A refusal before the service is reached."""
    return Refused(gateway_error(code))


def refused(status: int, message: str = "") -> Refused:
    """A refusal by the service."""
    return Refused(service_error(status, message))


def invalid(path: str, value: Any, rule: str) -> Refused:
    """400 in the template of spec 4.1."""
    return refused(400, invalid_text(path, value, rule))


def invalid_text(path: str, value: Any, rule: str) -> str:
    """`invalid request parameter (<path>, '<value>'). <rule>`; a missing value is printed as `null`."""
    shown = "null" if value is None else f"'{value}'"
    return f"invalid request parameter ({path}, {shown}). {rule}"


def taken(name: str) -> str:
    """What `checkAvailableName` says of a name in use (spec 4.1)."""
    return f"'{name}' is not registrable name. already registered."


def not_allowed(id: str) -> Refused:
    """403 for what belongs to somebody else (spec 4.1)."""
    return refused(403, f"resource ('{id}') is not allowed or not exists")


def success(call: Call, members: Mapping[str, Any]) -> Response:
    """200; `message` as the switch says, by default absent for creates and `success` elsewhere (spec 11.2)."""
    choice = call.switch("success-message")
    said = choice == "always" or (choice == "vendor" and not call.operation.endswith("/create"))
    message = {"message": "success"} if said else {}
    return Response.of_json(200, {"success": True, **message, **members})


def date(call: Call, at: float) -> str:
    """An instant in the layout the switch chooses (spec 2.1)."""
    if call.switch("date-layout") == "offset":
        return datetime.fromtimestamp(at, KOREA).isoformat(timespec="seconds")
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

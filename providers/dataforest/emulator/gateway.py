"""The API Gateway in front of Data Forest: keys, signature, routing, body (spec 3, 11.1.1-3)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from providers.dataforest.emulator.answers import by_gateway, refused
from providers.emulation import Call, Key, Request

PREFIX: Final = "/api/v2/"
GROUPS: Final = ("accounts", "aiworkspaces", "aiapps", "notebooks")
SKEW_MILLISECONDS: Final = 300_000  # a difference of five minutes is refused already (spec 3.1)

# Keys every file knows, made up so that nobody mistakes them for real ones; the file may hold more (`add_key`).
ACCESS_KEY: Final = "EXAMPLEACCESSKEY0001"
SECRET_KEY: Final = "exampleSecretKey0123456789ABCDEFGHIJKLMN"
OTHER_ACCESS_KEY: Final = "EXAMPLEACCESSKEY0002"
OTHER_SECRET_KEY: Final = "exampleOtherSecretKey0123456789ABCDEFGHI"
UNSUBSCRIBED_ACCESS_KEY: Final = "EXAMPLEACCESSKEY0003"
UNSUBSCRIBED_SECRET_KEY: Final = "exampleUnsubscribedSecretKey0123456789AB"
DISABLED_ACCESS_KEY: Final = "EXAMPLEACCESSKEY0004"
DISABLED_SECRET_KEY: Final = "exampleDisabledSecretKey0123456789ABCDEF"

KEYS: Final[Mapping[str, Key]] = {
    key.access_key: key
    for key in (
        Key(ACCESS_KEY, SECRET_KEY, "example-user"),
        Key(OTHER_ACCESS_KEY, OTHER_SECRET_KEY, "other-user"),
        Key(UNSUBSCRIBED_ACCESS_KEY, UNSUBSCRIBED_SECRET_KEY, "third-user", "unsubscribed"),
        Key(DISABLED_ACCESS_KEY, DISABLED_SECRET_KEY, "example-user", "disabled"),
    )
}


def authenticate(call: Call) -> str:
    """The owner whose key signed the call, checked in the order of spec 3.4. Raises Refused.

    A signature seen before is fine: there is no nonce (spec 3.2).
    """
    headers = call.request.headers
    timestamp = headers.get("x-ncp-apigw-timestamp", "")
    access_key = headers.get("x-ncp-iam-access-key", "")
    signature = headers.get("x-ncp-apigw-signature-v2", "")
    if not (timestamp and access_key and signature):
        raise by_gateway(200)
    if not _in_time(call, timestamp):
        raise by_gateway(200)
    key = call.objects.key(access_key) or KEYS.get(access_key)
    if key is None or key.standing == "disabled":
        raise by_gateway(200)
    expected = sign(key.secret_key, call.request.method, call.request.target, timestamp, access_key)
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise by_gateway(200)
    if key.standing == "unsubscribed":
        raise by_gateway(210)  # permission denied, and still a 401 (spec 3.4)
    return key.owner


def sign(secret_key: str, method: str, target: str, timestamp: str, access_key: str) -> str:
    """Signature v2 (spec 3.2): three lines, LF between them and none after; the body is not part of it."""
    text = f"{method} {target}\n{timestamp}\n{access_key}"
    return base64.b64encode(hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def _in_time(call: Call, timestamp: str) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 20):
        return False
    apart = abs(round(call.now * 1000) - int(timestamp))
    return apart < SKEW_MILLISECONDS or call.switch("skew") == "off"


def operation_of(request: Request) -> str:
    """`<group>/<operation>` of a path under the API, any other path as it is."""
    return request.path.removeprefix(PREFIX)


def route(call: Call, known: Mapping[str, Any]) -> None:
    """Refuse what no operation serves (spec 11.1.2); an unknown operation of a known group is the service's 404."""
    request = call.request
    group = call.operation.partition("/")[0]
    if not request.path.startswith(PREFIX) or group not in GROUPS or "/" not in call.operation:
        raise by_gateway(300)
    if request.method != "POST":
        raise by_gateway(300)
    removed = dict(each.split("=") for each in call.switch("removed-groups").split(",") if "=" in each)
    if group in removed:
        raise by_gateway(300) if removed[group] == "gateway" else refused(404)
    if call.operation not in known:
        raise refused(404)


def body(call: Call) -> Any:
    """The JSON body; a missing one counts as `{}` (spec 11.1.3). XML is out of the emulator's scope (spec 2.3)."""
    request = call.request
    if len(request.body) > int(call.switch("body-limit")):
        raise by_gateway(430)
    kind = request.headers.get("content-type", "")
    wanted = request.headers.get("accept", "")
    if _is_xml(kind) or (_is_xml(wanted) and "json" not in wanted and "*/*" not in wanted):
        raise refused(415, "XML is out of the scope of this emulator: use application/json")
    try:
        return request.json
    except ValueError:
        raise refused(400) from None


def _is_xml(kind: str) -> bool:
    return "/xml" in kind.lower() or "+xml" in kind.lower()

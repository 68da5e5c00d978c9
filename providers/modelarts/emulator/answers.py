"""Answers and refusals in the shapes of gateway, ModelArts and IAM (spec 3.1).

Codes and HTTP statuses are the vendor's (spec 3.2, 3.3); the texts are ours, because the vendor's may be reworded at
any time and only codes are stable (spec 0). API A's second text key is added to every refusal in one place (`worded`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from providers.emulation import Call, Refused, Response

REQUEST_ID: Final = "{request-id}"  # stands in a gateway's error until `worded` knows the answer's own

# Spec 3.2: APIGW.<number> -> HTTP status, text.
GATEWAY_ERRORS: Final[Mapping[str, tuple[int, str]]] = {
    "0101": (404, "The API or its method does not exist"),
    "0103": (404, "The API has no backend"),
    "0104": (400, "The request cannot be routed"),
    "0105": (400, "The backend cannot be determined"),
    "0106": (400, "The orchestration failed"),
    "0201": (400, "Bad request"),
    "0301": (401, "Incorrect IAM authentication"),
    "0302": (403, "The IAM user is not allowed to use this API"),
    "0303": (401, "Incorrect app authentication"),
    "0304": (403, "The app is not allowed to use this API"),
    "0305": (401, "Incorrect authentication"),
    "0306": (403, "Access to this API is refused"),
    "0307": (401, "The token must be renewed"),
    "0308": (429, "Too many requests"),
    "0310": (403, "The project is unavailable"),
    "0401": (403, "The client's address is unknown"),
    "0402": (403, "The client's address is not allowed"),
    "0601": (500, "Internal error of the gateway"),
    "0602": (400, "Bad request"),
    "0613": (503, "IAM is unavailable"),
    "0802": (403, "The IAM user is disabled in this region"),
}

# Spec 3.3: ModelArts.<number> -> HTTP status, text. Where the page lists two statuses the one of its rows is taken that
# a client meets; 0116 and 6768 are listed with HTTP 100, which no final answer can have.
SERVICE_ERRORS: Final[Mapping[str, tuple[int, str]]] = {
    "0010": (500, "Internal error"),
    "0101": (400, "Invalid argument"),
    "0102": (400, "The workspace does not exist"),
    "0104": (400, "Invalid parameter"),
    "0107": (400, "Invalid pair of parameter values"),
    "0108": (403, "The operation is not permitted"),
    "0112": (403, "A policy forbids the operation"),
    "0113": (400, "The workspace's quota of notebooks is used up"),
    "0116": (400, "The quota is exceeded"),
    "0118": (400, "The quota is insufficient"),
    "0201": (401, "The token is missing"),
    "0202": (401, "The token has expired"),
    "0203": (401, "The token is invalid"),
    "0204": (401, "The token has no project"),
    "0205": (401, "The authorization header is missing"),
    "0206": (401, "The AK or SK is invalid"),
    "0207": (401, "The authorization header is malformed"),
    "0208": (401, "The authorization has expired"),
    "0209": (401, "The authorization failed"),
    "0210": (403, "The project ID of the path is not the caller's"),
    "0212": (401, "The app ID is missing"),
    "1002": (400, "OBS failed"),
    "1003": (400, "OBS is not permitted, or the account is abnormal"),
    "2799": (429, "Too many requests"),
    "4206": (429, "Too many requests"),
    "6100": (408, "The request timed out"),
    "6101": (429, "The service is busy"),
    "6102": (500, "Internal error of the service"),
    "6200": (500, "There are no resources"),
    "6201": (401, "The account is suspended"),
    "6203": (401, "The account is restricted"),
    "6301": (400, "An instance of this name exists"),
    "6302": (400, "There may be no more instances"),
    "6303": (400, "Sorting on this field is not supported"),
    "6304": (400, "The instance must be stopped before it is deleted"),
    "6305": (400, "The instance is running already"),
    "6306": (400, "The instance is starting"),
    "6307": (400, "The instance is stopped already"),
    "6308": (400, "The instance is stopping"),
    "6309": (400, "The instance does not exist"),
    "6316": (400, "The storage is missing"),
    "6317": (400, "The storage path is missing"),
    "6318": (400, "The storage path does not end with a slash"),
    "6319": (400, "The global settings hold no AK and SK"),
    "6320": (400, "OBS cannot be accessed"),
    "6323": (400, "The flavor is not supported"),
    "6324": (400, "The type of storage is not supported"),
    "6326": (400, "The instance is frozen"),
    "6327": (400, "The instance is not running"),
    "6328": (400, "The flavor is not permitted to this user"),
    "6329": (400, "The flavor is sold out"),
    "6330": (400, "The hardware of the profile is not that of the flavor"),
    "6331": (400, "The size of the EVS disk is out of range"),
    "6332": (400, "The JSON type is wrong"),
    "6333": (400, "The service is being restored, try later"),
    "6334": (400, "The name or the description has a forbidden character"),
    "6335": (400, "A required property is missing"),
    "6336": (400, "The value of a property is wrong"),
    "6341": (400, "The repository does not exist"),
    "6343": (400, "The repository exists"),
    "6344": (400, "The repository is in use"),
    "6345": (400, "Repositories do not go with OBS storage"),
    "6346": (400, "The time of the auto stop is not in the future"),
    "6347": (400, "The parameter cannot be changed in this status"),
    "6348": (400, "The duration is missing"),
    "6349": (400, "The duration is out of range"),
    "6350": (400, "OBS refuses access"),
    "6353": (400, "The AK or SK is wrong"),
    "6354": (400, "The AK and SK are another user's"),
    "6355": (400, "The resource pool is being initialized, try later"),
    "6357": (400, "The instance's status does not allow this"),
    "6358": (400, "The storage path is the root of a bucket"),
    "6360": (400, "The start failed for lack of resources"),
    "6361": (400, "Internal or configuration error"),
    "6371": (400, "The bucket is not of the class Standard"),
    "6374": (400, "No agency is set"),
    "6376": (400, "The agency is wrong"),
    "6377": (400, "The agency lacks permissions"),
    "6378": (400, "The credentials are wrong"),
    "6379": (400, "The credentials lack permissions"),
    "6400": (400, "The payload is invalid"),
    "6401": (400, "The token is illegal"),
    "6404": (400, "The notebook does not exist"),
    "6407": (400, "No permission"),
    "6528": (400, "EVS is sold out"),
    "6600": (400, "A parameter is wrong"),
    "6716": (400, "The flavor is sold out"),
    "6737": (400, "The tag of the image is in use"),
    "6768": (400, "The image needs an SSH configuration"),
    "6771": (400, "The image is too large"),
    "6782": (400, "Mounting OBS needs an AK and SK in the settings"),
    "6789": (400, "The key pair cannot be used by this user"),
    "6792": (400, "The instance cannot change to this flavor"),
    "6797": (400, "The image does not exist"),
    "6870": (400, "The flavor lacks what the instance needs"),
    "7001": (500, "Internal error of workspaces"),
    "7002": (400, "The workspace's parameters are wrong"),
    "7003": (400, "The workspace's name is in use"),
    "7004": (400, "The workspace is in an abnormal state"),
    "7005": (400, "The workspace does not exist"),
    "7006": (400, "There are too many workspaces"),
    "7008": (500, "A dependency of workspaces failed"),
    "7009": (500, "A dependency of workspaces failed"),
}

# Spec 2.1.
IAM_TITLES: Final[Mapping[int, str]] = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def gateway_error(number: str, text: str = "", *, status: int | None = None) -> Response:
    """An answer of the gateway; `0201` has several statuses (spec 3.2)."""
    usual, meaning = GATEWAY_ERRORS[number]
    body = {"error_code": f"APIGW.{number}", "error_msg": text or meaning, "request_id": REQUEST_ID}
    return Response.of_json(status or usual, body)


def service_error(number: str, text: str = "", *, status: int | None = None) -> Response:
    """An answer of ModelArts itself."""
    usual, meaning = SERVICE_ERRORS[number]
    return Response.of_json(status or usual, {"error_code": f"ModelArts.{number}", "error_msg": text or meaning})


def iam_error(status: int, text: str = "") -> Response:
    """An answer of IAM, whose errors have a shape of their own (spec 2.1)."""
    title = IAM_TITLES.get(status, "Error")
    return Response.of_json(status, {"error": {"code": status, "message": text or title, "title": title}})


def by_gateway(number: str, text: str = "", *, status: int | None = None) -> Refused:
    """A refusal before the service is reached."""
    return Refused(gateway_error(number, text, status=status))


def refused(number: str, text: str = "", *, status: int | None = None) -> Refused:
    """A refusal by ModelArts."""
    return Refused(service_error(number, text, status=status))


def by_iam(status: int, text: str = "") -> Refused:
    """A refusal by IAM."""
    return Refused(iam_error(status, text))


def missing(call: Call, number: str, what: str, id: str) -> Refused:
    """What does not exist: HTTP 400 with a code, or 404 by the switch (spec 3.3, 9.1)."""
    return refused(number, f"The {what} {id} does not exist", status=int(call.switch("not-found-status")))


def worded(response: Response, request_id: str, second_key: str = "") -> Response:
    """The answer as it leaves: with its request ID everywhere (spec 1.3).

    `second_key`: what ModelArts's own errors call their text, for API A (spec 3.1): both, error_msg or error_message.
    """
    headers = {**response.headers, "x-request-id": request_id}
    body = response.body
    if response.status >= 400:
        body = body.replace(REQUEST_ID.encode(), request_id.encode())
        if second_key not in ("", "error_msg") and body.startswith(b'{"error_code":"ModelArts.'):
            members = json.loads(body)
            members["error_message"] = members["error_msg"]
            if second_key == "error_message":
                del members["error_msg"]
            body = json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(response.status, body, headers)


def milliseconds(at: float) -> int:
    """An instant as both APIs tell it: whole milliseconds since the epoch."""
    return round(at * 1000)


def instant(at: float) -> str:
    """The same as text, for API A's two timestamps (spec 5)."""
    return str(milliseconds(at))


Answer = Mapping[str, Any] | Response

"""The shapes of answers and errors: JSON 1.1 for SageMaker, XML for IAM and STS (spec 2, 3).

Texts that somebody has seen are kept letter by letter, with the spec's place; those the emulator had to invent are
marked [E] where they are raised.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

from providers.emulation import CloudObject, Refused, Response

JSON: Final = "application/x-amz-json-1.1"
NAMESPACES: Final[Mapping[str, str]] = {
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}

# Spec 3.1: these have a single member `Message`; the rest spell it small.
MODELLED: Final = frozenset(
    {"ResourceNotFound", "ResourceInUse", "ResourceLimitExceeded", "ConflictException", "ResourceAlreadyExists"}
)

# What a fault may ask for by its code alone (spec 3.1, 3.4): HTTP status and text. The texts of the last four are
# AWS's own everywhere, the others [E].
FAULTS: Final[Mapping[str, tuple[int, str]]] = {
    "ThrottlingException": (400, "Rate exceeded"),
    "ValidationException": (400, "The request is not valid."),
    "ResourceNotFound": (400, "The resource does not exist."),
    "ResourceInUse": (400, "The resource is in use."),
    "ResourceLimitExceeded": (400, "The account-level service limit is reached."),
    "ConflictException": (400, "The resource was changed by another request. Read it and try again."),
    "AccessDeniedException": (400, "User is not authorized to perform this operation."),
    "InternalFailure": (500, "The request processing has failed because of an unknown error."),
    "ServiceUnavailable": (503, "The request has failed due to a temporary failure of the server."),
    "ExpiredTokenException": (400, "The security token included in the request is expired"),
    "UnrecognizedClientException": (400, "The security token included in the request is invalid."),
}

# The same for IAM and STS. What a fault names in the words of the other protocol is translated.
QUERY_FAULTS: Final[Mapping[str, tuple[int, str]]] = {
    "Throttling": (400, "Rate exceeded"),
    "ValidationError": (400, "The request is not valid."),
    "NoSuchEntity": (404, "The entity does not exist."),
    "EntityAlreadyExists": (409, "The entity already exists."),
    "DeleteConflict": (409, "The entity has subordinate entities."),
    "LimitExceeded": (409, "The account's quota is reached."),
    "MalformedPolicyDocument": (400, "Syntax errors in policy."),
    "ConcurrentModification": (409, "The entity was changed by another request."),
    "EntityTemporarilyUnmodifiable": (409, "The entity was deleted and recreated moments ago. Try again later."),
    "UnmodifiableEntity": (400, "Only the service that owns the role can change it."),
    "AccessDenied": (403, "User is not authorized to perform this operation."),
    "ServiceFailure": (500, "The request processing has failed because of an unknown error."),
    "ServiceUnavailable": (503, "The request has failed due to a temporary failure of the server."),
    "ExpiredToken": (403, "The security token included in the request is expired"),
    "InvalidClientTokenId": (403, "The security token included in the request is invalid."),
}
TRANSLATED: Final[Mapping[str, str]] = {
    "ThrottlingException": "Throttling",
    "ValidationException": "ValidationError",
    "ResourceNotFound": "NoSuchEntity",
    "ResourceInUse": "DeleteConflict",
    "ResourceLimitExceeded": "LimitExceeded",
    "ConflictException": "ConcurrentModification",
    "AccessDeniedException": "AccessDenied",
    "InternalFailure": "ServiceFailure",
    "ExpiredTokenException": "ExpiredToken",
    "UnrecognizedClientException": "InvalidClientTokenId",
}


def answer(members: Mapping[str, Any] | None) -> Response:
    """200 of SageMaker; `members` None: an operation without an output shape sends nothing at all (spec 2)."""
    headers = {"content-type": JSON, "x-amzn-requestid": str(uuid.uuid4())}
    if members is None:
        return Response(200, b"", headers)
    return Response.of_json(200, members, headers)


def xml_answer(api: str, operation: str, members: Mapping[str, Any] | None) -> Response:
    """200 of a query API; `members` None: an operation without a result."""
    result = "" if members is None else f"<{operation}Result>{_xml(members)}</{operation}Result>"
    id = str(uuid.uuid4())
    text = (
        f'<{operation}Response xmlns="{NAMESPACES[api]}">{result}'
        f"<ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{operation}Response>"
    )
    return Response(200, text.encode("utf-8", "replace"), {"content-type": "text/xml", "x-amzn-requestid": id})


def error(api: str, code: str, text: str, status: int = 400) -> Response:
    """An error in the words of the API: the code twice for JSON, once in the body and once in a header (spec 2)."""
    id = str(uuid.uuid4())
    headers = {"x-amzn-requestid": id}
    if api == "sagemaker":
        member = "Message" if code in MODELLED else "message"
        return Response.of_json(
            status, {"__type": code, member: text}, {**headers, "content-type": JSON, "x-amzn-errortype": code}
        )
    blame = "Sender" if status < 500 else "Receiver"
    body = (
        f'<ErrorResponse xmlns="{NAMESPACES[api]}"><Error><Type>{blame}</Type><Code>{code}</Code>'
        f"<Message>{_text(text)}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>"
    )
    return Response(status, body.encode("utf-8", "replace"), {**headers, "content-type": "text/xml"})


def refused(api: str, code: str, text: str, status: int = 400) -> Refused:
    """A refusal in the words of the API."""
    return Refused(error(api, code, text, status))


def invalid(text: str) -> Refused:
    """ValidationException: every constraint, every guard of a notebook, and more (spec 3.1)."""
    return refused("sagemaker", "ValidationException", text)


def missing(text: str) -> Refused:
    """ResourceNotFound (spec 3.2)."""
    return refused("sagemaker", "ResourceNotFound", text)


def in_use(text: str) -> Refused:
    """ResourceInUse: exists already, busy, or has children (spec 3.1)."""
    return refused("sagemaker", "ResourceInUse", text)


def over_quota(quota: str, most: int, present: int, unit: str = "Instances") -> Refused:
    """ResourceLimitExceeded in the text of spec 3.4."""
    return refused("sagemaker", "ResourceLimitExceeded", quota_text(quota, most, present, unit))


def quota_text(quota: str, most: int, present: int, unit: str = "Instances") -> str:
    """Spec 3.4; the advice at its end is paraphrased there, the words are ours [E]."""
    return (
        f"The account-level service limit '{quota}' is {most} {unit}, with current utilization of {present} {unit}"
        f" and a request delta of 1 {unit}. Please contact AWS support to request an increase for this limit."
    )


def shown(found: CloudObject) -> dict[str, Any]:
    """The body as a Describe shows it: unset members left out (spec 2), tags too, and what is ours to remember."""
    return {
        name: value
        for name, value in found.body.items()
        if value is not None and name != "Tags" and not name.startswith("_")
    }


def epoch(at: float) -> float:
    """An instant as this API writes it: seconds since the epoch, with a fraction (spec 2)."""
    return round(at, 3)


def violations(failures: Sequence[str]) -> str:
    """All the constraint failures of one request in one text (spec 3.3)."""
    count = "1 validation error" if len(failures) == 1 else f"{len(failures)} validation errors"
    return f"{count} detected: {'; '.join(failures)}"


def _xml(value: Any) -> str:
    """Members by their names, items of a list as `member`, what is None not at all."""
    if isinstance(value, Mapping):
        return "".join(f"<{name}>{_xml(each)}</{name}>" for name, each in value.items() if each is not None)
    if isinstance(value, list):
        return "".join(f"<member>{_xml(each)}</member>" for each in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(str(value))


def _text(text: str) -> str:
    """What XML can hold: markup escaped, control characters (which it has no spelling for) replaced."""
    kept = "".join(
        each if each in "\t\n\r" or (each >= " " and each not in "\ufffe\uffff") else "\ufffd" for each in text
    )
    return escape(kept, {"\r": "&#13;"})

"""What AWS's error answers mean: may the call be tried again, and which of our errors is it?

Told apart by their code; where AWS uses one code for everything (ValidationException), by their text (specification
sections 3.1 to 3.4).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from engine.core.errors import CloudError, CredentialsError, WorksteadError
from providers.errors import ForbiddenError, NotFoundError, RefusedError
from providers.patience import Verdict
from providers.sagemaker.errors import ConflictError, InUseError, LimitError, RoleNotReadyError

THROTTLED: Final = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottledException",
        "RequestThrottled",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "SlowDown",
        "EC2ThrottledException",
    }
)
BAD_CREDENTIALS: Final = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "AuthFailure",
        "InvalidAccessKeyId",
        "NotAuthorized",
    }
)
FORBIDDEN: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "OptInRequired"})
MISSING: Final = frozenset({"ResourceNotFound", "ResourceNotFoundException", "NoSuchEntity", "NoSuchEntityException"})
IN_USE: Final = frozenset({"ResourceInUse", "DeleteConflict", "DeleteConflictException"})
LIMITS: Final = frozenset({"ResourceLimitExceeded", "LimitExceeded", "ServiceQuotaExceededException"})
CONFLICTS: Final = frozenset(
    {"ConflictException", "ConcurrentModification", "ConcurrentModificationException", "EntityTemporarilyUnmodifiable"}
)

_GONE = re.compile(
    r"RecordNotFound|does not exist|cannot find|could not find|not found|has already been deleted"
    r"|previously failed and was automatically deleted"
    r"|^Unable to describe Notebook Instance Lifecycle Config",
    re.IGNORECASE,
)
_NOT_ASSUMABLE = re.compile(r"could not assume role", re.IGNORECASE)
_QUOTA = re.compile(
    r"service limit '(?P<name>[^']+)' is (?P<most>\S+) .*?current utilization of (?P<used>\S+)",
    re.IGNORECASE | re.DOTALL,
)
_PLACE = re.compile(r" at '(?P<path>[\w.]+)' failed to satisfy constraint")
_SKEW = re.compile(r"signature (expired|not yet current)|clock|expired", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """An error answer: its code, its text, the HTTP status, and how many seconds it asks to wait."""

    operation: str
    code: str
    text: str
    status: int
    after: float | None = None


def judged(said: Said) -> tuple[Verdict, WorksteadError]:
    """What an error answer means: may it be tried again, and the error of ours."""
    operation, code, text = said.operation, said.code, said.text or "no reason given"
    if code in THROTTLED or said.status == 429:
        return Verdict.THROTTLED, CloudError(
            f"{operation} was throttled: {text}",
            retryable=True,
            why="Nothing was carried out.",
            remedy="wait, then run again, perhaps with a lower --parallel",
            reference="throttled",
        )
    if code in BAD_CREDENTIALS:
        # Neither AWS's text nor ours repeats what was signed: that may name the key.
        clock = "The signature's time was refused: is this computer's clock right? " if _SKEW.search(text) else ""
        return Verdict.REFUSED, CredentialsError(
            f"AWS did not accept the credentials ({code})",
            why=f"{clock}The access key is unknown or disabled, its secret is wrong, or a session has ended.",
            remedy="check the access key and its secret (sagemaker: or aws:accessKey and secretKey, the environment, "
            "or the profile); for a session, log in again",
            reference="credentials-refused",
        )
    if said.status >= 500:
        return Verdict.UNCERTAIN, CloudError(
            f"{operation} failed on AWS's side ({code or said.status}): {text}",
            retryable=True,
            uncertain=True,
            why="Whether it was carried out is not known.",
            remedy="run again",
            reference="service-failed",
        )
    return Verdict.REFUSED, _refusal(operation, code, text)


def _refusal(operation: str, code: str, text: str) -> CloudError:
    summary = f"{operation} was refused: {text}"
    if code in FORBIDDEN:
        passing = " To pass a role on, iam:PassRole is needed, too." if "Create" in operation else ""
        return ForbiddenError(
            summary,
            why=f"The credentials are good, but their policies do not allow this.{passing}",
            remedy="ask for the permission that the message names",
        )
    if code in LIMITS:
        quota = _QUOTA.search(text)
        why = f"The quota {quota['name']!r} is {quota['most']}; {quota['used']} are in use." if quota else ""
        return LimitError(
            summary,
            why=why or "A quota of the account is used up.",
            remedy="end what is not needed, or ask for more in the console under Service Quotas",
        )
    if code in MISSING:
        return NotFoundError(summary, remedy="check the name, the account and the region; if it is gone, refresh")
    if code in IN_USE:
        return InUseError(summary, remedy="wait until it is not busy, or end what uses it; then run again")
    if code in CONFLICTS:
        return ConflictError(summary, retryable=True, remedy="run again")
    if _NOT_ASSUMABLE.search(text):
        return RoleNotReadyError(
            summary,
            retryable=True,
            why="The role's trust policy has to name sagemaker.amazonaws.com; a role made seconds ago takes a while.",
            remedy="check the role's trust policy, then run again",
        )
    if code == "ValidationException" and "validation error" not in text and _GONE.search(text):
        return NotFoundError(summary, remedy="check the name, the account and the region; if it is gone, refresh")
    place = _PLACE.search(text)
    return RefusedError(
        summary if code in ("ValidationException", "") else f"{summary} ({code})",
        path=place["path"] if place else "",
        remedy="correct the inputs, if the message is about them",
    )

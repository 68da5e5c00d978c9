"""What an answer of ModelArts, its gateway or IAM means: whose fault it is, and whether trying again can help.

The vendor says that message texts may change at any time, so everything is told by code and HTTP status (specification
3). The error texts come under different keys: `error_msg` from the gateway and today's API, `error_message` from the
demanager API, an object `error` from IAM.

One table, `MEANINGS`, says what each business code amounts to. Trying again itself is `providers.http`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.core.errors import CloudError, CredentialsError, WorksteadError
from providers.errors import EndpointGoneError, ForbiddenError, NotFoundError, RefusedError
from providers.http import OK, Answer, Judgement, Request, Verdict
from providers.modelarts.errors import TokenExpiredError, WrongStatusError

SKEW_LIMIT: Final = 900.0
"""Seconds by which the gateway lets clocks differ (specification 2.2)."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a refusal amounts to. `path`: the input it is about; `later`: trying again later can help."""

    why: str
    remedy: str
    reference: str = "refused"
    path: str = ""
    later: bool = False


_NO_USE: Final = "Trying again does not help."
_QUOTA = Meaning(
    "A quota of the project or workspace is used up. Trying again helps only once there is room.",
    "delete what is not needed, or ask the vendor for a higher quota; then run again",
    "limit-reached",
)
_SOLD_OUT = Meaning(
    "ModelArts has none left at the moment, which is nobody's mistake here. Trying again later can help.",
    "run again later, or take another flavor or region",
    "sold-out",
    "flavor",
    later=True,
)
_OBS = Meaning(
    "ModelArts could not use the OBS folder. Trying again helps only once that is put right.",
    "check that the bucket is there, in the same region, of storage class Standard, and that ModelArts may use it",
    "storage-refused",
    "spec.storage.location.path",
)
_KEYS = Meaning(
    "ModelArts needs an agency or an access key of yours to use OBS, and has none that works. Trying again helps only "
    "once it has.",
    "set up the authorisation under Settings in the ModelArts console; then run again",
    "authorisation-missing",
)
_FLAVOR = Meaning(f"The region has no such flavor. {_NO_USE}", "take another flavor", path="flavor")
_DISK = Meaning(
    f"There are no disks of that size. {_NO_USE}",
    "give another size, 5 to 4096 GB",
    path="spec.storage.location.volume_size",
)
_SUSPENDED = Meaning(
    "The account is suspended or restricted, usually because a bill is not paid. Trying again helps only once it is.",
    "settle it in the vendor's console; then run again",
    "account-suspended",
)
_INPUT = Meaning("The inputs are at fault. Trying again with the same ones does not help.", "correct the inputs")

_WORKSPACE = Meaning(
    f"There is no such workspace. {_NO_USE}", "give the ID of a workspace, or leave it out", path="workspace"
)

MEANINGS: Final[Mapping[str, Meaning]] = {
    "0102": _WORKSPACE,
    "0113": _QUOTA,
    "0116": _QUOTA,
    "0118": _QUOTA,
    "7005": _WORKSPACE,
    "7006": _QUOTA,
    "6201": _SUSPENDED,
    "6203": _SUSPENDED,
    "6301": Meaning(
        f"Names are unique in a project, and this one is taken. {_NO_USE}",
        "give another name, or take the object that has it over with the option import_",
        "name-taken",
        "name",
    ),
    "6302": _QUOTA,
    "6317": _OBS,
    "6318": _OBS,
    "6319": _KEYS,
    "6320": _OBS,
    "6323": _FLAVOR,
    "6324": Meaning(f"There is no such storage here. {_NO_USE}", "use another storage", path="spec.storage.type"),
    "6326": _SUSPENDED,
    "6328": Meaning(
        f"The account may not use this flavor. {_NO_USE}",
        "ask the vendor's support for it, or take another flavor",
        "permission-denied",
        "flavor",
    ),
    "6329": _SOLD_OUT,
    "6330": Meaning(
        f"The profile is for other hardware than the flavor has. {_NO_USE}",
        "take a flavor and a profile of the same kind",
        path="flavor",
    ),
    "6331": _DISK,
    "6350": _OBS,
    "6353": _KEYS,
    "6354": _KEYS,
    "6358": _OBS,
    "6360": _SOLD_OUT,
    "6371": _OBS,
    "6374": _KEYS,
    "6376": _KEYS,
    "6377": _KEYS,
    "6378": _KEYS,
    "6379": _KEYS,
    "6528": Meaning(
        _SOLD_OUT.why,
        "run again later, or ask for a smaller disk",
        "sold-out",
        "spec.storage.location.volume_size",
        later=True,
    ),
    "6716": _SOLD_OUT,
    "6768": Meaning(
        f"The image is reached by SSH only. {_NO_USE}", "give an endpoint of service SSH", path="endpoints"
    ),
    "6782": _KEYS,
    "6789": Meaning(
        f"The key pair does not exist, or belongs to another user. {_NO_USE}",
        "give the name of one of your own",
        path="endpoints",
    ),
    "6792": Meaning(
        f"The notebook cannot change to this flavor. {_NO_USE}", "take one of the same hardware", path="flavor"
    ),
    "6797": Meaning(
        f"The project has no such image, or it is not ready. {_NO_USE}",
        "give the ID of an image that the console lists as active",
        path="image_id",
    ),
    "6870": Meaning(
        f"Flavor and image do not fit together, or the flavor is for another feature. {_NO_USE}",
        "take another flavor or image",
        path="flavor",
    ),
}

_IN_NOTEBOOKS: Final[Mapping[str, str]] = {
    "spec.storage.location.path": "volume.uri",
    "spec.storage.location.volume_size": "volume.capacity",
    "spec.storage.type": "volume.category",
    "workspace": "workspace_id",
}
"""What the inputs that `MEANINGS` names are called in today's API."""

GONE: Final = frozenset({"6309", "6404"})
WRONG_STATUS: Final = frozenset({"6304", "6305", "6306", "6307", "6308", "6327", "6347", "6357"})
FORBIDDEN: Final = frozenset({"0108", "0112", "6407"})
BAD_KEYS: Final = frozenset({f"{number:04}" for number in range(201, 210)} | {"0212", "6401"})
THROTTLED: Final = frozenset({"6101", "2799", "4206"})
NOT_NOW: Final = frozenset({"6333", "6355", "6200"})
"""Being restored; the pool is still being set up; no resources: nothing was done, and a minute later it may be."""
UNCERTAIN: Final = frozenset({"6100", "6102", "0010"})

_GATEWAY: Final = ("APIGW", "APIG", "APIC")


@dataclass(frozen=True, slots=True)
class Said:
    """An error's code, as vendor's prefix and number, and its text; empty where there is none."""

    prefix: str = ""
    number: str = ""
    text: str = ""
    structured: bool = False

    @property
    def by_gateway(self) -> bool:
        """Did the gateway answer, before the service was asked?"""
        return self.prefix in _GATEWAY

    @property
    def code(self) -> str:
        """The whole code, such as ModelArts.6309."""
        return f"{self.prefix}.{self.number}" if self.prefix else self.number


def said(content: Any) -> Said:
    """What an error answer says, in whichever of the four shapes (specification 3.1)."""
    if not isinstance(content, dict):
        return Said()
    if isinstance(content.get("error"), dict):
        content = content["error"]
    code = str(content.get("error_code") or content.get("errorCode") or content.get("code") or "")
    texts = (content.get(key) for key in ("error_msg", "error_message", "errorMsg", "message", "title"))
    text = next((str(text) for text in texts if text), "")
    prefix, _, number = code.rpartition(".")
    return Said(prefix, number, text, bool(code or text))


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges answers. `clock`: seconds since the epoch; `signs`: requests bear a signature (not a token)."""

    place: str
    clock: Callable[[], float]
    signs: bool = True

    def __call__(self, request: Request, answer: Answer) -> Judgement:
        """The meaning of an answer to a request."""
        operation, content = _operation(request), answer.json()
        if 200 <= answer.status < 300:
            return OK if content is not None or not answer.body.strip() else _unreadable(operation)
        told = said(content)
        if answer.status == 429 or told.number in THROTTLED or (told.by_gateway and told.number == "0308"):
            return Judgement(Verdict.THROTTLED, _throttled(operation, told))
        if answer.status == 401 or (not told.by_gateway and told.number in BAD_KEYS):
            return Judgement(Verdict.REFUSED, self._unauthorized(operation, told, answer))
        if not told.by_gateway and told.number in NOT_NOW:
            return Judgement(Verdict.UNAVAILABLE, _not_now(operation, told))
        if answer.status >= 500 or answer.status == 408 or told.number in UNCERTAIN:
            return _failed(request, told, answer)
        return Judgement(Verdict.REFUSED, self._refusal(operation, told, answer))

    def _unauthorized(self, operation: str, told: Said, answer: Answer) -> WorksteadError:
        text = told.text or "authentication failed"
        if told.number in ("6201", "6203"):
            return _refused(operation, told, _SUSPENDED)
        # The gateway has a code of its own for a token that must be renewed, and does not always use it (2.3).
        if told.by_gateway and told.number in ("0301", "0307") and not self.signs:
            return TokenExpiredError(f"the IAM token is not accepted ({told.code}): {text}", remedy="run again")
        if told.number == "0112":
            return _forbidden(operation, told)
        if not self.signs:
            return CredentialsError(
                f"ModelArts did not accept the login ({told.code or answer.status}): {text}",
                why=f"The user name, password or domain is wrong, or the token is not for this project. {_NO_USE}",
                remedy="check modelarts:userName, modelarts:password, modelarts:domainName and modelarts:projectId",
                reference="credentials-refused",
            )
        skew = answer.skew(self.clock())
        if skew is not None and abs(skew) >= SKEW_LIMIT:
            direction = "behind" if skew > 0 else "ahead of"
            why = (
                f"This computer's clock is {abs(skew):.0f} s {direction} the service's; the limit is 900 s. "
                "Trying again helps once it is right."
            )
            remedy = "set the clock"
        else:
            why = (
                "The access key, the secret key or the security token is wrong or disabled, or the clock is off by 15 "
                "minutes or more. Trying again does not help: after five refusals in a row the vendor locks the access "
                "key for a while, so it was tried once."
            )
            remedy = "check modelarts:accessKey, modelarts:secretKey, modelarts:securityToken and the clock"
        return CredentialsError(
            f"ModelArts did not accept the signature ({told.code or answer.status}): {_short(text)}",
            why=why,
            remedy=remedy,
            reference="credentials-refused",
        )

    def _refusal(self, operation: str, told: Said, answer: Answer) -> WorksteadError:
        text = told.text or f"HTTP {answer.status}"
        if answer.status == 404 or 300 <= answer.status < 400:
            if told.structured and not told.by_gateway and answer.status == 404:
                return _not_found(operation, told, text)
            return self._endpoint_gone(operation, told)
        if told.number == "0210" or (answer.status == 403 and told.number == "0204"):
            return CredentialsError(
                f"the project is not the credentials' project ({told.code}): {text}",
                why=f"The project ID belongs to another account or region than the credentials. {_NO_USE}",
                remedy="check modelarts:projectId and modelarts:region, or leave projectId out to have it looked up",
                reference="project-refused",
            )
        if not told.by_gateway and told.number in GONE:
            return _not_found(operation, told, text)
        if not told.by_gateway and told.number in WRONG_STATUS:
            return WrongStatusError(
                f"{operation} is not possible in the present status ({told.code}): {text}",
                code=told.number,
                why="Somebody else may be changing it at the same time. Trying again later can help.",
                remedy="run again",
            )
        if answer.status == 403 or told.number in FORBIDDEN:
            return _forbidden(operation, told)
        return _refused(operation, told, MEANINGS.get(told.number, _INPUT) if not told.by_gateway else _INPUT)

    def _endpoint_gone(self, operation: str, told: Said) -> CloudError:
        return EndpointGoneError(
            f"{self.place} does not know {operation} ({told.code or 'no code'})",
            why="Something in front of the service answered: the API is not served there. This says nothing about "
            "objects, so the record is kept.",
            remedy="check modelarts:endpoint and modelarts:region",
        )


def _operation(request: Request) -> str:
    """The operation as a person may read it: method and path without version and project."""
    path = re.sub(r"^.*?/v1/[^/]+/", "", request.target.partition("?")[0])
    return f"{request.method} {path}"


def _short(text: str) -> str:
    """An error's text without the canonical request that the gateway quotes, which helps only who writes a signer."""
    text = re.sub(r"\W*\b(?:GET|PUT|POST|PATCH|DELETE)\|.*", "", text, flags=re.DOTALL)
    return text if len(text) <= 300 else f"{text[:297]}..."


def _unreadable(operation: str) -> Judgement:
    error = CloudError(
        f"{operation} was answered with something that is not ModelArts's",
        retryable=True,
        uncertain=True,
        why="A proxy may have put its own page there.",
        remedy="check the endpoint and proxy settings",
        reference="answer-unreadable",
    )
    return Judgement(Verdict.UNCERTAIN, error)


def _failed(request: Request, told: Said, answer: Answer) -> Judgement:
    """Something broke on their side; from the gateway, some codes say that the service was never reached."""
    untouched = told.by_gateway and told.number in ("0103", "0613")
    code, text = told.code or answer.status, told.text or "no reason given"
    if request.method == "GET":
        what = "It was only a question, asked several times."
    elif untouched:
        what = "The gateway could not hand it on; nothing was done."
    else:
        what = "Whether it was carried out is not known."
    error = CloudError(
        f"{_operation(request)} failed on the service's side ({code}): {text}",
        retryable=True,
        uncertain=not untouched,
        why=f"{what} It is the service's own fault; trying again later can help.",
        remedy="run again",
        reference="service-failed",
    )
    return Judgement(Verdict.UNAVAILABLE if untouched else Verdict.UNCERTAIN, error)


def _throttled(operation: str, told: Said) -> CloudError:
    return CloudError(
        f"{operation} was throttled ({told.code or 429}): {told.text or 'too many requests'}",
        retryable=True,
        why="Nothing was carried out, although it was tried several times. Trying again later can help.",
        remedy="wait, then run again, perhaps with a lower --parallel",
        reference="throttled",
    )


def _not_now(operation: str, told: Said) -> CloudError:
    return CloudError(
        f"{operation} is not possible at the moment ({told.code}): {told.text or 'no reason given'}",
        retryable=True,
        why="The service is not ready for it yet; that is nobody's mistake here. Trying again in a minute can help.",
        remedy="run again",
        reference="not-ready",
    )


def _not_found(operation: str, told: Said, text: str) -> CloudError:
    return NotFoundError(
        f"{operation}: there is no such object ({told.code}): {text}",
        remedy="check the ID; if the object is gone, refresh the stack",
    )


def _forbidden(operation: str, told: Said) -> CloudError:
    return ForbiddenError(
        f"{operation} is not allowed ({told.code or 403}): {told.text or 'no reason given'}",
        why=f"The credentials are good, but their user lacks the permission. {_NO_USE}",
        remedy="ask the account's administrator for the ModelArts permissions named in providers/modelarts/README.md",
    )


def _refused(operation: str, told: Said, meaning: Meaning) -> CloudError:
    return RefusedError(
        f"{operation} was refused ({told.code or 'no code'}): {_short(told.text) or 'no reason given'}",
        retryable=meaning.later,
        path=_IN_NOTEBOOKS.get(meaning.path, meaning.path) if " notebooks" in operation else meaning.path,
        why=meaning.why,
        remedy=meaning.remedy,
        reference=meaning.reference,
    )

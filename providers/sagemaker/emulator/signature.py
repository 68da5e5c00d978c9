"""AWS Signature Version 4 in front of every API of this port: which key signed, for which account and region.

A request is canonicalised as it came in and signed anew with the key's secret; anything that differs is refused in the
words of the API it was meant for. A signature's time is compared with this machine's clock as well as with the
emulator's, and near either is near enough: boto3 signs by the machine's clock and cannot be told another, a Go client
follows the `Date` it was answered with, and the emulator's clock jumps in tests.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from calendar import timegm
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from providers.emulation import Call, Key, Refused, Request
from providers.sagemaker.emulator.answers import refused

SKEW_SECONDS: Final = 300
DEFAULT_REGION: Final = "us-east-1"  # where a global service's requests are scoped to

# Keys every file knows, made up so that nobody mistakes them for real ones; the file may hold more (`add_key`, whose
# owner is then the twelve digits of an account). A key that begins with ASIA is temporary and needs a session token.
ACCOUNT: Final = "111122223333"
ACCESS_KEY: Final = "AKIAWORKSTEADEXAMPLE"
SECRET_KEY: Final = "example/secret/key/of/the/first/account1"
OTHER_ACCOUNT: Final = "444455556666"
OTHER_ACCESS_KEY: Final = "AKIAWORKSTEADEXAMPL2"
OTHER_SECRET_KEY: Final = "example/secret/key/of/the/other/account2"
SESSION_ACCESS_KEY: Final = "ASIAWORKSTEADEXAMPLE"
SESSION_SECRET_KEY: Final = "example/secret/key/of/a/session/there/is"
SESSION_TOKEN: Final = "ExampleSessionTokenNobodyMistakesForARealOne"
EXPIRED_ACCESS_KEY: Final = "ASIAWORKSTEADEXAMPL2"
EXPIRED_SECRET_KEY: Final = "example/secret/key/of/a/session/long/ago"
DISABLED_ACCESS_KEY: Final = "AKIAWORKSTEADEXAMPL3"
DISABLED_SECRET_KEY: Final = "example/secret/key/that/is/not/in/use/3/"
UNSUBSCRIBED_ACCESS_KEY: Final = "AKIAWORKSTEADEXAMPL4"
UNSUBSCRIBED_SECRET_KEY: Final = "example/secret/key/without/subscription4"

KEYS: Final[Mapping[str, Key]] = {
    key.access_key: key
    for key in (
        Key(ACCESS_KEY, SECRET_KEY, ACCOUNT),
        Key(OTHER_ACCESS_KEY, OTHER_SECRET_KEY, OTHER_ACCOUNT),
        Key(SESSION_ACCESS_KEY, SESSION_SECRET_KEY, ACCOUNT),
        Key(EXPIRED_ACCESS_KEY, EXPIRED_SECRET_KEY, ACCOUNT, "disabled"),
        Key(DISABLED_ACCESS_KEY, DISABLED_SECRET_KEY, ACCOUNT, "disabled"),
        Key(UNSUBSCRIBED_ACCESS_KEY, UNSUBSCRIBED_SECRET_KEY, OTHER_ACCOUNT, "unsubscribed"),
    )
}

ALGORITHM: Final = "AWS4-HMAC-SHA256"
MUST_BE_SIGNED: Final = ("host", "x-amz-date", "x-amz-target")
MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"
    " and signing method. Consult the service documentation for details."
)

# What can be wrong: the code of a JSON API, the code of a query API; the one answers 400, the other 403. [D] for the
# texts, which every AWS service shares; spec 3 leaves them out.
CODES: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("MissingAuthenticationTokenException", "MissingAuthenticationToken"),
    "incomplete": ("IncompleteSignatureException", "IncompleteSignature"),
    "unknown": ("UnrecognizedClientException", "InvalidClientTokenId"),
    "mismatch": ("InvalidSignatureException", "SignatureDoesNotMatch"),
    "expired": ("ExpiredTokenException", "ExpiredToken"),
    "unsubscribed": ("SubscriptionRequiredException", "OptInRequired"),
}


@dataclass(frozen=True, slots=True)
class Credential:
    """An `Authorization` header taken apart: key, date and region and service of its scope, headers, signature."""

    access_key: str
    date: str
    region: str
    service: str
    signed: tuple[str, ...]
    signature: str

    @property
    def scope(self) -> str:
        """What the signature is good for."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed a request, and for which region."""

    account: str
    region: str
    access_key: str


def credential(request: Request) -> Credential | None:
    """The credential a request names, None for none that can be read. Judges nothing."""
    found = re.fullmatch(
        rf"{ALGORITHM} +Credential=([^,\s]+)/(\d{{8}})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request,"
        r" *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})",
        request.headers.get("authorization", ""),
    )
    if found is None:
        return None
    key, date, region, service, signed, signature = found.groups()
    return Credential(key, date, region, service, tuple(signed.split(";")), signature)


def authenticate(call: Call, api: str) -> Caller:
    """Who signed the call to this API (sagemaker, iam, sts). Raises Refused."""
    headers = call.request.headers
    if not headers.get("authorization"):
        text = "Missing Authentication Token" if api == "sagemaker" else "Request is missing Authentication Token"
        raise _refused(api, "missing", text)
    given = credential(call.request)
    if given is None:
        raise _refused(
            api,
            "incomplete",
            "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter."
            " Authorization header requires 'SignedHeaders' parameter.",
        )
    if given.service != api:
        raise _refused(api, "mismatch", f"Credential should be scoped to correct service: '{api}'. ")
    key = call.objects.key(given.access_key) or KEYS.get(given.access_key)
    if key is None or (key.standing == "disabled" and not _temporary(key)):
        raise _refused(api, "unknown", "The security token included in the request is invalid.")
    _judge_headers(api, given, headers)
    _judge_time(call, api, given)
    if not hmac.compare_digest(sign(call.request, given, key.secret_key), given.signature):
        raise _refused(api, "mismatch", MISMATCH)
    _judge_standing(api, key, headers)
    return Caller(key.owner, given.region, key.access_key)


def sign(request: Request, given: Credential, secret_key: str) -> str:
    """The signature this request should carry."""
    headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in given.signed)
    query = "&".join(sorted(request.target.partition("?")[2].split("&")))
    path = quote(request.path, safe="/-_.~")
    body = hashlib.sha256(request.body).hexdigest()
    canonical = f"{request.method}\n{path}\n{query}\n{headers}\n{';'.join(given.signed)}\n{body}"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"{ALGORITHM}\n{request.headers.get('x-amz-date', '')}\n{given.scope}\n{hashed}"
    key = f"AWS4{secret_key}".encode()
    for part in given.scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _temporary(key: Key) -> bool:
    return key.access_key.startswith("ASIA")


def _judge_headers(api: str, given: Credential, headers: Mapping[str, str]) -> None:
    for name in MUST_BE_SIGNED:
        if name in headers and name not in given.signed:
            raise _refused(api, "mismatch", f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")
    if list(given.signed) != sorted(given.signed):
        raise _refused(api, "mismatch", "SignedHeaders must be sorted.")


def _judge_time(call: Call, api: str, given: Credential) -> None:
    stamp = call.request.headers.get("x-amz-date", "")
    if not re.fullmatch(r"\d{8}T\d{6}Z", stamp, re.ASCII):
        raise _refused(api, "incomplete", f"Date must be in ISO-8601 'basic format'. Got '{stamp}'.")
    if stamp[:8] != given.date:
        text = f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{stamp}'"
        raise _refused(api, "mismatch", text)
    if call.switch("skew") == "off":
        return
    try:
        signed_at = timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise _refused(api, "incomplete", f"Date must be in ISO-8601 'basic format'. Got '{stamp}'.") from None
    ahead = min((signed_at - clock for clock in (time.time(), call.now)), key=abs)
    if abs(ahead) < SKEW_SECONDS:
        return
    now = signed_at - ahead
    edge = f"{_basic(now + (SKEW_SECONDS if ahead > 0 else -SKEW_SECONDS))} ({_basic(now)}"
    if ahead > 0:
        raise _refused(api, "mismatch", f"Signature not yet current: {stamp} is still later than {edge} + 5 min.)")
    raise _refused(api, "mismatch", f"Signature expired: {stamp} is now earlier than {edge} - 5 min.)")


def _judge_standing(api: str, key: Key, headers: Mapping[str, str]) -> None:
    token = headers.get("x-amz-security-token", "")
    if key.standing == "disabled":
        raise _refused(api, "expired", "The security token included in the request is expired")
    right = token == SESSION_TOKEN if key.access_key == SESSION_ACCESS_KEY else bool(token) == _temporary(key)
    if not right:
        raise _refused(api, "unknown", "The security token included in the request is invalid.")
    if key.standing == "unsubscribed":
        raise _refused(api, "unsubscribed", "The AWS Access Key Id needs a subscription for the service")


def _basic(at: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))


def _refused(api: str, wrong: str, text: str) -> Refused:
    json_code, query_code = CODES[wrong]
    if api == "sagemaker":
        return refused(api, json_code, text)
    return refused(api, query_code, text, 403)

"""Who we are to Huawei Cloud: the signature of an access key, or a token of IAM; and which project that means.

The signature is Huawei's `SDK-HMAC-SHA256` (specification 2.2): no derived key, no region, no service name. It is some
fifteen lines; the vendor's SDK, which is in the test group, proves them right.

`Keys` and `Token` do the same two things: add the headers of one attempt, and find out the project when the settings do
not name it. A token is fetched when first needed, renewed a little before it ends, and once more when the service says
so. Nothing is written anywhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import quote, unquote, urlsplit

from engine.core.errors import CloudError, CredentialsError
from providers.base import current_call
from providers.http import HttpClient, Request
from providers.modelarts.answers import Judge

ALGORITHM: Final = "SDK-HMAC-SHA256"
SIGNED: Final = ("content-type", "host", "x-project-id", "x-sdk-date", "x-security-token")
"""The headers we sign, as far as a request has them; what proxies add or change is not among them."""
RENEWAL: Final = 300.0
"""Seconds before a token's end at which a new one is fetched."""

REFUSAL_HOLDS: Final = 10.0
"""Seconds for which a refusal of the credentials stands for all calls: longer than a run takes to give up."""

Query = Sequence[tuple[str, str]]
T = TypeVar("T")


# --- the signature ----------------------------------------------------------------------------------------------------


def encoded(text: str) -> str:
    """Percent-encoded but for RFC 3986's unreserved characters."""
    return quote(text, safe="~")


def query_string(query: Query) -> str:
    """The query as it is both sent and signed: sorted by name, then value."""
    return "&".join(f"{encoded(name)}={encoded(value)}" for name, value in sorted(query))


def authorization(
    method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, access_key: str, secret_key: str
) -> str:
    """The `Authorization` of a request. `headers`: those to sign, in lower case, `x-sdk-date` among them.

    `query` comes from `query_string`.
    """
    names = sorted(headers)
    uri = "/".join(encoded(segment) for segment in unquote(path).split("/"))
    block = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    payload = hashlib.sha256(body).hexdigest()
    request = "\n".join([method, uri if uri.endswith("/") else f"{uri}/", query, block, ";".join(names), payload])
    text = "\n".join([ALGORITHM, headers["x-sdk-date"], hashlib.sha256(request.encode()).hexdigest()])
    signature = hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Access={access_key}, SignedHeaders={';'.join(names)}, Signature={signature}"


# --- two ways to be somebody ------------------------------------------------------------------------------------------


class Auth(Protocol):
    """A way to prove who we are. Safe to use from many threads."""

    @property
    def signs(self) -> bool:
        """Is each request signed (rather than accompanied by a token)?"""
        ...

    @property
    def who(self) -> str:
        """Whose rate limits hold: the key, or the user in its domain."""
        ...

    def headers(self, request: Request) -> Mapping[str, str]:
        """The headers of one attempt."""
        ...

    def project(self) -> str:
        """The ID of the project the region stands for. Raises CredentialsError."""
        ...

    def renew(self) -> bool:
        """Forget what has expired; True when another attempt can help."""
        ...


class Standing:
    """What the service thinks of the credentials. As long as nobody knows, one call asks and the others wait for it.

    More than five wrong signatures in a row lock an access key for minutes (2.2), and wrong logins a user. So a wrong
    key is tried once, not once for each resource of a stack.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._accepted = False
        self._refusal: CredentialsError | None = None
        self._until = 0.0
        self._asking = threading.Lock()

    def asked(self, send: Callable[[], T]) -> T:
        """The answer to a call. Raises what it raises, or the refusal that another call has met just now."""
        if self._accepted:
            return self._watched(send)
        while not self._asking.acquire(timeout=0.2):
            current_call().pause(0)
        try:
            if self._refusal is not None and self._clock() < self._until:
                told = self._refusal
                raise CredentialsError(told.summary, why=told.why, remedy=told.remedy, reference=told.reference)
            if not self._accepted:
                return self._watched(send)
        finally:
            self._asking.release()
        return self._watched(send)

    def _watched(self, send: Callable[[], T]) -> T:
        try:
            answer = send()
        except CredentialsError as error:
            self._accepted, self._refusal, self._until = False, error, self._clock() + REFUSAL_HOLDS
            raise
        except CloudError:
            self._accepted = True  # Something else is wrong; the next call need not wait for this one's tries.
            raise
        self._accepted = True
        return answer


@dataclass(frozen=True, slots=True)
class Place:
    """Where IAM is, and which region's project is meant; `clock` in seconds since the epoch."""

    iam: str
    region: str
    clock: Callable[[], float]


@dataclass(frozen=True)
class Keys:
    """An access key, perhaps a temporary one with its security token."""

    place: Place
    access_key: str
    secret_key: str = field(repr=False)
    security_token: str = field(default="", repr=False)
    signs = True

    @property
    def who(self) -> str:
        """The access key."""
        return self.access_key

    def headers(self, request: Request) -> Mapping[str, str]:
        """Date and signature; the date ages, so each attempt has its own."""
        date = datetime.fromtimestamp(self.place.clock(), UTC).strftime("%Y%m%dT%H%M%SZ")
        own = {"x-sdk-date": date, **({"x-security-token": self.security_token} if self.security_token else {})}
        signed = {name: value for name, value in {**request.headers, **own}.items() if name in SIGNED}
        path, _, query = request.target.partition("?")
        made = authorization(request.method, path, query, signed, request.body, self.access_key, self.secret_key)
        return {**own, "authorization": made}

    def project(self) -> str:
        """Asks IAM for the project that is named like the region."""
        judge = Judge(self.place.iam, self.place.clock)
        iam = HttpClient(self.place.iam, self.headers, judge, cloud="modelarts", account=self.who)
        try:
            target = f"/v3/projects?{query_string([('name', self.place.region)])}"
            headers = {"content-type": "application/json"}
            answer = iam.send("GET", target, headers=headers, reads=True, repeatable=True).json()
        finally:
            iam.close()
        projects = answer.get("projects") if isinstance(answer, dict) else None
        # IAM may answer with the region's sub-projects too, which are named region_something.
        found = [item for item in projects or () if isinstance(item, dict) and item.get("name") == self.place.region]
        if len(found) != 1 or not found[0].get("id"):
            raise CredentialsError(
                f"there is no single project named {self.place.region!r}, but {len(found)}",
                why="Without modelarts:projectId the project of the region is looked up by its name.",
                remedy="set modelarts:projectId (or HUAWEICLOUD_SDK_PROJECT_ID), or check modelarts:region",
                reference="project-unknown",
            )
        return str(found[0]["id"])

    def renew(self) -> bool:
        """A key does not expire."""
        return False


@dataclass
class Token:
    """An IAM user's name and password, and the token they are worth for a day."""

    place: Place
    domain: str
    user: str
    password: str = field(repr=False)
    project_id: str = ""
    signs = False
    _token: str = field(default="", init=False, repr=False)
    _ends: float = field(default=0.0, init=False)
    _project: str = field(default="", init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def who(self) -> str:
        """The user, named in full."""
        return f"{self.domain}/{self.user}"

    def headers(self, request: Request) -> Mapping[str, str]:
        """The token, fetched now if there is none that still holds."""
        return {"x-auth-token": self._current()[0]}

    def project(self) -> str:
        """The project the token is for."""
        return self._current()[1]

    def renew(self) -> bool:
        """Forget the token, so that the next attempt fetches another."""
        with self._lock:
            self._token = ""
        return True

    def _current(self) -> tuple[str, str]:
        with self._lock:
            if not self._token or self.place.clock() > self._ends - RENEWAL:
                self._fetch()
            return self._token, self._project

    def _fetch(self) -> None:
        scope = {"id": self.project_id} if self.project_id else {"name": self.place.region}
        user = {"name": self.user, "password": self.password, "domain": {"name": self.domain}}
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": scope},
            }
        }
        judge = Judge(self.place.iam, self.place.clock, signs=False)
        iam = HttpClient(self.place.iam, lambda request: {}, judge, cloud="modelarts", account=self.who)
        try:
            answer = iam.send(
                "POST",
                "/v3/auth/tokens?nocatalog=1",
                headers={"content-type": "application/json"},
                body=json.dumps(body, ensure_ascii=False).encode(),
                reads=False,
                repeatable=True,
            )
        finally:
            iam.close()
        content = answer.json()
        token: Any = content.get("token") if isinstance(content, dict) else None
        project = (token.get("project") or {}).get("id") if isinstance(token, dict) else ""
        self._token = answer.headers.get("x-subject-token", "")
        if not self._token or not (project or self.project_id):
            self._token = ""
            raise CloudError(
                "IAM answered the login without a token for a project",
                why="ModelArts accepts only tokens that are for one project.",
                remedy="check modelarts:iamEndpoint, modelarts:region and modelarts:projectId",
                reference="answer-unreadable",
            )
        self._project = str(project or self.project_id)
        self._ends = _instant(token.get("expires_at") if isinstance(token, dict) else None, self.place.clock())


def _instant(text: Any, now: float) -> float:
    """A time of IAM's (ISO 8601, `Z`) as seconds since the epoch; a day from now when it cannot be read."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except (ValueError, OverflowError):
        return now + 86_400.0


def iam_beside(endpoint: str, region: str) -> str:
    """IAM's address where the settings do not give it: beside a ModelArts endpoint, else the region's."""
    host = urlsplit(endpoint).hostname or ""
    if host.startswith("modelarts."):
        return f"https://iam.{host.removeprefix('modelarts.')}"
    return f"https://iam.{region}.myhuaweicloud.com"

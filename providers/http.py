"""One HTTP client for every cloud: signing per attempt, time limits, retries of what may be retried, errors of ours.

A cloud's `client.py` brings two functions: `sign` adds the headers of one attempt (timestamps age, so each retry is
signed anew), `judge` says what an answer means. This file decides which of our errors a broken connection is; trying
again is `providers.patience`. What requests say, and what answers contain, is the cloud's business.

Nothing here logs: bodies and headers hold secrets.
"""

from __future__ import annotations

import json
import ssl
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from engine.core.contract import CallContext
from engine.core.errors import CloudError, DeadlineError, UsageError, WorksteadError
from providers.base import current_call
from providers.pace import Place, lane
from providers.patience import Again, Patience, Verdict, patiently

__all__ = ["OK", "Answer", "HttpClient", "Judgement", "Patience", "Request", "Verdict"]

CONNECT_LIMIT: Final = 10.0
"""Seconds to reach the endpoint."""
ANSWER_LIMIT: Final = 60.0
"""Seconds to wait for an answer, and then for the rest of it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One attempt as it goes out, for `sign`. `target` is path and query exactly as sent."""

    method: str
    host: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """The body as JSON; None when it is something else, such as a proxy's page."""
        try:
            return json.loads(self.body)
        except (ValueError, UnicodeDecodeError):
            return None

    def skew(self, now: float) -> float | None:
        """Seconds by which the service's clock is ahead of `now` (since the epoch); None when it does not tell."""
        try:
            return parsedate_to_datetime(self.headers.get("date", "")).timestamp() - now
        except (ValueError, TypeError):
            return None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and the error to raise when it stands."""

    verdict: Verdict
    error: WorksteadError | None = None


OK: Final = Judgement(Verdict.OK)

Sign = Callable[[Request], Mapping[str, str]]
Judge = Callable[[Request, Answer], Judgement]


class HttpClient:
    """Sends requests to one endpoint. Safe to use from many threads.

    `base_url` has scheme, host and perhaps a port and a path prefix; `cloud` and `account` say whose rate limits hold.
    Raises UsageError when it is not a web address.
    """

    def __init__(
        self,
        base_url: str,
        sign: Sign,
        judge: Judge,
        *,
        cloud: str,
        account: str,
        patience: Patience | None = None,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(
                f"{base_url!r} is not the address of an endpoint",
                remedy="give one that begins with https:// and names a host",
                reference="endpoint-malformed",
            )
        self.base_url = base_url.rstrip("/")
        self._sign = sign
        self._judge = judge
        self._patience = patience or Patience()
        self._place = Place(cloud, account, self.base_url)
        secure, local = parts.scheme == "https", parts.hostname in ("localhost", "127.0.0.1", "::1")
        self._wire = httpx2.Client(
            verify=secure,
            trust_env=not local,
            headers={"user-agent": "workstead"},
            follow_redirects=False,
            limits=httpx2.Limits(max_connections=64, max_keepalive_connections=32),
        )
        weakref.finalize(self, self._wire.close)  # a provider that is no longer used closes nothing by itself

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def send(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        reads: bool,
        repeatable: bool,
    ) -> Answer:
        """The answer to a request, when it is a good one.

        `reads`: it changes nothing, which decides whose rate limit it shares. `repeatable`: sending it twice does no
        harm, so it is tried again even when the first outcome is uncertain.
        Raises the judge's error; CloudError when the endpoint cannot be reached (`uncertain` when the request may have
        had its effect); DeadlineError and CancelledError.
        """
        call = current_call(f"{method} {target}")
        request = self._request(method, target, headers or {}, body)
        shared = lane(self._place, reads, call.clock)
        return patiently(lambda: self._once(request, call), call, self._patience, shared, repeatable=repeatable)

    # --- one attempt

    def _request(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> httpx2.Request:
        try:
            return self._wire.build_request(method, self.base_url + target, headers=dict(headers), content=body)
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            raise UsageError(
                f"{self.base_url + target!r} is not an address: {error}",
                remedy="correct the endpoint setting",
                reference="endpoint-malformed",
            ) from error

    def _once(self, request: httpx2.Request, call: CallContext) -> Answer:
        left = call.remaining()
        if left is not None and left <= 0:
            raise DeadlineError(f"no time is left for {_place(request)}", remedy="run again with longer time limits")
        out = Request(
            request.method,
            request.url.netloc.decode(),
            request.url.raw_path.decode(),
            {name.lower(): value for name, value in request.headers.items()},
            request.content,
        )
        signed = {**request.headers, **{name.lower(): value for name, value in self._sign(out).items()}}
        limit = ANSWER_LIMIT if left is None else min(ANSWER_LIMIT, left)
        timeout = httpx2.Timeout(limit, connect=min(CONNECT_LIMIT, limit))
        try:
            response = self._wire.send(
                self._wire.build_request(
                    request.method, request.url, headers=signed, content=request.content, timeout=timeout
                ),
                stream=True,
            )
            body = _whole(response, call, limit)
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError) as error:
            raise _broken(error, request, shortened=left is not None and left < ANSWER_LIMIT) from error
        answer = Answer(response.status_code, dict(response.headers), body)
        judgement = self._judge(out, answer)
        if judgement.verdict is Verdict.OK:
            return answer
        error = judgement.error or CloudError(f"{_place(request)} answered {answer.status}")
        if judgement.verdict is Verdict.REFUSED:
            raise error
        raise Again(error, judgement.verdict, _retry_after(answer))


def _whole(response: httpx2.Response, call: CallContext, limit: float) -> bytes:
    """The body. Raises ReadTimeout also when it comes drop by drop, each within the wire's own limit."""
    end = call.clock() + limit
    parts: list[bytes] = []
    try:
        for part in response.iter_bytes():
            parts.append(part)
            if call.clock() > end:
                raise httpx2.ReadTimeout("the answer did not end", request=response.request)
    finally:
        response.close()
    return b"".join(parts)


# --- what an answer asks for ------------------------------------------------------------------------------------------


def _retry_after(answer: Answer) -> float | None:
    """The seconds a service asks to wait: a number or a date (RFC 9110 section 10.2.3); None for nonsense."""
    text = answer.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text)) if text[0].isdigit() else _until(text, answer.headers.get("date", ""))
    except (ValueError, TypeError):
        return None


def _until(then: str, now: str) -> float:
    return max(0.0, (parsedate_to_datetime(then) - parsedate_to_datetime(now)).total_seconds())


# --- broken connections -----------------------------------------------------------------------------------------------


def _place(request: httpx2.Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc.decode()}"


def _broken(error: Exception, request: httpx2.Request, shortened: bool) -> WorksteadError | Again:
    """Our error for a request that got no answer: was it sent, may it be tried again, whose fault is it?"""
    place = _place(request)
    certificate = next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLCertVerificationError)), None)
    if certificate is not None:
        return CloudError(
            f"the certificate of {place} is not trusted",
            why=f"{certificate.verify_message}. Nothing was sent.",
            remedy="correct the endpoint setting, or give SSL_CERT_FILE the authority that signed it",
            reference="endpoint-untrusted",
        )
    if isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError, httpx2.PoolTimeout)):
        return Again(
            CloudError(
                f"cannot reach {place}",
                retryable=True,
                why=f"{_reason(error)} Nothing was sent.",
                remedy="check the endpoint setting, the network and the proxy settings, then run again",
                reference="endpoint-unreachable",
            ),
            Verdict.UNAVAILABLE,
        )
    if isinstance(error, (httpx2.UnsupportedProtocol, httpx2.InvalidURL, httpx2.LocalProtocolError)):
        # Its text may quote a header, and so a credential.
        return UsageError(
            f"no request can be sent to {place}",
            why=f"{type(error).__name__}: the address or a header has a character that HTTP does not allow.",
            remedy="correct the endpoint setting, and look for stray characters in the credentials",
            reference="endpoint-malformed",
        )
    if isinstance(error, httpx2.TimeoutException) and shortened:
        return DeadlineError(
            f"{place} did not answer before the time limit",
            uncertain=True,
            why="The request was sent, so it may have had its effect.",
            remedy="run again, with longer custom_timeouts if needed",
        )
    return Again(
        CloudError(
            f"the connection to {place} broke before there was an answer",
            retryable=True,
            uncertain=True,
            why=f"{_reason(error)} The request may have had its effect.",
            remedy="run again",
            reference="answer-lost",
        ),
        Verdict.UNCERTAIN,
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _reason(error: Exception) -> str:
    text = str(error).strip().rstrip(".")
    return f"{type(error).__name__}: {text}." if text else f"{type(error).__name__}."

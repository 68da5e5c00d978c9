"""AK/SK signatures: the canonical request of what came in over the wire, and its `SDK-HMAC-SHA256` (spec 2.2).

Reads the request only; whose key it is, and what a mismatch means, is `gateway`'s business. The list of signed headers
is the request's own, because every client signs other ones.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from providers.emulation import Request

ALGORITHM: Final = "SDK-HMAC-SHA256"
HEADER: Final = re.compile(
    rf"{ALGORITHM} Access=(?P<access_key>[^,\s]+), SignedHeaders=(?P<headers>[^,\s]+), Signature=(?P<signature>[^,\s]+)"
)
DATE: Final = re.compile(r"\d{8}T\d{6}Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Signature:
    """What an Authorization header says."""

    access_key: str
    signed_headers: Sequence[str]
    value: str


def parsed(header: str) -> Signature | None:
    """The header taken apart, None when it is not of the one form there is (spec 2.2, step 9)."""
    found = HEADER.fullmatch(header.strip())
    if found is None:
        return None
    return Signature(found["access_key"], found["headers"].lower().split(";"), found["signature"])


def date_of(text: str) -> float | None:
    """X-Sdk-Date as seconds since the epoch, None when it is no date."""
    if not DATE.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def canonical_request(request: Request, signed_headers: Sequence[str]) -> bytes:
    """Spec 2.2, steps 1-6, from the wire's bytes."""
    path, _, query = request.target.partition("?")
    # strip() alone would take bytes of UTF-8 that are spaces in latin-1 (0x85, 0xA0)
    values = {name: request.headers.get(name, "").strip(" \t") for name in signed_headers}
    headers = "".join(f"{name}:{values[name]}\n" for name in signed_headers)
    lines = (
        request.method.upper().encode(),
        _path(path),
        _query(query),
        headers.encode("latin-1"),  # as it came: the server reads header bytes so
        ";".join(signed_headers).encode("latin-1"),
        _payload_hash(request).encode("latin-1"),
    )
    return b"\n".join(lines)


def signed(secret_key: str, date: str, canonical: bytes) -> str:
    """Spec 2.2, steps 7 and 8."""
    text = f"{ALGORITHM}\n{date}\n{hashlib.sha256(canonical).hexdigest()}"
    return hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()


def _path(path: str) -> bytes:
    """Every segment encoded, and a slash at the end whether the path has one or not."""
    encoded = "/".join(quote(segment, safe="~") for segment in unquote_to_bytes(path).split(b"/"))
    return (encoded if encoded.endswith("/") else f"{encoded}/").encode()


def _query(query: str) -> bytes:
    """Names and values decoded, sorted and encoded anew: a plus is a plus, and an empty value keeps its equals sign."""
    pairs = [each.partition("=")[::2] for each in query.split("&") if each]
    decoded = sorted((unquote_to_bytes(name), unquote_to_bytes(value)) for name, value in pairs)
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in decoded).encode()


def _payload_hash(request: Request) -> str:
    given = request.headers.get("x-sdk-content-sha256", "")
    return given if given and request.body else hashlib.sha256(request.body).hexdigest()

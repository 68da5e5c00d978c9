"""ModelArts as its emulator's tests speak it: requests signed by a signer of their own, and what a valid body is.

Nothing here knows the provider or its client. A module's tests share one server, because ending one waits, and each
begins with a fresh cloud.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import httpx2

from providers.emulation import CloudFile, serve
from providers.modelarts.emulator import (
    ACCESS_KEY,
    COLLEAGUE_ACCESS_KEY,
    COLLEAGUE_SECRET_KEY,
    OTHER_ACCESS_KEY,
    OTHER_PROJECT_ID,
    OTHER_SECRET_KEY,
    PROJECT_ID,
    SECRET_KEY,
    ModelArtsEmulator,
)
from providers.modelarts.emulator.answers import SERVICE_ERRORS

A = "demanager/instances"
B = "notebooks"
NOON = 1_735_787_045.0  # 2025-01-02T03:04:05Z, the instant of the spec's test vectors
JSON_TYPE = "application/json"
HOST = "modelarts.cn-north-4.myhuaweicloud.com"
NB = "11111111-2222-3333-4444-555555555555"
GPU_PROFILE = "Multi-Engine 1.0 (python3)-gpu"
ANY_PROFILE = "Multi-Engine 2.0 (python3)"
ASCEND_PROFILE = "Ascend-Power-Engine 1.0(python3)"
CPU_IMAGE = "e1a07296-22a8-4f05-8bc8-e936c8e54090"
PYTORCH_IMAGE = "278e88d1-5b71-4766-8502-b3ba72e824d9"
ASCEND_IMAGE = "59a6e9f5-93c0-44dd-85b0-82f390c5d53b"
SSH_IMAGE = "e1a07296-22a8-4f05-8bc8-e936c8e54103"
HOUR = 3_600_000
EVS = {"type": "evs", "location": {"volume_size": 5}}
OBS = {"type": "obs", "location": {"path": "team-a-bucket/work/"}}
INSTANCE: dict[str, Any] = {
    "name": "nb-1",
    "profile_id": "Multi-Engine 1.0 (python3)-cpu",
    "flavor": "modelarts.vm.cpu.2u",
    "spec": {"storage": EVS},
}
NOTEBOOK: dict[str, Any] = {
    "name": "nb-1",
    "flavor": "modelarts.vm.cpu.2u",
    "image_id": CPU_IMAGE,
    "volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 10},
}


def sign(
    secret: str, method: str, target: str, date: str, headers: Mapping[str, str], body: bytes, access_key: str
) -> str:
    """Section 2.2, read once more: the Authorization header over exactly these headers."""
    path, _, query = target.partition("?")
    path = quote(unquote(path), safe="/~")  # as the SDK does: an encoded slash in an ID is a slash
    names = sorted(name.lower() for name in headers)
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    canonical = "\n".join(
        [
            method,
            path if path.endswith("/") else f"{path}/",
            "&".join(sorted(query.split("&"))),
            "".join(f"{name}:{lower[name]}\n" for name in names),
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        ]
    )
    text = f"SDK-HMAC-SHA256\n{date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"SDK-HMAC-SHA256 Access={access_key}, SignedHeaders={';'.join(names)}, Signature={signature}"


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")


class Cloud:
    """The emulator as a caller with one key sees it, in one project."""

    def __init__(
        self,
        file: CloudFile,
        url: str,
        http: httpx2.Client,
        key: str = ACCESS_KEY,
        secret: str = SECRET_KEY,
        project: str = PROJECT_ID,
    ) -> None:
        self.file, self.url, self.http = file, url, http
        self.key, self.secret, self.project = key, secret, project

    def as_key(self, key: str, secret: str, project: str = PROJECT_ID) -> Cloud:
        return Cloud(self.file, self.url, self.http, key, secret, project)

    def send(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        date: str | None = None,
        authorization: str | None = None,
    ) -> httpx2.Response:
        """A signed request, or one with an Authorization of the test's own ("" for none)."""
        date = stamp(self.file.now()) if date is None else date
        signed = {"Host": self.url.removeprefix("http://"), "X-Sdk-Date": date, **(headers or {})}
        if authorization is None:
            authorization = sign(self.secret, method, target, date, signed, body, self.key)
        if authorization:
            signed["Authorization"] = authorization
        sent = {name: value.encode() for name, value in signed.items()}
        return self.http.request(method, self.url + target, content=body, headers=sent)

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> httpx2.Response:
        """One of the project's APIs, by its path after the project."""
        text = "&".join(f"{quote(name, safe='~')}={quote(str(value), safe='~')}" for name, value in query.items())
        target = f"/v1/{self.project}/{path}" + (f"?{text}" if text else "")
        content = b"" if body is None else json.dumps(body).encode()
        return self.send(method, target, content, headers={"Content-Type": JSON_TYPE})

    def ok(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        answer = self.call(method, path, body, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def no(self, code: str, method: str, path: str, body: Any = None, **query: Any) -> str:
        """The text of a refusal by ModelArts with this code, in the API's shape."""
        answer = self.call(method, path, body, **query)
        found = answer.json()
        assert found.get("error_code") == f"ModelArts.{code}", answer.text
        assert answer.status_code == SERVICE_ERRORS[code][0]
        keys = {"error_code", "error_msg", "error_message"}
        assert found.keys() == (keys if path.startswith("demanager/") else keys - {"error_message"})
        assert found["error_msg"] == found.get("error_message", found["error_msg"])
        return found["error_msg"]

    # API A

    def instance(self, name: str = "nb-1", *, running: bool = True, **members: Any) -> str:
        id = self.ok("POST", A, {**INSTANCE, "name": name, **members})["id"]
        if running:
            self.file.advance(59)
        return id

    def show(self, id: str) -> dict[str, Any]:
        return self.ok("GET", f"{A}/{id}")

    def act(self, id: str, action: str) -> dict[str, Any]:
        return self.ok("POST", f"{A}/{id}/action", {"action": action})

    # API B

    def notebook(self, name: str = "nb-1", *, running: bool = True, **members: Any) -> str:
        id = self.ok("POST", B, {**NOTEBOOK, "name": name, **members})["id"]
        if running:
            self.file.advance(27)
        return id

    def see(self, id: str) -> dict[str, Any]:
        return self.ok("GET", f"{B}/{id}")

    def listed(self, **query: Any) -> list[str]:
        return [row["name"] for row in self.ok("GET", B, **query)["data"]]


@contextmanager
def serving(folder: Path, speed: str = "real") -> Iterator[Cloud]:
    """The emulator on a file in this folder."""
    with (
        CloudFile(folder / "cloud.db") as file,
        serve([ModelArtsEmulator], file, speed=speed) as server,
        httpx2.Client(timeout=10) as http,
    ):
        yield Cloud(file, server.urls["modelarts"], http)


def fresh(cloud: Cloud) -> Cloud:
    """Everything forgotten; the clock stands still until a test advances it."""
    cloud.file.reset()
    cloud.file.freeze(NOON)
    return cloud


def colleague_of(cloud: Cloud) -> Cloud:
    """Another user of the same project."""
    return cloud.as_key(COLLEAGUE_ACCESS_KEY, COLLEAGUE_SECRET_KEY)


def stranger_to(cloud: Cloud) -> Cloud:
    """Another account, with its own project."""
    return cloud.as_key(OTHER_ACCESS_KEY, OTHER_SECRET_KEY, OTHER_PROJECT_ID)


def switch(cloud: Cloud, name: str, value: str) -> None:
    cloud.file.set_switch("modelarts", name, value)


def gateway_refusal(answer: httpx2.Response, number: str) -> str:
    """The text of a refusal by the gateway; its request ID is the header's (3.1)."""
    found = answer.json()
    assert found.keys() == {"error_code", "error_msg", "request_id"}
    assert found["error_code"] == f"APIGW.{number}", answer.text
    assert found["request_id"] == answer.headers["x-request-id"]
    return found["error_msg"]

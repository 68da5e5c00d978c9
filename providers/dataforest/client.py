"""Data Forest's API on the wire: signature, operations, and what its answers mean.

Every operation is a POST with a JSON body to `/api/v2/<group>/<operation>`, reads included. One method per operation;
names stay the API's here, because this file is the border. Trying again, time limits and broken connections are
`providers.http`; what the operations are used for is `provider`.

Two shapes of errors reach us (specification section 4): the gateway's (`{"error": {"errorCode", "message"}}`), sent
before the service is asked, and the service's own (`{"message", "success": false}`), which can come with HTTP 200. The
difference matters most for 404: the service's says that an object is gone, the gateway's that the endpoint is.
"""

from __future__ import annotations

import base64
import configparser
import hashlib
import hmac
import importlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from engine.core.contract import ConfigReader
from engine.core.errors import CloudError, CredentialsError, WorksteadError
from engine.core.values import MASK
from providers.base import emulated_endpoint
from providers.errors import EndpointGoneError, ForbiddenError, NotFoundError, RefusedError
from providers.http import OK, Answer, HttpClient, Judgement, Patience, Request, Verdict

ENDPOINT: Final = "https://df.apigw.ntruss.com"
SKEW_LIMIT: Final = 300.0
"""Seconds by which the gateway lets clocks differ."""

_READS: Final = re.compile("/(get|check)")
"""How the names of operations begin that change nothing."""


# --- signing ----------------------------------------------------------------------------------------------------------


def signature(method: str, target: str, timestamp: str, access_key: str, secret_key: str) -> str:
    """API Gateway signature v2 (specification section 3.2). The body is not part of it."""
    text = f"{method} {target}\n{timestamp}\n{access_key}"
    return base64.b64encode(hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).digest()).decode()


# --- the client -------------------------------------------------------------------------------------------------------


class Client:
    """The operations of accounts and AI workspaces. Safe to use from many threads.

    Every method raises the errors of this module and of `HttpClient.send`. `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        endpoint: str,
        access_key: str,
        secret_key: str,
        *,
        clock: Callable[[], float] = time.time,
        patience: Patience | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._access_key = access_key
        self._secret_key = secret_key
        self._clock = clock
        self._http = HttpClient(
            endpoint, self._sign, self._judge, cloud="dataforest", account=access_key, patience=patience
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # --- accounts (specification section 7)

    def account_name_is_free(self, name: str) -> bool:
        """Whether nobody in the whole cluster has this name."""
        return bool(self._call("accounts/checkAvailableName", {"name": name}).get("availableName"))

    def account_has_resources(self, id_: str) -> bool:
        """Whether something lives in the account."""
        return bool(self._call("accounts/checkHasResource", {"id": id_}).get("hasResource"))

    def create_account(self, name: str, password: str) -> str:
        """The new account's ID; it is not usable yet. Never sent twice."""
        return self._id(self._call("accounts/create", {"name": name, "password": password}, repeatable=False))

    def accounts(self) -> list[dict[str, Any]]:
        """Every account the key sees, also disabled ones (it has no rights on those)."""
        return _contents(self._call("accounts/getList", {}))

    def account(self, id_: str) -> dict[str, Any]:
        """One account: id, name, status, createdAt, quotas."""
        return self._call("accounts/getDetail", {"id": id_})

    def reset_password(self, id_: str, password: str) -> None:
        """Set the password."""
        self._call("accounts/resetPassword", {"id": id_, "password": password})

    def set_quota(self, id_: str, namespace: str, file_count_million: int, space_tb: int) -> None:
        """Set the quota of one namespace."""
        self._call(
            "accounts/setQuota",
            {"id": id_, "namespace": namespace, "fileCountMillion": file_count_million, "spaceTb": space_tb},
        )

    def delete_account(self, id_: str) -> None:
        """Delete an account."""
        self._call("accounts/delete", {"id": id_})

    # --- AI workspaces (specification section 5)

    def workspace_name_is_free(self, account_id: str, name: str) -> bool:
        """Whether the account has no workspace of this name."""
        answer = self._call("aiworkspaces/checkAvailableName", {"accountId": account_id, "name": name})
        return bool(answer.get("availableName"))

    def docker_images(self, type_name: str) -> list[str]:
        """The image catalogue for `tensorflow` or `pytorch`, flattened: how it is grouped is not documented."""
        found = self._call("aiworkspaces/getDockerImageList", {"search": {"typeName": type_name}}).get("dockerImages")
        groups = found.values() if isinstance(found, dict) else [found]
        return [image for group in groups for image in (group if isinstance(group, list) else [group]) if image]

    def create_workspace(self, body: Mapping[str, Any]) -> str:
        """The new workspace's ID; `body` as in the vendor's page. Never sent twice."""
        return self._id(self._call("aiworkspaces/create", body, repeatable=False))

    def workspaces(self, account_id: str) -> list[dict[str, Any]]:
        """The workspaces of one account, without their configuration."""
        return _contents(self._call("aiworkspaces/getList", {"search": {"accountId": account_id}}))

    def workspace(self, id_: str) -> dict[str, Any]:
        """One workspace with its configuration."""
        return self._call("aiworkspaces/getDetail", {"id": id_})

    def set_configuration(self, id_: str, configuration: Mapping[str, Any]) -> None:
        """Replace the whole configuration."""
        self._call("aiworkspaces/setConfiguration", {"id": id_, "configuration": configuration})

    def delete_workspace(self, id_: str) -> None:
        """Delete a workspace."""
        self._call("aiworkspaces/delete", {"id": id_})

    # --- one call

    def _call(self, operation: str, body: Mapping[str, Any], *, repeatable: bool = True) -> dict[str, Any]:
        answer = self._http.send(
            "POST",
            f"/api/v2/{operation}",
            headers={"content-type": "application/json", "accept": "application/json"},
            body=json.dumps(body, ensure_ascii=False, allow_nan=False).encode(),
            reads=_READS.search(operation) is not None,
            repeatable=repeatable,
        ).json()
        assert isinstance(answer, dict)  # `_judge` lets nothing else through
        return answer

    @staticmethod
    def _id(answer: Mapping[str, Any]) -> str:
        found = answer.get("id")
        if not isinstance(found, str) or not found:
            raise CloudError(
                "the service created something but did not say its ID",
                uncertain=True,
                remedy="run again: it is looked up by its name",
                reference="id-missing",
            )
        return found

    def _sign(self, request: Request) -> Mapping[str, str]:
        timestamp = str(int(self._clock() * 1000))
        return {
            "x-ncp-apigw-timestamp": timestamp,
            "x-ncp-iam-access-key": self._access_key,
            "x-ncp-apigw-signature-v2": signature(
                request.method, request.target, timestamp, self._access_key, self._secret_key
            ),
        }

    # --- what answers mean (specification section 4.3)

    def _judge(self, request: Request, answer: Answer) -> Judgement:
        content = answer.json()
        operation = request.target.removeprefix("/api/v2/")
        if 200 <= answer.status < 300:
            return self._judge_success(operation, content)
        gateway = content.get("error") if isinstance(content, dict) else None
        code = str(gateway.get("errorCode", "")) if isinstance(gateway, dict) else ""
        said = _said(content, gateway)
        if answer.status == 401:
            return Judgement(Verdict.REFUSED, self._unauthorized(code, said, answer))
        if answer.status == 404 or 300 <= answer.status < 400:
            return Judgement(Verdict.REFUSED, self._not_found(operation, content, said))
        if answer.status == 429:
            return Judgement(
                Verdict.THROTTLED,
                CloudError(
                    f"{operation} was throttled: {said or 'too many requests'}",
                    retryable=True,
                    why="Nothing was carried out. A quota may be counted by the day.",
                    remedy="wait, then run again, perhaps with a lower --parallel",
                    reference="throttled",
                ),
            )
        if answer.status >= 500:
            return Judgement(
                Verdict.UNCERTAIN,
                CloudError(
                    f"{operation} failed on the service's side ({answer.status}): {said or 'no reason given'}",
                    retryable=True,
                    uncertain=True,
                    why="Whether it was carried out is not known.",
                    remedy="run again",
                    reference="service-failed",
                ),
            )
        return Judgement(Verdict.REFUSED, _refusal(operation, answer.status, said))

    @staticmethod
    def _judge_success(operation: str, content: Any) -> Judgement:
        if not isinstance(content, dict):
            error = CloudError(
                f"{operation} was answered with something that is not Data Forest's",
                retryable=True,
                uncertain=True,
                why="A proxy may have put its own page there.",
                remedy="check the endpoint and proxy settings",
                reference="answer-unreadable",
            )
            return Judgement(Verdict.UNCERTAIN, error)
        if content.get("success") is False:
            return Judgement(Verdict.REFUSED, _refusal(operation, 200, _said(content, None)))
        return OK

    def _unauthorized(self, code: str, said: str, answer: Answer) -> WorksteadError:
        if code == "210":
            return ForbiddenError(
                f"the access key may not use Data Forest: {said}",
                why="The key is valid, but its owner has not subscribed to the service, or lacks the permission.",
                remedy="subscribe to Data Forest in the console, or ask for the permission; then run again",
            )
        skew = answer.skew(self._clock())
        if skew is not None and abs(skew) >= SKEW_LIMIT:
            direction = "behind" if skew > 0 else "ahead of"
            why = f"This computer's clock is {abs(skew):.0f} s {direction} the service's; the limit is 300 s."
            remedy = "set the clock"
        else:
            why = "The access key or the secret key is wrong or disabled, or the clock is off by 5 minutes or more."
            remedy = "check dataforest:accessKey, dataforest:secretKey and the clock"
        return CredentialsError(
            f"Data Forest did not accept the signature: {said or 'authentication failed'}",
            why=why,
            remedy=remedy,
            reference="credentials-refused",
        )

    def _not_found(self, operation: str, content: Any, said: str) -> CloudError:
        if isinstance(content, dict) and "success" in content:
            return NotFoundError(
                f"{operation}: {said or 'no such element'}",
                remedy="check the ID; if the object is gone, refresh the stack",
            )
        return EndpointGoneError(
            f"{self.endpoint} does not know {operation}",
            why="Something in front of the service answered: the API is not served there (any more). This says nothing "
            "about objects, so the record is kept.",
            remedy="check dataforest:endpoint and NCLOUD_API_GW; the pages on AI workspaces end in November 2024",
        )


# The service repeats what it was given: `invalid request parameter (<path>, '<value>'). <rule>`.
_SECRET_IN_MESSAGE = re.compile(r"\((password|configuration\.docker\.env[^,]*), '.*'(?=\))", re.DOTALL)
_PATH_IN_MESSAGE = re.compile(r"invalid request parameter \((?P<path>[\w.\[\]]+), ")


def _refusal(operation: str, status: int, said: str) -> CloudError:
    if status == 403:
        return ForbiddenError(
            f"{operation} was refused: {said or 'not allowed to access'}",
            why="The object belongs to somebody else, or does not exist.",
            remedy="check the ID and whose access key is used",
        )
    place = _PATH_IN_MESSAGE.search(said)
    path = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", place["path"]).lower() if place else ""
    quota = "quota" in said or "only create and use one account" in said
    return RefusedError(
        f"{operation} was refused: {said or f'HTTP {status}'}",
        path=path,
        why="A limit of the service is reached." if quota else "",
        remedy="use or delete what is there, or ask the vendor's support to raise the limit"
        if quota
        else "correct the inputs",
        reference="limit-reached" if quota else "refused",
    )


def _said(content: Any, gateway: Any) -> str:
    """The message of either shape of error, without the values of secret inputs."""
    for source in (gateway, content):
        if isinstance(source, dict) and source.get("message"):
            details = f" ({source['details']})" if source.get("details") else ""
            return _SECRET_IN_MESSAGE.sub(rf"(\1, {MASK}", f"{source['message']}{details}")
    return ""


def _contents(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = answer.get("contents") or []
    return [item for item in (found if isinstance(found, list) else [found]) if isinstance(item, dict)]


# --- opening ----------------------------------------------------------------------------------------------------------


def open_client(config: ConfigReader) -> Client:
    """A client from the stack's settings, else the environment, else `~/.ncloud/configure`; or for the emulator.

    Raises CredentialsError naming the settings that are missing.
    """
    url = emulated_endpoint(config, "dataforest")
    if url:
        emulator = importlib.import_module("providers.dataforest.emulator")
        return _client(url, emulator.ACCESS_KEY, emulator.SECRET_KEY)
    file = _vendors_file()
    access_key = (
        config.get("dataforest:accessKey")
        or os.environ.get("NCLOUD_ACCESS_KEY")
        or os.environ.get("NCLOUD_ACCESS_KEY_ID")
        or file.get("ncloud_access_key_id")
    )
    secret_key = (
        config.get("dataforest:secretKey")
        or os.environ.get("NCLOUD_SECRET_KEY")
        or os.environ.get("NCLOUD_SECRET_ACCESS_KEY")
        or file.get("ncloud_secret_access_key")
    )
    missing = [
        names
        for value, names in (
            (access_key, "dataforest:accessKey (or NCLOUD_ACCESS_KEY)"),
            (secret_key, "dataforest:secretKey (or NCLOUD_SECRET_KEY)"),
        )
        if not value
    ]
    if not access_key or not secret_key:
        raise CredentialsError(
            f"Data Forest needs credentials: {' and '.join(missing)} not set",
            why="Every request is signed with an access key and its secret key.",
            remedy="set them with `config set dataforest:accessKey` and `config set --secret dataforest:secretKey`, "
            "or in the environment, or in ~/.ncloud/configure; or set workstead:emulate to true",
            reference="credentials-missing",
        )
    endpoint = config.get("dataforest:endpoint") or os.environ.get("NCLOUD_API_GW") or ENDPOINT
    return _client(str(endpoint), str(access_key), str(secret_key))


@cache
def _client(endpoint: str, access_key: str, secret_key: str) -> Client:
    """One client, and so one set of connections, per endpoint and key."""
    return Client(endpoint, access_key, secret_key)


def _vendors_file() -> Mapping[str, str]:
    """The settings in the file of the vendor's own key library; it may or may not have section headings."""
    path = Path.home() / ".ncloud" / "configure"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    parser = configparser.ConfigParser(interpolation=None, strict=False, default_section="")
    try:
        parser.read_string(text if text.lstrip().startswith("[") else f"[DEFAULT]\n{text}")
    except configparser.Error:
        return {}
    sections = [*parser.sections()]
    chosen = next((name for name in sections if name.upper() == "DEFAULT"), sections[0] if sections else "")
    return dict(parser[chosen]) if chosen else {}

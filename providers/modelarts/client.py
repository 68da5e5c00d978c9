"""ModelArts on the wire: the operations of both generations of the notebook API, and how to open a client.

One method per operation; names stay the API's here, because this file is the border. `instances` are the demanager
API's, `notebooks` today's (specification 5 and 6). Who we are is left to `auth`, what answers mean to `answers`, trying
again, time limits and broken connections to `providers.http`, what the operations are used for to `provider`.

Nothing here waits for an object: create, start, stop and delete answer at once with a status on the way.
"""

from __future__ import annotations

import importlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from engine.core.contract import ConfigReader
from engine.core.errors import CredentialsError
from providers.base import emulated_endpoint
from providers.errors import NotFoundError
from providers.http import HttpClient
from providers.modelarts.answers import Judge
from providers.modelarts.auth import Auth, Keys, Place, Standing, Token, encoded, iam_beside, query_string
from providers.modelarts.errors import TokenExpiredError, WrongStatusError

INSTANCES_PAGE: Final = 100
NOTEBOOKS_PAGE: Final = 50
"""The largest page that lists of notebooks have (6.4)."""

Object = dict[str, Any]


class Client:
    """The operations of instances and notebooks. Safe to use from many threads.

    Every method raises the errors of `errors`, CredentialsError and those of `HttpClient.send`. `project_id` empty:
    found out when first needed.
    """

    def __init__(
        self,
        endpoint: str,
        auth: Auth,
        project_id: str = "",
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.endpoint = endpoint
        self.auth = auth
        self._project_id = project_id
        self._lock = threading.Lock()
        self._standing = Standing()
        judge = Judge(endpoint, clock, auth.signs)
        self._http = HttpClient(endpoint, auth.headers, judge, cloud="modelarts", account=auth.who)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @property
    def project_id(self) -> str:
        """The project everything belongs to."""
        if not self._project_id:
            with self._lock:
                if not self._project_id:
                    self._project_id = self._standing.asked(self.auth.project)
        return self._project_id

    # --- development environment instances (specification 5)

    def create_instance(self, body: Mapping[str, Any]) -> Object:
        """The new instance, on its way. Never sent twice."""
        return self._call("POST", "demanager/instances", body=body, repeatable=False)

    def instances(self, workspace_id: str = "0") -> list[Object]:
        """The instances of one workspace, everybody's."""
        found: list[Object] = []
        while True:
            page = self._call(
                "GET",
                "demanager/instances",
                de_type="Notebook",
                workspace_id=workspace_id,
                show_self="false",
                sortby="creation_timestamp",
                offset=len(found),
                limit=INSTANCES_PAGE,
            )
            items = _items(page, "instances")
            found += items
            if not items or len(found) >= _count(page.get("total_count"), len(found)):
                return found

    def instance(self, id_: str) -> Object:
        """One instance."""
        return self._call("GET", f"demanager/instances/{encoded(id_)}")

    def update_instance(self, id_: str, body: Mapping[str, Any]) -> Object:
        """Change description or auto-stop; what is left out stays."""
        return self._call("PUT", f"demanager/instances/{encoded(id_)}", body=body)

    def act_on_instance(self, id_: str, action: str) -> Object:
        """`start`, `stop`, `restart`, `queue` or `dequeue`: the status it leads to and the one before."""
        return self._call("POST", f"demanager/instances/{encoded(id_)}/action", body={"action": action})

    def delete_instance(self, id_: str) -> None:
        """Delete a stopped instance."""
        self._call("DELETE", f"demanager/instances/{encoded(id_)}")

    # --- notebooks (specification 6)

    def create_notebook(self, body: Mapping[str, Any]) -> Object:
        """The new notebook, on its way. Never sent twice."""
        return self._call("POST", "notebooks", body=body, repeatable=False)

    def notebooks(
        self, *, name: str | None = None, workspace_id: str | None = None, everyones: bool = False
    ) -> list[Object]:
        """The caller's own notebooks, or everybody's, newest first; `name` may also be a part of theirs."""
        path = "notebooks/all" if everyones else "notebooks"
        found: list[Object] = []
        while True:
            page = self._call(
                "GET",
                path,
                name=name,
                workspace_id=workspace_id,
                limit=NOTEBOOKS_PAGE,
                offset=len(found),
                sort_key="create_at",
                sort_dir="DESC",
            )
            items = _items(page, "data")
            found += items
            if len(items) < NOTEBOOKS_PAGE or len(found) >= _count(page.get("total"), len(found) + 1):
                return found

    def notebook(self, id_: str) -> Object:
        """One notebook. 6357, which says "not now" elsewhere, is the word for one that is being deleted here (3.3)."""
        try:
            return self._call("GET", f"notebooks/{encoded(id_)}")
        except WrongStatusError as error:
            raise NotFoundError(error.summary, why="It is being deleted.", remedy="refresh the stack") from error

    def update_notebook(self, id_: str, body: Mapping[str, Any]) -> Object:
        """Change what can be changed; the answer may hold only some members."""
        return self._call("PUT", f"notebooks/{encoded(id_)}", body=body)

    def start_notebook(self, id_: str, duration: int | None = None, type_: str | None = None) -> Object:
        """Start; `duration` in milliseconds, -1 for no automatic stop."""
        return self._call("POST", f"notebooks/{encoded(id_)}/start", duration=duration, type=type_)

    def stop_notebook(self, id_: str) -> Object:
        """Stop."""
        return self._call("POST", f"notebooks/{encoded(id_)}/stop")

    def renew_lease(self, id_: str, body: Mapping[str, Any]) -> Object:
        """Start a running notebook's time anew: `duration` in milliseconds, and `type`."""
        return self._call("PATCH", f"notebooks/{encoded(id_)}/lease", body=body)

    def delete_notebook(self, id_: str) -> Object:
        """Delete."""
        return self._call("DELETE", f"notebooks/{encoded(id_)}")

    def add_tags(self, id_: str, tags: Mapping[str, str], workspace_id: str | None = None) -> None:
        """Set tags; one that is there gets the new value."""
        body = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
        self._call("POST", f"notebooks/{encoded(id_)}/tags/create", body=body, workspace_id=workspace_id)

    def delete_tags(self, id_: str, tags: Mapping[str, str], workspace_id: str | None = None) -> None:
        """Delete tags; one that is not there is no mistake."""
        body = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
        self._call("DELETE", f"notebooks/{encoded(id_)}/tags/delete", body=body, workspace_id=workspace_id)

    # --- one call

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        repeatable: bool = True,
        **query: str | int | None,
    ) -> Object:
        project = self.project_id
        asked = query_string([(name, str(value)) for name, value in query.items() if value is not None])
        target = f"/v1/{encoded(project)}/{path}{f'?{asked}' if asked else ''}"
        content = b"" if body is None else json.dumps(body, ensure_ascii=False, allow_nan=False).encode()

        def send() -> Any:
            return self._http.send(
                method,
                target,
                headers={"content-type": "application/json", "accept": "application/json", "x-project-id": project},
                body=content,
                reads=method == "GET",
                repeatable=repeatable,
            ).json()

        try:
            answer = self._standing.asked(send)
        except TokenExpiredError as error:
            if not self.auth.renew():
                raise
            try:
                answer = self._standing.asked(send)
            except TokenExpiredError:
                raise CredentialsError(
                    error.summary,
                    why="A token fetched just now was refused too.",
                    remedy="check modelarts:iamEndpoint, modelarts:projectId and this computer's clock",
                    reference="credentials-refused",
                ) from error
        return answer if isinstance(answer, dict) else {}


def _items(page: Mapping[str, Any], name: str) -> list[Object]:
    found = page.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _count(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) else otherwise


# --- opening ----------------------------------------------------------------------------------------------------------

_SETTINGS: Final[Mapping[str, str]] = {
    "accessKey": "HUAWEICLOUD_SDK_AK",
    "secretKey": "HUAWEICLOUD_SDK_SK",
    "securityToken": "HUAWEICLOUD_SDK_SECURITY_TOKEN",
    "region": "HUAWEICLOUD_SDK_REGION",
    "projectId": "HUAWEICLOUD_SDK_PROJECT_ID",
    "endpoint": "",
    "iamEndpoint": "HUAWEICLOUD_SDK_IAM_ENDPOINT",
    "userName": "",
    "password": "",
    "domainName": "",
}
"""Settings of a stack under `modelarts:`, each with the variable of the vendor's SDK that stands in for it."""

_REGION_SUFFIXES: Final = {"ap-southeast-1": "myhuaweicloud.cn"}
"""Where the vendor's SDK has an address unlike the others (specification 1.1)."""


def open_client(config: ConfigReader) -> Client:
    """A client from the stack's settings, else the environment; or for the emulator.

    Raises CredentialsError naming the settings that are missing.
    """
    given = {name: _setting(config, name, variable) for name, variable in _SETTINGS.items()}
    url = emulated_endpoint(config, "modelarts")
    if url:
        emulator = importlib.import_module("providers.modelarts.emulator")
        own = {"endpoint": url, "iamEndpoint": url, "region": emulator.REGION}
        own |= {"accessKey": emulator.ACCESS_KEY, "secretKey": emulator.SECRET_KEY, "projectId": emulator.PROJECT_ID}
        return _client(**{**dict.fromkeys(_SETTINGS, ""), **own})
    by_login = bool(given["userName"] and not given["accessKey"])
    needed = ("userName", "password", "domainName") if by_login else ("accessKey", "secretKey")
    missing = [name for name in needed if not given[name]]
    if not given["region"] and not (given["endpoint"] and given["projectId"]):
        missing.append("region")
    if missing:
        names = [f"modelarts:{name}{f' (or {_SETTINGS[name]})' if _SETTINGS[name] else ''}" for name in missing]
        raise CredentialsError(
            f"ModelArts needs credentials: {' and '.join(names)} not set",
            why="Every request is signed with an access key, or made with a token that IAM gives for a login.",
            remedy="set them with `config set modelarts:accessKey` and `config set --secret modelarts:secretKey` (or "
            "modelarts:userName, modelarts:password and modelarts:domainName), or in the environment; "
            "or set workstead:emulate to true",
            reference="credentials-missing",
        )
    return _client(**given)


def _setting(config: ConfigReader, name: str, variable: str) -> str:
    return str(config.get(f"modelarts:{name}") or (os.environ.get(variable, "") if variable else ""))


@cache
def _client(**given: str) -> Client:
    """One client, and so one set of connections and one token, per set of settings."""
    region = given["region"]
    suffix = _REGION_SUFFIXES.get(region, "myhuaweicloud.com")
    endpoint = given["endpoint"] or f"https://modelarts.{region}.{suffix}"
    place = Place(given["iamEndpoint"] or iam_beside(given["endpoint"], region), region, time.time)
    auth: Auth
    if given["accessKey"]:
        auth = Keys(place, given["accessKey"], given["secretKey"], given["securityToken"])
    else:
        auth = Token(place, given["domainName"], given["userName"], given["password"], given["projectId"])
    return Client(endpoint, auth, given["projectId"])

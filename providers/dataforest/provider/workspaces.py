"""AI workspaces: saved job definitions in an account (specification section 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from engine.core.contract import CreateResult, Found, ReadResult, UpdateResult
from engine.core.errors import CloudError
from providers.base import Tree, create_once, current_call, keeping, look_briefly
from providers.dataforest import schema
from providers.dataforest.provider.accounts import await_running
from providers.dataforest.provider.calls import DataForestType
from providers.errors import EndpointGoneError, ForbiddenError, NotFoundError, RefusedError

SETTLING: Final = 10.0
"""Seconds in which something just written may still be missing from reads."""


class AIWorkspaces(DataForestType):
    """AI workspaces: a saved job definition in an account. The ID is the service's."""

    token = "pulumi-python:dynamic/dataforest:AIWorkspace"
    schema = schema.AIWorkspace
    outputs: ClassVar = {
        "account_name": ("account_id",),
        "image_version": ("configuration",),
        "created_at": (),
        "modified_at": ("configuration",),
    }
    marker = "its account and name"
    identity = ("account_id", "name")

    # --- writing

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create; the service has made it when the call returns. Raises CloudError, PartialFailure."""
        wanted = self.declared(props)
        await_running(self.client, wanted["account_id"])
        body = schema.wire(schema.AIWorkspace, wanted)
        id_ = self._created(wanted, body)
        with keeping(id_, lambda: wanted, "the workspace was created, but could not be read back"):
            detail = self._settled(id_)
        self._report_deviations(wanted, detail)
        return CreateResult(id_, {**wanted, **_workspace_outputs(detail)})

    def _created(self, wanted: Tree, body: Tree) -> str:
        """The ID of the new workspace, created once whatever becomes of the answers."""
        account_id, name = wanted["account_id"], wanted["name"]
        if not self.client.workspace_name_is_free(account_id, name):
            raise self._taken(account_id, name)
        return create_once(
            lambda: self.client.create_workspace(body),
            lambda: self._named(account_id, name),
            "the workspace",
            within=self.lag(),
        )

    def _taken(self, account_id: str, name: str) -> CloudError:
        id_ = self._named(account_id, name)
        known = f"It has the ID {id_}." if id_ else "Its ID could not be found out."
        return RefusedError(
            f"the account already has a workspace named {name!r}",
            path="name",
            why=f"Names are unique in an account, and that one was not made by this stack. {known}",
            remedy=f"give another name, or take it over with the option import_={id_!r}"
            if id_
            else "give another name",
            reference="name-taken",
        )

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Replace the whole configuration, which is all that can change in place; and read it back."""
        wanted = self.declared(news)
        self.client.set_configuration(id_, schema.wire(schema.Configuration, wanted["configuration"]))
        kept = self.unaltered(olds, wanted, [("configuration",)])
        with keeping(id_, lambda: {**kept, **wanted}, "the configuration was set, but could not be read back"):
            detail = self.client.workspace(id_)
        self._report_deviations(wanted, detail)
        for path in self.leftovers(olds, news, inputs_in(detail, wanted["account_id"])):
            current_call().report(f"the service kept {path}, which is no longer declared")
        return UpdateResult({**kept, **wanted, **_workspace_outputs(detail)})

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Delete; one that is gone already is success."""
        try:
            self.client.delete_workspace(id_)
        except NotFoundError:
            self._require_gone(id_, str(props.get("account_id") or ""))

    # --- reading

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What it looks like now; no ID when it is gone for certain."""
        account_id = str(props.get("account_id") or "")
        try:
            detail = self.client.workspace(id_)
        except NotFoundError:
            self._require_gone(id_, account_id)
            return ReadResult()
        except ForbiddenError:
            if account_id and all(item.get("id") != id_ for item in self.client.workspaces(account_id)):
                return ReadResult()
            raise
        observed = inputs_in(detail, account_id)
        if "configuration" not in observed and props.get("configuration"):
            observed["configuration"] = props["configuration"]
        computed = {**self.unaltered(props, self.declared(props), ()), **_workspace_outputs(detail)}
        return self.seen(str(detail.get("id") or id_), props, observed, computed)

    def find(self, props: dict[str, Any]) -> ReadResult:
        """The workspace that an interrupted create of these inputs left: same account, name and contents."""
        wanted = self.declared(props)
        try:
            id_ = self._named(wanted["account_id"], wanted["name"])
        except (NotFoundError, ForbiddenError):
            if not self._account_is_gone(wanted["account_id"]):
                raise
            id_ = None
        if id_ is None:
            return ReadResult()
        detail = self.client.workspace(id_)
        if self.deviations(wanted, inputs_in(detail, wanted["account_id"])):
            return ReadResult()
        return self.seen(id_, wanted, wanted, _workspace_outputs(detail))

    def locate(self, props: dict[str, Any]) -> str:
        """The ID of the workspace of that name in the account."""
        wanted = self.declared(props)
        return self._named(wanted["account_id"], wanted["name"]) or ""

    def list(self) -> Iterator[Found]:
        """Every workspace of every account the key has rights on."""
        for account in self.client.accounts():
            if account.get("disabled") or not account.get("id"):
                continue
            for item in self.client.workspaces(account["id"]):
                outs = {"account_id": account["id"], **_workspace_outputs(item)}
                yield Found(self.token, str(item.get("id", "")), str(item.get("name", "")), outs=outs)

    def _named(self, account_id: str, name: str) -> str | None:
        items = self.client.workspaces(account_id)
        return next((str(item["id"]) for item in items if item.get("name") == name and item.get("id")), None)

    def _settled(self, id_: str) -> dict[str, Any]:
        """The detail of something just created, which reads may not know yet (specification section 15, 16)."""

        def look() -> dict[str, Any] | NotFoundError:
            try:
                return self.client.workspace(id_)
            except NotFoundError as error:
                return error

        seen = look_briefly(look, lambda seen: isinstance(seen, dict), within=SETTLING)
        if isinstance(seen, NotFoundError):
            raise seen
        return seen

    def _require_gone(self, id_: str, account_id: str) -> None:
        """Return when the workspace is certainly gone; else CloudError, and the record is kept.

        "No such element" is also what a removed operation says, so another one of the group has to work. When that
        knows no such account, the account is looked at, too.
        """
        if not account_id:
            self.client.docker_images("tensorflow")
            return
        try:
            items = self.client.workspaces(account_id)
        except ForbiddenError:
            return  # The service is there and refuses the account, so its word on the workspace counts.
        except NotFoundError as error:
            if self._account_is_gone(account_id):
                return
            raise CloudError(
                f"neither the workspace {id_} nor its account {account_id} can be read",
                why="The service says of both that they do not exist, as it also does when an operation is no longer "
                "served. The record is kept.",
                remedy="look in the console; if they are really gone, take them out of the record by hand",
                reference="endpoint-or-account-unavailable",
            ) from error
        if any(item.get("id") == id_ for item in items):
            raise CloudError(
                f"the workspace {id_} is listed, but cannot be read",
                retryable=True,
                why="The service contradicts itself, so the record is kept.",
                remedy="run again later",
                reference="answers-contradict",
            )

    def _account_is_gone(self, account_id: str) -> bool:
        """Whether the workspace operations work at all, and accounts are served but not this one."""
        try:
            self.client.docker_images("tensorflow")
            accounts = self.client.accounts()
        except (NotFoundError, EndpointGoneError):
            return False
        return all(account.get("id") != account_id for account in accounts)

    # --- telling

    def _report_deviations(self, wanted: Tree, detail: Mapping[str, Any]) -> None:
        """Say where the service did not take what was asked; it is recorded as asked, so the next refresh sees it."""
        observed = inputs_in(detail, wanted["account_id"])
        if "configuration" not in observed:
            return
        for path in self.deviations(wanted, observed):
            current_call().report(f"the service answered with another {path} than was asked for")


def inputs_in(detail: Mapping[str, Any], account_id: str) -> Tree:
    """The inputs in a `getDetail` answer; no configuration when it has none."""
    contents = detail.get("contents")
    entries = [entry for entry in (contents if isinstance(contents, list) else [contents]) if isinstance(entry, dict)]
    if len(entries) > 1:
        current_call().report(f"the workspace has {len(entries)} configurations; the latest counts")
    inputs = {
        "account_id": detail.get("accountId") or account_id,
        "name": detail.get("name"),
        "description": detail.get("description"),
    }
    if entries:
        latest = max(enumerate(entries), key=lambda pair: (_instant(pair[1].get("modifiedAt")), pair[0]))[1]
        if isinstance(latest.get("configuration"), dict):
            inputs["configuration"] = _tidied(latest["configuration"])
    return {name: value for name, value in inputs.items() if value is not None}


def _tidied(configuration: Mapping[str, Any]) -> Tree:
    """A configuration as answered, with the vendor's type pages' alternatives in the shape of its samples."""
    tidy = dict(configuration)
    docker = tidy.get("docker")
    if isinstance(docker, dict):
        docker = dict(docker)
        if "arg" in docker:
            docker.setdefault("args", docker.pop("arg"))
        ports = docker.get("exposeTcpPorts")
        if ports is not None and not isinstance(ports, list):
            docker["exposeTcpPorts"] = [ports]
        tidy["docker"] = docker
    return tidy


def _workspace_outputs(detail: Mapping[str, Any]) -> Tree:
    """The computed outputs that an answer has."""
    names = {
        "account_name": "accountName",
        "image_version": "imageVersion",
        "created_at": "createdAt",
        "modified_at": "modifiedAt",
    }
    return {name: detail[theirs] for name, theirs in names.items() if detail.get(theirs) is not None}


def _instant(text: Any) -> float:
    """A date in either of the documented layouts as seconds since the epoch; before all others when it is neither."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except (ValueError, OverflowError):
        return float("-inf")

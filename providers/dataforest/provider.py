"""Accounts and AI workspaces of Data Forest: create, read, update, delete, find, list.

What is allowed and what a change means is in `schema`, the wire in `client`; here is the order of the calls, and what
to conclude from their answers. Three cautions run through it (specification sections 4.3, 5 and 7):

* `create` has no idempotency token. After an uncertain answer the object is looked up by its name, and only when it is
  not there is it created again.
* An operation that the service no longer has answers like an object that is gone. So "gone" is believed only when
  another operation of the same group still works; otherwise the record is kept and an error says so.
* Answers may lack any field but the ID, and lists and objects may stand in for each other.
"""

from __future__ import annotations

import secrets
import string
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from engine.core.contract import CreateResult, Found, ReadResult, UpdateResult
from engine.core.errors import CloudError, DeadlineError, WorksteadError
from providers.base import MADE_UP, ResourceType, Tree, current_call, keeping, look_briefly, wait_until
from providers.dataforest import schema
from providers.dataforest.client import (
    Client,
    EndpointGoneError,
    ForbiddenError,
    NotFoundError,
    RefusedError,
    open_client,
)

ACCOUNT_LIMIT: Final = 15 * 60.0
"""Seconds until an account has to be usable; the guide says 2-3 minutes (G-acc)."""
ACCOUNT_POLL: Final = 5.0
"""Seconds between two looks at an account that is being made."""
SETTLING: Final = 10.0
"""Seconds in which something just written may still be missing from reads."""
EMPTYING: Final = 30.0
"""Seconds in which an account may still hold workspaces that were just deleted."""
TRIES: Final = 3
"""How often a create is sent when its outcome stays uncertain and nothing is found."""

REALM: Final = "KR.DF.NAVERNCP.COM"


class _Type(ResourceType):
    """What both types need: a client that is opened at the first call that reaches the cloud."""

    _opened: Client | None = None

    @property
    def client(self) -> Client:
        if self._opened is None:
            with _opening:
                if self._opened is None:
                    assert self.config is not None, "configure was not called"
                    self._opened = open_client(self.config)
        return self._opened


_opening = threading.Lock()


def create_once(send: Callable[[], str], look: Callable[[], str | None], what: str) -> str:
    """The ID of a new object: sent again only when an uncertain answer turns out to have had no effect.

    The caller has seen that the name is free, so what `look` finds under it afterwards is what was sent. Raises the
    uncertain error itself when nobody can look.
    """
    lost: CloudError | None = None
    for attempt in range(1, TRIES + 1):
        try:
            return send()
        except DeadlineError:
            raise
        except CloudError as error:
            if not error.uncertain and lost is None:
                raise
            lost = error if error.uncertain else lost
            current_call().report(f"the answer was lost, looking for {what}")
            try:
                found = look_briefly(look, lambda found: found is not None, within=1.0, every=0.25)
            except WorksteadError as problem:
                raise (lost or error) from problem
            if found is not None:
                return found
            if attempt == TRIES or not error.uncertain:
                raise
    raise AssertionError("unreachable")


# --- AI workspaces ----------------------------------------------------------------------------------------------------


class AIWorkspaces(_Type):
    """AI workspaces: a saved job definition in an account. The ID is the service's."""

    token = "pulumi-python:dynamic/dataforest:AIWorkspace"
    schema = schema.AIWorkspace
    outputs: ClassVar = {
        "account_name": ("account_id",),
        "image_version": ("configuration",),
        "created_at": (),
        "modified_at": ("configuration",),
    }
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
        for path in self.leftovers(olds, news, _workspace_inputs(detail, wanted["account_id"])):
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
        observed = _workspace_inputs(detail, account_id)
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
        if self.deviations(wanted, _workspace_inputs(detail, wanted["account_id"])):
            return ReadResult()
        return self.seen(id_, wanted, wanted, _workspace_outputs(detail))

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
        observed = _workspace_inputs(detail, wanted["account_id"])
        if "configuration" not in observed:
            return
        for path in self.deviations(wanted, observed):
            current_call().report(f"the service answered with another {path} than was asked for")


def _workspace_inputs(detail: Mapping[str, Any], account_id: str) -> Tree:
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


# --- accounts ---------------------------------------------------------------------------------------------------------


def await_running(client: Client, account_id: str) -> dict[str, Any]:
    """The account's detail once it is usable. Raises DeadlineError after 15 minutes or the customer's own limit."""

    def status(detail: dict[str, Any]) -> str:
        return str(detail.get("status") or "RUNNING")

    def look() -> dict[str, Any]:
        try:
            detail = client.account(account_id)
        except NotFoundError as error:
            raise RefusedError(
                f"there is no account with the ID {account_id}",
                remedy="give the ID of an account that exists, such as account.id",
                reference="account-missing",
            ) from error
        if any(word in status(detail) for word in ("FAIL", "ERROR")):
            raise CloudError(
                f"the account is {status(detail)}",
                why="It will not become usable by itself.",
                remedy="look at it in the console, or ask the vendor's support",
                reference="account-failed",
            )
        return detail

    return wait_until(
        look,
        lambda detail: status(detail) == "RUNNING",
        progress=lambda detail: f"account {status(detail)}",
        every=ACCOUNT_POLL,
        limit=ACCOUNT_LIMIT,
        doing="create",
    )


class Accounts(_Type):
    """Accounts: the owners of workspaces. The ID is the service's."""

    token = "pulumi-python:dynamic/dataforest:Account"
    schema = schema.Account
    outputs: ClassVar = {
        "status": ("password", "quotas"),
        "principal": ("name",),
        "created_at": (),
        "adopted": (),
    }
    identity = ("name",)

    # --- writing

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create and wait until it is usable, which takes minutes; or take over the one that is there."""
        wanted = self.declared(props)
        if wanted.get("adopt"):
            there = self._to_adopt(wanted.get("name"))
            if there is not None:
                return self._adopted(str(there["id"]), str(there.get("name", "")), wanted)
        made_up = {} if wanted.get("password") else {"password": made_up_password(), MADE_UP: ["password"]}
        outs: Tree = {**wanted, **made_up, "adopted": False}
        id_ = self._created(wanted["name"], outs["password"])
        outs |= _account_outputs({"name": wanted["name"], "status": "ACCEPTED"})
        with keeping(id_, lambda: outs, "the account was created, but is not ready"):
            await_running(self.client, id_)
            list(self._set_quotas(id_, {}, wanted))
            detail = await_running(self.client, id_)
        return CreateResult(id_, outs | _account_outputs(detail))

    def _created(self, name: str, password: str) -> str:
        if not self.client.account_name_is_free(name):
            raise self._taken(name)
        try:
            return create_once(
                lambda: self.client.create_account(name, password), lambda: self._named(name), "the account"
            )
        except RefusedError as error:
            raise self._with_advice(error) from error

    def _adopted(self, id_: str, name: str, wanted: Tree) -> CreateResult:
        made_up = {} if "name" in wanted else {"name": name, MADE_UP: ["name"]}
        outs: Tree = {**wanted, **made_up, "adopted": True}
        outs |= _account_outputs({**await_running(self.client, id_), "name": name})
        with keeping(id_, lambda: outs, "the account was taken over, but could not be changed as asked"):
            if wanted.get("password"):
                self.client.reset_password(id_, wanted["password"])
            list(self._set_quotas(id_, {}, wanted))
            detail = await_running(self.client, id_)
        return CreateResult(id_, outs | _account_outputs({**detail, "name": name}))

    def _to_adopt(self, name: str | None) -> dict[str, Any] | None:
        """The account to take over: the one of this name, or the only one; None when a named one has to be made."""
        usable = [item for item in self.client.accounts() if item.get("id") and not item.get("disabled")]
        if name is not None:
            return next((item for item in usable if item.get("name") == name), None)
        if len(usable) == 1:
            return usable[0]
        names = ", ".join(str(item.get("name")) for item in usable) or "none"
        raise RefusedError(
            f"there is no single account to take over, but {len(usable)}",
            path="name",
            why=f"adopt=True without a name takes the only account there is. Accounts: {names}.",
            remedy="give the name of one of them, or a new name to have it made",
            reference="adopt-ambiguous",
        )

    def _taken(self, name: str) -> CloudError:
        id_ = self._named(name)
        if id_ is None:
            return RefusedError(
                f"the account name {name!r} is taken",
                path="name",
                why="Account names are unique in the whole cluster; this one belongs to somebody else.",
                remedy="give another name",
                reference="name-taken",
            )
        return RefusedError(
            f"you already have an account named {name!r}",
            path="name",
            why=f"It was not made by this stack. It has the ID {id_}.",
            remedy=f"take it over with adopt=True, or with the option import_={id_!r}",
            reference="name-taken",
        )

    def _with_advice(self, error: CloudError) -> WorksteadError:
        """A refusal because the user has an account already says how to use that one."""
        if error.reference != "limit-reached":
            return error
        there = [item for item in self.client.accounts() if item.get("id") and not item.get("disabled")]
        names = ", ".join(f"{item.get('name')} ({item['id']})" for item in there)
        return RefusedError(
            error.summary,
            why=f"A user can have one account. There is: {names or 'none that this key sees'}.",
            remedy="take it over with adopt=True, or with the option import_",
            reference="limit-reached",
        )

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Change password and quotas in place; raises PartialFailure when only some of it was done."""
        old, wanted = self.declared(olds), self.declared(news)
        done = dict(olds)
        with keeping(id_, lambda: done, "the account was changed in part"):
            if wanted.get("password") and wanted["password"] != olds.get("password"):
                self.client.reset_password(id_, wanted["password"])
                done["password"] = wanted["password"]
            for namespace in self._set_quotas(id_, old, wanted):
                done["quotas"] = {**(done.get("quotas") or {}), namespace: wanted["quotas"][namespace]}
            detail = await_running(self.client, id_)
        kept = self.unaltered(olds, wanted, ())
        name = wanted.get("name") or olds.get("name")
        return UpdateResult({**kept, **wanted, **_account_outputs({**detail, "name": name})})

    def _set_quotas(self, id_: str, old: Tree, wanted: Tree) -> Iterator[str]:
        """Set the quota of each namespace that differs, naming each when it is done.

        A member that is left out keeps what the service has.
        """
        for namespace in schema.NAMESPACES:
            asked = (wanted.get("quotas") or {}).get(namespace)
            if asked and asked != (old.get("quotas") or {}).get(namespace):
                current = _quotas(await_running(self.client, id_)).get(namespace, {})
                full = {"file_count_million": 1, "space_tb": 200, **current, **asked}
                self.client.set_quota(id_, namespace, full["file_count_million"], full["space_tb"])
                yield namespace

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Delete an account that we made, once it is empty; leave one that was taken over."""
        if props.get("adopted"):
            return
        try:
            full = look_briefly(
                lambda: self.client.account_has_resources(id_),
                lambda full: not full,
                within=EMPTYING,
                every=2.0,
                progress="the account still has resources",
            )
            if full:
                raise _not_empty()
            self.client.delete_account(id_)
        except NotFoundError:
            self._require_gone(id_)
            return
        wait_until(
            lambda: self._is_listed(id_),
            lambda listed: not listed,
            progress=lambda listed: "the account is being deleted",
            every=ACCOUNT_POLL,
            limit=ACCOUNT_LIMIT,
            doing="delete",
        )

    # --- reading

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What it looks like now; no ID when it is gone for certain."""
        try:
            detail = self.client.account(id_)
        except NotFoundError:
            self._require_gone(id_)
            return ReadResult()
        name = detail.get("name") or props.get("name")
        quotas = _quotas(detail)
        observed: Tree = {"name": name} if name else {}
        if quotas:
            observed["quotas"] = quotas
        kept = {"adopted": False, **self.unaltered(props, self.declared(props), ())}
        computed = {**kept, **_account_outputs({**detail, "name": name})}
        return self.seen(str(detail.get("id") or id_), props, observed, computed)

    def find(self, props: dict[str, Any]) -> ReadResult:
        """The account that an interrupted create of these inputs left, by its name."""
        wanted = self.declared(props)
        there = self._to_adopt(wanted.get("name")) if wanted.get("adopt") else None
        id_ = str(there["id"]) if there else self._named(str(wanted.get("name", "")))
        if id_ is None:
            return ReadResult()
        detail = self.client.account(id_)
        name = str(detail.get("name") or wanted.get("name"))
        # Whether it was there before the interrupted create is not known: better to leave it one day than to delete it.
        computed = {**_account_outputs({**detail, "name": name}), "adopted": bool(wanted.get("adopt"))}
        if "name" not in wanted:
            computed |= {"name": name, MADE_UP: ["name"]}
        return ReadResult(id_, {**wanted, **computed}, wanted)

    def list(self) -> Iterator[Found]:
        """Every account the key has rights on."""
        for item in self.client.accounts():
            if item.get("id") and not item.get("disabled"):
                status = str(item.get("status", ""))
                yield Found(self.token, str(item["id"]), str(item.get("name", "")), status, _account_outputs(item))

    def _named(self, name: str) -> str | None:
        items = self.client.accounts()
        return next((str(item["id"]) for item in items if item.get("name") == name and item.get("id")), None)

    def _is_listed(self, id_: str) -> bool:
        return any(item.get("id") == id_ for item in self.client.accounts())

    def _require_gone(self, id_: str) -> None:
        """Return when the account is certainly gone: the list works and lacks it. Else CloudError."""
        if self._is_listed(id_):
            raise CloudError(
                f"the account {id_} is listed, but cannot be read",
                retryable=True,
                why="The service contradicts itself, so the record is kept.",
                remedy="run again later",
                reference="answers-contradict",
            )


def _not_empty() -> CloudError:
    return RefusedError(
        "the account still has resources",
        why="It holds workspaces, notebooks or apps that this stack does not manage, and only an empty account can be "
        "deleted.",
        remedy="delete them in the console, or keep the account with the option retain_on_delete",
        reference="account-not-empty",
    )


def _account_outputs(detail: Mapping[str, Any]) -> Tree:
    """The computed outputs that an answer has; the principal is made from the name where it is missing."""
    created = detail.get("createdAt") or detail.get("createAt")
    principal = detail.get("principal") or (f"{detail['name']}@{REALM}" if detail.get("name") else None)
    outs = {"status": detail.get("status"), "principal": principal, "created_at": created}
    return {name: value for name, value in outs.items() if value is not None}


def _quotas(detail: Mapping[str, Any]) -> Tree:
    """namespace → quota, in our spelling."""
    items = detail.get("quotas")
    return {
        str(item["namespace"]): {
            "file_count_million": int(item["fileCountMillion"]),
            "space_tb": int(item["spaceTb"]),
        }
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, dict) and {"namespace", "fileCountMillion", "spaceTb"} <= item.keys()
    }


def made_up_password() -> str:
    """A password by the strictest of the vendor's rules: 20 characters of every kind, none of the forbidden ones."""
    special = "".join(letter for letter in "!#$%()*+,-.:;<=>?@[]^_{|}~" if letter not in schema.FORBIDDEN_IN_PASSWORDS)
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits, special)
    letters = [secrets.choice(kind) for kind in kinds]
    letters += [secrets.choice("".join(kinds)) for _ in range(20 - len(letters))]
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)

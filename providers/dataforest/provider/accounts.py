"""Accounts: the owners of workspaces (specification section 7). A user normally has one."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from engine.core.contract import CreateResult, Found, ReadResult, UpdateResult
from engine.core.errors import CloudError, WorksteadError
from providers.base import MADE_UP, Tree, create_once, keeping, look_briefly, wait_until
from providers.dataforest import schema
from providers.dataforest.provider.calls import DataForestType
from providers.errors import NotFoundError, RefusedError

if TYPE_CHECKING:
    from providers.dataforest.client import Client

READY_LIMIT: Final = 15 * 60.0
"""Seconds until an account has to be usable, or gone; the guide says 2-3 minutes (G-acc)."""
READY_POLL: Final = 5.0
"""Seconds between two looks at an account that is being made."""
EMPTYING: Final = 30.0
"""Seconds in which an account may still hold workspaces that were just deleted."""

REALM: Final = "KR.DF.NAVERNCP.COM"


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
        every=READY_POLL,
        limit=READY_LIMIT,
        doing="create",
    )


class Accounts(DataForestType):
    """Accounts: the owners of workspaces. The ID is the service's."""

    token = "pulumi-python:dynamic/dataforest:Account"
    schema = schema.Account
    outputs: ClassVar = {
        "status": ("password", "quotas"),
        "principal": ("name",),
        "created_at": (),
        "adopted": (),
    }
    marker = "its name"
    identity = ()  # One account per user (7.2), so a new one can only follow the old one.

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
                lambda: self.client.create_account(name, password),
                lambda: self._named(name),
                "the account",
                within=self.lag(),
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
            every=READY_POLL,
            limit=READY_LIMIT,
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
        """The account that an interrupted create of these inputs left, by its name.

        Taking one over can simply be done again, and then leaves it in the cloud one day: so there is nothing to find.
        """
        wanted = self.declared(props)
        id_ = None if wanted.get("adopt") else self._named(str(wanted.get("name", "")))
        if id_ is None:
            return ReadResult()
        detail = self.client.account(id_)
        computed = _account_outputs({**detail, "name": detail.get("name") or wanted["name"]})
        return self.seen(id_, wanted, wanted, {**computed, "adopted": False})

    def locate(self, props: dict[str, Any]) -> str:
        """The ID of the account of that name, if the key sees it."""
        return self._named(str(self.declared(props).get("name", ""))) or ""

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
        try:
            listed = self._is_listed(id_)
        except NotFoundError as error:
            raise CloudError(
                f"the account {id_} cannot be read, and accounts cannot be listed",
                why="The service says of everything that it does not exist, as it also does when an operation is no "
                "longer served. The record is kept.",
                remedy="look in the console; if the account is really gone, take it out of the record by hand",
                reference="endpoint-or-account-unavailable",
            ) from error
        if listed:
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

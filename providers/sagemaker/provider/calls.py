"""What all types share: two spellings, the region, IDs, tags, names that are looked up before they are sent.

A type says which API members name its objects (`key`), what Describe calls things (`tidied`), and what its outputs are
(`answers`); the order of calls is here, waiting for a status in `statuses`. What lies between the declared inputs and
the wire is in the API's spelling, so that one implementation serves both dialects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from engine.core import paths
from engine.core.contract import CheckFailure, CheckResult, CreateResult, Found, ReadResult, UpdateResult
from engine.core.values import equal, has_unknown
from providers.base import (
    MADE_UP,
    ReplaceRule,
    ResourceType,
    Tree,
    create_once,
    current_call,
    keeping,
    look_briefly,
    members_of,
)
from providers.errors import NotFoundError, RefusedError
from providers.sagemaker.errors import RoleNotReadyError
from providers.sagemaker.provider.spelling import Answer, Placing, Spelt
from providers.sagemaker.provider.tags import own_tags, with_tag_map
from providers.sagemaker.schema.common import UNKNOWN_TYPE
from providers.sagemaker.schema.names import OURS
from providers.sagemaker.schema.structures import Dialect, api_path, from_api, to_api

if TYPE_CHECKING:
    from providers.sagemaker.client import Client

T = TypeVar("T")

Key = Mapping[str, Any]
"""The API members that name an object, for Describe and Delete."""

ASSUMABLE_WITHIN: Final = 120.0
"""Seconds in which a role that was just made may not be assumable yet (specification 3.4)."""
SETTLING: Final = 10.0
"""Seconds in which something just deleted may still be described."""
OWN_MEMBERS: Final = frozenset({"Region", "RetentionPolicy", "Running", "StayEnded"})
"""Members of ours that no create call has."""


class SageMakerType(ResourceType):
    """One resource type, in one dialect."""

    structure: ClassVar[str]
    noun: ClassVar[str]
    create_operation: ClassVar[str]
    describe_operation: ClassVar[str]
    delete_operation: ClassVar[str]
    key: ClassVar[tuple[str, ...]]
    unique: ClassVar[tuple[str, ...]]
    named_by: ClassVar[str]
    """The API member that a person would call the object's name."""
    arn_member: ClassVar[str]
    answers: ClassVar[Mapping[str, Answer]]
    replacing: ClassVar[tuple[ReplaceRule, ...]] = ()
    dialect: ClassVar[Dialect] = OURS
    service: ClassVar[str] = "sagemaker"
    spaces: ClassVar[tuple[str, ...]] = ("sagemaker", "aws")
    marker: ClassVar[str] = "its name"
    endpoints: ClassVar[tuple[str, ...]] = ("sagemaker:endpoint",)

    schema: ClassVar[Any] = Spelt(lambda cls: cls.dialect.schema(cls.structure))
    outputs: ClassVar[Any] = Spelt(
        lambda cls: {
            name: tuple(cls.dialect.path(cls.structure, cause) for cause in answer.causes)
            for name, answer in cls.spelt_answers().items()
        }
    )
    identity: ClassVar[Any] = Spelt(lambda cls: tuple(cls.dialect.spelt(cls.structure, name) for name in cls.unique))
    members: ClassVar[Any] = Spelt(lambda cls: frozenset(api_path(cls.schema, name) for name in members_of(cls.schema)))
    """The inputs by their API names."""
    replace_rules: ClassVar[Any] = Spelt(
        lambda cls: tuple(replace(rule, path=cls.dialect.path(cls.structure, rule.path)) for rule in cls.replacing)
    )

    @classmethod
    def spelt_answers(cls) -> dict[str, Answer]:
        """The outputs by their recorded names."""
        return {cls.recorded(name): answer for name, answer in cls.answers.items()}

    @classmethod
    def recorded(cls, output: str) -> str:
        """The name under which an output of `answers` is recorded."""
        return output

    def spelt(self, member: str) -> str:
        """The recorded name of an API member."""
        return self.dialect.path(self.structure, member)

    # --- inputs

    def check(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> CheckResult:
        """Complete and judge inputs; also against the resources of the program that they are made from."""
        given, wrong = with_tag_map(news, (self.spelt("Tags"), "Tags"))
        result = super().check(olds, given)
        failures, warnings = [*wrong, *result.failures], list(result.warnings)
        if self._is_strict():
            failures += [warning for warning in warnings if UNKNOWN_TYPE in warning.rule]
            warnings = [warning for warning in warnings if UNKNOWN_TYPE not in warning.rule]
        more = self.reviewed(olds, result.inputs, failures) if not wrong else ()
        return CheckResult(result.inputs, [*failures, *more], warnings)

    def reviewed(
        self, olds: Mapping[str, Any], inputs: Mapping[str, Any], failures: list[CheckFailure]
    ) -> Sequence[CheckFailure]:
        """Failures beyond the schema; may take some out of `failures`."""
        del olds, inputs, failures
        return ()

    def _is_strict(self) -> bool:
        config = self.config
        return config is not None and str(config.get("sagemaker:strictInstanceTypes") or "").lower() == "true"

    def _collides(self, old: Tree, new: Tree) -> bool:
        """Would the new object get the old one's place? A member that both leave out is the same in both."""
        names = (*self.identity, self.spelt("Region")) if self.unique else ()
        return bool(names) and all(
            not has_unknown(new.get(name)) and _same_place(old.get(name), new.get(name)) for name in names
        )

    def _changes(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Any:
        """As in the base; declaring the region an object is in already is no difference."""
        made_up = olds.get(MADE_UP) or ()
        name = self.spelt("Region") if "Region" in self.members else ""
        if name and name in made_up and news.get(name) == olds.get(name):
            olds = {**olds, MADE_UP: [other for other in made_up if other != name]}
        return super()._changes(olds, news)

    def wanted(self, props: Mapping[str, Any]) -> Tree:
        """The declared inputs in the API's spelling, tags still as a map, members of ours among them."""
        return to_api(self.schema, self.declared(props))

    # --- reaching the cloud

    def client(self, region: str = "") -> Client:
        """The client of a region; the settings' own if none is named. Only here is loaded what calls need."""
        from providers.sagemaker.opening import open_client

        assert self.config is not None, "configure was not called"
        return open_client(self.config, self.service, region, self.spaces)

    def body(self, wanted: Mapping[str, Any]) -> Tree:
        """The members of the create call."""
        from providers.sagemaker.client import tag_list

        body = {name: value for name, value in wanted.items() if name not in OWN_MEMBERS}
        if "Tags" in body:
            body["Tags"] = tag_list(body["Tags"])
        return body

    def key_in(self, content: Mapping[str, Any]) -> Key:
        """What names an object, from its inputs or its description."""
        return {name: content[name] for name in self.key if content.get(name) is not None}

    def describe(self, client: Client, key: Key) -> Tree | None:
        """The object in the create call's spelling, without tags; None when there is none."""
        answer = client.look(self.describe_operation, **key)
        return None if answer is None else self.tidied(answer)

    def tidied(self, answer: Tree) -> Tree:
        """A description in the create call's spelling."""
        return answer

    def id_of(self, content: Mapping[str, Any]) -> str:
        """The ID of an object, from its description."""
        return "/".join(self.key_in(content).values())

    def keys_of(self, id_: str) -> list[Key]:
        """What an ID may name, from a person who imports; empty when it is not an ID of this type."""
        values = id_.split("/")
        return [dict(zip(self.key, values, strict=True))] if len(values) == len(self.key) and all(values) else []

    id_forms: ClassVar[str] = "the name"
    """What IDs look like, for a person."""

    def _place(self, id_: str, props: Mapping[str, Any]) -> tuple[Client, list[Key]]:
        """The client and the possible keys of an object: from its record, else from the ID alone."""
        wanted = self.wanted(props)
        recorded = self.recorded_key(id_, wanted)
        region = str(props.get("region") or wanted.get("Region") or "")
        if recorded:
            return self.client(region), [recorded]
        bare, _, named = id_.partition("@")
        if bare.startswith("arn:"):
            region = region or bare.split(":")[3] if bare.count(":") >= 5 else region
        client = self.client(region or named)
        keys = self.keys_of(bare)
        if not keys:
            raise RefusedError(
                f"{id_!r} is not the ID of a {self.noun}",
                remedy=f"give {self.id_forms}; @REGION at its end names another region than the settings'",
                reference="id-malformed",
            )
        return client, keys

    def recorded_key(self, id_: str, wanted: Mapping[str, Any]) -> Key:
        """The key of an object that is recorded with these inputs; empty when there is no record."""
        del id_
        key = self.key_in(wanted)
        return key if len(key) == len(self.key) else {}

    def _found(self, id_: str, props: Mapping[str, Any]) -> tuple[Client, Key, Tree | None]:
        client, keys = self._place(id_, props)
        for key in keys:
            content = self.standing(client, key)
            if content is not None:
                return client, key, content
        return client, keys[0], None

    def is_going(self, content: Mapping[str, Any]) -> bool:
        """Is it being deleted? From a description, or an item of a list."""
        del content
        return False

    def standing(self, client: Client, key: Key) -> Tree | None:
        """The object, which is not being deleted; None when there is none, or no more."""
        return self.describe(client, key)

    # --- what is recorded

    def outs(self, declared: Tree, content: Mapping[str, Any], client: Client) -> Tree:
        """The outputs: the declared inputs, and what the service says beside them."""
        outs: Tree = dict(declared)
        for name, answer in self.spelt_answers().items():
            value = content.get(answer.api)
            if value is not None:
                outs[name] = value.isoformat() if isinstance(value, datetime) else value
        made_up = self.made_up(declared, content, client)
        return {**outs, **made_up, **({MADE_UP: sorted(made_up)} if made_up else {})}

    def made_up(self, declared: Tree, content: Mapping[str, Any], client: Client) -> Tree:
        """Inputs that the program leaves to the settings or the service, and that are recorded all the same."""
        del content
        if "Region" not in self.members or self.spelt("Region") in declared:
            return {}
        return {self.spelt("Region"): client.region}

    # --- creating

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create, and wait until it is usable. Raises CloudError, PartialFailure."""
        declared, wanted = self.declared(props), self.wanted(props)
        client = self.client(str(wanted.get("Region") or ""))
        with self.placing():
            self.require_free(client, wanted)
            content = self._sent(client, wanted)
        id_ = self.id_of(content)
        doing = f"the {self.noun} was created, but is not ready"
        with keeping(id_, lambda: self.outs(declared, content, client), doing):
            content = self.ready(client, self.key_in(content))
            self.require_usable(content, lambda: self.outs(declared, content, client))
            content = self.finished(client, content, wanted)
        return CreateResult(id_, self.outs(declared, content, client))

    def require_free(self, client: Client, wanted: Tree) -> None:
        """Raise RefusedError when there is an object of this name already; one that is going is waited for."""
        content = self.standing(client, self.key_in(wanted))
        if content is not None:
            raise self.taken(content)

    def taken(self, content: Mapping[str, Any]) -> RefusedError:
        """The error for a name that is in use."""
        id_ = self.id_of(content)
        return RefusedError(
            f"there is already a {self.noun} named {content.get(self.named_by)!r}",
            path=self.spelt(self.named_by),
            why=f"It was not made by this stack. Its ID is {id_}.",
            remedy=f"give another name, or take it over with the option import_={id_!r}",
            reference="name-taken",
        )

    def _sent(self, client: Client, wanted: Tree) -> Tree:
        """The description of the new object, created once whatever becomes of the answers."""
        found: list[Tree] = []
        body = self.body(wanted)

        def send() -> str:
            answer = self.when_assumable(lambda: client.call(self.create_operation, repeatable=False, **body))
            found[:] = [{**wanted, **answer}]
            return "sent"

        def look() -> str | None:
            content = self.look_for(client, wanted)
            found[:] = [] if content is None else [content]
            return None if content is None else "found"

        create_once(send, look, f"the {self.noun}", within=self.lag())
        return found[0]

    def look_for(self, client: Client, wanted: Tree) -> Tree | None:
        """The object of this name, which was free before."""
        return self.describe(client, self.key_in(wanted))

    @staticmethod
    def when_assumable(send: Callable[[], T]) -> T:
        """What a call returns; a role that cannot be assumed yet is waited for, for two minutes."""
        call = current_call()
        end, pause = call.clock() + ASSUMABLE_WITHIN, 1.0
        while True:
            try:
                return send()
            except RoleNotReadyError:
                if call.clock() + pause > end:
                    raise
                call.pause(pause, "waiting for the role to become assumable")
                pause = min(pause * 1.5, 10.0)

    def ready(self, client: Client, key: Key) -> Tree:
        """The object once nothing is going on any more. Raises NotFoundError when it has gone."""
        content = look_briefly(lambda: self.settled(client, key), lambda seen: seen is not None, within=SETTLING)
        if content is None:
            raise NotFoundError(
                f"the {self.noun} was created, but is not there",
                remedy="look who deletes it, then run again",
            )
        return content

    def require_usable(self, content: Tree, outs: Callable[[], Tree]) -> None:
        """Raise PartialFailure when the object is there and of no use."""
        del content, outs

    def finished(self, client: Client, content: Tree, wanted: Tree) -> Tree:
        """The object, once more done to it than creating it."""
        del client, wanted
        return content

    # --- changing

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Change in place what can be; tags last, because they need nothing but the ARN."""
        declared, before = self.declared(news), self.declared(olds)
        old, new = self.wanted(olds), self.wanted(news)
        client, key, content = self._found(id_, olds)
        if content is None:
            raise NotFoundError(
                f"the {self.noun} {id_} is gone", remedy="refresh the stack; the next up creates it anew"
            )
        found = self._changes(olds, news)[2]
        members = {str(paths.parse(api_path(self.schema, str(change)))[0]) for change in found}
        with self.placing():
            content = self.changed(client, key, content, members - {"Tags"}, old, new, olds)
        tags = self.spelt("Tags") if "Tags" in self.members else ""
        unfinished = {**declared, tags: before.get(tags)} if tags and before.get(tags) else declared
        with keeping(id_, lambda: self.outs(unfinished, content, client), "the tags could not be changed"):
            self.change_tags(client, content, self.recorded_tags(olds), self.all_tags(new.get("Tags") or {}))
        for path in self.leftovers(olds, news, from_api(self.schema, self.without_tags(content, new))):
            current_call().report(f"the service kept {path}, which is no longer declared")
        return UpdateResult(self.outs(declared, content, client))

    @staticmethod
    def without_tags(content: Mapping[str, Any], wanted: Tree) -> Tree:
        """A description with the tags that are wanted: they have just been set."""
        return {**content, "Tags": wanted.get("Tags") or {}}

    def changed(
        self, client: Client, key: Key, content: Tree, members: set[str], old: Tree, new: Tree, olds: Mapping[str, Any]
    ) -> Tree:
        """Change these members, and return the description afterwards; `olds` is what stays recorded on a failure."""
        del client, key, members, old, new, olds
        return content

    def all_tags(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """The tags an object is to have, from those the program gives."""
        return tags

    def without_common_tags(self, tags: dict[str, str]) -> dict[str, str]:
        """The tags of an object that is imported, without those that `all_tags` adds anyway."""
        return tags

    def recorded_tags(self, olds: Mapping[str, Any]) -> Mapping[str, str]:
        """The tags that were set."""
        return self.wanted(olds).get("Tags") or {}

    def change_tags(self, client: Client, content: Tree, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Set and remove tags; those that the program never gave are left alone."""
        put = {name: value for name, value in new.items() if old.get(name) != value}
        drop = [name for name in old if name not in new]
        if put or drop:
            client.change_tags(content[self.arn_member], put, drop)

    # --- reading

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What it looks like now; no ID when it is gone, which one that is being deleted is waited to be."""
        client, _, content = self._found(id_, props)
        if content is None:
            return ReadResult()
        return self._seen(id_, props, content, client)

    def _seen(self, id_: str, props: Mapping[str, Any], content: Tree, client: Client) -> ReadResult:
        wanted = self.wanted(props)
        given = wanted.get("Tags") or {}
        tags = own_tags(self.tags_of(client, content) if given or not wanted else {}, given, bool(wanted))
        observed = self.respelt({**content, "Tags": tags if wanted else self.without_common_tags(tags)}, wanted)
        if not wanted and client.region != self.client().region:
            observed["Region"] = client.region
        seen = self.seen(self.id_of(content), props, from_api(self.schema, observed), {})
        assert seen.inputs is not None
        return ReadResult(seen.id, self.outs(seen.inputs, content, client), seen.inputs)

    def tags_of(self, client: Client, content: Tree) -> dict[str, str]:
        """The tags of an object."""
        return client.tags(content[self.arn_member])

    def respelt(self, content: Tree, wanted: Tree) -> Tree:
        """A description with the program's own spelling where the service merely writes the same differently."""
        given, shown = wanted.get("KmsKeyId"), content.get("KmsKeyId")
        if given and shown and _same_key(given, shown):
            content = {**content, "KmsKeyId": given}
        return content

    def find(self, props: dict[str, Any]) -> ReadResult:
        """The object that an interrupted create of these inputs left: same name, same contents; once it is settled."""
        declared, wanted = self.declared(props), self.wanted(props)
        client = self.client(str(wanted.get("Region") or ""))
        content = self.look_for(client, wanted)
        if content is None:
            return ReadResult()
        content = self.settled(client, self.key_in(content))
        if content is None:
            return ReadResult()
        tags = self.tags_of(client, content) if wanted.get("Tags") else {}
        observed = self.respelt({**content, "Tags": own_tags(tags, wanted.get("Tags") or {}, True)}, wanted)
        if self.deviations(declared, from_api(self.schema, self.with_own(observed, wanted))):
            return ReadResult()
        return ReadResult(self.id_of(content), self.outs(declared, content, client), declared)

    def locate(self, props: dict[str, Any]) -> str:
        """The ID of the object that bears the declared name, whoever made it; SageMaker knows no other owner."""
        wanted = self.wanted(props)
        content = self.look_for(self.client(str(wanted.get("Region") or "")), wanted)
        return "" if content is None or self.is_going(content) else self.id_of(content)

    @staticmethod
    def with_own(content: Tree, wanted: Tree) -> Tree:
        """A description with the members that only we have, as they are wanted."""
        return {**content, **{name: value for name, value in wanted.items() if name in OWN_MEMBERS}}

    def settled(self, client: Client, key: Key) -> Tree | None:
        """The description once nothing is going on any more; one without a status is so at once."""
        return self.describe(client, key)

    def list(self) -> Iterator[Found]:
        """Every object of this type in the settings' region that is not being deleted."""
        raise NotImplementedError

    def listed(self, content: Mapping[str, Any], status: str = "") -> Found:
        """One object of a list answer."""
        outs = {
            name: value
            for name, answer in self.spelt_answers().items()
            if isinstance(value := content.get(answer.api), str)
        }
        return Found(self.token, self.id_of(content), str(content.get(self.named_by, "")), status, outs)

    # --- deleting

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Delete; one that is gone already is success."""
        client, keys = self._place(id_, props)
        try:
            self.end(client, keys[0], props)
        except NotFoundError:
            pass
        self.await_gone(client, keys[0])

    def end(self, client: Client, key: Key, props: Mapping[str, Any]) -> None:
        """Have it deleted."""
        del props
        client.call(self.delete_operation, **key)

    def await_gone(self, client: Client, key: Key) -> None:
        """Return when it is not there any more. Raises CloudError when it stays, whatever the delete said."""
        content = look_briefly(lambda: self.describe(client, key), lambda seen: seen is None, within=SETTLING)
        if content is not None:
            raise RefusedError(
                f"the {self.noun} {self.id_of(content)} is still there",
                why="AWS said that it was deleted, or that it did not exist.",
                remedy="look at it in the console, then run again",
                reference="still-there",
            )

    # --- telling

    def placing(self) -> Placing:
        """A block in which a refusal's path, which is the API's, becomes the program's."""
        return Placing(self.dialect, self.structure)


class ByArn(SageMakerType):
    """A type whose ID is the ARN, as for Pulumi's and Terraform's own providers (specification 4.6)."""

    def id_of(self, content: Mapping[str, Any]) -> str:
        """The ARN."""
        return str(content.get(self.arn_member, ""))

    def described(self, items: Iterable[Mapping[str, Any]]) -> Iterator[Found]:
        """The objects of a list answer, which has no ARNs: each is looked at (specification 4.3)."""
        client = self.client()
        for item in items:
            content = None if self.is_going(item) else self.describe(client, self.key_in(item))
            if content is not None:
                yield self.listed(content, str(item.get("Status", "")))


# --- small parts ------------------------------------------------------------------------------------------------------


def _same_place(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    return equal(one, other)


def _same_key(given: str, shown: str) -> bool:
    """Does a key ARN in an answer stand for the key that was given by its ID or an alias (specification 5.1)?

    Which key an alias names only KMS knows, so an alias is taken to be right.
    """
    return shown.endswith(f"key/{given}") or given.startswith("alias/") or ":alias/" in given

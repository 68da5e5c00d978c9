"""A resource type from its schema: check, diff, replacement rules, prediction, reading back; and waiting, and names.

`ResourceType` answers `check`, `diff` and `predict` from the schema (`providers.inputs`, whose names a cloud's schema
imports from here) and the record alone. The calls that reach the cloud are left to the cloud's own subclass, HTTP to
`providers.http`, and options and dependencies to the engine.

What a program never declared is the cloud's business: recorded outputs hold exactly the declared inputs (with observed
values laid over them by a read) next to the computed outputs. So a server's defaults never look like a difference,
while a member that was declared and is no longer declared does.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any, ClassVar, Final, Generic, TypeVar
from urllib.parse import urlsplit

from engine.core import paths
from engine.core.contract import (
    CALL,
    CallContext,
    CheckFailure,
    CheckResult,
    ConfigReader,
    ConfigureRequest,
    DiffResult,
    PartialFailure,
    ReadResult,
)
from engine.core.diff import Change, Kind, changes
from engine.core.errors import CloudError, DeadlineError, UsageError, WorksteadError
from engine.core.model import urn_name
from engine.core.paths import Path
from engine.core.values import SENTINELS, UNKNOWN, Unknown, equal, has_unknown, unknown_as
from providers.inputs import (
    Facts,
    Inputs,
    ReplaceRule,
    Rule,
    Shape,
    Tree,
    along,
    canonical,
    completed,
    judged,
    laid_over,
    members_of,
    rebuilt,
    spellings,
    why_replaced,
    without_unasked,
)

__all__ = [
    "GENERATED",
    "MADE_UP",
    "Facts",
    "Inputs",
    "OneClientType",
    "ReplaceRule",
    "ResourceType",
    "Rule",
    "Shape",
    "Tree",
    "create_once",
    "current_call",
    "emulated_endpoint",
    "keeping",
    "look_briefly",
    "members_of",
    "physical_name",
    "wait_until",
]

T = TypeVar("T")
C = TypeVar("C")

GENERATED: Final = "__generated"
"""Input in which a resource class lists the members whose values it made up from the URN (see `physical_name`)."""

MADE_UP: Final = "__made_up"
"""Output in which a provider lists the inputs it chose itself because the program left them out, such as a password."""

_YES: Final = ("true", "1", "yes", "on")

_opening: Final = threading.Lock()

EMULATED_LAG: Final = 0.5
"""Seconds in which an emulator on this machine has done what it was sent."""

TRIES: Final = 3
"""How often a create is sent when its outcome stays uncertain and nothing is found."""


# --- the type ---------------------------------------------------------------------------------------------------------


class ResourceType:
    """Check, diff and predict of one resource type; subclasses add the calls that reach the cloud.

    An instance has no state until `configure`, so that Pulumi can pickle it by reference.
    """

    token: ClassVar[str]
    schema: ClassVar[type[Inputs]]
    outputs: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Computed outputs, each with the inputs whose change can alter it."""
    identity: ClassVar[tuple[str, ...] | None] = None
    """The inputs that together are unique in the cloud: a replacement that keeps them has to delete first.

    Empty: there can be only one object, so every replacement deletes first. None: old and new can live side by side.
    """
    replace_rules: ClassVar[tuple[ReplaceRule, ...]] = ()
    marker: ClassVar[str]
    """How `find` knows the object of an interrupted create, in a person's words."""
    slowest: ClassVar[float] = 10.0
    """Seconds after which the cloud has done what it was sent, if ever, and shows it; no vendor promises a figure."""
    endpoints: ClassVar[tuple[str, ...]]
    """The settings that can name another endpoint."""
    config: ConfigReader | None = None

    def configure(self, req: ConfigureRequest) -> None:
        """Keep the settings; nothing is opened before the first call that reaches the cloud."""
        self.config = req.config

    def lag(self) -> float:
        """See `contract.CloudProvider`; an emulator beside us is quick."""
        return EMULATED_LAG if self.config is not None and _is_beside_us(self.config, self.endpoints) else self.slowest

    # --- inputs

    def check(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> CheckResult:
        """Complete and judge inputs, all failures at once.

        A name made up from the URN stays what it was recorded as, so that an alias does not rename the object.
        """
        given, restore = _taken_in(news)
        tree = completed(self.schema, _own(given))
        for name in given.get(GENERATED) or ():
            if olds.get(name):
                tree[name] = olds[name]
        failures, warnings = judged(self.schema, tree)
        return CheckResult(restore(tree), [self._discreet(failure) for failure in failures], warnings)

    def _discreet(self, failure: CheckFailure) -> CheckFailure:
        """A failure that Pulumi's CLI cannot garnish with the value of a secret.

        It prints the value of the top-level property a failure names, secret or not (seen with 3.272). Written as
        `["password"]` the path means the same and matches no property.
        """
        path = paths.parse(failure.property)
        *_, (_, facts) = along(self.schema, path)
        if not (facts.sensitive and len(path) == 1 and _in_pulumis_plugin()):
            return failure
        return replace(failure, property=f'["{failure.property}"]')

    def declared(self, props: Mapping[str, Any]) -> Tree:
        """The inputs that the program gave, among recorded outputs; in today's spelling, without defaults added."""
        names, own = spellings(self.schema), _own(props)
        tree = completed(self.schema, own)
        given = {names[key].name for key in own if key in names} - set(props.get(MADE_UP) or ())
        return {key: value for key, value in tree.items() if key in given}

    # --- comparing

    def diff(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> DiffResult:
        """What an update from the recorded outputs to checked inputs would mean."""
        del id_
        old, new, found = self._changes(olds, news)
        if not found:
            return DiffResult(changes=False)
        reasons = {change: self._replaces(change, old, new) for change in found}
        replaces = [str(change) for change, why in reasons.items() if why]
        first = bool(replaces) and self._collides(old, new)
        notes = list(dict.fromkeys(why for why in reasons.values() if why))
        if first:
            unique = f"{' and '.join(self.identity)} must be unique" if self.identity else "there can be only one"
            notes.append(f"the old one is deleted first, because {unique}")
        detail = {str(c): (c.kind.as_replace() if reasons[c] else c.kind).value for c in found}
        return DiffResult(
            changes=True,
            replaces=replaces,
            delete_before_replace=True if first else None,
            detailed_diff=detail,
            note="; ".join(notes),
        )

    def _changes(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> tuple[Tree, Tree, tuple[Change, ...]]:
        new = self.declared(_taken_in(news)[0])
        old = without_unasked(self.schema, self.declared(olds), new)
        found = changes(canonical(self.schema, old), canonical(self.schema, new))
        return old, new, tuple(dict.fromkeys(self._collapsed(change) for change in found))

    def _collapsed(self, change: Change) -> Change:
        """A change inside an order-free list is a change of the list: positions mean nothing there."""
        for depth, (shape, facts) in enumerate(along(self.schema, change.path)):
            if shape.kind == "list" and facts.unordered and depth < len(change.path):
                return Change(change.path[:depth], Kind.UPDATE)
        return change

    def _replaces(self, change: Change, old: Tree, new: Tree) -> str:
        """Why a change forces a replacement; empty when it does not."""
        for _, facts in along(self.schema, change.path):
            if facts.replace:
                return facts.replace
        for rule in self.replace_rules:
            path = paths.parse(rule.path)
            before, after = paths.lookup(old, path)[1], paths.lookup(new, path)[1]
            known = before is not None and after is not None and not has_unknown(after)
            if known and paths.contains(path, change.path) and rule.when(before, after):
                return rule.why
        *_, (shape, _) = along(self.schema, change.path)
        for side in (old, new):
            why = why_replaced(shape, paths.lookup(side, change.path)[1])
            if why:
                return why
        return ""

    def _collides(self, old: Tree, new: Tree) -> bool:
        """Would the new object get the old one's place in the cloud?"""
        if self.identity is None:
            return False
        before, after = canonical(self.schema, old), canonical(self.schema, new)
        return all(
            name in before and not has_unknown(after.get(name)) and equal(before[name], after.get(name))
            for name in self.identity
        )

    def predict(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Tree:
        """Outputs known before the call: the inputs and, for an update, what this change cannot alter."""
        known = self.declared(news)
        if not id_:
            return known
        changed = [change.path for change in self._changes(olds, news)[2]]
        return {**self.unaltered(olds, known, changed), **known}

    def unaltered(self, olds: Mapping[str, Any], declared: Tree, changed: Sequence[Path]) -> Tree:
        """The recorded outputs that a change at these paths cannot alter, made-up inputs included."""
        kept: Tree = {}
        for name, causes in self.outputs.items():
            altered = any(paths.contains(paths.parse(cause), path) for cause in causes for path in changed)
            if name in olds and not altered:
                kept[name] = olds[name]
        made_up = [name for name in olds.get(MADE_UP) or () if name not in declared]
        kept.update({name: olds[name] for name in made_up if name in olds})
        if made_up:
            kept[MADE_UP] = made_up
        return kept

    # --- reading back

    def seen(self, id_: str, props: Mapping[str, Any], observed: Mapping[str, Any], computed: Tree) -> ReadResult:
        """The answer of `read`: observed inputs laid over the declared ones, or a full set when there is no record."""
        recorded = self.declared(props)
        if recorded:
            inputs = laid_over(self.schema, recorded, completed(self.schema, observed))
        else:
            inputs = rebuilt(self.schema, observed)
        return ReadResult(id_, {**inputs, **computed}, inputs)

    def deviations(self, wanted: Mapping[str, Any], observed: Mapping[str, Any]) -> Tree:
        """Property path → observed value, where an object is not what the wanted inputs say; empty when it is."""
        asked = self.declared(wanted)
        actual = laid_over(self.schema, asked, completed(self.schema, observed))
        found = changes(canonical(self.schema, asked), canonical(self.schema, actual))
        return {str(change): paths.lookup(actual, change.path)[1] for change in found}

    def leftovers(self, olds: Mapping[str, Any], news: Mapping[str, Any], observed: Mapping[str, Any]) -> list[str]:
        """Paths that are no longer declared and that the observed object still has."""
        removed = [change for change in self._changes(olds, news)[2] if change.kind is Kind.DELETE]
        there = canonical(self.schema, completed(self.schema, observed))
        return [str(change) for change in removed if paths.lookup(there, change.path)[0]]


class OneClientType(ResourceType, Generic[C]):
    """A type whose calls go through one client, which is opened at the first call that reaches the cloud.

    Planning never does, so it need not load what calls need.
    """

    _opened: C | None = None

    def opened(self, config: ConfigReader) -> C:
        """A client for these settings; what it needs is imported here. Raises CredentialsError."""
        raise NotImplementedError

    @property
    def client(self) -> C:
        """The client, opened now if need be."""
        if self._opened is None:
            with _opening:
                if self._opened is None:
                    assert self.config is not None, "configure was not called"
                    self._opened = self.opened(self.config)
        return self._opened


def _in_pulumis_plugin() -> bool:
    """Is this Pulumi's plugin process (`python -m pulumi.dynamic`)?"""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return spec is not None and spec.name == "pulumi.dynamic.__main__"


def _own(props: Mapping[str, Any]) -> Tree:
    return {key: value for key, value in props.items() if not key.startswith("__")}


def _taken_in(props: Mapping[str, Any]) -> tuple[Tree, Callable[[Tree], Tree]]:
    """Properties with every kind of unknown as `Unknown`, and how to give a tree back in the caller's own kind.

    The engine sends `Unknown` objects; Pulumi's plugin process sends its own `Unknown` objects (SDK 3.272) or, for
    types other than text, sentinel strings.
    """
    foreign: list[Any] = []

    def take(value: Any) -> Any:
        if isinstance(value, str):
            known = SENTINELS.get(value) if len(value) == 36 else None
            if known is not None:
                foreign.append(value)
            return known or value
        if isinstance(value, Mapping):
            return {key: take(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [take(item) for item in value]
        if type(value).__name__ == "Unknown" and type(value).__module__.startswith("pulumi."):
            foreign.append(value)
            return UNKNOWN
        return value

    def give(unknown: Unknown) -> Any:
        return unknown.sentinel if isinstance(foreign[0], str) else foreign[0]

    tree = take(props)
    return tree, (lambda made: unknown_as(made, give)) if foreign else (lambda made: made)


# --- calls that take time ---------------------------------------------------------------------------------------------


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def current_call(operation: str = "the call") -> CallContext:
    """The present provider call; in Pulumi's plugin process, which tells nothing about it, one without limits."""
    call = CALL.get(None)
    if call is not None:
        return call
    return CallContext("", operation, time.monotonic, _sleep, lambda text: None, started=time.monotonic())


def wait_until(
    look: Callable[[], T],
    done: Callable[[T], bool],
    *,
    progress: Callable[[T], str],
    every: float,
    limit: float,
    doing: str = "the call",
) -> T:
    """Look until `done`, first after 0.1 s, then ever more slowly up to `every` seconds; what was seen last.

    The customer's own time limit goes before `limit` (seconds). `look` raises when there is no hope. Raises
    DeadlineError and CancelledError.
    """
    call = current_call(doing).with_limit(limit)
    pause = min(0.1, every)
    while True:
        seen = look()
        if done(seen):
            return seen
        call.pause(pause, progress(seen))
        pause = min(pause * 1.5, every)


def look_briefly(
    look: Callable[[], T], done: Callable[[T], bool], *, within: float, every: float = 0.5, progress: str = ""
) -> T:
    """Look until `done`, but at most `within` seconds; what was seen last, done or not.

    For what is nearly always so at once, and not worth a time limit of its own.
    """
    call = current_call()
    end = call.clock() + within
    while True:
        seen = look()
        left = end - call.clock()
        if done(seen) or left <= 0:
            return seen
        call.pause(min(every, left), progress)


def create_once(send: Callable[[], str], look: Callable[[], str | None], what: str, *, within: float = 1.0) -> str:
    """The ID of a new object: sent again only when an uncertain answer turns out to have had no effect.

    `look` finds only what was sent: the caller has seen beforehand that its name is free, or what bears its marker
    already. `within` are the seconds after which nothing can show any more (`lag`). Raises the uncertain error itself
    when nobody can look.
    """
    lost: CloudError | None = None
    for attempt in range(1, TRIES + 1):
        try:
            return send()
        except WorksteadError as error:
            if isinstance(error, CloudError) and error.uncertain:
                lost = error
            if lost is None:
                raise
            if isinstance(error, DeadlineError) or not isinstance(error, CloudError):
                raise lost from error
            current_call().report(f"the answer was lost, looking for {what}")
            try:
                found = look_briefly(look, lambda found: found is not None, within=within, every=min(0.25, within))
            except WorksteadError as problem:
                raise lost from problem
            if found is not None:
                return found
            if attempt == TRIES or error is not lost:
                raise
    raise AssertionError("unreachable")


@contextmanager
def keeping(id_: str, outs: Callable[[], Mapping[str, Any]], doing: str) -> Iterator[None]:
    """From here on the object exists: whatever goes wrong inside is a PartialFailure that records it.

    `outs` is asked only then. The error's reference and exit code stay those of its cause.
    """
    try:
        yield
    except WorksteadError as error:
        if isinstance(error, PartialFailure):
            raise
        failure = PartialFailure(
            f"{doing}: {error.summary}",
            id=id_,
            outs=outs(),
            uncertain=isinstance(error, CloudError) and error.uncertain,
            why=error.why,
            remedy=error.remedy or "run again",
        )
        failure.reference, failure.exit_code = error.reference, error.exit_code
        raise failure from error


def emulated_endpoint(config: ConfigReader, cloud: str) -> str:
    """The URL of a cloud's emulator when the stack asks for emulation (`workstead:emulate`), else empty; starts it.

    Raises UsageError for a setting that is neither yes nor no: a slip must not call real clouds, nor pretend to.
    """
    wanted = str(config.get("workstead:emulate") or "false").lower()
    if wanted in ("false", "0", "no", "off"):
        return ""
    if wanted not in _YES:
        raise UsageError(
            f"the setting workstead:emulate is {wanted!r}",
            why="It decides whether emulated or real clouds are called.",
            remedy="workstead config set workstead:emulate true, or false",
            reference="emulate-setting",
        )
    emulation = importlib.import_module("providers.emulation")
    home = config.get("workstead:home")
    speed = os.environ.get("WORKSTEAD_EMULATE_SPEED") or config.get("workstead:emulateSpeed") or "fast"
    urls = emulation.ensure_running(FilePath(home) if home else emulation.find_home(FilePath.cwd()), str(speed))
    if cloud not in urls:
        raise UsageError(
            f"there is no emulator for {cloud}",
            why="The stack's configuration sets workstead:emulate.",
            remedy="set workstead:emulate to false and give the cloud's credentials",
            reference="emulator-missing",
        )
    return urls[cloud]


def _is_beside_us(config: ConfigReader, endpoints: Sequence[str]) -> bool:
    hosts = (urlsplit(str(config.get(endpoint) or "")).hostname for endpoint in endpoints)
    emulated = str(config.get("workstead:emulate") or "").lower() in _YES
    return emulated or any(host in ("127.0.0.1", "::1", "localhost") for host in hosts)


# --- names ------------------------------------------------------------------------------------------------------------


def physical_name(urn: str, limit: int, *, allowed: str = "a-z0-9-", separator: str = "-", hash_length: int = 6) -> str:
    """A name in the cloud for the resource of this URN: readable, at most `limit` characters, the same every time.

    `allowed` is the inside of a regular-expression character class; letters are lowered unless it has capitals. The
    name starts with a letter, ends with a letter or digit and never has two separators in a row.
    """
    digest = hashlib.sha256(urn.encode()).digest()
    number, mark = int.from_bytes(digest[:10], "big"), ""
    for _ in range(hash_length):
        number, rest = divmod(number, 36)
        mark += "0123456789abcdefghijklmnopqrstuvwxyz"[rest]
    text = urn_name(urn)
    text = text if "A-Z" in allowed else text.lower()
    words = re.sub(rf"[^{allowed}]+", separator, text)
    words = re.sub(rf"(?:{re.escape(separator)})+", separator, words) if separator else words
    words = re.sub(r"^[^A-Za-z]+", "", words)[: limit - hash_length - len(separator)]
    words = re.sub(r"[^A-Za-z0-9]+$", "", words) or "w"
    return f"{words}{separator}{mark}"

"""The inputs of a resource type, as its schema declares them: complete, judge, compare, lay over.

A cloud declares the inputs of a type as a pydantic model (`Inputs`) whose members carry `Facts`: where the rule is
written down, what to do about a failure, what a change means. What concerns several members is declared as a `Rule`.
Everything here is a function of such a model and a tree of plain values; nothing reaches the cloud. The resource type
that uses it is `providers.base`, which also re-exports what a cloud's own schema needs.

Pydantic judges members; it does not build the result. A tree with unknowns in it, or with one wrong member, has no
model instance, but a person still wants every other mistake reported and every default filled in. So the tree is
completed first, along the model's shape; pydantic then judges it, and what it says about unknowns is dropped;
cross-member rules are data, judged on the same tree wherever their members are known and right.
"""

from __future__ import annotations

import copy
import difflib
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticUndefined

from engine.core import paths
from engine.core.contract import CheckFailure
from engine.core.paths import Path
from engine.core.values import MASK, Unknown, canonical_json, equal, has_unknown, unknown_as

Tree = dict[str, Any]


# --- declaring a type -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Facts:
    """What a schema knows about one member beyond its pydantic constraints; an `Annotated` metadata.

    `source` is the vendor's page or spec section that states the constraint, `remedy` what to do when it is broken,
    `rule` its wording where pydantic's would not help a person.

    What a change means: `replace` is the reason why it forces a replacement; `computed`: the cloud may choose a value,
    so leaving the member out asks for nothing; `undiffed`: never a difference.

    What a read brings: `unreadable`: never comes back, the recorded value stays; `absent`: this value means the same
    as leaving the member out; `unordered`: a list that is a set; `any_case`: letters' case does not matter;
    `foreign_keys`: a map in which the cloud keeps entries of its own, so only keys that the program gives are compared.
    """

    source: str = ""
    remedy: str = ""
    rule: str = ""
    replace: str = ""
    computed: bool = False
    undiffed: bool = False
    unreadable: bool = False
    sensitive: bool = False
    unordered: bool = False
    any_case: bool = False
    foreign_keys: bool = False
    absent: Any = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A constraint between members of one model, judged around what is unknown or wrong by itself.

    `broken` gets the values of the member `at` and of `reads` (None: left out) and says whether the rule is broken. It
    is judged as long as it does not look at anything unknown or wrong: that something is given counts, whatever it is.
    """

    at: str
    broken: Callable[..., bool]
    rule: str
    remedy: str
    source: str
    reads: tuple[str, ...] = ()
    warning: bool = False


@dataclass(frozen=True, slots=True)
class ReplaceRule:
    """A change that forces a replacement only for some values, such as shrinking a volume.

    `path` names one member (no wildcards); `when` gets its recorded and its wanted value, both known.
    """

    path: str
    when: Callable[[Any, Any], bool]
    why: str


class Inputs(BaseModel):
    """The base of every schema model. Members are snake_case, which is also how they are recorded.

    The API's camelCase is accepted too. A schema of properties that arrive in camelCase (Pulumi's own classes) sets
    `loc_by_alias=True, validate_by_alias=True, validate_by_name=False`, and is recorded so.
    """

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=False,
        loc_by_alias=False,
    )
    rules: ClassVar[tuple[Rule, ...]] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """What kind of value a member holds, as far as walking needs to know."""

    kind: Literal["model", "list", "map", "int", "choice", "plain"]
    model: type[Inputs] | None = None
    inner: Shape | None = None
    choices: tuple[str, ...] = ()

    @property
    def of_model(self) -> type[Inputs]:
        """The model of a shape that has one."""
        assert self.model is not None
        return self.model

    @property
    def of_items(self) -> Shape:
        """The shape of a list's items or a map's values."""
        assert self.inner is not None
        return self.inner


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a schema model: its recorded name, the other accepted spelling, facts and shape."""

    name: str
    other: str
    facts: Facts
    shape: Shape
    required: bool
    default: Any = None


PLAIN = Shape("plain")
NO_FACTS = Facts()


@cache
def members_of(model: type[Inputs]) -> Mapping[str, Member]:
    """The members of a schema model by recorded name."""
    hints = typing.get_type_hints(model, include_extras=True)
    found: dict[str, Member] = {}
    for name, field in model.model_fields.items():
        facts = next((item for item in field.metadata if isinstance(item, Facts)), NO_FACTS)
        alias = field.alias or name
        recorded, other = (alias, name) if model.model_config.get("loc_by_alias") else (name, alias)
        default = None if field.default is PydanticUndefined else field.default
        found[recorded] = Member(recorded, other, facts, _shape_of(hints[name]), field.is_required(), default)
    return found


@cache
def spellings(model: type[Inputs]) -> Mapping[str, Member]:
    """The members of a schema model by every accepted spelling."""
    members = members_of(model)
    return {**{member.other: member for member in members.values()}, **members}


def _shape_of(hint: Any) -> Shape:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is typing.Annotated:
        return _shape_of(arguments[0])
    if origin in (typing.Union, types.UnionType):
        shapes = [_shape_of(argument) for argument in arguments if argument is not type(None)]
        return shapes[0] if len(shapes) == 1 else PLAIN
    if origin is list:
        return Shape("list", inner=_shape_of(arguments[0]))
    if origin is dict:
        return Shape("map", inner=_shape_of(arguments[1]))
    if origin is Literal:
        return Shape("choice", choices=tuple(str(argument) for argument in arguments))
    if isinstance(hint, type) and issubclass(hint, Inputs):
        return Shape("model", model=hint)
    return Shape("int") if hint is int else PLAIN


# --- completing a tree ------------------------------------------------------------------------------------------------


def completed(model: type[Inputs], tree: Mapping[str, Any]) -> Tree:
    """The tree in its recorded spelling, with defaults filled in and whole numbers as ints; never fails.

    Members left out as None are dropped. What the model does not know stays, for the judgement to name it.
    """
    known, done = spellings(model), {}
    for key, value in tree.items():
        member = known.get(key)
        if value is None:
            continue
        if member is None or (key == member.other and member.name != key and tree.get(member.name) is not None):
            done[key] = value
        else:
            done[member.name] = _completed(member.shape, member.facts, value)
    for member in members_of(model).values():
        if member.default is not None and member.name not in done and tree.get(member.other) is None:
            done[member.name] = copy.deepcopy(member.default)
    return done


def _completed(shape: Shape, facts: Facts, value: Any) -> Any:
    kind = type(value)
    if shape.kind == "model" and kind is dict:
        return completed(shape.of_model, value)
    if shape.kind == "list" and kind is list:
        return [_completed(shape.of_items, facts, item) for item in value]
    if shape.kind == "map" and kind is dict:
        return {key: _completed(shape.of_items, facts, item) for key, item in value.items()}
    if shape.kind == "int" and kind is float and value.is_integer():
        return int(value)
    if shape.kind == "choice" and facts.any_case and kind is str:
        return next((choice for choice in shape.choices if choice.casefold() == value.casefold()), value)
    return value


# --- judging a tree ---------------------------------------------------------------------------------------------------


def judged(model: type[Inputs], tree: Tree) -> tuple[list[CheckFailure], list[CheckFailure]]:
    """(everything that is wrong with a completed tree, everything doubtful); unknowns are taken to be right."""
    failures: dict[str, CheckFailure] = {}
    try:
        model.model_validate(tree)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            failure = _failure(model, tree, item)
            if failure is not None:
                failures.setdefault(failure.property, failure)
    wrong = [paths.parse(path) for path in failures if path]
    broken = [(rule.warning, failure) for rule, failure in _broken(model, tree, (), wrong)]
    failures.update({failure.property: failure for warning, failure in broken if not warning})
    return list(failures.values()), [failure for warning, failure in broken if warning]


_WORDINGS: Mapping[str, str] = {
    "missing": "is required",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a map of names to values",
    "model_type": "must be a map of names to values",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} items",
    "too_short": "must have at least {min_length} items",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "literal_error": "must be one of {expected}",
}
_CONSTRAINTS = frozenset(
    {"string_pattern_mismatch", "string_too_long", "string_too_short", "multiple_of", "value_error"}
    | {"greater_than_equal", "greater_than", "less_than_equal", "less_than"}
)


def _failure(model: type[Inputs], tree: Tree, item: Mapping[str, Any]) -> CheckFailure | None:
    """One of pydantic's complaints in our words; None when it is about a value that is merely unknown."""
    kind, value = item["type"], item["input"]
    path: Path = tuple(item["loc"])
    if kind == "extra_forbidden":
        return _misspelt(model, path)
    if type(value) is Unknown:
        return None
    if path and path[-1] == "[key]":
        path = path[:-1]
        value = path[-1]
    facts = _facts_at(model, path)
    wording = _WORDINGS.get(kind, "").format_map(item.get("ctx", {}))
    if kind == "value_error":
        wording = str(item["ctx"]["error"])
    if kind in _CONSTRAINTS and facts.rule:
        wording = facts.rule
    given = "" if kind == "missing" else _shown(model, path, value)
    return CheckFailure(paths.show(path), wording or str(item["msg"]), given, facts.remedy, facts.source)


def _misspelt(model: type[Inputs], path: Path) -> CheckFailure:
    """An unknown member. Its value is not shown: nobody knows whether it is meant to be secret."""
    name, holder = str(path[-1]), _model_at(model, path[:-1])
    spelt = spellings(holder).get(name) if holder else None
    if spelt is not None:
        return CheckFailure(paths.show(path), f"is given twice, also as {spelt.name}", remedy=f"give {spelt.name} only")
    names = list(members_of(holder)) if holder else []
    close = difflib.get_close_matches(name, list(spellings(holder)) if holder else [], n=1, cutoff=0.6)
    if holder and close:
        meant = spellings(holder)[close[0]].name
    else:
        meant = next(iter(_elsewhere(model, name)), "")
    remedy = f"did you mean {meant}?" if meant else ""
    return CheckFailure(
        paths.show(path), "is not a member here", remedy=remedy or f"use one of {', '.join(names)}; or take it out"
    )


def _elsewhere(model: type[Inputs], name: str, path: Path = ()) -> Iterator[str]:
    """Where in a schema there is a member of this name."""
    for member in members_of(model).values():
        here = (*path, member.name)
        if name in (member.name, member.other):
            yield paths.show(here)
        shape = member.shape
        while shape.inner is not None:
            shape, here = shape.inner, (*here, paths.ANY)
        if shape.model is not None:
            yield from _elsewhere(shape.model, name, here)


def _facts_at(model: type[Inputs], path: Path) -> Facts:
    *_, (_, facts) = along(model, path)
    return facts


def _model_at(model: type[Inputs], path: Path) -> type[Inputs] | None:
    steps = list(along(model, path))
    return steps[-1][0].model if len(steps) == len(path) + 1 else None


def hides_secrets(shape: Shape, facts: Facts) -> bool:
    """Whether a member, or anything inside it, is a secret."""
    if facts.sensitive:
        return True
    while shape.inner is not None:
        shape = shape.inner
    members = members_of(shape.model).values() if shape.model else ()
    return any(hides_secrets(member.shape, member.facts) for member in members)


def _shown(model: type[Inputs], path: Path, value: Any) -> str:
    """A given value as a failure may show it: short, and never one that could be secret."""
    steps = list(along(model, path))
    if any(facts.sensitive for _, facts in steps) or hides_secrets(*steps[-1]):
        return MASK
    if isinstance(value, str):
        return repr(value if len(value) <= 80 else f"{value[:77]}...")
    if value is None or isinstance(value, (bool, int, float)):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return {"dict": "a map", "list": "a list"}.get(type(value).__name__, f"a value of type {type(value).__name__}")


def _broken(model: type[Inputs], tree: Any, path: Path, wrong: Sequence[Path]) -> Iterator[tuple[Rule, CheckFailure]]:
    """The broken rules of a model and of the models inside it."""
    if not isinstance(tree, dict):
        return
    for rule in model.rules:
        names = [paths.parse(name) for name in (rule.at, *rule.reads)]
        values = [_at(tree, name) for name in names]
        spots = [(*path, *name) for name in names]
        if not _is_broken(rule, values, spots, wrong):
            continue
        top = _shown(model, paths.parse(rule.at), values[0]) if values[0] is not None else ""
        yield rule, CheckFailure(paths.show(spots[0]), rule.rule, top, rule.remedy, rule.source)
    for name, value in tree.items():
        member = members_of(model).get(name)
        if member is not None:
            yield from _broken_inside(member.shape, value, (*path, name), wrong)


def _at(tree: Any, path: Path) -> Any:
    """The value at a path, None when it is left out; unknown when it lies inside something unknown."""
    for length in range(len(path)):
        around = paths.lookup(tree, path[:length])[1]
        if type(around) is Unknown:
            return around
    return paths.lookup(tree, path)[1]


def _is_broken(rule: Rule, values: Sequence[Any], spots: Sequence[Path], wrong: Sequence[Path]) -> bool:
    """Is the rule broken, whatever the unknown among the values turns out to be, and the wrong is corrected to?"""
    if any(type(value) is Unknown for value in values):
        return False
    if any(bad != spot and paths.contains(bad, spot) for spot in spots for bad in wrong):
        return False
    touched = [bad for bad in wrong if any(paths.contains(spot, bad) for spot in spots)]
    if not touched and not has_unknown(values):
        return rule.broken(*values)
    try:
        unseen = [unknown_as(value, lambda _: _UNSEEN) for value in values]
        return rule.broken(*(_around(value, spot, touched) for value, spot in zip(unseen, spots, strict=True)))
    except (
        _LookedAtUnknownError,
        TypeError,
    ):  # a function written in C, such as a regular expression's, says TypeError
        return False


def _around(value: Any, spot: Path, wrong: Sequence[Path]) -> Any:
    """The value at a place, with what is wrong by itself out of sight."""
    for bad in wrong:
        if bad == spot:
            return _UNSEEN
        inside = bad[len(spot) :]
        if paths.contains(spot, bad) and paths.lookup(value, inside)[0]:
            value = paths.put(value, inside, _UNSEEN)
    return value


class _LookedAtUnknownError(Exception):
    """A rule depends on something that is not known yet, or has to be corrected first."""


def _looked_at(*_: Any) -> Any:
    raise _LookedAtUnknownError


_OPERATORS = [
    "bool",
    "call",
    "contains",
    "eq",
    "float",
    "format",
    "ge",
    "getattr",
    "getitem",
    "gt",
    "hash",
    "index",
    "int",
    "iter",
    "le",
    "len",
    "lt",
    "ne",
    "repr",
    "str",
]
_UNSEEN = type(
    "_Unseen", (), {f"__{name}__": _looked_at for name in _OPERATORS} | {"__class__": property(_looked_at)}
)()
"""What stands for something unknown or wrong while a rule is judged: it can be carried about, but not looked at."""


def _broken_inside(shape: Shape, value: Any, path: Path, wrong: Sequence[Path]) -> Iterator[tuple[Rule, CheckFailure]]:
    if shape.kind == "model":
        yield from _broken(shape.of_model, value, path, wrong)
    elif shape.inner is not None and isinstance(value, (list, dict)):
        for key, item in enumerate(value) if isinstance(value, list) else value.items():
            yield from _broken_inside(shape.inner, item, (*path, key), wrong)


# --- comparing trees --------------------------------------------------------------------------------------------------


def canonical(model: type[Inputs], tree: Mapping[str, Any]) -> Tree:
    """One form for all trees that mean the same; for comparing only."""
    members, settled = spellings(model), {}
    for key, item in tree.items():
        member = members.get(key)
        if member is None:
            settled[key] = item
        elif not member.facts.undiffed:
            value = _canonical(member.shape, member.facts, item)
            if not _means_absent(member, value):
                settled[member.name] = value
    return settled


def _canonical(shape: Shape, facts: Facts, value: Any) -> Any:
    if shape.kind == "model" and isinstance(value, dict):
        return canonical(shape.of_model, value)
    if shape.kind == "list" and isinstance(value, list):
        items = [_canonical(shape.of_items, facts, item) for item in value]
        return sorted(items, key=canonical_json) if facts.unordered and not has_unknown(items) else items
    if shape.kind == "map" and isinstance(value, dict):
        return {key: _canonical(shape.of_items, facts, item) for key, item in value.items()}
    if shape.kind == "int" and isinstance(value, str) and re.fullmatch(r"-?[0-9]+", value):
        return int(value)
    if facts.any_case and isinstance(value, str):
        return value.casefold()
    return value


def _means_absent(member: Member, settled: Any) -> bool:
    """Does a canonical value mean the same as leaving the member out?"""
    if settled is None or (settled == {} and member.shape.kind == "model" and not member.required):
        return True
    return member.facts.absent is not None and equal(settled, member.facts.absent)


def without_unasked(model: type[Inputs], old: Tree, new: Tree) -> Tree:
    """`old` without what the program leaves to the cloud: computed members and foreign keys that `new` lacks."""
    members, kept = members_of(model), {}
    for key, item in old.items():
        member = members.get(key)
        if member is None:
            kept[key] = item
        elif key in new or not member.facts.computed:
            kept[key] = _without_unasked(member.shape, member.facts, item, new.get(key))
    return kept


def _without_unasked(shape: Shape, facts: Facts, old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        if shape.kind == "model":
            return without_unasked(shape.of_model, old, new)
        return {
            key: _without_unasked(shape.inner or PLAIN, NO_FACTS, item, new.get(key))
            for key, item in old.items()
            if key in new or not facts.foreign_keys
        }
    if isinstance(old, list) and isinstance(new, list) and shape.inner is not None and len(old) == len(new):
        return [_without_unasked(shape.inner, NO_FACTS, *pair) for pair in zip(old, new, strict=True)]
    return old


def laid_over(model: type[Inputs], recorded: Tree, observed: Mapping[str, Any]) -> Tree:
    """The recorded tree with what was observed laid over the members it has.

    A mere respelling keeps the recorded spelling; a member that is gone from the cloud goes.
    """
    members, merged = members_of(model), {}
    for key, item in recorded.items():
        member = members.get(key)
        if member is None:
            continue
        value = _laid_over(member.shape, member.facts, item, observed.get(key))
        if value is None and (member.facts.undiffed or _means_absent(member, _canonical(member.shape, NO_FACTS, item))):
            value = item
        if value is not None:
            merged[key] = value
    return merged


def _laid_over(shape: Shape, facts: Facts, recorded: Any, observed: Any) -> Any:
    if facts.unreadable or equal(_canonical(shape, facts, recorded), _canonical(shape, facts, observed)):
        return recorded
    if isinstance(recorded, dict) and isinstance(observed, dict):
        if shape.kind == "model":
            return laid_over(shape.of_model, recorded, observed)
        keys = recorded if facts.foreign_keys else observed
        return {
            key: _laid_over(shape.inner or PLAIN, NO_FACTS, recorded.get(key), observed[key])
            for key in keys
            if key in observed
        }
    if isinstance(recorded, list) and isinstance(observed, list) and shape.inner is not None and not facts.unordered:
        known = recorded[: len(observed)]
        over = [_laid_over(shape.inner, NO_FACTS, one, other) for one, other in zip(known, observed, strict=False)]
        return over + observed[len(known) :]
    return observed


def rebuilt(model: type[Inputs], observed: Mapping[str, Any]) -> Tree:
    """A full set of inputs from what was observed, for an import: without what means "left out"."""
    tree: Tree = {}
    for name, item in completed(model, observed).items():
        member = members_of(model).get(name)
        if member is None or member.facts.undiffed:
            continue
        nested = member.shape.kind == "model" and isinstance(item, dict)
        value = rebuilt(member.shape.of_model, item) if nested else item
        if not _means_absent(member, _canonical(member.shape, member.facts, value)):
            tree[name] = value
    return tree


# --- looking along a path ---------------------------------------------------------------------------------------------


def along(model: type[Inputs], path: Path) -> Iterator[tuple[Shape, Facts]]:
    """The shapes and facts met on the way down a path, the model's own first; ends where the schema ends."""
    shape, facts = Shape("model", model=model), NO_FACTS
    yield shape, facts
    for segment in path:
        if shape.kind == "model":
            member = members_of(shape.of_model).get(str(segment))
            if member is None:
                return
            shape, facts = member.shape, member.facts
        elif shape.inner is not None:
            shape = shape.inner
        else:
            return
        yield shape, facts


def why_replaced(shape: Shape, value: Any) -> str:
    """The reason of a member inside `value` whose change forces a replacement; empty when there is none."""
    if shape.kind == "model" and isinstance(value, dict):
        for name, item in value.items():
            member = members_of(shape.of_model).get(name)
            why = (member.facts.replace or why_replaced(member.shape, item)) if member else ""
            if why:
                return why
    elif shape.inner is not None and isinstance(value, (list, dict)):
        items = value if isinstance(value, list) else value.values()
        return next(filter(None, (why_replaced(shape.inner, item) for item in items)), "")
    return ""

"""Schema models made from botocore's structures: constraints from the model, everything else from declared tables.

A `Structure` says what the specification knows beyond the model: what a change of a member means, what to do about a
failure, rules between members, members of our own. A `Dialect` is one way to spell it all: `names.py` has the two. The
pydantic models that `providers.inputs` works with are built on demand from both, so a member that a newer botocore
brings is accepted, with its limits, before anybody here has heard of it.

Tables and rules use the API's names; `{Name}` in their texts becomes the dialect's spelling.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, create_model

from engine.core import paths
from engine.core.values import Unknown
from providers.base import Facts, Inputs, Rule, Shape, Tree, members_of
from providers.sagemaker.model import Model, Text, service_model
from providers.sagemaker.schema.words import REMEDIES

OPEN_ENUMERATIONS: Final = frozenset({"InstanceType", "AppInstanceType"})
"""Enumerations that AWS extends every few weeks: an unknown value is a warning (specification section 12)."""
_PLACEHOLDER = re.compile(r"\{([A-Z][\w.]*)\}")
_INSTANCE_TYPE = Text(pattern=r"system|ml\.[a-z0-9-]+\.[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Codec:
    """A member that is recorded in another form than the API has it; what is inside it is spelt apart from that."""

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Own:
    """A member in a form of our own: one that the API call does not have, or has differently (`codec`).

    `structure` names the structure of its value, or of the items of at most `many`; `annotation` counts otherwise.
    """

    annotation: Any
    facts: Mapping[str, Any]
    structure: str = ""
    many: int = 0
    default: Any = None
    required: bool = False
    codec: Codec | None = None


@dataclass(frozen=True, slots=True)
class Structure:
    """What is known about a structure beyond botocore's model.

    `shape`: its name in the model, empty when it has none there. `facts`: member → members of `Facts`. `uses`: member →
    the `Structure` of its value, where that is not the one of its shape. `without`: members that are not offered.
    """

    shape: str = ""
    service: str = "sagemaker"
    page: str = ""
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    own: Mapping[str, Own] = field(default_factory=dict)
    uses: Mapping[str, str] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()

    @property
    def model(self) -> Model:
        """The service model it is in."""
        return service_model(self.service)


@dataclass(frozen=True, slots=True)
class Variant:
    """What a dialect does differently in one structure."""

    renamed: Mapping[str, str] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    required: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Own] = field(default_factory=dict)
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Wire:
    """How a recorded member is spelt in the API."""

    api: str
    codec: Codec | None


_WIRE: Final[dict[type[Inputs], Mapping[str, _Wire]]] = {}


class Dialect:
    """One spelling of all structures. Safe to use from many threads.

    `spell` makes the recorded name of an API member; `snake` is its Python name.
    """

    def __init__(
        self,
        name: str,
        base: type[Inputs],
        structures: Mapping[str, Structure],
        snake: Callable[[str], str],
        spell: Callable[[str], str],
        variants: Mapping[str, Variant] | None = None,
    ) -> None:
        self.name = name
        self._base = base
        self._structures = structures
        self._snake = snake
        self._spell = spell
        self._variants = variants or {}
        self._made: dict[str, type[Inputs]] = {}
        self._lock = threading.RLock()

    # --- names

    def spelt(self, structure: str, member: str) -> str:
        """The recorded name of a member."""
        variant = self._variants.get(structure, _PLAIN)
        return variant.renamed.get(member) or self._spell(member)

    def path(self, structure: str, path: str) -> str:
        """A dotted path of API names in the recorded spelling."""
        spelt: list[str] = []
        for name in path.split("."):
            spelt.append(self.spelt(structure, name))
            structure = self._inner(structure, name)
        return ".".join(spelt)

    def text(self, structure: str, text: str) -> str:
        """A text with its `{Name}`s spelt."""
        return _PLACEHOLDER.sub(lambda found: self.path(structure, found[1]), text)

    def structure(self, name: str) -> Structure:
        """What is declared about a structure."""
        return self._structures.get(name) or Structure(shape=name)

    def _inner(self, structure: str, member: str) -> str:
        """The structure of a member's value, of its items if it is a list; empty when it is none."""
        declared = self.structure(structure)
        if member in declared.uses:
            return declared.uses[member]
        own = self._variants.get(structure, _PLAIN).own.get(member) or declared.own.get(member)
        if own is not None:
            return own.structure
        model = declared.model
        shape = model.members(declared.shape).get(member, "") if declared.shape else ""
        while shape and model.shape(shape)["type"] == "list":
            shape = model.shape(shape)["member"]["shape"]
        return shape

    # --- models

    def schema(self, structure: str) -> type[Inputs]:
        """The schema model of a structure."""
        made = self._made.get(structure)
        if made is None:
            with self._lock:
                made = self._made.get(structure) or self._make(structure)
                self._made[structure] = made
        return made

    def _make(self, name: str) -> type[Inputs]:
        declared, variant = self.structure(name), self._variants.get(name, _PLAIN)
        fields: dict[str, Any] = {}
        wire: dict[str, _Wire] = {}
        own = {**declared.own, **variant.own}
        for member in self._offered(name):
            facts: dict[str, Any] = {
                "source": f"API_{declared.page or declared.shape}",
                **declared.facts.get(member, {}),
                **variant.facts.get(member, {}),
            }
            required = member in declared.required | variant.required
            codec = None
            if member in own:
                given = own[member]
                annotation: Any = self.schema(given.structure) if given.structure else given.annotation
                if given.many:
                    annotation = Annotated[list[annotation], Field(max_length=given.many)]
                facts = {**facts, **given.facts}
                required, codec = required or given.required, given.codec
            else:
                required = required or member in declared.model.required(declared.shape)
                annotation, facts = self._member(name, member, facts, required)
            for key in ("remedy", "rule", "replace"):
                if key in facts:
                    facts[key] = self.text(name, facts[key])
            default = variant.defaults.get(member, own[member].default if member in own else None)
            if not required:
                annotation = annotation | None
            recorded, python = self.spelt(name, member), self._python(name, member)
            alias = recorded if self._base.model_config.get("loc_by_alias") else member
            fields[python] = (
                Annotated[annotation, Facts(**facts)],
                Field(alias=alias) if required else Field(default, alias=alias),
            )
            wire[recorded] = _Wire(member, codec)
        made = create_model(name, __base__=self._base, **fields)
        made.rules = tuple(self._rules(name, set(wire)))
        _WIRE[made] = wire
        return made

    def _offered(self, name: str) -> list[str]:
        declared, variant = self.structure(name), self._variants.get(name, _PLAIN)
        members = list(declared.model.members(declared.shape)) if declared.shape else []
        members += [member for member in (*declared.own, *variant.own) if member not in members]
        hidden = declared.without | variant.without
        return [
            member
            for member in members
            if member not in hidden and (variant.only is None or member in variant.only or member in variant.own)
        ]

    def _python(self, structure: str, member: str) -> str:
        variant = self._variants.get(structure, _PLAIN)
        return self._snake(variant.renamed.get(member, member))

    def _rules(self, name: str, there: set[str]) -> list[Rule]:
        """The rules about members that are offered, and in the form that the rules are about."""
        other_forms = self._variants.get(name, _PLAIN).own
        rules: list[Rule] = []
        for rule in self.structure(name).rules:
            if rule.at in other_forms:
                continue
            at = self.path(name, rule.at)
            if at.split(".")[0] in there:
                rules.append(
                    replace(
                        rule,
                        at=at,
                        reads=tuple(self.path(name, path) for path in rule.reads),
                        rule=self.text(name, rule.rule),
                        remedy=self.text(name, rule.remedy),
                    )
                )
        return rules

    def _member(self, structure: str, member: str, facts: dict[str, Any], required: bool) -> tuple[Any, dict[str, Any]]:
        """(annotation, facts) of a member that is as the model has it."""
        declared = self.structure(structure)
        shape = declared.model.members(declared.shape)[member]
        kind = declared.model.shape(shape)
        facts["source"] = f"{facts['source']}; shape {shape}" if "source" in facts else f"shape {shape}"
        facts.setdefault("remedy", _remedy(declared.model, shape))
        if kind["type"] == "list" and not required:
            facts.setdefault("absent", [])
        return self._annotation(declared, shape, self._inner(structure, member)), facts

    def _annotation(self, declared: Structure, name: str, inner: str) -> Any:
        model = declared.model
        shape = model.shape(name)
        kind = shape["type"]
        if kind == "structure":
            return self.schema(inner)
        if kind == "list":
            items = self._annotation(declared, shape["member"]["shape"], inner)
            return Annotated[list[items], Field(min_length=shape.get("min"), max_length=shape.get("max"))]
        if kind in ("integer", "long"):
            return Annotated[int, Field(ge=shape.get("min"), le=shape.get("max"))]
        if kind == "boolean":
            return bool
        if name in OPEN_ENUMERATIONS:
            return text(_INSTANCE_TYPE)
        choices = model.choices(name)
        return Literal[choices] if choices else text(model.text(name))


_PLAIN = Variant()


def text(limits: Text) -> Any:
    """The annotation of a string with these limits."""

    def judge(value: str) -> str:
        complaint = limits.complaint(value)
        if complaint:
            raise ValueError(complaint)
        return value

    return Annotated[str, AfterValidator(judge)]


def _remedy(model: Model, name: str) -> str:
    """What to do about a broken limit of a shape."""
    shape = model.shape(name)
    kind = shape["type"]
    if kind == "list":
        most = f"at most {shape['max']}" if "max" in shape else "items"
        return f"give a list of {most}; of each: {_remedy(model, shape['member']['shape'])}"
    if kind == "structure":
        names = ", ".join(list(model.members(name))[:4])
        return f"give a map with members such as {names}"
    if kind in ("integer", "long"):
        limits = [f"{word} {shape[key]}" for word, key in (("from", "min"), ("to", "max")) if key in shape]
        return " ".join(["give a whole number", *limits])
    if kind == "boolean":
        return "say True or False"
    if name in OPEN_ENUMERATIONS:
        return "give an instance type such as ml.t3.medium"
    choices = model.choices(name)
    if len(choices) == 1:
        return f"give {choices[0]}"
    return "give one of these values" if choices else REMEDIES.get(name, "give text within these limits")


# --- the wire ---------------------------------------------------------------------------------------------------------


def to_api(model: type[Inputs], tree: Mapping[str, Any]) -> Tree:
    """A completed tree as the API spells it."""
    wire, members = _WIRE[model], members_of(model)
    made: Tree = {}
    for name, value in tree.items():
        if name in wire:
            codec, inside = wire[name].codec, _to_api(members[name].shape, value)
            made[wire[name].api] = codec.encode(inside) if codec and not isinstance(inside, Unknown) else inside
    return made


def _to_api(shape: Shape, value: Any) -> Any:
    if shape.model is not None and isinstance(value, Mapping):
        return to_api(shape.model, value)
    if shape.kind == "list" and isinstance(value, list):
        return [_to_api(shape.of_items, item) for item in value]
    return value


def from_api(model: type[Inputs], content: Mapping[str, Any]) -> Tree:
    """An API structure in the recorded spelling; members that the schema does not offer are left out."""
    members = members_of(model)
    made: Tree = {}
    for name, wire in _WIRE[model].items():
        value = content.get(wire.api)
        if value is not None and wire.codec is not None:
            value = wire.codec.decode(value)
        if value is not None:
            made[name] = _from_api(members[name].shape, value)
    return made


def _from_api(shape: Shape, value: Any) -> Any:
    if shape.model is not None and isinstance(value, Mapping):
        return from_api(shape.model, value)
    if shape.kind == "list" and isinstance(value, list):
        return [_from_api(shape.of_items, item) for item in value]
    return value


def api_path(model: type[Inputs], path: str) -> str:
    """A recorded path in the API's spelling, for telling which request member a change is about."""
    segments: list[Any] = []
    current: type[Inputs] | None = model
    shape: Shape | None = None
    for segment in paths.parse(path):
        if current is not None and isinstance(segment, str) and segment in _WIRE[current]:
            shape = members_of(current)[segment].shape
            segments.append(_WIRE[current][segment].api)
        else:
            shape = shape.inner if shape is not None else None
            segments.append(segment)
        current = shape.model if shape is not None else None
    return paths.show(tuple(segments))

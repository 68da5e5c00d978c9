"""Tables of what a body may hold, and the one reader of them.

A failure has the rank of its kind: missing, type, unknown member, value. API A gives each kind its own code and judges
most values by rules in an order of its own (spec 5.10); API B answers all of them with one code (spec 9).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any


class Kind(Enum):
    """The JSON types in use; a boolean is no number, and 1.0 is no integer."""

    TEXT = (str,)
    INTEGER = (int,)
    NUMBER = (int, float)
    BOOLEAN = (bool,)
    OBJECT = (dict,)
    ARRAY = (list,)


class Rank(IntEnum):
    """Which failures are reported first."""

    MISSING = 0
    TYPE = 1
    UNKNOWN = 2
    VALUE = 3


@dataclass(frozen=True, slots=True)
class Failure:
    """What is wrong, and where."""

    rank: Rank
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a table. An OBJECT without `members` maps any text to text.

    `any_case`: choices are accepted in any case, and kept in the table's (spec 6.1).
    """

    name: str
    kind: Kind = Kind.TEXT
    required: bool = False
    pattern: str = ""
    longest: int | None = None
    lowest: float | None = None
    highest: float | None = None
    choices: tuple[str, ...] = ()
    any_case: bool = False
    members: tuple[Field, ...] | None = None
    item: Field | None = None


Body = dict[str, Any]


def failures(fields: Sequence[Field], body: Mapping[str, Any], path: str = "") -> Iterator[Failure]:
    """Everything that is wrong with a body, in the order of the tables. A null counts as absent."""
    for field in fields:
        given = body.get(field.name)
        place = f"{path}{field.name}"
        if given is not None:
            yield from _value(field, given, place)
        elif field.required:
            yield Failure(Rank.MISSING, place, f"{place} is missing")
    for name in sorted(body.keys() - {field.name for field in fields}):
        yield Failure(Rank.UNKNOWN, f"{path}{name}", f"{path}{name} is not known")


def first_failure(found: Iterator[Failure], *, strict: bool) -> Failure | None:
    """The one to report: the first of the lowest rank; unknown members only in strict mode."""
    judged = [each for each in found if strict or each.rank is not Rank.UNKNOWN]
    return min(judged, key=lambda failure: failure.rank, default=None)


def known(fields: Sequence[Field], body: Mapping[str, Any]) -> Body:
    """What the table knows of a body without failures: nulls and unknown members left out, choices in their case."""
    found: Body = {}
    for field in fields:
        given = body.get(field.name)
        if given is not None:
            found[field.name] = _known_value(field, given)
    return found


def _value(field: Field, value: Any, path: str) -> Iterator[Failure]:
    if type(value) not in field.kind.value:
        yield Failure(Rank.TYPE, path, f"{path} has the wrong JSON type")
    elif field.kind is Kind.OBJECT and field.members is None:
        if not all(type(each) is str for each in value.values()):
            yield Failure(Rank.TYPE, path, f"{path} must map text to text")
    elif field.kind is Kind.OBJECT:
        yield from failures(field.members or (), value, f"{path}.")
    elif field.kind is Kind.ARRAY:
        if field.longest is not None and len(value) > field.longest:
            yield Failure(Rank.VALUE, path, f"{path} has more than {field.longest} elements")
        for index, each in enumerate(value):
            if field.item is not None:
                yield from _value(field.item, each, f"{path}[{index}]")
    else:
        yield from _limits(field, value, path)


def _limits(field: Field, value: Any, path: str) -> Iterator[Failure]:
    if field.longest is not None and len(value) > field.longest:
        yield Failure(Rank.VALUE, path, f"{path} is longer than {field.longest}")
    if field.pattern and not re.fullmatch(field.pattern, value):
        yield Failure(Rank.VALUE, path, f"{path} does not match {field.pattern}")
    if field.choices and _chosen(field, value) is None:
        yield Failure(Rank.VALUE, path, f"{path} is none of {', '.join(field.choices)}")
    if field.lowest is not None and value < field.lowest:
        yield Failure(Rank.VALUE, path, f"{path} is below {field.lowest:g}")
    if field.highest is not None and value > field.highest:
        yield Failure(Rank.VALUE, path, f"{path} is above {field.highest:g}")


def _chosen(field: Field, value: str) -> str | None:
    wanted = value.upper() if field.any_case else value
    return next((choice for choice in field.choices if choice == wanted), None)


def _known_value(field: Field, value: Any) -> Any:
    if field.kind is Kind.OBJECT and field.members is not None:
        return known(field.members, value)
    if field.kind is Kind.ARRAY and field.item is not None:
        return [_known_value(field.item, each) for each in value]
    return _chosen(field, value) if field.choices else value

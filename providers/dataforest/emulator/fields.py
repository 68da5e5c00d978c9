"""Field tables and the one reader of them: what a request may hold, which failure is reported (spec 4.1, 11.1.4).

A failure has the rank of its rule (required, type, length, regex, range); the first of the lowest rank is the answer,
"first" in the order of the tables. Members not in a table are ignored, or refused when the switch says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from providers.dataforest.emulator.answers import SERVICE_ERRORS, invalid_text, refused
from providers.emulation import Call, Response


class Kind(Enum):
    """The JSON types in use; MAP is an object with free keys and string values."""

    TEXT = str
    INTEGER = int
    BOOLEAN = bool
    OBJECT = dict
    ARRAY = list
    MAP = "map"


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a field table. `says` replaces the regex in the answer where the vendor words the rule."""

    name: str
    kind: Kind = Kind.TEXT
    required: bool = False
    shortest: int = 0
    longest: int | None = None
    pattern: str = ""
    says: str = ""
    lowest: int | None = None
    highest: int | None = None
    choices: tuple[Any, ...] = ()
    members: tuple[Field, ...] = ()
    item: Field | None = None


Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its field table, and the function that carries it out and returns the answer's members."""

    fields: tuple[Field, ...]
    carry_out: Callable[[Call, Body], Mapping[str, Any] | Response]


REQUIRED, TYPE, LENGTH, PATTERN, RANGE = range(5)

Failure = tuple[int, str]


def read(fields: Sequence[Field], body: Any, *, strict: bool) -> dict[str, Any]:
    """The members the table knows, nulls left out. Raises Refused with the failure to report."""
    if not isinstance(body, dict):
        raise refused(400)
    failures = list(_object(fields, body, "", strict))
    if failures:
        # min() keeps the first of equals, so the tables' order decides within a rank
        raise refused(400, min(failures, key=lambda failure: failure[0])[1])
    return _known(fields, body)


def _object(fields: Sequence[Field], value: Mapping[str, Any], path: str, strict: bool) -> Iterator[Failure]:
    for field in fields:
        place = f"{path}.{field.name}" if path else field.name
        given = value.get(field.name)
        if given is not None:
            yield from _value(field, given, place, strict)
        elif field.required:
            yield REQUIRED, invalid_text(place, None, "must not be null")
    if strict and not value.keys() <= {field.name for field in fields}:
        yield TYPE, SERVICE_ERRORS[400]


def _value(field: Field, value: Any, path: str, strict: bool) -> Iterator[Failure]:
    if field.kind is Kind.MAP:
        if type(value) is not dict or not all(type(each) is str for each in value.values()):
            yield TYPE, SERVICE_ERRORS[400]
        return
    if type(value) is not field.kind.value:  # exactly: a boolean is no integer, 1.0 is none either
        yield TYPE, SERVICE_ERRORS[400]
        return
    if isinstance(value, dict):
        yield from _object(field.members, value, path, strict)
    elif isinstance(value, list) and field.item is not None:
        for index, each in enumerate(value):
            yield from _value(field.item, each, f"{path}[{index}]", strict)
    else:
        yield from _limits(field, value, path)


def _limits(field: Field, value: Any, path: str) -> Iterator[Failure]:
    if field.kind is Kind.TEXT:
        most = field.longest
        if len(value) < field.shortest or (most is not None and len(value) > most):
            yield LENGTH, invalid_text(path, value, f"size must be between {field.shortest} and {most}")
        elif field.pattern and not re.fullmatch(field.pattern, value):
            yield PATTERN, invalid_text(path, value, field.says or f'Must match "{field.pattern}"')
    if field.choices and value not in field.choices:
        listed = ", ".join(str(choice) for choice in field.choices)
        yield RANGE, invalid_text(path, value, f"must be one of [{listed}]")
    if field.lowest is not None and field.highest is not None and not field.lowest <= value <= field.highest:
        yield RANGE, invalid_text(path, value, f"must be between {field.lowest} and {field.highest}")


def _known(fields: Sequence[Field], value: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields:
        given = value.get(field.name)
        if given is None:
            continue
        if field.kind is Kind.OBJECT:
            given = _known(field.members, given)
        elif field.kind is Kind.ARRAY and field.item is not None and field.item.kind is Kind.OBJECT:
            given = [_known(field.item.members, each) for each in given]
        found[field.name] = given
    return found


# Rows that several tables share.

ID = Field("id", required=True, longest=22)  # spec 2.1; other letters are merely unknown
ACCOUNT_ID = Field("accountId", required=True, longest=22)
INTEGER_MAX = 2**31 - 1


def search(*members: Field) -> Field:
    """The `search` member of list calls (spec 5.2, 5.4)."""
    return Field("search", Kind.OBJECT, required=True, members=members)


# Spec 6.1-6.4, AiAppTypeSpec and its parts.

IMAGE = Field(
    "image", required=True, pattern=r"^(dataforest/)?([a-z0-9._-]{1,30}):([a-z0-9._-]{1,20})$"
)  # the vendor prints this very regex in its message
DOCKER = Field(
    "docker",
    Kind.OBJECT,
    required=True,
    members=(
        IMAGE,
        Field("command", required=True),
        Field("args"),
        Field("env", Kind.MAP),
        Field("exposeTcpPorts", Kind.ARRAY, item=Field("", Kind.INTEGER, lowest=1, highest=65535)),
        Field("workdir"),
    ),
)
HDFS = Field("hdfs", required=True)
PLACE = Field("path", required=True)
DATA = Field(
    "data",
    Kind.OBJECT,
    members=(
        Field("input", Kind.ARRAY, required=True, item=Field("", Kind.OBJECT, members=(HDFS, PLACE))),
        Field(
            "output",
            Kind.ARRAY,
            required=True,
            item=Field("", Kind.OBJECT, members=(HDFS, PLACE, Field("overwrite", Kind.BOOLEAN))),
        ),
    ),
)
RESOURCE = Field(
    "resource",
    Kind.OBJECT,
    members=(
        Field("cpuCount", Kind.INTEGER, lowest=1, highest=INTEGER_MAX),
        Field("gpuCount", Kind.INTEGER, lowest=1, highest=8),
        Field("gpuModel", shortest=1, longest=255),  # [E]: any, but not empty (spec 15, unknown 6)
        Field("memoryMb", Kind.INTEGER, lowest=1, highest=INTEGER_MAX),
    ),
)
QUEUE = Field("queueName", shortest=1, longest=255)  # [E] likewise
CONFIGURATION = Field(
    "configuration",
    Kind.OBJECT,
    required=True,
    members=(DOCKER, DATA, RESOURCE, QUEUE, Field("name"), Field("userPackageUri")),
)

"""What botocore's service models say: which members a structure has, and what its strings, lists and numbers may be.

The tables stay the vendor's own (specification section 15): a newer botocore widens the enumerations here by itself.
They are read straight from botocore's data files, because importing botocore takes four times as long as reading the
one file that is needed, and a preview needs nothing else of it.

What a schema makes of it is left to `schema`. Two patterns of the model are not for Python's `re` and have tested
replacements: `\\p{L}` does not compile, and the pattern of RepositoryUrl takes seconds for 26 characters.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

_ALTERNATIVES = re.compile(r"\(?([\w-]+(?:\|[\w-]+)*)\)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Text:
    """The limits of a string; lengths in characters, the pattern as in the model, for the whole value."""

    shortest: int = 0
    longest: int | None = None
    pattern: str = ""

    def complaint(self, value: str) -> str:
        """What is wrong with a value, all of it in one sentence; empty when nothing is."""
        wrong: list[str] = []
        if self.longest is not None and len(value) > self.longest:
            wrong.append(f"have at most {self.longest} characters")
        elif self.pattern and not matcher(self.pattern)(value):
            wrong.append(f"match {self.pattern}")
        if len(value) < self.shortest:
            wrong.append(f"have at least {self.shortest} {'character' if self.shortest == 1 else 'characters'}")
        return f"must {' and '.join(wrong)}" if wrong else ""


class Model:
    """One service's model. `service` is its folder in botocore's data, such as `sagemaker`."""

    def __init__(self, service: str) -> None:
        self.service = service

    @cached_property
    def version(self) -> str:
        """The newest API version that botocore has, such as `2017-07-24`."""
        return self._folder.name

    @cached_property
    def _folder(self) -> Path:
        found = importlib.util.find_spec("botocore")
        assert found is not None, "botocore is a dependency of this package"
        assert found.submodule_search_locations
        return max((Path(found.submodule_search_locations[0]) / "data" / self.service).glob("2*"))

    @cached_property
    def _content(self) -> Mapping[str, Any]:
        packed = self._folder / "service-2.json.gz"
        if packed.is_file():
            content = json.loads(gzip.decompress(packed.read_bytes()))
        else:
            content = json.loads((self._folder / "service-2.json").read_bytes())
        return {"shapes": content["shapes"], "operations": content["operations"]}

    def shape(self, name: str) -> Mapping[str, Any]:
        """A shape as the model writes it. Raises KeyError for one it does not have."""
        return self._content["shapes"][name]

    def input_of(self, operation: str) -> str:
        """The name of the structure an operation takes."""
        return self._content["operations"][operation]["input"]["shape"]

    def members(self, structure: str) -> dict[str, str]:
        """Member name → shape name, without what the vendor has deprecated."""
        found = self.shape(structure)["members"]
        return {name: member["shape"] for name, member in found.items() if not member.get("deprecated")}

    def required(self, structure: str) -> frozenset[str]:
        """The members that have to be given."""
        return frozenset(self.shape(structure).get("required", ()))

    def choices(self, name: str) -> tuple[str, ...]:
        """The values of an enumeration, also of a pattern that is one; empty for other strings."""
        shape = self.shape(name)
        if "enum" in shape:
            return tuple(shape["enum"])
        alternatives = _ALTERNATIVES.fullmatch(shape.get("pattern", ""))
        return tuple(alternatives[1].split("|")) if alternatives else ()

    def text(self, name: str) -> Text:
        """The limits of a string shape."""
        shape = self.shape(name)
        return Text(shape.get("min", 0), shape.get("max"), shape.get("pattern", ""))


@cache
def service_model(service: str) -> Model:
    """The model of a service, read once."""
    return Model(service)


# --- patterns ---------------------------------------------------------------------------------------------------------


def _letters_and_marks(value: str) -> bool:
    """`[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*`."""
    return all(letter in "_.:/=+-@" or unicodedata.category(letter)[0] in "LZN" for letter in value)


_REPOSITORY = re.compile(r"https://[.\-_a-zA-Z0-9]+(/[.\-_a-zA-Z0-9]+)*/?", re.ASCII)


def _repository(value: str) -> bool:
    """`https://([.\\-_a-zA-Z0-9]+/?){3,1016}`: at least three characters besides slashes."""
    return bool(_REPOSITORY.fullmatch(value)) and len(value.removeprefix("https://").replace("/", "")) >= 3


_REPLACED: Final[Mapping[str, Callable[[str], bool]]] = {
    r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)": _letters_and_marks,
    r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+": lambda value: bool(value) and _letters_and_marks(value),
    r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*": _letters_and_marks,
    r"https://([.\-_a-zA-Z0-9]+/?){3,1016}": _repository,
}


@cache
def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a whole value matches one of the model's patterns.

    A pattern that a newer botocore brings and Python cannot compile refuses nothing: the service will.
    """
    if pattern in _REPLACED:
        return _REPLACED[pattern]
    try:
        compiled = re.compile(pattern, re.ASCII)
    except re.error:
        return lambda value: True
    return lambda value: compiled.fullmatch(value) is not None

"""Two spellings in one class: attributes made from a class's dialect, outputs by name, paths in refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from providers.errors import RefusedError
from providers.sagemaker.schema.structures import Dialect

T = TypeVar("T")


class Spelt(Generic[T]):
    """A class attribute that depends on the class's dialect, made when it is first asked for."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._made: dict[type, T] = {}

    def __get__(self, instance: object, owner: type) -> T:
        if owner not in self._made:
            self._made[owner] = self._make(owner)
        return self._made[owner]


@dataclass(frozen=True, slots=True)
class Answer:
    """One output: what Describe calls it, and the inputs (API paths) whose change can alter it.

    `ours`: not an output of Pulumi's class; `kept` there: recorded under a hidden name, because a plan needs it.
    """

    api: str
    causes: tuple[str, ...] = ()
    ours: bool = False
    kept: bool = False


class Placing:
    """A block in which a refusal's path, which is the API's, becomes the program's."""

    def __init__(self, dialect: Dialect, structure: str) -> None:
        self._dialect = dialect
        self._structure = structure

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        if isinstance(error, RefusedError) and error.path and error.path[0].islower() and "_" not in error.path:
            error.path = self._spelt(error.path)

    def _spelt(self, path: str) -> str:
        """`securityGroupIds.1.member` is `security_group_ids[0]` (specification 3.3)."""
        names = [name for name in path.split(".") if name != "member"]
        plain = [name[0].upper() + name[1:] for name in names if not name.isdigit()]
        try:
            spelt = iter(self._dialect.path(self._structure, ".".join(plain)).split("."))
        except KeyError:
            return path
        shown = ""
        for name in names:
            shown += f"[{int(name) - 1}]" if name.isdigit() else f".{next(spelt)}" if shown else next(spelt)
        return shown

"""The engine's own resource types: package `pulumi` (spec section 6), and provider resources.

They have providers like everybody else's, so the planner and the executor need no special cases: a stack reference is
read from another stack's record, a stash remembers the value it was created with, a provider resource is its inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.core.contract import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    Provider,
    ReadResult,
    UpdateResult,
)
from engine.core.diff import changes
from engine.core.errors import InternalError, ProgramError
from engine.core.model import STACK_REFERENCE_TYPE, STASH_TYPE, is_provider_type
from engine.core.values import Properties, has_secret, secret


class _Plain:
    """What these types share: nothing to configure, inputs are right as they are, no opinion on differences."""

    def configure(self, req: ConfigureRequest) -> None:
        """Nothing to set."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Inputs are right as they are."""
        return CheckResult(news)

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """No opinion: the engine compares the inputs."""
        return DiffResult()

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Nothing of this kind is made."""
        raise InternalError("a resource that can only be read was about to be created")

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """It is what is recorded."""
        return ReadResult(id_, props, props)

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """It becomes its inputs."""
        return UpdateResult(news)

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Nothing but the record knows of it."""


class StackReference(_Plain):
    """Reads the outputs of another stack; as a whole secret if one of them is."""

    def __init__(self, outputs_of: Callable[[str], Properties]) -> None:
        self._outputs_of = outputs_of

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Only the stack's name is asked for."""
        name = news.get("name")
        failures = () if name else (CheckFailure("name", "a stack reference needs the name of a stack"),)
        return CheckResult(news, failures)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """The stack's outputs now."""
        outputs = dict(self._outputs_of(id_))
        names = sorted(name for name, value in outputs.items() if has_secret(value))
        return ReadResult(
            id_,
            {"name": id_, "outputs": secret(outputs) if names else outputs, "secretOutputNames": names},
            {"name": id_},
        )


class Stash(_Plain):
    """Keeps the value of its first create: `output` stays, `input` follows the program."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Remember the value."""
        return CreateResult(self._new_id(), {"input": props.get("input"), "output": props.get("input")})

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Follow the input, keep the output."""
        return UpdateResult({"input": news.get("input"), "output": olds.get("output")})


class ProviderResource(_Plain):
    """A provider as a resource: its inputs are its settings."""

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Any difference is an update, never a replacement (spec section 8.1)."""
        return DiffResult(changes=bool(changes(olds, news)))


def provider_for(type_: str, outputs_of: Callable[[str], Properties], new_id: Callable[[], str]) -> Provider:
    """The provider of one of the engine's own types. Raises ProgramError for one that does not exist."""
    if is_provider_type(type_):
        return ProviderResource()
    if type_ == STACK_REFERENCE_TYPE:
        return StackReference(outputs_of)
    if type_ == STASH_TYPE:
        return Stash(new_id)
    raise ProgramError(
        f"there is no resource type {type_}",
        why="Package pulumi has stack references and stashes only.",
        remedy="correct the type",
        reference="type-not-served",
    )

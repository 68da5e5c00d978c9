"""Talking with a provider: engine values become plain arguments, plain answers become engine values.

Providers know neither secrets nor `__provider`: a secret is opened on the way in, and what comes back is marked again
by the secrets of the inputs and by the option additionalSecretOutputs (spec section 5). A provider that raises
something other than our own errors has a bug; the error says whose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from engine.core.contract import CHECK, CheckContext, CheckFailure, DiffResult, Origin, Provider, ReadResult
from engine.core.diff import Change, Kind
from engine.core.errors import Diagnostic, InternalError, Severity, UsageError, WorksteadError
from engine.core.model import PROVIDER_KEY, ResourceState
from engine.core.paths import parse
from engine.core.values import Properties, Secret, has_secret, mark_like, reveal, secret

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Checked:
    """Completed inputs with their secrets marked, and what `check` had to say."""

    inputs: Properties
    failures: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()


def ask(urn: str, doing: str, call: Callable[[], T]) -> T:
    """The provider's answer. Raises its own errors with the URN filled in, anything else as InternalError."""
    try:
        return call()
    except WorksteadError as error:
        error.urn = error.urn or urn
        raise
    except Exception as error:
        raise InternalError(
            f"the provider failed in {doing}: {type(error).__name__}: {error}",
            urn=urn,
            why="A provider may only fail with an error that says what to do.",
        ) from error


def check(
    provider: Provider,
    urn: str,
    recorded: Properties,
    inputs: Properties,
    origins: Callable[[str], Sequence[Origin]] = lambda _property: (),
) -> Checked:
    """Complete and validate inputs; `recorded` is empty for something new, `origins` what they are made from."""
    token = CHECK.set(CheckContext(urn, origins))
    try:
        result = ask(urn, "check", lambda: provider.check(dict(reveal(recorded)), dict(reveal(inputs))))
    finally:
        CHECK.reset(token)
    return Checked(
        marked(result.inputs, inputs),
        tuple(_diagnostic(failure, urn, Severity.ERROR) for failure in result.failures),
        tuple(_diagnostic(warning, urn, Severity.WARNING) for warning in getattr(result, "warnings", ())),
    )


def _diagnostic(failure: CheckFailure, urn: str, severity: Severity) -> Diagnostic:
    rule: str = getattr(failure, "rule", "") or failure.reason
    given = getattr(failure, "given", "")
    return Diagnostic(
        severity,
        rule,
        urn=urn,
        path=failure.property or "",
        why=f"Given: {given}" if given else "",
        remedy=getattr(failure, "remedy", ""),
        reference="input-invalid",
    )


def marked(answer: Mapping[str, Any] | None, inputs: Properties, also: tuple[str, ...] = ()) -> dict[str, Any]:
    """A provider's properties with the inputs' secret marks, `__provider` as it was, and `also` marked secret."""
    properties = dict(answer or {})
    if PROVIDER_KEY in inputs:
        properties[PROVIDER_KEY] = inputs[PROVIDER_KEY]
    if has_secret(inputs):
        properties = mark_like(properties, inputs)
    for name in also:
        if name in properties:
            properties[name] = secret(properties[name])
    return properties


def diff(provider: Provider, old: ResourceState, inputs: Properties) -> DiffResult:
    """The provider's opinion of a change from a recorded state to checked inputs; its paths and kinds make sense."""

    def call() -> DiffResult:
        result = provider.diff(old.id, dict(reveal(old.outputs)), dict(reveal(inputs)))
        try:
            detailed(result)
            for path in result.replaces:
                parse(path)
        except UsageError as error:
            raise ValueError(error.summary) from error
        return result

    return ask(old.urn, "diff", call)


def detailed(result: DiffResult) -> tuple[Change, ...] | None:
    """The provider's own paths and kinds; None when it gave none."""
    given = getattr(result, "detailed_diff", None)
    if given is None:
        return None
    return tuple(Change(parse(path), Kind(kind)) for path, kind in given.items())


def predict(
    provider: Provider, urn: str, id_: str, recorded: Properties, inputs: Properties, also: tuple[str, ...]
) -> dict[str, Any]:
    """The outputs as far as they are known before the call.

    A provider without an opinion gets Pulumi's answer: the inputs (spec section 8.2).
    """
    opinion = getattr(provider, "predict", None)
    if opinion is None:
        return marked(inputs, inputs, also)
    outputs = ask(urn, "predict", lambda: opinion(id_, dict(reveal(recorded)), dict(reveal(inputs))))
    return marked(outputs, {**_secret_members(recorded), **inputs}, also)


def _secret_members(properties: Properties) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if type(value) is Secret}


def observed(result: ReadResult, old: ResourceState) -> tuple[dict[str, Any], Properties]:
    """(outputs, inputs) as just read, with the secrets of the recorded ones; inputs stay when none came back."""
    outputs = marked(result.outs, {**_secret_members(old.outputs), **old.inputs})
    inputs = old.inputs if result.inputs is None else marked(result.inputs, old.inputs)
    return outputs, inputs

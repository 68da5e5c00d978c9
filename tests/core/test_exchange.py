"""Talking with a provider: plain arguments in, marked values out, and whose mistake an error is."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core import exchange
from engine.core.contract import CheckFailure, CheckResult, DiffResult, ReadResult
from engine.core.diff import Kind
from engine.core.errors import CloudError, InternalError, ProgramError, Severity
from engine.core.model import PROVIDER_KEY
from engine.core.values import UNKNOWN, Secret, has_secret
from tests.builders import ThingCloud, ThingProvider, state, urn

PLAIN = ThingProvider(ThingCloud())


class Listening(ThingProvider):
    """A provider that keeps what it was given."""

    def __init__(self) -> None:
        super().__init__(ThingCloud())
        self.given: list[Any] = []

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        self.given.append((olds, news))
        return CheckResult({**news, "added": 1})

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        self.given.append((id_, olds, news))
        return DiffResult(changes=True)

    def predict(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        self.given.append((id_, olds, news))
        return {**news, "token": olds.get("token", "new")}


SECRETS = {"name": "a", "size": Secret(1), PROVIDER_KEY: "pickle"}
OPEN = {"name": "a", "size": 1, PROVIDER_KEY: "pickle"}


def test_providers_get_no_marks_and_answers_get_them_back() -> None:
    provider = Listening()
    checked = exchange.check(provider, urn("a"), {"size": Secret(0)}, SECRETS)
    assert provider.given == [({"size": 0}, OPEN)]
    assert checked.inputs == {**SECRETS, "added": 1}
    assert not checked.failures


def test_a_provider_cannot_spoil_what_it_was_given() -> None:
    class Spoiling(ThingProvider):
        def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
            olds.clear()
            return CheckResult({"name": news.pop("name")})

    inputs, recorded = {"name": "a", "size": 1}, {"name": "a"}
    exchange.check(Spoiling(ThingCloud()), urn("a"), recorded, inputs)
    assert (inputs, recorded) == ({"name": "a", "size": 1}, {"name": "a"})


def test_what_is_wrong_with_inputs_is_told_in_full() -> None:
    class Strict(ThingProvider):
        def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
            failure = CheckFailure("spec.size", "must be even", "3", "give 4")
            return CheckResult(news, [failure], [CheckFailure("name", "is odd")])

    checked = exchange.check(Strict(ThingCloud()), urn("a"), {}, {})
    (failure,), (warning,) = checked.failures, checked.warnings
    assert (failure.severity, failure.urn, failure.path) == (Severity.ERROR, urn("a"), "spec.size")
    assert (failure.summary, failure.why, failure.remedy) == ("must be even", "Given: 3", "give 4")
    assert failure.reference == "input-invalid"
    assert (warning.severity, warning.summary, warning.why) == (Severity.WARNING, "is odd", "")


def test_a_strangers_failures_have_a_reason_only() -> None:
    class Failure:
        property = "size"
        reason = "too large"

    class Result:
        inputs: dict[str, Any]
        failures = (Failure(),)

    class Stranger:
        def check(self, olds: dict[str, Any], news: dict[str, Any]) -> Any:
            result = Result()
            result.inputs = news
            return result

    (failure,) = exchange.check(Stranger(), urn("a"), {}, {}).failures  # type: ignore[arg-type]
    assert (failure.path, failure.summary) == ("size", "too large")


def test_diff_compares_recorded_outputs_with_inputs() -> None:
    provider = Listening()
    old = state("a", outputs={"size": Secret(0)})
    assert exchange.diff(provider, old, {"size": Secret(UNKNOWN)}).changes
    assert provider.given == [("id-a", {"size": 0}, {"size": UNKNOWN})]


def test_a_providers_paths_and_kinds() -> None:
    assert exchange.detailed(DiffResult()) is None
    found = exchange.detailed(DiffResult(detailed_diff={"a[0].b": "update-replace", "c": "add"}))
    assert found is not None
    assert [(change.path, change.kind) for change in found] == [
        (("a", 0, "b"), Kind.UPDATE_REPLACE),
        (("c",), Kind.ADD),
    ]


@pytest.mark.parametrize(
    ("id_", "recorded", "also", "outputs"),
    [
        pytest.param("", {}, (), {**SECRETS, "token": "new"}, id="a create"),
        pytest.param("id", {"token": Secret("t")}, (), {**SECRETS, "token": Secret("t")}, id="recorded secrets stay"),
        pytest.param("id", {"token": "t"}, ("token",), {**SECRETS, "token": Secret("t")}, id="the option marks too"),
    ],
)
def test_prediction(id_: str, recorded: dict[str, Any], also: tuple[str, ...], outputs: dict[str, Any]) -> None:
    provider = Listening()
    assert exchange.predict(provider, urn("a"), id_, recorded, SECRETS, also) == outputs
    assert provider.given[0][0] == id_
    assert not has_secret(provider.given[0][1])
    assert not has_secret(provider.given[0][2])


def test_a_provider_that_predicts_nothing_gets_pulumis_answer() -> None:
    class Silent:
        pass

    outputs = exchange.predict(Silent(), urn("a"), "", {}, {"x": Secret(1), "y": 2}, ("y",))  # type: ignore[arg-type]
    assert outputs == {"x": Secret(1), "y": Secret(2)}


def test_what_was_read() -> None:
    old = state("a", SECRETS, outputs={**SECRETS, "token": Secret("t"), "open": 1})
    outputs, inputs = exchange.observed(ReadResult("id", {"size": 2, "token": "u", "open": 2}, {"size": 2}), old)
    assert outputs == {"size": Secret(2), "token": Secret("u"), "open": 2, PROVIDER_KEY: "pickle"}
    assert inputs == {"size": Secret(2), PROVIDER_KEY: "pickle"}
    assert exchange.observed(ReadResult("id", {}), old)[1] == old.inputs


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        pytest.param(CloudError("no"), CloudError, id="the cloud's"),
        pytest.param(ProgramError("no"), ProgramError, id="the program's"),
        pytest.param(ValueError("no"), InternalError, id="anything else is the provider's bug"),
    ],
)
def test_whose_mistake_it_is(raised: Exception, kind: type) -> None:
    def call() -> None:
        raise raised

    with pytest.raises(kind) as caught:
        exchange.ask(urn("a"), "create", call)
    assert caught.value.urn == urn("a")
    if kind is InternalError:
        assert "ValueError: no" in str(caught.value)
        assert caught.value.__cause__ is raised


def test_an_error_that_names_its_resource_keeps_it() -> None:
    def call() -> None:
        raise CloudError("no", urn=urn("b"))

    with pytest.raises(CloudError) as caught:
        exchange.ask(urn("a"), "create", call)
    assert caught.value.urn == urn("b")

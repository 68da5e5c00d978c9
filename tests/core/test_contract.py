"""What a provider may ask of a call's context, on a clock that the test moves."""

from __future__ import annotations

import pytest

from engine.core.contract import GONE, CallContext, CheckFailure, CloudProvider, ReadResult
from engine.core.errors import CancelledError, DeadlineError
from tests.builders import ThingCloud, ThingProvider


class Time:
    """A clock; waiting moves it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.cancelled = False
        self.reports: list[str] = []

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return self.cancelled

    def context(self, limit: float | None = None) -> CallContext:
        """A call that has just begun."""
        return CallContext(
            urn="urn",
            operation="create",
            clock=lambda: self.now,
            wait=self.wait,
            report=self.reports.append,
            deadline=None if limit is None else self.now + limit,
            started=self.now,
        )


def test_a_call_knows_how_long_it_runs_and_how_long_it_may() -> None:
    time = Time()
    context = time.context(limit=30)
    time.now += 12
    assert (context.elapsed(), context.remaining()) == (12, 18)
    time.now += 100
    assert context.remaining() == 0
    assert time.context().remaining() is None


def test_a_pause_waits_and_reports() -> None:
    time = Time()
    context = time.context()
    context.pause(10, "Pending")
    context.pause(10, "Pending")
    context.pause(10)
    assert time.now == 130
    assert time.reports == ["Pending, 0 s", "Pending, 10 s"]


def test_a_pause_never_outlasts_the_limit_and_then_it_is_over() -> None:
    time = Time()
    context = time.context(limit=25)
    context.pause(10)
    context.pause(10)
    with pytest.raises(DeadlineError) as caught:
        context.pause(10, "Pending")
    assert time.now == 125
    assert caught.value.urn == "urn"
    assert "create did not finish within 25 s" in caught.value.summary
    assert "Pending" in caught.value.why


def test_cancelling_ends_a_pause() -> None:
    time = Time()
    time.cancelled = True
    with pytest.raises(CancelledError):
        time.context().pause(10)


def test_a_provider_may_have_a_limit_of_its_own() -> None:
    time = Time()
    limited = time.context().with_limit(60)
    time.now += 10
    assert limited.remaining() == 50
    assert limited.elapsed() == 10
    customers = time.context(limit=5)
    assert customers.with_limit(60) is customers, "the customer's limit goes first"


def test_a_failure_in_one_line_for_those_who_show_no_more() -> None:
    assert CheckFailure("size", "too large").reason == "too large"
    whole = CheckFailure("size", "too large", "9", "give 8", "https://page")
    assert whole.reason == "too large; given: 9. To do: give 8"


def test_nothing_there_has_no_id() -> None:
    assert ReadResult() == GONE
    assert not GONE.id


def test_our_own_types_can_be_told_from_strangers() -> None:
    assert isinstance(ThingProvider(ThingCloud()), CloudProvider)
    assert not isinstance(object(), CloudProvider)

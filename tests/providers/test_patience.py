"""Trying again: how often, until when."""

from __future__ import annotations

import pytest

from engine.core.errors import CloudError, DeadlineError
from providers.pace import Lane
from providers.patience import Again, Patience, Verdict, patiently
from tests.contract.contract_cases import TestClock

CROWDED = Again(CloudError("too many", retryable=True), Verdict.THROTTLED)


def failing(times: int, failure: Again) -> tuple[list[int], object]:
    """(how often it was tried, an attempt that fails so many times)."""
    tries: list[int] = []

    def attempt() -> str:
        tries.append(1)
        if len(tries) <= times:
            raise failure
        return "done"

    return tries, attempt


def test_a_crowd_is_waited_out_by_time_not_by_tries() -> None:
    tries, attempt = failing(60, CROWDED)
    clock = TestClock()
    assert patiently(attempt, clock.call(), Patience(crowded=3600), Lane(), repeatable=False) == "done"
    assert len(tries) == 61


def test_a_crowd_that_stays_ends_in_its_own_error() -> None:
    _, attempt = failing(10_000, CROWDED)
    clock = TestClock()
    with pytest.raises(CloudError) as caught:
        patiently(attempt, clock.call(), Patience(crowded=600), Lane(), repeatable=False)
    assert caught.value is CROWDED.error
    assert 1600 <= clock.now < 1625


def test_the_customers_own_limit_goes_before() -> None:
    _, attempt = failing(10_000, CROWDED)
    clock = TestClock()
    with pytest.raises(DeadlineError):
        patiently(attempt, clock.call(limit=3000), Patience(crowded=600), Lane(), repeatable=False)
    assert 3950 < clock.now <= 4000


@pytest.mark.parametrize(("repeatable", "expected"), [(True, 4), (False, 1)])
def test_an_uncertain_outcome_is_only_repeated_where_that_is_harmless(repeatable: bool, expected: int) -> None:
    tries, attempt = failing(10_000, Again(CloudError("lost", uncertain=True), Verdict.UNCERTAIN))
    with pytest.raises(CloudError):
        patiently(attempt, TestClock().call(), Patience(), Lane(), repeatable=repeatable)
    assert len(tries) == expected

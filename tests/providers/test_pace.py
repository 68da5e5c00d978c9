"""Rate limits, learned: in virtual time against a service that lets so many calls a second through."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from engine.core.contract import CallContext
from engine.core.errors import CancelledError, CloudError, DeadlineError
from providers import pace
from providers.pace import Lane, Place, Turn, lane
from providers.patience import Again, Patience, Verdict, patiently
from tests.contract.contract_cases import TestClock

LATENCY = 0.08


@dataclass
class Service:
    """Lets `per_second` calls through, `burst` at once; None: all of them."""

    per_second: float | None
    burst: float = 1.0
    asks: float | None = None
    _left: float = field(default=0.0, init=False)
    _at: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._left = self.burst

    def lets_through(self, now: float) -> bool:
        if self.per_second is None:
            return True
        self._left = min(self.burst, self._left + (now - self._at) * self.per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


@dataclass
class Crowd:
    """Callers who make one call after the other through a lane, in virtual time."""

    service: Service
    lane: Lane = field(default_factory=Lane)
    callers: int = 32
    now: float = 0.0
    served: list[tuple[float, int]] = field(default_factory=list)
    throttled: list[float] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)
    _coming: list[tuple[float, int, int, str, Turn | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for caller in range(self.callers):
            self._at(0.0, caller, "join")

    def _at(self, when: float, caller: int, what: str, turn: Turn | None = None) -> None:
        heapq.heappush(self._coming, (when, next(self._order), caller, what, turn))

    def until(self, end: float) -> None:
        while self._coming and self._coming[0][0] <= end:
            self.now, _, caller, what, turn = heapq.heappop(self._coming)
            if what == "answer":
                assert turn is not None
                self._answered(caller, turn)
            else:
                self._wants(caller, what)
        self.now = end

    def _wants(self, caller: int, what: str) -> None:
        found = self.lane.join(caller, self.now) if what == "join" else self.lane.step(caller, self.now)
        if isinstance(found, Turn):
            self._at(self.now + LATENCY, caller, "answer", found)
        else:
            self._at(self.now + min(found or 0.0, pace.LOOK_AGAIN), caller, "step")

    def _answered(self, caller: int, turn: Turn) -> None:
        if self.service.lets_through(self.now):
            self.lane.went_through(turn, self.now)
            self.served.append((self.now, caller))
        else:
            self.lane.throttled(turn, self.now, self.service.asks)
            self.throttled.append(self.now)
        self._at(self.now, caller, "join")

    def rates(self, begin: float, end: float) -> tuple[float, float]:
        """(served, throttled) a second."""
        served = sum(begin <= at < end for at, _ in self.served)
        return served / (end - begin), sum(begin <= at < end for at in self.throttled) / (end - begin)


@pytest.mark.parametrize("limit", [1, 2, 5, 20, 100])
@pytest.mark.parametrize("burst", [1, 10])
@pytest.mark.parametrize("callers", [8, 32])
def test_the_services_rate_is_found_and_kept(limit: float, burst: float, callers: int) -> None:
    """After half a minute: at least three quarters of what the service gives, and few calls in vain."""
    crowd = Crowd(Service(limit, burst), callers=callers)
    crowd.until(150)
    served, throttled = crowd.rates(30, 150)
    possible = min(limit, callers / LATENCY)
    assert 0.75 * possible <= served <= 1.1 * possible, crowd.lane.rate
    assert throttled <= 0.1 * served, crowd.lane.rate


def test_nothing_is_slowed_down_while_nothing_throttles() -> None:
    crowd = Crowd(Service(None))
    crowd.until(10)
    assert crowd.lane.rate is None
    assert crowd.rates(0, 10)[0] == pytest.approx(32 / LATENCY, rel=0.02)


@pytest.mark.parametrize("limit", [2, 20])
def test_a_limit_that_goes_is_noticed(limit: float) -> None:
    crowd = Crowd(Service(limit))
    crowd.until(60)
    crowd.service.per_second = None
    crowd.until(120)
    assert crowd.rates(110, 120)[0] > 10 * limit
    assert not any(at > 61 for at in crowd.throttled)


@pytest.mark.parametrize("factor", [0.2, 3])
def test_a_limit_that_changes_is_followed(factor: float) -> None:
    crowd = Crowd(Service(20))
    crowd.until(60)
    crowd.service.per_second = 20 * factor
    crowd.until(180)
    served, throttled = crowd.rates(100, 180)
    assert 0.8 * 20 * factor <= served
    assert throttled <= 0.1 * served


def test_a_lane_that_was_quiet_for_long_is_open_again() -> None:
    quiet = Lane()
    quiet.throttled(Turn(False, 0), 100.0, None)
    assert quiet.rate is not None
    assert quiet.join("a", 100.1) is None
    quiet.leave("a")
    assert quiet.join("b", 100.2 + pace.FORGOTTEN) is not None
    assert quiet.rate is None


def test_one_crowd_lowers_the_rate_once() -> None:
    """Thirty answers to calls that were on their way together say the same thing."""
    here = Lane()
    turns = [here.join(number, 10.0) for number in range(30)]
    for number, turn in enumerate(turns):
        assert turn is not None
        if number < 10:
            here.went_through(turn, 10.1)
        else:
            here.throttled(turn, 10.1 + number / 1000, None)
    assert here.rate == pytest.approx(pace.DECREASE * 10)


def test_everybody_gets_a_turn_in_the_order_in_which_they_came() -> None:
    crowd = Crowd(Service(5, burst=5), callers=20)
    crowd.until(120)
    after = [caller for at, caller in crowd.served if at > 60]
    counts = [after.count(caller) for caller in range(20)]
    assert max(counts) - min(counts) <= 4, counts


def test_what_the_service_asks_for_holds_the_whole_line() -> None:
    crowd = Crowd(Service(5, asks=7.0), callers=10)
    crowd.until(LATENCY * 1.5)
    first = crowd.throttled[0]
    crowd.until(40)
    sent = sorted([at for at, _ in crowd.served] + crowd.throttled)
    assert not any(first + LATENCY < at < first + 7 for at in sent)
    assert any(at < first + 7.5 for at in sent if at > first + LATENCY)


# --- who shares a lane ------------------------------------------------------------------------------------------------

HERE = Place("aws", "ours", "https://api.sagemaker.eu-west-1.amazonaws.com")


@pytest.mark.parametrize(
    ("other", "reads", "held"),
    [
        (HERE, False, True),
        (HERE, True, False),
        (Place("aws", "theirs", HERE.endpoint), False, False),
        (Place("aws", "ours", "https://api.sagemaker.us-east-1.amazonaws.com"), False, False),
        (Place("other", "ours", HERE.endpoint), False, False),
    ],
    ids=["the same", "reads", "another account", "another region", "another cloud"],
)
def test_who_obeys_a_retry_after(other: Place, reads: bool, held: bool) -> None:
    clock = TestClock()
    shared = clock.call()
    throttling = iter([Again(CloudError("too many"), Verdict.THROTTLED, 30.0)])

    def attempt() -> str:
        for failure in throttling:
            raise failure
        return "done"

    writes = lane(HERE, False, shared.clock)
    began = clock.now
    with pytest.raises(CloudError):
        patiently(attempt, shared, Patience(crowded=0), writes, repeatable=True)
    patiently(lambda: "done", shared, Patience(), lane(other, reads, shared.clock), repeatable=True)
    assert (clock.now - began >= 30) is held


def test_each_clock_has_its_own_lanes() -> None:
    first, second = TestClock().call(), TestClock().call()
    assert lane(HERE, True, first.clock) is lane(HERE, True, first.clock)
    assert lane(HERE, True, first.clock) is not lane(HERE, True, second.clock)


# --- waiting ----------------------------------------------------------------------------------------------------------


def _held(seconds: float, now: float = 1000.0) -> Lane:
    held = Lane()
    held.throttled(Turn(False, 0), now, seconds)
    return held


def test_a_wait_is_told() -> None:
    clock = TestClock()
    _held(3.5).admit(clock.call())
    assert clock.reports == [f"waiting for the rate limit, {number} s" for number in range(4)]


def test_cancelling_ends_the_wait_and_leaves_the_line() -> None:
    held = _held(30)
    with pytest.raises(CancelledError):
        held.admit(TestClock(cancelled=True).call())
    clock = TestClock()
    clock.now += 40
    held.admit(clock.call())
    assert clock.now == 1040


def test_a_wait_that_cannot_end_in_time_is_not_begun() -> None:
    clock = TestClock()
    with pytest.raises(DeadlineError) as caught:
        _held(30).admit(clock.call(limit=20), CloudError("slow down"))
    assert clock.now == 1000
    assert "slow down" in caught.value.why
    assert not caught.value.uncertain


def test_a_long_line_is_waited_in_until_the_deadline() -> None:
    """Nobody gives up before the time is over: the line may turn out to be quicker than it looks."""
    busy = _held(0)
    for number in range(50):
        busy.join(number, 1000.0)
    clock = TestClock()
    with pytest.raises(DeadlineError):
        busy.admit(clock.call(limit=20))
    assert clock.now == 1020


def test_many_threads() -> None:
    """Real threads, real time: all come through, one after the other, and the line is empty afterwards."""
    shared = Lane()
    shared.throttled(Turn(False, 0), time.monotonic() - 1.5, None)
    went: list[float] = []

    def go(context: Callable[[], CallContext]) -> None:
        turn = shared.admit(context())
        went.append(time.monotonic())
        shared.went_through(turn, time.monotonic())

    stop = threading.Event()

    def context() -> CallContext:
        return CallContext("urn:test", "create", time.monotonic, stop.wait, lambda text: None)

    threads = [threading.Thread(target=go, args=(context,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(went) == 8
    assert shared.rate is not None
    assert shared.rate > 2
    assert shared.join("next", time.monotonic() + 10) is not None

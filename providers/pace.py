"""How fast calls may go, learned from the service: additive increase, multiplicative decrease.

A *lane* is one class of calls (reads or writes) of one account at one endpoint, and so of one service in one region.
All steps of a run share it, whichever client sends. As long as nothing throttles, a lane is open: it costs a reading of
the clock. From the first throttled answer on, calls stand in line and go one by one at the lane's rate, in the order in
which they came. What the service asks for (`Retry-After`) holds the whole line.

The rate starts from what had lately gone through. It grows by a fixed part of the last rate that was too much for every
second in which the line was full, and far faster where no limit is known (a first guess may be much too low, and a
limit may have gone). Each crowd of throttled answers lowers it once: those that were on their way when it was lowered
count as the same crowd, as in TCP's congestion control (RFC 5681 section 3.1).

`Lane` is bookkeeping that is told the time, `Lane.admit` the one place where calls wait. Trying again is left to
`providers.patience`, what counts as throttled to the cloud's client.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from engine.core.contract import CallContext
from engine.core.errors import CancelledError, DeadlineError, WorksteadError

DECREASE: Final = 0.7
"""What a crowd of throttled answers leaves of the rate."""
INCREASE: Final = 0.02
"""By which part of the last rate that was too much the rate grows in a second."""
SEARCH: Final = 0.5
"""By which part of itself it grows in a second where no limit is known."""
BEYOND: Final = 1.1
"""So far above the last rate that was too much, that limit has gone."""
SLOWEST: Final = 0.05
"""Calls a second at least: one in 20 s."""
MEASURED: Final = 1.0
"""Seconds of the past from which the first rate is taken."""
FIRST: Final = 2.0
"""The first rate is at least this, in calls a second: little is known yet when the first calls of a run are many."""
FORGOTTEN: Final = 300.0
"""Seconds without a throttled answer after which an empty lane is open again."""
LATE: Final = 0.1
"""Seconds by which calls that were due may be late without losing their turn."""
LOOK_AGAIN: Final = 1.0
"""Seconds of a wait after which the line is looked at anew, because others may have changed the rate."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One call that was let in. `limited`: it had to stand in line; `crowd`: how often the rate had been lowered."""

    limited: bool
    crowd: int


class Lane:
    """The pace of one class of calls. Safe to use from many threads; instants are readings of one clock, in seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rate: float | None = None
        self._too_much = 0.0
        self._next = 0.0
        self._not_before = 0.0
        self._throttled_at = 0.0
        self._crowds = 0
        self._line: dict[object, None] = {}
        self._went: deque[float] = deque(maxlen=256)

    @property
    def rate(self) -> float | None:
        """Calls a second; None while the lane is open."""
        return self._rate

    # --- bookkeeping

    def join(self, ticket: object, now: float) -> Turn | None:
        """Let a call in at once, or let it stand in line."""
        if self._rate is None:
            return Turn(False, self._crowds)
        with self._lock:
            if self._rate is not None and not self._line and now - self._throttled_at > FORGOTTEN:
                self._rate, self._too_much = None, 0.0
                self._went.clear()
            if self._rate is None:
                return Turn(False, self._crowds)
            if not self._line and self._due(0) <= now:
                return self._enter(now, limited=False)
            self._line[ticket] = None
            return None

    def step(self, ticket: object, now: float) -> Turn | float:
        """The turn of a call that stands in line, or the seconds until it should come, as things are now."""
        with self._lock:
            place = next(place for place, each in enumerate(self._line) if each is ticket)
            left = self._due(place) - now
            if left > 0:
                return left
            del self._line[ticket]
            return self._enter(now, limited=True)

    def leave(self, ticket: object) -> None:
        """A call does not want to go any more."""
        with self._lock:
            self._line.pop(ticket, None)

    def went_through(self, turn: Turn, now: float) -> None:
        """A call was answered otherwise than by throttling."""
        if self._rate is None:
            self._went.append(now)
            return
        with self._lock:
            if self._rate is None:
                return
            if not turn.limited and turn.crowd == self._crowds - 1 and not self._too_much:
                self._rate += DECREASE / MEASURED  # of the first crowd; it belongs to what had gone through
            if not turn.limited or turn.crowd != self._crowds:
                return
            searching = self._rate > self._too_much * BEYOND
            self._rate += SEARCH if searching else INCREASE * self._too_much / self._rate

    def throttled(self, turn: Turn, now: float, after: float | None) -> None:
        """A call was throttled; `after` is what the service asked for, in seconds."""
        with self._lock:
            self._throttled_at = now
            if after is not None:
                self._not_before = max(self._not_before, now + after)
            if self._rate is None:
                recent = sum(1 for at in self._went if now - at <= MEASURED) / MEASURED
                self._rate = max(DECREASE * recent, FIRST)
            elif turn.crowd == self._crowds:
                self._too_much = self._rate
                self._rate = max(DECREASE * self._rate, SLOWEST)
            else:
                return
            self._crowds += 1
            self._next = max(self._next, now + 1 / self._rate)

    def _due(self, place: int) -> float:
        assert self._rate is not None
        return max(self._next, self._not_before) + place / self._rate

    def _enter(self, now: float, *, limited: bool) -> Turn:
        assert self._rate is not None
        self._next = max(self._next, self._not_before, now - LATE) + 1 / self._rate
        return Turn(limited, self._crowds)

    # --- waiting

    def admit(self, call: CallContext, last: WorksteadError | None = None) -> Turn:
        """Wait for a turn. Raises DeadlineError (naming the `last` failure) and CancelledError."""
        ticket = object()
        began = call.clock()
        turn = self.join(ticket, began)
        if turn is not None:
            return turn
        try:
            while True:
                now = call.clock()
                found = self.step(ticket, now)
                if isinstance(found, Turn):
                    return found
                left = call.remaining()
                if left is not None and (left <= 0 or self._not_before - now > left):
                    raise _too_late(call, last)
                if now - began >= LOOK_AGAIN or found >= LOOK_AGAIN:
                    call.report(f"waiting for the rate limit, {now - began:.0f} s")
                if call.wait(min(found, LOOK_AGAIN if left is None else min(left, LOOK_AGAIN))):
                    raise CancelledError(
                        f"{call.operation} was interrupted", urn=call.urn, remedy="run the same command again"
                    )
        finally:
            self.leave(ticket)


def _too_late(call: CallContext, last: WorksteadError | None) -> DeadlineError:
    error = DeadlineError(
        f"{call.operation} did not finish within {call.elapsed():.0f} s",
        urn=call.urn,
        why="It waited for the service's rate limit." + (f" The last failure was: {last.summary}." if last else ""),
        remedy="run again, with longer custom_timeouts or a lower --parallel",
    )
    error.__cause__ = last
    return error


@dataclass(frozen=True, slots=True)
class Place:
    """Whose calls go where: the cloud, the account (or the key that stands for it), the endpoint with its region."""

    cloud: str
    account: str
    endpoint: str


_LANES: Final[WeakKeyDictionary[Callable[[], float], dict[tuple[Place, bool], Lane]]] = WeakKeyDictionary()
_LANES_LOCK: Final = threading.Lock()


def lane(place: Place, reads: bool, clock: Callable[[], float]) -> Lane:
    """The lane of the calls that read, or write, at a place: one in this process for each clock it is told."""
    with _LANES_LOCK:
        return _LANES.setdefault(clock, {}).setdefault((place, reads), Lane())

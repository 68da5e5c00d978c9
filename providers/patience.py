"""Trying again: what may be sent twice, how often, after how long a wait; for every cloud's client.

A client makes one attempt at a time and raises `Again` for a failure that may pass. `patiently` decides whether it is
tried again, waits so that cancelling ends the wait at once, and never begins a wait that would outlast the customer's
time limit. Every attempt takes its turn in a lane of `providers.pace`, which alone says how long a throttled one waits.
What an answer means is left to the cloud, the wire to `providers.http` or the vendor's own library.

On tenacity for the back-off: stamina, which wraps it, cannot be told how to sleep.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeVar

import tenacity

from engine.core.contract import CallContext
from engine.core.errors import CancelledError, CloudError, DeadlineError, WorksteadError
from providers.pace import Lane

T = TypeVar("T")

LONGEST_PAUSE: Final = 20.0
"""Seconds between two tries, unless the service asks for more."""
ATTEMPT_LIMIT: Final = 150.0
"""Seconds after which an attempt is hung: far above what every client allows for connecting and answering together."""
CROWDED: Final = 15 * 60.0
"""Seconds for which throttling is put up with when the customer sets no limit."""
LONGEST_ASKED: Final = 120.0
"""Seconds at most that a service's own `Retry-After` is believed."""


class Verdict(Enum):
    """What an answer means for trying again.

    Throttled and unavailable requests were not executed, so any of them may be repeated; an uncertain one may have
    been, so only a repeatable one is.
    """

    OK = "ok"
    REFUSED = "refused"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    UNCERTAIN = "uncertain"


class Again(Exception):
    """This attempt failed in a way that may be tried again; `after` is what the service asked for, in seconds."""

    def __init__(self, error: WorksteadError, verdict: Verdict, after: float | None = None) -> None:
        super().__init__(verdict.value)
        self.error = error
        self.verdict = verdict
        self.after = after


@dataclass(frozen=True, slots=True)
class Patience:
    """How many tries each kind of failure gets.

    A throttled request waits for its turn instead, however many tries that takes: for `crowded` seconds, or as long as
    the customer's own time limit lasts, if there is one.
    """

    unavailable: int = 5
    uncertain: int = 4
    crowded: float = CROWDED

    def has_another(self, verdict: Verdict, attempt: int, call: CallContext, waited: float) -> bool:
        """Whether there is a try after this one, `waited` seconds after the first."""
        if verdict is Verdict.THROTTLED:
            return call.deadline is not None or waited < self.crowded
        return attempt < (self.unavailable if verdict is Verdict.UNAVAILABLE else self.uncertain)


def patiently(attempt: Callable[[], T], call: CallContext, patience: Patience, lane: Lane, *, repeatable: bool) -> T:
    """What an attempt returns at last.

    `repeatable`: sending it twice does no harm, so it is tried again even when the first outcome is uncertain. Raises
    the error of the last `Again`, and at once whatever else an attempt raises; DeadlineError and CancelledError.
    """
    failures: list[Again] = []
    began = call.clock()

    def in_turn() -> T:
        turn = lane.admit(call, failures[-1].error if failures else None)
        call.ensure()
        call.expect(ATTEMPT_LIMIT)
        try:
            result = attempt()
        except Again as failure:
            if failure.verdict is Verdict.THROTTLED:
                after = None if failure.after is None else min(failure.after, LONGEST_ASKED)
                lane.throttled(turn, call.clock(), after)
            raise
        finally:
            call.expect(None)
        lane.went_through(turn, call.clock())
        return result

    def again(state: tenacity.RetryCallState) -> bool:
        failure = state.outcome.exception() if state.outcome else None
        if not isinstance(failure, Again):
            return False
        failures.append(failure)
        allowed = failure.verdict is not Verdict.UNCERTAIN or repeatable
        waited = call.clock() - began
        return allowed and patience.has_another(failure.verdict, state.attempt_number, call, waited)

    def sleep(seconds: float) -> None:
        _wait(call, seconds, failures[-1].error)

    try:
        return tenacity.Retrying(retry=again, wait=_pause, sleep=sleep, reraise=True)(in_turn)
    except Again as failure:
        raise failure.error from failure.__cause__


_BACK_OFF = tenacity.wait_random_exponential(multiplier=0.2, max=LONGEST_PAUSE)


def _pause(state: tenacity.RetryCallState) -> float:
    """Seconds until the next try: what the service asked for, else ever longer ones with jitter; a lane has its own."""
    failure = state.outcome.exception() if state.outcome else None
    if isinstance(failure, Again) and failure.verdict is Verdict.THROTTLED:
        return 0.0
    asked = failure.after if isinstance(failure, Again) else None
    return _BACK_OFF(state) if asked is None else min(asked, LONGEST_ASKED)


def _wait(call: CallContext, seconds: float, last: WorksteadError) -> None:
    """A wait that ends when the run is cancelled, and does not begin when it would outlast the time limit."""
    left = call.remaining()
    if left is not None and left < seconds:
        raise DeadlineError(
            f"{call.operation} did not finish within {call.elapsed():.0f} s",
            urn=call.urn,
            uncertain=isinstance(last, CloudError) and last.uncertain,
            why=f"The last failure was: {last.summary}. The next try would have come after the time limit.",
            remedy="run again, with longer custom_timeouts if needed",
        ) from last
    if call.wait(seconds):
        raise CancelledError(f"{call.operation} was interrupted", urn=call.urn, remedy="run the same command again")

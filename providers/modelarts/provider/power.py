"""Running or stopped: brings one object to where it should be, and waits for it as long as it takes.

Both APIs tell of the same life in slightly different words (`Life`; specification 5.8 and 6.3). A start or stop is sent
when the status allows it; a refusal that speaks of the status means that somebody or something else (such as the
automatic stop) was faster, so it is looked at again. A status that nobody knows is taken to be on the way.

What an object is, and why it should run, is left to `instances` and `notebooks`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from providers.base import current_call, wait_until
from providers.modelarts.errors import StatusFailedError, WrongStatusError

RUNNING: Final = "RUNNING"
STOPPED: Final = "STOPPED"
GOING: Final = "DELETING"
DELETED: Final = "DELETED"

READY_LIMIT: Final = 20 * 60.0
"""Seconds a change of status may take if the customer gives no limit (the vendor's Terraform provider's)."""
READY_POLL: Final = 10.0
"""Seconds at most between two looks (the same)."""
SENDS: Final = 3
"""How often a start or stop is sent when the object does not stay where it was brought."""

Detail = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Life:
    """One API's statuses. All others are on the way somewhere.

    `rising`: on the way to RUNNING. `unborn`: creation has not ended. `failed`: it stays so; of these `startable` may
    be started (again), and `stillborn` can only be deleted. `gone`: deleted, or about to be.
    """

    rising: frozenset[str]
    unborn: frozenset[str]
    failed: frozenset[str]
    startable: frozenset[str]
    stillborn: frozenset[str]
    gone: frozenset[str]

    def at_rest(self, status: str) -> bool:
        """Does it stay in this status until somebody does something?"""
        return status in (RUNNING, STOPPED) or status in self.failed or status in self.startable

    def is_up(self, status: str) -> bool:
        """Does it run, or is it about to?"""
        return status == RUNNING or status in self.rising


def status_of(detail: Mapping[str, Any]) -> str:
    """The status in an answer; empty when it has none."""
    return str(detail.get("status") or "")


@dataclass(frozen=True)
class Power:
    """The power of one object. `what` names it to a person; `told` says more of a detail, such as why it failed.

    `last` is what was seen last, for the record of a change that goes wrong; at first what is assumed.
    """

    what: str
    life: Life
    read: Callable[[], Detail]
    start: Callable[[], object]
    stop: Callable[[], object]
    told: Callable[[Detail], str]
    last: Detail = field(default_factory=dict)

    def look(self) -> Detail:
        """What the object looks like now."""
        seen = self.read()
        self.last.clear()
        self.last.update(seen)
        return seen

    def settled(self, doing: str) -> Detail:
        """The object once it rests, wherever that is. Raises DeadlineError and CancelledError."""
        return wait_until(
            self.look,
            lambda seen: self.life.at_rest(status_of(seen)),
            progress=self._progress,
            every=READY_POLL,
            limit=READY_LIMIT,
            doing=doing,
        )

    def reach(self, running: bool, doing: str) -> Detail:
        """The object once it runs, or does not. Raises StatusFailedError where that cannot be reached."""
        course = _Course(self, running)
        return wait_until(
            course.look, course.there, progress=self._progress, every=READY_POLL, limit=READY_LIMIT, doing=doing
        )

    def failure(self, detail: Detail) -> StatusFailedError:
        """The error of an object that rests where it should not."""
        told = self.told(detail)
        return StatusFailedError(
            f"{self.what} is {status_of(detail)}{f': {told}' if told else ''}",
            why="It does not leave this status by itself.",
            remedy="look at it in the console, put right what it says, then run again",
        )

    def _progress(self, detail: Detail) -> str:
        told = self.told(detail)
        return f"{self.what} {status_of(detail) or 'without a status'}{f' ({told})' if told else ''}"


class _Course:
    """One way to RUNNING or STOPPED: what was sent, and how often has it been looked at since?"""

    def __init__(self, power: Power, running: bool) -> None:
        self._power = power
        self._running = running
        self._sent = 0
        self._looks = 0

    def there(self, detail: Detail) -> bool:
        """Is it where it should be? What failed, or only may be started, does not run either."""
        status = status_of(detail)
        return status == RUNNING if self._running else status != RUNNING and self._power.life.at_rest(status)

    def look(self) -> Detail:
        """What it looks like, after sending what the status asks for."""
        seen = self._power.look()
        self._looks += 1
        status = status_of(seen)
        movable = status == STOPPED or status in self._power.life.startable if self._running else status == RUNNING
        if self.there(seen):
            return seen
        if status in self._power.life.failed and (not movable or self._overdue):
            raise self._power.failure(seen)
        if not movable or (self._sent and not self._overdue):
            return seen
        if self._sent == SENDS:
            raise self._power.failure(seen)
        return self._send()

    @property
    def _overdue(self) -> bool:
        """Has there been time since something was sent for the status to show it?"""
        return bool(self._sent) and self._looks >= 2

    def _send(self) -> Detail:
        current_call().report(f"{'starting' if self._running else 'stopping'} {self._power.what}")
        try:
            (self._power.start if self._running else self._power.stop)()
            self._sent += 1
        except WrongStatusError:
            pass  # It moved in the meantime; the next look tells where to.
        self._looks = 0
        return self._power.look()

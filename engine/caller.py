"""Calls providers: each call in the context it may look at, on whatever thread asks for it.

Providers are plain synchronous code and learn of time limits, cancellation and the person watching through
`contract.CALL`; code in this process cannot be interrupted safely from outside, so a limit takes effect where a
provider waits. What a call has been allowed is noted in an `Away`, so that whoever waits for one that does not come
back can see that it is overdue.

Left to others: threads, and giving up on a call (`executor`); what an odd answer means (`core.exchange`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TypeVar, cast

from engine.clock import Clock
from engine.core import events, exchange
from engine.core.contract import CALL, GONE, CallContext, LocatingProvider, Provider, ReadResult
from engine.core.errors import CancelledError, LeaseLostError, RecordUnavailableError
from engine.core.model import ResourceState
from engine.core.plan import Op, Step
from engine.core.planner import Look
from engine.core.values import reveal

T = TypeVar("T")

OVERDUE: Final = 5.0
"""Seconds that a provider has after its time limit to come back with its own error, which says more than ours."""


class NotCalledError(CancelledError):
    """A provider was not asked any more, because the run had been given up: nothing has happened."""


class Caller:
    """Calls providers, each in the context it may look at: time left, cancellation, progress.

    `ensure` raises when this process may not call any more, because another one has taken its lease over; it is asked
    at the last moment before each call, whenever a provider has waited, and by our providers before each request.
    """

    def __init__(self, emit: events.Watcher, clock: Clock, ensure: Callable[[], None] = lambda: None) -> None:
        self._emit = emit
        self._ensure = ensure
        self._clock = clock
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Make every provider that waits give up now, and let nobody call any more."""
        self._cancelled.set()

    def look(self, look: Look, provider: Provider, timeout: float = 0) -> ReadResult:
        """Read the object a decision waits for; without an ID the one that bears the declared name, if there is one."""
        inputs = dict(reveal(look.inputs))

        def read() -> ReadResult:
            id_ = look.id or cast("LocatingProvider", provider).locate(inputs)
            return provider.read(id_, inputs) if id_ else GONE

        state = ResourceState(urn=look.urn, type=look.type, custom=True, id=look.id, inputs=look.inputs)
        step = Step(op=Op.READ, urn=look.urn, new=state)
        return self.ask(step, timeout, read)

    def ask(self, step: Step, timeout: float, call: Callable[[], T]) -> T:
        """A provider's answer to a call of at most `timeout` seconds (0: the provider's own limit)."""
        if self._cancelled.is_set():
            raise NotCalledError("the run was stopped before this call", urn=step.urn, remedy="run the command again")
        self._require_lease()
        started = self._clock.monotonic()
        away: Away = getattr(HERE, "away", None) or Away()
        away.deadline = started + timeout if timeout else None

        def expect(seconds: float | None) -> None:
            away.back_by = None if seconds is None else self._clock.monotonic() + seconds

        context = CallContext(
            urn=step.urn,
            operation=step.op.value,
            clock=self._clock.monotonic,
            wait=self._waited,
            report=lambda text: self._emit(events.StepProgressed(step, text, self._clock.epoch())),
            deadline=away.deadline,
            started=started,
            expect=expect,
            ensure=self._ensure_meanwhile,
        )
        token = CALL.set(context)
        try:
            return exchange.ask(step.urn, step.op.value, call)
        finally:
            CALL.reset(token)

    def _require_lease(self) -> None:
        try:
            self._ensure()
        except LeaseLostError:
            self.cancel()
            raise

    def _waited(self, seconds: float) -> bool:
        """Let time pass for a provider; True when it shall give up."""
        if self._clock.wait(self._cancelled, seconds):
            return True
        self._ensure_meanwhile()
        return False

    def _ensure_meanwhile(self) -> None:
        """Like the question before a call; but a record that cannot be written now ends none that is under way."""
        try:
            self._require_lease()
        except RecordUnavailableError:
            return


class Away:
    """A call that a worker is on: until when it must be back by what the customer says, and by what it said itself."""

    __slots__ = ("back_by", "deadline")

    def __init__(self) -> None:
        self.deadline: float | None = None
        self.back_by: float | None = None

    def overdue(self, now: float) -> bool:
        """Is it so late that nobody should wait any more?"""
        return any(limit is not None and now >= limit + OVERDUE for limit in (self.deadline, self.back_by))


HERE = threading.local()
"""`HERE.away`, on a thread that somebody watches: the `Away` of the call it is on."""

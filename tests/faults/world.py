"""A simulated machine: its time, its death, who does the executor's work, its record; and the tale of what happened.

Everything runs on one thread and in virtual time, so that a run is a function of its seed. A *moment* is a place at
which the machine can die: before and after each write of the record and each request to the cloud. At its death its
memory is gone and what it had sent may still arrive (`Fate`): what was in the workers' hands counts as sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from random import Random
from typing import Any

from engine.clock import Clock
from engine.core.model import Begin, Drop, End, Entry, Put, urn_name
from engine.state.backend import Deployment, Holder

EPOCH = 1_800_000_000.0
LATE = 5.0
"""Seconds after which a request that was sent has had its effect, or never will."""
LAG = 5.0
"""Seconds after which everybody can see an effect."""


class Crash(BaseException):
    """The machine is dead: nothing that its program still does gets out."""


class Unheard(BaseException):
    """A request of a dead machine has had its effect; nobody is there for the answer."""


class Fate(Enum):
    """What becomes of a request that was under way when its sender died."""

    NEVER = "never"
    LATE = "late"
    CHANCE = "chance"


@dataclass(order=True)
class _Arrival:
    """Something that will happen of itself."""

    at: float
    number: int
    what: str
    effect: Callable[[], Any]


class World:
    """One machine, one cloud, one tale.

    `stale` says how old what the cloud shows may be, in seconds; `chance` decides everything that is not decided.
    """

    def __init__(self, chance: Random, fate: Fate = Fate.CHANCE, stale: Callable[[], float] = lambda: 0.0) -> None:
        self.chance = chance
        self.fate = fate
        self.stale = stale
        self.now = 0.0
        self.dead = False
        self.dies_at = 0
        self.moments = 0
        self.unheard = False
        self.hands: OneHand | None = None
        self.tale: list[tuple[float, str, Any]] = []
        self._arrivals: list[_Arrival] = []
        self._number = 0
        self.clock = Clock(
            monotonic=lambda: self.now,
            epoch=lambda: EPOCH + self.now,
            stamp=lambda: datetime.fromtimestamp(EPOCH + self.now, UTC).isoformat(timespec="microseconds"),
            wait=self._wait,
        )

    # --- telling

    def tell(self, kind: str, what: Any) -> None:
        """Something has happened; `what` is text, or makes it when somebody reads the tale."""
        self.tale.append((self.now, kind, what))

    @property
    def text(self) -> str:
        """The tale, a line for each thing that happened."""
        return "\n".join(f"{at:7.2f}  {kind:<8} {what() if callable(what) else what}" for at, kind, what in self.tale)

    # --- time

    def _wait(self, event: Any, seconds: float) -> bool:
        self.pass_time(seconds)
        return event.is_set()

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and what was under way arrive."""
        end = self.now + seconds
        while self._arrivals and self._arrivals[0].at <= end:
            arrival = self._arrivals.pop(0)
            self.now = max(self.now, arrival.at)
            self.tell("late", arrival.what)
            arrival.effect()
        self.now = end

    def arrive_late(self, what: str, effect: Callable[[], Any]) -> None:
        """Something sent now has its effect later."""
        self._number += 1
        delay = LATE if self.fate is Fate.LATE else self.chance.uniform(0.0, LATE)
        self._arrivals.append(_Arrival(self.now + delay, self._number, what, effect))
        self._arrivals.sort()

    # --- death

    def moment(self, kind: str, what: Any, under_way: Callable[[], Any] | None = None) -> None:
        """The machine may die here, with this request under way. Raises Crash if it does, or has."""
        if self.dead:
            raise Crash
        self.moments += 1
        if self.moments != self.dies_at:
            return
        self.dead = True
        text = str(what() if callable(what) else what)
        self.tell("killed", f"{kind} {text}")
        if under_way is not None:
            self._bequeath(text, under_way)
        for task in self.hands.tasks if self.hands else ():
            self._bequeath("what a worker was about to do", lambda task=task: self._unheard(task))
        raise Crash

    def _bequeath(self, what: str, effect: Callable[[], Any]) -> None:
        late = self.chance.random() < 0.6 if self.fate is Fate.CHANCE else self.fate is Fate.LATE
        if late:
            self.arrive_late(what, effect)

    def _unheard(self, task: Callable[[], None]) -> None:
        self.unheard = True
        try:
            task()
        finally:
            self.unheard = False

    def live(self) -> None:
        """Another process on a machine that works."""
        self.dead = False
        self.dies_at = self.moments = 0
        self.hands = None

    def new_hands(self) -> OneHand:
        """Hands for the next executor."""
        self.hands = OneHand(self)
        return self.hands


class OneHand:
    """Does an executor's work on the thread of whoever waits for it, one call at a time, in an order left to chance."""

    def __init__(self, world: World) -> None:
        self.tasks: list[Callable[[], None]] = []
        self._world = world
        self._turn: Callable[[], bool] = lambda: False
        self._turning = False

    def start(self, loop: Callable[[], None], turn: Callable[[], bool]) -> None:
        """See `engine.hands.Hands`."""
        self._turn = turn

    def woken(self) -> None:
        """Let the loop have its turns, unless this is one of them."""
        if self._world.dead or self._world.hands is not self or self._turning:
            return
        self._turning = True
        try:
            while self._turn():
                pass
        finally:
            self._turning = False

    def call(self, task: Callable[[], None], running: int) -> None:
        """See `engine.hands.Hands`."""
        self.tasks.append(task)

    def advance(self) -> None:
        """Make one of the calls."""
        if self._world.dead:
            raise Crash
        assert self.tasks, "somebody waits for what nobody will do"
        self.tasks.pop(self._world.chance.randrange(len(self.tasks)))()

    def join(self) -> None:
        """See `engine.hands.Hands`."""
        while self.tasks and not self._world.dead:
            self.advance()


# --- the record -------------------------------------------------------------------------------------------------------


class Record:
    """A stack's record, at whose every write the machine may die."""

    def __init__(self, world: World, inner: Any) -> None:
        self._world = world
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def acquire(self, holder: Holder, seconds: float = 30.0, seal: Any = None) -> _Lease:
        """A lease; that of a dead process is taken over at once."""
        self._inner._stack.holder = None
        return _Lease(self._world, self._inner.acquire(holder, seconds, seal))


class _Lease:
    def __init__(self, world: World, inner: Any) -> None:
        self._world = world
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _write(self, what: Any, write: Callable[[], Any]) -> Any:
        self._world.moment("before writing", what)
        result = write()
        self._world.tell("record", what)
        self._world.moment("after writing", what)
        return result

    def start(self, started: Deployment) -> Deployment:
        return self._write(f"start {started.kind}", lambda: self._inner.start(started))

    def record(self, entries: Sequence[Entry]) -> Sequence[int]:
        return self._write(
            lambda: "; ".join(map(_described, entries)),
            lambda: self._inner.record(entries),
        )

    def begin(self, kind: Any, state: Any) -> int:
        return self.record([Begin(kind, state)])[0]

    def end(self, token: int | None, writes: Sequence[Any]) -> None:
        self.record([End(token, tuple(writes))])

    def finish(self, result: str, changes: Mapping[str, int]) -> None:
        self._write(f"finish {result}", lambda: self._inner.finish(result, changes))

    def release(self) -> None:
        if not self._world.dead:
            self._inner.release()


def _described(entry: Entry) -> str:
    if isinstance(entry, Begin):
        return f"begin {entry.kind} {urn_name(entry.state.urn)}"
    did = ", ".join(map(_written, entry.writes)) or "nothing"
    return f"{'write' if entry.token is None else 'end'} {did}"


def _written(write: Put | Drop) -> str:
    if isinstance(write, Drop):
        return f"drop {urn_name(write.urn)}"
    state = write.state
    marks = [
        *(["gone"] if state.pending_replacement else []),
        *(["to be deleted"] if state.delete else []),
        *(["unfinished"] if state.init_errors else []),
    ]
    return f"put {urn_name(state.urn)} {state.id}" + "".join(f" [{mark}]" for mark in marks)

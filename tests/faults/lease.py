"""Schedules of writers who pause, expire and take over: who may write is always one, and the one the rules say.

    python -m tests.faults.lease --schedules 20000 --seed 1

A schedule is made from its number: several hands on one stack's record, each a lease that was once taken, do what
chance says: take the lease, start and finish deployments, begin and end steps, write rows, ask whether the lease is
still theirs, give it back; and time passes, or nothing does, which is what a paused process looks like from outside.
Hands whose lease was taken over go on trying. In half of the schedules the writers' clocks disagree by up to twenty
seconds. A model of a few lines says what each attempt must come to; in the end the record must hold what was accepted
and nothing else.

Prints `schedules=… takeovers=… stale_writes=… accepted_stale=0`; raises at the first thing that is not as it must be.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from engine.core.errors import LeaseHeldError, LeaseLostError
from engine.core.model import PendingKind, Put, problems
from engine.state.backend import Backend, Deployment, Holder, Lease, StackName, StackRecord
from engine.state.memory import MemoryBackend
from engine.state.sqlite import SqliteBackend
from tests.contract.records import resource

BACKENDS: Final = ("memory", "sqlite")
WRITERS: Final = 3
STEPS: Final = 40
STACKS_IN_A_FILE: Final = 25


@dataclass
class Counts:
    """What the schedules came to."""

    schedules: int = 0
    takeovers: int = 0
    stale_writes: int = 0

    def __str__(self) -> str:
        return (
            f"schedules={self.schedules} takeovers={self.takeovers} stale_writes={self.stale_writes} accepted_stale=0"
        )


@dataclass
class Hand:
    """A lease that a writer took, and what it has under way."""

    writer: int
    lease: Lease
    until: float
    started: bool = False
    released: bool = False
    begun: list[tuple[int, str]] = field(default_factory=list)


class World:
    """Backends on one place, each with a clock of its own."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.now = 1_800_000_000.0
        self.skews = [0.0] * WRITERS
        self._memory = MemoryBackend("leases", clock=lambda: self.now)
        self.kind = kind
        self._folder = folder
        self._files = 0
        self.backends: list[Backend] = []

    def fresh(self) -> None:
        """Another place."""
        if self.kind == "memory":
            self.backends = [self._memory] * WRITERS
            return
        self._files += 1
        path = self._folder / f"{self._files}.db"
        self.backends = [
            SqliteBackend(path, clock=lambda writer=writer: self.time(writer)) for writer in range(WRITERS)
        ]

    def time(self, writer: int) -> float:
        """The time on a writer's clock."""
        return self.now + self.skews[writer]


class Schedule:
    """One schedule on one stack."""

    def __init__(self, world: World, name: StackName, number: int, counts: Counts) -> None:
        self.world = world
        self.chance = random.Random(number)
        self.counts = counts
        disagree = world.kind == "sqlite" and number % 2
        world.skews = [self.chance.uniform(-20, 20) if disagree else 0.0 for _ in range(WRITERS)]
        world.backends[0].create(name)
        self.records: list[StackRecord] = [backend.stack(name) for backend in world.backends]
        self.hands: list[Hand] = []
        self.holder: Hand | None = None
        self.expires = 0.0
        self.fence = 0
        self.rows: set[str] = set()
        self.pending: set[str] = set()
        self.versions = 0
        self.made = 0

    def run(self) -> None:
        """All of it."""
        for _ in range(STEPS):
            self._step()
        assert [self._may_write(hand) for hand in self.hands] == [hand is self.holder for hand in self.hands]
        snapshot = self.records[0].load()
        assert {state.name for state in snapshot.resources} == self.rows
        assert {operation.resource.name for operation in snapshot.pending} == self.pending
        assert (snapshot.serial, problems(snapshot)) == (self.versions, [])
        condition = self.records[0].check()
        assert (condition.damage, condition.versions) == ((), tuple(range(1, self.versions + 1)))
        for hand in self.hands:
            hand.lease.release()
        self.counts.schedules += 1

    def _step(self) -> None:
        match self.chance.randrange(8):
            case 0 | 1:
                self.world.now += self.chance.choice((0.0, 1.0, 4.0, 11.0, 31.0))
            case 2:
                self._acquire(self.chance.randrange(WRITERS))
            case 3 if self.hands and self.chance.random() < 0.4:
                self._release(self._any_hand())
            case _ if self.hands:
                self._write(self._any_hand())

    def _any_hand(self) -> Hand:
        """Mostly one of the last, whether it may write or not."""
        return self.chance.choice(self.hands[-3:] if self.chance.random() < 0.8 else self.hands)

    def _acquire(self, writer: int) -> None:
        seconds = self.chance.choice((5.0, 10.0, 30.0))
        free = self.holder is None or self.expires <= self.world.time(writer)
        who = Holder(f"writer-{writer}", f"host-{writer}", writer, "update")
        try:
            lease = self.records[writer].acquire(who, seconds)
        except LeaseHeldError:
            assert not free, "a lease nobody holds was refused"
            return
        assert free, "there would be two holders"
        assert lease.fence > self.fence, "fencing numbers must rise"
        self.counts.takeovers += self.holder is not None
        self.fence = lease.fence
        self.holder = Hand(writer, lease, seconds)
        self.hands.append(self.holder)
        self._renewed()

    def _renewed(self) -> None:
        assert self.holder is not None
        self.expires = self.world.time(self.holder.writer) + self.holder.until

    def _release(self, hand: Hand) -> None:
        hand.lease.release()
        hand.released = True
        if hand is self.holder:
            self.holder = None

    def _write(self, hand: Hand) -> None:
        """One write, or a question, of a hand that may or may not."""
        if self.chance.random() < 0.15:
            self._ask(hand)
        elif not hand.started:
            if self._accepted(hand, lambda: hand.lease.start(Deployment("update"))):
                hand.started = True
                self.versions += 1
        elif hand.begun and self.chance.random() < 0.5:
            token, name = hand.begun.pop()
            state = resource(name, key=hand.lease.new_key())
            if self._accepted(hand, lambda: hand.lease.end(token, [Put(state)])):
                self.pending.discard(name)
                self.rows.add(name)
        elif self.chance.random() < 0.2:
            if self._accepted(hand, lambda: hand.lease.finish("succeeded", {})):
                hand.started = False
        else:
            self.made += 1
            name = f"r{self.made}"
            state = resource(name, key=hand.lease.new_key())
            tokens: list[int] = []
            if self._accepted(hand, lambda: tokens.append(hand.lease.begin(PendingKind.CREATING, state))):
                hand.begun.append((tokens[0], name))
                self.pending.add(name)

    def _accepted(self, hand: Hand, write: Callable[[], object]) -> bool:
        """Whether a write was taken, which only the holder's may be and always must be."""
        try:
            write()
        except LeaseLostError:
            assert hand is not self.holder, "the holder was refused"
            self.counts.stale_writes += 1
            return False
        assert hand is self.holder, "a stale holder's write was accepted"
        self._renewed()
        return True

    def _ask(self, hand: Hand) -> None:
        """Is the lease still its own? Whoever asks knows, whatever the clocks say."""
        try:
            hand.lease.ensure()
        except LeaseLostError:
            assert hand is not self.holder, "the holder was refused"
        else:
            assert hand is self.holder, "a stale holder was told that it may go on"

    def _may_write(self, hand: Hand) -> bool:
        try:
            if hand.started:
                hand.lease.finish("succeeded", {})
                hand.started = False
            else:
                hand.lease.start(Deployment("update"))
                hand.started = True
                self.versions += 1
        except LeaseLostError:
            return False
        return True


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder, in memory where there is one."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


def run(kind: str, schedules: int, seed: int) -> Counts:
    """That many schedules on a kind of backend. Raises AssertionError naming the schedule that went wrong."""
    counts = Counts()
    with scratch() as folder:
        world = World(kind, folder)
        for number in range(schedules):
            if number % STACKS_IN_A_FILE == 0:
                world.fresh()
            try:
                Schedule(world, StackName("lab", f"s{number}"), seed * 1_000_000 + number, counts).run()
            except AssertionError as error:
                error.add_note(f"{kind}: seed {seed}, schedule {number}")
                raise
    return counts


def main() -> None:
    """The command."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--schedules", type=int, default=20_000)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    for kind in BACKENDS:
        began = time.process_time()
        counts = run(kind, given.schedules, given.seed)
        print(f"{kind}: {counts} ({time.process_time() - began:.1f} s of CPU time)")


if __name__ == "__main__":
    main()

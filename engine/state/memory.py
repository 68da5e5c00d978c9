"""The same, in memory: for tests, previews of what cannot be kept, and as the shortest reading of the contract.

Rows are kept as the bytes the codec makes, so that a value no record can hold is refused here too and no secret stands
in clear; and with checksums, because the suite damages them. Several handles on one `MemoryBackend` see the same
stacks. A lease is renewed by what is written under it, not in the background: nothing but this process could be waiting
for it.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import RLock
from typing import Any, Final

from engine.core.model import (
    Begin,
    Drop,
    End,
    Entry,
    PendingKind,
    ResourceState,
    Snapshot,
    Write,
    require_whole,
)
from engine.state import refusals
from engine.state.backend import Condition, Deployment, Holder, Mended, Seal, StackName, StackSummary
from engine.state.codec import encode, json_text, json_value, refuse_secret, snapshot_of, timestamp, with_new_keys

_NAMED: Final[dict[str, MemoryBackend]] = {}


@dataclass
class _Pending:
    """A pending operation as kept; `ended` is the later deployment that settled it."""

    kind: str
    key: int
    urn: str
    begun: str
    data: bytes
    deployment: int
    checksum: int
    ended: int | None = None

    def shows_in(self, version: int) -> bool:
        """Was it pending when that deployment ended?"""
        return self.deployment <= version and (self.ended is None or self.ended > version)

    @property
    def whole(self) -> bool:
        """Is it what was once written?"""
        return zlib.crc32(self.data) == self.checksum


@dataclass
class _Row:
    """What a deployment wrote of a key; `data` None: it was dropped."""

    deployment: int
    key: int
    urn: str
    data: bytes | None
    checksum: int

    @property
    def whole(self) -> bool:
        """Is it what was once written?"""
        return zlib.crc32(self.data or b"") == self.checksum


@dataclass
class _Stack:
    """What is kept of one stack. `attributes` is a log of (deployment, name, value)."""

    name: StackName
    lineage: str = field(default_factory=lambda: os.urandom(16).hex())
    deployments: list[Deployment] = field(default_factory=list)
    rows: list[_Row] = field(default_factory=list)
    attributes: list[tuple[int, str, str]] = field(default_factory=list)
    pending: dict[int, _Pending] = field(default_factory=dict)
    removed: bool = False
    fence: int = 0
    holder: Holder | None = None
    expires: float = 0.0
    last_key: int = 0
    last_token: int = 0

    def present(self, version: int) -> dict[int, _Row]:
        """The rows as a deployment left them."""
        rows: dict[int, _Row] = {}
        for row in self.rows:
            if row.deployment <= version:
                if row.data is None:
                    rows.pop(row.key, None)
                else:
                    rows[row.key] = row
        return rows

    def damaged(self, version: int) -> list[_Row | _Pending]:
        """The rows and pending operations of a version that are not what was once written."""
        shown = [*self.present(version).values(), *(each for each in self.pending.values() if each.shows_in(version))]
        return [each for each in shown if not each.whole]

    def condition(self) -> Condition:
        """What is whole."""
        last = len(self.deployments)
        lost = [row.urn for row in self.damaged(last)]
        return Condition(
            (
                *(f"{row.urn} as version {row.deployment} wrote it" for row in self.rows if not row.whole),
                *(f"a pending operation on {each.urn}" for each in self.pending.values() if not each.whole),
            ),
            not lost,
            tuple(row.urn for row in self.present(last).values() if row.whole),
            tuple(lost),
            tuple(version for version in range(1, last + 1) if not self.damaged(version)),
            last,
        )

    def attribute(self, name: str, version: int) -> Any:
        """An attribute as a deployment left it, None when there was none."""
        values = [value for since, known, value in self.attributes if known == name and since <= version]
        return json_value(values[-1]) if values else None


class MemoryBackend:
    """Records that end with the process. `clock` gives seconds since the epoch."""

    def __init__(self, name: str = "", *, clock: Callable[[], float] = time.time) -> None:
        self._name = name
        self.clock = clock
        self.lock = RLock()
        self._stacks: dict[StackName, _Stack] = {}

    @classmethod
    def named(cls, name: str) -> MemoryBackend:
        """The one backend of that name in this process."""
        return _NAMED.setdefault(name, cls(name))

    @property
    def url(self) -> str:
        """`memory://` and the name."""
        return f"memory://{self._name}"

    def stacks(self, project: str | None = None) -> list[StackSummary]:
        """All stacks, or those of one project, by name."""
        with self.lock:
            found = []
            for name in sorted(self._stacks, key=lambda name: (name.project, name.stack)):
                stack = self._stacks[name]
                if project is None or name.project == project:
                    last = stack.deployments[-1] if stack.deployments else Deployment("")
                    held = stack.holder is not None and stack.expires > self.clock()
                    found.append(
                        StackSummary(
                            name,
                            len(stack.present(len(stack.deployments))),
                            last.end_time or last.start_time,
                            refusals.described(stack.holder) if stack.holder and held else "",
                        )
                    )
            return found

    def create(self, name: StackName) -> MemoryRecord:
        """Make an empty stack. Raises UsageError when it exists."""
        with self.lock:
            if name in self._stacks:
                raise refusals.stack_exists(name)
            self._stacks[name] = _Stack(name)
            return MemoryRecord(self, self._stacks[name])

    def stack(self, name: StackName) -> MemoryRecord:
        """An existing stack's record. Raises StackNotFoundError naming those there are."""
        with self.lock:
            if name not in self._stacks:
                raise refusals.stack_missing(name, [summary.name for summary in self.stacks()])
            return MemoryRecord(self, self._stacks[name])

    def remove(self, name: StackName) -> None:
        """Remove a stack and its history. Raises LeaseHeldError while somebody writes it."""
        with self.lock:
            stack = self.stack(name).require_free()
            stack.removed = True
            stack.holder = None
            del self._stacks[name]

    @contextmanager
    def mending(self, name: StackName) -> Iterator[Mended]:
        """The stack's record as it is, for damage here is in rows alone, and `Lease.replace` puts others in place."""
        self.stack(name).require_free()
        yield Mended(self.stack(name), "")

    def close(self) -> None:
        """Nothing to let go of."""


class MemoryRecord:
    """One stack's record in memory."""

    def __init__(self, backend: MemoryBackend, stack: _Stack) -> None:
        self._backend = backend
        self._stack = stack

    @property
    def name(self) -> StackName:
        """The stack."""
        return self._stack.name

    def load(self, version: int | None = None) -> Snapshot:
        """The present snapshot, or as a deployment left it."""
        with self._reading(version) as (stack, at):
            if damaged := stack.damaged(at):
                raise refusals.damaged_record(stack.name, stack.condition(), damaged[0].urn)
            return snapshot_of(
                sorted((key, row.data or b"") for key, row in stack.present(at).items()),
                [
                    (token, kept.kind, kept.key, kept.begun, kept.data)
                    for token, kept in stack.pending.items()
                    if kept.shows_in(at)
                ],
                lineage=stack.lineage,
                serial=at,
                extra=stack.attribute("extra", at) or {},
            )

    def secrets_state(self, version: int | None = None) -> Mapping[str, Any] | None:
        """The `secrets_providers` object, now or as of a deployment; None when there is none."""
        with self._reading(version) as (stack, at):
            return stack.attribute("secrets_state", at)

    def set_secrets_state(self, state: Mapping[str, Any]) -> None:
        """Keep a `secrets_providers` object."""
        with self._reading() as (stack, at):
            stack.attributes.append((at, "secrets_state", json_text(state)))

    def history(self, limit: int | None = None, offset: int = 0) -> list[Deployment]:
        """The deployments, newest first."""
        with self._reading() as (stack, _):
            newest_first = stack.deployments[::-1][offset:]
            return newest_first if limit is None else newest_first[:limit]

    def check(self) -> Condition:
        """Look over everything that is kept of the stack."""
        with self._reading() as (stack, _):
            return stack.condition()

    def acquire(self, holder: Holder, seconds: float = 30.0, seal: Seal | None = None) -> MemoryLease:
        """Take the lease. Raises LeaseHeldError at once while somebody holds it."""
        with self._backend.lock:
            stack = self.require_free()
            stack.fence += 1
            stack.holder = replace(holder, since=timestamp(self._backend.clock()))
            stack.expires = self._backend.clock() + seconds
            return MemoryLease(self._backend, stack, seconds, seal or refuse_secret)

    def require_free(self) -> _Stack:
        """The stack. Raises LeaseHeldError while somebody holds its lease, StackNotFoundError when it was removed."""
        with self._reading() as (stack, _):
            if stack.holder is not None and stack.expires > self._backend.clock():
                raise refusals.lease_held(stack.holder, timestamp(stack.expires))
            return stack

    @contextmanager
    def _reading(self, version: int | None = None) -> Iterator[tuple[_Stack, int]]:
        with self._backend.lock:
            stack, last = self._stack, len(self._stack.deployments)
            if stack.removed:
                raise refusals.stack_missing(stack.name, [summary.name for summary in self._backend.stacks()])
            if version is not None and not 1 <= version <= last:
                raise refusals.version_missing(version, last)
            yield stack, last if version is None else version


class MemoryLease:
    """The right to write one stack's record; see `backend.Lease` for what its methods promise."""

    def __init__(self, backend: MemoryBackend, stack: _Stack, seconds: float, seal: Seal) -> None:
        self._backend = backend
        self._stack = stack
        self._seconds = seconds
        self._seal = seal
        self._fence = stack.fence
        self._version = 0
        self._released = False

    @property
    def fence(self) -> int:
        """The fencing number."""
        return self._fence

    def ensure(self) -> None:
        """Raises LeaseLostError unless the lease is ours still."""
        with self._backend.lock:
            self._require_ours()

    def start(self, deployment: Deployment) -> Deployment:
        """Begin a deployment, the next version; one that is still in progress was interrupted."""
        kept = {name: json_value(json_text(getattr(deployment, name))) for name in ("environment", "config")}
        with self._writing() as stack:
            stack.deployments[:] = [
                replace(other, result="interrupted") if other.result == "in-progress" else other
                for other in stack.deployments
            ]
            self._version = len(stack.deployments) + 1
            now = timestamp(self._backend.clock())
            stack.deployments.append(
                replace(deployment, version=self._version, start_time=now, result="in-progress", **kept)
            )
            return stack.deployments[-1]

    def new_key(self) -> int:
        """A row number nobody has used in this stack."""
        with self._backend.lock:
            self._stack.last_key += 1
            return self._stack.last_key

    def record(self, entries: Sequence[Entry]) -> list[int]:
        """Make all entries durable as one; the tokens of the begins among them, in order."""
        made = [self._made(entry) for entry in entries]
        begun: list[int] = []
        with self._writing(started=True) as stack:
            for entry in entries:
                if isinstance(entry, End) and entry.token is not None:
                    kept = stack.pending.get(entry.token)
                    if kept is None or kept.ended is not None:
                        raise refusals.not_pending(entry.token)
            now = timestamp(self._backend.clock())
            for entry, rows in zip(entries, made, strict=True):
                if isinstance(entry, Begin):
                    begun.append(self._pend(stack, entry.kind, rows[0], now))
                    continue
                if entry.token is not None:
                    self._settle(stack, entry.token)
                stack.rows += rows
        return begun

    def begin(self, kind: PendingKind, state: ResourceState) -> int:
        """Record that a provider call is about to be made."""
        return self.record([Begin(kind, state)])[0]

    def end(self, token: int | None, writes: Sequence[Write]) -> None:
        """Record what a step has led to."""
        self.record([End(token, tuple(writes))])

    def replace(self, snapshot: Snapshot, secrets_state: Mapping[str, Any] | None = None) -> None:
        """Put a whole other snapshot in place."""
        keyed = with_new_keys(require_whole(snapshot), self.new_key)
        rows = [self._row(state.key, state.urn, encode(state, self._seal)) for state in keyed.resources]
        operations = [(each, self._made(Begin(each.kind, each.resource))[0]) for each in keyed.pending]
        with self._writing(started=True) as stack:
            stack.rows += [self._row(row.key, row.urn, None) for row in stack.present(self._version).values()]
            stack.rows += rows
            stack.attributes.append((self._version, "extra", json_text(snapshot.extra)))
            if secrets_state is not None:
                stack.attributes.append((self._version, "secrets_state", json_text(secrets_state)))
            for token in list(stack.pending):
                self._settle(stack, token)
            for operation, row in operations:
                self._pend(stack, operation.kind, row, operation.begun or timestamp(self._backend.clock()))

    def finish(self, result: str, changes: Mapping[str, int]) -> None:
        """End the deployment."""
        with self._writing(started=True) as stack:
            stack.deployments[-1] = replace(
                stack.deployments[-1],
                result=result,
                end_time=timestamp(self._backend.clock()),
                resource_changes=dict(changes),
            )
            self._version = 0

    def release(self) -> None:
        """Give the lease back; harmless when it was lost, or given back before."""
        with self._backend.lock:
            if not self._released and self._stack.fence == self._fence:
                self._stack.holder = None
            self._released = True

    def _require_ours(self) -> None:
        if self._released:
            raise refusals.lease_over()
        if self._stack.fence != self._fence or self._stack.holder is None:
            raise refusals.lease_lost(self._stack.holder)

    @contextmanager
    def _writing(self, *, started: bool = False) -> Iterator[_Stack]:
        with self._backend.lock:
            stack = self._stack
            self._require_ours()
            if started and not self._version:
                raise refusals.not_started()
            stack.expires = self._backend.clock() + self._seconds
            yield stack

    def _made(self, entry: Entry) -> list[_Row]:
        """The rows of an entry; nothing is written yet, so a refusal leaves nothing behind."""
        if isinstance(entry, Begin):
            return [self._row(entry.state.key, entry.state.urn, encode(entry.state, self._seal, pending=True))]
        rows: list[_Row] = []
        for write in entry.writes:
            if isinstance(write, Drop):
                rows.append(self._row(write.key, write.urn, None))
            elif write.state.key:
                rows.append(self._row(write.state.key, write.state.urn, encode(write.state, self._seal)))
            else:
                raise refusals.keyless(write.state.urn)
        return rows

    def _row(self, key: int, urn: str, data: bytes | None) -> _Row:
        return _Row(self._version, key, urn, data, zlib.crc32(data or b""))

    def _pend(self, stack: _Stack, kind: PendingKind, row: _Row, begun: str) -> int:
        stack.last_token += 1
        stack.pending[stack.last_token] = _Pending(
            kind.value, row.key, row.urn, begun, row.data or b"", self._version, row.checksum
        )
        return stack.last_token

    def _settle(self, stack: _Stack, token: int) -> None:
        """End a pending operation; one of an earlier deployment stays readable as of then."""
        if stack.pending[token].deployment == self._version:
            del stack.pending[token]
        elif stack.pending[token].ended is None:
            stack.pending[token].ended = self._version

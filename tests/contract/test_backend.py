"""What every place a record can live in owes the engine: `engine/state/backend.py` as a suite.

A backend joins by an entry in `PLACES`. Time is a clock the test moves. What concerns other processes (dying, pausing,
crowding) runs with real ones, for the backends that several processes can share.
"""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.core.errors import (
    CredentialsError,
    InputError,
    InternalError,
    LeaseHeldError,
    LeaseLostError,
    RecordError,
    StackNotFoundError,
    UsageError,
    WorksteadError,
)
from engine.core.model import Begin, Drop, End, PendingKind, PendingOperation, Put, Snapshot, problems
from engine.core.values import SECRET, SIGNATURE, UNKNOWN, Sealed, Secret
from engine.state import open_backend
from engine.state.backend import Backend, Condition, Deployment, Holder, Lease, StackName, StackRecord, StackSummary
from engine.state.memory import MemoryBackend
from engine.state.sqlite import SqliteBackend
from tests.contract.records import ME, NAME, UPDATE, resource, root, urn

OTHER = Holder("bob", "elsewhere", 12, "destroy")
NOON = 1_800_000_000.0  # 2027-01-15T08:00:00Z


class Clock:
    """Seconds since the epoch, moved by the test."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


class Place:
    """Where records are: gives handles on one and the same place, and closes them all."""

    shared = False

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.folder = folder
        self.opened: list[Backend] = []

    def open(self, clock: Callable[[], float] | None = None) -> Backend:
        """Another handle on the place."""
        self.opened.append(self.make(clock or self.clock))
        return self.opened[-1]

    def make(self, clock: Callable[[], float]) -> Backend:
        """A new handle."""
        raise NotImplementedError

    def damage(self, name: str, version: int) -> None:
        """Change a bit of what a deployment wrote of the resource of that name, behind everybody's back."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of every handle."""
        for backend in self.opened:
            backend.close()


class InMemory(Place):
    """One backend object, of which every handle is another name."""

    def make(self, clock: Callable[[], float]) -> Backend:
        return self.opened[0] if self.opened else MemoryBackend("test", clock=clock)

    def damage(self, name: str, version: int) -> None:
        backend = self.opened[0]
        assert isinstance(backend, MemoryBackend)
        for row in backend.stack(NAME).require_free().rows:
            if (row.urn, row.deployment) == (urn(name), version):
                assert row.data
                row.data = row.data[:-3] + bytes([row.data[-3] ^ 1]) + row.data[-2:]


class InSqlite(Place):
    """One file, opened by each handle on its own."""

    shared = True

    def make(self, clock: Callable[[], float]) -> Backend:
        return SqliteBackend(self.folder / ".workstead" / "record.db", clock=clock)

    def damage(self, name: str, version: int) -> None:
        with closing(sqlite3.connect(self.folder / ".workstead" / "record.db", isolation_level=None)) as db:
            place = "FROM history WHERE urn = ? AND deployment = ?"
            [(id, data)] = db.execute(f"SELECT id, state {place}", (urn(name), version)).fetchall()
            db.execute("UPDATE history SET state = ? WHERE id = ?", (data[:-3] + bytes([data[-3] ^ 1]) + data[-2:], id))


PLACES = (InMemory, InSqlite)


@pytest.fixture(params=PLACES, ids=lambda kind: kind.__name__)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = request.param(tmp_path)
    yield place
    place.close()


@pytest.fixture(params=[kind for kind in PLACES if kind.shared], ids=lambda kind: kind.__name__)
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = request.param(tmp_path)
    yield place
    place.close()


@pytest.fixture
def backend(place: Place) -> Backend:
    return place.open()


@pytest.fixture
def record(backend: Backend) -> StackRecord:
    return backend.create(NAME)


@pytest.fixture
def lease(record: StackRecord) -> Iterator[Lease]:
    """A lease with a deployment started."""
    lease = record.acquire(ME)
    lease.start(UPDATE)
    yield lease
    lease.release()


def add(lease: Lease, name: str, **fields: object) -> int:
    """Record a created resource, as a step does; its key."""
    state = resource(name, key=lease.new_key(), **fields)
    lease.end(lease.begin(PendingKind.CREATING, state), [Put(state)])
    return state.key


def names(snapshot: Snapshot) -> list[str]:
    return [state.name for state in snapshot.resources]


def deployed(record: StackRecord, *steps: Callable[[Lease], object], result: str = "succeeded") -> None:
    """One whole deployment that does these things."""
    lease = record.acquire(ME)
    lease.start(UPDATE)
    for step in steps:
        step(lease)
    lease.finish(result, {"create": len(steps)})
    lease.release()


class TestStacks:
    def test_a_new_place_has_none(self, backend: Backend) -> None:
        assert backend.stacks() == []
        with pytest.raises(StackNotFoundError, match=re.compile("no stack named.*found")):
            backend.stack(NAME)

    def test_are_listed_by_name_and_project(self, backend: Backend) -> None:
        for name in (StackName("b", "x"), StackName("a", "y"), StackName("a", "x")):
            backend.create(name)
        assert [str(summary.name) for summary in backend.stacks()] == ["a/x", "a/y", "b/x"]
        assert [str(summary.name) for summary in backend.stacks("b")] == ["b/x"]
        assert backend.stacks("c") == []

    def test_are_made_once(self, backend: Backend, record: StackRecord) -> None:
        with pytest.raises(UsageError, match=re.compile("stack.*already exists")):
            backend.create(NAME)

    def test_that_are_not_there_are_told_with_those_that_are(self, backend: Backend, record: StackRecord) -> None:
        with pytest.raises(StackNotFoundError, match="lab/dev"):
            backend.stack(StackName("lab", "prod"))

    def test_start_empty(self, record: StackRecord) -> None:
        snapshot = record.load()
        assert (snapshot.resources, snapshot.pending, snapshot.serial) == ((), (), 0)
        assert record.name == NAME
        assert record.history() == []
        assert record.secrets_state() is None

    def test_have_a_lineage_of_their_own_that_stays(self, backend: Backend, record: StackRecord) -> None:
        deployed(record)
        other = backend.create(StackName("lab", "prod"))
        assert record.load().lineage == backend.stack(NAME).load().lineage != other.load().lineage
        assert record.load().lineage

    def test_can_be_removed_and_made_again(self, backend: Backend, record: StackRecord) -> None:
        deployed(record, lambda lease: add(lease, "a"))
        before = record.load()
        backend.remove(NAME)
        assert backend.stacks() == []
        for use in (record.load, record.history, lambda: record.acquire(ME)):
            with pytest.raises(StackNotFoundError):
                use()
        again = backend.create(NAME)
        assert again.load().resources == ()
        assert again.load().lineage != before.lineage

    def test_cannot_be_removed_while_somebody_writes(self, backend: Backend, lease: Lease) -> None:
        with pytest.raises(LeaseHeldError):
            backend.remove(NAME)
        lease.release()
        backend.remove(NAME)

    def test_that_were_removed_end_their_lease(self, place: Place, backend: Backend, lease: Lease) -> None:
        place.clock.now += 31
        backend.remove(NAME)
        backend.create(NAME)
        with pytest.raises(LeaseLostError):
            add(lease, "a")

    def test_summary(self, place: Place, backend: Backend, record: StackRecord) -> None:
        assert backend.stacks() == [StackSummary(NAME)]
        lease = record.acquire(ME)
        lease.start(UPDATE)
        add(lease, "a")
        add(lease, "b")
        [summary] = backend.stacks()
        assert (summary.resource_count, summary.last_update) == (2, "2027-01-15T08:00:00.000Z")
        assert "ada" in summary.held_by
        assert "4711" in summary.held_by
        place.clock.now += 2.5
        lease.finish("succeeded", {})
        lease.release()
        assert backend.stacks() == [StackSummary(NAME, 2, "2027-01-15T08:00:02.500Z")]

    def test_url_opens_the_same_place_again(self, backend: Backend) -> None:
        assert backend.url.startswith(("sqlite:///", "memory://"))


class TestLease:
    def test_one_at_a_time(self, place: Place, lease: Lease) -> None:
        with pytest.raises(LeaseHeldError, match="the stack is currently locked by") as refused:
            place.open().stack(NAME).acquire(OTHER)
        for word in ("ada", "4711", "here", "update", "2027-01-15T08:00:00.000Z", "2027-01-15T08:00:30.000Z"):
            assert word in str(refused.value)

    def test_of_other_stacks_is_free(self, backend: Backend, lease: Lease) -> None:
        backend.create(StackName("lab", "prod")).acquire(OTHER).release()

    def test_given_back_can_be_taken(self, record: StackRecord) -> None:
        fences = []
        for _ in range(3):
            lease = record.acquire(ME)
            fences.append(lease.fence)
            lease.release()
            lease.release()
        assert fences == sorted(set(fences))

    def test_given_back_writes_nothing(self, record: StackRecord, lease: Lease) -> None:
        lease.release()
        with pytest.raises(LeaseLostError):
            add(lease, "a")
        assert record.load().pending == ()

    def test_is_renewed_by_writing(self, place: Place, record: StackRecord, lease: Lease) -> None:
        place.clock.now += 29
        add(lease, "a")
        place.clock.now += 29
        with pytest.raises(LeaseHeldError):
            record.acquire(OTHER)

    def test_that_ran_out_can_be_taken_over(self, place: Place, record: StackRecord, lease: Lease) -> None:
        token = lease.begin(PendingKind.CREATING, resource("a", key=lease.new_key()))
        place.clock.now += 31
        new = place.open().stack(NAME).acquire(OTHER)
        assert new.fence > lease.fence
        writes: list[Callable[[], object]] = [
            lambda: lease.end(token, []),
            lambda: lease.begin(PendingKind.CREATING, resource("b", key=9)),
            lambda: lease.record([End(token, ())]),
            lambda: lease.finish("succeeded", {}),
            lambda: lease.start(UPDATE),
            lambda: lease.replace(Snapshot()),
        ]
        for write in writes:
            with pytest.raises(LeaseLostError, match=r"lost the right to write|given back"):
                write()
        lease.release()
        with pytest.raises(LeaseHeldError, match="bob"):
            record.acquire(ME)
        new.start(UPDATE)
        add(new, "c")
        new.release()
        assert names(record.load()) == ["c"]
        assert [operation.resource.name for operation in record.load().pending] == ["a"]

    def test_that_ran_out_untaken_still_writes(self, place: Place, record: StackRecord, lease: Lease) -> None:
        place.clock.now += 3600
        add(lease, "a")
        with pytest.raises(LeaseHeldError):
            record.acquire(OTHER)

    def test_lasts_as_long_as_asked(self, place: Place, record: StackRecord) -> None:
        record.acquire(ME, 5)
        place.clock.now += 6
        record.acquire(OTHER).release()


class TestSteps:
    def test_begin_is_readable_at_once(self, place: Place, lease: Lease) -> None:
        planned = resource("a", key=lease.new_key(), outputs={"arn": UNKNOWN, "ip": Secret(UNKNOWN)}).but(id="")
        sealing = planned.but(outputs={"arn": UNKNOWN})
        token = lease.begin(PendingKind.CREATING, sealing)
        snapshot = place.open().stack(NAME).load()
        assert snapshot.resources == ()
        assert snapshot.pending == (PendingOperation(PendingKind.CREATING, sealing, token, "2027-01-15T08:00:00.000Z"),)

    def test_end_is_readable_at_once(self, place: Place, lease: Lease) -> None:
        key = add(lease, "a", outputs={"arn": "arn:a"}, dependencies=())
        snapshot = place.open().stack(NAME).load()
        assert snapshot.pending == ()
        assert snapshot.resources == (resource("a", key=key, outputs={"arn": "arn:a"}),)

    def test_end_writes_everything_as_one(self, record: StackRecord, lease: Lease) -> None:
        old = add(lease, "a")
        new = resource("a", key=lease.new_key(), inputs={"size": 2})
        token = lease.begin(PendingKind.CREATING, new)
        lease.end(token, [Put(resource("a", key=old, delete=True)), Put(new)])
        assert {(state.key, state.delete) for state in record.load().resources} == {(old, True), (new.key, False)}
        lease.end(lease.begin(PendingKind.DELETING, resource("a", key=old)), [Drop(old, urn("a"))])
        assert record.load().resources == (new,)

    def test_several_entries_are_one_record(self, record: StackRecord, lease: Lease) -> None:
        one, two = (resource(name, key=lease.new_key()) for name in "ab")
        [token] = lease.record([Begin(PendingKind.CREATING, one)])
        tokens = lease.record(
            [End(token, (Put(one),)), Begin(PendingKind.CREATING, two), Begin(PendingKind.UPDATING, one)]
        )
        snapshot = record.load()
        assert snapshot.resources == (one,)
        assert [(each.token, each.kind, each.resource) for each in snapshot.pending] == [
            (tokens[0], PendingKind.CREATING, two),
            (tokens[1], PendingKind.UPDATING, one),
        ]

    def test_change_without_a_call_behind_it(self, record: StackRecord, lease: Lease) -> None:
        stack = root().but(key=lease.new_key())
        lease.end(None, [Put(stack)])
        assert record.load().stack_outputs == {"url": "https://x"}

    def test_failed_step_leaves_the_row(self, record: StackRecord, lease: Lease) -> None:
        key = add(lease, "a")
        lease.end(lease.begin(PendingKind.UPDATING, resource("a", key=key, inputs={"size": 9})), [])
        assert record.load().resources == (resource("a", key=key),)

    def test_keys_are_never_used_twice(self, place: Place, record: StackRecord) -> None:
        keys: list[int] = []
        for number in range(3):
            lease = record.acquire(ME)
            lease.start(UPDATE)
            keys.append(add(lease, f"kept-{number}"))
            keys.append(add(lease, f"dropped-{number}"))
            lease.end(None, [Drop(keys[-1], urn(f"dropped-{number}"))])
            keys.append(lease.new_key())
            lease.begin(PendingKind.CREATING, resource(f"pending-{number}", key=keys[-1]))
            lease.release()
        assert 0 not in keys
        assert len(set(keys)) == len(keys)

    def test_rows_come_in_dependency_order(self, record: StackRecord, lease: Lease) -> None:
        add(lease, "a", dependencies=(urn("b"),))
        add(lease, "b", parent=urn("c"))
        add(lease, "c")
        assert names(record.load()) == ["c", "b", "a"]
        assert problems(record.load()) == []

    def test_everything_of_a_state_comes_back(self, record: StackRecord, lease: Lease) -> None:
        state = resource(
            "a",
            key=lease.new_key(),
            inputs={"list": [1, 2.5, True, None, "x", {"deep": []}], "big": 2**70, "text": "é☃\u2028\x00"},
            outputs={"arn": "x"},
            init_errors=("slow",),
            tainted=True,
            extra={"stackTrace": [{"sourcePosition": "project:///a.py#1"}]},
        )
        lease.end(None, [Put(state)])
        assert record.load().resources == (state,)

    def test_secrets_rest_sealed(self, record: StackRecord) -> None:
        def seal(content: object) -> dict[str, str]:
            return {SIGNATURE: SECRET, "ciphertext": f"<{content}>"}

        lease = record.acquire(ME, seal=seal)
        lease.start(UPDATE)
        add(lease, "a", inputs={"token": Secret("s3cret"), "kept": Sealed("v1:x:y")})
        lease.release()
        assert record.load().resources[0].inputs == {"token": Sealed("<s3cret>"), "kept": Sealed("v1:x:y")}

    @pytest.mark.parametrize(
        ("value", "error", "reference"),
        [
            (float("nan"), InputError, "number-not-finite"),
            (float("-inf"), InputError, "number-not-finite"),
            ("\ud800", InputError, "text-not-unicode"),
            (UNKNOWN, RecordError, "record-unknown-value"),
            (Secret("x"), CredentialsError, "passphrase-missing"),
            (object(), InputError, "value-kind-unknown"),
        ],
        ids=["nan", "-inf", "lone surrogate", "unknown", "secret", "object"],
    )
    def test_what_cannot_be_recorded_is_refused_whole(
        self, record: StackRecord, lease: Lease, value: object, error: type[WorksteadError], reference: str
    ) -> None:
        key = add(lease, "a")
        token = lease.begin(PendingKind.UPDATING, resource("a", key=key))
        before = record.load()
        bad = resource("a", key=key, outputs={"deep": [{"odd name": value}]})
        with pytest.raises(error) as refused:
            lease.end(token, [Put(resource("b", key=lease.new_key())), Put(bad)])
        assert (refused.value.urn, refused.value.path) == (urn("a"), 'outputs.deep[0]["odd name"]')
        assert refused.value.reference == reference
        assert record.load() == before
        lease.end(token, [])

    def test_misuse_is_our_bug(self, record: StackRecord) -> None:
        lease = record.acquire(ME)
        with pytest.raises(InternalError, match="before the deployment was started"):
            lease.begin(PendingKind.CREATING, resource("a", key=1))
        lease.start(UPDATE)
        with pytest.raises(InternalError, match="without a key"):
            lease.end(None, [Put(resource("a"))])
        token = lease.begin(PendingKind.CREATING, resource("a", key=1))
        lease.end(token, [])
        for wrong in (token, token + 1):
            with pytest.raises(InternalError, match="no pending operation"):
                lease.end(wrong, [])
        lease.finish("succeeded", {})
        with pytest.raises(InternalError, match="before the deployment was started"):
            lease.end(None, [])
        lease.release()

    def test_many_at_once(self, place: Place, record: StackRecord, lease: Lease) -> None:
        reader, failures, done = place.open().stack(NAME), [], threading.Event()

        def steps(worker: int) -> None:
            try:
                for number in range(10):
                    add(lease, f"w{worker}-{number}")
            except BaseException as error:
                failures.append(error)

        def read() -> None:
            try:
                while not done.is_set():
                    assert problems(reader.load()) == []
            except BaseException as error:
                failures.append(error)

        reading = threading.Thread(target=read)
        workers = [threading.Thread(target=steps, args=(worker,)) for worker in range(16)]
        reading.start()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        done.set()
        reading.join()
        assert failures == []
        snapshot = record.load()
        assert snapshot.pending == ()
        assert sorted(names(snapshot)) == sorted(f"w{worker}-{number}" for worker in range(16) for number in range(10))
        assert len({state.key for state in snapshot.resources}) == 160


class TestHistory:
    def test_of_deployments(self, place: Place, record: StackRecord) -> None:
        lease = record.acquire(ME)
        described = Deployment(
            "update", message="first", environment={"git.head": "abc"}, config={"lab:size": {"value": "1"}}
        )
        started = lease.start(described)
        assert (started.version, started.start_time, started.result) == (1, "2027-01-15T08:00:00.000Z", "in-progress")
        assert record.history() == [started]
        place.clock.now += 60
        lease.finish("succeeded", {"create": 2})
        lease.release()
        deployed(record, result="failed")
        second, first = record.history()
        assert (first.version, first.end_time, first.result) == (1, "2027-01-15T08:01:00.000Z", "succeeded")
        assert (first.message, first.environment) == ("first", {"git.head": "abc"})
        assert (first.config, first.resource_changes) == ({"lab:size": {"value": "1"}}, {"create": 2})
        assert (second.version, second.kind, second.result) == (2, "update", "failed")

    def test_never_tells_a_secret(self, record: StackRecord) -> None:
        lease = record.acquire(ME)
        with pytest.raises(CredentialsError) as refused:
            lease.start(Deployment("update", config={"lab:token": {"value": Secret("open sesame")}}))
        assert refused.value.path == '["lab:token"].value'
        assert record.history() == []
        lease.release()

    def test_by_pages(self, record: StackRecord) -> None:
        for _ in range(5):
            deployed(record)
        assert [each.version for each in record.history(2)] == [5, 4]
        assert [each.version for each in record.history(2, 4)] == [1]
        assert [each.version for each in record.history(offset=3)] == [2, 1]

    def test_serial_counts_deployments(self, record: StackRecord) -> None:
        for number in range(3):
            assert record.load().serial == number
            deployed(record, lambda lease: add(lease, "a"), lambda lease: add(lease, "b"))

    def test_interrupted_deployment_is_told_so_by_the_next(self, record: StackRecord) -> None:
        lease = record.acquire(ME)
        lease.start(UPDATE)
        lease.release()
        assert record.history()[0].result == "in-progress"
        deployed(record)
        assert [each.result for each in record.history()] == ["succeeded", "interrupted"]

    def test_of_every_row(self, place: Place, record: StackRecord) -> None:
        keys: dict[str, int] = {}

        def first(lease: Lease) -> None:
            keys.update({name: add(lease, name) for name in "ab"})

        def second(lease: Lease) -> None:
            lease.end(None, [Put(resource("a", key=keys["a"], inputs={"size": 2}))])
            lease.end(None, [Put(resource("a", key=keys["a"], inputs={"size": 3}))])
            lease.end(None, [Drop(keys["b"], urn("b"))])
            lease.begin(PendingKind.CREATING, resource("c", key=lease.new_key()))

        def third(lease: Lease) -> None:
            [pending] = record.load().pending
            lease.end(pending.token, [Put(pending.resource)])
            lease.end(None, [Drop(keys["a"], urn("a"))])

        for step in (first, second, third):
            deployed(record, step)
        then = [record.load(version) for version in (1, 2, 3)]
        assert [names(snapshot) for snapshot in then] == [["a", "b"], ["a"], ["c"]]
        assert [snapshot.resources[0].inputs["size"] for snapshot in then[:2]] == [1, 3]
        assert [[each.resource.name for each in snapshot.pending] for snapshot in then] == [[], ["c"], []]
        assert [snapshot.serial for snapshot in then] == [1, 2, 3]
        assert len({snapshot.lineage for snapshot in then}) == 1
        assert then[2] == record.load() == place.open().stack(NAME).load()

    @pytest.mark.parametrize("version", [0, 3, -1])
    def test_has_no_other_versions(self, record: StackRecord, version: int) -> None:
        deployed(record)
        deployed(record)
        for ask in (record.load, record.secrets_state):
            with pytest.raises(UsageError, match="there are 1 to 2"):
                ask(version)


class TestReplace:
    def snapshot(self) -> Snapshot:
        state = resource("new", dependencies=(root().urn,))
        return Snapshot(
            (root(), state),
            (
                PendingOperation(PendingKind.UPDATING, state.but(inputs={"size": 5}), begun="2026-01-01T00:00:00Z"),
                PendingOperation(PendingKind.CREATING, resource("next").but(id="")),
            ),
            extra={"snippets": [{"uuid": "1"}]},
        )

    def test_puts_another_snapshot_in_place(self, record: StackRecord) -> None:
        old: list[int] = []
        deployed(
            record,
            lambda lease: old.append(add(lease, "old")),
            lambda lease: lease.begin(PendingKind.CREATING, resource("lost", key=lease.new_key())),
        )
        deployed(record, lambda lease: lease.replace(self.snapshot()))
        now = record.load()
        assert names(now) == ["lab-dev", "new"]
        assert [each.resource.name for each in now.pending] == ["new", "next"]
        assert now.pending[0].resource.key == now.resources[1].key
        assert now.pending[1].begun == "2027-01-15T08:00:00.000Z"
        assert now.pending[0].begun == "2026-01-01T00:00:00Z"
        assert {state.key for state in now.resources}.isdisjoint({0, *old})
        assert now.extra == {"snippets": [{"uuid": "1"}]}
        before = record.load(1)
        assert names(before) == ["old"]
        assert [each.resource.name for each in before.pending] == ["lost"]
        assert before.extra == {}

    def test_pending_operations_can_be_ended_then(self, record: StackRecord, lease: Lease) -> None:
        lease.replace(self.snapshot())
        for operation in record.load().pending:
            lease.end(operation.token, [Put(operation.resource)])
        assert record.load().pending == ()
        assert sorted(names(record.load())) == ["lab-dev", "new", "next"]

    def test_refuses_what_is_not_whole(self, record: StackRecord, lease: Lease) -> None:
        add(lease, "a")
        before = record.load()
        with pytest.raises(RecordError, match="not recorded before it"):
            lease.replace(Snapshot((resource("b", dependencies=(urn("missing"),)),)))
        assert record.load() == before

    def test_changes_the_secrets_state_in_the_same_breath(self, record: StackRecord) -> None:
        one, two = ({"type": "passphrase", "state": {"salt": salt}} for salt in ("v1:a", "v1:b"))
        record.set_secrets_state(one)
        deployed(record)
        deployed(record, lambda lease: lease.replace(Snapshot((root(),)), two))
        deployed(record)
        assert record.secrets_state() == two
        assert [record.secrets_state(version) for version in (1, 2, 3)] == [one, two, two]


class TestDamage:
    """Three versions: 1 makes a and b, 2 changes a, 3 changes b."""

    @pytest.fixture
    def grown(self, record: StackRecord) -> StackRecord:
        keys: dict[str, int] = {}
        deployed(record, lambda lease: keys.update({name: add(lease, name) for name in "ab"}))
        for name in "ab":
            changed = Put(resource(name, key=keys[name], inputs={"size": 2}))
            deployed(record, lambda lease, changed=changed: lease.end(None, [changed]))
        return record

    def test_of_nothing(self, grown: StackRecord) -> None:
        condition = grown.check()
        assert condition == Condition(
            present=True, resources=condition.resources, versions=(1, 2, 3), last=3, others=condition.others
        )
        assert sorted(condition.resources) == [urn("a"), urn("b")]

    def test_of_a_present_row(self, place: Place, grown: StackRecord) -> None:
        place.damage("a", 2)
        condition = grown.check()
        assert (condition.present, condition.versions, condition.last) == (False, (1,), 3)
        assert (condition.resources, condition.lost) == ((urn("b"),), (urn("a"),))
        with pytest.raises(RecordError) as told:
            grown.load()
        assert (told.value.reference, told.value.urn) == ("record-damaged", urn("a"))
        for word in ("workstead stack restore --version 1", "of the present record 1 resources", "version 1 of 3"):
            assert word in str(told.value)
        with pytest.raises(RecordError):
            grown.load(2)
        assert len(grown.load(1).resources) == 2
        assert [each.version for each in grown.history()] == [3, 2, 1]

    def test_of_an_earlier_row(self, place: Place, grown: StackRecord) -> None:
        place.damage("a", 1)
        condition = grown.check()
        assert (condition.present, condition.versions, condition.lost) == (True, (2, 3), ())
        assert condition.damage
        assert len(grown.load().resources) == len(grown.load(2).resources) == 2
        with pytest.raises(RecordError):
            grown.load(1)

    def test_is_mended_by_an_earlier_version(self, place: Place, backend: Backend, grown: StackRecord) -> None:
        right = grown.load(1)
        place.damage("b", 3)
        with backend.mending(NAME) as mended:
            assert mended.record.check().versions == (1, 2)
            lease = mended.record.acquire(ME)
            lease.start(Deployment("restore"))
            lease.replace(mended.record.load(1), mended.record.secrets_state(1))
            lease.finish("succeeded", {})
            lease.release()
        record = place.open().stack(NAME)
        condition = record.check()
        assert (condition.present, condition.versions, condition.last) == (True, (1, 2, 4), 4)
        assert [state.but(key=0) for state in record.load().resources] == [
            state.but(key=0) for state in right.resources
        ]
        assert record.load().lineage == right.lineage
        assert [each.kind for each in record.history()] == ["restore", "update", "update", "update"]
        deployed(record, lambda lease: add(lease, "c"))
        assert record.check().versions == (1, 2, 4, 5)

    def test_that_is_not_mended_after_all_stays(self, place: Place, backend: Backend, grown: StackRecord) -> None:
        place.damage("b", 3)
        with pytest.raises(KeyError), backend.mending(NAME):
            raise KeyError
        with pytest.raises(RecordError):
            grown.load()

    def test_is_not_mended_while_somebody_writes(self, place: Place, backend: Backend, grown: StackRecord) -> None:
        lease = grown.acquire(ME)
        with pytest.raises(LeaseHeldError), backend.mending(NAME):
            pass
        lease.release()


# --- with other processes ---------------------------------------------------------------------------------------------


class Process:
    """`tests/contract/holder.py`, run and talked to."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.contract.holder"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def tell(self, *words: object) -> None:
        """Give an order."""
        assert self.process.stdin
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def ask(self, *words: object) -> str:
        """Give an order; the answer."""
        self.tell(*words)
        return self.line()

    def line(self) -> str:
        """The next line it says."""
        assert self.process.stdout
        return self.process.stdout.readline().rstrip()

    def rest(self) -> list[str]:
        """All it has said until its end."""
        assert self.process.stdout
        return self.process.stdout.read().splitlines()

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def end(self) -> None:
        """Make sure it is gone."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()


@pytest.fixture
def holder() -> Iterator[Process]:
    process = Process()
    yield process
    process.end()


ME_HERE = Holder("ada", os.uname().nodename, os.getpid(), "update")


class TestProcesses:
    def test_live_holder_is_respected(self, shared: Place, holder: Process) -> None:
        record = shared.open(time.time).create(NAME)
        assert holder.ask("acquire", shared.opened[0].url, *parts(NAME)) == "held 1"
        with pytest.raises(LeaseHeldError, match=f"process {holder.process.pid}"):
            record.acquire(ME_HERE)
        assert holder.ask("release") == "released"
        record.acquire(ME_HERE).release()

    def test_dead_holder_is_taken_over_at_once(self, shared: Place, holder: Process) -> None:
        record = shared.open(time.time).create(NAME)
        holder.ask("acquire", shared.opened[0].url, *parts(NAME))
        holder.ask("begin", "a")
        holder.ask("end")
        holder.ask("begin", "b")
        holder.signal(signal.SIGKILL)
        holder.process.wait()
        lease = record.acquire(ME_HERE)
        assert lease.fence == 2
        snapshot = record.load()
        assert names(snapshot) == ["a"]
        assert [operation.resource.name for operation in snapshot.pending] == ["b"]
        assert lease.start(UPDATE).version == 2
        assert [each.result for each in record.history()] == ["in-progress", "interrupted"]
        lease.end(snapshot.pending[0].token, [])
        lease.release()
        assert record.load().pending == ()

    def test_dead_holder_elsewhere_is_waited_for(self, shared: Place, holder: Process) -> None:
        """Whether a process of another machine lives cannot be seen from here: only time tells."""
        record = shared.open(time.time).create(NAME)
        holder.ask("acquire", shared.opened[0].url, *parts(NAME))
        holder.signal(signal.SIGKILL)
        holder.process.wait()
        with pytest.raises(LeaseHeldError):
            record.acquire(OTHER)
        later = shared.open(lambda: time.time() + 31).stack(NAME)
        later.acquire(OTHER).release()

    def test_killed_in_the_middle_of_steps(self, shared: Place, holder: Process) -> None:
        """Whatever was acknowledged is there; whatever is there was asked for; nothing is half there."""
        record = shared.open(time.time).create(NAME)
        holder.ask("acquire", shared.opened[0].url, *parts(NAME))
        holder.tell("storm", 16)
        said = [holder.line() for _ in range(400)]
        holder.signal(signal.SIGKILL)
        said += holder.rest()
        begun, ended = ({line[2:] for line in said if line.startswith(kind)} for kind in ("b ", "e "))
        snapshot = record.load()
        recorded = set(names(snapshot))
        pending = {operation.resource.name for operation in snapshot.pending}
        assert len(ended) > 100
        assert ended <= recorded
        assert begun <= recorded | pending
        assert not recorded & pending
        assert len(recorded - ended) <= 16
        assert len(pending - begun) <= 16
        assert problems(snapshot) == []
        record.acquire(ME_HERE).release()

    def test_paused_holder_is_taken_over_when_its_lease_has_run_out(self, shared: Place, holder: Process) -> None:
        record = shared.open(time.time).create(NAME)
        holder.ask("acquire", shared.opened[0].url, *parts(NAME))
        holder.ask("begin", "a")
        holder.signal(signal.SIGSTOP)
        with pytest.raises(LeaseHeldError):
            record.acquire(ME_HERE)
        later = shared.open(lambda: time.time() + 31).stack(NAME)
        lease = later.acquire(ME_HERE)
        lease.start(UPDATE)
        holder.signal(signal.SIGCONT)
        assert holder.ask("end") == "error LeaseLostError lease-lost"
        assert holder.ask("begin", "b") == "error LeaseLostError lease-lost"
        assert holder.ask("release") == "released"
        add(lease, "c")
        lease.finish("succeeded", {})
        lease.release()
        assert names(record.load()) == ["c"]
        assert [operation.resource.name for operation in record.load().pending] == ["a"]

    def test_holder_that_was_paused_and_then_dies_does_not_endanger_its_successor(
        self, shared: Place, holder: Process
    ) -> None:
        shared.open(time.time).create(NAME)
        holder.ask("acquire", shared.opened[0].url, *parts(NAME))
        holder.signal(signal.SIGSTOP)
        later = shared.open(lambda: time.time() + 31)
        lease = later.stack(NAME).acquire(ME_HERE)
        holder.signal(signal.SIGKILL)
        holder.process.wait()
        with pytest.raises(LeaseHeldError):
            later.stack(NAME).acquire(ME_HERE)
        lease.release()

    def test_several_write_their_stacks_side_by_side(self, shared: Place) -> None:
        stacks = [StackName("lab", f"s{number}") for number in range(3)]
        backend = shared.open(time.time)
        for name in stacks:
            backend.create(name)
        processes = [Process() for _ in stacks]
        try:
            for process, name in zip(processes, stacks, strict=True):
                process.ask("acquire", backend.url, *parts(name))
                process.tell("storm", 4)
            for process in processes:
                assert {process.line()[0] for _ in range(200)} == {"b", "e"}
        finally:
            for process in processes:
                process.end()
        for name in stacks:
            assert len(backend.stack(name).load().resources) >= 90

    def test_several_can_make_the_place_at_the_same_time(self, shared: Place) -> None:
        url = shared.open(time.time).url
        program = (
            "import sys\n"
            "from engine.state import open_backend\n"
            "from engine.state.backend import StackName\n"
            "backend = open_backend(sys.argv[1])\n"
            "sys.stdin.readline()\n"
            "backend.create(StackName('lab', sys.argv[2]))\n"
        )
        makers = [
            subprocess.Popen([sys.executable, "-c", program, url, f"s{number}"], stdin=subprocess.PIPE)
            for number in range(6)
        ]
        for maker in makers:
            assert maker.stdin
            maker.stdin.write(b"\n")
            maker.stdin.close()
        assert [maker.wait() for maker in makers] == [0] * 6
        assert len(open_backend(url).stacks()) == 6


def parts(name: StackName) -> tuple[str, str]:
    return name.project, name.stack

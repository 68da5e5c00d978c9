"""How fast the record is: JSON, durable steps from many threads, loading. By hand: python -m tests.bench.record"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
import timeit
from pathlib import Path

from engine.core.model import PendingKind, Put, ResourceState
from engine.state.backend import Deployment, Holder, StackName
from engine.state.codec import decode, encode, refuse_secret
from engine.state.sqlite import SqliteBackend

_URN = "urn:pulumi:dev::lab::aws:s3/bucket:Bucket::bucket-{}"
_INPUTS = {
    "name": "bucket",
    "tags": {"owner": "ml", "stage": "dev"},
    "size": 17,
    "enabled": True,
    "ratio": 0.5,
    "rules": ["a", "b", "c"],
}


def bucket(number: int, key: int = 0) -> ResourceState:
    """A usual resource: six properties, one dependency, about 760 bytes of JSON."""
    return ResourceState(
        urn=_URN.format(number),
        type="aws:s3/bucket:Bucket",
        custom=True,
        id=f"bucket-{number}",
        inputs=_INPUTS,
        outputs={**_INPUTS, "arn": f"arn:aws:s3:::bucket-{number}"},
        parent="urn:pulumi:dev::lab::pulumi:pulumi:Stack::lab-dev",
        provider="urn:pulumi:dev::lab::pulumi:providers:aws::default::0000-1111",
        dependencies=("urn:pulumi:dev::lab::aws:iam/role:Role::role",),
        property_dependencies={"name": (), "tags": ("urn:pulumi:dev::lab::aws:iam/role:Role::role",)},
        created="2026-01-31T12:00:00.000Z",
        modified="2026-01-31T12:00:00.000Z",
        key=key,
    )


def json_speed() -> None:
    """Microseconds per row, best of five."""
    state = bucket(1)
    data = encode(state, refuse_secret)
    for name, use in (("encode", lambda: encode(state, refuse_secret)), ("decode", lambda: decode(data))):
        seconds = min(timeit.repeat(use, number=20_000, repeat=5)) / 20_000
        print(f"{name} a row of {len(data)} bytes: {seconds * 1e6:.1f} us")


def step_speed(folder: Path, threads: int, steps: int = 4000) -> None:
    """Begin and end of every step, each durable before the next call of its thread."""
    record = SqliteBackend(folder / f"{threads}.db").create(StackName("lab", "dev"))
    lease = record.acquire(Holder("bench", "here", 1, "update"))
    lease.start(Deployment("update"))

    def work(first: int) -> None:
        for number in range(first, steps, threads):
            state = bucket(number, lease.new_key())
            lease.end(lease.begin(PendingKind.CREATING, state), [Put(state)])

    workers = [threading.Thread(target=work, args=(first,)) for first in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - began
    lease.release()
    print(f"{threads} threads: {2 * steps / seconds:,.0f} durable begins and ends a second")
    began = time.perf_counter()
    found = len(record.load().resources)
    print(f"   loading the {found} resources: {time.perf_counter() - began:.3f} s")


def main() -> None:
    """All of it, in a folder given or a temporary one: the disk under it is what counts."""
    json_speed()
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        for threads in (1, 8, 32, 64):
            step_speed(Path(folder), threads)


if __name__ == "__main__":
    main()

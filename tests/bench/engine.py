"""How fast the engine is, against the floor that Pulumi's SDK sets and against Terraform on the same graph.

    python -m tests.bench.engine --resources 5000

prints one JSON line per phase: seconds, processor seconds, peak memory, bytes written, and how they stand to the floor.
Medians over `--repeat` runs, in which the phases take turns, so that a busy minute of the machine meets all of them.
Each phase runs in a process of its own, so that memory is that phase's. The floor is the same program, run by the same
runner (collector off, calls inline) against a monitor that answers at once and keeps nothing.

The program: groups of ten resources, each with six properties, one of them an output of the resource before it in its
group. The provider costs nothing, so all that is measured is the engine and its record (on disk, synchronous=FULL).

Left to others: Terraform on the same graph (`terraform`), several sizes and what the figures should be (`report`).
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import pulumi

from engine.core.contract import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult
from tests.bench import terraform

GROUP = 10
PHASES = ("floor", "preview", "up", "preview-unchanged", "refresh", "destroy")


# --- the program and its provider -------------------------------------------------------------------------------------


class Free(pulumi.CustomResource):
    """A resource that costs nothing."""

    size: pulumi.Output[int]

    def __init__(self, name: str, props: dict[str, Any]) -> None:
        super().__init__("bench:index:Free", name, props)


def program(count: int) -> Callable[[], None]:
    """A stack program of that many resources."""

    def declare() -> None:
        before = None
        for number in range(count):
            before = None if number % GROUP == 0 else before
            before = Free(
                f"resource-{number}",
                {
                    "size": 1 if before is None else before.size,
                    "title": f"resource number {number}",
                    "flavor": "bench.cpu.2u",
                    "enabled": True,
                    "labels": {"team": "bench", "number": str(number)},
                    "ports": [8080, 8081],
                },
            )

    return declare


class FreeProvider:
    """A provider whose calls cost nothing."""

    def configure(self, req: Any) -> None:
        """Nothing to set."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Whatever is asked is right."""
        return CheckResult(news)

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """No opinion."""
        return DiffResult()

    def create(self, props: dict[str, Any]) -> CreateResult:
        """An object that is its inputs."""
        return CreateResult(props["title"], props)

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """It becomes its inputs."""
        return UpdateResult(news)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """It is as recorded."""
        return ReadResult(id_, props)

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Nothing to end."""


class FreeSource:
    """Serves `FreeProvider` for every type."""

    def constants(self, type_: str) -> dict[str, Any]:
        """None."""
        return {}

    def provider_for(self, type_: str, inputs: Any, config: Any, *, explicit: bool = False) -> FreeProvider:
        """The provider."""
        return FreeProvider()


# --- phases -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cost:
    """What a phase took."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    bytes_written: int


def floor(count: int) -> None:
    """The program against a monitor that keeps nothing."""
    from google.protobuf import empty_pb2
    from pulumi.runtime.proto import resource_pb2

    from engine import program as runner

    class Nothing:
        def GetDeploymentInfo(self, _request: Any) -> Any:
            return resource_pb2.DeploymentInfo(project="bench", stack="dev", supportedFeatures=[0, 1, 2, 4, 5, 6])

        def RegisterResource(self, request: Any) -> Any:
            return resource_pb2.RegisterResourceResponse(
                urn=f"urn:pulumi:dev::bench::{request.type}::{request.name}",
                id=request.name if request.custom else "",
                object=request.object,
            )

        def RegisterResourceOutputs(self, _request: Any) -> Any:
            return empty_pb2.Empty()

        def SignalAndWaitForShutdown(self, _request: Any) -> Any:
            return empty_pb2.Empty()

        def Log(self, _request: Any) -> None:
            return None

    monitor = Nothing()
    run = runner.Evaluation(program=program(count), project="bench", stack="dev", root=Path.cwd())
    runner.run(run, monitor, monitor, sys.stdout, sys.stderr)


def stack(folder: Path, count: int) -> Any:
    """The benchmark's stack, its record in `folder`."""
    from engine.stack import Stack
    from engine.state import open_backend
    from engine.state.backend import StackName

    backend = open_backend(f"sqlite:///{folder}/state.db")
    name = StackName("bench", "dev")
    record = backend.stack(name) if any(found.name == name for found in backend.stacks()) else backend.create(name)
    return Stack(
        name=name,
        record=record,
        program=program(count),
        root=folder,
        source=FreeSource(),
        seal=lambda _content: {},
        unseal=lambda snapshot: snapshot,
        exported=lambda _snapshot: b"",
        package_config=lambda _package: {},
        outputs_of=lambda _name: {},
    )


def run_phase(phase: str, folder: Path, count: int) -> Cost:
    """One phase in this process: what it took."""
    # As the command line does: a process that ends soon has no use for the collector.
    gc.disable()
    call = _phase(phase, folder, count)
    before = _written()
    started, busy = time.perf_counter(), time.process_time()
    call()
    return Cost(
        seconds=time.perf_counter() - started,
        cpu_seconds=time.process_time() - busy,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        bytes_written=_written() - before,
    )


def _phase(phase: str, folder: Path, count: int) -> Callable[[], object]:
    from engine import deployment, monitor  # noqa: F401  (imports are not what is measured, nor is their memory)
    from engine.run import Choices

    if phase == "floor":
        return lambda: floor(count)
    operation: Callable[..., object] = {
        "preview": deployment.preview,
        "up": deployment.up,
        "preview-unchanged": deployment.preview,
        "refresh": deployment.refresh_record,
        "destroy": deployment.destroy,
    }[phase]
    target, choices = stack(folder, count), Choices(skip_preview=True)
    return lambda: operation(target, choices, lambda _event: None)


def _written() -> int:
    text = Path("/proc/self/io").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("wchar")).split()[1])


def measured(count: int, repeat: int) -> Mapping[str, Cost]:
    """What each phase takes, medians over some runs."""
    runs: dict[str, list[Cost]] = {phase: [] for phase in PHASES}
    for _ in range(repeat):
        with tempfile.TemporaryDirectory(dir=".") as folder:
            for phase in PHASES:
                runs[phase].append(_in_child(phase, Path(folder).resolve(), count))
    return {phase: _median(costs) for phase, costs in runs.items()}


def _in_child(phase: str, folder: Path, count: int) -> Cost:
    """`run_phase` in a process of its own, whose error is raised here."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as child:
        return child.submit(run_phase, phase, folder, count).result()


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(*map(statistics.median, zip(*map(astuple, costs), strict=True)))


# --- the command ------------------------------------------------------------------------------------------------------


def line(phase: str, count: int, cost: Cost, base: Cost) -> dict[str, Any]:
    """What is printed of a phase; `base` is the floor."""
    return {
        "phase": phase,
        "resources": count,
        "seconds": round(cost.seconds, 3),
        "cpu_seconds": round(cost.cpu_seconds, 3),
        "ms_per_resource": round(cost.seconds / count * 1000, 4),
        "ratio_to_floor": round(cost.seconds / base.seconds, 2),
        "cpu_ratio_to_floor": round(cost.cpu_seconds / base.cpu_seconds, 2),
        "peak_mb": round(cost.peak_mb, 1),
        "kb_per_resource_over_floor": round((cost.peak_mb - base.peak_mb) * 1024 / count, 1),
        "bytes_written": int(cost.bytes_written),
        "bytes_per_resource": round(cost.bytes_written / count),
    }


def main() -> None:
    """Run all phases and print a line for each."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--resources", type=int, default=5000)
    arguments.add_argument("--repeat", type=int, default=3)
    arguments.add_argument("--no-terraform", action="store_true", help="leave out Terraform's share (8 min at 5,000)")
    given = arguments.parse_args()
    costs = measured(given.resources, given.repeat)
    for phase, cost in costs.items():
        print(json.dumps(line(phase, given.resources, cost, costs["floor"])), flush=True)
    seconds = None if given.no_terraform else terraform.seconds_to_apply(given.resources, GROUP)
    if seconds is not None:
        ratio = round(seconds / costs["up"].seconds, 1)
        print(json.dumps({"phase": "terraform apply", "seconds": round(seconds, 3), "times_slower_than_up": ratio}))


if __name__ == "__main__":
    main()

"""How fast the engine is, against the floor that Pulumi's SDK sets and against Terraform on the same graph.

    python -m tests.bench.engine --resources 5000

prints one JSON line per phase: seconds (median over `--repeat` runs), peak memory, bytes written, and the ratio to the
floor. Each phase runs in a process of its own, so that memory is that phase's. The floor is the same program, run by
the same runner (collector off, calls inline) against a monitor that answers at once and keeps nothing.

The program: groups of ten resources, each with six properties, one of them an output of the resource before it in its
group. The provider costs nothing, so all that is measured is the engine and its record (on disk, synchronous=FULL).
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi

GROUP = 10
PHASES = ("floor", "preview", "up", "preview-unchanged", "destroy")


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

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> Any:
        """Whatever is asked is right."""
        from engine.core.contract import CheckResult

        return CheckResult(news)

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> Any:
        """No opinion."""
        from engine.core.contract import DiffResult

        return DiffResult()

    def create(self, props: dict[str, Any]) -> Any:
        """An object that is its inputs."""
        from engine.core.contract import CreateResult

        return CreateResult(props["title"], props)

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> Any:
        """It becomes its inputs."""
        from engine.core.contract import UpdateResult

        return UpdateResult(news)

    def read(self, id_: str, props: dict[str, Any]) -> Any:
        """It is as recorded."""
        from engine.core.contract import ReadResult

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
    run = runner.Run(program=program(count), project="bench", stack="dev", root=Path.cwd())
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
        package_config=lambda _package: {},
        outputs_of=lambda _name: {},
    )


def run_phase(phase: str, folder: Path, count: int) -> dict[str, Any]:
    """One phase in this process: what it took."""
    from engine import deployment, monitor  # noqa: F401  (imports are not what is measured)
    from engine.deployment import Choices

    # As the command line does: a process that ends soon has no use for the collector, nor for quick thread switches.
    gc.disable()
    choices = Choices(skip_preview=True)
    target = None if phase == "floor" else stack(folder, count)
    before = _written()
    started, busy = time.perf_counter(), time.process_time()
    if phase == "floor":
        floor(count)
    elif phase.startswith("preview"):
        deployment.preview(target, choices, lambda _event: None)
    elif phase == "up":
        deployment.up(target, choices, lambda _event: None)
    else:
        deployment.destroy(target, choices, lambda _event: None)
    return {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - busy,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "bytes_written": _written() - before,
    }


def _written() -> int:
    text = Path("/proc/self/io").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("wchar")).split()[1])


# --- Terraform on the same graph --------------------------------------------------------------------------------------


def terraform_program(count: int) -> Iterator[str]:
    """The same graph as `terraform_data` resources."""
    for number in range(count):
        size = "1" if number % GROUP == 0 else f"terraform_data.r{number - 1}.output.size"
        yield (
            f'resource "terraform_data" "r{number}" {{\n  input = {{ size = {size}, '
            f'title = "resource number {number}", '
            f'flavor = "bench.cpu.2u", enabled = true, labels = {{ team = "bench", number = "{number}" }}, '
            "ports = [8080, 8081] }\n}\n"
        )


def terraform(count: int) -> dict[str, Any] | None:
    """Seconds of `terraform apply`; None without a terraform on PATH."""
    binary = shutil.which("terraform")
    if binary is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "main.tf").write_text("".join(terraform_program(count)))
        quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "env": {**os.environ, "CHECKPOINT_DISABLE": "1"}}
        subprocess.run([binary, "init", "-input=false"], check=True, **quiet)
        started = time.perf_counter()
        subprocess.run([binary, "apply", "-auto-approve", "-input=false"], check=True, **quiet)
        return {"seconds": time.perf_counter() - started}


# --- the command ------------------------------------------------------------------------------------------------------


def in_child(phase: str, folder: Path, count: int) -> dict[str, Any]:
    """`run_phase` in a fresh process."""
    command = [sys.executable, "-m", "tests.bench.engine", "--resources", str(count), "--phase", phase, "--dir", folder]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Run all phases and print a line for each."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--resources", type=int, default=5000)
    arguments.add_argument("--repeat", type=int, default=3)
    arguments.add_argument("--no-terraform", action="store_true")
    arguments.add_argument("--phase", choices=PHASES, help=argparse.SUPPRESS)
    arguments.add_argument("--dir", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.phase:
        print(json.dumps(run_phase(given.phase, given.dir, given.resources)))
        return
    runs: dict[str, list[dict[str, Any]]] = {phase: [] for phase in PHASES}
    for _ in range(given.repeat):
        with tempfile.TemporaryDirectory(dir=".") as folder:
            for phase in PHASES:
                runs[phase].append(in_child(phase, Path(folder).resolve(), given.resources))
    base = statistics.median(run["seconds"] for run in runs["floor"])
    base_memory = statistics.median(run["peak_mb"] for run in runs["floor"])
    seconds: dict[str, float] = {}
    for phase in PHASES:
        seconds[phase] = statistics.median(run["seconds"] for run in runs[phase])
        memory = statistics.median(run["peak_mb"] for run in runs[phase])
        line = {
            "phase": phase,
            "resources": given.resources,
            "seconds": round(seconds[phase], 3),
            "ms_per_resource": round(seconds[phase] / given.resources * 1000, 4),
            "ratio_to_floor": round(seconds[phase] / base, 2),
            "peak_mb": round(memory, 1),
            "kb_per_resource_over_floor": round((memory - base_memory) * 1024 / given.resources, 1),
            "bytes_written": int(statistics.median(run["bytes_written"] for run in runs[phase])),
        }
        line["bytes_per_resource"] = round(line["bytes_written"] / given.resources)
        print(json.dumps(line), flush=True)
    if not given.no_terraform:
        other = terraform(given.resources)
        if other is not None:
            ratio = round(other["seconds"] / seconds["up"], 1)
            print(json.dumps({"phase": "terraform apply", **other, "times_slower_than_up": ratio}))


if __name__ == "__main__":
    main()

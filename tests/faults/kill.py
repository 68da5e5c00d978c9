"""Kills the real thing: `workstead up` and `destroy` die of SIGKILL at random moments, run again, and nothing is lost.

    python -m tests.faults.kill --rounds 20 --seed 1

Each round makes the stack of `tests.faults.things` (thirty resources over all clouds) what another generation of the
program wants, or destroys it, with real processes on the real emulators. The process is killed in the middle, in some
rounds the one after it too; then the command runs to its end. Afterwards what the emulators hold is compared with the
record, object by object, and after an up a look at every object must find nothing to do. Some rounds lose answers,
throttle, or answer late; in some the clouds live in the killed process and die with it, in the others they go on and
finish what they were asked.

Prints one line for pipelines, `rounds=… kills=… orphans=0 duplicates=0 unsettled=0`; exits 1 if anything is not zero,
and leaves the project's folder for whoever wants to look.

    orphans      objects in a cloud that the record does not know, or recorded ones that are nowhere
    duplicates   objects of the same type and name, or recorded twice
    unsettled    pending operations, rows that wait for a delete or are unfinished, changes that a look at it finds
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from engine.core.model import ResourceState, Snapshot, is_provider_type
from engine.state import open_backend
from engine.state.backend import StackName
from providers import clouds
from providers.dataforest import emulator as dataforest
from providers.emulation import FILE_NAME, CloudFile
from providers.modelarts import emulator as modelarts
from providers.sagemaker import emulator as sagemaker
from tests.workstead import Done, Folder, clean_environment

STACK: Final = StackName("faults", "dev")
SPEEDS: Final = ("instant", "fast")
ACTING: Final = (" creating", " updating", " deleting")
COMMANDS: Final = {"up": ("up", "-s", "dev", "-y"), "destroy": ("destroy", "-s", "dev", "-y")}


@dataclass
class Found:
    """What the rounds came to."""

    rounds: int = 0
    kills: int = 0
    orphans: int = 0
    duplicates: int = 0
    unsettled: int = 0
    moments: Counter[str] = field(default_factory=Counter)

    @property
    def is_clean(self) -> bool:
        """Is nothing lost, and nothing there twice?"""
        return not (self.orphans or self.duplicates or self.unsettled)

    def __str__(self) -> str:
        names = ("rounds", "kills", "orphans", "duplicates", "unsettled")
        return " ".join(f"{name}={getattr(self, name)}" for name in names)


class CommandFailedError(Exception):
    """A command that nothing disturbed did not end well."""


# --- the project and its clouds ---------------------------------------------------------------------------------------


@contextmanager
def serving(folder: Folder, speed: str) -> Iterator[dict[str, str]]:
    """Clouds of their own process, on the project's file: cloud name → base URL."""
    server = subprocess.Popen(
        folder.command("cloud", "serve", "--speed", speed),
        cwd=folder.path,
        env=folder.environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())
    finally:
        server.terminate()
        server.communicate()


def settings(generation: int, urls: dict[str, str] | None) -> str:
    """The stack's file; without URLs the clouds live in the command's own process."""
    values: dict[str, object] = {"faults:generation": str(generation), "sagemaker:region": "eu-west-1"}
    if urls is None:
        values["workstead:emulate"] = "true"
    else:
        for cloud, keys in (("dataforest", dataforest), ("modelarts", modelarts), ("sagemaker", sagemaker)):
            values[f"{cloud}:endpoint"] = urls[cloud]
            values[f"{cloud}:accessKey"] = keys.ACCESS_KEY
            values[f"{cloud}:secretKey"] = keys.SECRET_KEY
        values["modelarts:iamEndpoint"] = urls["modelarts"]
        values["modelarts:region"] = modelarts.REGION
        values["modelarts:projectId"] = modelarts.PROJECT_ID
    return json.dumps({"config": values}, indent=2)


@dataclass(frozen=True)
class Moment:
    """When a process dies: so many seconds after it has told the beginning of so many steps (0: after its start)."""

    lines: int
    seconds: float

    @classmethod
    def any_of(cls, chance: random.Random) -> Moment:
        """Mostly in the midst of calls, now and then while it starts, reads, plans or settles."""
        if chance.random() < 0.15:
            return cls(0, chance.uniform(0.3, 2.0))
        return cls(chance.randint(1, 20), chance.choice((0.0, chance.uniform(0, 0.05), chance.uniform(0, 0.5))))


class Project:
    """The stack under test, in a folder of its own."""

    def __init__(self, path: Path) -> None:
        self.folder = Folder(path / "project", clean_environment(path / "home"))
        self.folder.write(Pulumi__yaml=f"name: {STACK.project}\nruntime: python\n")
        shutil.copy(Path(__file__).with_name("program.py"), self.folder.path / "__main__.py")
        self.file = CloudFile(self.folder.path / ".workstead" / FILE_NAME)

    def want(self, generation: int, urls: dict[str, str] | None) -> None:
        """Set the stack's file."""
        self.folder.write(Pulumi__dev__yaml=settings(generation, urls))

    def run(self, *command: str, speed: str) -> Done:
        """A command that nothing disturbs. Raises CommandFailedError when it does not end well."""
        done = self.folder.run(*command, timeout=300, WORKSTEAD_EMULATE_SPEED=speed)
        if done.code:
            raise CommandFailedError(f"{' '.join(command)} ended with {done.code}\n{done.out}\n{done.err}")
        return done

    def killed(self, command: tuple[str, ...], speed: str, moment: Moment) -> str:
        """Run a command and kill it at that moment; what it last said, empty if it was done before."""
        said = ["nothing yet"]
        due = threading.Event()
        if not moment.lines:
            due.set()

        def listen(stderr: IO[str]) -> None:
            lines = 0
            for line in stderr:
                said.append(line.strip())
                lines += any(word in line for word in ACTING)
                if lines == moment.lines:
                    due.set()
            due.set()

        environ = {**self.folder.environ, "WORKSTEAD_EMULATE_SPEED": speed}
        with subprocess.Popen(
            self.folder.command(*command),
            cwd=self.folder.path,
            env=environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            listener = threading.Thread(target=listen, args=(process.stderr,))
            listener.start()
            due.wait()
            try:
                process.wait(moment.seconds)
            except subprocess.TimeoutExpired:
                process.kill()
            listener.join()
        return said[-1] if process.returncode < 0 else ""


# --- comparing --------------------------------------------------------------------------------------------------------


def snapshot_of(project: Project) -> Snapshot:
    """The record."""
    backend = open_backend(f"sqlite:///{project.folder.path}/.workstead/state.db")
    try:
        return backend.stack(STACK).load()
    finally:
        backend.close()


def cloud_of(state: ResourceState) -> str:
    """The cloud of a resource's type; empty for what lives in no cloud."""
    return next((name for name, cloud in clouds().items() if state.type in cloud.types), "")


def compare(project: Project, found: Found) -> list[str]:
    """Count what does not agree between clouds and record, and tell it."""
    snapshot = snapshot_of(project)
    objects = project.file.objects()
    there = Counter((row["cloud"], row["id"]) for row in objects)
    known = Counter((cloud_of(row), row.id) for row in snapshot.resources if row.id and cloud_of(row))
    problems = [f"orphan: {cloud} {id_}" for cloud, id_ in (there - known).elements()]
    problems += [f"recorded, but nowhere: {cloud} {id_}" for cloud, id_ in (known - there).elements()]
    found.orphans += len(problems)
    twice = Counter((row["cloud"], row["type"], row["name"]) for row in objects if row["name"])
    twice += Counter(("record", row.type, row.urn) for row in snapshot.resources)
    doubles = [f"twice: {' '.join(what)}" for what, count in twice.items() if count > 1]
    found.duplicates += len(doubles)
    open_ends = [f"pending: {operation.kind} {operation.resource.urn}" for operation in snapshot.pending]
    open_ends += [f"unfinished: {row.urn}" for row in snapshot.resources if is_unfinished(row)]
    found.unsettled += len(open_ends)
    return problems + doubles + open_ends


def is_unfinished(row: ResourceState) -> bool:
    """Is there still something to do about a recorded resource?"""
    return not is_provider_type(row.type) and bool(
        row.delete or row.pending_replacement or row.tainted or row.init_errors
    )


# --- rounds -----------------------------------------------------------------------------------------------------------


class Rounds:
    """The rounds of one seed."""

    def __init__(self, project: Project, urls: dict[str, dict[str, str]], chance: random.Random) -> None:
        self.project = project
        self.found = Found()
        self._urls = urls
        self._chance = chance
        self._generation = 0

    def one(self) -> list[str]:
        """One round; what is wrong after it."""
        chance = self._chance
        name = chance.choices(("up", "destroy"), (3, 1))[0] if snapshot_of_any(self.project) else "up"
        speed = chance.choices(SPEEDS, (3, 1))[0]
        if name == "up" and chance.random() < 0.8:
            self._generation += 1
        self.project.want(self._generation, self._urls[speed] if chance.random() < 0.75 else None)
        self._make_trouble()
        for _ in range(chance.choices((1, 2), (3, 1))[0]):
            last = self.project.killed(COMMANDS[name], speed, Moment.any_of(chance))
            if last:
                self.found.kills += 1
                self.found.moments[next((word for word in ACTING if word in last), " else").strip()] += 1
        self.project.file.clear_faults()
        self.project.run(*COMMANDS[name], speed=speed)
        self.found.rounds += 1
        return [*compare(self.project, self.found), *self._drift(name, speed)]

    def _drift(self, name: str, speed: str) -> list[str]:
        """What another look at every object finds to do."""
        if name == "destroy":
            return []
        preview = self.project.run("preview", "-s", "dev", "--refresh", "--json", speed=speed)
        changes = {op: count for op, count in preview.json["changeSummary"].items() if op != "same"}
        self.found.unsettled += len(changes)
        return [f"still to do: {changes}"] if changes else []

    def _make_trouble(self) -> None:
        """In some rounds a cloud is unkind as well."""
        chance, file = self._chance, self.project.file
        for cloud in clouds():
            match chance.randrange(6):
                case 0:
                    file.add_fault(cloud, "drop-after", times=chance.randint(1, 2))
                case 1:
                    file.add_fault(cloud, "throttle", times=chance.randint(1, 5))
                case 2:
                    file.add_fault(cloud, "slow", times=chance.randint(1, 6), seconds=chance.choice((0.3, 1.0)))


def snapshot_of_any(project: Project) -> bool:
    """Is anything recorded at all?"""
    return (project.folder.path / ".workstead/state.db").exists() and bool(snapshot_of(project).resources)


def run(rounds: int, seed: int, say: Any = lambda _line: None) -> Found:
    """That many rounds. Raises CommandFailedError; leaves its folder behind when something is wrong."""
    path = Path(tempfile.mkdtemp(prefix="workstead-kill-"))
    project = Project(path)
    with ExitStack() as block:
        block.callback(project.file.close)
        urls = {speed: block.enter_context(serving(project.folder, speed)) for speed in SPEEDS}
        them = Rounds(project, urls, random.Random(seed))
        for number in range(1, rounds + 1):
            problems = them.one()
            say(f"{number}/{rounds} {them.found} ({', '.join(f'{n} {w}' for w, n in them.found.moments.items())})")
            for problem in problems:
                say(f"  seed {seed}, round {number}: {problem} (see {path})")
            if problems:
                return them.found
    shutil.rmtree(path)
    return them.found


def main() -> None:
    """The command."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    try:
        found = run(given.rounds, given.seed, lambda line: print(line, file=sys.stderr, flush=True))
    except CommandFailedError as error:
        sys.exit(f"seed {given.seed}: {error}")
    print(found)
    sys.exit(0 if found.is_clean else 1)


if __name__ == "__main__":
    main()

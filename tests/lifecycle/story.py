"""A small interpreter for stories: program v1 → command → program v2 → crash → command, told as a transcript.

A `Story` is a stack over the cloud of things (`tests.builders`) whose whole surroundings are listened to: the journal
(every begin and end), the cloud (every call), the watcher (every event a person could see). What each command did is
appended to `text`, which a test compares with a golden file, asserts on, or both.

Deaths are simulated at the edge: from a chosen *moment* on (one before and one after each write of the journal and each
call to the cloud) journal and cloud refuse everything, as if the process had been killed there. What the dying engine
still does inside does not matter, because nothing of it gets out; `live` lets the next command run again.

Lines are in the order things happened. Only what the program's own thread tells meanwhile (unchanged resources, printed
lines) has no fixed place between the executor's doings, so it stands in front of them; and what is said of a resource
may come from either thread, so it stands with its step. With `parallel` 1 that makes transcripts repeatable.
"""

from __future__ import annotations

import inspect
import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pulumi

from engine import deployment
from engine.adoption import Wanted
from engine.core import events, paths
from engine.core.contract import CALL, DiffResult, ReadResult
from engine.core.diff import Change, Kind
from engine.core.errors import CloudError, LeaseLostError, Severity, WorksteadError
from engine.core.model import Begin, Drop, End, Entry, Put, ResourceState, Snapshot, problems, urn_name
from engine.core.plan import Plan, Step
from engine.core.values import from_plain, mask, open_envelope, to_plain
from engine.run import Choices, Outcome
from engine.stack import Stack
from engine.state.backend import Deployment, Holder
from engine.state.memory import MemoryBackend
from engine.stop import Stop
from tests.builders import PROJECT, STACK, THING, StackName, ThingCloud, ThingProvider, ThingSource, make_stack

ME = Holder("ada", "here", 4711, "")


class Thing(pulumi.CustomResource):
    """A thing, as a program declares it. Its cloud name is the resource's unless `called` says otherwise."""

    serial: pulumi.Output[str]
    size: pulumi.Output[int]

    def __init__(self, name: str, *, called: str | None = None, opts: Any = None, **inputs: Any) -> None:
        super().__init__(THING, name, {"name": called or name, **inputs, "serial": None}, opts)


class Known(pulumi.CustomResource):
    """A thing that is only looked up."""

    serial: pulumi.Output[str]
    size: pulumi.Output[int]

    def __init__(self, name: str, id_: str, opts: Any = None) -> None:
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id_))
        super().__init__(THING, name, {"serial": None, "size": None}, opts)


class Group(pulumi.ComponentResource):
    """A component that registers no outputs by itself."""

    def __init__(self, name: str, opts: Any = None, **inputs: Any) -> None:
        super().__init__("test:index:Group", name, inputs, opts)


class StoryProvider(ThingProvider):
    """The provider of things, which also tells of lookups and says that a name is free only after a delete."""

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """As ever; and whatever the reason of a replacement, two things cannot have one name."""
        result = super().diff(id_, olds, news)
        return replace(result, delete_before_replace=olds.get("name") == news.get("name"))

    def find(self, props: dict[str, Any]) -> ReadResult:
        """By its name."""
        self.cloud.calls.append(("find", str(props.get("name"))))
        self.cloud.fail("find", str(props.get("name")), "before")
        return super().find(props)


class _Calls(list[tuple[str, str]]):
    """The cloud's list of calls; each is told when it comes in."""

    def __init__(self, told: Callable[[str], None]) -> None:
        super().__init__()
        self._told = told

    def append(self, call: tuple[str, str]) -> None:
        super().append(call)
        self._told(f"cloud    {call[0]} {call[1]}")


class _Record:
    """The stack's record; its leases tell what is written, and can die."""

    def __init__(self, story: Story, inner: Any) -> None:
        self._story = story
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def acquire(self, holder: Holder, seconds: float = 30.0, seal: Any = None) -> _Lease:
        return _Lease(self._story, self._inner.acquire(holder, seconds, seal))


class _Lease:
    """The journal as a story sees it."""

    def __init__(self, story: Story, inner: Any) -> None:
        self._story = story
        self._inner = inner
        self._begun: dict[int, str] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def start(self, started: Deployment) -> Deployment:
        self._story.moment(f"start {started.kind}")
        return self._inner.start(started)

    def record(self, entries: Sequence[Entry]) -> Sequence[int]:
        what = "; ".join(self._described(entry) for entry in entries)
        self._story.moment(f"before {what}")
        tokens = self._inner.record(entries)
        fresh = iter(tokens)
        for entry in entries:
            self._story.tell(f"journal  {self._described(entry)}")
            if isinstance(entry, Begin):
                self._begun[next(fresh)] = f"{entry.kind} {name_of(entry.state.urn)}"
        self._story.moment(f"after {what}")
        return tokens

    def begin(self, kind: Any, state: ResourceState) -> int:
        return self.record([Begin(kind, state)])[0]

    def end(self, token: int | None, writes: Sequence[Any]) -> None:
        self.record([End(token, tuple(writes))])

    def finish(self, result: str, changes: Mapping[str, int]) -> None:
        self._story.moment("finish")
        self._inner.finish(result, changes)
        self._story.tell(f"journal  finish {result}{_counts(changes, ' ')}")

    def _described(self, entry: Entry) -> str:
        if isinstance(entry, Begin):
            return f"begin {entry.kind} {name_of(entry.state.urn)}"
        did = ", ".join(map(_write, entry.writes)) or "nothing"
        if entry.token is None:
            return f"write {did}"
        return f"end   {self._begun.get(entry.token, 'what was pending')}: {did}"


class Killed(LeaseLostError):
    """The process is dead: nothing of what it does gets out any more."""


class Story:
    """A stack, its cloud, and everything that happens to them as text."""

    def __init__(self, program: Any = None, *, parallel: int = 1, source: Any = None, **stack: Any) -> None:
        self.lines: list[str] = []
        self.events: list[events.Event] = []
        self.cloud = ThingCloud(calls=_Calls(self.tell), fail=self._fails)
        self.fail: Callable[[str, str, str], None] = lambda _operation, _name, _moment: None
        self.backend = MemoryBackend()
        self.record = self.backend.create(StackName(PROJECT, STACK))
        self.program = program
        self.dies_at = 0
        self.moments = 0
        self.stop = Stop()
        self._beside: list[str] = []
        self._held: dict[str, list[str]] = {}
        self._acts: list[str] = []
        self._lock = threading.Lock()
        self._pass = 0
        self.stack = make_stack(
            self._declare,
            self.cloud,
            record=_Record(self, self.record),
            source=source or StorySource(self.cloud),
            holder=ME,
            parallel=parallel,
            **stack,
        )

    # --- what a test says ---------------------------------------------------------------------------------------------

    def note(self, text: str) -> None:
        """A line of the story between two commands."""
        self.lines += ["", f"# {text}"]

    def v(self, number: int, program: Any, what: str) -> None:
        """The program's next version."""
        self.program = program
        self.note(f"program v{number}: {what}")

    def with_program(self, file: Any) -> None:
        """Run this file or folder instead of a function."""
        self.stack = replace(self.stack, program=file)

    def with_config(self, config: Mapping[str, str], secret_keys: Iterable[str] = ()) -> None:
        """Settings of today."""
        self.stack = replace(
            self.stack,
            config=dict(config),
            secret_keys=tuple(secret_keys),
            package_config=lambda package: {
                key.partition(":")[2]: text for key, text in config.items() if key.startswith(f"{package}:")
            },
        )

    def preview(self, **choices: Any) -> Plan | None:
        """`workstead preview`."""
        return self._run("preview", deployment.preview, choices)

    def up(self, **choices: Any) -> Outcome | None:
        """`workstead up`."""
        return self._run("up", deployment.up, choices)

    def destroy(self, **choices: Any) -> Outcome | None:
        """`workstead destroy`."""
        return self._run("destroy", deployment.destroy, choices)

    def refresh(self, **choices: Any) -> Outcome | None:
        """`workstead refresh`."""
        return self._run("refresh", deployment.refresh_record, choices)

    def take_over(self, type_: str, name: str, id_: str) -> Outcome | None:
        """`workstead import TYPE NAME ID`."""

        def recipe(stack: Stack, choices: Choices, watch: events.Watcher, stop: Stop) -> Outcome:
            return deployment.import_objects(stack, choices, watch, [Wanted(type_, name, id_)], stop=stop)

        return self._run("import", recipe, {})

    def live(self) -> None:
        """After a death: the next command is a new process."""
        self.dies_at = self.moments = 0
        self.record._stack.holder = None  # a dead process's lease is taken over: `tests/contract/test_backend`'s story

    # --- what it tells ------------------------------------------------------------------------------------------------

    error: WorksteadError | None = None

    @property
    def text(self) -> str:
        """The transcript."""
        return "\n".join(line.rstrip() for line in self.lines).strip() + "\n"

    @property
    def snapshot(self) -> Snapshot:
        """The record now."""
        return self.record.load()

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The stack's recorded outputs, secrets opened."""
        return {name: from_plain(value) for name, value in self.snapshot.stack_outputs.items()}

    def row(self, name: str) -> ResourceState:
        """The live recorded state of a resource."""
        return next(state for state in self.snapshot.resources if state.name == name and not state.delete)

    def names(self) -> list[str]:
        """The names of what is recorded, but for the root and default providers."""
        return [state.name for state in self.snapshot.resources if name_of(state.urn) not in ("stack", "provider")]

    def steps(self, preview: bool = False) -> list[tuple[str, str]]:
        """(op, name) of the steps that ended in the last command, in order."""
        return [
            (event.step.op.value, name_of(event.step.urn))
            for event in self.events
            if isinstance(event, events.StepEnded) and event.preview is preview
        ]

    def messages(self) -> list[str]:
        """What the last command said."""
        return [event.problem.summary for event in self.events if isinstance(event, events.Told)]

    def failed(self, name: str) -> events.StepFailed:
        """How the step of a resource failed in the last command."""
        return next(
            event for event in self.events if isinstance(event, events.StepFailed) and name_of(event.step.urn) == name
        )

    # --- listening ----------------------------------------------------------------------------------------------------

    def tell(self, line: str) -> None:
        """Something happened."""
        with self._lock:
            self._acts.append(f"    {line}")

    def moment(self, what: str) -> None:
        """A moment at which the process can die. Raises Killed from `dies_at` on."""
        with self._lock:
            self.moments += 1
            dead = self.dies_at and self.moments >= self.dies_at
            first = self.dies_at == self.moments
        if dead:
            if first:
                self.tell(f"killed   {what}")
            raise Killed(f"killed {what}")

    def _declare(self) -> Any:
        """What a short program returns does not matter, unless it is a coroutine."""
        result = self.program()
        return result if inspect.isawaitable(result) else None

    @property
    def dead(self) -> bool:
        """Has the process been killed?"""
        return bool(self.dies_at) and self.moments >= self.dies_at

    def _fails(self, operation: str, name: str, when: str) -> None:
        try:
            self.moment(f"{when} {operation} {name}")
        except Killed as killed:
            raise CloudError("no answer", uncertain=True) from killed
        self.fail(operation, name, when)

    def _run(self, command: str, recipe: Callable[..., Any], choices: dict[str, Any]) -> Any:
        told = " ".join(f"--{name.replace('_', '-')}" for name, value in choices.items() if value is True)
        self.lines += ["", f"$ {command} {told}".rstrip()]
        self.events, self._acts, self._beside, self._held = [], [], [], {}
        self.error = None
        main = threading.current_thread()
        result: Any = None

        def watch(event: events.Event) -> None:
            self.events.append(event)
            if isinstance(event, events.Began):
                self._flush()
                self._beside.append(f"  {event.operation}{' (preview)' if event.preview else ''}")
            elif (line := _line(event)) is not None:
                beside = threading.current_thread() is main and not isinstance(event, events.Settled)
                with self._lock:
                    if isinstance(event, events.Told) and event.problem.urn:
                        # Told by whichever thread was the last one it took to decide; so it stands with the step.
                        self._held.setdefault(event.problem.urn, []).append(f"    {line}")
                        return
                    lines = self._beside if beside and _is_beside(event) else self._acts
                    if isinstance(event, events.StepEnded | events.StepFailed):
                        lines += self._held.pop(event.step.urn, [])
                    lines.append(f"    {line}")

        try:
            result = recipe(self.stack, Choices(**choices), watch, self.stop)
        except WorksteadError as error:
            self.error = error
        self._flush()
        if self.dead:
            self.lines.append("  ☠")
        elif self.error is not None:
            self.lines.append(f"  {type(self.error).__name__} (exit {self.error.exit_code}): {self.error.summary}")
        elif isinstance(result, Outcome):
            self.lines.append(f"  {result.result}{_counts(result.counts, ': ')}")
        self.lines += [f"  {line}" for line in self._recorded()]
        return result

    def _flush(self) -> None:
        with self._lock:
            held = [line for urn in sorted(self._held) for line in self._held[urn]]
            self.lines += [*self._beside, *self._acts, *held]
            self._beside, self._acts, self._held = [], [], {}

    def _recorded(self) -> list[str]:
        """The record after a command, one row a line; complains when it is not whole."""
        snapshot = self.snapshot
        lines = [f"record   {line}" for state in snapshot.resources if (line := _row(state)) is not None]
        lines += [f"pending  {each.kind} {name_of(each.resource.urn)}" for each in snapshot.pending]
        lines += [f"BROKEN   {name_of(problem.urn)}: {problem.summary}" for problem in problems(snapshot)]
        return lines


class StorySource(ThingSource):
    """Things from the story's provider."""

    def __init__(self, cloud: ThingCloud, providers: Mapping[str, Any] | None = None) -> None:
        super().__init__(cloud, providers)
        self.provider = StoryProvider(cloud)


# --- words ------------------------------------------------------------------------------------------------------------


def name_of(urn: str) -> str:
    """A short name: `stack` for the root, `provider` for default providers."""
    if "::pulumi:pulumi:Stack::" in urn:
        return "stack"
    if "::pulumi:providers:" in urn and urn_name(urn).startswith("default"):
        return "provider"
    return urn_name(urn)


def _is_beside(event: events.Event) -> bool:
    """Does it have no fixed place between the executor's doings? In a preview the executor does next to nothing."""
    if isinstance(event, events.StepEnded):
        return not event.preview and not event.step.op.deletes
    return isinstance(event, events.StepSkipped | events.Told)


def _line(event: events.Event) -> str | None:
    """What a transcript says of an event; None for those that say nothing new."""
    if isinstance(event, events.StepEnded):
        return None if event.step.internal else f"{event.step.op:<8} {_why(event.step)}"
    if isinstance(event, events.StepFailed):
        left = " (recorded unfinished)" if event.recorded else ""
        return f"failed   {event.step.op} {name_of(event.step.urn)}{left}: {event.problem.summary}"
    if isinstance(event, events.StepSkipped):
        return f"skipped  {name_of(event.step.urn)} because of {name_of(event.cause) if event.cause else 'the stop'}"
    if isinstance(event, events.StepProgressed):
        return f"progress {name_of(event.step.urn)}: {event.text}"
    if isinstance(event, events.Settled):
        return f"settled  {event.kind} {name_of(event.urn)}: {event.outcome}"
    if isinstance(event, events.Told):
        problem = event.problem
        place = f"{name_of(problem.urn)}: " if problem.urn else ""
        return f"{'said' if problem.severity is Severity.INFO else problem.severity.value:<9}{place}{problem.summary}"
    if isinstance(event, events.OutputsKnown) and dict(event.old) != dict(event.new):
        return f"outputs  {_json(event.new)}"
    return None


def _why(step: Step) -> str:
    reason = step.reason
    causes = [*reason.properties, *map(name_of, reason.urns), *([reason.note] if reason.note else [])]
    text = f"{name_of(step.urn)} ({reason.why}{': ' + ', '.join(causes) if causes else ''})"
    return text + "".join(f" {_sign(change)}" for change in step.changes)


_SIGNS = {Kind.ADD: "+", Kind.DELETE: "-", Kind.UPDATE: "~"}


def _sign(change: Change) -> str:
    plain = Kind(change.kind.value.removesuffix("-replace"))
    return f"{_SIGNS[plain]}{paths.show(change.path)}{'!' if change.kind.replaces else ''}"


def _row(state: ResourceState) -> str | None:
    if name_of(state.urn) == "provider":
        return None
    marks = [
        name
        for name, value in (
            ("external", state.external),
            ("delete", state.delete),
            ("pending replacement", state.pending_replacement),
            ("tainted", state.tainted),
            ("protect", state.options.protect),
            (f"unfinished: {'; '.join(state.init_errors)}", state.init_errors),
        )
        if value
    ]
    text = f"{name_of(state.urn)} {state.id}".rstrip() + "".join(f" [{mark}]" for mark in marks)
    return f"{text} {_json(state.outputs)}" if state.outputs else text


def _write(write: Put | Drop) -> str:
    if isinstance(write, Drop):
        return f"drop {name_of(write.urn)}"
    state = write.state
    marks = [
        *(["pending replacement"] if state.pending_replacement else []),
        *(["delete"] if state.delete else []),
        *(["unfinished"] if state.init_errors else []),
    ]
    return f"put {name_of(state.urn)}" + "".join(f" [{mark}]" for mark in marks)


def _counts(counts: Mapping[Any, int], before: str) -> str:
    text = ", ".join(f"{number} {getattr(op, 'value', op)}" for op, number in counts.items())
    return f"{before}{text}" if text else ""


def _json(properties: Mapping[str, Any]) -> str:
    plain = to_plain(mask(dict(properties)), open_envelope)
    text = json.dumps(plain, sort_keys=True, ensure_ascii=False)
    return text.replace('"04da6b54-80e4-46f7-96ec-b56ff0331ba9"', "?")


def slow(call_until: threading.Event, progress: str = "waiting") -> None:
    """A provider that waits until the event, looking at its call's context as providers do."""
    while not call_until.is_set():
        CALL.get().pause(0.005, progress)

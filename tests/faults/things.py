"""Programs of the simulation: some resources, what they ask for, and how they follow from one another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from engine.answers import Carried, Predicted
from engine.core.errors import ProgramError
from engine.core.model import PROVIDER_TYPE_PREFIX, STACK_TYPE, Goal, Options, make_urn
from engine.core.values import UNKNOWN
from engine.monitor import Answer
from engine.promise import Promise
from tests.builders import PROJECT, STACK
from tests.faults.cloud import MARKED, NAMED

ROOT = make_urn(STACK, PROJECT, "", STACK_TYPE, f"{PROJECT}-{STACK}")
PROVIDER = make_urn(STACK, PROJECT, "", PROVIDER_TYPE_PREFIX + "sim", "default")


@dataclass(frozen=True, slots=True)
class Thing:
    """One resource.

    `tag` and `bound` name other resources, whose serials are inputs: a change of the former updates, one of the latter
    replaces. `after` is a mere order, `called` the name in the cloud (by default the resource's own).
    """

    name: str
    type: str = NAMED
    size: int = 1
    shape: str = "round"
    called: str = ""
    tag: str = ""
    bound: str = ""
    after: tuple[str, ...] = ()
    deleted_with: str = ""
    delete_first: bool | None = None
    import_id: str = ""

    def but(self, **changes: Any) -> Thing:
        """This one with something changed."""
        return replace(self, **changes)

    @property
    def urn(self) -> str:
        """Its URN."""
        return make_urn(STACK, PROJECT, ROOT, self.type, self.name)

    @property
    def needs(self) -> set[str]:
        """The resources that come before it."""
        return {name for name in (self.tag, self.bound, self.deleted_with, *self.after) if name}

    def inputs(self, serial: Callable[[str], Any]) -> dict[str, Any]:
        """What it asks for; `serial` knows those of the others."""
        name = {} if self.type == MARKED else {"name": self.called or self.name}
        made_from = {key: serial(of) if of else "" for key, of in (("tag", self.tag), ("bound", self.bound))}
        return {**name, "size": self.size, "shape": self.shape, **made_from}


Program = tuple[Thing, ...]


class Declaring:
    """One evaluation of a program: each resource is registered once those it follows from are there."""

    def __init__(self, program: Program, answers: Predicted | Carried, advance: Callable[[], None]) -> None:
        self._program = program
        self._answers = answers
        self._advance = advance
        self._urns = {thing.name: thing.urn for thing in program}
        self._there: dict[str, Answer] = {}
        self._errors: list[BaseException] = []

    def run(self) -> None:
        """Evaluate it. Raises what went wrong first."""
        self._settle("", self._answers.settle(Goal(urn=ROOT, type=STACK_TYPE, custom=False, inputs={})))
        provider = self._answers.settle_now(
            Goal(urn=PROVIDER, type=PROVIDER_TYPE_PREFIX + "sim", custom=True, inputs={}, parent="")
        )
        assert provider.state is not None
        reference = f"{PROVIDER}::{provider.state.id or UNKNOWN.sentinel}"
        left = list(self._program)
        while left or len(self._there) <= len(self._program):
            ready = [thing for thing in left if thing.needs <= self._there.keys()]
            for thing in ready:
                left.remove(thing)
                self._settle(thing.name, self._answers.settle(self._goal(thing, reference)))
                self._raise()
            if not ready and len(self._there) <= len(self._program):
                self._advance()
                self._raise()
        self._answers.outputs(ROOT, {thing.name: self._serial(thing.name) for thing in self._program})

    def _raise(self) -> None:
        if self._errors:
            raise self._errors[0]

    def _settle(self, name: str, answer: Answer | Promise[Answer]) -> None:
        def there(answer: Answer | None, error: BaseException | None) -> None:
            if error is not None:
                self._errors.append(error)
            self._there[name] = answer or Answer(None, ok=False)

        if isinstance(answer, Promise):
            answer.then(there)
        else:
            there(answer, None)
            if not answer.ok and isinstance(self._answers, Predicted):
                raise ProgramError("a resource cannot be planned")

    def _serial(self, name: str) -> Any:
        state = self._there[name].state
        return UNKNOWN if state is None else state.outputs.get("serial", UNKNOWN)

    def _goal(self, thing: Thing, provider: str) -> Goal:
        by_property = {key: (self._urns[of],) for key, of in (("tag", thing.tag), ("bound", thing.bound)) if of}
        dependencies = [self._urns[name] for name in (thing.tag, thing.bound, *thing.after) if name]
        return Goal(
            urn=thing.urn,
            type=thing.type,
            custom=True,
            inputs=thing.inputs(self._serial),
            parent=ROOT,
            provider=provider,
            dependencies=tuple(dict.fromkeys(dependencies)),
            property_dependencies=by_property,
            options=Options(deleted_with=self._urns[thing.deleted_with] if thing.deleted_with else ""),
            delete_before_replace=thing.delete_first,
            import_id=thing.import_id,
        )

"""What a run comes to: the sections that text and live views end with.

`Account` listens to a run and gives, when it has ended, the sections of spec section 14 in Pulumi's order, each only if
there is something in it: the plan of a preview (`Changes:`), `Diagnostics:`, `Outputs:`, `Resources:`, `Duration:`.

Left to others: what is said while the run goes on (`text`, `live`), one step of the plan (`outline`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.core import events
from engine.core.errors import Diagnostic, Severity
from engine.core.model import STACK_TYPE
from engine.core.plan import Op, Plan
from engine.views import words
from engine.views.outline import Show, plan_lines
from engine.views.printing import Ink, indented
from engine.views.tree import tree

_COUNT_ORDER = tuple(Op)
_NOT_COUNTED = frozenset({Op.SAME, Op.READ})


class Account:
    """The facts of the run that is going on; a new one begins with each `Began`."""

    def __init__(self) -> None:
        self._begin(None)

    def _begin(self, began: events.Began | None) -> None:
        self.began = began
        self.plan: Plan | None = None
        self.outputs: events.OutputsKnown | None = None
        self._problems: list[Diagnostic] = []
        self._skipped: dict[str, None] = {}

    def hear(self, event: events.Event) -> None:
        """Keep what the sections will need."""
        match event:
            case events.Began():
                self._begin(event)
            case events.Planned():
                self.plan = event.plan
            case events.OutputsKnown():
                self.outputs = event
            case events.Told():
                if event.problem.severity in (Severity.ERROR, Severity.WARNING):
                    self._problems.append(event.problem)
            case events.StepFailed():
                self._problems.append(event.problem)
            case events.StepSkipped():
                self._skipped[event.step.urn] = None

    def sections(self, ended: events.Ended, show: Show, ink: Ink) -> Iterator[str]:
        """The lines of all sections, an empty line after each."""
        duration = [] if ended.preview else [f"Duration: {words.duration_text(ended.seconds)}"]
        for section in (
            _titled("Changes:", self._changes(ended, show, ink), ink),
            _titled("Diagnostics:", self._diagnostics(ink), ink),
            _titled("Outputs:", self._outputs(ended, ink) if show.outputs else iter(()), ink),
            _titled("Resources:", self._resources(ended, ink), ink),
            duration,
        ):
            lines = list(section)
            while lines and not lines[-1]:
                lines.pop()
            if lines:
                yield from lines
                yield ""

    def _changes(self, ended: events.Ended, show: Show, ink: Ink) -> Iterator[str]:
        if ended.preview and self.plan is not None:
            yield from plan_lines(self.plan.steps, show, ink)

    def _diagnostics(self, ink: Ink) -> Iterator[str]:
        """Warnings and errors by resource; other messages have been shown as they came."""
        by_urn: dict[str, list[Diagnostic]] = {}
        for problem in self._problems:
            by_urn.setdefault(problem.urn, []).append(problem)
        for urn, problems in by_urn.items():
            yield f"  {self._owner(urn)}:"
            for problem in problems:
                first, *rest = words.told(problem)
                yield f"    {ink(words.colour(problem.severity), words.mark(problem.severity))}{first}"
                yield from indented(rest, 6)
            yield ""

    def _owner(self, urn: str) -> str:
        if not urn:
            began = self.began
            return f"{STACK_TYPE} ({began.project}-{began.stack})" if began else STACK_TYPE
        kind, name = words.type_and_name(urn)
        return f"{kind} ({name})"

    def _outputs(self, ended: events.Ended, ink: Ink) -> Iterator[str]:
        known = self.outputs
        if known is None:
            return
        # A preview of a stack that has outputs shows what would become of them; an up shows them all.
        unchanged = not ended.preview or not known.old
        yield from indented(tree(_base(known), known.new, ink, unchanged=unchanged), 2)

    def _resources(self, ended: events.Ended, ink: Ink) -> Iterator[str]:
        counts = ended.counts
        changed = [op for op in _COUNT_ORDER if counts.get(op) and op not in _NOT_COUNTED]
        for op in changed:
            look = words.OPS[op]
            word = f"to {look.planned}" if ended.preview else look.counted
            yield f"    {ink(look.colour, look.prefix)}{counts[op]:,} {word}"
        total = sum(counts[op] for op in changed)
        ends = [ink("bold", f"{total:,} changes")] if len(changed) > 1 else []
        if counts.get(Op.SAME):
            ends.append(f"{counts[Op.SAME]:,} unchanged")
        if ends:
            yield f"    {'. '.join(ends)}"
        errored = len({problem.urn for problem in self._problems if problem.severity is Severity.ERROR})
        if errored:
            yield f"    {ink('red', f'{errored:,} errored')}"
        if self._skipped:
            yield f"    {len(self._skipped):,} skipped because {'of that' if errored else 'the run stopped'}"


def _base(known: events.OutputsKnown) -> Mapping[str, Any]:
    """What new outputs are compared with; the first ones of a stack are not marked as additions."""
    return known.old or known.new


def _titled(title: str, lines: Iterator[str], ink: Ink) -> Iterator[str]:
    first = next(lines, None)
    if first is not None:
        yield ink("bold", title)
        yield first
        yield from lines

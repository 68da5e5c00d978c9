"""What a live view shows of a run: one row per resource, and which of them are worth a line just now.

Pure bookkeeping, fed by events. A run may have thousands of resources and a terminal has forty lines, so an event costs
the same whatever their number, and a look (`rows`) costs what it shows: failed and running rows are kept apart from
the rest, of the finished ones only the latest are remembered by name.

Left to others: drawing (`live`), words (`words`).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice

from engine.core import events
from engine.core.errors import Severity
from engine.core.model import STACK_TYPE
from engine.core.plan import Op, Step
from engine.views import words

_REMEMBERED = 200  # finished rows that may still be shown
_SURE_AFTER = 2  # finished steps of a kind before its time is taken for known
_Kind = tuple[str, Op]
_SAME_WORK = {Op.CREATE_REPLACEMENT: Op.CREATE, Op.REPLACE: Op.CREATE, Op.DELETE_REPLACED: Op.DELETE}


class Phase(Enum):
    """Where a row stands."""

    PLACE = "place"  # only there for the rows below it
    WAITING = "waiting"
    RUNNING = "running"
    FAILED = "failed"
    SKIPPED = "skipped"
    DONE = "done"
    SAME = "same"


@dataclass(slots=True, eq=False)
class Row:
    """One resource.

    `step` is its latest step, `planned` the one a plan promised, `replace` the one that speaks for a replacement as a
    whole once that is carried out. `began` is when `step` began, `seconds` what all finished ones took; `text` is what
    the provider or the failure says.
    """

    urn: str
    number: int
    parent: str = ""
    step: Step | None = None
    planned: Step | None = None
    replace: Step | None = None
    phase: Phase = Phase.PLACE
    began: float = 0.0
    seconds: float = 0.0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A row and where it stands in the tree of those shown: for each level above, whether that branch goes on."""

    row: Row
    branches: tuple[bool, ...]


@dataclass(slots=True)
class _Times:
    seconds: float = 0.0
    steps: int = 0


@dataclass(slots=True)
class Board:
    """The rows of one run. `ahead`: the steps a plan promised, as far as it is known."""

    rows_by_urn: dict[str, Row] = field(default_factory=dict)
    counts: Counter[Phase] = field(default_factory=Counter)
    _listed: dict[Phase, dict[str, Row]] = field(
        default_factory=lambda: {Phase.RUNNING: {}, Phase.FAILED: {}, Phase.WAITING: {}}
    )
    _ahead: Counter[_Kind] = field(default_factory=Counter)
    _recent: deque[Row] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _times: dict[_Kind, _Times] = field(default_factory=dict)

    # --- what becomes known -------------------------------------------------------------------------------------------

    def expect(self, steps: Iterable[Step]) -> None:
        """These steps are planned; what they leave as it is counts as nothing to wait for."""
        for step in steps:
            if step.internal:
                continue
            row = self._row(step.urn, step.state.parent)
            if step.op is Op.SAME:
                row.step = row.step or step
            elif row.phase is Phase.PLACE and step.op not in words.CARRY_OUT:
                row.step = row.planned = step
                self._ahead[_kind(step)] += 1
                self._move(row, Phase.WAITING)

    def hear(self, event: events.Event) -> None:
        """One event of the run."""
        match event:
            case events.Expected():
                for urn, parent in event.parents.items():
                    self._row(urn, parent)
            case events.StepBegan():
                if not event.step.internal:
                    self._begin(event.step, event.time)
            case events.StepProgressed():
                if not event.step.internal:
                    row = self._begin(event.step, event.time)
                    row.text = event.text
            case events.StepEnded():
                if not event.step.internal:
                    self._end(event)
            case events.StepFailed():
                row = self._begin(event.step, event.time)
                row.text = event.problem.summary
                self._move(row, Phase.FAILED)
            case events.StepSkipped():
                row = self._row(event.step.urn, event.step.state.parent)
                row.step = event.step
                row.text = f"because {words.place(event.cause)} failed" if event.cause else "because the run stopped"
                self._move(row, Phase.SKIPPED)
            case events.Told():
                row = self._listed[Phase.RUNNING].get(event.problem.urn)
                if row is not None and event.problem.severity is Severity.ERROR:
                    row.text = event.problem.summary
                    self._move(row, Phase.FAILED)

    def _row(self, urn: str, parent: str) -> Row:
        row = self.rows_by_urn.get(urn)
        if row is None:
            row = self.rows_by_urn[urn] = Row(urn, len(self.rows_by_urn))
        row.parent = parent or row.parent
        return row

    def _begin(self, step: Step, time: float) -> Row:
        row = self._row(step.urn, step.state.parent)
        if row.phase is not Phase.RUNNING or row.step is None or row.step.op is not step.op:
            row.began, row.text = time, ""
        row.step = step
        self._move(row, Phase.RUNNING)
        return row

    def _end(self, event: events.StepEnded) -> None:
        step = event.step
        row = self._row(step.urn, step.state.parent)
        spent = event.time - row.began if row.phase is Phase.RUNNING else 0.0
        row.seconds += spent
        if step.op not in (Op.SAME, Op.REPLACE) and not event.preview:
            times = self._times.setdefault(_kind(step), _Times())
            times.seconds += spent
            times.steps += 1
        if step.op is Op.REPLACE:
            row.replace = step
        row.step = row.replace or step
        row.text = ""
        self._move(row, Phase.SAME if step.op is Op.SAME else Phase.DONE)

    def _move(self, row: Row, phase: Phase) -> None:
        if row.phase is phase:
            return
        self.counts[row.phase] -= 1
        self.counts[phase] += 1
        if row.phase in self._listed:
            del self._listed[row.phase][row.urn]
        if phase in self._listed:
            self._listed[phase][row.urn] = row
        if row.phase is Phase.WAITING and row.planned is not None:
            self._ahead[_kind(row.planned)] -= 1
        row.phase = phase
        if phase in (Phase.DONE, Phase.SKIPPED):
            self._recent.append(row)

    # --- what to show -------------------------------------------------------------------------------------------------

    def rows(self, at_most: int) -> list[Drawn]:
        """The rows worth showing, in the order of the tree: failed, running, just finished, then those to come."""
        chosen: dict[str, Row] = {}
        for row in islice(self._candidates(), 4 * max(at_most, 1)):
            above = [other for other in self._above(row) if other.urn not in chosen]
            if row.urn not in chosen and len(chosen) + len(above) < at_most:
                chosen.update((other.urn, other) for other in above)
                chosen[row.urn] = row
            if len(chosen) >= at_most:
                break
        return list(_drawn(chosen))

    def _candidates(self) -> Iterator[Row]:
        yield from reversed(self._listed[Phase.FAILED].values())
        yield from self._listed[Phase.RUNNING].values()
        seen: set[str] = set()
        for row in reversed(self._recent):
            if row.phase in (Phase.DONE, Phase.SKIPPED) and row.urn not in seen:
                seen.add(row.urn)
                yield row
        yield from self._listed[Phase.WAITING].values()

    def _above(self, row: Row) -> list[Row]:
        """The rows a row stands under, the topmost first."""
        found: list[Row] = []
        parent = row.parent
        while parent and len(found) < 20 and all(parent != other.urn for other in found):
            above = self._row(parent, "")
            found.append(above)
            parent = above.parent
        return found[::-1]

    def hidden(self, drawn: Iterable[Drawn]) -> Mapping[Phase, int]:
        """How many rows of each phase are not among those shown."""
        left = Counter(self.counts)
        left.subtract(Counter(item.row.phase for item in drawn))
        return {phase: left[phase] for phase in Phase if left[phase] > 0 and phase not in (Phase.PLACE, Phase.SAME)}

    def seconds_ahead(self, now: float) -> float | None:
        """How long what is left will take, from what such steps took in this run; None as long as nobody can know."""
        running = [row for row in self._listed[Phase.RUNNING].values() if row.step]
        parts = [(1, self._left(row, now)) for row in running]
        parts += [(number, self._usual(kind)) for kind, number in self._ahead.items() if number > 0]
        work = longest = 0.0
        for number, seconds in parts:
            if seconds is None:
                return None
            work += number * seconds
            longest = max(longest, seconds)
        return max(work / len(running), longest) if running else None

    def _left(self, row: Row, now: float) -> float | None:
        assert row.step is not None
        usual = self._usual(_kind(row.step))
        return None if usual is None else max(usual - (now - row.began), 0.0)

    def _usual(self, kind: _Kind) -> float | None:
        times = self._times.get(kind)
        return times.seconds / times.steps if times and times.steps >= _SURE_AFTER else None


def _kind(step: Step) -> _Kind:
    """Steps that take about as long: of one type, and of a replacement whatever its halves are called."""
    return step.type, _SAME_WORK.get(step.op, step.op)


def _drawn(chosen: Mapping[str, Row]) -> Iterator[Drawn]:
    """The chosen rows as a tree, siblings in the order in which they became known."""
    children: dict[str, list[Row]] = {}
    for row in chosen.values():
        children.setdefault(row.parent if row.parent in chosen else "", []).append(row)
    pending = [(row, ()) for row in _last_first(children.pop("", []))]
    while pending:
        row, branches = pending.pop()
        yield Drawn(row, branches)
        below = _last_first(children.pop(row.urn, []))
        pending += [(child, (*branches, index > 0)) for index, child in enumerate(below)]


def _last_first(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (words.type_and_name(row.urn)[0] != STACK_TYPE, row.number), reverse=True)

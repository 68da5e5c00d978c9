"""A run as plain text, line by line: for pipes, CI logs and whoever prefers it.

Progress goes to one stream as it happens, one line per fact with Pulumi's prefixes and words; the result (`sections`)
goes to another when the run has ended. So `workstead preview > plan.txt` holds the plan and nothing else.
A step that takes long speaks up at growing distances, further apart the more of them wait, so that a log stays short.

Left to others: words and reasons (`words`), the plan and the sections (`outline`, `sections`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.core import events
from engine.core.errors import Diagnostic, Severity
from engine.core.plan import Op, Step, Why
from engine.views import words
from engine.views.outline import Show
from engine.views.printing import Ink, Out, indented, message_lines, visible
from engine.views.reasons import with_reason
from engine.views.sections import Account

_FIRST_WORD = 10.0  # seconds before a step says anything, and at least between two things it says
_SAME_WORD = 60.0  # seconds before it repeats itself, but for the numbers in it

StepKey = tuple[str, int]


def key_of(step: Step) -> StepKey:
    """What tells the begins and ends of one run's steps apart: a URN can have several rows."""
    return (step.urn, step.old.key if step.old else 0)


@dataclass(slots=True)
class _Said:
    began: float
    last: float
    words: str = ""


class Text:
    """See the module. Close it when the operation is over, however it ended."""

    def __init__(self, out: Out, progress: Out, show: Show) -> None:
        self._out = out
        self._progress = progress
        self._show = show
        self._account = Account()
        self._running: dict[StepKey, _Said] = {}

    def __call__(self, event: events.Event) -> None:
        """Tell one event."""
        self._account.hear(event)
        self._progress.lines(self._lines(event, self._progress.ink))
        if isinstance(event, events.Ended):
            self._running.clear()
            self._progress.lines([""])
            self._out.lines(self._account.sections(event, self._show, self._out.ink))

    def pause(self) -> None:
        """Somebody else is about to write: a question, an error."""
        self._progress.flush()
        self._out.flush()

    def close(self) -> None:
        """Nothing more will be told."""
        self.pause()

    # --- one event ----------------------------------------------------------------------------------------------------

    def _lines(self, event: events.Event, ink: Ink) -> Iterator[str]:
        match event:
            case events.Began():
                yield ink("bold", f"{words.run_name(event.operation, event.preview)} ({event.stack}):")
            case events.Told():
                yield from problem_lines(event.problem, self._show, ink)
            case events.StepBegan():
                yield from self._began(event, ink)
            case events.StepProgressed():
                yield from self._progressed(event, ink)
            case events.StepEnded():
                yield from self._ended(event, ink)
            case events.StepFailed():
                self._running.pop(key_of(event.step), None)
                left = " (what is there of it is recorded)" if event.recorded else ""
                yield step_line(event.step, ink("red", words.failed(event.step)) + left, ink)
                yield from problem_lines(event.problem, self._show, ink, named=False)
            case events.StepSkipped():
                yield step_line(event.step, skipped(event), ink)
            case events.Settled():
                yield settled_line(event)

    def _began(self, event: events.StepBegan, ink: Ink) -> Iterator[str]:
        step = event.step
        self._running[key_of(step)] = _Said(event.time, event.time)
        if self._speaks_of(step) and not event.preview and _calls(step):
            yield step_line(step, with_reason(words.running(step), step), ink)

    def _progressed(self, event: events.StepProgressed, ink: Ink) -> Iterator[str]:
        said = self._running.setdefault(key_of(event.step), _Said(event.time, event.time))
        # Words alone tell whether something new happened; the numbers among them change all the time.
        text = "".join(character for character in event.text if not character.isdigit())
        distance = max(_FIRST_WORD if text != said.words else _SAME_WORD, float(len(self._running)))
        if event.time - said.last < distance:
            return
        said.last, said.words = event.time, text
        word = words.OPS[event.step.op].running or "waiting"
        seconds = words.seconds_text(event.time - said.began)
        yield step_line(event.step, f"{word} ({seconds}): {' '.join(message_lines(event.text))}", ink)

    def _ended(self, event: events.StepEnded, ink: Ink) -> Iterator[str]:
        step = event.step
        said = self._running.pop(key_of(step), None)
        if not self._speaks_of(step):
            return
        if not event.preview:
            done = words.done(step, event.time - said.began if said else 0.0)
            yield step_line(step, done if _calls(step) else with_reason(words.OPS[step.op].done, step), ink)
        elif step.reason.why in (Why.DRIFT, Why.GONE) and not self._is_plan:
            yield step_line(step, with_reason("refreshed", step), ink)

    def _speaks_of(self, step: Step) -> bool:
        return not step.internal and (step.op is not Op.SAME or self._show.sames)

    @property
    def _is_plan(self) -> bool:
        """Will the plan at the end tell of every step (a preview of a refresh)?"""
        began = self._account.began
        return began is not None and began.preview and began.operation == "refresh"


def _calls(step: Step) -> bool:
    """Does the step call a provider, so that its begin is worth a line of its own?"""
    return step.state.custom and step.op is not Op.REPLACE


# --- lines that the live view has too ---------------------------------------------------------------------------------


def step_line(step: Step, status: str, ink: Ink) -> str:
    """` ~  type name status`."""
    look = words.OPS[step.op]
    return f" {ink(look.colour, look.prefix)} {words.place(step.urn)} {status}"


def skipped(event: events.StepSkipped) -> str:
    """Why a step was not started."""
    return f"skipped because {visible(event.cause)} failed" if event.cause else "skipped because the run stopped"


def settled_line(event: events.Settled) -> str:
    """What became of a step that an earlier run left open."""
    return f"    {words.place(event.urn)} settled ({visible(event.kind)}): {' '.join(message_lines(event.outcome))}"


def problem_lines(problem: Diagnostic, show: Show, ink: Ink, *, named: bool = True) -> Iterator[str]:
    """A message as it comes: the resource it is about, its mark, and what it says."""
    if problem.severity is Severity.DEBUG and not show.debug:
        return
    first, *rest = words.told(problem)
    place = f"{words.place(problem.urn)}: " if named and problem.urn else ""
    mark = ink(words.colour(problem.severity), words.mark(problem.severity))
    yield f"    {place}{mark}{first}".rstrip()
    yield from indented(rest, 6 if place or mark else 4)

"""A preview as one JSON document: what `pulumi preview --json` prints, member by member (spec section 14).

What Pulumi does not have goes under names of its own, which its readers pass over: `version` (of these additions), and
`reason` with every step. The document is written on `close`, after the last message.

Left to others: one resource or step (`json_parts`), the events of everything else (`json_events`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from engine.core import events
from engine.core.errors import Diagnostic, Severity
from engine.core.plan import Op, Step
from engine.views import json_parts, reasons, words
from engine.views.outline import Show, shown
from engine.views.printing import Out
from engine.views.text import problem_lines


class Digest:
    """Gathers a preview and writes it as one document when closed. Warnings and errors also go to `progress`."""

    def __init__(self, out: Out, progress: Out, show: Show) -> None:
        self._out = out
        self._progress = progress
        self._show = show
        self._steps: Sequence[Step] = []
        self._gathered: list[Step] = []
        self._diagnostics: list[Diagnostic] = []
        self._began: events.Began | None = None
        self._ended: events.Ended | None = None
        self._written = False

    def __call__(self, event: events.Event) -> None:
        """Take one event in."""
        match event:
            case events.Began():
                self._began, self._steps, self._gathered = event, [], []
            case events.StepEnded():
                self._gathered.append(event.step)
            case events.Planned():
                self._steps = event.plan.steps
            case events.Told() | events.StepFailed():
                if event.problem.severity is not Severity.DEBUG:
                    self._diagnostics.append(event.problem)
                    tell(self._progress, event.problem, self._show)
            case events.Ended():
                self._ended = event

    def pause(self) -> None:
        """Somebody else is about to write: a question, an error."""
        self._progress.flush()

    def close(self) -> None:
        """Write the document, once."""
        if self._written:
            return
        self._written = True
        document = digest(self._steps or self._gathered, self._diagnostics, self._began, self._ended, self._show)
        self._out.lines([json_parts.dumped(document, indent=4)])


def digest(
    steps: Sequence[Step],
    diagnostics: Iterable[Diagnostic],
    began: events.Began | None,
    ended: events.Ended | None,
    show: Show,
) -> dict[str, Any]:
    """Pulumi's PreviewDigest. Empty members are left out."""
    document: dict[str, Any] = {
        "version": json_parts.VERSION,
        "config": json_parts.plain(began.config) if began else {},
        "steps": [_digest_step(step, began) for step in _of_interest(steps, began, show)],
        "diagnostics": [_digest_diagnostic(problem) for problem in diagnostics],
        "duration": int(ended.seconds * 1e9) if ended else 0,
        "changeSummary": json_parts.counts(ended.counts) if ended else {},
    }
    return {name: member for name, member in document.items() if member}


def _of_interest(steps: Sequence[Step], began: events.Began | None, show: Show) -> Iterator[Step]:
    """The steps Pulumi lists: what changes, the root stack, of a refresh everything, and every read."""
    all_of_it = began is not None and began.operation == "refresh"
    listed = {id(step) for step in shown(steps, show)}
    for step in steps:
        read = step.op is Op.READ and not step.internal
        if id(step) in listed or read or words.is_root(step) or (all_of_it and not step.internal):
            yield step


def _digest_step(step: Step, began: events.Began | None) -> dict[str, Any]:
    looked = began is not None and began.operation == "refresh" and step.op is Op.SAME
    old, new = json_parts.ends(step)
    found: dict[str, Any] = {
        "op": (Op.REFRESH if looked else step.op).value,
        "urn": step.urn,
        "provider": step.state.provider,
        "oldState": json_parts.resource(old) if old else None,
        "newState": json_parts.resource(new) if new else None,
        "diffReasons": json_parts.changed_keys(step),
        "replaceReasons": reasons.replace_keys(step),
    }
    return {
        **{name: member for name, member in found.items() if member},
        "detailedDiff": json_parts.detailed_diff(step, "kind"),
        "reason": json_parts.reason(step),
    }


def _digest_diagnostic(problem: Diagnostic) -> dict[str, Any]:
    text = words.mark(problem.severity) + json_parts.message(problem)
    found = {"urn": problem.urn, "message": text, "severity": problem.severity.value, "reference": problem.reference}
    return {name: member for name, member in found.items() if member}


def tell(progress: Out, problem: Diagnostic, show: Show) -> None:
    """Warnings and errors are for whoever watches, too."""
    if problem.severity in (Severity.ERROR, Severity.WARNING):
        progress.lines(problem_lines(problem, show, progress.ink))

"""A run as a stream of JSON lines: Pulumi's engine events, member by member (spec section 13.3).

Written line by line as things happen; both runs of an `up` are in it, preview and real, and `cancelEvent` ends it,
however the run ended. What Pulumi does not have goes under names of its own, which its readers pass over: `version` (of
these additions) beside each prelude, `reason` with every step.

Left to others: one resource or step (`json_parts`), the document of a preview (`json_digest`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from engine.core import events
from engine.core.errors import Diagnostic, Severity
from engine.core.plan import Step
from engine.views import json_parts, reasons, words
from engine.views.json_digest import tell
from engine.views.outline import Show
from engine.views.printing import Out
from engine.views.text import settled_line, skipped

_RESULTS: Final[Mapping[str, str]] = {"cancelled": "canceled"}


class Events:
    """Writes each event as one line. Warnings and errors also go to `progress`, for whoever watches."""

    def __init__(self, out: Out, progress: Out, show: Show) -> None:
        self._out = out
        self._progress = progress
        self._show = show
        self._sequence = 0
        self._time = 0.0
        self._ended_steps = 0
        self._root: events.StepEnded | None = None
        self._said: dict[str, str] = {}
        self._closed = False

    def __call__(self, event: events.Event) -> None:
        """Write one event."""
        if isinstance(event, events.Planned | events.Expected):
            return
        self._time = event.time
        for member, content in self._members(event):
            self._write(member, content)
        if isinstance(event, events.Told | events.StepFailed):
            tell(self._progress, event.problem, self._show)

    def pause(self) -> None:
        """Somebody else is about to write: a question, an error."""
        self._progress.flush()

    def close(self) -> None:
        """Write the last line, once."""
        if not self._closed:
            self._closed = True
            self._write("cancelEvent", {})

    def _write(self, member: str, content: dict[str, Any]) -> None:
        line: dict[str, Any] = {"sequence": self._sequence, "timestamp": int(self._time), member: content}
        if member == "preludeEvent":
            # Beside the event, not in it: Pulumi's Automation API refuses members of a prelude that it does not know.
            line["version"] = json_parts.VERSION
        self._sequence += 1
        self._out.lines([json_parts.dumped(line)])

    def _members(self, event: events.Event) -> Iterator[tuple[str, dict[str, Any]]]:
        match event:
            case events.Began():
                self._root, self._ended_steps = None, 0
                yield "preludeEvent", {"config": json_parts.plain(event.config)}
            case events.StepBegan():
                if not event.step.internal:
                    yield "resourcePreEvent", _step_event(event.step, event.preview)
            case events.StepProgressed():
                if self._said.get(event.step.urn) != event.text:
                    self._said[event.step.urn] = event.text
                    told = Diagnostic(Severity.INFO, event.text, urn=event.step.urn)
                    yield "diagnosticEvent", {**_diagnostic_event(told), "ephemeral": True}
            case events.StepEnded():
                self._said.pop(event.step.urn, None)
                self._ended_steps += 1
                if words.is_root(event.step) and not event.step.op.deletes:
                    self._root = event
                elif not event.step.internal:
                    yield "resOutputsEvent", _step_event(event.step, event.preview)
            case events.StepFailed():
                yield "diagnosticEvent", _diagnostic_event(event.problem)
                metadata = _metadata(event.step)
                yield "resOpFailedEvent", {"metadata": metadata, "status": 0, "steps": self._ended_steps}
            case events.StepSkipped():
                told = Diagnostic(Severity.INFO, skipped(event), urn=event.step.urn)
                yield "diagnosticEvent", {**_diagnostic_event(told), "cause": event.cause}
            case events.Settled():
                told = Diagnostic(Severity.INFO, settled_line(event).strip(), urn=event.urn)
                yield "diagnosticEvent", _diagnostic_event(told)
            case events.Told():
                yield "diagnosticEvent", _diagnostic_event(event.problem)
            case events.OutputsKnown():
                yield from self._root_ended(event.new)
            case events.Ended():
                yield from self._root_ended(None)
                yield "summaryEvent", _summary(event)

    def _root_ended(self, outputs: Mapping[str, Any] | None) -> Iterator[tuple[str, dict[str, Any]]]:
        """The root stack ends last, and with the stack's outputs: that is where Pulumi's readers look for them."""
        ended, self._root = self._root, None
        if ended is not None:
            step = ended.step
            if outputs is not None and step.new is not None:
                step = replace(step, new=step.new.but(outputs=outputs))
            yield "resOutputsEvent", _step_event(step, ended.preview)


def _step_event(step: Step, preview: bool) -> dict[str, Any]:
    return {"metadata": _metadata(step), "planning": True} if preview else {"metadata": _metadata(step)}


def _metadata(step: Step) -> dict[str, Any]:
    old, new = json_parts.ends(step)
    found: dict[str, Any] = {
        "op": step.op.value,
        "urn": step.urn,
        "type": step.type,
        "old": json_parts.brief_resource(old) if old else None,
        "new": json_parts.brief_resource(new) if new else None,
        "keys": reasons.replace_keys(step),
        "diffs": json_parts.changed_keys(step),
        "detailedDiff": json_parts.detailed_diff(step, "diffKind"),
        "logical": step.logical,
        "provider": step.state.provider,
        "reason": json_parts.reason(step),
    }
    return {name: member for name, member in found.items() if member or name not in ("keys", "diffs", "logical")}


def _diagnostic_event(problem: Diagnostic) -> dict[str, Any]:
    found = {
        "urn": problem.urn,
        "prefix": words.mark(problem.severity),
        "message": json_parts.message(problem),
        "color": "never",
        "severity": problem.severity.value,
        "reference": problem.reference,
    }
    return {name: member for name, member in found.items() if member or name == "message"}


def _summary(ended: events.Ended) -> dict[str, Any]:
    return {
        "maybeCorrupt": False,
        "durationSeconds": math.ceil(ended.seconds),
        "resourceChanges": json_parts.counts(ended.counts),
        "PolicyPacks": {},
        "isPreview": ended.preview,
        "result": _RESULTS.get(ended.result, ended.result),
    }

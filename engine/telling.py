"""What one run tells its watcher, and what it remembers of having told it.

Every event of a run passes here, whichever thread it comes from: without the secrets that are in its text, one at a
time, and counted, because how a run ended is what it has told. A watcher that fails ends nothing.

Left to others: showing events (`views`), what they say (`core.events`), which texts are secret (`core.secrecy`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from engine.core import events
from engine.core.errors import CancelledError, Diagnostic, Severity, WorksteadError
from engine.core.plan import Op, Step
from engine.core.secrecy import Secrecy
from engine.stack import Stack
from engine.stop import Stage, Stop


class Telling:
    """Tells the watcher of one run. `watching.now` is true on a thread on which the watcher is at work.

    `done`: the steps that have ended in the deployment under way; `errors`: how many errors were told; `counts`: what
    the end of the run will say was done.
    """

    def __init__(self, stack: Stack, watch: events.Watcher, stop: Stop) -> None:
        self.counts: Mapping[Op, int] = {}
        self.done: list[Step] = []
        self.errors = 0
        self.watching = threading.local()
        self.secrecy = Secrecy()
        for key in stack.secret_keys:
            self.secrecy.note_text(stack.config[key])
        self._stack = stack
        self._clock = stack.clock
        self._stop = stop
        self._watch = watch
        self._one_at_a_time = threading.RLock()
        self._deaf: Exception | None = None

    def emit(self, event: events.Event) -> None:
        """Tell the watcher; events come from many threads, but reach it one at a time.

        A watcher that fails cannot stop anything (house rule 7): it hears no more, and `of` raises its error at
        the end.
        """
        event = self._discreet(event)
        with self._one_at_a_time:
            if isinstance(event, events.StepEnded) and not event.preview:
                self.done.append(event.step)
            if isinstance(event, events.Told) and event.problem.severity is Severity.ERROR:
                self.errors += 1
            if self._deaf is not None:
                return
            self.watching.now = True
            try:
                self._watch(event)
            except Exception as error:
                self._deaf = error
            finally:
                self.watching.now = False

    def _discreet(self, event: events.Event) -> events.Event:
        """The event without the secrets that a cloud, a provider or the program has put into its text."""
        match event:
            case events.Told() | events.StepFailed():
                return replace(event, problem=self.secrecy.scrubbed(event.problem))
            case events.StepProgressed():
                return replace(event, text=self.secrecy.scrub(event.text))
            case events.Settled():
                return replace(event, outcome=self.secrecy.scrub(event.outcome))
            case events.StepEnded() if event.step.new is not None and event.step.new.options.additional_secret_outputs:
                self.secrecy.note_all(event.step.new.outputs)
        return event

    @contextmanager
    def of(self, operation: str, preview: bool) -> Iterator[None]:
        """Begin and end of a run, whatever happens in between; and what Ctrl-C does meanwhile."""
        began = self._clock.monotonic()
        self.counts = {}
        name, secret = self._stack.name, self._stack.secret_keys
        shown = {key: "[secret]" if key in secret else text for key, text in self._stack.config.items()}
        self.emit(events.Began(operation, name.stack, name.project, preview, self._clock.epoch(), shown))
        result = "failed"
        try:
            with self._stop.heard_by(self._told_to_stop, self._told_to_give_up):
                yield
            result = "succeeded" if not self.errors else "failed"
        except CancelledError:
            result = "cancelled"
            raise
        except WorksteadError as error:
            self.secrecy.clean(error)
            raise
        finally:
            seconds = self._clock.monotonic() - began
            self.emit(events.Ended(operation, preview, result, self.counts, seconds, self._clock.epoch()))
        if self._deaf is not None:
            raise self._deaf

    def _told_to_stop(self) -> None:
        if self._stop.stage is Stage.GENTLY:
            self.told(
                Diagnostic(
                    Severity.INFO,
                    f"Stopping: what runs has {self._stop.grace:g} s to end and is recorded (Ctrl-C stops at once).",
                )
            )

    def _told_to_give_up(self) -> None:
        self.told(
            Diagnostic(
                Severity.INFO,
                "Stopping at once: what still runs is left to the next run, which looks what has become of it.",
            )
        )

    def told(self, problem: Diagnostic) -> None:
        """A message for the person."""
        self.emit(events.Told(problem, self._clock.epoch()))

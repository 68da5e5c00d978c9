"""Stopping: three stages, by asking again or by time; what runs ends, gives up, or is left to the next run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from engine import stop as stopping
from engine.core.errors import CancelledError
from engine.core.model import PendingKind
from engine.stop import Stage, Stop
from tests.builders import THING
from tests.lifecycle.story import Story, Thing, slow

SOON = 10.0


class Heard:
    """What a `Stop` calls, in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.left = threading.Event()
        self._changed = threading.Condition()

    def note(self, what: str) -> Callable[[], None]:
        def call() -> None:
            with self._changed:
                self.calls.append(what)
                self._changed.notify_all()
            if what == "leave":
                self.left.set()

        return call

    def until(self, *calls: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.calls == list(calls), SOON), self.calls


def test_asking_again_is_more_urgent() -> None:
    heard = Heard()
    stop = Stop(leave=heard.note("leave"))
    with stop.heard_by(heard.note("gently"), heard.note("now")):
        assert not stop.asked
        assert not stop.wait(0)
        stop.ask()
        heard.until("gently")
        assert stop.wait(SOON)
        stop.ask()
        heard.until("gently", "now")
        stop.ask()
        heard.until("gently", "now", "leave")
    assert stop.stage is Stage.LEAVE


def test_time_is_urgent_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "FAREWELL", 0.01)
    heard = Heard()
    stop = Stop(grace=0.01, parting=0.01, leave=heard.note("leave"))
    with stop.heard_by(heard.note("gently"), heard.note("now")):
        stop.ask()
        heard.until("gently", "now", "leave")


def test_who_begins_to_listen_late_hears_how_far_it_is() -> None:
    heard = Heard()
    stop = Stop()
    stop.ask()
    stop.ask()
    with stop.heard_by(heard.note("first gently"), heard.note("first now")):
        heard.until("first gently", "first now")
        with stop.heard_by(heard.note("second gently"), heard.note("second now")):
            heard.until("first gently", "first now", "second gently", "second now")


# --- in a run ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Lets go what a test's cloud holds on to."""
    event = threading.Event()
    yield event
    event.set()


def _stopped_in(story: Story, operation: str, block: Callable[[], None], asks: int = 1) -> threading.Event:
    """Ask the story to stop as soon as the operation has come to the cloud, which then does `block`."""
    there = threading.Event()

    def fail(what: str, _name: str, when: str) -> None:
        if what == operation and when == "after" and not there.is_set():
            there.set()
            for _ in range(asks):
                story.stop.ask()
            block()

    story.fail = fail
    return there


def _one() -> None:
    Thing("a", size=2)


def test_a_provider_that_waits_is_given_up_after_the_grace_time_and_its_object_is_found_again() -> None:
    story = Story(_one)
    story.stop = Stop(grace=0.05, parting=SOON)
    _stopped_in(story, "create", lambda: slow(threading.Event()))
    story.up(skip_preview=True)
    assert isinstance(story.error, CancelledError)
    assert [pending.kind for pending in story.snapshot.pending] == [PendingKind.CREATING]
    _goes_on(story)
    assert story.cloud.calls.count(("create", "a")) == 1


def test_a_provider_that_never_returns_does_not_hang_the_run(release: threading.Event) -> None:
    """It looks neither at time limits nor at cancellation: its thread is abandoned, its begin stays."""
    story = Story(_one)
    story.stop = Stop(parting=0.05)
    _stopped_in(story, "create", lambda: _held(release), asks=2)
    story.up(skip_preview=True)
    assert isinstance(story.error, CancelledError)
    assert story.error.exit_code == 8
    assert "had not ended when the run was given up" in story.failed("a").problem.summary
    assert [pending.kind for pending in story.snapshot.pending] == [PendingKind.CREATING]
    _goes_on(story)


def test_what_ends_within_the_grace_time_is_recorded() -> None:
    story = Story(_one)
    story.stop = Stop(grace=SOON)
    _stopped_in(story, "create", lambda: time.sleep(0.05))
    story.up(skip_preview=True)
    assert isinstance(story.error, CancelledError)
    assert not story.snapshot.pending
    assert story.names() == ["a"]


@pytest.mark.parametrize("command", ["settle", "refresh", "import", "destroy"])
def test_every_command_ends_though_its_call_never_returns(command: str, release: threading.Event) -> None:
    story = Story(_one)
    operation = {"settle": "find", "destroy": "delete"}.get(command, "read")
    if command == "settle":
        _stopped_in(story, "create", lambda: slow(threading.Event()), asks=2)
        story.up(skip_preview=True)
        assert story.snapshot.pending
    else:
        story.up(skip_preview=True)
        assert story.error is None
    before = [state.id for state in story.snapshot.resources]
    pending = len(story.snapshot.pending)
    story.stop = Stop(parting=0.05)
    there = threading.Event()

    def fail(what: str, _name: str, when: str) -> None:
        if what == operation and when == "before":
            there.set()
            story.stop.ask()
            story.stop.ask()
            _held(release)

    story.fail = fail
    run = {
        "settle": story.up,
        "refresh": story.refresh,
        "import": lambda: story.take_over(THING, "other", "thing-1"),
        "destroy": story.destroy,
    }[command]
    run()
    assert there.is_set()
    assert isinstance(story.error, CancelledError), story.text
    assert story.error.exit_code == 8
    assert [state.id for state in story.snapshot.resources] == before
    assert len(story.snapshot.pending) == pending + (command == "destroy")
    release.set()
    _goes_on(story)


def _held(release: threading.Event) -> None:
    assert release.wait(SOON)


def _goes_on(story: Story) -> None:
    """The next run settles what was left and finishes."""
    story.stop = Stop()
    story.fail = lambda _operation, _name, _when: None
    story.up(skip_preview=True)
    assert story.error is None, story.text
    assert not story.snapshot.pending
    assert story.cloud.names() == ["a"]
    assert story.row("a").id in story.cloud.things

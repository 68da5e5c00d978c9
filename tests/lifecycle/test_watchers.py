"""Watchers only watch (house rule 7): one that fails neither stops a run nor leaves it hanging."""

from __future__ import annotations

from typing import Any

import pytest

from engine import deployment
from engine.core import events
from engine.run import Choices
from tests.lifecycle.story import Story, Thing, name_of


def _two() -> None:
    first = Thing("first")
    Thing("second", tag=first.serial)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(events.Began, id="at the very beginning"),
        pytest.param(events.StepBegan, id="when a step begins, on the executor's thread"),
        pytest.param(events.StepEnded, id="when a step ends"),
        pytest.param(events.Ended, id="at the end"),
    ],
)
def test_a_failing_watcher_is_not_listened_to_and_its_error_comes_at_the_end(kind: type) -> None:
    story = Story(_two)

    def watch(event: Any) -> None:
        if isinstance(event, kind):
            raise BrokenPipeError("nobody reads this")

    with pytest.raises(BrokenPipeError):
        deployment.up(story.stack, Choices(skip_preview=True), watch)
    assert story.cloud.names() == ["first", "second"]
    assert story.record.history()[0].result == "succeeded"
    assert not story.snapshot.pending


def test_nothing_is_carried_out_when_the_plan_could_not_be_shown() -> None:
    story = Story(_two)

    def watch(event: Any) -> None:
        if isinstance(event, events.StepEnded) and name_of(event.step.urn) == "first":
            raise ValueError("a bug in a view")

    with pytest.raises(ValueError, match="a bug in a view"):
        deployment.up(story.stack, Choices(), watch)
    assert story.cloud.calls == []

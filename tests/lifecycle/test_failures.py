"""What goes wrong in a run, what goes on all the same, and how the next run mends it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from engine.core import events
from engine.core.contract import CALL, PartialFailure
from engine.core.errors import CloudError, InputError, StepFailedError
from engine.core.plan import Op
from tests.lifecycle.story import Known, Story, Thing

Told = Callable[[Story], None]


def refuses(operation: str, *names: str) -> Callable[[str, str, str], None]:
    """A cloud that refuses an operation on some things."""

    def fail(asked: str, name: str, when: str) -> None:
        if asked == operation and name in names and when == "before":
            raise CloudError(f"no {operation} of {name}")

    return fail


def willing(_operation: str, _name: str, _when: str) -> None:
    """A cloud that does what it is asked."""


def _family() -> None:
    """`bad` is needed by `child` and `grandchild`; `loner` needs nobody."""
    bad = Thing("bad")
    child = Thing("child", tag=bad.serial)
    Thing("grandchild", tag=child.serial)
    Thing("loner")
    pulumi.export("bad", bad.serial)
    pulumi.export("fixed", "text")


def test_failure_stops_the_run(told: Told) -> None:
    """By default nothing new starts after the first failure; the next up goes on from there."""
    story = Story()
    story.v(1, _family, "a thing that cannot be made, two that follow from it, one that does not")
    story.fail = refuses("create", "bad")
    story.up()
    story.note("the cloud has come to reason")
    story.fail = willing
    story.up()
    told(story)
    assert isinstance(story.error, StepFailedError) is False
    assert story.cloud.names() == ["bad", "child", "grandchild", "loner"]
    assert story.outputs == {"bad": "serial of thing-1", "fixed": "text"}


def test_failure_and_continue_on_error(told: Told) -> None:
    """Dependents are skipped, naming the root; independent ones go on; one failure is reported, not three."""
    story = Story()
    story.v(1, _family, "a thing that cannot be made, two that follow from it, one that does not")
    story.fail = refuses("create", "bad")
    story.up(continue_on_error=True)
    assert isinstance(story.error, StepFailedError)
    assert story.error.summary == "1 of the steps failed"
    assert story.cloud.names() == ["loner"]
    assert story.outputs == {"fixed": "text"}
    story.fail = willing
    story.up()
    told(story)
    assert story.outputs == {"bad": "serial of thing-2", "fixed": "text"}


def test_what_a_failed_thing_needs_is_not_deleted(told: Told) -> None:
    """A thing that still uses another one fails to be changed: the other one must outlive this run."""
    story = Story()

    def old() -> None:
        ground = Thing("ground")
        Thing("house", tag=ground.serial)
        Thing("tree")

    story.v(1, old, "a house on its ground, and a tree")
    story.up()
    story.v(2, lambda: Thing("house", tag="floats"), "the house alone")
    story.fail = refuses("update", "house")
    story.up(continue_on_error=True)
    assert story.cloud.names() == ["ground", "house"]
    story.fail = willing
    story.up()
    told(story)
    assert story.cloud.names() == ["house"]


def test_by_default_nothing_is_deleted_after_a_failure() -> None:
    story = Story(lambda: [Thing("a"), Thing("b")])
    story.up()
    story.program = lambda: Thing("a", size=2)
    story.fail = refuses("update", "a")
    story.up()
    assert story.cloud.names() == ["a", "b"]


def test_what_was_running_when_another_step_failed_is_counted() -> None:
    """It ends after the program has, and is recorded; so it is among what was done."""
    running = threading.Event()

    def fail(asked: str, name: str, when: str) -> None:
        if (asked, when) != ("create", "before"):
            return
        if name == "slow":
            running.set()
            while not any(isinstance(event, events.OutputsKnown) for event in story.events):
                CALL.get().pause(0.005)
        else:
            running.wait()
            raise CloudError("no create of bad")

    story = Story(lambda: [Thing("slow"), Thing("bad")], parallel=2)
    story.fail = fail
    story.up(skip_preview=True)
    ended = next(event for event in reversed(story.events) if isinstance(event, events.Ended))
    assert ended.counts == {Op.CREATE: 2}  # the stack itself is the other
    assert story.record.history()[0].resource_changes == {"create": 2}
    assert story.cloud.names() == ["slow"]


def test_exports_after_a_failure_keep_what_was_known(told: Told) -> None:
    """What was exported before stays, what is newly known is laid over it."""
    story = Story()

    def first() -> None:
        pulumi.export("serial", Thing("a").serial)
        pulumi.export("colour", "red")

    def second() -> None:
        pulumi.export("serial", Thing("a", kind="new").serial)
        pulumi.export("colour", "blue")
        pulumi.export("shape", "round")

    story.v(1, first, "two exports")
    story.up()
    story.v(2, second, "another colour, a shape, and a thing that cannot be made anew")
    story.fail = refuses("create", "a")
    story.up(continue_on_error=True)
    told(story)
    assert story.outputs == {"serial": "serial of thing-1", "colour": "blue", "shape": "round"}


def _half(tainted: bool) -> Callable[[str, str, str], None]:
    def fail(operation: str, name: str, when: str) -> None:
        if operation == "create" and name == "a" and when == "after":
            outs = {"name": "a", "size": 1, "serial": "serial of thing-1"}
            raise PartialFailure("it does not start", id="thing-1", outs=outs, tainted=tainted)

    return fail


def _two() -> None:
    Thing("b", tag=Thing("a").serial)


def test_unfinished_is_finished_by_the_next_up(told: Told) -> None:
    """A create that went half-way is recorded with what went wrong; the next up updates it, nothing is made twice."""
    story = Story()
    story.v(1, _two, "a thing, and one that uses it")
    story.fail = _half(tainted=False)
    story.up()
    assert story.row("a").init_errors == ("it does not start",)
    story.fail = willing
    story.up()
    plan = story.preview()
    told(story)
    assert story.row("a").init_errors == ()
    assert story.cloud.names() == ["a", "b"]
    assert plan is not None
    assert not plan.has_changes


def test_an_update_that_went_half_way(told: Told) -> None:
    """The record keeps the old inputs and the new outputs, so the next up sees what is missing."""
    story = Story()
    story.v(1, lambda: Thing("a", size=1), "a thing")
    story.up()

    def half(operation: str, name: str, when: str) -> None:
        if operation == "update" and when == "after":
            raise PartialFailure("it does not grow", id="thing-1", outs={"name": "a", "size": 2, "serial": "odd"})

    story.v(2, lambda: Thing("a", size=3), "larger")
    story.fail = half
    story.up()
    row = story.row("a")
    assert (row.inputs["size"], row.outputs["size"], row.init_errors) == (1, 2, ("it does not grow",))
    story.fail = willing
    story.up()
    told(story)
    assert (story.row("a").inputs["size"], story.row("a").init_errors) == (3, ())


def test_tainted_is_replaced(told: Told) -> None:
    """What cannot be mended is replaced; as both cannot have the name, the broken one goes first."""
    story = Story()
    story.v(1, _two, "a thing, and one that uses it")
    story.fail = _half(tainted=True)
    story.up()
    assert story.row("a").tainted
    story.fail = willing
    story.up()
    told(story)
    assert not story.row("a").tainted
    assert story.cloud.names() == ["a", "b"]
    assert story.row("a").id == "thing-2"


def test_a_lost_answer_keeps_its_begin(told: Told) -> None:
    """Nobody knows what became of a create: its begin stays, and the next up finds the object instead of making two."""
    story = Story()
    story.v(1, _two, "a thing, and one that uses it")

    def lost(operation: str, name: str, when: str) -> None:
        if operation == "create" and name == "a" and when == "after":
            raise CloudError("the connection broke", uncertain=True)

    story.fail = lost
    story.up()
    assert [pending.kind.value for pending in story.snapshot.pending] == ["creating"]
    story.fail = willing
    story.up()
    told(story)
    assert story.cloud.calls.count(("create", "a")) == 1
    assert story.row("a").id == "thing-1"
    assert not story.snapshot.pending


def test_a_create_nobody_can_look_up(told: Told) -> None:
    """A provider without `find`: the run stops and says what to do; --clear-pending-creates forgets it."""
    story = Story()

    class Blind(type(story.stack.source.provider)):  # type: ignore[misc]
        find = None

    story.stack.source.provider = Blind(story.cloud)  # type: ignore[attr-defined]
    story.v(1, lambda: Thing("a"), "a thing whose provider cannot look it up")

    def lost(operation: str, _name: str, when: str) -> None:
        if operation == "create" and when == "before":
            raise CloudError("the connection broke", uncertain=True)

    story.fail = lost
    story.up()
    story.fail = willing
    story.up()
    assert isinstance(story.error, InputError)
    assert story.error.reference == "pending-create"
    story.up(clear_pending_creates=True)
    told(story)
    assert story.cloud.names() == ["a"]


def test_a_time_limit() -> None:
    """custom_timeouts reach the provider as the call's deadline; when it passes, the exit code is that of time-outs."""
    story = Story()
    seen: list[float | None] = []

    class Slow(type(story.stack.source.provider)):  # type: ignore[misc]
        def create(self, props: dict[str, Any]) -> Any:
            seen.append(CALL.get().remaining())
            result = super().create(props)
            if props.get("slow"):
                CALL.get().pause(30, "Pending")
                CALL.get().pause(30, "Pending")
            return result

    story.stack.source.provider = Slow(story.cloud)  # type: ignore[attr-defined]
    limit = pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="0.03s", delete="2m"))
    story.v(1, lambda: [Thing("quick"), Thing("a", slow=True, opts=limit)], "a slow thing with a time limit")
    story.up()
    assert story.error is not None
    assert (type(story.error), story.error.exit_code) == (StepFailedError, 9)
    assert story.failed("a").problem.reference == "deadline"
    assert seen[0] is None
    assert seen[1] is not None
    assert 0 < seen[1] <= 0.03
    story.v(2, lambda: [Thing("quick"), Thing("a", slow=True, opts=pulumi.ResourceOptions())], "no limit")
    story.up()
    assert story.cloud.names() == ["a", "quick"], "it had been created, and was found"
    assert story.error is None


def test_a_failing_look_stops_the_run_like_any_step() -> None:
    story = Story(lambda: [Known("e", "ext-1"), Thing("b", tag=Thing("a").serial)])
    story.cloud.things["ext-1"] = {"name": "e"}
    story.fail = refuses("read", "ext-1")
    story.up(skip_preview=True)
    assert isinstance(story.error, StepFailedError)
    assert story.error.summary == "1 of the steps failed"
    assert ("create", "b") not in story.cloud.calls
    story.up(skip_preview=True, continue_on_error=True)
    assert story.cloud.names() == ["a", "b", "e"]


@pytest.mark.parametrize("continue_on_error", [False, True], ids=["stops", "goes on"])
def test_inputs_that_cannot_be_right_are_all_told_before_anything_is_done(continue_on_error: bool) -> None:
    def program() -> None:
        Thing("a", size=-1)
        Thing("b", size=-2)
        Thing("c")

    story = Story(program)
    story.up(continue_on_error=continue_on_error)
    assert story.cloud.calls == []
    assert story.messages() == ["must not be negative", "must not be negative"]
    assert story.error is not None
    assert (story.error.reference, story.error.exit_code) == ("plan-invalid", 1)
    assert "2 problems" in story.error.summary


def test_destroy_and_continue_on_error(told: Told) -> None:
    """What cannot be deleted keeps what it needs; everything else goes."""
    story = Story()
    story.v(1, _family, "a family and a loner")
    story.up()
    story.fail = refuses("delete", "child")
    story.destroy(continue_on_error=True)
    assert story.cloud.names() == ["bad", "child"]
    assert isinstance(story.error, StepFailedError)
    assert story.error.summary == "1 of the steps failed"
    story.fail = willing
    story.destroy()
    told(story)
    assert story.snapshot.resources == ()


def test_an_error_that_the_program_logs_fails_the_run() -> None:
    def program() -> None:
        Thing("a")
        if not pulumi.runtime.is_dry_run():
            pulumi.log.error("this is not good")

    story = Story(program)
    story.up()
    assert story.error is not None
    assert story.error.exit_code == 1
    assert "recorded" in story.error.summary
    assert story.record.history()[0].result == "failed"

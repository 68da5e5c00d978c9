"""A plan is a promise (house rule 2): what was not shown is not done, and an outdated plan is refused."""

from __future__ import annotations

from collections.abc import Callable

import pulumi
import pytest

from engine.core.errors import CancelledError, ProgramError, RecordError
from engine.core.plan import Plan
from tests.lifecycle.story import Group, Story, Thing

Told = Callable[[Story], None]


def _three() -> None:
    for name in ("a", "b", "c"):
        Thing(name)


@pytest.mark.parametrize(
    ("differs", "how"),
    [
        pytest.param(lambda real: Thing("a", size=2 if real else 1), "input size", id="another input"),
        pytest.param(lambda real: Thing("d") if real else None, "does not have this resource", id="one more"),
        pytest.param(lambda real: None if real else Thing("d"), "does not declare it", id="one fewer, which is new"),
        pytest.param(
            lambda real: [Thing("d", kind="x", opts=pulumi.ResourceOptions(parent=Group("g") if real else None))],
            "does not have this resource",
            id="another parent",
        ),
    ],
)
def test_a_program_that_does_something_else_in_earnest_is_stopped(differs: Callable[[bool], object], how: str) -> None:
    story = Story(lambda: differs(not pulumi.runtime.is_dry_run()))
    story.up()
    assert isinstance(story.error, ProgramError)
    assert story.error.reference == "plan-broken"
    assert how in story.error.summary
    assert not any(call[0] == "create" for call in story.cloud.calls if call[1] == "d")


def test_a_resource_that_is_only_declared_in_the_preview_is_not_deleted(told: Told) -> None:
    """The plan said nothing of a delete, so there is none, although the program did not declare the thing."""
    story = Story()
    story.v(1, _three, "three things")
    story.up()

    def two_in_earnest() -> None:
        for name in ("a", "b", "c"):
            if name != "b" or pulumi.runtime.is_dry_run():
                Thing(name)

    story.v(2, two_in_earnest, "one of them is only declared in a preview")
    story.up()
    told(story)
    assert story.cloud.names() == ["a", "b", "c"]
    assert story.error is not None
    assert story.error.reference == "plan-broken"


def test_unknown_values_may_become_anything(told: Told) -> None:
    """What the plan shows as unknown arrives as whatever it is; an update may turn out to be none."""
    story = Story()

    def program(size: int) -> Callable[[], None]:
        def declare() -> None:
            first = Thing("first", size=size)
            Thing("second", tag=first.serial.apply(lambda _serial: "always the same"))

        return declare

    story.v(1, program(1), "a thing, and one whose tag follows from it")
    story.up()

    def replaced() -> None:
        first = Thing("first", size=1, kind="new")
        Thing("second", tag=first.serial.apply(lambda _serial: "always the same"))

    story.v(2, replaced, "the first is replaced, so the tag is unknown in the plan")
    story.up()
    told(story)
    assert ("update", "second") not in story.cloud.calls
    assert story.error is None


def test_a_plan_from_an_older_record_is_refused() -> None:
    """While the person thought about the plan somebody else ran; the plan is not carried out."""
    story = Story(_three)

    def meanwhile(_plan: Plan) -> bool:
        other = Story(lambda: Thing("x"))
        other.record, other.cloud = story.record, story.cloud
        other.stack = story.stack.__class__(**{**vars(story.stack), "record": story.record, "program": other.program})
        other.up(skip_preview=True)
        return True

    story.up(confirm=meanwhile)
    assert isinstance(story.error, RecordError)
    assert story.error.reference == "plan-stale"
    assert story.cloud.names() == ["x"]


def test_a_declined_plan_changes_nothing() -> None:
    story = Story(_three)
    seen: list[Plan] = []
    story.up(confirm=lambda plan: bool(seen.append(plan)))
    assert isinstance(story.error, CancelledError)
    assert story.error.exit_code == 8
    assert [step.op.value for step in seen[0].steps if not step.internal] == ["create"] * 4
    assert story.cloud.calls == []
    assert story.record.history() == []
    story.up()
    assert story.error is None, "the lease was given back"


def test_no_changes_are_expected() -> None:
    story = Story(_three)
    story.up(expect_no_changes=True)
    assert story.error is not None
    assert (story.error.reference, story.error.exit_code) == ("changes-found", 7)
    assert story.cloud.calls == []
    story.up()
    story.up(expect_no_changes=True)
    assert story.error is None


def test_a_pending_delete_counts_as_a_change() -> None:
    """An old object that still waits for its delete is not nothing: the plan says so."""
    story = Story(lambda: Thing("a", called="jack"))
    story.up()
    story.program = lambda: Thing("a", called="jill")

    def keep(operation: str, name: str, when: str) -> None:
        if operation == "delete":
            raise ProgramError("not today")

    story.fail = keep
    story.up()
    assert story.cloud.names() == ["jack", "jill"]
    story.fail = lambda operation, name, when: None
    plan = story.preview()
    assert plan is not None
    assert plan.has_changes
    story.up()
    assert story.cloud.names() == ["jill"]
    plan = story.preview()
    assert plan is not None
    assert not plan.has_changes

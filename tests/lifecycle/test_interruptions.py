"""Runs that are killed, stopped or shut out: whatever the moment, one more up leads to what the program says.

A death is tried at every moment of a run: before and after each write of the journal and each call to the cloud.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pulumi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from engine.core.model import problems
from tests.lifecycle.story import Group, Story, Thing

Told = Callable[[Story], None]
Program = Callable[[], object]


def _three() -> None:
    first = Thing("first")
    Thing("second", tag=first.serial)
    Thing("third", opts=pulumi.ResourceOptions(depends_on=[first]))
    pulumi.export("serial", first.serial)


def _larger() -> None:
    first = Thing("first", size=2)
    Thing("second", tag=first.serial, size=2)
    Thing("third", size=2, opts=pulumi.ResourceOptions(depends_on=[first]))
    pulumi.export("serial", first.serial)


def _renamed() -> None:
    first = Thing("first", called="another")
    Thing("second", tag=first.serial)
    Thing("third", opts=pulumi.ResourceOptions(depends_on=[first]))
    pulumi.export("serial", first.serial)


def _square() -> None:
    first = Thing("first", kind="square")
    Thing("second", tag=first.serial)
    Thing("third", opts=pulumi.ResourceOptions(depends_on=[first]))
    pulumi.export("serial", first.serial)


def _bound() -> None:
    """Dependents that cannot outlive what they depend on."""
    first = Thing("first")
    Thing("second", kind=first.serial)
    Thing("third", opts=pulumi.ResourceOptions(deleted_with=first, replace_with=[first]))
    Thing("fourth", tag=first.serial)


def _bound_square() -> None:
    first = Thing("first", kind="square")
    Thing("second", kind=first.serial)
    Thing("third", opts=pulumi.ResourceOptions(deleted_with=first, replace_with=[first]))
    Thing("fourth", tag=first.serial)


def _turned_round() -> None:
    """What depended on the other is depended on now; both are new."""
    second = Thing("second", called="deux")
    Thing("first", called="another", tag=second.serial)


def _grouped() -> None:
    group = Group("group")
    inner = Thing("inner", opts=pulumi.ResourceOptions(parent=group))
    group.register_outputs({"serial": inner.serial})
    Thing("outer", opts=pulumi.ResourceOptions(depends_on=[group]))


def _nothing() -> None:
    pass


CHANGES = [
    pytest.param(_nothing, _three, id="three things are made"),
    pytest.param(_three, _larger, id="three things grow"),
    pytest.param(_three, _renamed, id="one is replaced, the new one first"),
    pytest.param(_three, _square, id="one is replaced, the old one first"),
    pytest.param(_bound, _bound_square, id="one is replaced, and takes others along"),
    pytest.param(_three, _turned_round, id="dependencies are turned round"),
    pytest.param(_three, _nothing, id="three things go"),
    pytest.param(_nothing, _grouped, id="a component with a thing in it"),
    pytest.param(_grouped, _three, id="a component goes, and its thing with it"),
]


def _brought_to(program: Program) -> Story:
    story = Story(program)
    story.up(skip_preview=True)
    assert story.error is None
    story.moments = 0
    return story


def _all_is_well(story: Story) -> None:
    """No orphan, no duplicate, nothing pending, nothing left to do, the record whole."""
    assert story.error is None, story.text
    snapshot = story.snapshot
    assert not problems(snapshot), story.text
    assert not snapshot.pending, story.text
    recorded = sorted(state.id for state in snapshot.resources if state.type == "test:index:Thing")
    assert recorded == sorted(story.cloud.things), story.text
    assert not any(state.delete or state.pending_replacement for state in snapshot.resources), story.text
    plan = story.preview()
    assert plan is not None
    assert not plan.has_changes, story.text


def _moments(before: Program, after: Program) -> int:
    story = _brought_to(before)
    story.program = after
    story.up(skip_preview=True)
    _all_is_well(story)
    return story.moments


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_killed_at_any_moment_one_up_finishes(before: Program, after: Program) -> None:
    for moment in range(1, _moments(before, after) + 1):
        story = _brought_to(before)
        story.program = after
        story.dies_at = moment
        story.up(skip_preview=True)
        assert story.dead, "it did not come to that moment"
        assert not problems(story.snapshot), story.text
        story.live()
        story.up()
        _all_is_well(story)


@given(data=some.data())
@settings(max_examples=60)
def test_killed_again_and_again(data: some.DataObject) -> None:
    """Also the runs that mend are killed, and meanwhile the program has changed.

    Names are not taken back: while the old thing waits for its delete, which comes last, its name is not free.
    """
    programs = [_nothing, _three, _larger, _square, _bound, _bound_square, _grouped, _renamed, _turned_round]
    drawn = data.draw(some.lists(some.sampled_from(programs), min_size=1, max_size=4), label="programs")
    story = Story(_nothing)
    for program in sorted(drawn, key=lambda program: (program in programs[7:]) and programs.index(program)):
        story.program = program
        story.dies_at = data.draw(some.integers(1, 30), label="moment")
        story.up(skip_preview=True)
        story.live()
        assert not problems(story.snapshot), story.text
    story.up()
    _all_is_well(story)


def test_killed_during_destroy_at_any_moment() -> None:
    for moment in count(1):
        story = _brought_to(_three)
        story.dies_at = moment
        story.destroy(skip_preview=True)
        if not story.dead:
            break
        story.live()
        story.destroy()
        assert story.error is None
        assert story.snapshot.resources == ()
        assert story.cloud.things == {}
    assert moment > 10


@pytest.mark.parametrize("moment", range(1, 14))
def test_killed_during_refresh_at_any_moment(moment: int) -> None:
    story = _brought_to(_bound)
    del story.cloud.things[story.row("first").id]
    story.cloud.things[story.row("second").id]["size"] = 7
    story.dies_at = moment
    story.refresh(skip_preview=True)
    assert not problems(story.snapshot), story.text
    story.live()
    story.up(refresh=True)
    _all_is_well(story)


def test_a_killed_create(told: Told) -> None:
    """Killed after the cloud made the thing and before that was recorded."""
    story = Story()
    story.v(1, _three, "three things")
    story.up(skip_preview=True)
    first = next(index for index, line in enumerate(story.lines) if "cloud    create first" in line)
    assert first
    story = Story()
    story.v(1, _three, "three things")
    story.dies_at = 7
    story.up(skip_preview=True)
    story.live()
    story.up()
    told(story)
    _all_is_well(story)
    assert story.cloud.calls.count(("create", "first")) == 1

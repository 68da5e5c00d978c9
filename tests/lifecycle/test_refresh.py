"""Looking at every object: drift, what is gone, and how the record is kept whole; it never changes the cloud."""

from __future__ import annotations

from collections.abc import Callable

import pulumi

from engine.core.errors import CloudError
from engine.core.model import problems
from tests.lifecycle.story import Group, Known, Story, Thing, name_of

Told = Callable[[Story], None]


def _family() -> None:
    """`ground` carries `house`, a group inside `ground`'s child `cellar`, and everything depends on something."""
    ground = Thing("ground")
    house = Thing("house", tag=ground.serial)
    cellar = Thing("cellar", opts=pulumi.ResourceOptions(parent=ground))
    Thing("wine", tag=house.serial, opts=pulumi.ResourceOptions(parent=cellar, deleted_with=ground))


def test_drift(told: Told) -> None:
    """What somebody changed by hand is recorded by a refresh, and changed back by an up."""
    story = Story()
    story.v(1, _family, "a house on its ground")
    story.up()
    story.note("somebody enlarges the house by hand")
    story.cloud.things[story.row("house").id]["size"] = 9
    before = list(story.cloud.calls)
    story.refresh()
    assert {call[0] for call in story.cloud.calls[len(before) :]} == {"read"}
    assert story.row("house").outputs["size"] == 9
    story.up()
    told(story)
    assert story.cloud.things[story.row("house").id]["size"] == 1


def test_refresh_finds_nothing_new(told: Told) -> None:
    story = Story(_family)
    story.up()
    before = story.snapshot.resources
    story.refresh()
    told(story)
    assert story.snapshot.resources == before


def test_what_is_gone_leaves_the_record_whole(told: Told) -> None:
    """Dependents lose what they depended on, children move up; and one of them has drifted at the same time."""
    story = Story()
    story.v(1, _family, "a house on its ground, a cellar, and wine in it")
    story.up()
    story.note("the ground is deleted by hand, and the house enlarged")
    del story.cloud.things["thing-1"]
    story.cloud.things[story.row("house").id]["size"] = 9
    story.refresh()
    assert not problems(story.snapshot)
    assert [name_of(urn) for urn in story.row("house").needs()] == ["stack", "provider"]
    assert name_of(story.row("cellar").parent) == "stack"
    assert story.row("wine").options.deleted_with == ""
    story.up()
    assert not problems(story.snapshot)
    assert name_of(story.row("cellar").parent) == "ground"
    plan = story.preview()
    told(story)
    assert story.cloud.names() == ["cellar", "ground", "house", "wine"]
    assert plan is not None
    assert not plan.has_changes


def test_everything_is_gone() -> None:
    story = Story(_family)
    story.up()
    story.cloud.things.clear()
    story.refresh()
    assert not problems(story.snapshot)
    assert story.names() == []
    story.up()
    assert story.cloud.names() == ["cellar", "ground", "house", "wine"]


def test_up_refresh(told: Told) -> None:
    """Drift and a loss are seen and mended in one go."""
    story = Story()
    story.v(1, _family, "a house on its ground")
    story.up()
    story.cloud.things[story.row("house").id]["size"] = 9
    wine = story.row("wine").id
    del story.cloud.things[wine]
    story.up(refresh=True)
    told(story)
    assert story.cloud.things[story.row("house").id]["size"] == 1
    assert story.cloud.names() == ["cellar", "ground", "house", "wine"]


def test_preview_refresh_writes_nothing() -> None:
    story = Story(_family)
    story.up()
    story.cloud.things[story.row("house").id]["size"] = 9
    before = story.snapshot
    plan = story.preview(refresh=True)
    assert plan is not None
    assert [(step.op.value, name_of(step.urn)) for step in plan.steps if step.op != "same"] == [("update", "house")]
    assert story.snapshot == before


def test_destroy_refresh_forgets_what_is_gone() -> None:
    story = Story(_family)
    story.up()
    del story.cloud.things["thing-1"]
    story.destroy(refresh=True)
    assert story.snapshot.resources == ()
    assert story.cloud.things == {}


def test_a_look_that_fails_changes_nothing() -> None:
    story = Story(_family)
    story.up()
    before = story.snapshot
    del story.cloud.things["thing-1"]

    def down(operation: str, name: str, _when: str) -> None:
        if operation == "read" and name == story.row("house").id:
            raise CloudError("the service is down", retryable=True)

    story.fail = down
    story.refresh()
    assert isinstance(story.error, CloudError)
    assert story.error.exit_code == 4
    assert story.snapshot.resources == before.resources


def test_looked_up_objects_are_refreshed_too() -> None:
    story = Story(lambda: Known("e", "ext-1"))
    story.cloud.things["ext-1"] = {"name": "e", "size": 3}
    story.up()
    story.cloud.things["ext-1"]["size"] = 4
    story.refresh()
    assert story.row("e").outputs["size"] == 4
    assert story.row("e").external


def test_components_and_providers_are_not_looked_at() -> None:
    def program() -> None:
        group = Group("g")
        Thing("a", opts=pulumi.ResourceOptions(parent=group))

    story = Story(program)
    story.up()
    story.cloud.calls.clear()
    story.refresh()
    assert story.cloud.calls == [("read", "thing-1")]


def test_expected_no_drift() -> None:
    story = Story(_family)
    story.up()
    story.cloud.things[story.row("house").id]["size"] = 9
    story.refresh(expect_no_changes=True)
    assert story.error is not None
    assert story.error.exit_code == 7
    assert story.row("house").outputs["size"] == 1

"""What a changed program does to things: created, updated, replaced in either order, deleted; who goes with them."""

from __future__ import annotations

from collections.abc import Callable

import pulumi

from tests.lifecycle.story import Story, Thing

Told = Callable[[Story], None]


def test_create_change_destroy(told: Told) -> None:
    """The plain life of two things, one of which uses the other."""
    story = Story()

    def program(size: int) -> Callable[[], None]:
        def declare() -> None:
            first = Thing("first", size=size)
            Thing("second", tag=first.serial)
            pulumi.export("serial", first.serial)

        return declare

    story.v(1, program(1), "a thing, and one that uses it")
    story.up()
    story.up()
    story.v(2, program(2), "the first grows")
    story.up()
    story.v(3, lambda: Thing("first", size=2), "the second is gone")
    story.up()
    story.destroy()
    told(story)
    assert story.cloud.names() == []


def test_replacement_create_first(told: Told) -> None:
    """Another name, so both fit into the cloud: the new one is made, its user follows, the old one goes."""
    story = Story()

    def program(called: str) -> Callable[[], None]:
        def declare() -> None:
            first = Thing("first", called=called)
            Thing("second", tag=first.serial)
            pulumi.export("serial", first.serial)

        return declare

    story.v(1, program("jack"), "a thing called jack, and one that uses it")
    story.up()
    story.v(2, program("jill"), "it is called jill")
    story.up()
    told(story)
    assert story.outputs == {"serial": "serial of thing-3"}
    assert story.row("second").outputs["tag"] == "serial of thing-3"


def test_replacement_delete_first(told: Told) -> None:
    """A thing gets another kind under the same name: the old one goes first; its user is updated afterwards."""
    story = Story()

    def program(kind: str) -> Callable[[], None]:
        def declare() -> None:
            first = Thing("first", kind=kind)
            Thing("second", tag=first.serial)
            pulumi.export("serial", first.serial)

        return declare

    story.v(1, program("round"), "a round thing, and one that uses it")
    story.up()
    story.v(2, program("square"), "it is square")
    story.up()
    told(story)
    assert story.outputs == {"serial": "serial of thing-3"}
    assert story.row("second").outputs["tag"] == "serial of thing-3"

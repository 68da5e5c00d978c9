"""What a changed program does to things: created, updated, replaced in either order, deleted; who goes with them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pulumi

from engine.core import events
from engine.core.errors import CloudError
from engine.core.values import Secret
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


def _chained(kind: str, loose: bool = False) -> Callable[[], None]:
    """`second` takes its kind from `first`, so it cannot outlive it; `third` only waits; `fourth` is told of it."""

    def declare() -> None:
        first = Thing("first", kind=kind)
        Thing("second", kind="free" if loose else first.serial)
        Thing("third", opts=pulumi.ResourceOptions(depends_on=[first]))
        Thing("fourth", tag=first.serial)
        Thing("fifth", opts=pulumi.ResourceOptions(deleted_with=first))

    return declare


def test_dependents_go_first(told: Told) -> None:
    """Delete-first takes along what cannot outlive it, by a property that replaces or deleted_with, no more."""
    story = Story()
    story.v(1, _chained("round"), "a round thing and four that depend on it, each in its own way")
    story.up()
    story.v(2, _chained("square"), "it is square")
    story.up()
    told(story)
    assert story.cloud.names() == ["fifth", "first", "fourth", "second", "third"]
    assert story.cloud.calls.count(("create", "second")) == 2
    assert story.cloud.calls.count(("create", "fifth")) == 2
    assert story.cloud.calls.count(("create", "third")) == 1
    assert story.cloud.calls.count(("create", "fourth")) == 1


def test_a_dependent_that_is_no_longer_declared(told: Told) -> None:
    """It went with what it depended on, and nothing is left of it."""
    story = Story()
    story.v(1, _chained("round"), "as before")
    story.up()
    story.v(2, lambda: Thing("first", kind="square"), "the first alone, and square")
    story.up()
    told(story)
    assert story.cloud.names() == ["first"]


def test_a_dependent_that_has_come_loose_waits_for_its_own_delete() -> None:
    """Nothing holds it back any more, so it is declared while its delete is under way: the new one comes after that."""
    story = Story(_chained("round"), parallel=8)
    story.up()
    story.program = _chained("square", loose=True)

    def slowly(operation: str, name: str, when: str) -> None:
        if operation == "delete" and when == "before":
            time.sleep(0.03)

    story.fail = slowly
    story.up()
    assert story.error is None, story.text
    assert story.cloud.names() == ["fifth", "first", "fourth", "second", "third"]
    order = [call for call in story.cloud.calls if call[1] == "second"]
    assert order == [("create", "second"), ("delete", "second"), ("create", "second")]


def test_an_old_object_that_depends_on_what_goes_first() -> None:
    """It waited for its delete anyway: it goes too, once, and its successor is not taken for it."""
    story = Story()

    def program(kind: str, called: str) -> Callable[[], None]:
        def declare() -> None:
            first = Thing("first", kind=kind)
            Thing("second", called=called, kind=first.serial)

        return declare

    story.program = program("round", "jack")
    story.up()
    story.program = program("round", "jill")

    def keep(operation: str, name: str, when: str) -> None:
        if (operation, name) == ("delete", "jack"):
            raise CloudError("not today")

    story.fail = keep
    story.up()
    assert story.cloud.names() == ["first", "jack", "jill"]
    story.fail = lambda operation, name, when: None
    story.program = program("square", "jill")
    story.up()
    assert story.error is None, story.text
    assert story.cloud.names() == ["first", "jill"]
    assert story.cloud.calls.count(("delete", "jack")) == 2  # the one that was refused, and one that was not
    assert not any(row.delete or row.pending_replacement for row in story.snapshot.resources)


def _guarded(protect: bool, kind: str = "round") -> Callable[[], None]:
    def declare() -> None:
        Thing("loose")
        Thing("safe", kind=kind, opts=pulumi.ResourceOptions(protect=protect))

    return declare


def test_protect(told: Told) -> None:
    """A protected thing is neither deleted nor replaced, and nothing else happens either; taken off, it goes."""
    story = Story()
    story.v(1, _guarded(True), "a protected thing, and one that is not")
    story.up()
    story.v(2, lambda: None, "neither of them")
    story.up()
    assert story.error is not None
    assert story.error.exit_code == 1
    story.v(3, _guarded(True, kind="square"), "it would have to be replaced")
    story.up()
    assert story.error is not None
    story.destroy()
    assert story.error is not None
    assert story.cloud.names() == ["loose", "safe"]
    story.v(4, _guarded(False), "without protection")
    story.up()
    story.destroy()
    told(story)
    assert story.cloud.names() == []


def test_a_protected_dependent_stops_a_delete_first_replacement() -> None:
    story = Story()

    def program(kind: str) -> Callable[[], None]:
        def declare() -> None:
            first = Thing("first", kind=kind)
            Thing("second", kind=first.serial, opts=pulumi.ResourceOptions(protect=True))

        return declare

    story.program = program("round")
    story.up()
    story.program = program("square")
    story.up()
    assert story.error is not None
    assert [problem.reference for problem in _told(story)] == ["protected"]
    assert story.cloud.names() == ["first", "second"]
    assert not any(call[0] == "delete" for call in story.cloud.calls)


def test_children_are_protected_with_their_parent() -> None:
    def program() -> None:
        parent = Thing("parent", opts=pulumi.ResourceOptions(protect=True))
        Thing("child", opts=pulumi.ResourceOptions(parent=parent))
        Thing("rebel", opts=pulumi.ResourceOptions(parent=parent, protect=False))

    story = Story(program)
    story.up()
    assert {name: story.row(name).options.protect for name in ("parent", "child", "rebel")} == {
        "parent": True,
        "child": True,
        "rebel": False,
    }


def _with(**options: Any) -> Callable[..., Callable[[], None]]:
    """A program with one thing under these options, by its inputs."""

    def program(**inputs: Any) -> Callable[[], None]:
        return lambda: Thing("a", opts=pulumi.ResourceOptions(**options), **inputs)

    return program


def test_ignore_changes(told: Told) -> None:
    """What is ignored stays as recorded: changed, added or removed; everything else is followed."""
    story = Story()
    program = _with(ignore_changes=["size", "labels.colour", "not there"])
    story.v(1, program(size=1, labels={"colour": "red", "shape": "round"}), "a small red thing")
    story.up()
    story.v(2, program(size=2, labels={"colour": "blue", "shape": "flat"}), "a large, flat, blue one")
    story.up()
    story.v(3, program(labels={"shape": "flat"}), "size and colour are not said any more")
    story.up()
    told(story)
    assert story.cloud.things["thing-1"] == {"name": "a", "size": 1, "labels": {"colour": "red", "shape": "flat"}}


def test_replace_on_changes(told: Told) -> None:
    """A change that would be an update is a replacement."""
    story = Story()
    program = _with(replace_on_changes=["size"])
    story.v(1, program(size=1, tag="x"), "a thing that is replaced when its size changes")
    story.up()
    story.v(2, program(size=1, tag="y"), "another tag")
    story.up()
    assert list(story.cloud.things) == ["thing-1"]
    story.v(3, program(size=2, tag="y"), "another size")
    story.up()
    told(story)
    assert list(story.cloud.things) == ["thing-2"]


def test_replacement_trigger() -> None:
    def program(trigger: Any) -> Callable[[], None]:
        return lambda: Thing("a", opts=pulumi.ResourceOptions(replacement_trigger=trigger))

    story = Story(program("monday"))
    story.up()
    story.up()
    assert list(story.cloud.things) == ["thing-1"]
    story.program = program("tuesday")
    story.up()
    assert list(story.cloud.things) == ["thing-2"]
    story.up()
    assert list(story.cloud.things) == ["thing-2"]


def test_retain_on_delete(told: Told) -> None:
    """It leaves the record and stays in the cloud."""
    story = Story()
    story.v(1, _with(retain_on_delete=True)(), "a thing that is retained")
    story.up()
    story.v(2, lambda: None, "it is not declared any more")
    story.up()
    told(story)
    assert story.cloud.names() == ["a"]
    assert story.names() == []


def test_delete_before_replace(told: Told) -> None:
    """The option decides the order, in both directions, whatever the provider says."""
    story = Story()
    story.v(1, _with(delete_before_replace=True)(called="jack"), "a thing to be deleted before it is replaced")
    story.up()
    story.v(2, _with(delete_before_replace=True)(called="jill"), "another name, which would fit beside the old one")
    story.up()
    assert [call[0] for call in story.cloud.calls] == ["create", "delete", "create"]
    story.v(3, _with(delete_before_replace=False)(called="jill", kind="new"), "another kind, the new one first")
    story.up()
    told(story)
    assert story.error is not None, "two things cannot have one name, but that is what was asked for"


def test_additional_secret_outputs(told: Told) -> None:
    """An output that nobody marked is secret in the record, in what is shown and for those who use it."""
    story = Story()

    def program() -> None:
        first = Thing("a", opts=pulumi.ResourceOptions(additional_secret_outputs=["serial"]))
        Thing("b", tag=first.serial)
        pulumi.export("serial", first.serial)

    story.v(1, program, "a thing whose serial is secret, one that uses it, and an export")
    story.up()
    told(story)
    assert "serial of thing-1" not in story.text
    assert isinstance(story.row("a").outputs["serial"], Secret)
    assert isinstance(story.row("b").inputs["tag"], Secret)
    assert isinstance(story.snapshot.stack_outputs["serial"], Secret)
    assert story.cloud.things["thing-2"]["tag"] == "serial of thing-1", "the provider gets the value"


def _told(story: Story) -> list[Any]:
    return [event.problem for event in story.events if isinstance(event, events.Told)]

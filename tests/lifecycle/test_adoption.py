"""Objects that the program did not make: looked up with `.get`, taken over with `import_`, let go of again."""

from __future__ import annotations

from collections.abc import Callable

import pulumi

from engine.core.model import problems
from engine.core.values import Secret
from tests.lifecycle.story import Known, Story, Thing

Told = Callable[[Story], None]


def _with_one() -> Story:
    story = Story()
    story.cloud.things["ext-1"] = {"name": "e", "size": 3}
    return story


def _owned(import_: str | None = None, size: int = 3, name: str = "e") -> Callable[[], None]:
    def declare() -> None:
        Thing("e", called=name, size=size, opts=pulumi.ResourceOptions(import_=import_))

    return declare


def test_get_looks_up_and_never_changes(told: Told) -> None:
    """A `.get` is read on every run, stays in the record, and a thing that uses it keeps its dependency."""
    story = _with_one()

    def program() -> None:
        known = Known("e", "ext-1")
        Thing("user", tag=known.serial)

    story.v(1, program, "a look at a thing, and one that uses it")
    story.up()
    story.up()
    story.up()
    assert [state.name for state in story.snapshot.resources if state.external] == ["e"]
    story.v(2, lambda: None, "neither of them")
    story.up()
    told(story)
    assert story.cloud.names() == ["e"]


def test_get_of_a_missing_object(told: Told) -> None:
    """It is an error naming the ID, in the preview already."""
    story = Story()
    story.v(1, lambda: Known("e", "ext-9"), "a look at a thing that is not there")
    story.up()
    told(story)
    assert story.error is not None
    assert any("ext-9" in message for message in story.messages())
    assert story.cloud.calls == [("read", "ext-9")]


def test_import_takes_an_object_over(told: Told) -> None:
    """Imported once; afterwards an ordinary thing, also when the option is taken out again."""
    story = _with_one()
    story.v(1, _owned("ext-1"), "import_")
    story.up()
    story.up()
    story.v(2, _owned(), "without import_")
    story.up()
    story.v(3, _owned(size=4), "larger")
    story.up()
    story.destroy()
    told(story)
    assert story.cloud.things == {}


def test_import_of_an_object_that_differs(told: Told) -> None:
    """What can be updated is, in the same run."""
    story = _with_one()
    story.v(1, _owned("ext-1", size=5), "import_, but larger")
    story.up()
    story.up()
    told(story)
    assert story.cloud.things["ext-1"]["size"] == 5


def test_import_that_would_replace(told: Told) -> None:
    """A warning in the preview, an error in the run: what is imported is not destroyed."""
    story = _with_one()
    story.v(1, _owned("ext-1", name="other"), "import_, but with another name")
    story.preview()
    story.up()
    told(story)
    assert story.cloud.things == {"ext-1": {"name": "e", "size": 3}}


def test_import_in_the_place_of_an_own_object(told: Told) -> None:
    """The imported one replaces ours, which is deleted at the end."""
    story = Story()
    story.v(1, _owned(), "our own")
    story.up()
    story.cloud.things["ext-1"] = {"name": "elsewhere", "size": 3}
    story.v(2, _owned("ext-1", name="elsewhere"), "import_ of another one")
    story.up()
    story.up()
    told(story)
    assert story.cloud.things == {"ext-1": {"name": "elsewhere", "size": 3}}


def test_looked_up_then_imported_then_let_go(told: Told) -> None:
    """One object under one URN: looked up, taken over in the same row, let go of again without being deleted."""
    story = _with_one()
    story.v(1, lambda: Known("e", "ext-1"), "a look")
    story.up()
    story.v(2, _owned("ext-1"), "import_")
    story.up()
    assert not problems(story.snapshot)
    story.v(3, lambda: Known("e", "ext-1"), "a look again")
    story.up()
    story.up()
    told(story)
    assert story.cloud.things == {"ext-1": {"name": "e", "size": 3}}
    assert ("delete", "e") not in story.cloud.calls


def test_looked_up_then_made(told: Told) -> None:
    """What was only looked up becomes a thing of our own: a new object, the other one is left alone."""
    story = _with_one()
    story.v(1, lambda: Known("e", "ext-1"), "a look")
    story.up()
    story.v(2, _owned(name="ours"), "one of our own")
    story.up()
    story.up()
    told(story)
    assert story.cloud.names() == ["e", "ours"]
    assert ("delete", "e") not in story.cloud.calls


def test_own_object_then_another_looked_up(told: Told) -> None:
    """A `.get` with another ID under the URN of an own object: that one is deleted at the end."""
    story = _with_one()
    story.v(1, _owned(name="ours"), "one of our own")
    story.up()
    story.v(2, lambda: Known("e", "ext-1"), "a look at another")
    story.up()
    story.up()
    told(story)
    assert story.cloud.names() == ["e"]


def test_outputs_of_a_look_can_be_secret() -> None:
    """The option works for what is only looked up, too."""

    def program() -> None:
        known = Known("e", "ext-1", pulumi.ResourceOptions(additional_secret_outputs=["serial"]))
        pulumi.export("serial", known.serial)

    story = _with_one()
    story.program = program
    story.up()
    assert isinstance(story.row("e").outputs["serial"], Secret)
    assert isinstance(story.snapshot.stack_outputs["serial"], Secret)
    assert "serial of ext-1" not in story.text

"""Objects that the program did not make: looked up with `.get`, taken over with `import_`, let go of again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pulumi
import pytest

from engine.core.model import problems
from engine.core.values import Secret
from providers.resource import adopt_if_there
from tests.builders import THING
from tests.lifecycle.story import Known, Story, StoryProvider, StorySource, Thing

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


# --- adopted by name --------------------------------------------------------------------------------------------------


def test_adopt_an_object_that_is_the_same(told: Told) -> None:
    """Taken into the record and nothing else; afterwards it is an ordinary thing, with or without --adopt."""
    story = _with_one()
    story.v(1, _owned(), "a thing that exists already")
    story.preview(adopt=True)
    story.up(adopt=True)
    story.up(adopt=True)
    story.up()
    told(story)
    assert story.row("e").id == "ext-1"
    assert not any(call[0] in ("create", "update", "delete") for call in story.cloud.calls)


def test_adopt_an_object_that_differs(told: Told) -> None:
    """The difference is shown before, and updated straight after."""
    story = _with_one()
    story.v(1, _owned(size=5), "a thing that exists already, but larger")
    story.preview(adopt=True)
    story.up(adopt=True)
    story.up()
    told(story)
    assert story.cloud.things == {"ext-1": {"name": "e", "size": 5}}


def test_adopt_an_object_that_only_a_replacement_could_change(told: Told) -> None:
    """A warning in the preview, an error in the run, as for import_: what was there before is not destroyed."""
    story = _with_one()

    def square() -> None:
        Thing("e", size=3, kind="square")

    story.v(1, square, "a thing that exists already, but square")
    story.preview(adopt=True)
    story.up(adopt=True)
    told(story)
    assert story.error is not None
    assert story.cloud.things == {"ext-1": {"name": "e", "size": 3}}


def test_adopt_where_nothing_is(told: Told) -> None:
    """It is created; what depends on something unborn is looked for once that is born."""
    story = Story()
    story.cloud.things["ext-1"] = {"name": "second", "size": 1}

    def two() -> None:
        first = Thing("first")
        Thing("second", tag=first.serial)

    story.v(1, two, "one that is new, and one that exists and depends on it")
    story.up(adopt=True)
    story.up()
    told(story)
    assert story.cloud.calls.count(("create", "first")) == 1
    assert ("create", "second") not in story.cloud.calls


def test_adopt_of_a_type_that_cannot_be_found_by_name(told: Told) -> None:
    """A plain create, with a note."""

    class Nameless(StoryProvider):
        locate = property()

    story = Story()
    story.stack = replace(story.stack, source=StorySource(story.cloud, {THING: Nameless(story.cloud)}))
    story.v(1, lambda: Thing("new"), "a thing of a type without names")
    story.up(adopt=True)
    told(story)
    assert story.cloud.names() == ["new"]


def test_adopt_says_the_program_of_one_resource(told: Told) -> None:
    """With `adopt_if_there` in its options; the others are created, and fail where their name is taken."""
    story = _with_one()
    story.cloud.things["ext-2"] = {"name": "other", "size": 1}

    def program() -> None:
        first = Thing("e", size=3, opts=adopt_if_there(pulumi.ResourceOptions(protect=True)))
        Thing("other", opts=pulumi.ResourceOptions(depends_on=[first]))

    story.v(1, program, "two things that exist; one may be adopted")
    story.up()
    told(story)
    assert story.row("e").id == "ext-1"
    assert story.row("e").options.protect
    assert story.error is not None
    assert "there is a thing called other already" in story.failed("other").problem.summary


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "adopted in the same run"])
def test_what_belongs_to_another_resource_is_not_adopted(recorded: bool) -> None:
    story = _with_one()
    if recorded:
        story.program = lambda: Thing("mine", called="e", size=3)
        story.up(adopt=True)
        assert story.row("mine").id == "ext-1"

    def twice() -> None:
        first = Thing("mine", called="e", size=3)
        Thing("again", called="e", size=3, opts=pulumi.ResourceOptions(depends_on=[first]))

    story.program = twice
    story.up(adopt=True)
    assert "the object of this name belongs to another resource of this stack, so it is not adopted" in story.messages()
    assert "there is a thing called e already" in story.failed("again").problem.summary


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

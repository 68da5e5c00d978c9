"""What programs do besides declaring: raise, leave, print, import, run coroutines; and what is told of it."""

from __future__ import annotations

import pickle
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from engine.core import events
from engine.core.errors import InputError, ProgramError, RecordError, Severity
from engine.core.model import End, Put
from engine.core.plan import Op
from engine.core.values import Secret, reveal
from engine.state.backend import Deployment
from tests.builders import state, urn
from tests.lifecycle.story import Group, Story, Thing

THING = """
import pulumi

class Thing(pulumi.CustomResource):
    def __init__(self, name, **inputs):
        super().__init__("test:index:Thing", name, {"name": name, **inputs})
"""


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Story]:
    """`written(main, helper=…)`: a story whose program is these files."""

    def write(main: str, **modules: str) -> Story:
        for name, text in {"__main__": main, **modules}.items():
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
        story = Story()
        story.with_program(tmp_path)
        return story

    return write


ENGINE = ("site-packages", "engine/", "asyncio", "runpy", "importlib._bootstrap")


def test_a_module_that_is_missing_is_told_with_where_to_install_it(written: Callable[..., Story]) -> None:
    story = written("import nowhere\n")
    story.up()
    error = story.error
    assert isinstance(error, ProgramError)
    assert (error.reference, error.exit_code) == ("module-missing", 1)
    assert error.summary.endswith("nowhere")
    assert "import nowhere" in error.why
    assert f"{sys.executable} -m pip install" in error.remedy


@pytest.mark.parametrize(
    ("main", "said", "shown"),
    [
        pytest.param("1 / 0\n", "ZeroDivisionError", ["1 / 0"], id="at the top"),
        pytest.param(
            "def inner():\n    raise KeyError('x')\n\ndef outer():\n    inner()\n\nouter()\n",
            "KeyError",
            ["in inner", "in outer", "in <module>"],
            id="deep inside its own functions",
        ),
        pytest.param(
            "import pulumi\npulumi.Output.from_input(0).apply(lambda x: 1 / x)\n",
            "ZeroDivisionError",
            ["1 / x"],
            id="in an apply",
        ),
        pytest.param(
            "import pulumi\n\nasync def main():\n    raise ValueError('async')\n\npulumi.run(main)\n",
            "ValueError",
            ["in main", "raise ValueError('async')"],
            id="in an async main",
        ),
        pytest.param("x = = 1\n", "SyntaxError", ["x = = 1", "line 1"], id="a syntax error"),
        pytest.param("import helper\n", "SyntaxError", ["import helper", "def f(:"], id="a syntax error in a module"),
        pytest.param(
            "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('because') from error\n",
            "ValueError",
            ["ZeroDivisionError", "direct cause", "because"],
            id="an error with a cause",
        ),
        pytest.param(
            "import pulumi\npulumi.CustomResource('a:b:C', 'x', {'v': object()})\n",
            "unexpected input of type object",
            [],
            id="an input the SDK refuses, on nobody's line",
        ),
    ],
)
def test_a_program_that_raises_is_told_with_its_own_lines_only(
    written: Callable[..., Story], main: str, said: str, shown: list[str]
) -> None:
    story = written(main, helper="def f(:\n")
    story.up()
    error = story.error
    assert isinstance(error, ProgramError)
    assert (error.reference, error.exit_code) == ("program-raised", 1)
    assert said in error.summary
    for part in shown:
        assert part in error.why
    frames = [line for line in error.why.splitlines() if line.strip().startswith("File ")]
    assert not [frame for frame in frames if any(part in frame for part in ENGINE)]
    assert story.cloud.calls == []


@pytest.mark.parametrize(
    ("main", "reference", "said"),
    [
        pytest.param("import pulumi\nraise pulumi.RunError('enough')\n", "program-stopped", "enough", id="RunError"),
        pytest.param("import sys\nsys.exit(3)\n", "program-exit", "exit code 3", id="sys.exit"),
        pytest.param("import sys\nsys.exit()\n", "program-exit", "exit code None", id="sys.exit without a code"),
    ],
)
def test_a_program_that_leaves_is_told_without_a_traceback(
    written: Callable[..., Story], main: str, reference: str, said: str
) -> None:
    story = written(THING + "Thing('a')\n" + main)
    story.up(skip_preview=True)
    assert isinstance(story.error, ProgramError)
    assert story.error.reference == reference
    assert said in str(story.error)
    assert "Traceback" not in str(story.error)


@pytest.mark.parametrize("leave", ["1 / 0", "import sys; sys.exit(0)", "import pulumi; raise pulumi.RunError('no')"])
def test_a_program_that_ends_early_deletes_nothing(written: Callable[..., Story], leave: str) -> None:
    story = written(THING + "Thing('a')\nThing('b')\n")
    story.up()
    written_again = written(THING + f"Thing('a')\n{leave}\nThing('b')\n")
    story.with_program(written_again.stack.program)
    for choices in ({}, {"skip_preview": True}, {"skip_preview": True, "continue_on_error": True}):
        story.up(**choices)
        assert isinstance(story.error, ProgramError)
        assert story.cloud.names() == ["a", "b"]


@pytest.mark.parametrize("what", ["a folder without a __main__.py", "nothing at all"])
def test_there_is_no_program(tmp_path: Path, what: str) -> None:
    story = Story()
    story.with_program(tmp_path if what.startswith("a folder") else tmp_path / "none.py")
    story.up()
    assert isinstance(story.error, ProgramError)
    assert story.error.reference == "program-missing"


def test_a_program_may_be_a_file(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(THING + "Thing('a')\n", encoding="utf-8")
    story = Story()
    story.with_program(file)
    story.up()
    assert story.cloud.names() == ["a"]


def test_destroy_needs_no_program(tmp_path: Path) -> None:
    story = Story(lambda: Thing("a"))
    story.up()
    story.with_program(tmp_path / "gone")
    story.destroy()
    assert story.error is None
    assert story.cloud.names() == []


# --- one evaluation and the next --------------------------------------------------------------------------------------


def test_modules_run_again_in_every_evaluation(written: Callable[..., Story]) -> None:
    """A preview and an up see the same program: also the top level of what it imports runs twice."""
    story = written(
        "import helper\nfrom package import inner\n",
        helper=THING + "import pulumi\nThing('a' if pulumi.runtime.is_dry_run() else 'a')\nprint('helper', __name__)\n",
    )
    folder: Any = story.stack.program
    (folder / "package").mkdir()
    (folder / "package" / "__init__.py").write_text("print('package')\n", encoding="utf-8")
    (folder / "package" / "inner.py").write_text("print('inner')\n", encoding="utf-8")
    before = set(sys.modules), list(sys.path), Path.cwd(), list(sys.argv)
    story.up()
    assert story.error is None
    assert story.messages() == ["helper helper", "package", "inner"] * 2
    assert story.cloud.names() == ["a"]
    assert not {"helper", "package", "package.inner"} & set(sys.modules)
    assert (list(sys.path), Path.cwd(), list(sys.argv)) == before[1:]


def test_a_program_finds_itself_where_it_lives(written: Callable[..., Story]) -> None:
    story = written(
        """
        import os, sys, pulumi
        print(os.path.basename(sys.argv[0]), __name__, os.path.exists("__main__.py"))
        print(pulumi.get_project(), pulumi.get_stack(), pulumi.get_organization(), pulumi.runtime.is_dry_run())
        """
    )
    story.preview()
    assert story.messages() == ["__main__.py __main__ True", "proj dev organization True"]


def test_coroutines() -> None:
    """`pulumi.run(main)`: what it returns is exported."""

    def program() -> None:
        async def main() -> dict[str, Any]:
            thing = Thing("a", size=3)
            return {"serial": thing.serial, "size": thing.size}

        pulumi.run(main)

    story = Story(program)
    story.up()
    assert story.outputs == {"serial": "serial of thing-1", "size": 3}


def test_what_a_program_says(written: Callable[..., Story]) -> None:
    """Lines are messages; standard error is told apart; the SDK's log keeps its severities; the last line counts."""
    story = written(
        THING
        + """
import sys
print("to standard output")
print("to standard error", file=sys.stderr)
sys.stdout.write("two\\nlines\\n")
print("in", end=" ")
print("pieces")
pulumi.log.info("info")
pulumi.log.warn("careful", resource=Thing("a"))
pulumi.log.debug("not told")
print("without an end", end="")
"""
    )
    story.preview()
    told = [event.problem for event in story.events if isinstance(event, events.Told)]
    careful = [problem for problem in told if problem.severity is Severity.WARNING]
    assert [(problem.summary, problem.urn) for problem in careful] == [("careful", urn("a"))]
    assert [(problem.severity, problem.summary) for problem in told if problem not in careful] == [
        (Severity.INFO, "to standard output"),
        (Severity.STDERR, "to standard error"),
        (Severity.INFO, "two"),
        (Severity.INFO, "lines"),
        (Severity.INFO, "in pieces"),
        (Severity.INFO, "info"),
        (Severity.INFO, "without an end"),
    ]


def test_debug_messages_on_request() -> None:
    story = Story(lambda: pulumi.log.debug("hello"))
    story.preview(debug=True)
    assert "hello" in story.messages()
    story.preview()
    assert "hello" not in story.messages()


# --- what a program may not ask ---------------------------------------------------------------------------------------


def _twice() -> None:
    Thing("a")
    Thing("a")


def _nan() -> None:
    Thing("a", spec={"sizes": [1.0, float("nan")]})


def _strange_type() -> None:
    pulumi.CustomResource("nonsense", "a", {})


def _endless() -> None:
    limits = pulumi.CustomTimeouts(create="5 parsecs")
    Thing("a", opts=pulumi.ResourceOptions(custom_timeouts=limits))


def _foreign_function() -> None:
    pulumi.export("x", pulumi.runtime.invoke("aws:index:getRegion", {}).value)


@pytest.mark.parametrize(
    ("program", "reference", "place"),
    [
        pytest.param(_twice, "urn-duplicate", urn("a"), id="the same URN twice"),
        pytest.param(_nan, "number-not-finite", urn("a"), id="a number that is none"),
        pytest.param(_strange_type, "type-token", None, id="a type without a package"),
        pytest.param(_endless, "duration", None, id="a duration that is none"),
        pytest.param(_foreign_function, "function-not-served", None, id="a function of a plugin"),
    ],
)
def test_what_a_program_may_not_ask(program: Callable[[], None], reference: str, place: str | None) -> None:
    story = Story(program)
    story.up()
    assert isinstance(story.error, InputError)
    assert story.error.reference == reference
    assert story.error.remedy
    assert story.cloud.calls == []
    if place is not None:
        assert story.error.urn == place
    if reference == "number-not-finite":
        assert story.error.path == "spec"


def test_the_place_of_a_resource_is_told_from_the_projects_folder(written: Callable[..., Story]) -> None:
    """A record may move to another machine, so it does not name folders of this one."""
    story = written("from thing import Thing\n\nThing('a')\n", thing=THING)
    story.up()
    root = story.stack.root.resolve()
    place = story.row("a").source_position
    assert place.startswith("project:///")
    file, _, line = place.removeprefix("project:///").partition("#")
    assert (root / file).resolve().name in ("__main__.py", "thing.py")
    assert int(line.partition(",")[0]) > 0


def test_a_preview_that_fails_says_what_was_planned_until_then() -> None:
    def program() -> None:
        Thing("a")
        Thing("a")

    story = Story(program)
    story.preview()
    assert isinstance(story.error, InputError)
    ended = next(event for event in story.events if isinstance(event, events.Ended))
    assert dict(ended.counts) == {Op.CREATE: 2}  # the stack, and one of the two


def test_a_whole_resource_as_an_export_is_the_same_in_a_preview() -> None:
    """In a preview only, the SDK adds a mark for Pulumi's display; nobody shall read of it as of a change."""

    def program() -> None:
        thing = Thing("a", size=1)
        pulumi.export("thing", thing)
        pulumi.export("deeper", {"all": [thing], "hidden": pulumi.Output.secret({"thing": thing})})

    story = Story(program)
    for _ in range(2):
        plan = story.preview()
        assert plan is not None
        assert "@isPulumiResource" not in str(reveal(plan.outputs))
        story.up()
    assert isinstance(plan.outputs["deeper"]["hidden"], Secret)
    assert plan.outputs == story.snapshot.stack_outputs


def test_a_record_with_a_circle_is_refused_before_anything_is_done() -> None:
    story = Story(lambda: Thing("a"))
    lease = story.record.acquire(story.stack.holder)
    lease.start(Deployment("import"))
    a = state("a", dependencies=(urn("b"),), provider="", key=1)
    b = state("b", dependencies=(urn("a"),), provider="", key=2)
    lease.record([End(None, (Put(a), Put(b)))])
    lease.finish("succeeded", {})
    lease.release()
    for command in (story.up, story.preview, story.destroy, story.refresh):
        command()
        assert isinstance(story.error, RecordError)
        assert story.error.reference == "record-integrity"
    assert story.cloud.calls == []


def test_dynamic_providers_without_number(written: Callable[..., Story]) -> None:
    """The SDK's own way of pickling them ends at the 320th of a class in the program's file (spec section 9.4)."""
    story = written(
        """
        from pulumi import dynamic

        class Own(dynamic.ResourceProvider):
            pass

        class Made(dynamic.Resource):
            pass

        for number in range(400):
            Made(Own(), f"own-{number}", {"number": number})
        """
    )
    own = pickle._Pickler._batch_setitems  # type: ignore[attr-defined]  (its stub has few of its methods)
    plan = story.preview()
    assert plan is not None
    assert len({goal.inputs["__provider"].value for goal in plan.goals.values() if "__provider" in goal.inputs}) == 1
    assert plan.counts[Op.CREATE] == 401
    assert pickle._Pickler._batch_setitems is own  # type: ignore[attr-defined]


def test_a_thousand_resources() -> None:
    """Preview and up, and up again, of a program that is large but no larger than some are."""

    def program() -> None:
        group = Group("group")
        first = Thing("first", opts=pulumi.ResourceOptions(parent=group))
        for number in range(998):
            needs = first.serial if number % 3 else "nothing"
            Thing(f"t{number}", tag=needs, opts=pulumi.ResourceOptions(parent=group))

    story = Story(program, parallel=16)
    outcome = story.up()
    assert outcome is not None
    assert outcome.result == "succeeded"
    assert len(story.cloud.things) == 999
    assert len(story.snapshot.resources) == 1_002
    plan = story.preview()
    assert plan is not None
    assert not plan.has_changes

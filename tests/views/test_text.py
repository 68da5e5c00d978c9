"""Text views: recorded runs in, golden text out."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.core import events
from engine.core.errors import Severity
from engine.views.outline import Show, plan_lines
from engine.views.printing import Ink, Out
from engine.views.text import Text
from tests.views import scenes
from tests.views.scenes import BEGAN, SCENES, create, played, state, tell, told

GOLDEN = Path(__file__).parent / "golden"
Golden = Callable[[Path, str], None]


def _transcript(name: str, show: Show, colour: bool = False) -> str:
    out, progress = played(SCENES[name](), show, colour)
    return f"--- progress\n{progress}--- result\n{out}"


@pytest.mark.parametrize("name", SCENES)
def test_a_run_as_text(name: str, golden: Golden) -> None:
    golden(GOLDEN / f"{name}.txt", _transcript(name, Show()))


@pytest.mark.parametrize("name", ["first_preview", "second_preview", "refresh_preview"])
def test_a_plan_in_full(name: str, golden: Golden) -> None:
    golden(GOLDEN / f"{name}_diff.txt", _transcript(name, Show(detailed=True)))


def test_a_plan_with_everything_that_is_left_out_otherwise(golden: Golden) -> None:
    show = Show(sames=True, replacement_steps=True, debug=True)
    golden(GOLDEN / "second_preview_all.txt", _transcript("second_preview", show))


def test_colours(golden: Golden) -> None:
    text = _transcript("up_with_failures", Show(), colour=True)
    golden(GOLDEN / "up_with_failures_colour.txt", text.replace("\x1b", "ESC"))


def test_without_colour_there_is_no_escape_sequence() -> None:
    assert not any("\x1b" in _transcript(name, Show()) for name in SCENES)


def test_the_order_of_a_plan_does_not_depend_on_the_order_of_registration() -> None:
    steps = scenes.second_steps()
    usual = list(plan_lines(steps, Show(), Ink(False)))
    # Replacements and deletes keep their place among the steps of their own resource.
    shuffled = sorted(steps, key=lambda step: step.urn[::-1])
    assert list(plan_lines(shuffled, Show(), Ink(False))) == usual


def test_parents_in_a_circle_are_shown_all_the_same() -> None:
    one, other = state("one"), state("other")
    steps = [create(one.but(parent=other.urn)), create(other.but(parent=one.urn))]
    assert len(list(plan_lines(steps, Show(), Ink(False)))) == 2


def _said(times: list[float], running: int = 1, text: str = "Pending, {} s") -> list[str]:
    progress = io.StringIO()
    view = Text(Out(io.StringIO()), Out(progress), Show())
    steps = [create(state(f"r{number}")) for number in range(running)]
    for step in steps:
        view(events.StepBegan(step, BEGAN))
    for time in times:
        for step in steps:
            view(events.StepProgressed(step, text.format(time), BEGAN + time))
    return [line for line in progress.getvalue().splitlines() if "creating (" in line]


def test_a_long_wait_is_a_few_lines() -> None:
    lines = _said([float(second) for second in range(180)])
    assert lines[0] == " +  dataforest:index:Workspace r0 creating (10s): Pending, 10.0 s"
    assert len(lines) == 3


def test_what_is_new_is_said_sooner() -> None:
    progress = io.StringIO()
    view = Text(Out(io.StringIO()), Out(progress), Show())
    step = create(state("lab"))
    view(events.StepBegan(step, BEGAN))
    for second, text in ((5, "Pending"), (11, "Pending"), (22, "Starting"), (23, "Ready"), (33, "Ready")):
        view(events.StepProgressed(step, text, BEGAN + second))
    lines = progress.getvalue().splitlines()[1:]
    assert [line.rsplit(" ", 1)[1] for line in lines] == ["Pending", "Starting", "Ready"]


def test_many_that_wait_do_not_fill_a_log() -> None:
    assert len(_said([float(second) for second in range(120)], running=100)) == 100


def test_a_reader_that_hangs_up_does_not_stop_a_run() -> None:
    class Gone(io.StringIO):
        def write(self, text: str, /) -> int:
            raise BrokenPipeError

    tell(Text(Out(Gone()), Out(Gone()), Show()), SCENES["up_with_failures"]())


def test_a_closed_stream_does_not_stop_a_run() -> None:
    stream = io.StringIO()
    stream.close()
    tell(Text(Out(stream), Out(stream), Show()), SCENES["up_with_failures"]())


def test_a_stream_that_cannot_write_everything_spells_it_out() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    tell(Text(Out(stream), Out(io.StringIO()), Show()), SCENES["second_preview"]())
    stream.flush()
    assert b"\\u2026" in raw.getvalue()


def test_messages_are_fit_to_print() -> None:
    view = Text(Out(io.StringIO()), Out(progress := io.StringIO()), Show())
    view(told(Severity.INFO, "\x1b[31mred\x1b[0m\tand\x07 \x1b]0;title\x07plain\r\nsecond\u202e line\ud800"))
    view(told(Severity.INFO, ""))
    assert progress.getvalue() == "    red     and\\x07 plain\n    second\\u202e line\\ud800\n\n"


def test_the_streams_are_kept_apart() -> None:
    out, progress = played(SCENES["first_preview"]())
    assert out.startswith("Changes:\n")
    assert "hello" not in out
    assert progress.startswith("Previewing update (dev):\n")
    assert "Resources" not in progress


def test_outputs_can_be_left_out() -> None:
    out, _ = played(SCENES["first_preview"](), Show(outputs=False))
    assert "Outputs:" not in out

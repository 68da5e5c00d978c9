"""The live tree, as a terminal shows it: every escape sequence goes through a real terminal emulator (pyte)."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyte
import pytest
from pyte import modes

from engine.core import events
from engine.core.errors import Diagnostic, Severity
from engine.core.plan import Op, Plan, Reason, Step, Why
from engine.views.board import Board, Phase
from engine.views.live import Live
from engine.views.outline import Show
from engine.views.printing import Out
from tests.views import scenes
from tests.views.scenes import (
    BEGAN,
    COMPONENT,
    NOTEBOOK,
    SCENES,
    began,
    carried_out,
    component,
    create,
    delete,
    ended,
    original,
    played,
    replacement,
    root,
    same,
    state,
    tell,
    told,
    update,
    urn,
)

GOLDEN = Path(__file__).parent / "golden"
Golden = Callable[[Path, str], None]


class Terminal:
    """A terminal on which a live view draws when it is told to, at a time that is told."""

    def __init__(self, columns: int = 100, lines: int = 20, show: Show | None = None, encoding: str = "utf-8") -> None:
        self.size = (columns, lines)
        self.now = BEGAN
        self.screen = pyte.HistoryScreen(columns, lines, history=5000)
        self.screen.set_mode(modes.LNM)
        self._stream = pyte.Stream(self.screen)
        self._raw = io.BytesIO()
        self._file = io.TextIOWrapper(self._raw, encoding=encoding, write_through=True)
        out = Out(self._file)
        self.view = Live(out, Out(self._file), show or Show(), lambda: self.size, clock=lambda: self.now, interval=None)

    def tell(self, *told: events.Event) -> Terminal:
        """Show events without drawing."""
        for event in told:
            self.view(event)
        return self

    def draw(self, at: float = 0.0) -> Terminal:
        """Draw at a time; the terminal takes in what was written so far."""
        self.now = BEGAN + at
        self.view.draw()
        return self.taken_in()

    def taken_in(self) -> Terminal:
        """The terminal takes in what was written so far."""
        self._stream.feed(self._raw.getvalue().decode())
        self._raw.seek(0)
        self._raw.truncate()
        return self

    def resized(self, columns: int, lines: int) -> Terminal:
        """The window changes its size."""
        self.size = (columns, lines)
        self.screen.resize(lines, columns)
        return self

    def narrowed(self, columns: int) -> Terminal:
        """The window becomes narrower, and the terminal wraps the lines that no longer fit, as most do today."""
        before = self.all_text
        self.size = (columns, self.size[1])
        self.screen = pyte.HistoryScreen(*self.size, history=5000)
        self.screen.set_mode(modes.LNM)
        self._stream = pyte.Stream(self.screen)
        self._stream.feed(before)
        return self

    @property
    def text(self) -> str:
        """What can be seen."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    @property
    def all_text(self) -> str:
        """What can be seen, and what has scrolled away."""
        columns = range(self.screen.columns)
        gone = ["".join(line[column].data for column in columns).rstrip() for line in self.screen.history.top]
        return "\n".join([*gone, self.text])


def _many(count: int) -> list[Step]:
    return [create(root()), *(create(state(f"ws-{number:04}")) for number in range(count))]


def _small_plan() -> tuple[Step, ...]:
    lab = state("lab", {"name": "lab"}, id="ws-1", key=1)
    bench = state("bench", {"size": 1}, type_=NOTEBOOK, parent=COMPONENT, id="nb-1", key=2)
    return (
        same(root()),
        same(component()),
        *replacement(lab, {"name": "lab2"}, "name", note="no API can rename a workspace"),
        update(bench, {"size": 2}),
        create(state("tail")),
        create(state("fresh", type_=NOTEBOOK, parent=COMPONENT)),
        delete(state("gone", id="ws-2", key=3)),
        original(lab),
    )


def _planned(steps: Iterable[Step]) -> list[events.Event]:
    return [began(preview=True), events.Planned(Plan(tuple(steps)), BEGAN), ended(steps, preview=True)]


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_a_run_at_four_moments(golden: Golden) -> None:
    steps = _small_plan()
    _, _, make, replaced, bench, tail, fresh, gone, old = steps
    terminal = Terminal(lines=18)
    moments: list[str] = []

    def picture(at: float) -> None:
        moments.append(f"--- after {at} s\n{terminal.draw(at).text}\n")

    terminal.tell(*_planned(steps)).taken_in()
    terminal.screen.reset()
    terminal.screen.set_mode(modes.LNM)
    terminal.tell(began(), *carried_out(steps[0], 0, 0), *carried_out(steps[1], 0, 0))
    picture(0)
    terminal.tell(
        events.StepBegan(make, BEGAN),
        events.StepBegan(bench, BEGAN),
        events.StepProgressed(make, "Pending", BEGAN + 2),
        told(Severity.INFO, "hello from the program"),
    )
    picture(2.5)
    problem = Diagnostic(Severity.ERROR, "the quota is used up", urn=fresh.urn, remedy="ask for more")
    terminal.tell(
        *carried_out(make, 0, 61)[1:],
        *carried_out(replaced, 61, 61),
        events.StepFailed(fresh, problem, BEGAN + 62),
        events.StepSkipped(tail, fresh.urn, BEGAN + 62),
    )
    picture(65)
    terminal.tell(
        *carried_out(bench, 0, 70)[1:], *carried_out(old, 70, 71.5), *carried_out(gone, 71, 73), ended(steps, 73)
    )
    terminal.view.close()
    moments.append(f"--- at the end\n{terminal.taken_in().all_text}\n")
    golden(GOLDEN / "live.txt", "".join(moments))


def test_a_preview_ends_with_its_plan() -> None:
    terminal = Terminal(columns=200, lines=60)
    tell(terminal.view, SCENES["second_preview"]())
    out, progress = played(SCENES["second_preview"]())
    assert terminal.taken_in().all_text == (progress + out).rstrip("\n")


@pytest.mark.parametrize("name", SCENES)
def test_the_sections_are_those_of_the_text_view(name: str) -> None:
    out, progress = io.StringIO(), io.StringIO()
    view = Live(Out(out), Out(progress), Show(), lambda: (100, 40), clock=lambda: BEGAN, interval=None)
    tell(view, SCENES[name]())
    assert out.getvalue() == played(SCENES[name]())[0]


# --- room -------------------------------------------------------------------------------------------------------------


def test_thousands_of_resources_take_no_more_than_the_screen() -> None:
    steps = _many(2000)
    terminal = Terminal(lines=12).tell(*_planned(steps)).tell(began())
    for step in steps[:1900]:
        terminal.tell(*carried_out(step, 0, 1))
    for step in steps[1900:1932]:
        terminal.tell(events.StepBegan(step, BEGAN + 1))
    lines = terminal.draw(3).text.splitlines()
    assert len(lines) <= 12
    assert lines[-1] == "@ updating (3s): 1,900 done, 32 running, 69 waiting, about 3s ahead"
    assert lines[-2] == "     … and 1,993 more: 1,899 done, 25 running, 69 waiting"
    assert sum("creating (2s)" in line for line in lines) == 7


def test_failures_come_first() -> None:
    steps = _many(50)
    terminal = Terminal(lines=10).tell(began())
    for step in steps[:40]:
        terminal.tell(events.StepBegan(step, BEGAN))
    problem = Diagnostic(Severity.ERROR, "no", urn=steps[5].urn)
    text = terminal.tell(events.StepFailed(steps[5], problem, BEGAN)).draw(1).text
    assert "ws-0004   **creating failed**  no" in text
    assert "… and 34 more: 34 running" in text


@pytest.mark.parametrize(("columns", "lines"), [(20, 6), (30, 10), (60, 24), (200, 50)])
def test_no_line_is_wider_than_the_terminal(columns: int, lines: int) -> None:
    terminal = Terminal(columns, lines)
    terminal.tell(began(), *(events.StepBegan(step, BEGAN) for step in _many(30)))
    shown = terminal.draw(1).text.splitlines()
    assert shown[-1].startswith("@ updating")
    assert len(shown) <= lines
    assert terminal.all_text.count("@ updating") == 1


def test_the_tree_follows_the_size_of_the_window() -> None:
    terminal = Terminal(100, 30).tell(began(), *(events.StepBegan(step, BEGAN) for step in _many(40)))
    for size in ((100, 30), (60, 12), (40, 30), (120, 8), (20, 6), (100, 30)):
        text = terminal.resized(*size).draw(terminal.now - BEGAN + 1).text
        assert text.splitlines()[-1].startswith("@ updating")
        assert len(text.splitlines()) <= size[1]


def test_no_rest_of_the_tree_is_left_when_lines_are_wrapped() -> None:
    steps = [create(state(f"a-rather-long-name-{number}")) for number in range(8)]
    terminal = Terminal(100, 40).tell(began(), told(Severity.INFO, "hello from the program"))
    terminal.tell(*(events.StepBegan(step, BEGAN) for step in steps)).draw(1)
    for columns in (70, 45, 30):
        lines = terminal.narrowed(columns).draw(terminal.now - BEGAN + 1).all_text.splitlines()
        assert lines[:2] == ["Updating (dev):", "    hello from the program"]
        assert lines[2].startswith("     Type")
        assert len(lines) == 2 + 1 + 1 + 8 + 1
    terminal.narrowed(20).view.pause()
    assert terminal.taken_in().all_text.startswith("Updating (dev):\n    hello from the ")
    assert "creating" not in terminal.all_text


def test_wide_and_odd_names_keep_their_columns() -> None:
    names = ["日本語の名前", "a\x1b[31mred", "e\u0301", "two\nlines", "x" * 300, "‮turned"]
    terminal = Terminal(120, 20).tell(began(), *(events.StepBegan(create(state(name)), BEGAN) for name in names))
    lines = terminal.draw(1).text.splitlines()
    rows = lines[3:-1]
    assert len(rows) == len(names)
    assert all("  creating (1s)  new" in row for row in rows)
    assert "\\x1b[31mred" in rows[1]
    assert "two\\nlines" in rows[3]
    # The columns of the terminal, not the characters, are what lines up: a wide character fills two.
    starts = {terminal.screen.display[number].index("creating") for number in (4, 5, 6, 7, 8)}
    assert len(starts) == 1


# --- above the tree ---------------------------------------------------------------------------------------------------


def test_messages_appear_above_the_tree_and_stay() -> None:
    terminal = Terminal(60, 12).tell(began(), events.StepBegan(create(state("lab")), BEGAN)).draw(1)
    for number in range(30):
        terminal.tell(told(Severity.INFO, f"line {number}"))
        if number % 3 == 0:
            terminal.draw(number)
    text = terminal.draw(31).all_text
    assert [f"    line {number}" for number in range(30)] == [
        line for line in text.splitlines() if line.startswith("    line")
    ]
    assert text.count("@ updating") == 1
    assert text.splitlines()[-1].startswith("@ updating (31s)")


def test_nothing_is_drawn_when_nothing_is_new() -> None:
    terminal = Terminal().tell(began(), events.StepBegan(create(state("lab")), BEGAN)).draw(1.0)
    before = terminal.screen.cursor.y
    terminal.now = BEGAN + 1.4
    terminal.view.draw()
    assert terminal._raw.getvalue() == b""
    assert terminal.draw(2.0).screen.cursor.y == before


def test_the_tree_is_gone_for_a_question() -> None:
    terminal = Terminal().tell(began(), events.StepBegan(create(state("lab")), BEGAN)).draw(1)
    assert terminal.screen.cursor.hidden
    terminal.view.pause()
    assert terminal.taken_in().text == "Updating (dev):"
    assert not terminal.screen.cursor.hidden


def test_a_run_that_breaks_off_leaves_the_terminal_as_it_was() -> None:
    terminal = Terminal().tell(began(), events.StepBegan(create(state("lab")), BEGAN)).draw(1)
    terminal.tell(told(Severity.ERROR, "out of luck"))
    terminal.view.close()
    terminal.view.close()
    assert terminal.taken_in().text == "Updating (dev):\n    error: out of luck"
    assert not terminal.screen.cursor.hidden


def test_a_terminal_without_box_characters() -> None:
    terminal = Terminal(encoding="ascii")
    terminal.tell(began(), *(events.StepBegan(step, BEGAN) for step in (create(root()), create(state("lab")))))
    assert "`- dataforest:index:Workspace" in terminal.draw(1).text


def test_a_terminal_that_goes_away_does_not_stop_a_run() -> None:
    class Gone(io.StringIO):
        def write(self, text: str, /) -> int:
            raise OSError(5, "Input/output error")

    view = Live(Out(Gone()), Out(Gone()), Show(), lambda: (80, 24), clock=lambda: BEGAN, interval=None)
    for event in SCENES["up_with_failures"]():
        view(event)
        view.draw()
    view.close()


def test_events_come_from_many_threads_while_another_draws() -> None:
    stream = io.StringIO()
    view = Live(Out(io.StringIO()), Out(stream), Show(), lambda: (100, 20), interval=0.001)
    steps = _many(400)
    view(began())

    def work(mine: list[Step]) -> None:
        for step in mine:
            for event in carried_out(step, 0, 1):
                view(event)
            view(told(Severity.INFO, f"made {step.urn}"))

    threads = [threading.Thread(target=work, args=(steps[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    view(ended(steps))
    view.close()
    text = stream.getvalue()
    assert text.count("made urn:") == 401
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1


# --- the board --------------------------------------------------------------------------------------------------------


def _board(*told: events.Event) -> Board:
    board = Board()
    for event in told:
        board.hear(event)
    return board


def test_what_is_left_is_estimated_from_what_such_steps_took() -> None:
    steps = _many(10)[1:]
    board = Board()
    board.expect(steps)
    for step in steps[:2]:
        for event in carried_out(step, 0, 10):
            board.hear(event)
    for step in steps[2:4]:
        board.hear(events.StepBegan(step, BEGAN + 10))
    # Two at a time, 10 s each: 2 x 8 s of the running ones, 6 x 10 s of the waiting ones.
    assert board.seconds_ahead(BEGAN + 12) == pytest.approx((2 * 8 + 6 * 10) / 2)


def test_nothing_is_estimated_from_nothing() -> None:
    steps = [*_many(4)[1:], create(state("other", type_=NOTEBOOK))]
    board = Board()
    board.expect(steps)
    for step in steps[:2]:
        for event in carried_out(step, 0, 10):
            board.hear(event)
    board.hear(events.StepBegan(steps[2], BEGAN + 10))
    assert board.seconds_ahead(BEGAN + 11) is None


def test_a_replacement_is_one_row_and_takes_the_time_of_its_steps() -> None:
    old = state("old", {"name": "a"}, id="ws-1", key=7)
    make, replaced = replacement(old, {"name": "b"}, "name")
    board = _board(*carried_out(make, 0, 4), *carried_out(replaced, 4, 4), *carried_out(original(old), 9, 12))
    drawn = board.rows(5)[-1]
    assert drawn.row.step is not None
    assert drawn.row.step.op is Op.REPLACE
    assert drawn.row.seconds == pytest.approx(7)
    assert board.counts[Phase.DONE] == 1


def test_a_look_that_fails_is_no_longer_running() -> None:
    step = Step(op=Op.READ, urn=urn("vpc"), new=state("vpc"), reason=Reason(Why.READ))
    looking = events.StepProgressed(step, "reading", BEGAN)
    failure = told(Severity.ERROR, "there is no such object", urn=step.urn)
    board = _board(looking, failure)
    assert board.counts[Phase.FAILED] == 1
    assert board.counts[Phase.RUNNING] == 0


def test_the_graph_of_the_record_gives_the_places() -> None:
    board = _board(events.Expected({urn("child", parent=COMPONENT): COMPONENT, COMPONENT: scenes.ROOT}))
    board.hear(events.StepBegan(delete(state("child", parent=COMPONENT)), BEGAN))
    assert [len(drawn.branches) for drawn in board.rows(5)] == [0, 1, 2]


def test_parents_in_a_circle_do_not_keep_a_row_away() -> None:
    one: Any = state("one")
    board = _board(events.StepBegan(create(one.but(parent=one.urn)), BEGAN))
    assert board.rows(5) is not None

"""A run as a tree that changes in place, on a terminal.

The tree is a `frame` of the `board`; what the program prints and what somebody should know appears above it and stays.
When the run has ended the tree is printed once more, for good, and the same sections follow as in `text`.

Events only change the board. Drawing happens on a thread of its own, ten times a second at most and only if there is
something new; it costs what fits on the screen, and a terminal that takes its time holds up no event. A test leaves the
thread out and calls `draw`.

Left to others: what is worth a row (`board`), the table (`frame`), what follows (`sections`); the cursor is rich's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import IO, Final, cast

from rich.console import Console
from rich.control import Control
from rich.live import Live as RichLive
from rich.segment import ControlType
from rich.text import Text as RichText

from engine.core import events
from engine.core.plan import Plan
from engine.views import frame, words
from engine.views.board import Board, Phase
from engine.views.frame import Frame
from engine.views.outline import Show
from engine.views.printing import Out, visible
from engine.views.sections import Account
from engine.views.text import problem_lines, settled_line

INTERVAL: Final = 0.1
_FINAL_ROWS: Final = 100

Size = Callable[[], tuple[int, int]]


class Live:
    """See the module. `size` gives columns and lines of the terminal now; `interval` None: nobody but `draw` draws."""

    def __init__(
        self,
        out: Out,
        progress: Out,
        show: Show,
        size: Size,
        *,
        clock: Callable[[], float] = time.time,
        interval: float | None = INTERVAL,
    ) -> None:
        self._out = out
        self._progress = progress
        self._show = show
        self._size = size
        self._clock = clock
        self._account = Account()
        self._plan: Plan | None = None
        self._board = Board()
        self._frame: Frame | None = None
        self._above: list[str] = []
        self._news = 0
        self._drawn_for: tuple[object, ...] = ()
        self._lengths: list[int] = []
        self._screen: RichLive | None = None
        # Who needs both takes `_painting` first. An event that only changes the board never waits for the terminal.
        self._painting = threading.RLock()
        self._turn = threading.RLock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        if interval is not None:
            self._thread = threading.Thread(target=self._keep_drawing, args=(interval,), name="view", daemon=True)
            self._thread.start()

    def __call__(self, event: events.Event) -> None:
        """Take one event in."""
        if isinstance(event, events.Began):
            with self._painting, self._turn:
                self._begin(event)
        elif isinstance(event, events.Ended):
            with self._painting, self._turn:
                self._end(event)
        else:
            with self._turn:
                self._news += 1
                self._account.hear(event)
                self._board.hear(event)
                self._above += self._to_say(event)
                if isinstance(event, events.Planned):
                    self._plan = event.plan

    def draw(self) -> None:
        """Show what is new; nothing happens if nothing is."""
        with self._painting:
            screen = self._screen
            if screen is None:
                return
            now, (width, height) = self._clock(), self._size()
            with self._turn:
                at = (self._news, width, height, int(now) if self._board.counts[Phase.RUNNING] > 0 else 0)
                if at == self._drawn_for or self._frame is None:
                    return
                self._drawn_for = at
                lines = self._frame.lines(now, width, height)
                above, self._above = self._above, []
            screen.console.size = (width, height)  # type: ignore[assignment]
            screen.update(frame.Picture(lines))
            with screen.console:  # one write, or the tree would flicker
                screen.console.control(self._forget_wrapped(width))
                self._lengths = frame.lengths(lines)
                if above:
                    screen.console.print(RichText.from_ansi("\n".join(above)), soft_wrap=True)
                screen.refresh()

    def _forget_wrapped(self, width: int) -> Control:
        """Take away the lines that a narrower window has made of those drawn last; rich does not know of them."""
        wrapped = sum((length - 1) // width for length in self._lengths if length)
        return Control(*((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1)) * wrapped)

    def pause(self) -> None:
        """Somebody else is about to write: a question, an error."""
        with self._painting, self._turn:
            self._stop()

    def close(self) -> None:
        """Nothing more will be told."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.pause()

    # --- one run ------------------------------------------------------------------------------------------------------

    def _begin(self, began: events.Began) -> None:
        self._stop()
        self._account.hear(began)
        self._board = Board()
        self._frame = Frame(self._board, began, frame.BOXES if self._progress.draws else frame.PLAIN_BOXES)
        self._drawn_for = ()
        self._lengths = []
        if not began.preview and self._plan is not None:
            self._board.expect(self._plan.steps)
        self._plan = None
        name = words.run_name(began.operation, began.preview)
        self._progress.lines([self._progress.ink("bold", f"{name} ({visible(began.stack)}):")])
        self._screen = _screen(self._progress, self._size())

    def _end(self, ended: events.Ended) -> None:
        self._stop()
        if self._frame is not None and not ended.preview:
            rows = self._board.rows(_FINAL_ROWS)
            lines = self._frame.table(rows, self._clock(), self._size()[0])
            self._progress.lines(frame.as_text(lines, self._progress.ink))
        self._progress.lines([""])
        self._out.lines(self._account.sections(ended, self._show, self._out.ink))

    def _stop(self) -> None:
        """Take the tree away and leave the terminal as it was, with everything said that was to be said."""
        screen, self._screen = self._screen, None
        if screen is not None:
            screen.console.control(self._forget_wrapped(self._size()[0]))
            screen.stop()
        lines, self._above = self._above, []
        self._progress.lines(lines)
        self._progress.flush()
        self._out.flush()

    def _to_say(self, event: events.Event) -> Iterable[str]:
        ink = self._progress.ink
        match event:
            case events.Told():
                return problem_lines(event.problem, self._show, ink)
            case events.StepFailed():
                return problem_lines(event.problem, self._show, ink)
            case events.Settled():
                return [settled_line(event)]
        return ()

    def _keep_drawing(self, interval: float) -> None:
        while not self._closed.wait(interval):
            self.draw()


def _screen(progress: Out, size: tuple[int, int]) -> RichLive:
    """rich's live region, told everything it would otherwise find out from the environment."""
    console = Console(
        file=cast(IO[str], progress),
        force_terminal=True,
        force_interactive=True,
        color_system="standard" if progress.ink.colour else None,
        no_color=not progress.ink.colour,
        width=size[0],
        height=size[1],
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    screen = RichLive(
        console=console,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        vertical_overflow="crop",
    )
    screen.start()
    return screen

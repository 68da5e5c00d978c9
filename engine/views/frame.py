"""One picture of a live view: the rows of `board` as a table with Pulumi's columns (spec section 14), and a line below.

Columns only grow while a run lasts, so that the table does not jump. Lines are made of cells (a text, its colour) and
are at most as wide as the terminal; who prints them decides how.

Left to others: which rows (`board`), when, and on what (`live`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions
from rich.segment import Segment

from engine.core import events
from engine.core.plan import Op
from engine.views import words
from engine.views.board import Board, Drawn, Phase, Row
from engine.views.printing import Ink, message_lines
from engine.views.reasons import because

BOXES: Final = ("├─ ", "└─ ", "│  ", "   ")
PLAIN_BOXES: Final = ("|- ", "`- ", "|  ", "   ")

_PHASE_WORDS: Final = (
    (Phase.DONE, "done"),
    (Phase.RUNNING, "running"),
    (Phase.WAITING, "waiting"),
    (Phase.FAILED, "failed"),
    (Phase.SKIPPED, "skipped"),
)
_NARROWEST: Final = 8

Cell = tuple[str, str]
Line = list[Cell]


class _Row(NamedTuple):
    prefix: str
    colour: str
    kind: str
    name: str
    status: str
    info: str
    info_colour: str


class Frame:
    """The pictures of one run."""

    def __init__(self, board: Board, began: events.Began, boxes: tuple[str, str, str, str] = BOXES) -> None:
        self._board = board
        self._began = began
        self._boxes = boxes
        self._kind = self._name = self._word = _NARROWEST

    def lines(self, now: float, width: int, height: int) -> list[Line]:
        """A picture that leaves at least one line of the terminal free."""
        drawn = self._board.rows(max(height - 4, 1))
        return [*self.table(drawn, now, width), _cropped([(f"@ {self._progress(now)}", "bold")], width - 1)]

    def table(self, drawn: list[Drawn], now: float, width: int) -> list[Line]:
        """Head, rows, and a line about the rest."""
        rows = [self._row(item, now) for item in drawn]
        self._fit(rows, width)
        lines: list[Line] = []
        if rows:
            title = "Plan" if self._began.preview else "Status"
            lines.append([(f"     {self._columns('Type', 'Name')}{title:<{self._word}}  Info", "bold")])
        for row in rows:
            line = [(f" {row.prefix}  ", row.colour), (self._columns(row.kind, row.name), "")]
            line += [(f"{row.status:<{self._word}}  ", row.colour), (row.info, row.info_colour)]
            lines.append(line)
        hidden = self._board.hidden(drawn)
        if hidden:
            counts = ", ".join(f"{hidden[phase]:,} {word}" for phase, word in _PHASE_WORDS if phase in hidden)
            lines.append([(f"     … and {sum(hidden.values()):,} more: {counts}", "dim")])
        return [_cropped(line, width - 1) for line in lines]

    def _row(self, item: Drawn, now: float) -> _Row:
        row = item.row
        kind, name = words.type_and_name(row.urn)
        look = words.OPS[row.step.op if row.step and row.phase is not Phase.PLACE else Op.SAME]
        failed = row.phase is Phase.FAILED
        return _Row(
            look.prefix,
            "red" if failed else look.colour,
            _branch(item.branches, self._boxes) + kind,
            name,
            self._status(row, now),
            _info(row),
            "red" if failed else "dim",
        )

    def _columns(self, kind: str, name: str) -> str:
        return f"{_fitted(kind, self._kind)}  {_fitted(name, self._name)}  "

    def _fit(self, rows: Iterable[_Row], width: int) -> None:
        """Let the columns grow to what they need, Type and Name to no more than half of the terminal together."""
        for row in rows:
            self._kind = max(self._kind, cell_len(row.kind))
            self._name = max(self._name, cell_len(row.name))
            self._word = max(self._word, len(row.status))
        room = max(width // 2, 2 * _NARROWEST)
        self._name = min(self._name, max(room // 2, room - self._kind))
        self._kind = min(self._kind, room - self._name)

    def _status(self, row: Row, now: float) -> str:
        step, preview = row.step, self._began.preview
        if step is None:
            return ""
        match row.phase:
            case Phase.RUNNING:
                return words.planned(step) if preview else f"{words.running(step)} ({_seconds(now - row.began)})"
            case Phase.DONE:
                return words.planned(step) if preview else words.done(step, row.seconds)
            case Phase.FAILED:
                return words.failed(step)
            case Phase.SKIPPED:
                return "skipped"
        return ""

    def _progress(self, now: float) -> str:
        """`updating (1m5s): 1,900 done, 32 running, 68 waiting, about 20s ahead`."""
        counts = self._board.counts
        parts = [f"{counts[phase]:,} {word}" for phase, word in _PHASE_WORDS if counts[phase] > 0]
        if counts[Phase.SAME] > 0:
            parts.append(f"{counts[Phase.SAME]:,} unchanged")
        ahead = None if self._began.preview else self._board.seconds_ahead(now)
        if ahead is not None and ahead >= 1:
            parts.append(f"about {words.duration_text(ahead)} ahead")
        name = words.run_name(self._began.operation, self._began.preview).lower()
        return f"{name} ({_seconds(now - self._began.time)}): {', '.join(parts) or 'starting'}"


def _seconds(seconds: float) -> str:
    """Running seconds: whole ones, hundredths would only flicker."""
    return words.seconds_text(int(seconds)) if seconds >= 1 else "0s"


def _info(row: Row) -> str:
    if row.text:
        return " ".join(message_lines(row.text))
    if row.step is None or row.phase in (Phase.PLACE, Phase.SAME):
        return ""
    return because(row.step)


def _branch(branches: tuple[bool, ...], boxes: tuple[str, str, str, str]) -> str:
    if not branches:
        return ""
    tee, corner, bar, gap = boxes
    *above, own = branches
    return "".join(bar if more else gap for more in above) + (tee if own else corner)


def _fitted(text: str, width: int) -> str:
    """The text in exactly so many cells."""
    return set_cell_size(text, width) if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"


def _cropped(line: Line, width: int) -> Line:
    """The line in at most so many cells, without space at its end."""
    kept: Line = []
    for text, colour in line:
        if cell_len(text) > width:
            kept.append((_fitted(text, width) if width > 0 else "", colour))
            break
        kept.append((text, colour))
        width -= cell_len(text)
    while kept and not kept[-1][0].rstrip():
        kept.pop()
    return [*kept[:-1], *((text.rstrip(), colour) for text, colour in kept[-1:])]


def lengths(lines: list[Line]) -> list[int]:
    """How many cells each line takes."""
    return [sum(cell_len(text) for text, _ in line) for line in lines]


class Picture:
    """Lines for rich, ready made: they fit already, so nothing is left to be measured, wrapped or cropped."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for number, line in enumerate(self._lines):
            if number:
                yield Segment.line()
            for text, colour in line:
                yield Segment(text, console.get_style(colour) if colour else None)


def as_text(lines: list[Line], ink: Ink) -> Iterable[str]:
    """Lines to be printed once, and stay."""
    return ("".join(ink(colour, text) for text, colour in line).rstrip() for line in lines)

"""The output of a command: text for people, or one JSON document for programs.

It uses rich if that is installed and standard output is a terminal. Everywhere else the text is plain, without escape
codes and spinners.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shutil
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Final

from smsjobs.contract import escaped, visible
from smsjobs_shell.terminal.language import tr

__all__ = ["Bar", "Screen", "width_of", "wrapped"]

#: The width where there is no terminal: no line needs to be broken.
_UNLIMITED: Final = 10_000

#: A list of fewer columns tells too little.
_FEWEST: Final = 3

#: A narrower column is not worth folding for.
_NARROWEST: Final = 14

#: Seconds between two plain lines of a progress bar.
_PLAIN_BAR_S: Final = 5.0

#: Styles of rich, by the words that get them.
_STYLES: Final = {
    "accepted": "green",
    "ok": "green",
    "good": "green",
    "rejected": "red",
    "FAILURE": "red",
    "problem": "red",
    "not_sent": "yellow",
    "unknown": "yellow",
    "warning": "yellow",
    "bad": "red",
    "doubtful": "yellow",
}


#: What a line may not be broken within: a word, or a Chinese character with the signs that belong before and behind it.
_UNBROKEN: Final = re.compile(
    r"\s+|[“‘（《【「\[]*(?:[\u2e80-\u9fff\uff00-\uffef]|[^\s“‘（《【「\[\u2e80-\u9fff\uff00-\uffef]+)[，。、；：？！）》】」”’…\]]*|."
)

#: What a text of our own may have: the ends of its lines, and the tabs of a block that is to be copied.
_LINES: Final = "\n\t"


class Screen:
    """Standard output, as one command uses it. It is the one place where text from elsewhere is made safe for a terminal.

    Args:
        as_json: Write only one JSON document, by `document`. Everything else is silent.

    Attributes:
        wrote_document: Whether this run of the program has written its document.
    """

    wrote_document: ClassVar[bool] = False

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._terminal = not as_json and _is_terminal()
        self._console: Any = None
        if self._terminal and importlib.util.find_spec("rich") is not None:
            from rich.console import Console  # noqa: PLC0415  only where it is installed

            self._console = Console(highlight=False, emoji=False, markup=False)

    @property
    def width(self) -> int:
        """The columns of the terminal; very many where there is none."""
        return shutil.get_terminal_size().columns if self._terminal else _UNLIMITED

    @property
    def mark(self) -> str:
        """The character that bars are made of: a block, if the output's encoding has it."""
        try:
            "█".encode(sys.stdout.encoding or "ascii")
        except UnicodeEncodeError:
            return "#"
        return "█"

    @property
    def can_ask(self) -> bool:
        """Whether somebody can be asked: input and output are a terminal, and no JSON is wanted."""
        return not self.as_json and sys.stdout.isatty() and sys.stdin is not None and sys.stdin.isatty()

    def line(self, text: str = "", *, style: str = "", exact: bool = False) -> None:
        """Write a line for people.

        Args:
            text: The line.
            style: A style of rich.
            exact: Do not break it between words: it is to be copied.
        """
        if self.as_json:
            return
        if self._console is None:
            _write(f"{visible(text, keep=_LINES)}\n")
        else:
            shown = visible(text, keep=_LINES)
            if not exact:
                # rich breaks at blanks only.
                shown = "\n".join(part for line in shown.split("\n") for part in wrapped(line, self.width))
            self._console.print(shown, style=style or None, soft_wrap=exact)

    def has_room(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
        """Whether a table whose cells have one line fits without a break."""
        return _table_width(columns, rows) <= self.width

    def records(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write a list, a line for each row. Its columns stand in the order of their weight.

        If it is too wide for the terminal, the last columns are left out, which ``--json`` has too, and then the third
        one is folded. If even that has no room, write a block for each row: the first cell is copied, so it is not broken.
        """
        all_columns, shown = columns, len(columns)
        while shown > _FEWEST and not self.has_room(columns[:shown], [row[:shown] for row in rows]):
            shown -= 1
        columns, cells = columns[:shown], [row[:shown] for row in rows]
        if not self.has_room(columns, cells):
            room = self.width - _table_width(columns[:-1], [row[:-1] for row in cells]) - 2
            if room < _NARROWEST:
                for row in rows:
                    self.pairs(list(zip(all_columns, row, strict=True)))
                return
            cells = [(*row[:-1], _folded(row[-1], room)) for row in cells]
        self._table(columns, cells, spaced=False)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write a table for people. A cell may have several lines. Then a blank line follows each row."""
        self._table(columns, rows, spaced=any("\n" in cell for row in rows for cell in row))

    def _table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, spaced: bool) -> None:
        if self.as_json:
            return
        columns, *rows = [[visible(cell, keep="\n") for cell in row] for row in (columns, *rows)]
        if self._console is None:
            _write("\n".join(_plain_table(columns, rows)) + "\n\n")
        else:
            self._console.print(_rich_table(columns, rows, spaced=spaced))

    def pairs(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Write names and values, a line for each pair."""
        if self.as_json:
            return
        pairs = [(visible(name), visible(value, keep="\n")) for name, value in pairs]
        if self._console is None:
            widest = max((width_of(name) for name, _ in pairs), default=0)
            _write("".join(f"{_padded(name, widest)}  {value}\n" for name, value in pairs))
        else:
            self._console.print(_rich_grid(pairs))

    def document(self, document: dict[str, Any]) -> None:
        """Write the JSON document, if one is wanted."""
        if self.as_json:
            Screen.wrote_document = True
            _write(escaped(json.dumps(document, ensure_ascii=False, indent=2)) + "\n")

    def json_line(self, document: dict[str, Any]) -> None:
        """Write one of several JSON documents, on a line of its own, if JSON is wanted."""
        if self.as_json:
            Screen.wrote_document = True
            _write(escaped(json.dumps(document, ensure_ascii=False)) + "\n")

    @contextlib.contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Shows that work is in progress: by a spinner on a terminal, else by a line."""
        if self._console is None:
            self.line(f"{what} ...")
            yield
        else:
            with self._console.status(visible(what)):
                yield

    @contextlib.contextmanager
    def bar(self, what: str, unit: str) -> Iterator[Bar]:
        """Shows how far work is: by a bar with rate and time left on a terminal, else by a line now and then.

        Args:
            what: The work.
            unit: What is counted, such as ``"rows"``.
        """
        if self._console is None:
            yield Bar(lambda text: self.line(f"{what}: {text}"), unit)
            return
        with _rich_progress()(*_rich_columns(), console=self._console) as progress:
            task = progress.add_task(what, total=None, note="", rate="", wrong=False, below="")
            yield _RichBar(progress, task, unit)


class Bar:
    """Shows how far work is, in plain lines."""

    def __init__(self, tell: Callable[[str], None], unit: str) -> None:
        self._tell = tell
        self._unit = unit
        self._told = (time.monotonic(), "")

    def update(
        self,
        done: int,
        total: int | None,
        *,
        rate: float | None = None,
        note: str = "",
        below: str = "",
        last: bool = False,
        wrong: bool = False,  # noqa: ARG002  for a bar that has colours
    ) -> None:
        """Show how far it is. A plain line is written if it changed and the last one is 5 seconds old, or at the end.

        Args:
            done: How many are done.
            total: How many there are; None if that is not known.
            rate: How many are done a second; None if that is not known.
            note: Further text.
            below: More of it, for which a terminal has a line of its own.
            last: Whether this is the last update, though not everything may be done.
            wrong: Whether something is wrong. A bar is red only then.
        """
        text = f"{done:,} {self._unit}"
        if total is not None:
            text = tr("{done} of {total} {unit}", done=f"{done:,}", total=f"{total:,}", unit=self._unit)
        if rate is not None:
            text += tr(", {rate} a second", rate=f"{rate:,.0f}")
        note = ", ".join(filter(None, (note, below)))
        text += note and f"; {note}"
        at, before = self._told
        if text != before and (last or done == total or time.monotonic() - at >= _PLAIN_BAR_S):
            self._told = (time.monotonic(), text)
            self._tell(text)

    def end(self) -> None:
        """Leave it as it is: something else is written from now on."""


class _RichBar(Bar):
    """Shows how far work is, by a bar that moves."""

    def __init__(self, progress: Any, task: Any, unit: str) -> None:
        super().__init__(lambda _: None, unit)
        self._progress = progress
        self._task = task

    def update(
        self,
        done: int,
        total: int | None,
        *,
        rate: float | None = None,
        note: str = "",
        below: str = "",
        last: bool = False,  # noqa: ARG002  it shows every update
        wrong: bool = False,
    ) -> None:
        speed = "" if rate is None else f"{rate:,.0f} {self._unit}/s"
        self._progress.update(
            self._task,
            completed=done,
            total=total,
            note=visible(note),
            below=visible(below),
            rate=speed,
            wrong=wrong,
        )

    def end(self) -> None:
        self._progress.stop()


def _rich_progress() -> Any:
    from rich.progress import Progress  # noqa: PLC0415  only where it is installed
    from rich.text import Text  # noqa: PLC0415

    class WithLineBelow(Progress):
        """A bar with a line of text below it."""

        def get_renderables(self) -> Iterator[Any]:
            yield from super().get_renderables()
            for task in self.tasks:
                if task.fields["below"]:
                    yield Text(task.fields["below"], overflow="fold")

    return WithLineBelow


def _rich_columns() -> tuple[Any, ...]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.table import Column  # noqa: PLC0415

    class Coloured(BarColumn):
        """A bar that is red only when something is wrong. By default, rich's are reddish from the start."""

        def render(self, task: Any) -> Any:
            self.complete_style = self.finished_style = "red" if task.fields["wrong"] else "green"
            return super().render(task)

    return (
        TextColumn("{task.description}"),
        Coloured(bar_width=None, pulse_style="green"),
        # On a narrow terminal the bar shrinks, so that no number is cut.
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[note]}"),
    )


def width_of(text: str) -> int:
    """How many columns a text takes. Chinese characters take two."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in text
    )


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most so many columns, broken at blanks and between Chinese characters."""
    lines = [""]
    for piece in _UNBROKEN.findall(text):
        if width_of(lines[-1] + piece.rstrip()) > width:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        if lines[-1] or len(lines) == 1 or not piece.isspace():
            lines[-1] += piece
    return lines


def _folded(text: str, width: int) -> str:
    """The text in lines of at most so many columns."""
    lines = [""]
    for each in text:
        if width_of(lines[-1] + each) > width:
            lines.append("")
        lines[-1] += each
    return "\n".join(lines)


def _is_terminal() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _padded(text: str, width: int) -> str:
    return text + " " * (width - width_of(text))


def _table_width(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How many columns a table takes, with the gaps and the one at the end that rich adds."""
    return sum(max(width_of(row[n]) for row in (columns, *rows)) + 2 for n in range(len(columns)))


def _plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    cells = [[each.split("\n") for each in row] for row in (columns, *rows)]
    widths = [max(width_of(line) for row in cells for line in row[n]) for n in range(len(columns))]
    for row in cells:
        for index in range(max(len(cell) for cell in row)):
            lines = (cell[index] if index < len(cell) else "" for cell in row)
            yield "  ".join(_padded(line, width) for line, width in zip(lines, widths, strict=True)).rstrip()


def _rich_grid(pairs: Sequence[tuple[str, str]]) -> Any:
    from rich.table import Table  # noqa: PLC0415  only where it is installed
    from rich.text import Text  # noqa: PLC0415

    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(name, Text(value, style=_STYLES.get(value, "")))
    return grid


def _rich_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, spaced: bool) -> Any:
    from rich import box  # noqa: PLC0415  only where it is installed
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        cells = [Text(cell, style=_STYLES.get(cell.split(" ", 1)[0], "")) for cell in row]
        table.add_row(*cells, end_section=spaced)
    return table

"""Shows how far the reading of a file is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from smsjobs_shell.terminal.failure import INTERRUPTED, CommandFailed
from smsjobs_shell.terminal.language import tr
from smsjobs_shell.terminal.screen import Bar, Screen

if TYPE_CHECKING:
    from smsjobs.campaign.pages import Page

__all__ = ["Reading", "reading"]


class Reading:
    """How far the reading is."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._rows = 0
        #: Whether the whole file is read.
        self.is_over = False

    def add(self, page: Page) -> None:
        """Show one page more."""
        self._rows += len(page.lines)
        self._bar.update(self._rows, None)

    def end(self) -> None:
        """The whole file is read, and something else is shown from now on."""
        if not self.is_over:
            self.is_over = True
            self._bar.update(self._rows, self._rows)
            self._bar.end()


@contextlib.contextmanager
def reading(screen: Screen, *, going_on: str | None = None) -> Iterator[Reading]:
    """Shows how many rows are read.

    Args:
        going_on: The id of the campaign that reading begins and that stays begun after Ctrl-C; None for a dry run.
    """
    with screen.bar(tr("Reading"), tr("rows")) as bar:
        found = Reading(bar)
        try:
            yield found
        except KeyboardInterrupt:
            if going_on is None or found.is_over:
                raise
            bar.end()
            screen.line(
                "\n" + tr("Nothing is sent before the whole file is read. The same command again continues.")
            )
            screen.line(tr("To give it up:") + f"  smsjobs campaign cancel {going_on}", exact=True)
            raise CommandFailed(
                tr("interrupted; nothing is sent"), "interrupted", status=INTERRUPTED, more={"id": going_on}
            ) from None
        found.end()

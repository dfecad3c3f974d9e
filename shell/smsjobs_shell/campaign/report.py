"""``smsjobs campaign report``: what became of each recipient's message."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import click

from smsjobs.campaign import COLUMNS, ReportRow
from smsjobs.client import connect
from smsjobs_shell.campaign.csv_file import CsvFile
from smsjobs_shell.campaign.naming import CAMPAIGN, find
from smsjobs_shell.campaign.progress import show
from smsjobs_shell.terminal.language import tr
from smsjobs_shell.terminal.options import with_screen
from smsjobs_shell.terminal.screen import Screen

__all__ = ["report"]


@click.command(
    short_help="Write what became of every row of the file.",
    epilog="""\b
Examples:
  smsjobs campaign report people -o report.csv
  smsjobs campaign report people -o - | grep unknown

The columns are line, phone, outcome, code, reason, aliyun_code, out_id, biz_id,
delivery, err_code and reported_at. The outcome is accepted, rejected, not_sent,
unknown, pending, invalid or duplicate.""",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="The file for the CSV; - is standard output. [default: none, only a summary is shown]",
)
@CAMPAIGN
@with_screen
def report(screen: Screen, *, output: Path | None, campaign_name: str) -> None:
    """Write a CSV with what became of every row of the file, and show a summary."""
    if screen.as_json and str(output) == "-":
        raise click.UsageError(tr("--json and -o - both want standard output"))
    # It raises where there is no such campaign, before the file is touched.
    campaign = find(connect(), campaign_name)
    if str(output) == "-":
        _write(sys.stdout, campaign.report())
        return
    if output is not None:
        with screen.working(tr("Writing the report")):
            _write_file(output, campaign.report())
    show(screen, campaign)
    if output is not None:
        screen.line("\n" + tr("Every row: {file}", file=output), exact=True)


def _write_file(output: Path, rows: Iterable[ReportRow]) -> None:
    """Write a new file. An earlier report stays until it is whole: that may be the only record that is left."""
    with CsvFile(output, tr("the report")) as file:
        file.write(_lines(rows))
        file.keep()


def _write(file: TextIO, rows: Iterable[ReportRow]) -> None:
    csv.writer(file).writerows(_lines(rows))


def _lines(rows: Iterable[ReportRow]) -> Iterator[Sequence[Any]]:
    yield COLUMNS
    for row in rows:
        yield row.cells()

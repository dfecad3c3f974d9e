"""``smsjobs campaign check``: tell what `start` would do."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

import click

from smsjobs.campaign import Survey
from smsjobs_shell.campaign.options import PROMOTIONAL, Ordered, as_bad_usage, message_options, read_order
from smsjobs_shell.campaign.preview import document, preview
from smsjobs_shell.campaign.reading import Reading, reading
from smsjobs_shell.campaign.rejects import rejects_file
from smsjobs_shell.campaign.suppressed import asked_if_possible
from smsjobs_shell.terminal.failure import BAD_USAGE
from smsjobs_shell.terminal.options import with_screen
from smsjobs_shell.terminal.screen import Screen

__all__ = ["check"]


@click.command(
    short_help="Tell what a campaign would do, and send nothing.",
    epilog="""\b
Examples:
  smsjobs campaign check people.csv --template SMS_200000001 \\
      --param event=系统维护 --rejects rows.csv
  smsjobs campaign check people.csv --template SMS_200000001 \\
      --param event=系统维护 --sign 示例公司 --price 0.045 \\
      --template-text '${name}您好,今晚22点至24点进行${event},敬请谅解。'""",
)
@PROMOTIONAL
@message_options
@with_screen
def check(screen: Screen, *, file: Path, promotional: bool | None, **ordered: Unpack[Ordered]) -> int:
    """Read a file as `start` does, and tell what would be sent.

    Redis is needed only to count who wants no such messages: see `smsjobs suppress`. Without it they are not counted.

    The exit status is 2 if `start` would refuse the file, because it cannot be read or has no row that can be used.
    """
    order = as_bad_usage(lambda: read_order(file, ordered))
    with rejects_file(ordered["rejects"], order) as rejects:
        survey = Survey(
            order,
            template_text=ordered["template_text"],
            sign=ordered["sign"],
            on_left_out=rejects,
            suppressed=asked_if_possible(promotional=promotional),
        )
        with reading(screen) as progress:
            as_bad_usage(lambda: _read(survey, progress))
        rejects.keep()
    found = survey.found()
    preview(screen, found, ordered)
    _tell_what_next(screen, many=found.leaves_many_out, nobody=not found.recipients)
    screen.document(document(found, ordered))
    return 0 if found.recipients else BAD_USAGE


def _read(survey: Survey, progress: Reading) -> None:
    for page in survey.order.pages():
        survey.add(page)
        progress.add(page)


def _tell_what_next(screen: Screen, *, many: bool, nobody: bool) -> None:
    screen.line()
    if nobody:
        screen.line("No row can be used, so a campaign of this file would not start.", style="red")
        return
    if many:
        screen.line(
            "More than 5 % of the rows are left out. Look at the reasons above before you send: `start` asks about "
            "it, or takes --accept-left-out.",
            style="yellow",
        )
    screen.line(
        "Nothing was sent. To send it, type `start` in place of `check`, and add --element with the name of your "
        "account, such as --element SMS.YourSmsName. To get the first message on your own phone before, add "
        "--test and your number."
    )

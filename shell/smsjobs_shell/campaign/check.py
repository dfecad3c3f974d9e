"""``smsjobs campaign check``: tell what `start` would do."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

import click

from smsjobs.campaign import Order, Survey, find_misfits, learn_template, with_template
from smsjobs.client import connect
from smsjobs.templates import Template
from smsjobs_shell.campaign.options import PROMOTIONAL, Ordered, as_bad_usage, message_options, read_order
from smsjobs_shell.campaign.preview import document, preview
from smsjobs_shell.campaign.reading import Reading, reading
from smsjobs_shell.campaign.rejects import rejects_file
from smsjobs_shell.campaign.suppressed import asked_if_possible
from smsjobs_shell.terminal.failure import BAD_USAGE
from smsjobs_shell.terminal.language import tr
from smsjobs_shell.terminal.options import TEXT, with_screen
from smsjobs_shell.terminal.screen import Screen
from smsjobs_shell.terminal.wording import in_shell_words

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
@click.option(
    "--element",
    type=TEXT,
    metavar="NAME",
    help="Full name of the SMS element: look at what its workers know of the template, too.",
)
@PROMOTIONAL
@message_options
@with_screen
def check(
    screen: Screen,
    *,
    file: Path,
    element: str | None,
    promotional: bool | None,
    **ordered: Unpack[Ordered],
) -> int:
    """Read a file as `start` does, and tell what would be sent.

    Redis is needed only to count who wants no such messages: see `smsjobs suppress`. Without it they are not counted.

    With --element, the texts and the parts are those of the template as Aliyun has it, unless --template-text is given.

    The exit status is 2 if `start` would refuse the file, because it cannot be read, has no row that can be used, or does not
    fit its template.
    """
    order = as_bad_usage(lambda: read_order(file, ordered))
    template, order = _known(element, order) if element else (None, order)
    with rejects_file(ordered["rejects"], order) as rejects:
        survey = Survey(
            order,
            sign=ordered["sign"],
            on_left_out=rejects,
            suppressed=asked_if_possible(promotional=promotional),
        )
        with reading(screen) as progress:
            as_bad_usage(lambda: _read(survey, progress))
        rejects.keep()
    found = survey.found()
    preview(screen, found, ordered)
    misfits = list(find_misfits(order, template, promotional)) if template else []
    for each in misfits:
        screen.line("\n" + tr("The campaign would not start: {why}.", why=in_shell_words(each)), style="red")
    if element and template is None:
        screen.line(
            "\n"
            + tr(
                "Nothing is known of {template}: no worker of {element} has told of it.",
                template=order.template,
                element=element,
            )
        )
    _tell_what_next(screen, many=found.leaves_many_out, nobody=not found.recipients)
    screen.document(document(found, ordered))
    return 0 if found.recipients and not misfits else BAD_USAGE


def _known(element: str, order: Order) -> tuple[Template | None, Order]:
    sms = connect()
    template = learn_template(sms.connection, sms.getElement(element).fullName, order.template)
    return template, with_template(sms.connection, order, template) if template else order


def _read(survey: Survey, progress: Reading) -> None:
    for page in survey.order.pages():
        survey.add(page)
        progress.add(page)


def _tell_what_next(screen: Screen, *, many: bool, nobody: bool) -> None:
    screen.line()
    if nobody:
        screen.line(tr("No row can be used, so a campaign of this file would not start."), style="red")
        return
    if many:
        screen.line(
            tr(
                "More than 5 % of the rows are left out. Look at the reasons above before you send: `start` asks about "
                "it, or takes --accept-left-out."
            ),
            style="yellow",
        )
    screen.line(
        tr(
            "Nothing was sent. To send it, type `start` in place of `check`, and add --element with the name of your "
            "account, such as --element SMS.YourSmsName. To get the first message on your own phone before, add "
            "--test and your number."
        )
    )

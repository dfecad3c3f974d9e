"""``--test``: the first row's message to one number, before everybody gets his."""

from __future__ import annotations

from typing import Final

import click

from smsjobs.campaign import Order
from smsjobs.client import Sms
from smsjobs.contract import InvalidArguments, read_phone
from smsjobs.contract.phones import WRONG_NUMBER
from smsjobs_shell.status import follow
from smsjobs_shell.terminal.failure import BadOption
from smsjobs_shell.terminal.language import tr
from smsjobs_shell.terminal.outcome import exit_status
from smsjobs_shell.terminal.screen import Screen

__all__ = ["TEST", "send_trial"]

#: Seconds after which a trial is not sent any more, and for which its outcome is waited for.
_LIFE_S, _WAIT_S = 300, 10.0


def _number(ctx: click.Context, option: click.Parameter, typed: str | None) -> str | None:
    if typed is None:
        return None
    phone, fault = read_phone(typed)
    if fault:
        raise BadOption(tr("the number {fault}", fault=tr(WRONG_NUMBER[fault])), ctx, option)
    return phone


#: The option.
TEST: Final = click.option(
    "--test",
    "trial",
    metavar="PHONE",
    callback=_number,
    help="Send the first row's message to this number, and to nobody else.",
)


def send_trial(screen: Screen, sms: Sms, order: Order, phone: str, *, element: str) -> int:
    """Send the first message of the order to that number only, on the lane of campaigns, and wait for its outcome.

    Returns:
        The exit status.

    Raises:
        InvalidArguments: No row can be used.
    """
    recipients = order.recipients
    first = next((row for row in order.rows() if not row.fault), None)
    if first is None:
        raise InvalidArguments("recipients: no row can be used; nothing is sent", argument="recipients")
    params = recipients.shared | dict(zip(recipients.names, first.values, strict=True))
    job = sms.getElement(element).sendMessage(
        phoneList=[phone], params=params, verifyTemplateCode=order.template, lane="bulk", expires=_LIFE_S
    )
    screen.line(tr("The message of line {line} is sent to your number, and to nobody else.", line=first.line))
    return exit_status(follow(screen, sms, job, _WAIT_S), settled_wanted=True)

"""``smsjobs send``: enqueue one message."""

from __future__ import annotations

from collections.abc import Sequence

import click

from smsjobs.client import connect
from smsjobs.contract import LANES, InvalidArguments, QueueUnavailable, read_phone
from smsjobs.contract.phones import WRONG_NUMBER
from smsjobs_shell.status import follow, show, tell_that_it_goes_on
from smsjobs_shell.terminal.failure import BadOption, CommandFailed, bad_usage
from smsjobs_shell.terminal.language import tr
from smsjobs_shell.terminal.options import SECONDS, TEXT, with_screen
from smsjobs_shell.terminal.outcome import exit_status
from smsjobs_shell.terminal.screen import Screen
from smsjobs_shell.terminal.wording import in_shell_words

__all__ = ["parameters", "send"]


def parameters(ctx: click.Context, option: click.Parameter, typed: Sequence[str]) -> dict[str, str]:
    """The typed parameters by name. An error never repeats what was typed: it may be a verification code."""
    pairs = [each.partition("=") for each in typed]
    if not all(name and equals for name, equals, _ in pairs):
        raise BadOption(tr("each needs the form NAME=VALUE"), ctx, option)
    by_name = {name: value for name, _, value in pairs}
    if len(by_name) < len(pairs):
        raise BadOption(tr("each NAME may be given once"), ctx, option)
    return by_name


@click.command(
    short_help="Enqueue one message.",
    epilog="""\b
Examples:
  smsjobs send --element SMS.YourSmsName --template SMS_123456789 \\
      --param code=123456 --lane verification 13800138000
  smsjobs send --element SMS.YourSmsName --template SMS_200000001 \\
      --param name=张三 --param event=系统维护 --key outage:17 \\
      --no-wait 13800138000 13800138001

A number or a code that is typed here may stay in your shell's history.""",
)
@click.option(
    "--element",
    required=True,
    type=TEXT,
    metavar="NAME",
    help="Full name of the SMS element, such as SMS.YourSmsName.",
)
@click.option(
    "--template", required=True, type=TEXT, metavar="CODE", help="The template's code, such as SMS_123456789."
)
@click.option(
    "--param",
    "params",
    multiple=True,
    type=TEXT,
    metavar="NAME=VALUE",
    callback=parameters,
    help="A parameter of the template; repeatable.",
)
@click.option(
    "--lane",
    type=click.Choice(list(LANES)),
    default="notification",
    show_default=True,
    help="Which workers send it.",
)
@click.option(
    "--expires",
    type=SECONDS,
    metavar="SECONDS",
    help="Do not send it any more after that time. [default: by lane]",
)
@click.option(
    "--key", type=TEXT, metavar="TEXT", help="Idempotency key: the same key gives the same job back."
)
@click.option(
    "--wait",
    "wait_s",
    type=SECONDS,
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the outcome.",
)
@click.option("--no-wait", is_flag=True, help="Only enqueue.")
@click.argument("phones", nargs=-1, required=True, metavar="PHONE...")
@with_screen
def send(
    screen: Screen,
    *,
    element: str,
    template: str,
    params: dict[str, str],
    lane: str,
    expires: float | None,
    key: str | None,
    wait_s: float,
    no_wait: bool,
    phones: tuple[str, ...],
) -> int:
    """Enqueue one message to one or more numbers, and wait for its outcome.

    A worker of its lane sends it. Ctrl-C ends only the waiting: the job continues.
    """
    source = click.get_current_context().get_parameter_source("wait_s")
    if no_wait and source is not click.core.ParameterSource.DEFAULT:
        raise click.UsageError(tr("{one} and {other} exclude each other", one="--wait", other="--no-wait"))
    sms = connect()
    try:
        job = sms.getElement(element).sendMessage(
            phoneList=list(phones),
            params=params,
            verifyTemplateCode=template,
            lane=lane,
            expires=expires,
            idempotency_key=key,
        )
    except InvalidArguments as error:
        raise bad_usage(error, _wrong_phone(phones) if error.argument == "phoneList" else "") from None
    try:
        details = show(screen, job) if no_wait else follow(screen, sms, job, wait_s)
    except QueueUnavailable as error:
        # The job is recorded. Only the question about its outcome failed.
        tell_that_it_goes_on(screen, job.id)
        more = {"code": error.code, "id": job.id, "outcome": None, "attempts": None}
        raise CommandFailed(
            tr("{error}. The job continues", error=in_shell_words(error)), error.reason, more=more
        ) from None
    return exit_status(details, settled_wanted=not no_wait)


def _wrong_phone(phones: Sequence[str]) -> str:
    """What is wrong with the first wrong PHONE, counted from 1; empty where none is wrong. The library counts from 0."""
    faults = ((place, read_phone(each)[1]) for place, each in enumerate(phones, 1))
    told = (
        tr("PHONE number {place} {fault}", place=place, fault=tr(WRONG_NUMBER[fault]))
        for place, fault in faults
        if fault
    )
    return next(told, "")

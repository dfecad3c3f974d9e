"""The options that say what a campaign sends, and to whom. `check` and `start` have the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final, TypedDict, TypeVar

import click

from smsjobs.campaign import Order
from smsjobs.contract import InvalidArguments
from smsjobs_shell.send import parameters
from smsjobs_shell.terminal.failure import BadOption, bad_usage
from smsjobs_shell.terminal.language import tr
from smsjobs_shell.terminal.options import TEXT

__all__ = ["PROMOTIONAL", "Ordered", "as_bad_usage", "message_options", "read_order"]

R = TypeVar("R")

#: A price above this is a slip of the hand.
_DEAREST: Final = 1000


PROMOTIONAL: Final = click.option(
    "--promotional/--no-promotional",
    default=None,
    help="Send from 8:00 to 20:00 Beijing time only; or: it is not promotional, so send to those too who want no "
    "promotional messages. [default: at any hour, but not to them]",
)


class Ordered(TypedDict):
    """What `message_options` give a command besides the file."""

    template: str
    params: dict[str, str]
    template_text: str | None
    sign: str
    price: Decimal | None
    strict: bool
    sheet: str | None
    phone_column: str | None
    ignored: tuple[str, ...]
    countries: tuple[str, ...] | None
    rejects: Path | None


def _codes(ctx: click.Context, option: click.Parameter, typed: Sequence[str]) -> tuple[str, ...] | None:
    """Country codes, each by itself or several with commas between them."""
    codes = tuple(code.strip().removeprefix("+") for each in typed for code in each.split(","))
    if not all(code.isascii() and code.isdigit() and not code.startswith("0") for code in codes):
        raise BadOption(tr("must be country codes, such as 86 or 86,852"), ctx, option)
    return codes or None


def _price(ctx: click.Context, option: click.Parameter, typed: str | None) -> Decimal | None:
    """A price, exact to the last digit."""
    if typed is None:
        return None
    try:
        price = Decimal(typed)
    except InvalidOperation:
        price = Decimal(-1)
    if not price.is_finite() or not 0 <= price <= _DEAREST:
        raise BadOption(tr("must be the price of one part, such as 0.045"), ctx, option)
    return price


def _rejects(ctx: click.Context, option: click.Parameter, typed: Path | None) -> Path | None:
    """A file that is not the one with the recipients."""
    source = ctx.params.get("file")
    if typed is not None and source is not None and typed.exists() and typed.samefile(source):
        raise BadOption(tr("must be another file than the recipients'"), ctx, option)
    return typed


def message_options(command: Callable[..., R]) -> Callable[..., R]:
    """Gives the command the options that say what is sent, and to whom."""
    for option in (
        click.argument(
            "file",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            metavar="FILE",
            # Before --rejects, which is compared with it.
            is_eager=True,
        ),
        click.option(
            "--rejects",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            callback=_rejects,
            help="Write the rows that are left out to this CSV file, each with its reason.",
        ),
        click.option(
            "--price",
            type=TEXT,
            metavar="AMOUNT",
            callback=_price,
            help="The price of one part of a message, such as 0.045, to show what is billed.",
        ),
        click.option(
            "--sheet",
            type=TEXT,
            metavar="NAME",
            help="The workbook's sheet. [default: the visible one that has the numbers]",
        ),
        click.option(
            "--ignore-column",
            "ignored",
            multiple=True,
            type=TEXT,
            metavar="NAME",
            help="A column that is not a parameter. Repeatable.",
        ),
        click.option(
            "--phone-column",
            type=TEXT,
            metavar="NAME",
            help="The column of the numbers. [default: the one whose name says it, such as phone or 手机号]",
        ),
        click.option(
            "--countries",
            multiple=True,
            type=TEXT,
            metavar="CODES",
            callback=_codes,
            help="Send to numbers of these countries only, such as 86 or 86,852; others are left out. Repeatable.",
        ),
        click.option(
            "--strict", is_flag=True, help="Stop at the first row that cannot be used, and send nothing."
        ),
        click.option(
            "--sign",
            default="",
            type=TEXT,
            metavar="TEXT",
            help="The signature, to show the texts. Its length counts with them.",
        ),
        click.option(
            "--template-text",
            type=TEXT,
            metavar="TEXT",
            help="The template's text, to show what is read and billed. Every ${parameter} of it must have a value.",
        ),
        click.option(
            "--param",
            "params",
            multiple=True,
            type=TEXT,
            metavar="NAME=VALUE",
            callback=parameters,
            help="A parameter that is the same for all. NAME={COLUMN} takes it from that column. Repeatable.",
        ),
        click.option(
            "--template",
            required=True,
            type=TEXT,
            metavar="CODE",
            help="The template's code, such as SMS_200000001.",
        ),
    ):
        command = option(command)
    return command


def as_bad_usage(step: Callable[[], R]) -> R:
    """Take the step, and raise wrong arguments and files as bad usage."""
    try:
        return step()
    except InvalidArguments as error:
        raise bad_usage(error) from None


def read_order(file: Path, ordered: Ordered) -> Order:
    """The order that was typed."""
    return Order.read(
        file,
        ordered["template"],
        ordered["params"],
        template_text=ordered["template_text"],
        strict=ordered["strict"],
        sheet=ordered["sheet"],
        phone_column=ordered["phone_column"],
        countries=ordered["countries"],
        ignore_columns=ordered["ignored"],
    )

"""Reads and shows times, always with their time zone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from smsjobs_shell.terminal.failure import BadOption

__all__ = ["read_moment", "show_moment"]

#: The time zone of Aliyun's day and of the hours of promotional messages. China has no summer time.
_BEIJING: Final = timezone(timedelta(hours=8))

#: A text of this form that is not a time has a wrong number, such as month 13.
_FORM: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?([+-]\d\d:\d\d|Z)?")


def read_moment(ctx: click.Context, option: click.Parameter, typed: str | None) -> datetime | None:
    """The time that was typed, with its zone: an offset, or a name after a blank."""
    if typed is None:
        return None
    text, _, name = typed.rpartition(" ")
    named = bool(text) and name[:1].isalpha()
    written = text if named else typed
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        if _FORM.fullmatch(written):
            raise BadOption("there is no such date or time", ctx, option) from None
    else:
        if named and found.tzinfo is None:
            return found.replace(tzinfo=_zone(ctx, option, name))
        if not named and found.tzinfo is not None:
            return found
    raise BadOption(
        "must be a time with its zone, such as 2099-11-11T09:00+08:00 or '2099-11-11 09:00 Asia/Shanghai'",
        ctx,
        option,
    )


def _zone(ctx: click.Context, option: click.Parameter, name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (
        OSError,
        ValueError,
        ZoneInfoNotFoundError,
    ):  # the name of a directory, one that leaves the directory of zones, or an unknown one
        raise BadOption(
            "there is no time zone of that name here; name one as in Asia/Shanghai, or write an offset as in +08:00",
            ctx,
            option,
        ) from None


def show_moment(ms: int, zone: tzinfo | None) -> str:
    """The time in that zone. Without a zone, the time here and in Beijing.

    Args:
        ms: Milliseconds since 1970.
        zone: The time zone in which it was typed.
    """
    at = datetime.fromtimestamp(ms / 1000, _BEIJING)
    if isinstance(zone, ZoneInfo):
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S} {zone.key}"
    if zone is not None:
        return at.astimezone(zone).isoformat(" ", "seconds")
    here = at.astimezone()
    same = here.utcoffset() == at.utcoffset()
    return f"{here.isoformat(' ', 'seconds')} ({'' if same else f'{at:%Y-%m-%d %H:%M:%S} '}Beijing time)"

"""Reads and shows times. Where no zone is typed, it is Beijing's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from smsjobs_shell.terminal.failure import BadOption
from smsjobs_shell.terminal.language import tr

__all__ = ["distance", "read_moment", "read_since", "show_moment"]

#: The time zone of Aliyun's day and of the hours of promotional messages. China has no summer time.
_BEIJING: Final = timezone(timedelta(hours=8))

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}

_AGO: Final = re.compile(r"([0-9]{1,6})([smhd])")

#: A text of this form that is not a time has a wrong number, such as month 13.
_FORM: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?([+-]\d\d:\d\d|Z)?")


def read_moment(ctx: click.Context, option: click.Parameter, typed: str | None) -> datetime | None:
    """The time that was typed, with its zone: an offset, or a name after a blank. Without one, it is Beijing time."""
    if typed is None:
        return None
    text, _, name = typed.rpartition(" ")
    named = bool(text) and name[:1].isalpha()
    written = text if named else typed
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        if _FORM.fullmatch(written):
            raise BadOption(tr("there is no such date or time"), ctx, option) from None
    else:
        if named and found.tzinfo is None:
            return found.replace(tzinfo=_zone(ctx, option, name))
        if not named:
            return found.replace(tzinfo=_BEIJING) if found.tzinfo is None else found
    raise BadOption(
        tr(
            "must be a time such as '2099-11-11 09:00', in Beijing time, or with its zone, as 2099-11-11T01:00+00:00"
        ),
        ctx,
        option,
    )


def read_since(ctx: click.Context, option: click.Parameter, typed: str | None) -> datetime | timedelta | None:
    """How long ago was typed, as in ``2h``, or a time as `read_moment` reads it."""
    if typed is not None and (ago := _AGO.fullmatch(typed)):
        return timedelta(seconds=int(ago[1]) * _SECONDS[ago[2]])
    try:
        return read_moment(ctx, option, typed)
    except BadOption:
        raise BadOption(
            tr(
                "must be how long ago, such as 30m, 2h or 1d, or a time such as '2099-11-11 09:00' (Beijing time)"
            ),
            ctx,
            option,
        ) from None


def _zone(ctx: click.Context, option: click.Parameter, name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (
        OSError,
        ValueError,
        ZoneInfoNotFoundError,
    ):  # the name of a directory, one that leaves the directory of zones, or an unknown one
        raise BadOption(
            tr(
                "there is no time zone of that name here; name one as in Asia/Shanghai, or write an offset as in +08:00"
            ),
            ctx,
            option,
        ) from None


def distance(moment: datetime, *, now: datetime | None = None) -> str:
    """How far away the time is, in short: ``45s``, ``12m``, ``3h``, ``2d``."""
    seconds = abs(((now or datetime.now(UTC)) - moment).total_seconds())
    unit = next(each for each in "dhms" if seconds >= _SECONDS[each] or each == "s")
    return f"{seconds // _SECONDS[unit]:.0f}{unit}"


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
        told = at.astimezone(zone).isoformat(" ", "seconds")
        return tr("{time} (Beijing time)", time=told) if zone == _BEIJING else told
    here = at.astimezone()
    told = here.isoformat(" ", "seconds")
    if here.utcoffset() == at.utcoffset():
        return tr("{time} (Beijing time)", time=told)
    return tr("{time} ({there} Beijing time)", time=told, there=f"{at:%Y-%m-%d %H:%M:%S}")

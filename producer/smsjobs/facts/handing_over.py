"""The facts of what is handed over to somebody: events, and pushes that are passed on."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from smsjobs.facts.fact import Fact

__all__ = [
    "HandOverFailed",
    "ItemParked",
    "ItemsDropped",
]


class _OfEvents(Fact):
    logger = "smsjobs.events"


@dataclass(frozen=True, kw_only=True)
class HandOverFailed(_OfEvents):
    """An event or a push could not be handed over; it is tried again for a day."""

    action = "hand_over_failed"
    level = logging.WARNING
    sentence = "something could not be handed over; it will be tried again"
    repeats_by = ("to", "error")

    #: Whom it is for: ``events:webhook``, or ``forward:`` and a name.
    to: str
    error: str
    tries: int


@dataclass(frozen=True, kw_only=True)
class ItemParked(_OfEvents):
    """Something was tried in vain for a day; it is kept until ``smsjobs events replay``, or ``drop``."""

    action = "parked"
    level = logging.ERROR
    sentence = "something was tried in vain for a day, and is parked"
    repeats_by = ("to", "error")

    to: str
    item: str
    what: str
    error: str


@dataclass(frozen=True, kw_only=True)
class ItemsDropped(_OfEvents):
    """Something that was to be handed over is lost: too much waits or is parked already."""

    action = "items_dropped"
    level = logging.ERROR
    sentence = "what was to be handed over was dropped"
    repeats_by = ("to", "reason")

    to: str
    reason: str
    items: int

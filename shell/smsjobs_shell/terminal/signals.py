"""Turns Ctrl-C, SIGTERM and SIGHUP into exceptions, so that a command stops what it started before it ends."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final, NoReturn

__all__ = ["ending_in_order", "held_back", "raise_if_told"]

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: The signals that have come since the block of `ending_in_order` began.
_told: Final[list[int]] = []


@contextlib.contextmanager
def ending_in_order() -> Iterator[None]:
    """Turns Ctrl-C into KeyboardInterrupt, SIGTERM and SIGHUP into SystemExit, and loses none of them.

    Python drops an exception that is raised in a destructor or in the callback of a weak reference. The locks of its
    imports have such callbacks, so a signal during an import is often dropped. Therefore the signal is also noted.
    `raise_if_told` raises it again: wherever something is waited for, and at the end of the block.
    """
    before = {each: signal.signal(each, _end) for each in _ENDING}
    hook = sys.unraisablehook

    def show(dropped: sys.UnraisableHookArgs) -> None:
        if not (_told and isinstance(dropped.exc_value, (KeyboardInterrupt, SystemExit))):
            hook(dropped)

    sys.unraisablehook = show
    try:
        yield
        raise_if_told()
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)
        _told.clear()


def raise_if_told() -> None:
    """Raise the exception of a signal again, in case Python dropped it."""
    if _told:
        _raise(_told[0])


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Delays Ctrl-C, SIGTERM and SIGHUP until the block is over.

    So no process is started and then forgotten, and stopping is not cut short.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {each: signal.signal(each, lambda number, _: came.append(number)) for each in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def _end(number: int, _: FrameType | None) -> NoReturn:
    _told.append(number)
    _raise(number)


def _raise(number: int) -> NoReturn:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)

"""A fact, how it is told, and who is told it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

__all__ = ["Fact", "SubscriberFailed", "subscribe", "tell"]


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that happened. Its fields hold no phone number, code, parameter or secret.

    A subclass sets what is the same for all facts of its kind.
    """

    #: The stable word of its kind, for queries and alerts.
    action: ClassVar[str]
    #: ``logging.ERROR``: a person has to fix something; ``WARNING``: may have to; ``INFO``: the story.
    level: ClassVar[int]
    #: What happened, for people; always the same words.
    sentence: ClassVar[str]
    #: The logger of its line.
    logger: ClassVar[str]
    #: The fields that make two of them the same trouble, whose line is written once a minute with a count. None: each
    #: one has its line.
    repeats_by: ClassVar[tuple[str, ...] | None] = None


@dataclass(frozen=True, kw_only=True)
class SubscriberFailed(Fact):
    """A subscriber raised an error, which is told once; nothing else changes."""

    action = "subscriber_failed"
    level = logging.ERROR
    sentence = "a subscriber of facts failed"
    logger = "smsjobs.facts"

    #: The subscriber's name.
    subscriber: str
    #: The error's class.
    error: str


_Subscriber = Callable[[Fact], object]

_subscribers: tuple[_Subscriber, ...] = ()

#: Subscribers that failed, by identity, with the classes of their errors.
_failures: set[tuple[int, type[Exception]]] = set()


def subscribe(function: _Subscriber) -> Callable[[], None]:
    """Have every fact told to the function from now on.

    Warning:
        It is called in the thread that sends: until it returns, that thread's job waits. Count, or hand over to a
        queue; never wait for anything.

    Args:
        function: What it raises is dropped; the first error of each class is logged, without its text.

    Returns:
        A function that ends the subscription.
    """
    global _subscribers  # noqa: PLW0603  replaced as a whole, so that `tell` needs no lock
    _subscribers = (*_subscribers, function)

    def unsubscribe() -> None:
        global _subscribers  # noqa: PLW0603
        _subscribers = tuple(each for each in _subscribers if each is not function)
        _failures.difference_update({each for each in _failures if each[0] == id(function)})

    return unsubscribe


def tell(fact: Fact) -> None:
    """Tell the fact to all subscribers. Nothing that a subscriber raises gets out."""
    for each in _subscribers:
        try:
            each(fact)
        except Exception as error:  # noqa: BLE001  whatever it is, the job continues
            with contextlib.suppress(Exception):
                _tell_failure(each, type(error))


def _tell_failure(subscriber: _Subscriber, error: type[Exception]) -> None:
    failure = id(subscriber), error
    if failure in _failures:
        return
    _failures.add(failure)
    name = getattr(subscriber, "__qualname__", type(subscriber).__name__)
    tell(SubscriberFailed(subscriber=name, error=error.__name__))

"""Facts and those who are told them."""

import logging
from dataclasses import dataclass

import pytest

from smsjobs.facts import Fact, subscribe, tell
from support.facts import told

SECRET = "13800138000"


@dataclass(frozen=True, kw_only=True)
class Rain(Fact):
    """It rains."""

    action = "rain"
    level = logging.INFO
    sentence = "it rains"
    logger = "smsjobs.weather"

    place: str


def test_told_to_all_until_they_unsubscribe() -> None:
    """Every subscriber is told every fact, and after unsubscribing none."""
    with told() as first:
        with told() as second:
            tell(Rain(place="here"))
        tell(Rain(place="there"))
    tell(Rain(place="nowhere"))
    assert first == [Rain(place="here"), Rain(place="there")]
    assert second == [Rain(place="here")]


class Broken:
    """A subscriber that raises, and has neither a name nor a hash."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __call__(self, fact: Fact) -> None:
        """Raise."""
        raise self.error


@pytest.mark.parametrize(
    "error",
    [ValueError(SECRET), KeyError(SECRET), RecursionError(SECRET), ExceptionGroup(SECRET, [OSError()])],
)
def test_subscriber_that_raises(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """A subscriber that raises changes nothing for whoever tells or listens; it is logged once, by its error's class."""
    unsubscribe = subscribe(Broken(error))
    try:
        with told() as facts:
            for _ in range(3):
                tell(Rain(place="here"))
    finally:
        unsubscribe()
    assert facts.count(Rain(place="here")) == 3
    (line,) = [each for each in caplog.records if each.name == "smsjobs.facts"]
    assert (line.levelname, line.__dict__["subscriber"], line.__dict__["error"]) == (
        "ERROR",
        "Broken",
        type(error).__name__,
    )
    assert SECRET not in caplog.text + str(vars(line))


def test_subscriber_that_tells() -> None:
    """A subscriber that tells what it is told runs out of stack, and whoever told it first continues."""
    unsubscribe = subscribe(tell)
    try:
        tell(Rain(place="here"))
    finally:
        unsubscribe()


def test_process_that_is_told_to_end() -> None:
    """What ends the process is no failure of a subscriber, and ends it."""
    unsubscribe = subscribe(Broken(SystemExit(1)))
    try:
        with pytest.raises(SystemExit):
            tell(Rain(place="here"))
    finally:
        unsubscribe()


def test_fact_is_frozen() -> None:
    """What was told cannot be changed by one subscriber for the next."""
    with pytest.raises(AttributeError):
        Rain(place="here").place = "there"  # type: ignore[misc]

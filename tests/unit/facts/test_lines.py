"""The log line of a fact, and what repeats."""

import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

import smsjobs.facts.lines as module
from smsjobs.facts import Fact, LogLines
from support.ledgers import Clock
from support.own_records import own_records

LOGGER = "smsjobs.weather"


@dataclass(frozen=True, kw_only=True)
class Rain(Fact):
    """It rains."""

    action = "rain"
    level = logging.INFO
    sentence = "it rains"
    logger = LOGGER

    place: str
    drops: int | None = None


@dataclass(frozen=True, kw_only=True)
class Leak(Rain):
    """It rains inside."""

    level = logging.WARNING
    sentence = "it rains inside"
    repeats_by = ("error",)

    error: str = "Hole"


@pytest.fixture
def clock() -> Clock:
    """Seconds."""
    return Clock()


@pytest.fixture
def lines(clock: Clock, caplog: pytest.LogCaptureFixture) -> Iterator[LogLines]:
    """Written to a logger that takes everything from INFO on."""
    caplog.set_level(logging.INFO, LOGGER)
    return LogLines(clock=clock)


def written(caplog: pytest.LogCaptureFixture) -> list[tuple[str, int]]:
    """The place and the count of each line of a leak."""
    return [
        (each.__dict__["place"], each.__dict__["times"]) for each in caplog.records if "times" in vars(each)
    ]


def test_one_line(lines: LogLines, caplog: pytest.LogCaptureFixture) -> None:
    """A fact is one line: its level, its constant sentence, its action and those of its fields that have a value."""
    lines.write(Rain(place="here"))
    (line,) = own_records(caplog)
    standard = {*vars(logging.makeLogRecord({})), "message", "asctime"}
    assert {key: value for key, value in vars(line).items() if key not in standard} == {
        "action": "rain",
        "place": "here",
    }
    assert (line.name, line.levelname, line.getMessage()) == (LOGGER, "INFO", "it rains")


def test_nobody_reads_that_level(lines: LogLines, caplog: pytest.LogCaptureFixture) -> None:
    """Below its logger's level a fact is neither written nor counted."""
    logging.getLogger(LOGGER).setLevel(logging.ERROR)
    for _ in range(3):
        lines.write(Leak(place="here"))
    assert own_records(caplog) == []
    logging.getLogger(LOGGER).setLevel(logging.INFO)
    lines.write(Leak(place="there"))
    assert written(caplog) == [("there", 1)]


def test_repeated_once_a_minute(lines: LogLines, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """The same trouble is one line a minute, with the number of times since the line before, this one included."""
    for second in range(150):
        lines.write(Leak(place=f"second {second}"))
        clock.pass_(1)
    assert written(caplog) == [("second 0", 1), ("second 60", 60), ("second 120", 60)]


def test_troubles_are_counted_apart(lines: LogLines, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """Another cause, or another kind of fact, has lines of its own."""
    for error in ("Hole", "Window", "Hole", "Window"):
        lines.write(Leak(place=error, error=error))
    assert written(caplog) == [("Hole", 1), ("Window", 1)]


def test_what_was_counted_is_not_lost(
    lines: LogLines, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A trouble that has ended is counted in a last line once a minute is over and anything else is told."""
    for _ in range(5):
        lines.write(Leak(place="here"))
    lines.write(Rain(place="soon"))
    clock.pass_(60)
    lines.write(Rain(place="later"))
    clock.pass_(600)
    lines.write(Rain(place="much later"))
    assert written(caplog) == [("here", 1), ("here", 4)]
    lines.write(Leak(place="again"))
    assert written(caplog)[2:] == [("again", 1)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_after_a_fork(lines: LogLines) -> None:
    """A child that is forked while another thread counts can count."""
    with module._lock:
        child = os.fork()
        if child == 0:
            signal.alarm(10)  # ends a child that waits for the lock
            try:
                lines.write(Leak(place="here"))
                os._exit(7)
            finally:
                os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7

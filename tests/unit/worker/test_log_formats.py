"""A log line as text and as JSON."""

import json
import logging
import sys
from datetime import datetime

import pytest

from smsjobs.log_formats import FactsFormatter, JsonFormatter
from smsjobs.settings import SettingsError
from smsjobs_worker.process.settings import WorkerSettings

BROKER = {"SMS_BROKER_URL": "redis://127.0.0.1:1/0"}


def a_record(
    name: str = "smsjobs.sending", message: str = "a job waits", **more: object
) -> logging.LogRecord:
    record = logging.makeLogRecord({"name": name, "levelname": "INFO", "msg": message})
    vars(record).update(more)
    return record


def test_text() -> None:
    """In the text log the fields of our lines stand behind Celery's text, and nobody else's fields do."""
    formatter = FactsFormatter(logging.Formatter("%(levelname)s %(message)s"))
    assert (
        formatter.format(a_record(action="waits", delay_s=1.5)) == "INFO a job waits action=waits delay_s=1.5"
    )
    assert formatter.format(a_record("celery.worker", data={"args": "x"}, secret="x")) == "INFO a job waits"


def test_json() -> None:
    """In the JSON log a line is an object: time with its zone, level, logger, message, and the fields of our lines."""
    line = json.loads(JsonFormatter().format(a_record(action="waits", delay_s=1.5, problems=("a", "b"))))
    assert datetime.fromisoformat(line.pop("time")).tzinfo is not None
    assert line == {
        "level": "INFO",
        "logger": "smsjobs.sending",
        "message": "a job waits",
        "action": "waits",
        "delay_s": 1.5,
        "problems": ["a", "b"],
    }


@pytest.mark.parametrize("message", ["two\nlines", 'a "quote"', "\ud800", "中文", "\x00\x1b[0m"])
def test_json_of_any_text(message: str) -> None:
    """Whatever a message holds, its JSON is one line of ASCII, and holds the same."""
    text = JsonFormatter().format(a_record("celery", message))
    assert text.isascii()
    assert "\n" not in text
    assert json.loads(text)["message"] == message


def test_json_of_what_is_not_json() -> None:
    """A field that is not of a JSON type is shown as text."""
    line = json.loads(JsonFormatter().format(a_record(when=datetime(2026, 1, 2))))  # noqa: DTZ001
    assert line["when"] == "2026-01-02 00:00:00"


def test_json_traceback() -> None:
    """A traceback that Celery logs is a field of its line."""
    try:
        int("x")
    except ValueError:
        text = JsonFormatter().format(a_record("celery", exc_info=sys.exc_info()))
    assert "\n" not in text
    assert "test_log_formats" in json.loads(text)["traceback"]


@pytest.mark.parametrize(
    ("given", "log"), [({}, "text"), ({"SMS_LOG": ""}, "text"), ({"SMS_LOG": "json"}, "json")]
)
def test_setting(given: dict[str, str], log: str) -> None:
    """SMS_LOG is text unless it is set."""
    assert WorkerSettings.read(BROKER | given).log == log


@pytest.mark.parametrize("wrong", ["JSON", "yaml", " "])
def test_wrong_setting(wrong: str) -> None:
    """Another value of SMS_LOG is an error that names the two."""
    with pytest.raises(SettingsError, match="SMS_LOG must be text or json"):
        WorkerSettings.read(BROKER | {"SMS_LOG": wrong})

"""What Celery and kombu would log of a message, and what is left of it."""

import logging
from collections.abc import Iterator

import pytest
from celery.worker.consumer import consumer
from kombu.transport.redis import Channel

from smsjobs_worker.logs.privacy import describe, install_log_privacy

PHONE, CODE = "13800138000", "739201"
BODY = f"{{'phoneList': ['{PHONE}'], 'params': {{'code': '{CODE}'}}}}"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that is logged, at the lowest level, with the filters installed."""
    names = (
        "",
        "celery",
        "kombu",
        "kombu.channel",
        "kombu.connection",
        "amqp",
        "celery.pool",
        "celery.worker",
    )
    levels = {name: logging.getLogger(name).level for name in names}
    install_log_privacy()
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    caplog.set_level(logging.DEBUG)
    yield caplog
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def shown(caplog: pytest.LogCaptureFixture) -> str:
    """All that any handler could show of the records: text, arguments, extras and exception."""
    return caplog.text + " ".join(str(vars(record)) for record in caplog.records)


@pytest.mark.parametrize(
    ("template", "args"),
    [
        (consumer.UNKNOWN_FORMAT, (BODY,)),
        (consumer.UNKNOWN_TASK_ERROR, ("'x'", BODY, BODY, "x")),
        (consumer.INVALID_TASK_ERROR, ("'x'", BODY)),
        (consumer.MESSAGE_DECODE_ERROR, ("x", "json", "utf-8", BODY, BODY)),
    ],
    ids=["unknown format", "unknown task", "invalid task", "undecodable"],
)
def test_message_bodies_are_not_quoted(
    lines: pytest.LogCaptureFixture, template: str, args: tuple[str, ...]
) -> None:
    """Each line by which Celery quotes a message says what happened, and nothing of the message."""
    fitting = args[: template.count("%s") + template.count("%r")]
    assert PHONE in template % fitting, "Celery's own line would show it"
    try:
        int(BODY)
    except ValueError:
        logging.getLogger("celery.worker.consumer.consumer").exception(template, *fitting)
    assert len(lines.records) == 1
    assert "its contents are not shown" in lines.text
    assert PHONE not in shown(lines)
    assert CODE not in shown(lines)


def test_what_cannot_be_put_back_is_not_quoted(lines: pytest.LogCaptureFixture) -> None:
    """Where kombu cannot put a message back, its line says so, and nothing of the message."""
    channel = Channel.__new__(Channel)
    channel.connection_errors = ()
    channel._do_restore_message({"headers": {"x": BODY}, "properties": {}}, "", "", None)
    assert len(lines.records) == 1
    assert "its contents are not shown" in lines.text
    assert PHONE not in shown(lines)
    assert CODE not in shown(lines)


def test_arguments_for_structured_handlers_are_dropped(lines: pytest.LogCaptureFixture) -> None:
    """What Celery hands to structured handlers beside its lines has no arguments of the task."""
    for name in ("celery.app.trace", "celery.worker.strategy", "celery.worker.request"):
        logging.getLogger(name).info("Task", extra={"data": {"id": "x", "args": BODY, "kwargs": BODY}})
    assert [record.__dict__["data"] for record in lines.records] == [{"id": "x"}] * 3


@pytest.mark.parametrize("name", ["celery.pool", "kombu", "kombu.channel", "kombu.connection", "amqp"])
def test_debug_lines_with_messages_are_dropped(lines: pytest.LogCaptureFixture, name: str) -> None:
    """Lines that quote arguments or messages at DEBUG are dropped; what is more urgent is not."""
    logging.getLogger(name).debug("TaskPool: Apply %s (args:%r kwargs:%r)", "x", (), BODY)
    logging.getLogger(name).warning("something is wrong")
    assert [record.message for record in lines.records] == ["something is wrong"]


def test_filters_are_installed_once() -> None:
    """Installing them again adds none."""
    install_log_privacy()
    before = list(logging.getLogger("celery.worker.strategy").filters)
    install_log_privacy()
    assert logging.getLogger("celery.worker.strategy").filters == before


def test_error_is_described_without_its_text() -> None:
    """An error is described by its type and place, never by its text."""
    try:
        int(PHONE + "x")
    except ValueError as error:
        text = describe(error)
    assert text.startswith("ValueError at test_privacy.py:")
    assert PHONE not in text
    assert describe(KeyError(PHONE)) == "KeyError"

"""What a web application's log and its reports of errors show."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from smsjobs import QueueUnavailable, SmsError, VerificationRefused
from smsjobs.verification import Limit
from support.code_bench import PHONE, SECRET, Bench
from support.contents import shows

CLIENT = "203.0.113.7"


def everything(record: logging.LogRecord) -> str:
    """A record with all that a formatter could make of it."""
    return record.getMessage() + repr(vars(record))


def test_log(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG, through sends, refusals, a lost hand-over and all kinds of checks, no number, code or address is logged."""
    caplog.set_level(logging.DEBUG)
    login = bench.verification(per_number=Limit(hour=2), per_client=Limit(hour=2), ceiling=Limit(hour=3))
    code = bench.code(login.send(PHONE, CLIENT))
    real = bench.element.sendMessage

    def broken(**message: Any) -> Any:
        real(**message)
        raise QueueUnavailable

    bench.element.sendMessage = broken
    with pytest.raises(QueueUnavailable):
        login.send(PHONE, CLIENT)
    bench.element.sendMessage = real
    asyncio.run(login.send_async(PHONE, CLIENT))
    for phone in (PHONE, "13800138001", "13800138002"):
        for client in (CLIENT, None):
            try:
                login.send(phone, client)
            except SmsError as refusal:
                logging.getLogger("an.application").exception("refused", exc_info=refusal)
    for typed in ("000000x", code, code):
        login.check(PHONE, typed)
    told = "\n".join(everything(record) for record in caplog.records) + caplog.text
    assert {"code_sent", "code_refused", "code_checked"} <= {
        getattr(each, "action", "") for each in caplog.records
    }
    for private in (PHONE, "13800138001", "13800138002", CLIENT, SECRET):
        assert private not in told
    assert not shows(told, code)


def test_ceiling_is_a_warning(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """That a purpose's ceiling is reached is worth waking somebody; that a number's limit is, is not."""
    caplog.set_level(logging.DEBUG)
    login = bench.verification(per_number=Limit(minute=1), ceiling=Limit(hour=2))
    login.send(PHONE)
    with pytest.raises(VerificationRefused):
        login.send(PHONE)
    login.send("13800138001")
    with pytest.raises(VerificationRefused):
        login.send("13800138002")
    refused = [each for each in caplog.records if getattr(each, "action", "") == "code_refused"]
    assert [(each.__dict__["reason"], each.levelname) for each in refused] == [
        ("number_limit", "INFO"),
        ("ceiling", "WARNING"),
    ]


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and all that lie behind it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


ODD = ["", "1" * 10_000, "\ud800", "\0", "١٢٣٤٥٦", None, 123456, b"123456", [], {"value": 1}]


@pytest.mark.parametrize(
    "odd", ODD, ids=[repr(each)[:12].encode("ascii", "replace").decode() for each in ODD]
)
def test_odd_input(bench: Bench, odd: Any) -> None:
    """Whatever is handed in for a number, an address or a code, what is raised is an SmsError, and nothing behind it shows
    the number or the code.
    """  # noqa: D205  one sentence
    login = bench.verification()
    code = bench.code(login.send(PHONE))
    bench.advance(60)
    for call in (
        lambda: login.check(PHONE, odd),
        lambda: login.send(odd, CLIENT),
        lambda: login.check(odd, code),
        lambda: login.send(PHONE, odd),
    ):
        try:
            call()
        except SmsError as error:
            for each in chain(error):
                told = str(each) + repr(each.args)
                assert PHONE not in told
                assert not shows(told, code)

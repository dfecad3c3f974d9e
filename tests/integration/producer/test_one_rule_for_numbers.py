"""The same text is the same number, or refused for the same reason, in every interface."""

import asyncio
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner

from smsjobs import Element, InvalidArguments, Sms, testing
from smsjobs.contract import decode_job
from smsjobs.ledger import Granted, Ledger
from smsjobs.redis_store import connect_redis
from smsjobs_shell.program import program

TEMPLATE = "SMS_123456789"

#: A text, and the number that is sent or the reason why none is.
TEXTS = [
    ("13800138000", "13800138000"),
    ("+86 138 0013 8000", "13800138000"),
    ("\u202a(138) 0013-8000\u202c", "13800138000"),
    ("１３８００１３８０００", "13800138000"),
    ("13800138000.0", "13800138000"),
    ("'13800138000", "13800138000"),
    ("85261234567", "85261234567"),
    ("+44 (0)7700 900123", "447700900123"),
    ("+1 202 555 0101", "12025550101"),
    ("+1 310 555 1234", "ambiguous_number"),
    ("0013105551234", "ambiguous_number"),
    ("+13800138000", "ambiguous_number"),
    ("61234567", "not_a_phone_number"),
    ("1.38E+10", "not_a_phone_number"),
    ("abc", "not_a_phone_number"),
]


class Interfaces:
    """Each way to hand a number over; a call gives the number that would be sent, or the reason why none is."""

    def __init__(self, sms: Sms, url: str, directory: Path) -> None:
        self._sms = sms
        self._element: Element = sms.getElement("SMS.Test")
        self._url = url
        self._directory = directory
        self._login = self._element.verification("login", verifyTemplateCode=TEMPLATE, secret="s123" * 8)

    # ruff: noqa: D102  their names say it

    def send_message(self, text: str) -> str:
        return self._of_job(self._element.sendMessage([text], {}, TEMPLATE).id)

    def send_message_async(self, text: str) -> str:
        return self._of_job(asyncio.run(self._element.send_message_async([text], {}, TEMPLATE)).id)

    def plain_client(self, text: str) -> str:
        job = {
            "id": "a",
            "element": "SMS.Test",
            "phoneList": [text],
            "params": {},
            "verifyTemplateCode": TEMPLATE,
        }
        return decode_job(job).message.phones[0]

    def verification_send(self, text: str) -> str:
        return self._login.send(text).phone

    def verification_check(self, text: str) -> str:
        return self._login.check(text, "123456").phone

    def fake(self, text: str) -> str:
        element = testing.connect().getElement("SMS.Test")
        return element.verification("login", verifyTemplateCode=TEMPLATE).send(text).phone

    def campaign_list(self, text: str) -> str:
        return self._campaign([text])

    def campaign_csv(self, text: str) -> str:
        return self._campaign(self._file("csv", text))

    def campaign_json_lines(self, text: str) -> str:
        return self._campaign(self._file("jsonl", text))

    def campaign_workbook(self, text: str) -> str:
        return self._campaign(self._file("xlsx", text))

    def shell_send(self, text: str) -> str:
        status, told = self._shell("send", "--element", "SMS.Test", "--template", TEMPLATE, "--no-wait", text)
        if status == 0:
            return self._of_job(told["id"])
        assert status == 2
        raise InvalidArguments(told["error"]["message"], reason=told["error"]["reason"])

    def shell_check(self, text: str) -> str:
        status, told = self._shell("campaign", "check", str(self._file("csv", text)), "--template", TEMPLATE)
        assert told["countries"] == ({} if status else {country(text): 1})
        return next(iter(told["reasons"]), "") or self.campaign_csv(text)

    def _shell(self, *words: str) -> tuple[int, dict[str, Any]]:
        result = CliRunner().invoke(program, [*words, "--json"], env={"SMS_BROKER_URL": self._url})
        return result.exit_code, json.loads(result.stdout)

    def _campaign(self, source: Any) -> str:
        try:
            made = self._element.campaign(f"test {source}", recipients=source, verifyTemplateCode=TEMPLATE)
        except InvalidArguments as error:
            return next(each for each in ("ambiguous_number", "not_a_phone_number") if each in error.message)
        (row,) = made.report()
        return row.phone

    def _file(self, ending: str, text: str) -> Path:
        path = self._directory / f"people.{ending}"
        if ending == "xlsx":
            book = openpyxl.Workbook()
            for cell in ("phone", text):
                book.active.append([cell])
            book.save(path)
        elif ending == "jsonl":
            path.write_text(json.dumps({"phone": text}))
        else:
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([["phone"], [text]])
        return path

    def _of_job(self, job_id: str) -> str:
        claim = Ledger(connect_redis(self._url)).claim(job_id, "token", lease_s=5)
        assert isinstance(claim, Granted)
        (phone,) = decode_job(json.loads(claim.job)).message.phones
        return phone


def country(text: str) -> str:
    number = dict(TEXTS)[text]
    return next(code for code in ("852", "44", "13", "1") if number.startswith(code)).replace("13", "86")


@pytest.mark.parametrize("interface", sorted(name for name in vars(Interfaces) if not name.startswith("_")))
@pytest.mark.parametrize(("text", "wanted"), TEXTS, ids=ascii)
def test_every_interface(
    sms: Sms, redis_url: str, tmp_path: Path, interface: str, text: str, wanted: str
) -> None:
    """The same text is the same number, or refused as 46001 for the same reason and without its digits, everywhere."""
    call: Callable[[str], str] = getattr(Interfaces(sms, redis_url, tmp_path), interface)
    if wanted.isdigit():
        assert call(text) == wanted
        return
    found, told = refusal(call, text)
    assert found == wanted
    assert "number" in told
    assert text not in told or not any(map(str.isdigit, text))


def refusal(call: Callable[[str], str], text: str) -> tuple[str, str]:
    """The reason why a number is refused, and what is told of it."""
    try:
        # Campaigns give the reason of the row.
        return call(text), "number"
    except InvalidArguments as error:
        # What is no number at all has the reason that every wrong argument has.
        return "not_a_phone_number" if error.reason == "invalid_argument" else error.reason, str(error)


def test_two_spellings_are_one_recipient(sms: Sms) -> None:
    """The same person written in two ways gets one message, by one call and by one campaign."""
    element = sms.getElement("SMS.Test")
    people = ["+44 (0)7700 900123", "00447700900123", "447700900123"]
    element.sendMessage(people, {}, TEMPLATE)
    made = element.campaign("test", recipients=people, verifyTemplateCode=TEMPLATE)
    assert (made.progress().total, made.progress().duplicates) == (1, 2)

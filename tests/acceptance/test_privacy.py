"""What a worker tells at its most talkative, in its log and to those who ask."""

import json

import pytest
from cryptography.fernet import Fernet

from smsjobs import Sms, SmsError, connect
from support.hook_server import SECRET as HOOK_SECRET
from support.hook_server import HookServer
from support.polling import until
from support.ports import free_port
from support.redis_server import RedisServer
from support.scraped import scrape
from support.served import SECRET, Served
from support.stage import TEMPLATE, Stage, outcome

#: Kinds of fault, each met by one job.
FAULTS = ("reset_before", "reset_after", "http_502_after", "non_json_after", "truncated_after", "hang_after")


def test_a_debug_log_shows_nothing_private(own: Stage) -> None:
    """At DEBUG, through success, refusal, every lost answer and every way in, no number, code or secret is logged."""
    own.write(accessSecret="your_access_secret", readTimeoutMs=1000)
    own.write("WrongSecret", accessSecret="a_wrong_secret")
    own.write("Away", endpoint="http://127.0.0.1:9")
    options = ("--concurrency", "8", "--loglevel", "debug", "--task-events")
    with own.worker(options=options) as worker:
        numbers = [str(13800138600 + n) for n in range(len(FAULTS) + 6)]
        fresh = iter(numbers)
        jobs = []
        for kind in FAULTS:
            phone = next(fresh)
            own.simulator.fault(kind, phone=phone)
            jobs.append(send(own, "SMS.Example", phone))
        refused = next(fresh)
        own.simulator.fault(
            "code", code="isv.MOBILE_NUMBER_ILLEGAL", message=f"{refused}invalid mobile number", phone=refused
        )
        jobs.append(send(own, "SMS.Example", refused))
        jobs.append(send(own, "SMS.WrongSecret", next(fresh)))
        jobs.append(send(own, "SMS.Away", next(fresh), expires=3))
        jobs.append(send(own, "SMS.Nowhere", next(fresh)))
        good = {
            "element": "SMS.Example",
            "phoneList": [next(fresh)],
            "params": {"code": "837261"},
            "verifyTemplateCode": TEMPLATE,
        }
        own.celery.send_task("smsjobs.submit", kwargs=good, queue="sms.bulk").get(timeout=20)
        bad = {**good, "phoneList": [next(fresh), "837261837261837261"], "lane": "837261"}
        wrong = own.celery.send_task("smsjobs.submit", kwargs=bad, queue="sms.bulk")
        wrong.get(timeout=20, propagate=False)
        own.celery.send_task("somebody.elses", args=(numbers[0],), kwargs=good, queue="sms.bulk")
        own.celery.send_task("smsjobs.send", args=(numbers[0], "837261"), kwargs=good, queue="sms.bulk").get(
            timeout=20, propagate=False
        )
        for job in jobs:
            outcome(job)
            own.stored(job)
        errors = [str(outcome(job)) + repr(outcome(job)) for job in jobs]
        log = worker.log() + "".join(errors)
    assert "DEBUG" in log
    for private in (*numbers, "837261", "your_access_secret", "a_wrong_secret", "Signature="):
        found = log.find(private)
        assert found < 0, log[max(0, found - 300) : found + 100]


def test_inspect_shows_nothing_private(own: Stage) -> None:
    """No answer of `celery inspect` has the number or the code of a plain client's message, whatever the message shows of them."""
    number, code = "13800138555", "837261"
    with (
        RedisServer() as ledger,
        own.worker(options=("--concurrency", "2"), SMS_REDIS_URL=ledger.url) as worker,
    ):
        ledger.pause()  # and so messages stay in the worker
        text = f"{number} {code}"
        sent = [
            own.celery.send_task(
                "smsjobs.submit",
                kwargs={"element": "SMS.Example", "phoneList": [number], "params": {"code": code}},
                queue="sms.notification",
                argsrepr=text,
                kwargsrepr=text,
                shadow=text,
                **more,
            ).id
            for more in ({}, {}, {"countdown": 60})
        ]
        # One worker answers: without a limit, each question waits a second for others, and a message is given up after ten.
        inspect = own.celery.control.inspect(timeout=5, limit=1)
        until(lambda: len(next(iter((inspect.active() or {"": []}).values()))) == 2, "both are at work")
        asked = [
            inspect.active(),
            inspect.active(safe=True),
            inspect.reserved(),
            inspect.scheduled(),
            inspect.query_task(sent),
        ]
        told = json.dumps([asked, worker.log()])
        ledger.resume()
    assert all(each in json.dumps(asked[0]) for each in sent[:2])
    assert all(each in json.dumps(asked[-1]) for each in sent[:2])
    assert number not in told
    assert code not in told


def test_what_follows_a_message_shows_nothing_private(own: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Receipts, replies, opt-outs, pulls, webhooks, passing on, cancel and retry log no number, text, code or secret.

    Neither does what a caller holds in his hand, nor a figure.
    """
    key, words = Fernet.generate_key().decode(), "where is my parcel 837261"
    monkeypatch.setenv("SMS_PAYLOAD_KEY", key)
    phone, refused, late = "13800138701", "13800138702", "13800138703"
    own.simulator.set(delivery_delay_s=0)
    own.simulator.fault("code", code="isv.BLACK_KEY_CONTROL_LIMIT", phone=refused)
    metrics_port = free_port()
    with HookServer() as hook:
        hook.fault = lambda _: 500
        followed = {
            "SMS_PAYLOAD_KEY": key,
            "SMS_WEBHOOK_URL": hook.url,
            "SMS_WEBHOOK_SECRET": HOOK_SECRET,
            "SMS_REPLIES": "1",
            "SMS_SUPPRESS_REFUSED": "all",
            "SMS_PULLS": "0.2,0.5",
            "SMS_METRICS_PORT": str(metrics_port),
        }
        forward = f"other=http://127.0.0.1:{free_port()}/receipts/{SECRET}"
        served = Served(
            own.server.url, SECRET, "--forward", forward, SMS_PAYLOAD_KEY=key, SMS_FORWARD_SECRET=HOOK_SECRET
        )
        sms = connect(broker_url=own.server.url)
        with own.worker(options=("--concurrency", "4", "--loglevel", "debug"), **followed) as worker:
            jobs = [send(own, "SMS.Example", each, sms=sms) for each in (phone, refused)]
            told = [outcome(job) for job in jobs]
            waiting = send(own, "SMS.Example", late, sms=sms, countdown=600)
            replies = [
                {"phone_number": each, "content": text, "sequence_id": str(number)}
                for number, (each, text) in enumerate(
                    [(phone, words), (late, "退订"), ("13800138704", words)]
                )
            ]
            strange = {
                "out_id": "of-another",
                "phone_number": phone,
                "success": True,
                "err_code": "DELIVERED",
            }
            body = json.dumps([*replies, strange], ensure_ascii=False).encode()
            assert served.ask("POST", f"/receipts/{SECRET}", body)[0] == 200
            until(lambda: sms.suppression.has(late, scope="promotional"), "the opt-out counts")
            with pytest.raises(SmsError) as unwanted:
                sms.getElement("SMS.Example").sendMessage([late], {"code": "837261"}, TEMPLATE, lane="bulk")
            info = waiting.info()
            assert waiting.cancel()
            until(lambda: jobs[0].delivery().state == "delivered", "its delivery is pulled")
            until(lambda: hook.ids, "the webhook is tried")
            seen = [told, unwanted.value, info, jobs[0].delivery(), list(sms.jobs()), waiting.info(), waiting]
            figures = str(scrape(metrics_port).samples)
            log = worker.log()
        sms.close()
        log += served.end()[1]
    shown = log + repr(seen) + str(seen) + figures
    assert "DEBUG" in log
    for private in (phone, refused, late, "13800138704", words, "837261", key, SECRET, HOOK_SECRET):
        found = shown.find(private)
        assert found < 0, shown[max(0, found - 200) : found].replace(phone, "").replace(late, "")[-120:]


def send(stage: Stage, element: str, phone: str, *, sms: Sms | None = None, **more: object):
    """A message whose code is unmistakable."""
    return (
        (sms or stage.sms)
        .getElement(element)
        .sendMessage(
            phoneList=[phone],
            params={"code": "837261"},
            verifyTemplateCode=TEMPLATE,
            lane="verification",
            **more,
        )
    )

"""One account, several environments: `smsjobs serve --forward` passes on what it does not know."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from smsjobs import Sms, connect
from smsjobs.contract import JobRecord, Reply, ReplyReceived, TemplateReview
from smsjobs.events import EventStreams, Outbox
from smsjobs.receipts import PASSED_ON, Receiver
from support.hook_server import SECRET as SHARED
from support.hook_server import HookServer
from support.ledgers import PHONE, a_job, accepted, granted
from support.nursery import smsjobs
from support.polling import until
from support.ports import free_port
from support.redis_server import RedisServer
from support.served import SECRET, Served

SETTINGS = {"SMS_FORWARD_SECRET": SHARED}


class Environment:
    """A ledger, and a server for its receipts."""

    def __init__(self, stack: ExitStack) -> None:
        self.redis = stack.enter_context(RedisServer())
        self.sms: Sms = stack.enter_context(closing(connect(broker_url=self.redis.url)))
        self.served: Served | None = None

    def serve(self, *arguments: str, **env: str) -> None:
        """Start the server."""
        self.served = Served(self.redis.url, SECRET, *arguments, **(SETTINGS | env))

    def job(self) -> JobRecord:
        """An accepted job of this environment."""
        job, ledger = a_job(), self.sms.connection.ledger
        ledger.record(job)
        granted(ledger, job)
        ledger.settle(job.id, "token", accepted(job))
        return job

    def push(self, *items: dict[str, Any]) -> int:
        """Push as Aliyun does."""
        assert self.served
        return self.served.ask("POST", f"/receipts/{SECRET}", json.dumps(items).encode())[0]

    def state(self, job: JobRecord) -> str:
        """Of its delivery."""
        return self.sms.job(job.id).delivery().state

    def waiting(self, name: str) -> int:
        """How many pushes wait to be passed on."""
        return Outbox(self.sms.connection.redis(), f"forward:{name}").waiting()


def report(job: JobRecord) -> dict[str, Any]:
    return {"out_id": job.id, "phone_number": PHONE, "success": True, "err_code": "DELIVERED"}


@pytest.fixture(scope="module")
def two() -> Iterator[tuple[Environment, Environment]]:
    """Two environments; each passes on to the other what it does not know."""
    with ExitStack() as stack:
        production, test = Environment(stack), Environment(stack)
        # Each has to know the other's address before that one runs.
        ports = [free_port(), free_port()]
        to_production, to_test = (f"http://127.0.0.1:{port}/receipts/{SECRET}" for port in ports)
        production.serve("--port", str(ports[0]), "--forward", f"test={to_test}")
        test.serve("--port", str(ports[1]), "--forward", f"production={to_production}")
        yield production, test
        for each in (production, test):
            assert each.served
            status, log = each.served.end()
            assert status == 0
            assert not any(word in log for word in (SECRET, SHARED, PHONE))


def test_each_takes_what_it_knows(two: tuple[Environment, Environment]) -> None:
    """Of one push, each environment takes the reports of its own jobs, and nothing is left to pass on."""
    production, test = two
    assert production.served
    assert production.served.told["forward"] == ["test"]
    ours, theirs, nobodys = production.job(), test.job(), a_job()
    assert production.push(report(ours), report(theirs), report(nobodys)) == 200
    until(lambda: test.state(theirs) == "delivered", "the other environment has its report")
    assert production.state(ours) == "delivered"
    until(lambda: production.waiting("test") == 0, "nothing is left")
    time.sleep(0.3)
    assert (test.waiting("production"), production.waiting("test")) == (0, 0)


def test_what_concerns_the_account(two: tuple[Environment, Environment]) -> None:
    """A review and a reply concern the account, so every environment gets them, and tells them as events."""
    streams = [EventStreams(each.sms.connection.redis()) for each in two]
    for each in streams:
        each.subscribe("test")
    review = {"template_code": "SMS_1", "template_status": "approved", "reason": "", "orderId": 7}
    reply = {"phone_number": PHONE, "content": "hello", "sequence_id": "1"}
    assert two[0].push(review, reply) == 200
    for each in streams:
        entries = until(
            lambda each=each: (
                each.take("test", "me", tags=["000000"], most=9, again_after_s=0)[1:]
                and each.take("test", "me", tags=["000000"], most=9, again_after_s=0)
            ),
            "both are told",
        )
        found = {entry.event(None).data for entry in entries}
        assert found == {
            ReplyReceived.of(Reply(phone=PHONE, content="hello", sequence_id="1")),
            TemplateReview(template="SMS_1", status="approved", reason=None, order_id="7"),
        }
        each.unsubscribe("test")


def test_a_forged_push_is_not_taken(two: tuple[Environment, Environment]) -> None:
    """What says that it was passed on and is not signed by who knows the secret, is refused with 401."""
    _, test = two
    job = test.job()
    assert test.served
    body = json.dumps([report(job) | {PASSED_ON: True}]).encode()
    path = f"/receipts/{SECRET}"
    headers = {"webhook-id": "1", "webhook-timestamp": str(int(time.time()))}
    other = Webhook("whsec_" + "A" * 32).sign("1", datetime.now(UTC), body.decode())
    for signature in (other, "v1,", "rubbish", "v1,AAAA v2,BBBB"):
        forged = headers | {"webhook-signature": signature}
        assert test.served.ask("POST", path, body, **forged)[0] == 401
    assert test.state(job) == "waiting"
    good = headers | {"webhook-signature": Webhook(SHARED).sign("1", datetime.now(UTC), body.decode())}
    assert test.served.ask("POST", path, body, **good)[0] == 200
    assert test.state(job) == "delivered"


def test_without_a_secret_nothing_is_taken_that_was_passed_on(redis_url: str) -> None:
    """An environment that has no secret cannot check a signature, and so refuses."""
    served = Served(redis_url)
    headers = {"webhook-id": "1", "webhook-timestamp": str(int(time.time()))}
    headers["webhook-signature"] = Webhook(SHARED).sign("1", datetime.now(UTC), "[]")
    assert served.ask("POST", f"/receipts/{SECRET}", b"[]", **headers)[0] == 401
    served.end()


def test_it_waits_for_an_environment_that_is_down() -> None:
    """What could not be passed on outlives the server, and comes when the other one is there, once."""
    with ExitStack() as stack:
        production = Environment(stack)
        other = stack.enter_context(HookServer())
        other.fault = lambda _: 503
        production.serve("--forward", f"test={other.url}")
        job = a_job()
        assert production.push(report(job)) == 200
        assert production.push(report(job)) == 200
        until(lambda: other.ids, "it was tried")
        assert production.waiting("test") == 1
        assert production.served
        assert production.served.end()[0] == 0
        other.fault = lambda _: "ok"
        production.serve(SMS_FORWARD=f"test={other.url}")
        until(lambda: other.events, "it was passed on", timeout=20)
        assert other.events[0] == [report(job) | {PASSED_ON: True}]
        until(lambda: production.waiting("test") == 0, "nothing waits")
        assert production.served.end()[0] == 0


def test_a_push_that_cannot_be_written_down_comes_again(redis_url: str) -> None:
    """Where what is to be passed on cannot be written down, Aliyun is asked to come again."""

    def fail(_: object) -> None:
        raise ConnectionError

    with closing(connect(broker_url=redis_url)) as sms:
        receiver = Receiver(sms, pass_on=fail)
        assert receiver.handle(json.dumps([report(a_job())]).encode()).status == 503
        assert receiver.handle(json.dumps([report(a_job()) | {PASSED_ON: True}]).encode()).status == 200


@pytest.mark.parametrize(
    ("arguments", "env", "word"),
    [
        (["--forward", "test"], SETTINGS, "NAME=URL"),
        (["--forward", "te st=http://x.example.com/"], SETTINGS, "NAME=URL"),
        (["--forward", "test=ftp://x.example.com/t0ken"], SETTINGS, "must be an address"),
        (["--forward", "test=http://x.example.com/t0ken"], {}, "SMS_FORWARD_SECRET must be"),
        ([], {"SMS_FORWARD": "test"}, "NAME=URL"),
        ([], {"SMS_FORWARD_SECRET": "short-t0ken"}, "SMS_FORWARD_SECRET must be"),
    ],
)
def test_refuses_to_start(arguments: list[str], env: dict[str, str], word: str) -> None:
    """A wrong target or a missing secret ends it with status 2 and the fix, and shows no address."""
    done = smsjobs("serve", *arguments, env={"SMS_RECEIPT_SECRET": SECRET, **env})
    assert done.returncode == 2
    assert word in " ".join(done.stderr.split())
    assert "t0ken" not in done.stderr

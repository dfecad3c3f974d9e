"""Who opts out gets no more promotional messages, through a real worker and the simulator's pushes."""

import time
from collections.abc import Iterator

import pytest

from smsjobs import RequestFailed
from smsjobs.facts import Fact, ReplyTaken, subscribe
from support.callback import Callback
from support.polling import until
from support.stage import TEMPLATE, Stage, new_phone, outcome, word
from support.worker import WorkerProcess

REFUSED = "15400000144"


@pytest.fixture(scope="module")
def worker(stage: Stage) -> Iterator[WorkerProcess]:
    """A worker that notes to whom it sends, and suppresses whom Aliyun refuses."""
    with stage.worker(SMS_REPLIES="1", SMS_SUPPRESS_REFUSED="all") as worker:
        yield worker


@pytest.fixture
def replies(stage: Stage) -> Iterator[list[Fact]]:
    """What is told of replies, which are pushed to a receiver of this process."""
    told: list[Fact] = []
    stop = subscribe(lambda fact: told.append(fact) if isinstance(fact, ReplyTaken) else None)
    with Callback(stage.sms) as callback:
        # A machine that is busy with other tests may answer late: no push is to be given up for that.
        stage.simulator.set(callback_url=callback.url, callback_timeout_ms=10_000)
        yield told
        stage.simulator.set(callback_url=None)
    stop()


def _sent_to(stage: Stage, phone: str) -> int:
    return len(stage.simulator.accepted(phone=phone))


@pytest.mark.usefixtures("worker")
def test_opted_out(stage: Stage, replies: list[Fact]) -> None:
    """A reply 退订 ends promotional messages to its number, in jobs and campaigns; codes and notifications still go."""
    phone, other = new_phone(), new_phone()
    promotion = stage.send("SMS.Example", phone, lane="bulk")
    assert word(outcome(promotion)) == "accepted"
    stage.simulator.reply(phone, " 退订。")
    until(lambda: replies, "the reply is taken")
    assert [
        (each.opted_out, each.job_id, each.element) for each in replies if isinstance(each, ReplyTaken)
    ] == [(True, promotion.id, "SMS.Example")]
    with pytest.raises(RequestFailed) as raised:
        stage.send("SMS.Example", phone, lane="bulk")
    assert word(raised.value) == "not_sent suppressed"
    for lane in ("verification", "notification"):
        assert word(outcome(stage.send("SMS.Example", phone, lane=lane))) == "accepted"
    # A reply that makes the first entry does not wait until all workers know that there is a list: a quarter of a second.
    time.sleep(0.5)
    campaign = stage.sms.getElement("SMS.Example").campaign(
        "autumn", recipients=[phone, other], verifyTemplateCode=TEMPLATE, params={"code": "1"}
    )
    campaign.wait(timeout=30)
    assert [(row.phone, row.outcome, row.reason) for row in campaign.report()] == [
        (phone, "not_sent", "suppressed"),
        (other, "accepted", None),
    ]
    assert campaign.progress().by_code == {"OK": 1, "suppressed": 1}
    assert (_sent_to(stage, phone), _sent_to(stage, other)) == (3, 1)
    # Consent that comes back later.
    assert stage.sms.suppression.remove(phone)
    assert word(outcome(stage.send("SMS.Example", phone, lane="bulk"))) == "accepted"


@pytest.mark.usefixtures("worker")
def test_added_after_the_enqueue(stage: Stage) -> None:
    """A number that is added between the enqueue and the request gets nothing, also if its job was let in before."""
    phone = new_phone()
    job = stage.send("SMS.Example", phone, countdown=3)
    stage.sms.suppression.add(phone, scope="all")
    ended = outcome(job)
    assert (word(ended), ended.attempts) == ("not_sent suppressed", 0)
    assert stage.stored(job) == ended
    assert _sent_to(stage, phone) == 0


@pytest.mark.usefixtures("worker")
def test_refused_by_aliyun(stage: Stage) -> None:
    """Whom Aliyun refuses because he opted out there is refused here the next time, where the worker's setting says so."""
    assert word(outcome(stage.send("SMS.Example", REFUSED))) == "rejected blocked"
    until(lambda: stage.sms.suppression.has(REFUSED, scope="all"), "it is on the list")
    with pytest.raises(RequestFailed):
        stage.send("SMS.Example", REFUSED)

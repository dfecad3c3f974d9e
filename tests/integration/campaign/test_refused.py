"""A Redis that answers, and refuses: full or demoted."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from smsjobs import QueueUnavailable, Sms, connect
from smsjobs.campaign import Campaign, campaign_store
from smsjobs.campaign.pages import PAGE
from support.campaigns import numbers
from support.redis_server import RedisServer


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A Redis of this module's own."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def sms(server: RedisServer) -> Iterator[Sms]:
    """A producer on it that soon gives up; it takes writes again at the end."""
    with server.client() as client:
        client.flushall()
    sms = connect(broker_url=server.url, timeout=0.6)
    yield sms
    sms.close()
    with server.client() as client:
        client.config_set("maxmemory", "0")
        client.replicaof("NO", "ONE")


def start(sms: Sms, people: Any = None, *, name: str = "test") -> Campaign:
    """A campaign to five, or to those people."""
    element = sms.getElement("SMS.Example")
    return element.campaign(name, recipients=people or numbers(5), verifyTemplateCode="SMS_1")


def fill(server: RedisServer) -> None:
    """From here on it takes no writes."""
    with server.client() as client:
        client.config_set("maxmemory", "1")


def refusal(call: Callable[[], Any]) -> QueueUnavailable:
    """What the call raises, which names the refusal and no data."""
    with pytest.raises(QueueUnavailable) as raised:
        call()
    error = raised.value
    assert (error.code, error.reason, error.__cause__) == (46003, "queue_unavailable", None)
    assert "Redis refused" in error.message
    assert "138001380" not in str(error)
    return error


def test_full_at_the_start(sms: Sms, server: RedisServer) -> None:
    """A full Redis refuses a campaign, of which surely nothing was sent, and takes it once there is room."""
    fill(server)
    assert refusal(lambda: start(sms)).outcome == "not_sent"
    assert sms.campaigns() == []
    with server.client() as client:
        client.config_set("maxmemory", "0")
    assert start(sms).progress().total == 5


@pytest.mark.parametrize("row", [PAGE - 1, PAGE + 1])
def test_full_amid_the_plan(sms: Sms, server: RedisServer, row: int) -> None:
    """A Redis that is full amid a plan, or at its end, refuses the rest; the same call finishes it."""
    people = numbers(PAGE + 2)

    def source() -> Iterator[str]:
        for n, number in enumerate(people):
            if n == row:
                fill(server)
            yield number

    assert refusal(lambda: start(sms, people=source())).outcome == "not_sent"
    with server.client() as client:
        client.config_set("maxmemory", "0")
    assert start(sms, people=people).progress().total == PAGE + 2


@pytest.mark.parametrize("verb", ["pause", "resume", "cancel"])
def test_full_later(sms: Sms, server: RedisServer, verb: str) -> None:
    """A campaign that continues cannot be controlled while Redis is full, which says so and not that nothing was sent."""
    campaign = start(sms)
    fill(server)
    assert refusal(getattr(campaign, verb)).outcome == "unknown"
    assert campaign.progress().state == "running"
    assert len(list(campaign.report())) == 5
    assert start(sms) == campaign


def test_full_after_a_lost_answer(sms: Sms, server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign whose plan was complete before Redis was full is not told to be refused."""
    store = campaign_store(sms.connection)
    step = type(store)._step

    def lossy(self: Any, script: str, *more: Any, **arguments: Any) -> Any:
        answer = step(self, script, *more, **arguments)
        if script == "planned":
            fill(server)
            monkeypatch.undo()
            raise redis.exceptions.ConnectionError("lost")
        return answer

    monkeypatch.setattr(type(store), "_step", lossy)
    assert start(sms).progress().state == "running"


def test_demoted_for_a_moment(sms: Sms, server: RedisServer) -> None:
    """A Redis that was demoted, and is promoted again in time, is waited for as one that is unreachable."""
    campaign = start(sms)
    with server.client() as client:
        client.replicaof("127.0.0.1", "1")
        promote = threading.Timer(0.25, lambda: client.replicaof("NO", "ONE"))
        promote.start()
        try:
            campaign.pause()
        finally:  # left alone, it would meet a server that has ended, and fail whichever test runs then
            promote.join()
    assert campaign.progress().state == "paused"


def test_demoted(sms: Sms, server: RedisServer) -> None:
    """A Redis that stays demoted is unreachable."""
    campaign = start(sms)
    with server.client() as client:
        client.replicaof("127.0.0.1", "1")
    for call in (campaign.pause, campaign.resume, campaign.cancel, lambda: start(sms, name="another")):
        with pytest.raises(QueueUnavailable, match="Redis is unreachable"):
            call()


def test_a_list_under_lost_connections(sms: Sms, server: RedisServer) -> None:
    """Listing campaigns survives the end of its connection between two steps."""
    campaign = start(sms)
    with server.client() as client:
        client.client_kill_filter(_type="normal", skipme=True)
    assert sms.campaigns() == [campaign]

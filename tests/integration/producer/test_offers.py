"""A slip in an element's name is answered by the producer, where workers have told which elements they have."""

from collections.abc import Iterator

import pytest
import redis

from smsjobs import InvalidArguments, Job, Sms, connect
from smsjobs.offers import Offers
from smsjobs.redis_store import connect_redis

OFFERED = "sms:offered"


@pytest.fixture
def client(redis_url: str) -> "redis.Redis":
    return connect_redis(redis_url)


@pytest.fixture
def sms(redis_url: str) -> Iterator[Sms]:
    made = connect(broker_url=redis_url)
    yield made
    made.close()


def send(sms: Sms, element: str, **more: object) -> Job:
    return sms.getElement(element).sendMessage(["13800138000"], {}, "SMS_1", **more)  # type: ignore[arg-type]


def refused(sms: Sms, element: str, **more: object) -> str:
    """What is said of the name."""
    with pytest.raises(InvalidArguments) as caught:
        send(sms, element, **more)
    assert (caught.value.reason, caught.value.argument) == ("element_not_found", "element")
    return caught.value.message


def test_slip_is_answered_with_the_nearest_name(sms: Sms, client: redis.Redis) -> None:
    """A name like one that a worker has is refused with that, before anything is enqueued; the right one is sent."""
    Offers(client).tell(["SMS.YourSmsName", "SMS.Other"], ["notification", "bulk"])
    for slip in ("SMS.YourSmsNam", "sms.yoursmsname", "SMS.YuorSmsName"):
        assert "the nearest name is SMS.YourSmsName" in refused(sms, slip)
    with pytest.raises(InvalidArguments, match=r"nearest name is SMS\.YourSmsName"):
        sms.getElement("SMS.YourSmsNam").campaign("c", recipients=["13800138000"], verifyTemplateCode="SMS_1")
    assert list(client.scan_iter("*:job:*")) == sms.campaigns() == []
    assert send(sms, "SMS.YourSmsName").status() == "queued"


def test_every_other_name_passes(sms: Sms, client: redis.Redis) -> None:
    """Where no worker of the lane has told anything, or nothing alike, a worker decides about the name."""
    assert send(sms, "SMS.YourSmsNam").status() == "queued"
    Offers(client).tell(["SMS.Main"], ["notification"])
    assert send(sms, "SMS.Spare").status() == "queued"
    assert send(sms, "SMS.Mian", lane="bulk").status() == "queued"
    assert "SMS.Main" in refused(sms, "SMS.Mian")


def test_what_was_told_long_ago_does_not_count(sms: Sms, client: redis.Redis) -> None:
    """The elements of a worker that is gone are forgotten."""
    Offers(client).tell(["SMS.Main"], ["notification"])
    (told, at_ms), *_ = client.zrange(OFFERED, 0, -1, withscores=True)
    client.zadd(OFFERED, {told: at_ms - 91_000})
    assert send(sms, "SMS.Mian").status() == "queued"
    Offers(client).tell(["SMS.Other"], ["notification"])
    assert client.zrange(OFFERED, 0, -1) == ["notification SMS.Other"]


def test_damaged_offers_stop_nothing(sms: Sms, client: redis.Redis) -> None:
    """While the list of elements is damaged, every name passes; a worker makes it anew."""
    client.set(OFFERED, "x")
    assert send(sms, "SMS.Mian").status() == "queued"
    offers = Offers(client)
    for _ in range(2):
        offers.tell(["SMS.Main"], ["notification"])
    assert client.zrange(OFFERED, 0, -1) == ["notification SMS.Main"]


def test_known_name_costs_one_question(sms: Sms, client: redis.Redis) -> None:
    """A name that a worker has is asked about once a process."""
    Offers(client).tell(["SMS.Main"], ["notification"])
    send(sms, "SMS.Main")
    before = client.info("commandstats")["cmdstat_zrangebyscore"]["calls"]
    for _ in range(5):
        send(sms, "SMS.Main")
    assert client.info("commandstats")["cmdstat_zrangebyscore"]["calls"] == before

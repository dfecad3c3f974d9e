"""How a job's id comes on its queue: as Celery's own message, by a client that is kept."""

import json
import subprocess
import sys
from typing import Any

import celery
import kombu
import pytest
import redis

from smsjobs.known_kombu import is_known, open_pool
from smsjobs.publisher import Publisher

ID = "abcdef-00000000-0000-4000-8000-000000000000"


@pytest.fixture
def publisher(redis_url: str) -> Any:
    publisher = Publisher(redis_url, timeout_s=5)
    yield publisher
    publisher.close()


def taken(url: str) -> dict[str, Any]:
    """The one message on the queue, which is taken off, without what differs each time."""
    with redis.Redis.from_url(url) as client:
        (text,) = client.lrange("sms.bulk", 0, -1)
        client.delete("sms.bulk")
    message: dict[str, Any] = json.loads(text)
    for name in ("delivery_tag", "reply_to"):
        message["properties"].pop(name, None)
    return message


def test_as_celery_does(publisher: Publisher, redis_url: str) -> None:
    """The message is the one that a Celery app makes of the same call, part by part."""
    publisher.publish(ID, "bulk")
    ours = taken(redis_url)
    app = celery.Celery(broker=redis_url, set_as_current=False)
    app.send_task("smsjobs.send", (ID,), task_id=ID, queue="sms.bulk")
    app.close()
    assert ours == taken(redis_url)


def test_client_kept(redis_url: str) -> None:
    """A channel has one client for all messages, and another one for other connections, as after an error."""
    assert is_known()
    pool = open_pool(kombu.Connection(redis_url), 2)
    with pool.acquire() as connection:
        channel = connection.default_channel
        client = channel._create_client()
        assert channel._create_client() is client
        channel._disconnect_pools()
        assert channel._create_client().connection_pool is channel.pool
        assert channel._create_client() is not client
    pool.force_close_all()


@pytest.mark.parametrize("version", ["5.8.0", "6.0"])
def test_unknown_kombu(redis_url: str, version: str) -> None:
    """With a kombu that is not known the transport is kombu's own, and messages come on the queue."""
    pool = open_pool(kombu.Connection(redis_url), 2, version)
    with pool.acquire() as connection:
        assert type(connection.transport) is kombu.Connection(redis_url).get_transport_cls()
        kombu.Producer(connection).publish({}, routing_key="sms.bulk", serializer="json")
    pool.force_close_all()
    assert taken(redis_url)["body"]


LATER = """
import sys, kombu, kombu.transport.redis
kombu.__version__ = "5.9.0"
del kombu.transport.redis.SentinelChannel
import smsjobs
sms = smsjobs.connect(broker_url=sys.argv[1])
sms.getElement("SMS.Plain").sendMessage(["13800138000"], {"code": "1"}, "SMS_1", lane="bulk")
import smsjobs_worker.process.transport as transport
print(transport.choose("own"))
"""


def test_kombu_without_what_we_lean_on(redis_url: str) -> None:
    """A later kombu that has not what our transports are made of still sends, and a worker gets kombu's own transport."""
    done = subprocess.run(
        [sys.executable, "-c", LATER, redis_url], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.returncode) == ("plain\n", 0), done.stderr[-2000:]
    assert taken(redis_url)["body"]

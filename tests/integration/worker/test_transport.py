"""The broker's transport in kombu's own loop, with a real Redis: what a turn writes and takes, and what is never lost."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from kombu import Connection, Consumer, Producer, Queue
from kombu.asynchronous import Hub, get_event_loop, set_event_loop

from smsjobs_worker.process.transport import harden
from smsjobs_worker.process.transport.channel import TurnTransport
from smsjobs_worker.process.transport.turn import MOST
from support.polling import in_time
from support.redis_server import RedisServer

QUEUE = "sms.notification"


class Killed(BaseException):
    """The end of a worker, at that place."""


class Reader:
    """A worker's loop and nothing else: it holds what it is given."""

    def __init__(
        self,
        url: str,
        *,
        prefetch: int,
        queues: tuple[str, ...] = (QUEUE,),
        on_message: Callable[[Any], None] | None = None,
    ) -> None:
        self.hub = Hub()
        self.before = get_event_loop()
        set_event_loop(self.hub)
        # BRPOP waits for 0.1 s instead of 1 s.
        self.connection = harden(Connection(url, transport_options={"polling_interval": 0.1}))
        self.channel: Any = self.connection.channel()
        self.held: list[Any] = []
        self.consumer = Consumer(
            self.channel,
            [Queue(name, routing_key=name) for name in queues],
            on_message=on_message or self.held.append,
        )
        self.consumer.qos(prefetch_count=prefetch)
        self.consumer.consume()
        self.connection.register_with_event_loop(self.hub)
        # No turn waits longer than this, in seconds.
        self.tick = self.hub.call_repeatedly(0.02, lambda: None)
        self._loop = self.hub.create_loop()

    def turn(self, times: int = 1) -> None:
        """Let the loop turn."""
        for _ in range(times):
            try:
                next(self._loop)
            except StopIteration:  # it ended with an error; Celery continues with a new one, too
                self._loop = self.hub.create_loop()

    def turn_until(self, condition: Callable[[], bool]) -> None:
        """Let the loop turn until that is so."""
        for _ in range(500):
            if condition():
                return
            self.turn()
        raise AssertionError("it did not come to pass within 500 turns")

    def finish(self, count: int) -> None:
        """Acknowledge the oldest messages, as Celery does: from the loop."""
        for message in self.held[:count]:
            self.hub.call_soon(message.ack)
        del self.held[:count]

    def close(self) -> None:
        """As a worker does when it stops."""
        self.connection.close()
        set_event_loop(self.before)


@pytest.fixture
def readers(redis_url: str) -> Iterator[Callable[..., Reader]]:
    opened: list[Reader] = []

    def make(**options: Any) -> Reader:
        opened.append(Reader(redis_url, **options))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def client(redis_server: RedisServer, redis_url: str) -> Iterator[redis.Redis]:
    del redis_url  # emptied by it
    with redis_server.client() as client:
        yield client


@pytest.fixture
def publish(redis_url: str) -> Iterator[Callable[..., None]]:
    with Connection(redis_url) as connection:
        producer = Producer(connection)

        def each(*texts: str, queue: str = QUEUE) -> None:
            for text in texts:
                producer.publish({"n": text}, routing_key=queue, declare=[Queue(queue, routing_key=queue)])

        yield each


def names(reader: Reader) -> list[str]:
    return [message.payload["n"] for message in reader.held]


def numbered(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def round_trips(client: redis.Redis) -> int:
    return int(client.info()["total_reads_processed"])


def test_all_in_order(
    client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None]
) -> None:
    """Every message is taken once, the oldest first, and each one is noted as unacknowledged."""
    publish(*numbered(40))
    reader = readers(prefetch=64)
    reader.turn_until(lambda: len(reader.held) >= 40)
    assert names(reader) == numbered(40)
    reader.turn()
    assert client.hlen("unacked") == client.zcard("unacked_index") == 40
    for message in reader.held:
        raw, exchange, key = json.loads(client.hget("unacked", message.delivery_tag))
        assert raw["properties"]["delivery_tag"] == message.delivery_tag
        assert (exchange, key) == ("", QUEUE)


def test_acknowledged(
    client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None]
) -> None:
    """What is acknowledged is gone from Redis after the next turn, and the rest is still noted."""
    publish(*numbered(5))
    reader = readers(prefetch=64)
    reader.turn_until(lambda: len(reader.held) >= 5)
    reader.finish(3)
    reader.turn_until(lambda: client.hlen("unacked") == 2)
    assert set(client.hkeys("unacked")) == {message.delivery_tag for message in reader.held}
    assert set(client.zrange("unacked_index", 0, -1)) == set(client.hkeys("unacked"))


def test_no_more_than_there_is_room_for(
    client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None]
) -> None:
    """A worker holds as many messages as it has threads, and the rest stays on the queue for others."""
    publish(*numbered(30))
    reader = readers(prefetch=4)
    reader.turn_until(lambda: len(reader.held) >= 4)
    reader.hub.call_soon(lambda: None)
    reader.turn()
    assert len(reader.held) == 4
    assert client.llen(QUEUE) == 26
    reader.finish(2)
    reader.turn_until(lambda: len(reader.held) >= 4)
    assert names(reader) == ["2", "3", "4", "5"]


def test_a_share_for_others(
    client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None]
) -> None:
    """One step takes a bounded number of messages, so that another worker gets some of a burst."""
    publish(*numbered(3 * MOST))
    reader = readers(prefetch=1)
    reader.turn_until(lambda: len(reader.held) == 1)
    reader.consumer.qos(prefetch_count=1 + 3 * MOST)
    seen: list[int] = []
    original = reader.channel.script

    def counted(**arguments: Any) -> Any:
        taken = original(**arguments)
        seen.append(len(taken) // 2)  # each with its tag
        return taken

    reader.channel.script = counted
    reader.finish(1)
    reader.turn_until(lambda: client.llen(QUEUE) == 0)
    assert max(seen) == MOST


def test_few_round_trips(
    client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None]
) -> None:
    """While there is a backlog, a turn asks Redis once, however many messages were done and taken."""
    publish(*numbered(200))
    reader = readers(prefetch=8)
    reader.turn_until(lambda: len(reader.held) == 8)
    reader.finish(8)
    reader.turn_until(lambda: names(reader)[:1] == ["8"])
    before = round_trips(client)
    for _ in range(10):
        reader.finish(8)
        reader.turn_until(lambda: len(reader.held) == 8)
    # One is the question itself. Kombu's own way takes three for each of the 80 messages.
    assert round_trips(client) - before <= 12
    assert names(reader) == [str(number) for number in range(88, 96)]


def test_several_queues(
    client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None]
) -> None:
    """A worker of several queues gets the messages of all of them, acknowledged too."""
    publish(*numbered(5))
    publish(*numbered(5), queue="sms.bulk")
    reader = readers(prefetch=64, queues=(QUEUE, "sms.bulk"))
    reader.turn_until(lambda: len(reader.held) >= 10)
    reader.finish(10)
    reader.turn_until(lambda: client.hlen("unacked") == 0)
    assert client.zcard("unacked_index") == 0


def test_several_queues_take_turns(readers: Callable[..., Reader], publish: Callable[..., None]) -> None:
    """A worker of several queues takes from each in turn, however full they are."""
    for queue in (QUEUE, "sms.bulk"):
        publish(*numbered(40), queue=queue)
    reader = readers(prefetch=4, queues=(QUEUE, "sms.bulk"))
    taken: list[str] = []
    while len(taken) < 16:
        reader.turn_until(lambda: len(reader.held) > 0)
        taken += [message.delivery_info["routing_key"] for message in reader.held]
        reader.finish(len(reader.held))
        reader.turn()
    assert min(taken.count(QUEUE), taken.count("sms.bulk")) >= 6


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("redis://127.0.0.1:1/0", True),
        ("rediss://127.0.0.1:1/0", True),
        ("redis+socket:///tmp/redis.sock", True),
        ("sentinel://127.0.0.1:1", True),
        ("memory://", False),
        ("amqp://127.0.0.1:1", False),
    ],
)
def test_whose_transport(url: str, ours: bool) -> None:
    """Redis's transport is replaced, however it is spelt; every other one is left alone."""
    assert issubclass(harden(Connection(url)).get_transport_cls(), TurnTransport) is ours


#: Looks like a message, until its body is decoded.
ROTTEN = json.dumps(
    {
        "body": "x",
        "properties": {
            "body_encoding": "no such encoding",
            "delivery_tag": "rotten",
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
        },
    }
)


@pytest.mark.parametrize(
    "junk",
    [
        ROTTEN.encode(),
        # Redis's reader of JSON takes these, and Python's does not.
        ROTTEN.encode().replace(b'"x"', b'"\xff"'),
        ROTTEN.encode().replace(b'"x"', b"0x10"),
        ROTTEN.encode().replace(b'"x"', b"[" * 980 + b"]" * 980),
        b"no JSON",
        b"[1]",
        b'{"properties": []}',
        b'{"body": ""}',
        b"\x80" * 3,
    ],
)
def test_junk(
    client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None], junk: bytes
) -> None:
    """What is no message is dropped for good, and the messages around it are handed over."""
    publish("a", "b")
    client.lpush(QUEUE, junk)
    publish("c")
    reader = readers(prefetch=64)
    reader.turn_until(lambda: len(reader.held) == 3)
    assert names(reader) == ["a", "b", "c"]
    reader.turn(2)
    assert client.hlen("unacked") == client.zcard("unacked_index") == 3


def test_noted_where_redis_cannot_read_it(
    client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None]
) -> None:
    """A message that Python reads and Redis's reader of JSON does not, is noted all the same, a turn later."""
    publish("a", "b")
    odd = json.loads(client.lindex(QUEUE, 0))
    odd["headers"]["odd"] = "\ud800"
    odd["properties"]["delivery_tag"] = "odd"
    client.lpush(QUEUE, json.dumps(odd))
    reader = readers(prefetch=64)
    reader.turn_until(lambda: len(reader.held) == 3)
    reader.turn(2)
    assert client.hlen("unacked") == client.zcard("unacked_index") == 3


@pytest.mark.parametrize("prefetch", [1, 4])
def test_refused_by_the_handler(
    client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None], prefetch: int
) -> None:
    """A message that Celery cannot make a job of is dropped for good and occupies no thread."""
    publish(*numbered(20), "good")
    good: list[Any] = []

    def handler(message: Any) -> None:
        if message.payload["n"] != "good":
            raise KeyError("id")
        good.append(message)

    reader = readers(prefetch=prefetch, on_message=handler)
    reader.turn_until(lambda: bool(good))
    reader.turn_until(lambda: client.hlen("unacked") == 1)
    assert client.hkeys("unacked") == client.zrange("unacked_index", 0, -1) == [good[0].delivery_tag]


def test_done_as_soon_as_taken(
    client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None]
) -> None:
    """What the loop itself is done with, as with a revoked task, makes room without a second's wait."""
    publish(*numbered(40))
    held: list[Any] = []

    def handler(message: Any) -> None:
        # One occupies a thread throughout, so that the rest is taken by steps.
        if held:
            reader.hub.call_soon(message.ack)
        else:
            held.append(message)

    reader = readers(prefetch=4, on_message=handler)
    reader.tick.cancel()
    # 13 steps, and a loop that forgets its own work waits for a second after each of them.
    with in_time(5):
        reader.turn_until(lambda: client.llen(QUEUE) == 0 and client.hlen("unacked") == 1)


def test_memory_full(
    client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None]
) -> None:
    """While Redis refuses whatever needs memory, messages are taken, noted and acknowledged as ever."""
    publish("a")
    reader = readers(prefetch=64)
    reader.turn_until(lambda: len(reader.held) == 1)
    reader.turn()
    publish("b", "c", "d")
    client.config_set("maxmemory", "1kb")
    try:
        reader.turn_until(lambda: len(reader.held) == 4)
        # "b" was taken by BRPOP and has to be noted apart.
        reader.turn_until(lambda: client.hlen("unacked") == 4)
        reader.finish(1)
        reader.turn_until(lambda: client.hlen("unacked") == 3)
        client.script_flush()
        reader.finish(3)
        reader.turn_until(lambda: client.hlen("unacked") == client.zcard("unacked_index") == 0)
    finally:
        client.config_set("maxmemory", "0")


def test_put_back_while_memory_is_full(
    client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None]
) -> None:
    """A message that a full Redis refuses to put back stays noted, so that it comes again, and makes room."""
    publish("a", "b")
    reader = readers(prefetch=1)
    reader.turn_until(lambda: len(reader.held) == 1)
    reader.turn()
    client.config_set("maxmemory", "1kb")
    try:
        reader.held.pop().reject(requeue=True)
    finally:
        client.config_set("maxmemory", "0")
    reader.turn_until(lambda: names(reader) == ["b"])
    reader.turn()
    assert client.hlen("unacked") == client.zcard("unacked_index") == 2
    reader.channel.qos.visibility_timeout = 0
    reader.channel.qos.restore_visible(interval=1)
    assert client.llen(QUEUE) == 2


def test_note_of_what_is_no_message(
    client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None]
) -> None:
    """A note that Python cannot read, of a worker that was killed before it dropped it, holds up none behind it."""
    publish("a")
    reader = readers(prefetch=1)
    reader.turn_until(lambda: len(reader.held) == 1)
    reader.turn()
    for tag, junk in enumerate(('[0x10,"",""]', "[" * 50_000, "[1]", "{}", "")):
        client.hset("unacked", f"junk {tag}", junk)
        client.zadd("unacked_index", {f"junk {tag}": time.time()})
    reader.channel.qos.visibility_timeout = 0
    reader.channel.qos.restore_visible(num=100, interval=1)
    assert client.hlen("unacked") == client.zcard("unacked_index") == 0
    assert client.llen(QUEUE) == 1


@pytest.mark.parametrize("prefetch", [1, 64], ids=["by BRPOP", "by a step"])
def test_noted_at_the_time(
    client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None], prefetch: int
) -> None:
    """A message is noted as taken now: its visibility time-out begins, and is not over."""
    publish(*numbered(5))
    before = time.time()
    reader = readers(prefetch=prefetch)
    reader.turn_until(lambda: len(reader.held) == min(prefetch, 5))
    reader.turn_until(lambda: client.zcard("unacked_index") == min(prefetch, 5))
    for _, noted_at in client.zrange("unacked_index", 0, -1, withscores=True):
        assert before <= noted_at <= time.time()


def test_refused_while_closing(
    client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None]
) -> None:
    """A worker whose last step is refused puts back what is not done all the same."""
    publish(*numbered(3))
    reader = readers(prefetch=64)
    reader.turn_until(lambda: len(reader.held) == 3)
    reader.turn()

    def refused(**_: Any) -> Any:
        raise redis.ResponseError("refused")

    reader.channel.script = refused
    reader.held[0].ack()
    reader.connection.close()
    assert client.llen(QUEUE) == 2


def test_junk_makes_no_room(
    client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None]
) -> None:
    """However much of what was taken is no message, a worker holds no more messages than it has threads."""
    publish(*numbered(4))
    reader = readers(prefetch=4)
    reader.turn_until(lambda: len(reader.held) == 4)
    # A step takes three of them and BRPOP one, and then comes the next step.
    client.lpush(QUEUE, *(ROTTEN.replace("rotten", f"rotten {number}") for number in range(4)))
    publish(*numbered(MOST))
    reader.finish(3)
    reader.turn_until(lambda: client.llen(QUEUE) < MOST)
    reader.turn()
    assert len(reader.held) == 4


def test_killed_after_a_step(
    client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None]
) -> None:
    """What a step took is noted by the same step: a worker that is killed at once after it loses none of it."""
    publish(*numbered(10))
    reader = readers(prefetch=64)
    reader.turn_until(lambda: len(reader.held) >= 1)
    script = reader.channel.script

    def killed(**arguments: Any) -> Any:
        taken = script(**arguments)
        if taken:
            raise Killed
        return taken

    reader.channel.script = killed
    reader.finish(1)
    with pytest.raises(Killed):
        reader.turn(3)
    assert client.llen(QUEUE) == 0
    assert client.hlen("unacked") == 9
    reader.channel.script = script


def test_noted_before_it_is_handed_over(
    client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None]
) -> None:
    """What BRPOP took is noted before anything is done with it: a worker that is killed then loses nothing."""
    publish("a")
    noted: list[int] = []
    reader = readers(prefetch=1, on_message=lambda _: noted.append(client.hlen("unacked")))
    reader.turn_until(lambda: bool(noted))
    assert noted == [1]


def test_stopping(client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None]) -> None:
    """A worker that stops writes what is done and puts back what is not."""
    publish(*numbered(6))
    reader = readers(prefetch=64)
    reader.turn_until(lambda: len(reader.held) >= 6)
    for message in reader.held[:2]:
        message.ack()
    reader.connection.close()
    assert client.hlen("unacked") == client.zcard("unacked_index") == 0
    assert client.llen(QUEUE) == 4


def test_put_back(client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None]) -> None:
    """A message that is rejected comes again or goes, whether it was noted by then or not."""
    publish("a")
    reader = readers(prefetch=64)
    reader.turn_until(lambda: len(reader.held) >= 1)
    reader.held.pop().reject(requeue=True)
    reader.turn_until(lambda: len(reader.held) >= 1)
    assert names(reader) == ["a"]
    reader.held.pop().reject(requeue=False)
    assert client.hlen("unacked") == client.llen(QUEUE) == 0


def test_redis_unreachable(
    client: redis.Redis, readers: Callable[..., Reader], publish: Callable[..., None]
) -> None:
    """What could not be written is written when Redis answers again."""
    publish("a", "b")
    reader = readers(prefetch=64)
    reader.turn_until(lambda: len(reader.held) >= 2)
    reader.turn()
    script = reader.channel.script

    def unreachable(**_: Any) -> Any:
        raise redis.ConnectionError("unreachable")

    reader.channel.script = unreachable
    reader.finish(2)
    with pytest.raises(redis.ConnectionError):
        reader.turn(2)
    assert client.hlen("unacked") == 2
    reader.channel.script = script
    reader.turn_until(lambda: client.hlen("unacked") == 0)


def test_without_a_loop(client: redis.Redis, redis_url: str, publish: Callable[..., None]) -> None:
    """Without Celery's loop there is no turn to wait for, and everything is written at once."""
    publish("a")
    held: list[Any] = []
    with harden(Connection(redis_url)) as connection:
        queue = Queue(QUEUE, routing_key=QUEUE)
        with Consumer(connection.channel(), [queue], on_message=held.append):
            connection.drain_events(timeout=5)
            assert client.hlen("unacked") == 1
            held[0].ack()
            assert client.hlen("unacked") == 0

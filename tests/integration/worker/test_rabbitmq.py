"""RabbitMQ as the broker: a real server, a real worker, and what happens to both."""

import signal
import struct
import time
from collections.abc import Iterator

import pytest
from amqp import spec
from kombu import Connection
from kombu.entity import Queue

from smsjobs import Job
from smsjobs.contract import LANES
from smsjobs.presence import workers_by_lane
from smsjobs.queues import QuorumQueue
from smsjobs.settings import ConnectionSettings
from smsjobs_worker.process.app import create_app
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.process.transport import harden
from smsjobs_worker.watching.doctor.messages import broker as broker_findings
from support import shop
from support.polling import in_time, until
from support.proxy import CuttingProxy
from support.rabbitmq import RabbitMq, why_not
from support.redis_server import RedisServer
from support.stage import Stage, count
from support.worker import WorkerProcess

if problem := why_not():
    pytest.skip(problem, allow_module_level=True)

#: Connection.Close with the code 530, as managed servers say it.
_CLOSE = struct.pack(">HHHB", 10, 50, 530, 6) + b"denied" + struct.pack(">HH", 0, 0)
THROTTLED = struct.pack(">BHI", 1, 0, len(_CLOSE)) + _CLOSE + b"\xce"

#: Of a producer, in seconds.
TIMEOUT_S = 1.2


@pytest.fixture(scope="module")
def broker() -> Iterator[RabbitMq]:
    """One server for this file; its queue of the lane bulk is there before ours, as a classic queue."""
    with RabbitMq() as running, Connection(running.url) as connection:
        Queue("sms.bulk", exchange="", durable=True)(connection.channel()).declare()
        yield running


@pytest.fixture(scope="module")
def stage(broker: RabbitMq, redis_server: RedisServer) -> Iterator[Stage]:
    with Stage(redis_server, broker_url=broker.url) as running:
        running.write()
        yield running


@pytest.fixture(scope="module", autouse=True)
def worker(stage: Stage) -> Iterator[WorkerProcess]:
    with stage.worker() as running:
        yield running


def send(stage: Stage, jobs: int = 6) -> list[Job]:
    """Enqueue jobs of all lanes; none takes longer than the producer's time-out."""
    sms, enqueued = stage.connect(timeout=TIMEOUT_S), []
    for number in range(jobs):
        lane = ("verification", "notification", "bulk")[number % 3]
        with in_time(TIMEOUT_S):
            enqueued.append(stage.send("SMS.Example", sms=sms, lane=lane, expires=120))
    sms.close()
    return enqueued


def check(stage: Stage, jobs: list[Job]) -> None:
    """Every job was accepted, once."""
    found = count(stage, jobs)
    assert (found.outcomes, found.twice, found.invented) == ({"accepted": len(jobs)}, (), ())


def test_queues(stage: Stage, broker: RabbitMq) -> None:
    """New queues are quorum queues, a classic one is used as it is, and Celery's 28 queues for delays are not made."""
    check(stage, send(stage))
    classic, quorum = "rabbit_classic_queue", "rabbit_quorum_queue"
    assert broker.queues() == {"sms.bulk": classic, "sms.notification": quorum, "sms.verification": quorum}


def test_presence(broker: RabbitMq) -> None:
    """Workers on RabbitMQ are counted by lane."""
    assert workers_by_lane(broker.url) == {"verification": 1, "notification": 1, "bulk": 1}


def test_doctor(stage: Stage, broker: RabbitMq) -> None:
    """The doctor names RabbitMQ, passes a message through it, and says when it refuses the password or is full."""

    def told(url: str = broker.url) -> list[tuple[str, str]]:
        environ = {"SMS_BROKER_URL": url, "SMS_REDIS_URL": stage.server.url}
        settings = WorkerSettings(
            connection=ConnectionSettings.read(environ=environ), app_dir=stage.app_dir, lanes=LANES
        )
        return [(each.verdict, each.text) for each in broker_findings(settings, create_app(settings))]

    assert [verdict for verdict, _ in told()] == ["good", "good"]
    assert told()[0][1].startswith("RabbitMQ 3.")
    assert told(broker.url.replace("rabbit", "wrong")) == [
        ("bad", "RabbitMQ refuses the user or the password")
    ]
    broker.take_no_messages()
    try:
        assert told()[-1] == ("bad", "RabbitMQ takes no messages now: its memory or its disk is full")
    finally:
        broker.take_messages()
    assert not [name for name in broker.queues() if "doctor" in name]


def test_declared_twice(broker: RabbitMq) -> None:
    """A queue that another process makes meanwhile is no problem, and one that may not be asked for is an error."""
    name = "sms.test"
    with Connection(broker.url) as connection, Connection(broker.url) as other:
        QuorumQueue(name, exchange="")(connection.channel()).declare()
        QuorumQueue(name, exchange="")(other.channel()).declare()
        mine = Queue("exclusive", exchange="", exclusive=True)(connection.channel())
        mine.declare()
        with pytest.raises(other.channel_errors, match="RESOURCE_LOCKED"):
            QuorumQueue("exclusive", exchange="")(other.channel()).declare()
        Queue(name, exchange="")(other.channel()).delete()


def test_frozen(stage: Stage, broker: RabbitMq) -> None:
    """A frozen RabbitMQ holds no caller longer than SMS_TIMEOUT, and its jobs are sent when it wakes."""
    warm = stage.connect(timeout=TIMEOUT_S)
    stage.send("SMS.Example", sms=warm)
    broker.signal(signal.SIGSTOP)
    try:
        with in_time(TIMEOUT_S):
            jobs = [stage.send("SMS.Example", sms=warm)]
        jobs += send(stage, 2)
    finally:
        broker.signal(signal.SIGCONT)
    check(stage, jobs)
    warm.close()


def test_full(stage: Stage, broker: RabbitMq) -> None:
    """While RabbitMQ's memory is full, callers go on at once, and their jobs are sent when it is free again."""
    broker.take_no_messages()
    try:
        # Without waiting for a confirmation, which would take a quarter of the time-out each.
        with in_time(12 * TIMEOUT_S / 4):
            jobs = send(stage, jobs=12)
    finally:
        broker.take_messages()
    check(stage, jobs)


def test_refused(stage: Stage, broker: RabbitMq, worker: WorkerProcess) -> None:
    """A server that refuses connections with 530 is asked once a second, and used when it takes them again."""
    seen = len(worker.log())
    broker.refuse_connections()
    jobs = send(stage)
    worker.wait_for_log("NOT_ALLOWED", after=seen)
    time.sleep(2)
    log = worker.log()[seen:]
    assert 1 <= log.count("Cannot connect") <= 5
    assert "unexpected error" not in log
    broker.take_connections()
    check(stage, jobs)


def test_throttled(stage: Stage, broker: RabbitMq) -> None:
    """A server that closes connections with 530 is asked again after a second each time, and read in the end."""
    with CuttingProxy(broker.port) as proxy:
        url = broker.url.replace(f":{broker.port}/", f":{proxy.port}/")
        with stage.worker(SMS_BROKER_URL=url) as throttled:
            for _ in range(2):
                seen, begun = len(throttled.log()), time.monotonic()
                assert proxy.say(THROTTLED)
                throttled.wait_for_log("Connected to", after=seen)
                assert time.monotonic() - begun >= 1
            both = {"verification": 2, "notification": 2, "bulk": 2}
            until(lambda: workers_by_lane(broker.url) == both, "both workers read", timeout=20)


def test_no_answer(broker: RabbitMq, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that does not come is given up, though the server shows signs of life meanwhile."""
    monkeypatch.setattr("smsjobs_worker.process.transport.rabbitmq._ANSWER_S", 1.5)
    with harden(Connection(broker.url, heartbeat=4)) as connection:
        channel = connection.channel()
        with pytest.raises(TimeoutError):
            channel.wait(spec.Basic.GetOk)


def test_deleted(stage: Stage, broker: RabbitMq) -> None:
    """A queue that an administrator deletes is made anew by the workers that read it."""
    with Connection(broker.url) as connection:
        Queue("sms.notification")(connection.channel()).delete()
        until(lambda: _exists(connection, "sms.notification"), "the queue is back")
    check(stage, send(stage))


def _exists(connection: Connection, name: str) -> bool:
    channel = connection.channel()
    try:
        channel.queue_declare(name, passive=True)
    except connection.channel_errors:
        return False
    channel.close()
    return True


@pytest.mark.parametrize("queue", [shop.QUEUE, "sms_events_quorum"])
def test_events_for_a_task(stage: Stage, broker: RabbitMq, queue: str) -> None:
    """Events reach a task of somebody else's, on a queue that is made for it and on one that he has made as a quorum queue."""
    if queue != shop.QUEUE:
        with Connection(broker.url) as connection:
            arguments = {"x-queue-type": "quorum"}
            Queue(queue, exchange="", durable=True, queue_arguments=arguments)(connection.channel()).declare()
    told = {"SMS_EVENTS_TASK": shop.TASK, "SMS_EVENTS_QUEUE": queue}
    with stage.worker(**told), Connection(broker.url) as connection:
        jobs = {each.id for each in send(stage)}
        until(lambda: queue in broker.queues(), "there is a queue")
        messages = connection.SimpleQueue(Queue(queue, exchange="", durable=True, no_declare=True))
        found = []
        while {each["data"]["job_id"] for each in found} != jobs:
            message = messages.get(timeout=30)
            found.append(message.payload[0][0])
            assert (message.headers["task"], message.headers["id"]) == (shop.TASK, found[-1]["id"])
            message.ack()
        messages.close()

"""The thread that reads a queue of receipts, with a queue of the test's own."""

import threading
from dataclasses import dataclass, field

import pytest
from redis.exceptions import ConnectionError as RedisUnreachable

from smsjobs_worker.following.queues import Follower, find_queues
from smsjobs_worker.logs.facts import QueueFollowed, QueueNotRead
from smsjobs_worker.provider import Provider, Queued, QueueFailed, ReceiptQueue
from support.facts import told


@dataclass
class OwnQueue(ReceiptQueue):
    """Gives what is left in it; raises what it is told to, once each."""

    name: str = "Alicom-Queue-1-SmsReport"
    left: dict[str, bytes] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)
    opened: int = 0

    def open(self) -> ReceiptQueue:
        """Give itself."""
        self.opened += 1
        return self

    def receive(self):
        """All that is left."""
        if self.failures:
            raise self.failures.pop(0)
        return [Queued(body=body, handle=handle) for handle, body in self.left.items()]

    def delete(self, messages):
        """Delete, or fail."""
        for each in messages:
            del self.left[each.handle]

    def close(self):
        """Nothing."""


@pytest.fixture
def queue() -> OwnQueue:
    return OwnQueue(left={"1": b"one", "2": b"two", "3": b"three"})


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def follow(queue, slept):
    return lambda take: Follower(queue.name, queue.open, take, sleep=slept.append)


def test_message_is_deleted_after_it_was_taken(queue, follow):
    """While a batch is taken all of it is still in the queue; afterwards nothing is."""
    seen = []
    follow(lambda bodies: seen.append((list(bodies), len(queue.left)))).run_once()
    assert seen == [([b"one", b"two", b"three"], 3)]
    assert queue.left == {}


def test_nothing_is_deleted_while_redis_is_unreachable(queue, follow, slept):
    """Where Redis cannot be written to, everything stays in the queue, and the thread waits."""

    def take(bodies):
        raise RedisUnreachable

    with told() as facts:
        follow(take).run_once()
    assert len(queue.left) == 3
    assert len(slept) == 1
    (fact,) = [each for each in facts if isinstance(each, QueueNotRead)]
    assert fact.reason.startswith("ConnectionError")


def test_one_bad_message_holds_no_other_up(queue, follow, slept):
    """A message that cannot be taken for an unforeseen reason stays alone; the others of its batch are taken and deleted."""
    taken = []

    def take(bodies):
        if b"two" in bodies:
            raise ValueError("13800138000")
        taken.extend(bodies)

    with told() as facts:
        follow(take).run_once()
    assert taken == [b"one", b"three"]
    assert queue.left == {"2": b"two"}
    assert slept == []
    assert "13800138000" not in repr(facts)


@pytest.mark.parametrize(("refused", "longest_s"), [(False, 60), (True, 600)])
def test_waits_grow_and_end_with_the_first_success(queue, follow, slept, refused, longest_s):
    """Each failure in a row waits longer, up to a minute, or ten where the answer was no; a success starts anew."""
    queue.failures = [QueueFailed("any", "MNS answered AccessDenied", refused=refused) for _ in range(12)]
    follower = follow(lambda bodies: None)
    with told() as facts:
        for _ in range(13):
            follower.run_once()
        queue.failures = [ValueError("unforeseen")]
        follower.run_once()
    assert all(0.5 * base <= wait <= base for wait, base in zip(slept[:6], (1, 2, 4, 8, 16, 32), strict=True))
    assert longest_s / 2 <= max(slept) <= longest_s
    assert slept[-1] <= 1
    assert queue.opened == 13
    assert len([fact for fact in facts if isinstance(fact, QueueFollowed)]) == 1


def test_stop_begins_nothing_and_waits_for_what_is_being_taken(queue):
    """What is taken when it is stopped is deleted before the stop returns; nothing is taken afterwards."""
    begun, go_on = threading.Event(), threading.Event()
    batches = []

    def take(bodies):
        batches.append(list(bodies))
        begun.set()
        assert go_on.wait(5)

    follower = Follower(queue.name, queue.open, take)
    follower.start()
    assert begun.wait(5)
    threading.Timer(0.05, go_on.set).start()
    follower.stop()
    assert queue.left == {}
    queue.left = {"4": b"four"}
    assert batches == [[b"one", b"two", b"three"]]


def test_queue_of_two_elements_is_read_once():
    """Elements of one account share its queues, so each queue is found once."""

    class Of(Provider):
        def __init__(self, *names):
            self.names = names

        def send(self, message, *, out_id, connect_within_s):
            raise NotImplementedError

        def receipt_queues(self):
            return [OwnQueue(name=each) for each in self.names]

    @dataclass
    class Providers:
        of: dict[str, Provider]

        def provider(self, full_name):
            return self.of[full_name]

    providers = Providers({"SMS.A": Of("q1", "q2"), "SMS.B": Of("q1"), "SMS.C": Of(), "SMS.D": Of("q3")})
    found = find_queues(providers, ["SMS.A", "SMS.B", "SMS.C", "SMS.D"])
    assert [opened().name for opened in found.values()] == ["q1", "q2", "q3"]
    providers.of["SMS.D"] = Of()
    with pytest.raises(QueueFailed, match="not_used"):
        found["q3"]()

"""Aliyun's queues of receipts, read by its real SDKs from the simulator."""

import json
import socket

import pytest

from aliyun_sms_simulator import Simulator
from smsjobs.contract import check_message
from smsjobs_worker.aliyun import queues
from smsjobs_worker.provider import QueueFailed
from support.polling import until

PHONE = "13800138000"
ACCOUNT = "1000000000000001"
REPORTS = f"Alicom-Queue-{ACCOUNT}-SmsReport"


@pytest.fixture
def transport() -> str:
    """How requests travel: as by default."""
    return "lean"


@pytest.fixture
def simulator(simulator: Simulator, monkeypatch) -> Simulator:
    """One with queues, where nobody waits for messages that are not there."""
    monkeypatch.setattr(queues, "_WAIT_S", 0)
    simulator.set(queue_account=ACCOUNT, delivery_delay_s=0)
    return simulator


@pytest.fixture
def open_queue(simulator: Simulator, sender):
    """Opens one of the account's queues; closes it in the end."""
    opened = []

    def open_(kind: str = "SmsReport", **settings):
        at = {"tokenEndpoint": simulator.url, "queueEndpoint": simulator.url}
        provider = sender(simulator.url, receipts="queue", accountId=ACCOUNT, **at | settings)
        opened.extend(provider.receipt_queues())
        return next(each for each in opened if each.name.endswith(f"-{kind}"))

    yield open_
    for each in opened:
        each.close()


def send(simulator: Simulator, sender, out_id: str) -> None:
    message = check_message([PHONE], {"code": "384915"}, "SMS_1")
    sender(simulator.url).send(message, out_id=out_id)


def wait_for_messages(simulator: Simulator, count: int, queue: str = REPORTS) -> None:
    until(lambda: simulator.queues().get(queue, {}).get("put", 0) >= count, "the messages are in the queue")


def test_deleted_message_does_not_come_again(simulator, sender, open_queue):
    """A report is received as Aliyun would push it; once it is deleted, the queue is empty, and deleting again is no error."""
    queue = open_queue()
    assert queue.receive() == []
    send(simulator, sender, "out-7")
    wait_for_messages(simulator, 1)
    (message,) = queue.receive()
    report = json.loads(message.body)
    assert (report["out_id"], report["phone_number"], report["success"]) == ("out-7", PHONE, True)
    queue.delete([message])
    queue.delete([message])
    simulator.advance_clock(60)
    assert queue.receive() == []
    assert simulator.queues()[REPORTS]["deleted"] == 1


def test_message_that_is_not_deleted_comes_again(simulator, sender, open_queue):
    """What was received and not deleted is hidden for a while, and then received again."""
    queue = open_queue()
    send(simulator, sender, "out-7")
    wait_for_messages(simulator, 1)
    (first,) = queue.receive()
    assert queue.receive() == []
    simulator.advance_clock(31)
    (again,) = queue.receive()
    assert again.body == first.body
    queue.delete([first])  # its handle is an old one
    queue.delete([again])
    assert simulator.queues()[REPORTS]["waiting"] == 0


def test_batches_have_up_to_sixteen(simulator, open_queue):
    """More messages than MNS gives at once come in several batches, each once; a reply is in the queue of replies."""
    for number in range(20):
        simulator.reply(PHONE, str(number))
    replies = f"Alicom-Queue-{ACCOUNT}-SmsUp"
    wait_for_messages(simulator, 20, replies)
    queue = open_queue("SmsUp")
    batches = [queue.receive(), queue.receive()]
    for each in batches:
        queue.delete(each)
    assert [len(each) for each in batches] == [16, 4]
    texts = {json.loads(each.body)["content"] for batch in batches for each in batch}
    assert texts == {str(number) for number in range(20)}
    assert simulator.queues()[replies]["deleted"] == 20


def test_token_is_renewed_two_minutes_before_it_expires(simulator, open_queue):
    """A token of an hour is used for 58 minutes, whichever clock and zone its times are of."""
    clock = [0.0]
    queue = open_queue()
    queue._clock = lambda: clock[0]
    simulator.set_clock("2031-01-01T00:00:00")
    for clock[0], tokens in ((1.0, 1), (3479.0, 1), (3482.0, 2)):
        queue.receive()
        assert simulator.request_counts()["QueryTokenForMnsQueue"] == tokens


ACTIONS = ("ReceiveMessage", "DeleteMessage", "QueryTokenForMnsQueue")
FAULTS = {
    "code": ACTIONS,
    "http_503_before": ACTIONS,
    "http_502_before": ACTIONS,
    "reset_before": ACTIONS,
    "hang_before": ACTIONS,
    # A deletion's answer has no body.
    "non_json_before": ("ReceiveMessage", "QueryTokenForMnsQueue"),
    "truncated_after": ("ReceiveMessage", "QueryTokenForMnsQueue"),
}


@pytest.mark.parametrize(
    ("kind", "action"), [(kind, action) for kind, actions in FAULTS.items() for action in actions]
)
def test_failure_is_ours_and_leaves_the_message(simulator, sender, open_queue, kind, action):
    """Whatever fails is told in our own words, has no foreign exception behind it, and the message can still be received."""
    queue = open_queue()
    send(simulator, sender, "out-7")
    wait_for_messages(simulator, 1)
    received = queue.receive() if action == "DeleteMessage" else []
    simulator.fault(kind, action=action, code="InvalidSecurityToken")
    with pytest.raises(QueueFailed) as failure:
        queue.delete(received) if action == "DeleteMessage" else queue.receive()
    error = failure.value
    assert error.__cause__ is None
    assert error.__context__ is None
    assert PHONE not in str(error)
    simulator.advance_clock(31)
    assert len(queue.receive()) == 1


def test_expired_token_is_replaced(simulator, open_queue):
    """A token that MNS does not take any more fails once, and the next request has a new one."""
    queue = open_queue()
    queue.receive()
    simulator.advance_clock(3601)
    with pytest.raises(QueueFailed, match="InvalidSecurityToken"):
        queue.receive()
    assert queue.receive() == []


def test_silent_https_endpoint_holds_nobody(open_queue):
    """An endpoint that accepts a connection and stays silent is given up after connectTimeoutMs; the SDK alone would wait for ever."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        queue = open_queue(queueEndpoint=f"https://127.0.0.1:{silent.getsockname()[1]}", connectTimeoutMs=200)
        with pytest.raises(QueueFailed, match="TimeoutError"):
            queue.receive()


def test_queue_that_is_not_there_is_told(simulator, open_queue):
    """An account that Aliyun keeps no such queue for gets Aliyun's word for it."""
    simulator.set(queue_account=None)
    with pytest.raises(QueueFailed, match=r"isv\.INVALID_PARAMETERS"):
        open_queue().receive()


def test_pushed_receipts_have_no_queue(simulator, sender):
    """An element that says nothing of queues has none."""
    assert list(sender(simulator.url).receipt_queues()) == []

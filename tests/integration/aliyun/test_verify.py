"""The verification product: its own SDK against the simulator."""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from smsjobs.contract import AliyunRejected, InvalidArguments, check_message
from smsjobs_worker.aliyun import queues
from smsjobs_worker.aliyun.verify import AliyunVerify, read_verify_account
from smsjobs_worker.provider import AnswerLost, LookupFailed, NotSent
from support.polling import until

PHONE, CODE = "13800138000", "384915"
ACCOUNT = "1000000000000001"


@pytest.fixture
def codes(transport):
    """Makes a sender of codes."""

    def make(url, **settings):
        given = {
            "accessKey": "example-key",
            "accessSecret": "example-secret",
            "verifySign": "速通互联验证码",
            "endpoint": url,
            "readTimeoutMs": 1000,
            "transport": transport,
        }
        account, faults = read_verify_account(given | settings)
        assert account is not None, faults
        return AliyunVerify(account)

    return make


@pytest.fixture
def message():
    return check_message([PHONE], {"code": CODE, "min": "5"}, "100001")


def now():
    moment = datetime.now(UTC)
    return {"since": moment, "until": moment}


def test_on_the_wire(machine, codes, message):
    """The code travels as our own value; Aliyun neither counts a minute nor sends again by itself, and its copy of the code goes nowhere."""
    body = {"Code": "OK", "Message": "OK", "Model": {"BizId": "1^0", "VerifyCode": CODE, "RequestId": "R-1"}}
    machine.say(body)
    answer = codes(machine.url, schemeName=" 登录 ").send(message, out_id="job-1")
    assert answer == {"Code": "OK", "Message": "OK", "BizId": "1^0", "RequestId": "R-1"}
    query = {name: value[0] for name, value in parse_qs(urlsplit(machine.paths[0]).query).items()}
    assert json.loads(query.pop("TemplateParam")) == {"code": CODE, "min": "5"}
    assert query == {
        "PhoneNumber": PHONE,
        "SignName": "速通互联验证码",
        "TemplateCode": "100001",
        "OutId": "job-1",
        "SchemeName": "登录",
        "Interval": "1",
        "AutoRetry": "0",
    }


def test_sent_and_found(simulator, codes, message):
    """A code is accepted once, found by its OutId in the product's own record, and its delivery is told there."""
    sender = codes(simulator.verify_url)
    sender.send(message, out_id="job-1")
    [accepted] = simulator.accepted(out_id="job-1")
    assert (accepted["action"], accepted["params"]["code"]) == ("SendSmsVerifyCode", CODE)
    assert sender.find(PHONE, **now(), out_id="job-1")
    assert not sender.find(PHONE, **now(), out_id="job-2")
    assert sender.delivery(PHONE, **now(), out_id="job-1") is None
    simulator.advance_clock(3)
    assert sender.delivery(PHONE, **now(), out_id="job-1").success


@pytest.mark.parametrize(
    ("kind", "rule", "outcome", "accepted"),
    [
        ("hang_after", {}, AnswerLost, 1),
        ("reset_before", {}, AnswerLost, 0),
        ("http_503_after", {}, AnswerLost, 1),
        ("non_json_before", {}, AnswerLost, 0),
        ("throttling", {}, NotSent, 0),
        ("code", {"code": "biz.NEW_CODE", "accept": True}, AnswerLost, 1),
        ("code", {"code": "isv.OUT_OF_SERVICE"}, AliyunRejected, 0),
    ],
)
def test_faults(simulator, codes, message, kind, rule, outcome, accepted):
    """Each failure is what it surely is, with the mapping of all senders."""
    simulator.fault(kind, **rule)
    with pytest.raises(outcome):
        codes(simulator.verify_url).send(message, out_id="job-1")
    assert simulator.accepted_count("job-1") == accepted


def test_too_soon_hints_that_the_first_was_accepted(simulator, codes, message):
    """The refusal of a second code within the interval tells that the first, whose answer was lost, may have been accepted."""
    simulator.set(flow_control=True)
    simulator.fault("reset_after")
    sender = codes(simulator.verify_url)
    with pytest.raises(AnswerLost):
        sender.send(message, out_id="job-1")
    with pytest.raises(AliyunRejected) as caught:
        sender.send(message, out_id="job-1")
    assert (caught.value.aliyun_code, caught.value.reason) == ("biz.FREQUENCY", "flow_control")
    assert sender.hints_accepted(caught.value)


@pytest.mark.parametrize("page", ["text", [1], {"rows": []}])
def test_record_that_cannot_be_read(machine, codes, page):
    """A record of an unknown shape proves nothing."""
    machine.say({"Code": "OK", "TotalCount": 1, "Model": page})
    with pytest.raises(LookupFailed):
        codes(machine.url).find(PHONE, **now(), out_id="job-1")


@pytest.mark.parametrize("phones", [[PHONE, "13800138001"], ["+852 6123 4567"]])
def test_numbers(simulator, codes, phones):
    """Several numbers, and numbers from abroad, are refused before any request."""
    with pytest.raises(InvalidArguments):
        codes(simulator.verify_url).send(check_message(phones, {"code": CODE}, "100001"), out_id="job-1")
    assert simulator.request_counts() == {}


def test_receipts_by_queue(simulator, codes, message, monkeypatch):
    """Receipts of codes come by the product's own queue."""
    monkeypatch.setattr(queues, "_WAIT_S", 0)
    simulator.set(queue_account=ACCOUNT, delivery_delay_s=0)
    at = {"tokenEndpoint": simulator.url, "queueEndpoint": simulator.url}
    sender = codes(simulator.verify_url, receipts="queue", accountId=ACCOUNT, **at)
    sender.send(message, out_id="job-1")
    [queue] = sender.receipt_queues()
    assert queue.name == f"Alicom-Queue-{ACCOUNT}-DypnsSmsVerifyReport"
    until(lambda: simulator.queues().get(queue.name, {}).get("put"), "the receipt is in the queue")
    [report] = queue.receive()
    assert json.loads(report.body)["out_id"] == "job-1"
    queue.close()

"""Single requests: the unmodified SDK over HTTP."""

import json
import logging
import socket
import ssl
import threading
import traceback
from urllib.parse import parse_qs, urlsplit

import pytest

from smsjobs.contract import AliyunRejected, InvalidArguments, RequestFailed, check_message
from smsjobs_worker.aliyun import Throttled
from smsjobs_worker.provider import AnswerLost, AttemptFailed, NotSent
from smsjobs_worker.retry import RetryPolicy
from support.polling import in_time
from support.ports import free_port

PHONE, CODE = "13800138000", "384915"
ONCE = RetryPolicy(attempts=1)


def test_accepted(simulator, sender, message):
    """A message is accepted with number, signature, template, parameters and OutId as they were given."""
    body = sender(simulator.url).send(message, out_id="job-1")
    assert set(body) == {"Code", "Message", "BizId", "RequestId"}
    assert body["Code"] == "OK"
    [accepted] = simulator.accepted(out_id="job-1")
    assert accepted["phones"] == [PHONE]
    assert accepted["template_code"] == "SMS_123456789"
    assert accepted["sign_name"] == "示例签名"
    assert accepted["params"] == {"code": CODE}


def test_on_the_wire(machine, sender):
    """The parameters travel as JSON whose values are text, and are left out where there are none."""
    one = sender(machine.url)
    one.send(check_message([PHONE, "13800138001"], {"a": '"x"\n中', "b": ""}, "SMS_1"), out_id="job-1")
    one.send(check_message([PHONE], {}, "SMS_1"), out_id="job-2")
    first, second = (parse_qs(urlsplit(path).query, keep_blank_values=True) for path in machine.paths)
    assert first["PhoneNumbers"] == [f"{PHONE},13800138001"]
    assert json.loads(first["TemplateParam"][0]) == {"a": '"x"\n中', "b": ""}
    assert second["OutId"] == ["job-2"]
    assert "TemplateParam" not in second


FAULTS = [
    # kind, what the rule takes, what it is here, how often the simulator accepted
    ("hang_before", {}, AnswerLost, 0),
    ("hang_after", {}, AnswerLost, 1),
    ("reset_before", {}, AnswerLost, 0),
    ("reset_after", {}, AnswerLost, 1),
    ("close_before", {}, AnswerLost, 0),
    ("close_after", {}, AnswerLost, 1),
    ("http_500_before", {}, AnswerLost, 0),
    ("http_500_after", {}, AnswerLost, 1),
    ("http_502_before", {}, AnswerLost, 0),
    ("http_502_after", {}, AnswerLost, 1),
    ("http_503_before", {}, AnswerLost, 0),
    ("http_503_after", {}, AnswerLost, 1),
    ("non_json_before", {}, AnswerLost, 0),
    ("non_json_after", {}, AnswerLost, 1),
    ("truncated_after", {}, AnswerLost, 1),
    ("code", {"code": "isp.SYSTEM_ERROR", "accept": True}, AnswerLost, 1),
    ("code", {"code": "isv.OUT_OF_SERVICE"}, AliyunRejected, 0),
    ("code", {"code": "isv.NEW_CODE"}, AliyunRejected, 0),
    ("throttling", {}, Throttled, 0),
    ("throttling", {"retry_after_ms": 1700}, Throttled, 0),
]


@pytest.mark.parametrize(("kind", "rule", "outcome", "accepted"), FAULTS)
def test_faults(simulator, sender, message, kind, rule, outcome, accepted):
    """Each fault ends as what it surely is, after exactly one request, and nothing not sent was ever accepted."""
    one = sender(simulator.url)
    simulator.fault(kind, times=None, **rule)
    with pytest.raises(Exception) as caught:
        one.send(message, out_id="job-1")
    assert type(caught.value) is outcome
    assert len(simulator.requests(out_id="job-1")) == 1
    assert len(simulator.accepted(out_id="job-1")) == accepted
    if outcome is Throttled:
        assert caught.value.retry_after == max(1.0, rule.get("retry_after_ms", 0) / 1000)
    simulator.clear_faults()


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b"", AnswerLost),
        (200, b"<html>", AnswerLost),
        (200, b"[]", AnswerLost),
        (200, b'"text"', AnswerLost),
        (200, b"null", AnswerLost),
        (200, b'{"Code": null}', AnswerLost),
        (200, b'{"Code": ["OK"]}', AnswerLost),
        (200, b"\xff\xfe", AnswerLost),
        (404, b"<html>", AnswerLost),
        (404, b"{}", AnswerLost),
        (400, b"[]", AnswerLost),
        (307, b"", AnswerLost),
        (400, b'{"Code": "isv.BUSINESS_LIMIT_CONTROL", "RequestId": "R-1"}', AliyunRejected),
        (500, b'{"Code": "isv.BUSINESS_LIMIT_CONTROL", "RequestId": "R-1"}', AliyunRejected),
        (503, b'{"Code": "Throttling.User", "RequestId": "R-1"}', Throttled),
        (200, b'{"Code": "Throttling.User", "RequestId": "R-1"}', Throttled),
    ],
)
def test_answers(machine, sender, message, status, body, outcome):
    """Any answer ends as what its code says, or as an answer lost, after exactly one request."""
    machine.say(body, status, Content_Type="application/json", Location=f"{machine.url}/elsewhere")
    with pytest.raises(Exception) as caught:
        sender(machine.url).send(message, out_id="job-1")
    assert type(caught.value) is outcome
    assert len(machine.paths) == 1


def test_refused(sender, message):
    """A refused connection is surely not sent."""
    with pytest.raises(NotSent) as caught:
        sender(f"http://127.0.0.1:{free_port()}").send(message, out_id="job-1")
    assert caught.value.reason == "connect_failed"


def test_no_such_name(sender, message):
    """A name that does not resolve is surely not sent."""
    with pytest.raises(NotSent) as caught:
        sender("http://nowhere.invalid").send(message, out_id="job-1")
    assert caught.value.reason == "connect_failed"


@pytest.mark.parametrize(
    ("settings", "more"),
    [({"connectTimeoutMs": 300}, {}), ({}, {"connect_within_s": 0.3})],
    ids=["the account's time-out", "the job's life"],
)
def test_connect_timeout(sender, message, settings, more):
    """A connection that is not opened in time is surely not sent, and no longer waited for."""
    # The account's own time-out would be 5 s.
    with in_time(2), socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]  # they fill the backlog, and nobody accepts
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        try:
            with pytest.raises(NotSent) as caught:
                sender(f"http://127.0.0.1:{port}", **settings).send(message, out_id="job-1", **more)
        finally:
            for each in waiting:
                each.close()
    assert caught.value.detail == "Aliyun did not open a connection in time"


@pytest.fixture
def tls_server(certificate):
    """A server with a certificate that nobody vouches for; it tells what it was sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    received = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            try:
                connection, _ = server.accept()
                with connection, context.wrap_socket(connection, server_side=True) as secure:
                    received.append(secure.recv(1000))
            except OSError:
                pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://localhost:{server.getsockname()[1]}", received
        thread.join(5)


def test_certificate(tls_server, sender, message):
    """A certificate that is not accepted is surely not sent, and the server has seen nothing of the request."""
    url, received = tls_server
    with pytest.raises(NotSent) as caught:
        sender(url).send(message, out_id="job-1")
    assert "certificate" in caught.value.detail
    assert received in ([], [b""])


def test_no_tls(machine, sender, message, transport):
    """A handshake that fails for another reason than the certificate is not sent, where the transport can tell."""
    with pytest.raises(NotSent if transport == "lean" else AnswerLost):
        sender(machine.url.replace("http://", "https://")).send(message, out_id="job-1")


def test_proxy_unreachable(machine, sender, message, monkeypatch):
    """A proxy that cannot be reached is surely not sent, and NO_PROXY takes an endpoint out of its way."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(NotSent):
        sender(machine.url).send(message, out_id="job-1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert sender(machine.url).send(message, out_id="job-2")["Code"] == "OK"


@pytest.mark.parametrize(
    "fault",
    ["refuse", "hang_before", "reset_after", "http_502_after", "non_json_after", "truncated_after", "code"],
)
def test_nothing_leaks(simulator, sender, fault, caplog, capfd, monkeypatch):
    """No exception with its whole traceback and chain, and no log at its loudest, has a number, a code or a secret."""
    monkeypatch.setenv("DEBUG", "sdk")
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "urllib3.connectionpool", "darabonba-core", "requests"):
        caplog.set_level(logging.DEBUG, name)
    one = sender(simulator.url, policy=ONCE)
    one.sendMessage(phoneList=["13800138009"], params={"code": "384000"}, verifyTemplateCode="SMS_1")
    if fault == "refuse":
        simulator.refuse()
    elif fault == "code":
        simulator.fault("code", code="isv.OUT_OF_SERVICE", message=f"{PHONE} and {CODE}")
    else:
        simulator.fault(fault)
    with pytest.raises(Exception) as caught:
        one.sendMessage(phoneList=[PHONE], params={"code": CODE}, verifyTemplateCode="SMS_1")
    simulator.listen()
    out, err = capfd.readouterr()
    error = caught.value
    told = "".join(traceback.format_exception_only(error)) + repr(error.args) + repr(error.__context__)
    told += out + err + "".join(record.getMessage() for record in caplog.records)
    assert error.__cause__ is None
    for secret in (PHONE, CODE, "13800138009", "384000", "example-secret", "example-key"):
        assert secret not in told


def test_direct_send(simulator, sender):
    """SendMessage returns Aliyun's body, for native arguments and for wrappers, and checks them first."""
    one = sender(simulator.url)
    body = one.sendMessage(phoneList=[PHONE], params={"code": CODE}, verifyTemplateCode="SMS_1")
    assert body["Code"] == "OK"
    assert body["BizId"]

    class Value:
        def __init__(self, value):
            self.value = value

    wrapped = Value([Value(PHONE)])
    assert one.sendMessage(
        wrapped, Value({"code": Value(CODE)}), None, Value({"verifyTemplateCode": "SMS_1"})
    )
    for wrong in ({"phoneList": []}, {"phoneList": PHONE}, {"params": None}, {"verifyTemplateCode": ""}):
        with pytest.raises(InvalidArguments):
            one.sendMessage(**{"phoneList": [PHONE], "params": {}, "verifyTemplateCode": "SMS_1"} | wrong)
    with pytest.raises(InvalidArguments, match="idempotency_key"):
        one.sendMessage([PHONE], {}, "SMS_1", idempotency_key="k")
    assert len(simulator.accepted()) == 2


FAST = RetryPolicy(attempts=3, first_wait_s=0.01)


def test_direct_errors(simulator, sender):
    """SendMessage raises the error of its outcome, with the attempts that were made and the OutId."""
    call = {"phoneList": [PHONE], "params": {"code": CODE}, "verifyTemplateCode": "SMS_1"}
    one = sender(simulator.url, policy=FAST)

    simulator.fault("code", code="isv.AMOUNT_NOT_ENOUGH")
    with pytest.raises(AliyunRejected) as rejected:
        one.sendMessage(**call)
    error = rejected.value
    assert (error.attempts, error.reason, error.advice, error.outcome) == (
        1,
        "balance",
        "operator",
        "rejected",
    )
    assert type(error)(*error.args) == error

    simulator.fault("close_after")
    with pytest.raises(RequestFailed) as lost:
        one.sendMessage(**call)
    assert (lost.value.reason, lost.value.outcome, lost.value.attempts) == ("no_answer", "unknown", 1)
    assert simulator.accepted_count(lost.value.out_id) == 1

    simulator.refuse()
    with pytest.raises(RequestFailed) as not_sent:
        one.sendMessage(**call)
    simulator.listen()
    assert (not_sent.value.reason, not_sent.value.outcome, not_sent.value.attempts) == (
        "connect_failed",
        "not_sent",
        3,
    )


def test_direct_throttling(machine, sender):
    """Throttling is tried again, and one that lasts is a refusal that says when to come back."""
    throttled = {"Code": "Throttling.User", "Message": "slow", "RequestId": "R-1"}
    one = sender(machine.url)
    machine.say(throttled, 400)
    assert one.sendMessage([PHONE], {}, "SMS_1")["Code"] == "OK"
    assert len(machine.paths) == 2
    machine.say(throttled, 400, x_acs_retry_after="60000")
    with pytest.raises(AliyunRejected) as caught:
        one.sendMessage([PHONE], {}, "SMS_1")
    error = caught.value
    assert (error.aliyun_code, error.advice, error.retry_after, error.attempts) == (
        "Throttling.User",
        "later",
        60.0,
        1,
    )


def test_retries_keep_the_out_id_and_sign_anew(machine, sender):
    """A retry is the same message with the same OutId."""
    machine.say({"Code": "Throttling", "RequestId": "R-1"}, 400)
    sender(machine.url).sendMessage([PHONE], {}, "SMS_1")
    first, second = (parse_qs(urlsplit(path).query) for path in machine.paths)
    assert first == second


def test_attempt_failures_are_texts_only(simulator, sender, message):
    """A failed attempt carries a word and a sentence, and no other object."""
    simulator.fault("close_before")
    with pytest.raises(AttemptFailed) as caught:
        sender(simulator.url).send(message, out_id="job-1")
    assert all(isinstance(each, str) for each in caught.value.args)
    assert caught.value.__context__ is None

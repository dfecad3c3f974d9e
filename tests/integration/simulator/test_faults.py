"""Every kind of fault, as the SDK sees it and as the record has it."""

import asyncio
import logging
import socket
import threading
import time

import pytest
import requests
from alibabacloud_tea_openapi.exceptions import ClientException, ServerException, ThrottlingException
from darabonba.exceptions import RetryError, UnretryableException

from aliyun_sms_simulator import SimulatorError
from aliyun_sms_simulator.fault import KINDS

from .conftest import READ_TIMEOUT_MS


def _cause(error):
    """Return the transport's exception inside the SDK's, as the reference's table has it."""
    inner = error.inner_exception
    return inner.__context__ if isinstance(inner, RetryError) else inner


# kind, what the SDK raises, what is inside it, how many are accepted
LOST = [
    ("hang_before", UnretryableException, requests.ReadTimeout, 0),
    ("hang_after", UnretryableException, requests.ReadTimeout, 1),
    ("reset_before", UnretryableException, requests.ConnectionError, 0),
    ("reset_after", UnretryableException, requests.ConnectionError, 1),
    ("close_before", UnretryableException, requests.ConnectionError, 0),
    ("close_after", UnretryableException, requests.ConnectionError, 1),
    ("http_500_before", ServerException, None, 0),
    ("http_500_after", ServerException, None, 1),
    ("http_502_before", UnretryableException, RuntimeError, 0),
    ("http_502_after", UnretryableException, RuntimeError, 1),
    ("http_503_before", ServerException, None, 0),
    ("http_503_after", ServerException, None, 1),
    ("non_json_before", UnretryableException, RuntimeError, 0),
    ("non_json_after", UnretryableException, RuntimeError, 1),
    ("truncated_after", UnretryableException, requests.exceptions.ChunkedEncodingError, 1),
]
#: proved by a test of its own below
OTHERS = {"latency", "late_accept", "throttling", "code", "lookup_lag", "receipt", "empty_page"}


def test_no_kind_is_left_out():
    """Every kind of fault has a test in this file."""
    assert {row[0] for row in LOST} | OTHERS == KINDS.keys()


@pytest.mark.parametrize(("kind", "error", "inside", "accepted"), LOST, ids=[row[0] for row in LOST])
def test_answer_lost(simulator, sdk, kind, error, inside, accepted):
    """Before leaves nothing accepted, after leaves one, and the SDK raises what the reference says."""
    simulator.fault(kind)
    with pytest.raises(error) as caught:
        sdk.send()
    if inside:
        assert isinstance(_cause(caught.value), inside)
    assert simulator.accepted_count("out-1") == accepted
    (received,) = simulator.requests()
    assert (received["fault"], received["accepted"]) == (kind, bool(accepted))
    assert sdk.send(out_id="out-2").code == "OK"


@pytest.mark.parametrize("kind", [row[0] for row in LOST])
def test_answer_lost_async(simulator, sdk, kind):
    """The SDK's asynchronous call loses its answer too."""
    simulator.fault(kind)
    with pytest.raises((UnretryableException, ServerException)):
        asyncio.run(sdk.client.send_sms_async(sdk.request()))


def test_reset_is_a_reset(simulator, sdk):
    """A reset connection is reset, not merely closed."""
    simulator.fault("reset_after")
    with pytest.raises(UnretryableException) as caught:
        sdk.send()
    assert "ConnectionResetError" in repr(_cause(caught.value))
    simulator.fault("close_after")
    with pytest.raises(UnretryableException) as caught:
        sdk.send()
    assert "RemoteDisconnected" in repr(_cause(caught.value))


def test_throttling(simulator, sdk):
    """Throttling is the SDK's ThrottlingException only with the header x-acs-retry-after."""
    simulator.fault("throttling", retry_after_ms=1500)
    with pytest.raises(ThrottlingException) as caught:
        sdk.send()
    assert (caught.value.code, caught.value.retry_after) == ("Throttling.User", 1500)
    simulator.fault("throttling", code="Throttling.Api")
    with pytest.raises(ClientException) as caught:
        sdk.send()
    assert caught.value.code == "Throttling.Api"
    assert simulator.accepted() == []


def test_code(simulator, sdk):
    """Any code can be ordered, with a message, and with the message accepted all the same."""
    simulator.fault("code", code="isv.AMOUNT_NOT_ENOUGH", message="没钱")
    body = sdk.send()
    assert (body.code, body.message, body.biz_id) == ("isv.AMOUNT_NOT_ENOUGH", "没钱", None)
    simulator.fault("code", code="isp.SYSTEM_ERROR", accept=True)
    assert sdk.send(out_id="out-2").code == "isp.SYSTEM_ERROR"
    assert (simulator.accepted_count("out-1"), simulator.accepted_count("out-2")) == (0, 1)
    simulator.fault("code", code="Forbidden.RAM")
    with pytest.raises(ClientException) as caught:
        sdk.send()
    assert caught.value.status_code == 403


def test_latency(simulator, sdk):
    """A slow answer comes late but comes, and the request is accepted at once."""
    simulator.set_latency(100)
    start_s = time.monotonic()
    assert sdk.send().code == "OK"
    assert time.monotonic() - start_s >= 0.1
    simulator.set_latency(0)
    simulator.fault("latency", seconds=5)
    with pytest.raises(UnretryableException):
        sdk.send(out_id="out-2")
    assert simulator.accepted_count("out-2") == 1


def test_late_accept(simulator, sdk):
    """A request can be accepted after its caller has given up."""
    simulator.fault("late_accept", seconds=READ_TIMEOUT_MS / 1_000 + 0.3)
    with pytest.raises(UnretryableException):
        sdk.send()
    assert simulator.accepted_count("out-1") == 0
    _until(lambda: simulator.accepted_count("out-1") == 1)


def test_lookup_lag(simulator, sdk):
    """An accepted request can be hidden from the look-up for some time, or for ever."""
    simulator.fault("lookup_lag", seconds=1.5)
    simulator.fault("lookup_lag")
    sdk.send("13800138000")
    sdk.send("13800138001")
    assert sdk.query("13800138000").total_count == "0"
    simulator.advance_clock(1.5)
    assert sdk.query("13800138000").total_count == "1"
    assert sdk.query("13800138001").total_count == "0"
    assert simulator.accepted_count("out-1") == 2


def test_receipt(simulator, sdk):
    """An accepted message can fail at the carrier, or never be reported."""
    simulator.set(delivery_delay_s=0)
    simulator.fault("receipt", code="MOBILE_NOT_ON_SERVICE")
    simulator.fault("receipt")
    sdk.send("13800138000")
    sdk.send("13800138001")
    failed = sdk.query("13800138000").sms_send_detail_dtos.sms_send_detail_dto[0]
    silent = sdk.query("13800138001").sms_send_detail_dtos.sms_send_detail_dto[0]
    assert (failed.send_status, failed.err_code) == (2, "MOBILE_NOT_ON_SERVICE")
    assert (silent.send_status, silent.err_code) == (1, "")


def test_empty_page(simulator, sdk):
    """A look-up can give a total and no list."""
    sdk.send()
    simulator.fault("empty_page")
    found = sdk.query()
    assert (found.total_count, found.sms_send_detail_dtos.sms_send_detail_dto) == ("1", [])
    assert len(sdk.query().sms_send_detail_dtos.sms_send_detail_dto) == 1


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("throttling", ClientException),
        ("http_500_before", ServerException),
        ("hang_before", UnretryableException),
    ],
)
def test_lookup_down(simulator, sdk, kind, error):
    """A look-up can fail while sending works."""
    simulator.fault(kind, action="QuerySendDetails")
    assert sdk.send().code == "OK"
    with pytest.raises(error):
        sdk.query()
    assert sdk.query().total_count == "1"


def test_refuse(simulator, sdk):
    """Connections are refused, kept-alive ones included, while the control API answers; then it is back."""
    assert sdk.send().code == "OK"
    simulator.refuse()
    for _ in range(2):
        with pytest.raises(UnretryableException) as caught:
            sdk.send()
        cause = _cause(caught.value)
        assert isinstance(cause, requests.ConnectionError)
        assert "NewConnectionError" in repr(cause)
    assert simulator.about()["refusing"] is True
    simulator.listen()
    assert sdk.send().code == "OK"
    assert simulator.accepted_count("out-1") == 2


def test_refuse_for_a_while(simulator, sdk):
    """Refusing ends by itself after the seconds given."""
    simulator.fault("refuse", seconds=0.2)
    with pytest.raises(UnretryableException):
        sdk.send()
    _until(lambda: simulator.about()["refusing"] is False)
    assert sdk.send().code == "OK"


def test_request_in_flight_is_answered_while_refusing(simulator, sdk):
    """Refusing new connections does not cut a request that is being handled."""
    simulator.fault("latency", seconds=0.2)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(sdk.send().code))
    thread.start()
    _until(lambda: simulator.accepted_count("out-1") == 1)
    simulator.refuse()
    thread.join()
    assert answers == ["OK"]


def test_clearing_lets_hanging_requests_go(simulator, sdk):
    """Clearing the faults closes the connections of requests that hang."""
    simulator.fault("hang_after", times=None)
    errors = []

    def send():
        try:
            sdk.send()
        except UnretryableException as error:
            errors.append(_cause(error))

    sdk.client._read_timeout = 20_000
    thread = threading.Thread(target=send)
    thread.start()
    _until(lambda: simulator.accepted_count("out-1") == 1)
    simulator.clear_faults()
    thread.join(5)
    assert not thread.is_alive()
    assert isinstance(errors[0], requests.ConnectionError)
    assert simulator.faults() == []


@pytest.mark.parametrize(
    ("phone", "accepted", "check"),
    [
        ("15400000004", 1, lambda sdk: sdk.send("15400000004").code == "isp.SYSTEM_ERROR"),
        (
            "15400000060",
            1,
            lambda sdk: (sdk.send("15400000060"), sdk.query("15400000060"))[1].total_count == "0",
        ),
        ("15400000101", 0, lambda sdk: sdk.send("15400000101").code == "isp.SYSTEM_ERROR"),
    ],
)
def test_magic_numbers(simulator, sdk, phone, accepted, check):
    """A magic number meets its fault every time."""
    assert check(sdk)
    assert check(sdk)
    assert len(simulator.accepted(phone=phone)) == 2 * accepted


@pytest.mark.parametrize(
    "junk",
    [
        b"GET /?PhoneNumbers=13800138000 HTTP/9.x\r\n\r\n",
        b"GET /?PhoneNumbers=13800138000 HTTP/1.1\r\nbad header 13800138000\r\n\r\n",
        b"POST /?PhoneNumbers=13800138000 HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nab",
    ],
)
def test_malformed_requests_leave_no_number_in_the_log(simulator, sdk, caplog, junk):
    """What is no proper HTTP is survived, and no number of it is logged."""
    with caplog.at_level(logging.DEBUG):
        with socket.create_connection(("127.0.0.1", int(simulator.url.rsplit(":", 1)[1]))) as connection:
            connection.sendall(junk)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(2)
            while connection.recv(1_000):
                pass
        assert sdk.send("13800138001").code == "OK"
    logged = [
        record.getMessage() + str(record.exc_text)
        for record in caplog.records
        if "urllib3" not in record.name
    ]
    assert "13800138000" not in "".join(logged) + "".join(str(record.exc_info) for record in caplog.records)


def test_wrong_orders_are_named(simulator):
    """A wrong fault, setting or clock is refused with the name of what is wrong."""
    for order, named in (
        (lambda: simulator.fault("nonsense"), "kind"),
        (lambda: simulator.set(nonsense=1), "nonsense"),
        (lambda: simulator.set_clock("soon"), "soon"),
        (lambda: simulator.refuse(-1), "seconds"),
        (lambda: simulator._call("GET", "/nonsense"), "404"),
    ):
        with pytest.raises(SimulatorError, match=named):
            order()


def _until(true, seconds=5.0):
    end_s = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end_s, "it did not come true"
        time.sleep(0.01)

"""Receipts and replies, pushed by the simulator to an HTTP server of the test's own."""

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

WAIT_S = 5.0


class Callback(ThreadingHTTPServer):
    """Keeps what is pushed to it, and answers what it is told to."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.items = []
        self.status, self.answer = 200, {"code": 0, "msg": "ok"}
        self.url = f"http://127.0.0.1:{self.server_port}/receipts"

    def wait_for(self, count):
        """Wait until so many items were pushed, and give them."""
        return _wait(lambda: len(self.items) >= count and self.items)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.items += json.loads(body)
        answer = json.dumps(self.server.answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Print nothing."""


def _wait(look):
    end_s = time.monotonic() + WAIT_S
    while not (seen := look()):
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.01)
    return seen


@pytest.fixture
def callback(simulator):
    """A server to which the simulator pushes, without delay."""
    with Callback() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        simulator.set(callback_url=server.url, delivery_delay_s=0)
        yield server
        server.shutdown()
        thread.join()


def test_receipt_is_pushed_and_acknowledged(simulator, sdk, callback):
    """An accepted message is reported with its OutId and BizId, once, and the acknowledgement is counted."""
    body = sdk.send(out_id="out-7")
    (report,) = callback.wait_for(1)
    assert (report["out_id"], report["biz_id"], report["err_code"]) == ("out-7", body.biz_id, "DELIVERED")
    assert _wait(lambda: simulator.pushes()["acknowledged"]) == 1
    assert simulator.pushes() == {
        "waiting": 0, "pushes": 1, "acknowledged": 1, "repeated": 0, "dropped": 0, "lost": 0,
    }  # fmt: skip
    assert [each["err_code"] for each in simulator.receipts(out_id="out-7")] == ["DELIVERED"]


@pytest.mark.parametrize(
    ("status", "answer"), [(503, {"code": 0}), (200, {"code": "0"}), (200, ["code"])], ids=["503", "text", "no object"]
)  # fmt: skip
def test_a_wrong_answer_is_no_acknowledgement(simulator, sdk, callback, status, answer):
    """Aliyun wants status 200 and a number as code; else the push comes again, until that is answered."""
    callback.status, callback.answer = status, answer
    simulator.set(callback_again_s=0.05)
    sdk.send()
    _wait(lambda: simulator.pushes()["repeated"])
    callback.status, callback.answer = 200, {"code": 1}
    _wait(lambda: simulator.pushes()["acknowledged"])
    assert len(callback.items) >= 2
    assert all(each == callback.items[0] for each in callback.items)


def test_nobody_listens(simulator, sdk, callback):
    """A refused connection loses nothing but the push, which is dropped after its repetitions; messages are accepted."""
    simulator.set(callback_url="http://127.0.0.1:9/", callback_again_s=0.01)
    assert sdk.send().code == "OK"
    assert _wait(lambda: simulator.pushes()["dropped"]) == 1
    assert callback.items == []


def test_magic_numbers_are_reported_each_by_its_own_code(sdk, callback):
    """In a request of several numbers, each magic number has its own report, and the others are delivered."""
    sdk.send("15400000081", "13800138000", "15400000082", "15400000085")
    codes = sorted((each["phone_number"], each["err_code"]) for each in callback.wait_for(5))
    assert codes == [
        ("13800138000", "DELIVERED"),
        ("15400000081", "MOBILE_NOT_ON_SERVICE"),
        ("15400000082", "MOBILE_IN_BLACK"),
        ("15400000085", "DELIVERED"),
        ("15400000085", "DELIVERED"),
    ]


def test_a_rule_orders_the_report_of_one_send(simulator, sdk, callback):
    """A rule's code, and the lost push of another one, hold for the next send each; the look-up knows both."""
    simulator.fault("receipt", code="CONTENT_KEYWORD")
    sdk.send("13800138001")
    assert callback.wait_for(1)[0]["err_code"] == "CONTENT_KEYWORD"
    simulator.fault("receipt", code="MOBILE_IN_BLACK", copies=0)
    sdk.send("13800138002")
    assert simulator.pushes()["lost"] == 1
    detail = sdk.query("13800138002").sms_send_detail_dtos.sms_send_detail_dto[0]
    assert (detail.send_status, detail.err_code) == (2, "MOBILE_IN_BLACK")


def test_replies_and_anything_else(simulator, callback):
    """A reply comes as SmsUp, with its text; anything else comes as it was given."""
    simulator.reply("13800138000", "退订")
    simulator.push(template_code="SMS_1", template_status="approved")
    reply, template = callback.wait_for(2)
    assert (reply["phone_number"], reply["content"]) == ("13800138000", "退订")
    assert reply.keys() == {"phone_number", "content", "send_time", "dest_code", "sequence_id"}
    assert template == {"template_code": "SMS_1", "template_status": "approved"}

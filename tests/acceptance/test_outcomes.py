"""Every kind of outcome, from a web application's process through a worker's and back, by both ways to ask."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis

from support.stage import TEMPLATE, Stage, new_phone
from support.worker import WorkerProcess

pytestmark = pytest.mark.smoke

Order = Callable[..., dict[str, Any]]


def message(element: str = "SMS.Example", phone: str | None = None, **more: Any) -> dict[str, Any]:
    """A good order, unless told otherwise."""
    return {
        "element": element,
        "phoneList": [phone or new_phone()],
        "params": {"code": "123456"},
        "verifyTemplateCode": TEMPLATE,
        **more,
    }


def same(told: dict[str, Any]) -> dict[str, Any]:
    """The error that both ways tell."""
    assert told["get"] == told["async_result"]
    assert told["state"] == "FAILURE"
    assert told["status"] == told["get"]["outcome"]
    return told["get"]


def test_an_accepted_message_comes_back_with_aliyuns_answer(
    stage: Stage, worker: WorkerProcess, order: Order
) -> None:
    """What Aliyun accepted arrives as a SendResult, and in AsyncResult as the same JSON."""
    told = order(**message())
    assert told["get"]["class"] == "SendResult"
    assert told["get"]["out_id"] == told["id"]
    (accepted,) = stage.simulator.accepted(out_id=told["id"])
    assert told["get"]["biz_id"] == accepted["biz_id"]
    assert told["get"]["request_id"]
    assert told["get"]["response"]["Code"] == "OK"
    assert (told["get"]["attempts"], told["get"]["resolved_by"]) == (1, "response")
    assert (told["state"], told["status"]) == ("SUCCESS", "accepted")
    assert told["async_result"] == {
        **{key: value for key, value in told["get"].items() if key != "class"},
        "class": "dict",
        "v": 1,
        "outcome": "accepted",
    }


def of_jobs(client: redis.Redis) -> list[str]:
    """All keys, but for what workers note by themselves now and then: elements, signatures and the counts of a day."""
    by_themselves = ("sms:day:", "sms:elements")
    return sorted(
        name
        for name in client.scan_iter("sms:*")
        if not name.startswith(by_themselves) and not name.endswith(":templates:sends")
    )


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"phoneList": []}, "phoneList"),
        ({"phoneList": None}, "phoneList"),
        ({"phoneList": "13800138000"}, "phoneList"),
        ({"phoneList": ["13800138000", "no number"]}, "phoneList[1]"),
        ({"phoneList": ["13800138000"] * 1001}, "phoneList"),
        ({"params": None}, "params"),
        ({"params": {"code": 123456}}, "params['code']"),
        ({"verifyTemplateCode": ""}, "verifyTemplateCode"),
        ({"lane": "express"}, "lane"),
        ({"expires": 0}, "expires"),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else value,
)
def test_bad_arguments_are_refused_before_anything_is_enqueued(
    stage: Stage, order: Order, change: dict[str, Any], name: str
) -> None:
    """A bad argument raises 46001 in the producer, named and not quoted, and leaves nothing behind in Redis."""
    with stage.client() as client:
        before = of_jobs(client)
        told = order(**message(**change))["raised"]
        assert (told["class"], told["code"], told["reason"]) == (
            "InvalidArguments",
            46001,
            "invalid_argument",
        )
        assert name in told["text"]
        assert told["argument"] == next(iter(change))
        assert "13800138000" not in told["text"]
        assert "123456" not in told["text"]
        assert of_jobs(client) == before


def test_an_element_that_does_not_exist_is_46001(stage: Stage, worker: WorkerProcess, order: Order) -> None:
    """An element that no worker has arrives as InvalidArguments with its reason, and nothing was sent."""
    told = order(**message(element="SMS.Nowhere"))
    error = same(told)
    assert (error["class"], error["code"]) == ("InvalidArguments", 46001)
    assert (error["reason"], error["outcome"]) == ("element_not_found", "rejected")
    assert error["argument"] == "element"
    assert error["text"].startswith("46001 ")
    assert (error["out_id"], error["attempts"]) == (told["id"], 0)
    assert stage.simulator.accepted_count(told["id"]) == 0


def test_an_element_that_cannot_load_is_46001(stage: Stage, worker: WorkerProcess, order: Order) -> None:
    """An element added broken while the worker runs arrives as InvalidArguments that names file and key, no secret."""
    stage.write("Broken", verifySign="")
    error = same(order(**message(element="SMS.Broken")))
    assert (error["class"], error["code"], error["reason"]) == ("InvalidArguments", 46001, "element_invalid")
    assert "sms.json" in error["text"]
    assert "verifySign" in error["text"]
    assert "your_access_secret" not in error["text"]


def test_what_aliyun_rejects_is_46002(stage: Stage, worker: WorkerProcess, order: Order) -> None:
    """A refusal of Aliyun's arrives as AliyunRejected with Aliyun's code, message, request id and our advice."""
    phone = new_phone()
    stage.simulator.fault(
        "code", code="isv.BUSINESS_LIMIT_CONTROL", message="触发小时级流控Permits:5", phone=phone
    )
    told = order(**message(phone=phone))
    error = same(told)
    assert (error["class"], error["code"], error["outcome"]) == ("AliyunRejected", 46002, "rejected")
    assert error["aliyun_code"] == "isv.BUSINESS_LIMIT_CONTROL"
    assert error["aliyun_message"] == "触发小时级流控Permits:5"
    assert error["text"].startswith("46002 isv.BUSINESS_LIMIT_CONTROL: ")
    assert error["advice"] == "later"
    assert 0 < error["retry_after"] <= 3600
    assert error["request_id"]
    assert (error["out_id"], error["attempts"]) == (told["id"], 1)


def test_what_was_surely_not_sent_is_46003(stage: Stage, worker: WorkerProcess, order: Order) -> None:
    """An endpoint that refuses connections until the job expires arrives as RequestFailed, not sent."""
    stage.write("Away", endpoint="http://127.0.0.1:9")
    told = order(**message(element="SMS.Away", expires=2))
    error = same(told)
    assert (error["class"], error["code"], error["outcome"]) == ("RequestFailed", 46003, "not_sent")
    assert error["reason"] in ("connect_failed", "expired")
    assert error["attempts"] >= 1
    assert error["text"].startswith(f"46003 {error['reason']}: ")


def test_what_expired_before_it_was_sent_is_46003(stage: Stage, worker: WorkerProcess, order: Order) -> None:
    """A job that every worker found expired arrives as RequestFailed, expired, and was not sent."""
    stage.write("Busy", maxQps=0.05)
    first = order(**message(element="SMS.Busy"))
    assert first["status"] == "accepted"
    told = order(**message(element="SMS.Busy", expires=1))
    error = same(told)
    assert (error["class"], error["code"]) == ("RequestFailed", 46003)
    assert (error["outcome"], error["reason"], error["attempts"]) == ("not_sent", "expired", 0)
    assert stage.simulator.accepted_count(told["id"]) == 0


def test_what_nobody_can_know_is_46003(stage: Stage, worker: WorkerProcess, order: Order) -> None:
    """A lost answer that no look-up finds arrives as RequestFailed, unknown, and is not sent again."""
    phone = new_phone()
    stage.simulator.fault("reset_before", phone=phone, times=None)
    told = order(**message(phone=phone, lane="verification"))
    error = same(told)
    assert (error["class"], error["code"], error["outcome"]) == ("RequestFailed", 46003, "unknown")
    assert (error["reason"], error["attempts"]) == ("no_answer", 1)


def test_a_lost_answer_that_is_found_is_accepted(stage: Stage, worker: WorkerProcess, order: Order) -> None:
    """A message whose answer was lost and that the look-up finds arrives as accepted, resolved by look-up."""
    phone = new_phone()
    stage.simulator.fault("reset_after", phone=phone)
    told = order(**message(phone=phone, lane="verification"))
    assert (told["get"]["class"], told["get"]["resolved_by"]) == ("SendResult", "lookup")
    assert (told["state"], told["status"]) == ("SUCCESS", "accepted")
    assert stage.simulator.accepted_count(told["id"]) == 1


def test_the_same_key_gives_the_same_job_in_another_process(
    stage: Stage, worker: WorkerProcess, order: Order
) -> None:
    """One idempotency key leads to one job and one message, whichever process asks; another payload is refused."""
    phone = new_phone()
    job = stage.send("SMS.Example", phone, idempotency_key="order-1")
    told = order(**message(phone=phone, idempotency_key="order-1"))
    assert told["id"] == job.id
    assert stage.simulator.accepted_count(job.id) == 1
    refused = order(**message(phone=new_phone(), idempotency_key="order-1"))["raised"]
    assert (refused["class"], refused["code"]) == ("IdempotencyConflict", 46001)
    assert refused["out_id"] == job.id

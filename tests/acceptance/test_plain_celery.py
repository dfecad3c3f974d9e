"""A plain Celery client that knows nothing of smsjobs: `send_task("smsjobs.submit")`, and whatever else it may send."""

import json
import uuid
from typing import Any

import pytest
from celery.result import AsyncResult

from smsjobs import AliyunRejected, IdempotencyConflict, InvalidArguments, RequestFailed, SendResult
from support.polling import until
from support.stage import TEMPLATE, Stage, new_phone, outcome, plain_celery, word
from support.worker import WorkerProcess


def fields(phone: str | None = None, **more: Any) -> dict[str, Any]:
    """A good job's JSON, unless told otherwise."""
    return {
        "element": "SMS.Example",
        "phoneList": [phone or new_phone()],
        "params": {"code": "123456"},
        "verifyTemplateCode": TEMPLATE,
        **more,
    }


def submit(stage: Stage, kwargs: dict[str, Any], args: tuple[Any, ...] = ()) -> AsyncResult:
    return stage.celery.send_task("smsjobs.submit", args, kwargs, queue="sms.notification")


@pytest.mark.parametrize("lane", ["verification", "notification", "bulk"])
def test_a_submitted_job_is_sent_on_its_lane(stage: Stage, worker: WorkerProcess, lane: str) -> None:
    """A submitted job is sent under the task's id, which tells the result to both kinds of client."""
    result = submit(stage, fields(lane=lane))
    told = result.get(timeout=20)
    assert (told["outcome"], told["out_id"]) == ("accepted", result.id)
    assert stage.simulator.accepted_count(result.id) == 1
    assert isinstance(outcome(stage.sms.job(result.id)), SendResult)


def test_a_message_that_expired_is_not_sent(stage: Stage, worker: WorkerProcess) -> None:
    """Celery's own `expires` of a submitted message ends its job as expired, for both kinds of client."""
    kwargs = {"queue": "sms.notification", "kwargs": fields()}
    late = stage.celery.send_task("smsjobs.submit", expires=0.001, **kwargs)
    with pytest.raises(RequestFailed) as caught:
        late.get(timeout=20)
    assert (caught.value.reason, caught.value.outcome) == ("expired", "not_sent")
    assert word(outcome(stage.sms.job(late.id))) == "not_sent expired"
    assert stage.simulator.accepted_count(late.id) == 0
    assert stage.celery.send_task("smsjobs.submit", expires=60, **kwargs).get(timeout=20)


def test_an_id_of_its_own_is_refused(stage: Stage, worker: WorkerProcess) -> None:
    """A submitted job has its task's id; another one is refused, so that nobody waits for a job that there is not."""
    result = submit(stage, fields(id="own-1"))
    with pytest.raises(InvalidArguments, match="the task's id") as caught:
        result.get(timeout=20)
    assert (caught.value.argument, caught.value.out_id) == ("id", result.id)


def test_a_submitted_job_can_be_rejected(stage: Stage, worker: WorkerProcess) -> None:
    """A submitted job's refusal arrives at the plain client as the right class."""
    phone = new_phone()
    stage.simulator.fault("code", code="isv.MOBILE_NUMBER_ILLEGAL", phone=phone)
    with pytest.raises(AliyunRejected) as caught:
        submit(stage, fields(phone)).get(timeout=20)
    assert caught.value.aliyun_code == "isv.MOBILE_NUMBER_ILLEGAL"


def test_a_second_submission_of_a_key_follows_the_first(stage: Stage, worker: WorkerProcess) -> None:
    """Submissions of one key are one message, and each task's result is that message's, also after it has settled."""
    phone = new_phone()
    stage.simulator.fault("latency", seconds=1, phone=phone)
    results = [submit(stage, fields(phone, idempotency_key="k1")) for _ in range(3)]
    told = [each.get(timeout=20) for each in results]
    late = submit(stage, fields(phone, idempotency_key="k1")).get(timeout=20)
    first = told[0]["out_id"]
    assert first in {each.id for each in results}
    assert {each["out_id"] for each in [*told, late]} == {first}
    assert len(stage.simulator.accepted(phone=phone)) == 1


def test_another_payload_under_a_key_is_refused(stage: Stage, worker: WorkerProcess) -> None:
    """A submission with another payload under a known key arrives as IdempotencyConflict that names the first job."""
    first = submit(stage, fields(idempotency_key="k2"))
    first.get(timeout=20)
    with pytest.raises(IdempotencyConflict):
        submit(stage, fields(idempotency_key="k2")).get(timeout=20)


@pytest.mark.parametrize("another", ["13800138901", "+1 310 555 1234"], ids=["valid", "invalid"])
def test_another_payload_under_a_task_id_is_refused(
    another: str, stage: Stage, worker: WorkerProcess
) -> None:
    """A second message under a used task id is not sent and is told as a conflict; the first one's job keeps its outcome."""
    task_id, options = f"one-id-for-two-{len(another)}", {"queue": "sms.notification"}

    first = stage.celery.send_task("smsjobs.submit", kwargs=fields("13800138900"), task_id=task_id, **options)
    assert first.get(timeout=20)["outcome"] == "accepted"
    # Another client: this one remembers the result of the first.
    with plain_celery(stage.server.url) as other:
        second = other.send_task("smsjobs.submit", kwargs=fields(another), task_id=task_id, **options)
        until(
            lambda: other.backend.get_task_meta(task_id, cache=False)["status"] == "FAILURE", "it is refused"
        )
        with pytest.raises(IdempotencyConflict) as caught:
            second.get()
    assert (caught.value.argument, caught.value.out_id) == ("id", task_id)
    assert isinstance(outcome(stage.sms.job(task_id)), SendResult)
    assert stage.simulator.accepted(phone="13800138901") == []
    assert stage.simulator.accepted_count(task_id) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"v": 2}, "job_unreadable"),
        ({"colour": "red"}, "job_unreadable"),
        ({"phoneList": None}, "invalid_argument"),
        ({"phoneList": ["no number"]}, "invalid_argument"),
        ({"params": {"code": 1}}, "invalid_argument"),
        ({"lane": "express"}, "invalid_argument"),
        ({"element": "../etc"}, "element_not_found"),
        ({"expires": -1}, "invalid_argument"),
    ],
    ids=str,
)
def test_a_malformed_submission_is_46001(
    stage: Stage, worker: WorkerProcess, change: dict[str, Any], reason: str
) -> None:
    """A submission that is newer or malformed is settled as 46001 by both ways to ask, and nothing is sent."""
    result = submit(stage, {**fields(), **change})
    with pytest.raises(InvalidArguments) as caught:
        result.get(timeout=20)
    assert (caught.value.code, caught.value.reason) == (46001, reason)
    assert outcome(stage.sms.job(result.id)) == caught.value
    assert stage.simulator.accepted_count(result.id) == 0


def test_positional_arguments_are_46001(stage: Stage, worker: WorkerProcess) -> None:
    """A submission with positional arguments is settled as 46001."""
    with pytest.raises(InvalidArguments):
        submit(stage, fields(), ("more",)).get(timeout=20)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((), {}), ((1,), {}), (("a", "b"), {}), (("../x",), {}), ((), {"job_id": "a"}), ((None,), {})],
    ids=str,
)
def test_a_malformed_message_is_46001(
    stage: Stage, worker: WorkerProcess, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """A message on a lane that is no job's id is settled as 46001 under its task's id."""
    result = stage.celery.send_task("smsjobs.send", args, kwargs, queue="sms.verification")
    with pytest.raises(InvalidArguments) as caught:
        result.get(timeout=20)
    assert caught.value.reason == "job_unreadable"
    assert outcome(stage.sms.job(result.id)) == caught.value


def test_a_malformed_message_leaves_the_job_of_its_id_alone(stage: Stage, worker: WorkerProcess) -> None:
    """A message that cannot be read does not take a recorded job's outcome away."""
    job = stage.send("SMS.Example", countdown=1)
    stage.celery.send_task("smsjobs.send", ("a", "b"), task_id=job.id, queue="sms.notification")
    result = AsyncResult(job.id, app=stage.celery)
    assert result.get(timeout=20)["outcome"] == "accepted"
    assert isinstance(outcome(job), SendResult)


def test_an_id_that_nobody_recorded_is_46001(stage: Stage, worker: WorkerProcess) -> None:
    """A message with the id of no job in the ledger is settled as 46001 rather than run for ever."""
    unknown = str(uuid.uuid4())
    result = stage.celery.send_task("smsjobs.send", (unknown,), task_id=unknown, queue="sms.notification")
    with pytest.raises(InvalidArguments) as caught:
        result.get(timeout=20)
    assert caught.value.reason == "job_not_found"


@pytest.mark.parametrize(
    "body",
    [
        "no JSON at all 13800138000",
        json.dumps({"body": "????", "headers": {}, "properties": {}}),
        json.dumps(["13800138000"]),
        json.dumps(
            {
                "body": "bm90IGpzb24gMTM4MDAxMzgwMDA=",
                "content-encoding": "utf-8",
                "content-type": "application/json",
                "headers": {"lang": "py", "task": "smsjobs.send", "id": "x"},
                "properties": {
                    "correlation_id": "x",
                    "delivery_mode": 2,
                    "delivery_info": {"exchange": "", "routing_key": "sms.bulk"},
                    "priority": 0,
                    "body_encoding": "base64",
                    "delivery_tag": "x",
                },
            }
        ),
        json.dumps(
            {
                "body": "gAWVDwAAAAAAAACMCzEzODAwMTM4MDAwlC4=",
                "content-encoding": "binary",
                "content-type": "application/x-python-serialize",
                "headers": {"lang": "py", "task": "smsjobs.send", "id": "y"},
                "properties": {
                    "correlation_id": "y",
                    "delivery_mode": 2,
                    "delivery_info": {"exchange": "", "routing_key": "sms.bulk"},
                    "priority": 0,
                    "body_encoding": "base64",
                    "delivery_tag": "y",
                },
            }
        ),
    ],
    ids=["text", "no properties", "list", "body no json", "pickle"],
)
def test_an_undecodable_body_does_not_stop_the_worker(stage: Stage, worker: WorkerProcess, body: str) -> None:
    """Whatever somebody puts on a queue, the worker continues with the next message and quotes nothing of it."""
    with stage.client() as client:
        client.lpush("sms.bulk", body)
        until(lambda: client.llen("sms.bulk") == 0, "the rubbish is taken from the queue")
    assert isinstance(outcome(stage.send("SMS.Example", lane="bulk"), timeout=20), SendResult)
    assert "13800138000" not in worker.log()
    assert "MTM4MDAxMzgwMDA" not in worker.log()

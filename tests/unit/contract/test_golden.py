"""The JSON of jobs, results and errors is a contract between versions: its golden files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smsjobs.contract import (
    AliyunRejected,
    IdempotencyConflict,
    InvalidArguments,
    JobRecord,
    Outcome,
    QueueUnavailable,
    RequestFailed,
    SendResult,
    decode_job,
    decode_outcome,
    decode_result,
    encode_job,
    encode_outcome,
    encode_result,
    make_job,
)

GOLDEN = Path(__file__).parent / "golden"

JOB = make_job(
    id="b6d0a1f0-7c54-4b0e-9d55-000000000001",
    element="SMS.YourSmsName",
    phoneList=["+8613800138000", "13800138001"],
    params={"name": "张三", "event": "系统维护"},
    verifyTemplateCode="SMS_123456789",
    lane_name="bulk",
    expires=3600,
    countdown=60,
    on_unknown="resend",
    idempotency_key="double-11:1",
)

RESULT = SendResult(
    response={
        "Code": "OK",
        "Message": "OK",
        "BizId": "114814474505895421^0",
        "RequestId": "4C3D8B1B-0000-0000-0000-000000000001",
    },
    out_id="b6d0a1f0-7c54-4b0e-9d55-000000000001",
    attempts=2,
)

FOUND = SendResult(response={"Code": "OK"}, out_id="job-2", attempts=1, resolved_by="lookup")

#: As they are written now.
OUTCOMES: dict[str, Outcome] = {
    "result": RESULT,
    "result_after_lookup": FOUND,
    "invalid_arguments_of_an_element": InvalidArguments(
        "SMS.YourSmsName does not exist", reason="element_not_found", out_id="job-3", argument="element"
    ),
    "invalid_arguments_without_a_name": InvalidArguments(
        "a job must be a JSON object", reason="job_unreadable"
    ),
    "idempotency_conflict_of_a_key": IdempotencyConflict(out_id="job-4"),
    "aliyun_rejected": AliyunRejected(
        "too many messages to this number",
        reason="flow_control",
        out_id="job-5",
        attempts=1,
        aliyun_code="isv.BUSINESS_LIMIT_CONTROL",
        aliyun_message="触发分钟级流控Permits:1",
        request_id="4C3D8B1B-0000-0000-0000-000000000002",
        retry_after=12.5,
        advice="later",
    ),
    "request_failed_not_sent": RequestFailed(
        "the job expired before it could be sent",
        reason="expired",
        outcome="not_sent",
        out_id="job-6",
        attempts=4,
    ),
    "request_failed_unknown": RequestFailed(
        "the answer was lost", reason="no_answer", outcome="unknown", out_id="job-7", attempts=1
    ),
    "queue_unavailable": QueueUnavailable(out_id="job-8"),
}

#: As they were written before errors had an `argument`.
OLDER: dict[str, Outcome] = {
    "invalid_arguments": InvalidArguments(
        "SMS.YourSmsName does not exist", reason="element_not_found", out_id="job-3"
    ),
    "idempotency_conflict": IdempotencyConflict(out_id="job-4"),
}


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))


def test_job_is_encoded_as_ever() -> None:
    """The JSON of a job is that of the golden file, field by field."""
    assert encode_job(JOB) == golden("job")


def test_job_of_version_1_is_read() -> None:
    """A job that version 1 wrote is read back whole."""
    assert decode_job(golden("job")) == JOB


def test_plain_client_may_leave_out_what_has_a_default() -> None:
    """The golden job of a plain Celery client, which names only what it must, gets its lane's defaults."""
    job = decode_job(golden("job_of_a_plain_client") | {"id": "plain-1"})
    assert job == JobRecord(
        id="plain-1",
        element="SMS.YourSmsName",
        message=job.message,
        lane="notification",
        expires_s=86400,
        countdown_s=0,
        on_unknown="resend",
        idempotency_key=None,
    )
    assert (job.message.phones, job.message.params, job.message.template) == (
        ("13800138000",),
        {"code": "123456"},
        "SMS_123456789",
    )


@pytest.mark.parametrize("name", OUTCOMES)
def test_outcome_is_encoded_as_ever(name: str) -> None:
    """The JSON of each kind of outcome is that of its golden file."""
    assert encode_outcome(OUTCOMES[name]) == golden(name)


@pytest.mark.parametrize(("name", "outcome"), (OUTCOMES | OLDER).items())
def test_outcome_of_version_1_is_read(name: str, outcome: Outcome) -> None:
    """An outcome that version 1 wrote, in its older form too, is read back as the same class with all its attributes."""
    found = decode_outcome(golden(name))
    assert type(found) is type(outcome)
    assert found == outcome


def test_every_golden_file_is_used() -> None:
    """No golden file stands there without a test that reads it."""
    used = {*OUTCOMES, *OLDER, "job", "job_of_a_plain_client"}
    assert {path.stem for path in GOLDEN.glob("*.json")} == used


@pytest.mark.parametrize(
    ("decode", "name"), [(decode_job, "job"), (decode_outcome, "aliyun_rejected"), (decode_result, "result")]
)
@pytest.mark.parametrize(
    ("change", "words", "remark"),
    [
        ({"v": 2}, "version 2", "newer"),
        ({"v": 0}, "version", "older than the first"),
        ({"v": "1"}, "version", "text"),
        ({"v": True}, "version", "a boolean is no version"),
        ({"v": None}, "version", "null"),
        ({"colour": "red"}, "colour", "a field that nobody knows"),
    ],
)
def test_what_is_not_known_is_refused(
    decode: Callable[[Any], object], name: str, change: dict[str, Any], words: str, remark: str
) -> None:
    """A newer version or an unknown field is refused with words that name it, not half understood."""
    with pytest.raises(InvalidArguments, match=words) as refused:
        decode(golden(name) | change)
    assert refused.value.reason == "job_unreadable", remark


@pytest.mark.parametrize("decode", [decode_job, decode_outcome, decode_result])
@pytest.mark.parametrize("data", [None, 1, "text", [], ["v"], True])
def test_what_is_no_object_is_refused(decode: Callable[[Any], object], data: object) -> None:
    """What is no JSON object is refused as unreadable."""
    with pytest.raises(InvalidArguments) as refused:
        decode(data)
    assert refused.value.reason == "job_unreadable"


@pytest.mark.parametrize(
    "change",
    [
        {"id": 5},
        {"id": ""},
        {"id": "a b"},
        {"id": "x" * 65},
        {"id": None},
        {"element": 5},
        {"element": "../SMS"},
        {"element": None},
        {"phoneList": "13800138000"},
        {"phoneList": {}},
        {"phoneList": [13800138000]},
        {"params": []},
        {"params": "{}"},
        {"params": {"code": 1}},
        {"verifyTemplateCode": 1},
        {"lane": "express"},
        {"lane": ["bulk"]},
        {"lane": None},
        {"expires": "60"},
        {"expires": True},
        {"expires": float("nan")},
        {"expires": float("inf")},
        {"expires": -1},
        {"expires": 60},
        {"countdown": 10**9},
        {"countdown": "soon"},
        {"on_unknown": "drop"},
        {"on_unknown": ["hold"]},
        {"idempotency_key": 5},
        {"idempotency_key": ""},
        {"idempotency_key": "x" * 513},
    ],
    ids=repr,
)
def test_job_with_a_wrong_field_is_refused(change: dict[str, Any]) -> None:
    """A job one of whose fields is of a wrong type or range is refused as 46001 and never as a Python error."""
    with pytest.raises(InvalidArguments) as refused:
        decode_job(golden("job") | change)
    assert refused.value.code == 46001


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "rejected"},
        {"resolved_by": "guess"},
        {"resolved_by": ["lookup"]},
        {"response": "OK"},
        {"response": [["Code", "OK"]]},
        {"response": None},
        {"attempts": "2"},
        {"attempts": 2.5},
        {"attempts": True},
        {"attempts": -1},
        {"out_id": 7},
        {"out_id": None},
    ],
    ids=repr,
)
def test_result_with_a_wrong_field_is_refused(change: dict[str, Any]) -> None:
    """A result one of whose fields is of a wrong type is refused as unreadable."""
    with pytest.raises(InvalidArguments) as refused:
        decode_result(golden("result") | change)
    assert refused.value.reason == "job_unreadable"


@pytest.mark.parametrize("missing", ["v", "outcome", "response", "out_id", "attempts", "resolved_by"])
def test_result_without_a_field_is_refused(missing: str) -> None:
    """A result that lacks a field is refused as unreadable."""
    data = golden("result")
    del data[missing]
    with pytest.raises(InvalidArguments) as refused:
        decode_result(data)
    assert refused.value.reason == "job_unreadable"


@pytest.mark.parametrize(
    "change",
    [
        {"class": "KeyError"},
        {"class": ["AliyunRejected"]},
        {"class": None},
        {"attempts": "1"},
        {"attempts": True},
        {"message": 5},
        {"reason": None},
        {"outcome": "accepted"},
        {"outcome": 5},
        {"out_id": 5},
        {"retry_after": "soon"},
        {"aliyun_code": None},
        {"colour": "red"},
    ],
    ids=repr,
)
def test_error_with_a_wrong_field_is_refused(change: dict[str, Any]) -> None:
    """An error one of whose fields is unknown or of a wrong type is refused as unreadable."""
    data = golden("aliyun_rejected")
    with pytest.raises(InvalidArguments) as refused:
        decode_outcome(data | {"error": data["error"] | change})
    assert refused.value.reason == "job_unreadable"


@pytest.mark.parametrize("error", [None, "text", [], 5])
def test_error_that_is_no_object_is_refused(error: object) -> None:
    """An outcome whose error is no object is refused as unreadable."""
    with pytest.raises(InvalidArguments) as refused:
        decode_outcome(golden("aliyun_rejected") | {"error": error})
    assert refused.value.reason == "job_unreadable"


def test_result_is_what_celery_shows() -> None:
    """A result's JSON, which `AsyncResult` shows, is the outcome's."""
    assert encode_result(RESULT) == encode_outcome(RESULT)

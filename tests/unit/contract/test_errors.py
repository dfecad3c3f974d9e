"""The error tree, on its way through Celery's result backend and back."""

import json
import pickle
from typing import Any

import pytest
from celery import Celery
from celery.backends.base import Backend
from celery.utils.serialization import get_pickleable_exception
from kombu.utils.json import dumps, loads

import smsjobs
from smsjobs import (
    AliyunRejected,
    IdempotencyConflict,
    InvalidArguments,
    QueueUnavailable,
    RequestFailed,
    SmsError,
    VerificationRefused,
)

ERRORS: list[SmsError] = [
    SmsError("a message", reason="a_reason", outcome="unknown", out_id="job-1", attempts=2),
    InvalidArguments("something is wrong"),
    InvalidArguments.about("phoneList", "is missing"),
    InvalidArguments(
        "no such element", reason="element_not_found", outcome="rejected", out_id="job-1", attempts=1
    ),
    IdempotencyConflict(out_id="job-1"),
    IdempotencyConflict("there is a campaign of this name", out_id="people-1", argument="name"),
    AliyunRejected(
        "too many",
        reason="flow_control",
        outcome="rejected",
        out_id="job-1",
        attempts=3,
        aliyun_code="isv.BUSINESS_LIMIT_CONTROL",
        aliyun_message="触发分钟级流控Permits:1",
        request_id="4C3D8B1B",
        retry_after=12.5,
        advice="later",
    ),
    AliyunRejected(),
    RequestFailed("the answer was lost", reason="no_answer", outcome="unknown", out_id="job-1", attempts=1),
    RequestFailed("it expired", reason="expired", outcome="not_sent", out_id="job-1", attempts=0),
    QueueUnavailable(),
    QueueUnavailable("Redis is unreachable", out_id="job-1"),
    VerificationRefused("too many", reason="number_limit", retry_after=23),
]

each_error = pytest.mark.parametrize("error", ERRORS, ids=repr)


def state(error: SmsError) -> dict[str, Any]:
    return {"class": type(error), "args": error.args, "text": str(error), "code": error.code, **vars(error)}


@pytest.fixture(scope="module")
def backend() -> Backend:
    return Backend(app=Celery("test", set_as_current=False, result_serializer="json"), serializer="json")


def every_class(root: type[SmsError]) -> set[type[SmsError]]:
    return {root}.union(
        *(every_class(each) for each in root.__subclasses__() if each.__module__ == "smsjobs")
    )


def test_every_class_of_the_tree_is_tested() -> None:
    """A class that is added to the tree is added to these tests."""
    assert {type(error) for error in ERRORS} == every_class(SmsError)


@each_error
def test_error_crosses_the_result_backend(backend: Backend, error: SmsError) -> None:
    """Celery's own way of storing an exception as JSON gives the same class back, attributes and all."""
    stored = dumps(backend.prepare_exception(get_pickleable_exception(error), "json"))
    assert json.loads(stored)["exc_module"] == "smsjobs"
    back = backend.exception_to_python(loads(stored))
    assert state(back) == state(error)


@each_error
def test_error_survives_pickle(error: SmsError) -> None:
    """Pickling, which Celery tries before it stores anything, loses nothing."""
    assert state(pickle.loads(pickle.dumps(error))) == state(error)


@each_error
def test_error_is_rebuilt_from_its_args(error: SmsError) -> None:
    """Its args alone rebuild it, which is all that the JSON backend keeps."""
    assert state(type(error)(*error.args)) == state(error)


@each_error
def test_error_is_found_where_it_says(error: SmsError) -> None:
    """Its class is `smsjobs.<name>`, where Celery looks for it."""
    assert getattr(smsjobs, type(error).__qualname__) is type(error)


@each_error
def test_text_begins_with_the_code(error: SmsError) -> None:
    """An error's text is the code, a word and the message."""
    assert str(error).startswith(f"{error.code} ")
    assert str(error).split(": ", 1)[1] == error.message


def test_text_names_aliyuns_code() -> None:
    """What Aliyun rejected is named by Aliyun's code."""
    error = AliyunRejected("too many", aliyun_code="isv.BUSINESS_LIMIT_CONTROL")
    assert str(error) == "46002 isv.BUSINESS_LIMIT_CONTROL: too many"


@each_error
def test_error_is_told_of_another_job(error: SmsError) -> None:
    """`for_job` changes the job's id, and attempts and outcome where they are named; all the rest stays."""
    assert state(error.for_job("job-9")) == state(error) | {
        "args": (*error.args[:3], "job-9", *error.args[4:]),
        "out_id": "job-9",
    }
    told = error.for_job("job-9", attempts=7, outcome="rejected")
    assert (told.out_id, told.attempts, told.outcome) == ("job-9", 7, "rejected")
    assert told.message == error.message


def test_somebody_elses_error_becomes_ours() -> None:
    """A subclass that only one process has is told of a job as the class that every process can rebuild."""

    class OfAType(AliyunRejected):
        def __init__(self, more: int) -> None:
            self.more = more
            super().__init__("no", aliyun_code="isv.OUT_OF_SERVICE", advice="never")

    told = OfAType(1).for_job("job-1", attempts=2)
    assert type(told) is AliyunRejected
    assert told == AliyunRejected(
        "no", out_id="job-1", attempts=2, aliyun_code="isv.OUT_OF_SERVICE", advice="never"
    )


def test_the_argument_is_a_field() -> None:
    """An error about an argument has its name as a field, first in its message, and in what makes it equal."""
    error = InvalidArguments.about("phoneList", "is empty")
    assert (error.argument, error.message) == ("phoneList", "phoneList is empty")
    assert str(error) == "46001 invalid_argument: phoneList is empty"
    assert error.to_json()["argument"] == "phoneList"
    assert error != InvalidArguments("phoneList is empty")
    assert IdempotencyConflict().argument == "idempotency_key"


@pytest.mark.parametrize(
    ("kind", "code", "parent"),
    [
        (InvalidArguments, 46001, SmsError),
        (IdempotencyConflict, 46001, InvalidArguments),
        (AliyunRejected, 46002, SmsError),
        (RequestFailed, 46003, SmsError),
        (QueueUnavailable, 46003, RequestFailed),
        (VerificationRefused, 46003, RequestFailed),
    ],
)
def test_class_has_its_code_and_place(kind: type[SmsError], code: int, parent: type[SmsError]) -> None:
    """Each class has its code, and can be caught as its parent."""
    assert kind().code == code
    assert issubclass(kind, parent)


def test_equal_errors_are_equal() -> None:
    """Errors of one class with the same attributes are equal and hash alike; others are not equal."""
    assert RequestFailed("x", out_id="1") == RequestFailed("x", out_id="1")
    assert hash(RequestFailed("x", out_id="1")) == hash(RequestFailed("x", out_id="1"))
    assert RequestFailed("x") != RequestFailed("y")
    assert RequestFailed("x") != SmsError("x")

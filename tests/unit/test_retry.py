"""Retries: the decisions as tables, and that they are carried out."""

import pytest

from smsjobs.contract import AliyunRejected
from smsjobs_worker.provider import AnswerLost, NotSent
from smsjobs_worker.retry import RetryPolicy, backoff_s, next_wait_s, request_with_retries

POLICY = RetryPolicy(attempts=4, first_wait_s=0.5, longest_wait_s=1.5, budget_s=3.0)


@pytest.mark.parametrize(
    ("attempt", "jitter", "wait"),
    [
        (1, 1.0, 0.5),
        (2, 1.0, 1.0),
        (3, 1.0, 1.5),  # would be 2.0
        (2000, 1.0, 1.5),  # no overflow
        (2, 0.0, 0.0),  # full jitter begins at nothing
        (2, 0.5, 0.5),
    ],
)
def test_backoff(attempt, jitter, wait):
    """The back-off doubles up to its longest wait, and chance takes any part of it."""
    assert backoff_s(POLICY, attempt, jitter=jitter) == wait


@pytest.mark.parametrize(
    ("attempt", "waited", "retry_after", "wait"),
    [
        (1, 0.0, None, 0.5),
        (3, 1.5, None, 1.5),  # exactly the budget
        (3, 1.6, None, None),  # beyond it
        (4, 0.0, None, None),  # no attempt left
        (9, 0.0, None, None),
        (1, 0.0, 1.0, 1.5),  # what Aliyun asked for, and the back-off
        (1, 0.0, 2.6, None),  # longer than the budget: not even the first retry
        (1, 0.0, 3600.0, None),
    ],
)
def test_next_wait(attempt, waited, retry_after, wait):
    """A retry needs an attempt that is left and a wait that the budget has room for."""
    found = next_wait_s(POLICY, attempt, waited_s=waited, retry_after_s=retry_after, jitter=1.0)
    assert found == wait


class _Calls:
    """A request that ends as told, one after another."""

    def __init__(self, *ends):
        self.ends = list(ends)
        self.made = 0

    def __call__(self):
        end = self.ends[self.made]
        self.made += 1
        if isinstance(end, Exception):
            raise end
        return end


def not_sent(retry_after=None):
    return NotSent("connect_failed", "refused", retry_after)


def run(calls, **options):
    waits = []
    tried = request_with_retries(calls, sleep=waits.append, jitter=lambda: 1.0, **options)
    return tried, waits


def test_success_after_a_blip():
    """What surely was not sent is tried again, and all requests are counted."""
    calls = _Calls(not_sent(), not_sent(), "body")
    tried, waits = run(calls)
    assert (tried.response, tried.error, tried.attempts, calls.made) == ("body", None, 3, 3)
    assert waits == [0.25, 0.5]


@pytest.mark.parametrize("end", [AnswerLost("no_answer", "cut"), AliyunRejected("no", aliyun_code="isv.X")])
@pytest.mark.parametrize("blips", [0, 1])
def test_never_again(end, blips):
    """An answer that was lost, and one that says no, are never followed by another request."""
    calls = _Calls(*[not_sent() for _ in range(blips)], end, "never")
    tried, _ = run(calls)
    assert tried.error is end
    assert (tried.attempts, calls.made) == (blips + 1, blips + 1)


def test_gives_up():
    """When the attempts are used up, the last failure is the result."""
    last = not_sent()
    calls = _Calls(not_sent(), not_sent(), last, "never")
    tried, waits = run(calls)
    assert tried.error is last
    assert (tried.attempts, len(waits)) == (3, 2)


def test_long_retry_after():
    """A wait that Aliyun asks for and that is longer than the budget ends the retries at once."""
    tried, waits = run(_Calls(not_sent(retry_after=30.0), "never"))
    assert isinstance(tried.error, NotSent)
    assert (tried.attempts, waits) == (1, [])


def test_budget():
    """All waits together stay within the budget, however many attempts are left."""
    tried, waits = run(_Calls(*[not_sent() for _ in range(50)]), policy=RetryPolicy(attempts=50))
    assert sum(waits) <= 2.0
    assert tried.attempts == len(waits) + 1


def test_before():
    """What is called before each request hears its number, and ends the retries with what it raises."""
    heard = []

    class Expired(Exception):
        pass

    def before(attempt):
        heard.append(attempt)
        if attempt == 2:
            raise Expired

    calls = _Calls(not_sent(), "never")
    with pytest.raises(Expired):
        run(calls, before=before)
    assert (heard, calls.made) == ([1, 2], 1)


def test_other_errors_pass():
    """An error that is none of the three is raised as it is, after one request."""
    calls = _Calls(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        run(calls)
    assert calls.made == 1

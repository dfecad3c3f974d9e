"""The tasks' ends, as Celery understands them."""

from types import SimpleNamespace
from typing import Any

import pytest
from celery.exceptions import Reject
from redis.exceptions import ConnectionError as RedisConnectionError

from smsjobs_worker.logs.facts import MessagePutBack, RunBrokenOff
from smsjobs_worker.process.door.handed import Handed
from smsjobs_worker.process.tasks import _send, _submit
from smsjobs_worker.sending.sender import NothingToDo
from support.facts import told


def unreachable(*_: Any) -> Any:
    """A ledger that is unreachable."""
    raise RedisConnectionError


RUNTIME: Any = SimpleNamespace(
    sender=SimpleNamespace(refuse=unreachable, run=unreachable),
    ledger=SimpleNamespace(record=unreachable, read=unreachable),
)


@pytest.mark.parametrize(
    "run",
    [
        lambda: _send(RUNTIME, "task", Handed('[["a b"], {}]')),
        lambda: _submit(RUNTIME, "task", Handed('[[], {"element": "SMS.X"}]')),
    ],
    ids=["send", "submit"],
)
def test_a_refusal_that_cannot_be_recorded_is_not_lost(run: Any) -> None:
    """A malformed message goes back to its queue where its 46001 cannot be written down."""
    with told() as facts, pytest.raises(Reject) as caught:
        run()
    assert caught.value.requeue
    assert facts == [MessagePutBack(error="ConnectionError")]


def test_a_run_that_breaks_off_is_told() -> None:
    """A run in which Redis stays unreachable ends without an outcome, and says so by its cause's class."""
    with told() as facts:
        assert _send(RUNTIME, "task", Handed('[["job-1"], {}]')) == NothingToDo()
    assert facts == [RunBrokenOff(error="ConnectionError")]

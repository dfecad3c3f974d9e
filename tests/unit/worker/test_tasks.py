"""The tasks' ends, as Celery understands them."""

from types import SimpleNamespace
from typing import Any

import pytest
from celery.exceptions import Reject
from redis.exceptions import ConnectionError as RedisConnectionError

from smsjobs_worker.process.tasks import _QuietRequest, _send, _submit


def away(*_: Any) -> Any:
    """A ledger that is away."""
    raise RedisConnectionError


RUNTIME: Any = SimpleNamespace(
    sender=SimpleNamespace(refuse=away, run=away), ledger=SimpleNamespace(record=away)
)


@pytest.mark.parametrize(
    "run",
    [
        lambda: _send(RUNTIME, "task", ("a b",), {}),
        lambda: _submit(RUNTIME, "task", (), {"element": "SMS.X"}),
    ],
    ids=["send", "submit"],
)
def test_a_refusal_that_cannot_be_recorded_is_not_lost(run: Any) -> None:
    """A malformed message goes back to its queue where its 46001 cannot be written down."""
    with pytest.raises(Reject) as caught:
        run()
    assert caught.value.requeue


def test_inspecting_shows_no_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `celery inspect active` asks for never has the arguments of a submitted job."""
    asked: list[bool] = []
    monkeypatch.setattr(
        "celery.worker.request.Request.info", lambda self, safe=False: asked.append(safe) or {}
    )
    request = _QuietRequest.__new__(_QuietRequest)
    request.info()
    request.info(safe=False)
    assert asked == [True, True]
    assert (request.argsrepr, request.kwargsrepr) == ("…", "…")

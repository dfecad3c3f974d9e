"""Celery's result of a job, as `AsyncResult` shows it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from celery import states
from celery.backends.redis import RedisBackend
from celery.exceptions import BackendError
from kombu.exceptions import KombuError
from kombu.utils.encoding import bytes_to_str
from redis.exceptions import RedisError

from smsjobs.addresses import RedisAddress
from smsjobs.contract import Outcome, SendResult, encode_result
from smsjobs.redis_store import connect_redis
from smsjobs.redis_store.patience import patiently

if TYPE_CHECKING:
    from celery import Celery

__all__ = ["STORE_ERRORS", "RedisResults", "Results"]

#: What an unreachable result backend raises.
STORE_ERRORS = (BackendError, KombuError, RedisError, OSError, RuntimeError)


class RedisResults(RedisBackend):  # type: ignore[misc]  # celery ships no types
    """Celery's Redis backend at any address of a Redis, but it does not read before it writes.

    Celery looks for an earlier success first, so as not to overwrite it. A job has one outcome forever, and the
    ledger knows it.
    """

    def as_uri(self, include_password: bool = False) -> str:
        """Where results are stored, for people. It never shows the password."""
        del include_password
        return RedisAddress.read(self.url).public_url

    def _params_from_url(self, url: str, defaults: dict[str, Any]) -> dict[str, Any]:
        del url  # Celery reads some spellings differently from others, and some not at all
        return defaults

    def _get_pool(self, **params: Any) -> Any:
        client = connect_redis(
            self.url,
            timeout_s=params["socket_timeout"],
            max_connections=params["max_connections"],
            text=False,
        )
        return client.connection_pool

    def entry(self, task_id: str, outcome: Outcome) -> tuple[str, str]:
        """Key and text of the outcome as Celery's result."""
        if isinstance(outcome, SendResult):
            return self._entry(task_id, encode_result(outcome), states.SUCCESS)
        return self._entry(task_id, self.prepare_exception(outcome), states.FAILURE)

    def _entry(self, task_id: str, result: Any, state: str, traceback: Any = None) -> tuple[str, str]:
        # What Celery makes by `_get_result_meta` and `encode`. They ask for settings that are fixed here, which is a
        # twentieth of a job. Our tasks have no children, groups or parents.
        meta = {
            "status": state,
            "result": result,
            "traceback": traceback,
            "children": [],
            "date_done": datetime.now(UTC).isoformat(),
            "task_id": task_id,
        }
        key: str = bytes_to_str(self.get_key_for_task(task_id))  # type: ignore[no-untyped-call]
        return key, json.dumps(meta)

    def _store_result(
        self, task_id: str, result: Any, state: str, traceback: Any = None, request: Any = None, **_: Any
    ) -> Any:
        del request
        self._set_with_state(*self._entry(task_id, result, state, traceback), state)
        return result


class Results:
    """Stores outcomes as Celery's results, in place of Celery.

    Args:
        app: Whose result backend.
        patience_s: Seconds for which storing is tried while the backend is unreachable.
        in_ledger: Whether the backend is the ledger's Redis, which then stores a result in the step that settles.
    """

    def __init__(self, app: Celery, *, patience_s: float, in_ledger: bool = False) -> None:
        self._app = app
        self._patience_s = patience_s
        self._in_ledger = in_ledger

    def entry(self, job_id: str, outcome: Outcome) -> tuple[str, str] | None:
        """Key and text of the result, for the ledger to store; None where it is to be stored by `store`."""
        backend = self._app.backend
        if not self._in_ledger or not isinstance(backend, RedisResults):
            return None
        return backend.entry(job_id, outcome)

    def store(self, job_id: str, outcome: Outcome, followers: Sequence[str] = ()) -> None:
        """Store the outcome under the job's id and its followers'.

        Raises:
            Exception: One of `STORE_ERRORS`: the backend stayed unreachable.
        """
        patiently(
            lambda: self._store_all((job_id, *followers), outcome), for_s=self._patience_s, also=STORE_ERRORS
        )

    def store_at_once(self, job_id: str, outcome: Outcome, followers: Sequence[str] = ()) -> bool:
        """The same with a single try. False: the backend is unreachable."""
        try:
            self._store_all((job_id, *followers), outcome)
        except STORE_ERRORS:
            return False
        return True

    def _store_all(self, task_ids: Sequence[str], outcome: Outcome) -> None:
        for task_id in task_ids:
            self._store(task_id, outcome)

    def _store(self, task_id: str, outcome: Outcome) -> None:
        if isinstance(outcome, SendResult):
            self._app.backend.mark_as_done(task_id, encode_result(outcome))
        else:
            self._app.backend.mark_as_failure(task_id, outcome)

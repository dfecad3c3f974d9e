"""Celery's result of a job, as `AsyncResult` shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from smsjobs.contract import Outcome, SendResult, encode_result

if TYPE_CHECKING:
    from celery import Celery

__all__ = ["Results"]


class Results:
    """Stores outcomes outside the task that made them."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def store(self, job_id: str, outcome: Outcome, followers: Sequence[str] = ()) -> None:
        """Store the outcome under the job's id and its followers'."""
        for task_id in (job_id, *followers):
            self._store(task_id, outcome)

    def _store(self, task_id: str, outcome: Outcome) -> None:
        if isinstance(outcome, SendResult):
            self._app.backend.mark_as_done(task_id, encode_result(outcome))
        else:
            self._app.backend.mark_as_failure(task_id, outcome)

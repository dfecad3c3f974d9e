"""The tasks: Celery's verbs and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from celery import Task
from celery.exceptions import Ignore, Reject
from celery.worker.request import Request
from redis.exceptions import RedisError

from smsjobs.contract import (
    SEND_TASK,
    SUBMIT_TASK,
    IdempotencyConflict,
    InvalidArguments,
    JobRecord,
    RequestFailed,
    SmsError,
    decode_job,
    encode_result,
    is_job_id,
)
from smsjobs.ledger import read_outcome
from smsjobs.redis_store.patience import patiently
from smsjobs_worker.logs.facts import MessagePutBack, MessageRefused, PublishFailed, RunBrokenOff, tell
from smsjobs_worker.process.results import STORE_ERRORS
from smsjobs_worker.sending.sender import Done, NothingToDo

if TYPE_CHECKING:
    from celery import Celery

    from smsjobs_worker.process.runtime import Runtime

__all__ = ["add_tasks"]

#: Seconds for which a submitted job is tried to be recorded before its message is put back.
_RECORD_S: Final = 10.0


class _QuietRequest(Request):  # type: ignore[misc]  # celery ships no types
    """A request whose arguments appear in no log line and no event: a submitted job carries numbers."""

    @property
    def argsrepr(self) -> str:
        return "…"

    @property
    def kwargsrepr(self) -> str:
        return "…"

    def maybe_expire(self) -> bool:
        """Celery drops an expired message without a result; `_submit` gives its job the outcome that it has then."""
        return False

    def info(self, safe: bool = False) -> dict[str, Any]:
        """What `celery inspect` shows."""
        shown: dict[str, Any] = super().info(safe=safe)
        # With `safe` Celery shows the text that the sender gave for the arguments, without it the arguments themselves. The
        # name too may be a text of the sender's.
        return shown | {"name": self.type, "args": self.argsrepr, "kwargs": self.kwargsrepr}


class _SmsTask(Task):  # type: ignore[misc]
    """What both tasks have in common."""

    abstract = True
    Request = _QuietRequest
    #: A failed job is not an error of the worker: no traceback in its log.
    throws = (SmsError,)
    #: Celery's own storing ends the worker when the backend is unreachable; `_end` stores instead.
    ignore_result = True
    #: The sender checks what arrives; Celery's check would raise a TypeError that quotes it.
    typing = False


def add_tasks(app: Celery, runtime: Callable[[], Runtime]) -> None:
    """Register the tasks with the app."""

    @app.task(name=SEND_TASK, base=_SmsTask, bind=True, shared=False)  # type: ignore[untyped-decorator]
    def send(self: Task, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Carry one job on. The only argument is the job's id."""
        task_id: str = self.request.id
        return _end(runtime(), task_id, _send(runtime(), task_id, args, kwargs))

    @app.task(name=SUBMIT_TASK, base=_SmsTask, bind=True, shared=False)  # type: ignore[untyped-decorator]
    def submit(self: Task, *args: Any, **fields: Any) -> dict[str, Any]:
        """Record a plain Celery client's job under this task's id, and publish it on its lane."""
        task_id: str = self.request.id
        return _end(runtime(), task_id, _submit(runtime(), task_id, args, fields, self.request.expires))


def _send(
    runtime: Runtime, task_id: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Done | NothingToDo:
    if kwargs or len(args) != 1 or not is_job_id(args[0]):
        error = InvalidArguments(
            f"{SEND_TASK} takes a job's id and nothing else; a newer producer may have sent this",
            reason="job_unreadable",
            out_id=task_id,
        )
        return _refuse(runtime, task_id, error)
    return _unless_unreachable(lambda: runtime.sender.run(args[0]))


def _submit(
    runtime: Runtime,
    task_id: str,
    args: tuple[Any, ...],
    fields: dict[str, Any],
    message_expires: str | None = None,
) -> Done | NothingToDo:
    left_s = _left_s(message_expires)
    if left_s is not None and left_s <= 0:
        expired = RequestFailed(
            "its message expired before a worker took it",
            reason="expired",
            outcome="not_sent",
            out_id=task_id,
        )
        return _refuse(runtime, task_id, expired)
    try:
        job = _submitted(task_id, args, fields)
        if left_s is not None and left_s < job.expires_s:
            job = replace(job, expires_s=left_s)
        recorded = patiently(lambda: runtime.ledger.record(job), for_s=_RECORD_S)
        # Of a known key the first job goes on; this task's result is to be that job's outcome.
        settled = (
            None
            if recorded.new
            else patiently(lambda: runtime.ledger.follow(recorded.job_id, task_id), for_s=_RECORD_S)
        )
    except InvalidArguments as error:
        if isinstance(error, IdempotencyConflict) and error.argument == "id":
            # The job of this id keeps its own outcome in the ledger. This message's end is Celery's result only.
            tell(MessageRefused(reason=error.reason))
            return Done(outcome=error)
        return _refuse(runtime, task_id, error.for_job(task_id))
    except RedisError as error:
        # It is nowhere but in this message, so the message must not be lost.
        raise _put_back(error) from None
    if settled:
        return Done(outcome=read_outcome(settled, recorded.job_id))
    if recorded.new and not job.countdown_s:
        try:
            runtime.broker.publish([(job.id, job.lane)])
        except Exception as error:  # noqa: BLE001  kombu may raise anything
            # It is in the ledger, so the sweep publishes it.
            tell(PublishFailed(job_id=job.id, lane=job.lane, error=type(error).__name__))
    return NothingToDo()


def _submitted(task_id: str, args: tuple[Any, ...], fields: dict[str, Any]) -> JobRecord:
    """The job of a plain client's message. It has the task's own id, so that one that is delivered twice is one job."""
    if fields.get("id", task_id) != task_id:
        raise InvalidArguments.about("id", "must be left out, or be the task's id")
    return decode_job({**fields, "id": task_id} | ({"args": args} if args else {}))


def _left_s(message_expires: str | None) -> float | None:
    """Seconds until a message expires that was sent with Celery's own `expires`: its job does then, too."""
    if message_expires is None:
        return None
    at = datetime.fromisoformat(message_expires)
    left = (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)
    return round(left.total_seconds(), 3)


def _refuse(runtime: Runtime, task_id: str, error: SmsError) -> Done | NothingToDo:
    try:
        return runtime.sender.refuse(task_id, error)
    except RedisError as unreachable:
        # Its refusal is recorded nowhere yet, so the message must not be lost.
        raise _put_back(unreachable) from None


def _put_back(error: BaseException) -> Reject:
    tell(MessagePutBack(error=type(error).__name__))
    return Reject("Redis or the result backend is unreachable", requeue=True)


def _unless_unreachable(run: Callable[[], Done | NothingToDo]) -> Done | NothingToDo:
    try:
        return run()
    except RedisError as error:
        # The ledger still has the job as it was, or in flight: the sweep goes on with it when Redis is back.
        tell(RunBrokenOff(error=type(error).__name__))
        return NothingToDo()


def _end(runtime: Runtime, task_id: str, ended: Done | NothingToDo) -> dict[str, Any]:
    """Store Celery's result, and end the run as Celery understands it: a result, an exception, or neither."""
    if isinstance(ended, NothingToDo):
        raise Ignore
    task_ids = ended.followers if ended.stored else (task_id, *ended.followers)
    try:
        if task_ids:
            runtime.results.store(task_ids[0], ended.outcome, task_ids[1:])
    except STORE_ERRORS as error:
        # The ledger has the outcome. The message cannot have been acknowledged either, so it comes again.
        raise _put_back(error) from None
    if isinstance(ended.outcome, SmsError):
        raise ended.outcome
    return encode_result(ended.outcome)

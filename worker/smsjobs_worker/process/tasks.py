"""The tasks: Celery's verbs and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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
    is_job_id,
)
from smsjobs.ledger import EntryDamaged, read_outcome
from smsjobs.redis_store import error_code, is_damage, is_transient
from smsjobs.redis_store.patience import patiently
from smsjobs_worker.logs.facts import (
    MessagePutBack,
    MessagePutBackForRefusal,
    MessageRefused,
    PublishFailed,
    RunBrokenOff,
    RunRefused,
    TaskBroken,
    tell,
)
from smsjobs_worker.logs.privacy import describe
from smsjobs_worker.process.door.handed import Handed
from smsjobs_worker.process.results import STORE_ERRORS
from smsjobs_worker.sending.sender import Done, NothingToDo

if TYPE_CHECKING:
    from celery import Celery

    from smsjobs_worker.process.runtime import Runtime

__all__ = ["add_tasks"]

#: Seconds for which a submitted job is tried to be recorded before its message is put back.
_RECORD_S: Final = 10.0


class _QuietRequest(Request):  # type: ignore[misc]  # celery ships no types
    """A request that shows its arguments to nobody, and that cannot be revoked: only the ledger ends a job."""

    def revoked(self) -> bool:
        """Celery would store REVOKED, and the job would be sent all the same."""
        return False

    def info(self, safe: bool = False) -> dict[str, Any]:
        """What `celery inspect` shows."""
        del safe  # without it, Celery shows the arguments themselves
        shown: dict[str, Any] = super().info(safe=True)
        return shown


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
    """Register the tasks with the app. Their arguments are what the door hands over."""

    @app.task(name=SEND_TASK, base=_SmsTask, bind=True, shared=False)  # type: ignore[untyped-decorator]
    def send(self: Task, *handed: Any) -> str:
        """Carry one job on. The only argument of its message is the job's id."""
        return _framed(runtime(), self.request.id, _send, Handed(*handed))

    @app.task(name=SUBMIT_TASK, base=_SmsTask, bind=True, shared=False)  # type: ignore[untyped-decorator]
    def submit(self: Task, *handed: Any) -> str:
        """Record a plain Celery client's job under this task's id, and publish it on its lane."""
        return _framed(runtime(), self.request.id, _submit, Handed(*handed))


def _framed(
    runtime: Runtime, task_id: str, work: Callable[[Runtime, str, Handed], Done | NothingToDo], handed: Handed
) -> str:
    """Do the work, and end the run whatever happens in it."""
    try:
        return _end(runtime, task_id, work(runtime, task_id, handed))
    except (SmsError, Ignore, Reject):
        raise
    except Exception as error:  # noqa: BLE001  its message must end
        tell(TaskBroken(error=describe(error)))
    return _broken(runtime, task_id)


def _broken(runtime: Runtime, task_id: str) -> str:
    """End a run that broke off. A job that the ledger has goes its own way; any other has the result that nothing was sent."""
    text = "the worker met an unexpected error, which its log names; nothing was sent"
    failed = RequestFailed(text, reason="internal_error", outcome="not_sent", out_id=task_id)
    try:
        return _end(runtime, task_id, _refuse(runtime, task_id, failed))
    except (SmsError, Ignore, Reject):
        raise
    except Exception as error:  # noqa: BLE001  not even that can be recorded
        tell(TaskBroken(error=describe(error)))
        raise Ignore from None


def _send(runtime: Runtime, task_id: str, handed: Handed) -> Done | NothingToDo:
    try:
        job_id = _nudged(handed)
    except InvalidArguments as error:
        return _refuse(runtime, task_id, error.for_job(task_id))
    return _unless_unreachable(lambda: runtime.sender.run(job_id))


def _nudged(handed: Handed) -> str:
    """The job that a message of ours is about."""
    match handed.arguments():
        case [str() as job_id], {} as named if is_job_id(job_id) and not named:
            return job_id
    raise InvalidArguments(
        f"{SEND_TASK} takes a job's id and nothing else; a newer producer may have sent this",
        reason="job_unreadable",
    )


def _submit(runtime: Runtime, task_id: str, handed: Handed) -> Done | NothingToDo:
    left_s = handed.left_s()
    if left_s is not None and left_s <= 0:
        expired = RequestFailed(
            "its message expired before a worker took it",
            reason="expired",
            outcome="not_sent",
            out_id=task_id,
        )
        return _refuse(runtime, task_id, expired)
    try:
        job = _payload(runtime, task_id, handed)
        if left_s is not None and left_s < job.expires_s:
            job = replace(job, expires_s=left_s)
        recorded = patiently(lambda: runtime.ledger.record(job), for_s=_RECORD_S)
        # A known key means an earlier job. This task's result will be the outcome of that job.
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
    except EntryDamaged:
        # The job of its id or key is set aside, and that was told. It must not become another job.
        return _no_entry(task_id)
    except RedisError as error:
        return _not_recorded(task_id, error)
    if settled:
        return Done(outcome=read_outcome(settled, recorded.job_id))
    if recorded.new and not job.countdown_s:
        try:
            runtime.broker.publish([(job.id, job.lane)])
        except Exception as error:  # noqa: BLE001  kombu may raise anything
            # It is in the ledger, so the sweep publishes it.
            tell(PublishFailed(job_id=job.id, lane=job.lane, error=type(error).__name__))
    return NothingToDo()


def _payload(runtime: Runtime, task_id: str, handed: Handed) -> JobRecord:
    try:
        return _submitted(task_id, handed)
    except InvalidArguments:
        # A payload that is not valid is not the one of the job that may have this id. A message that was refused has no element.
        known = runtime.ledger.read(task_id)
        if known is not None and known.element:
            raise IdempotencyConflict.of_id(task_id) from None
        raise


def _submitted(task_id: str, handed: Handed) -> JobRecord:
    """The job of a plain client's message. It has the task's own id, so that one that is delivered twice is one job."""
    args, fields = handed.arguments()
    if fields.get("id", task_id) != task_id:
        raise InvalidArguments.about("id", "must be left out, or be the task's id")
    given = {**fields, "id": task_id} | ({"args": args} if args else {})
    if handed.eta is not None:
        # Waiting is a due time in the ledger. Celery would keep the message in the memory of one worker.
        given["countdown"] = handed.countdown_s(given.get("countdown"))
    if handed.traceparent is not None:
        given["traceparent"] = handed.traceparent
    try:
        return decode_job(given)
    except InvalidArguments:
        raise
    except Exception as error:  # noqa: BLE001  a value that no rule foresaw is the sender's mistake
        tell(TaskBroken(error=describe(error)))
        raise InvalidArguments("a value of the job cannot be read", reason="job_unreadable") from None


def _refuse(runtime: Runtime, task_id: str, error: SmsError) -> Done | NothingToDo:
    try:
        return runtime.sender.refuse(task_id, error)
    except EntryDamaged:
        return _no_entry(task_id)
    except RedisError as unreachable:
        return _not_recorded(task_id, unreachable)


def _not_recorded(task_id: str, error: RedisError) -> Done:
    """What becomes of a message that Redis did not take: it is recorded nowhere yet.

    Raises:
        Reject: It comes again, because it must not be lost.
    """
    if not is_damage(error):
        raise _put_back(error) from None
    # It would come again for ever.
    tell(TaskBroken(error=error_code(error)))
    return _no_entry(task_id)


def _no_entry(task_id: str) -> Done:
    damaged = "what Redis has under this id is not a job's entry"
    return Done(outcome=RequestFailed(damaged, reason="internal_error", outcome="not_sent", out_id=task_id))


def _put_back(error: BaseException) -> Reject:
    if _is_refusal(error):
        tell(MessagePutBackForRefusal(error=error_code(error)))
        return Reject("Redis refused a command", requeue=True)
    tell(MessagePutBack(error=type(error).__name__))
    return Reject("Redis or the result backend is unreachable", requeue=True)


def _is_refusal(error: BaseException) -> bool:
    """Whether Redis answered and refused, which is not the same as being unreachable."""
    return isinstance(error, RedisError) and not is_transient(error)


def _unless_unreachable(run: Callable[[], Done | NothingToDo]) -> Done | NothingToDo:
    try:
        return run()
    except RedisError as error:
        # The ledger still has the job as it was, or in flight. The sweep continues it when Redis is back.
        refused = _is_refusal(error)
        tell(RunRefused(error=error_code(error)) if refused else RunBrokenOff(error=type(error).__name__))
        return NothingToDo()


def _end(runtime: Runtime, task_id: str, ended: Done | NothingToDo) -> str:
    """Store Celery's result, and end the run as Celery understands it: a value, an exception, or neither.

    The value is not the result, which is stored already: Celery writes its repr for each task, whoever reads it.
    """
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
    return ended.outcome.outcome

"""The error tree: a class for each thing that a caller can do something about.

::

    SmsError
    ├── InvalidArguments          46001  the call or the element's configuration is wrong; nothing was sent
    │   └── IdempotencyConflict   46001  the same key was used for a different payload
    ├── AliyunRejected            46002  Aliyun answered an error
    └── RequestFailed             46003  no answer decided it: `outcome` is "not_sent" or "unknown"
        ├── QueueUnavailable      46003  the job could not be handed over, because Redis is unreachable
        └── VerificationRefused   46003  a limit, a country or a guard refused to send a code; there is no job

Errors cross Celery's JSON result backend with class and attributes. That works only as long as ``cls(*error.args)``
rebuilds the error. So every attribute is a positional argument of JSON type, is passed on to ``Exception.__init__``,
and new ones come last. Our own code passes the message and names everything else: `SmsError.for_job` is the one way
to make an error from another. ``__module__`` is written out, because Celery stores it with every failed result.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar, Self, cast

__all__ = [
    "AliyunRejected",
    "ErrorCode",
    "IdempotencyConflict",
    "InvalidArguments",
    "QueueUnavailable",
    "RequestFailed",
    "SmsError",
    "VerificationRefused",
]


class ErrorCode(IntEnum):
    """Our three codes."""

    #: The arguments are bad, or the element does not exist or cannot load.
    BAD_ARGUMENTS = 46001
    #: Aliyun answered an error.
    REJECTED = 46002
    #: The request failed: it never left, it came too late, or its answer was lost.
    REQUEST_FAILED = 46003


class SmsError(Exception):
    """A job that did not end in ``accepted``.

    Its text begins with the code, as in ``46002 isv.BUSINESS_LIMIT_CONTROL: …``. It shows no phone number, no
    parameter and no secret.

    Attributes:
        code: 46001, 46002 or 46003 (`ErrorCode`).
        reason: A stable word for the cause, such as ``"expired"``.
        message: The cause and what helps, for people.
        outcome: The job's outcome: ``"rejected"``, ``"not_sent"`` or ``"unknown"``.
        out_id: The job's id, or None where there is no job.
        attempts: How many requests were made, the first included.
    """

    __module__ = "smsjobs"
    code: ClassVar[int] = int(ErrorCode.REQUEST_FAILED)

    def __init__(
        self,
        message: str = "",
        reason: str = "failed",
        outcome: str = "unknown",
        out_id: str | None = None,
        attempts: int = 0,
        *more: Any,
    ) -> None:
        # All of it positionally: what is not in `args` does not survive the result backend.
        super().__init__(message, reason, outcome, out_id, attempts, *more)
        self.message = message
        self.reason = reason
        self.outcome = outcome
        self.out_id = out_id
        self.attempts = attempts

    @property
    def label(self) -> str:
        """The word after the code in the error's text."""
        return self.reason

    def __str__(self) -> str:
        return f"{self.code} {self.label}: {self.message}"

    def for_job(self, out_id: str, *, attempts: int | None = None, outcome: str | None = None) -> Self:
        """The same error, told of that job.

        An application's own subclass becomes the class of this tree that it derives from: no other process has it.

        Args:
            out_id: The job's id.
            attempts: How many requests were made for the job; None leaves it as it is.
            outcome: The job's outcome; None leaves it as it is.
        """
        ours = next(each for each in type(self).__mro__ if each.__module__ == SmsError.__module__)
        fields = cast("type[SmsError]", ours).to_json(self) | {"out_id": out_id}
        del fields["code"]  # the class has it
        if attempts is not None:
            fields["attempts"] = attempts
        if outcome is not None:
            fields["outcome"] = outcome
        return cast("Self", ours(**fields))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.code} {self.label} outcome={self.outcome} attempts={self.attempts}>"

    def to_json(self) -> dict[str, Any]:
        """The error as the JSON of an outcome."""
        return {
            "code": self.code,
            "reason": self.reason,
            "message": self.message,
            "outcome": self.outcome,
            "out_id": self.out_id,
            "attempts": self.attempts,
        }

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.args == getattr(other, "args", None)

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.out_id, self.reason))


class InvalidArguments(SmsError):
    """46001: an argument is missing or malformed, or the element does not exist or cannot load.

    Nothing was sent. ``reason`` is ``"invalid_argument"``, ``"ambiguous_number"`` (it may be somebody else's, see
    `read_phone`), ``"element_not_found"``, ``"element_invalid"``, ``"job_unreadable"`` (a message or record that this
    version cannot read), ``"job_not_found"`` or ``"campaign_not_found"``. Of a job that cannot be sent again or cancelled
    by itself: ``"not_retryable"``, ``"payload_gone"`` or ``"part_of_campaign"``.

    Attributes:
        argument: The argument that is wrong, such as ``"phoneList"``; None where no argument is to blame. Most
            messages about an argument begin with this name, where a program with words of its own can replace it.
    """

    __module__ = "smsjobs"
    code = int(ErrorCode.BAD_ARGUMENTS)

    def __init__(
        self,
        message: str = "",
        reason: str = "invalid_argument",
        outcome: str = "rejected",
        out_id: str | None = None,
        attempts: int = 0,
        argument: str | None = None,
    ) -> None:
        super().__init__(message, reason, outcome, out_id, attempts, argument)
        self.argument = argument

    @classmethod
    def about(cls, argument: str, problem: str) -> Self:
        """The error of that argument, as in ``phoneList is empty``."""
        return cls(f"{argument} {problem}", argument=argument)

    def to_json(self) -> dict[str, Any]:
        """The error as the JSON of an outcome."""
        return super().to_json() | {"argument": self.argument}


class IdempotencyConflict(InvalidArguments):
    """46001: the idempotency key belongs to a job with a different payload, whose id is ``out_id``.

    A campaign's name is such a key too; then ``argument`` is ``"name"``. So is the task id of a plain Celery client's job; then
    it is ``"id"``.
    """

    __module__ = "smsjobs"

    def __init__(
        self,
        message: str = "the idempotency key belongs to a job with another payload: use a new key",
        reason: str = "idempotency_conflict",
        outcome: str = "rejected",
        out_id: str | None = None,
        attempts: int = 0,
        argument: str | None = "idempotency_key",
    ) -> None:
        super().__init__(message, reason, outcome, out_id, attempts, argument)

    @classmethod
    def of_id(cls, out_id: str) -> IdempotencyConflict:
        """The conflict of an id that belongs to a job with another payload."""
        return cls("id belongs to a job with another payload: use another id", out_id=out_id, argument="id")


class AliyunRejected(SmsError):
    """46002: Aliyun answered an error, so nothing was sent.

    Attributes:
        aliyun_code: Aliyun's own code as text, such as ``isv.BUSINESS_LIMIT_CONTROL``.
        aliyun_message: Aliyun's own text, without anything that could repeat the request's content.
        request_id: Aliyun's id of the request, for a support ticket.
        retry_after: Seconds until the same payload may work, or None.
        advice: ``"never"`` (this payload cannot work), ``"later"`` (it may, after `retry_after`) or
            ``"operator"`` (somebody has to fix account, signature, template or permissions first).
    """

    __module__ = "smsjobs"
    code = int(ErrorCode.REJECTED)

    def __init__(
        self,
        message: str = "",
        reason: str = "refused",
        outcome: str = "rejected",
        out_id: str | None = None,
        attempts: int = 1,
        aliyun_code: str = "",
        aliyun_message: str = "",
        request_id: str | None = None,
        retry_after: float | None = None,
        advice: str = "operator",
    ) -> None:
        super().__init__(
            message,
            reason,
            outcome,
            out_id,
            attempts,
            aliyun_code,
            aliyun_message,
            request_id,
            retry_after,
            advice,
        )
        self.aliyun_code = aliyun_code
        self.aliyun_message = aliyun_message
        self.request_id = request_id
        self.retry_after = retry_after
        self.advice = advice

    @property
    def label(self) -> str:
        """Aliyun's code."""
        return self.aliyun_code or self.reason

    def to_json(self) -> dict[str, Any]:
        """The error as the JSON of an outcome."""
        return super().to_json() | {
            "aliyun_code": self.aliyun_code,
            "aliyun_message": self.aliyun_message,
            "request_id": self.request_id,
            "retry_after": self.retry_after,
            "advice": self.advice,
        }


class RequestFailed(SmsError):
    """46003: the request failed.

    ``outcome`` tells whether sending again is safe:

    - ``"not_sent"``: surely nothing reached Aliyun. Sending again is safe.
    - ``"unknown"``: a request left, its answer was lost, and no look-up settled it. Sending again may send twice.

    ``reason`` is ``"connect_failed"``, ``"expired"``, ``"cancelled"``, ``"throttled"``, ``"suppressed"`` (the number must not be
    sent to, see `Sms.suppression`), ``"no_answer"`` or ``"interrupted"``.
    """

    __module__ = "smsjobs"


class QueueUnavailable(RequestFailed):
    """46003: a call could not do its work, because Redis is unreachable, did not answer in time, or refused.

    ``outcome`` tells whether the job may have been recorded all the same:

    - ``"unknown"``: it may. Calling again with the same ``idempotency_key`` never sends twice; without a key it may.
    - ``"not_sent"``: surely nothing was recorded by this call. Every connection was refused, Redis answered with a
      refusal, or nothing was to be recorded yet.
    """

    __module__ = "smsjobs"

    def __init__(
        self,
        message: str = "Redis did not answer in time",
        reason: str = "queue_unavailable",
        outcome: str = "unknown",
        out_id: str | None = None,
        attempts: int = 0,
    ) -> None:
        super().__init__(message, reason, outcome, out_id, attempts)


class VerificationRefused(RequestFailed):
    """46003: no code was sent, because a limit, the list of countries or the application's guard refused it.

    ``reason`` is ``"number_limit"``, ``"client_limit"``, ``"ceiling"``, ``"country_not_allowed"`` or the guard's word.
    Of the number it tells only that it was sent to often.

    Attributes:
        retry_after: Seconds until the limit permits it, or None where waiting does not help.
    """

    __module__ = "smsjobs"

    def __init__(
        self,
        message: str = "",
        reason: str = "blocked",
        outcome: str = "not_sent",
        out_id: str | None = None,
        attempts: int = 0,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message, reason, outcome, out_id, attempts, retry_after)
        self.retry_after = retry_after

    def to_json(self) -> dict[str, Any]:
        """The error as the JSON of an outcome."""
        return super().to_json() | {"retry_after": self.retry_after}

"""What sending and checking a code return."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from smsjobs.job import Job

__all__ = ["CheckResult", "CheckStatus", "Sent"]

CheckStatus = Literal["ok", "wrong", "expired", "too_many_tries", "none_sent"]


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A code is being sent."""

    #: The job that sends it. Wait for its outcome to know whether Aliyun accepted the message.
    job: Job
    #: The number in the form that is compared: mainland numbers bare, others with country code and without +.
    phone: str = field(repr=False)
    #: Seconds for which the code is valid.
    expires_in: float
    #: Seconds until another message may be sent to this number, for the page's "send again".
    retry_after: int


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """Whether a code was right. It is truthy exactly if it was."""

    #: ``"ok"``; ``"wrong"``; ``"expired"``; ``"too_many_tries"``: the code is dead, ask for a new one;
    #: ``"none_sent"``: there is no code for this number and purpose, or it was already used.
    status: CheckStatus
    #: With ``"wrong"``: how many tries are left.
    tries_left: int = 0
    #: The number in the same form as `Sent.phone`. Use it to find the account.
    phone: str = field(default="", repr=False, compare=False)

    def __bool__(self) -> bool:
        return self.status == "ok"

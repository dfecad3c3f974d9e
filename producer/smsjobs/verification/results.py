"""What sending and checking a code give back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from smsjobs.job import Job

__all__ = ["CheckResult", "CheckStatus", "Sent"]

CheckStatus = Literal["ok", "wrong", "expired", "too_many_tries", "none_sent"]


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A code is on its way."""

    #: The job that carries it: wait for its outcome to know whether Aliyun accepted it.
    job: Job
    #: The number in the one form that it is compared in: mainland numbers bare, others with country code, no +.
    phone: str = field(repr=False)
    #: Seconds for which the code is good.
    expires_in: float
    #: Seconds until this number may be sent another message, for the page's "send again".
    retry_after: int


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """Whether a code was right. True exactly when it was."""

    #: ``"ok"``; ``"wrong"``; ``"expired"``; ``"too_many_tries"``: the code is dead, ask for a new one;
    #: ``"none_sent"``: there is no code of this number and purpose, or it was used.
    status: CheckStatus
    #: With ``"wrong"``: how many tries are left.
    tries_left: int = 0
    #: The number in the same form as `Sent.phone`: what to look an account up by.
    phone: str = field(default="", repr=False, compare=False)

    def __bool__(self) -> bool:
        return self.status == "ok"

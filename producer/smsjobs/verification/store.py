"""What a store of codes is asked and answers. Redis is the real one; `smsjobs.testing` has one in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from smsjobs.verification.results import CheckStatus
from smsjobs.verification.rules import Rules

__all__ = ["AGAIN_S", "REMEMBER_S", "Checked", "CodeStore", "Held", "Issued", "SendRequest", "Try"]

#: Seconds for which a send that was counted and never confirmed is given out again before anything else is tried.
#: It is Aliyun's shortest window: within it a second message would hardly be sent anyway.
AGAIN_S: Final = 60.0

#: Seconds for which a dead code is remembered, so that a check can say what it died of.
REMEMBER_S: Final = 3600.0

#: Names by the current and by the old secret; the second is empty while there is none.
Tags = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class SendRequest:
    """A send that asks for a code and for permission."""

    #: Of number and purpose.
    code: Tags
    #: Of the number.
    number: Tags
    #: Of the client's address; both empty where it is not known.
    client: Tags
    #: A new code, for the case that none lives.
    salt: str
    #: Its proof.
    proof: str = field(repr=False)
    rules: Rules


@dataclass(frozen=True, kw_only=True)
class Issued:
    """The send is counted."""

    #: Which of the two tags the code has, 1 or 2, and so which secret made it.
    which: int
    #: What the code is derived from.
    salt: str
    digits: int
    #: The number of the send, from 1 for each code. The same again: it may have been sent already.
    send: int
    #: Seconds of life that the code has left.
    left_s: float
    #: Seconds until the number's limits permit another send.
    wait_s: float


@dataclass(frozen=True, kw_only=True)
class Held:
    """A limit refuses the send; nothing was counted."""

    #: Whose limit it is.
    whose: Literal["number", "client", "purpose"]
    #: Seconds until it permits it.
    wait_s: float


@dataclass(frozen=True, kw_only=True)
class Try:
    """A code that somebody typed."""

    #: Of number and purpose.
    code: Tags
    #: Its proof by each secret.
    proofs: tuple[str, str] = field(repr=False)
    #: Tells a repeated call from another try.
    token: str
    max_checks: int


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What became of a try."""

    status: CheckStatus
    tries_left: int


class CodeStore(Protocol):
    """Codes and counts. Each call is one atomic step."""

    def issue(self, request: SendRequest) -> Issued | Held:
        """Count a send and give it the live code, else the request's; or refuse it."""

    def confirm(self, tag: str, salt: str, send: int) -> None:
        """The send is in the ledger: the next one is a new one. Never raises for Redis being away."""

    def salts(self, code: Tags) -> tuple[str, str]:
        """The salt of the code of each tag; empty where there is none."""

    def check(self, tried: Try) -> Checked:
        """Count a try; the right one ends the code."""

"""The calls and answers of a store of codes. The real store is Redis; `smsjobs.testing` has one in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from smsjobs.verification.results import CheckStatus
from smsjobs.verification.rules import Rules

__all__ = ["AGAIN_S", "REMEMBER_S", "Checked", "CodeStore", "Held", "Issued", "SendRequest", "Try"]

#: Seconds for which a send that was counted but not confirmed is returned again, before anything else is tried. It is
#: Aliyun's shortest window. Within it, a second message would hardly be sent anyway.
AGAIN_S: Final = 60.0

#: Seconds for which a dead code is remembered, so that a check can say why it is dead.
REMEMBER_S: Final = 3600.0

#: Names by the current and by the old secret. The second is empty if there is no old secret.
Tags = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class SendRequest:
    """A send that asks for a code and for permission."""

    #: Of number and purpose.
    code: Tags
    #: Of the number.
    number: Tags
    #: Of the client's address. Both are empty if it is not known.
    client: Tags
    #: The salt of a new code, which is used if no code is live.
    salt: str
    #: Its proof.
    proof: str = field(repr=False)
    rules: Rules


@dataclass(frozen=True, kw_only=True)
class Issued:
    """The send is counted."""

    #: Which of the two tags the code has, 1 or 2. It tells which secret made the code.
    which: int
    #: What the code is derived from.
    salt: str
    digits: int
    #: The number of the send, from 1 for each code. If it is the same as before, the message may already be sent.
    send: int
    #: Seconds until the code expires.
    left_s: float
    #: Seconds until the number's limits permit another send.
    wait_s: float


@dataclass(frozen=True, kw_only=True)
class Held:
    """A limit refuses the send; nothing was counted."""

    #: Whose limit it is.
    whose: Literal["number", "client", "purpose"]
    #: Seconds until it permits a send.
    wait_s: float


@dataclass(frozen=True, kw_only=True)
class Try:
    """A code that somebody typed."""

    #: Of number and purpose.
    code: Tags
    #: Its proof by each secret.
    proofs: tuple[str, str] = field(repr=False)
    #: Distinguishes a repeated call from another try.
    token: str
    max_checks: int


@dataclass(frozen=True, kw_only=True)
class Checked:
    """The result of a try."""

    status: CheckStatus
    tries_left: int


class CodeStore(Protocol):
    """Codes and counts. Each call is one atomic step."""

    def issue(self, request: SendRequest) -> Issued | Held:
        """Count a send and give it the live code, or the request's new code if none is live; or refuse the send."""

    def confirm(self, tag: str, salt: str, send: int) -> None:
        """Note that the send is in the ledger, so the next one is new. Does not raise if Redis is unreachable."""

    def salts(self, code: Tags) -> tuple[str, str]:
        """Return the salt of each tag's code, empty if there is no code."""

    def check(self, tried: Try) -> Checked:
        """Count a try. The right one ends the code."""

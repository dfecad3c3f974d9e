"""The facts of verification codes."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from smsjobs.facts.fact import Fact

__all__ = [
    "CeilingReached",
    "CodeChecked",
    "CodeRefused",
    "CodeSent",
    "ConfirmFailed",
]


class _OfCodes(Fact):
    logger = "smsjobs.verification"


@dataclass(frozen=True, kw_only=True)
class CodeSent(_OfCodes):
    """A code was handed over to be sent."""

    action = "code_sent"
    level = logging.INFO
    sentence = "a code is on its way"

    purpose: str
    element: str
    job_id: str
    send: int


@dataclass(frozen=True, kw_only=True)
class CodeRefused(_OfCodes):
    """A code was not sent: a limit of the number or the client, its country, or the application's guard."""

    action = "code_refused"
    level = logging.INFO
    sentence = "a code was refused"

    purpose: str
    element: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class CeilingReached(CodeRefused):
    """A code was not sent: the purpose had as many as it may, which somebody may be driving up."""

    level = logging.WARNING
    sentence = "a code was refused: its purpose had as many as it may"


@dataclass(frozen=True, kw_only=True)
class CodeChecked(_OfCodes):
    """Somebody typed a code."""

    action = "code_checked"
    level = logging.INFO
    sentence = "a code was checked"

    purpose: str
    element: str
    status: str


@dataclass(frozen=True, kw_only=True)
class ConfirmFailed(_OfCodes):
    """Redis did not note that a code was handed over; the next send finds it in the ledger."""

    action = "confirm_failed"
    level = logging.INFO
    sentence = "a send could not be confirmed"

    error: str

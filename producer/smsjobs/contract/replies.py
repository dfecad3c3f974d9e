"""A reply: a message that a recipient sent back. Aliyun calls it SmsUp."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["Reply"]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A message that a recipient sent back, as far as it is known what it is about."""

    #: Who sent it: the number in the form that is sent.
    phone: str = field(repr=False)
    #: The text as it was typed.
    content: str = field(repr=False)
    #: When it was sent, with its zone; None where Aliyun does not tell.
    sent_at: datetime | None = None
    #: Aliyun's id of the reply, the same each time that it is pushed; empty where it has none.
    sequence_id: str = ""
    #: The extension code that it was sent to, and the signature, where Aliyun tells them.
    dest_code: str = ""
    sign_name: str = ""
    #: Whether its text is one by which people opt out. Then the number is suppressed for promotional messages.
    opted_out: bool = False
    #: The job that it most likely answers: the last one to that number, at most 72 hours before. None where none is known.
    job_id: str | None = None
    #: The full name of that job's element.
    element: str | None = None

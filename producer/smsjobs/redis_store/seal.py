"""Encryption of jobs in the ledger, from the producer to the worker. SMS_PAYLOAD_KEY turns it on.

The parameters of a job stay in Redis until the job is settled. They may include a verification code. When they are
sealed, somebody who can read Redis but has no key cannot use them.

The recipients of a campaign stay in Redis as long as its report. They are sealed in the same way.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from smsjobs.contract import InvalidArguments

__all__ = ["CannotOpen", "Seal", "unseal"]

#: The beginning of a sealed job. Jobs recorded before the key was set do not have it, and are read as they are.
_MARK: Final = "sealed:"


class CannotOpen(InvalidArguments):
    """The job is sealed with a key that this process does not have. Another worker may have it."""


class Seal:
    """Seals with its first key and opens with any of them, so that a key can be replaced.

    Args:
        keys: Fernet keys, separated by commas: 32 random bytes each, in URL-safe base64.

    Raises:
        ValueError: One is not a valid Fernet key.
        ImportError: The extra `encryption` is not installed.
    """

    def __init__(self, keys: str) -> None:
        from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415  an extra: only where a key is set

        fernets = [Fernet(key.strip()) for key in keys.split(",")]
        self._fernet = MultiFernet(fernets)
        self._first = fernets[0]
        # Not the key itself, which encrypts: another one that is made from it.
        first, *_ = keys.split(",")
        self._marking = hashlib.sha256(b"smsjobs mark\0" + first.strip().encode()).digest()

    def __repr__(self) -> str:
        return "<Seal>"

    def close(self, text: str) -> str:
        """Return the text, sealed."""
        return _MARK + self._fernet.encrypt(text.encode()).decode("ascii")

    def mark(self, text: bytes) -> str:
        """Return a digest of the text that nobody can try out without the key.

        What stands before its colon is the same for all marks that were made with one key.
        """
        made_with = hashlib.sha256(self._marking).hexdigest()[:8]
        return f"{made_with}:{hmac.new(self._marking, text, hashlib.sha256).hexdigest()[:32]}"

    def is_current(self, text: str) -> bool:
        """Whether the text is sealed with the first key."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415  as above

        try:
            self._first.decrypt(text.removeprefix(_MARK))
        except (InvalidToken, ValueError):
            return False
        return text.startswith(_MARK)

    def open(self, sealed: str) -> str:
        """Return the text that was sealed.

        Raises:
            CannotOpen: None of the keys opens it (``reason="job_unreadable"``).
        """
        from cryptography.fernet import InvalidToken  # noqa: PLC0415  as above

        try:
            return self._fernet.decrypt(sealed.removeprefix(_MARK)).decode()
        except (InvalidToken, ValueError):  # ValueError: the text is not ASCII
            raise CannotOpen(
                "the job was sealed with a key that is not in this worker's SMS_PAYLOAD_KEY",
                reason="job_unreadable",
            ) from None


def unseal(text: str, seal: Seal | None) -> str:
    """Return the job's JSON, whether it was sealed or not.

    Raises:
        CannotOpen: It is sealed, and its key is not here.
    """
    if not text.startswith(_MARK):
        return text
    if seal is None:
        raise CannotOpen(
            "the job is sealed, and this worker has no SMS_PAYLOAD_KEY: give it the producer's",
            reason="job_unreadable",
        )
    return seal.open(text)

"""Encryption of jobs in the ledger, between whoever enqueues and whoever sends. Opt-in, by SMS_PAYLOAD_KEY.

The parameters of a job, a verification code among them, lie in Redis until the job is settled. Sealed, they are of no
use to someone who reads Redis and has not the key. The recipients of campaigns, which lie there as long as their
reports, are sealed likewise.
"""

from __future__ import annotations

from typing import Final

from smsjobs.contract import InvalidArguments

__all__ = ["CannotOpen", "Seal", "unseal"]

#: Stands before a sealed job, so that jobs from before the key was set are read as they are.
_MARK: Final = "sealed:"


class CannotOpen(InvalidArguments):
    """The job is sealed with a key that is not here; another worker may have it."""


class Seal:
    """Seals with the first of its keys and opens with any, so that a key can be replaced.

    Args:
        keys: Fernet keys, separated by commas: 32 random bytes each, in URL-safe base64.

    Raises:
        ValueError: One is no Fernet key.
        ImportError: The extra `encryption` is not installed.
    """

    def __init__(self, keys: str) -> None:
        from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415  an extra: only where a key is set

        self._fernet = MultiFernet([Fernet(key.strip()) for key in keys.split(",")])

    def __repr__(self) -> str:
        return "<Seal>"

    def close(self, text: str) -> str:
        """The text, sealed."""
        return _MARK + self._fernet.encrypt(text.encode()).decode("ascii")

    def open(self, sealed: str) -> str:
        """What was sealed.

        Raises:
            CannotOpen: None of the keys opens it (``reason="job_unreadable"``).
        """
        from cryptography.fernet import InvalidToken  # noqa: PLC0415  as above

        try:
            return self._fernet.decrypt(sealed.removeprefix(_MARK)).decode()
        except (InvalidToken, ValueError):  # ValueError: it is no ASCII text
            raise CannotOpen(
                "the job was sealed with a key that is not in this worker's SMS_PAYLOAD_KEY",
                reason="job_unreadable",
            ) from None


def unseal(text: str, seal: Seal | None) -> str:
    """The job's JSON, whether it was sealed or not.

    Raises:
        CannotOpen: It is sealed, and there is no key for it.
    """
    if not text.startswith(_MARK):
        return text
    if seal is None:
        raise CannotOpen(
            "the job is sealed, and this worker has no SMS_PAYLOAD_KEY: give it the producer's",
            reason="job_unreadable",
        )
    return seal.open(text)

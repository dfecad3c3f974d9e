"""The keys that sign requests, and what has some."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Final

__all__ = ["NO_CREDENTIALS", "Fixed", "KeySource", "Keys", "NoKeys"]

#: The reason of what was not sent because there were no keys to sign it.
NO_CREDENTIALS: Final = "no_credentials"


class NoKeys(Exception):
    """A source gives no keys at the moment. The text is for people and has nothing secret."""


@dataclass(frozen=True, kw_only=True)
class Keys:
    """An AccessKey, and its token where it is a temporary one."""

    #: AccessKey ID.
    access_key: str = field(repr=False)
    #: AccessKey Secret.
    access_secret: str = field(repr=False)
    #: The token of a temporary one, or None.
    security_token: str | None = field(default=None, repr=False)
    #: When they end, in seconds since the epoch; None where nobody tells.
    expires_at: float | None = field(default=None, compare=False)
    #: Where they come from, for people.
    source: str = field(default="", compare=False)


class KeySource(ABC):
    """Has the keys in force. Threads share it."""

    @abstractmethod
    def take(self, within_s: float) -> Keys:
        """The keys in force.

        Args:
            within_s: The longest wait, in seconds, where there are none.

        Raises:
            NotSent: There are none, with the reason `NO_CREDENTIALS`.
        """

    @abstractmethod
    def refused(self, keys: Keys) -> bool:
        """Aliyun refused these keys. Whether others are in force, or fetched, so that the same may be asked again."""

    @abstractmethod
    def accepted(self, keys: Keys) -> None:
        """Aliyun accepted these keys."""


class Fixed(KeySource):
    """Keys that stay as they are."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def take(self, within_s: float) -> Keys:
        """The keys."""
        del within_s
        return self._keys

    def refused(self, keys: Keys) -> bool:
        """There are no others."""
        del keys
        return False

    def accepted(self, keys: Keys) -> None:
        """Nothing follows."""

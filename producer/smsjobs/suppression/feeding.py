"""Numbers that come onto the list by themselves: of people who opted out, or whom a carrier or Aliyun refuses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from smsjobs.contract import Scope
from smsjobs.suppression.numbers import SuppressedNumbers
from smsjobs.suppression.values import Suppressed

__all__ = ["Feeding"]


@dataclass(frozen=True, kw_only=True)
class Feeding:
    """Puts numbers on the list."""

    numbers: SuppressedNumbers
    #: The scope for those that are refused (``SMS_SUPPRESS_REFUSED``); None: they are not put there.
    refused_scope: Scope | None

    def opted_out(self, phones: Iterable[str]) -> int:
        """Put those on the list who replied that they want no more promotional messages. Returns how many are new."""
        return self._put(phones, "promotional", "reply")

    def refused(self, phones: Iterable[str], source: Literal["receipt", "refusal"]) -> int:
        """Put those on the list whom a carrier or Aliyun refuses: on a black list, or opted out there.

        Returns:
            How many are new.
        """
        return 0 if self.refused_scope is None else self._put(phones, self.refused_scope, source)

    def _put(self, phones: Iterable[str], scope: Scope, source: str) -> int:
        # Nobody waits here: a push must be answered, and the first entry is seen in a quarter of a second by all.
        now = datetime.now(UTC)
        new = [Suppressed(phone=each, scope=scope, source=source, at=now) for each in phones]
        return self.numbers.put(new, wait=False)

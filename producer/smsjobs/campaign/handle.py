"""A handle on a campaign, which may be another process's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from smsjobs.campaign.progress import BY_HAND
from smsjobs.campaign.report import report

if TYPE_CHECKING:
    from smsjobs.campaign.progress import CampaignProgress
    from smsjobs.campaign.report import ReportRow
    from smsjobs.campaign.store import CampaignStore

__all__ = ["Campaign"]

#: Seconds between two looks at a campaign that is waited for: soon at first, rarely later.
_FIRST_LOOK_S: Final = 0.05
_LAST_LOOK_S: Final = 1.0


class Campaign:
    """A campaign. `sms.campaign(campaign_id)` makes the same handle in another process."""

    def __init__(self, campaign_id: str, store: CampaignStore) -> None:
        self._id = campaign_id
        self._store = store

    def __repr__(self) -> str:
        return f"<Campaign {self._id}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Campaign) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self._id)

    @property
    def id(self) -> str:
        """Made of the campaign's name and its element. Its report has the ids of its chunks."""
        return self._id

    def pause(self) -> None:
        """Send no further chunk. Requests that are under way end as they end. A campaign that has ended stays so.

        Raises:
            InvalidArguments: There is no such campaign, or no longer (``reason="campaign_not_found"``).
            QueueUnavailable: Redis is away, or refused it.
        """
        self._store.pause(self._id, BY_HAND)

    def resume(self) -> None:
        """Go on, with what was not sent. A campaign that has ended stays so.

        Raises:
            InvalidArguments: There is no such campaign, or no longer (``reason="campaign_not_found"``).
            QueueUnavailable: Redis is away, or refused it.
        """
        self._store.pause(self._id, "")

    def cancel(self) -> None:
        """End it for good. What was not sent is ``not_sent`` at once, with the reason ``cancelled``.

        Requests that are under way end as they end, and an answer that was lost is still looked up; `progress` has
        them as pending until then. A file that is being read is read to its end, for the report; if whoever reads it
        dies, the campaign ends 10 seconds later with the rows that were read. A finished campaign stays finished.

        Raises:
            InvalidArguments: There is no such campaign, or no longer (``reason="campaign_not_found"``).
            QueueUnavailable: Redis is away, or refused it.
        """
        self._store.cancel(self._id)

    def progress(self) -> CampaignProgress:
        """How far it is, at one moment.

        Raises:
            InvalidArguments: There is no such campaign, or no longer (``reason="campaign_not_found"``).
            QueueUnavailable: Redis is away, or refused it.
        """
        return self._store.progress(self._id)

    def wait(self, timeout: float | None = None) -> CampaignProgress:
        """Wait until it has ended: finished, or cancelled, its file read, and nobody pending.

        A paused one has not ended, nor one whose planning was interrupted: `progress` tells both, with the reason.

        Args:
            timeout: Seconds to wait; None waits as long as it takes.

        Returns:
            Its last progress. It is final: whatever is done to the campaign, these numbers do not change.

        Raises:
            TimeoutError: It goes on; `wait` may be called again.
            InvalidArguments: There is no such campaign, or no longer (``reason="campaign_not_found"``).
            QueueUnavailable: Redis is away, or refused it.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = _FIRST_LOOK_S
        while not (progress := self.progress()).ended:
            left = pause if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"campaign {self._id} has not ended after {timeout:g} s; it goes on")
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, _LAST_LOOK_S)
        return progress

    def report(self) -> Iterator[ReportRow]:
        """Every row of the input, once and in its order, with what became of it so far.

        Raises:
            InvalidArguments: There is no such campaign, or no longer (``reason="campaign_not_found"``).
            QueueUnavailable: Redis is away, or refused it.
        """
        return report(self._store, self._id)

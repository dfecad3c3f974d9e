"""A handle on a campaign, which another process may have started."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from smsjobs.campaign.progress import BY_HAND
from smsjobs.campaign.report import report
from smsjobs.contract import check_timeout

if TYPE_CHECKING:
    from smsjobs.campaign.progress import CampaignProgress
    from smsjobs.campaign.report import ReportRow
    from smsjobs.campaign.store import CampaignStore

__all__ = ["Campaign"]

#: Seconds between two looks at a campaign during `wait`: short at first, longer later.
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
        """Derived from the campaign's name and its element. The ids of its chunks are in its report."""
        return self._id

    def pause(self) -> None:
        """Send no further chunk. Requests in flight are completed. An ended campaign is not changed.

        Raises:
            InvalidArguments: This campaign does not exist, or not any more (``reason="campaign_not_found"``).
            QueueUnavailable: Redis is unreachable, or refused it.
        """
        self._store.pause(self._id, BY_HAND)

    def resume(self) -> None:
        """Continue a paused campaign with what was not sent. An ended campaign is not changed.

        Raises:
            InvalidArguments: This campaign does not exist, or not any more (``reason="campaign_not_found"``).
            QueueUnavailable: Redis is unreachable, or refused it.
        """
        self._store.pause(self._id, "")

    def cancel(self) -> None:
        """End the campaign. It cannot be resumed. What was not sent is ``not_sent`` at once, reason ``cancelled``.

        Requests in flight are completed, and lost answers are still looked up. `progress` counts them as pending until
        then. A file that is being read is read to its end, for the report. If the process that reads it dies, the
        campaign ends 10 seconds later with the rows read so far. A finished campaign is not changed.

        Raises:
            InvalidArguments: This campaign does not exist, or not any more (``reason="campaign_not_found"``).
            QueueUnavailable: Redis is unreachable, or refused it.
        """
        self._store.cancel(self._id)

    def progress(self) -> CampaignProgress:
        """Return how far the campaign is, at one moment.

        Raises:
            InvalidArguments: This campaign does not exist, or not any more (``reason="campaign_not_found"``).
            QueueUnavailable: Redis is unreachable, or refused it.
        """
        return self._store.progress(self._id)

    def wait(self, timeout: float | None = None) -> CampaignProgress:
        """Wait until the campaign has ended: it is finished, or it is cancelled, its file is read and nobody is pending.

        A paused campaign has not ended. Nor has one whose planning was interrupted. `progress` shows both, with the
        reason.

        Args:
            timeout: Seconds to wait. None waits without a limit.

        Returns:
            The campaign's last progress. These numbers are final.

        Raises:
            TimeoutError: The campaign has not ended. It continues, and `wait` may be called again.
            InvalidArguments: This campaign does not exist, or not any more (``reason="campaign_not_found"``). Or
                `timeout` is not a number.
            QueueUnavailable: Redis is unreachable, or refused it.
        """
        timeout = check_timeout(timeout)
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = _FIRST_LOOK_S
        while not (progress := self.progress()).ended:
            left = pause if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"campaign {self._id} has not ended after {timeout:g} s; it continues")
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, _LAST_LOOK_S)
        return progress

    def report(self) -> Iterator[ReportRow]:
        """Return every row of the input, once and in order, with its outcome so far.

        Raises:
            InvalidArguments: This campaign does not exist, or not any more (``reason="campaign_not_found"``).
            QueueUnavailable: Redis is unreachable, or refused it.
        """
        return report(self._store, self._id)

"""A planner's signs of life. As long as it gives them, a cancelled campaign waits for the rest of its file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

if TYPE_CHECKING:
    from smsjobs.campaign.planner import Planner
    from smsjobs.campaign.store import CampaignStore

__all__ = ["BEAT_S", "heartbeat"]

#: Seconds between two signs, even while the file is slow to give the next recipients. Five signs may be late.
BEAT_S: Final = 2.0


@contextmanager
def heartbeat(store: CampaignStore, planner: Planner) -> Iterator[None]:
    """Give signs of life until the block ends."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_S):
            with suppress(RedisError):
                store.still_planning(planner)

    threading.Thread(target=beat, name="smsjobs-planning", daemon=True).start()
    try:
        yield
    finally:
        over.set()

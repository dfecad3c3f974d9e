"""A subscriber of events, for tests."""

from typing import Any

import redis

from smsjobs.contract import JobRecord, element_tag, encode_event
from smsjobs.events import EventStreams
from smsjobs.redis_store import Seal
from support.ledgers import a_job, accepted, granted
from support.receipts import DeliveryBench

__all__ = ["TAG", "EventBench"]

TAG = element_tag("SMS.Test")


class EventBench(DeliveryBench):
    """A bench whose events one subscriber reads."""

    def __init__(self, client: "redis.Redis", *, seal: Seal | None = None) -> None:
        super().__init__(client)
        self.streams = EventStreams(client, seal=seal)

    def subscribe(self, name: str = "hook") -> None:
        """Have events kept for a subscriber."""
        self.ledger.announce(["SMS.Test"])
        self.streams.subscribe(name)

    def settled(self, outcome: Any = None, **more: Any) -> JobRecord:
        """A job that is settled, as accepted unless told otherwise."""
        job = a_job(**more)
        self.ledger.record(job)
        granted(self.ledger, job)
        self.ledger.settle(job.id, "token", accepted(job) if outcome is None else outcome(job))
        return job

    def told(self, name: str = "hook") -> list[dict[str, Any]]:
        """What the subscriber has not had yet, as JSON. It has it now."""
        found = self.streams.take(name, "test", tags=self.streams.tags(), most=1000, again_after_s=60)
        self.streams.done(name, found)
        return [encode_event(each.event(self.streams.seal)) for each in found]

    def short(self, name: str = "hook") -> list[tuple[str, str]]:
        """The same in two words each: its type, and its outcome, state or status."""
        return [(each["type"], _word(each["data"])) for each in self.told(name)]


def _word(data: dict[str, Any]) -> str:
    return str(data.get("outcome") or data.get("state") or data["status"])

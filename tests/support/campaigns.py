"""Campaigns on one Redis, with the clock at hand and a worker's part played by the test."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import redis

from smsjobs.campaign import Campaign, CampaignProgress, CampaignStore, Order, ReportRow, start
from smsjobs.contract import (
    MAX_PHONES,
    AliyunRejected,
    Outcome,
    RequestFailed,
    SendResult,
    encode_outcome,
    half_of,
    number_of,
    unpack_recipients,
)
from smsjobs.ledger import Granted, Ledger, Wait
from support.keys import campaign_key
from support.ledgers import Clock

KEEP_S = 3600.0
#: Most recipients of a page here: whole chunks of both sizes, and as few as that can be.
PAGE = 2 * MAX_PHONES


class Bench:
    """A ledger and campaigns on one Redis.

    Args:
        client: An empty Redis.
    """

    def __init__(self, client: "redis.Redis") -> None:
        self.redis = client
        self.clock = Clock()
        self.ledger = Ledger(client, retention_s=KEEP_S, clock=self.clock)
        self.store = CampaignStore(client, timeout_s=1, keep_s=KEEP_S, clock=self.clock)
        self._tokens = 0

    def start(self, count: int = 2500, *, name: str = "test", people: Any = None, **more: Any) -> Campaign:
        """A campaign to that many recipients, in chunks of 1,000."""
        source = numbers(count) if people is None else people
        order = Order.read(source, "SMS_1", more.pop("params", {}), strict=more.pop("strict", False))
        return start(self.store, replace(order, page_size=PAGE), element="SMS.Test", name=name, **more)

    def handle(self, campaign_id: str) -> Campaign:
        """The handle that another process would have."""
        return Campaign(campaign_id, self.store)

    def sweep(self) -> list[str]:
        """Feed, and what is to be published then."""
        self.ledger.feed()
        return sorted(due.job_id for due in self.ledger.sweep() if due.verb in ("publish", "requeue"))

    def claim(self, job_id: str) -> Any:
        """Claim a job under a new token."""
        self._tokens += 1
        return self.ledger.claim(job_id, f"token-{self._tokens}", lease_s=30)

    def granted(self, job_id: str) -> Granted:
        """Claim a job that must be free."""
        claim = self.claim(job_id)
        assert isinstance(claim, Granted), claim
        return claim

    def settle(self, granted: Granted, outcome: Outcome | None = None, *, halve: bool = False) -> None:
        """Settle a claimed job, as accepted unless told otherwise."""
        ended = outcome or SendResult(
            response={"Code": "OK", "BizId": f"biz-{granted.job_id}"}, out_id=granted.job_id, attempts=1
        )
        assert self.ledger.settle(granted.job_id, granted.token, encode_outcome(ended), halve=halve).ours

    def recipients(self, job_id: str) -> list[str]:
        """The numbers of a chunk."""
        campaign_id, _, name = job_id.rsplit("-", 2)
        packed = self.redis.hget(campaign_key(campaign_id, "rows"), number_of(name))
        return list(half_of(name, unpack_recipients(str(packed))[1]))

    def send(self, job_id: str, outcome: Outcome | None = None) -> None:
        """Claim and settle."""
        self.settle(self.granted(job_id), outcome)

    def wait(self, granted: Granted, **more: Any) -> None:
        """Give a claimed job back for a minute."""
        given: dict[str, Any] = {"state": "queued", "delay_s": 60, "attempts": 1}
        assert self.ledger.wait(granted.job_id, granted.token, Wait(**given | more))


def numbers(count: int) -> list[str]:
    """That many example numbers."""
    return [str(13800138000 + n) for n in range(count)]


def refused(code: str = "isv.MOBILE_NUMBER_ILLEGAL", advice: str = "never") -> AliyunRejected:
    """A refusal of Aliyun's."""
    return AliyunRejected("no", reason="refused", aliyun_code=code, advice=advice)


def unknown() -> RequestFailed:
    """An answer that was lost for good."""
    return RequestFailed("lost", reason="no_answer", outcome="unknown")


def counted(progress: CampaignProgress) -> dict[str, int]:
    """The outcomes that there are, by name."""
    names = ("pending", "accepted", "rejected", "not_sent", "unknown", "invalid", "duplicates")
    return {name: number for name in names if (number := getattr(progress, name))}


def outcomes(rows: Iterator[ReportRow]) -> Counter[str]:
    """How many rows of a report have each outcome."""
    return Counter(row.outcome for row in rows)

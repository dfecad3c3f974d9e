"""What the simulator saw: every received request and every accepted one. Tests rely on it as evidence."""

import math
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aliyun_sms_simulator.clock import beijing_text

__all__ = ["Acceptance", "Receipt", "Received", "Record"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """What the carrier will report of a recipient, and how the report is pushed."""

    #: DELIVERED, another code, or None for no report at all
    code: str | None = "DELIVERED"
    #: seconds until it is reported; None takes the setting ``delivery_delay_s``
    delay_s: float | None = None
    #: how often the report is pushed, 0 for never; None leaves that to the settings
    copies: int | None = None


@dataclass(kw_only=True, slots=True)
class Acceptance:
    """One accepted request."""

    biz_id: str
    action: str
    account: str
    out_id: str
    #: in normal form, in the caller's order
    phones: tuple[str, ...]
    #: one for all numbers, or one for each
    sign_names: tuple[str, ...]
    template_code: str
    #: one for all numbers, or one for each
    params: tuple[Mapping[str, str], ...]
    #: seconds since the epoch, by the simulator's clock
    at_s: float
    #: seconds until QuerySendDetails shows it, if a fault set them; infinite for never
    lookup_lag_s: float | None = None
    #: what the carrier will report of all its numbers
    receipt: Receipt = Receipt()
    #: the same of single numbers, which goes before
    receipts: dict[str, Receipt] = field(default_factory=dict)

    def sign_name(self, index: int) -> str:
        """Return the signature for the number at an index."""
        return self.sign_names[index if len(self.sign_names) > 1 else 0]

    def params_of(self, index: int) -> Mapping[str, str]:
        """Return the parameters for the number at an index."""
        return self.params[index if len(self.params) > 1 else 0]

    def receipt_of(self, phone: str) -> Receipt:
        """Return what the carrier will report of a number."""
        return self.receipts.get(phone, self.receipt)

    def reported_s(self, phone: str, usual_delay_s: float) -> float:
        """Return when the carrier reports it, in seconds since the epoch; infinite for never."""
        receipt = self.receipt_of(phone)
        if receipt.code is None:
            return math.inf
        return self.at_s + (usual_delay_s if receipt.delay_s is None else receipt.delay_s)

    def to_json(self) -> dict[str, Any]:
        """Return it as the control API shows it."""
        batch = self.action == "SendBatchSms"
        return {
            "biz_id": self.biz_id,
            "action": self.action,
            "access_key": self.account,
            "out_id": self.out_id,
            "phones": list(self.phones),
            "sign_name": list(self.sign_names) if batch else self.sign_names[0],
            "template_code": self.template_code,
            "params": [dict(params) for params in self.params] if batch else dict(self.params[0]),
            "at_s": self.at_s,
            "at": beijing_text(self.at_s),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """One request that reached the simulator, accepted or not."""

    action: str
    out_id: str
    phones: tuple[str, ...]
    #: the code of its answer, even if a fault suppressed the answer
    code: str
    #: kind of the fault that it met, if any
    fault: str | None
    accepted: bool
    at_s: float

    def to_json(self) -> dict[str, Any]:
        """Return it as the control API shows it."""
        return {
            "action": self.action,
            "out_id": self.out_id,
            "phones": list(self.phones),
            "code": self.code,
            "fault": self.fault,
            "accepted": self.accepted,
            "at_s": self.at_s,
        }


class Record:
    """Accepted and received requests, in memory.

    Args:
        record_limit: how many of the newest accepted requests are kept in full; None keeps all.
        request_limit: how many of the newest received requests are kept.
    """

    def __init__(self, record_limit: int | None, request_limit: int) -> None:
        self._limit = record_limit
        self._accepted: deque[Acceptance] = deque()
        self._by_phone: dict[tuple[str, str], deque[Acceptance]] = {}
        self._received: deque[Received] = deque(maxlen=request_limit)
        #: accepted requests by out_id; never shortened by a limit
        self.counts: Counter[str] = Counter()
        #: received requests by action; never shortened by a limit
        self.actions: Counter[str] = Counter()
        #: numbers in accepted requests
        self.accepted_numbers = 0
        #: accepted requests
        self.accepted_requests = 0

    def limit(self, record_limit: int | None, request_limit: int) -> None:
        """Change the limits, and drop the oldest records above them."""
        self._limit = record_limit
        self._received = deque(self._received, maxlen=request_limit)
        self._shorten()

    def accept(self, acceptance: Acceptance) -> None:
        """Keep one accepted request."""
        self._accepted.append(acceptance)
        for phone in dict.fromkeys(acceptance.phones):
            self._by_phone.setdefault((acceptance.account, phone), deque()).append(acceptance)
        self.counts[acceptance.out_id] += 1
        self.accepted_requests += 1
        self.accepted_numbers += len(acceptance.phones)
        self._shorten()

    def receive(self, received: Received) -> None:
        """Keep one received request."""
        self.actions[received.action] += 1
        self._received.append(received)

    def accepted(self, *, out_id: str | None = None, phone: str | None = None) -> Iterator[Acceptance]:
        """Return accepted requests, oldest first, filtered by whatever is given."""
        return (
            acceptance
            for acceptance in self._accepted
            if (out_id is None or acceptance.out_id == out_id)
            and (phone is None or phone in acceptance.phones)
        )

    def received(self, *, out_id: str | None = None, action: str | None = None) -> Iterator[Received]:
        """Return received requests, oldest first, filtered by whatever is given."""
        return (
            received
            for received in self._received
            if (out_id is None or received.out_id == out_id) and (action is None or received.action == action)
        )

    def of_phone(self, account: str, phone: str) -> Iterator[Acceptance]:
        """Return one account's accepted requests for a number, newest first."""
        return reversed(self._by_phone.get((account, phone), ()))

    def _shorten(self) -> None:
        while self._limit is not None and len(self._accepted) > self._limit:
            oldest = self._accepted.popleft()
            for phone in dict.fromkeys(oldest.phones):
                key = (oldest.account, phone)
                # Both queues are in order of acceptance, so the oldest of all is also the oldest of its number.
                self._by_phone[key].popleft()
                if not self._by_phone[key]:
                    del self._by_phone[key]

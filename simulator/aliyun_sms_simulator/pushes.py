"""What is pushed to the callback URL, and when: receipts and replies, and the repetitions of what was not acknowledged.

It decides only; the pusher makes the requests.
"""

import heapq
import itertools
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

from aliyun_sms_simulator.clock import beijing_text
from aliyun_sms_simulator.record import Acceptance
from aliyun_sms_simulator.settings import Settings

__all__ = ["Push", "Pushes", "receipt"]

#: Aliyun repeats a push after 1, 5 and 10 minutes, and then never again.
_REPEATS = (1, 5, 10)

_MESSAGES = {"DELIVERED": "用户接收成功"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Push:
    """One request to the callback URL."""

    items: tuple[dict[str, Any], ...]
    #: how often it was made before
    repeats: int = 0


def receipt(acceptance: Acceptance, phone: str, reported_s: float) -> dict[str, Any]:
    """Return the report of one recipient, as SmsReport has it. All values but ``success`` are text."""
    code = acceptance.receipt_of(phone).code or ""
    return {
        "phone_number": phone,
        "send_time": beijing_text(acceptance.at_s),
        "report_time": beijing_text(reported_s),
        "success": code == "DELIVERED",
        "err_code": code,
        "err_msg": _MESSAGES.get(code, "用户接收失败"),
        "sms_size": "1",
        "biz_id": acceptance.biz_id,
        "out_id": acceptance.out_id,
    }


class Pushes:
    """What waits to be pushed, by its time on the simulator's clock."""

    def __init__(self, seed: int | None) -> None:
        self._random = random.Random(seed)
        self.clear()

    def seed(self, seed: int | None) -> None:
        """Restart the random numbers from a seed."""
        self._random = random.Random(seed)

    def clear(self) -> None:
        """Forget everything, the counts too."""
        self._serial = itertools.count()
        self._single: list[tuple[float, int, dict[str, Any], str | None]] = []
        self._again: list[tuple[float, int, Push]] = []
        #: Reports by what became of them: ``acknowledged``, ``repeated``, ``dropped`` after the last repetition, and
        #: ``lost``, which were never pushed. ``pushes`` counts the requests.
        self.counts: Counter[str] = Counter()

    def __len__(self) -> int:
        """Return how many reports wait."""
        return len(self._single) + sum(len(push.items) for _, _, push in self._again)

    def add_receipts(self, acceptance: Acceptance, settings: Settings) -> None:
        """Have a report of each recipient pushed at its time."""
        for phone in dict.fromkeys(acceptance.phones):
            reported_s = acceptance.reported_s(phone, settings.delivery_delay_s)
            if acceptance.receipt_of(phone).code is None:
                continue
            report = receipt(acceptance, phone, reported_s)
            copies = self._copies(acceptance.receipt_of(phone).copies, settings)
            self.counts["lost"] += copies == 0
            kind = "DypnsSmsVerifyReport" if acceptance.action == "SendSmsVerifyCode" else "SmsReport"
            for _ in range(copies):
                self.add(report, reported_s + self._random.random() * settings.receipt_jitter_s, kind)

    def add(self, item: dict[str, Any], at_s: float, kind: str | None = None) -> None:
        """Have anything pushed at a time, together with what is due then.

        Args:
            item: what is pushed.
            at_s: seconds since the epoch.
            kind: the type of its queue; None for the type that its fields tell.
        """
        heapq.heappush(self._single, (at_s, next(self._serial), item, kind))

    def drop_receipt(self, biz_id: str, phone: str) -> None:
        """Forget the report of a recipient that waits for its time."""
        self._single = [
            each
            for each in self._single
            if (each[2].get("biz_id"), each[2].get("phone_number")) != (biz_id, phone)
        ]
        heapq.heapify(self._single)

    def take(self, now_s: float, settings: Settings) -> list[Push]:
        """Return the pushes that are due. Each is out of the queue until `failed`."""
        due = []
        while self._again and self._again[0][0] <= now_s:
            due.append(heapq.heappop(self._again)[2])
        items = [item for item, _ in self.take_items(now_s)]
        most = max(1, settings.callback_batch)
        due += [Push(items=tuple(items[at : at + most])) for at in range(0, len(items), most)]
        self.counts["pushes"] += len(due)
        return due

    def take_items(self, now_s: float) -> list[tuple[dict[str, Any], str | None]]:
        """Return what is due, and the type of its queue, without what is to be repeated. It is out of the queue."""
        items = []
        while self._single and self._single[0][0] <= now_s:
            items.append(heapq.heappop(self._single)[2:])
        return items

    def acknowledged(self, push: Push) -> None:
        """Count a push that was answered as Aliyun wants it."""
        self.counts["acknowledged"] += len(push.items)

    def failed(self, push: Push, now_s: float, settings: Settings) -> None:
        """Have a push repeated later, or drop it after its last repetition."""
        if push.repeats >= len(_REPEATS):
            self.counts["dropped"] += len(push.items)
            return
        self.counts["repeated"] += len(push.items)
        at_s = now_s + settings.callback_again_s * _REPEATS[push.repeats]
        again = Push(items=push.items, repeats=push.repeats + 1)
        heapq.heappush(self._again, (at_s, next(self._serial), again))

    def _copies(self, ordered: int | None, settings: Settings) -> int:
        if ordered is not None:
            return ordered
        if self._random.random() < settings.receipt_loss:
            return 0
        return 1 + (self._random.random() < settings.receipt_duplicates)

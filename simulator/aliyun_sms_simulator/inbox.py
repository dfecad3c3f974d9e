"""What the phones saw: messages, refusals and replies, number by number, for whoever looks at an inbox."""

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aliyun_sms_simulator.clock import beijing_text
from aliyun_sms_simulator.record import Acceptance

__all__ = ["Entry", "Inbox"]

#: How many entries are kept, and how many refusals of requests that were not read.
_MOST = 2_000
_MOST_UNREAD = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One message to a phone, or from it."""

    #: counts up from 1; never used again
    serial: int
    #: message (accepted), refused (answered with a code, or not at all), reply
    kind: str
    phone: str
    at_s: float
    #: the text, as far as it is known: a template that is not in the catalogue has none
    text: str | None = None
    out_id: str = ""
    sign_name: str = ""
    template_code: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    #: Aliyun's code and message in the answer, even if a fault suppressed the answer
    code: str = "OK"
    message: str = ""
    #: the kind of the fault that it met
    fault: str | None = None
    #: the request, where it was accepted
    acceptance: Acceptance | None = None

    def to_json(self, now_s: float, usual_delay_s: float) -> dict[str, Any]:
        """Return it as the control API shows it.

        Args:
            now_s: the simulator's time.
            usual_delay_s: the setting ``delivery_delay_s``.
        """
        shown = {
            "id": self.serial,
            "kind": self.kind,
            "phone": self.phone,
            "at_s": self.at_s,
            "at": beijing_text(self.at_s),
            "text": self.text,
        }
        if self.kind == "reply":
            return shown
        shown |= {
            "out_id": self.out_id,
            "sign_name": self.sign_name,
            "template_code": self.template_code,
            "params": dict(self.params),
            "code": self.code,
            "message": self.message,
            "fault": self.fault,
        }
        if self.acceptance:
            reported_s = self.acceptance.reported_s(self.phone, usual_delay_s)
            reported = reported_s <= now_s
            shown |= {
                "biz_id": self.acceptance.biz_id,
                "err_code": self.acceptance.receipt_of(self.phone).code if reported else None,
                "reported_s": reported_s if reported else None,
                # when it will be reported by itself, None for never
                "due_s": None if math.isinf(reported_s) else reported_s,
            }
        return shown

    def is_reported(self, now_s: float, usual_delay_s: float) -> bool:
        """Tell whether the carrier has reported it."""
        found = self.acceptance
        return found is not None and found.reported_s(self.phone, usual_delay_s) <= now_s


class Inbox:
    """The newest entries of all phones."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_MOST)
        self._unread: deque[dict[str, Any]] = deque(maxlen=_MOST_UNREAD)
        self._serial = 0
        self._changes = 0

    def clear(self) -> None:
        """Forget all entries."""
        self._entries.clear()
        self._unread.clear()
        self._changes += 1

    def add(self, **entry: Any) -> None:
        """Keep an entry; the oldest one is dropped where there are too many."""
        self._serial += 1
        self._changes += 1
        self._entries.append(Entry(serial=self._serial, **entry))

    def add_unread(self, code: str, at_s: float) -> None:
        """Note a request that was refused before it was read, so that nobody knows whose phone it was for."""
        self._changes += 1
        self._unread.append({"code": code, "at_s": at_s})

    def changed(self) -> None:
        """Note that an entry has another state than before."""
        self._changes += 1

    def change(self, now_s: float, usual_delay_s: float) -> str:
        """Return a word that is another one when anything in the inbox is another."""
        reported = sum(each.is_reported(now_s, usual_delay_s) for each in self._entries)
        return f"{self._changes}.{reported}"

    def of_phone(self, phone: str) -> list[Entry]:
        """Return the entries of a phone, oldest first."""
        return [each for each in self._entries if each.phone == phone]

    def find(self, biz_id: str, phone: str) -> Entry | None:
        """Return an accepted message to a phone."""
        return next(
            (each for each in self.of_phone(phone) if each.acceptance and each.acceptance.biz_id == biz_id),
            None,
        )

    def phones(self) -> Iterator[tuple[Entry, int]]:
        """Return each phone's newest entry and how many it has, the newest phone first."""
        newest: dict[str, Entry] = {}
        counts: dict[str, int] = {}
        for each in reversed(self._entries):
            newest.setdefault(each.phone, each)
            counts[each.phone] = counts.get(each.phone, 0) + 1
        return ((entry, counts[phone]) for phone, entry in newest.items())

    def unread(self) -> list[dict[str, Any]]:
        """Return the refusals of requests that were not read, newest first."""
        return list(reversed(self._unread))

"""Reads what Aliyun pushes. Nobody signs it, so nothing in it is believed before it is checked.

====================  =================================================================
SmsReport             reports of deliveries, many in one push
DypnsSmsVerifyReport  the same, of Aliyun's verification product
SmsUp                 replies
SignSmsReport         the review of a signature
TemplateSmsReport     the review of a template
====================  =================================================================

All are JSON arrays of objects, and an object's fields tell which one it is. Fields that are not known are left alone.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from smsjobs.contract import Reply, SignatureReview, TemplateReview, event_id, read_phone
from smsjobs.delivery import Report, Source

__all__ = ["LARGEST_PUSH", "PASSED_ON", "Pushed", "read_push"]

#: The field by which an item says that another environment has passed it on. It is not passed on again.
PASSED_ON: Final = "smsjobs_passed_on"

#: Bytes of the largest push that is read. Aliyun tells no bound; a report takes about 300.
LARGEST_PUSH: Final = 2**20

#: Characters of a reply that are kept. A phone's longest message has fewer.
_LONGEST_REPLY: Final = 2_000

#: Characters of a review's reason that are kept.
_LONGEST_REASON: Final = 1_000

#: Aliyun's times have no zone. They are Beijing's.
_BEIJING: Final = timezone(timedelta(hours=8))

#: The fields that tell what an object is, the first match first.
_KINDS: Final = {
    "report": ("out_id", "phone_number", "success"),
    "reply": ("phone_number", "content"),
    "signature": ("sign_name", "sign_status"),
    "template": ("template_code", "template_status"),
}


@dataclass(kw_only=True)
class Pushed:
    """What one push holds."""

    reports: list[Report] = field(default_factory=list)
    #: Replies, of which only the number, the text and what Aliyun tells of them is known yet.
    replies: list[Reply] = field(default_factory=list)
    #: Reviews, each with what tells it from all others.
    reviews: list[tuple[SignatureReview | TemplateReview, str]] = field(default_factory=list)
    #: Every item that can be read, as it came, but for those that another environment has passed on.
    items: list[tuple[str, dict[str, Any]]] = field(default_factory=list, repr=False)
    #: Everything that is not a report, by what it is: ``reply``, ``signature``, ``template``; ``oversized``, ``not_json``,
    #: ``wrong_type``, ``unknown_kind``, ``malformed``.
    others: Counter[str] = field(default_factory=Counter)


def read_push(*bodies: Any, source: Source = "push") -> Pushed:
    """Read a push, or some messages of a queue. Nothing that anybody sends makes it raise."""
    pushed = Pushed()
    for body in bodies:
        _read_body(body, pushed, source)
    return pushed


def _read_body(body: Any, pushed: Pushed, source: Source) -> None:
    if not isinstance(body, (bytes, bytearray, memoryview)):
        pushed.others["wrong_type"] += 1
        return
    whole = bytes(body)
    if len(whole) > LARGEST_PUSH:
        pushed.others["oversized"] += 1
        return
    # Nothing at all is the check of a console or a monitor.
    if not whole.strip():
        return
    try:
        data = json.loads(whole.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        pushed.others["not_json"] += 1
        return
    for item in data if isinstance(data, list) else [data]:
        try:
            _read(item, pushed, source)
        except Exception:  # noqa: BLE001  what nobody foresaw of one item must not stop the others
            pushed.others["malformed"] += 1


def _read(item: Any, pushed: Pushed, source: Source) -> None:
    if not isinstance(item, dict):
        pushed.others["wrong_type"] += 1
        return
    kind = next((kind for kind, names in _KINDS.items() if item.keys() >= set(names)), "unknown_kind")
    if kind == "report" and (report := _report(item, source)) is not None:
        pushed.reports.append(report)
    elif kind == "reply" and (reply := _reply(item)) is not None:
        pushed.replies.append(reply)
        pushed.others[kind] += 1
    elif kind in ("signature", "template"):
        pushed.reviews.append(_review(kind, item))
        pushed.others[kind] += 1
    else:
        pushed.others["malformed" if kind in _KINDS else kind] += 1
        return
    if PASSED_ON not in item:
        pushed.items.append((kind, item))


def _report(item: dict[str, Any], source: Source) -> Report | None:
    phone, success = item["phone_number"], _truth(item["success"])
    # No source that we know sends a number that is not text. But it costs nothing to read it.
    phone = (
        str(phone) if isinstance(phone, int) and not isinstance(phone, bool) and 0 < phone < 10**20 else phone
    )
    if not isinstance(phone, str) or not isinstance(item["out_id"], str) or success is None:
        return None
    return Report(
        job_id=item["out_id"],
        phone=phone,
        success=success,
        err_code=_text(item.get("err_code")),
        parts=_count(item.get("sms_size")),
        sent_at=_moment(item.get("send_time")),
        reported_at=_moment(item.get("report_time")),
        biz_id=_text(item.get("biz_id")) or None,
        source=source,
    )


def _reply(item: dict[str, Any]) -> Reply | None:
    content, sequence_id = item["content"], item.get("sequence_id")
    phone = item["phone_number"]
    phone = (
        str(phone) if isinstance(phone, int) and not isinstance(phone, bool) and 0 < phone < 10**20 else phone
    )
    number = read_phone(phone)[0] if isinstance(phone, str) else ""
    if not number or not isinstance(content, str):
        return None
    # Aliyun's older page has it as a number, and its queue as a fraction.
    if isinstance(sequence_id, int | float) and not isinstance(sequence_id, bool):
        sequence_id = f"{sequence_id:.0f}" if abs(sequence_id) < 10**20 else ""
    return Reply(
        phone=number,
        content=_text(content)[:_LONGEST_REPLY],
        sent_at=_moment(item.get("send_time")),
        sequence_id=_text(sequence_id)[:64],
        dest_code=_text(item.get("dest_code"))[:64],
        sign_name=_text(item.get("sign_name"))[:64],
    )


def _review(kind: str, item: dict[str, Any]) -> tuple[SignatureReview | TemplateReview, str]:
    # By HTTP it is orderId, and from the queue order_id. Either may be a number.
    order = item.get("orderId") or item.get("order_id")
    order_id = _text(str(order))[:64] if order and isinstance(order, str | int) else None
    reason = _text(item.get("reason"))[:_LONGEST_REASON] or None
    review: SignatureReview | TemplateReview
    if kind == "signature":
        name, status = _text(item["sign_name"])[:100], _text(item["sign_status"])[:64]
        review = SignatureReview(signature=name, status=status, reason=reason, order_id=order_id)
    else:
        name, status = _text(item["template_code"])[:100], _text(item["template_status"])[:64]
        review = TemplateReview(template=name, status=status, reason=reason, order_id=order_id)
    return review, event_id(repr(review), _text(item.get("create_date")))


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def _text(value: Any) -> str:
    """The text, which can be written as UTF-8: JSON may hold half a character."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _count(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1000 else None


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        return datetime.strptime(value, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_BEIJING)
    except ValueError:
        return None

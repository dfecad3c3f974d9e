"""What an inbox shows of an entry of the simulator's: the code in it, parts and price, warnings, what became of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal

from smsjobs.campaign import billed
from smsjobs.contract import is_mainland
from smsjobs.delivery import DELIVERED

__all__ = ["Message", "Warned", "read_message"]

#: A link, a bracket of signatures in the text itself, or more than one part.
Warned = Literal["link", "brackets", "long"]

#: Addresses that a phone makes clickable.
_LINK: Final = re.compile(
    r"https?://|www\.|\b[a-z0-9-]+\.(?:com|cn|net|org|top|cc|me|io|xyz|vip)\b", re.IGNORECASE
)

#: A value that can be a code.
_CODE: Final = re.compile(r"(?=.*\d)[0-9A-Za-z]{4,8}", re.ASCII)
_DIGITS: Final = re.compile(r"(?<![0-9A-Za-z.])\d{4,8}(?![0-9A-Za-z.])", re.ASCII)
_SAYS_CODE: Final = re.compile(r"验证码|校验码|动态码|\bcode\b", re.IGNORECASE)

_ONE_PART: Final = 70


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message to a phone, one that was refused, or a reply."""

    #: Counts up. A later message has a greater one.
    id: int
    kind: Literal["message", "refused", "reply"]
    phone: str = field(repr=False)
    #: Seconds since 1970.
    at_s: float
    #: The text without its signature. None where the simulator does not know the template's text.
    text: str | None = field(default=None, repr=False)
    sign_name: str = ""
    template_code: str = ""
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: The verification code in it.
    code: str | None = field(default=None, repr=False)
    out_id: str = ""
    biz_id: str = ""
    #: Parts that are billed; None where the text is not known.
    parts: int | None = None
    #: What they cost in yuan; None abroad, where the price differs.
    cost: Decimal | None = None
    warnings: tuple[Warned, ...] = ()
    #: Of an accepted message.
    delivery: Literal["waiting", "delivered", "failed"] | None = None
    #: The carrier's code, once it has reported.
    err_code: str | None = None
    #: Whether it is reported only when somebody does it by hand.
    by_hand: bool = False
    #: Aliyun's code and message; ``""`` where it did not answer at all.
    aliyun_code: str = "OK"
    aliyun_message: str = field(default="", repr=False)
    #: The simulator's word for what it was told to break.
    fault: str | None = None

    def to_json(self) -> dict[str, Any]:
        """For tests; `docs/inbox.md` describes it."""
        shown: dict[str, Any] = {
            name: getattr(self, name) for name in ("id", "kind", "phone", "at_s", "text") if name
        }
        if self.kind == "reply":
            return shown
        return shown | {
            "code": self.code,
            "sign_name": self.sign_name,
            "template_code": self.template_code,
            "params": dict(self.params),
            "out_id": self.out_id,
            "biz_id": self.biz_id or None,
            "parts": self.parts,
            "delivery": self.delivery,
            "err_code": self.err_code,
            "aliyun_code": self.aliyun_code,
        }


def read_message(entry: Mapping[str, Any], price: Decimal) -> Message:
    """An entry of the simulator's control API.

    Args:
        price: Of a part, in yuan.
    """
    kind, phone, whole = entry["kind"], entry["phone"], entry["text"]
    usual = {"id": entry["id"], "kind": kind, "phone": phone, "at_s": entry["at_s"]}
    if kind == "reply":
        return Message(**usual, text=whole)
    sign_name, params = entry["sign_name"], entry["params"]
    text = None if whole is None else whole.removeprefix(f"【{sign_name}】")
    parts = None if text is None else billed(text, sign_name, mainland=is_mainland(phone))
    return Message(
        **usual,
        text=text,
        sign_name=sign_name,
        template_code=entry["template_code"],
        params=params,
        code=_code(params, text),
        out_id=entry["out_id"],
        biz_id=entry.get("biz_id", ""),
        parts=parts,
        cost=price * parts if parts and is_mainland(phone) else None,
        warnings=tuple(_warnings(text, whole, params)),
        delivery=_delivery(entry) if kind == "message" else None,
        err_code=entry.get("err_code"),
        by_hand=kind == "message" and entry["due_s"] is None,
        aliyun_code=entry["code"],
        aliyun_message=entry["message"],
        fault=entry["fault"],
    )


def _delivery(entry: Mapping[str, Any]) -> Literal["waiting", "delivered", "failed"]:
    if entry["err_code"] is None:
        return "waiting"
    return "delivered" if entry["err_code"] == DELIVERED else "failed"


def _code(params: Mapping[str, str], text: str | None) -> str | None:
    named = [value for name, value in params.items() if name.lower().endswith("code")]
    for value in named or (params.values() if len(params) == 1 else ()):
        if _CODE.fullmatch(value):
            return value
    found = _DIGITS.search(text) if text and _SAYS_CODE.search(text) else None
    return found[0] if found else None


def _warnings(text: str | None, whole: str | None, params: Mapping[str, str]) -> Iterator[Warned]:
    read = " ".join(params.values()) if text is None else text
    if _LINK.search(read):
        yield "link"
    if "【" in read or "】" in read:
        yield "brackets"
    if whole is not None and len(whole) > _ONE_PART:
        yield "long"

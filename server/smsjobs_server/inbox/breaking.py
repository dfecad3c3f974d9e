"""How the next request may go wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from smsjobs_server.pages import mark

__all__ = ["BREAKS", "REPORTS", "Break"]


@dataclass(frozen=True, kw_only=True)
class Break:
    """One way."""

    #: What the page calls it.
    label: str
    #: The fault that the simulator is given.
    fault: Mapping[str, Any]


#: By the word that the form sends.
BREAKS: Final[Mapping[str, Break]] = {
    "no-answer": Break(
        label=mark("The answer is lost, and the message was sent"),
        fault={"kind": "hang_after", "seconds": 20},
    ),
    "reset": Break(label=mark("The connection breaks, and nothing was sent"), fault={"kind": "reset_before"}),
    "error": Break(label=mark("HTTP 500, and the message was sent"), fault={"kind": "http_500_after"}),
    "slow": Break(label=mark("Aliyun takes 5 seconds"), fault={"kind": "latency", "seconds": 5}),
    "throttled": Break(label=mark("Too many requests (throttling)"), fault={"kind": "throttling"}),
    "limit": Break(
        label=mark("Refused: too many messages to this number"),
        fault={"kind": "code", "code": "isv.BUSINESS_LIMIT_CONTROL"},
    ),
    "balance": Break(
        label=mark("Refused: the balance is used up"), fault={"kind": "code", "code": "isv.AMOUNT_NOT_ENOUGH"}
    ),
    "template": Break(
        label=mark("Refused: no such template"), fault={"kind": "code", "code": "isv.SMS_TEMPLATE_ILLEGAL"}
    ),
    "signature": Break(
        label=mark("Refused: no such signature"), fault={"kind": "code", "code": "isv.SMS_SIGNATURE_ILLEGAL"}
    ),
    "black": Break(
        label=mark("Sent, and the carrier refuses it"), fault={"kind": "receipt", "code": "MOBILE_IN_BLACK"}
    ),
    "unreported": Break(label=mark("Sent, and never reported"), fault={"kind": "receipt"}),
}

#: Carriers' codes that a message can be failed with.
REPORTS: Final = (
    "MOBILE_NOT_ON_SERVICE",
    "MOBILE_IN_BLACK",
    "MOBILE_SEND_LIMIT",
    "MOBILE_TERMINAL_ERROR",
    "INVALID_NUMBER",
    "USER_REJECT",
    "CONTENT_KEYWORD",
    "PORT_NOT_REGISTERED",
    "SP_UNKNOWN_ERROR",
)

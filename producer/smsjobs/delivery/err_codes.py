"""The carriers' codes of receipts: what each means, whose fault it is, what to do, and whether to try again.

Sources: Aliyun's list of receipt codes (help.aliyun.com 101347) and its public threads. Whose fault it is and what to do are
ours, drawn from the causes that the list names. ``docs/delivery-codes.md`` shows this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["ERR_CODES", "FAMILIES", "UNKNOWN_CODE", "UNWANTED_CODES", "Again", "ErrCode", "Fault", "explain"]

#: Where the cause lies. ``"recipient"``: his phone, his contract, his wish. ``"carrier"``: the network, for a while.
#: ``"content"``: the text. ``"account"``: something of ours at Aliyun or at the carrier. ``"nobody"``: there is none.
Fault = Literal["recipient", "carrier", "content", "account", "nobody", "unknown"]

#: Whether the same message may be sent to the same number again. ``"later"``: it may arrive then. ``"fixed"``: once somebody has
#: fixed the cause. ``"never"``: it cannot arrive, or the recipient does not want it.
Again = Literal["later", "fixed", "never"]


@dataclass(frozen=True, kw_only=True)
class ErrCode:
    """A code of a receipt, or a family of them."""

    #: The code; a family's ends in ``*``.
    code: str
    #: What it means.
    meaning: str
    #: Whose fault it is.
    fault: Fault
    #: Whether to try again.
    again: Again
    #: What to do.
    advice: str

    @property
    def may_be_sent_again(self) -> bool:
        """Whether the same message may be sent to the same number again, without anything being fixed first."""
        return self.again == "later"


def _code(code: str, fault: Fault, again: Again, meaning: str, advice: str) -> ErrCode:
    return ErrCode(code=code, fault=fault, again=again, meaning=meaning, advice=advice)


_OFF: Final = "send again in some hours; take the number off your list if that fails for weeks"
_WRONG: Final = "ask the recipient for his number; do not send to this one again"
_UNWANTED: Final = "do not send to this number again; the recipient can ask his carrier to lift it"
_DEVICE: Final = "send again later, once; then the recipient has to look at his phone"
_WAIT: Final = "send again in some minutes"
_LATE: Final = "send again; a code has to be a new one"
_OPERATOR: Final = "look the number up in Aliyun's console, and ask Aliyun where it says no more"

_ROWS: Final = (
    _code("DELIVERED", "nobody", "never", "it arrived", "nothing"),
    _code("REQUEST_SUCCESS", "nobody", "never", "Aliyun has it, and the carrier has not reported yet", "wait; it is not final"),
    _code("MOBILE_NOT_ON_SERVICE", "recipient", "later", "the phone is switched off, out of coverage or suspended, or the number is not in use", _OFF),
    _code("INVALID_NUMBER", "recipient", "never", "the number does not exist, or is not in use", _WRONG),
    _code("MOBILE_ACCOUNT_ABNORMAL", "recipient", "later", "the number is in arrears, or was ported to another carrier", _OFF),
    _code("MOBILE_SEND_LIMIT", "recipient", "later", "the carrier's limit of messages to this number is reached", "send again after a day"),
    _code("MOBILE_IN_BLACK", "recipient", "never", "the number is on the carrier's black list", _UNWANTED),
    _code("USER_REJECT", "recipient", "never", "the recipient has refused such messages", _UNWANTED),
    _code("MOBILE_TERMINAL_ERROR", "recipient", "later", "the phone's memory for messages is full, or phone or SIM card cannot take it", _DEVICE),
    _code("MOBLLE_TERMINAL_ERROR", "recipient", "later", "the same, as Aliyun's list spells it", _DEVICE),
    _code("CONTENT_KEYWORD", "content", "never", "the carrier stopped a word of the text", "change the template or the parameter"),
    _code("CONTENT_ERROR", "content", "fixed", "the text lacks what it needs, such as the way to opt out", "add 拒收请回复R to a promotional template"),
    _code("IS_CLOSE", "carrier", "later", "the channel was closed when it was sent", _WAIT),
    _code("EXPIRED", "carrier", "later", "the carrier could not deliver it in its time", _LATE),
    _code("SP_UNKNOWN_ERROR", "carrier", "later", "the carrier does not say why", _WAIT),
    _code("NO_ROUTE", "account", "fixed", "there is no channel to this number", _OPERATOR),
    _code("PORT_NOT_REGISTERED", "account", "fixed", "the signature is not filed with the carrier yet", "wait for the filing, 5 to 10 working days"),
    _code("SP_NOT_BY_INTER_SMS", "recipient", "never", "the number cannot get messages from abroad", "the recipient has to ask his carrier"),
    _code("NONE", "unknown", "never", "the report has no code", _OPERATOR),
    _code("UNREADABLE", "unknown", "never", "what stood in place of a code could not be one", _OPERATOR),
    _code("OTHER", "unknown", "never", "one of more codes than are kept apart", _OPERATOR),
)  # fmt: skip

#: By code.
ERR_CODES: Final = {each.code: each for each in _ROWS}

#: Those that say: the recipient does not want such messages.
UNWANTED_CODES: Final = frozenset({"MOBILE_IN_BLACK", "USER_REJECT"})

#: For codes without a row of their own.
FAMILIES: Final = (
    _code("isv.*", "account", "fixed", "Aliyun refused it after it had taken it", "see the code in [error codes](error-codes.md)"),
    _code("isp.*", "carrier", "later", "a failure at Aliyun after it had taken it", _WAIT),
)  # fmt: skip

#: For a code that nobody has explained to us. Carriers have hundreds, and change them.
UNKNOWN_CODE: Final = _code(
    "*", "unknown", "never", "a carrier's own code, without a public meaning", _OPERATOR
)


def explain(err_code: str) -> ErrCode:
    """What a code means. One that is not known has the meaning of `UNKNOWN_CODE`."""
    known = ERR_CODES.get(err_code)
    if known is not None:
        return known
    return next((each for each in FAMILIES if err_code.startswith(each.code[:-1])), UNKNOWN_CODE)

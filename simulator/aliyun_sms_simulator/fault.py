"""Faults: what can go wrong, for which requests, and how often."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

__all__ = ["KINDS", "Fault", "FaultQueue"]

_LOOKUP = "QuerySendDetails"
_SENDS = ("SendSms", "SendBatchSms", "SendSmsVerifyCode")
_OF_CONSOLE = ("GetSmsTemplate", "QuerySmsTemplateList", "GetSmsSign")
_OF_KEYS = ("AssumeRole", "GetCallerIdentity", "InstanceMetadata")
_OF_QUEUES = ("QueryTokenForMnsQueue", "ReceiveMessage", "DeleteMessage")

#: Every kind and what it does. "Before" means that nothing is accepted. "After" means accepted, with the answer lost.
KINDS: dict[str, str] = {
    "latency": "handled at once, answered after `seconds` (1)",
    "late_accept": "handled and answered only after `seconds` (1), even when the caller has gone",
    "throttling": "HTTP 400 `code` (Throttling.User), with the header x-acs-retry-after if `retry_after_ms` is given",
    "code": "answered with `code` and `message`; accepted all the same if `accept`",
    "hang_before": "no answer for `seconds`, or as long as the caller waits; then the connection closes; nothing accepted",
    "hang_after": "accepted; no answer for `seconds`, or as long as the caller waits; then the connection closes",
    "reset_before": "connection reset (RST); nothing accepted",
    "reset_after": "accepted; connection reset (RST)",
    "close_before": "connection closed without an answer; nothing accepted",
    "close_after": "accepted; connection closed without an answer",
    "http_500_before": "HTTP 500, JSON InternalError; nothing accepted",
    "http_500_after": "accepted; HTTP 500, JSON InternalError",
    "http_502_before": "HTTP 502, a proxy's HTML; nothing accepted",
    "http_502_after": "accepted; HTTP 502, a proxy's HTML",
    "http_503_before": "HTTP 503, JSON ServiceUnavailable; nothing accepted",
    "http_503_after": "accepted; HTTP 503, JSON ServiceUnavailable",
    "non_json_before": "HTTP 200 with a body that is not JSON; nothing accepted",
    "non_json_after": "accepted; HTTP 200 with a body that is not JSON",
    "truncated_after": "accepted; half of the answer's body, then the connection closes",
    "lookup_lag": "accepted and answered, and invisible to QuerySendDetails for `seconds`, or always",
    "receipt": "accepted and answered; the carrier will report `code`, or nothing, after `seconds`; pushed `copies` times",
    "empty_page": "QuerySendDetails answers OK with the true TotalCount and an empty list",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One rule: what goes wrong, and when."""

    #: one of KINDS
    kind: str
    #: SendSms, SendBatchSms, SendSmsVerifyCode, QuerySendDetails, QueryTokenForMnsQueue, ReceiveMessage, DeleteMessage,
    #: AssumeRole, GetCallerIdentity, InstanceMetadata or ``*``; None means every send (for ``empty_page``: QuerySendDetails)
    action: str | None = None
    #: only requests with this number among theirs, in normal form
    phone: str | None = None
    #: only requests with this OutId; a look-up has none
    out_id: str | None = None
    #: how many requests meet it; None means all, until it is cleared
    times: int | None = 1
    #: chance that a matching request meets it, from 0 to 1
    probability: float = 1.0
    #: length, if the kind has one
    seconds: float | None = None
    #: Aliyun's or the carrier's code, if the kind has one
    code: str | None = None
    #: replaces Aliyun's usual message
    message: str | None = None
    #: with the kind ``code``: accept the request, but answer with the code
    accept: bool = False
    #: with the kind ``receipt``: how often the report is pushed, 0 for never; None leaves that to the settings
    copies: int | None = None
    #: with the kind ``throttling``: the header x-acs-retry-after, in milliseconds
    retry_after_ms: int | None = None

    @classmethod
    def from_json(cls, data: Any) -> "Fault":
        """Build a rule from the control API's JSON.

        Raises:
            ValueError: a field is unknown or wrong. The message names it.
        """
        known = {field.name for field in fields(cls)}
        if not isinstance(data, dict) or not data.keys() <= known:
            raise ValueError(f"a fault is an object with fields among {', '.join(sorted(known))}")
        if data.get("kind") not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, or refuse")
        fault = cls(**data)
        fault._check()
        return fault

    def _check(self) -> None:
        known = (*_SENDS, _LOOKUP, *_OF_QUEUES, *_OF_KEYS, *_OF_CONSOLE)
        if self.action not in (None, "*", *known):
            raise ValueError(f"action must be {', '.join(known)} or *")
        for name in ("phone", "out_id", "code", "message"):
            if not isinstance(getattr(self, name), str | None):
                raise ValueError(f"{name} must be text")  # noqa: TRY004  one class for bad input
        for name in ("seconds", "times", "retry_after_ms", "probability"):
            value = getattr(self, name)
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float | None)
                or (value is not None and value < 0)
            ):
                raise ValueError(f"{name} must be a number, not below 0")
        if not isinstance(self.copies, int | None) or isinstance(self.copies, bool) or (self.copies or 0) < 0:
            raise ValueError("copies must be a whole number, not below 0")
        if self.times is not None and (self.times < 1 or not isinstance(self.times, int)):
            raise ValueError("times must be a whole number from 1 on, or null for every request")
        if self.kind == "code" and not self.code:
            raise ValueError("the kind code needs code, one of Aliyun's codes")

    def applies(self, action: str, phones: Iterable[str], out_id: str) -> bool:
        """Tell whether a request matches the rule, apart from chance and count."""
        if self.action is None:
            fits = action == _LOOKUP if self.kind == "empty_page" else action in _SENDS
        else:
            fits = self.action in ("*", action)
        return (
            fits
            and (self.phone is None or self.phone in phones)
            and (self.out_id is None or self.out_id == out_id)
        )

    def to_json(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, and always the times."""
        values = {field: getattr(self, field.name) for field in fields(self)}
        kept = {field.name: value for field, value in values.items() if value != field.default}
        return {**kept, "times": self.times}


class FaultQueue:
    """Rules in the order in which they were added. A request meets the first one that applies."""

    def __init__(self, standing: Mapping[str, tuple[Fault, ...]], seed: int | None = None) -> None:
        self._standing = standing
        self._rules: list[Fault] = []
        self._random = random.Random(seed)

    def seed(self, seed: int | None) -> None:
        """Restart the random numbers from a seed."""
        self._random = random.Random(seed)

    def add(self, fault: Fault) -> None:
        """Add a rule after the others."""
        self._rules.append(fault)

    def clear(self) -> None:
        """Forget every rule. Magic numbers stay."""
        self._rules.clear()

    def rules(self) -> list[Fault]:
        """Return the remaining rules, each with its remaining times."""
        return list(self._rules)

    def standing(self, phone: str) -> tuple[Fault, ...]:
        """Return the faults that every request with this magic number meets."""
        return self._standing.get(phone, ())

    def take(self, action: str, phones: tuple[str, ...], out_id: str) -> Fault | None:
        """Return the fault that a request meets, if any, and count it."""
        for index, rule in enumerate(self._rules):
            if not rule.applies(action, phones, out_id) or self._random.random() >= rule.probability:
                continue
            if rule.times is not None:
                if rule.times <= 1:
                    del self._rules[index]
                else:
                    self._rules[index] = replace(rule, times=rule.times - 1)
            return rule
        for phone in phones:
            for rule in self._standing.get(phone, ()):
                if rule.applies(action, phones, out_id):
                    return rule
        return None

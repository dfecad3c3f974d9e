"""Settings of the whole simulator, which can be changed while it runs."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from aliyun_sms_simulator.flow import Limits
from aliyun_sms_simulator.language import Wrong

__all__ = ["Settings"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The settings, with their defaults."""

    #: milliseconds by which every answer is delayed, after the request was handled
    latency_ms: float = 0
    #: whether flow control per number applies; requests are not counted while it is off
    flow_control: bool = False
    #: verification codes for one number and signature in a clock minute
    per_minute: int = 1
    #: the same in a clock hour
    per_hour: int = 5
    #: the same in 24 hours
    per_day: int = 10
    #: verification codes for one number from all signatures and accounts in 24 hours
    platform_per_day: int = 40
    #: messages for one number, signature and other template in 24 hours
    other_per_day: int = 50
    #: seconds until QuerySendDetails shows what was accepted
    lookup_lag_s: float = 0
    #: seconds until an accepted message is reported as delivered (SendStatus 1 becomes 3)
    delivery_delay_s: float = 3
    #: whether the carriers report only what they are told to, by ``POST /receipts``
    receipts_by_hand: bool = False
    #: where receipts and replies are pushed, as in http://127.0.0.1:8000/receipts; None pushes nothing
    callback_url: str | None = None
    #: Aliyun's number of the account. Receipts and replies are put into its queues, and not pushed; None has no queues
    queue_account: str | None = None
    #: seconds for which a message that was received is hidden; then it comes again, unless it was deleted
    queue_hidden_s: float = 30
    #: seconds for which a token of QueryTokenForMnsQueue is good
    queue_token_s: float = 3600
    #: how many receipts one push carries at most
    callback_batch: int = 100
    #: milliseconds within which a push must be answered
    callback_timeout_ms: float = 700
    #: seconds until the first repetition of a push that was not acknowledged; the others come after 5 and 10 times that
    callback_again_s: float = 60
    #: share of receipts that are never pushed, from 0 to 1
    receipt_loss: float = 0
    #: share of receipts that are pushed twice, from 0 to 1
    receipt_duplicates: float = 0
    #: seconds, at most, by which a push comes later than its report; each time at random, so that they change order
    receipt_jitter_s: float = 0
    #: the RAM role of the ECS instance that the caller runs on, for the metadata service; None has none
    instance_role: str | None = None
    #: seconds for which temporary keys are good, of a role that is taken on at most as long as was asked for
    token_s: float = 3600
    #: seconds by which the gateway's own clock is ahead, for time stamps and the Date header
    gateway_skew_s: float = 0
    #: how many of the newest accepted requests are kept in full; None keeps all. Counts by out_id are always kept
    record_limit: int | None = None
    #: how many of the newest received requests are kept; 0 keeps only counts
    request_limit: int = 10_000
    #: seed of the faults' probabilities; with None every run differs
    seed: int | None = None

    @property
    def limits(self) -> Limits:
        """The flow-control limits."""
        return Limits(**{field.name: getattr(self, field.name) for field in fields(Limits)})

    def changed(self, changes: Mapping[str, Any]) -> "Settings":
        """Return these settings with some changed.

        Raises:
            ValueError: a name is unknown, or a value has the wrong type. The message names the setting.
        """
        known: dict[str, Any] = {field.name: field.type for field in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise Wrong(
                    "unknown setting {name}; the settings are {names}",
                    name=repr(name),
                    names=", ".join(known),
                )
            if not _fits(value, known[name]):
                raise Wrong("setting {name} needs {what}", name=repr(name), what=_WANTED[known[name]])
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """Return name and value of every setting."""
        return asdict(self)


_WANTED: dict[Any, Wrong] = {
    bool: Wrong("true or false"),
    float: Wrong("a number"),
    int: Wrong("a whole number, not below 0"),
    int | None: Wrong("a whole number, not below 0, or null"),
    str | None: Wrong("text, or null"),
}


def _fits(value: object, kind: Any) -> bool:
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    if kind is float:
        return isinstance(value, int | float) and math.isfinite(value)
    if kind == str | None:
        return isinstance(value, str | None)
    return (isinstance(value, int) and value >= 0) or (value is None and kind == int | None)

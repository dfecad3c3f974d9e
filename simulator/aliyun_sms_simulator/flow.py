"""Per-number flow control, as Aliyun applies it to mainland numbers.

Minutes and hours are those of the clock. A day is the last 24 hours. Every accepted request counts, even if its message
is not delivered. (Source: Aliyun's pages on SMS rules and flow control.)
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from aliyun_sms_simulator.codes import Refusal, refusal
from aliyun_sms_simulator.template import Kind

__all__ = ["FlowControl", "Limits"]

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_Key = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How many messages one number may get."""

    #: verification codes of one signature, in a clock minute
    per_minute: int = 1
    #: verification codes of one signature, in a clock hour
    per_hour: int = 5
    #: verification codes of one signature, in 24 hours
    per_day: int = 10
    #: verification codes of all signatures and accounts together, in 24 hours
    platform_per_day: int = 40
    #: messages of one signature and one other template, in 24 hours
    other_per_day: int = 50


def _refused(word: str, permits: int) -> Refusal:
    return refusal("isv.BUSINESS_LIMIT_CONTROL", f"触发{word}级流控Permits:{permits}")


@dataclass(slots=True)
class FlowControl:
    """What each number got in the last 24 hours."""

    limits: Limits = field(default_factory=Limits)
    #: ascending times of accepted requests, in seconds since the epoch
    _sent: dict[_Key, list[float]] = field(default_factory=dict)

    def admit(
        self,
        *,
        account: str,
        kind: Kind,
        template_code: str,
        messages: Iterable[tuple[str, str]],
        now_s: float,
    ) -> None:
        """Count one request. If any of its numbers is over a limit, refuse the whole request.

        Args:
            account: access key id.
            kind: the template's kind.
            template_code: the template.
            messages: signature and mainland number, in normal form; a repeated pair counts once.
            now_s: seconds since the epoch.

        Raises:
            Refusal: ``isv.BUSINESS_LIMIT_CONTROL``; nothing was counted.
        """
        counted: list[list[float]] = []
        for sign_name, phone in dict.fromkeys(messages):
            if kind == "verification":
                counted += self._verification(account, sign_name, phone, now_s)
            else:
                counted.append(self._other(account, sign_name, template_code, phone, now_s))
        for times in counted:
            times.append(now_s)

    def clear(self) -> None:
        """Forget everything."""
        self._sent.clear()

    def _verification(self, account: str, sign_name: str, phone: str, now_s: float) -> list[list[float]]:
        times = self._last_day((account, sign_name, phone), now_s)
        for word, length_s, permits in (
            ("分钟", _MINUTE, self.limits.per_minute),
            ("小时", _HOUR, self.limits.per_hour),
        ):
            # UTC+8 differs from UTC by whole hours, so their minutes and hours begin together.
            start_s = now_s // length_s * length_s
            if sum(1 for sent_s in times if sent_s >= start_s) >= permits:
                raise _refused(word, permits)
        if len(times) >= self.limits.per_day:
            raise _refused("天", self.limits.per_day)
        everywhere = self._last_day((phone,), now_s)
        if len(everywhere) >= self.limits.platform_per_day:
            raise _refused("天", self.limits.platform_per_day)
        return [times, everywhere]

    def _other(
        self, account: str, sign_name: str, template_code: str, phone: str, now_s: float
    ) -> list[float]:
        times = self._last_day((account, sign_name, template_code, phone), now_s)
        if len(times) >= self.limits.other_per_day:
            raise _refused("天", self.limits.other_per_day)
        return times

    def _last_day(self, key: _Key, now_s: float) -> list[float]:
        times = self._sent.setdefault(key, [])
        times[:] = [sent_s for sent_s in times if sent_s > now_s - _DAY]
        return times

"""Lanes: the queues of the product, each with its own defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from smsjobs.contract.errors import InvalidArguments

__all__ = ["LANES", "Lane", "OnUnknown", "lane"]

#: What happens when the look-ups of a lost answer end without a trace.
OnUnknown = Literal["hold", "resend"]


@dataclass(frozen=True, kw_only=True)
class Lane:
    """A queue with its own workers and its own defaults."""

    #: The lane's name, which `sendMessage(lane=…)` takes.
    name: str
    #: Seconds after which an unsent job is not sent any more.
    expires_s: float
    #: ``"hold"``: settle as unknown and tell the caller. ``"resend"``: send once more.
    on_unknown: OnUnknown
    #: Seconds after an answer was lost at which Aliyun is asked about it. The last one is the settling time: before it,
    #: "not found" is not believed. Aliyun publishes no bound for the delay of its records. Its advice is "wait 30 s and
    #: look again"; the lanes that may wait follow it with a wide margin.
    lookups_s: tuple[float, ...]
    #: The longest wait between two rounds of tries while Aliyun is unreachable, in seconds.
    longest_retry_s: float
    #: Seconds after which a published job that nobody claimed is looked at again. Each look doubles them.
    requeue_s: float

    @property
    def queue(self) -> str:
        """The Celery queue."""
        return f"sms.{self.name}"


#: Every lane by its name.
LANES: Final[dict[str, Lane]] = {
    each.name: each
    for each in (
        Lane(
            name="verification",
            expires_s=300,
            on_unknown="hold",
            lookups_s=(2, 5, 10, 20, 40),
            longest_retry_s=15,
            requeue_s=5,
        ),
        Lane(
            name="notification",
            expires_s=24 * 3600,
            on_unknown="resend",
            lookups_s=(30, 120, 600),
            longest_retry_s=300,
            requeue_s=30,
        ),
        Lane(
            name="bulk",
            expires_s=72 * 3600,
            on_unknown="hold",
            lookups_s=(30, 120, 600),
            longest_retry_s=300,
            requeue_s=30,
        ),
    )
}


def lane(name: object) -> Lane:
    """The lane of that name.

    Raises:
        InvalidArguments: There is no such lane.
    """
    found = LANES.get(name) if isinstance(name, str) else None
    if found is None:
        raise InvalidArguments.about("lane", f"must be one of {', '.join(LANES)}")
    return found

"""What smsjobs tells the outside: frozen facts, for whoever subscribes. The log is the first subscriber.

::

    from smsjobs.facts import subscribe

    stop = subscribe(lambda fact: counter.labels(fact.action).inc())
    stop()

The ground floor: every room above may tell facts, and none has to know who listens. The worker's are in
`smsjobs_worker.logs.facts`.
"""

from typing import TYPE_CHECKING

from smsjobs.facts.fact import Fact, subscribe, tell
from smsjobs.facts.lines import LogLines
from smsjobs.facts.plain import OTHER, bounded
from smsjobs.facts.producer import ItemSetAside, JobCancelled, JobRetried, PublishFailed, TemplateMisfit
from smsjobs.facts.traced import is_traced
from smsjobs.on_demand import on_demand

if TYPE_CHECKING:
    from smsjobs.facts.codes import CeilingReached, CodeChecked, CodeRefused, CodeSent, ConfirmFailed
    from smsjobs.facts.handing_over import HandOverFailed, ItemParked, ItemsDropped
    from smsjobs.facts.receipts import (
        DeliveryReported,
        PushCounted,
        PushNotTaken,
        ReplyTaken,
        ReportsDropped,
        ReportsNotOurs,
        SettledByReceipt,
    )
else:
    # Whoever enqueues tells none of these.
    __getattr__ = on_demand(
        __name__,
        codes=("CeilingReached", "CodeChecked", "CodeRefused", "CodeSent", "ConfirmFailed"),
        handing_over=("HandOverFailed", "ItemParked", "ItemsDropped"),
        receipts=(
            "DeliveryReported",
            "PushCounted",
            "PushNotTaken",
            "ReplyTaken",
            "ReportsDropped",
            "ReportsNotOurs",
            "SettledByReceipt",
        ),
    )

__all__ = [
    "OTHER",
    "CeilingReached",
    "CodeChecked",
    "CodeRefused",
    "CodeSent",
    "ConfirmFailed",
    "DeliveryReported",
    "Fact",
    "HandOverFailed",
    "ItemParked",
    "ItemSetAside",
    "ItemsDropped",
    "JobCancelled",
    "JobRetried",
    "LogLines",
    "PublishFailed",
    "PushCounted",
    "PushNotTaken",
    "ReplyTaken",
    "ReportsDropped",
    "ReportsNotOurs",
    "SettledByReceipt",
    "TemplateMisfit",
    "bounded",
    "is_traced",
    "subscribe",
    "tell",
]

subscribe(LogLines().write)

"""What smsjobs tells the outside: frozen facts, for whoever subscribes. The log is the first subscriber.

::

    from smsjobs.facts import subscribe

    stop = subscribe(lambda fact: counter.labels(fact.action).inc())
    stop()

The ground floor: every room above may tell facts, and none has to know who listens. The worker's are in
`smsjobs_worker.logs.facts`.
"""

from smsjobs.facts.fact import Fact, subscribe, tell
from smsjobs.facts.lines import LogLines
from smsjobs.facts.plain import OTHER, bounded
from smsjobs.facts.producer import (
    CeilingReached,
    CodeChecked,
    CodeRefused,
    CodeSent,
    ConfirmFailed,
    DeliveryReported,
    HandOverFailed,
    ItemParked,
    ItemsDropped,
    ItemSetAside,
    JobCancelled,
    JobRetried,
    PublishFailed,
    PushCounted,
    PushNotTaken,
    ReplyTaken,
    ReportsDropped,
    ReportsNotOurs,
    SettledByReceipt,
    TemplateMisfit,
)
from smsjobs.facts.traced import is_traced

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

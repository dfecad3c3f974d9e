"""The ledger: the record in Redis that producer and worker share, and the truth about every job."""

from smsjobs.ledger.entry import (
    Claim,
    Due,
    Granted,
    InFlight,
    Missing,
    NotDue,
    Recorded,
    Settled,
    Settlement,
    Snapshot,
    Wait,
)
from smsjobs.ledger.ledger import DEFAULT_RETENTION_S, Ledger

__all__ = [
    "DEFAULT_RETENTION_S",
    "Claim",
    "Due",
    "Granted",
    "InFlight",
    "Ledger",
    "Missing",
    "NotDue",
    "Recorded",
    "Settled",
    "Settlement",
    "Snapshot",
    "Wait",
]

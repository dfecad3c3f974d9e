"""The ledger: the record in Redis that producer and worker share, and the truth about every job."""

from smsjobs.ledger.connection import connect_redis, passes
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
from smsjobs.ledger.seal import CannotOpen, Seal, open_job

__all__ = [
    "DEFAULT_RETENTION_S",
    "CannotOpen",
    "Claim",
    "Due",
    "Granted",
    "InFlight",
    "Ledger",
    "Missing",
    "NotDue",
    "Recorded",
    "Seal",
    "Settled",
    "Settlement",
    "Snapshot",
    "Wait",
    "connect_redis",
    "open_job",
    "passes",
]

"""The ledger: the record in Redis that producers and workers share. It is the truth about every job."""

from smsjobs.ledger.aside import Aside, SetAside
from smsjobs.ledger.common_keys import REPLIES_SECRET, CommonKeys
from smsjobs.ledger.damage import EntryDamaged, tell_set_aside
from smsjobs.ledger.entry import (
    Awaited,
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
from smsjobs.ledger.ledger import DEFAULT_RETENTION_S, DEFAULT_RETRYABLE_S, Ledger
from smsjobs.ledger.outcome_text import outcome_json, read_outcome
from smsjobs.ledger.places import Places
from smsjobs.ledger.tries import Try, read_tries

__all__ = [
    "DEFAULT_RETENTION_S",
    "DEFAULT_RETRYABLE_S",
    "REPLIES_SECRET",
    "Aside",
    "Awaited",
    "Claim",
    "CommonKeys",
    "Due",
    "EntryDamaged",
    "Granted",
    "InFlight",
    "Ledger",
    "Missing",
    "NotDue",
    "Places",
    "Recorded",
    "SetAside",
    "Settled",
    "Settlement",
    "Snapshot",
    "Try",
    "Wait",
    "outcome_json",
    "read_outcome",
    "read_tries",
    "tell_set_aside",
]

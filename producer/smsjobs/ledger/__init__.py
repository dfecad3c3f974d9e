"""The ledger: the record in Redis that producers and workers share. It is the truth about every job."""

from typing import TYPE_CHECKING

from smsjobs.ledger.common_keys import REPLIES_SECRET, CommonKeys, SetAside
from smsjobs.ledger.damage import EntryDamaged, tell_set_aside
from smsjobs.ledger.entry import Recorded, Snapshot
from smsjobs.ledger.ledger import DEFAULT_RETENTION_S, DEFAULT_RETRYABLE_S, Ledger
from smsjobs.ledger.outcome_text import outcome_json, read_outcome
from smsjobs.ledger.places import Places
from smsjobs.on_demand import on_demand

if TYPE_CHECKING:
    from smsjobs.ledger.aside import Aside
    from smsjobs.ledger.claims import (
        Awaited,
        Claim,
        Due,
        Granted,
        InFlight,
        Missing,
        NotDue,
        Settled,
        Settlement,
        Wait,
    )
    from smsjobs.ledger.tries import Try, read_tries
else:
    # Whoever enqueues claims nothing, and finds nothing damaged.
    __getattr__ = on_demand(
        __name__,
        aside=("Aside",),
        claims=(
            "Awaited",
            "Claim",
            "Due",
            "Granted",
            "InFlight",
            "Missing",
            "NotDue",
            "Settled",
            "Settlement",
            "Wait",
        ),
        tries=("Try", "read_tries"),
    )

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

"""What became of each accepted message: reports of deliveries, from whichever source, and what is known now.

A report is taken in one atomic step, which may be repeated. What is final stays final. A report also proves that Aliyun
accepted its job. So it settles a job whose answer was lost.

No number is kept for this. A recipient is found by the digests of `contract.recipients`, and in a campaign by the
recipients that are kept for its report.
"""

from smsjobs.delivery.err_codes import ErrCode, explain
from smsjobs.delivery.records import read_records
from smsjobs.delivery.report import Report
from smsjobs.delivery.sampling import sample
from smsjobs.delivery.store import DeliveryStore, DuePull, Taken, read_codes
from smsjobs.delivery.values import DELIVERED, Deliveries, Delivery, DeliveryState, Source

__all__ = [
    "DELIVERED",
    "Deliveries",
    "Delivery",
    "DeliveryState",
    "DeliveryStore",
    "DuePull",
    "ErrCode",
    "Report",
    "Source",
    "Taken",
    "explain",
    "read_codes",
    "read_records",
    "sample",
]

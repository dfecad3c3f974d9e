"""Jobs in one's hands: see one, list those that did not end well, cancel one that waits, send one again.

The list costs a job that is accepted nothing: only what did not end well is in it.
"""

from smsjobs.ledger import Try
from smsjobs.steering.info import JobInfo
from smsjobs.steering.listing import FAILED, Listing
from smsjobs.steering.refusals import gone, no_such_job, not_retryable
from smsjobs.steering.store import Steering
from smsjobs.steering.timeline import Moment

__all__ = [
    "FAILED",
    "JobInfo",
    "Listing",
    "Moment",
    "Steering",
    "Try",
    "gone",
    "no_such_job",
    "not_retryable",
]

"""What each day brought, counted: outcomes and deliveries by lane and code, for people who look at the running system.

Whoever settles jobs or takes receipts counts the facts that it tells, and adds them up in Redis every few seconds. So it
costs a job nothing in Redis. A process that is killed takes the counts of its last seconds with it: the ledger and the
events are exact, a day's counts are for the eye.
"""

from smsjobs.days.days import Count, Days
from smsjobs.days.tally import DayTally

__all__ = ["Count", "DayTally", "Days"]

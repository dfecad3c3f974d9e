"""Every figure that we give to Prometheus. ``docs/metrics.md`` shows this table; alerts and boards use no other name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["METRICS", "Metric", "Place"]

#: Who tells a figure. ``"worker"``: each worker of what it does. ``"receipts"``: whoever takes receipts, which are
#: ``smsjobs serve``, a worker that pulls, and a web application that calls `count_facts`. ``"codes"``: such a web application.
#: ``"ledger"``: ``smsjobs serve``, of what is in Redis, so that one process tells it for all.
Place = Literal["worker", "receipts", "codes", "ledger"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Metric:
    """A figure."""

    #: Its name as Prometheus has it.
    name: str
    kind: Literal["counter", "gauge", "histogram"]
    #: What it counts or measures, in one sentence.
    about: str
    #: Names of its labels. None of their values is a number, an id or a text of a user's.
    labels: tuple[str, ...] = ()
    #: The upper bounds of a histogram, in seconds.
    buckets: tuple[float, ...] = ()
    place: Place


#: A job's way, from a request's 50 ms to the ten minutes of the last look-up.
_SEND_S: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
#: One request, up to the longest time-out.
_REQUEST_S: Final = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3, 5, 10, 20, 60)
#: A delivery: a phone may be switched off for a day.
_DELIVERY_S: Final = (1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 43_200, 108_000)


def _worker(name: str, about: str, *labels: str, buckets: tuple[float, ...] = ()) -> Metric:
    kind: Literal["counter", "histogram"] = "histogram" if buckets else "counter"
    return Metric(name=name, kind=kind, about=about, labels=labels, buckets=buckets, place="worker")


def _counter(place: Place, name: str, about: str, *labels: str) -> Metric:
    return Metric(name=name, kind="counter", about=about, labels=labels, place=place)


def _ledger(name: str, about: str, *labels: str) -> Metric:
    return Metric(name=name, kind="gauge", about=about, labels=labels, place="ledger")


JOBS: Final = _worker(
    "smsjobs_jobs_total",
    "Jobs by outcome; a campaign's chunk is one. `reason` is the log's. Of an element that does not exist, `element` is `other`.",
    *("element", "lane", "outcome", "reason"),
)
JOB_SECONDS: Final = _worker(
    "smsjobs_job_seconds", "Seconds from a job's recording to its outcome.", "lane", buckets=_SEND_S
)
QUEUE_SECONDS: Final = _worker(
    "smsjobs_queue_seconds",
    "Seconds from the time at which a job is due to its first request: queue, permits and pauses.",
    "lane",
    buckets=_SEND_S,
)
ATTEMPTS: Final = _worker(
    "smsjobs_attempts_total",
    "Requests to send. `result` is `accepted`, `rejected`, `not_sent` or `lost`; `aliyun_code` is Aliyun's code where it "
    "answered, `other` for one that `docs/error-codes.md` does not have, and empty without an answer.",
    *("element", "lane", "result", "aliyun_code"),
)
REQUEST_SECONDS: Final = _worker(
    "smsjobs_request_seconds",
    "Seconds that a request to send took, answered or not.",
    "lane",
    buckets=_REQUEST_S,
)
LOOKUPS: Final = _worker(
    "smsjobs_lookups_total",
    "Look-ups of lost answers. `result` is `found`, `absent`, or `failed` where the answer proves nothing.",
    *("lane", "result"),
)
WAITS: Final = _worker(
    "smsjobs_waits_total",
    "Times that a job was given back until it is due again. `state` is `queued` or `looking_up`.",
    *("lane", "state", "reason"),
)
OPERATOR_REFUSALS: Final = _worker(
    "smsjobs_operator_refusals_total",
    "Refusals that an operator has to fix, a chunk's that paused its campaign included.",
    *("element", "reason", "aliyun_code"),
)
BALANCE_REFUSALS: Final = _worker(
    "smsjobs_balance_refusals_total", "Those of them for which the balance is too low.", "element"
)
TROUBLES: Final = _worker(
    "smsjobs_troubles_total",
    "Facts whose log line is a warning or an error, by the line's `action`. Lines that repeat are written once a minute; "
    "here each one counts.",
    *("action", "level"),
)

SETTLED_BY_RECEIPT: Final = _counter(
    "receipts",
    "smsjobs_settled_by_receipt_total",
    "Jobs whose answer was not known, or not yet, and that a receipt settled as accepted. `before` is the state before.",
    *("element", "lane", "before"),
)
DELIVERIES: Final = _counter(
    "receipts",
    "smsjobs_deliveries_total",
    "Recipients by what became of their message. `carrier` goes by the number's first digits: `mobile`, `unicom`, "
    "`telecom`, `broadnet` or `virtual`, `other` for the rest, abroad included. `err_code` is the carrier's code, `other` for one "
    "that `docs/delivery-codes.md` does not have.",
    *("carrier", "lane", "state", "err_code"),
)
DELIVERY_SECONDS: Final = Metric(
    name="smsjobs_delivery_seconds",
    kind="histogram",
    about="Seconds from Aliyun's sending to the carrier's report, of what was delivered.",
    labels=("carrier", "lane"),
    buckets=_DELIVERY_S,
    place="receipts",
)
REPLIES: Final = _counter(
    "receipts", "smsjobs_replies_total", "Replies of recipients; `opted_out` is `yes` or `no`.", "opted_out"
)
PUSHES_NOT_TAKEN: Final = _counter(
    "receipts", "smsjobs_pushes_not_taken_total", "Pushes of Aliyun's that were answered with 503."
)
PUSHED: Final = _counter(
    "receipts",
    "smsjobs_pushed_total",
    "Reports, replies and reviews in pushes, by what became of them. `docs/receipts.md` explains the words.",
    "what",
)
REPORTS_DROPPED: Final = _counter(
    "receipts",
    "smsjobs_reports_dropped_total",
    "Times that reports were dropped, by the log's reason.",
    "reason",
)

CODES_SENT: Final = _counter("codes", "smsjobs_codes_sent_total", "Codes handed over to be sent.", "purpose")
CODES_RIGHT: Final = _counter(
    "codes", "smsjobs_codes_right_total", "Codes that were typed and right.", "purpose"
)
CODES_CHECKED: Final = _counter(
    "codes",
    "smsjobs_codes_checked_total",
    "Codes that were typed, by the status of the check.",
    "purpose",
    "status",
)
CODES_REFUSED: Final = _counter(
    "codes",
    "smsjobs_codes_refused_total",
    "Codes that a limit or a guard did not let out.",
    "purpose",
    "reason",
)
PUBLISH_FAILURES: Final = _counter(
    "codes",
    "smsjobs_publish_failures_total",
    "Jobs that were recorded and could not be published at once; the sweep publishes them.",
    "lane",
)

LEDGER_UP: Final = _ledger(
    "smsjobs_ledger_up",
    "1 if the figures of the ledger could be read, else 0; then the others below are missing.",
)
LEDGER_READ_SECONDS: Final = _ledger("smsjobs_ledger_read_seconds", "Seconds that reading them took.")
LEDGER_OPEN: Final = _ledger("smsjobs_ledger_open", "Jobs without an outcome.")
LEDGER_DUE: Final = _ledger(
    "smsjobs_ledger_due",
    "Jobs whose next look by the sweep is due; more than a second's worth means that no worker sweeps.",
)
SWEEP_LATE_SECONDS: Final = _ledger(
    "smsjobs_sweep_late_seconds",
    "Seconds for which the sweep's next look is overdue, of the most overdue job.",
)
OLDEST_DUE_SECONDS: Final = _ledger(
    "smsjobs_oldest_due_seconds",
    "Seconds for which the oldest job has been due that nobody has claimed: at the head of the lane's queue, or among the 200 "
    "jobs of an element that the sweep looks at next.",
    "lane",
)
UNKNOWN: Final = _ledger(
    "smsjobs_unknown",
    "Jobs that ended as unknown within the last hour and that no receipt has settled since, among an element's newest 500 that did "
    "not end well.",
)
NOT_WELL: Final = _ledger(
    "smsjobs_not_well", "Jobs that were rejected, not sent, or unknown, and are still kept."
)
QUEUE_MESSAGES: Final = _ledger(
    "smsjobs_queue_messages", "Messages in the lane's queue. On Redis only; RabbitMQ tells its own.", "lane"
)
LANE_SERVED: Final = _ledger(
    "smsjobs_lane_served",
    "1 if a worker of the lane has given a sign of life within 90 seconds, else 0.",
    "lane",
)
CAMPAIGNS: Final = _ledger(
    "smsjobs_campaigns",
    "Campaigns that have not ended, by state: `planning`, `running`, `paused` or `cancelled`. At most 200 of an element are looked at.",
    "state",
)
CAMPAIGN_RECIPIENTS: Final = _ledger(
    "smsjobs_campaign_recipients",
    "Their recipients by state: an outcome, or `left` without one; of those accepted also `delivered` and `undelivered`.",
    "state",
)
PULLS_WAITING: Final = _ledger("smsjobs_pulls_waiting", "Jobs whose deliveries are still to be pulled.")
STREAM_WAITING: Final = _ledger(
    "smsjobs_stream_waiting", "Events that a subscriber has not dealt with yet.", "subscriber"
)
STREAM_OLDEST_SECONDS: Final = _ledger(
    "smsjobs_stream_oldest_seconds", "The age of the oldest of them; 0 without one.", "subscriber"
)
OUTBOX_WAITING: Final = _ledger(
    "smsjobs_outbox_waiting", "Items that could not be handed over yet and are tried again.", "to"
)
OUTBOX_PARKED: Final = _ledger("smsjobs_outbox_parked", "Items that were tried in vain for a day.", "to")
SET_ASIDE: Final = _ledger("smsjobs_set_aside", "Damaged entries that are set aside.")
TEMPLATES_NOT_APPROVED: Final = _ledger(
    "smsjobs_templates_not_approved",
    "Templates that were used within a day and that Aliyun has not approved: every message with one is refused. Told of 100 elements "
    "at most.",
    "element",
)
SIGNATURE_NOT_APPROVED: Final = _ledger(
    "smsjobs_signature_not_approved",
    "1 if Aliyun has not approved the element's signature, else 0; missing while no worker has learned of it. Told of 100 "
    "elements at most.",
    "element",
)
SIGNATURE_NOT_FILED: Final = _ledger(
    "smsjobs_signature_not_filed",
    "1 if the carrier has not filed the element's signature, and may hold its messages back; else 0, as while its filing is under way. "
    "`carrier` is `mobile`, `unicom` or `telecom`. Told of 100 elements at most.",
    *("element", "carrier"),
)
SIGNATURE_IDLE_SECONDS: Final = _ledger(
    "smsjobs_signature_idle_seconds",
    "Seconds since a message last went under the element's signature, or since a worker first had it; noted once a day. After six months "
    "without one the carriers let its filing lapse. Told of 100 elements at most.",
    "element",
)
REDIS_USED_BYTES: Final = _ledger(
    "smsjobs_redis_used_bytes", "Memory that the ledger's Redis uses; of a Cluster, its fullest node."
)
REDIS_MAX_BYTES: Final = _ledger("smsjobs_redis_max_bytes", "Its `maxmemory`; 0 where it has none.")

#: All of them, in the order of the page.
METRICS: Final = tuple(each for each in list(globals().values()) if isinstance(each, Metric))

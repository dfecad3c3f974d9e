"""A job and its JSON, which the ledger keeps and which a plain Celery client hands to ``smsjobs.submit``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from smsjobs.contract.arguments import Message, check_message, is_whole, unwrap
from smsjobs.contract.bounds import MAX_KEY
from smsjobs.contract.errors import InvalidArguments
from smsjobs.contract.lanes import OnUnknown, lane
from smsjobs.contract.names import check_full_name
from smsjobs.contract.traces import read_traceparent
from smsjobs.contract.versions import check_fields, check_version
from smsjobs.contract.wire import VERSION

__all__ = ["JobRecord", "decode_job", "encode_job", "is_job_id", "make_job"]

#: Longest life or delay of a job, in seconds. Aliyun's records, where a lost answer is looked up, reach 30 days back.
MAX_SECONDS: Final = 30 * 24 * 3600.0

#: A job id is a Celery task id, an OutId at Aliyun (under 256 characters) and a part of a Redis key.
_JOB_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def is_job_id(text: Any) -> bool:
    """Whether the text can be a job's id."""
    return isinstance(text, str) and _JOB_ID.fullmatch(text) is not None


_FIELDS: Final = frozenset(
    {
        "v",
        "id",
        "element",
        "phoneList",
        "params",
        "verifyTemplateCode",
        "lane",
        "expires",
        "countdown",
        "on_unknown",
        "idempotency_key",
        "traceparent",
    }
)


@dataclass(frozen=True, kw_only=True)
class JobRecord:
    """One `sendMessage` call: one Celery task id, one OutId, at most one accepted request."""

    #: The Celery task id, and the OutId that Aliyun sees.
    id: str
    #: The element's full name.
    element: str
    #: What is sent, and to whom.
    message: Message = field(repr=False)
    #: The name of its lane.
    lane: str
    #: Seconds after which it is not sent any more. They count from the call; for a plain client's job, from recording.
    expires_s: float
    #: Seconds from recording before which it is not sent.
    countdown_s: float = 0
    #: What happens when the look-ups of a lost answer end without a trace.
    on_unknown: OnUnknown
    #: The caller's key: the same key on the same element gives the same job back.
    idempotency_key: str | None = field(default=None, repr=False)
    #: Whether its campaign says that it is not promotional. Only a chunk's can.
    is_notice: bool = False
    #: The span of the caller's trace that its own spans are children of, as `read_traceparent` gives it.
    traceparent: str | None = None

    @property
    def is_promotional(self) -> bool:
        """Whether it is a promotional message: everything on the lane ``bulk`` is, unless its campaign says otherwise."""
        return self.lane == "bulk" and not self.is_notice


def make_job(
    *,
    id: str,
    element: Any,
    phoneList: Any = None,
    params: Any = None,
    verifyTemplateCode: Any = None,
    extend: Any = None,
    lane_name: Any = "notification",
    expires: Any = None,
    countdown: Any = None,
    on_unknown: Any = None,
    idempotency_key: Any = None,
    traceparent: Any = None,
) -> JobRecord:
    """Check everything and make the job. What is None gets its lane's default.

    Args:
        expires: Seconds from now. The default counts from the end of `countdown`.
        countdown: Seconds from now before which the job is not sent.
        traceparent: What is not one is left out: a trace stops no job.

    Raises:
        InvalidArguments: It names the argument, never its value.
    """
    if not is_job_id(id):
        raise InvalidArguments.about("id", "must be 1 to 64 letters, digits, - or _")
    its_lane = lane(unwrap(lane_name, "lane"))
    countdown_s = _seconds("countdown", unwrap(countdown, "countdown"), default=0)
    expires_s = _seconds("expires", unwrap(expires, "expires"), default=countdown_s + its_lane.expires_s)
    if expires_s <= countdown_s:
        start = "the start that countdown or eta sets" if countdown_s else "now"
        raise InvalidArguments.about("expires", f"must be later than {start}: such a job could never be sent")
    return JobRecord(
        id=id,
        element=check_full_name(unwrap(element, "element")),
        message=check_message(phoneList, params, verifyTemplateCode, extend),
        lane=its_lane.name,
        expires_s=expires_s,
        countdown_s=countdown_s,
        on_unknown=_on_unknown(unwrap(on_unknown, "on_unknown"), default=its_lane.on_unknown),
        idempotency_key=_key(unwrap(idempotency_key, "idempotency_key")),
        traceparent=read_traceparent(traceparent),
    )


def encode_job(job: JobRecord) -> dict[str, Any]:
    """The job as JSON: its fields, and ``v``, the version. ``traceparent`` is there only if the job is traced."""
    traced = {} if job.traceparent is None else {"traceparent": job.traceparent}
    return traced | {
        "v": VERSION,
        "id": job.id,
        "element": job.element,
        "phoneList": list(job.message.phones),
        "params": dict(job.message.params),
        "verifyTemplateCode": job.message.template,
        "lane": job.lane,
        "expires": job.expires_s,
        "countdown": job.countdown_s,
        "on_unknown": job.on_unknown,
        "idempotency_key": job.idempotency_key,
    }


def decode_job(data: Any) -> JobRecord:
    """The job of that JSON. Every field but ``id``, ``element`` and those of the message has a default.

    Raises:
        InvalidArguments: It is not a job, it is of a newer version, or a field is unknown or wrong.
    """
    if not isinstance(data, Mapping):
        raise InvalidArguments("a job must be a JSON object", reason="job_unreadable")
    check_version(data.get("v", VERSION), "job")
    check_fields(data, _FIELDS, "job")
    return make_job(
        id=data.get("id", ""),
        element=data.get("element"),
        phoneList=data.get("phoneList"),
        params=data.get("params"),
        verifyTemplateCode=data.get("verifyTemplateCode"),
        lane_name=data.get("lane", "notification"),
        expires=data.get("expires"),
        countdown=data.get("countdown"),
        on_unknown=data.get("on_unknown"),
        idempotency_key=data.get("idempotency_key"),
        traceparent=data.get("traceparent"),
    )


def _seconds(name: str, value: Any, *, default: float) -> float:
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:  # noqa: PLR0124  not a number
        raise InvalidArguments.about(name, "must be a number of seconds")
    if not 0 <= value <= MAX_SECONDS:
        raise InvalidArguments.about(name, f"must be from 0 to {MAX_SECONDS:.0f} seconds (30 days)")
    # The ledger counts whole milliseconds. A smaller delay would be a delay here and none there.
    return round(float(value), 3)


def _on_unknown(value: Any, *, default: OnUnknown) -> OnUnknown:
    match value:
        case None:
            return default
        case "hold" | "resend":
            return "hold" if value == "hold" else "resend"
        case _:
            raise InvalidArguments.about("on_unknown", 'must be "hold" or "resend"')


def _key(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value or len(value) > MAX_KEY or not is_whole(value):
        raise InvalidArguments.about("idempotency_key", f"must be text of 1 to {MAX_KEY} characters")
    return value

"""What producer and worker agree on: jobs, results, errors, lanes and wire names. It imports the standard library only.

The JSON of jobs, results and events is a versioned contract: its golden files are in ``tests/unit/contract/golden``.
"""

from typing import TYPE_CHECKING

from smsjobs.contract.arguments import MAX_PHONES, Message, check_message, check_phone, is_whole, unwrap
from smsjobs.contract.bounds import (
    MAX_NAME,
    MAX_TEMPLATE_TEXT,
    MOST_EVENTS,
    check_length,
    check_timeout,
)
from smsjobs.contract.campaigns import CAMPAIGN_STATES
from smsjobs.contract.chunks import (
    MAX_BATCH,
    half_of,
    make_chunk,
    number_of,
    pack,
    pack_campaign,
    pack_numbers,
    pack_recipients,
    unpack,
    unpack_numbers,
    unpack_recipients,
    without,
)
from smsjobs.contract.errors import (
    AliyunRejected,
    ErrorCode,
    IdempotencyConflict,
    InvalidArguments,
    QueueUnavailable,
    RequestFailed,
    SmsError,
    VerificationRefused,
)
from smsjobs.contract.ids import (
    campaign_id,
    chunk_id,
    element_tag,
    is_tag,
    new_job_id,
    tag_of_campaign,
    tag_of_job,
)
from smsjobs.contract.jobs import JobRecord, decode_job, encode_job, is_job_id, make_job
from smsjobs.contract.lanes import LANES, Lane, OnUnknown, lane
from smsjobs.contract.names import check_full_name, nearest_name
from smsjobs.contract.outcomes import OUTCOMES, STATUSES, Outcome, decode_outcome, encode_outcome
from smsjobs.contract.phones import (
    check_countries,
    country_of,
    is_in,
    is_mainland,
    normalise_phone,
    read_phone,
)
from smsjobs.contract.promotional import PROMOTIONAL_HOURS, Hours
from smsjobs.contract.recipients import (
    NUMBER_WIDTH,
    count_recipients,
    find_recipient,
    number_digests,
    recipient_digests,
    split_delivery,
)
from smsjobs.contract.results import ResolvedBy, SendResult, decode_result, encode_result
from smsjobs.contract.suppression import OPT_OUT_WORDS, SCOPES, Scope, is_opt_out, read_words
from smsjobs.contract.traces import read_traceparent
from smsjobs.contract.visible import escaped, mask_phone, visible
from smsjobs.contract.wire import KEY_PREFIX, SEND_TASK, SUBMIT_TASK, VERSION
from smsjobs.on_demand import on_demand

if TYPE_CHECKING:
    from smsjobs.contract.events import (
        EVENT_TYPES,
        CampaignChange,
        DeliveryUpdate,
        Event,
        EventData,
        JobSettlement,
        ReplyReceived,
        SignatureReview,
        TemplateReview,
        encode_event,
        event_id,
    )
    from smsjobs.contract.replies import Reply
else:
    # Whoever enqueues knows nothing of events.
    __getattr__ = on_demand(
        __name__,
        events=(
            "EVENT_TYPES",
            "CampaignChange",
            "DeliveryUpdate",
            "Event",
            "EventData",
            "JobSettlement",
            "ReplyReceived",
            "SignatureReview",
            "TemplateReview",
            "encode_event",
            "event_id",
        ),
        replies=("Reply",),
    )

__all__ = [
    "CAMPAIGN_STATES",
    "EVENT_TYPES",
    "KEY_PREFIX",
    "LANES",
    "MAX_BATCH",
    "MAX_NAME",
    "MAX_PHONES",
    "MAX_TEMPLATE_TEXT",
    "MOST_EVENTS",
    "NUMBER_WIDTH",
    "OPT_OUT_WORDS",
    "OUTCOMES",
    "PROMOTIONAL_HOURS",
    "SCOPES",
    "SEND_TASK",
    "STATUSES",
    "SUBMIT_TASK",
    "VERSION",
    "AliyunRejected",
    "CampaignChange",
    "DeliveryUpdate",
    "ErrorCode",
    "Event",
    "EventData",
    "Hours",
    "IdempotencyConflict",
    "InvalidArguments",
    "JobRecord",
    "JobSettlement",
    "Lane",
    "Message",
    "OnUnknown",
    "Outcome",
    "QueueUnavailable",
    "Reply",
    "ReplyReceived",
    "RequestFailed",
    "ResolvedBy",
    "Scope",
    "SendResult",
    "SignatureReview",
    "SmsError",
    "TemplateReview",
    "VerificationRefused",
    "campaign_id",
    "check_countries",
    "check_full_name",
    "check_length",
    "check_message",
    "check_phone",
    "check_timeout",
    "chunk_id",
    "count_recipients",
    "country_of",
    "decode_job",
    "decode_outcome",
    "decode_result",
    "element_tag",
    "encode_event",
    "encode_job",
    "encode_outcome",
    "encode_result",
    "escaped",
    "event_id",
    "find_recipient",
    "half_of",
    "is_in",
    "is_job_id",
    "is_mainland",
    "is_opt_out",
    "is_tag",
    "is_whole",
    "lane",
    "make_chunk",
    "make_job",
    "mask_phone",
    "nearest_name",
    "new_job_id",
    "normalise_phone",
    "number_digests",
    "number_of",
    "pack",
    "pack_campaign",
    "pack_numbers",
    "pack_recipients",
    "read_phone",
    "read_traceparent",
    "read_words",
    "recipient_digests",
    "split_delivery",
    "tag_of_campaign",
    "tag_of_job",
    "unpack",
    "unpack_numbers",
    "unpack_recipients",
    "unwrap",
    "visible",
    "without",
]

"""Why a job is not found, not cancelled or not sent again."""

from __future__ import annotations

from smsjobs.contract import InvalidArguments

__all__ = ["gone", "no_such_job", "not_retryable", "part_of_campaign"]


def no_such_job(job_id: str) -> InvalidArguments:
    """The ledger has no job of that id."""
    return _about(
        job_id, "job_not_found", "there is no job of that id, or it ended longer ago than SMS_RETENTION"
    )


def part_of_campaign(job_id: str) -> InvalidArguments:
    """The job is a chunk."""
    return _about(
        job_id,
        "part_of_campaign",
        "the job is a part of a campaign, which is paused, cancelled and reported as a whole",
    )


def not_retryable(job_id: str, status: str) -> InvalidArguments:
    """The job may have been sent, or may still be sent."""
    return _about(
        job_id, "not_retryable", f"only what was rejected or not sent can be sent again, and this is {status}"
    )


def gone(job_id: str) -> InvalidArguments:
    """What the job sent is not kept any more."""
    return _about(
        job_id,
        "payload_gone",
        "its numbers and parameters are not kept any more: SMS_RETRYABLE says for how long they are",
    )


def _about(job_id: str, reason: str, message: str) -> InvalidArguments:
    return InvalidArguments(message, reason=reason, out_id=job_id, argument="job_id")

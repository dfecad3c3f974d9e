"""The facts of handing a job over, and of the jobs that are in the ledger."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from smsjobs.facts.fact import Fact

__all__ = [
    "ItemSetAside",
    "JobCancelled",
    "JobRetried",
    "PublishFailed",
    "TemplateMisfit",
]


@dataclass(frozen=True, kw_only=True)
class PublishFailed(Fact):
    """A job is recorded and its message could not be published."""

    action = "publish_failed"
    level = logging.WARNING
    sentence = "a job is recorded but could not be published; the sweep will publish it"
    logger = "smsjobs.connection"
    repeats_by = ("error",)

    job_id: str
    lane: str
    error: str


@dataclass(frozen=True, kw_only=True)
class TemplateMisfit(Fact):
    """A message does not fit what is known of its template, and is enqueued all the same (``SMS_PREFLIGHT=warn``)."""

    action = "template_misfit"
    level = logging.WARNING
    sentence = "a message does not fit its template; Aliyun will probably refuse it"
    logger = "smsjobs.connection"
    repeats_by = ("element", "template")

    element: str
    template: str
    problems: str


@dataclass(frozen=True, kw_only=True)
class JobCancelled(Fact):
    """Somebody cancelled a job before it was sent."""

    action = "cancelled"
    level = logging.INFO
    sentence = "a job was cancelled"
    logger = "smsjobs.steering"

    job_id: str


@dataclass(frozen=True, kw_only=True)
class JobRetried(Fact):
    """Somebody had a job sent again that was rejected or not sent."""

    action = "retried"
    level = logging.INFO
    sentence = "a job is sent again"
    logger = "smsjobs.steering"

    #: The new job.
    job_id: str
    #: The old one.
    retry_of: str
    element: str
    lane: str


@dataclass(frozen=True, kw_only=True)
class ItemSetAside(Fact):
    """Something in the ledger is damaged, and was set aside: ``smsjobs set-aside`` shows it."""

    action = "set_aside"
    level = logging.ERROR
    sentence = "something damaged was set aside"
    logger = "smsjobs.ledger"
    repeats_by = ("problem",)

    #: What it is, such as ``job:<id>``.
    item: str
    problem: str

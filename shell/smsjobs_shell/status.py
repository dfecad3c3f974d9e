"""``smsjobs status``: what became of a job."""

from __future__ import annotations

import contextlib
from typing import Any

import click

from smsjobs.client import Sms, connect
from smsjobs.contract import InvalidArguments, QueueUnavailable, SmsError
from smsjobs.job import Job
from smsjobs.presence import workers_by_lane
from smsjobs_shell.no_worker import tell_that_no_worker_answers
from smsjobs_shell.terminal.failure import INTERRUPTED, CommandFailed
from smsjobs_shell.terminal.language import tr
from smsjobs_shell.terminal.options import ID, SECONDS, with_screen
from smsjobs_shell.terminal.outcome import exit_status, facts
from smsjobs_shell.terminal.screen import Screen

__all__ = ["follow", "is_campaign", "show", "status", "tell_that_it_goes_on"]


@click.command(
    short_help="Show what became of a job.",
    epilog="""\b
Examples:
  smsjobs status 3b9f0c1e-...
  smsjobs status --wait --timeout 60 3b9f0c1e-...
  smsjobs status --json 3b9f0c1e-... | jq -r .status

The exit status is 1 if the job's outcome is not "accepted", or if --wait saw no
outcome in time.""",
)
@click.option("--wait", is_flag=True, help="Wait for the outcome.")
@click.option(
    "--timeout",
    "timeout_s",
    type=SECONDS,
    metavar="SECONDS",
    help="The longest wait. [default: as long as it takes]",
)
@click.argument("job_id", type=ID, metavar="JOB_ID")
@with_screen
def status(screen: Screen, *, wait: bool, timeout_s: float | None, job_id: str) -> int:
    """Show a job's status, and its outcome as soon as there is one.

    Ctrl-C ends only the waiting: the job continues.
    """
    if timeout_s is not None and not wait:
        raise click.UsageError(tr("{one} needs {other}", one="--timeout", other="--wait"))
    sms = connect()
    job = sms.job(job_id)
    try:
        details = follow(screen, sms, job, timeout_s) if wait else show(screen, job)
    except InvalidArguments as error:
        if error.reason == "job_not_found" and is_campaign(sms, job_id):
            raise InvalidArguments(
                tr("that is a campaign's id: {command}", command=f"smsjobs campaign status {job_id}"),
                reason=error.reason,
                out_id=error.out_id,
                argument=error.argument,
            ) from None
        raise
    return exit_status(details, settled_wanted=wait)


def is_campaign(sms: Sms, its_id: str) -> bool:
    """Whether it is the id of a campaign."""
    try:
        sms.campaign(its_id).progress()
    except SmsError:
        return False
    return True


def follow(screen: Screen, sms: Sms, job: Job, timeout_s: float | None) -> dict[str, Any]:
    """Wait for the job's outcome, show its record, and return it. Where the job continues, tell how to see it again.

    Raises:
        CommandFailed: Ctrl-C ended the waiting.
        SmsError: Redis is unreachable, or there is no such job.
    """
    try:
        with screen.working(tr("Waiting for the outcome")):
            _wait(job, timeout_s)
            details = _record(sms, job)
    except KeyboardInterrupt:
        tell_that_it_goes_on(screen, job.id)
        raise CommandFailed(
            tr("interrupted; the job continues"), "interrupted", status=INTERRUPTED, more={"id": job.id}
        ) from None
    _show(screen, details)
    return details


def show(screen: Screen, job: Job) -> dict[str, Any]:
    """Show the job's record, and return it."""
    details = _read(job)
    _show(screen, details)
    return details


def _record(sms: Sms, job: Job) -> dict[str, Any]:
    """The job's record. Where it has no outcome yet, `workers` is the number of its lane's workers, or None if that is unknown."""
    details = _read(job)
    if details["outcome"] is None:
        workers = workers_by_lane(sms.connection.settings.broker_url) or {}
        details["workers"] = workers.get(details["lane"])
    return details


def _read(job: Job) -> dict[str, Any]:
    """The job's record; of an accepted one what became of its recipients too."""
    details = job.info().to_json()
    if details["status"] == "accepted":
        # The recipients of a campaign may be sealed, and this process may not have the key.
        with contextlib.suppress(InvalidArguments):
            details["deliveries"] = job.deliveries().to_json()
            if details["deliveries"]["total"] == 1:
                details["delivery"] = job.delivery().to_json()
    return details


def _show(screen: Screen, details: dict[str, Any]) -> None:
    screen.pairs(facts(details))
    if details.get("workers") == 0:
        tell_that_no_worker_answers(screen, details["lane"])
    if details["outcome"] is None:
        _tell_how_to_see_it(screen, details["id"])
    screen.document(details)


def tell_that_it_goes_on(screen: Screen, job_id: str) -> None:
    """Name the job whose outcome was not seen, and tell how to see it again."""
    screen.line()
    screen.pairs([(tr("job"), job_id)])
    _tell_how_to_see_it(screen, job_id)


def _tell_how_to_see_it(screen: Screen, job_id: str) -> None:
    screen.line(
        "\n" + tr("The job continues; see it with:") + f"\n  smsjobs status --wait {job_id}", exact=True
    )


def _wait(job: Job, timeout_s: float | None) -> None:
    try:
        with contextlib.suppress(TimeoutError):
            job.get(timeout=timeout_s)
    except QueueUnavailable:
        raise
    except SmsError as error:
        if isinstance(error, InvalidArguments) and error.reason == "job_not_found":
            raise

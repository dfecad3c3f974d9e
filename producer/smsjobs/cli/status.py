"""``smsjobs status``: what became of a job."""

from __future__ import annotations

import contextlib
from typing import Any

import click

from smsjobs.cli.options import with_screen
from smsjobs.cli.outcome import exit_status, facts
from smsjobs.cli.screen import Screen
from smsjobs.client import connect
from smsjobs.contract import InvalidArguments, QueueUnavailable, SmsError
from smsjobs.job_handle import Job

__all__ = ["settled", "show", "status"]


@click.command(
    short_help="Show what became of a job.",
    epilog="""\b
Examples:
  smsjobs status 3b9f0c1e-...
  smsjobs status --wait --timeout 60 3b9f0c1e-...
  smsjobs status --json 3b9f0c1e-... | jq -r .status

The exit status is 1 when the job's outcome is another than "accepted", and when --wait saw none in time.""",
)
@click.option("--wait", is_flag=True, help="Wait for the outcome.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Wait no longer than that. [default: as long as it takes]",
)
@click.argument("job_id", metavar="JOB_ID")
@with_screen
def status(screen: Screen, *, wait: bool, timeout_s: float | None, job_id: str) -> int:
    """Show a job's status, and its outcome once it has one."""
    job = connect().job(job_id)
    if wait:
        with screen.working("Waiting for the outcome"):
            settled(job, timeout_s)
    return exit_status(show(screen, job), settled_wanted=wait)


def settled(job: Job, timeout_s: float | None) -> None:
    """Wait until the job has an outcome, or the time is over.

    Raises:
        SmsError: Redis is away, or there is no such job.
    """
    try:
        with contextlib.suppress(TimeoutError):
            job.get(timeout=timeout_s)
    except QueueUnavailable:
        raise
    except SmsError as error:
        if isinstance(error, InvalidArguments) and error.reason == "job_not_found":
            raise


def show(screen: Screen, job: Job) -> dict[str, Any]:
    """Show the job's record, and return it."""
    details = job._details()  # noqa: SLF001  it is there for us
    screen.pairs(facts(details))
    screen.document(details)
    return details

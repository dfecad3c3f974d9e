"""``smsjobs cancel``: stop a job that waits to be sent."""

from __future__ import annotations

import click

from smsjobs import InvalidArguments, connect
from smsjobs_shell.status import is_campaign
from smsjobs_shell.terminal.failure import CommandFailed
from smsjobs_shell.terminal.language import tr
from smsjobs_shell.terminal.options import ID, with_screen
from smsjobs_shell.terminal.screen import Screen

__all__ = ["cancel"]


@click.command(
    short_help="Stop a job that waits to be sent.",
    epilog="""\b
Example:
  smsjobs cancel k3qv7a-3b9f0c1e-...

The exit status is 1 if it is too late. What was cancelled can be sent again by
smsjobs retry. A campaign is stopped by smsjobs campaign cancel.""",
)
@click.argument("job_id", type=ID, metavar="JOB_ID")
@with_screen
def cancel(screen: Screen, *, job_id: str) -> None:
    """Stop a job that waits to be sent. It is never sent, and its outcome is not_sent, reason "cancelled"."""
    sms = connect()
    job = sms.job(job_id)
    try:
        cancelled = job.cancel()
    except InvalidArguments as error:
        if error.reason == "job_not_found" and is_campaign(sms, job_id):
            error = InvalidArguments(
                tr("that is a campaign's id: {command}", command=f"smsjobs campaign cancel {job_id}"),
                reason=error.reason,
                out_id=job_id,
            )
        raise error from None
    if not cancelled:
        status = job.status()
        raise CommandFailed(
            tr("it is too late: the job is {status}", status=status),
            "too_late",
            more={"id": job_id, "status": status},
        )
    screen.line(tr("It is cancelled, and will not be sent."))
    screen.document({"id": job_id, "cancelled": True})

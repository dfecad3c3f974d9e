"""``smsjobs retry``: send jobs again that were rejected or not sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import click

from smsjobs import InvalidArguments, JobInfo, QueueUnavailable, Sms, SmsError, connect
from smsjobs_shell.jobs import Filters, filtered, filters, found, table
from smsjobs_shell.terminal.failure import FAILED, CommandFailed, bad_usage
from smsjobs_shell.terminal.language import tr, tr_count
from smsjobs_shell.terminal.library import in_language
from smsjobs_shell.terminal.options import ID, SECONDS, with_screen
from smsjobs_shell.terminal.question import ask
from smsjobs_shell.terminal.screen import Screen
from smsjobs_shell.terminal.wording import in_shell_words

__all__ = ["retry"]

#: The most jobs that are shown before it is asked.
_SHOWN: Final = 15

#: The reason of a job that somebody did not want to be sent.
_CANCELLED: Final = "cancelled"


@click.command(
    short_help="Send jobs again that were rejected or not sent.",
    epilog="""\b
Examples:
  smsjobs retry k3qv7a-3b9f0c1e-...
  smsjobs retry --since 2h --code isv.AMOUNT_NOT_ENOUGH
  smsjobs retry --failed --lane verification --expires 120 --yes

The exit status is 1 if one of them could not be sent again.""",
)
@click.argument("job_ids", type=ID, metavar="[JOB_ID]...", nargs=-1)
@filters
@click.option(
    "--expires",
    type=SECONDS,
    metavar="SECONDS",
    help="Do not send it any more after that time. [default: by lane]",
)
@click.option("--yes", "agreed", is_flag=True, help="Do not ask. It is asked on a terminal only.")
@with_screen
def retry(
    screen: Screen, *, job_ids: tuple[str, ...], expires: float | None, agreed: bool, **typed: Any
) -> int:
    """Send jobs again: those that are named, or all that a filter finds. On a terminal, they are shown before.

    Each makes a new job with the same payload, and its idempotency key moves to that. A job is sent again once: asked
    again, this gives the same new job.
    """
    asked = Filters(**typed)  # type: ignore[typeddict-item]
    if bool(job_ids) == filtered(asked):
        raise click.UsageError(tr("name jobs by their ids, or say which by --failed, --since, --code …"))
    sms = connect()
    infos = [sms.job(each).info() for each in job_ids] if job_ids else list(found(sms, asked))
    chosen = infos if job_ids else _to_send_again(screen, infos)
    if not chosen:
        screen.line(tr("There is no job to send again."))
    elif screen.can_ask and not agreed:
        _ask(screen, sms, chosen)
    done = _send_again(sms, chosen, expires)
    _show(screen, done)
    screen.document({**done, "left_out": len(infos) - len(chosen)})
    return FAILED if done["failed"] else 0


def _to_send_again(screen: Screen, infos: Sequence[JobInfo]) -> list[JobInfo]:
    """Those that nothing speaks against. Which are left out, and why, is told."""
    unknown = sum(each.status == "unknown" for each in infos)
    cancelled = sum(each.last_error == _CANCELLED for each in infos)
    if unknown:
        screen.line(
            tr_count(
                "{count} job is unknown: it may have been sent, and will not be sent again.",
                "{count} jobs are unknown: they may have been sent, and will not be sent again.",
                unknown,
            )
        )
    if cancelled:
        screen.line(
            tr_count(
                "{count} job was cancelled, and stays so. Name a job by its id to send it all the same.",
                "{count} jobs were cancelled, and stay so. Name a job by its id to send it all the same.",
                cancelled,
            )
        )
    return [each for each in infos if each.is_worth_sending_again]


def _ask(screen: Screen, sms: Sms, chosen: Sequence[JobInfo]) -> None:
    table(screen, sms, chosen[:_SHOWN])
    if len(chosen) > _SHOWN:
        screen.line(tr("… and {count} more", count=f"{len(chosen) - _SHOWN:,}"))
    screen.line()
    ask(
        tr_count("Send {count} job again?", "Send {count} jobs again?", len(chosen)),
        tr("nothing is sent again"),
    )


def _send_again(
    sms: Sms, chosen: Sequence[JobInfo], expires: float | None
) -> dict[str, list[dict[str, Any]]]:
    retried: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for info in chosen:
        try:
            retried.append({"id": info.id, "retried_as": sms.job(info.id).retry(expires=expires).id})
        except QueueUnavailable as error:
            raise CommandFailed(
                tr_count(
                    "{error}. {count} job of {all} was sent again; the same command continues, and sends none twice",
                    "{error}. {count} jobs of {all} were sent again; the same command continues, and sends none twice",
                    len(retried),
                    error=in_shell_words(error),
                    all=f"{len(chosen):,}",
                ),
                error.reason,
                more={"code": error.code, "retried": retried},
            ) from None
        except InvalidArguments as error:
            if error.argument == "expires":
                raise bad_usage(error) from None
            failed.append(_failure(info, error))
        except SmsError as error:
            failed.append(_failure(info, error))
    return {"retried": retried, "failed": failed}


def _failure(info: JobInfo, error: SmsError) -> dict[str, Any]:
    return {"id": info.id, "reason": error.reason, "message": error.message}


def _show(screen: Screen, done: dict[str, list[dict[str, Any]]]) -> None:
    for each in done["retried"][:_SHOWN]:
        screen.pairs([(tr("job"), each["id"]), (tr("sent again as"), each["retried_as"])])
    if len(done["retried"]) > 1:
        screen.line(
            tr_count("{count} job is sent again.", "{count} jobs are sent again.", len(done["retried"]))
        )
    reasons = Counter((each["reason"], each["message"]) for each in done["failed"])
    for (reason, message), count in reasons.items():
        screen.line(
            tr_count(
                "{count} job is not sent again ({reason}): {message}",
                "{count} jobs are not sent again ({reason}): {message}",
                count,
                reason=reason,
                message=in_language(message),
            )
        )

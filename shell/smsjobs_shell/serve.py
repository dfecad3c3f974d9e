"""``smsjobs serve``: takes what Aliyun pushes, or what it puts into queues; and tells Prometheus of the ledger."""

from __future__ import annotations

import errno
import os
import sys
from typing import Final, NoReturn

import click

from smsjobs.client import connect
from smsjobs_shell.terminal.extras import need_extras
from smsjobs_shell.terminal.failure import CommandFailed
from smsjobs_shell.terminal.language import mark, tr
from smsjobs_shell.terminal.options import with_screen
from smsjobs_shell.terminal.screen import Screen

__all__ = ["serve"]

_FIGURES: Final = {
    "token": mark("Figures: /metrics, to whoever sends SMS_METRICS_TOKEN."),
    "local": mark("Figures: /metrics, to this machine only."),
    None: mark("Figures are not served: SMS_METRICS_TOKEN is not set."),
}


@click.command(
    short_help="Take the receipts and replies that Aliyun pushes.",
    epilog="""\b
Examples:
  SMS_RECEIPT_SECRET=... smsjobs serve --host 0.0.0.0 --port 8080
  smsjobs serve --port 0 --json
  smsjobs serve --forward test=https://test.example.com/receipts/...
  SMS_METRICS_TOKEN=... smsjobs serve --host 0.0.0.0
  SMS_APP=path/to/app smsjobs serve --queues

Aliyun's address is http://YOUR-HOST:8080/receipts/SMS_RECEIPT_SECRET. /healthz
tells whether Redis answers, and /metrics gives Prometheus its figures: to this
machine, or with SMS_METRICS_TOKEN. Ctrl-C ends it with status 0.

With --queues it listens nowhere, and reads Aliyun's queues for elements whose
sms.json has "receipts": "queue". It needs the account, so run it where a worker
runs, with the worker's environment.""",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8080,
    show_default=True,
    help="The port. 0 takes a free one.",
)
@click.option(
    "--forward",
    metavar="NAME=URL",
    multiple=True,
    help="Another environment of the account, which gets what this one does not know. May be repeated. [default: SMS_FORWARD]",
)
@click.option(
    "--queues", is_flag=True, help="Read Aliyun's queues (MNS) instead; needs the account, as a worker does."
)
@click.pass_context
@with_screen
def serve(
    screen: Screen, ctx: click.Context, *, host: str, port: int, forward: tuple[str, ...], queues: bool
) -> int:
    """Take receipts over HTTP, under a secret path; or from Aliyun's queues."""
    if queues:
        _refuse_beside_queues(ctx)
        _become_queue_reader(screen)
    need_extras("server")
    from smsjobs_server import Server, ServerSettings, set_up_log  # noqa: PLC0415  an extra

    settings = ServerSettings.read(host=host, port=port, forward=forward)
    sms = connect()
    set_up_log(settings.log)
    try:
        server = Server(sms, settings)
    except OSError as error:
        raise CommandFailed(_why(error, host, port), "cannot_listen") from None
    takes = settings.secret is not None
    screen.line(tr("Serving at {url}. Ctrl-C ends it.", url=server.url))
    screen.line(
        tr("Receipts: /receipts/ and SMS_RECEIPT_SECRET.")
        if takes
        else tr("Receipts are not taken: SMS_RECEIPT_SECRET is not set.")
    )
    screen.line(tr(_FIGURES[settings.metrics]))
    screen.line(
        tr("Pages: {url}/, for whoever has a role.", url=settings.access.url or server.url)
        if settings.access
        else tr("Pages are not served: see SMS_PAGES_OPERATE_TOKEN.")
    )
    if settings.forward:
        screen.line(tr("What is not known here is passed on to: {names}.", names=", ".join(settings.forward)))
    screen.document(
        {
            "url": server.url,
            "receipts": takes,
            "metrics": settings.metrics,
            "pages": settings.access.ways if settings.access else [],
            "forward": list(settings.forward),
            "pid": os.getpid(),
        }
    )
    server.run()
    sms.close()
    return 0


def _refuse_beside_queues(ctx: click.Context) -> None:
    for name in ("host", "port", "forward"):
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(
                tr("--{name} and --queues exclude each other: queues are read, not served", name=name)
            )


def _become_queue_reader(screen: Screen) -> NoReturn:
    """Let the worker's side go on in this very process. So signals, exit status and output are its own."""
    need_extras("worker")
    words = ["-m", "smsjobs_worker.watching.queues", *(["--json"] if screen.as_json else [])]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *words])  # noqa: S606  our own program, no shell


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return tr(
            "port {port} is in use; stop what uses it, or choose another with --port (0 takes a free one)",
            port=port,
        )
    return tr("cannot listen on {host} port {port}: {why}", host=host, port=port, why=error.strerror or error)

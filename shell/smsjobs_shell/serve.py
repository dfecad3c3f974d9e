"""``smsjobs serve``: takes what Aliyun pushes."""

from __future__ import annotations

import errno
import os

import click

from smsjobs.client import connect
from smsjobs_shell.terminal.extras import need_extras
from smsjobs_shell.terminal.failure import CommandFailed
from smsjobs_shell.terminal.options import with_screen
from smsjobs_shell.terminal.screen import Screen

__all__ = ["serve"]


@click.command(
    short_help="Take the receipts and replies that Aliyun pushes.",
    epilog="""\b
Examples:
  SMS_RECEIPT_SECRET=... smsjobs serve --host 0.0.0.0 --port 8080
  smsjobs serve --port 0 --json
  smsjobs serve --forward test=https://test.example.com/receipts/...

Aliyun's address is http://YOUR-HOST:8080/receipts/SMS_RECEIPT_SECRET. /healthz
tells whether Redis answers. Ctrl-C ends it with status 0.""",
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
@with_screen
def serve(screen: Screen, *, host: str, port: int, forward: tuple[str, ...]) -> int:
    """Take receipts over HTTP, under a secret path."""
    need_extras("server")
    from smsjobs_server import Server, ServerSettings, set_up_log  # noqa: PLC0415  an extra

    settings = ServerSettings.read(host=host, port=port, forward=forward)
    sms = connect()
    set_up_log()
    try:
        server = Server(sms, settings)
    except OSError as error:
        raise CommandFailed(_why(error, host, port), "cannot_listen") from None
    takes = settings.secret is not None
    screen.line(f"Serving at {server.url}. Ctrl-C ends it.")
    screen.line(
        "Receipts: /receipts/ and SMS_RECEIPT_SECRET."
        if takes
        else "Receipts are not taken: SMS_RECEIPT_SECRET is not set."
    )
    if settings.forward:
        screen.line(f"What is not known here is passed on to: {', '.join(settings.forward)}.")
    screen.document(
        {"url": server.url, "receipts": takes, "forward": list(settings.forward), "pid": os.getpid()}
    )
    server.run()
    sms.close()
    return 0


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use; stop what uses it, or choose another with --port (0 takes a free one)"
    return f"cannot listen on {host} port {port}: {error.strerror or error}"

"""``python -m smsjobs_server.inbox``: what `smsjobs dev` starts. It also takes the simulator's receipts and replies."""

from __future__ import annotations

import argparse
import json
import os
import socket
from decimal import Decimal
from pathlib import Path

from starlette.applications import Starlette

from smsjobs import connect
from smsjobs_server.app import make_app
from smsjobs_server.inbox.app import Inbox
from smsjobs_server.inbox.simulator import Simulator
from smsjobs_server.log import set_up_log
from smsjobs_server.pages import NearOnly, Secured
from smsjobs_server.running import run_app


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m smsjobs_server.inbox", description=__doc__)
    add = parser.add_argument
    add("--socket", type=int, required=True, help="the file descriptor of a port that is taken")
    add("--simulator-file", type=Path, required=True, help="where the simulator writes its addresses")
    add("--price", type=Decimal, required=True, help="of a part, in yuan")
    arguments = parser.parse_args()
    set_up_log("text")

    def where() -> str:
        address: str = json.loads(arguments.simulator_file.read_text(encoding="utf-8"))["control_url"]
        return address

    sms = connect()
    inbox = Inbox(Simulator(where), sms, price=arguments.price)
    app = Starlette(routes=inbox.routes)
    app.mount("/", make_app(sms, secret=os.environ["SMS_RECEIPT_SECRET"]))
    run_app(Secured(NearOnly(app)), socket.socket(fileno=arguments.socket), at_end=inbox.live.close)
    sms.close()


if __name__ == "__main__":
    main()

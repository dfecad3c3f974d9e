"""What `dev` shows of a message, and of a simulator that does not start."""

import socket
from pathlib import Path

import pytest

from smsjobs_shell.sandbox.children import Children
from smsjobs_shell.sandbox.dev import _shown, _start_inbox, _start_simulator
from smsjobs_shell.sandbox.stage import Inbox
from smsjobs_shell.terminal.failure import CommandFailed

BATCH = [f"138001380{n:02}" for n in range(100)]


@pytest.mark.parametrize(
    ("phones", "text", "shown"),
    [
        pytest.param(BATCH[:1], "one", "138****8000  one", id="one number"),
        pytest.param(BATCH[:3], "all the same", "138****8000 +2  all the same", id="one text for all"),
        pytest.param(BATCH, [f"no. {n}" for n in range(100)], "138****8000 +99  no. 0", id="a text for each"),
    ],
)
def test_a_request_is_a_line(phones: list[str], text: str | list[str], shown: str) -> None:
    """A request is one line, be it a batch with a text for each number: the first one's stands for all."""
    assert _shown({"phones": phones, "text": text}) == shown


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    """Where simulator or inbox cannot have its port, `dev` names its own option for it, and shows what the simulator said."""
    with socket.socket() as holder, Children(tmp_path, grace_s=3) as children:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(CommandFailed, match="--simulator-port") as failed:
            _start_simulator(children, tmp_path, holder.getsockname()[1], None, Inbox(port=1, secret="x"))
        with pytest.raises(CommandFailed, match="--inbox-port"):
            _start_inbox(children, tmp_path, holder.getsockname()[1], "redis://127.0.0.1:1", 0.045)
    assert failed.value.reason == "child_ended"
    assert "is in use" in failed.value.log

"""Processes that a command starts."""

import os
import sys
import time
from pathlib import Path

import pytest

from smsjobs_shell.sandbox.children import Children
from smsjobs_shell.terminal.failure import CommandFailed

READY = "import pathlib, sys, time; pathlib.Path('ready').touch(); time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {READY}"
PARENT = (
    "import subprocess, sys, pathlib, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "pathlib.Path('pid').write_text(str(child.pid)); pathlib.Path('ready').touch(); time.sleep(60)"
)


def start(children: Children, directory: Path, code: str) -> int:
    child = children.start("a child", [sys.executable, "-c", code], os.environ)
    children.wait_until("the child", lambda: (directory / "ready").exists() or None, within_s=20)
    return child.process.pid


def is_gone(pid: int, within_s: float = 5) -> bool:
    """Whether the process ends; a grandchild is reaped by init, or stays a zombie for a moment."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(("code", "remark"), [(READY, "ends when told"), (DEAF, "has to be killed")])
def test_children_are_stopped(code: str, remark: str, tmp_path: Path) -> None:
    """The end of the block leaves no child, even one that does not listen."""
    with Children(tmp_path, grace_s=0.3) as children:
        pid = start(children, tmp_path, code)
    assert is_gone(pid), remark


def test_grandchildren_are_stopped(tmp_path: Path) -> None:
    """What a child started itself ends with it."""
    with Children(tmp_path, grace_s=5) as children:
        start(children, tmp_path, PARENT)
        grandchild = int((tmp_path / "pid").read_text())
        assert not is_gone(grandchild, within_s=0.05)
    assert is_gone(grandchild)


def test_child_that_died_is_told(tmp_path: Path) -> None:
    """Waiting for something ends at once when a child dies, with the end of its log."""
    with Children(tmp_path, grace_s=1) as children:
        children.start("a child", [sys.executable, "-c", "print('last words'); exit(3)"], os.environ)
        with pytest.raises(CommandFailed, match="a child ended with status 3") as caught:
            children.wait_until("nothing", lambda: None, within_s=20)
    assert "last words" in caught.value.log


def test_waiting_is_bounded(tmp_path: Path) -> None:
    """What never becomes ready is an error that names it."""
    with Children(tmp_path, grace_s=1) as children:
        start(children, tmp_path, READY)
        with pytest.raises(CommandFailed, match="the thing took longer than"):
            children.wait_until("the thing", lambda: None, within_s=0.1)

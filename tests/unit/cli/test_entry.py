"""Ctrl-C before the command has even been imported."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from smsjobs.cli.program import program

#: The module whose import the signal comes in, and then the command.
INTERRUPTED = """
import signal, sys
class Interrupts:
    def find_spec(self, name, *_):
        if name == sys.argv[1]:
            del sys.argv[1]
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Interrupts())
from smsjobs_shell import main
main()
"""


def interrupted(module: str, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", INTERRUPTED, module, *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("module", ["smsjobs", "celery", "smsjobs.cli.program"])
def test_interrupted_while_it_is_imported(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C during the imports ends with status 130 and no traceback, as text and as JSON as it does later on."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("smsjobs.cli.status.connect", interrupt)
    for more in ((), ("--json",)):
        later = CliRunner().invoke(program, ["status", "some-job", *more])
        done = interrupted(module, "status", "some-job", *more)
        assert (done.returncode, done.stdout) == (130, later.stdout)
        assert done.stderr.strip() == later.stderr.strip()
    assert json.loads(done.stdout)["error"]["reason"] == "interrupted"


def test_not_interrupted() -> None:
    """The command begins with Ctrl-C being again what Python makes of it."""
    told = (
        "import signal, sys; from smsjobs_shell import main; import smsjobs.cli.program as program\n"
        "program.program.main = lambda **_: print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"

"""The units of ``deploy/systemd``: systemd understands them, and their commands do what they say."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from smsjobs.contract import LANES
from support.polling import until
from support.ports import free_port
from support.stage import Stage, new_phone, outcome

UNITS = Path(__file__).parents[2] / "deploy/systemd"
WORKER = UNITS / "smsjobs-worker@.service"
BIN = Path(sys.executable).parent


def settings(unit: Path) -> dict[str, list[str]]:
    """What is set, by its name."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def command(unit: Path, instance: str = "") -> list[str]:
    """The words of its command, as systemd makes them."""
    (line,) = settings(unit)["ExecStart"]
    words = [word.replace("%i", instance).replace("%%", "%") for word in shlex.split(line)]
    assert not [word for word in words if re.search(r"(?<!\$)\$(?!\$)", word)], (
        "nothing of the environment is put in"
    )
    return [word.replace("$$", "$").replace("/opt/smsjobs/bin", str(BIN)) for word in words]


@contextmanager
def running(unit: Path, instance: str, log: Path, **env: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Its process, in an environment of its own. It must end well on SIGTERM."""
    environment = dict(each.split("=", 1) for each in settings(unit).get("Environment", ()))
    with log.open("wb") as out:
        process = subprocess.Popen(
            command(unit, instance),
            env={"PATH": os.environ["PATH"], **environment, **env},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, log.read_text()
        finally:
            process.kill()
            process.wait()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
@pytest.mark.parametrize("unit", sorted(UNITS.glob("*.service")), ids=lambda unit: unit.name)
def test_systemd_understands_it(unit: Path, tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say about a unit, once its program is there."""
    copy = tmp_path / unit.name.replace("@", "@notification-2")
    copy.write_text(unit.read_text().replace("/opt/smsjobs/bin", str(BIN)))
    run = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_a_worker(tmp_path: Path) -> None:
    """An instance reads its lane's queue under its own name with its threads, sends, and ends well on SIGTERM."""
    with Stage() as stage:
        stage.write()
        about = {"SMS_BROKER_URL": stage.server.url, "SMS_APP": str(stage.app_dir), "THREADS": "5"}
        log = tmp_path / "log"
        with running(WORKER, "notification-2", log, **about) as process:
            job = stage.send("SMS.Example", new_phone())
            assert outcome(job).outcome == "accepted"
            shown = Path(f"/proc/{process.pid}/cmdline").read_text().split("\0")
        assert shown[shown.index("-Q") + 1] == "sms.notification"
        assert shown[shown.index("-n") + 1] == "notification-2@%h"
        assert shown[shown.index("-c") + 1] == "5"
        assert f"notification-2@{socket.gethostname()}" in log.read_text()


@pytest.mark.parametrize("lane", LANES)
def test_each_lane_has_an_instance(lane: str) -> None:
    """The instance of a lane's name reads its queue."""
    words = command(WORKER, lane)
    script = words[2].replace("exec ", "echo ")
    run = subprocess.run(
        [*words[:2], script, *words[3:]], env={"THREADS": "1"}, capture_output=True, text=True, check=True
    )
    assert f"-Q {LANES[lane].queue} -n {lane}@%h" in run.stdout


def test_serve(redis_url: str, tmp_path: Path) -> None:
    """The unit's server answers, and ends well on SIGTERM."""
    unit, port = UNITS / "smsjobs-serve.service", str(free_port())
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace("8080", port))
    with running(copy, "", tmp_path / "log", SMS_BROKER_URL=redis_url):

        def is_healthy() -> bool:
            try:
                with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                    return bool(answer.status == 200)
            except OSError:
                return False

        until(is_healthy, "it answers")


def test_a_wrong_setting(tmp_path: Path) -> None:
    """A worker whose settings are wrong ends with the status for which it is not started again."""
    run = subprocess.run(
        command(WORKER, "bulk"),
        env={"PATH": os.environ["PATH"], "THREADS": "1", "SMS_BROKER_URL": "nonsense://"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert str(run.returncode) in settings(WORKER)["RestartPreventExitStatus"], run.stderr

"""The command, the process and the handles."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from aliyun_sms_simulator import Simulator, SimulatorControl, SimulatorError, SimulatorProcess

from .conftest import Sdk

COMMAND = [sys.executable, "-m", "aliyun_sms_simulator"]


def test_process_serves_and_ends():
    """A simulator in its own process takes arguments, serves, and is gone after stop."""
    with SimulatorProcess(["--flow-control", "--set", "per_minute=2"]) as simulator:
        assert simulator.settings()["per_minute"] == 2
        assert Sdk.to(simulator.url).send().code == "OK"
        assert SimulatorControl(simulator.control_url).accepted_count("out-1") == 1
        url = simulator.control_url
    with pytest.raises(SimulatorError, match="does not answer"):
        SimulatorControl(url).about()


def test_ready_file_and_signal(tmp_path):
    """The ready file names URLs and pid, and SIGINT ends it with status 0 even while a request hangs."""
    ready = tmp_path / "ready.json"
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", "--control-port", "0", "--ready-file", str(ready)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        where = json.loads(ready.read_text())
        assert where["url"] in line
        assert where["pid"] == process.pid
        SimulatorControl(where["control_url"]).fault("hang_after")
        with socket.create_connection(("127.0.0.1", int(where["url"].rsplit(":", 1)[1]))):
            os.kill(process.pid, signal.SIGINT)
            assert process.wait(10) == 0
    finally:
        process.kill()
        process.stdout.close()


def test_messages_are_shown_only_when_asked_for(tmp_path):
    """By default nothing printed holds a number or a code; --show-messages prints both."""
    for arguments, shown in (([], False), (["--show-messages"], True)):
        output = tmp_path / f"output-{shown}"
        with output.open("wb") as file:
            ready = tmp_path / f"ready-{shown}"
            process = subprocess.Popen(
                [*COMMAND, "--port", "0", "--control-port", "0", "--ready-file", str(ready), *arguments],
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
            )
            first = process.stdout.readline()
            sdk = Sdk.to(json.loads(ready.read_text())["url"])
            sdk.send("13800138000", params={"code": "987654"})
            process.terminate()
            printed = first + process.stdout.read() + output.read_text()
            process.wait(10)
            process.stdout.close()
        assert ("13800138000" in printed, "987654" in printed) == (shown, shown)


def test_port_in_use(tmp_path):
    """A port in use ends the command with status 1 and a sentence that names the port, the option and the way out."""
    with Simulator() as simulator:
        port = simulator.url.rsplit(":", 1)[1]
        for option, other in (("--port", "--control-port"), ("--control-port", "--port")):
            done = subprocess.run(
                [*COMMAND, option, port, other, "0"], capture_output=True, text=True, timeout=20, check=False
            )
            assert done.returncode == 1
            assert f"port {port} is in use" in done.stderr
            assert f"with {option} " in done.stderr
            assert "Traceback" not in done.stderr
        with pytest.raises(SimulatorError, match="in use"):
            Simulator(port=int(port)).start()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--set", "nonsense=1"], "nonsense"),
        (["--set", "latency_ms"], "NAME=VALUE"),
        (["--set", "latency_ms=soon"], "latency_ms"),
        (["--account", "key"], "KEY:SECRET"),
        (["--catalogue", "/nonexistent"], "/nonexistent"),
        (["--port", "70000"], "65535"),
        (["--port", "abc"], "argument --port: a port is a number"),
    ],
)
def test_bad_usage(arguments, named):
    """Bad usage ends with status 2 and names what is wrong."""
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_control_needs_no_aiohttp():
    """The client of the control API works where aiohttp is not installed, and nothing of ours is imported."""
    program = (
        "import sys, aliyun_sms_simulator, aliyun_sms_simulator.cli\n"
        "assert not {'aiohttp', 'smsjobs', 'smsjobs_worker'} & set(sys.modules), 'loaded'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)


def test_stop_twice_and_start_again():
    """Stopping twice is harmless, and a stopped simulator can be started again."""
    simulator = Simulator()
    for _ in range(2):
        simulator.start()
        assert Sdk.to(simulator.url).send().code == "OK"
        simulator.stop()
        simulator.stop()


def test_output_cut_short():
    """A reader that stops reading, as `head` does, causes no traceback."""
    for arguments in (["--magic"], ["--port", "0", "--control-port", "0"]):
        process = subprocess.Popen(
            [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        process.stdout.close()
        stderr = process.stderr.read()
        process.stderr.close()
        assert (process.wait(10), stderr) == (1, "")


def test_signal_during_the_start():
    """SIGINT before it listens ends it with status 0 too, and without a traceback."""
    script = (
        "import signal, sys\n"
        "class Interrupts:\n"
        "    def find_spec(self, name, *_):\n"
        "        name == 'aiohttp' and signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupts())\n"
        "from aliyun_sms_simulator.cli import main\n"
        "sys.exit(main(['--port', '0', '--control-port', '0']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")

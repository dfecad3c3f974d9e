"""A RabbitMQ of one node on free ports of 127.0.0.1, from Debian's package. It is started by ourselves, never by the system."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from support.polling import until
from support.ports import free_port

#: Debian's scripts. Those in /usr/sbin change to the system's user and its directories.
_BIN = Path("/usr/lib/rabbitmq/bin")

#: Both with characters that an address must encode.
USER, PASSWORD = "sms", "rabbit@/secret"


def why_not() -> str | None:
    """Why this machine has no RabbitMQ for tests, or None."""
    if not (_BIN / "rabbitmq-server").exists() or not shutil.which("epmd"):
        return "needs Debian's rabbitmq-server: apt-get install rabbitmq-server"
    return None


class RabbitMq:
    """One node, with its data in a temporary directory. It is up within about ten seconds.

    Args:
        lines: More lines of its configuration.
    """

    def __init__(self, *lines: str) -> None:
        self.port = free_port()
        self._lines = lines
        self._process: subprocess.Popen[bytes] | None = None
        self._names: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="smsjobs-rabbitmq-"))
        distribution, names = free_port(), free_port()
        config = {
            "listeners.tcp.1": f"127.0.0.1:{self.port}",
            "default_user": USER,
            "default_pass": PASSWORD,
            "log.file.level": "warning",
            "disk_free_limit.absolute": "1MB",
        }
        text = "".join(f"{name} = {value}\n" for name, value in config.items())
        (self._folder / "rabbitmq.conf").write_text(text + "\n".join(self._lines) + "\n", "utf-8")
        (self._folder / "plugins").write_text("[].", "utf-8")
        self._env = {
            "PATH": os.environ["PATH"],
            # Of the cookie that its programs know each other by.
            "HOME": str(self._folder),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # Its script becomes the server, so that a signal reaches it.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_NODENAME": f"sms{uuid.uuid4().hex[:8]}@localhost",
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            # Few threads that do not spin: the tests share their machine.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        }
        try:
            # Where none listens, Erlang starts one that outlives us.
            epmd = [shutil.which("epmd") or "epmd"]
            quiet = subprocess.DEVNULL
            self._names = subprocess.Popen(epmd, env=self._env, stdout=quiet, stderr=quiet)
            until(lambda: _is_open(names), "epmd")
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Its address."""
        return f"amqp://{USER}:rabbit%40%2Fsecret@127.0.0.1:{self.port}//"

    def start(self) -> None:
        """Start it, or start it again with its data, and wait until it takes connections."""
        self._process = subprocess.Popen(
            [str(_BIN / "rabbitmq-server")],
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=(self._folder / "out").open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        until(self._listens, "RabbitMQ", timeout=90)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        self.signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def restart(self) -> None:
        """End it in order, and start it again."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(60)
        self.start()

    def evaluate(self, erlang: str) -> str:
        """What an expression gives inside the server. ``rabbitmqctl`` would take two seconds of a core each time."""
        asked = ["erl_call", "-sname", self._env["RABBITMQ_NODENAME"], "-e"]
        done = subprocess.run(
            asked, input=f"{erlang}.\n", env=self._env, check=True, capture_output=True, text=True, timeout=60
        )
        assert done.stdout.startswith("{ok, "), done.stdout
        return done.stdout.removeprefix("{ok, ").rstrip("}\n")

    def queues(self) -> dict[str, str]:
        """The type of each queue, but for those by which workers are asked."""
        told = self.evaluate(
            '[list_to_atom(binary_to_list(element(4, amqqueue:get_name(Q)))++"="++'
            "atom_to_list(amqqueue:get_type(Q))) || Q <- rabbit_amqqueue:list()]"
        )
        found = dict(each.split("=") for each in re.findall(r"[\w.]+=\w+", told))
        return {name: kind for name, kind in found.items() if "pidbox" not in name}

    def take_no_messages(self) -> None:
        """Raise the alarm that stops publishers, as when memory is full."""
        self.evaluate("vm_memory_monitor:set_vm_memory_high_watermark(0.00001)")
        until(lambda: self.evaluate("rabbit_alarm:get_alarms()") != "[]", "the alarm")

    def take_messages(self) -> None:
        """End the alarm."""
        self.evaluate("vm_memory_monitor:set_vm_memory_high_watermark(0.6)")
        until(lambda: self.evaluate("rabbit_alarm:get_alarms()") == "[]", "the end of the alarm")

    def refuse_connections(self) -> None:
        """Close all connections, and refuse new ones with 530, as one more than are allowed."""
        self.evaluate('rabbit_vhost_limit:set(<<"/">>, [{<<"max-connections">>, 0}], <<"test">>)')
        self.evaluate(
            '[rabbit_networking:close_connection(Each, "test") || Each <- rabbit_networking:connections()], ok'
        )

    def take_connections(self) -> None:
        """Take connections again."""
        self.evaluate('rabbit_vhost_limit:clear(<<"/">>, <<"test">>)')

    def stop(self) -> None:
        """End it, and remove its data."""
        if self._process is not None and self._process.poll() is None:
            self.signal(signal.SIGCONT)
            self.kill()
        if self._names is not None:
            self._names.kill()
            self._names.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "out").read_text("utf-8", "replace")
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), timeout=2) as asked,
        ):
            # A node that is still starting takes the connection and says nothing.
            asked.sendall(b"AMQP\x00\x00\x09\x01")
            return bool(asked.recv(1))
        return False


def _is_open(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2):
        return True
    return False

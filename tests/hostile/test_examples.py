"""The examples as they are served: beside clients that hang on, bodies without end, and headers that say who somebody is."""

import http.client
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from smsjobs import VerificationRefused, connect
from support.polling import in_time
from support.ports import free_port
from support.redis_server import RedisServer

EXAMPLES = Path(__file__).parents[2] / "examples"

#: Seconds for headers and bodies in this test; the examples' own are longer.
SHORT_S = 2

#: Each example, with a page of it that needs nothing, and one that takes a body.
PAGES = {
    "web/web.py": ("/health", "/messages"),
    "verification_flask/app.py": ("/", "/login"),
    "verification_django/app.py": ("/", "/login"),
    "verification_fastapi/app.py": ("/", "/login"),
}


class Served:
    """An example, served by the command that it tells."""

    def __init__(self, name: str, settings: Path, env: dict[str, str]) -> None:
        self.name = name
        self._form: dict[str, str] = {}
        told = re.search(r"^    hypercorn --config (\S+) (\S+)$", (EXAMPLES / name).read_text(), re.MULTILINE)
        assert told
        assert told[1] == "examples/hypercorn.toml"
        self.port = free_port()
        command = [
            sys.executable,
            "-m",
            "hypercorn",
            "--config",
            settings,
            "--bind",
            f"127.0.0.1:{self.port}",
        ]
        self.process = subprocess.Popen(
            [*command, told[2]],
            cwd=EXAMPLES.parent,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> int:
        """The status of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(
                method, path, body, {"Content-Type": "application/json", **self._form, **headers}
            )
            answer = connection.getresponse()
            # Django's page gives its forms a token.
            if token := re.search(r"csrftoken=(\w+)", answer.headers.get("Set-Cookie", "")):
                self._form = {"Cookie": token[0], "X-CSRFToken": token[1]}
            return answer.status
        finally:
            connection.close()

    def wait(self) -> None:
        """Wait until it serves."""
        limit = time.monotonic() + 90
        while True:
            try:
                return self.connect(b"").close()
            except OSError:
                assert self.process.poll() is None, self.name
                assert time.monotonic() < limit, self.name
                time.sleep(0.05)

    def connect(self, start: bytes) -> socket.socket:
        """A client that sends this and then nothing."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection.sendall(start)
        return connection

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(60)


@pytest.fixture(scope="module")
def env(redis_server: RedisServer) -> dict[str, str]:
    """What all of them have."""
    usual = {name: value for name, value in os.environ.items() if not name.startswith("SMS_")}
    return {**usual, "SMS_BROKER_URL": redis_server.url, "SMS_CODE_SECRET": secrets.token_hex()}


@pytest.fixture(scope="module")
def served(env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Served]]:
    """All of them, with short time-outs."""
    settings = tmp_path_factory.mktemp("served") / "hypercorn.toml"
    usual = (EXAMPLES / "hypercorn.toml").read_text()
    settings.write_text(re.sub(r"(timeout) = \d+", rf"\1 = {SHORT_S}", usual))
    with ExitStack() as stack:
        running = {}
        for name in PAGES:
            running[name] = Served(name, settings, env)
            stack.callback(running[name].stop)
        for each in running.values():
            each.wait()
        yield running


def test_slow_clients(served: dict[str, Served]) -> None:
    """While a hundred clients hang on, each example answers at once; and then they are closed."""
    starts = (
        b"",
        b"GET / HTTP/1.1\r\nHost: a",
        b"POST /messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{",
    )
    for name, example in served.items():
        example.ask("GET", PAGES[name][0])
    slow = [(name, served[name].connect(starts[n % 3])) for name in PAGES for n in range(100)]
    for name, example in served.items():
        with in_time(1, name):
            assert example.ask("GET", PAGES[name][0]) == 200
    until_s = time.monotonic() + SHORT_S + 8
    for name, connection in slow:
        connection.settimeout(max(0.1, until_s - time.monotonic()))
        try:
            while connection.recv(4096):
                pass
        except ConnectionError:
            pass
        except TimeoutError:
            pytest.fail(f"{name} still waits")
        finally:
            connection.close()


@pytest.mark.parametrize("name", PAGES)
def test_bodies(served: dict[str, Served], name: str) -> None:
    """A body that is nested without end is an answer of 400, a large one is refused, and the example goes on."""
    page, path = PAGES[name]
    assert served[name].ask("GET", page) == 200
    assert served[name].ask("POST", path, "[" * 9_000) == 400
    assert served[name].ask("POST", path, json.dumps("x" * 200_000)) in {400, 413}
    assert served[name].ask("GET", page) == 200


def test_forwarded_headers(
    served: dict[str, Served], env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has used up the limit of his address gets no other one by a header, in any example."""
    monkeypatch.setenv("SMS_CODE_SECRET", env["SMS_CODE_SECRET"])
    with closing(connect(broker_url=env["SMS_BROKER_URL"])) as sms:
        login = sms.getElement("SMS.YourSmsName").verification("login", verifyTemplateCode="SMS_123456789")
        with suppress(VerificationRefused):
            for number in range(100):
                login.send(f"1380013{number:04}", client_ip="127.0.0.1")
    for name in [each for each in PAGES if each.startswith("verification")]:
        served[name].ask("GET", "/")
        for forged in ("203.0.113.9", "203.0.113.10", "unknown"):
            headers = {"X-Forwarded-For": forged, "Forwarded": f"for={forged}", "X-Real-IP": forged}
            body = json.dumps({"phone": "13800138999"})
            assert served[name].ask("POST", "/code", body, **headers) == 429, name

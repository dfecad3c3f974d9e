"""Commands of the files for running it for real, run for real as far as no container is needed."""

import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import redis
import yaml
from redis.backoff import NoBackoff
from redis.retry import Retry

from smsjobs.embedded import TemporaryRedis, find_redis_server
from support.ports import free_port

ROOT = Path(__file__).parents[2]


def test_redis_command() -> None:
    """Redis accepts the settings of docker-compose.yml, and with them writes to disk and never evicts."""
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["redis"]
    program, *arguments = service["command"]
    assert program == "redis-server"
    options = dict(zip(arguments[::2], arguments[1::2], strict=True))
    given = {name.removeprefix("--"): value or '""' for name, value in options.items()}
    with (
        TemporaryRedis(options=given) as server,
        redis.Redis.from_url(server.url, decode_responses=True) as client,
    ):
        settings = client.config_get("*")
    assert settings["appendonly"] == "yes"
    assert settings["maxmemory-policy"] == "noeviction"
    assert {name: settings[name] for name in given} == {
        name: value.strip('"') for name, value in given.items()
    }


def test_redis_asks_for_the_password_and_is_bounded(tmp_path: Path) -> None:
    """Redis, started by the entry point of docker-compose.yml, answers nobody without the password, and refuses what is too much."""
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["redis"]
    (tmp_path / "docker-entrypoint.sh").write_text('#!/bin/sh\nexec "$@"\n')
    (tmp_path / "docker-entrypoint.sh").chmod(0o755)
    (tmp_path / "redis-server").symlink_to(find_redis_server())
    port, password = free_port(), "of_letters_and_digits"
    more = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--maxmemory", "4mb"]
    entry = [word.replace("$$", "$") for word in service["entrypoint"]]
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "REDISCLI_AUTH": password}
    with subprocess.Popen(
        [*entry, *service["command"], *more], env=env, stdout=subprocess.DEVNULL
    ) as process:
        try:
            at_once = Retry(NoBackoff(), 0)
            client = redis.Redis(port=port, password=password, retry=at_once)
            limit = time.monotonic() + 20
            while not answers(client):
                assert time.monotonic() < limit
                time.sleep(0.02)
            for wrong in (None, "of_letters"):
                with pytest.raises(redis.AuthenticationError):
                    redis.Redis(port=port, password=wrong, retry=at_once).ping()
            with suppress(redis.exceptions.OutOfMemoryError):
                for number in range(100):
                    client.set(f"ballast-{number}", "x" * 100_000)
            assert client.dbsize() < 100
            assert client.exists("ballast-0"), "nothing is evicted"
        finally:
            process.kill()


def answers(client: "redis.Redis") -> bool:
    """Whether it is up."""
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


class Services:
    """Services of docker-compose.yml, each started by its own command, in its own environment, on free ports."""

    def __init__(self, directory: Path, redis_url: str) -> None:
        self.compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
        self.ports = {"9400": free_port(), "9401": free_port(), "8000": free_port(), "8080": free_port()}
        self.directory = directory
        self._redis_url = redis_url
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *, command: str | list[str] | None = None, cwd: Path = ROOT) -> None:
        """Starts a service; one without a command in docker-compose.yml is given its image's."""
        with (self.directory / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                self._on_this_machine(command or self.compose[name]["command"]),
                env=self.environment(name),
                cwd=cwd,
                stdout=log,
                stderr=log,
            )

    def environment(self, name: str) -> dict[str, str]:
        """What Compose would set, with nothing in .env, and the addresses of this machine."""
        given = {
            key: re.sub(r"\$\{\w+:-(.*)\}", r"\1", value)
            for key, value in self.compose[name].get("environment", {}).items()
        }
        given |= {key: self._redis_url for key in given if key == "SMS_BROKER_URL"}
        given |= {key: f"http://127.0.0.1:{self.ports['9400']}" for key in given if key == "SMS_ENDPOINT"}
        # Each worker's container has an address of its own.
        given |= {key: "127.0.0.1:0" for key in given if key == "SMS_METRICS_PORT"}
        programs = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        return {
            "PATH": programs,
            "SMS_APP": str(ROOT / "deploy/app"),
            "HOSTNAME": socket.gethostname(),
            **given,
        }

    def is_healthy(self, name: str) -> bool:
        """What the service's own health check says."""
        kind, *words = self.compose[name]["healthcheck"]["test"]
        command = ["sh", "-c", words[0].replace("$$", "$")] if kind == "CMD-SHELL" else words
        run = subprocess.run(
            self._on_this_machine(command),
            env=self.environment(name),
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        return run.returncode == 0

    def stop(self) -> dict[str, int]:
        """Tells all of them to stop; gives their exit statuses."""
        for process in self._processes.values():
            process.terminate()
        return {name: process.wait(60) for name, process in self._processes.items()}

    def kill(self) -> None:
        """Ends whatever is left."""
        for process in self._processes.values():
            process.kill()
            process.wait()

    def logs(self) -> str:
        """What all of them wrote."""
        return "".join(file.read_text() for file in sorted(self.directory.glob("*.log")))

    def _on_this_machine(self, command: str | list[str]) -> list[str]:
        words = shlex.split(command) if isinstance(command, str) else command
        ports = re.compile("|".join(self.ports))
        words = [ports.sub(lambda port: str(self.ports[port[0]]), word) for word in words]
        program = shutil.which(words[0], path=f"{Path(sys.executable).parent}:/usr/bin:/bin")
        assert program, words[0]
        return [program, *words[1:]]


@pytest.fixture
def services(tmp_path: Path, redis_url: str) -> Iterator[Services]:
    services = Services(tmp_path, redis_url)
    yield services
    services.kill()


def eventually(truth: Callable[[], bool], services: Services) -> None:
    limit = time.monotonic() + 40
    while not truth():
        assert time.monotonic() < limit, services.logs()
        time.sleep(0.1)


def test_the_services_together(services: Services) -> None:
    """The services of docker-compose.yml, as they stand there, deliver the web page's message and stop in good order."""
    lanes = ("verification", "notification", "bulk")
    assert not services.is_healthy("simulator")
    assert not services.is_healthy("web")
    for name in (*lanes, "simulator", "receipts"):
        services.start(name)
    dockerfile = (ROOT / "Dockerfile").read_text()
    # What the image's folder has.
    for name in ("web/web.py", "web/index.html", "hypercorn.toml"):
        shutil.copy(ROOT / "examples" / name, services.directory)
    (web,) = re.findall(r'^CMD (\["hypercorn".*)$', dockerfile, re.MULTILINE)
    services.start("web", command=json.loads(web), cwd=services.directory)
    for name in ("simulator", "web", "receipts", *lanes):
        eventually(lambda name=name: services.is_healthy(name), services)
    page = f"http://127.0.0.1:{services.ports['8000']}/messages"
    form = json.dumps({"phones": ["13800138000"], "name": "张三", "event": "系统维护"}).encode()
    with urlopen(Request(page, form, {"Content-Type": "application/json"}), timeout=10) as answer:
        job = json.load(answer)["id"]

    def is_accepted() -> bool:
        with urlopen(f"{page}/{job}", timeout=10) as answer:
            return bool(json.load(answer)["status"] == "accepted")

    eventually(is_accepted, services)
    assert not set(services.stop().values()) - {0}, services.logs()
    log = services.logs()
    assert log.count("13800138000") == 1, "the simulator shows it, and nobody else"

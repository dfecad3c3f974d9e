"""Procfile, docker-compose.yml, Dockerfile and the example elements: what can be said of them without running them."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points, metadata
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from celery import Celery
from celery.bin.base import CLIContext
from celery.bin.celery import celery as celery_command
from celery.bin.control import inspect as inspect_command
from celery.bin.worker import worker as worker_command
from celery.concurrency.thread import TaskPool as ThreadPool

from aliyun_sms_simulator.cli import parser as simulator_parser
from smsjobs.contract import LANES
from smsjobs_server import ServerSettings
from smsjobs_shell.serve import serve as serve_command

ROOT = Path(__file__).parents[2]
LANE_NAMES = sorted(LANES)
#: What asks Aliyun for anything: workers, and who reads its queues.
WITH_ACCOUNT = (*LANE_NAMES, "queues")


@cache
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@cache
def procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


@cache
def dockerfile() -> dict[str, list[str]]:
    """The instructions of each stage, continuation lines joined."""
    stages: dict[str, list[str]] = {}
    for line in (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines():
        if stage := re.fullmatch(r"FROM \S+ AS (\S+)", line):
            stages[stage[1]] = []
        if stages and line and not line.startswith("#"):
            stages[list(stages)[-1]].append(line)
    return stages


def default_command(stage: str) -> list[str]:
    return json.loads(dockerfile()[stage][-1].removeprefix("CMD "))


def words_of(command: str | list[str]) -> list[str]:
    return shlex.split(command) if isinstance(command, str) else command


def parsed_worker(command: str | list[str]) -> dict[str, Any]:
    """What Celery's own command line makes of it; a wrong option or value is its usage error."""
    words = words_of(command)
    assert words[:4] == ["celery", "-A", "smsjobs_worker", "worker"]
    app = Celery("any", set_as_current=False)
    parent = click.Context(celery_command, obj=CLIContext(app=app, no_color=True, workdir=None))
    context = worker_command.make_context("worker", words[4:], parent=parent)
    assert context.args == []
    return context.params


def test_compose_schema() -> None:
    """docker-compose.yml follows the Compose specification."""
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    run = subprocess.run([*checker, ROOT / "docker-compose.yml"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def services_of(target: str) -> dict[str, dict[str, Any]]:
    return {
        name: one
        for name, one in compose()["services"].items()
        if one.get("build", {}).get("target") == target
    }


def test_a_worker_for_each_lane() -> None:
    """Both files start a worker for each lane, and no other worker; and a server for receipts."""
    assert sorted(procfile()) == sorted([*LANE_NAMES, "receipts"])
    assert sorted(services_of("worker")) == sorted(WITH_ACCOUNT)


def test_queues_are_read_on_demand() -> None:
    """What reads queues needs an element that has them, so neither file starts it unless asked; both have the same command for it."""
    (line,) = re.findall(r"^#queues: (.+)$", (ROOT / "Procfile").read_text(), re.MULTILINE)
    service = compose()["services"]["queues"]
    assert service["profiles"] == ["queues"]
    words = words_of(service["command"])
    assert words == words_of(line)
    assert words[:2] == ["smsjobs", "serve"]
    assert serve_command.make_context("serve", words[2:]).params["queues"] is True


@pytest.mark.parametrize("lane", LANE_NAMES)
def test_worker_command(lane: str) -> None:
    """A lane's worker takes its own queue, on threads, one message at a time, under its own name; both files agree."""
    command = procfile()[lane]
    params = parsed_worker(command)
    assert params["queues"] == [LANES[lane].queue]
    assert params["hostname"].startswith(f"{lane}@")
    assert params["prefetch_multiplier"] == 1
    assert params["pool"] is ThreadPool
    assert words_of(compose()["services"][lane]["command"]) == words_of(command)


def test_worker_image_without_a_command() -> None:
    """The worker image by itself takes every lane."""
    params = parsed_worker(default_command("worker"))
    assert sorted(params["queues"]) == sorted(lane.queue for lane in LANES.values())
    assert params["pool"] is ThreadPool


@pytest.mark.parametrize("lane", LANE_NAMES)
def test_worker_health(lane: str) -> None:
    """A worker's health check asks that worker, and Celery's command line understands it."""
    kind, line = compose()["services"][lane]["healthcheck"]["test"]
    words = shlex.split(line.replace("$$", "$"))
    assert kind == "CMD-SHELL"
    assert words[:5] == ["celery", "-A", "smsjobs_worker", "inspect", "ping"]
    app = Celery("any", set_as_current=False)
    parent = click.Context(celery_command, obj=CLIContext(app=app, no_color=True, workdir=None))
    params = inspect_command.make_context("inspect", words[4:], parent=parent).params
    assert params["command"] == "ping"
    assert params["destination"] == [f"{lane}@$HOSTNAME"]
    assert params["timeout"] < float(compose()["services"][lane]["healthcheck"]["timeout"].removesuffix("s"))


def test_every_service_has_a_health_check() -> None:
    """Every service can be seen to be well, and starts again when it ended."""
    for name, service in compose()["services"].items():
        assert service["healthcheck"]["test"], name
        assert service["restart"] == "unless-stopped", name


@pytest.mark.parametrize("lane", LANE_NAMES)
def test_time_to_finish(lane: str) -> None:
    """A worker that is told to stop is given a minute and a half for the requests it has begun."""
    assert compose()["services"][lane]["stop_grace_period"] == "90s"


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(lambda: compose()["services"]["simulator"]["command"], id="docker-compose.yml"),
        pytest.param(lambda: default_command("simulator"), id="Dockerfile"),
    ],
)
def test_simulator_command(command: Callable[[], list[str]]) -> None:
    """The simulator's command line understands its commands, and other containers reach it where they look."""
    program, *arguments = command()
    assert program in {script.name for script in entry_points(group="console_scripts")}
    parsed = simulator_parser().parse_args(arguments)
    assert parsed.host == "0.0.0.0"
    assert compose()["x-worker"]["environment"]["SMS_ENDPOINT"].endswith(f"-http://simulator:{parsed.port}}}")
    assert (
        f"127.0.0.1:{parsed.control_port}/" in compose()["services"]["simulator"]["healthcheck"]["test"][-1]
    )


def test_accounts_stay_on_workers() -> None:
    """Only who asks Aliyun is given the account, and everything that their element reads from the environment."""
    wanted = set(re.findall(r"\$\{(\w+)\}", (ROOT / "deploy/app/SMS/Main/sms.json").read_text()))
    assert "SMS_ACCESS_SECRET" in wanted
    for name, service in compose()["services"].items():
        given = wanted & set(service.get("environment", {}))
        assert given == (wanted if name in WITH_ACCOUNT else set()), name


def test_nothing_is_published_to_the_world() -> None:
    """A port is published to this machine only, and Redis's to nobody."""
    ports = {name: service.get("ports", []) for name, service in compose()["services"].items()}
    assert all(port.startswith("127.0.0.1:") for published in ports.values() for port in published)
    assert ports["redis"] == []


def test_redis_has_a_password_and_a_bound() -> None:
    """Redis asks for a password that its clients have, and ends before the machine's memory does."""
    services = compose()["services"]
    redis = services["redis"]["command"]
    password = services["redis"]["environment"]["REDISCLI_AUTH"]
    assert '--requirepass "$$REDISCLI_AUTH"' in services["redis"]["entrypoint"][2]
    assert int(redis[redis.index("--maxmemory") + 1]) < 2**30
    for name in (*WITH_ACCOUNT, "web", "receipts"):
        assert f"redis://:{password}@redis:" in services[name]["environment"]["SMS_BROKER_URL"]
    assert all(service["mem_limit"] for service in services.values())


def test_services_reach_what_they_need() -> None:
    """Only who asks Aliyun leaves the machine; neither Redis nor the web application reaches the simulator."""
    networks = compose()["networks"]
    reach = {name: set(service["networks"]) for name, service in compose()["services"].items()}
    assert reach["redis"] == {"store"}
    assert reach["simulator"] == {"simulated"}
    assert networks["store"] == networks["simulated"] == {"internal": True}
    assert {name for name, its in reach.items() if "outside" in its} == set(WITH_ACCOUNT)


def test_the_server_for_receipts() -> None:
    """Both files and the image serve receipts on one port, with a secret that is long enough; the health check asks it."""
    service = compose()["services"]["receipts"]
    assert service["command"] == default_command("server")
    line = procfile()["receipts"]
    assert (
        shlex.split(line.replace("${PORT:-8080}", "8080").replace("${HOST:-127.0.0.1}", "0.0.0.0"))
        == service["command"]
    )
    words = service["command"]
    given = serve_command.make_context("serve", words[2:]).params
    environ = {
        name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", value) for name, value in service["environment"].items()
    }
    settings = ServerSettings.read(host=given["host"], port=given["port"], environ=environ)
    assert settings.secret
    assert f"127.0.0.1:{settings.port}/healthz" in service["healthcheck"]["test"][-1]


@pytest.mark.parametrize("image", ["simulator", "web", "worker", "server"])
def test_not_root(image: str) -> None:
    """No image runs as root."""
    assert "USER sms" in dockerfile()[image]


def test_images_that_are_built() -> None:
    """Each service is built from a stage that the Dockerfile has."""
    targets = {one["build"]["target"] for one in compose()["services"].values() if "build" in one}
    assert targets <= set(dockerfile())


def test_the_web_image_has_the_producer_only() -> None:
    """The web image installs smsjobs without the extra that can send."""
    (line,) = [line for line in dockerfile()["web"] if "pip install" in line]
    assert re.search(r"/wheels smsjobs( |$)", line)


def test_extras_exist() -> None:
    """Every extra that an image installs is one that smsjobs has."""
    named = re.findall(r"(?:smsjobs|\.)\[([\w,]+)\]", (ROOT / "Dockerfile").read_text())
    assert named
    assert {extra for group in named for extra in group.split(",")} <= set(
        metadata("smsjobs").get_all("Provides-Extra") or ()
    )


def test_what_images_copy_is_sent_to_the_builder() -> None:
    """What the Dockerfile copies from the tree exists, and .dockerignore lets it through."""
    let_through = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    ]
    copies = [line for lines in dockerfile().values() for line in lines if line.startswith("COPY ")]
    sources = [word for line in copies for word in line.split()[1:-1]]
    assert sources
    for source in sources:
        assert (ROOT / source).exists() or not (ROOT / "producer").exists(), source
        assert any(source == name or source.startswith(f"{name}/") for name in let_through), source


def test_the_example_element() -> None:
    """The example element is the one that existing applications have, to the letter."""
    element = ROOT / "examples/app/SMS/YourSmsName"
    assert json.loads((element / "e.json").read_text()) == {
        "title": "My Alibaba Cloud SMS",
        "type": "SMS.Aliyun",
        "backendBundleEntry": ".",
    }
    assert json.loads((element / "sms.json").read_text()) == {
        "accessKey": "your_access_key",
        "accessSecret": "your_access_secret",
        "verifySign": "your_signature",
    }

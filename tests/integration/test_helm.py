"""The chart of ``deploy/helm``: what it renders fits together, and its commands and probes do what they say.

Helm comes with ``.ci/helm``, which also has the chart's schemas checked.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml

from support.polling import until
from support.ports import free_port
from support.stage import Stage, new_phone, outcome

CHART = Path(__file__).parents[2] / "deploy/helm/smsjobs"
BIN = Path(sys.executable).parent
HELM = shutil.which("helm", path=f"{BIN}{os.pathsep}{os.environ['PATH']}")

pytestmark = pytest.mark.skipif(HELM is None, reason="helm is not installed: .ci/helm does it")

LANES = ("verification", "notification", "bulk")
PARTS = (*LANES, "serve")


def helm(*values: str) -> "subprocess.CompletedProcess[str]":
    """What Helm makes of the chart with these values."""
    assert HELM
    sets = [word for each in values for word in ("--set", each)]
    return subprocess.run(
        [HELM, "template", "sms", CHART, *sets], capture_output=True, text=True, check=False
    )


@cache
def rendered(*values: str) -> dict[tuple[str, str], dict[str, Any]]:
    """What it renders, by kind and name without the release's."""
    run = helm(*values)
    assert run.returncode == 0, run.stderr
    found = [each for each in yaml.safe_load_all(run.stdout) if each]
    return {(each["kind"], each["metadata"]["name"].removeprefix("sms-")): each for each in found}


def pod(part: str, *values: str) -> dict[str, Any]:
    """The pod of a lane, or of serve."""
    return rendered(*values)["Deployment", part]["spec"]["template"]["spec"]


def lay_out(directory: Path, volume: dict[str, Any], files: dict[str, str]) -> Path:
    """A ConfigMap's volume as the kubelet makes it: its files behind links that change all at once."""
    first, data = directory / "..2026", directory / "..data"
    for item in volume["configMap"]["items"]:
        file = first / item["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(files[item["key"]])
    data.symlink_to(first.name)
    for name in {item["path"].split("/")[0] for item in volume["configMap"]["items"]}:
        (directory / name).symlink_to(f"..data/{name}")
    return directory


@contextmanager
def running(
    container: dict[str, Any], log: Path, grace_s: float, **env: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """A container's process, by its own command. It must end well on SIGTERM, within its pod's grace."""
    given = {each["name"]: each["value"] for each in container.get("env", ())}
    with log.open("wb") as out:
        process = subprocess.Popen(
            container["command"],
            env={"PATH": f"{BIN}:/usr/bin:/bin", **given, **env},
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
        )
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(grace_s) == 0, log.read_text()
        finally:
            process.kill()
            process.wait()


def passes(probe: dict[str, Any], container: dict[str, Any], host: str) -> bool:
    """Whether a probe of the container would, at that address."""
    kind, about = next((kind, probe[kind]) for kind in ("tcpSocket", "httpGet") if kind in probe)
    (port,) = (each["containerPort"] for each in container["ports"] if each["name"] == about["port"])
    with suppress(OSError):
        if kind == "tcpSocket":
            socket.create_connection((host, port), 5).close()
            return True
        with urlopen(f"http://{host}:{port}{about['path']}", timeout=5) as answer:
            return bool(200 <= answer.status < 400)
    return False


def test_the_pods(tmp_path: Path) -> None:
    """Each pod's command starts, its probes pass, a message is sent by each lane, and SIGTERM ends each well."""
    with Stage() as stage, ExitStack() as processes:
        values = (
            f"metricsPort={free_port()}",
            f"serve.port={free_port()}",
            f"elements.Main.endpoint={stage.simulator.url}",
        )
        config = rendered(*values)["ConfigMap", "elements"]["data"]
        secret = {
            "SMS_BROKER_URL": stage.server.url,
            "SMS_METRICS_TOKEN": "a-token-of-the-tests",
            "SMS_ACCESS_KEY": "your_access_key",
            "SMS_ACCESS_SECRET": "your_access_secret",
            "SMS_SIGN": "your_signature",
            "SMS_RECEIPT_SECRET": "a-secret-path-of-tests",
        }
        waiting = []
        for number, part in enumerate(PARTS, start=1):
            its = pod(part, *values)
            (container,) = its["containers"]
            directory = tmp_path / part
            directory.mkdir()
            # Each pod has an address of its own.
            host, more = "127.0.0.1", {}
            if part != "serve":
                host = f"127.0.0.{number}"
                (volume,) = (each for each in its["volumes"] if "configMap" in each)
                port = {each["name"]: each["value"] for each in container["env"]}["SMS_METRICS_PORT"]
                more = {
                    "SMS_APP": str(lay_out(directory, volume, config)),
                    "SMS_METRICS_PORT": port.replace("0.0.0.0", host),
                }
            grace_s = its["terminationGracePeriodSeconds"]
            processes.enter_context(
                running(container, directory / "log", grace_s, **secret | more, HOSTNAME=part)
            )
            waiting.append((container, host))
        for container, host in waiting:
            for name, probe in container.items():
                if name.endswith("Probe"):
                    until(lambda: passes(probe, container, host), f"{container['name']}'s {name}")  # noqa: B023  at once
        for lane in LANES:
            assert outcome(stage.send("SMS.Main", new_phone(), lane=lane)).outcome == "accepted"


@pytest.mark.parametrize("part", PARTS)
def test_pods_are_hardened(part: str) -> None:
    """A pod is nobody's, changes nothing of its image, has no rights, and no probe starts a process."""
    its = pod(part)
    assert its["automountServiceAccountToken"] is False
    assert its["securityContext"]["runAsNonRoot"] is True
    (container,) = its["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "memory" in container["resources"]["limits"]
    probes = {name: probe for name, probe in container.items() if name.endswith("Probe")}
    assert "livenessProbe" in probes
    assert not [name for name, probe in probes.items() if "exec" in probe]


@pytest.mark.parametrize("part", PARTS)
def test_parts_fit_together(part: str) -> None:
    """Budget, network policy and service of a part select its pods and no others; and only workers have the account."""
    found = rendered()
    labels = found["Deployment", part]["spec"]["template"]["metadata"]["labels"]
    others = [
        found["Deployment", each]["spec"]["template"]["metadata"]["labels"] for each in PARTS if each != part
    ]
    selectors = [
        found["Deployment", part]["spec"]["selector"]["matchLabels"],
        found["PodDisruptionBudget", part]["spec"]["selector"]["matchLabels"],
        found["NetworkPolicy", part]["spec"]["podSelector"]["matchLabels"],
        *([found["Service", part]["spec"]["selector"]] if part == "serve" else []),
    ]
    for selector in selectors:
        assert selector.items() <= labels.items()
        assert not [each for each in others if selector.items() <= each.items()]
    (container,) = pod(part)["containers"]
    assert container["envFrom"] == [
        {"secretRef": {"name": "smsjobs-serve" if part == "serve" else "smsjobs-worker"}}
    ]
    ports = {
        port["port"] for rule in found["NetworkPolicy", part]["spec"]["egress"] for port in rule["ports"]
    }
    assert ports == ({53, 6379} if part == "serve" else {53, 6379, 443})


def test_scaled_by_what_is_due() -> None:
    """With KEDA a lane's replicas follow its queue's length, and the chart sets no number that would be in its way."""
    found = rendered("keda.enabled=true")
    scaled = {name for kind, name in found if kind == "ScaledObject"}
    assert scaled == {"notification", "bulk"}
    for lane in LANES:
        assert ("replicas" in found["Deployment", lane]["spec"]) == (lane not in scaled)
    its = found["ScaledObject", "bulk"]["spec"]
    assert its["scaleTargetRef"]["name"] == found["Deployment", "bulk"]["metadata"]["name"]
    (trigger,) = its["triggers"]
    assert trigger["metadata"]["query"] == 'max(smsjobs_queue_messages{lane="bulk"})'
    assert its["cooldownPeriod"] > pod("bulk")["terminationGracePeriodSeconds"]


@pytest.mark.parametrize(
    ("value", "named"),
    [
        pytest.param("workers.bulk.thread=3", "thread", id="a slip"),
        pytest.param("workers.builk.threads=3", "builk", id="no lane"),
        pytest.param(
            "elements.Main.accessSecret=your_access_secret", "accessSecret", id="a secret in a ConfigMap"
        ),
        pytest.param("serve.port=0", "port", id="no port"),
    ],
)
def test_wrong_values(value: str, named: str) -> None:
    """A wrong value is refused before anything is rendered, with its name."""
    run = helm(value)
    assert run.returncode != 0
    assert re.search(named, run.stderr)

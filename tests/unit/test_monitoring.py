"""deploy/monitoring: alerts, their tests, the board, and what they rest on."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from smsjobs.metrics import METRICS

ROOT = Path(__file__).parents[2]
FILES = ROOT / "deploy/monitoring"
#: By name; those of a histogram's series, too.
LABELS = {each.name: {*each.labels, "instance", "job"} for each in METRICS} | {
    f"{each.name}_{end}": {*each.labels, "instance", "job", "le"}
    for each in METRICS
    if each.kind == "histogram"
    for end in ("bucket", "count", "sum")
}


def loaded(name: str) -> Any:
    return yaml.safe_load((FILES / name).read_text())


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for group in loaded("rules.yml")["groups"] for rule in group["rules"]}


def board() -> dict[str, Any]:
    return json.loads((FILES / "grafana/dashboards/smsjobs.json").read_text())


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in alerts().values())
    for test in loaded("rules.test.yml")["tests"]:
        yield from (series["series"] for series in test["input_series"])
    for panel in board()["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


def test_figures_that_exist() -> None:
    """Alerts, their tests and the board name figures that there are, and select and group by labels that these have."""
    for expression in expressions():
        names = re.findall(r"\bsmsjobs_\w+", expression)
        assert names or "ALERTS" in expression
        labels = set().union(*(LABELS[name] for name in names))
        used = {
            each for group in re.findall(r"\{([^}]*)\}", expression) for each in re.findall(r"(\w+)=", group)
        }
        used |= {
            label.strip()
            for group in re.findall(r"(?:by|on) \(([^)]*)\)", expression)
            for label in group.split(",")
        }
        assert used <= labels, expression


@pytest.mark.parametrize("name", alerts())
def test_alerts_are_explained(name: str) -> None:
    """Each alert has a paragraph on what to do, under the heading that it names, and says whether to wake somebody."""
    rule = alerts()[name]
    page = (ROOT / "docs/production.md").read_text()
    assert rule["annotations"]["runbook"] == f"docs/production.md#{name.lower()}"
    paragraph = page.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    assert len(paragraph.split()) > 25
    assert rule["labels"]["severity"] in ("page", "ticket")


def test_no_other_alerts_are_explained() -> None:
    """The page explains no alert that there is not."""
    assert re.findall(r"^### (Sms\w+)$", (ROOT / "docs/production.md").read_text(), re.MULTILINE) == list(
        alerts()
    )


@pytest.mark.parametrize("name", alerts())
def test_alerts_are_tried(name: str) -> None:
    """Each alert has a case in which it fires and one in which it must not."""
    cases = [
        bool(case.get("exp_alerts"))
        for test in loaded("rules.test.yml")["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == name
    ]
    assert {True, False} <= set(cases)


@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool: Debian's package prometheus has it")
@pytest.mark.parametrize("words", [("check", "rules", "rules.yml"), ("test", "rules", "rules.test.yml")])
def test_promtool(words: tuple[str, ...]) -> None:
    """Prometheus's own tool understands the rules, and each alert fires where its test says, and nowhere else."""
    run = subprocess.run(["promtool", *words], cwd=FILES, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_board() -> None:
    """Each panel has an id and a place of its own, a sentence, and the data source that is provisioned."""
    panels = board()["panels"]
    (source,) = loaded("grafana/datasources/prometheus.yml")["datasources"]
    assert len({each["id"] for each in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        if panel["type"] != "row":
            assert panel["description"].endswith(".")
            assert {each["datasource"]["uid"] for each in panel["targets"]} == {source["uid"]}


def test_compose() -> None:
    """Prometheus scrapes every worker and the server for receipts, on their ports, with the token that they have."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    services = compose["services"]
    workers, ledger = loaded("prometheus.yml")["scrape_configs"]
    (found,) = workers["dns_sd_configs"]
    lanes = [name for name, each in services.items() if each.get("build", {}).get("target") == "worker"]
    assert sorted(found["names"]) == sorted(lanes)
    for name in lanes:  # and the reader of queues
        assert services[name]["environment"]["SMS_METRICS_PORT"] == f"0.0.0.0:{found['port']}"
    assert ledger["static_configs"] == [{"targets": [f"receipts:{services['receipts']['command'][-1]}"]}]
    tokens = {services[name]["environment"]["SMS_METRICS_TOKEN"] for name in (*lanes, "receipts")}
    assert tokens == {compose["configs"]["metrics_token"]["content"]}
    (given,) = services["prometheus"]["configs"]
    for each in (workers, ledger):
        assert each["authorization"]["credentials_file"] == given["target"]
    for name in (*lanes, "receipts", "grafana"):
        assert set(services[name]["networks"]) & set(services["prometheus"]["networks"])
    for service in services.values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert not source.startswith("./") or (ROOT / source).exists(), source

"""The measurements of growth: what is copied is like what was sent, growth is told, and a small soak says what it should."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from benchmarks.samples import Sample, growth, render
from benchmarks.stage import Stage
from benchmarks.stored import fill, settle_samples, unlike

from support.polling import until

ROOT = Path(__file__).parents[2]


def test_copies_are_alike() -> None:
    """A copy of a settled job has all keys that a sent one has, with the same content and encoding."""
    with Stage() as stage:
        samples = settle_samples(stage)
        stage.clear(latency_ms=0)
        copies = fill(stage, samples, 2 * len(samples))
        assert copies.keys() == {each.id for each in samples}
        lists = {name for each in samples for name, _ in each.sets}
        assert {name.rpartition(":")[2] for name in lists} == {"failed"}, "nothing of them is due any more"
        assert unlike(stage, copies) == []
        (name,) = stage.redis.keys(f"*:job:{copies[samples[0].id]}")
        stage.redis.hset(name, "more", "1")
        assert len(unlike(stage, copies)) == 2, "what differs is seen, on both sides"


def series(*values: float, name: str = "Redis", unit: str = "MB") -> list[Sample]:
    """A sample each ten seconds."""
    return [Sample(at_s=10.0 * place, values={(name, unit): value}) for place, value in enumerate(values)]


def test_flat_memory() -> None:
    """What grows before the samples count, or goes up and down, is not growth."""
    assert growth(series(1, 50, *[100, 101, 99] * 4), warm_s=20) == []


@pytest.mark.parametrize("unit", ["MB", "keys", "length"])
def test_grown(unit: str) -> None:
    """What is higher at the end than its bound is named, and so is what was not there at the beginning."""
    grown = series(100, 100, 100, 120, 130, 140, 600, 600, 600, unit=unit)
    assert growth(grown, warm_s=0) == [f"Redis grew from 100.0 to 600.0 {unit}"]
    new = [*series(1, 1, 1, 1, 1, 1, name="other")[:4], *series(0, 0, 0, 0, 900, 900, unit=unit)[4:]]
    assert growth(new, warm_s=0) == [f"Redis grew from 0.0 to 900.0 {unit}"]
    assert "100" in render(grown, warm_s=0)


@pytest.fixture
def small_soak() -> Iterator["subprocess.Popen[str]"]:
    """A soak of six seconds, just started."""
    command = [sys.executable, "-m", "benchmarks.soak", "--seconds", "6", "--rate", "40", "--retention", "30"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": "tests"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def test_soak_small(small_soak: "subprocess.Popen[str]") -> None:
    """A small soak sends single jobs with faults and a campaign, shows its table, and finds nothing lost or sent twice."""
    out, told = small_soak.communicate(timeout=100)
    assert "Campaigns: 1" in out, (out + told)[-3000:]
    jobs = sum(
        int(each.replace(",", ""))
        for each in re.findall(r"([\d,]+) (?:accepted|rejected|not_sent|unknown)", out)
    )
    assert 10 <= jobs <= 243, "fewer on a busy machine"
    for each in (
        "worker, verification",
        "worker, notification",
        "worker, bulk",
        "server of receipts",
        "all keys",
        "agenda",
    ):
        assert each in out
    # Memory still grows so soon after the start, and is not judged here.
    assert not re.search("lost:|twice:|simulator:", out), out


def test_soak_interrupted(small_soak: "subprocess.Popen[str]") -> None:
    """Ctrl-C ends a soak and everything that it started."""
    assert small_soak.stderr
    for line in small_soak.stderr:
        if "single jobs a second" in line:
            break
    started = psutil.Process(small_soak.pid).children(recursive=True)
    assert len(started) >= 5, "three workers, two servers"
    small_soak.send_signal(signal.SIGINT)
    assert small_soak.wait(40) == 130
    until(lambda: not [each for each in started if each.is_running()], "all have ended", timeout=20)

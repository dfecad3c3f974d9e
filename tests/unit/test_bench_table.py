"""The benchmark's table, its percentiles, and what it takes from the Procfile."""

import functools
import subprocess
from importlib import import_module
from pathlib import Path

import pytest
from benchmarks.lanes import commands
from benchmarks.layers import CLOCKS
from benchmarks.table import Row, Target, render
from benchmarks.timing import Latency

AT_LEAST_2, AT_MOST_2 = Target(bound=2, kind="least"), Target(bound=2, kind="most")
AT_MOST_5_MS = Target(bound=5, kind="most", of="value")


@pytest.mark.parametrize(
    ("row", "met"),
    [
        pytest.param(Row(name="n", unit="", ours=9.0), None, id="no target"),
        pytest.param(Row(name="n", unit="", ours=9.0, ratio=2.0, target=AT_LEAST_2), True, id="just enough"),
        pytest.param(Row(name="n", unit="", ours=9.0, ratio=1.99, target=AT_LEAST_2), False, id="too little"),
        pytest.param(Row(name="n", unit="", ours=9.0, ratio=2.01, target=AT_MOST_2), False, id="too much"),
        pytest.param(Row(name="n", unit="", ours=9.0, ratio=1.0, target=AT_MOST_5_MS), False, id="by value"),
        pytest.param(
            Row(name="n", unit="", ours=4.0, ratio=9.0, target=AT_MOST_5_MS), True, id="ratio unasked"
        ),
        pytest.param(Row(name="n", unit="", ours=4.0, target=AT_LEAST_2), False, id="not measured"),
    ],
)
def test_target(row: Row, met: bool | None) -> None:
    """A row says whether its own target is reached, by the ratio or by the value, as the target says."""
    assert row.met is met


def test_table_is_markdown() -> None:
    """Every line of the table has the same columns at the same places, and a missed target stands out."""
    rows = [
        Row(name="jobs", unit="1/s", ours=1234.5, prefork=617.2, ratio=2.0, target=AT_LEAST_2),
        Row(name="p99", unit="ms", ours=0.1234, ratio=3.0, target=AT_MOST_2),
    ]
    head, rule, *lines = render(rows).splitlines()
    bars = [place for place, letter in enumerate(head) if letter == "|"]
    assert all(
        [place for place, letter in enumerate(each) if letter == "|"] == bars for each in [rule, *lines]
    )
    assert [cell.strip() for cell in lines[0].split("|")[3:7]] == ["1,234", "617", "", "2.00×"]
    assert [line.split("|")[-2].strip() for line in lines] == ["met", "MISSED"]


def test_percentiles() -> None:
    """One slow call in a hundred is what the 99th percentile shows."""
    latency = Latency.of([0.001] * 98 + [0.002, 0.5])
    assert (latency.p50_ms, latency.p99_ms, latency.count) == (1.0, 500.0, 100)


def test_processes_of_a_lane() -> None:
    """All processes that the Procfile has for a lane are measured, and no other lane's."""
    text = "# c\n\na: celery -A x worker -Q sms.bulk -n a\nb: celery -A x worker -Q sms.other -n b\na2: nice celery -Q sms.bulk"
    assert commands("bulk", text) == [
        ["celery", "-A", "x", "worker", "-Q", "sms.bulk", "-n", "a"],
        ["nice", "celery", "-Q", "sms.bulk"],
    ]
    assert len(commands("verification")) >= 1


@pytest.mark.parametrize("place", [each for places in CLOCKS.values() for each in places])
def test_clocks(place: str) -> None:
    """Each function that a layer's clock counts is there."""
    module, _, path = place.partition(":")
    assert callable(functools.reduce(getattr, path.split("."), import_module(module)))


def test_it_starts() -> None:
    """`make bench` finds all that it imports."""
    told = subprocess.run(
        ["make", "--no-print-directory", "bench", "ARGS=--help"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr[-500:]
    assert "--layers" in told.stdout

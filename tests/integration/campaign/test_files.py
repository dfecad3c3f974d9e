"""Whole campaigns from files as people have them."""

from pathlib import Path

import pytest

from smsjobs.campaign import Order, start
from support.campaigns import PAGE, Bench, numbers

CASES = Path(__file__).parents[2] / "cases"


@pytest.mark.parametrize(
    "path",
    sorted(each for each in CASES.iterdir() if each.suffix in (".csv", ".xlsx")),
    ids=lambda each: each.name,
)
def test_the_report_has_every_row(bench: Bench, path: Path) -> None:
    """The report of each file has each of its rows once, and progress counts the same."""
    campaign = bench.start(people=path)
    rows = list(campaign.report())
    progress = campaign.progress()
    order = Order.read(path, "SMS_1")
    assert [row.line for row in rows] == [row.line for row in order.recipients]
    assert len(rows) == progress.total + progress.invalid + progress.duplicates
    assert progress.blank == order.recipients.blank
    assert sum(progress.countries.values()) == progress.total
    for row in rows:
        assert not str(row.cells()[1]).startswith(("=", "+", "-", "@"))


def test_mainland_and_foreign_never_share_a_request(bench: Bench) -> None:
    """Each chunk's numbers are of the mainland, or none is."""
    people = [
        {"phone": f"1380013{n:04}" if n % 4 else f"+852 6123 {n:04}", "name": f"n{n % 3}"} for n in range(600)
    ]
    campaign = bench.start(people=people)
    by_chunk: dict[str | None, set[bool]] = {}
    for row in campaign.report():
        by_chunk.setdefault(row.out_id, set()).add(row.phone.startswith("1"))
    assert len(by_chunk) > 2
    assert all(len(kinds) == 1 for kinds in by_chunk.values())


def test_other_countries_are_left_out(bench: Bench) -> None:
    """With `countries`, numbers of others get no message and stand in the report with the reason."""
    order = Order.read(["13800138000", "+852 6123 4567"], "SMS_1", countries=["86"])
    campaign = start(bench.store, order, element="SMS.Test", name="test")
    assert [(row.phone, row.outcome, row.reason) for row in campaign.report()] == [
        ("13800138000", "pending", None),
        ("+852 6123 4567", "invalid", "country_not_allowed"),
    ]


def test_every_row_is_counted(bench: Bench, tmp_path: Path) -> None:
    """Recipients are counted by country and blank rows too, over all pages, once, also after an interruption."""
    path = tmp_path / "people.csv"
    foreign = ["+852 6123 4567", "+852 6123 4568", "+44 7700 900123"]
    path.write_text("\n".join(["", "phone", *numbers(PAGE), ",", *foreign, "no one", ","]))
    with pytest.raises(ZeroDivisionError):
        bench.start(people=path, on_page=lambda page: 1 / page.number)
    progress = bench.start(people=path).progress()
    assert bench.start(people=path).progress() == progress
    assert list(progress.countries.items()) == [("86", PAGE), ("852", 2), ("44", 1)]
    assert (progress.total, progress.invalid, progress.blank) == (PAGE + 3, 1, 3)
    assert progress.to_json()["countries"] == {"86": PAGE, "852": 2, "44": 1}

"""No recipient is lost, and none gets another text, without a word."""

from pathlib import Path

import pytest

from smsjobs import InvalidArguments
from smsjobs.campaign.tables import open_table


def test_a_quotation_mark_that_is_never_closed_is_told(tmp_path: Path) -> None:
    """A CSV whose last quotation mark is missing is refused with its line, not read as fewer rows."""
    file = tmp_path / "people.csv"
    file.write_text('phone,name\n13800138000,"Li\n13800138001,Wang\n13800138002,Zhao\n', "utf-8")
    with pytest.raises(InvalidArguments, match="line 2"):
        list(open_table(file).records)


def test_a_name_that_the_first_record_lacks_is_told() -> None:
    """A record with a name that the first one lacks is reported, not planned without it."""
    people = [{"phone": "13800138000"}, {"phone": "13800138001", "name": "Li"}]
    assert [(record.cells, record.fault) for record in open_table(people).records] == [
        (["13800138000"], ""),
        (["13800138001"], "unknown_column"),
    ]

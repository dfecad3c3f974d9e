"""A report's file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smsjobs import QueueUnavailable
from smsjobs.campaign import ReportRow
from smsjobs_shell.campaign.report import _write_file
from smsjobs_shell.terminal.failure import CommandFailed

ROW = ReportRow(line=2, phone="13800138000", outcome="accepted", out_id="c-0")


def broken() -> Iterator[ReportRow]:
    yield ROW
    raise QueueUnavailable("Redis is unreachable")


def test_an_earlier_report_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    """A report that cannot be read to its end leaves the one that was there, and nothing else behind."""
    file = tmp_path / "report.csv"
    _write_file(file, [ROW])
    before = file.read_bytes()
    assert b"13800138000" in before
    with pytest.raises(QueueUnavailable):
        _write_file(file, broken())
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]
    _write_file(file, [])
    assert b"13800138000" not in file.read_bytes()


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    """A directory that there is not, and a device that is full, are told as what they are."""
    with pytest.raises(CommandFailed, match="No such file or directory"):
        _write_file(tmp_path / "gone" / "report.csv", [ROW])
    with pytest.raises(CommandFailed, match="No space left"):
        _write_file(Path("/dev/full"), [ROW])

"""Files of recipients that are made to harm: each is read, or refused with its bound, in bounded memory and time."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsjobs import InvalidArguments, SmsError
from smsjobs.campaign import Order, recipients

PHONE = "13800138000"

#: Reads each file as a campaign does, in a process of its own with 256 MB of memory. The libraries are loaded once.
READER = """
import os, resource, sys
from smsjobs import SmsError
from smsjobs.campaign import Order

def read(path):
    resource.setrlimit(resource.RLIMIT_AS, (256 * 2**20, 256 * 2**20))
    try:
        return f"read {sum(page.recipients + len(page.skipped) for page in Order.read(path, 'SMS_1').pages())}"
    except SmsError as error:
        return str(error)

for line in sys.stdin:
    if not (child := os.fork()):
        print(read(line.rstrip()), flush=True)
        os._exit(0)
    if status := os.waitpid(child, 0)[1]:
        print("ended by", status, flush=True)
"""

CSV_HEAD = "phone,name\n"
WORKBOOK = """<workbook xmlns:r="r"><sheets>{sheets}</sheets></workbook>"""
LINK = '<Relationship Id="{id}" Type="x/{kind}" Target="{target}"/>'


def book(
    path: Path, sheet: Iterator[str] | list[str], *, sheets: int = 1, strings: Iterator[str] | None = None
) -> Path:
    """A workbook with that text as each of its sheets."""
    path = path.with_suffix(".xlsx")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        listed = "".join(f'<sheet name="s{n}" r:id="r{n}"/>' for n in range(sheets))
        archive.writestr("xl/workbook.xml", WORKBOOK.format(sheets=listed))
        links = [LINK.format(id=f"r{n}", kind="worksheet", target="sheet.xml") for n in range(sheets)]
        links.append(LINK.format(id="s", kind="sharedStrings", target="strings.xml"))
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{''.join(links)}</Relationships>")
        for name, parts in (("sheet", sheet), ("strings", strings or iter(["<sst/>"]))):
            with archive.open(f"xl/{name}.xml", "w", force_zip64=True) as file:
                for part in parts:
                    file.write(part.encode())
    return path


def cell(text: str, place: str = "") -> str:
    """A cell with its text in it."""
    return f"<c{f' r={chr(34)}{place}{chr(34)}' * bool(place)} t='inlineStr'><is><t>{text}</t></is></c>"


HEAD = f"<worksheet><sheetData><row r='1'>{cell('phone')}{cell('name')}</row>"
TAIL = "</sheetData></worksheet>"


def text(path: Path, ending: str, parts: Iterator[str] | list[str]) -> Path:
    """A text file of those parts."""
    path = path.with_suffix(ending)
    with path.open("w") as file:
        file.writelines(parts)
    return path


def times(part: str, count: int) -> Iterator[str]:
    """The part that often, a thousand at a time."""
    return (part * 1000 for _ in range(count // 1000))


ATTACKS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a line of 150 MB in a .csv": (lambda p: text(p, ".csv", [CSV_HEAD, *["x" * 2**20] * 150]), "1000000"),
    "a first line of 150 MB": (lambda p: text(p, ".csv", ["phone" * 2**18] * 120), "1000000"),
    "a row of many lines": (lambda p: text(p, ".csv", [CSV_HEAD, *times('"1\n",', 1_000_000)]), "1000000"),
    "100,000 columns": (
        lambda p: text(p, ".csv", ["phone," + ",".join(f"c{n}" for n in range(20_000))]),
        "16384",
    ),
    "a line of 150 MB in a .jsonl": (
        lambda p: text(p, ".jsonl", ['{"phone":"', *["1" * 2**20] * 150]),
        "1000000",
    ),
    "a record of 100,000 names": (
        lambda p: text(p, ".jsonl", [json.dumps({"phone": PHONE} | {f"c{n}": "" for n in range(50_000)})]),
        "16384",
    ),
    "no record at all": (lambda p: text(p, ".jsonl", times("5.5\n", 20_000)), "10000"),
    "nested JSON": (lambda p: text(p, ".jsonl", [f'{{"phone":"{PHONE}"}}\n', "[" * 900_000]), "read 2"),
    "a row far away": (lambda p: book(p, [HEAD, "<row r='4000000000'/>", TAIL]), "row 2"),
    "a sheet with one row, 500 times": (
        lambda p: book(p, ["<worksheet><sheetData><row r='1048576'/>", TAIL], sheets=500),
        "no column",
    ),
    "2,000 sheets": (lambda p: book(p, [HEAD, TAIL], sheets=2_000), "500"),
    "a row of many cells": (
        lambda p: book(p, [HEAD, "<row>", *times("<c s='1'>xxxxxxxxx</c>", 250_000), "</row>", TAIL]),
        "row 2",
    ),
    "elements behind the rows": (
        lambda p: book(p, [HEAD, "</sheetData>", *times("<a/>", 300_000), "</worksheet>"]),
        "read 0",
    ),
    "nested elements": (lambda p: book(p, [HEAD, "</sheetData>", *times("<a>", 2_000_000)]), "row 2"),
    "one text of 100 MB": (lambda p: book(p, [HEAD, "<row><c><v>", *times("1" * 100, 1_000_000)]), "row 2"),
    "texts of 300 MB": (lambda p: book(p, [HEAD, TAIL], strings=times("1" * 100, 3_000_000)), "268435456"),
}


@pytest.fixture(scope="module")
def reader() -> Iterator["subprocess.Popen[str]"]:
    """A process that reads one file after the other."""
    with subprocess.Popen(
        [sys.executable, "-c", READER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        yield reader
        reader.kill()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("attack", ATTACKS)
def test_file_is_bounded(tmp_path: Path, reader: "subprocess.Popen[str]", attack: str) -> None:
    """A file that is made to fill the memory or to take for ever is read or refused with 256 MB, in seconds."""
    make, expected = ATTACKS[attack]
    path = make(tmp_path / "people")
    assert reader.stdin is not None
    assert reader.stdout is not None
    reader.stdin.write(f"{path}\n")
    reader.stdin.flush()
    answer = reader.stdout.readline()
    path.unlink()
    assert expected in answer
    assert answer.startswith(("read", "46001"))
    assert len(answer) < 400


@pytest.mark.parametrize(("bound", "most", "rows"), [("MAX_ROWS", 3, 4), ("MAX_CELLS", 7, 4)])
def test_rows_and_cells_are_bounded(
    monkeypatch: pytest.MonkeyPatch, bound: str, most: int, rows: int
) -> None:
    """A table with more rows or cells than are permitted is refused where it goes beyond."""
    monkeypatch.setattr(recipients, bound, most)
    people = ({"phone": f"1380013800{n}", "name": "x"} for n in range(rows))
    with pytest.raises(InvalidArguments, match=f"more than {most} "):
        list(Order.read(people, "SMS_1").pages())


def attempt(path: Path) -> None:
    """Read it; an error of ours may come."""
    try:
        for _ in Order.read(path, "SMS_1", template_text="x").pages():
            pass
    except SmsError as error:
        refused = error
    else:
        return
    assert refused.code == 46001


quick = settings(
    max_examples=150,
    deadline=10_000,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FRAGMENTS = st.sampled_from(
    [
        b"phone",
        b",",
        b"\n",
        b'"',
        b"\0",
        b"13800138000",
        b"\xff",
        b"=",
        b"{",
        b"}",
        b"[",
        b":",
        b'{"phone":"',
        b"1e999",
    ]
)
BYTES = st.lists(st.one_of(FRAGMENTS, st.binary(max_size=4)), max_size=40).map(b"".join)


@quick
@given(BYTES, st.sampled_from([".csv", ".tsv", ".jsonl", ".xlsx"]))
def test_file_of_any_bytes(tmp_path: Path, content: bytes, ending: str) -> None:
    """No file provokes anything but an error of ours."""
    path = tmp_path / f"people{ending}"
    path.write_bytes(content)
    attempt(path)


XML = st.sampled_from(
    [
        "<row>",
        "</row>",
        "<row r='9'>",
        "<row r='x'>",
        "<c>",
        "</c>",
        "<c r='B1'>",
        "<c t='s'>",
        "<c s='99'>",
        "<c r='ZZZ9'>",
        "<v>",
        "</v>",
        "<is>",
        "</is>",
        "<t>",
        "</t>",
        "<f>",
        "</f>",
        "phone",
        PHONE,
        "-1",
        "1e999",
        "_xD800_",
        "&#55;",
        "</sheetData>",
    ]
)


@quick
@given(st.lists(XML, max_size=30).map("".join))
def test_sheet_of_anything(tmp_path: Path, rows: str) -> None:
    """No sheet provokes anything but an error of ours."""
    attempt(book(tmp_path / "people", [HEAD, rows, TAIL]))

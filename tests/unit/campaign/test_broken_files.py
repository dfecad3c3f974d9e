"""Files that cannot be read to their end: each is a clear error before anything is sent."""

import codecs
import json
import zipfile
from pathlib import Path

import openpyxl
import pytest

from smsjobs import InvalidArguments
from smsjobs.campaign import Order
from smsjobs.campaign.tables import open_table

PHONE = "13800138000"
ROWS = f"phone,name\n{PHONE},张三\n"
BIG = "phone,name\n" + f"{PHONE},张三\n" * 100_000


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def workbook(path: Path, rows: int) -> Path:
    book = openpyxl.Workbook()
    book.active.append(["phone", "name"])
    for n in range(rows):
        book.active.append([13800138000 + n, f"name {n}"])
    book.save(path)
    return path


@pytest.mark.parametrize(
    ("content", "line", "kind"),
    [
        (b"\xff\xfe\x00zz", 1, "UTF-16"),  # half a letter
        (b"\xff\xfe" + ROWS.encode("utf-16-le") + b"\x00", 3, "UTF-16"),
        (b"\xff\xfe" + ROWS.encode("utf-16-le") + b"\x00\xdc" + ROWS.encode("utf-16-le"), 3, "UTF-16"),
        (b"\xfe\xff" + ROWS.encode("utf-16-be") + b"\xdc\x00", 3, "UTF-16"),
        (b"\xff\xfe" + BIG.encode("utf-16-le") + b"\x00", 100_002, "UTF-16"),
        (codecs.BOM_UTF8 + b"\xffphone\n", 1, "UTF-8"),
        (codecs.BOM_UTF8 + ROWS.encode() + b"\xff", 3, "UTF-8"),
        (codecs.BOM_UTF8 + ROWS.encode("gb18030"), 2, "UTF-8"),
        (codecs.BOM_UTF8 + BIG.encode() + b"\xff", 100_002, "UTF-8"),
        (codecs.BOM_UTF8 + ROWS.encode() + "张".encode()[:2], 3, "UTF-8"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value) if isinstance(value, int) else "",
)
def test_undecodable(tmp_path: Path, content: bytes, line: int, kind: str) -> None:
    """Bytes that are no text under the file's own mark are an error that names line, encoding and hint."""
    path = written(tmp_path / "people.csv", content)
    with pytest.raises(InvalidArguments) as raised:
        open_table(path)
    assert raised.value.code == 46001
    assert str(raised.value).startswith(
        f"46001 invalid_argument: recipients: line {line} of people.csv is not {kind} text"
    )
    assert "save the file as CSV UTF-8" in str(raised.value)


def test_a_heading_without_an_end(tmp_path: Path) -> None:
    """A file that is one long line is an error, whatever it holds."""
    with pytest.raises(InvalidArguments, match=r"line 1 of people\.csv"):
        open_table(written(tmp_path / "people.csv", b"x" * 200_000))


@pytest.mark.parametrize("name", ["people.csv", "people.jsonl", "people.xlsx"])
def test_a_file_that_may_not_be_read(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be opened is an error with the system's reason, and without its directory."""
    path = written(tmp_path / name, b"")

    def refuse(*_args: object, **_more: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("io.open", refuse)
    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InvalidArguments, match=f"{name} cannot be read: Permission denied") as raised:
        list(open_table(path).records)
    assert str(tmp_path) not in str(raised.value)


def test_a_disk_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read that fails in the middle of a file is an error, not a shorter campaign."""
    path = written(tmp_path / "people.csv", BIG.encode())
    table = open_table(path)

    def fail(*_args: object, **_more: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(InvalidArguments, match="cannot be read: Input/output error"):
        list(table.records) and list(open_table(path).records)


def damaged(path: Path, part: float) -> Path:
    """Spoil the bytes of the sheet from that part of it on, as a disk or a download does."""
    with zipfile.ZipFile(path) as archive:
        entry = next(each for each in archive.infolist() if "sheet1.xml" in each.filename)
    content = bytearray(path.read_bytes())
    start = entry.header_offset + 30 + len(entry.filename)
    begin = start + int(entry.compress_size * part)
    content[begin : begin + 64] = bytes(64)
    return written(path, bytes(content))


def rewritten(path: Path, change: object) -> Path:
    """The same archive with another sheet."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, change(content) if "sheet1.xml" in name else content)  # type: ignore[operator]
    return path


@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_damaged_workbook(tmp_path: Path, part: float) -> None:
    """A workbook whose bytes are damaged is an error, told with the row that it was read to."""
    path = damaged(workbook(tmp_path / "people.xlsx", 5000), part)
    with pytest.raises(InvalidArguments, match=r"row \d+ of people\.xlsx cannot be read.*save it as"):
        list(Order.read(path, "SMS_1").pages())


def test_a_sheet_that_breaks_off(tmp_path: Path) -> None:
    """A sheet whose rows break off is an error that names the row, not the end of the recipients."""
    path = rewritten(workbook(tmp_path / "people.xlsx", 50), lambda xml: xml[: len(xml) * 9 // 10])
    with pytest.raises(InvalidArguments, match=r"row \d\d of people\.xlsx cannot be read"):
        list(Order.read(path, "SMS_1").pages())


def test_a_damaged_sum(tmp_path: Path) -> None:
    """A workbook whose archive's check sum does not fit is refused, though all of its rows could be read."""
    path = workbook(tmp_path / "people.xlsx", 5000)
    with zipfile.ZipFile(path) as archive:
        entry = next(each for each in archive.infolist() if "sheet1.xml" in each.filename)
    content = path.read_bytes()
    right = entry.CRC.to_bytes(4, "little")
    path.write_bytes(content.replace(right, (entry.CRC ^ 1).to_bytes(4, "little")))
    with pytest.raises(InvalidArguments, match=r"people\.xlsx cannot be read"):
        list(Order.read(path, "SMS_1").pages())


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04no zip", b"\xd0\xcf\x11\xe0 an old or an encrypted one"]
)
def test_no_archive(tmp_path: Path, content: bytes) -> None:
    """What is no archive at all is told to be no workbook, and what to do."""
    with pytest.raises(InvalidArguments, match=r"people\.xlsx is (not a valid|of an old) Excel.*save it as"):
        open_table(written(tmp_path / "people.xlsx", content))


def test_half_letters_in_json(tmp_path: Path) -> None:
    """A half of a surrogate pair, which JSON can hold and no message can, makes its row unreadable and no other."""
    lines = [
        {"phone": PHONE, "name": "a"},
        {"phone": "13800138001", "name": "\ud83d"},
        {"phone": "1380\udc00", "name": "b"},
    ]
    path = written(tmp_path / "people.jsonl", "\n".join(map(json.dumps, lines)).encode())
    assert [record.cells for record in open_table(path).records] == [
        [PHONE, "a"],
        ["13800138001", None],
        [None, "b"],
    ]

"""Names and texts with halves of characters, as undecodable file names and JSON have them."""

import json
import os
from pathlib import Path

import pytest

from smsjobs import InvalidArguments
from smsjobs.campaign import Order, start
from smsjobs.campaign.filenames import readable
from smsjobs.contract import campaign_id

PHONE = "13800138000"


def unlikely(*_args: object, **_more: object) -> None:
    """Stands in for a store that must not be used."""
    pytest.fail("it was begun")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("people", "people"),
        ("名单", "名单"),
        (os.fsdecode("名单".encode("gbk")), "名单"),  # as archives from Windows have it
        (os.fsdecode(b"caf\xe9"), "caf\N{REPLACEMENT CHARACTER}"),
        ("a\ud800", "a?"),  # no file has it on Linux
    ],
)
def test_readable(name: str, shown: str) -> None:
    """A file's name that is no text is shown as what it was in China, or as far as it can be, and always the same."""
    assert readable(name) == shown
    readable(name).encode()


@pytest.mark.parametrize("name", ["\ud800", "a\udcff", 5, None, "", " ", "x" * 201])
def test_no_name(name: object) -> None:
    """A campaign's name that is no text of its length is an error of ours before anything is begun."""
    order = Order.read([PHONE], "SMS_1")
    with pytest.raises(InvalidArguments, match="name must be text of 1 to 200 characters"):
        start(unlikely, order, element="SMS.Test", name=name)  # type: ignore[arg-type]


def test_id_of_no_name() -> None:
    """The shell tells the id before the name is checked: it has one for whatever was typed."""
    assert campaign_id("SMS.Test", "a\udcff") != campaign_id("SMS.Test", "a\udcfe")


@pytest.mark.parametrize("text", [123, b"${name}", "\ud800${name}"])
def test_no_template_text(text: object) -> None:
    """A template's text that is none is an error of ours."""
    with pytest.raises(InvalidArguments, match="template_text must be text"):
        Order.read([PHONE], "SMS_1", template_text=text)  # type: ignore[arg-type]


def test_no_name_of_a_column(tmp_path: Path) -> None:
    """A column's name that is half a character is an error of ours before anything is begun."""
    rows = [{"phone": PHONE, "\ud800": "a"}]
    path = tmp_path / "people.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    for source in (rows, path):
        with pytest.raises(InvalidArguments, match="a column's name is not text"):
            Order.read(source, "SMS_1")


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".xlsx"])
def test_a_file_whose_name_is_no_text(tmp_path: Path, ending: str) -> None:
    """An error names a file so that it can be written anywhere."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + "名单".encode("gbk") + ending.encode()))
    with pytest.raises(InvalidArguments, match=f"there is no file 名单{ending}"):
        Order.read(path, "SMS_1")
    path.write_bytes(b"phone\n\xff\xff\n")
    with pytest.raises(InvalidArguments, match=f"名单{ending}"):
        list(Order.read(path, "SMS_1").pages())

"""The Chinese of tables that are written from the code: `make strings` writes them anew.

What stands around them on the Chinese page is edited by hand.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from smsjobs.delivery import codes_page as delivery_codes
from smsjobs.metrics import page as metrics
from smsjobs_worker.aliyun import codes_page as error_codes
from support import log_page
from support.pages import ROOT

__all__ = ["TABLES", "renewed", "texts"]

_DOCS = ROOT / "docs"

#: What writes the English tables, by the Chinese page.
TABLES: Mapping[Path, Callable[[], str]] = {
    _DOCS / "error-codes.zh.md": error_codes.tables,
    _DOCS / "delivery-codes.zh.md": delivery_codes.tables,
    _DOCS / "metrics.zh.md": metrics.tables,
    _DOCS / "logs.zh.md": log_page.tables,
}

_BEGIN, _END = "<!-- tables -->\n", "<!-- end of tables -->\n"


def texts(tables: str) -> Iterator[str]:
    """The cells and headings that people read. One that is code only is the same in every language."""
    for line in tables.splitlines():
        for part in _parts(line):
            if re.search("[A-Za-z]", re.sub("`[^`]*`", "", part)):
                yield part


def renewed(page: str, tables: str, chinese: Mapping[str, str]) -> str:
    """The Chinese page with its tables written anew."""
    before, rest = page.split(_BEGIN)
    _, after = rest.split(_END)
    ours = "\n".join(_translated(line, chinese) for line in tables.strip().splitlines())
    return f"{before}{_BEGIN}\n{ours}\n\n{_END}{after}"


def _parts(line: str) -> list[str]:
    """The cells of a row, or the text of a heading."""
    if line.startswith("#"):
        return [line.lstrip("# ")]
    return [each.strip() for each in line[1:-1].split("|")]


def _translated(line: str, chinese: Mapping[str, str]) -> str:
    parts = [chinese.get(each, each) for each in _parts(line)]
    if line.startswith("#"):
        return f"{line.partition(' ')[0]} {parts[0]}"
    return f"| {' | '.join(parts)} |" if line and not line.startswith("|---") else line

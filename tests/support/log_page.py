"""The tables of ``docs/logs.md``, written from the facts: ``PYTHONPATH=tests python -m support.log_page`` renews them."""

import dataclasses
import logging
import re
from pathlib import Path

import smsjobs_server.access.audit  # noqa: F401  brings the fact of the pages
import smsjobs_worker.logs.facts  # noqa: F401  brings the worker's facts
from smsjobs.facts import Fact
from support.facts import kinds

PAGE = Path(__file__).parents[2] / "docs" / "logs.md"

_BEGIN, _END = "<!-- facts -->\n", "<!-- end of facts -->\n"


def tables() -> str:
    """A table for each logger, a row for each fact."""
    loggers = sorted({kind.logger for kind in kinds()})
    return "\n".join(_table(name, [kind for kind in kinds() if kind.logger == name]) for name in loggers)


def _table(logger: str, facts: list[type[Fact]]) -> str:
    rows = [
        f"| `{each.action}` | `{logging.getLevelName(each.level)}` | {_when(each)} | {_fields(each)} |"
        for each in sorted(facts, key=lambda kind: (kind.action, kind.level))
    ]
    return "\n".join(
        [f"### `{logger}`", "", "| action | level | when | fields |", "|---|---|---|---|", *rows, ""]
    )


def _when(kind: type[Fact]) -> str:
    return " ".join(str(kind.__doc__).split())


def _fields(kind: type[Fact]) -> str:
    names = [each.name for each in dataclasses.fields(kind)]
    return ", ".join(f"`{name}`" for name in ([*names, "times"] if kind.repeats_by is not None else names))


def renewed(page: str) -> str:
    """The page with its tables written anew."""
    before, rest = page.split(_BEGIN)
    _, after = rest.split(_END)
    return f"{before}{_BEGIN}\n{tables()}\n{_END}{after}"


def explained(page: str) -> set[str]:
    """The fields that the page's list of fields explains."""
    section = page.partition("## Fields\n")[2].partition("\n## ")[0]
    return {
        name
        for line in section.splitlines()
        if (row := re.match(r"\| ((?:`\w+`(?:, )?)+) \|", line))
        for name in re.findall(r"`(\w+)`", row[1])
    }


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text("utf-8")), "utf-8")

"""The table: one row for each measure, with smsjobs, the plain workers, and whether the target is reached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Row", "Target", "lines", "number", "render"]

_HEAD = ("measure", "unit", "smsjobs", "plain prefork -c 16", "plain threads -c 32", "ratio", "target", "")


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a row must reach."""

    #: The bound.
    bound: float
    #: Whether the bound is a minimum or a maximum.
    kind: Literal["least", "most"]
    #: Whether it applies to the ratio or to smsjobs' own value.
    of: Literal["ratio", "value"] = "ratio"

    def met(self, value: float) -> bool:
        """Whether the value reaches it."""
        return value >= self.bound if self.kind == "least" else value <= self.bound

    def __str__(self) -> str:
        sign = "≥" if self.kind == "least" else "≤"
        return f"{sign} {self.bound:g}{'×' if self.of == 'ratio' else ''}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measure."""

    name: str
    unit: str
    ours: float
    #: The plain workers' values, if they have this measure.
    prefork: float | None = None
    threads: float | None = None
    #: Our value divided by the other's, both measured in one round.
    ratio: float | None = None
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached, or None without a target."""
        if self.target is None:
            return None
        value = self.ratio if self.target.of == "ratio" else self.ours
        return value is not None and self.target.met(value)

    def cells(self) -> tuple[str, ...]:
        """Return the row's cells as text."""
        values = (number(each) for each in (self.ours, self.prefork, self.threads))
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}×"
        target = "" if self.target is None else str(self.target)
        return (
            self.name,
            self.unit,
            *values,
            ratio,
            target,
            {None: "", True: "met", False: "MISSED"}[self.met],
        )


def render(rows: Iterable[Row]) -> str:
    """Return a Markdown table whose columns are also aligned for a terminal."""
    return lines([_HEAD, *(row.cells() for row in rows)])


def lines(table: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table of cells, the first line of which is its head."""
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    found = [_line(line, widths) for line in table]
    found.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(found)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def number(value: float | None) -> str:
    """Return a value with as many digits as it can be trusted for."""
    if value is None:
        return ""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"

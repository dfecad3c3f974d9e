"""How a spreadsheet shows a number: its format code, such as ``00000``, ``0.00%`` or ``yyyy"年"m"月"d"日"``.

What a code shows is told only where it is sure. Conditions, fractions, scientific notation, spans of time and Chinese
numerals are not understood, and such a cell cannot be read. Formats that follow the reader's system, such as the short
date, are shown as a Chinese system shows them.

Source: ECMA-376 part 1, 18.8.30 and 18.8.31.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Final

__all__ = ["BUILT_IN", "general", "is_date", "show_number", "show_text"]

_ACCOUNT: Final = '_ * #,##0{0}_ ;_ * -#,##0{0}_ ;_ * "-"_ ;_ @_ '

#: Codes that a file names by their number only.
BUILT_IN: Final = {
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    5: '"¥"#,##0;"¥"-#,##0',
    6: '"¥"#,##0;"¥"-#,##0',
    7: '"¥"#,##0.00;"¥"-#,##0.00',
    8: '"¥"#,##0.00;"¥"-#,##0.00',
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    14: "yyyy/m/d",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: "h:mm:ss",
    22: "yyyy/m/d h:mm",
    30: "m-d-yy",
    31: 'yyyy"年"m"月"d"日"',
    32: 'h"时"mm"分"',
    33: 'h"时"mm"分"ss"秒"',
    34: '上午/下午h"时"mm"分"',
    35: '上午/下午h"时"mm"分"ss"秒"',
    37: "#,##0;-#,##0",
    38: "#,##0;-#,##0",
    39: "#,##0.00;-#,##0.00",
    40: "#,##0.00;-#,##0.00",
    41: _ACCOUNT.format(""),
    42: _ACCOUNT.format("").replace("* ", '"¥"'),
    43: _ACCOUNT.format(".00"),
    44: _ACCOUNT.format(".00").replace("* ", '"¥"'),
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mm:ss.0",
    48: "##0.0E+0",
    49: "@",
    55: '上午/下午h"时"mm"分"',
    56: '上午/下午h"时"mm"分"ss"秒"',
    **dict.fromkeys((27, 36, 50, 52, 57), 'yyyy"年"m"月"'),
    **dict.fromkeys((28, 29, 51, 53, 54, 58), 'm"月"d"日"'),
}

#: The system's long date, and its time of day.
_OF_THE_SYSTEM: Final = (("[$-F800]", 'yyyy"年"m"月"d"日"'), ("[$-F400]", "h:mm:ss"))

_TOKEN: Final = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|(?P<space>_.)|\*.|\[(?P<bracket>[^\]]*)\]|(?P<general>General|G/通用格式)'
    r"|(?P<half>AM/PM|A/P|上午/下午)|(?P<power>E[+-])|(?P<date>y+|m+|d+|h+|s+|e+|a{3,4}|b+|g+)|(?P<digit>[0#?])"
    r"|(?P<sign>[.,%@;])|(?P<literal>.)",
    re.IGNORECASE | re.DOTALL,
)

_COLOUR: Final = re.compile(r"[^\W\d_]+|(?:Color|颜色) ?\d+", re.IGNORECASE)

_WEEKDAYS: Final = "一二三四五六日"
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

#: Beyond it a format has more digits than a number.
_LARGEST: Final = 1e20

#: The first day that Excel does not have: 1 January 10000.
_LAST_DAY: Final = 2958466


@dataclass(frozen=True)
class _Part:
    """One piece of a format: what it is, and its text."""

    kind: str
    text: str


@dataclass(frozen=True)
class _Section:
    """What a format shows of one kind of number, or of text."""

    parts: tuple[_Part, ...]

    def has(self, kind: str, text: str | None = None) -> bool:
        return any(part.kind == kind and text in (None, part.text) for part in self.parts)

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)


def general(value: float) -> str:
    """A number without a format: 15 significant digits, as spreadsheets have no more. The rest of a float is noise."""
    text = f"{Decimal(f'{value:.15g}'):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def show_number(value: float, code: str, *, since_1904: bool = False) -> str | None:
    """The number as that code shows it, without blanks around it; None where that is not sure.

    Args:
        since_1904: Whether days are counted from 1904, as old workbooks of the Mac do.
    """
    if not math.isfinite(value):
        return None
    if code == "General":
        return general(value)
    sections = _sections(code)
    if sections is None or abs(value) >= _LARGEST:
        return None
    section, is_bare = _of_number(sections, value)
    if section.has("date") or section.has("half"):
        found = _show_date(section, value + 1462 if since_1904 else value)
    else:
        found = _show_digits(section, abs(value))
        if found is not None and value < 0 and is_bare:
            found = f"-{found}"
    return None if found is None else found.strip()


def show_text(text: str, code: str) -> str:
    """A text as that code shows it: most show it as it is."""
    if code in ("General", "@") or not (sections := _sections(code)):
        return text
    section = sections[-1]
    if len(sections) < 4 and not section.has("sign", "@"):
        return text
    shown = (text if part == _Part("sign", "@") else part.text for part in section.parts)
    return "".join(shown).strip()


def is_date(code: str) -> bool:
    """Whether that code shows days or times."""
    return any(section.has("date") for section in _sections(code) or ())


@lru_cache(maxsize=256)
def _sections(code: str) -> tuple[_Section, ...] | None:
    """The code's sections; None where one is not understood."""
    code = next((shown for mark, shown in _OF_THE_SYSTEM if mark in code.upper()), code)
    sections: list[list[_Part]] = [[]]
    for found in _TOKEN.finditer(code):
        kind = found.lastgroup or ""
        text = found[kind] if kind else ""
        match kind:
            case "sign" if text == ";":
                sections.append([])
            case "bracket":
                literal = _of_bracket(text)
                if literal is None:
                    return None
                sections[-1].append(_Part("literal", literal))
            case "power":
                return None
            case "space":
                sections[-1].append(_Part("literal", " "))
            case "quoted" | "escaped" | "literal":
                sections[-1].append(_Part("literal", text))
            case "":
                pass
            case _:
                sections[-1].append(_Part(kind, text))
    return tuple(_Section(tuple(parts)) for parts in sections)


def _of_bracket(text: str) -> str | None:
    """What is shown for ``[…]``: a currency's sign, nothing for a colour; None for what is not understood."""
    if text.startswith("$"):
        return text[1:].partition("-")[0]
    if text.upper().startswith("DBNUM") or set(text.lower()) <= set("hms"):
        return None
    return "" if _COLOUR.fullmatch(text) else None


def _of_number(sections: Sequence[_Section], value: float) -> tuple[_Section, bool]:
    """The section for a number, and whether its sign has to be added."""
    if len(sections) > 1 and sections[-1].has("sign", "@"):
        # It is for texts.
        sections = sections[:-1]
    if len(sections) == 1:
        return sections[0], True
    if value < 0:
        return sections[1], False
    return (sections[2] if value == 0 and len(sections) > 2 else sections[0]), False


def _show_digits(section: _Section, value: float) -> str | None:
    if section.has("general") or section.has("sign", "@"):
        shown = general(value)
        return "".join(
            shown if part.kind == "general" or part == _Part("sign", "@") else part.text
            for part in section.parts
        )
    parts = list(section.parts)
    digits = [index for index, part in enumerate(parts) if part.kind == "digit"]
    if not digits:
        return section.text
    first, last = digits[0], digits[-1]
    point = next((n for n, part in enumerate(parts) if part == _Part("sign", ".")), len(parts))
    whole = [n for n in digits if n < point]
    places = [n for n in digits if n > point]
    if not whole or any(part == _Part("literal", "/") for part in parts[first:last]):
        # A fraction, as in 1 1/2, or no place for what is before the point.
        return None
    # Commas behind the last digit, or before the point, divide by a thousand each; one between digits parts thousands.
    end = whole[-1]
    commas = [n for n, part in enumerate(parts) if part == _Part("sign", ",")]
    scale = sum(end < n < point or n > last for n in commas)
    grouped = any(first < n < end for n in commas)
    percents = sum(part == _Part("sign", "%") for part in parts)
    number = Decimal(f"{value:.15g}").scaleb(2 * percents - 3 * scale)
    text = f"{number.quantize(Decimal(1).scaleb(-len(places)), ROUND_HALF_UP):f}"
    integer, _, fraction = text.partition(".")
    by_place = dict.fromkeys(commas, "")
    by_place |= _whole(parts, whole, integer.lstrip("0"), grouped=grouped)
    kept = len(fraction.rstrip("0"))
    for place, n in enumerate(places):
        by_place[n] = (
            fraction[place] if place < kept or parts[n].text == "0" else " " * (parts[n].text == "?")
        )
    return "".join(by_place.get(n, part.text) for n, part in enumerate(parts))


def _whole(parts: Sequence[_Part], at: Sequence[int], digits: str, *, grouped: bool) -> dict[int, str]:
    """What stands at each place before the point: the first one takes all the digits that are left."""
    shown: dict[int, str] = {}
    count = 0
    for n in reversed(at):
        take = digits if n == at[0] else digits[-1:]
        digits = digits[: len(digits) - len(take)]
        if not take:
            take = {"0": "0", "?": " "}.get(parts[n].text, "")
        text = ""
        for digit in reversed(take):
            if grouped and count and count % 3 == 0 and digit != " ":
                text = f",{text}"
            text = f"{digit}{text}"
            count += 1
        shown[n] = text
    return shown


def _show_date(section: _Section, value: float) -> str | None:
    if not 0 <= value < _LAST_DAY or section.has("digit"):
        return None
    # Excel takes 1900 for a leap year.
    start = datetime(1899, 12, 31 if value < 60 else 30)  # noqa: DTZ001  a spreadsheet's days have no zone
    moment = start + timedelta(seconds=round(value * 86_400))
    parts = section.parts
    dates = [n for n, part in enumerate(parts) if part.kind == "date"]
    halved = section.has("half")
    shown = []
    for n, part in enumerate(parts):
        if part.kind == "date":
            place = dates.index(n)
            before = parts[dates[place - 1]].text[0].lower() if place else ""
            after = parts[dates[place + 1]].text[0].lower() if place + 1 < len(dates) else ""
            shown.append(
                _show_unit(part.text.lower(), moment, minutes=before == "h" or after == "s", halved=halved)
            )
        elif part.kind == "half":
            late = moment.hour >= 12
            shown.append(part.text.split("/")[late])
        else:
            shown.append(part.text)
    return None if None in shown else "".join(each or "" for each in shown)


def _show_unit(unit: str, moment: datetime, *, minutes: bool, halved: bool) -> str | None:
    hour = (moment.hour - 1) % 12 + 1 if halved else moment.hour
    match unit:
        case "yyyy" | "yyy" | "e" | "ee":
            return f"{moment.year:04}"
        case "yy" | "y":
            return f"{moment.year % 100:02}"
        case "m" | "mm":
            return f"{moment.minute if minutes else moment.month:0{len(unit)}}"
        case "mmm":
            return _MONTHS[moment.month - 1][:3]
        case "mmmm":
            return _MONTHS[moment.month - 1]
        case "d" | "dd":
            return f"{moment.day:0{len(unit)}}"
        case "ddd":
            return _DAYS[moment.weekday()][:3]
        case "dddd":
            return _DAYS[moment.weekday()]
        case "aaa":
            return _WEEKDAYS[moment.weekday()]
        case "aaaa":
            return f"星期{_WEEKDAYS[moment.weekday()]}"
        case "h" | "hh":
            return f"{hour:0{len(unit)}}"
        case "s" | "ss":
            return f"{moment.second:0{len(unit)}}"
        case _:
            return None

"""The columns of a table: their names, and which of them has the numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from smsjobs.campaign.tables.bounds import check_columns
from smsjobs.campaign.tables.faults import bad_recipients
from smsjobs.contract import InvalidArguments, is_whole, normalise_phone

__all__ = ["PHONE_COLUMNS", "choose", "clean_names", "has_phone_name", "listed", "phone_columns", "shown"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: What the column of the numbers is called in examples and hints.
PHONE_COLUMNS: Final = ("phone", "手机号")

#: Names of a column with mobile numbers, without blanks and signs. Two of them in one table are an error.
_MOBILE: Final = _words(
    "phone phones phoneno phonenum phonenumber phonenumbers mobile mobiles mobileno mobilenum mobilenumber mobilephone "
    "mobilephonenumber cell cellphone cellphonenumber cellnumber msisdn 手机 手机号 手机号码 手机号码必填 手机号必填 手机电话 "
    "移动电话 移动电话号码 联系手机 联系手机号 联系人手机 联系人手机号 客户手机 客户手机号 会员手机 会员手机号 用户手机 用户手机号 "
    "收件人手机 收件人手机号 收货人手机 收货人手机号 手機 手機號 手機號碼 行動電話"
)

#: Names of a column that may have other telephones too. It is the numbers' where no column is called as above.
_TELEPHONE: Final = _words(
    "tel tels telno telephone telephoneno telephonenumber contactnumber 电话 电话号 电话号码 联系电话 联系电话号码 联系方式 "
    "联系人电话 联系号码 客户电话 会员电话 用户电话 收件人电话 收货人电话 電話 電話號碼 聯絡電話"
)

#: Most columns that an error names, and most characters of each.
_LISTED, _LONGEST = 20, 40

#: What may be part of a row of somebody's data, and not of a column's name.
_DIGITS: Final = re.compile(r"\d{4,}")


def clean_names(names: Iterable[str]) -> tuple[str, ...]:
    """The columns' names: on one line, without marks that nobody sees.

    Raises:
        InvalidArguments: One is half a character, which no message can have.
    """
    found = tuple(names)
    if not all(map(is_whole, found)):
        raise bad_recipients("a column's name is not text")
    return tuple(
        " ".join("".join(each for each in name if each.isspace() or each.isprintable()).split())
        for name in found
    )


def phone_columns(columns: Sequence[str], wanted: str | None = None) -> list[int]:
    """The columns that may have the numbers; one where it is clear.

    Args:
        wanted: The name that somebody chose.
    """
    if wanted is not None:
        exact = [index for index, name in enumerate(columns) if name == wanted.strip()]
        return exact or [index for index, name in enumerate(columns) if _bare(name) == _bare(wanted) != ""]
    names = [_bare(name) for name in columns]
    for known in (_MOBILE, _TELEPHONE):
        if found := [index for index, name in enumerate(names) if name in known]:
            return found
    return []


def has_phone_name(name: str) -> bool:
    """Whether a column of that name has mobile numbers."""
    return _bare(name) in _MOBILE


def choose(
    columns: Sequence[str],
    wanted: str | None,
    *,
    file: str = "",
    following: Iterable[tuple[int, Sequence[str]]] = (),
) -> int:
    """The column that has the numbers.

    Args:
        columns: As `clean_names` gives them.
        wanted: The name that somebody chose, or None.
        file: The file's name, for the error.
        following: The rows below. One of them may have the columns' names.

    Raises:
        InvalidArguments: There is none, or more than one; with the columns that were found, and a hint.
    """
    check_columns(len(columns), file)
    found = phone_columns(columns, wanted)
    where = f"recipients: {file}" if file else "recipients"
    if len(found) == 1:
        return found[0]
    if found:
        names = " and ".join(shown(columns[index]) for index in found[:3])
        raise InvalidArguments(
            f"{where}: two columns may have the phone numbers, {names}: choose one by phone_column (--phone-column), or rename the other",
            argument="recipients",
        )
    if any(map(normalise_phone, columns)):
        raise InvalidArguments(
            f"{where}: the first row has a phone number and not the columns' names; put a row above it that names them, "
            f"such as {PHONE_COLUMNS[0]},name",
            argument="recipients",
        )
    for line, below in following:
        if phone_columns(clean_names(below), wanted):
            raise InvalidArguments(
                f"{where}: the first row does not name the columns, row {line} seems to; delete the rows above it",
                argument="recipients",
            )
    missing = (
        "no column has a name for phone numbers" if wanted is None else f"there is no column {shown(wanted)}"
    )
    raise InvalidArguments(
        f"{where}: {missing}; the columns are {listed(columns)}. Call one {' or '.join(PHONE_COLUMNS)}, or "
        "name it by phone_column (--phone-column)",
        argument="recipients",
    )


def listed(columns: Sequence[str]) -> str:
    """The columns that were found, as an error may show them."""
    names = ", ".join(shown(name) for name in columns[:_LISTED] if name)
    more = f" and {len(columns) - _LISTED} more" if len(columns) > _LISTED else ""
    return f"{names or 'not named'}{more}"


def shown(name: str) -> str:
    """A column's name as an error may show it. A file without a header has a number in its place."""
    text = _DIGITS.sub("****", clean_names([name])[0])
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _bare(name: str) -> str:
    """A name without blanks, signs and case."""
    wide = unicodedata.normalize("NFKC", name).casefold()
    return "".join(each for each in wide if each.isalnum())

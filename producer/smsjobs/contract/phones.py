"""The one rule for phone numbers: what is understood, what is refused, and the one form that is sent.

Every interface reads numbers by `read_phone`: `sendMessage`, verification, campaigns and the shell. The form is the one
that both SendSms and QuerySendDetails take: 11 digits for a mainland number, country code and number for any other.

Aliyun takes mainland numbers as 11 digits, bare or after ``+``, ``86``, ``+86`` or ``0086``, and all others as country
code and number. So it reads ``+1 310 555 1234`` as 13105551234, which is a stranger's number in China. Source: Aliyun's
pages of both calls.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from smsjobs.contract.errors import InvalidArguments

__all__ = [
    "WRONG_NUMBER",
    "check_countries",
    "country_of",
    "is_in",
    "is_mainland",
    "normalise_phone",
    "read_phone",
]

#: What is wrong with a number, by its reason; to be put behind what names the number.
WRONG_NUMBER: Final[Mapping[str, str]] = {
    "not_a_phone_number": (
        "is not a valid phone number: write a mainland mobile number with its 11 digits, any other with + and its "
        "country code"
    ),
    "ambiguous_number": (
        "may be somebody else's number: write +86 before a mainland number, and + and the country code before any "
        "other. A North American number whose area code begins with 3 to 9 cannot be sent to: Aliyun would read it "
        "as a mainland number"
    ),
}

#: Most characters of a number that are looked at. With all its marks it has fewer than 40.
_LONGEST: Final = 64

_MAINLAND: Final = re.compile("1[3-9][0-9]{9}", re.ASCII)

#: With or without its country code. A trunk zero, as in ``+86 (0)138…``, does not belong to the number.
_MAINLAND_WRITTEN: Final = re.compile(rf"(?:(?:\+|00)860?|86)?({_MAINLAND.pattern})", re.ASCII)

_FOREIGN_WRITTEN: Final = re.compile(r"(\+|00)?([1-9][0-9]{6,16})", re.ASCII)

#: Without + or a country code, this is how North America groups its numbers, and nobody in China.
_NORTH_AMERICAN: Final = re.compile(
    r"\(?(?:1[\s().-]+[3-9][0-9]{2}[\s().-]+[0-9]{3}[\s.-]*|[0-9]{3}[\s().-]+[0-9]{3}[\s.-]+)[0-9]{4}",
    re.ASCII,
)

#: A number that a spreadsheet or a data frame turned into a fraction. It has ten digits or more before the dot:
#: the zeros of ``8526123.0000`` may be the number's own.
_FLOAT: Final = re.compile(r"(\+?[0-9]{10,})\.([0-9]+)", re.ASCII)

#: What may be a fraction. Read as digits it would give somebody else's number. Pairs of digits, as in France, are not
#: fractions.
_FRACTION: Final = re.compile(r"(?!.*\.[0-9]{2}\.[0-9]{2}\Z).*\.[0-9]{1,2}", re.ASCII)

#: Full-width signs, as a Chinese keyboard writes them, and others that stand for one of ASCII.
_WIDE: Final = {0xFF01 + n: 0x21 + n for n in range(94)} | {0x2212: "-", 0x00B7: ".", 0x30FB: "."}

#: What stands for the eye only, beyond ASCII, by its kind: blanks, dashes, brackets, and marks that nobody sees, such as
#: those that address books and web pages put around numbers.
_FOR_THE_EYE: Final = {"Zs": " ", "Zl": " ", "Zp": " ", "Pd": "-", "Ps": "(", "Pe": ")", "Cf": ""}

_MARKS: Final = re.compile(r"[\s()\[\]-]", re.ASCII)

#: What programs put before a number so that a spreadsheet takes it for text.
_PROTECTION: Final = ("'", "`", "\u2019")

#: The most country codes or prefixes of a list.
_MOST_COUNTRIES: Final = 1_000

_PREFIX: Final = re.compile(r"[1-9][0-9]{0,6}", re.ASCII)


def read_phone(text: str) -> tuple[str, str]:
    """The number in the form that is sent, and ``""``; or ``""`` and the reason why it cannot be used.

    Args:
        text: A mainland mobile number, bare or with ``+86``, ``86`` or ``0086``; or any other with ``+`` or ``00`` and
            its country code, or as it is sent. Blanks, dashes, brackets, dots, wide digits and marks that nobody sees
            may stand in it, and a trunk zero as in ``+44 (0)7700 900123``.

    Returns:
        The reason is a key of `WRONG_NUMBER`. ``"ambiguous_number"``: Aliyun would read it as somebody else's number, or
        it is written as North America writes numbers, without their country code.
    """
    if _MAINLAND.fullmatch(text):
        return text, ""
    text = text.strip()
    if len(text) > _LONGEST:
        return "", "not_a_phone_number"
    visible = _in_ascii(text).strip()
    if visible.startswith(_PROTECTION):
        visible = visible[1:].lstrip()
    if _NORTH_AMERICAN.fullmatch(visible):
        return "", "ambiguous_number"
    bare = _MARKS.sub("", visible)
    if number := _FLOAT.fullmatch(bare):
        bare = number[1] if not number[2].strip("0") else ""
    elif _FRACTION.fullmatch(bare):
        bare = ""
    return _read_digits(bare.replace(".", ""))


def normalise_phone(text: str) -> str | None:
    """The number in the form that is sent, or None where it cannot be used; see `read_phone`."""
    return read_phone(text)[0] or None


def is_mainland(number: str) -> bool:
    """Whether a number in the form that is sent is one of mainland China."""
    return _MAINLAND.fullmatch(number) is not None


def country_of(number: str) -> str:
    """The country code of a number in the form that is sent: ``"86"`` for a mainland one."""
    if is_mainland(number):
        return "86"
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE  # noqa: PLC0415  only for whoever sends abroad

    # No country code is the beginning of another.
    return next((number[:n] for n in (1, 2, 3) if int(number[:n]) in COUNTRY_CODE_TO_REGION_CODE), "")


def check_countries(countries: Any) -> tuple[str, ...] | None:
    """The country codes, or longer prefixes, that are sent to; None: all.

    Raises:
        InvalidArguments: They are not a list of prefixes.
    """
    if countries is None:
        return None
    # What can be read once only is read here, and not by the first send.
    listed = isinstance(countries, Iterable) and not isinstance(countries, (str, bytes))
    found = tuple(islice(countries, _MOST_COUNTRIES + 1)) if listed else ()
    if len(found) > _MOST_COUNTRIES:
        raise InvalidArguments.about("countries", f"has more than {_MOST_COUNTRIES} prefixes")
    if not found or not all(isinstance(each, str) and _PREFIX.fullmatch(each) for each in found):
        raise InvalidArguments.about(
            "countries", 'must be country codes without +, such as ["86", "852"], or None'
        )
    return found


def is_in(number: str, countries: Sequence[str] | None) -> bool:
    """Whether a number in the form that is sent has one of those prefixes; with None each has."""
    full = f"86{number}" if is_mainland(number) else number
    return countries is None or full.startswith(tuple(countries))


def _in_ascii(text: str) -> str:
    """The text, as far as its signs have one of ASCII that stands for them."""
    if text.isascii():
        return text
    return "".join(
        each if each.isascii() else _FOR_THE_EYE.get(unicodedata.category(each), each)
        for each in text.translate(_WIDE)
    )


def _read_digits(text: str) -> tuple[str, str]:
    if mainland := _MAINLAND_WRITTEN.fullmatch(text):
        return mainland[1], ""
    foreign = _FOREIGN_WRITTEN.fullmatch(text)
    if foreign is None or foreign[2].startswith("86"):
        return "", "not_a_phone_number"
    number = _read_foreign(foreign[2])
    # Without + or 00 only the form that is sent is understood: a national number would be somebody's abroad.
    if number is None or (not foreign[1] and number != foreign[2]):
        return "", "not_a_phone_number"
    return ("", "ambiguous_number") if is_mainland(number) else (number, "")


def _read_foreign(digits: str) -> str | None:
    """The number without its trunk zero, where its length is that of a mobile number of its country, else None.

    Whether the country has handed the number out is not checked: Google's metadata may be older than the number.
    """
    import phonenumbers  # noqa: PLC0415  tens of milliseconds, and most never send abroad

    try:
        number = phonenumbers.parse(f"+{digits}", None)
    except phonenumbers.NumberParseException:
        return None
    reason = phonenumbers.is_possible_number_for_type_with_reason(number, phonenumbers.PhoneNumberType.MOBILE)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    found = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")
    # Area codes of North America begin with 2 to 9. What begins otherwise was most likely meant as a mainland number.
    return None if found.startswith(("10", "11")) else found

"""The one rule for numbers: how people write them, and the one form that is sent."""

import subprocess
import sys

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsjobs.contract import InvalidArguments, check_countries, country_of, is_in, is_mainland, read_phone

PHONE = "13800138000"

WRONG = ("", "not_a_phone_number")
AMBIGUOUS = ("", "ambiguous_number")

#: Marks that people, address books, web pages and spreadsheets put into numbers.
MARKS = [
    " ",
    "-",
    "(",
    ")",
    "[",
    "]",
    "\u00a0",
    "\u3000",
    "\u200b",
    "\u202a",
    "\u2011",
    "\u2013",
    "\uff0d",
    "\t",
]


@pytest.mark.parametrize(
    ("text", "number", "remark"),
    [
        *((f"{first}00138000", f"{first}00138000", "a mainland prefix") for first in range(130, 200, 10)),
        (PHONE, PHONE, "bare"),
        ("+8613800138000", PHONE, "+86"),
        ("8613800138000", PHONE, "86"),
        ("008613800138000", PHONE, "0086"),
        ("+86 (0)138 0013 8000", PHONE, "a trunk zero is none of the number"),
        ("(+86) 138-0013-8000\n", PHONE, "brackets, hyphens, a line end"),
        ("【138】00138000", PHONE, "brackets of another kind"),
        ("１３８００１３８０００", PHONE, "wide digits"),
        ("＋８６　138·0013·8000", PHONE, "a wide plus, a wide blank, dots"),
        ("\u2066+86 138\u20110013\u20118000\u2069", PHONE, "marks that nobody sees"),
        ("'13800138000", PHONE, "as spreadsheets keep a text a text"),
        ("`13800138000", PHONE, "as payment services do"),
        ("13800138000.0", PHONE, "a fraction that a spreadsheet made"),
        ("138 001 38000", PHONE, "grouped in some other way"),
        ("85261234567", "85261234567", "Hong Kong, as it is sent"),
        ("+852 6123 4567", "85261234567", "Hong Kong with +"),
        ("00852-6123-4567", "85261234567", "Hong Kong with 00"),
        ("+44 (0)7700 900123", "447700900123", "Great Britain with its trunk zero"),
        ("+44 7700 900123", "447700900123", "and without"),
        ("00 44 07700 900123", "447700900123", "and without brackets"),
        ("+886-0912-345-678", "886912345678", "Taiwan"),
        ("+49 (0)151 23456789", "4915123456789", "Germany"),
        ("+81 (0)90-1234-5678", "819012345678", "Japan"),
        ("+36 (06) 20 123 4567", "36201234567", "Hungary's trunk prefix is 06"),
        ("+39 333 123 4567", "393331234567", "Italy"),
        ("33.6.12.34.56.78", "33612345678", "France, in pairs"),
        ("+1 202 555 0101", "12025550101", "North America, an area code below 300"),
        ("1 202 555 0101", "12025550101", "the same without +"),
        ("12025550123", "12025550123", "the same as it is sent"),
        ("12800138000", "12800138000", "no mainland mobile begins with 12"),
    ],
)
def test_numbers(text: str, number: str, remark: str) -> None:
    """However people write a number, it is the one form that is sent."""
    assert read_phone(text) == (number, ""), remark


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("", "empty"),
        (" ", "blank"),
        ("+", "a plus and nothing"),
        ("abc", "letters"),
        ("1380013800O", "a letter that looks like a digit"),
        ("138001380000", "a mainland number with a digit too many"),
        ("1380013800", "a mainland number with a digit too few"),
        ("13800138000,13800138001", "two in one"),
        ("13800138000 13800138001", "two in one, with a blank"),
        ("++8613800138000", "two plus signs"),
        ("8612345678901", "86 and no mobile number"),
        ("+86 21 1234 5678", "a landline takes no message by this way"),
        ("10800138000", "nobody's number"),
        ("١٣٨٠٠١٣٨٠٠٠", "Arabic digits"),
        ("①3800138000", "a digit in a circle"),
        ("1380013800²", "a footnote"),
        ("1.38E+10", "what Excel made of a number"),
        ("13800138000.5", "a fraction"),
        ("13800138000x", "something behind it"),
        ("13800138000 ext. 7", "an extension"),
        ("+1202555012", "country code 1 has eleven digits"),
        ("+852 6123 456", "a digit too few"),
        ("+852 6123 45678", "a digit too many"),
        ("+44 20", "far too short"),
        ("+999 123 456 789", "no country's code"),
        ("61234567", "a number of Hong Kong without its country code: not one of Australia"),
        ("4155550000", "a number of San Francisco without its country code: not one of Switzerland"),
        ("44 (0)7700 900123", "without + or 00 only the form that is sent is understood"),
        ("49.15123456789.0", "digits and a fraction"),
        ("2345678901234567", "longer than 15 digits"),
        ("1" * 10_000, "endless"),
        (PHONE + "\u0000", "a zero byte"),
    ],
)
def test_no_numbers(text: str, remark: str) -> None:
    """What is not a phone number, or one of impossible length, is refused."""
    assert read_phone(text) == WRONG, remark


@pytest.mark.parametrize(
    "text",
    [
        "+1 310 555 1234",
        "+13105551234",
        "0013105551234",
        "00 1 (310) 555-1234",
        "+1-415-555-0000",
        "1-310-555-1234",
        "1 (310) 555-1234",
        "(310) 555-1234",
        "310-555-1234",
        "+1 1 310 555 1234",
        "+13800138000",
    ],
)
def test_somebody_elses_numbers(text: str) -> None:
    """What Aliyun would read as a stranger's number in China, and what only North America writes so, is refused."""
    assert read_phone(text) == AMBIGUOUS


def _mobiles() -> list[tuple[str, phonenumbers.PhoneNumber]]:
    found = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        if number is not None:
            found.append((region, number))
    return found


@pytest.mark.parametrize(("region", "example"), _mobiles())
def test_every_country(region: str, example: phonenumbers.PhoneNumber) -> None:
    """An example of each country's mobile numbers is one number in all its spellings, or refused in all of them."""
    sent = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")
    wanted = (
        AMBIGUOUS
        if is_mainland(sent) and region != "CN"
        else (sent.removeprefix("86") if region == "CN" else sent, "")
    )
    printed = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    for text in (f"+{sent}", f"00{sent}", printed, printed.replace("+", "\uff0b")):
        assert read_phone(text) == wanted, text
    if wanted[0]:
        assert read_phone(wanted[0]) == wanted
        assert country_of(wanted[0]) == str(example.country_code)


@given(st.text(alphabet="0123456789+-() .１８０", max_size=20) | st.text(max_size=20))
def test_the_form_is_final(text: str) -> None:
    """What was read once reads as itself, is digits only, and never a number that Aliyun would read otherwise."""
    number, reason = read_phone(text)
    assert bool(number) != bool(reason)
    if number:
        assert read_phone(number) == (number, "")
        assert number.isascii()
        assert number.isdigit()
        assert not number.startswith("0")


@given(
    st.sampled_from([PHONE, f"+86{PHONE}", f"0086{PHONE}", "+85261234567", "00447700900123", "+12025550101"]),
    st.data(),
)
def test_marks_change_nothing(text: str, data: st.DataObject) -> None:
    """Marks for the eye, wherever they stand, never make a number somebody else's."""
    marked = "".join(data.draw(st.sampled_from(["", "", "", *MARKS])) + each for each in text)
    assert read_phone(marked) in (read_phone(text), AMBIGUOUS)


@pytest.mark.parametrize(
    ("number", "mainland", "remark"),
    [
        ("13800138000", True, "13"),
        ("19800138000", True, "19"),
        ("12025550123", False, "North America: 11 digits that begin with 1"),
        ("85261234567", False, "Hong Kong: 11 digits"),
        ("6581234567", False, "Singapore: 10 digits"),
        ("8613800138000", False, "not in Aliyun's form"),
    ],
)
def test_mainland_number(number: str, mainland: bool, remark: str) -> None:
    """A number in Aliyun's form is a mainland one by its 11 digits and its first two, not by its length alone."""
    assert is_mainland(number) is mainland, remark


def test_mainland_numbers_need_no_library() -> None:
    """Whoever sends to mainland numbers only never loads the library of foreign ones."""
    script = (
        "import sys, smsjobs, smsjobs.campaign, smsjobs.verification\n"
        "from smsjobs.contract import check_message, country_of, is_mainland\n"
        "phones = check_message(['13800138000', '+86 138 0013 8001', '008613800138002'], {}, 'SMS_1').phones\n"
        "assert all(map(is_mainland, phones)) and {country_of(each) for each in phones} == {'86'}\n"
        "assert 'phonenumbers' not in sys.modules\n"
        "check_message(['+85261234567'], {}, 'SMS_1')\n"
        "assert 'phonenumbers' in sys.modules\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize(
    ("countries", "number", "inside"),
    [
        (["86"], PHONE, True),
        (["86"], "85261234567", False),
        (["86"], "8801712345678", False),
        (["1"], PHONE, False),
        (["1"], "12025550123", True),
        (["1202", "852"], "12025550123", True),
        (None, "8801712345678", True),
    ],
)
def test_countries(countries: list[str] | None, number: str, inside: bool) -> None:
    """A number is in a country by its code; a bare mainland number's is 86."""
    assert is_in(number, check_countries(countries)) == inside


@pytest.mark.parametrize("countries", ["86", [], ["+86"], [86], 86, ["0086"], [""], {"86": 1, 5: 2}])
def test_no_countries(countries: object) -> None:
    """What is no list of country codes is refused, and not taken for a list of digits."""
    with pytest.raises(InvalidArguments, match="countries must be country codes"):
        check_countries(countries)

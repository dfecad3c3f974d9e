"""What a caller may pass to `sendMessage`."""

from dataclasses import dataclass
from typing import Any

import pytest

from smsjobs.contract import InvalidArguments, check_full_name, check_message, make_job

PHONE, OTHER = "13800138000", "13800138001"


@dataclass
class Wrapper:
    """A value as the elements that this stands in for hand it over."""

    value: Any


class Endless:
    """A wrapper that holds itself."""

    @property
    def value(self) -> "Endless":
        """Itself."""
        return self


def test_number_that_stands_there_twice_counts_once() -> None:
    """Two spellings of one number are one number, and the order stays."""
    message = check_message([OTHER, "+86" + PHONE, PHONE, "0086" + OTHER], {}, "SMS_1")
    assert message.phones == (OTHER, PHONE)


@pytest.mark.parametrize(
    ("arguments", "name", "remark"),
    [
        ({"phoneList": None}, "phoneList", "missing"),
        ({"phoneList": []}, "phoneList", "empty"),
        ({"phoneList": ()}, "phoneList", "empty"),
        ({"phoneList": PHONE}, "phoneList", "a string where a list belongs"),
        ({"phoneList": b"13800138000"}, "phoneList", "bytes"),
        ({"phoneList": {PHONE}}, "phoneList", "a set has no order"),
        ({"phoneList": {PHONE: 1}}, "phoneList", "a dict"),
        ({"phoneList": 13800138000}, "phoneList", "a number"),
        ({"phoneList": [13800138000]}, r"phoneList\[0\]", "a number in the list"),
        ({"phoneList": [PHONE, None]}, r"phoneList\[1\]", "null in the list"),
        ({"phoneList": [PHONE, ""]}, r"phoneList\[1\]", "an empty text"),
        ({"phoneList": [PHONE, "12"]}, r"phoneList\[1\]", "not a phone number"),
        ({"phoneList": [PHONE] * 1001}, "1001", "more than 1,000"),
        ({"params": None}, "params", "missing"),
        ({"params": "x"}, "params", "a text"),
        ({"params": [("code", "1")]}, "params", "pairs"),
        ({"params": {"code": 123456}}, "code", "a number as value"),
        ({"params": {"code": None}}, "code", "null as value"),
        ({"params": {"code": ["1"]}}, "code", "a list as value"),
        ({"params": {1: "x"}}, "params", "a number as name"),
        ({"params": {"": "x"}}, "params", "an empty name"),
        ({"params": {"code": "\ud800"}}, "code", "half a character, which no JSON can carry"),
        ({"params": {"\ud800": "x"}}, "params", "half a character as name"),
        ({"verifyTemplateCode": None}, "verifyTemplateCode", "missing"),
        ({"verifyTemplateCode": ""}, "verifyTemplateCode", "empty"),
        ({"verifyTemplateCode": "  "}, "verifyTemplateCode", "blank"),
        ({"verifyTemplateCode": 5}, "verifyTemplateCode", "a number"),
        ({"verifyTemplateCode": "SMS_\ud800"}, "verifyTemplateCode", "half a character"),
        ({"extend": "SMS_1"}, "extend", "a text"),
        ({"verifyTemplateCode": None, "extend": {}}, "verifyTemplateCode", "extend without it"),
    ],
)
def test_bad_argument_is_named(arguments: dict[str, Any], name: str, remark: str) -> None:
    """A missing or malformed argument is refused as 46001 with its name."""
    good: dict[str, Any] = {"phoneList": [PHONE], "params": {"code": "123456"}, "verifyTemplateCode": "SMS_1"}
    with pytest.raises(InvalidArguments, match=name) as refused:
        check_message(**good | arguments)
    assert (refused.value.code, refused.value.outcome) == (46001, "rejected"), remark
    assert refused.value.argument in arguments, remark
    assert refused.value.message.startswith(str(refused.value.argument)), remark


@pytest.mark.parametrize(
    "arguments",
    [
        {"phoneList": PHONE},
        {"phoneList": [PHONE + "5678"]},
        {"phoneList": [13800138000]},
        {"params": {"code": 13800138000}},
        {"params": {"13800138000": 5}},
        {"params": {"13800138000\n": {"code": "123456"}}},
    ],
    ids=repr,
)
def test_refusal_shows_no_value(arguments: dict[str, Any]) -> None:
    """No refusal repeats a number or a parameter, not even one that stands where a name belongs."""
    good: dict[str, Any] = {"phoneList": [PHONE], "params": {"code": "123456"}, "verifyTemplateCode": "SMS_1"}
    with pytest.raises(InvalidArguments) as refused:
        check_message(**good | arguments)
    assert "138001380" not in str(refused.value) + repr(refused.value)


def test_unknown_field_that_is_a_number_is_not_shown() -> None:
    """A job's unknown field is named only where its name is a word: it may be a number in the wrong place."""
    from smsjobs.contract import decode_job

    with pytest.raises(InvalidArguments) as refused:
        decode_job({"id": "x", "13800138000": "123456", "colour": 1})
    assert "13800138000" not in str(refused.value)
    assert "colour" in str(refused.value)


def test_a_thousand_numbers_are_one_job() -> None:
    """1,000 numbers are taken; one more is tested above."""
    phones = [f"1380013{n:04}" for n in range(1000)]
    assert check_message(phones, {}, "SMS_1").phones == tuple(phones)


@pytest.mark.parametrize(
    "arguments",
    [
        (Wrapper([PHONE, OTHER]), Wrapper({"code": "123456"}), Wrapper("SMS_1")),
        ([Wrapper(PHONE), Wrapper(OTHER)], {"code": Wrapper("123456")}, Wrapper(Wrapper("SMS_1"))),
        (
            Wrapper([Wrapper(Wrapper(PHONE)), OTHER]),
            Wrapper(Wrapper({"code": Wrapper("123456")})),
            "SMS_1",
        ),
        ((PHONE, OTHER), {"code": "123456"}, " SMS_1 "),
    ],
)
def test_wrappers_are_opened(arguments: tuple[Any, ...]) -> None:
    """Native values and wrappers with `.value`, nested at any place, mean the same."""
    message = check_message(*arguments)
    assert (message.phones, message.params, message.template) == (
        (PHONE, OTHER),
        {"code": "123456"},
        "SMS_1",
    )


@pytest.mark.parametrize(
    "extend", [{"verifyTemplateCode": "SMS_2"}, Wrapper({"verifyTemplateCode": Wrapper("SMS_2")})]
)
def test_extend_names_the_template(extend: Any) -> None:
    """The older way names the template where verifyTemplateCode does not."""
    assert check_message([PHONE], {}, None, extend).template == "SMS_2"
    assert check_message([PHONE], {}, "SMS_1", extend).template == "SMS_1"


@pytest.mark.parametrize("place", ["phoneList", "params", "verifyTemplateCode"])
def test_endless_wrapper_ends(place: str) -> None:
    """A wrapper that holds itself is refused, and does not hang the caller."""
    good: dict[str, Any] = {"phoneList": [PHONE], "params": {}, "verifyTemplateCode": "SMS_1"}
    with pytest.raises(InvalidArguments):
        check_message(**good | {place: Endless()})


def test_list_that_holds_itself_is_refused() -> None:
    """A list or dict that holds itself is refused as bad argument, not by a Python error."""
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(InvalidArguments):
        check_message(loop, {}, "SMS_1")
    knot: dict[str, Any] = {}
    knot["code"] = knot
    with pytest.raises(InvalidArguments):
        check_message([PHONE], knot, "SMS_1")


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("SMS.YourSmsName", True),
        ("SMS", True),
        ("_a.b_1", True),
        ("SMS..Name", False),
        (".SMS", False),
        ("SMS.", False),
        ("SMS/Name", False),
        ("../SMS", False),
        ("SMS.1Name", False),
        ("SMS.Näme", False),
        ("SMS.Name\n", False),
        ("", False),
        (None, False),
        (5, False),
    ],
)
def test_full_name_is_words_joined_by_dots(name: Any, good: bool) -> None:
    """A name with anything but words and dots is refused, so that no path escapes."""
    if good:
        assert check_full_name(name) == name
    else:
        with pytest.raises(InvalidArguments) as refused:
            check_full_name(name)
        assert refused.value.reason == "element_not_found"


def test_reprs_show_no_number_and_no_parameter() -> None:
    """The reprs of a job and its message show neither numbers, nor parameters, nor the key."""
    job = make_job(
        id="x",
        element="SMS.Name",
        phoneList=[PHONE],
        params={"code": "123456"},
        verifyTemplateCode="SMS_1",
        idempotency_key=f"login:{PHONE}",
    )
    for text in (repr(job), repr(job.message), str(job)):
        assert PHONE not in text
        assert "123456" not in text

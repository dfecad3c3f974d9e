"""Reading what Aliyun pushes, and whatever else comes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsjobs.incoming import LARGEST_PUSH, read_push

#: As Aliyun's documentation has it.
REPORT = {
    "phone_number": "13800138000",
    "send_time": "2017-01-01 00:00:00",
    "report_time": "2017-01-01 00:00:09",
    "success": True,
    "err_code": "DELIVERED",
    "err_msg": "用户接收成功",
    "sms_size": "1",
    "biz_id": "12345",
    "out_id": "67890",
}
REPLY = {
    "phone_number": "13800138000",
    "content": "内容",
    "send_time": "2017-09-01 00:00:00",
    "dest_code": "1234",
    "sequence_id": "1234567890",
}
SIGNATURE = {"sign_name": "示例", "sign_status": "approved", "reason": "", "create_date": "", "orderId": "1"}
TEMPLATE = {"template_code": "SMS_1", "template_status": "rejected", "reason": "why", "template_type": "0"}


def _bytes(*items: Any) -> bytes:
    return json.dumps(items, ensure_ascii=False).encode()


def test_a_report_is_read() -> None:
    """Each field of Aliyun's example is read, its times as Beijing's."""
    (report,) = read_push(_bytes(REPORT)).reports
    assert (report.job_id, report.phone, report.state, report.code) == (
        "67890",
        "13800138000",
        "delivered",
        "DELIVERED",
    )
    assert (report.parts, report.biz_id, report.source) == (1, "12345", "push")
    assert report.sent_at == datetime(2016, 12, 31, 16, 0, 0, tzinfo=UTC)
    assert report.reported_at == datetime(2016, 12, 31, 16, 0, 9, tzinfo=UTC)


def test_all_kinds_in_one_push() -> None:
    """A push may mix all kinds; each is counted by what it is, and one bad item stops none of the others."""
    sequence = REPLY | {"sequence_id": 1234567890, "sign_name": "示例"}
    pushed = read_push(
        _bytes(REPORT, REPLY, sequence, SIGNATURE, TEMPLATE, {"odd": 1}, 7, REPORT | {"success": 3})
    )
    assert len(pushed.reports) == 1
    assert pushed.others == {
        "reply": 2, "signature": 1, "template": 1, "unknown_kind": 1, "wrong_type": 1, "malformed": 1,
    }  # fmt: skip


def test_nothing_private_is_shown() -> None:
    """What was read shows neither a number nor what somebody wrote."""
    shown = repr(read_push(_bytes(REPORT, REPLY, SIGNATURE, TEMPLATE)))
    assert REPORT["phone_number"] not in shown
    assert REPLY["content"] not in shown


@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        ({"success": "true"}, "success", True),
        ({"success": "False"}, "success", False),
        ({"phone_number": 13800138000}, "phone", "13800138000"),
        ({"sms_size": 2}, "parts", 2),
        ({"sms_size": "two"}, "parts", None),
        ({"sms_size": "9" * 5000}, "parts", None),
        ({"send_time": "yesterday"}, "sent_at", None),
        ({"report_time": None}, "reported_at", None),
        ({"err_code": None}, "err_code", ""),
        ({"biz_id": "x" * 65}, "biz_id", None),
        ({"biz_id": "114814474505895421^0"}, "biz_id", "114814474505895421^0"),
        ({"a_new_field": {"deep": []}}, "job_id", "67890"),
    ],
)  # fmt: skip
def test_other_types_are_read_where_they_can_be(change: dict[str, Any], field: str, expected: Any) -> None:
    """What is not as documented is read where its meaning is plain, else left out; a new field changes nothing."""
    (report,) = read_push(_bytes(REPORT | change)).reports
    assert getattr(report, field) == expected


@pytest.mark.parametrize(
    "change",
    [{"success": None}, {"out_id": 5}, {"out_id": None}, {"phone_number": ["1"]}, {"phone_number": True}],
)
def test_what_names_no_recipient_is_malformed(change: dict[str, Any]) -> None:
    """Without an id, a number and a truth there is no report."""
    pushed = read_push(_bytes(REPORT | change))
    assert (pushed.reports, pushed.others) == ([], {"malformed": 1})


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"{", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"[" * 200_000, "not_json"),
        (b'[{"a":' * 100_000, "not_json"),
        (b"[" + b"9" * 10_000 + b"]", "not_json"),
        (b"7", "wrong_type"),
        (b'"text"', "wrong_type"),
        (b"[[]]", "wrong_type"),
        (b"null", "wrong_type"),
        ("[]", "wrong_type"),
        (None, "wrong_type"),
        (b" " * (LARGEST_PUSH + 1), "oversized"),
    ],
    ids=lambda each: each if isinstance(each, str) and each != "[]" else "body",
)
def test_what_is_no_push(body: Any, word: str) -> None:
    """Whatever is sent, it is counted by what is wrong with it."""
    pushed = read_push(body)
    assert (pushed.reports, pushed.others) == ([], {word: 1})


@pytest.mark.parametrize("body", [b"", b" \n", b"[]", bytearray(b"[]"), memoryview(b"[]")])
def test_nothing_is_the_consoles_check(body: Any) -> None:
    """An empty push is no error."""
    pushed = read_push(body)
    assert (pushed.reports, pushed.others) == ([], {})


def test_one_object_is_an_array_of_one() -> None:
    """A report without its array is read, with a byte order mark too."""
    assert len(read_push(b"\xef\xbb\xbf" + json.dumps(REPORT).encode()).reports) == 1


@pytest.mark.parametrize("item", [REPLY, SIGNATURE, TEMPLATE], ids=["reply", "signature", "template"])
def test_half_a_character(item: dict[str, str]) -> None:
    """Half a character, which JSON can hold and nothing else can, makes nothing raise and is replaced."""
    for name in item:
        pushed = read_push(json.dumps([item | {name: "\ud800"}, REPORT]).encode())
        assert len(pushed.reports) == 1
        for each in (*pushed.replies, *(review for review, _ in pushed.reviews)):
            repr(each).encode()
            assert all(str(value).encode() for value in vars(each).values() if value)


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_names = st.sampled_from(sorted({*REPORT, *REPLY, *SIGNATURE, *TEMPLATE}))
_items = st.dictionaries(_names, _anything, max_size=9).map(lambda own: REPORT | own) | st.dictionaries(
    _names, _anything
)


@given(st.binary() | st.lists(_items | _anything).map(lambda items: json.dumps(items).encode()))
def test_nothing_makes_it_raise(body: bytes) -> None:
    """Any bytes, and any JSON in any field, are read or counted; a report that is read can be written down."""
    pushed = read_push(body)
    for report in pushed.reports:
        assert report.state in ("waiting", "delivered", "failed")
        assert report.code.isascii()
        assert all(each.isdigit() or not each for each in report.numbers())

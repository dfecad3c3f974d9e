"""QuerySendDetails: filters, pages, dates and progress."""

import pytest


def _details(answer):
    return answer["SmsSendDetailDTOs"]["SmsSendDetailDTO"]


def test_fields(call):
    """A detail has Aliyun's fields: OutId and bare number, no BizId, no SignName; TotalCount is text."""
    call.sms("+8613800138000", OutId="o1")
    answer = call.query()
    assert answer["TotalCount"] == "1"
    (detail,) = _details(answer)
    assert detail == {
        "PhoneNum": "13800138000",
        "SendStatus": 1,
        "ErrCode": "",
        "Content": "【阿里云】您的验证码为1234，请勿泄露。",
        "SendDate": "2026-06-01 12:00:30",
        "TemplateCode": "SMS_1",
        "OutId": "o1",
    }


def test_delivery(call):
    """After the delivery delay a message is delivered, with the time."""
    call.sms()
    call.world.clock.advance(2.9)
    assert _details(call.query())[0]["SendStatus"] == 1
    call.world.clock.advance(0.1)
    detail = _details(call.query())[0]
    assert (detail["SendStatus"], detail["ErrCode"], detail["ReceiveDate"]) == (
        3,
        "DELIVERED",
        "2026-06-01 12:00:33",
    )


def test_pages(call):
    """Pages hold the newest first, together hold everything once, and end in an empty one."""
    for index in range(120):
        call.sms(OutId=f"o{index}")
        call.world.clock.advance(1)
    pages = [call.query(page=str(page)) for page in (1, 2, 3, 4)]
    assert {page["TotalCount"] for page in pages} == {"120"}
    assert [len(_details(page)) for page in pages] == [50, 50, 20, 0]
    assert [detail["OutId"] for page in pages for detail in _details(page)] == [
        f"o{i}" for i in reversed(range(120))
    ]


def test_date_is_beijings(call):
    """Two messages one second apart around Beijing's midnight belong to two dates."""
    for moment, out_id in (("2026-06-01T23:59:59", "before"), ("2026-06-02T00:00:00", "after")):
        call.at(moment)
        call.sms(OutId=out_id)
    assert [detail["OutId"] for detail in _details(call.query(date="20260601"))] == ["before"]
    assert [detail["OutId"] for detail in _details(call.query(date="20260602"))] == ["after"]


def test_filters(call):
    """The number, the account and the BizId each keep others out."""
    call.sms()
    wanted = call.sms(OutId="wanted")["BizId"]
    call.sms("13800138001")
    assert [detail["OutId"] for detail in _details(call.query(BizId=wanted))] == ["wanted"]
    assert call.query("13800138001")["TotalCount"] == "1"
    assert call.query(account="demo_access_key")["TotalCount"] == "0"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"phone": ""}, "MissingPhoneNumber"),
        ({"date": ""}, "MissingSendDate"),
        ({"size": ""}, "MissingPageSize"),
        ({"page": ""}, "MissingCurrentPage"),
        ({"phone": "+8613800138000"}, "isv.MOBILE_NUMBER_ILLEGAL"),
        ({"phone": "13800138000,13800138001"}, "isv.MOBILE_NUMBER_ILLEGAL"),
        ({"size": "0"}, "isv.INVALID_PARAMETERS"),
        ({"size": "51"}, "isv.INVALID_PARAMETERS"),
        ({"page": "0"}, "isv.INVALID_PARAMETERS"),
        ({"page": "x"}, "isv.INVALID_PARAMETERS"),
        ({"date": "2026-06-01"}, "isv.INVALID_PARAMETERS"),
        ({"date": "20260631"}, "isv.INVALID_PARAMETERS"),
        ({"date": "20260501"}, "isv.INVALID_PARAMETERS"),
    ],
)
def test_refused(call, changes, code):
    """Each parameter has its limit."""
    assert call.query(**changes)["Code"] == code


def test_thirty_days_back_and_tomorrow_are_fine(call):
    """A date 30 days ago can be asked for, and one that has not begun is simply empty."""
    assert call.query(date="20260502")["Code"] == "OK"
    assert call.query(date="20260602")["TotalCount"] == "0"


def test_lag(call):
    """With a look-up lag an accepted message is invisible at first."""
    call.world.change({"lookup_lag_s": 10})
    call.sms()
    call.world.clock.advance(9)
    assert call.query()["TotalCount"] == "0"
    call.world.clock.advance(1)
    assert call.query()["TotalCount"] == "1"


def test_forgotten_records_are_gone_from_the_lookup_and_still_counted(call):
    """A record limit drops the oldest from list and look-up; counts by OutId stay."""
    call.world.change({"record_limit": 2})
    for out_id in ("a", "b", "c"):
        call.sms("13800138000", "13800138001", OutId=out_id)
    assert [detail["OutId"] for detail in _details(call.query("13800138001"))] == ["c", "b"]
    assert [accepted.out_id for accepted in call.world.record.accepted()] == ["b", "c"]
    assert call.world.record.counts == {"a": 1, "b": 1, "c": 1}

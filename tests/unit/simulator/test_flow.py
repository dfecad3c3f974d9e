"""Flow control, by the clock."""

import pytest

_NOTICE = {"template": "SMS_2", "params": '{"name":"张三","event":"系统维护"}'}


@pytest.fixture
def limited(call):
    call.world.change({"flow_control": True})
    return call


def _message(answer):
    return answer["Message"] if answer["Code"] == "isv.BUSINESS_LIMIT_CONTROL" else answer["Code"]


def test_off_by_default(call):
    """A developer who sends to the same number over and over is not refused."""
    assert {call.sms()["Code"] for _ in range(20)} == {"OK"}


def test_minute_is_a_window_of_the_clock(limited):
    """One code a minute: the window ends with the clock's minute, not 60 seconds after the send."""
    limited.at("2026-06-01T14:03:59")
    assert limited.sms()["Code"] == "OK"
    assert _message(limited.sms()) == "触发分钟级流控Permits:1"
    limited.at("2026-06-01T14:04:00")
    assert limited.sms()["Code"] == "OK"


def test_hour_is_a_window_of_the_clock(limited):
    """Five codes an hour, and the next clock hour begins anew."""
    for minute in range(50, 55):
        limited.at(f"2026-06-01T14:{minute}:00")
        assert limited.sms()["Code"] == "OK"
    limited.at("2026-06-01T14:59:59")
    assert _message(limited.sms()) == "触发小时级流控Permits:5"
    limited.at("2026-06-01T15:00:00")
    assert limited.sms()["Code"] == "OK"


def test_day_is_the_last_24_hours(limited):
    """Ten codes in 24 hours, counted back from now, not by the calendar."""
    for hour in range(13, 23):
        limited.at(f"2026-06-01T{hour}:00:00")
        assert limited.sms()["Code"] == "OK"
    limited.at("2026-06-02T12:59:59")
    assert _message(limited.sms()) == "触发天级流控Permits:10"
    limited.at("2026-06-02T13:00:00")
    assert limited.sms()["Code"] == "OK"


def test_another_signature_has_its_own_count_below_the_platform_cap(limited):
    """Counts are by signature, and 40 codes a day from everybody together are the end."""
    limited.world.change({"per_minute": 30, "per_hour": 30, "per_day": 30})
    assert {limited.sms(sign="阿里云")["Code"] for _ in range(30)} == {"OK"}
    assert _message(limited.sms(sign="阿里云")) == "触发分钟级流控Permits:30"
    assert {limited.sms(sign="登录")["Code"] for _ in range(10)} == {"OK"}
    assert _message(limited.sms(sign="登录")) == "触发天级流控Permits:40"


def test_notification_has_fifty_a_day(limited):
    """Fifty notifications of one template in 24 hours, whatever the minute."""
    assert {limited.sms(**_NOTICE)["Code"] for _ in range(50)} == {"OK"}
    assert _message(limited.sms(**_NOTICE)) == "触发天级流控Permits:50"
    assert limited.sms()["Code"] == "OK"


def test_refused_whole_and_not_counted(limited):
    """One number over its limit refuses the request for all, and the others are not counted."""
    limited.sms("13800138000")
    assert _message(limited.sms("13800138001", "13800138000")) == "触发分钟级流控Permits:1"
    assert limited.sms("13800138001")["Code"] == "OK"


def test_a_number_twice_in_a_request_counts_once(limited):
    """Flow control counts calls, so a number that is repeated within one is no second message."""
    assert limited.sms("13800138000", "+8613800138000")["Code"] == "OK"


def test_foreign_numbers_have_no_limit(limited):
    """Flow control is for mainland numbers."""
    answers = [
        limited.sms("85200001234", template="SMS_3", params='{"order":"7"}')["Code"] for _ in range(60)
    ]
    assert set(answers) == {"OK"}

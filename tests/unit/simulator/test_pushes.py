"""What the simulator pushes, and when."""

from collections import Counter

import pytest

from aliyun_sms_simulator.pushes import Pushes
from aliyun_sms_simulator.record import Acceptance, Receipt
from aliyun_sms_simulator.settings import Settings

NOW = 1_750_000_000.0
PHONES = ("13800138000", "13800138001", "13800138002")


def _accepted(**more):
    return Acceptance(
        biz_id="1^0",
        action="SendSms",
        account="ak",
        out_id="out-1",
        sign_names=("sign",),
        template_code="SMS_1",
        params=({},),
        at_s=NOW,
        **{"phones": PHONES, **more},
    )


@pytest.fixture
def pushes():
    """An empty queue, with the same random numbers each time."""
    return Pushes(seed=1)


def test_each_recipient_is_reported_once_at_its_time(pushes):
    """Nothing is due before the delay; then each number has one report with Aliyun's fields, in pushes of the batch's size."""
    settings = Settings(delivery_delay_s=5, callback_batch=2)
    pushes.add_receipts(_accepted(), settings)
    assert pushes.take(NOW + 4.9, settings) == []
    due = pushes.take(NOW + 5, settings)
    assert [len(each.items) for each in due] == [2, 1]
    reports = [item for each in due for item in each.items]
    assert [each["phone_number"] for each in reports] == list(PHONES)
    assert reports[0] == {
        "phone_number": "13800138000",
        "send_time": "2025-06-15 23:06:40",
        "report_time": "2025-06-15 23:06:45",
        "success": True,
        "err_code": "DELIVERED",
        "err_msg": "用户接收成功",
        "sms_size": "1",
        "biz_id": "1^0",
        "out_id": "out-1",
    }
    assert pushes.take(NOW + 99, settings) == []


@pytest.mark.parametrize(
    ("receipt", "expected"),
    [
        (Receipt(code=None), []),
        (Receipt(copies=0), []),
        (Receipt(copies=3), ["DELIVERED"] * 3),
        (Receipt(code="MOBILE_IN_BLACK"), ["MOBILE_IN_BLACK"]),
    ],
    ids=["never reported", "push lost", "three copies", "a code"],
)
def test_a_receipt_decides_what_is_pushed(pushes, receipt, expected):
    """A rule's code and copies hold for its number; the others are pushed as usual."""
    settings = Settings(delivery_delay_s=0)
    pushes.add_receipts(_accepted(receipts={PHONES[0]: receipt}), settings)
    items = [item for each in pushes.take(NOW, settings) for item in each.items]
    assert [each["err_code"] for each in items if each["phone_number"] == PHONES[0]] == expected
    assert {each["phone_number"] for each in items} >= set(PHONES[1:])
    assert all(each["success"] == (each["err_code"] == "DELIVERED") for each in items)


def test_shares_of_losses_and_duplicates(pushes):
    """The settings lose and double about the shares that they say, and count what they lost."""
    settings = Settings(delivery_delay_s=0, receipt_loss=0.1, receipt_duplicates=0.2)
    phones = tuple(f"138{number:08d}" for number in range(2_000))
    pushes.add_receipts(_accepted(phones=phones), settings)
    seen = Counter(item["phone_number"] for each in pushes.take(NOW, settings) for item in each.items)
    assert 150 < pushes.counts["lost"] == len(phones) - len(seen) < 250
    assert 300 < sum(1 for copies in seen.values() if copies == 2) < 420


def test_jitter_changes_the_order(pushes):
    """With jitter, receipts come in another order than their messages, and none is early."""
    settings = Settings(delivery_delay_s=1, receipt_jitter_s=10, callback_batch=1)
    phones = tuple(f"138{number:08d}" for number in range(50))
    pushes.add_receipts(_accepted(phones=phones), settings)
    assert pushes.take(NOW + 0.99, settings) == []
    order = [each.items[0]["phone_number"] for each in pushes.take(NOW + 11, settings)]
    assert sorted(order) == list(phones) != order


def test_not_acknowledged_is_repeated_three_times(pushes):
    """A push that fails comes again after 1, 5 and 10 minutes, and is then dropped and counted."""
    settings = Settings(delivery_delay_s=0)
    pushes.add_receipts(_accepted(), settings)
    now = NOW
    (push,) = pushes.take(now, settings)
    for minutes in (1, 5, 10):
        pushes.failed(push, now, settings)
        assert len(pushes) == 3
        assert pushes.take(now + minutes * 60 - 1, settings) == []
        now += minutes * 60
        (push,) = pushes.take(now, settings)
    pushes.failed(push, now, settings)
    assert (len(pushes), pushes.counts["dropped"], pushes.counts["repeated"]) == (0, 3, 9)

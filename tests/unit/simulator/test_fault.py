"""The queue of faults, and the magic numbers."""

import re
from pathlib import Path

import pytest

from aliyun_sms_simulator.codes import BUSINESS
from aliyun_sms_simulator.fault import KINDS, Fault, FaultQueue
from aliyun_sms_simulator.magic import MAGIC
from aliyun_sms_simulator.phone import bare

_PAGE = Path(__file__).parents[3] / "docs" / "simulator.md"


def _kinds(queue, *, action="SendSms", phones=("13800138000",), out_id="o", count=1):
    taken = [queue.take(action, phones, out_id) for _ in range(count)]
    return [fault.kind if fault else None for fault in taken]


def test_once_and_in_order():
    """A rule is met once by default, and rules are met in the order they were added."""
    queue = FaultQueue({})
    queue.add(Fault(kind="hang_after"))
    queue.add(Fault(kind="reset_after", times=2))
    assert _kinds(queue, count=4) == ["hang_after", "reset_after", "reset_after", None]
    assert queue.rules() == []


def test_until_cleared():
    """A rule without a count stays until it is cleared."""
    queue = FaultQueue({})
    queue.add(Fault(kind="latency", times=None))
    assert _kinds(queue, count=3) == ["latency"] * 3
    queue.clear()
    assert _kinds(queue) == [None]


@pytest.mark.parametrize(
    ("rule", "hit"),
    [
        ({"kind": "hang_after"}, {"SendSms", "SendBatchSms"}),
        ({"kind": "empty_page"}, {"QuerySendDetails"}),
        ({"kind": "throttling", "action": "*"}, {"SendSms", "SendBatchSms", "QuerySendDetails"}),
        ({"kind": "throttling", "action": "QuerySendDetails"}, {"QuerySendDetails"}),
    ],
)
def test_action(rule, hit):
    """Without an action a rule is for sends, and the empty page for look-ups."""
    fault = Fault(**rule)
    actions = {"SendSms", "SendBatchSms", "QuerySendDetails"}
    assert {action for action in actions if fault.applies(action, (), "")} == hit


def test_phone_and_out_id():
    """A rule for one number or one OutId leaves others alone, and is not used up by them."""
    queue = FaultQueue({})
    queue.add(Fault(kind="hang_after", phone="13800138001"))
    queue.add(Fault(kind="hang_before", out_id="mine"))
    assert _kinds(queue) == [None]
    assert _kinds(queue, phones=("13800138000", "13800138001")) == ["hang_after"]
    assert _kinds(queue, out_id="mine") == ["hang_before"]


def test_probability_is_repeatable():
    """With the same seed the same requests meet a fault, about as many as the probability says."""

    def run(seed):
        queue = FaultQueue({}, seed)
        queue.add(Fault(kind="hang_after", times=None, probability=0.3))
        return _kinds(queue, count=1000)

    assert run(7) == run(7)
    assert run(7) != run(8)
    assert 230 < run(7).count("hang_after") < 370


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ({"kind": "nonsense"}, "kind"),
        ({"kind": "hang_after", "second": 1}, "seconds"),
        ({"kind": "hang_after", "seconds": -1}, "seconds"),
        ({"kind": "hang_after", "times": 0}, "times"),
        ({"kind": "hang_after", "action": "Send"}, "action"),
        ({"kind": "hang_after", "phone": 13800138000}, "phone"),
        ({"kind": "code"}, "code"),
        ([], "object"),
    ],
)
def test_wrong_rule_is_named(data, named):
    """A rule that is wrong is refused with the name of the field."""
    with pytest.raises(ValueError, match=named):
        Fault.from_json(data)


def test_magic_numbers_are_valid_and_cover_every_business_code():
    """Every magic number is one Aliyun would take, and every business code has one."""
    assert all(bare(phone) for phone in MAGIC)
    codes = {fault.code for faults in MAGIC.values() for fault in faults if fault.kind == "code"}
    assert codes == BUSINESS.keys()


def test_magic_number_comes_after_the_rules():
    """A rule goes before a magic number, and the magic number stays when the rules are gone."""
    queue = FaultQueue(MAGIC)
    queue.add(Fault(kind="latency"))
    assert _kinds(queue, phones=("15400000031",), count=3) == ["latency", "hang_after", "hang_after"]


def test_the_page_names_every_kind_and_every_magic_number():
    """docs/simulator.md has a row for each kind of fault and for each magic number, with its code."""
    text = _PAGE.read_text(encoding="utf-8")
    assert {kind for kind in KINDS if f"| `{kind}` |" not in text} == set()
    rows = dict(re.findall(r"^\| (154\d{8}) \| (.*) \|$", text, re.MULTILINE))
    assert rows.keys() == MAGIC.keys()
    for phone, (fault,) in MAGIC.items():
        assert f"`{fault.code or fault.kind}`" in rows[phone]

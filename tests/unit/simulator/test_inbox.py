"""What the phones saw, as the simulator keeps it."""

import pytest

PHONE = "13800138000"


def seen(call, phone=PHONE):
    """The entries of a phone, as the control API shows them."""
    world = call.world
    return [
        each.to_json(world.clock.now(), world.settings.delivery_delay_s)
        for each in world.inbox.of_phone(phone)
    ]


def test_each_phone_has_its_own_text(call):
    """Of a batch each phone has the text that is its own, once, and when it is reported its code."""
    call.batch(
        [PHONE, "13800138001"],
        ["阿里云", "阿里云"],
        [{"name": "张三", "event": "维护"}, {"name": "李四", "event": "升级"}],
    )
    (mine,), (other,) = seen(call), seen(call, "13800138001")
    assert (mine["text"], other["text"]) == (
        "【阿里云】张三您好，维护将于今晚进行。",
        "【阿里云】李四您好，升级将于今晚进行。",
    )
    assert (mine["err_code"], mine["due_s"] - mine["at_s"]) == (None, 3)
    call.world.clock.advance(3)
    assert seen(call)[0]["err_code"] == "DELIVERED"


def test_a_number_that_is_named_twice_has_one_message(call):
    """A number that stands twice in a request got one message."""
    call.sms(PHONE, PHONE)
    assert len(seen(call)) == 1


def test_a_refusal_is_seen_with_its_code(call):
    """A refused message is with its phone too, with Aliyun's code; the text of an unknown template is not made up."""
    call.sms(template="SMS_404")
    (refused,) = seen(call)
    assert (refused["kind"], refused["code"], refused["text"]) == (
        "refused",
        "isv.SMS_TEMPLATE_ILLEGAL",
        None,
    )


def test_the_word_for_changes(call):
    """The word is another one after an acceptance, a report and a clearing, and the same while nothing happens."""
    world = call.world

    def word():
        return world.inbox.change(world.clock.now(), world.settings.delivery_delay_s)

    words = [word()]
    call.sms()
    words.append(word())
    assert word() == words[-1]
    world.clock.advance(3)
    words.append(word())
    world.inbox.clear()
    words.append(word())
    assert len(set(words)) == 4


def test_a_report_by_hand_goes_before_the_usual_one(call):
    """A carrier that is told to report does so once, with that code, and its own report is not pushed any more."""
    world = call.world
    world.change({"callback_url": "http://127.0.0.1:1/", "delivery_delay_s": 60})
    call.sms(OutId="a")
    (entry,) = world.inbox.of_phone(PHONE)
    world.report(entry.acceptance, PHONE, "MOBILE_IN_BLACK")
    world.clock.advance(100)
    pushed = [item for push in world.pushes.take(world.clock.now(), world.settings) for item in push.items]
    assert [each["err_code"] for each in pushed] == ["MOBILE_IN_BLACK"]
    assert seen(call)[0]["err_code"] == "MOBILE_IN_BLACK"


@pytest.mark.parametrize("by_hand", [True, False])
def test_reports_by_hand_only(call, by_hand):
    """While carriers report by hand only, an accepted message waits for ever."""
    call.world.change({"receipts_by_hand": by_hand})
    call.sms()
    call.world.clock.advance(1e6)
    assert (seen(call)[0]["due_s"] is None) is by_hand


def test_only_the_newest_are_kept(call, monkeypatch):
    """The oldest entries go, and their numbers are not given again."""
    for _ in range(2_010):
        call.world.inbox.add(kind="reply", phone=PHONE, at_s=0.0, text="x")
    entries = call.world.inbox.of_phone(PHONE)
    assert (len(entries), entries[0].serial) == (2_000, 11)

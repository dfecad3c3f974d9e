"""A group's choice among its members, and the breaker of each."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from smsjobs.contract import AliyunRejected, InvalidArguments, Message
from smsjobs.templates import Template
from smsjobs_worker.provider import AnswerLost, LookupFailed, NotSent, Provider
from smsjobs_worker.sending.breaker import Breaker
from smsjobs_worker.sending.group import Group, Member

BALANCE = AliyunRejected("no", reason="balance", aliyun_code="x", advice="operator")
NUMBER = AliyunRejected("no", reason="number", aliyun_code="x", advice="never")
GONE = NotSent("connect_failed", "refused")
NOW = datetime.now(UTC)


class Account(Provider):
    """A provider that answers as it is told."""

    looks_up = True

    def __init__(self, answer=None, has=False):
        self.answer, self.has = answer, has
        self.sent = []

    def send(self, message, *, out_id, connect_within_s):
        """One request."""
        self.sent.append(message)
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"Code": "OK"}

    def find(self, phone, *, since, until, out_id):
        """One look-up."""
        if isinstance(self.has, Exception):
            raise self.has
        return self.has


def a_message(phone="13800138000"):
    return Message(phones=(phone,), params={"code": "1"}, template="SMS_1")


def a_group(accounts, **members):
    """A group of elements by their names, each with its weight."""

    def find(name):
        if isinstance(accounts[name], InvalidArguments):
            raise accounts[name]
        return accounts[name]

    return Group("SMS.All", [Member(element=name, weight=weight) for name, weight in members.items()], find)


def first(group, phone):
    return group.for_job(a_message(phone), member=None, lost=False).member


def phones(count):
    return [f"138{number:08}" for number in range(count)]


def test_shares():
    """Numbers are shared by weight, each always to the same member, and a spare gets none."""
    group = a_group(dict.fromkeys("ABC", Account()), A=9, B=1, C=0)
    chosen = [first(group, phone) for phone in phones(2000)]
    assert chosen == [first(group, phone) for phone in phones(2000)]
    counts = Counter(chosen)
    assert 1740 < counts["A"] < 1860
    assert set(counts) == {"A", "B"}


def test_a_member_that_goes_moves_no_other():
    """Numbers that did not fall to a member stay where they are when it goes."""
    accounts = dict.fromkeys("ABC", Account())
    before, after = a_group(accounts, A=1, B=1, C=1), a_group(accounts, A=1, B=1)
    for phone in phones(300):
        if first(before, phone) != "C":
            assert first(after, phone) == first(before, phone)


@pytest.mark.parametrize(
    ("failure", "moves"),
    [(BALANCE, True), (GONE, True), (NUMBER, False), (AnswerLost("no_answer", "x"), False)],
)
def test_what_moves_on(failure, moves):
    """Only what surely was not sent, or was refused for the account's sake, goes to another member."""
    route = a_group({"A": Account(), "B": Account()}, A=1, B=0).for_job(a_message(), member=None, lost=False)
    counts = route.weigh(failure)
    assert (counts, route.member) == ((None, "B") if moves else (failure, "A"))


@pytest.mark.parametrize("failure", [BALANCE, GONE])
def test_after_a_lost_answer_nobody_else(failure):
    """A job whose answer was lost stays with the member that was asked, whatever happens there."""
    group = a_group({"A": Account(), "B": Account()}, A=1, B=1)
    for member in "AB":
        route = group.for_job(a_message(), member=member, lost=True)
        assert (route.member, route.weigh(failure), route.member) == (member, failure, member)


def test_what_counts_in_the_end():
    """What one member may send later is not refused because another never will."""
    group = a_group({"A": Account(), "B": Account()}, A=1, B=0)
    route = group.for_job(a_message(), member=None, lost=False)
    assert [route.weigh(GONE), route.weigh(BALANCE)] == [None, GONE]


def test_templates():
    """A member that calls a template otherwise gets its own name for it."""
    accounts = {"A": Account(BALANCE), "B": Account()}
    members = [Member(element="A"), Member(element="B", weight=0, templates={"SMS_1": "SMS_77"})]
    route = Group("SMS.All", members, accounts.get).for_job(a_message(), member=None, lost=False)
    with pytest.raises(AliyunRejected) as caught:
        route.send(a_message(), out_id="j", connect_within_s=1)
    route.weigh(caught.value)
    route.send(a_message(), out_id="j", connect_within_s=1)
    assert [each.sent[0].template for each in accounts.values()] == ["SMS_1", "SMS_77"]


def test_failing_member_comes_last():
    """After a failure the others come first, until one job finds that it works again."""
    now = [0.0]
    accounts = {"A": Account(), "B": Account()}
    group = a_group(accounts, A=1, B=0)
    group._breakers = {name: Breaker(clock=lambda: now[0]) for name in accounts}
    group.for_job(a_message(), member=None, lost=False).weigh(GONE)
    assert [first(group, each) for each in phones(3)] == ["B"] * 3
    now[0] = 5.1
    assert [first(group, each) for each in phones(3)] == ["A", "B", "B"]
    group.worked("A")
    assert [first(group, each) for each in phones(3)] == ["A"] * 3


def test_all_fail():
    """Where all members fail, each job still tries all of them."""
    group = a_group({"A": Account(), "B": Account()}, A=1, B=0)
    for _ in range(2):
        route = group.for_job(a_message(), member=None, lost=False)
        assert (route.weigh(GONE), route.weigh(GONE)) == (None, GONE)


def test_member_that_does_not_load():
    """A member that cannot load is left out; where none can, the error says why."""
    broken = InvalidArguments("sms.json is wrong", reason="element_invalid")
    assert first(a_group({"A": broken, "B": Account()}, A=1, B=0), "13800138000") == "B"
    with pytest.raises(InvalidArguments, match="is wrong"):
        first(a_group({"A": broken}, A=1), "13800138000")


def test_look_up_needs_every_member():
    """A member that cannot load is not left out of a look-up, for its record may have the message."""
    broken = InvalidArguments("sms.json is wrong", reason="element_invalid")
    group = a_group({"A": Account(), "B": broken}, A=1, B=0)
    with pytest.raises(InvalidArguments):
        group.for_job(a_message(), member=None, lost=True)
    assert group.for_job(a_message(), member="A", lost=True).member == "A"


def test_look_up():
    """The member that was asked is looked up; where none was written down, all are, and absence needs all of them."""
    failed = LookupFailed("no_answer", "x")
    about = {"since": NOW, "until": NOW, "out_id": "j"}

    def found(member, **has):
        accounts = {name: Account(has=each) for name, each in has.items()}
        group = a_group(accounts, **dict.fromkeys(has, 1))
        return group.for_job(a_message(), member=member, lost=True).find("13800138000", **about)

    assert not found("A", A=False, B=True)
    assert found("B", A=False, B=True)
    assert found(None, A=failed, B=True)
    assert not found(None, A=False, B=False)
    for member in ("A", None):
        with pytest.raises(LookupFailed):
            found(member, A=failed, B=False)


def test_member_that_left_the_group():
    """A lost answer is looked up at its member, though the group does not have it any more."""
    accounts = {"A": Account(), "Old": Account(has=True)}
    route = a_group(accounts, A=1).for_job(a_message(), member="Old", lost=True)
    assert route.find("13800138000", since=NOW, until=NOW, out_id="j")
    assert route.weigh(GONE) is GONE


def test_breaker_pauses_longer_each_time():
    """Probes come after 5, 10, 20 … seconds, 300 at most, one each time, and what fails in between is the same failure."""
    now = [0.0]
    breaker = Breaker(clock=lambda: now[0])
    assert not breaker.takes_probe()
    assert [breaker.failed(), breaker.failed()] == [True, False]
    waits = []
    for _ in range(9):
        before = now[0]
        while not breaker.takes_probe():
            now[0] += 1
        waits.append(now[0] - before)
        assert not breaker.takes_probe()
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert [breaker.worked(), breaker.worked(), breaker.is_open] == [True, False, False]


def test_breaker_keeps_to_what_was_asked():
    """A member that asks to be left alone for longer is."""
    now = [0.0]
    breaker = Breaker(clock=lambda: now[0])
    breaker.failed(30)
    now[0] = 29
    assert not breaker.takes_probe()
    now[0] = 30
    assert breaker.takes_probe()


class Knows(Account):
    """A provider that knows templates."""

    knows_templates = True

    def __init__(self, **known):
        super().__init__()
        self.known = known

    def template(self, code):
        """What it knows."""
        if code not in self.known:
            raise LookupFailed("template", code)
        return Template(code=code, learned_at=NOW, **self.known[code])


def test_template():
    """A group knows of a template what its members know of it, each by its own code; a pure spare does not count."""
    accounts = {
        "A": Knows(SMS_1={"text": "${a}", "state": "approved"}),
        "B": Knows(SMS_77={"text": "${a}", "state": "refused"}),
    }

    def a_group(weight):
        members = [Member(element="A"), Member(element="B", weight=weight, templates={"SMS_1": "SMS_77"})]
        return Group("SMS.All", members, accounts.__getitem__)

    assert (a_group(1).template("SMS_1").code, a_group(1).template("SMS_1").state) == ("SMS_1", "refused")
    assert a_group(0).template("SMS_1").state == "approved"
    with pytest.raises(LookupFailed) as caught:
        a_group(1).template("SMS_3")
    assert caught.value.reason == "template"
    with pytest.raises(LookupFailed, match="ask for that of A"):
        a_group(1).templates()


def test_template_of_some():
    """A member that tells nothing, or does not load, leaves what the others know."""
    known = Knows(SMS_1={"text": "${a}"})
    for other in (Account(), Knows(), InvalidArguments("broken", reason="element_invalid")):
        assert a_group({"A": other, "B": known}, A=9, B=1).template("SMS_1").text == "${a}"
    with pytest.raises(LookupFailed) as caught:
        a_group({"A": Account(), "B": Account()}, A=1, B=1).template("SMS_1")
    assert caught.value.reason == "no_templates"

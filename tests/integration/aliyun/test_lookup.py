"""Look-ups, credentials and clocks."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from aliyun_sms_simulator import Simulator
from smsjobs_worker.aliyun.beijing import BEIJING
from smsjobs_worker.provider import LookupFailed

PHONE = "13800138000"
#: Noon of a day, and the midnight that ends it.
NOON = datetime(2026, 5, 4, 12, tzinfo=BEIJING)
MIDNIGHT = datetime(2026, 5, 5, tzinfo=BEIJING)


def at(moment):
    return {"since": moment, "until": moment}


@pytest.fixture
def simulator(simulator: Simulator) -> Simulator:
    """Aliyun at noon: near midnight a look-up asks for two days, and a rule for one request would hit one of them."""
    simulator.set_clock(NOON)
    return simulator


def test_found_and_absent(simulator, sender, message):
    """What was accepted is found by number, time and OutId, and by no other day or OutId."""
    one = sender(simulator.url)
    one.send(message, out_id="job-1")
    assert one.find(PHONE, **at(NOON), out_id="job-1")
    assert not one.find(PHONE, **at(NOON), out_id="job-2")
    assert not one.find("13800138001", **at(NOON), out_id="job-1")
    assert not one.find(PHONE, **at(NOON - timedelta(days=2)), out_id="job-1")


def test_found_after_a_lost_answer(simulator, sender, message):
    """A message that was accepted although its answer was lost is found."""
    one = sender(simulator.url)
    simulator.fault("reset_after")
    with pytest.raises(Exception, match="no_answer"):
        one.send(message, out_id="job-1")
    assert one.find(PHONE, **at(NOON), out_id="job-1")


def test_all_pages(simulator, sender, message):
    """A message is found on whatever page it is."""
    one = sender(simulator.url)
    for number in range(120):
        one.send(message, out_id=f"job-{number}")
    assert all(one.find(PHONE, **at(NOON), out_id=f"job-{number}") for number in (0, 60, 119))
    simulator_pages = len(simulator.requests(action="QuerySendDetails"))
    assert not one.find(PHONE, **at(NOON), out_id="absent")
    assert len(simulator.requests(action="QuerySendDetails")) - simulator_pages == 3


@pytest.mark.parametrize(
    ("kind", "rule", "reason"),
    [
        ("throttling", {}, "throttled"),
        ("http_500_before", {}, "no_answer"),
        ("non_json_before", {}, "no_answer"),
        ("hang_before", {}, "no_answer"),
        ("reset_before", {}, "no_answer"),
        ("empty_page", {}, "contradiction"),
        ("code", {"code": "isp.RAM_PERMISSION_DENY"}, "permission"),
        ("code", {"code": "isp.SYSTEM_ERROR"}, "no_answer"),
        ("code", {"code": "isv.BUSINESS_LIMIT_CONTROL"}, "flow_control"),
    ],
)
def test_failed(simulator, sender, message, kind, rule, reason):
    """A look-up that fails in whatever way says that it failed, never that nothing was found."""
    one = sender(simulator.url)
    one.send(message, out_id="job-1")
    simulator.fault(kind, action="QuerySendDetails", **rule)
    with pytest.raises(LookupFailed) as caught:
        one.find(PHONE, **at(NOON), out_id="job-1")
    assert caught.value.reason == reason
    assert PHONE not in str(caught.value)
    assert caught.value.__context__ is None
    simulator.clear_faults()


def test_refused(simulator, sender):
    """A look-up that reaches nobody proves nothing."""
    simulator.refuse()
    with pytest.raises(LookupFailed) as caught:
        sender(simulator.url).find(PHONE, **at(NOON), out_id="job-1")
    simulator.listen()
    assert caught.value.reason == "connect_failed"


def page(total, out_ids, code="OK"):
    rows = [{"OutId": each, "PhoneNum": PHONE, "SendStatus": 3} for each in out_ids]
    return {"Code": code, "TotalCount": total, "SmsSendDetailDTOs": {"SmsSendDetailDTO": rows}}


@pytest.mark.parametrize(
    ("pages", "found"),
    [
        ([page("1", ["job-1"])], True),
        ([page(1, ["job-1"])], True),  # a number instead of text
        ([page("9", ["job-1"])], True),  # found is found, whatever the count says
        ([page("0", [])], False),
        ([{"Code": "OK", "TotalCount": "0"}], False),
        ([page("1", ["other"])], False),
        ([page("2", [None, "other"])], False),
        ([page("51", ["x"] * 50), page("51", ["job-1"])], True),
        ([page("51", ["x"] * 50), page("51", ["x"])], False),
        ([page("3", ["x"]), page("3", ["x", "job-1"])], True),  # a short page is not the last one
    ],
)
def test_pages(machine, sender, pages, found):
    """All pages are read until as many rows were seen as Aliyun counts."""
    for each in pages:
        machine.say(each)
    assert sender(machine.url).find(PHONE, **at(NOON), out_id="job-1") is found
    assert len(machine.paths) == len(pages)
    assert all("SendDate=20260504" in path for path in machine.paths)


@pytest.mark.parametrize(
    "pages",
    [
        [page("2", [])],  # seen in the wild
        [page("51", ["x"] * 50), page("51", [])],
        [page("1", ["x", "y"])],  # more rows than counted
        [page("0", ["x"])],
        [page("51", ["x"] * 50), page("50", [])],
        [page("many", [])],
        [page("-1", [])],
        [page(None, [])],
        [{"Code": "OK"}],
        [{"Code": "OK", "TotalCount": "1", "SmsSendDetailDTOs": "rubbish"}],
        [{}],
        [page("9999", ["x"] * 50)] * 40,
    ],
)
def test_contradictions(machine, sender, pages):
    """A record that contradicts itself, lacks its count or is endless proves nothing."""
    for each in pages:
        machine.say(each)
    with pytest.raises(LookupFailed):
        sender(machine.url).find(PHONE, **at(NOON), out_id="job-1")
    assert len(machine.paths) == len(pages)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (page("1", ["job-1"]), None, True),
        (page("0", []), page("1", ["job-1"]), True),
        (page("0", []), page("0", []), False),
        ({}, page("1", ["job-1"]), True),  # the second day is proof, whatever the first one says
        ({}, page("0", []), None),
        (page("0", []), {}, None),
    ],
)
def test_around_midnight(machine, sender, before, after, found):
    """A request of midnight is looked for under both Beijing days, and is absent only where both say so."""
    for each in (before, after):
        if each is not None:
            machine.say(each)
    one = sender(machine.url)
    if found is None:
        with pytest.raises(LookupFailed) as caught:
            one.find(PHONE, **at(MIDNIGHT), out_id="job-1")
        assert caught.value.__context__ is None
    else:
        assert one.find(PHONE, **at(MIDNIGHT), out_id="job-1") is found
    days = [re.search(r"SendDate=(\d+)", path)[1] for path in machine.paths]
    assert days == ["20260504", "20260505"][: 1 if after is None else 2]


def test_credentials(simulator, sender):
    """Credentials are checked by a query, which sends nothing."""
    assert sender(simulator.url).check_credentials().accepted is True
    assert simulator.accepted() == []


@pytest.mark.parametrize(
    ("code", "accepted"),
    [
        ("InvalidAccessKeyId.NotFound", False),
        ("SignatureDoesNotMatch", False),
        ("isp.RAM_PERMISSION_DENY", False),
        ("InvalidTimeStamp.Expired", False),
        ("isv.MOBILE_NUMBER_ILLEGAL", True),  # refused behind the gate
        ("isp.SYSTEM_ERROR", None),
        ("Throttling.User", None),
    ],
)
def test_refused_credentials(machine, sender, code, accepted):
    """Refused credentials are told from a refused request, and from an Aliyun that does not say."""
    machine.say({"Code": code, "Message": "SignString 13800138000", "RequestId": "R-1"}, 400)
    check = sender(machine.url).check_credentials()
    assert check.accepted is accepted
    assert PHONE not in check.detail
    assert bool(check.detail) is (accepted is not True)


def test_wrong_secret(sender):
    """A wrong secret is refused by a gateway that verifies signatures."""
    from aliyun_sms_simulator import Simulator

    with Simulator(accounts={"example-key": "another-secret"}) as strict:
        check = sender(strict.url).check_credentials()
    assert (check.accepted, check.aliyun_code) == (False, "SignatureDoesNotMatch")


def test_clock(simulator, sender):
    """The skew against Aliyun's clock is read from its Date header, to about a second."""
    one = sender(simulator.url)
    assert abs(one.clock_skew_s()) < 2
    simulator.set(gateway_skew_s=-1200)
    assert 1198 < one.clock_skew_s() < 1203
    assert abs((one.server_date() - datetime.now(UTC)).total_seconds() + 1200) < 3


def test_no_clock(sender):
    """Where nobody answers, there is no skew to tell."""
    assert sender("http://127.0.0.1:1").clock_skew_s() is None

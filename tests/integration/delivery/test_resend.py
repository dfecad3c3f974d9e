"""A campaign sent again to those whose message did not arrive."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from smsjobs.campaign import Campaign, Order, find_undelivered, resend, start
from smsjobs.contract import InvalidArguments, campaign_id, make_chunk, pack_campaign
from support.campaigns import numbers, refused
from support.receipts import DeliveryBench, a_report

#: What the carriers report of each of ten recipients; None: nothing.
CODES = (
    "DELIVERED",
    "MOBILE_NOT_ON_SERVICE",
    "INVALID_NUMBER",
    "MOBILE_IN_BLACK",
    "USER_REJECT",
    "MOBILE_TERMINAL_ERROR",
    "isv.SOMETHING",
    "XX:1234",
    "REQUEST_SUCCESS",
    None,
)
PEOPLE = numbers(len(CODES))

Sent = Callable[..., Campaign]


@pytest.fixture
def sent(bench: DeliveryBench) -> Sent:
    """Sends a campaign to these people, and takes what is reported of them."""

    def send(codes: tuple[str | None, ...] = CODES, **more) -> Campaign:
        campaign = bench.start(people=more.pop("people", PEOPLE), **more)
        report(bench, campaign, codes)
        return campaign

    return send


def report(bench: DeliveryBench, campaign: Campaign, codes: tuple[str | None, ...]) -> None:
    for job_id in bench.sweep():
        bench.send(job_id)
    rows = list(campaign.report())
    told = [(row, code) for row, code in zip(rows, codes, strict=True) if code is not None]
    bench.deliveries.take([a_report(row.out_id, row.phone, code) for row, code in told])


def names(bench: DeliveryBench) -> list[str]:
    return sorted(bench.store.progress(each).name for each in bench.store.ids())


def test_those_go_again_whose_code_permits_it(bench: DeliveryBench, sent: Sent) -> None:
    """Switched off and full inbox get it again; nonexistent numbers, black lists, refusals and unknown codes never, nor who still waits."""
    found = find_undelivered(bench.store, sent(params={"event": "x"}).id)
    assert (found.name, found.phones) == ("test (resend 1)", [PEOPLE[1], PEOPLE[5]])
    assert found.again == {"MOBILE_NOT_ON_SERVICE": 1, "MOBILE_TERMINAL_ERROR": 1}
    assert set(found.not_again) == {
        "INVALID_NUMBER",
        "MOBILE_IN_BLACK",
        "USER_REJECT",
        "isv.SOMETHING",
        "XX:1234",
    }
    campaign = resend(bench.store, found)
    assert [row.phone for row in campaign.report()] == found.phones
    assert bench.store.shared(campaign.id)["params"] == {"event": "x"}
    assert PEOPLE[1] not in repr(found)


def test_values_are_those_that_were_sent(bench: DeliveryBench) -> None:
    """A resend, and its own resend, take everybody's value from the row that was sent, not from one left out for its type."""
    people = [(PEOPLE[0], {"code": "12"}), (PEOPLE[0], {"code": "123456"})]
    order = replace(Order.read(people, "SMS_1"), types={"code": "numberCaptcha"})
    campaign = start(bench.store, order, element="SMS.Test", name="test")
    for _ in range(2):
        for job_id in bench.sweep():
            bench.send(job_id)
        sent = next(row for row in campaign.report() if row.outcome == "accepted")
        bench.deliveries.take([a_report(sent.out_id, sent.phone, "EXPIRED")])
        found = find_undelivered(bench.store, campaign.id)
        assert [row.values for row in found.order(people).rows()] == [("123456",)]
        campaign = resend(bench.store, found, file=people)


def test_second_run_sends_to_nobody_twice(bench: DeliveryBench, sent: Sent) -> None:
    """The same again makes nothing; who fails later gets one of his own, and who failed again is not sent to a third time."""
    first = sent()
    again = resend(bench.store, find_undelivered(bench.store, first.id))
    found = find_undelivered(bench.store, first.id)
    assert (found.phones, found.resent) == ([], 2)
    with pytest.raises(InvalidArguments):
        resend(bench.store, found)
    report(bench, again, ("EXPIRED", "EXPIRED"))
    late = next(row for row in first.report() if row.phone == PEOPLE[9])
    bench.deliveries.take([a_report(late.out_id, late.phone, "EXPIRED")])
    second = resend(bench.store, find_undelivered(bench.store, first.id))
    assert [row.phone for row in second.report()] == [PEOPLE[9]]
    assert names(bench) == ["test", "test (resend 1)", "test (resend 2)"]


def test_two_at_once_make_one_campaign(bench: DeliveryBench, sent: Sent) -> None:
    """Two commands that have read the same report start the same campaign."""
    first = sent()
    one, other = (find_undelivered(bench.store, first.id) for _ in range(2))
    assert resend(bench.store, one) == resend(bench.store, other)
    assert len(bench.sweep()) == 1


def test_interrupted_resend_is_finished(bench: DeliveryBench, sent: Sent) -> None:
    """A resend that died before its plan was complete is finished under its name by the same command."""
    first = sent()
    found = find_undelivered(bench.store, first.id)
    order, element = found.order(), "SMS.Test"
    planner = bench.store.create(
        campaign_id(element, found.name),
        name=found.name,
        element=element,
        shared=pack_campaign(element, order.template, {}),
        at=None,
        promotional=False,
    )
    for page in order.pages():
        bench.store.write(planner, page, ())
    bench.clock.pass_(60)
    assert bench.store.progress(planner.campaign_id).interrupted
    same = find_undelivered(bench.store, first.id)
    assert (same.name, same.phones) == (found.name, found.phones)
    assert resend(bench.store, same).id == planner.campaign_id
    assert len(bench.sweep()) == 1


def test_cancelled_resend_does_not_count(bench: DeliveryBench, sent: Sent) -> None:
    """Who was left without a message by a resend that was cancelled gets one by the next."""
    first = sent()
    resend(bench.store, find_undelivered(bench.store, first.id)).cancel()
    found = find_undelivered(bench.store, first.id)
    assert (found.name, found.phones, found.resent) == ("test (resend 2)", [PEOPLE[1], PEOPLE[5]], 0)


def test_campaign_that_still_sends_is_refused(bench: DeliveryBench) -> None:
    """A campaign that has not ended could be remembered longer than its resend, and then be resent twice: it has to end first."""
    campaign = bench.start(people=PEOPLE)
    with pytest.raises(InvalidArguments, match="has not ended") as error:
        find_undelivered(bench.store, campaign.id)
    assert error.value.reason == "campaign_not_ended"


def test_refused_campaign_has_nobody(bench: DeliveryBench) -> None:
    """Who was refused by Aliyun is no case of delivery."""
    campaign = bench.start(people=PEOPLE)
    for job_id in bench.sweep():
        bench.send(job_id, refused("isv.AMOUNT_NOT_ENOUGH"))
    assert find_undelivered(bench.store, campaign.id).phones == []


def test_own_parameters_come_from_the_file(bench: DeliveryBench, sent: Sent) -> None:
    """Parameters of each recipient have left Redis: without the file it is refused, with another one too, and with it each gets his own."""
    people = [{"phone": each, "name": f"n{place}", "note": "x"} for place, each in enumerate(PEOPLE)]
    first = sent(people=people, params={"name": "{name}", "event": "y"})
    found = find_undelivered(bench.store, first.id)
    with pytest.raises(InvalidArguments, match="give the file") as error:
        resend(bench.store, found)
    assert error.value.reason == "parameters_forgotten"
    with pytest.raises(InvalidArguments, match="1 recipients are missing"):
        resend(bench.store, found, file=people[:5])
    campaign = resend(bench.store, found, file=people)
    (job_id,) = bench.sweep()
    granted = bench.granted(job_id)
    message = make_chunk(job_id, granted.job, *granted.chunk).message
    assert message.phones == (PEOPLE[1], PEOPLE[5])
    assert [dict(each) for each in message.params_of_each] == [
        {"name": "n1", "event": "y"},
        {"name": "n5", "event": "y"},
    ]
    assert campaign.progress().total == 2


@pytest.mark.parametrize("promotional", [True, False, None])
def test_it_is_promotional_as_before(bench: DeliveryBench, sent: Sent, promotional: bool | None) -> None:
    """Hours and suppression are those of the campaign that is resent."""
    bench.clock.now = 1_764_300_000.0  # 11:20 in Beijing
    first = sent(promotional=promotional)
    again = resend(bench.store, find_undelivered(bench.store, first.id))
    assert again.progress().promotional is bool(promotional)
    assert bench.store.shared(again.id).get("notice") is bench.store.shared(first.id).get("notice")

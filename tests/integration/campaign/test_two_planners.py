"""Two starts of one name at a time: of the same file both succeed, and of another file none harms the other's plan."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from smsjobs import IdempotencyConflict, InvalidArguments
from smsjobs.campaign.pages import plan
from smsjobs.campaign.recipients import Row
from smsjobs.contract import campaign_id, pack_campaign
from smsjobs.redis_store import ELEMENTS
from support.campaigns import PAGE, Bench, counted, numbers, outcomes

#: Seconds for which a planner that gives no sign is believed to live.
LEASE_S = 10

COUNT = 2 * PAGE + 1000


class Died(BaseException):
    """The planner's process is killed."""


def breaks_off(count):
    """A file that shares its first rows with the others, and cannot be read to its end."""
    yield from numbers(count)
    raise InvalidArguments("cut")


def at_row(index, step):
    """The recipients, and something that happens when that row is read."""
    for n, number in enumerate(numbers(COUNT)):
        if n == index:
            step()
        yield number


OTHER_FILES = {
    "empty": list,
    "nobody": lambda: ["bad", "worse"],
    "broken at once": lambda: breaks_off(1),
    "broken later": lambda: breaks_off(PAGE + 1),
    "strict": lambda: [*numbers(5), "bad"],
}


@pytest.mark.parametrize("people", OTHER_FILES.values(), ids=OTHER_FILES)
@pytest.mark.parametrize("row", [1, PAGE + 1, 2 * PAGE + 1])
def test_another_file_that_fails(bench: Bench, people, row) -> None:
    """While a file is read, a start of its name with a file that fails takes nothing of its plan away."""

    def other():
        with pytest.raises(InvalidArguments):
            bench.start(people=people(), strict=True)

    campaign = bench.start(people=at_row(row, other))
    assert counted(campaign.progress()) == {"pending": COUNT}
    assert campaign.progress().state == "running"
    assert [row.phone for row in campaign.report()] == numbers(COUNT)


def test_a_long_reading(bench: Bench) -> None:
    """However long ago a plan was begun, it is its living planner's."""

    def other():
        bench.clock.pass_(LEASE_S - 1)
        with pytest.raises(InvalidArguments, match="cut"):
            bench.start(people=breaks_off(1))

    assert bench.start(COUNT, on_page=lambda _: other()).progress().total == COUNT


def test_another_file_fails_after_the_cancellation(bench: Bench) -> None:
    """A start that fails does not end a cancelled campaign whose file somebody else reads."""

    def other():
        (campaign_id,) = bench.store.ids()
        bench.store.cancel(campaign_id)
        with pytest.raises(InvalidArguments, match="cut"):
            bench.start(people=breaks_off(1))
        assert not bench.store.progress(campaign_id).ended

    campaign = bench.start(people=at_row(PAGE + 1, other))
    assert outcomes(campaign.report()) == {"not_sent": COUNT}


def dies(bench, pages=1):
    """A planner that is killed behind some of its pages."""

    def killed():
        raise Died

    with pytest.raises(Died):
        bench.start(people=at_row(pages * PAGE + 1, killed))


@pytest.mark.parametrize("pages", [0, 1])
def test_a_dead_planner(bench: Bench, pages) -> None:
    """The plan of a planner that has died is given up with the next file that fails, and its name is free again."""
    dies(bench, pages)
    bench.clock.pass_(LEASE_S)
    with pytest.raises(InvalidArguments, match="cut"):
        bench.start(people=breaks_off(PAGE + 1))
    assert list(bench.redis.scan_iter()) == [ELEMENTS]
    assert bench.start(5).progress().total == 5


def test_taken_over(bench: Bench) -> None:
    """A planner that began behind another one takes its plan over once that has died: its own failure gives it up."""

    def people():
        yield from numbers(PAGE + 1)
        bench.clock.pass_(LEASE_S)
        yield from numbers(COUNT)[PAGE + 1 :]
        raise InvalidArguments("cut")

    dies(bench)
    with pytest.raises(InvalidArguments, match="cut"):
        bench.start(people=people())
    assert list(bench.redis.scan_iter()) == [ELEMENTS]


def test_not_yet_taken_over(bench: Bench) -> None:
    """As long as a planner is believed to live its plan stays, for whoever starts it again."""
    dies(bench)
    with pytest.raises(InvalidArguments, match="cut"):
        bench.start(people=breaks_off(PAGE + 1))
    bench.clock.pass_(LEASE_S)
    assert bench.start(COUNT).progress().total == COUNT


def test_alive_from_its_first_step(bench: Bench) -> None:
    """Who starts an interrupted campaign again is believed to live before the first page is read anew."""
    dies(bench)
    bench.clock.pass_(LEASE_S)
    (campaign_id,) = bench.store.ids()
    assert bench.store.progress(campaign_id).reason
    told = []
    bench.start(people=at_row(1, lambda: told.append(bench.store.progress(campaign_id).reason)))
    assert told == [""]


def test_a_cancelled_one_waits_from_the_first_step(bench: Bench) -> None:
    """Cancelled while it is started again, before its first page is read anew, a campaign waits for its file."""
    dies(bench)
    bench.clock.pass_(LEASE_S)
    (campaign_id,) = bench.store.ids()
    campaign = bench.start(people=at_row(1, lambda: bench.store.cancel(campaign_id)))
    assert counted(campaign.progress()) == {"not_sent": COUNT}


@pytest.mark.parametrize("row", [1, PAGE + 1, COUNT - 1])
def test_the_same_file_within(bench: Bench, row) -> None:
    """A second start of the same file, from beginning to end while the first one reads, finds the same campaign."""
    second = []
    first = bench.start(people=at_row(row, lambda: second.append(bench.start(COUNT))))
    assert second == [first]
    assert counted(first.progress()) == {"pending": COUNT}
    assert [row.phone for row in first.report()] == numbers(COUNT)


def test_the_same_file_at_once(bench: Bench) -> None:
    """Several starts of the same file, page by page beside each other, all succeed, and nobody is planned twice."""
    barrier = Barrier(3, timeout=30)

    def begin(_):
        return bench.start(COUNT, on_page=lambda _: barrier.wait())

    with ThreadPoolExecutor(3) as pool:
        first, *others = pool.map(begin, range(3))
    assert others == [first, first]
    assert counted(first.progress()) == {"pending": COUNT}
    assert [row.phone for row in first.report()] == numbers(COUNT)
    assert len(bench.sweep()) == COUNT / 1000


def test_frozen_until_the_name_is_another_ones(bench: Bench) -> None:
    """A planner that was frozen until its plan was given up, and another one begun, writes nothing into that."""
    order = [Row(n, number, (), "", "") for n, number in enumerate(numbers(COUNT), 1)]
    other = [row._replace(phone=str(int(row.phone) + COUNT)) for row in order]

    def frozen():
        bench.clock.pass_(LEASE_S)
        with pytest.raises(InvalidArguments, match="cut"):
            bench.start(people=breaks_off(PAGE + 1))
        with pytest.raises(Died):
            bench.start(people=dies_behind([row.phone for row in other[: PAGE + 1]]))

    def dies_behind(people):
        yield from people
        raise Died

    with pytest.raises(InvalidArguments) as raised:
        bench.start(people=at_row(PAGE + 1, frozen))
    assert raised.value.reason == "campaign_not_found"
    (campaign_id,) = bench.store.ids()
    assert bench.store.progress(campaign_id).total == PAGE
    whole = bench.start(people=[row.phone for row in other])
    assert [row.phone for row in whole.report()] == [row.phone for row in other]


def test_no_page_before_its_turn(bench: Bench) -> None:
    """A page whose predecessor is not there is no part of the plan."""
    its_id = campaign_id("SMS.Test", "test")
    planner = bench.store.create(
        its_id,
        name="test",
        element="SMS.Test",
        shared=pack_campaign("SMS.Test", "SMS_1", {}),
        at=None,
        promotional=False,
    )
    first, second = plan((Row(n, number, (), "", "") for n, number in enumerate(numbers(PAGE + 1))), PAGE)
    with pytest.raises(InvalidArguments, match="discarded it"):
        bench.store.write(planner, second, ())
    assert bench.store.progress(its_id).total == 0
    assert bench.store.write(planner, first, ())
    assert bench.store.write(planner, second, ())
    assert bench.store.progress(its_id).total == PAGE + 1


def test_other_content_meanwhile(bench: Bench) -> None:
    """Another whole file under the name of one that is being read is refused, and that is read on."""

    def other():
        with pytest.raises(IdempotencyConflict, match="from line 1 on"):
            bench.start(people=numbers(COUNT + 1)[1:])

    campaign = bench.start(people=at_row(PAGE + 1, other))
    assert counted(campaign.progress()) == {"pending": COUNT}

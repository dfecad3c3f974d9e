"""A campaign that is cancelled while its file is read: what `wait` gives is final, and counts what was read."""

import pytest

from smsjobs import InvalidArguments
from smsjobs.campaign import heartbeat
from smsjobs_shell.campaign.progress import exit_status, show, watch
from smsjobs_shell.terminal.screen import Screen
from support.campaigns import PAGE, Bench, counted, numbers, outcomes
from support.keys import campaign_key, open_campaigns
from support.polling import until

#: Seconds for which a planner that gives no sign is believed to live.
LEASE_S = 10


class Died(BaseException):
    """The planner's process is killed."""


def cancel(bench):
    bench.store.cancel(bench.store.ids()[0])


def dying_after(bench, pages, *, cancelled_at=None):
    """Starts a campaign of three pages whose planner dies after some of them; gives its handle."""

    def on_page(page):
        if page.number == cancelled_at:
            cancel(bench)
        if page.number + 1 == pages:
            raise Died

    def people():
        yield from numbers(3 * PAGE)[: 3 * PAGE if pages else 1]
        raise Died

    with pytest.raises(Died):
        bench.start(people=people(), on_page=on_page)
    return bench.handle(bench.store.ids()[0])


def facts(campaign):
    """All that a caller can see of it."""
    return campaign.progress(), list(campaign.report())


def test_not_before_the_file_is_read(bench: Bench) -> None:
    """While the rest of the file is read, a cancelled campaign has not ended; then its numbers are those of the file."""
    looks = []

    def on_page(page):
        if page.number == 0:
            cancel(bench)
        campaign = bench.handle(bench.store.ids()[0])
        with pytest.raises(TimeoutError):
            campaign.wait(timeout=0)
        looks.append((campaign.progress().state, campaign.progress().ended, campaign.progress().total))

    campaign = bench.start(2 * PAGE + 500, on_page=on_page)
    assert looks == [("cancelled", False, n) for n in (PAGE, 2 * PAGE, 2 * PAGE + 500)]
    assert counted(campaign.wait(timeout=0)) == {"not_sent": 2 * PAGE + 500}
    assert outcomes(campaign.report()) == {"not_sent": 2 * PAGE + 500}


@pytest.mark.parametrize("pages", [0, 1, 2, 3])
def test_cancelled_long_after_its_planner_died(bench: Bench, pages) -> None:
    """A campaign whose planner died some time ago ends with its cancellation, with what was read of its file."""
    campaign = dying_after(bench, pages)
    bench.clock.pass_(LEASE_S)
    campaign.cancel()
    progress = campaign.wait(timeout=0)
    assert (progress.state, progress.total, progress.not_sent) == ("cancelled", pages * PAGE, pages * PAGE)
    assert len(list(campaign.report())) == pages * PAGE


def test_cancelled_just_after_its_planner_died(bench: Bench) -> None:
    """A planner that gives no more sign of life is waited for, but not for long."""
    campaign = dying_after(bench, 1)
    campaign.cancel()
    with pytest.raises(TimeoutError):
        campaign.wait(timeout=0)
    bench.clock.pass_(LEASE_S)
    assert campaign.wait(timeout=0).total == PAGE


def test_planner_dies_after_the_cancellation(bench: Bench) -> None:
    """A planner that dies while it reads on is waited for no longer than one that died before."""
    campaign = dying_after(bench, 2, cancelled_at=0)
    assert not campaign.progress().ended
    bench.clock.pass_(LEASE_S)
    assert counted(campaign.wait(timeout=0)) == {"not_sent": 2 * PAGE}


@pytest.mark.parametrize("pages", [0, 1])
def test_interrupted_is_told(bench: Bench, pages) -> None:
    """A campaign whose planner died says so, which ends the watching, and says it no longer when it is started again."""
    campaign = dying_after(bench, pages)
    assert (campaign.progress().state, campaign.progress().reason) == ("planning", "")
    bench.clock.pass_(LEASE_S)
    told = "its reading was interrupted; run the same start again, or cancel it"
    assert (campaign.progress().state, campaign.progress().reason) == ("planning", told)
    watch(Screen(as_json=True), campaign)
    assert exit_status(campaign.progress()) == 1
    looks: list[str] = []
    bench.start(3 * PAGE, on_page=lambda _: looks.append(campaign.progress().reason))
    assert set(looks) == {""}


def test_interrupted_and_paused(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """A campaign paused while its file was read, whose planner then died, says that resuming it is not enough."""
    campaign = dying_after(bench, 1)
    campaign.pause()
    assert (campaign.progress().reason, campaign.progress().interrupted) == ("paused by hand", False)
    bench.clock.pass_(LEASE_S)
    progress = campaign.progress()
    told = "paused by hand, and its reading was interrupted; run the same start again, or cancel it"
    assert (progress.state, progress.reason, progress.interrupted) == ("paused", told, True)
    show(Screen(as_json=False), campaign)
    assert "smsjobs campaign resume" not in capsys.readouterr().out
    bench.start(3 * PAGE)
    progress = campaign.progress()
    assert (progress.state, progress.reason, progress.interrupted) == ("paused", "paused by hand", False)
    show(Screen(as_json=False), campaign)
    assert "smsjobs campaign resume" in capsys.readouterr().out


@pytest.mark.parametrize("pages", [0, 1, 2, 3])
def test_what_was_told_stays(bench: Bench, pages) -> None:
    """Once it was told that a campaign has ended, the same command changes nothing of it and sends nothing."""
    campaign = dying_after(bench, pages)
    bench.clock.pass_(LEASE_S)
    campaign.cancel()
    told = facts(campaign)
    assert told[0].ended
    bench.clock.pass_(1)
    assert bench.start(3 * PAGE) == campaign
    assert facts(campaign) == told
    assert bench.sweep() == []
    left = {name: bench.redis.pttl(name) for name in bench.redis.scan_iter("sms:{*}:campaign:*")}
    assert min(left.values()) > 0, left


def test_a_planner_that_was_stopped(bench: Bench) -> None:
    """A planner that was frozen until its campaign had ended finds it so when it wakes up, and stops reading."""
    told = []

    def people():
        for index, number in enumerate(numbers(3 * PAGE)):
            if index == PAGE + 1:
                campaign = bench.handle(bench.store.ids()[0])
                campaign.cancel()
                bench.clock.pass_(LEASE_S)
                told.extend(facts(campaign))
            assert index <= 2 * PAGE, "it reads on"
            yield number

    campaign = bench.start(people=people())
    assert told[0].ended
    assert facts(campaign) == tuple(told)
    assert told[0].total == PAGE


def test_started_again_in_time(bench: Bench) -> None:
    """The same command, soon after the first planner died, reads the rest, so that the report has every row."""
    campaign = dying_after(bench, 1, cancelled_at=0)
    bench.clock.pass_(LEASE_S - 1)
    assert bench.start(3 * PAGE) == campaign
    assert counted(campaign.wait(timeout=0)) == {"not_sent": 3 * PAGE}
    assert bench.sweep() == []


def test_a_file_that_breaks_off(bench: Bench) -> None:
    """A cancelled campaign whose file turns out to be broken ends at once, with the rows before that."""

    def people():
        yield from numbers(PAGE + 10)
        cancel(bench)
        raise InvalidArguments("cut")

    with pytest.raises(InvalidArguments, match="cut"):
        bench.start(people=people())
    campaign = bench.handle(bench.store.ids()[0])
    assert counted(campaign.wait(timeout=0)) == {"not_sent": PAGE}
    assert outcomes(campaign.report()) == {"not_sent": PAGE}


def test_nobody_asks(bench: Bench) -> None:
    """A cancelled campaign whose planner died is forgotten after a while though nobody ever looks at it again."""
    dying_after(bench, 1, cancelled_at=0)
    assert bench.sweep() == []
    bench.clock.pass_(LEASE_S)
    assert bench.sweep() == []
    left = {name: bench.redis.pttl(name) for name in bench.redis.scan_iter("sms:{*}:campaign:*")}
    assert min(left.values()) > 0, left
    assert bench.redis.smembers(open_campaigns()) == set()


def test_a_slow_source(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long recipients take to come, a cancelled campaign waits for them while its planner lives."""
    monkeypatch.setattr(heartbeat, "BEAT_S", 0.01)

    def people():
        yield from numbers(PAGE + 1)
        (campaign_id,) = bench.store.ids()
        bench.store.cancel(campaign_id)
        for _ in range(10):
            bench.clock.pass_(LEASE_S - 2)
            until(
                lambda: (
                    int(bench.redis.hget(campaign_key(campaign_id), "planner"))
                    >= bench.clock.ms + LEASE_S * 1000
                ),
                "a sign of life",
            )
            assert not bench.store.progress(campaign_id).ended
        yield from numbers(2 * PAGE)[PAGE + 1 :]

    campaign = bench.start(people=people())
    assert counted(campaign.wait(timeout=0)) == {"not_sent": 2 * PAGE}

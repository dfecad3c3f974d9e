"""Somebody is asked when the whole file is planned, and before anything of it may be sent."""

import pytest

from smsjobs import InvalidArguments
from support.campaigns import PAGE, Bench, numbers


class NoError(Exception):
    """The answer is no."""


def no() -> None:
    raise NoError


def test_asked_once(bench: Bench) -> None:
    """It is asked after the last page, while nothing may be sent, and not again once it may be."""
    asked = []

    def ask() -> None:
        (its_id,) = bench.store.ids()
        asked.append((bench.store.progress(its_id).total, bench.sweep()))

    campaign = bench.start(PAGE + 1, before_sending=ask)
    assert asked == [(PAGE + 1, [])]
    assert len(bench.sweep()) == 3
    assert bench.start(PAGE + 1, before_sending=no) == campaign
    campaign.cancel()
    assert bench.start(PAGE + 1, before_sending=no) == campaign


@pytest.mark.parametrize("error", [NoError, KeyboardInterrupt, InvalidArguments])
def test_a_no_leaves_nothing_behind(bench: Bench, error: type[BaseException]) -> None:
    """After a no, the campaign is forgotten, and its name is free for other recipients."""

    def refuse() -> None:
        raise error("no")

    before = set(bench.redis.scan_iter())
    with pytest.raises(error):
        bench.start(PAGE + 1, before_sending=refuse)
    assert bench.store.ids() == []
    assert not [key for key in set(bench.redis.scan_iter()) - before if ":campaign" in key]
    assert bench.start(people=numbers(5)).progress().total == 5


def test_an_interrupted_one_is_asked_about(bench: Bench) -> None:
    """Whoever finishes a plan that was interrupted is asked, because nothing of it was sent."""
    with pytest.raises(ZeroDivisionError):
        bench.start(PAGE + 1, on_page=lambda _: 1 / 0)
    bench.clock.pass_(11)  # it is known to be dead
    with pytest.raises(NoError):
        bench.start(PAGE + 1, before_sending=no)
    assert bench.store.ids() == []


def test_nobody_is_asked_about_nobody(bench: Bench) -> None:
    """A file that reaches nobody is an error, and no question."""
    with pytest.raises(InvalidArguments, match="no row can be used"):
        bench.start(people=["x"], before_sending=no)


def test_cancelled_meanwhile(bench: Bench) -> None:
    """A campaign that somebody cancels while the question stands sends nothing after a yes."""
    campaign = bench.start(PAGE + 1, before_sending=lambda: bench.handle(bench.store.ids()[0]).cancel())
    assert campaign.progress().state == "cancelled"
    assert bench.sweep() == []


def test_a_question_that_stands_for_long(bench: Bench) -> None:
    """A plan whose question nobody has answered yet belongs to whoever asks, and another start of it finishes it."""

    def think() -> None:
        bench.clock.pass_(5)
        campaign = bench.start(PAGE + 1)
        assert campaign.progress().state == "running"

    campaign = bench.start(PAGE + 1, before_sending=think)
    assert campaign.progress().total == PAGE + 1

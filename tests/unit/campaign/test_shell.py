"""The commands' own decisions; what they do to a campaign is shown by the acceptance tests."""

import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import click
import pytest

from smsjobs.campaign import CampaignProgress
from smsjobs.campaign.store import _past
from smsjobs.contract import QueueUnavailable
from smsjobs_shell.campaign import progress as campaign_progress
from smsjobs_shell.campaign.progress import _facts, chart, exit_status, show, tell_of_report, watch
from smsjobs_shell.terminal.failure import CommandFailed
from smsjobs_shell.terminal.moment import read_moment
from smsjobs_shell.terminal.screen import Bar, Screen
from smsjobs_shell.terminal.wording import in_shell_words


def progress(**more):
    given = {
        "id": "test-1",
        "name": "test",
        "element": "SMS.Test",
        "state": "running",
        "total": 1000,
        "pending": 0,
        "accepted": 1000,
        "rejected": 0,
        "not_sent": 0,
        "unknown": 0,
        "invalid": 0,
        "duplicates": 0,
        "chunks": 1,
        "created_ms": 1,
    }
    return CampaignProgress(**given | more)


@pytest.mark.parametrize(
    ("typed", "hour"),
    [
        ("2026-11-11T09:00+08:00", 1),
        ("2026-11-11 09:00 Asia/Shanghai", 1),
        ("2026-11-11 09:00+00:00", 9),
        ("2026-11-11T09:00Z", 9),
        ("2026-11-11 09:00", 1),
        ("2026-11-11", -8),
    ],
)
def test_time(typed, hour):
    """A time is understood with its zone, be it an offset or a name; without one it is Beijing time."""
    assert read_moment(None, None, typed) == datetime(2026, 11, 11, tzinfo=UTC) + timedelta(hours=hour)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        *((each, "Beijing time, or with its zone") for each in ("09:00", "tomorrow", "")),
        ("2026-11-11T09:00Z UTC", "Beijing time, or with its zone"),
        ("next week Asia/Shanghai", "Beijing time, or with its zone"),
        *(
            (f"2026-11-11 09:00 {each}", "no time zone of that name")
            for each in ("Asia/Nowhere", "Asia", "A/../B")
        ),
        ("2026-02-30 09:00 Asia/Shanghai", "no such date or time"),
        ("2026-11-11T25:00+08:00", "no such date or time"),
        ("2026-13-11 09:00:00Z", "no such date or time"),
    ],
)
def test_no_time(typed, words):
    """A time in a zone that does not exist, or on a day that does not, is refused for that reason."""
    with pytest.raises(click.BadParameter, match=words):
        read_moment(None, None, typed)


def test_a_past_time_names_the_option_only():
    """Who typed --at is not told of the library's argument."""
    told = in_shell_words(_past(datetime(2020, 1, 1, tzinfo=UTC), now_ms=1_700_000_000_000))
    assert told.startswith("--at 2020-01-01T00:00:00+00:00 is past, it is 2023-11-14")
    assert told.endswith("now: leave it out to send now")


@pytest.mark.parametrize(
    ("typed", "here", "shown"),
    [
        ("2100-01-01 09:00 America/New_York", "UTC", "2100-01-01 09:00:00 America/New_York"),
        ("2100-01-01T09:00-05:00", "UTC", "2100-01-01 09:00:00-05:00"),
        ("2100-01-01 22:00", "UTC", "2100-01-01 22:00:00+08:00 (Beijing time)"),
        (None, "Europe/Berlin", "2100-01-01 15:00:00+01:00 (2100-01-01 22:00:00 Beijing time)"),
        (None, "Asia/Shanghai", "2100-01-01 22:00:00+08:00 (Beijing time)"),
    ],
)
def test_when_a_campaign_begins(typed, here, shown, monkeypatch, capsys):
    """The start is shown in the zone in which it was typed; where that is not known, here and in Beijing."""
    monkeypatch.setenv("TZ", here)
    time.tzset()
    waits = progress(state="scheduled", accepted=0, pending=1000, starts_ms=4_102_495_200_000)
    found = SimpleNamespace(progress=lambda: waits)
    show(Screen(as_json=False), found, begins_in=typed and read_moment(None, None, typed).tzinfo)
    monkeypatch.undo()
    time.tzset()
    assert re.search(rf"^begins +{re.escape(shown)}$", capsys.readouterr().out, re.MULTILINE)


def test_exit_status():
    """A watched campaign is a success only where everybody's message was accepted."""
    assert exit_status(progress()) == 0
    assert exit_status(progress(accepted=999, unknown=1)) == 1
    assert exit_status(progress(accepted=0, total=0)) == 0
    assert exit_status(progress(accepted=0, total=0, state="planning", interrupted=True)) == 1


def test_chart():
    """The chart has a bar for each outcome that occurs and each code but OK, none of them wider than it may be."""
    codes = {"OK": 700, "isv.MOBILE_NUMBER_ILLEGAL": 299, "no_answer": 1}
    lines = chart(progress(accepted=700, rejected=299, unknown=1, by_code=codes), 80)
    assert [line.split()[0] for line in lines] == [
        "accepted",
        "rejected",
        "unknown",
        "isv.MOBILE_NUMBER_ILLEGAL",
        "no_answer",
    ]
    assert all("█" in line for line in lines)
    assert not chart(progress(total=0, accepted=0), 80)


def test_chart_of_deliveries():
    """Below what did not arrive stand the carriers' codes, the most frequent first, and no more than ten of them."""
    codes = {"DELIVERED": 600, "EXPIRED": 40, "MOBILE_IN_BLACK": 60}
    lines = chart(progress(delivered=600, undelivered=100, by_err_code=codes), 80)
    assert [line.split()[:2] for line in lines] == [
        ["accepted", "1,000"],
        ["delivered", "600"],
        ["undelivered", "100"],
        ["MOBILE_IN_BLACK", "60"],
        ["EXPIRED", "40"],
        ["awaiting", "300"],
    ]
    many = {f"MK:{number}": number for number in range(1, 30)}
    assert len(chart(progress(undelivered=435, by_err_code=many), 80)) == 3 + 10


@pytest.mark.parametrize("codes", [{}, {"isv.MOBILE_NUMBER_ILLEGAL": 1000}])
def test_chart_is_as_wide_as_it_may_be(codes):
    """Where one outcome has everybody, its bar ends at the last column and no later."""
    lines = chart(progress(total=1000, accepted=1000, by_code=codes), 80)
    assert {len(line) for line in lines} == {80}


def test_plurals():
    """One thing is not several."""
    facts = dict(_facts(progress(total=2, chunks=1, duplicates=1)))
    assert facts["recipients"] == "2 in 1 request"
    assert facts["left out"] == "0 invalid, 1 duplicate, 0 blank rows"


def test_plain_bar():
    """Without a terminal, a line is written now and then and at the end, and never the same one twice."""
    told = []
    bar = Bar(told.append, "rows")
    for done in (1, 2, 3):
        bar.update(done, 3, rate=1000.4, note="paused")
    bar.update(3, 3, rate=1000.4, note="paused")
    assert told == ["3 of 3 rows, 1,000 a second; paused"]


@pytest.mark.parametrize(
    ("reason", "words"),
    [("paused by hand", "To continue it:  "), ("isv.AMOUNT_NOT_ENOUGH", "Once that is fixed:  ")],
)
def test_how_a_paused_campaign_goes_on(reason, words, capsys):
    """Only a campaign that paused itself has something to be fixed before it continues."""
    found = progress(state="paused", reason=reason)
    show(Screen(as_json=False), SimpleNamespace(progress=lambda: found))
    assert f"\n{words}smsjobs campaign resume test-1\n" in capsys.readouterr().out


def test_watching_a_cancelled_campaign(capsys):
    """What a cancelled campaign spared is not counted as sent."""
    found = progress(
        state="cancelled", accepted=400, not_sent=600, by_code={"OK": 400, "cancelled": 600}, ended_ms=2
    )
    watch(Screen(as_json=False), SimpleNamespace(id="test-1", progress=lambda: found))
    assert "Sending: 400 of 1,000 messages; cancelled, not_sent 600\n" in capsys.readouterr().out


def test_watching_deliveries(monkeypatch, capsys):
    """Who watches a campaign sees what arrived while the rest is being sent, and at its end why what did not."""
    monkeypatch.setattr(campaign_progress, "_LOOK_S", 0.0)
    monkeypatch.setattr("smsjobs_shell.terminal.screen._PLAIN_BAR_S", 0.0)
    half = progress(accepted=500, pending=500)
    codes = {"DELIVERED": 300, "EXPIRED": 100}
    more = replace(half, delivered=300, undelivered=100, unreported=20, by_err_code=codes)
    ended = replace(more, accepted=1000, pending=0, ended_ms=2)
    seen = iter([half, half, more, ended, ended])
    found = SimpleNamespace(id="test-1", progress=lambda: next(seen))
    watch(Screen(as_json=False), found)
    show(Screen(as_json=False), found)
    told = capsys.readouterr().out
    assert "500 of 1,000 messages\n" in told
    assert "; delivered 300, undelivered 100, unreported 20, awaiting 80\n" in told
    assert "; delivered 300, undelivered 100, unreported 20, awaiting 580\n" in told
    assert re.search(r"undelivered +100 .*\n +EXPIRED +100 ", told)
    assert re.search(r"Why it did not arrive:\nEXPIRED +\w", told)
    assert "Receipts still come in:  smsjobs campaign status test-1\n" in told


def test_watching_a_scheduled_campaign(capsys):
    """Who watches a campaign that waits for its start is told so, and when it begins, before anything is sent."""
    waits = progress(state="scheduled", accepted=0, pending=1000, starts_ms=4_102_444_800_000)
    seen = iter([waits, progress(ended_ms=2)])
    watch(Screen(as_json=False), SimpleNamespace(id="test-1", progress=lambda: next(seen)))
    told = capsys.readouterr().out
    assert "state   scheduled\nbegins  2100-01-01 " in told or "begins  2099-12-31 " in told


@pytest.mark.parametrize(
    ("workers", "state", "told"),
    [
        pytest.param({"bulk": 0}, "running", 1, id="none answers"),
        pytest.param({"bulk": 1}, "running", 0, id="one answers"),
        pytest.param(None, "running", 0, id="the broker does not tell"),
        pytest.param({"bulk": 0}, "scheduled", 0, id="it need not send yet"),
    ],
)
def test_watching_where_no_worker_sends(workers, state, told, monkeypatch, capsys):
    """Where nothing moves for some seconds and no worker answers, that is said once, and how to start one."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(campaign_progress.time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(campaign_progress.time, "sleep", lambda s: setattr(clock, "now", clock.now + s))
    monkeypatch.setattr(campaign_progress, "workers_by_lane", lambda _: workers)

    def now():
        return progress() if clock.now > 60 else progress(state=state, pending=1000, accepted=0)

    found = SimpleNamespace(
        id="test-1", progress=lambda: replace(now(), ended_ms=1 if clock.now > 60 else None)
    )
    watch(Screen(as_json=False), found, "redis://")
    out = capsys.readouterr().out
    assert out.count("No worker of the lane bulk answers") == told
    assert out.count("celery -A smsjobs_worker worker -Q sms.bulk") == told


@pytest.mark.parametrize(
    ("more", "told"),
    [
        pytest.param({}, False, id="everybody got it"),
        pytest.param({"accepted": 999, "unknown": 1}, True, id="somebody may not have got it"),
        pytest.param({"invalid": 1}, True, id="a row was left out"),
        pytest.param({"duplicates": 1}, True, id="a row was left out as a duplicate"),
        pytest.param(
            {"accepted": 999, "pending": 1, "state": "paused", "ended_ms": None}, False, id="paused"
        ),
    ],
)
def test_how_to_find_out_who_got_what(more, told, capsys):
    """After a watched campaign that did not reach every row, the command for the report is shown."""
    tell_of_report(Screen(as_json=False), progress(**{"ended_ms": 2} | more))
    out = capsys.readouterr().out
    assert ("smsjobs campaign report test-1 -o report.csv" in out) == told


def test_watching_while_redis_is_unreachable():
    """Where Redis is unreachable for long, the watching ends with the campaign's id, and says that the campaign continues."""

    def unreachable():
        raise QueueUnavailable("Redis is unreachable")

    with pytest.raises(CommandFailed) as caught:
        watch(Screen(as_json=True), SimpleNamespace(id="people-1", progress=unreachable))
    assert "continues" in str(caught.value)
    assert "--watch people-1" in str(caught.value)
    assert caught.value.to_json()["error"]["id"] == "people-1"

"""A campaign's name that is used again once its record is gone: another campaign, whose chunks are other jobs."""

import re

import pytest

from smsjobs import InvalidArguments
from smsjobs.contract import chunk_id
from smsjobs.ledger import Ledger
from support.campaigns import KEEP_S, Bench, counted, numbers
from support.keys import campaigns, job_key


def forget(bench):
    """What Redis does once the campaign has been kept for its time, while its jobs are kept for longer."""
    for name in [*bench.redis.scan_iter("sms:{*}:campaign:*"), campaigns()]:
        bench.redis.delete(name)
    bench.clock.pass_(KEEP_S)


def sent(bench):
    """A campaign that was sent to its end."""
    campaign = bench.start()
    jobs = bench.sweep()
    for job_id in jobs:
        bench.send(job_id)
    assert counted(campaign.progress()) == {"accepted": 2500}
    assert len(jobs) == 3
    return jobs


def test_a_new_campaign_is_sent(bench: Bench) -> None:
    """The outcomes of an earlier campaign of the name are not this one's, though workers keep them for longer."""
    bench.ledger = Ledger(bench.redis, retention_s=10 * KEEP_S, clock=bench.clock)
    before = sent(bench)
    forget(bench)
    again = bench.start()
    assert all(bench.redis.exists(job_key(job_id)) for job_id in before)
    jobs = bench.sweep()
    assert len(jobs) == 3
    assert counted(again.progress()) == {"pending": 2500}
    for job_id in jobs:
        bench.send(job_id)
    assert counted(again.progress()) == {"accepted": 2500}
    assert {row.out_id for row in again.report()} == set(jobs)


def test_other_ids(bench: Bench) -> None:
    """No OutId is used twice, so that a look-up of one campaign's lost answer does not find another's message."""
    before = sent(bench)
    forget(bench)
    assert set(sent(bench)).isdisjoint(before)


def test_cancelled_again(bench: Bench) -> None:
    """Cancelling a campaign counts none of an earlier one's chunks, and leaves their outcomes alone."""
    before = sent(bench)
    forget(bench)
    again = bench.start()
    again.cancel()
    assert counted(again.progress()) == {"not_sent": 2500}
    assert {bench.ledger.read(job_id).status for job_id in before} == {"accepted"}


def test_the_same_generation(bench: Bench) -> None:
    """As long as a campaign is kept, the same call finds it with the ids that its chunks have."""
    campaign = bench.start()
    ids = [row.out_id for row in campaign.report()]
    bench.clock.pass_(60)
    assert [row.out_id for row in bench.start().report()] == ids


def test_an_id_is_legal(bench: Bench) -> None:
    """The longest id that a chunk can have is an id that the contract and Aliyun take, and tells its moment."""
    campaign = bench.start(1, name="a" * 200)
    (job_id,) = bench.sweep()
    assert re.fullmatch(r"a{24}-[a-z2-7]{12}-[0-9a-z]{8}-0", job_id)
    assert int(job_id.split("-")[2], 36) == campaign.progress().created_ms
    # In base 36, milliseconds have nine digits from the year 2059 to the year 5188.
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", chunk_id(campaign.id, "z" * 8, "9999999" + 10 * "b"))
    assert numbers(1) == [row.phone for row in campaign.report()]


def test_a_report_of_one_campaign(bench: Bench) -> None:
    """A report that is being read when its campaign goes, and another one of the name is begun, does not go on with that."""
    rows = bench.start(15_000).report()
    assert next(rows).line == 1
    forget(bench)
    bench.start(15_000)
    with pytest.raises(InvalidArguments) as raised:
        list(rows)
    assert raised.value.reason == "campaign_not_found"

"""What is in Redis is a contract between versions: its golden files, one for each release."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from packaging.version import Version

from smsjobs.contract import SendResult, decode_job, element_tag
from support.families import families
from support.layout import CAMPAIGN, Layout, differences, dump, job, load, write
from support.ledgers import accepted
from support.receipts import DeliveryBench, a_report

GOLDEN = {Version(path.stem): path for path in (Path(__file__).parent / "golden").glob("*.json")}
PAGE = Path(__file__).parents[3] / "docs/upgrading.md"


def golden(version: Version) -> dict[str, Any]:
    return json.loads(GOLDEN[version].read_text("utf-8"))


def noted(after: Version) -> set[str]:
    """What the page says has changed in Redis after that version."""
    section = PAGE.read_text("utf-8").split("## What changed in Redis")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\d+\.\d+\.\d+) \|(.*)", section, re.MULTILINE)
    return {name for version, row in rows if Version(version) > after for name in re.findall("`(.+?)`", row)}


def changed(before: dict[str, Any], families_now: set[str], redis_now: Layout) -> Iterator[str]:
    yield from set(before["families"]) ^ families_now
    yield from differences(before["redis"], redis_now)


def test_written_as_ever(client: redis.Redis) -> None:
    """What is written into Redis is what the last release wrote, but for what the page on upgrading names."""
    last = max(GOLDEN)
    write(DeliveryBench(client))
    unsaid = set(changed(golden(last), families(), dump(client))) - noted(last)
    assert not unsaid, (
        f"differs from what {last} wrote: say so in docs/upgrading.md, What changed in Redis; "
        f"or make the golden file anew (CONTRIBUTING.md, Release) if {last} is not released yet"
    )


def test_a_difference_has_a_name() -> None:
    """A lost field, a new key, another text and other packed rows are told apart by their families."""
    before = golden(max(GOLDEN))
    now = json.loads(json.dumps(before["redis"]))
    (entry,) = [each for each in now if each.endswith(f"job:{job(4).id}")]
    del now[entry]["value"]["lease"]
    (rows,) = [each for each in now if each.endswith(":rows")]
    now[rows]["value"]["0"] = now[rows]["value"]["0"].replace("eJ", "ej")
    now["sms:{znhnaa}:new:1"] = {"type": "string", "expires": False, "value": "1"}
    found = set(changed(before, {*before["families"], "newer"}, now))
    assert found == {"job.lease", "campaign:rows", "new", "newer"}


@pytest.mark.parametrize("version", sorted(GOLDEN), ids=str)
def test_what_a_release_wrote_is_completed(client: redis.Redis, version: Version) -> None:
    """Each job, campaign and delivery that an earlier release left in Redis goes on to its end."""
    load(client, golden(version)["redis"])
    bench = DeliveryBench(client)
    ledger = bench.ledger
    bench.clock.pass_(40)
    assert ledger.settle(job(4).id, "token", accepted(job(4))).ours
    assert not ledger.record(job(13, idempotency_key="golden", lane_name="notification")).new
    states = {}
    for seconds in (120, 480):
        bench.clock.pass_(seconds)
        for pull in bench.deliveries.due_pulls(element_tag("SMS.Test"), most=10, lease_s=60):
            assert bench.deliveries.take([a_report(pull.job_id, pull.phones[0])]).counts == {"written": 1}
        for due in ledger.sweep():
            if due.verb not in ("publish", "requeue"):
                continue
            claim = bench.granted(due.job_id)
            states[due.job_id] = claim.state
            if not due.job_id.startswith(CAMPAIGN):
                assert decode_job(json.loads(claim.job)).id == due.job_id
            bench.settle(claim, SendResult(response={"Code": "OK"}, out_id=due.job_id, attempts=1))
    ids = [job(number).id for number in (1, 2, 3, 11, 12)]
    assert {each: states[each] for each in (*ids, "of-a-plain-client")} == {
        **dict.fromkeys(ids[:2], "looking_up"),
        **dict.fromkeys(ids[2:], "sending"),
        "of-a-plain-client": "sending",
    }
    snapshots = {number: ledger.read(job(number).id) for number in range(1, 13)}
    assert {number: each.status for number, each in snapshots.items() if each} == {
        **dict.fromkeys(range(1, 13), "accepted"),
        8: "not_sent",
        9: "unknown",
    }
    assert {bench.deliveries.delivery(job(number).id).state for number in (6, 7, 10)} == {"delivered"}
    (campaign_id,) = client.zrange(next(iter(client.scan_iter("*:campaigns"))), 0, -1)
    progress = bench.handle(campaign_id).progress()
    assert (progress.state, progress.accepted, progress.unknown) == ("finished", 6, 2)
    assert not [*client.scan_iter("*aside*")]

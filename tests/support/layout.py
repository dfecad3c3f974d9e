"""What this version writes into Redis, as a golden file: later versions must read it, and must say what they change.

`python -m support.layout` in ``tests/`` prints the file. Each release keeps its own.
"""

import base64
import json
import re
import sys
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import redis

from smsjobs.contract import JobRecord, element_tag
from smsjobs.ledger import Awaited, Try
from smsjobs.redis_store import connect_redis
from support.campaigns import numbers, refused, unknown
from support.families import families
from support.ledgers import PHONE, a_job, accepted, failed, granted, to_look_up, to_send
from support.receipts import DeliveryBench, a_report
from support.redis_server import RedisServer

__all__ = ["CAMPAIGN", "Layout", "differences", "dump", "job", "load", "write"]

#: Each key with its type, its value, and whether it expires.
Layout = dict[str, dict[str, Any]]

#: The name of the one campaign.
CAMPAIGN = "golden"

#: A word of ours. What is no such word is an id, a digest, a tag or a number.
_WORD = re.compile("[a-z_]+")

_TAG = re.compile("{.*?}")

#: What is packed. Not every zlib packs it into the same bytes.
_PACKED = re.compile("eJ[A-Za-z0-9+/]+=*")


def job(number: int, **more: Any) -> JobRecord:
    """One of the jobs, by its number."""
    return a_job(id=f"{element_tag('SMS.Test')}-00000000-0000-4000-8000-{number:012d}", **more)


def write(bench: DeliveryBench) -> None:
    """Leave a job in each state, a campaign in the middle of its way, and what surrounds them."""
    ledger, clock = bench.ledger, bench.clock
    for number in range(1, 11):
        ledger.record(job(number, lane_name="notification" if number % 2 else "verification"))
    ledger.record(job(11, idempotency_key="golden", lane_name="notification", countdown=600))
    ledger.record(job(12, traceparent=f"00-{'1' * 32}-{'2' * 16}-01"))
    ledger.record(a_job(id="of-a-plain-client"))
    ledger.follow("of-a-plain-client", "another-task")

    granted(ledger, job(1), "died")
    clock.pass_(40)
    ledger.sweep()  # interrupted
    granted(ledger, job(2))
    lost = Try(at=datetime.fromtimestamp(clock.now, UTC), result="lost", reason="no_answer")
    ledger.wait(job(2).id, "token", to_look_up(clock, delay_s=60), tries=[lost])
    granted(ledger, job(3))
    ledger.wait(job(3).id, "token", to_send(delay_s=60))
    granted(ledger, job(4))
    awaited = Awaited(phones=(PHONE,), first_s=120, last_s=3600)
    for number, pulled in ((5, None), (6, awaited), (7, None)):
        granted(ledger, job(number))
        ledger.settle(job(number).id, "token", accepted(job(number)), awaited=pulled)
    bench.deliveries.take([a_report(job(7).id)])
    for number, outcome in ((8, "not_sent"), (9, "unknown"), (10, "unknown")):
        granted(ledger, job(number))
        ledger.settle(job(number).id, "token", failed(job(number), outcome), outside_task=number == 9)
    bench.deliveries.take([a_report(job(10).id)])

    bench.start(people=numbers(8), name=CAMPAIGN, params={"name": "张三"})
    (whole,) = [each for each in bench.sweep() if each.startswith(CAMPAIGN)]
    bench.settle(bench.granted(whole), refused(), halve=True)
    first, second = [each for each in bench.sweep() if each.startswith(CAMPAIGN)]
    bench.send(first)
    bench.deliveries.take([a_report(first, numbers(1)[0], "MK:0001")])
    bench.settle(bench.granted(second), refused(), halve=True)
    third, _ = [each for each in bench.sweep() if each.startswith(CAMPAIGN)]
    bench.send(third, unknown())


def dump(client: "redis.Redis") -> Layout:
    """All that is there. A planner's name is random, so it is not shown."""
    read: dict[str, Any] = {
        "hash": lambda key: {
            field: "a name" if field == "owner" else value
            for field, value in sorted(client.hgetall(key).items())
        },
        "list": lambda key: client.lrange(key, 0, -1),
        "set": lambda key: sorted(client.smembers(key)),
        "string": client.get,
        "zset": lambda key: dict(client.zrange(key, 0, -1, withscores=True)),
    }
    return {
        key: {"type": (kind := client.type(key)), "expires": client.pttl(key) > 0, "value": read[kind](key)}
        for key in sorted(client.scan_iter())
    }


def load(client: "redis.Redis", layout: Layout) -> None:
    """Write it as it was read. What expires does so in an hour."""
    for key, there in layout.items():
        value: Any = there["value"]
        match there["type"]:
            case "hash":
                client.hset(key, mapping=value)
            case "list":
                client.rpush(key, *value)
            case "set":
                client.sadd(key, *value)
            case "string":
                client.set(key, value)
            case "zset":
                client.zadd(key, value)
        if there["expires"]:
            client.expire(key, 3600)


def differences(old: Layout, new: Layout) -> Iterator[str]:
    """Name what differs: ``job`` for a family of keys, ``job.state`` for one of its fields."""
    old, new = _unpacked(old), _unpacked(new)
    for key in sorted({*old, *new}):
        was, now = old.get(key), new.get(key)
        family = ":".join(word for word in _TAG.sub("", key).split(":")[1:] if _WORD.fullmatch(word))
        if was is None or now is None or (was["type"], was["expires"]) != (now["type"], now["expires"]):
            yield family
        elif was["type"] == "hash":
            for field in sorted({*was["value"], *now["value"]}):
                if was["value"].get(field) != now["value"].get(field):
                    yield f"{family}.{field}" if _WORD.fullmatch(field) else family
        elif was["value"] != now["value"]:
            yield family


def _unpacked(layout: Layout) -> Layout:
    text = json.dumps(layout)
    return json.loads(_PACKED.sub(lambda found: zlib.decompress(base64.b64decode(found[0])).hex(), text))


def main() -> None:
    """Print it, with the families of all keys: not every one is in the golden Redis."""
    with RedisServer() as server, connect_redis(server.url) as client:
        write(DeliveryBench(client))
        golden = {"families": sorted(families()), "redis": dump(client)}
        json.dump(golden, sys.stdout, ensure_ascii=False, indent=1)
        print()


if __name__ == "__main__":
    main()

"""Many settled jobs in the ledger: some are really sent and settled, and all keys of them are copied under new ids.

Nothing here knows which keys a job has. Whatever holds a sample's id, in its name or in its value, is copied with it, and
every set and hash that has it as a member gets the copy too.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import redis

from benchmarks.lanes import start_lane, start_receipts
from benchmarks.processes import Processes
from benchmarks.stage import ELEMENT, PARAMS, TEMPLATE, Stage, phones
from support.keys import agenda

__all__ = ["Sample", "fill", "settle_samples", "unlike"]

#: How many of a hundred jobs end otherwise than delivered.
_UNDELIVERED, _WAITING, _REJECTED, _CANCELLED = 2, 1, 2, 1

_SAMPLES: Final = 100

#: Every second job has an idempotency key.
_KEY_IN: Final = 2

#: Copies of one call.
_BATCH: Final = 500

#: The longest wait for samples, in seconds.
_SETTLED_S: Final = 60.0

# KEYS are the sample's own keys; ARGV are its id, the number of sorted sets that have the sample, their names, and the new ids.
# A key of which only the value holds the id is that of an idempotency key: it ends in a digest, and gets another one.
_COPY: Final = """
local id, sets = ARGV[1], tonumber(ARGV[2])
local marks, own, scores = {id}, {}, {}
for _, key in ipairs(KEYS) do
  if not string.find(key, id, 1, true) then marks[#marks + 1] = string.match(key, '%x+$') end
end

-- A text with what is to be put in the place of each mark, by the mark's number.
local function parted(text)
  local parts, at = {}, 1
  repeat
    local first, last, which
    for m, mark in ipairs(marks) do
      local f, l = string.find(text, mark, at, true)
      if f and (not first or f < first) then first, last, which = f, l, m end
    end
    parts[#parts + 1] = string.sub(text, at, first and first - 1)
    if first then
      parts[#parts + 1] = which
      at = last + 1
    end
  until not first
  return parts
end

for i, key in ipairs(KEYS) do
  local one = {key = key, name = parted(key), ttl = redis.call('PTTL', key), fields = {}}
  if redis.call('TYPE', key).ok == 'string' then
    one.value = parted(redis.call('GET', key))
  else
    local all = redis.call('HGETALL', key)
    for f = 1, #all, 2 do
      local parts = parted(all[f + 1])
      if #parts > 1 then one.fields[all[f]] = parts end
    end
  end
  own[i] = one
end
for s = 3, 2 + sets do scores[ARGV[s]] = redis.call('ZSCORE', ARGV[s], id) end
for a = 3 + sets, #ARGV do
  local digest = string.rep(redis.sha1hex(ARGV[a]), 2)
  local new = {ARGV[a]}
  for m = 2, #marks do new[m] = string.sub(digest, 1, #marks[m]) end
  local function put(parts)
    local found = {}
    for p, part in ipairs(parts) do found[p] = p % 2 == 0 and new[part] or part end
    return table.concat(found)
  end
  for _, one in ipairs(own) do
    local name = put(one.name)
    if one.value then
      redis.call('SET', name, put(one.value), 'PX', one.ttl)
    else
      redis.call('COPY', one.key, name)
      for field, parts in pairs(one.fields) do redis.call('HSET', name, field, put(parts)) end
    end
  end
  for name, score in pairs(scores) do redis.call('ZADD', name, score, new[1]) end
end
"""


@dataclass(frozen=True, kw_only=True)
class _Key:
    name: str
    kind: str
    #: What DUMP gives.
    dump: bytes
    #: Milliseconds that it has left.
    ttl_ms: int


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A settled job, and all that Redis has of it."""

    id: str
    #: Its own keys.
    keys: tuple[_Key, ...]
    #: The sorted sets that have it as a member, each with its score.
    sets: tuple[tuple[str, float], ...]


def settle_samples(stage: Stage) -> list[Sample]:
    """Send a hundred jobs through a worker, with receipts, and return what Redis has of each. It is emptied first."""
    stage.clear(latency_ms=0)
    element = stage.sms.getElement(ELEMENT)
    with Processes(stage.directory) as workers:
        start_lane(workers, stage, "notification")
        start_receipts(workers, stage)
        stage.simulator.set(delivery_delay_s=1)
        stage.wait_for_workers(1)
        ids = []
        for number, (phone, end) in enumerate(zip(phones(_SAMPLES), _ends(), strict=True)):
            if end == "rejected":
                stage.simulator.fault("code", code="isv.MOBILE_NUMBER_ILLEGAL", phone=phone)
            elif end in ("undelivered", "waiting"):
                stage.simulator.fault(
                    "receipt",
                    phone=phone,
                    **({"code": "MOBILE_NOT_ON_SERVICE"} if end == "undelivered" else {}),
                )
            job = element.sendMessage(
                [phone],
                PARAMS,
                TEMPLATE,
                countdown=60 if end == "cancelled" else 0,
                idempotency_key=None if number % _KEY_IN else f"order:{number}",
            )
            if end == "cancelled":
                job.cancel()
            ids.append(job.id)
        _wait_until_reported(stage, ids)
    return _read(stage, ids)


def _ends() -> list[str]:
    others = ["undelivered"] * _UNDELIVERED + ["waiting"] * _WAITING + ["rejected"] * _REJECTED
    others += ["cancelled"] * _CANCELLED
    return ["delivered"] * (_SAMPLES - len(others)) + others


def _wait_until_reported(stage: Stage, ids: Sequence[str]) -> None:
    deadline = time.monotonic() + _SETTLED_S
    ends, states = _ends(), {"rejected": "rejected", "cancelled": "not_sent"}
    settled = [states.get(end, "accepted") for end in ends]
    reported = ends.count("delivered") + ends.count("undelivered")
    # A cancelled job stands in the agenda until a sweep has seen to its result.
    while (
        stage.states(ids) != settled
        or stage.simulator.pushes().get("acknowledged", 0) < reported
        or stage.redis.zcard(agenda(ELEMENT))
    ):
        if time.monotonic() > deadline:
            raise RuntimeError(
                f"the samples were not settled within {_SETTLED_S:.0f} s; see {stage.directory}"
            )
        time.sleep(0.1)


def _read(stage: Stage, ids: Sequence[str]) -> list[Sample]:
    values: dict[str, str] = {}
    sets: dict[str, dict[str, float]] = {}
    for name in stage.redis.scan_iter(count=1000):
        match stage.redis.type(name):
            case "string":
                values[name] = stage.redis.get(name)
            case "zset":
                sets[name] = dict(stage.redis.zrange(name, 0, -1, withscores=True))
            case "hash":
                values[name] = ""
    with _binary(stage) as client:
        return [
            Sample(
                id=job_id,
                keys=tuple(
                    _Key(
                        name=name,
                        kind=stage.redis.type(name),
                        dump=client.dump(name),
                        ttl_ms=client.pttl(name),
                    )
                    for name, value in values.items()
                    if job_id in name or job_id in value
                ),
                sets=tuple((name, members[job_id]) for name, members in sets.items() if job_id in members),
            )
            for job_id in ids
        ]


def _binary(stage: Stage) -> Any:
    return redis.Redis.from_url(stage.redis_url)


def fill(stage: Stage, samples: Sequence[Sample], count: int) -> dict[str, str]:
    """Have so many settled jobs in Redis, the samples first. From now on it does not rewrite its append-only file by itself.

    Returns:
        The id of a copy by its sample's, of those that were copied.
    """
    copies: dict[str, str] = {}
    stage.redis.config_set("auto-aof-rewrite-percentage", 0)
    with _binary(stage) as client:
        for each in samples[:count]:
            _restore(client, each)
    copy = stage.redis.register_script(_COPY)
    for sample, new in _shares(samples, count - len(samples[:count])):
        sets = [name for name, _ in sample.sets]
        copy(
            keys=[each.name for each in sample.keys],
            args=[sample.id, len(sets), *sets, *new],
        )
        copies[sample.id] = new[0]
    return copies


def _restore(client: Any, sample: Sample) -> None:
    for each in sample.keys:
        client.restore(each.name, each.ttl_ms, each.dump)
    for name, score in sample.sets:
        client.zadd(name, {sample.id: score})


def _shares(samples: Sequence[Sample], count: int) -> Iterator[tuple[Sample, list[str]]]:
    """Each sample with as many new ids as it has to be copied to, in batches."""
    whole, more = divmod(count, len(samples))
    left = {each.id: whole + (place < more) for place, each in enumerate(samples)}
    while any(left.values()):
        for each in samples:
            batch = min(_BATCH, left[each.id])
            left[each.id] -= batch
            if batch:
                yield each, [_new_id(each.id) for _ in range(batch)]


def _new_id(job_id: str) -> str:
    return f"{job_id.partition('-')[0]}-{uuid.uuid4()}"


def unlike(stage: Stage, copies: Mapping[str, str]) -> list[str]:
    """Return what differs between samples and copies of them, beside their ids. It should be nothing.

    Compared are the keys, and of each its type, encoding, content and whether it expires; and the sets that it is a member of.

    Args:
        copies: The id of a copy by its sample's.
    """
    samples, others = (_read(stage, ids) for ids in (list(copies), list(copies.values())))
    found = []
    for one, other in zip(samples, others, strict=True):
        found += [
            f"{one.id} and {other.id}: {each[:3]}"
            for each in set(_looks(stage, one)) ^ set(_looks(stage, other))
        ]
    return found


def _looks(stage: Stage, job: Sample) -> Iterator[tuple[Any, ...]]:
    digests = [each.name.rpartition(":")[2] for each in job.keys if job.id not in each.name]

    def usual(text: Any) -> Any:
        for each in (job.id, *digests):
            text = text.replace(each, "#")
        return text

    client = stage.redis
    for each in job.keys:
        is_hash, encoding = each.kind == "hash", client.object("encoding", each.name)
        content = repr(sorted(client.hgetall(each.name).items())) if is_hash else client.get(each.name)
        yield usual(each.name), each.kind, encoding, usual(content), each.ttl_ms > 0
    for name, _ in job.sets:
        yield name, "zset"

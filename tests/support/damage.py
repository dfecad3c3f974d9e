"""Damage: what an old version, a bug or a hand leaves in Redis in place of what belongs there."""

from collections.abc import Callable, Mapping

import redis

__all__ = ["ENTRY_DAMAGES", "WRONG_TYPES", "Damage", "replace_by"]

Damage = Callable[["redis.Redis", str], object]


def replace_by(kind: str) -> Damage:
    """Damage that leaves a key of that type."""

    def damage(client: "redis.Redis", name: str) -> None:
        client.delete(name)
        match kind:
            case "string":
                client.set(name, "x")
            case "list":
                client.rpush(name, "x")
            case "set":
                client.sadd(name, "x")
            case "zset":
                client.zadd(name, {"x": 1})
            case "stream":
                client.xadd(name, {"x": "x"})
            case _:
                client.hset(name, "x", "x")

    return damage


def _with(**fields: str | bytes) -> Damage:
    return lambda client, name: client.hset(name, mapping=dict(fields))  # type: ignore[arg-type]


def _without(*fields: str) -> Damage:
    return lambda client, name: client.hdel(name, *fields)


WRONG_TYPES = ("string", "list", "set", "zset", "stream")

#: What can be wrong with the entry of a job that is due, by a remark.
ENTRY_DAMAGES: Mapping[str, Damage] = {
    **{f"a {kind}": replace_by(kind) for kind in WRONG_TYPES},
    "none of its fields": replace_by("hash"),
    "no state": _without("state"),
    "a state of a newer version": _with(state="split"),
    "bytes as its state": _with(state=b"\xff\xfe"),
    "no due": _without("due"),
    "no expires": _without("expires"),
    "a due that is text": _with(due="soon"),
    "an expiry in hexadecimal": _with(expires="0x7fffffffffff"),
    "an expiry without an end": _with(expires="inf"),
    "an expiry with an exponent": _with(expires="1e400"),
    "attempts that cannot be counted on": _with(attempts="9" * 30),
    "negative looks": _with(looks="-1"),
    "no requeue": _without("requeue"),
    "no element": _without("element"),
    "bytes as its element": _with(element=b"\xff"),
    "a holder without a lease": _with(state="sending", token="x"),
    "a lease that is text": _with(state="sending", token="x", lease="rubbish"),
    "a lost answer at no time": _with(state="looking_up", lost_from="x"),
    "an outcome that is not there": _with(state="accepted"),
    "an outcome that is not JSON": _with(state="accepted", outcome="{"),
    "an outcome that is nested": _with(state="rejected", outcome="[" * 100_000),
    "an outcome of a newer version": _with(
        state="not_sent", outcome='{"v": 99, "outcome": "not_sent", "error": {}}'
    ),
    "an outcome that is not a count": _with(state="not_sent", outcome="cancelled x"),
    "an outcome that is bytes": _with(state="not_sent", outcome=b"\xff"),
    "a campaign that is not an id": _with(campaign="a b", chunk="1:1"),
    "a chunk that is not one": _with(campaign="a", chunk="x"),
}

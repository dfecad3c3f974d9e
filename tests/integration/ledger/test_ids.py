"""The id: one id, one job."""

import pytest
import redis
from cryptography.fernet import Fernet

from smsjobs.contract import IdempotencyConflict
from smsjobs.ledger import Ledger
from smsjobs.redis_store import Seal
from support.keys import job_key
from support.ledgers import PHONE, Clock, a_job, accepted, failed, granted

ID = "order-42"

OTHERS = [
    {"phoneList": ["13800138001"]},
    {"params": {"code": "000000"}},
    {"verifyTemplateCode": "SMS_2"},
    {"element": "SMS.Other"},
]


def keyed(client: "redis.Redis", clock: Clock, keys: str) -> Ledger:
    """A ledger that seals with these keys."""
    return Ledger(client, clock=clock, seal=Seal(keys))


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])
@pytest.mark.parametrize("other", OTHERS, ids=repr)
def test_another_payload_under_an_id(
    client: "redis.Redis", clock: Clock, other: dict[str, object], sealed: bool
) -> None:
    """An id with another payload is a conflict that names the id, before and after the first job's settlement."""
    ledger = keyed(client, clock, Fernet.generate_key().decode()) if sealed else Ledger(client, clock=clock)
    first = a_job(id=ID)
    ledger.record(first)
    for step in (lambda: granted(ledger, first), lambda: ledger.settle(ID, "token", accepted(first))):
        with pytest.raises(IdempotencyConflict) as conflict:
            ledger.record(a_job(id=ID, **other))
        assert (conflict.value.out_id, conflict.value.argument) == (ID, "id")
        step()
    with pytest.raises(IdempotencyConflict):
        ledger.record(a_job(id=ID, **other))


def test_the_same_payload_under_an_id(ledger: Ledger) -> None:
    """The same payload comes again as the same job, in another lane and with another life too, and after its end."""
    first = a_job(id=ID, params={"a": "1", "b": "2"})
    again = a_job(id=ID, params={"b": "2", "a": "1"}, phoneList=["+86" + PHONE], lane_name="bulk", expires=5)
    for step in (
        lambda: ledger.record(first),
        lambda: granted(ledger, first),
        lambda: ledger.settle(ID, "token", failed(first)),
    ):
        step()
        assert ledger.record(again).job_id == ID


def test_a_job_of_an_older_version(ledger: Ledger, client: "redis.Redis") -> None:
    """A job that was recorded before payloads were told apart is no conflict."""
    ledger.record(a_job(id=ID))
    client.hdel(job_key(ID), "payload")
    assert ledger.record(a_job(id=ID, params={})).new


def test_a_new_payload_key(client: "redis.Redis", clock: Clock) -> None:
    """A message that comes again after the payload key was replaced is the same job."""
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    keyed(client, clock, old).record(a_job(id=ID))
    assert keyed(client, clock, f"{new},{old}").record(a_job(id=ID)).new


def test_what_stays_tells_nothing(ledger: Ledger, client: "redis.Redis") -> None:
    """What tells payloads apart is too short to find a number by trying them all."""
    first = a_job(id=ID)
    ledger.record(first)
    granted(ledger, first)
    ledger.settle(ID, "token", accepted(first))
    _, mark = str(client.hget(job_key(ID), "payload")).split(":")
    assert len(mark) == 4

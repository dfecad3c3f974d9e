"""The idempotency key: same key, same job."""

import pytest
import redis

from smsjobs.contract import IdempotencyConflict
from smsjobs.ledger import Ledger
from support.keys import job_key
from support.ledgers import LEASE_S, PHONE, Clock, a_job, accepted, everything, failed, granted


def test_same_key_and_payload_is_the_same_job(ledger: Ledger) -> None:
    """A second job with the same key and payload is the first one, in whatever state that is."""
    first = a_job(idempotency_key="k")
    ledger.record(first)
    for step in (
        lambda: None,
        lambda: granted(ledger, first),
        lambda: ledger.settle(first.id, "token", accepted(first)),
    ):
        step()
        again = ledger.record(a_job(idempotency_key="k"))
        assert (again.job_id, again.new) == (first.id, False)


@pytest.mark.parametrize(
    "other",
    [
        {"phoneList": ["13800138001"]},
        {"phoneList": [PHONE, "13800138001"]},
        {"params": {"code": "000000"}},
        {"params": {}},
        {"params": {"kode": "739201"}},
        {"verifyTemplateCode": "SMS_2"},
    ],
    ids=repr,
)
def test_other_payload_is_a_conflict(ledger: Ledger, other: dict[str, object]) -> None:
    """The same key with another payload is an error that names the first job, before and after its settlement."""
    first = a_job(idempotency_key="k")
    ledger.record(first)
    with pytest.raises(IdempotencyConflict) as conflict:
        ledger.record(a_job(idempotency_key="k", **other))
    assert conflict.value.out_id == first.id
    granted(ledger, first)
    ledger.settle(first.id, "token", failed(first))
    with pytest.raises(IdempotencyConflict):
        ledger.record(a_job(idempotency_key="k", **other))


def test_order_of_parameters_is_no_other_payload(ledger: Ledger) -> None:
    """A dict in another order, another spelling of the number and another lane or life are the same payload."""
    first = a_job(idempotency_key="k", params={"a": "1", "b": "2"})
    ledger.record(first)
    again = a_job(
        idempotency_key="k",
        params={"b": "2", "a": "1"},
        phoneList=["+86" + PHONE],
        lane_name="bulk",
        expires=5,
    )
    assert ledger.record(again).job_id == first.id


def test_key_belongs_to_its_element(ledger: Ledger) -> None:
    """The same key on another element is another key, also where element and key run together."""
    assert ledger.record(a_job(idempotency_key="k", element="SMS.A")).new
    assert ledger.record(a_job(idempotency_key="k", element="SMS.B")).new
    assert ledger.record(a_job(idempotency_key="Bk", element="SMS.A")).new
    assert ledger.record(a_job(idempotency_key="k", element="SMS.AB")).new


@pytest.mark.parametrize("key", ["a b", "a\nb", "键", "x" * 512, "sms:job:job-1", "\0"], ids=ascii)
def test_any_text_is_a_key(ledger: Ledger, client: redis.Redis, key: str) -> None:
    """Whatever text the key is, it works, and Redis never holds it as it is."""
    first = a_job(idempotency_key=key)
    ledger.record(first)
    assert ledger.record(a_job(idempotency_key=key)).job_id == first.id
    assert f'"{key}"' not in everything(client)


def test_key_is_free_again_after_the_retention(ledger: Ledger, client: redis.Redis) -> None:
    """When the outcome is forgotten, the key makes a new job, with any payload, for a whole life of its own."""
    first = a_job(idempotency_key="k")
    ledger.record(first)
    granted(ledger, first)
    ledger.settle(first.id, "token", accepted(first))
    for key in client.scan_iter():
        client.pexpire(key, 0)
    second = a_job(idempotency_key="k", params={"code": "000000"})
    assert ledger.record(second).new
    assert granted(ledger, second, "two").state == "sending"


def test_key_whose_job_is_gone_is_free(ledger: Ledger, client: redis.Redis) -> None:
    """A key that outlives its job by a moment does not hand out a job that is not there."""
    first = a_job(idempotency_key="k")
    ledger.record(first)
    granted(ledger, first)
    ledger.settle(first.id, "token", accepted(first))
    client.delete(job_key(first.id))
    second = a_job(idempotency_key="k")
    recorded = ledger.record(second)
    assert (recorded.job_id, recorded.new) == (second.id, True)
    (key,) = client.scan_iter("sms:{*}:key:*")
    assert client.pttl(key) == -1


def test_key_is_kept_for_as_long_as_its_job_lives(ledger: Ledger, client: redis.Redis, clock: Clock) -> None:
    """However long a job waits, its key stays its own."""
    first = a_job(idempotency_key="k", countdown=2_000_000)
    ledger.record(first)
    (key,) = client.scan_iter("sms:{*}:key:*")
    assert client.pttl(key) == -1
    clock.pass_(2_000_000)
    assert ledger.record(a_job(idempotency_key="k")).job_id == first.id
    ledger.claim(first.id, "token", lease_s=LEASE_S)
    assert client.pttl(key) == -1


def test_digest_says_nothing_without_the_key(ledger: Ledger, client: redis.Redis) -> None:
    """The same payload under two keys leaves two different digests."""
    for key in ("k", "l"):
        ledger.record(a_job(idempotency_key=key))
    digests = {client.get(key).split()[1] for key in client.scan_iter("sms:{*}:key:*")}
    assert len(digests) == 2

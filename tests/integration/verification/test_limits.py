"""Limits: one body over the real store and the fake."""

from typing import Any

import pytest

from smsjobs import VerificationRefused
from smsjobs.verification import Limit, Verification
from support.code_bench import PHONE, Bench

FREE = Limit()
PHONES = [f"138001380{each:02}" for each in range(100)]


def refused(login: Verification, phone: str = PHONE, *args: Any) -> tuple[str, int | None]:
    with pytest.raises(VerificationRefused) as caught:
        login.send(phone, *args)
    assert (caught.value.code, caught.value.outcome) == (46003, "not_sent")
    assert phone not in str(caught.value)
    return caught.value.reason, caught.value.retry_after


def test_minute_of_the_clock(bench: Bench) -> None:
    """A number is sent to once in a minute of the clock, and again with the next minute."""
    login = bench.verification()
    bench.advance(59.2)
    login.send(PHONE)
    assert refused(login) == ("number_limit", 1)
    bench.advance(0.799)
    assert refused(login) == ("number_limit", 1)
    bench.advance(0.001)
    login.send(PHONE)
    assert refused(login) == ("number_limit", 60)


def test_hour_of_the_clock(bench: Bench) -> None:
    """A number is sent to five times in an hour of the clock."""
    login = bench.verification()
    bench.advance(30 * 60)
    for _ in range(5):
        login.send(PHONE)
        bench.advance(60)
    assert refused(login) == ("number_limit", 25 * 60)
    bench.advance(25 * 60)
    login.send(PHONE)


def test_24_hours_from_each_send(bench: Bench) -> None:
    """A number is sent to ten times in any 24 hours; each send frees its place 24 hours after it was made."""
    login = bench.verification()
    for _ in range(10):
        login.send(PHONE)
        bench.advance(3600)
    assert refused(login) == ("number_limit", 14 * 3600)
    bench.advance(14 * 3600)
    login.send(PHONE)
    assert refused(login) == ("number_limit", 3600)


def test_longest_wait(bench: Bench) -> None:
    """Of several limits the one that holds longest is told, so that who waits that long is not refused again."""
    login = bench.verification(per_number=Limit(minute=1, hour=1), per_client=Limit(day=1))
    login.send(PHONE, "203.0.113.7")
    assert refused(login) == ("number_limit", 3600)
    # The clock begins at noon in Beijing.
    assert refused(login, PHONE, "203.0.113.7") == ("client_limit", 12 * 3600)


def test_purposes_share_a_number(bench: Bench) -> None:
    """A number's limits hold over all purposes of an element: Aliyun counts by signature and number."""
    bench.verification("login").send(PHONE)
    assert refused(bench.verification("reset")) == ("number_limit", 60)


def test_client(bench: Bench) -> None:
    """One address gets as many sends as it may, to whatever numbers; another address and no address are not its."""
    login = bench.verification(per_client=Limit(hour=3))
    for phone in PHONES[:3]:
        login.send(phone, "203.0.113.7")
    assert refused(login, PHONES[3], "203.0.113.7") == ("client_limit", 3600)
    assert refused(login, PHONES[3], "::ffff:203.0.113.7") == ("client_limit", 3600)
    login.send(PHONES[4], "203.0.113.8")
    login.send(PHONES[5])
    bench.advance(3600)
    login.send(PHONES[3], "203.0.113.7")


def test_addresses_of_one_customer(bench: Bench) -> None:
    """All IPv6 addresses of one /64 count as one."""
    login = bench.verification(per_client=Limit(hour=2))
    for each in range(2):
        login.send(PHONES[each], f"2001:db8::{each}")
    assert refused(login, PHONES[2], "2001:db8::ffff")[0] == "client_limit"
    login.send(PHONES[2], "2001:db8:0:1::1")


@pytest.mark.parametrize(
    ("limit", "wait"),
    [(Limit(minute=3), 60), (Limit(hour=3), 3600), (Limit(day=3), 12 * 3600)],
    ids=["minute", "hour", "Beijing day"],
)
def test_ceiling(bench: Bench, limit: Limit, wait: int) -> None:
    """A purpose's ceiling holds for all numbers and addresses together, and for that purpose only."""
    login = bench.verification(ceiling=limit)
    for each in range(3):
        login.send(PHONES[each], f"203.0.113.{each}")
    assert refused(login, PHONES[3], "203.0.113.9") == ("ceiling", wait)
    bench.verification("reset", ceiling=limit).send(PHONES[3])
    bench.advance(wait)
    login.send(PHONES[4])


def test_refusal_counts_nothing(bench: Bench) -> None:
    """A refused send uses up nothing: neither the number's, nor the address's, nor the purpose's allowance."""
    login = bench.verification(per_client=Limit(hour=2), ceiling=Limit(hour=3))
    login.send(PHONES[0], "203.0.113.7")
    for _ in range(5):
        refused(login, PHONES[0], "203.0.113.7")
    login.send(PHONES[1], "203.0.113.7")
    for _ in range(5):
        refused(login, PHONES[2], "203.0.113.7")
    login.send(PHONES[2], "203.0.113.8")


def test_no_limits(bench: Bench) -> None:
    """Where no limit is set, none holds."""
    login = bench.verification(per_number=FREE, per_client=FREE, ceiling=FREE)
    jobs = {login.send(PHONE, "203.0.113.7").job.id for _ in range(30)}
    assert len(jobs) == 30


def test_used_code_frees_nothing(bench: Bench) -> None:
    """A right check does not open the limits: otherwise whoever can read one message could ask for many."""
    login = bench.verification()
    sent = login.send(PHONE)
    assert login.check(PHONE, bench.code(sent))
    assert refused(login) == ("number_limit", 60)


def test_rotation_keeps_counts(bench: Bench) -> None:
    """A new secret does not open the limits, as long as the old one is known."""
    limits = {"per_number": Limit(day=1), "per_client": Limit(day=1)}
    bench.verification(secret="o123" * 8, **limits).send(PHONE, "203.0.113.7")
    login = bench.verification(secret="n123" * 8, old_secret="o123" * 8, **limits)
    assert refused(login)[0] == "number_limit"
    assert refused(login, PHONES[1], "203.0.113.7")[0] == "client_limit"

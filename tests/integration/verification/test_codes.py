"""Codes, tries and lives: one body over the real store and the fake."""

from typing import Any

import pytest

from smsjobs import InvalidArguments
from smsjobs.verification import Limit
from support.code_bench import PHONE, Bench

OTHER = "13800138001"
FREE = Limit()


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_right_once(bench: Bench) -> None:
    """The right code is right once, and gone at once."""
    login = bench.verification()
    code = bench.code(login.send(PHONE))
    assert login.check(PHONE, code).status == "ok"
    assert login.check(PHONE, code).status == "none_sent"


def test_wrong(bench: Bench) -> None:
    """A wrong code says how many tries are left, and the right one is still good at the last."""
    login = bench.verification(max_checks=3)
    code = bench.code(login.send(PHONE))
    results = [login.check(PHONE, wrong(code)) for _ in range(2)]
    assert [(each.status, each.tries_left, bool(each)) for each in results] == [
        ("wrong", 2, False),
        ("wrong", 1, False),
    ]
    assert login.check(PHONE, code)


def test_too_many_tries(bench: Bench) -> None:
    """After the last wrong try the right code is dead, and a new one has tries of its own."""
    login = bench.verification(max_checks=3)
    code = bench.code(login.send(PHONE))
    assert [login.check(PHONE, wrong(code)).tries_left for _ in range(3)] == [2, 1, 0]
    assert login.check(PHONE, code).status == "too_many_tries"
    bench.advance(60)
    new = bench.code(login.send(PHONE))
    assert new != code
    assert login.check(PHONE, code).status == "wrong"
    assert login.check(PHONE, new)


@pytest.mark.parametrize("code", ["", "000000000", "12345a", "１２", "\0", "\ud800"])
def test_malformed(bench: Bench, code: str) -> None:
    """What cannot be a code is a wrong one, and counts as a try."""
    login = bench.verification()
    login.send(PHONE)
    assert (login.check(PHONE, code).status, login.check(PHONE, code).tries_left) == ("wrong", 3)


def test_none_sent(bench: Bench) -> None:
    """A number, a purpose and an element that nothing was sent for have no code."""
    login = bench.verification()
    code = bench.code(login.send(PHONE))
    assert login.check(OTHER, code).status == "none_sent"
    assert bench.verification("reset").check(PHONE, code).status == "none_sent"


@pytest.mark.parametrize(
    ("meanwhile", "status", "afterwards"),
    [
        ("nothing", "ok", "none_sent"),
        ("resend", "ok", "none_sent"),
        ("right check", "none_sent", "none_sent"),
        ("last wrong check", "too_many_tries", "too_many_tries"),
        ("expiry", "expired", "expired"),
        ("right check and new code", "wrong", "wrong"),
    ],
)
def test_race_within_a_check(bench: Bench, meanwhile: str, status: str, afterwards: str) -> None:
    """Whatever happens between the two steps of a check, it answers as if it had come afterwards."""
    login, other = (bench.verification(max_checks=2, per_number=FREE) for _ in range(2))
    code = bench.code(login.send(PHONE))
    other.check(PHONE, wrong(code))
    real = login._store.salts
    events = {
        "nothing": [],
        "resend": [lambda: other.send(PHONE)],
        "right check": [lambda: other.check(PHONE, code)],
        "last wrong check": [lambda: other.check(PHONE, wrong(code))],
        "expiry": [lambda: bench.advance(300)],
        "right check and new code": [lambda: other.check(PHONE, code), lambda: other.send(PHONE)],
    }[meanwhile]

    def interrupted(tags: Any) -> Any:
        salts = real(tags)
        login._store.salts = real
        for event in events:
            event()
        return salts

    login._store.salts = interrupted
    assert login.check(PHONE, code).status == status
    assert login.check(PHONE, code).status == afterwards


def test_tries_tell_nothing_of_the_next_code(bench: Bench) -> None:
    """The same text makes another proof for each code: who watches Redis and tries all codes while none is live, which
    counts nowhere, cannot tell the next one by its proof.
    """  # noqa: D205  one sentence
    login = bench.verification(max_checks=1)
    proofs = []
    real = login._store.check
    login._store.check = lambda tried: (proofs.append(tried.proofs[0]), real(tried))[1]
    for _ in range(3):
        login.check(PHONE, "000000x")
        login.check(PHONE, "000000x")
        login.send(PHONE)
        bench.advance(60)
    # None sent, none sent; then each code's wrong try, and one after its death.
    assert [proofs.count(each) for each in dict.fromkeys(proofs)] == [2, 2, 2]


def test_expiry(bench: Bench) -> None:
    """A code is good until its life has passed, and not a moment longer."""
    login = bench.verification(ttl=120)
    code = bench.code(login.send(PHONE))
    bench.advance(119.999)
    assert login.check(PHONE, wrong(code)).status == "wrong"
    bench.advance(0.001)
    assert login.check(PHONE, code).status == "expired"


def test_resend(bench: Bench) -> None:
    """A resend carries the same code, so that the early and the late message are both good."""
    login = bench.verification()
    first = login.send(PHONE)
    bench.advance(60)
    second = login.send(PHONE)
    assert first.job != second.job
    assert bench.code(first) == bench.code(second)
    assert login.check(PHONE, bench.code(second))


def test_resend_prolongs(bench: Bench) -> None:
    """A code is good for its full life after the last message that carried it, as that message says."""
    login = bench.verification(ttl=120)
    code = bench.code(login.send(PHONE))
    bench.advance(119)
    assert login.send(PHONE).expires_in == pytest.approx(120, abs=1)
    bench.advance(119)
    assert login.check(PHONE, code)


def test_resend_grants_no_tries(bench: Bench) -> None:
    """A resend does not give back tries: otherwise one code could be guessed at for ever."""
    login = bench.verification(max_checks=3)
    code = bench.code(login.send(PHONE))
    login.check(PHONE, wrong(code))
    bench.advance(60)
    login.send(PHONE)
    assert login.check(PHONE, wrong(code)).tries_left == 1


def test_new_code_after_the_old(bench: Bench) -> None:
    """After a code was used or has expired, a send makes another one."""
    login = bench.verification(ttl=30)
    used = bench.code(login.send(PHONE))
    assert login.check(PHONE, used)
    bench.advance(60)
    expired = bench.code(login.send(PHONE))
    bench.advance(60)
    third = bench.code(login.send(PHONE))
    assert len({used, expired, third}) == 3
    assert login.check(PHONE, expired).status == "wrong"
    assert login.check(PHONE, third)


def test_purposes_are_apart(bench: Bench) -> None:
    """A number has one code a purpose; one purpose's code is not another's."""
    login, reset = (bench.verification(each, per_number=FREE) for each in ("login", "reset"))
    first, second = (bench.code(each.send(PHONE)) for each in (login, reset))
    assert login.check(PHONE, second).status == "wrong"
    assert login.check(PHONE, first)
    assert reset.check(PHONE, second)


@pytest.mark.parametrize("digits", [4, 5, 6])
def test_digits(bench: Bench, digits: int) -> None:
    """A code has as many digits as were asked for."""
    login = bench.verification(digits=digits)
    code = bench.code(login.send(PHONE))
    assert len(code) == digits
    assert login.check(PHONE, code)


def test_digits_changed_by_a_release(bench: Bench) -> None:
    """A live code stays what it is when a release asks for another length."""
    code = bench.code(bench.verification(digits=4).send(PHONE))
    bench.advance(60)
    longer = bench.verification(digits=6)
    assert bench.code(longer.send(PHONE)) == code
    assert longer.check(PHONE, code)


def test_what_is_sent(bench: Bench) -> None:
    """The page's times are the code's life and the number's next minute."""
    bench.advance(20.5)
    sent = bench.verification(ttl=180).send(PHONE)
    assert sent.expires_in == pytest.approx(180, abs=1)
    assert sent.retry_after == 40
    assert sent.job.status()


def test_number_in_one_form(bench: Bench) -> None:
    """What send and check give back names the number as it is compared, however it was typed; no repr shows it."""
    login = bench.verification()
    sent = login.send(f"+86{PHONE}")
    result = login.check(f"0086{PHONE}", bench.code(sent))
    assert (sent.phone, result.phone) == (PHONE, PHONE)
    assert PHONE not in repr((sent, result))
    assert login.check(OTHER, "1").phone == OTHER


def test_refused_argument_counts_nothing(bench: Bench) -> None:
    """A call with a bad argument uses up nothing of the number's allowance."""
    login = bench.verification()
    with pytest.raises(InvalidArguments):
        login.send(PHONE, "no address")
    assert login.send(PHONE)


# Rotation of the secret

NEW, OLD = "n123" * 8, "o123" * 8


def test_rotation(bench: Bench) -> None:
    """A code made by the old secret is good, and sent again as it is, while the old secret is known."""
    code = bench.code(bench.verification(secret=OLD).send(PHONE))
    rotated = bench.verification(secret=NEW, old_secret=OLD)
    bench.advance(60)
    assert bench.code(rotated.send(PHONE)) == code
    assert rotated.check(PHONE, wrong(code)).tries_left == 4
    assert rotated.check(PHONE, code)
    assert rotated.check(PHONE, code).status == "none_sent"


def test_rotation_back_and_forth(bench: Bench) -> None:
    """While some processes have the new secret first and some the old, a number has one code all the same."""
    before, after = (
        bench.verification(secret=OLD, old_secret=NEW),
        bench.verification(secret=NEW, old_secret=OLD),
    )
    sent = []
    for each in (before, after, before):
        sent.append(bench.code(each.send(PHONE)))
        bench.advance(60)
    assert len(set(sent)) == 1
    assert before.check(PHONE, sent[0])
    assert after.check(PHONE, sent[0]).status == "none_sent"
    new = bench.code(after.send(PHONE))
    assert before.check(PHONE, new)


def test_later_of_two(bench: Bench) -> None:
    """Where processes that did not know each other's secret made two codes, the later one is good, whichever secret
    made it.
    """  # noqa: D205  one sentence
    for first, second in ((OLD, NEW), (NEW, OLD)):
        earlier = bench.code(bench.verification(secret=first).send(PHONE))
        bench.advance(60)
        later = bench.code(bench.verification(secret=second).send(PHONE))
        both = bench.verification(secret=NEW, old_secret=OLD)
        assert both.check(PHONE, earlier).status == "wrong"
        assert both.check(PHONE, later)
        assert both.check(PHONE, earlier).status == "none_sent"
        bench.advance(60)


def test_dead_code_of_the_old_secret(bench: Bench) -> None:
    """A dead code of the old secret does not stand before a new one, however long it would have lived."""
    before = bench.verification(secret=OLD, ttl=3600, max_checks=1)
    before.send(PHONE)
    assert before.check(PHONE, "").tries_left == 0
    bench.advance(60)
    rotated = bench.verification(secret=NEW, old_secret=OLD, ttl=60, max_checks=1)
    assert rotated.check(PHONE, bench.code(rotated.send(PHONE)))


def test_old_secret_forgotten(bench: Bench) -> None:
    """Without the old secret its codes are as if they had never been."""
    code = bench.code(bench.verification(secret=OLD).send(PHONE))
    assert bench.verification(secret=NEW).check(PHONE, code).status == "none_sent"


def test_other_parameters(bench: Bench) -> None:
    """The template's other parameters go with each code, and one that the code fills is refused."""
    login = bench.verification(params={"min": "5"})
    code = bench.code(login.send(PHONE))
    assert bench.params() == [{"min": "5", "code": code}]
    for wrong in ({"code": "1"}, {"min": 5}, "min"):
        with pytest.raises(InvalidArguments) as caught:
            bench.verification(params=wrong)
        assert caught.value.argument == "params"

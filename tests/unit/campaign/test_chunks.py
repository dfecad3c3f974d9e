"""A chunk in Redis, and the job that a worker makes of it."""

import json

import pytest

from smsjobs import InvalidArguments
from smsjobs.contract import half_of, make_chunk, pack, pack_campaign, pack_recipients, unpack_recipients

PHONES = ["13800138000", "13800138001"]
SHARED = pack_campaign("SMS.Test", "SMS_1", {"event": "维护"}, ["name"])


def chunk(params="", shared=SHARED, phones=PHONES):
    return make_chunk("c-1", shared, pack_recipients(range(2, 2 + len(phones)), phones), params)


def test_recipients_come_back():
    """Lines and numbers come back as they were packed."""
    assert unpack_recipients(pack_recipients([2, 3, 9], [*PHONES, "4412345678"])) == (
        [2, 3, 9],
        [*PHONES, "4412345678"],
    )


@pytest.mark.parametrize("size", [2, 3, 7, 100, 999, 1000])
def test_halves(size):
    """The halves of a chunk have all of its recipients in order, each once, and differ by one at most, at every depth."""
    names = ["12"]
    everybody = range(size)
    while names:
        name = names.pop()
        whole, first, second = (half_of(f"{name}{letter}", everybody) for letter in ("", "a", "b"))
        assert [*first, *second] == [*whole]
        assert len(first) - len(second) in (0, 1)
        names += [f"{name}{letter}" for letter, half in (("a", first), ("b", second)) if len(half) > 1]


def test_a_half_of_a_chunk():
    """A half's job has its own recipients and their parameters, and one alone is sent to as by a single message."""
    recipients = pack_recipients([2, 3, 4], [*PHONES, "13800138002"])
    params = pack([{"name": each} for each in "abc"])
    first, last = (make_chunk(f"c-x-12{path}", SHARED, recipients, params).message for path in ("a", "b"))
    assert (first.phones, [each["name"] for each in first.params_of_each]) == (tuple(PHONES), ["a", "b"])
    assert (last.phones, last.params, last.params_of_each) == (
        ("13800138002",),
        {"event": "维护", "name": "c"},
        (),
    )


def test_a_thousand_are_small():
    """A thousand numbers take less than 9 kB, even where they have nothing in common."""
    phones = [str(13000000000 + n * 7919 * 104729 % 1000000000) for n in range(1000)]
    assert len(pack_recipients(range(1000), phones)) < 9000


@pytest.mark.parametrize(
    ("own", "params", "of_each"),
    [
        ([], {"event": "维护"}, ()),
        ([{"name": "a"}], {"event": "维护", "name": "a"}, ()),
        (
            [{"name": "a"}, {"name": "b"}],
            {"event": "维护"},
            ({"event": "维护", "name": "a"}, {"event": "维护", "name": "b"}),
        ),
    ],
)
def test_parameters(own, params, of_each):
    """What all share and what each has of its own make up the parameters of the message."""
    job = chunk(pack(own) if own else "")
    assert (job.message.params, job.message.params_of_each) == (params, of_each)
    assert (job.id, job.element, job.message.phones, job.lane) == ("c-1", "SMS.Test", tuple(PHONES), "bulk")


@pytest.mark.parametrize(
    ("params", "shared"),
    [
        (pack([{"name": "a"}] * 3), SHARED),
        ("no packed text", SHARED),
        ("", "{}"),
        ("", "no json"),
        ("", json.dumps({**json.loads(SHARED), "v": 99})),
    ],
)
def test_unreadable(params, shared):
    """What cannot be read, or is of a newer version, is no chunk."""
    with pytest.raises(InvalidArguments) as raised:
        chunk(params, shared)
    assert raised.value.reason == "job_unreadable"

"""A chunk in Redis, and the job that a worker makes of it."""

import json

import pytest

from smsjobs import InvalidArguments
from smsjobs.contract import make_chunk, pack, pack_campaign, pack_recipients, unpack_recipients

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

"""The lanes and what each gives a job by default."""

import pytest

from smsjobs.contract import LANES, InvalidArguments, lane, make_job


def job(**more: object):
    given = {"id": "x", "element": "SMS.Name", "phoneList": ["13800138000"], "params": {}}
    return make_job(**given | {"verifyTemplateCode": "SMS_1"} | more)


@pytest.mark.parametrize(
    ("name", "queue", "expires_s", "on_unknown", "lookups_s"),
    [
        ("verification", "sms.verification", 300, "hold", (2, 5, 10, 20, 40)),
        ("notification", "sms.notification", 86400, "resend", (30, 120, 600)),
        ("bulk", "sms.bulk", 259200, "hold", (30, 120, 600)),
    ],
)
def test_lane_has_its_defaults(
    name: str, queue: str, expires_s: float, on_unknown: str, lookups_s: tuple[float, ...]
) -> None:
    """Each lane's queue, life, look-ups and rule for the unknown are those that are documented."""
    found = lane(name)
    assert (found.queue, found.expires_s, found.on_unknown, found.lookups_s) == (
        queue,
        expires_s,
        on_unknown,
        lookups_s,
    )
    made = job(lane_name=name)
    assert (made.lane, made.expires_s, made.on_unknown) == (name, expires_s, on_unknown)


def test_there_are_three_lanes() -> None:
    """There are no others, and a job without a lane is a notification."""
    assert list(LANES) == ["verification", "notification", "bulk"]
    assert job().lane == "notification"


@pytest.mark.parametrize("name", ["", "Verification", "sms.bulk", None, 1, ["bulk"], {}])
def test_other_lane_is_refused(name: object) -> None:
    """A lane that there is not is refused as 46001."""
    with pytest.raises(InvalidArguments, match="lane"):
        lane(name)


@pytest.mark.parametrize(
    ("given", "expires_s", "countdown_s", "remark"),
    [
        ({"expires": 60}, 60, 0, "as given"),
        ({"countdown": 60}, 86460, 60, "the lane's life counts from the end of the countdown"),
        ({"countdown": 60, "expires": 61}, 61, 60, "both count from now"),
        ({"expires": 2592000}, 2592000, 0, "30 days"),
        ({"countdown": 2592000}, 2678400, 2592000, "30 days"),
        ({"expires": 0.5}, 0.5, 0, "half a second"),
        ({"countdown": 0.0001}, 86400, 0, "less than the ledger's millisecond is none"),
    ],
)
def test_times_of_a_job(given: dict[str, float], expires_s: float, countdown_s: float, remark: str) -> None:
    """Expiry and countdown count from now, and the default of the one from the end of the other."""
    made = job(**given)
    assert (made.expires_s, made.countdown_s) == (expires_s, countdown_s), remark


@pytest.mark.parametrize(
    "given",
    [
        {"expires": 0},
        {"expires": 0.0001},
        {"expires": -1},
        {"expires": 2592001},
        {"countdown": -1},
        {"countdown": 2592001},
        {"countdown": 60, "expires": 60},
        {"countdown": 60, "expires": 30},
        {"expires": "60"},
        {"countdown": float("nan")},
    ],
    ids=repr,
)
def test_times_that_cannot_be_are_refused(given: dict[str, object]) -> None:
    """A job that could never be sent, or not within what Aliyun remembers, is refused as 46001."""
    with pytest.raises(InvalidArguments, match=r"expires|countdown"):
        job(**given)

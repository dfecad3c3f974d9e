"""When messages last went under each signature."""

from typing import Any

import pytest
from redis.exceptions import ConnectionError as Unreachable

from smsjobs.contract import InvalidArguments
from smsjobs_worker.following.signatures import Sends
from smsjobs_worker.logs.facts import RequestMade
from smsjobs_worker.provider import SignedBy

DAY_S = 86_400
OURS, THEIRS = SignedBy(account="a", signature="示例"), SignedBy(account="b", signature="示例")
ELEMENTS = {"SMS.Main": OURS, "SMS.Twin": OURS, "SMS.Other": THEIRS, "SMS.Shop": None}


class Notes:
    """A store that writes down what it is told, unless it is away."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool]] = []
        self.away = False

    def note_signature(self, element: str, signature: str, *, sends: bool) -> None:
        """One note."""
        if self.away:
            raise Unreachable
        assert signature == "示例"
        self.told.append((element, sends))


class Elements:
    """Providers of which only the signature is asked; one element does not load."""

    def provider(self, name: str) -> Any:
        """One of them."""
        if name not in ELEMENTS:
            raise InvalidArguments("broken", reason="element_invalid")
        return type("Provider", (), {"signed_by": ELEMENTS[name]})


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


@pytest.fixture
def sends(notes: Notes, clock: list[float]) -> Sends:
    """Has begun the day."""
    sends = Sends(notes, [*ELEMENTS, "SMS.Broken"], Elements(), clock=lambda: clock[0])
    sends.run_once()
    assert sorted(notes.told) == [("SMS.Main", False), ("SMS.Other", False), ("SMS.Twin", False)]
    notes.told.clear()
    return sends


def request(element: str = "SMS.Main", **more: Any) -> RequestMade:
    usual = {"result": "accepted", "reason": "response", "aliyun_code": "OK", "attempts": 1, "seconds": 0.1}
    about = {"job_id": "j", "element": element, "lane": "bulk", "waited_s": None}
    return RequestMade(**{**usual, **about, **more})


def test_once_a_day(sends: Sends, notes: Notes, clock: list[float]) -> None:
    """However many messages an element sends, a day's first is noted and no other, for each element of the account and signature."""
    for _ in range(1000):
        sends.take(request())
    for _ in range(3):
        sends.run_once()
        sends.take(request())
    assert sorted(notes.told) == [("SMS.Main", True), ("SMS.Twin", True)]
    notes.told.clear()
    clock[0] = DAY_S + 1
    sends.run_once()
    sends.take(request())
    sends.run_once()
    assert sorted(each for each in notes.told if each[1]) == [("SMS.Main", True), ("SMS.Twin", True)]


def test_member(sends: Sends, notes: Notes) -> None:
    """Of a group it is the member that sends."""
    sends.take(request("SMS.Shop", member="SMS.Other"))
    sends.run_once()
    assert notes.told == [("SMS.Other", True)]


@pytest.mark.parametrize("result", ["rejected", "not_sent", "lost"])
def test_not_accepted(sends: Sends, notes: Notes, result: str) -> None:
    """What Aliyun did not take keeps no filing alive."""
    sends.take(request(result=result))
    sends.take(request("SMS.Broken"))
    sends.run_once()
    assert notes.told == []


def test_redis_away(sends: Sends, notes: Notes) -> None:
    """What Redis does not take is noted by a later pass."""
    sends.take(request())
    notes.away = True
    sends.run_once()
    notes.away = False
    sends.run_once()
    assert ("SMS.Main", True) in notes.told

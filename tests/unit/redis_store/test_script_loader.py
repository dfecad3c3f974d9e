"""Scripts are called by the names that they themselves give."""

import re
from importlib import resources
from pathlib import Path

import fakeredis
import pytest

from smsjobs.contract import CAMPAIGN_STATES, STATUSES
from smsjobs.redis_store import Scripts, key, script_loader

ROOMS = ("ledger", "campaign", "verification", "delivery", "events")
PACKAGE = Path(str(resources.files("smsjobs")))


def lua() -> list[Path]:
    """All our scripts that go by the loader, libraries included."""
    return [path for room in [*ROOMS, "redis_store"] for path in (PACKAGE / room / "scripts").rglob("*.lua")]


@pytest.fixture
def scripts() -> Scripts:
    """The ledger's."""
    return Scripts("ledger")


KEYS = {"job": key("aaaaaa", "job", "1")}


@pytest.mark.parametrize(
    ("keys", "arguments"),
    [
        (KEYS, {}),
        (KEYS, {"task_id": "t", "most": 1, "surplus": 1}),
        ({}, {"task_id": "t", "most": 1}),
        ({"jab": "x"}, {"task_id": "t", "most": 1}),
        (KEYS | {"surplus": "x"}, {"task_id": "t", "most": 1}),
    ],
    ids=str,
)
def test_wrong_names(scripts: Scripts, keys: dict[str, str], arguments: dict[str, object]) -> None:
    """A missing, a wrong and a surplus name is an error before anything reaches Redis."""
    with pytest.raises(TypeError, match="the script takes"):
        scripts.run("follow", fakeredis.FakeRedis(), keys, **arguments)


def test_right_names(scripts: Scripts) -> None:
    """By its names a script runs."""
    assert (
        scripts.run("follow", fakeredis.FakeRedis(decode_responses=True), KEYS, task_id="t", most=100) == ""
    )


def test_no_position_and_no_state_word() -> None:
    """No script reads its arguments by number or spells a state itself: the loader and the contract name them."""
    words = [f"'{each}'" for each in {*STATUSES, *CAMPAIGN_STATES} - {"cancelled"}]
    for path in lua():
        text = path.read_text("utf-8")
        code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
        assert "ARGV[" not in code, path.name
        assert "KEYS[" not in code.replace("string.match(KEYS[1]", ""), path.name
        assert [word for word in words if word in code] == [], path.name
        assert "cjson" not in code, path.name


@pytest.mark.parametrize("room", ROOMS)
def test_every_script_names_what_it_takes(room: str) -> None:
    """Each script begins with a comment, names its keys, and says how many named arguments stand before a list."""
    for path in (PACKAGE / room / "scripts").glob("*.lua"):
        text = path.read_text("utf-8")
        assert text.startswith("--"), path.name
        assert "Returns" in text.split("= unpack(KEYS)")[0], path.name
        if "groups(" in text:
            ((named, count),) = re.findall(r"^local ([^=]+)= unpack\(ARGV, 1, (\d+)\)$", text, re.MULTILINE)
            count = int(count)
            assert len(named.split(",")) == count, path.name
            assert f"groups({count + 1}, " in text, path.name


def whole(script: str, lib: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What Redis runs of a script that includes this lib."""
    read = script_loader._text
    monkeypatch.setattr(
        script_loader, "_text", lambda place: lib if place.startswith("room/") else read(place)
    )
    return script_loader._whole(script)


def test_what_is_not_called_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that nothing calls is not made, nor one that only such a function calls; a comment is no call."""
    lib = (
        "local function one() return 1 end\n"
        "local function two()\n  if one() then\n    return 2\n  end\nend\n"
        "local function three() return 3 end -- not as two\n"
    )
    text = whole("-- include room/lib\nreturn three()", lib, monkeypatch)
    assert [name for name in ("one", "two", "three") if f"local function {name}(" in text] == ["three"]
    assert fakeredis.FakeRedis().eval(text, 1, "sms:{aaaaaa}:x") == 3


def test_made_when_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions that are included for when they are needed are made at the first call, once a run."""
    lib = (
        "redis.call('INCR', KEYS[1])\n"
        "local function plus(a, b) return a + b end\n"
        "local function twice(a) return plus(a, a) end\n"
    )
    redis, counted = fakeredis.FakeRedis(), "sms:{aaaaaa}:x"
    head = "-- include when needed: room/lib\n"
    assert redis.eval(whole(f"{head}return {{twice(2), plus(1, 2)}}", lib, monkeypatch), 1, counted) == [4, 3]
    assert redis.get(counted) == b"1"
    assert redis.eval(whole(f"{head}if false then twice(2) end return 5", lib, monkeypatch), 1, counted) == 5
    assert redis.get(counted) == b"1"

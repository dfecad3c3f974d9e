"""Scripts are called by the names that they themselves give."""

import re
from importlib import resources
from pathlib import Path

import fakeredis
import pytest

from smsjobs.contract import CAMPAIGN_STATES, STATUSES
from smsjobs.redis_store import Scripts, key

ROOMS = ("ledger", "campaign", "verification", "delivery")
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

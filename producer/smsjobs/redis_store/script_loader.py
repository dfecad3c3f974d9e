"""Loads Lua scripts, and calls them by the names of their arguments.

A script begins by naming what it is given, and this module reads the names there::

    local job, agenda = unpack(KEYS)
    local now, id, token, lease = unpack(ARGV)

A last argument that is a list follows the named ones, and the script goes through it by ``groups``::

    local now, lease = unpack(ARGV, 1, 2)
    for id, token in groups(3, 2) do

Before each script stand the words and numbers of the contract (`prelude`), ``lib/base.lua``, and what it includes::

    -- include ledger/jobs, ledger/campaigns

which are ``scripts/lib/jobs.lua`` and ``scripts/lib/campaigns.lua`` of the room ``ledger``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from smsjobs.contract import CAMPAIGN_STATES, OUTCOMES, PROMOTIONAL_HOURS, STATUSES
from smsjobs.redis_store.keys import NO_ELEMENT, key

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["Scripts", "prelude"]

_INCLUDES: Final = re.compile("^-- include (.+)$", re.MULTILINE)

_NAMES: Final = re.compile(
    r"^local ([a-z_0-9, \n]+?) = unpack\((KEYS|ARGV)(?:, 1, ([0-9]+))?\)$", re.MULTILINE
)


class Scripts:
    """The scripts of one room.

    Args:
        room: Such as ``"ledger"``; the scripts are the files ``scripts/*.lua`` in it.
        clock: The time in seconds since 1970, for tests. Without it, Redis's own clock counts.
    """

    def __init__(self, room: str, *, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock
        folder = resources.files("smsjobs") / room / "scripts"
        names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".lua"))
        self._scripts = {
            name.removesuffix(".lua"): _Script(_whole(_text(f"{room}/scripts/{name}"))) for name in names
        }

    def __repr__(self) -> str:
        return "<Scripts>"

    def names(self) -> list[str]:
        """Every script of the room."""
        return list(self._scripts)

    def run(
        self, name: str, redis: Redis, keys: Mapping[str, str], rest: Sequence[Any] = (), /, **arguments: Any
    ) -> Any:
        """Run a script: one atomic step, one round trip.

        Args:
            keys: By the script's names. All but the first may be left out from the end; the script finds nil then.
            rest: What follows the named arguments.
            arguments: By the script's names. ``now`` is added where the script wants it.

        Raises:
            TypeError: A name is missing, or is none of the script's.
        """
        script = self._scripts[name]
        if script.wants_now:
            arguments["now"] = 0 if self._clock is None else round(self._clock() * 1000)
        return script.run(redis, keys, arguments, rest)


class _Script:
    """One script, and the names of what it takes."""

    def __init__(self, text: str) -> None:
        self._text = text
        named = {match[2]: match[1].replace("\n", " ").split(",") for match in _NAMES.finditer(text)}
        self._keys = [each.strip() for each in named.get("KEYS", ())]
        self._arguments = [each.strip() for each in named.get("ARGV", ())]
        self.wants_now = "now" in self._arguments
        self._registered: Any = None

    def run(
        self, redis: Redis, keys: Mapping[str, str], arguments: Mapping[str, Any], rest: Sequence[Any]
    ) -> Any:
        """Send it."""
        try:
            declared = [keys[name] for name in self._keys[: len(keys)]]
            values = [arguments[name] for name in self._arguments]
        except KeyError as missing:
            raise TypeError(f"the script takes {missing}") from None
        if not declared or len(values) != len(arguments) or len(declared) != len(keys):
            raise TypeError(f"the script takes the keys {self._keys} and the arguments {self._arguments}")
        if self._registered is None:
            self._registered = redis.register_script(self._text)
        return self._registered(declared, [*values, *rest], client=redis)


def prelude(script: str) -> str:
    """What the script uses of the contract's words and numbers, as Lua: a state is added there, and a script that
    misspells one is refused. ``ELEMENT`` is what all keys of its element begin with: no script builds a name outside of it.
    """  # noqa: D205  both are what it gives
    hours = PROMOTIONAL_HOURS
    known = {each.upper(): f"'{each}'" for each in (*STATUSES, *CAMPAIGN_STATES)} | {
        "SETTLED": f"{{{', '.join(f'{each} = true' for each in OUTCOMES)}}}",
        "PROMOTIONAL_FROM": f"{hours.from_s * 1000:.0f}",
        "PROMOTIONAL_TO": f"{hours.to_s * 1000:.0f}",
        "BEIJING": f"{hours.utc_offset_s * 1000:.0f}",
        "ELEMENT": f"string.sub(KEYS[1], 1, {len(key(NO_ELEMENT))})",
    }
    used = set(re.findall("[A-Z_]+", script))
    return "\n".join(f"local {name} = {value}" for name, value in known.items() if name in used)


def _whole(script: str) -> str:
    included = [name for line in _INCLUDES.findall(script) for name in line.split(", ")]
    places = [each.replace("/", "/scripts/lib/") for each in ("redis_store/base", *included)]
    whole = "\n".join([*(_text(f"{place}.lua") for place in places), script])
    return f"{prelude(whole)}\n{whole}"


def _text(place: str) -> str:
    return (resources.files("smsjobs") / place).read_text("utf-8")

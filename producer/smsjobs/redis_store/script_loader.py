"""Loads Lua scripts, and calls them by the names of their arguments.

A script begins by naming what it is given, and this module reads the names there::

    local job, agenda = unpack(KEYS)
    local now, id, token, lease = unpack(ARGV)

A last argument that is a list follows the named ones, and the script goes through it by ``groups``::

    local now, lease = unpack(ARGV, 1, 2)
    for id, token in groups(3, 2) do

Before each script stand the words and numbers of the contract (`prelude`), ``lib.lua``, and the room's own ``lib.lua``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from smsjobs.contract import (
    CAMPAIGN_STATES,
    OUTCOMES,
    PROMOTIONAL_HOURS,
    STATUSES,
)

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["Scripts", "prelude"]

_NAMES: Final = re.compile(
    r"^local ([a-z_0-9, \n]+?) = unpack\((KEYS|ARGV)(?:, 1, ([0-9]+))?\)$", re.MULTILINE
)


class Scripts:
    """The scripts of one room.

    Args:
        room: Its package; the scripts are the files ``scripts/*.lua`` in it.
        libraries: Packages whose ``scripts/lib.lua`` stands before each script.
        clock: The time in seconds since 1970, for tests. Without it, Redis's own clock counts.
    """

    def __init__(
        self,
        room: str,
        *,
        libraries: Sequence[str] = (),
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._clock = clock
        common = [prelude(), *(_text(package, "lib") for package in ("smsjobs.redis_store", *libraries))]
        folder = resources.files(room) / "scripts"
        names = sorted(
            each.name.removesuffix(".lua") for each in folder.iterdir() if each.name.endswith(".lua")
        )
        self._scripts = {
            name: _Script("\n".join([*common, _text(room, name)])) for name in names if name != "lib"
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


def prelude() -> str:
    """The contract's words and numbers as Lua: a state is added there, and a script that misspells one is refused."""
    words = [*STATUSES, *(each for each in CAMPAIGN_STATES if each not in STATUSES)]
    settled = ", ".join(f"[{each.upper()}] = true" for each in OUTCOMES)
    lines = [f"local {each.upper()} = '{each}'" for each in words]
    hours = PROMOTIONAL_HOURS
    return "\n".join(
        [
            *lines,
            f"local SETTLED = {{{settled}}}",
            f"local PROMOTIONAL_FROM, PROMOTIONAL_TO = {hours.from_s * 1000:.0f}, {hours.to_s * 1000:.0f}",
            f"local BEIJING = {hours.utc_offset_s * 1000:.0f}",
        ]
    )


def _text(package: str, name: str) -> str:
    return (resources.files(package) / "scripts" / f"{name}.lua").read_text("utf-8")

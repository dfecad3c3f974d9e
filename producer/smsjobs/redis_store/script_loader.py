"""Loads Lua scripts, and calls them by the names of their arguments.

A script begins with the names of its arguments. This module reads them there::

    local job, agenda = unpack(KEYS)
    local now, id, token, lease = unpack(ARGV)

A list may follow the named arguments. The script reads it with ``groups``::

    local now, lease = unpack(ARGV, 1, 2)
    for id, token in groups(3, 2) do

Three things are put before each script: the words and numbers of the contract (`prelude`), ``lib/base.lua``, and
what the script includes::

    -- include ledger/jobs, ledger/campaigns

These two are ``scripts/lib/jobs.lua`` and ``scripts/lib/campaigns.lua`` of the room ``ledger``. What these include in
the same way comes before them.

Redis makes every function of a script anew at each call. So what a script does not call is left out of it. What few jobs
need is made when one of its functions is called::

    -- include when needed: ledger/campaigns, ledger/damage

A script on which a promise rests says so. Where ``SMS_REPLICAS`` asks for replicas, its answer counts only when they have
the step::

    -- replicated
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import NoScriptError

from smsjobs.contract import CAMPAIGN_STATES, MOST_EVENTS, OUTCOMES, PROMOTIONAL_HOURS, STATUSES
from smsjobs.redis_store.keys import NO_ELEMENT, key
from smsjobs.redis_store.replicas import acknowledged, replicas_of

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["Scripts", "prelude"]

_INCLUDES: Final = re.compile(r"^-- include ([^:\n]+)$", re.MULTILINE)
_WHEN_NEEDED: Final = re.compile(r"^-- include when needed: (.+)$", re.MULTILINE)

#: A function that is not inside another one.
_FUNCTION: Final = re.compile(r"^local function (\w+)\((?:[^\n]* end|[\s\S]*?^end)$\n", re.MULTILINE)

_NAMES: Final = re.compile(
    r"^local ([a-z_0-9, \n]+?) = unpack\((KEYS|ARGV)(?:, 1, ([0-9]+))?\)$", re.MULTILINE
)


class Scripts:
    """The scripts of one room.

    Args:
        room: Such as ``"ledger"``. Its scripts are the files ``scripts/*.lua``.
        clock: Returns the time in seconds since 1970, for tests. Without it, Redis's own clock is used.
    """

    def __init__(self, room: str, *, clock: Callable[[], float] | None = None) -> None:
        self._room = room
        self._clock = clock
        # Not shared as their texts are: a client of a Cluster has its own form of a script.
        self._registered: dict[str, Any] = {}

    def __repr__(self) -> str:
        return "<Scripts>"

    def names(self) -> list[str]:
        """Return the name of every script of the room."""
        folder = resources.files("smsjobs") / self._room / "scripts"
        return sorted(
            each.name.removesuffix(".lua") for each in folder.iterdir() if each.name.endswith(".lua")
        )

    def keys(self, name: str) -> list[str]:
        """Return the names of a script's keys."""
        return _script(self._room, name).keys

    def run(
        self, name: str, redis: Redis, keys: Mapping[str, str], rest: Sequence[Any] = (), /, **arguments: Any
    ) -> Any:
        """Run a script: one atomic step, one round trip.

        Args:
            keys: The keys by their names in the script. The last ones may be left out, but not the first. The script
                finds nil for them.
            rest: The list that follows the named arguments.
            arguments: The arguments by their names in the script. ``now`` is added if the script names it.

        Raises:
            TypeError: A name is missing, or the script does not have it.
        """
        script = _script(self._room, name)
        if script.wants_now:
            arguments["now"] = 0 if self._clock is None else round(self._clock() * 1000)
        if name not in self._registered:
            self._registered[name] = redis.register_script(script.text)
        return script.run(self._registered[name], redis, keys, arguments, rest)


class _Script:
    """One script, and the names of its keys and arguments."""

    def __init__(self, text: str) -> None:
        self.text = text
        named = {match[2]: match[1].replace("\n", " ").split(",") for match in _NAMES.finditer(text)}
        self.keys = [each.strip() for each in named.get("KEYS", ())]
        self._arguments = [each.strip() for each in named.get("ARGV", ())]
        self.wants_now = "now" in self._arguments
        self._replicated = "-- replicated" in text.splitlines()

    def run(
        self,
        registered: Any,
        redis: Redis,
        keys: Mapping[str, str],
        arguments: Mapping[str, Any],
        rest: Sequence[Any],
    ) -> Any:
        """Run it, in the form that was registered with the client."""
        try:
            declared = [keys[name] for name in self.keys[: len(keys)]]
            values = [arguments[name] for name in self._arguments]
        except KeyError as missing:
            raise TypeError(f"the script takes {missing}") from None
        if not declared or len(values) != len(arguments) or len(declared) != len(keys):
            raise TypeError(f"the script takes the keys {self.keys} and the arguments {self._arguments}")
        replicas = replicas_of(redis) if self._replicated else None
        if replicas is None:
            return registered(declared, [*values, *rest], client=redis)
        step = ("EVALSHA", registered.sha, len(declared), *declared, *values, *rest)
        try:
            return acknowledged(redis, replicas, *step)
        except NoScriptError:
            redis.script_load(registered.script)
            return acknowledged(redis, replicas, *step)


@cache
def _script(room: str, name: str) -> _Script:
    """A script, which is read once in a process, when it is first run: that takes some milliseconds."""
    return _Script(_whole(_text(f"{room}/scripts/{name}.lua")))


def prelude(script: str) -> str:
    """Return, as Lua, the contract's words and numbers that the script uses.

    So a new state is added in the contract only, and Redis refuses a script that misspells one. ``ELEMENT`` is the
    beginning of all keys of the element. No script builds a key name without it.
    """
    hours = PROMOTIONAL_HOURS
    known = {each.upper(): f"'{each}'" for each in (*STATUSES, *CAMPAIGN_STATES)} | {
        "SETTLED": f"{{{', '.join(f'{each} = true' for each in OUTCOMES)}}}",
        "PROMOTIONAL_FROM": f"{hours.from_s * 1000:.0f}",
        "PROMOTIONAL_TO": f"{hours.to_s * 1000:.0f}",
        "MOST_EVENTS": f"'{MOST_EVENTS}'",
        "BEIJING": f"{hours.utc_offset_s * 1000:.0f}",
        "ELEMENT": f"string.sub(KEYS[1], 1, {len(key(NO_ELEMENT))})",
    }
    used = set(re.findall("[A-Z_]+", script))
    return "\n".join(f"local {name} = {value}" for name, value in known.items() if name in used)


def _whole(script: str) -> str:
    """Return what Redis runs: the script with all that it needs, and nothing that it does not call."""
    usual = [*_included("-- include redis_store/base", _INCLUDES), *_included(script, _INCLUDES)]
    rare = [each for each in _included(script, _WHEN_NEEDED) if each not in usual]
    unused = _unused("\n".join([*usual, *rare, script]))
    usual, rare, [script] = ([_without(each, unused) for each in texts] for texts in (usual, rare, [script]))
    if rare:
        names, made = _made_when_needed("\n".join(rare), "\n".join([*usual, script]))
        usual = [names, *usual, made]
    whole = "\n".join([*usual, script])
    return f"{prelude(whole)}\n{whole}"


def _without(text: str, names: set[str]) -> str:
    return _FUNCTION.sub(lambda found: "" if found[1] in names else found[0], text)


def _unused(text: str) -> set[str]:
    """Return the functions that nothing calls, or only these."""
    words = Counter(re.findall(r"\w+", re.sub("--.*", "", text)))
    found = {each[1] for each in _FUNCTION.finditer(text) if words[each[1]] == 1}
    return found | _unused(_without(text, found)) if found else found


def _made_when_needed(lib: str, others: str) -> tuple[str, str]:
    """Return the names that the others call, and the lib. Its functions are made when one of them is called."""
    code = re.sub("--.*", "", others)
    called = [each[1] for each in _FUNCTION.finditer(lib) if re.search(rf"(?<![.'])\b{each[1]}\b", code)]
    lines = [
        "local made",
        "local function make()",
        lib,
        f"made = {{{', '.join(f'{each} = {each}' for each in called)}}}",
        "return made",
        "end",
        *(f"function {each}(...) return (made or make()).{each}(...) end" for each in called),
    ]
    return f"local {', '.join(called)}", "\n".join(lines)


def _included(script: str, lines: re.Pattern[str]) -> list[str]:
    """The texts that a script includes by these lines, each after those that it includes itself."""
    texts: list[str] = []
    for line in lines.findall(script):
        for name in line.split(", "):
            text = _text(f"{name.replace('/', '/scripts/lib/')}.lua")
            texts += [each for each in (*_included(text, _INCLUDES), text) if each not in texts]
    return texts


def _text(place: str) -> str:
    return (resources.files("smsjobs") / place).read_text("utf-8")

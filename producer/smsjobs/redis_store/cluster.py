"""A client of a Redis Cluster. Each command goes to the node that has the slot of its key.

redis-py's own client of a Cluster does not fit: its pipelines repeat commands whose answer was lost, it sends ``WAIT`` to
any node, and it connects when it is made. This one is redis-py's client of one server, as all rooms know it, for each node.
It follows a slot that has moved or is moving, and repeats only what was refused and so was not done.

While a slot is moved key by key, a script would run on the half that a node still has. So each script declares one key more
that never exists: a node that has not the whole slot then refuses the script before it begins (``TRYAGAIN``), and
`patiently` waits until the slot has moved.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from redis.client import Pipeline
from redis.connection import ConnectionPool
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    NoScriptError,
    RedisError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from smsjobs.redis_store.replicas import Client, Replicas, in_pipeline, on_one_connection

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["ClusterClient", "place_of"]

T = TypeVar("T")
Place = tuple[str, int]

#: How often one command is sent on to another node.
_REDIRECTS: Final = 5

#: Seconds within which a node must tell who has which slot, so that there is time to ask the next.
_ASKED_S: Final = 1.0

#: The guard is taken off before the script looks at its keys.
_GUARDED: Final = "KEYS[#KEYS] = nil\n"

#: Commands without a key. Any node may answer them.
_KEYLESS: Final = frozenset({"CLUSTER", "CONFIG", "ECHO", "INFO", "PING", "TIME"})

#: After these, who has which slot is asked anew.
_LOST: Final = (RedisConnectionError, RedisTimeoutError, ClusterDownError)


class ClusterClient(Client):
    """A client of all nodes. Threads may share it.

    Args:
        places: Host and port of some of its nodes.
        pool: Makes the connections to a node from host, port, and other options in place of the usual ones.
        replicas: What its steps need of replicas.
    """

    def __init__(
        self, places: Sequence[Place], pool: Callable[..., ConnectionPool], replicas: Replicas | None
    ) -> None:
        super().__init__(connection_pool=pool(host=places[0][0], port=places[0][1]))
        self.replicas = replicas
        self._nodes = _Nodes(places, pool)
        #: The scripts by their digests. A node that does not have one yet is given it.
        self._texts: dict[str, str] = {}

    def node_of(self, key: str) -> tuple[str, Client]:
        """Return place and client of the node that has a key."""
        return self._nodes.of(_slot(key))

    def masters(self) -> Mapping[str, Client]:
        """Return a client of each node that has slots, by its place."""
        return self._nodes.all()

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command on the node of its key."""

        def run(node: Any, asking: bool) -> Any:
            if not asking:
                return node.execute_command(*args, **options)
            pipe: Any = node.pipeline(transaction=False)
            pipe.execute_command("ASKING")
            pipe.execute_command(*args, **options)
            may, answer = pipe.execute(raise_on_error=False)
            return may if isinstance(may, Exception) else answer

        args = _guarded(args)
        return self._follow(args, run)

    def acknowledged(self, replicas: Replicas, command: Sequence[Any]) -> Any:
        """See `smsjobs.redis_store.acknowledged`."""
        command = _guarded(command)
        tag = _hash_tag(_key_of(command) or "")

        def run(node: Client, asking: bool) -> Any:
            if asking:
                # The mark would be on both nodes, and a key that is on both cannot be moved.
                raise TryAgainError("the slot is being moved")
            return on_one_connection(node.connection_pool, replicas, command, tag=tag)

        return self._follow(command, run)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Any:
        """Return a pipeline. Its commands reach each node in one round trip, one node after the other."""
        del shard_hint
        return _Pipeline(self, transaction=transaction)

    def acknowledged_pipeline(
        self, replicas: Replicas, pipe: Any, *, raise_on_error: bool = True
    ) -> list[Any]:
        """See `smsjobs.redis_store.acknowledged_pipeline`."""
        return cast("list[Any]", pipe.run(raise_on_error=raise_on_error, replicas=replicas))

    def register_script(self, script: Any) -> Any:
        """Return a script that can be called. No node is asked."""
        made = super().register_script(_GUARDED + _word(script))
        self.script_load(made.script)
        return made

    def script_load(self, script: Any) -> Any:
        """Remember a script for the nodes that do not have it."""
        text = _word(script)
        digest = hashlib.sha1(text.encode()).hexdigest()  # noqa: S324  it is Redis's name for the script
        self._texts[digest] = text
        return digest

    def close(self) -> None:
        """Close the connections to all nodes. The next command opens them again."""
        super().close()
        self._nodes.close()

    def group(self, commands: Sequence[Sequence[Any]]) -> dict[str, tuple[Client, list[int]]]:
        """Return, for each node, its client and which of the commands are for it."""
        found: dict[str, tuple[Client, list[int]]] = {}
        for number, command in enumerate(commands):
            place, node = self.node_of(_key_of(command) or "")
            found.setdefault(place, (node, []))[1].append(number)
        return found

    def forget_nodes(self) -> None:
        """Ask anew who has which slot, before the next command."""
        self._nodes.forget()

    def _follow(self, command: Sequence[Any], run: Callable[[Client, bool], T]) -> T:
        """Run a command on the node of its key, wherever the slot is.

        Raises:
            TryAgainError: It moves on and on.
        """
        key = _key_of(command)
        asked: Place | None = None
        for _ in range(_REDIRECTS):
            if asked:
                place, node = self._nodes.at(asked)
            else:
                place, node = self._nodes.any() if key is None else self._nodes.of(_slot(key))
            try:
                answer = run(node, asked is not None)
                if isinstance(answer, RedisError):
                    raise answer
            except MovedError as error:
                asked = None
                self._nodes.moved(error.slot_id, _place(error, place))
            except AskError as error:
                asked = _place(error, place)
            except NoScriptError:
                text = self._texts.get(_word(command[1]))
                if text is None:
                    raise
                node.script_load(text)
            except _LOST:
                self._nodes.forget(place)
                raise
            else:
                return answer
        self._nodes.forget()
        raise TryAgainError("the slot moves on and on")


class _Pipeline(Pipeline):
    """A pipeline over all nodes.

    As a transaction, all its keys must be of one slot. Where that has moved, its commands are run one by one.
    """

    def __init__(self, client: ClusterClient, *, transaction: bool) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, transaction, None)
        self._client: Any = client

    def register_script(self, script: Any) -> Any:
        """Return a script that can be called."""
        return self._client.register_script(script)

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Run all commands, and return their answers in order."""
        return self.run(raise_on_error=raise_on_error, replicas=None)

    def run(self, *, raise_on_error: bool, replicas: Replicas | None) -> list[Any]:
        """Run all commands; where replicas are asked for, wait for them on each node."""
        for each in self.scripts:
            self._client.script_load(each.script)
        commands = [(_guarded(args), options) for args, options in self.command_stack]
        self.reset()
        answers: list[Any] = [None] * len(commands)
        for node, numbers in self._client.group([args for args, _ in commands]).values():
            pipe = node.pipeline(transaction=self.transaction)
            for number in numbers:
                args, options = commands[number]
                pipe.execute_command(*args, **options)
            try:
                if replicas:
                    tag = _hash_tag(_key_of(commands[numbers[-1]][0]) or "")
                    found = in_pipeline(node, replicas, pipe, raise_on_error=False, tag=tag)
                else:
                    found = pipe.execute(raise_on_error=False)
            except (AskError, NoScriptError) as refusal:
                found = [refusal] * len(numbers)
            except _LOST:
                self._client.forget_nodes()
                raise
            for number, answer in zip(numbers, found, strict=True):
                args, options = commands[number]
                answers[number] = self._again(args, options, answer, replicas)
        if raise_on_error:
            for each in answers:
                if isinstance(each, Exception):
                    raise each
        return answers

    def _again(
        self, args: Sequence[Any], options: dict[str, Any], answer: Any, replicas: Replicas | None
    ) -> Any:
        """What became of a command, which is run by itself if its node did not have its slot or its script."""
        if not isinstance(answer, (AskError, NoScriptError)):
            if isinstance(answer, ClusterDownError):
                self._client.forget_nodes()
            return answer
        try:
            if replicas:
                return self._client.acknowledged(replicas, args)
            return self._client.execute_command(*args, **options)
        except RedisError as error:
            return error


class _Nodes:
    """Who has which slot, as far as it is known. What is wrong is corrected by the node that is asked."""

    def __init__(self, places: Sequence[Place], pool: Callable[..., ConnectionPool]) -> None:
        self._seeds = tuple(places)
        self._pool = pool
        self._clients: dict[Place, Client] = {}
        #: The place of each slot; empty while it is not known.
        self._slots: dict[int, Place] = {}
        #: The place that failed last. It is asked last.
        self._failed: str = ""

    def of(self, slot: int) -> tuple[str, Client]:
        """Place and client of the node that has a slot.

        Raises:
            ClusterDownError: No node has it.
            redis.exceptions.RedisError: No node can be asked.
        """
        slots = self._slots or self._ask()
        if slot not in slots:
            self.forget()
            raise ClusterDownError("no node has the slot")
        return self.at(slots[slot])

    def any(self) -> tuple[str, Client]:
        """Place and client of a node that has slots."""
        return self.at(random.choice(list((self._slots or self._ask()).values())))

    def all(self) -> dict[str, Client]:
        """A client of each node that has slots, by its place."""
        places = sorted(set((self._slots or self._ask()).values()))
        return dict(map(self.at, places))

    def at(self, place: Place) -> tuple[str, Client]:
        """Place and client of a node."""
        if place not in self._clients:
            client = Client.on(self._pool(host=place[0], port=place[1]), None)
            self._clients.setdefault(place, client)
        return _text(place), self._clients[place]

    def moved(self, slot: int, place: Place) -> None:
        """Believe a node that another one has the slot."""
        # What nobody knows any more is asked anew as a whole.
        if slots := self._slots:
            slots[slot] = place

    def forget(self, failed: str = "") -> None:
        """Have the next command ask who has which slot; `failed` is asked last."""
        self._failed = failed or self._failed
        self._slots = {}

    def close(self) -> None:
        """Close all connections."""
        for each in list(self._clients.values()):
            each.close()

    def _ask(self) -> dict[int, Place]:
        known = [each for each in self._clients if each not in self._seeds]
        places = random.sample(known, len(known)) + random.sample(self._seeds, len(self._seeds))
        failure: RedisError = ClusterDownError("no node knows who has which slot")
        for place in sorted(places, key=lambda each: _text(each) == self._failed):
            try:
                found = self._asked(place)
            except RedisError as error:
                failure = error
                continue
            if found:
                self._slots = found
                return found
        raise failure

    def _asked(self, place: Place) -> dict[int, Place]:
        bounds = {"socket_timeout": _ASKED_S, "socket_connect_timeout": _ASKED_S, "decode_responses": True}
        client: Any = Client.on(self._pool(host=place[0], port=place[1], **bounds), None)
        try:
            ranges: Any = client.execute_command("CLUSTER", "SLOTS")
        finally:
            client.close()
        # A node that does not know its own name leaves it out.
        return {
            slot: (master[0] or place[0], int(master[1]))
            for first, last, master, *_ in ranges
            for slot in range(first, last + 1)
        }


def place_of(client: Redis, key: str) -> str:
    """Return the place of the node that has a key, or nothing if the client is not that of a Cluster."""
    return client.node_of(key)[0] if isinstance(client, ClusterClient) else ""


def _hash_tag(key: str) -> str:
    """Return the part of a key by which a Cluster chooses its slot."""
    _, opened, rest = key.partition("{")
    tag, closed, _ = rest.partition("}")
    return tag if opened and closed and tag else key


def _guarded(command: Sequence[Any]) -> tuple[Any, ...]:
    """The command; a script with one key more, which never exists."""
    if command[0] != "EVALSHA":
        return tuple(command)
    keys = int(command[2])
    guard = f"sms:whole:{{{_hash_tag(_word(command[3]))}}}"
    if command[2 + keys] == guard:
        return tuple(command)
    return ("EVALSHA", command[1], keys + 1, *command[3 : 3 + keys], guard, *command[3 + keys :])


def _key_of(command: Sequence[Any]) -> str | None:
    """The key that decides about the node; None if any node will do."""
    verb = str(command[0]).upper()
    if verb.split(" ")[0] in _KEYLESS:
        return None
    if verb == "EVALSHA":
        return _word(command[3])
    if verb in ("SCAN", "XREADGROUP"):
        # A pattern has the tag of the keys that it finds.
        words = list(map(_word, command))
        return words[words.index("MATCH" if verb == "SCAN" else "STREAMS") + 1]
    return _word(command[1])


def _word(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _slot(key: str) -> int:
    return key_slot(key.encode())


def _place(error: AskError, told_by: str) -> Place:
    # A node that does not know the other one's name leaves it out.
    return error.host or told_by.rpartition(":")[0], error.port


def _text(place: Place) -> str:
    return f"{place[0]}:{place[1]}"

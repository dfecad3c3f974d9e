"""What our transports lean on in kombu, and what a worker gets where they may not."""

import inspect
from typing import Any

import pytest
from kombu import Connection
from kombu.transport import pyamqp, virtual
from kombu.transport import redis as kombu_redis

from smsjobs.facts import subscribe
from smsjobs.kept_client import KeepsClient
from smsjobs.known_kombu import is_known
from smsjobs.settings import SettingsError
from smsjobs_worker.logs.facts import TransportPlain
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.process.transport import choose, harden, tell_choice
from smsjobs_worker.process.transport.channel import TRANSPORTS, TurnChannel, TurnTransport
from smsjobs_worker.process.transport.turn import TurnPoller, TurnQoS

#: What is called or overridden, with the arguments that it is given. None of it is documented by kombu.
LEANED_ON: dict[Any, dict[str, tuple[str, ...]]] = {
    kombu_redis.Channel: {
        "_create_client": ("self", "asynchronous"),
        "_connparams": ("self", "asynchronous"),
        "_brpop_read": ("self", "options"),
        "_receive_one": ("self", "c"),
        "_size": ("self", "queue"),
        "conn_or_acquire": ("self", "client"),
        "close": ("self",),
    },
    kombu_redis.QoS: {
        "append": ("self", "message", "delivery_tag"),
        "ack": ("self", "delivery_tag"),
        "reject": ("self", "delivery_tag", "requeue"),
        "restore_by_tag": ("self", "tag", "client", "leftmost"),
        "restore_unacked_once": ("self", "stderr"),
        "_remove_from_indices": ("self", "delivery_tag", "pipe"),
    },
    virtual.QoS: {
        "append": ("self", "message", "delivery_tag"),
        "ack": ("self", "delivery_tag"),
        "can_consume_max_estimate": ("self",),
    },
    kombu_redis.MultiChannelPoller: {"on_poll_start": ("self",)},
    kombu_redis.Transport: {
        "_deliver": ("self", "message", "queue"),
        "register_with_event_loop": ("self", "connection", "loop"),
    },
    pyamqp.Connection: {"drain_events": ("self", "timeout")},
    pyamqp.Channel: {"wait": ("self", "method", "callback", "timeout", "returns_tuple")},
    pyamqp.Transport: {"qos_semantics_matches_spec": ("self", "connection")},
}


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        pytest.param(owner, name, id=f"{owner.__module__}.{owner.__name__}.{name}")
        for owner in LEANED_ON
        for name in LEANED_ON[owner]
    ],
)
def test_what_it_leans_on(owner: Any, name: str) -> None:
    """Each method of kombu's inside that we call or replace is there, with the arguments that we know."""
    assert tuple(inspect.signature(getattr(owner, name)).parameters) == LEANED_ON[owner][name]


def test_every_override_is_one() -> None:
    """Each method of ours that is meant to replace one of kombu's does: a name that kombu gave up would be called by nobody."""
    ours = {
        KeepsClient: {"_create_client"},
        TurnChannel: {"_connparams", "_brpop_read", "_receive_one", "_size", "close"},
        TurnQoS: {"append", "ack", "reject", "restore_visible", "restore_by_tag", "restore_unacked_once"},
        TurnPoller: {"on_poll_start"},
        TurnTransport: {"_deliver", "register_with_event_loop"},
    }
    for made, names in ours.items():
        for name in names:
            assert name in vars(made)
            assert any(name in vars(each) for each in made.__mro__[1:]), f"{made.__name__}.{name}"


def test_this_kombu_is_known() -> None:
    """The kombu that the suite runs on is one that our transports are used with."""
    assert is_known()


@pytest.mark.parametrize(
    ("wanted", "version", "chosen", "reason"),
    [
        ("own", "5.7.0", "own", None),
        ("own", "5.7.9", "own", None),
        ("own", "5.8.0", "plain", "unknown_kombu"),
        ("own", "5.8.0rc1", "plain", "unknown_kombu"),
        ("own", "6.0", "plain", "unknown_kombu"),
        ("plain", "5.7.0", "plain", "SMS_TRANSPORT"),
    ],
)
def test_choice(wanted: Any, version: str, chosen: str, reason: str | None) -> None:
    """Ours is used with a kombu that is known, unless the setting says otherwise; else the log says why not."""
    told: list[Any] = []
    forget = subscribe(told.append)
    try:
        tell_choice(wanted, version)
    finally:
        forget()
    assert choose(wanted, version) == chosen
    assert [each.reason for each in told if isinstance(each, TransportPlain)] == ([reason] if reason else [])


def test_connection() -> None:
    """A connection has our transport where it was chosen, and kombu's own where it was not."""
    url = "redis://127.0.0.1:1/0"
    assert harden(Connection(url)).get_transport_cls() is TRANSPORTS["redis"]
    assert harden(Connection(url), "plain").get_transport_cls() is kombu_redis.Transport


def test_setting() -> None:
    """The setting has two words, and any other is refused by name."""
    assert WorkerSettings.read({}).transport == "own"
    assert WorkerSettings.read({"SMS_TRANSPORT": "plain"}).transport == "plain"
    with pytest.raises(SettingsError, match="SMS_TRANSPORT must be own or plain"):
        WorkerSettings.read({"SMS_TRANSPORT": "fast"})

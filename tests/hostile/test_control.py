"""What others on the broker may tell a worker: little."""

import json
import os
from typing import Any

import pytest
from celery.result import AsyncResult
from celery.worker.control import Panel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.attack import Attack, raw, values
from support.stage import Stage, outcome, word

#: What is carried out. Everything else that Celery has is refused.
ALLOWED = {
    *(
        "ping",
        "active",
        "reserved",
        "scheduled",
        "query_task",
        "active_queues",
        "clock",
        "registered",
        "stats",
        "hello",
    ),
    *("dump_active", "dump_reserved", "dump_schedule", "dump_tasks"),
}

#: Arguments that would do harm.
HARM: dict[str, dict[str, Any]] = {
    "rate_limit": {"task_name": "smsjobs.send", "rate_limit": "1/h"},
    "time_limit": {"task_name": "smsjobs.send", "hard": 0.001},
    "pool_shrink": {"n": 100},
    "pool_grow": {"n": 10_000},
    "autoscale": {"max": 0, "min": 0},
    "cancel_consumer": {"queue": "sms.notification"},
    "add_consumer": {"queue": "elsewhere"},
    "terminate": {"task_id": ["x"], "signal": "KILL"},
    "revoke": {"task_id": ["x"], "terminate": True},
    "revoke_by_stamped_headers": {"headers": {"a": ["b"]}},
    "objgraph": {"num": 1},
    "election": {"id": "x", "topic": "task", "action": {"task": "smsjobs.submit"}},
}


def command(attack: Attack, name: str, arguments: dict[str, Any] | None = None) -> list[Any]:
    """What the workers answer to a command."""
    replies = attack.stage.celery.control.broadcast(name, arguments, reply=True, timeout=5, limit=2)
    return [answer for reply in replies for answer in reply.values()]


@pytest.mark.parametrize("name", sorted(set(Panel.data) - ALLOWED))
def test_a_command_is_refused(attack: Attack, name: str) -> None:
    """A command that is not allowed is refused with the reason, and changes nothing."""
    answers = command(attack, name, HARM.get(name))
    assert len(answers) == 2
    assert all(set(each) == {"error"} and each["error"] for each in answers)
    attack.check()


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_a_command_that_reads(attack: Attack, name: str) -> None:
    """A command that reads is answered by every worker, without an address or a password."""
    arguments = {"query_task": {"ids": ["x"]}, "hello": {"from_node": "x", "revoked": {"y": 1}}}
    answers = command(attack, name, arguments.get(name))
    assert len(answers) == 2
    assert "error" not in json.dumps(answers)
    assert "redis" not in json.dumps(answers) or name == "stats"
    attack.check()


def test_the_tasks_are_ours(attack: Attack) -> None:
    """A worker has the two tasks of smsjobs, and none of Celery's own."""
    assert command(attack, "registered") == [["smsjobs.send", "smsjobs.submit"]] * 2


def test_a_revoked_job(attack: Attack) -> None:
    """A job that `celery control` revokes is told in no way to be revoked, and is sent when it is due."""
    job = attack.stage.send("SMS.Example", lane="notification", countdown=1)
    command(attack, "revoke", {"task_id": [job.id]})
    command(attack, "hello", {"from_node": "x", "revoked": {job.id: 1.0}})
    assert AsyncResult(job.id, app=attack.stage.celery).state != "REVOKED"
    assert word(outcome(job, timeout=20)) == "accepted"
    assert AsyncResult(job.id, app=attack.stage.celery).get(timeout=20)["outcome"] == "accepted"


_arguments = st.dictionaries(st.sampled_from(["ids", "safe", "state", "from_node", "x"]), values, max_size=2)
_commands = st.fixed_dictionaries(
    {},
    optional={
        "method": st.sampled_from([*sorted(set(Panel.data) - {"shutdown"}), "nothing", ""]) | values,
        "arguments": _arguments | values,
        "destination": values,
        "pattern": values,
        "matcher": st.sampled_from(["pcre", "glob"]) | values,
        "reply_to": st.fixed_dictionaries({"exchange": values, "routing_key": values}) | values,
        "ticket": values,
    },
)
_broadcasts = st.one_of(
    st.binary(max_size=40),
    values.map(json.dumps),
    st.builds(
        lambda body, headers: raw(**{"body": body, "id": "x", **headers}),
        (_commands | values).map(json.dumps) | st.binary(max_size=20),
        st.dictionaries(
            st.sampled_from(["clock", "expires", "compression", "id", "task"]), values, max_size=2
        ),
    ),
)


@settings(
    max_examples=int(os.environ.get("HOSTILE_BATCHES", "6")),
    deadline=None,
    derandomize="HOSTILE_BATCHES" not in os.environ,
    suppress_health_check=list(HealthCheck),
    database=None,
)
@given(st.lists(_broadcasts, min_size=15, max_size=15))
def test_odd_broadcasts(attack: Attack, texts: list[str | bytes]) -> None:
    """After any broadcasts the workers send at once, and answer the next command."""
    with attack.stage.client() as client:
        for each in texts:
            client.publish("/0.celery.pidbox", each)
            client.publish("/0.celeryev/worker.heartbeat", each)
    attack.check()
    assert command(attack, "ping") == [{"ok": "pong"}] * 2


def test_shutdown_where_it_is_permitted(own: Stage) -> None:
    """`celery control shutdown` ends a worker whose setting permits it."""
    with own.worker(SMS_REMOTE_SHUTDOWN="1") as worker:
        own.celery.control.shutdown()
        assert worker.wait(20) == 0

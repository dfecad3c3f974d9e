"""Whatever arrives on a queue ends, and nothing behind it waits. test_long_run.py puts messages there that a generator makes."""

import json
import os
import zlib
from typing import Any

import pytest
from celery.result import AsyncResult

from smsjobs import InvalidArguments, RequestFailed
from smsjobs.ledger import Aside
from support.attack import LANE, Attack, raw
from support.damage import replace_by
from support.keys import job_key
from support.polling import until
from support.stage import TEMPLATE, new_phone, outcome

GOOD = {
    "element": "SMS.Example",
    "phoneList": ["13800138321"],
    "params": {"code": "739201"},
    "verifyTemplateCode": TEMPLATE,
}


def bomb(megabytes: int = 90) -> bytes:
    """Little that unpacks to much."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(b'[[],{"params":"'), *(packer.compress(b"0" * 2**20) for _ in range(megabytes))]
    return b"".join([*parts, packer.compress(b'"},{}]'), packer.flush()])


UNANSWERABLE: list[tuple[str, dict[str, Any]]] = [
    ("an empty id", {"id": ""}),
    ("an id with blanks", {"id": "a b"}),
    ("an id with a line break", {"id": "a\nb"}),
    ("an id that is half a character", {"id": "\ud800"}),
    ("an endless id", {"id": "x" * 256}),
    ("an id that is a list", {"id": ["x"]}),
    ("headers that are a list", {"envelope": {"headers": ["x"]}}),
    ("headers that are a text", {"envelope": {"headers": "x"}}),
    ("no headers", {"envelope": {"headers": {}}}),
    ("no properties", {"envelope": {"properties": None}}),
    (
        "an older protocol",
        {"envelope": {"headers": {}}, "body": '{"task":"smsjobs.send","id":"x","args":[],"kwargs":{}}'},
    ),
    ("a body that is not base64", {"envelope": {"body": "????"}}),
    ("a number as body", {"envelope": {"body": 1}}),
    ("an encoding that there is not", {"props": {"body_encoding": "rot13"}}),
    ("a date that kombu cannot make", {"envelope": {"more": {"__type__": "decimal", "__value__": "x"}}}),
]


@pytest.mark.parametrize(
    "message", [each for _, each in UNANSWERABLE], ids=[name for name, _ in UNANSWERABLE]
)
def test_a_message_that_nobody_can_be_told_of(attack: Attack, message: dict[str, Any]) -> None:
    """More of them than both workers have threads are dropped, and told by one line with their kind, without their content."""
    attack.put(raw(**{"kwargs": GOOD, **message}) for _ in range(10))
    attack.check()
    assert "13800138321" not in attack.log()
    assert "739201" not in attack.log()


ANSWERED: list[tuple[str, dict[str, Any], str]] = [
    ("compressed", {"compression": "application/x-gzip", "body": zlib.compress(b"[[],{},{}]")}, "compress"),
    ("pickle", {"envelope": {"content-type": "application/x-python-serialize"}}, "JSON"),
    ("YAML", {"envelope": {"content-type": "application/x-yaml"}}, "JSON"),
    ("another encoding", {"envelope": {"content-encoding": "utf-16"}}, "JSON"),
    ("too large", {"body": json.dumps([[], {**GOOD, "params": {"x": "0" * 300_000}}, {}])}, "longer"),
    ("not UTF-8", {"body": b"[[],{},{\xff}]"}, "UTF-8"),
    ("not JSON", {"body": "[[],{},{}"}, "JSON"),
    ("deep", {"body": "[" * 100_000 + "]" * 100_000}, "JSON"),
    ("infinite", {"body": '[[],{"expires":Infinity},{}]'}, "JSON"),
    ("arguments that are none", {"body": "[1,2,{}]"}, "JSON"),
    ("an eta that is no time", {"eta": "tomorrow"}, "times"),
    ("an eta that is a number", {"eta": 1e300}, "times"),
    ("an expiry that is a list", {"expires": [1]}, "times"),
    ("a task of Celery's", {"task": "celery.map"}, "no other task"),
    ("a task that is a list", {"task": ["celery.map"]}, "no other task"),
    ("a name of ours", {"kwargs": {**GOOD, "self": 1}}, "self"),
    ("a number without end", {"kwargs": {**GOOD, "expires": 10**400}}, ""),
    ("an id for Redis", {"id": "sms:{x}:job:y", "kwargs": GOOD}, "id"),
]


@pytest.mark.parametrize(
    ("message", "says"), [each[1:] for each in ANSWERED], ids=[each[0] for each in ANSWERED]
)
def test_a_message_that_is_refused(attack: Attack, message: dict[str, Any], says: str) -> None:
    """A message with an id is refused under it as 46001, with what is wrong, and without its content."""
    message = {"kwargs": GOOD, **message}
    task_id = message.setdefault("id", os.urandom(8).hex())
    attack.put([raw(**message)])
    with pytest.raises(InvalidArguments) as caught:
        AsyncResult(task_id, app=attack.stage.celery).get(timeout=20)
    assert says in caught.value.message
    assert caught.value.out_id == task_id
    attack.check()
    assert "739201" not in attack.log()


def test_what_unpacks_to_much(attack: Attack) -> None:
    """A message that unpacks to 90 MB is not unpacked."""
    before, body = attack.memory_mb(), bomb()
    attack.put(raw(body=body, compression=kind) for kind in ("application/x-gzip", "gzip", "zlib"))
    attack.check()
    assert attack.memory_mb() - before < 60


def test_two_messages_of_one_tag(attack: Attack) -> None:
    """Messages that give themselves the same tag, or another's, are two messages."""
    ids = [os.urandom(8).hex() for _ in range(8)]
    attack.put(
        raw(id=each, kwargs={**GOOD, "phoneList": [new_phone()]}, props={"delivery_tag": "x"}) for each in ids
    )
    for each in ids:
        assert AsyncResult(each, app=attack.stage.celery).get(timeout=20)["outcome"] == "accepted"
    attack.check()


def test_callbacks_and_links_are_dropped(attack: Attack) -> None:
    """What a message asks for after its end is not done: no callback, chain or chord, of success or of failure."""
    victim = attack.stage.send("SMS.Example", lane="verification", countdown=600)
    call = {
        "task": "smsjobs.submit",
        "args": [],
        "kwargs": GOOD,
        "options": {"queue": "sms.bulk"},
        "subtask_type": None,
    }
    links = {"callbacks": [call], "errbacks": [call], "chain": [call], "chord": call}
    good = raw(
        id="with-links", kwargs={**GOOD, "phoneList": [new_phone()]}, embed=links, chord=call, group="g"
    )
    attack.put([good, raw(id="links-of-a-failure", kwargs={}, embed=links)])
    for each in ("with-links", "links-of-a-failure"):
        until(AsyncResult(each, app=attack.stage.celery).ready, "it has its end")
    attack.check()
    assert attack.stage.simulator.accepted(phone="13800138321") == []
    assert victim.status() == "queued"


def test_an_eta_waits_in_the_ledger(attack: Attack) -> None:
    """A message with an `eta` is acknowledged at once, and its job is sent when it is due."""
    send = attack.stage.celery.send_task
    options: dict[str, Any] = {"queue": f"sms.{LANE}", "kwargs": {**GOOD, "phoneList": [new_phone()]}}
    late, soon = (
        send("smsjobs.submit", countdown=86_400, **options),
        send("smsjobs.submit", countdown=1, **options),
    )
    never = send("smsjobs.submit", eta="9999-12-31T00:00:00+00:00", **options)
    assert soon.get(timeout=20)["outcome"] == "accepted"
    with pytest.raises(InvalidArguments):
        never.get(timeout=20)
    attack.check()
    assert attack.stage.sms.job(late.id).status() == "queued"


def test_an_entry_that_is_not_one(attack: Attack) -> None:
    """A message whose entry in Redis has a wrong type ends, and does not come again and again."""
    with attack.stage.client() as client:
        client.set(job_key("wrong-type", "SMS.Example"), "x")
    attack.put([raw(id="wrong-type", kwargs=GOOD)])
    with pytest.raises(RequestFailed) as caught:
        AsyncResult("wrong-type", app=attack.stage.celery).get(timeout=20)
    assert (caught.value.reason, caught.value.outcome) == ("internal_error", "not_sent")
    attack.check()
    assert outcome(attack.stage.send("SMS.Example")).outcome == "accepted"


@pytest.mark.parametrize("name", [f"sms.{LANE}", "unacked", "unacked_index"])
def test_a_key_of_the_broker(attack: Attack, name: str) -> None:
    """A key of the broker that is of a wrong type gets another name, and no lane waits; nobody says that Redis is unreachable."""
    before = [len(each.log()) for each in attack.workers]
    with attack.stage.client() as client:
        replace_by("string")(client, name)
        until(lambda: outcome(attack.stage.send("SMS.Example", lane=LANE)), "its lane goes on", timeout=20)
        attack.check()
        until(lambda: client.type(name) != "string", "it has another name", timeout=20)
        assert client.get(f"{{{name}}}:aside") == "x"
        assert [each.id for each in Aside(client, keep_s=0).items()] == [name]
        Aside(client, keep_s=0).drop(name)
    attack.check()
    log = "".join(each.log()[start:] for each, start in zip(attack.workers, before, strict=True))
    assert f"item={name}" in log
    assert "Cannot connect" not in log
    assert "unreachable" not in log

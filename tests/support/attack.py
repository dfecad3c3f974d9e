"""Messages as somebody makes them who may write to the broker, and what must hold after them."""

import base64
import json
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from smsjobs import SendResult
from support.polling import in_time, until
from support.stage import Stage, outcome
from support.worker import WorkerProcess

#: The lane whose queue is attacked.
LANE = "bulk"

#: Longest time in seconds until a probe is accepted, on a machine that does nothing else. It takes 0.02 to 0.05 s.
PROBE_S = 1.0


def raw(
    task: Any = "smsjobs.submit",
    id: Any = None,
    body: str | bytes | None = None,
    args: Any = (),
    kwargs: Any = None,
    embed: Any = None,
    props: dict[str, Any] | None = None,
    envelope: dict[str, Any] | None = None,
    **headers: Any,
) -> str:
    """A message as Celery writes one, but for what is given."""
    task_id = str(uuid.uuid4()) if id is None else id
    if body is None:
        links = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
        body = json.dumps([args, {} if kwargs is None else kwargs, links if embed is None else embed])
    encoded = base64.b64encode(body if isinstance(body, bytes) else body.encode()).decode()
    way = {"exchange": "", "routing_key": f"sms.{LANE}"}
    return json.dumps(
        {
            "body": encoded,
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                "lang": "py",
                "task": task,
                "id": task_id,
                "root_id": task_id,
                "retries": 0,
                **headers,
            },
            "properties": {
                "correlation_id": task_id,
                "delivery_mode": 2,
                "delivery_info": way,
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid.uuid4()),
                **(props or {}),
            },
            **(envelope or {}),
        }
    )


class Attack:
    """Writes messages to the queue that both workers read, and looks at how they are after it."""

    def __init__(self, stage: Stage, workers: tuple[WorkerProcess, WorkerProcess]) -> None:
        self.stage = stage
        self.workers = workers
        #: Seconds that each probe took.
        self.probes: list[float] = []

    def put(self, texts: Iterable[str | bytes], *, lane: str = LANE) -> None:
        """Write messages to a queue."""
        with self.stage.client() as client:
            client.lpush(f"sms.{lane}", *texts)

    def check(self) -> None:
        """Nothing is left unacknowledged, and both workers send at once."""
        with self.stage.client() as client:
            until(lambda: not client.llen(f"sms.{LANE}"), "all is taken from the queue", timeout=20)
            for lane in ("verification", "notification"):
                began = time.monotonic()
                with in_time(PROBE_S, lane):
                    probe = self.stage.send("SMS.Example", lane=lane)
                    assert isinstance(outcome(probe, timeout=20), SendResult), lane
                self.probes.append(time.monotonic() - began)
            until(
                lambda: not client.hlen("unacked") and not client.zcard("unacked_index"),
                "nothing is unacknowledged",
                timeout=20,
            )
        assert all(each.ready for each in self.workers)

    def log(self) -> str:
        """What both have written."""
        return "".join(each.log() for each in self.workers)

    def memory_mb(self) -> float:
        """The most memory that one of them has ever had."""
        texts = [Path(f"/proc/{each.pid}/status").read_text("ascii") for each in self.workers]
        return max(int(text.partition("VmHWM:")[2].split()[0]) for text in texts) / 1024


_texts = st.one_of(
    st.text(max_size=20),
    st.text(alphabet="\x00\x1b\r\n{}:*'\"\\ ", max_size=8),
    st.just("\ud800"),
    st.just("x" * 5000),
    st.sampled_from(
        ["1" * 400, "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00-23:59", "2020-02-30", "-0", "nan"]
    ),
)
_numbers = st.one_of(
    st.integers(),
    st.sampled_from([10**400, -(10**400), 2**63, 1e308, -1]),
    st.floats(),
)
#: What kombu's own reader of JSON makes other types of.
_typed = st.builds(
    lambda kind, value: {"__type__": kind, "__value__": value},
    st.sampled_from(["datetime", "date", "time", "decimal", "uuid", "bytes", "base64", "junk", ""]),
    st.one_of(_texts, _numbers, st.none()),
)
_leaves = st.one_of(st.none(), st.booleans(), _numbers, _texts, _typed)
#: Any value of JSON, and some that only Python writes.
values = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)

_deep = st.sampled_from([10, 990, 5_000, 100_000]).map(lambda depth: "[" * depth + "]" * depth)
_bodies = st.one_of(
    st.binary(max_size=40),
    _deep,
    values.map(json.dumps),
    st.sampled_from(
        ["", "{}", "[]", "[[],{}]", '[[],{"a":NaN},{}]', "[[],{},{}] more", '{"args":[],"task":"x","id":"y"}']
    ),
    st.just("[[],{},{}]" + " " * 400_000),
)
_field_names = st.sampled_from(
    [
        "element",
        "phoneList",
        "params",
        "verifyTemplateCode",
        "lane",
        "expires",
        "countdown",
        "on_unknown",
        "idempotency_key",
        "id",
        "v",
        "self",
        "args",
        "task_id",
        "",
        "handed",
    ]
)
_good = {
    "element": "SMS.Example",
    "phoneList": ["13800138000"],
    "params": {"code": "1"},
    "verifyTemplateCode": "SMS_1",
}
_kwargs = st.one_of(
    values, st.dictionaries(_field_names, values, max_size=3).map(lambda odd: {**_good, **odd})
)
_tasks = st.one_of(
    st.sampled_from(
        ["smsjobs.submit", "smsjobs.send", "celery.map", "celery.chord_unlock", "celery.backend_cleanup"]
    ),
    values,
)
_ids = st.one_of(
    st.none(),
    values,
    st.sampled_from(["", " ", "x" * 256, "a b", "a\nb", "{x}", "sms:job", "../..", "*", "same", "\x00"]),
)
_header_names = st.sampled_from(
    [
        "eta",
        "expires",
        "timelimit",
        "group",
        "group_index",
        "chord",
        "shadow",
        "retries",
        "root_id",
        "parent_id",
        "reply_to",
        "stamped_headers",
        "stamps",
        "argsrepr",
        "kwargsrepr",
        "ignore_result",
        "replaced_task_nesting",
        "compression",
        "id",
        "task",
        "lang",
        "redelivered",
        "origin",
        "meth",
        "callbacks",
        "errbacks",
        "chain",
        "is_eager",
        "hostname",
        "args",
    ]
)
_property_names = st.sampled_from(
    [
        "delivery_tag",
        "delivery_info",
        "body_encoding",
        "priority",
        "reply_to",
        "correlation_id",
        "delivery_mode",
    ]
)
_envelope_names = st.sampled_from(["body", "content-type", "content-encoding", "headers", "properties"])
_codings = st.sampled_from(
    [
        "application/x-python-serialize",
        "application/x-yaml",
        "application/data",
        "application/x-gzip",
        "application/x-bz2",
        "application/x-lzma",
        "application/zstd",
        "gzip",
        "binary",
        "utf-16",
        "rot13",
        "zlib_codec",
        "ascii",
        "",
    ]
)


@st.composite
def odd_messages(draw: st.DrawFn) -> str | bytes:
    """Anything that can stand on a queue, most of it near a message of Celery's."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.one_of(st.binary(max_size=60), values.map(json.dumps), _deep))
    odd: dict[str, Any] = {"task": draw(_tasks), "id": draw(_ids)}
    if draw(st.booleans()):
        odd["body"] = draw(_bodies)
    else:
        odd |= {
            "args": draw(st.just([]) | values),
            "kwargs": draw(_kwargs),
            "embed": draw(st.none() | values),
        }
    several = {"max_size": 2}
    either = values | _codings
    odd["props"] = draw(st.dictionaries(_property_names, either, **several))
    odd["envelope"] = draw(st.dictionaries(_envelope_names, either, **several))
    headers = draw(st.dictionaries(_header_names, either, **several))
    return raw(**{**odd, **headers})

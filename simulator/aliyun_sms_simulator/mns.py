"""The calls of Aliyun's Message Service (MNS) that a consumer of receipts makes: receive and delete, in XML.

========================================================================  ===============================================
``GET /queues/<name>/messages?numOfMessages=16&waitseconds=30``             receive up to 16; wait for the first one
``DELETE /queues/<name>/messages`` with the handles in its body             delete
========================================================================  ===============================================
"""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from aliyun_sms_simulator.codes import Refusal
from aliyun_sms_simulator.gateway import Call
from aliyun_sms_simulator.queues import Message
from aliyun_sms_simulator.world import World

__all__ = [
    "NAMESPACE",
    "QUEUE_ACTIONS",
    "admit_to_queue",
    "longest_wait_s",
    "perform_on_queue",
    "refusal_xml",
]

NAMESPACE = "http://mns.aliyuncs.com/doc/v1/"
#: action to the name in records and faults
QUEUE_ACTIONS = {"GET": "ReceiveMessage", "DELETE": "DeleteMessage"}

_PATH = re.compile(r"/queues/([A-Za-z0-9-]{1,256})/messages", re.ASCII)
_HANDLE = re.compile(r"<ReceiptHandle>([A-Za-z0-9-]{1,128})</ReceiptHandle>", re.ASCII)
_MOST = 16
_LONGEST_WAIT_S = 30


def admit_to_queue(
    world: World, *, method: str, path: str, raw_query: str, headers: Mapping[str, str], body: bytes
) -> Call:
    """Check a request to a queue as it came over the wire.

    Raises:
        Refusal: one of MNS's errors.
    """
    matched = _PATH.fullmatch(path)
    action = QUEUE_ACTIONS.get(method)
    if matched is None or action is None:
        raise Refusal("InvalidRequestURL", "Http request url invalid.", 400)
    queue = matched.group(1)
    world.queues.admit(
        method=method,
        queue=queue,
        resource=f"{path}?{raw_query}" if raw_query else path,
        headers={name.lower(): value for name, value in headers.items()},
        now_s=world.clock.now(),
    )
    if queue not in world.queue_names():
        raise Refusal("QueueNotExist", "The queue name you provided is not exist.", 404)
    params = {**dict(parse_qsl(raw_query)), "queue": queue, "body": body.decode("utf-8", "replace")}
    return Call(action=action, account="", params=params, phones=(), out_id="")


def longest_wait_s(call: Call) -> float:
    """Return for how long a call waits for a message."""
    return min(_whole(call, "waitseconds", 0), _LONGEST_WAIT_S) if call.action == "ReceiveMessage" else 0


def perform_on_queue(world: World, call: Call) -> tuple[int, bytes]:
    """Receive or delete. Return the HTTP status and the body.

    Raises:
        Refusal: one of MNS's errors.
    """
    queue = call.params["queue"]
    if call.action == "ReceiveMessage":
        most = _whole(call, "numOfMessages", 1)
        if not 1 <= most <= _MOST:
            raise Refusal("InvalidArgument", "The value of numOfMessages should between 1 and 16.", 400)
        hidden_s = world.settings.queue_hidden_s
        found = world.queues.receive(queue, most=most, now_s=world.clock.now(), hidden_s=hidden_s)
        return 200, _document("Messages", "".join(map(_message, found)))
    handles = _HANDLE.findall(call.params["body"])
    if not 1 <= len(handles) <= _MOST:
        raise Refusal("InvalidArgument", "The number of receipt handles should between 1 and 16.", 400)
    unknown = world.queues.delete(queue, handles)
    if not unknown:
        return 204, b""
    errors = "".join(
        _element(
            "Error",
            ErrorCode="MessageNotExist",
            ErrorMessage="Message not exist.",
            ReceiptHandle=each,
        )
        for each in unknown
    )
    return 404, _document("Errors", errors)


def refusal_xml(refused: Refusal, request_id: str) -> bytes:
    """Return an error as MNS writes it."""
    inner = _fields(
        Code=refused.code, Message=refused.message, RequestId=request_id, HostId="http://simulator"
    )
    return _document("Error", inner)


def _message(message: Message) -> str:
    return _element(
        "Message",
        MessageId=message.id,
        ReceiptHandle=message.handle,
        MessageBodyMD5="0" * 32,
        MessageBody=message.body,
        EnqueueTime=_ms(message.put_s),
        NextVisibleTime=_ms(message.visible_s),
        FirstDequeueTime=_ms(message.first_s),
        DequeueCount=str(message.times),
        Priority="8",
    )


def _whole(call: Call, name: str, usual: int) -> int:
    text = call.params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else usual


def _ms(seconds: float) -> str:
    return str(int(seconds * 1_000))


def _document(name: str, inner: str) -> bytes:
    return f'<?xml version="1.0"?><{name} xmlns="{NAMESPACE}">{inner}</{name}>'.encode()


def _element(tag: str, /, **fields: str) -> str:
    return f"<{tag}>{_fields(**fields)}</{tag}>"


def _fields(**fields: str) -> str:
    return "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())

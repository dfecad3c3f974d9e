"""A producer in a process of its own, as a web application would be: orders by standard input, outcomes by standard output.

It imports `smsjobs` and Celery and nothing of the worker. Each line of input is the JSON of the arguments of one
`sendMessage`, with the element's name; each line of output tells what became of it, by both ways to ask.
"""

import json
import sys

from celery import Celery
from celery.result import AsyncResult

from smsjobs import SendResult, SmsError, connect

sms = connect()
plain = Celery("plain", backend=sms.connection.settings.result_backend, set_as_current=False)


def tell(value: object) -> dict[str, object]:
    """A result or an error with its class and all its attributes."""
    if isinstance(value, SendResult):
        return {
            "class": "SendResult",
            "biz_id": value.biz_id,
            "request_id": value.request_id,
            "out_id": value.out_id,
            "attempts": value.attempts,
            "resolved_by": value.resolved_by,
            "response": dict(value.response),
        }
    if isinstance(value, SmsError):
        return {"class": type(value).__name__, "code": value.code, "text": str(value), **vars(value)}
    assert isinstance(value, dict), value
    return {"class": "dict", **value}


def answer(order: dict[str, object]) -> dict[str, object]:
    """Send, and tell the outcome as `job.get()` and as `AsyncResult` have it."""
    try:
        job = sms.getElement(order.pop("element")).sendMessage(**order)
    except SmsError as error:
        return {"raised": tell(error)}
    told: dict[str, object] = {"id": job.id}
    try:
        told["get"] = tell(job.get(timeout=30))
    except SmsError as error:
        told["get"] = tell(error)
    result = AsyncResult(job.id, app=plain)
    try:
        told["async_result"] = tell(result.get(timeout=30))
    except SmsError as error:
        told["async_result"] = tell(error)
    return {**told, "state": result.state, "status": job.status()}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)

"""A web application whose requests are traced. Each argument, an element and a number, is a request; it prints the jobs' ids."""

import os
import sys

from celery import Celery
from opentelemetry import trace

from smsjobs import connect

MESSAGE = {"params": {"code": "123456"}, "verifyTemplateCode": "SMS_123456789"}


def main(*wanted: str) -> None:
    """The last one is sent by a plain Celery client, the one before in no request."""
    sms, tracer = connect(), trace.get_tracer("shop")
    *requests, untraced, plain = (each.split("/") for each in wanted)
    for element, phone in requests:
        with tracer.start_as_current_span("POST /order"):
            _tell(sms.getElement(element).sendMessage([phone], **MESSAGE).id)
    element, phone = untraced
    _tell(sms.getElement(element).sendMessage([phone], **MESSAGE).id)
    element, phone = plain
    celery = Celery("shop", broker=os.environ["SMS_BROKER_URL"], backend=os.environ["SMS_BROKER_URL"])
    with tracer.start_as_current_span("POST /plain"):
        job = {"element": element, "phoneList": [phone], **MESSAGE}
        _tell(celery.send_task("smsjobs.submit", queue="sms.notification", kwargs=job).id)


def _tell(job_id: str) -> None:
    # In one piece: the thread that exports spans writes to the same output.
    sys.stdout.write(f"job {job_id}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

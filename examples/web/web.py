"""A web application that tells people about a maintenance window, without waiting for Aliyun.

    smsjobs dev     # in another terminal: Redis, a simulated Aliyun and workers; run here the line that it prints
    hypercorn --config examples/hypercorn.toml wsgi:examples/web/web:app

This application only enqueues, and a worker sends. Without a worker, a message waits until it expires. With a Redis
and an account of your own, set SMS_BROKER_URL here, and start a worker of the lane:

    SMS_APP=path/to/app celery -A smsjobs_worker worker -Q sms.notification -l INFO

The page sends to the numbers that are typed in. The application installs only the producer, and has no secret. The
accounts are files on the workers.

Needs: pip install . (in the clone), and flask hypercorn
"""

import os
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Flask, abort, request, send_file

from smsjobs import InvalidArguments, QueueUnavailable, SmsError, connect

# It connects at the first use, and by itself again in each forked process.
sms = connect()
element = sms.getElement(os.environ.get("WEB_ELEMENT", "SMS.YourSmsName"))
template = os.environ.get("WEB_TEMPLATE", "SMS_123456789")

app = Flask(__name__, static_folder=None)
app.config["MAX_CONTENT_LENGTH"] = 100_000


@app.get("/")
def page() -> Any:
    return send_file(Path(__file__).with_name("index.html"))


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "up"}


@app.post("/messages")
def send() -> Any:
    try:
        body = request.get_json()
    except RecursionError:  # it is nested without end
        body = None
    if not isinstance(body, dict):
        abort(HTTPStatus.BAD_REQUEST, "the body must be a JSON object")
    job = element.sendMessage(
        phoneList=body.get("phones"),
        params={"name": body.get("name"), "event": body.get("event")},
        verifyTemplateCode=template,
        # One key for each filled form, so a second press of the button or a browser's retry sends nothing twice.
        idempotency_key=request.headers.get("Idempotency-Key"),
    )
    return {"id": job.id}, HTTPStatus.ACCEPTED


@app.get("/messages/<job_id>")
def show(job_id: str) -> dict[str, Any]:
    job = sms.job(job_id)
    status = job.status()
    if status in {"queued", "sending", "looking_up"}:
        return {"status": status}
    try:
        result = job.get(timeout=1)
    except SmsError as error:
        return {"status": status, "code": error.code, "reason": error.reason, "error": str(error)}
    return {"status": status, "biz_id": result.biz_id, "attempts": result.attempts}


@app.errorhandler(InvalidArguments)
def refuse(error: InvalidArguments) -> Any:
    status = HTTPStatus.NOT_FOUND if error.reason == "job_not_found" else HTTPStatus.BAD_REQUEST
    return {"code": error.code, "reason": error.reason, "error": str(error)}, status


@app.errorhandler(QueueUnavailable)
def try_again(error: QueueUnavailable) -> Any:
    return {"code": error.code, "reason": error.reason, "error": str(error)}, HTTPStatus.SERVICE_UNAVAILABLE

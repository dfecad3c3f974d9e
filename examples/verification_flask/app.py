"""Login by SMS, with Flask.

    smsjobs dev     # in another terminal: Redis, a simulated Aliyun and workers; run here the line that it prints
    hypercorn --config examples/hypercorn.toml wsgi:examples/verification_flask/app:app

This application only enqueues, and a worker sends. Without a worker, a code waits until it expires. With a Redis and
an account of your own, set SMS_BROKER_URL and SMS_CODE_SECRET here, and start a worker of the lane:

    SMS_APP=path/to/app celery -A smsjobs_worker worker -Q sms.verification -l INFO

Needs: pip install . (in the clone), and flask hypercorn
"""

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from flask import Flask, abort, request, send_file, session

from smsjobs import InvalidArguments, SmsError, VerificationRefused, connect

element = connect().getElement(os.environ.get("WEB_ELEMENT", "SMS.YourSmsName"))
login = element.verification("login", verifyTemplateCode=os.environ.get("WEB_TEMPLATE", "SMS_123456789"))

app = Flask(__name__, static_folder=None)
# Several processes need the same WEB_SECRET. With HTTPS, also set SESSION_COOKIE_SECURE=True.
app.config.update(
    SECRET_KEY=os.environ.get("WEB_SECRET") or secrets.token_hex(),
    SESSION_COOKIE_SAMESITE="Lax",
    MAX_CONTENT_LENGTH=10_000,
)


@app.get("/")
def page() -> Any:
    return send_file(Path(__file__).parents[1] / "verification_page.html")


def posted() -> Any:
    """The body, which must be a JSON object."""
    try:
        body = request.get_json()
    except RecursionError:  # it is nested without end
        body = None
    if not isinstance(body, dict):
        abort(400, "the body must be a JSON object")
    return body


@app.post("/code")
def send_code() -> Any:
    # Behind a proxy, use Hypercorn's or Werkzeug's ProxyFix. Otherwise every visitor has the proxy's address, or none behind a Unix
    # socket. Then "" is refused, but None would turn off the limit per client.
    sent = login.send(posted().get("phone"), request.remote_addr or "")
    # Only the visitor who asked for a code may try it, so a stranger cannot use up the tries. The permission ends with
    # this code, because a cookie can be kept and used again, and a later code may be somebody else's.
    session.update(phone=sent.phone, until=time.time() + sent.expires_in)
    # A time-out is not a failure: if Aliyun is slow, the code is still being sent.
    with suppress(TimeoutError):
        sent.job.get(timeout=5)
    return {"expires_in": sent.expires_in, "retry_after": sent.retry_after}, 202


@app.post("/login")
def log_in() -> Any:
    code = posted().get("code")
    if time.time() >= session.get("until", 0):
        return {"status": "none_sent"}, 403
    phone = session["phone"]
    result = login.check(phone, code)
    if result.status != "wrong":
        del session["phone"], session["until"]
    if result:
        session.clear()
        session["user"] = phone
    return {"status": result.status, "tries_left": result.tries_left}, 200 if result else 403


@app.errorhandler(400)
@app.errorhandler(415)
def refuse(error: Any) -> Any:
    return {"reason": "bad_request", "message": error.description}, error.code


@app.errorhandler(SmsError)
def explain(error: SmsError) -> Any:
    retry_after = getattr(error, "retry_after", None)
    match error:
        case VerificationRefused():
            status = 403 if retry_after is None else 429
        case InvalidArguments():
            status = 400
        case _:
            status = 503
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:.0f}"}
    return {"code": error.code, "reason": error.reason, "retry_after": retry_after}, status, headers

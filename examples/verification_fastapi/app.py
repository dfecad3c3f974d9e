"""Login by SMS, with FastAPI.

    smsjobs dev     # in another terminal: Redis, a simulated Aliyun and workers; run here the line that it prints
    hypercorn --config examples/hypercorn.toml examples/verification_fastapi/app:app

This application only enqueues, and a worker sends. Without a worker, a code waits until it expires. With a Redis and
an account of your own, set SMS_BROKER_URL and SMS_CODE_SECRET here, and start a worker of the lane:

    SMS_APP=path/to/app celery -A smsjobs_worker worker -Q sms.verification -l INFO

Needs: pip install . (in the clone), and fastapi hypercorn itsdangerous
"""

import os
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from fastapi import Body, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from starlette.middleware.sessions import SessionMiddleware

from smsjobs import InvalidArguments, SmsError, VerificationRefused, connect

element = connect().getElement(os.environ.get("WEB_ELEMENT", "SMS.YourSmsName"))
login = element.verification("login", verifyTemplateCode=os.environ.get("WEB_TEMPLATE", "SMS_123456789"))

#: In bytes.
LARGEST_BODY = 10_000

app = FastAPI()
# Several processes need the same WEB_SECRET. With HTTPS, also set https_only=True.
app.add_middleware(SessionMiddleware, secret_key=os.environ.get("WEB_SECRET") or secrets.token_hex())


@app.middleware("http")
async def bound(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    # FastAPI has no bound of its own. A server cuts a body at the length that it was told.
    length = request.headers.get("content-length", "0")
    known = length.isdecimal() and len(length) < 10 and "transfer-encoding" not in request.headers
    if not known or int(length) > LARGEST_BODY:
        return JSONResponse({"reason": "too_large", "message": f"at most {LARGEST_BODY} bytes"}, 413)
    return await call_next(request)


@app.get("/")
async def page() -> FileResponse:
    return FileResponse(Path(__file__).parents[1] / "verification_page.html")


def client_ip(request: Request) -> str:
    """The address that is counted. Without one "" is refused, but None would turn off the limit per client."""
    # uvicorn, if it is used, takes the word of anybody on this machine for it. Behind a proxy, set WEB_PROXY to its address,
    # and start uvicorn with --forwarded-allow-ips=$WEB_PROXY. Otherwise all visitors who send this header are counted as one.
    if "x-forwarded-for" in request.headers and not os.environ.get("WEB_PROXY"):
        return "127.0.0.1"
    return request.client.host if request.client else ""


@app.post("/code", status_code=202)
async def send_code(request: Request, phone: Annotated[str, Body(embed=True)]) -> dict[str, Any]:
    sent = await login.send_async(phone, client_ip(request))
    # Only the visitor who asked for a code may try it, so a stranger cannot use up the tries. The permission ends with
    # this code, because a cookie can be kept and used again, and a later code may be somebody else's.
    request.session.update(phone=sent.phone, until=time.time() + sent.expires_in)
    # A time-out is not a failure: if Aliyun is slow, the code is still being sent.
    with suppress(TimeoutError):
        await sent.job.get_async(timeout=5)
    return {"expires_in": sent.expires_in, "retry_after": sent.retry_after}


@app.post("/login")
async def log_in(request: Request, code: Annotated[str, Body(embed=True)]) -> JSONResponse:
    if time.time() >= request.session.get("until", 0):
        return JSONResponse({"status": "none_sent"}, 403)
    phone = request.session["phone"]
    result = await login.check_async(phone, code)
    if result.status != "wrong":
        del request.session["phone"], request.session["until"]
    if result:
        request.session.clear()
        request.session["user"] = phone
    return JSONResponse({"status": result.status, "tries_left": result.tries_left}, 200 if result else 403)


@app.exception_handler(400)  # it cannot be read at all, as where it is nested without end
@app.exception_handler(RequestValidationError)
async def refuse(_: Request, __: Exception) -> JSONResponse:
    # FastAPI's own answer has no reason that the page could show, and it repeats what was typed.
    return JSONResponse(
        {"reason": "bad_request", "message": "the body must be a JSON object with its text"}, 400
    )


@app.exception_handler(SmsError)
async def explain(_: Request, error: SmsError) -> JSONResponse:
    retry_after = getattr(error, "retry_after", None)
    match error:
        case VerificationRefused():
            status = 403 if retry_after is None else 429
        case InvalidArguments():
            status = 400
        case _:
            status = 503
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:.0f}"}
    return JSONResponse(
        {"code": error.code, "reason": error.reason, "retry_after": retry_after}, status, headers
    )

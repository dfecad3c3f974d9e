"""Login by SMS, with Django.

    smsjobs dev     # in another terminal: Redis, a simulated Aliyun and workers; run here the line that it prints
    hypercorn --config examples/hypercorn.toml wsgi:examples/verification_django/app:application

This application only enqueues, and a worker sends. Without a worker, a code waits until it expires. With a Redis and
an account of your own, set SMS_BROKER_URL and SMS_CODE_SECRET here, and start a worker of the lane:

    SMS_APP=path/to/app celery -A smsjobs_worker worker -Q sms.verification -l INFO

Needs: pip install . (in the clone), django and hypercorn. In your own project, use the views and the middleware, and keep your settings.
"""

import json
import os
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpRequest, HttpResponseBase, JsonResponse
from django.urls import path
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST

from smsjobs import InvalidArguments, SmsError, VerificationRefused, connect

element = connect().getElement(os.environ.get("WEB_ELEMENT", "SMS.YourSmsName"))
login = element.verification("login", verifyTemplateCode=os.environ.get("WEB_TEMPLATE", "SMS_123456789"))


class SmsErrors:
    """Middleware: turns what smsjobs raises into answers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, _: HttpRequest, error: Exception) -> JsonResponse | None:
        if isinstance(error, BadRequest):
            return JsonResponse({"reason": "bad_request", "message": str(error)}, status=400)
        if not isinstance(error, SmsError):
            return None
        retry_after = getattr(error, "retry_after", None)
        match error:
            case VerificationRefused():
                status = 403 if retry_after is None else 429
            case InvalidArguments():
                status = 400
            case _:
                status = 503
        headers = {} if retry_after is None else {"Retry-After": f"{retry_after:.0f}"}
        body = {"code": error.code, "reason": error.reason, "retry_after": retry_after}
        return JsonResponse(body, status=status, headers=headers)


def page(_: HttpRequest) -> FileResponse:
    return FileResponse(
        (Path(__file__).parents[1] / "verification_page.html").open("rb"), content_type="text/html"
    )


def posted(request: HttpRequest) -> Any:
    """The body, which must be a JSON object."""
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):  # the latter where it is nested without end
        body = None
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


def send_code(request: HttpRequest) -> JsonResponse:
    # Behind a proxy: accept the visitor's address from the proxy, and from nobody else.
    sent = login.send(posted(request).get("phone"), request.META["REMOTE_ADDR"])
    # Only the visitor who asked for a code may try it, so a stranger cannot use up the tries. The permission ends with
    # this code, because a cookie can be kept and used again, and a later code may be somebody else's.
    request.session.update({"phone": sent.phone, "until": time.time() + sent.expires_in})
    # A time-out is not a failure: if Aliyun is slow, the code is still being sent.
    with suppress(TimeoutError):
        sent.job.get(timeout=5)
    return JsonResponse({"expires_in": sent.expires_in, "retry_after": sent.retry_after}, status=202)


def log_in(request: HttpRequest) -> JsonResponse:
    code = posted(request).get("code")
    if time.time() >= request.session.get("until", 0):
        return JsonResponse({"status": "none_sent"}, status=403)
    phone = request.session["phone"]
    result = login.check(phone, code)
    if result.status != "wrong":
        del request.session["phone"], request.session["until"]
    if result:
        request.session.flush()
        request.session["user"] = phone
    body = {"status": result.status, "tries_left": result.tries_left}
    return JsonResponse(body, status=200 if result else 403)


urlpatterns = [
    path("", ensure_csrf_cookie(page)),
    path("code", require_POST(send_code)),
    path("login", require_POST(log_in)),
]

if not settings.configured:
    settings.configure(
        # Several processes need the same WEB_SECRET. With HTTPS, also set SESSION_COOKIE_SECURE and CSRF_COOKIE_SECURE.
        SECRET_KEY=os.environ.get("WEB_SECRET") or secrets.token_hex(),
        ALLOWED_HOSTS=["127.0.0.1", "localhost", "testserver"],
        ROOT_URLCONF=__name__,
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            f"{__name__}.SmsErrors",
        ],
    )
application = get_wsgi_application()

if __name__ == "__main__":
    execute_from_command_line(sys.argv)

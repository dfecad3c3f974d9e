"""What a failed request means: the only place where the SDK's exceptions are looked at.

- `NotSent`: the request surely left nothing at Aliyun. The name did not resolve, the connection was not opened, the
  certificate was refused, or Aliyun throttled.
- `AliyunRejected`: Aliyun surely refused it.
- `AnswerLost`: everything else, and everything unknown.

No text of a foreign exception is passed on: it has the URL, and so the number and the code.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import darabonba.exceptions as dara
import requests.exceptions
import Tea.exceptions as tea
import urllib3.exceptions
from alibabacloud_tea_openapi import exceptions as openapi

from smsjobs.contract import AliyunRejected
from smsjobs_worker.aliyun.codes import Code, find_code
from smsjobs_worker.aliyun.lean import ConnectFailed
from smsjobs_worker.aliyun.scrub import LEFT_OUT, scrub
from smsjobs_worker.aliyun.waits import retry_after_s
from smsjobs_worker.provider import AnswerLost, NotSent

__all__ = ["HANDLERS", "Failure", "Throttled", "map_answer", "map_exception"]

#: What a failed request is turned into.
Failure = AliyunRejected | NotSent | AnswerLost

#: Aliyun asks to wait for a second or more after throttling.
MIN_THROTTLED_S: Final = 1.0

_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}", re.ASCII)
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)


class Throttled(NotSent):
    """Aliyun refused the request for its rate.

    Attributes:
        aliyun_code: Aliyun's code, such as ``Throttling.User``.
        request_id: Aliyun's id of the request, or None.
    """

    aliyun_code: str

    def __init__(self, aliyun_code: str, detail: str, retry_after: float, request_id: str | None) -> None:
        super().__init__("throttled", detail, retry_after, aliyun_code=aliyun_code)
        self.request_id = request_id


def map_answer(
    body: Mapping[str, Any],
    *,
    now: datetime,
    content: Iterable[str] = (),
    status: int | None = 200,
    retry_after: float | None = None,
) -> Failure:
    """What an answer means whose ``Code`` is not ``OK``.

    Args:
        body: ``Code``, ``Message`` and ``RequestId``, as far as they are there.
        now: The time, with its zone.
        content: What of the request must not be repeated in a text.
        status: The HTTP status, where it is known.
        retry_after: Seconds that Aliyun asked to wait, or None.
    """
    code, request_id = body.get("Code"), body.get("RequestId")
    if not isinstance(request_id, str) or _REQUEST_ID.fullmatch(request_id) is None:
        request_id = None
    if not isinstance(code, str) or _CODE.fullmatch(code) is None or code in ("OK", "None"):
        return AnswerLost("no_answer", f"an answer without a code{_status(status)}")
    known = find_code(code) or _unlisted(code, status, request_id, retry_after)
    if known is None or known.ended == "answer_lost":
        meaning = known.meaning if known else f"an unknown code{_status(status)}"
        return AnswerLost("no_answer", f"{code}: {meaning}", aliyun_code=code)
    if known.ended == "not_sent":
        wait = max(retry_after or 0.0, MIN_THROTTLED_S)
        return Throttled(code, f"{code}: {known.meaning}", wait, request_id)
    raw = body.get("Message")
    raw = raw if isinstance(raw, str) else ""
    text = scrub(raw, content) if code.startswith(("isv.", "isp.")) else LEFT_OUT
    limit = retry_after_s(code, raw, now)
    return AliyunRejected(
        known.meaning,
        reason=known.reason,
        aliyun_code=code,
        aliyun_message=text,
        request_id=request_id,
        retry_after=limit if limit is not None else retry_after,
        advice=known.advice,
    )


def map_exception(error: BaseException, *, now: datetime, content: Iterable[str] = ()) -> Failure:
    """What an exception out of the SDK means."""
    for kind in type(error).__mro__:
        if (handler := HANDLERS.get(kind)) is not None:
            return handler(error, now, content)
    return _lost(error)


def _unlisted(
    code: str, status: int | None, request_id: str | None, retry_after: float | None
) -> Code | None:
    """A code that is not in the table: refused, if the gateway answered 4xx and an id, for then it did not pass the request on."""
    if status is None or not 400 <= status < 500 or status == 408 or request_id is None:
        return None
    return Code(
        code=code,
        meaning="an unknown code; look it up at Aliyun",
        reason="unknown_code",
        advice="operator" if retry_after is None else "later",
        stops_campaign="always" if retry_after is None else "never",
    )


def _status(status: int | None) -> str:
    return "" if status is None else f" (HTTP {status})"


def _lost(error: BaseException | None) -> AnswerLost:
    return AnswerLost("no_answer", f"the request broke off ({type(error).__name__})")


def _answered(error: Any, now: datetime, content: Iterable[str]) -> Failure:
    """An answer that the SDK turned into an exception, because its HTTP status is 400 or above."""
    data = error.data if isinstance(error.data, dict) else {}
    body = {
        # The SDK prefixes its message; `data` is the body itself, in either spelling.
        "Code": error.code,
        "Message": data.get("Message") or data.get("message") or "",
        "RequestId": getattr(error, "request_id", None),
    }
    wait_ms = getattr(error, "retry_after", None)  # the SDK itself takes x-acs-retry-after as milliseconds
    retry_after = wait_ms / 1000 if isinstance(wait_ms, int) and wait_ms > 0 else None
    status = getattr(error, "status_code", None)
    return map_answer(body, now=now, content=content, status=status, retry_after=retry_after)


def _wrapped(error: Any, now: datetime, content: Iterable[str]) -> Failure:
    """The SDK wraps whatever else happened, once or twice."""
    inner = error.inner_exception
    if isinstance(inner, ConnectFailed):
        return NotSent("connect_failed", str(inner))
    if isinstance(inner, dara.RetryError):
        return _not_answered(inner, now, content)
    return _lost(inner)


def _not_answered(error: BaseException, _now: datetime, _content: Iterable[str]) -> Failure:
    """No answer: the exception of `requests` is the context of the SDK's."""
    cause = error.__context__
    match cause:
        case requests.exceptions.ProxyError():
            # urllib3 says so only before it has reached the proxy. A proxy that was reached and refuses is
            # another exception, and an answer lost.
            reached = not any(_is_connect_failure(each) for each in _reasons(cause))
            return _lost(cause) if reached else NotSent("connect_failed", "the proxy cannot be reached")
        case requests.exceptions.ConnectTimeout():
            return NotSent("connect_failed", "Aliyun did not open a connection in time")
        case requests.exceptions.SSLError():
            if any(_is_bad_certificate(each) for each in _reasons(cause)):
                return NotSent("connect_failed", "the certificate of the endpoint is not accepted")
            return _lost(cause)
        case requests.exceptions.ConnectionError():
            reason = cause.args[0].reason if cause.args and _is_given_up(cause.args[0]) else None
            if isinstance(reason, urllib3.exceptions.NameResolutionError):
                return NotSent("connect_failed", "the endpoint's name does not resolve")
            if isinstance(reason, urllib3.exceptions.NewConnectionError):
                return NotSent("connect_failed", "the endpoint refuses connections or cannot be reached")
            return _lost(cause)
        case _:
            return _lost(cause)


def _reasons(error: BaseException) -> Iterator[BaseException]:
    """The exception and all that it wraps: urllib3's inside that of `requests`, and so on."""
    waiting, seen = [error], set()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        inner = (*each.args, getattr(each, "reason", None), getattr(each, "original_error", None))
        waiting += [one for one in inner if isinstance(one, BaseException)]


def _is_given_up(error: Any) -> bool:
    return isinstance(error, urllib3.exceptions.MaxRetryError)


def _is_connect_failure(error: BaseException) -> bool:
    return isinstance(error, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError)


def _is_bad_certificate(error: BaseException) -> bool:
    return isinstance(error, ssl.SSLCertVerificationError)


def _unsure(error: BaseException, _now: datetime, _content: Iterable[str]) -> Failure:
    return _lost(error)


#: Every exception class of the SDK and its handler. An exception goes to the nearest of its classes.
HANDLERS: Final[dict[type, Callable[[Any, datetime, Iterable[str]], Failure]]] = {
    openapi.ThrottlingException: _answered,
    openapi.ClientException: _answered,
    openapi.ServerException: _answered,
    openapi.AlibabaCloudException: _answered,
    dara.ResponseException: _answered,
    dara.DaraException: _unsure,
    dara.UnretryableException: _wrapped,
    dara.RetryError: _not_answered,
    dara.ValidateException: _unsure,
    dara.RequiredArgumentException: _unsure,
    tea.UnretryableException: _wrapped,
    tea.TeaException: _unsure,
    tea.RetryError: _unsure,
    tea.ValidateException: _unsure,
    tea.RequiredArgumentException: _unsure,
}

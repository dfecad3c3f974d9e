"""Aliyun's queues of receipts and replies: Message Service (MNS), with a temporary token for each queue.

The queues belong to Aliyun, so an account's own AccessKey does not open them: ``QueryTokenForMnsQueue`` gives a token for one
queue, which is renewed two minutes before it expires.

The SDK of MNS has no time-out over HTTPS, and its texts may hold what was received. So the connection is opened here, and
none of its errors gets out.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from alibabacloud_tea_openapi.client import Client
from alibabacloud_tea_openapi.utils_models import OpenApiRequest
from darabonba.runtime import RuntimeOptions
from mns.mns_client import MNSClient
from mns.mns_exception import MNSServerException
from mns.queue import Queue

from smsjobs.contract import AliyunRejected
from smsjobs_worker.aliyun.account import Account, Queues
from smsjobs_worker.aliyun.credentials import Signed
from smsjobs_worker.aliyun.deadlines import Deadlines
from smsjobs_worker.aliyun.mapping import Failure, map_answer, map_exception
from smsjobs_worker.aliyun.rpc import rpc
from smsjobs_worker.provider import NotSent, Queued, QueueFailed, ReceiptQueue

__all__ = ["AliyunQueue", "open_queues"]

#: Messages of one request, MNS's most.
_BATCH: Final = 16

#: Seconds for which MNS waits for the first message, its most.
_WAIT_S: Final = 30

#: Seconds before its end at which a token is renewed.
_RENEW_BEFORE_S: Final = 120.0

#: Seconds for which a token is used whose end cannot be read.
_UNTOLD_S: Final = 600.0

_EMPTY: Final = "MessageNotExist"

#: An error's code, and nothing else that could stand there.
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", re.ASCII)

_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)", re.ASCII)

_TOKEN_CALL: Final = rpc("QueryTokenForMnsQueue", "2017-05-25")

_deadlines: Final = Deadlines()

_Answer = TypeVar("_Answer")


def open_queues(account: Account, queues: Queues, types: Sequence[str]) -> tuple[ReceiptQueue, ...]:
    """The account's queues, one for each type of messages. Nothing is connected yet.

    A type that the console does not put into a queue is told as not there, and looked at again later.
    """
    return tuple(AliyunQueue(account, queues, each) for each in types)


class AliyunQueue(ReceiptQueue):
    """One queue.

    Args:
        message_type: Such as ``"SmsReport"``.
        clock: Seconds, rising; a token's age goes by it.
    """

    def __init__(
        self,
        account: Account,
        queues: Queues,
        message_type: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = f"Alicom-Queue-{queues.account_id}-{message_type}"
        self._message_type = message_type
        self._url = queues.queue_endpoint.url
        self._connect_s = account.connect_timeout_ms / 1000
        self._read_s = account.read_timeout_ms / 1000
        self._clock = clock
        self._queue: Queue | None = None
        self._renew_at = 0.0
        self._tokens = Signed(account, queues.token_endpoint, Client)
        self._runtime = RuntimeOptions(
            connect_timeout=account.connect_timeout_ms, read_timeout=account.read_timeout_ms
        )

    def __repr__(self) -> str:
        return f"<AliyunQueue {self._message_type}>"

    def receive(self) -> Sequence[Queued]:
        """Receive up to 16 messages; wait for the first for up to 30 seconds."""
        found = self._ask(
            lambda queue: queue.batch_receive_message(_BATCH, _WAIT_S), within_s=_WAIT_S + self._read_s
        )
        return [Queued(body=_plain(each.message_body), handle=each.receipt_handle) for each in found or ()]

    def delete(self, messages: Sequence[Queued]) -> None:
        """Delete them. One whose handle is not valid any more comes again."""
        handles = [each.handle for each in messages]
        self._ask(lambda queue: queue.batch_delete_message(handles), within_s=self._read_s)

    def close(self) -> None:
        """Close the connection, and forget the token."""
        if self._queue is not None:
            self._queue.mns_client.close_connection()
            self._queue = None

    def _ask(self, call: Callable[[Queue], _Answer], *, within_s: float) -> _Answer | None:
        """Make one request; None where MNS says that there is no such message.

        A failure is raised outside of `except`, so that it carries no foreign exception.
        """
        queue = self._open()
        try:
            connection = queue.mns_client.http.conn
            if connection.sock is None:
                # One time-out in the one class, and another in the other.
                connection.timeout = connection.connection_timeout = self._connect_s
                connection.connect()
            connection.timeout = connection.connection_timeout = within_s
            connection.sock.settimeout(within_s)
            _deadlines.begin(connection.sock, within_s=within_s + self._read_s)
            return call(queue)
        except MNSServerException as error:
            code = error.type if isinstance(error.type, str) and _CODE.fullmatch(error.type) else "unknown"
            if code == _EMPTY:
                return None
            failure = QueueFailed("refused", f"MNS answered {code}", refused=True)
        except Exception as error:  # noqa: BLE001  whatever it is, its text may hold what was received
            failure = QueueFailed("no_answer", f"the request to the queue broke off ({type(error).__name__})")
        finally:
            _deadlines.end()
        # Whatever it was, a new token and a new connection cannot make it worse.
        self.close()
        raise failure

    def _open(self) -> Queue:
        if self._queue is not None and self._clock() >= self._renew_at:
            self.close()
        if self._queue is None:
            asked_at = self._clock()
            token = self._token()
            client = MNSClient(
                self._url,
                token["AccessKeyId"],
                token["AccessKeySecret"],
                security_token=token["SecurityToken"],
            )
            self._queue = Queue(self.name, client)
            # The SDK gives up a whole batch where it cannot decode one body.
            self._queue.set_encoding(False)
            self._renew_at = asked_at + _usable_s(token)
        return self._queue

    def _token(self) -> Mapping[str, Any]:
        query = {"MessageType": self._message_type, "QueueName": self.name}
        failure: Failure
        try:
            keys, client = self._tokens.take(self._connect_s)
        except NotSent as error:
            raise QueueFailed(error.reason, error.detail) from None
        try:
            answer = client.call_api(_TOKEN_CALL, OpenApiRequest(query=query), self._runtime)
            body = answer["body"]
            token = body.get("MessageTokenDTO")
            whole = isinstance(token, Mapping) and all(
                isinstance(token.get(each), str) and token[each]
                for each in ("AccessKeyId", "AccessKeySecret", "SecurityToken")
            )
        except Exception as error:  # noqa: BLE001  whatever it is, the mapping decides what it means
            failure = map_exception(error, now=datetime.now(UTC))
        else:
            if body.get("Code") == "OK" and whole:
                return dict(token)
            failure = map_answer(body, now=datetime.now(UTC), status=answer["statusCode"])
        failure = self._tokens.judge(failure, keys)
        if isinstance(failure, AliyunRejected):
            raise QueueFailed(failure.reason, f"{failure.aliyun_code}: {failure.message}", refused=True)
        raise QueueFailed(failure.reason, failure.detail)


def _usable_s(token: Mapping[str, Any]) -> float:
    """Seconds for which a new token is used. Only the difference of its times counts: no zone is told, and clocks differ."""
    created, expires = (_moment(token.get(name)) for name in ("CreateTime", "ExpireTime"))
    if created is None or expires is None or expires <= created:
        return _UNTOLD_S
    lifetime_s = (expires - created).total_seconds()
    return max(lifetime_s - _RENEW_BEFORE_S, lifetime_s / 2)


def _moment(value: Any) -> datetime | None:
    matched = _TIME.match(value) if isinstance(value, str) else None
    try:
        return datetime.fromisoformat(f"{matched[1]}T{matched[2]}") if matched else None
    except ValueError:
        return None


def _plain(body: Any) -> bytes:
    """A message's body. MNS has it as base64; what is no base64 is left as it is, for its reader to refuse."""
    raw = body.encode() if isinstance(body, str) else bytes(body)
    try:
        return base64.b64decode(raw, validate=True)
    except binascii.Error:
        return raw

"""Aliyun's queues of receipts and replies: who may read them, what waits in them, and what was deleted. No I/O."""

import base64
import hashlib
import hmac
import json
import secrets
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aliyun_sms_simulator.clock import beijing_text
from aliyun_sms_simulator.codes import Refusal

__all__ = ["MESSAGE_TYPES", "Message", "Queues", "Token", "message_type", "sign_queue_request"]

#: The types of messages, and the fields by which one is known.
MESSAGE_TYPES: dict[str, tuple[str, ...]] = {
    "SmsReport": ("out_id",),
    "SmsUp": ("content",),
    "SignSmsReport": ("sign_name", "sign_status"),
    "TemplateSmsReport": ("template_code",),
    # It has the fields of SmsReport. Which of both a report is goes by its message.
    "DypnsSmsVerifyReport": ("out_id",),
}


def message_type(item: Mapping[str, Any]) -> str:
    """Return the type of a message by its fields; of one that is none of them, SmsReport."""
    return next((name for name, wanted in MESSAGE_TYPES.items() if item.keys() >= set(wanted)), "SmsReport")


def sign_queue_request(secret: str, *, method: str, resource: str, headers: Mapping[str, str]) -> str:
    """Return the signature of a request to a queue, by Aliyun's rules for MNS."""
    own = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-mns-"))
    known = "\n".join(headers.get(name, "") for name in ("content-md5", "content-type", "date"))
    text = f"{method}\n{known}\n{own}{resource}"
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()).decode()


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A temporary access key for one queue."""

    queue: str
    access_key: str
    access_secret: str = field(repr=False)
    security_token: str = field(repr=False)
    created_s: float
    expires_s: float

    def to_json(self) -> dict[str, Any]:
        """Return it as QueryTokenForMnsQueue does."""
        return {
            "AccessKeyId": self.access_key,
            "AccessKeySecret": self.access_secret,
            "SecurityToken": self.security_token,
            "CreateTime": beijing_text(self.created_s),
            "ExpireTime": beijing_text(self.expires_s),
        }


@dataclass(kw_only=True, slots=True)
class Message:
    """One message of a queue."""

    id: str
    #: base64 of its JSON
    body: str = field(repr=False)
    put_s: float
    #: nobody gets it before
    visible_s: float
    first_s: float = 0
    times: int = 0
    handle: str = ""


class Queues:
    """All queues of one account id. A message that was received and not deleted comes again."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget messages, tokens and counts."""
        self._messages: dict[str, dict[str, Message]] = {}
        self._tokens: dict[str, Token] = {}
        #: for each queue: messages ``put``; ``received``, of which ``again``; ``deleted``; ``unknown`` handles
        self.counts: dict[str, Counter[str]] = {}

    def token(self, queue: str, *, now_s: float, for_s: float) -> Token:
        """Issue a token for a queue."""
        token = Token(
            queue=queue,
            access_key=f"STS.{secrets.token_hex(8)}",
            access_secret=secrets.token_hex(16),
            security_token=secrets.token_hex(24),
            created_s=now_s,
            expires_s=now_s + for_s,
        )
        self._tokens[token.access_key] = token
        return token

    def admit(
        self, *, method: str, queue: str, resource: str, headers: Mapping[str, str], now_s: float
    ) -> None:
        """Check who asks.

        Args:
            resource: path and query, as they came.
            headers: by lower-case names.

        Raises:
            Refusal: with the status 403.
        """
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        access_key, _, signature = rest.partition(":")
        token = self._tokens.get(access_key)
        if scheme != "MNS" or token is None:
            raise Refusal("InvalidAccessKeyId", "The access key is not known.", 403)
        right = sign_queue_request(token.access_secret, method=method, resource=resource, headers=headers)
        if not hmac.compare_digest(right.encode(), signature.encode()):
            raise Refusal("SignatureDoesNotMatch", "The signature does not match.", 403)
        if headers.get("security-token") != token.security_token or now_s >= token.expires_s:
            raise Refusal("InvalidSecurityToken", "The security token is wrong or has expired.", 403)
        if queue != token.queue:
            raise Refusal("AccessDenied", "The token is for another queue.", 403)

    def put(self, queue: str, item: Mapping[str, Any], now_s: float) -> None:
        """Put a message into a queue."""
        text = json.dumps(item, ensure_ascii=False)
        message = Message(
            id=uuid.uuid4().hex,
            body=base64.b64encode(text.encode("utf-8", "replace")).decode(),
            put_s=now_s,
            visible_s=now_s,
        )
        self._messages.setdefault(queue, {})[message.id] = message
        self._count(queue)["put"] += 1

    def waits(self, queue: str, now_s: float) -> bool:
        """Tell whether a message can be received now."""
        return any(each.visible_s <= now_s for each in self._messages.get(queue, {}).values())

    def receive(self, queue: str, *, most: int, now_s: float, hidden_s: float) -> list[Message]:
        """Hand messages out. For a time nobody else gets them.

        Raises:
            Refusal: there is none: MessageNotExist, with the status 404.
        """
        found = [each for each in self._messages.get(queue, {}).values() if each.visible_s <= now_s][:most]
        if not found:
            raise Refusal("MessageNotExist", "Message not exist.", 404)
        for message in found:
            message.visible_s = now_s + hidden_s
            message.first_s = message.first_s or now_s
            message.times += 1
            # Only the handle of the last receipt deletes.
            message.handle = f"{message.times}-{message.id}"
            self._count(queue)["again"] += message.times > 1
        self._count(queue)["received"] += len(found)
        return found

    def delete(self, queue: str, handles: list[str]) -> list[str]:
        """Delete messages by their handles. Return the handles that are not valid, or not any more."""
        messages, unknown = self._messages.get(queue, {}), []
        for handle in handles:
            message = messages.get(handle.partition("-")[2])
            if message is None or message.handle != handle:
                unknown.append(handle)
            else:
                del messages[message.id]
        self._count(queue)["deleted"] += len(handles) - len(unknown)
        self._count(queue)["unknown"] += len(unknown)
        return unknown

    def to_json(self) -> dict[str, dict[str, int]]:
        """Return the counts of each queue, and what waits there, received or not."""
        words = ("put", "received", "again", "deleted", "unknown")
        return {
            queue: {"waiting": len(self._messages.get(queue, ()))} | {word: counts[word] for word in words}
            for queue, counts in self.counts.items()
        }

    def _count(self, queue: str) -> Counter[str]:
        return self.counts.setdefault(queue, Counter())

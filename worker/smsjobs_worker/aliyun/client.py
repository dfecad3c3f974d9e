"""The account's sender: single requests for workers, and `sendMessage` for scripts and shells."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Final, TypeVar

import requests
from alibabacloud_dysmsapi20170525 import models
from alibabacloud_dysmsapi20170525.client import Client
from darabonba.runtime import RuntimeOptions

from smsjobs.contract import AliyunRejected, InvalidArguments, Message, RequestFailed, SmsError, check_message
from smsjobs.delivery import Report
from smsjobs.templates import Signature, Template
from smsjobs_worker.aliyun import loggers
from smsjobs_worker.aliyun.account import Account
from smsjobs_worker.aliyun.beijing import BEIJING, days_to_search
from smsjobs_worker.aliyun.codes import find_code
from smsjobs_worker.aliyun.credentials import NO_CREDENTIALS, Identity, KeysRefused, Signed, find_identity
from smsjobs_worker.aliyun.mapping import Failure, Throttled, map_answer, map_exception
from smsjobs_worker.aliyun.record import read_delivery
from smsjobs_worker.aliyun.scrub import contents
from smsjobs_worker.aliyun.templates import read_listed, read_signature, read_template
from smsjobs_worker.aliyun.unseen import unseen
from smsjobs_worker.aliyun.waits import is_minute_limit
from smsjobs_worker.provider import (
    AnswerLost,
    Blames,
    LookupFailed,
    NotSent,
    Provider,
    ReceiptQueue,
    SignedBy,
    StopsCampaign,
)
from smsjobs_worker.retry import RetryPolicy, Tried, request_with_retries

__all__ = ["AliyunSms", "CredentialCheck", "read_rows"]

loggers.install()

T = TypeVar("T")

#: Rows of one page, Aliyun's most.
PAGE_SIZE: Final = 50

#: Most pages of one look-up. Aliyun lets about 100 messages a day through to one number.
MAX_PAGES: Final = 40

#: Asked about when credentials are checked: the number of Aliyun's own examples.
EXAMPLE_PHONE: Final = "13800138000"

#: Reasons that refuse the AccessKey itself, not one request.
_KEY_REASONS: Final = ("credentials", "permission", "account", "clock")


@dataclass(frozen=True, kw_only=True)
class CredentialCheck:
    """What Aliyun thinks of the AccessKey."""

    #: True: accepted. False: refused. None: nobody can say, because Aliyun gave no clear answer.
    accepted: bool | None
    #: The cause and how to fix it, for people; empty when accepted.
    detail: str = ""
    #: Aliyun's code, where it refused.
    aliyun_code: str = ""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class AliyunSms(Provider):
    """Sends with one account under one signature. Threads may share it.

    Attributes:
        account: The account; its repr hides what is secret.
        max_qps: The account's ``maxQps``. A worker keeps to it; `sendMessage` does not.
    """

    looks_up = True
    reports = True
    sends_batches = True
    knows_templates = True
    #: The SDK's client of the product.
    sdk: type[Any] = Client
    #: The least that a RAM user or role must be granted, by the names of RAM; reading receipts from a queue needs one more.
    rights: tuple[str, ...] = (
        "dysms:SendSms",
        "dysms:SendBatchSms",
        "dysms:QuerySendDetails",
        "dysms:GetSmsTemplate",
        "dysms:GetSmsSign",
        "dysms:QuerySmsTemplateList",
    )
    #: The types of what is put into queues.
    message_types: tuple[str, ...] = ("SmsReport", "SmsUp", "SignSmsReport", "TemplateSmsReport")

    def __init__(
        self,
        account: Account,
        *,
        policy: RetryPolicy | None = None,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.account = account
        self.max_qps = account.max_qps
        if self.knows_templates:
            who = account.access_key or "the chain"
            self.signed_by = SignedBy(
                account=f"{who} {account.role.arn if account.role else ''}", signature=account.sign
            )
        self._policy = policy
        self._now = now
        self._signed = Signed(account, account.endpoint, self.sdk)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.account.endpoint.url}>"

    def sendMessage(
        self,
        phoneList: Any = None,
        params: Any = None,
        verifyTemplateCode: Any = None,
        extend: Any = None,
        **others: Any,
    ) -> dict[str, Any]:
        """Send now, from this process, without a queue, a ledger or a look-up.

        What surely was not sent is tried again for about 2 seconds. An answer that was lost is not: the error says
        so, and whether to send again is the caller's decision.

        Args:
            phoneList: 1 to 1,000 numbers as text.
            params: The template's parameters, a dict of text; ``{}`` for none.
            verifyTemplateCode: The template's code.
            extend: ``{"verifyTemplateCode": …}``, the older way to name the template.
            others: Not allowed: `lane`, `expires` and `idempotency_key` need a queue.

        Returns:
            Aliyun's body: ``Code`` (``"OK"``), ``Message``, ``BizId``, ``RequestId``.

        Raises:
            InvalidArguments: An argument is missing or malformed.
            AliyunRejected: Aliyun refused; with ``advice="later"`` after lasting throttling.
            RequestFailed: ``outcome`` is ``"not_sent"``, or ``"unknown"`` where the answer was lost.
        """
        if others:
            raise InvalidArguments.about(
                min(others), "is not an argument of a direct send; jobs of smsjobs.connect() take it"
            )
        message = check_message(phoneList, params, verifyTemplateCode, extend)
        out_id = uuid.uuid4().hex
        tried = request_with_retries(lambda: self.send(message, out_id=out_id), policy=self._policy)
        if tried.response is not None:
            return tried.response
        raise _direct_error(tried, out_id)

    def send(self, message: Message, *, out_id: str, connect_within_s: float | None = None) -> dict[str, Any]:
        """Make exactly one request.

        Args:
            connect_within_s: Seconds for connecting, where that is less than ``connectTimeoutMs``.

        Returns:
            Aliyun's body: ``Code`` (``"OK"``), ``Message``, ``BizId``, ``RequestId``.

        Raises:
            AliyunRejected: Aliyun answered an error.
            NotSent: Surely nothing was sent, throttling included.
            AnswerLost: Everything else.
        """
        if message.params_of_each:
            return self._send_batch(message, out_id, connect_within_s)
        request = models.SendSmsRequest(
            phone_numbers=",".join(message.phones),
            sign_name=self.account.sign,
            template_code=message.template,
            template_param=json.dumps(dict(message.params), ensure_ascii=False) if message.params else None,
            out_id=out_id,
        )
        return self._ask(
            Client.send_sms_with_options,
            request,
            content=contents(message),
            connect_within_s=connect_within_s,
        )

    def _send_batch(self, message: Message, out_id: str, connect_within_s: float | None) -> dict[str, Any]:
        request = models.SendBatchSmsRequest(
            phone_number_json=json.dumps(message.phones),
            sign_name_json=json.dumps([self.account.sign] * len(message.phones), ensure_ascii=False),
            template_code=message.template,
            template_param_json=json.dumps(message.params_of_each, ensure_ascii=False),
            out_id=out_id,
        )
        return self._ask(
            Client.send_batch_sms_with_options,
            request,
            content=contents(message),
            connect_within_s=connect_within_s,
        )

    def find(self, phone: str, *, since: datetime, until: datetime, out_id: str) -> bool:
        """Whether Aliyun's record of that number, in all days and pages, has a message of that OutId.

        Raises:
            LookupFailed: At least one day's answer proves nothing, and none has the message.
        """
        return self._row(phone, since=since, until=until, out_id=out_id) is not None

    def delivery(self, phone: str, *, since: datetime, until: datetime, out_id: str) -> Report | None:
        """What Aliyun's record says about the delivery of that message, if the carrier has reported it.

        Raises:
            LookupFailed: As in `find`.
        """
        row = self._row(phone, since=since, until=until, out_id=out_id)
        return None if row is None else read_delivery(row, phone=phone, out_id=out_id)

    def _row(self, phone: str, *, since: datetime, until: datetime, out_id: str) -> Mapping[str, Any] | None:
        failure: LookupFailed | None = None
        for day in days_to_search(since, until):
            try:
                row = self._find_on(day, phone, out_id)
            except LookupFailed as error:
                # The other day may still have it.
                failure = failure or error
            else:
                if row is not None:
                    return row
        if failure is not None:
            raise failure
        return None

    def template(self, code: str) -> Template:
        """What Aliyun knows of that template, and of the account's signature and its filing.

        Raises:
            LookupFailed: There is no such template, or Aliyun does not answer.
        """
        request = models.GetSmsTemplateRequest(template_code=code)
        body = _looked_up(lambda: self._ask(Client.get_sms_template_with_options, request, content=()))
        return read_template(body, signature=self.signature(), now=self._now())

    def templates(self) -> Sequence[Template]:
        """All templates of the account, without the types of their variables.

        Raises:
            LookupFailed: Aliyun does not answer.
        """
        found: list[Template] = []
        for page in range(1, MAX_PAGES + 1):
            rows = _looked_up(partial(self._list_once, page))
            found += [read_listed(each, now=self._now()) for each in rows]
            if len(rows) < PAGE_SIZE:
                break
        return found

    def signature(self) -> Signature | None:
        """The account's signature and its filing; None where Aliyun does not tell, as without the right to ask."""
        request = models.GetSmsSignRequest(sign_name=self.account.sign)
        try:
            body = _looked_up(lambda: self._ask(Client.get_sms_sign_with_options, request, content=()))
        except LookupFailed:
            return None
        return read_signature(body, self.account.sign)

    def receipt_queues(self) -> Sequence[ReceiptQueue]:
        """One for each type of message, where ``sms.json`` says ``"receipts": "queue"``."""
        if self.account.queues is None:
            return ()
        from smsjobs_worker.aliyun.queues import open_queues  # noqa: PLC0415  a worker that sends needs none of it

        return open_queues(self.account, self.account.queues, self.message_types)

    def stops_campaign(self, refusal: AliyunRejected) -> StopsCampaign:
        """What the table says of Aliyun's code; a code of no row stops by its advice."""
        known = find_code(refusal.aliyun_code)
        return known.stops_campaign if known else super().stops_campaign(refusal)

    def blames(self, refusal: AliyunRejected) -> Blames | None:
        """What the table says of Aliyun's code."""
        known = find_code(refusal.aliyun_code)
        return known.blames if known else None

    def concerns_account(self, refusal: AliyunRejected) -> bool:
        """What the table says of Aliyun's code."""
        known = find_code(refusal.aliyun_code)
        return known is not None and known.of_account

    def hints_accepted(self, refusal: AliyunRejected) -> bool:
        """Whether it is the limit of a minute, which counts what Aliyun accepts."""
        return is_minute_limit(refusal.aliyun_code, refusal.aliyun_message)

    def check_credentials(self) -> CredentialCheck:
        """Ask Aliyun for the record of an example number, which sends nothing."""
        try:
            today = self._now().astimezone(BEIJING).date()
            _asked_twice(lambda: self._query_once(EXAMPLE_PHONE, today, 1))
        except AliyunRejected as error:
            # Any other refusal comes after the check of the AccessKey.
            accepted = error.reason not in _KEY_REASONS
            detail = "" if accepted else error.message
            return CredentialCheck(accepted=accepted, detail=detail, aliyun_code=error.aliyun_code)
        except (NotSent, AnswerLost) as error:
            return CredentialCheck(accepted=None, detail=error.detail)
        return CredentialCheck(accepted=True)

    def identity(self) -> Identity | None:
        """Whom Aliyun takes its keys for; None where they stand in ``sms.json`` and take on no role.

        Raises:
            NotSent: There are no keys at the moment.
        """
        return find_identity(self.account) if self.account.role or not self.account.access_key else None

    def server_date(self) -> datetime | None:
        """Aliyun's clock, to the second, by a header of its answer to an unsigned request, or None."""
        timeout = (self.account.connect_timeout_ms / 1000, self.account.read_timeout_ms / 1000)
        try:
            answer = requests.head(f"{self.account.endpoint.url}/", timeout=timeout, allow_redirects=False)
            return parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC)
        except (requests.RequestException, KeyError, ValueError, TypeError):
            return None

    def clock_skew_s(self) -> float | None:
        """Seconds that this machine's clock is ahead of Aliyun's, or None. Beyond 900 Aliyun refuses requests."""
        before = self._now()
        server = self.server_date()
        if server is None:
            return None
        after = self._now()
        return (before + (after - before) / 2 - server).total_seconds()

    def _find_on(self, day: date, phone: str, out_id: str) -> Mapping[str, Any] | None:
        seen = counted = 0
        for page in range(1, MAX_PAGES + 1):
            total, rows = self._query(phone, day, page)
            counted = counted or total
            for row in rows:
                if row.get("OutId") == out_id:
                    return row
            seen += len(rows)
            # A count that changed between two pages is not believed: rows may have moved from one to the other.
            if seen == total == counted:
                return None
            if seen > total or not rows:
                raise LookupFailed("contradiction", "Aliyun's record does not have as many rows as it counts")
        raise LookupFailed("too_many_pages", "Aliyun's record of the number is longer than is read")

    def _query(self, phone: str, day: date, page: int) -> tuple[int, list[Mapping[str, Any]]]:
        return _looked_up(lambda: self._query_once(phone, day, page))

    def _query_once(self, phone: str, day: date, page: int) -> tuple[int, list[Mapping[str, Any]]]:
        request = models.QuerySendDetailsRequest(
            phone_number=phone, send_date=day.strftime("%Y%m%d"), page_size=PAGE_SIZE, current_page=page
        )
        body = self._ask(Client.query_send_details_with_options, request, content=(phone,))
        return read_rows(body, (body.get("SmsSendDetailDTOs") or {}).get("SmsSendDetailDTO"))

    def _list_once(self, page: int) -> list[Mapping[str, Any]]:
        request = models.QuerySmsTemplateListRequest(page_index=page, page_size=PAGE_SIZE)
        body = self._ask(Client.query_sms_template_list_with_options, request, content=())
        return list(body.get("SmsTemplateList") or [])

    def _ask(
        self,
        method: Callable[..., Any],
        request: Any,
        *,
        content: tuple[str, ...],
        connect_within_s: float | None = None,
    ) -> dict[str, Any]:
        """Make one request. A failure is raised outside of `except`, so that it carries no foreign exception."""
        within_s = math.inf if connect_within_s is None else connect_within_s
        began_at, connect_ms = time.monotonic(), self.account.connect_timeout_ms
        keys, client = self._signed.take(min(connect_ms / 1000, within_s))
        left_s = within_s - (time.monotonic() - began_at)
        if left_s <= 0:
            raise NotSent(NO_CREDENTIALS, "the keys to sign with came too late")
        connect_ms = max(1, int(min(connect_ms, left_s * 1000)))
        runtime = RuntimeOptions(connect_timeout=connect_ms, read_timeout=self.account.read_timeout_ms)
        failure: Failure
        try:
            with unseen():
                response = method(client, request, runtime)
            body = response.body.to_map() if response.body is not None else {}
        except Exception as error:  # noqa: BLE001  whatever it is, the mapping decides what it means
            failure = map_exception(error, now=self._now(), content=content)
        else:
            if body.get("Code") == "OK":
                self._signed.accepted(keys)
                return dict(body)
            failure = map_answer(body, now=self._now(), content=content, status=response.status_code)
        raise self._signed.judge(failure, keys)


def _asked_twice(call: Callable[[], T]) -> T:
    """What is only looked at, asked once more where the keys were refused. A send is tried again by the rules of sending."""
    try:
        return call()
    except KeysRefused:
        return call()


def _looked_up(call: Callable[[], T]) -> T:
    """What was looked up.

    Raises:
        LookupFailed: It says nothing.
    """
    failure: LookupFailed
    try:
        return _asked_twice(call)
    except AliyunRejected as error:
        code = error.aliyun_code
        failure = LookupFailed(error.reason, f"{code}: {error.message}", error.retry_after, aliyun_code=code)
    except NotSent as error:
        failure = LookupFailed(error.reason, error.detail, error.retry_after, aliyun_code=error.aliyun_code)
    except AnswerLost as error:
        failure = LookupFailed(error.reason, error.detail, aliyun_code=error.aliyun_code)
    raise failure


def read_rows(body: Mapping[str, Any], page: Any) -> tuple[int, list[Mapping[str, Any]]]:
    """The count of all rows, and those of this page, which is a list or absent.

    Raises:
        AnswerLost: It is neither, or the count is missing.
    """
    try:
        total, rows = int(body["TotalCount"]), list(page or [])
    except (KeyError, TypeError, ValueError):
        total, rows = -1, []
    if total < 0 or not all(isinstance(row, Mapping) for row in rows):
        raise AnswerLost("no_answer", "an answer without a count of its rows")
    return total, rows


def _direct_error(tried: Tried[dict[str, Any]], out_id: str) -> SmsError:
    """The error that a caller of `sendMessage` gets."""
    match tried.error:
        case AliyunRejected() as error:
            return error.for_job(out_id, attempts=tried.attempts)
        case Throttled() as error:
            known = find_code(error.aliyun_code)
            return AliyunRejected(
                known.meaning if known else error.detail,
                reason="throttled",
                out_id=out_id,
                attempts=tried.attempts,
                aliyun_code=error.aliyun_code,
                request_id=error.request_id,
                retry_after=error.retry_after,
                advice="later",
            )
        case NotSent() as error:
            return RequestFailed(
                f"{error.detail}; nothing was sent",
                reason=error.reason,
                outcome="not_sent",
                out_id=out_id,
                attempts=tried.attempts,
            )
        case error:
            lost = error.detail if error else "no answer"
            return RequestFailed(
                f"{lost}; it may have been accepted: look up the OutId in Aliyun's record before sending again",
                reason="no_answer",
                outcome="unknown",
                out_id=out_id,
                attempts=tried.attempts,
            )

"""An SMS element as a producer knows it: a name, and the ways to send by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from smsjobs.contract import InvalidArguments, OnUnknown, make_job, new_job_id, unwrap
from smsjobs.job import Job
from smsjobs.redis_store import available
from smsjobs.threads import in_thread

if TYPE_CHECKING:
    from smsjobs.campaign import Campaign
    from smsjobs.connection import Connection
    from smsjobs.templates import Template
    from smsjobs.verification import Guard, Keyring, Limit, Rules, Verification

__all__ = ["Element"]


class Element:
    """An SMS element as a producer knows it: a name. Account, secret and signature stay on the workers."""

    def __init__(self, connection: Connection, full_name: str) -> None:
        self._connection = connection
        self._full_name = full_name

    def __repr__(self) -> str:
        return f"<Element {self._full_name}>"

    @property
    def fullName(self) -> str:
        """The full name, such as ``"SMS.YourSmsName"``."""
        return self._full_name

    def sendMessage(
        self,
        phoneList: Any = None,
        params: Any = None,
        verifyTemplateCode: Any = None,
        extend: Any = None,
        *,
        lane: str = "notification",
        expires: float | None = None,
        countdown: float | None = None,
        eta: datetime | None = None,
        on_unknown: OnUnknown | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Enqueue one message to one or more numbers that share its parameters.

        Args:
            phoneList: 1 to 1,000 numbers as text. Mainland numbers are bare or have +86, others have a country code.
            params: The template's parameters, a dict of text; ``{}`` for a template without any.
            verifyTemplateCode: The template's code, such as ``"SMS_123456789"``.
            extend: ``{"verifyTemplateCode": …}``, the older way to name the template.
            lane: ``"verification"``, ``"notification"`` or ``"bulk"``.
            expires: Seconds from now after which it is not sent any more. Default by lane: 300 s, 24 h, 72 h.
            countdown: Seconds from now before which it is not sent; at most 30 days.
            eta: The same as a point in time, with a time zone. It takes the place of `countdown`.
            on_unknown: What happens when an answer was lost and the look-ups find no trace. ``"hold"`` settles
                the job as unknown, ``"resend"`` sends once more. Default by lane: hold, resend, hold.
            idempotency_key: The same key on the same element gives the same job back, for as long as the job
                lives and its outcome is kept (3 days). Numbers, parameters and template have to be the same. Lane,
                expiry and delay stay those of the first call.

        Returns:
            The job. With a known `idempotency_key`, the earlier one.

        Raises:
            InvalidArguments: An argument is missing or wrong. Nothing was enqueued.
            IdempotencyConflict: The key belongs to a job with another payload.
            RequestFailed: One of the numbers is suppressed (``reason="suppressed"``): for all messages, or the lane is
                ``"bulk"`` and it is for promotional ones. Nothing was enqueued, also for the other numbers.
            QueueUnavailable: Redis did not record the job within the timeout (default 5 s). Unless its `outcome` is
                ``"not_sent"``, the job may have been recorded all the same. Calling again with the same
                `idempotency_key` does not send it twice.
        """
        job_id = self._connection.enqueue(
            make_job(
                id=new_job_id(self._full_name),
                element=self._full_name,
                phoneList=phoneList,
                params=params,
                verifyTemplateCode=verifyTemplateCode,
                extend=extend,
                lane_name=lane,
                expires=expires,
                countdown=_countdown(countdown, eta),
                on_unknown=on_unknown,
                idempotency_key=idempotency_key,
            )
        )
        return self._job(job_id)

    async def send_message_async(self, *args: Any, **kwargs: Any) -> Job:
        """`sendMessage` with the same arguments, without blocking the event loop."""
        return await in_thread(self.sendMessage, *args, **kwargs)

    def template(self, code: str, *, timeout: float = 10.0) -> Template | None:
        """What is known of a template: text, kind, state, variables and their types, and the signature's filing.

        It is at most a day old. Workers learn it from Aliyun, and ask again after an hour while it is used, or after a minute
        while it or its signature is not approved.

        Args:
            code: Such as ``"SMS_123456789"``.
            timeout: Seconds to wait for a worker where nothing is known yet, or where it was not approved a minute ago.

        Returns:
            The template; None where no worker has learned of it in time, as where there is no such template.

        Raises:
            QueueUnavailable: Redis was unreachable for longer than the timeout, or refused to be asked.
        """
        return available(
            lambda: self._connection.templates.wait_for(self._full_name, code, timeout_s=timeout),
            for_s=self._connection.settings.timeout_s,
            task="the template could not be asked for",
            unreachable_text=self._connection.unreachable_text,
        )

    async def template_async(self, code: str, *, timeout: float = 10.0) -> Template | None:  # noqa: ASYNC109  as `template`
        """`template`, without blocking the event loop."""
        return await in_thread(self.template, code, timeout=timeout)

    def campaign(
        self,
        name: str,
        *,
        recipients: Any,
        verifyTemplateCode: Any = None,
        params: Any = None,
        at: datetime | None = None,
        promotional: bool | None = None,
        strict: bool = False,
        template_text: str | None = None,
        sheet: str | None = None,
        phone_column: str | None = None,
        countries: Sequence[str] | None = None,
        ignore_columns: Sequence[str] | None = None,
    ) -> Campaign:
        """Send one template to many recipients, on the lane ``bulk``. See docs/campaigns.md.

        It returns when all recipients are read and planned. Nothing is sent before. The same call again, in any
        process, finds the same campaign and finishes it where it was interrupted. Nothing is sent twice.

        Args:
            name: The campaign's name, unique on this element.
            recipients: The path of a ``.csv``, ``.jsonl`` or ``.xlsx`` file, or an iterable of numbers, of dicts with
                a key ``phone`` or ``手机号``, or of pairs of number and parameters. Other columns are parameters. An
                iterable must have the same order when the call is repeated: sort a set, and the rows of a query.
            verifyTemplateCode: The template's code, such as ``"SMS_123456789"``.
            params: Parameters that are the same for all, a dict of text. A value ``"{column}"`` is taken from that
                column; then no other column is a parameter.
            at: When it begins, with a time zone; None begins at once.
            promotional: True: send from 8:00 to 20:00 Beijing time only, as Aliyun demands, and continue the next
                morning. False: it is not promotional, so numbers that are suppressed for promotional messages get it
                too. By default they are left out, and it is sent at any hour.
            strict: A row that cannot be used is an error, and nothing is sent. Otherwise such rows are left out and
                reported.
            template_text: The template's text with its ``${parameters}``. A parameter that has no value is an error
                then.
            sheet: The name of a workbook's sheet; else the visible one that has the numbers.
            phone_column: The name of the numbers' column; else the one whose name says it, such as ``phone``.
            countries: Country codes of numbers that are sent to, such as ``["86"]``; other rows are left out. None
                permits all.
            ignore_columns: Names of columns that are not parameters, such as ``["备注"]``.

        Raises:
            InvalidArguments: An argument, a column or the file is wrong. Or Aliyun would refuse every message, by what is
                known of the template: see docs/templates.md. Nothing was sent.
            IdempotencyConflict: The name belongs to a campaign with other recipients or settings.
            QueueUnavailable: Redis was unreachable for longer than the timeout, or refused a step, as a full Redis
                does. After a refusal `outcome` is ``"not_sent"``: nothing was sent. The same call continues.
        """
        from smsjobs.campaign import Order, fitted  # noqa: PLC0415  only whoever has campaigns loads them

        order = Order.read(
            recipients,
            verifyTemplateCode,
            params,
            template_text=template_text,
            strict=strict,
            sheet=sheet,
            phone_column=phone_column,
            countries=countries,
            ignore_columns=ignore_columns,
        )
        order = fitted(self._connection, order, element=self._full_name, name=name, promotional=promotional)
        return self._start(order, element=self._full_name, name=name, at=at, promotional=promotional)

    def _start(self, *args: Any, **options: Any) -> Campaign:
        from smsjobs.campaign import campaign_store, start  # noqa: PLC0415  as above

        return start(campaign_store(self._connection), *args, **options)

    def verification(
        self,
        purpose: str,
        *,
        verifyTemplateCode: Any = None,
        ttl: float = 300,
        digits: int = 6,
        param: str = "code",
        params: Mapping[str, str] | None = None,
        max_checks: int = 5,
        per_number: Limit | None = None,
        per_client: Limit | None = None,
        ceiling: Limit | None = None,
        countries: Sequence[str] | None = None,
        guard: Guard | None = None,
        secret: str | None = None,
        old_secret: str | None = None,
    ) -> Verification:
        """Verification codes of one purpose. Make it once, beside the element. See docs/verification.md.

        Args:
            purpose: A word such as ``"login"``. A number has one live code for each purpose.
            verifyTemplateCode: The template's code, such as ``"SMS_123456789"``.
            ttl: Seconds for which a code is valid after the last message that carried it; at most an hour.
            digits: Length of a code, 4 to 6.
            param: The template's parameter that the code fills.
            params: The template's other parameters, the same in every message, such as ``{"min": "5"}``.
            max_checks: Wrong tries after which a code is dead.
            per_number: The most sends to one number on this element. Default: Aliyun's own limits, 1 a minute, 5 an
                hour, 10 a day. ``Limit()`` sets none.
            per_client: The most sends for one client address on this element. Default: 10 a minute, 100 an hour, 500 a
                day.
            ceiling: The most sends of this purpose altogether. Default: 1,000 an hour and 10,000 a day.
            countries: Country codes of the numbers that may be sent to, such as ``["86"]``; None permits all.
            guard: Called with each `Attempt` before anything is counted. It returns None, or the reason to refuse it.
            secret: The key of all codes, at least 32 bytes. Default: ``SMS_CODE_SECRET``.
            old_secret: The key that it replaces, whose codes are still valid. Default: ``SMS_CODE_SECRET_OLD``.

        Raises:
            InvalidArguments: An argument is wrong.
            SettingsError: The secret is missing or too short.
        """
        from smsjobs.verification import CEILING, PER_CLIENT, PER_NUMBER, Keyring, Rules  # noqa: PLC0415  only whoever uses codes loads them

        rules = Rules(
            element=self._full_name,
            purpose=purpose,
            template=unwrap(verifyTemplateCode, "verifyTemplateCode"),
            ttl_s=ttl,
            digits=digits,
            param=param,
            params={} if params is None else params,
            max_checks=max_checks,
            per_number=PER_NUMBER if per_number is None else per_number,
            per_client=PER_CLIENT if per_client is None else per_client,
            ceiling=CEILING if ceiling is None else ceiling,
            countries=countries,
        )
        return self._verification(rules, lambda: Keyring.read(secret, old_secret), guard)

    def _verification(
        self, rules: Rules, keyring: Callable[[], Keyring], guard: Guard | None
    ) -> Verification:
        from smsjobs.verification import RedisCodes, Verification  # noqa: PLC0415  as above

        store = RedisCodes(
            self._connection.redis,
            self._full_name,
            timeout_s=self._connection.settings.timeout_s,
            unreachable_text=self._connection.unreachable_text,
        )
        return Verification(self, rules, keyring(), store, self._job, guard=guard)

    def _job(self, job_id: str) -> Job:
        return Job(job_id, self._connection)


def _countdown(
    countdown: float | None, eta: datetime | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Any:
    if eta is None:
        return countdown
    if countdown is not None:
        raise InvalidArguments.about("eta", "excludes countdown: pass one of them")
    if not isinstance(eta, datetime) or eta.utcoffset() is None:
        raise InvalidArguments.about("eta", "must be a datetime with a time zone, such as datetime.now(UTC)")
    return max(0.0, (eta - now()).total_seconds())

"""Verification codes of one purpose: sent, sent again, and checked."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol

from smsjobs.contract import (
    IdempotencyConflict,
    InvalidArguments,
    RequestFailed,
    VerificationRefused,
)
from smsjobs.facts import CeilingReached, CodeChecked, CodeRefused, CodeSent, tell
from smsjobs.threads import in_thread
from smsjobs.verification.client_address import counted_address
from smsjobs.verification.results import CheckResult, Sent
from smsjobs.verification.store import Held, Issued, SendRequest, Try
from smsjobs.verification.typed import check_code, check_number

if TYPE_CHECKING:
    from smsjobs.job import Job
    from smsjobs.verification.keys import Keyring
    from smsjobs.verification.rules import Rules
    from smsjobs.verification.store import CodeStore

__all__ = ["Attempt", "Guard", "Verification"]

#: The reason and the text of a refusal, by whose limit it is.
_REFUSALS: Final = {
    "number": ("number_limit", "this number has reached its limit of codes"),
    "client": ("client_limit", "this client address has reached its limit of codes"),
    "purpose": ("ceiling", "this purpose has reached its limit of codes"),
}


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A request for a code, for a guard to decide about."""

    #: The number, in Aliyun's form.
    phone: str = field(repr=False)
    #: The client's address as it was passed, or None.
    client_ip: str | None = field(repr=False)
    #: Such as ``"login"``.
    purpose: str
    #: Whatever the application passed to `send`, such as a captcha's answer.
    context: Any = field(repr=False)


#: Returns None to permit an attempt, or a word: the reason for the refusal. Anything else is an error, and nothing is sent.
Guard = Callable[[Attempt], str | None]


class _Sends(Protocol):
    """The part of an `Element` that is needed here."""

    def sendMessage(self, *args: Any, **options: Any) -> Job: ...


class Verification:
    """The codes of one purpose. Make it once. Threads may share it, and it survives a fork."""

    def __init__(
        self,
        element: _Sends,
        rules: Rules,
        keyring: Keyring,
        store: CodeStore,
        find_job: Callable[[str], Job],
        *,
        guard: Guard | None = None,
    ) -> None:
        if guard is not None and not callable(guard):
            raise InvalidArguments.about("guard", "must be a function of an Attempt, or None")
        self._rules = rules
        self._keyring = keyring
        self._store = store
        self._element = element
        self._find_job = find_job
        self._guard = guard

    def __repr__(self) -> str:
        return f"<Verification {self._rules.purpose} of {self._rules.element}>"

    def send(self, phone: str, client_ip: str | None = None, *, context: Any = None) -> Sent:
        """Send a code to a number: its live code, or a new one if none is live.

        You may call it again after `QueueUnavailable`, or after the process died during the call. Then nothing is
        sent twice, and the limits do not refuse the call. A send that was counted but not confirmed is repeated
        under its own idempotency key.

        Args:
            phone: The number. Mainland numbers bare or with +86, others with country code.
            client_ip: The address of the client. Without it, the limit per client does not apply.
            context: Passed to the guard. It may be a captcha's answer.

        Returns:
            The job that sends it, and the times that a page may show.

        Raises:
            VerificationRefused: A limit, the list of countries or the guard refuses it. Nothing was enqueued.
            InvalidArguments: The number is not a valid phone number. Or it is a North American one that Aliyun would
                read as one in China. Or the address is not a valid IP address.
            QueueUnavailable: Redis is unreachable. Nothing is sent without the limits.
            RequestFailed: This process was delayed for longer than the code lives (``reason="expired"``).
        """
        number = check_number(phone)
        client = () if client_ip is None else (counted_address(client_ip),)
        self._admit(Attempt(phone=number, client_ip=client_ip, purpose=self._rules.purpose, context=context))
        begun = time.monotonic()
        issued = self._issue(number, client)
        # In whole milliseconds, as the ledger counts. A job with less than one could never be sent.
        left_s = round(issued.left_s - (time.monotonic() - begun), 3)
        job = self._enqueue(number, issued, left_s)
        self._store.confirm(self._code_tags(number)[issued.which - 1], issued.salt, issued.send)
        tell(
            CodeSent(
                purpose=self._rules.purpose, element=self._rules.element, job_id=job.id, send=issued.send
            )
        )
        return Sent(job=job, phone=number, expires_in=left_s, retry_after=math.ceil(issued.wait_s))

    async def send_async(self, phone: str, client_ip: str | None = None, *, context: Any = None) -> Sent:
        """`send`, without blocking the event loop. A guard runs in a thread."""
        return await in_thread(self.send, phone, client_ip, context=context)

    def check(self, phone: str, code: str) -> CheckResult:
        """Check whether this is the code of this number. The right code can be used only once.

        Spaces, full-width digits, hyphens and invisible marks are ignored, because keyboards and phones insert them.

        Keyed hashes are compared, so the time that this takes reveals nothing about the code. It may reveal that a
        try was counted, but the status does so too.

        Args:
            phone: The number that the code was sent to.
            code: The code that somebody typed.

        Returns:
            A result that is truthy exactly if the code was right. Its `status` says more.

        Raises:
            InvalidArguments: The number is not a valid phone number, or the code is not text.
            QueueUnavailable: Redis is unreachable.
        """
        number, typed = check_number(phone), check_code(code)
        tags = self._code_tags(number)
        # Another code may replace this one between these two steps. Then this try is wrong, as it would be afterwards.
        salts = self._store.salts(tags)
        checked = self._store.check(
            Try(
                code=tags,
                proofs=self._keyring.proofs(typed, salts, *self._words(number)),
                token=secrets.token_hex(8),
                max_checks=self._rules.max_checks,
            )
        )
        tell(CodeChecked(purpose=self._rules.purpose, element=self._rules.element, status=checked.status))
        return CheckResult(status=checked.status, tries_left=checked.tries_left, phone=number)

    async def check_async(self, phone: str, code: str) -> CheckResult:
        """`check`, without blocking the event loop."""
        return await in_thread(self.check, phone, code)

    def _admit(self, attempt: Attempt) -> None:
        if not self._rules.permits_country(attempt.phone):
            self._refuse("country_not_allowed", "numbers of this country are not sent to", None)
        reason = None if self._guard is None else self._guard(attempt)
        if reason is None:
            return
        if not isinstance(reason, str) or not reason.strip():
            # False may be meant as "not permitted", and a coroutine has not decided yet.
            raise InvalidArguments.about(
                "guard",
                "must return None to permit, or a word: the reason for its refusal; it must not be asynchronous",
            )
        self._refuse(reason, "the application's guard refused it", None)

    def _issue(self, number: str, client: tuple[str, ...]) -> Issued:
        rules, salt = self._rules, secrets.token_hex(16)
        words = self._words(number)
        answer = self._store.issue(
            SendRequest(
                code=self._code_tags(number),
                number=self._keyring.tags("number", rules.element, number),
                client=self._keyring.tags("client", rules.element, *client) if client else ("", ""),
                salt=salt,
                proof=self._keyring.current.proof(
                    self._keyring.current.code(rules.digits, salt, *words), salt, *words
                ),
                rules=rules,
            )
        )
        if isinstance(answer, Held):
            reason, message = _REFUSALS[answer.whose]
            self._refuse(reason, message, max(1, math.ceil(answer.wait_s)))
        return answer

    def _enqueue(self, number: str, issued: Issued, left_s: float) -> Job:
        if left_s <= 0:
            raise RequestFailed(
                "the code expired before it could be enqueued: send again",
                reason="expired",
                outcome="not_sent",
            )
        key, words = self._keyring.which(issued.which), self._words(number)
        try:
            return self._element.sendMessage(
                phoneList=[number],
                params=self._rules.filled(key.code(issued.digits, issued.salt, *words)),
                verifyTemplateCode=self._rules.template,
                lane="verification",
                expires=left_s,
                idempotency_key=key.send_key(issued.salt, issued.send, *words),
            )
        except IdempotencyConflict as conflict:
            # This send was already enqueued with another template, by an older or a newer release.
            return self._find_job(str(conflict.out_id))

    def _refuse(self, reason: str, message: str, retry_after: int | None) -> NoReturn:
        kind = CeilingReached if reason == "ceiling" else CodeRefused
        tell(kind(purpose=self._rules.purpose, element=self._rules.element, reason=reason))
        if retry_after is not None:
            message = f"{message}; try again in {retry_after} s"
        raise VerificationRefused(message, reason=reason, retry_after=retry_after)

    def _words(self, number: str) -> tuple[str, str, str]:
        return self._rules.element, self._rules.purpose, number

    def _code_tags(self, number: str) -> tuple[str, str]:
        return self._keyring.tags("code", *self._words(number))

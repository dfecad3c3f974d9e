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

#: The reason and the text of a refusal, by whose limit it was.
_REFUSALS: Final = {
    "number": ("number_limit", "this number has had as many codes as it may have for now"),
    "client": ("client_limit", "this client address has asked for as many codes as it may for now"),
    "purpose": ("ceiling", "as many codes were sent for this purpose as may be for now"),
}


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """Somebody asks for a code; what a guard decides by."""

    #: The number, in Aliyun's form.
    phone: str = field(repr=False)
    #: The client's address as it was passed, or None.
    client_ip: str | None = field(repr=False)
    #: Such as ``"login"``.
    purpose: str
    #: Whatever the application passed to `send`, such as a captcha's answer.
    context: Any = field(repr=False)


#: Permits an attempt (None), or gives the word it is refused for; anything else is an error, and nothing is sent.
Guard = Callable[[Attempt], str | None]


class _Sends(Protocol):
    """What is needed of an `Element`."""

    def sendMessage(self, *args: Any, **options: Any) -> Job: ...


class Verification:
    """The codes of one purpose. Make it once; it may be shared between threads and survives a fork."""

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
        """Send a code to a number: the one that still lives there, else a new one.

        Calling again after `QueueUnavailable`, or after the process died in here, sends nothing twice and is not
        refused: a send that was counted and not known to be handed over is carried out again under its own
        idempotency key.

        Args:
            phone: The number; mainland numbers bare or with +86, others with country code.
            client_ip: The address of whoever asks; without it the limit per client does not apply.
            context: Handed to the guard, such as a captcha's answer.

        Returns:
            The job that carries it, and the times that a page may want to show.

        Raises:
            VerificationRefused: A limit, the list of countries or the guard refuses it; nothing was enqueued.
            InvalidArguments: The number is no phone number, or one in North America that Aliyun would take for one
                in China; or the address is no IP address.
            QueueUnavailable: Redis is away; nothing is sent without its limits.
            RequestFailed: This process was held up for longer than the code lives (``reason="expired"``).
        """
        number = check_number(phone)
        client = () if client_ip is None else (counted_address(client_ip),)
        self._admit(Attempt(phone=number, client_ip=client_ip, purpose=self._rules.purpose, context=context))
        begun = time.monotonic()
        issued = self._issue(number, client)
        # To the millisecond, as the ledger counts: a job with less could never be sent.
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
        """Whether that is the code of that number. The right one is used up by this.

        Spaces, full-width digits, hyphens and invisible marks, as keyboards and phones put them in, do no harm. What is
        compared are keyed hashes, so the time it takes tells nothing about the code. It may tell that a try was
        counted, by a write in Redis; so does the status.

        Args:
            phone: The number, as it was sent to.
            code: What somebody typed.

        Returns:
            True exactly when the code was right; its `status` tells the rest.

        Raises:
            InvalidArguments: The number is no phone number, or the code no text.
            QueueUnavailable: Redis is away.
        """
        number, typed = check_number(phone), check_code(code)
        tags = self._code_tags(number)
        # Between these two steps another code may take this one's place. Then this try is wrong, as it is after it.
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
                "guard", "must return None, or the word that it refuses for; it must not be asynchronous"
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
                "the code's life ended before it could be handed over: send again",
                reason="expired",
                outcome="not_sent",
            )
        key, words = self._keyring.which(issued.which), self._words(number)
        try:
            return self._element.sendMessage(
                phoneList=[number],
                params={self._rules.param: key.code(issued.digits, issued.salt, *words)},
                verifyTemplateCode=self._rules.template,
                lane="verification",
                expires=left_s,
                idempotency_key=key.send_key(issued.salt, issued.send, *words),
            )
        except IdempotencyConflict as conflict:
            # This very send was handed over with another template, by a release before or after this one.
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

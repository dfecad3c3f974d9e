"""`connect` and what it gives, in memory. They are the real classes over stores of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

from smsjobs.campaign import Campaign, start
from smsjobs.client import Sms
from smsjobs.connection import Connection
from smsjobs.contract import JobRecord, QueueUnavailable, SmsError, check_full_name, check_timeout, unwrap
from smsjobs.delivery import DELIVERED, Delivery
from smsjobs.element import Element
from smsjobs.job import Job
from smsjobs.settings import ConnectionSettings
from smsjobs.testing.clock import Clock
from smsjobs.testing.memory_campaigns import MemoryCampaigns
from smsjobs.testing.memory_codes import MemoryCodes
from smsjobs.testing.memory_deliveries import MemoryDeliveries
from smsjobs.testing.memory_ledger import MemoryLedger, SentMessage
from smsjobs.testing.memory_numbers import MemoryNumbers
from smsjobs.testing.memory_steering import MemorySteering
from smsjobs.verification import Guard, Keyring, Rules, Sent, Verification
from smsjobs.verification.typed import check_number

if TYPE_CHECKING:
    from redis import Redis

    from smsjobs.campaign import CampaignProgress, CampaignStore
    from smsjobs.delivery import DeliveryStore
    from smsjobs.ledger import Ledger
    from smsjobs.steering import Steering
    from smsjobs.suppression import SuppressedNumbers
    from smsjobs.templates import TemplateStore

__all__ = ["FakeCampaign", "FakeElement", "FakeJob", "FakeSms", "FakeVerification", "connect"]

_SECRET: Final = "no secret at all, and good for tests only"  # noqa: S105  as it says


def connect(
    *,
    broker_url: str | None = None,
    redis_url: str | None = None,
    timeout: float | None = None,
) -> FakeSms:
    """As `smsjobs.connect`, whose place it can take; the addresses do not matter."""
    del broker_url, redis_url, timeout
    return FakeSms()


class FakeSms(Sms):
    """A producer without a Redis. What one process enqueues no other sees.

    Args:
        clock: By which limits and the lives of codes go.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self._memory = _Memory(self.clock)
        super().__init__(self._memory)

    def __repr__(self) -> str:
        return "<FakeSms>"

    @property
    def messages(self) -> list[SentMessage]:
        """Everything that was enqueued, oldest first."""
        return list(self._memory.jobs.messages)

    @property
    def codes(self) -> MemoryCodes:
        """The codes of every `FakeElement.verification`."""
        return self._memory.codes

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    def end_next_with(self, error: SmsError) -> None:
        """The next job ends with that error instead of being accepted; may be called for several jobs.

        Raises:
            TypeError: It is not an SmsError.
        """
        self._memory.jobs.end_next_with(error)

    def fail_next_with(self, error: SmsError | None = None) -> None:
        """The next call that enqueues raises that error, and nothing is enqueued; may be called for several calls.

        Args:
            error: None for the `QueueUnavailable` of a Redis that is unreachable.

        Raises:
            TypeError: It is not an SmsError.
        """
        self._memory.fail_next_with(error)

    def report(self, job: Job, phone: str | None = None, *, err_code: str = DELIVERED) -> None:
        """Let the carrier report of a recipient of a job: of its one number, or of the one that is given.

        Args:
            err_code: The carrier's code. Any but ``"DELIVERED"`` is a failure.

        Raises:
            InvalidArguments: As `Job.delivery`.
        """
        now = datetime.fromtimestamp(self.clock(), UTC)
        delivery = Delivery(
            state="delivered" if err_code == DELIVERED else "failed",
            err_code=err_code,
            parts=1,
            sent_at=now,
            reported_at=now,
            source="push",
        )
        self._memory.reported.report(job.id, phone, delivery)

    def job(self, job_id: str) -> FakeJob:
        """The handle on a job."""
        return FakeJob(super().job(job_id).id, self._memory)

    def getElement(self, name: str) -> FakeElement:
        """The element of that name."""
        return FakeElement(self._memory, check_full_name(unwrap(name)))

    def campaigns(self) -> list[Campaign]:
        """All campaigns that are kept. The newest comes first."""
        return [self.campaign(each) for each in self._memory.campaigns.ids()]

    def _campaign(self, campaign_id: str) -> FakeCampaign:
        return FakeCampaign(campaign_id, self._memory.campaigns)


class _Memory(Connection):
    """Stands where a real producer has its connection to Redis and the broker."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(
            ConnectionSettings(broker_url="", result_backend=None, redis_url="", preflight="off")
        )
        self.jobs = MemoryLedger(clock, keep_s=self.settings.retention_s)
        self.reported = MemoryDeliveries(self.jobs)
        self.codes = MemoryCodes(clock)
        self.numbers = MemoryNumbers()
        self._memory_steering = MemorySteering(self.jobs, clock, retryable_s=self.settings.retryable_s)
        self._failures: list[SmsError] = []
        self._campaigns = MemoryCampaigns(self.jobs, self.numbers, clock, keep_s=self.settings.retention_s)
        #: The last job for each element, purpose and number, whichever handle sent it.
        self.last_jobs: dict[tuple[str, str, str], str] = {}

    @property
    def ledger(self) -> Ledger:
        """The memory: as far as a producer reads it, it is a ledger."""
        return cast("Ledger", self.jobs)

    @property
    def deliveries(self) -> DeliveryStore:
        """What a test has reported."""
        return cast("DeliveryStore", self.reported)

    @property
    def steering(self) -> Steering:
        """The jobs of the memory."""
        return cast("Steering", self._memory_steering)

    def fail_next_with(self, error: SmsError | None) -> None:
        """The next job is not enqueued."""
        unreachable = QueueUnavailable(
            "Redis is unreachable, so the job could not be recorded", outcome="not_sent"
        )
        failure = unreachable if error is None else error
        if not isinstance(failure, SmsError):
            raise TypeError('a call fails with an SmsError, such as QueueUnavailable(outcome="not_sent")')
        self._failures.append(failure)

    @property
    def suppressed(self) -> SuppressedNumbers:
        """The list in memory."""
        return cast("SuppressedNumbers", self.numbers)

    def maybe_fail(self, job_id: str | None = None) -> None:
        """Raise what a test asked for."""
        if self._failures:
            error = self._failures.pop(0)
            raise error if job_id is None else error.for_job(job_id)

    @property
    def campaigns(self) -> CampaignStore:
        """The campaigns of the memory: as far as a producer uses them, they are a store."""
        return cast("CampaignStore", self._campaigns)

    @property
    def templates(self) -> TemplateStore:
        """Nothing is known of any: there is no worker that learns."""
        return cast("TemplateStore", _NoTemplates())

    def enqueue(self, job: JobRecord) -> str:
        """Write the job down."""
        self.maybe_fail(job.id)
        self._refuse_suppressed(job)
        return self.jobs.record(job).job_id

    def _publish(self, job_id: str, lane: str) -> None:
        """There is nobody to publish to."""

    def redis(self) -> Redis:
        """There is none."""
        raise NotImplementedError("smsjobs.testing has no Redis")

    def close(self) -> None:
        """Nothing is open."""

    def _connect(self) -> None:
        """Nothing is to be opened."""


class _NoTemplates:
    def wait_for(self, element: str, code: str, *, timeout_s: float) -> None:
        """Nothing, at once."""


class FakeJob(Job):
    """A job that does not wait for what only a test can let happen."""

    def _poll_intervals(self, timeout: float | None) -> Iterator[float]:
        del timeout  # the clock stands still
        yield 0

    def _still_waiting(self, timeout: float | None) -> TimeoutError:
        del timeout
        return TimeoutError(f"job {self.id} is not due yet: let time pass by FakeSms.advance()")


class FakeCampaign(Campaign):
    """A campaign that does not wait for what only a test can let happen."""

    def wait(self, timeout: float | None = None) -> CampaignProgress:
        """As `Campaign.wait`, but it raises at once where the campaign has not ended."""
        check_timeout(timeout)
        progress = self.progress()
        if not progress.ended:
            raise TimeoutError(
                f"campaign {self.id} is {progress.state}: let time pass by FakeSms.advance(), or resume it"
            )
        return progress


class FakeElement(Element):
    """An element that keeps what it is given."""

    def __init__(self, memory: _Memory, full_name: str) -> None:
        super().__init__(memory, full_name)
        self._memory = memory

    def _job(self, job_id: str) -> FakeJob:
        return FakeJob(job_id, self._memory)

    @property
    def messages(self) -> list[SentMessage]:
        """What was enqueued on it, oldest first."""
        return [each for each in self._memory.jobs.messages if each.element == self.fullName]

    def _start(self, *args: Any, **options: Any) -> FakeCampaign:
        self._memory.maybe_fail()
        found = start(self._memory.campaigns, *args, **options)
        return FakeCampaign(found.id, self._memory.campaigns)

    def verification(self, purpose: str, **options: Any) -> FakeVerification:
        """As `Element.verification`; it needs no secret."""
        return cast("FakeVerification", super().verification(purpose, **options))

    def _verification(
        self,
        rules: Rules,
        keyring: Callable[[], Keyring],  # noqa: ARG002  tests need no secret
        guard: Guard | None,
    ) -> FakeVerification:
        return FakeVerification(self, self._memory, rules, guard)


class FakeVerification(Verification):
    """Verification codes that a test can read."""

    def __init__(self, element: FakeElement, memory: _Memory, rules: Rules, guard: Guard | None) -> None:
        keyring = Keyring.read(_SECRET, environ={})
        super().__init__(
            element, rules, keyring, memory.codes, lambda job_id: FakeJob(job_id, memory), guard=guard
        )
        self._messages: Callable[[], list[SentMessage]] = lambda: element.messages
        self._last_jobs = memory.last_jobs

    def send(self, phone: str, client_ip: str | None = None, *, context: Any = None) -> Sent:
        """As `Verification.send`."""
        sent = super().send(phone, client_ip, context=context)
        self._last_jobs[self._words(sent.phone)] = sent.job.id
        return sent

    def last_code(self, phone: str) -> str:
        """The code that this purpose last sent to the number, by whatever handle.

        Raises:
            LookupError: It sent none.
            InvalidArguments: The number is not a valid phone number.
        """
        job_id = self._last_jobs.get(self._words(check_number(phone)))
        for message in self._messages():
            if message.job_id == job_id:
                return message.params[self._rules.param]
        raise LookupError(f"no code was sent to that number for {self._rules.purpose}")

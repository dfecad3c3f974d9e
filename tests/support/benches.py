"""A producer with what stands for a worker, on a real Redis and in memory, so that one test runs over both."""

from typing import Any

from smsjobs import Job, SendResult, Sms, SmsError
from smsjobs.contract import encode_outcome
from smsjobs.ledger import Granted
from smsjobs.testing import FakeSms

PHONE = "13800138000"


class Bench:
    """A producer, and what stands for a worker."""

    def __init__(self, sms: Sms) -> None:
        self.sms = sms

    def send(self, element: str = "SMS.Test", **more: Any) -> Job:
        """Enqueue a message."""
        given = {"phoneList": [PHONE], "params": {"code": "739201"}, "verifyTemplateCode": "SMS_1", **more}
        return self.sms.getElement(element).sendMessage(**given)

    def failed(self, error: SmsError, **more: Any) -> Job:
        """Enqueue a message that ends with that error."""
        job = self.send(**more)
        self.end(job, error)
        return job

    def accepted(self, **more: Any) -> Job:
        """Enqueue a message that is accepted."""
        job = self.send(**more)
        self.end(job, SendResult(response={"Code": "OK"}, out_id=job.id, attempts=1))
        return job

    def end(self, job: Job, outcome: Any) -> None:
        """Let a worker end the job."""
        ledger = self.sms.connection.ledger
        claim = ledger.claim(job.id, "a worker's token", lease_s=30)
        assert isinstance(claim, Granted)
        if isinstance(outcome, SmsError):
            outcome = outcome.for_job(job.id)
        assert ledger.settle(job.id, "a worker's token", encode_outcome(outcome)).ours


class FakeBench(Bench):
    """The same in memory."""

    sms: FakeSms

    def accepted(self, **more: Any) -> Job:
        """Enqueue a message that is accepted."""
        return self.send(**more)

    def failed(self, error: SmsError, **more: Any) -> Job:
        """Enqueue a message that ends with that error."""
        self.sms.end_next_with(error)
        return self.send(**more)

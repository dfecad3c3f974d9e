"""Stand-ins for `smsjobs.connect` and what it gives, for the tests of applications: no Redis, no worker, no waiting.

::

    @pytest.fixture
    def sms(monkeypatch):
        sms = smsjobs.testing.connect()
        monkeypatch.setattr(myapp, "login", sms.getElement("SMS.Main").verification("login", verifyTemplateCode="SMS_1"))
        return sms

    def test_login(sms, client):
        client.post("/code", json={"phone": "13800138000"})
        code = myapp.login.last_code("13800138000")
        assert client.post("/login", json={"phone": "13800138000", "code": code}).status_code == 200

Arguments are checked as by the real ones, idempotency keys and limits hold, and errors are the real classes. What is
sent is accepted as soon as it is due, unless `FakeSms.end_next_with` says otherwise. The clock stands still until a test
moves it. A campaign is sent as a whole as soon as it may be. `FakeSms.report` plays the carrier, and `FakeSms.fail_next_with` a Redis that is unreachable.
"""

from smsjobs.testing.clock import Clock
from smsjobs.testing.fakes import FakeCampaign, FakeElement, FakeJob, FakeSms, FakeVerification, connect
from smsjobs.testing.memory_codes import MemoryCodes
from smsjobs.testing.memory_ledger import SentMessage

__all__ = [
    "Clock",
    "FakeCampaign",
    "FakeElement",
    "FakeJob",
    "FakeSms",
    "FakeVerification",
    "MemoryCodes",
    "SentMessage",
    "connect",
]

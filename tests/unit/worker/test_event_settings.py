"""The settings of events: whole, or refused with the fix."""

import pytest

from smsjobs.settings import SettingsError
from smsjobs_worker.process.settings import WorkerSettings
from support.hook_server import SECRET

TASK = {"SMS_EVENTS_TASK": "shop.told", "SMS_EVENTS_QUEUE": "shop"}
HOOK = {"SMS_WEBHOOK_URL": "https://sms.example.com/hooks?token=t0ken", "SMS_WEBHOOK_SECRET": SECRET}


def test_nobody_by_default() -> None:
    """Without a setting nobody is told."""
    settings = WorkerSettings.read({})
    assert (settings.events_task, settings.webhook) == (None, None)


def test_both() -> None:
    """Both ways can be set, and neither address nor secret shows in a repr."""
    settings = WorkerSettings.read(TASK | HOOK | {"SMS_WEBHOOK_SECRET": f"{SECRET}\n"})
    assert settings.events_task == ("shop.told", "shop")
    assert settings.webhook
    assert settings.webhook.secret == SECRET
    assert SECRET not in repr(settings)
    assert "t0ken" not in repr(settings)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"SMS_EVENTS_TASK": ""}, "belong together"),
        ({"SMS_EVENTS_QUEUE": ""}, "belong together"),
        ({"SMS_EVENTS_TASK": "a b"}, "SMS_EVENTS_TASK must be"),
        ({"SMS_EVENTS_QUEUE": "x" * 201}, "SMS_EVENTS_QUEUE must be"),
        ({"SMS_EVENTS_TASK": "smsjobs.send"}, "your application's own"),
        ({"SMS_EVENTS_QUEUE": "sms.bulk"}, "your application's own"),
        ({"SMS_WEBHOOK_URL": "ftp://sms.example.com"}, "SMS_WEBHOOK_URL must be"),
        ({"SMS_WEBHOOK_URL": "https://me:t0ken@sms.example.com/"}, "SMS_WEBHOOK_URL must have no user"),
        ({"SMS_WEBHOOK_SECRET": ""}, "SMS_WEBHOOK_SECRET must be"),
        ({"SMS_WEBHOOK_SECRET": "t0ken"}, "token_bytes"),
    ],
)
def test_refused(change: dict[str, str], word: str) -> None:
    """What is wrong is named, with the fix, and without what was given."""
    with pytest.raises(SettingsError, match=word) as caught:
        WorkerSettings.read(TASK | HOOK | change)
    assert "t0ken" not in str(caught.value)

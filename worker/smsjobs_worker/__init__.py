"""The worker: ``celery -A smsjobs_worker worker``; and elements that send directly, without a queue.

::

    from smsjobs_worker import App

    app = App("path/to/app")  # the directory that holds SMS/
    app.getElement("SMS.YourSmsName").sendMessage(
        phoneList=["13800138000"], params={"code": "123456"}, verifyTemplateCode="SMS_123456789"
    )
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smsjobs_worker.elements import App

if TYPE_CHECKING:
    from smsjobs_worker.process.app import SmsJobs

__all__ = ["App", "app", "create_app"]


def _app_of_the_environment() -> SmsJobs:
    from smsjobs.settings import SettingsError  # noqa: PLC0415
    from smsjobs_worker.process.refusal import refuse_to_start  # noqa: PLC0415
    from smsjobs_worker.watching.start import create_app  # noqa: PLC0415

    try:
        return create_app()
    except SettingsError as error:
        refuse_to_start(str(error))


def __getattr__(name: str) -> Any:
    """``app``, the Celery app, is made from the environment by whoever asks for it first: `celery -A` does."""
    if name == "app":
        made = globals()["app"] = _app_of_the_environment()
        return made
    if name == "create_app":
        from smsjobs_worker.watching.start import create_app  # noqa: PLC0415

        return create_app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""What the code under test has logged, without what a thread of an earlier test in the same process still does."""

import logging

import pytest

__all__ = ["own_records"]


def own_records(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """The records, but for those of threads that renew keys: they end with their account, which some test has left behind."""
    return [each for each in caplog.records if each.threadName != "smsjobs-keys"]

"""What the code under test has logged, without what threads of earlier tests in the same process still do."""

import logging
import threading

import pytest

__all__ = ["own_records"]


def own_records(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """The records of the thread that runs the test. A test that left a thread that renews keys would add its own."""
    return [each for each in caplog.records if each.thread == threading.get_ident()]

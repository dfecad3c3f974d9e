"""Real servers on networks that are cut. `make faults-net` runs them; they take minutes, and some need root."""

import os
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip all of this folder, loudly, unless it was asked for."""
    if os.environ.get("SMS_FAULTS_NET"):
        return
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="takes minutes: make faults-net"))

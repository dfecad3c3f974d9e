"""A process that cannot be watched as its settings say does not start."""

import sys

import pytest

from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.watching.watched import Watch, watched
from support.ports import free_port
from support.scraped import scrape

TOKEN = "a-token-of-the-tests"


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the extra is missing, it ends with status 2 and says what to install."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(SystemExit) as end:
        Watch(WorkerSettings.read({"SMS_METRICS_PORT": "0"}))
    assert end.value.code == 2
    assert "SMS_METRICS_PORT needs: pip install 'smsjobs[metrics]'" in capsys.readouterr().err


def test_token() -> None:
    """With a token, whoever has it reads the figures while the block runs, and nobody else does."""
    port = free_port()
    env = {"SMS_METRICS_PORT": f"0.0.0.0:{port}", "SMS_METRICS_TOKEN": TOKEN}
    with watched(WorkerSettings.read(env)):
        assert scrape(port) == 401
        assert scrape(port, Authorization=f"Bearer {TOKEN}")("process_open_fds") > 0
    with pytest.raises(ConnectionRefusedError):
        scrape(port)


def test_nothing_is_counted_without_a_port() -> None:
    """Without the setting the block just runs."""
    with watched(WorkerSettings.read({})):
        pass

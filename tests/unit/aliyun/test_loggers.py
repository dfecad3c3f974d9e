"""Other people's loggers."""

import logging
import subprocess
import sys

import pytest

from smsjobs_worker.aliyun import loggers


@pytest.mark.parametrize("name", loggers.LOGGERS)
def test_filter(name, caplog):
    """A record with a part of a request is dropped at every level, and every other one passes."""
    loggers.install()
    logger = logging.getLogger(name)
    with caplog.at_level(logging.DEBUG, name):
        logger.debug('"%s %s" %s', "POST", "/?PhoneNumbers=13800138000&TemplateParam=1", 200)
        logger.warning("Failed to parse headers (url=%s)", "http://host/?OutId=1&PhoneNumbers=13800138000")
        logger.debug("> Authorization : ACS3-HMAC-SHA256 Credential=example")
        logger.warning("%d", "no number")
        logger.debug("Starting new connection")
    assert [record.getMessage() for record in caplog.records if record.name == name] == [
        "Starting new connection"
    ]


def test_installed():
    """Importing the sender is enough to keep its requests out of the logs."""
    code = "import logging, smsjobs_worker.aliyun as _; print(logging.getLogger('urllib3.connectionpool').filters)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "RequestFilter" in run.stdout

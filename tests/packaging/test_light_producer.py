"""What a web application carries when it installs and imports the producer."""

import re
import subprocess
import sys
from importlib.metadata import requires, version
from pathlib import Path

import pytest

import smsjobs

pytestmark = pytest.mark.smoke


def test_imports() -> None:
    """A fresh interpreter that has imported every module of `smsjobs` has loaded neither the worker nor the SDK."""
    script = Path(__file__).with_name("import_producer.py")
    run = subprocess.run([sys.executable, "-P", script], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert int(run.stdout.split()[0]) > 1


def test_requirements() -> None:
    """A plain install brings celery, redis, what kombu needs for it, phonenumberslite, tenacity, and nothing else of its own choosing."""
    plain = [line for line in requires("smsjobs") or () if "extra ==" not in line]
    assert sorted(re.split(r"[^\w.-]", line)[0] for line in plain) == [
        "celery",
        "kombu",
        "packaging",
        "phonenumberslite",
        "redis",
        "tenacity",
    ]


def test_version() -> None:
    """The package tells the version that is installed, and has no other name that it does not list."""
    assert smsjobs.__version__ == version("smsjobs")
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = smsjobs.nonsense  # type: ignore[attr-defined]

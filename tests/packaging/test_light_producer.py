"""What a web application carries when it installs and imports the producer."""

import re
import subprocess
import sys
from importlib.metadata import requires, version
from pathlib import Path

import pytest

import smsjobs

pytestmark = pytest.mark.smoke

#: All that `import smsjobs` loads, by room: what enqueueing needs.
LOADED = {
    "": "client connection element job offers on_demand publisher settings threads",
    "addresses": "broker loopback parts redis_address tls",
    "contract": "arguments bounds campaigns chunks errors ids jobs lanes names outcomes phones promotional recipients results "
    "suppression traces versions visible wire",
    "facts": "fact lines plain producer traced",
    "ledger": "common_keys damage entry ledger outcome_text places",
    "redis_store": "clock connection failures keys patience replicas script_loader seal shared_secret",
    "suppression": "hidden numbers values",
    "templates": "preflight store",
    "traces": "enqueueing spans",
}

#: Of others, beside what `import celery, redis` loads.
OTHERS = {"celery", "hmac", "secrets", "unicodedata"}

IMPORT = """
import sys, celery, redis
celery.Celery, redis.Redis
before = set(sys.modules)
import smsjobs
print(*set(sys.modules) - before)
"""

SEND = """
import sys, smsjobs
element = smsjobs.connect(broker_url=sys.argv[1]).getElement("SMS.Plain")
before = set(sys.modules)
element.sendMessage(["13800138000"], {"code": "123456"}, "SMS_123456789")
print(*(each for each in set(sys.modules) - before if each.startswith("smsjobs")))
"""


def test_lean_import() -> None:
    """`import smsjobs` loads what enqueueing needs, and no room that only other calls need."""
    names = _printed(IMPORT)
    rooms = {f"smsjobs.{room}" if room else "smsjobs" for room in LOADED}
    modules = {
        f"smsjobs.{room}.{each}".replace("..", ".") for room in LOADED for each in LOADED[room].split()
    }
    assert {each for each in names if each.startswith("smsjobs")} == rooms | modules
    assert {each.partition(".")[0] for each in names} - {"smsjobs"} <= OTHERS


def test_lean_send(redis_url: str) -> None:
    """The first message loads nothing more of ours."""
    assert _printed(SEND, redis_url) == set()


def _printed(program: str, *arguments: str) -> set[str]:
    command = [sys.executable, "-P", "-c", program, *arguments]
    return set(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split())


def test_imports() -> None:
    """A fresh interpreter that has imported all of `smsjobs`, name by name, has loaded neither the worker nor the SDK."""
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

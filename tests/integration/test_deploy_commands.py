"""Commands of the files for running it for real, run for real as far as no container is needed."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import redis
import yaml

from smsjobs.embedded import TemporaryRedis

ROOT = Path(__file__).parents[2]


def test_redis_command() -> None:
    """Redis accepts the settings of docker-compose.yml, and with them writes to disk and never evicts."""
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["redis"]
    program, *arguments = service["command"]
    assert program == "redis-server"
    options = dict(zip(arguments[::2], arguments[1::2], strict=True))
    given = {name.removeprefix("--"): value or '""' for name, value in options.items()}
    with (
        TemporaryRedis(options=given) as server,
        redis.Redis.from_url(server.url, decode_responses=True) as client,
    ):
        settings = client.config_get("*")
    assert settings["appendonly"] == "yes"
    assert settings["maxmemory-policy"] == "noeviction"
    assert {name: settings[name] for name in given} == {
        name: value.strip('"') for name, value in given.items()
    }


def test_web_command() -> None:
    """Gunicorn accepts the web image's command and finds the application, with Redis away."""
    line = re.search(r'^CMD (\["gunicorn".*)$', (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert line
    program, *arguments = json.loads(line[1])
    gunicorn = shutil.which(program, path=Path(sys.executable).parent)
    run = subprocess.run(
        [gunicorn, "--check-config", *arguments],
        cwd=ROOT / "examples/web",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")

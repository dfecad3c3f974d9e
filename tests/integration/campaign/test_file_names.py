"""Files whose names are no text, started from the shell."""

import json
import os
from pathlib import Path

from click.testing import CliRunner

from smsjobs_shell.program import program

MESSAGE = ["--element", "SMS.Test", "--template", "SMS_1"]


def test_a_name_from_windows(redis_url: str, tmp_path: Path) -> None:
    """A file whose name is GBK starts the campaign of that name, and the same command finds it again."""
    path = os.fsencode(tmp_path) + b"/" + "名单".encode("gbk") + b".csv"
    Path(os.fsdecode(path)).write_bytes(b"phone\n13800138000\n")
    words = ["campaign", "start", os.fsdecode(path), *MESSAGE, "--json"]
    runner = CliRunner(env={"SMS_BROKER_URL": redis_url})
    first, again = (json.loads(runner.invoke(program, words).stdout) for _ in range(2))
    assert (first["name"], first["total"]) == ("名单", 1)
    assert again["id"] == first["id"]


def test_a_name_that_is_no_text(redis_url: str, tmp_path: Path) -> None:
    """A name that is typed as half a character is bad usage."""
    path = tmp_path / "people.csv"
    path.write_bytes(b"phone\n13800138000\n")
    words = ["campaign", "start", str(path), *MESSAGE, "--name", "\udcff"]
    result = CliRunner(env={"SMS_BROKER_URL": redis_url}).invoke(program, words)
    assert result.exit_code == 2
    assert "--name" in result.stderr
    assert "not UTF-8 text" in result.stderr

"""The process that reads queues, where it cannot start."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from smsjobs_shell.program import program
from smsjobs_worker.process.queues import main
from support.worker import write_element


@pytest.fixture
def app_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An app with one element, whose receipts are pushed."""
    write_element(tmp_path, "Example", "http://127.0.0.1:9")
    monkeypatch.setenv("SMS_APP", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("settings", "reason", "told"),
    [
        ({}, "bad_setting", 'has "receipts": "queue"'),
        ({"receipts": "mns"}, "element_invalid", "key receipts"),
        ({"receipts": "queue"}, "element_invalid", "key accountId"),
    ],
)
def test_it_says_what_is_missing(
    app_dir: Path, capsys: pytest.CaptureFixture[str], settings: dict[str, str], reason: str, told: str
) -> None:
    """It ends with status 2, and names the fix as text and as JSON."""
    write_element(app_dir, "Example", "http://127.0.0.1:9", **settings)
    for words in ([], ["--json"]):
        with pytest.raises(SystemExit) as end:
            main(words)
        written = capsys.readouterr()
        assert end.value.code == 2
        assert told in written.err
        if words:
            assert json.loads(written.out)["error"]["reason"] == reason


@pytest.mark.parametrize(
    "more", [("--port", "8080"), ("--host", "0.0.0.0"), ("--forward", "a=https://b.example")]
)
def test_queues_are_not_served(more: tuple[str, ...]) -> None:
    """What says where to listen, and to whom to pass on, is bad usage beside queues."""
    result = CliRunner().invoke(program, ["serve", "--queues", *more])
    assert result.exit_code == 2
    assert f"{more[0]} and --queues exclude each other" in result.output

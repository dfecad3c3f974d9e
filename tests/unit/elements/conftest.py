"""An app directory to write elements into."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

#: Writes an element's files: `write("SMS.A", e={...}, sms={...}, files={"loader.py": "..."})`.
Write = Callable[..., Path]

ACCOUNT = {"accessKey": "example-key", "accessSecret": "example-secret", "verifySign": "示例签名"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "app"
    path.mkdir()
    return path


@pytest.fixture
def write(root: Path) -> Write:
    def write_element(
        name: str,
        *,
        e: Any = None,
        sms: Any = None,
        files: dict[str, str] | None = None,
        at: Path | None = None,
    ) -> Path:
        directory = (at or root).joinpath(*name.split("."))
        directory.mkdir(parents=True, exist_ok=True)
        if e is not None:
            (directory / "e.json").write_text(e if isinstance(e, str) else json.dumps(e), encoding="utf-8")
        if sms is not None:
            (directory / "sms.json").write_text(
                sms if isinstance(sms, str) else json.dumps(sms), encoding="utf-8"
            )
        for inner, text in (files or {}).items():
            path = directory / inner
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return directory

    return write_element


@pytest.fixture
def account() -> dict[str, Any]:
    return dict(ACCOUNT)

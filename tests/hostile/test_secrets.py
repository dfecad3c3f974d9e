"""Secrets that are weak or in the wrong place, and files of elements that are none."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from smsjobs import InvalidArguments, SmsError
from smsjobs.contract import make_job
from smsjobs.ledger import Ledger
from smsjobs.redis_store import connect_redis
from smsjobs.settings import SettingsError
from smsjobs.verification import Keyring
from smsjobs_worker import App

ACCOUNT = {"accessKey": "key", "accessSecret": "secret", "verifySign": "sign"}
SECRET = "LTAI5tExampleOnly1234567"


@pytest.mark.parametrize("secret", ["x" * 40, " " * 40, "\t \n" * 20, "ab" * 30, "x" + " " * 40])
def test_weak_secret(secret: str) -> None:
    """A key of codes that is blank or repeats a few characters is refused, and the text does not show it."""
    for read in (
        lambda: Keyring.read(secret, environ={}),
        lambda: Keyring.read(environ={"SMS_CODE_SECRET": secret}),
    ):
        with pytest.raises(SettingsError, match="SMS_CODE_SECRET") as refused:
            read()
        assert secret not in str(refused.value)


def element(tmp_path: Path) -> Path:
    """An element's directory, whose sms.json is yet to be written."""
    directory = tmp_path / "SMS" / "Test"
    directory.mkdir(parents=True)
    (directory / "e.json").write_text(
        json.dumps({"title": "x", "type": "SMS.Aliyun", "backendBundleEntry": "."})
    )
    return directory


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _directory(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("make", [_pipe, _device, _directory])
@pytest.mark.parametrize("name", ["sms.json", "e.json"])
def test_file_that_is_none(tmp_path: Path, name: str, make: Callable[[Path], None]) -> None:
    """A pipe, a device or a directory in a file's place is told at once; nothing waits for it."""
    directory = element(tmp_path)
    (directory / name).unlink(missing_ok=True)
    make(directory / name)
    with pytest.raises(SmsError) as refused:
        App(tmp_path).getElement("SMS.Test").sendMessage(["13800138000"], {}, "SMS_1")
    assert refused.value.code == 46001


def test_key_that_stands_there_twice(tmp_path: Path) -> None:
    """A file with a key twice is refused: which of the values is meant, nobody knows."""
    (element(tmp_path) / "sms.json").write_text(json.dumps(ACCOUNT)[:-1] + ', "accessKey": "other"}')
    with pytest.raises(InvalidArguments, match="key accessKey: stands there twice"):
        App(tmp_path).getElement("SMS.Test").sendMessage(["13800138000"], {}, "SMS_1")


@pytest.mark.parametrize(
    "settings", [{SECRET: "x"}, {**ACCOUNT, SECRET: "x"}, {"k" * 30: "x"}, {"13800138000": "x"}]
)
def test_secret_pasted_as_a_name(tmp_path: Path, settings: dict[str, str]) -> None:
    """A secret that stands where a key's name belongs is told of, and not shown."""
    (element(tmp_path) / "sms.json").write_text(json.dumps(settings))
    (problem,) = [each for each in App(tmp_path).check() if each.cause == "unknown key"]
    assert problem.key == "(not shown, it may be a secret)"
    assert not any(name in str(problem) for name in settings if name not in ACCOUNT)


def _follow(ledger: Ledger, tasks: int) -> None:
    for number in range(tasks):
        ledger.follow("first", f"{number:064}")


def test_followers_are_bounded(redis_url: str) -> None:
    """Tasks that wait for the job of one key are kept up to a bound; a further one is refused, and the entry stays small."""
    client = connect_redis(redis_url)
    ledger = Ledger(client)
    good = {"phoneList": ["13800138000"], "params": {}, "verifyTemplateCode": "SMS_1"}
    job = make_job(id="first", element="SMS.Test", idempotency_key="k", **good)
    ledger.record(job)
    with pytest.raises(InvalidArguments, match="64000"):
        _follow(ledger, 2_000)
    assert ledger.follow("first", f"{1:064}") is None
    found = ledger.read("first")
    assert found is not None
    assert sum(map(len, found.followers)) < 65_000
    client.close()

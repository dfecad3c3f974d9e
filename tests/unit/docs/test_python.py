"""Every Python block of the pages runs, on the fakes that users get."""

import ast
import asyncio
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

import smsjobs
from aliyun_sms_simulator import Simulator
from smsjobs import AliyunRejected, testing
from support.code_examples import Browser
from support.pages import ENGLISH, ROOT, Block, blocks, name

NUMBER = "13800138000"

#: Whose blocks another test runs, against what they are about.
ELSEWHERE = {
    "docs/adding-a-type.md": "tests/integration/worker/test_adding_a_type.py",
    "docs/elements.md": "tests/unit/elements/test_docs.py",
    "docs/contract.md": "tests/acceptance/test_shell.py",
}

#: Titles of blocks that are applications, and the test that calls them.
APPLICATIONS = {
    "docs/receipts.md": "tests/integration/receipts/test_examples.py",
    "docs/events.md": "tests/integration/receipts/test_examples.py",
    "docs/howto/web.md": "tests/unit/docs/test_python.py",
    "docs/howto/testing.md": "tests/unit/docs/test_python.py",
}

#: What no test runs, and why.
NOT_RUN = {"docs/inbox.md": "it needs a browser"}

Names = dict[str, Any]


def an_sms() -> Names:
    """What most pages have made before: a producer, an element, a job that was refused, and a campaign's file."""
    sms = smsjobs.connect()
    element = sms.getElement("SMS.YourSmsName")
    assert isinstance(sms, testing.FakeSms)
    sms.end_next_with(AliyunRejected("no balance", aliyun_code="isv.AMOUNT_NOT_ENOUGH", advice="operator"))
    refused = element.sendMessage([NUMBER], {"code": "123456"}, "SMS_123456789")
    Path("people.csv").write_text(f"phone,name\n{NUMBER},张三\n", "utf-8")
    return {"sms": sms, "element": element, "job_id": refused.id, "timedelta": timedelta, "user_id": 42}


def a_login() -> Names:
    """Somebody who types the code that came."""
    names: Names = {}
    names["input"] = lambda _prompt: names["login"].last_code("13800138001")
    return names


#: What is there before a page's first block.
BEFORE: dict[str, Callable[[], Names]] = {"docs/start.md": a_login}


def compiled(block: Block, page: Path) -> CodeType:
    """Code in which `await` may stand at the top, as on the pages."""
    return compile(block.text, name(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def run(block: Block, page: Path, names: Names) -> None:
    """Run it; what is awaited is awaited."""
    result = eval(compiled(block, page), names)
    if result is not None:
        asyncio.run(result)


def to_run() -> list[Path]:
    """The pages with blocks that are run here one after the other."""
    skipped = ELSEWHERE | NOT_RUN | {"docs/simulator.md": ""}
    return [page for page in ENGLISH if name(page) not in skipped and untitled(page)]


def untitled(page: Path) -> list[Block]:
    """The blocks that are no application of their own."""
    return [block for block in blocks(page, "python") if block.title is None]


@pytest.fixture
def sms(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> testing.FakeSms:
    """What `connect` gives, in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    fake = testing.connect()
    monkeypatch.setattr(smsjobs, "connect", lambda **_settings: fake)
    return fake


@pytest.mark.parametrize("page", to_run(), ids=name)
def test_page(page: Path, sms: testing.FakeSms) -> None:
    """The blocks of a page run one after the other, as they stand there."""
    names = BEFORE.get(name(page), an_sms)()
    for block in untitled(page):
        run(block, page, names)
    # A subscriber of facts would print what other tests do.
    names.get("unsubscribe", lambda: None)()


def test_verification_says_what_it_prints(sms: testing.FakeSms, capsys: pytest.CaptureFixture[str]) -> None:
    """The first block about codes prints what its comments say."""
    page = ROOT / "docs/verification.md"
    run(untitled(page)[0], page, {})
    assert capsys.readouterr().out == "wrong 4\n"


def test_login_logs_in(sms: testing.FakeSms, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever follows the first page to its end has logged in."""
    page = ROOT / "docs/start.md"
    names = a_login()
    for block in untitled(page):
        run(block, page, names)
    assert capsys.readouterr().out == "accepted\nlogged in\n"


def test_simulator() -> None:
    """The simulator takes everything that its page tells it."""
    page = ROOT / "docs/simulator.md"
    with Simulator() as simulator:
        names: Names = {"simulator": simulator}
        for block in blocks(page, "python"):
            # A block that begins anew makes what is called so; the others mean the one that runs.
            run(block, page, names)
            names["simulator"] = simulator


def test_testing(tmp_path: Path) -> None:
    """The application and the test on the page about testing pass, as files."""
    for block in blocks(ROOT / "docs/howto/testing.md", "python"):
        if block.title:
            (tmp_path / block.title).write_text(block.text, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def fastapi(names: Names, form: dict[str, str]) -> int:
    from fastapi.testclient import TestClient

    return TestClient(names["app"]).post("/orders/42/shipped", json=form).status_code


def flask(names: Names, form: dict[str, str]) -> int:
    return int(names["app"].test_client().post("/orders/42/shipped", data=form).status_code)


def django(names: Names, form: dict[str, str]) -> int:
    from django.test import RequestFactory

    Browser("django")  # its settings, for a process can have only one set of them
    return int(names["shipped"](RequestFactory().post("/", form), 42).status_code)


@pytest.mark.parametrize(("title", "post"), [("FastAPI", fastapi), ("Django", django), ("Flask", flask)])
def test_web(title: str, post: Callable[[Names, dict[str, str]], int], sms: testing.FakeSms) -> None:
    """Each framework's example sends once for two requests, and answers what is wrong, and what may be tried again."""
    page = ROOT / "docs/howto/web.md"
    (block,) = [each for each in blocks(page, "python") if each.title == title]
    names: Names = {"__name__": "shop"}
    run(block, page, names)
    assert [post(names, {"phone": NUMBER}) for _ in range(2)] == [202, 202]
    assert [each.phones for each in sms.messages] == [(NUMBER,)]
    assert post(names, {"phone": "1"}) == 422
    sms.fail_next_with()
    assert post(names, {"phone": NUMBER}) == 503


@pytest.mark.parametrize("page", [each for each in ENGLISH if blocks(each, "python")], ids=name)
def test_somebody_runs_it(page: Path) -> None:
    """A block that is not run here is run by another test, which names the page; or it says why nobody does."""
    if tester := ELSEWHERE.get(name(page)) or (
        any(block.title for block in blocks(page, "python")) and APPLICATIONS[name(page)]
    ):
        assert page.name in (ROOT / tester).read_text("utf-8")
    for block in blocks(page, "python"):
        compiled(block, page)

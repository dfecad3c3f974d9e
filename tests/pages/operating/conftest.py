"""What tests of the operator's pages share: a stage with a worker and a server, and people who are logged in there."""

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from aliyun_sms_simulator import SimulatorProcess
from support.browser import opened_browser
from support.redis_server import RedisServer
from support.served import SECRET, Served
from support.stage import Stage

VIEW = "nv4Yw-2kTzq8Rb0LmXe6"
OPERATE = "Zr7Qd-9sHvp3Uc1KnWa5"


@dataclass(kw_only=True)
class Desk:
    """The stage, and the address of its pages."""

    stage: Stage
    url: str
    #: The elements: a quick one, and one that makes two requests a second.
    element: str
    slow: str
    #: Where the server keeps what is uploaded.
    temporary: str
    #: What a browser keeps of a login, by its token.
    sessions: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="module")
def desk(redis_server: RedisServer, simulator_process: SimulatorProcess) -> Iterator[Desk]:
    """A worker that sends, and a server with pages that takes its receipts."""
    with Stage(redis_server, simulator_process) as stage, tempfile.TemporaryDirectory() as temporary:
        element, slow = stage.write("Shop"), stage.write("Slow", maxQps=2)
        pages = {"SMS_PAGES_VIEW_TOKEN": VIEW, "SMS_PAGES_OPERATE_TOKEN": OPERATE}
        served = Served(stage.server.url, SECRET, SMS_APP=str(stage.app_dir), TMPDIR=temporary, **pages)
        url = served.told["url"]
        stage.simulator.set(callback_url=f"{url}/receipts/{SECRET}", delivery_delay_s=0.1)
        with stage.worker():
            yield Desk(stage=stage, url=url, element=element, slow=slow, temporary=temporary)
        _, log = served.end()
        # Nothing that a person typed or saw stands there.
        assert "13800" not in log
        assert "Traceback" not in log
        # Not even an empty directory is left of what was uploaded.
        assert list(Path(temporary).iterdir()) == []


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser of this machine."""
    with opened_browser() as browser:
        yield browser


@pytest.fixture
def person(desk: Desk, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Logs somebody in, in a browser of his own. Whatever a page's script or policy complains of fails the test."""
    contexts, complaints = [], []

    def log_in(token: str = OPERATE, *, locale: str = "en-US") -> Page:
        # A login is good for many browsers: nobody may log in too often.
        context = chromium.new_context(
            locale=locale, base_url=desk.url, storage_state=desk.sessions.get(token)
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.on(
            "console", lambda message: complaints.append(message.text) if "Policy" in message.text else None
        )
        page.goto("/")
        if token not in desk.sessions:
            page.fill("#token", token)
            page.keyboard.press("Enter")
            page.wait_for_selector("nav")
            desk.sessions[token] = context.storage_state()
        return page

    yield log_in
    for each in contexts:
        for page in each.pages:
            page.goto("about:blank")  # a browser that is on its way somewhere may never close
        each.close()
    assert complaints == []


def acts(page: Page) -> list[str]:
    """What the audit log says was done, the newest first."""
    page.goto("/audit")
    return [each.strip() for each in page.locator("tbody td:nth-child(3)").all_inner_texts()]


def settled(text: str) -> int:
    """The number before the slash in a campaign's legend."""
    return int(json.loads(text.partition("/")[0].replace(",", "")))

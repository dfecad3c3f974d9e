"""A real browser, without a window: the Chromium of this machine."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from support.polling import until

__all__ = ["opened", "opened_browser", "press"]

#: Milliseconds for something to be seen. A machine that runs other tests beside it is slow.
_PATIENCE_MS = 15_000

expect.set_options(timeout=_PATIENCE_MS)

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def _program() -> str | None:
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def press(page: Page, selector: str) -> None:
    """Click on something that news may replace at any moment: before it is pressed, or before it is released."""
    found = page.locator(selector).first
    expect(found).to_be_visible()
    until(
        lambda: found.evaluate("each => each.isConnected && (each.click(), true)"), "it is there and pressed"
    )


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """A browser, until the block ends; where there is none, the test is skipped.

    Meanwhile this thread has a running event loop: keep it for one module, so that no other test starts one.
    """
    program = _program()
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        # Chromium's sandbox needs what a container does not permit. It meets no pages but ours.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Browser,
    *,
    locale: str = "en-US",
    width: int = 1280,
    height: int = 800,
    dark: bool = False,
    strict: bool = True,
) -> Iterator[Page]:
    """A page of a visitor without cookies. What its console complains of fails the test, unless it is not strict."""
    context = browser.new_context(
        locale=locale,
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(_PATIENCE_MS)
    page, complaints = context.new_page(), []
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield page
        assert not strict or complaints == []
    finally:
        context.close()

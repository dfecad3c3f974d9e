"""Makes the README's picture of the operator's pages anew: ``PYTHONPATH=tests python -m support.pages_picture``.

With a directory as its argument it takes every page there instead, in both languages and at both widths, to be looked at.
"""

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Browser, Page

from smsjobs import Job, SmsError
from support.browser import opened, opened_browser
from support.polling import until
from support.served import SECRET, Served
from support.stage import Stage, new_phone, outcome

FILE = Path(__file__).parents[2] / "docs" / "images" / "pages.png"
TOKEN = "Zr7Qd-9sHvp3Uc1KnWa5"
TEXT = "${name}您好，今晚22点至24点进行系统维护，敬请谅解。"


@contextmanager
def system() -> Iterator[tuple[str, Stage, Job]]:
    """A system that has had a day; the address of its pages, and a job that was refused."""
    with Stage() as stage:
        shop, slow = stage.write("Shop"), stage.write("Campaigns", maxQps=1)
        served = Served(stage.server.url, SECRET, SMS_APP=str(stage.app_dir), SMS_PAGES_OPERATE_TOKEN=TOKEN)
        url = served.told["url"]
        stage.simulator.set(callback_url=f"{url}/receipts/{SECRET}", delivery_delay_s=0)
        with stage.worker():
            for code, times in (("isv.AMOUNT_NOT_ENOUGH", 12), ("isv.MOBILE_NUMBER_ILLEGAL", 4)):
                stage.simulator.fault("code", code=code, message="x", times=times)
                refused = [stage.send(shop) for _ in range(times)]
                for job in refused:
                    outcome(job)
            stage.simulator.fault("receipt", code="UNDELIVERED", seconds=0, times=3)
            jobs = [stage.send(shop, lane="verification") for _ in range(30)]
            jobs += [stage.send(shop) for _ in range(90)]
            for job in jobs:
                with suppress(SmsError):
                    job.get(30)
            stage.send(shop, countdown=1800)
            people = [(new_phone(), {"name": f"n{number}"}) for number in range(4_000)]
            campaign = stage.sms.getElement(slow).campaign(
                "双十一会员日", recipients=people, verifyTemplateCode="SMS_200000001"
            )
            until(lambda: campaign.progress().accepted > 300, "the campaign has begun")
            yield url, stage, refused[0]
            campaign.cancel()
        served.end()


@contextmanager
def visitor(browser: Browser, url: str, **options: object) -> Iterator[Page]:
    """Somebody who has logged in."""
    with opened(browser, **options) as page:  # type: ignore[arg-type]
        page.goto(f"{url}/login")
        page.fill("#token", TOKEN)
        page.keyboard.press("Enter")
        page.wait_for_selector("nav")
        yield page


def take_all(directory: Path, url: str, job: Job, browser: Browser) -> None:
    """Every page, in both languages and at both widths."""
    for locale in ("en-US", "zh-CN"):
        for width in (360, 1280):
            end = f"{locale[:2]}-{width}.png"
            with opened(browser, locale=locale, width=width) as page:
                page.goto(f"{url}/login")
                page.screenshot(path=directory / f"login-{end}", full_page=True)
            with visitor(
                browser, url, locale=locale, width=width, dark=locale == "zh-CN" and width == 360
            ) as page:

                def take(name: str, page: Page = page, end: str = end) -> None:
                    page.wait_for_timeout(400)
                    page.screenshot(path=directory / f"{name}-{end}", full_page=True)
                    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                    assert wide <= 0, (name, end, wide)

                for path in (
                    "/",
                    "/jobs",
                    "/jobs/retry",
                    f"/jobs/{job.id}",
                    "/campaigns",
                    "/suppression",
                    "/audit",
                ):
                    page.goto(f"{url}{path}")
                    name = {"/": "today", f"/jobs/{job.id}": "job"}.get(
                        path, path.strip("/").replace("/", "-")
                    )
                    take(name)
                page.goto(f"{url}/campaigns")
                page.click("tbody a")
                take("campaign")
                _check_a_file(page, url, directory)
                take("campaign-check")
                page.set_default_timeout(60_000)
                page.goto(f"{url}/installation")
                page.click("details.ask summary")
                page.click("details.ask form button")
                page.locator("main .notice").wait_for(timeout=60_000)
                take("installation")


def _check_a_file(page: Page, url: str, directory: Path) -> None:
    people = directory / "people.csv"
    with people.open("w", encoding="utf-8", newline="") as file:
        rows = [[new_phone(), "张三", ""], [new_phone(), "李四", "x"], ["12", "王五", ""]]
        csv.writer(file).writerows([["手机号", "name", "备注"], *rows])
    page.goto(f"{url}/campaigns/new")
    page.set_input_files("#file", people)
    fields = {"template": "SMS_200000001", "element": "SMS.Shop", "template_text": TEXT, "sign": "示例公司"}
    for field, value in {**fields, "price": "0.045", "ignore_columns": "备注"}.items():
        page.fill(f"#{field}", value)
    page.screenshot(path=directory / f"campaign-new-{page.viewport_size['width']}.png", full_page=True)  # type: ignore[index]
    page.click("form[action='/campaigns/check'] button.primary")


def main() -> None:
    """Start everything, and take the pictures."""
    with system() as (url, _, job), opened_browser() as browser:
        if sys.argv[1:]:
            take_all(Path(sys.argv[1]), url, job, browser)
            return
        with visitor(browser, url, width=1040, height=640) as page:
            page.wait_for_timeout(3_000)
            page.screenshot(path=FILE)


if __name__ == "__main__":
    main()

"""The developer's inbox, walked in a real browser beside a real `smsjobs dev`."""

import importlib.util
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from aliyun_sms_simulator import SimulatorControl
from smsjobs import Sms, connect
from support.browser import opened, opened_browser, press
from support.dev import Dev
from support.polling import until

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
PHONE = "13800138000"
ATTACK = "<img src=x onerror=alert(1)>"
CATALOGUE = {
    "templates": [
        {"code": "SMS_123456789", "kind": "verification", "content": "您的验证码是${code}，5分钟内有效。"},
        {"code": "SMS_1", "content": "${name}您好，您的订单已发货。"},
        {"code": "SMS_2", "content": "【会员】" + "长" * 70 + "见 https://shop.example.com/a ${name}"},
    ]
}


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    directory = tmp_path_factory.mktemp("dev")
    (directory / "catalogue.json").write_text(json.dumps(CATALOGUE), "utf-8")
    with Dev(directory, "--catalogue", "catalogue.json") as dev:
        yield dev


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def settings(dev: Dev) -> Iterator[None]:
    """The environment that `dev` tells a web application to have."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in dev.environment.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def sms(settings: None) -> Iterator[Sms]:
    with closing(connect()) as sms:
        yield sms


@pytest.fixture
def simulator(dev: Dev) -> SimulatorControl:
    control = SimulatorControl(dev.control_url)
    control.reset()
    return control


def send(sms: Sms, phone: str, template: str = "SMS_1", *, wait: bool = True, **params: str) -> None:
    element = sms.getElement("SMS.YourSmsName")
    job = element.sendMessage(phoneList=[phone], params=params, verifyTemplateCode=template)
    if wait:
        job.get(timeout=20)


def read(page: Page, dev: Dev, phone: str) -> None:
    """Look at one phone's conversation."""
    page.goto(f"{dev.inbox}?phone={phone}")


@pytest.fixture(scope="module")
def shop(settings: None) -> Iterator[str]:
    """The address of the example application with a login by code."""
    spec = importlib.util.spec_from_file_location(
        "inbox_shop", ROOT / "examples" / "verification_flask" / "app.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    server = make_server("127.0.0.1", 0, module.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


def test_a_code_logs_a_user_in(browser: Browser, dev: Dev, shop: str, simulator: SimulatorControl) -> None:
    """A code that a shop sends appears in the open inbox, is copied with one click, and logs the user in."""
    with opened(browser) as inbox, opened(browser, strict=False) as visitor:
        inbox.goto(dev.inbox)
        visitor.goto(shop)
        visitor.get_by_placeholder("13800138000").fill("13800138010")
        visitor.get_by_role("button", name="Send code").click()
        press(inbox, "a:has-text('13800138010')")
        inbox.locator("[id^=copy]").click()
        expect(inbox.locator("[id^=copy]")).to_have_text("Copied")
        code = inbox.evaluate("navigator.clipboard.readText()")
        assert code == inbox.locator(".code output").text_content()
        visitor.get_by_placeholder("Code").fill(code)
        visitor.get_by_role("button", name="Log in").click()
        expect(visitor.get_by_text("You are logged in.")).to_be_visible()


def test_a_reply_unsubscribes(browser: Browser, dev: Dev, sms: Sms, simulator: SimulatorControl) -> None:
    """Whoever answers R is on the suppression list, and the inbox says so while it is open; in Chinese to a Chinese browser."""
    send(sms, "13800138011", name="张三")
    with opened(browser, locale="zh-CN", width=360) as page:
        read(page, dev, "13800138011")
        page.get_by_placeholder("以此手机回复").fill("R")
        page.keyboard.press("Enter")
        expect(page.locator("#suppressed")).to_contain_text("已退订")
        expect(page.locator(".message.out .text")).to_have_text("R")
        # What came is shown beside the answer to the form, before or after it.
        expect(page.locator("#reply")).to_have_value("")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert sms.suppression.has("13800138011", scope="promotional")


def test_an_attackers_text_stays_text(
    browser: Browser, dev: Dev, sms: Sms, simulator: SimulatorControl
) -> None:
    """HTML in a parameter, in a reply and in an address is shown as it was written, and runs nothing."""
    send(sms, "13800138012", name=ATTACK)
    simulator.reply("13800138012", ATTACK)
    simulator.reply(ATTACK, "x")
    with opened(browser) as page:
        page.on("dialog", lambda dialog: pytest.fail("a script ran"))
        read(page, dev, "13800138012")
        expect(page.locator(".message.in .text")).to_contain_text(ATTACK)
        expect(page.locator(".message.out .text")).to_have_text(ATTACK)
        expect(page.locator("main img[src=x]")).to_have_count(0)
        read(page, dev, "%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
        expect(page.locator("h1")).to_have_text('"><script>alert(1)</script>')


def test_a_refusal_has_its_code_and_a_hint(
    browser: Browser, dev: Dev, sms: Sms, simulator: SimulatorControl
) -> None:
    """What the inbox was told to break fails once, in red, with Aliyun's code and what fixes it, and then all is well."""
    with opened(browser) as page:
        read(page, dev, "13800138013")
        page.get_by_text("Break the next request").click()
        page.get_by_label("Refused: the balance is used up").check()
        page.get_by_role("button", name="Break it").click()
        expect(page.get_by_text("Will go wrong:")).to_be_visible()
        send(sms, "13800138013", wait=False, name="张三")
        refused = page.locator(".message.refused")
        expect(refused).to_contain_text("isv.AMOUNT_NOT_ENOUGH")
        expect(refused.locator(".hint")).to_contain_text("top it up")
        expect(page.get_by_text("Will go wrong:")).to_be_hidden()
        send(sms, "13800138013", name="张三")
        expect(page.locator(".message.in:not(.refused)")).to_have_count(1)


def test_receipts_by_hand(browser: Browser, dev: Dev, sms: Sms, simulator: SimulatorControl) -> None:
    """A carrier reports what its button says, once, and the ledger hears of it; the parts, the price and the warnings are shown."""
    with opened(browser, dark=True) as page:
        read(page, dev, "13800138014")
        page.get_by_role("button", name="Report by hand").click()
        expect(page.get_by_text("Receipts: by hand")).to_be_visible()
        job = sms.getElement("SMS.YourSmsName").sendMessage(
            phoneList=["13800138014"], params={"name": "张三"}, verifyTemplateCode="SMS_2"
        )
        message = page.locator(".message.in")
        expect(message.locator(".warned")).to_have_count(3)
        expect(message.locator("footer")).to_contain_text("2 parts ¥0.09")
        message.locator("select").select_option("MOBILE_IN_BLACK")
        page.get_by_role("button", name="Fail").click()
        expect(message.locator(".badge.bad")).to_have_text("failed")
        expect(message.locator(".report")).to_have_count(0)
        until(lambda: job.delivery().err_code == "MOBILE_IN_BLACK", "the ledger hears of it")


def ask(dev: Dev, path: str, **headers: str) -> tuple[int, dict]:
    request = urllib.request.Request(f"{dev.url}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            text = error.read()
            return error.code, json.loads(text) if text.startswith(b"{") else {}


def test_a_test_reads_the_latest_message(dev: Dev, sms: Sms, simulator: SimulatorControl) -> None:
    """A test of an application gets the code that was sent, waits for it, and is not given an older one."""
    assert ask(dev, "/api/latest?phone=13800138015") == (404, {"error": "no message"})
    later = threading.Timer(0.5, send, (sms, "13800138015", "SMS_123456789"), {"code": "246810"})
    later.start()
    status, latest = ask(dev, "/api/latest?phone=%2B8613800138015&wait=15")
    later.join()
    assert (status, latest["code"], latest["text"]) == (200, "246810", "您的验证码是246810，5分钟内有效。")
    assert ask(dev, f"/api/latest?phone=13800138015&after={latest['id']}")[0] == 404
    simulator.reply("13800138015", "好")
    kinds = [each["kind"] for each in ask(dev, "/api/messages?phone=13800138015")[1]["messages"]]
    assert kinds == ["message", "reply"]
    assert ask(dev, "/api/messages")[0] == ask(dev, "/api/messages?phone=1&wait=nan")[0] == 400


def test_pages_from_elsewhere_get_nothing(dev: Dev, simulator: SimulatorControl) -> None:
    """A page from elsewhere reads no code, by its own name or by one that leads here, and its form does nothing."""
    simulator.reply(PHONE, "secret")
    assert ask(dev, f"/api/messages?phone={PHONE}", Host="evil.example")[0] == 403
    assert ask(dev, f"/api/messages?phone={PHONE}", Origin="http://evil.example")[0] == 403
    request = urllib.request.Request(f"{dev.url}/inbox/clear", data=b"csrf=x", method="POST")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=20)
    assert len(ask(dev, f"/api/messages?phone={PHONE}")[1]["messages"]) == 1


def test_a_hidden_tab_gives_its_connection_back(
    browser: Browser, dev: Dev, simulator: SimulatorControl
) -> None:
    """A tab that nobody sees holds no connection, of which a browser permits six; seen again, it shows what came meanwhile."""
    with opened(browser, strict=False) as page:
        read(page, dev, "13800138016")
        simulator.reply("13800138016", "one")
        expect(page.get_by_text("one", exact=True).first).to_be_visible()
        hide = "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true}); document.dispatchEvent(new Event('visibilitychange')); }"
        states = "[...sources].map(each => each.readyState).join()"
        page.wait_for_function(f"{states} === '1'")
        page.evaluate(hide, arg=True)
        assert page.evaluate(states) == "2"
        simulator.reply("13800138016", "two")
        page.evaluate(hide, arg=False)
        expect(page.locator(".message.out .text").last).to_have_text("two")
        page.wait_for_function(f"{states} === '1'")

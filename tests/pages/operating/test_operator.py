"""The operator's pages, walked in a real browser on a real system."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from pages.operating.conftest import VIEW, Desk, acts, settled
from smsjobs import SmsError
from support.browser import press
from support.keys import job_key
from support.polling import until
from support.stage import new_phone, outcome

pytestmark = pytest.mark.browser

Person = Callable[..., Page]

CASES = Path(__file__).parents[2] / "cases"

#: What somebody may write into a file, hoping that an operator's browser or terminal runs it.
ATTACKS = (
    "<script>document.title='hacked'</script>",
    '"><img src=x onerror="document.title=\'hacked\'">',
    "{{ 7 * 7 }}${7*7}",
    "a\x1b[31m\x07\u202e\u2066b",
    '=HYPERLINK("https://example.com")',
    "%(count)s %s %n",
)


def upload(page: Page, file: Path, element: str, *, name: str, **fields: str) -> None:
    """Fill the form of a new campaign in, and have it checked."""
    page.goto("/campaigns/new")
    page.set_input_files("#file", file)
    page.fill("#element", element)
    page.fill("#name", name)
    for field, value in {"template": "SMS_200000001", **fields}.items():
        page.fill(f"#{field}", value)
    with page.expect_navigation():  # a test may ask at once what is shown
        page.click("form[action='/campaigns/check'] button.primary")


def uploads(desk: Desk) -> set[Path]:
    """The files that the server keeps."""
    return set(Path(desk.temporary).glob("*/*"))


def confirm(page: Page, label: str) -> None:
    """Press a button that asks, and then the one that answers."""
    press(page, f"details.ask summary:has-text('{label}')")
    page.click("details.ask[open] form button")


def a_file(path: Path, rows: int, column: str = "name") -> Path:
    """Recipients, each with a parameter of his own."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["phone", column], *([new_phone(), f"n{row}"] for row in range(rows))])
    return path


def test_campaign(desk: Desk, person: Person, tmp_path: Path) -> None:
    """A campaign is begun from a file after a look at it, watched while it is sent, paused, resumed and cancelled."""
    page = person()
    file = a_file(tmp_path / "people.csv", 3_000)
    upload(page, file, desk.slow, name="walk", template_text="${name}, hello")
    expect(page.locator("main")).to_contain_text("nothing is sent yet")
    expect(page.locator(".bubble").first).to_have_text("n0, hello")
    assert desk.stage.sms.campaigns() == []
    page.click("button:has-text('Send to 3,000 recipients')")
    legend = page.locator(".legend li").first
    expect(page.locator("main .badge").first).to_have_text("running")
    until(lambda: settled(legend.inner_text()) > 0, "the page shows more without being loaded again")
    press(page, "button:has-text('Pause')")
    expect(page.locator("main .badge").first).to_have_text("paused")
    campaign = desk.stage.sms.campaigns()[0]
    assert campaign.progress().state == "paused"
    confirm(page, "Resume")
    expect(page.locator("main .badge").first).to_have_text("running")
    before = campaign.progress().accepted
    press(page, "details.ask summary:has-text('Cancel')")
    until(lambda: campaign.progress().accepted >= before + 200, "it goes on while the question is open")
    page.click("details.ask[open] summary")
    until(lambda: settled(legend.inner_text()) > before, "what came meanwhile is shown")
    confirm(page, "Cancel")
    expect(page.locator("main .badge").first).to_have_text("cancelled")
    ended = campaign.wait(20)
    assert 0 < ended.accepted < 3_000
    with page.expect_download() as told:
        confirm(page, "Report")
    with Path(told.value.path()).open(encoding="utf-8-sig", newline="") as report:
        outcomes = [row["outcome"] for row in csv.DictReader(report)]
    assert (outcomes.count("accepted"), len(outcomes)) == (ended.accepted, 3_000)
    page.goto("/campaigns")
    expect(page.locator("tbody")).to_contain_text("walk")
    done = ["campaign.report", "campaign.cancel", "campaign.resume", "campaign.pause", "campaign.start"]
    assert acts(page)[:5] == done


def test_refusal_is_sent_again(desk: Desk, person: Person) -> None:
    """A refusal for the balance is seen on the first page, found, sent again when it is topped up, and arrives."""
    page, phone = person(), new_phone()
    desk.stage.simulator.fault("code", code="isv.AMOUNT_NOT_ENOUGH", message="x", phone=phone, times=1)
    with pytest.raises(SmsError):
        desk.stage.send(desk.element, phone).get(timeout=20)
    page.goto("/")
    press(page, "a:has-text('isv.AMOUNT_NOT_ENOUGH')")
    row = page.locator("tbody tr", has_text=f"{phone[:3]}****{phone[-4:]}")
    row.locator("a").click()
    expect(page.locator("dl.facts")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text(phone)
    confirm(page, "Send again")
    expect(page.locator("main .notice").first).to_contain_text("Sent again")
    for words, shown in (("accepted", "h1 .badge"), ("delivered", ".timeline")):
        until(
            lambda words=words, shown=shown: page.reload() and words in page.locator(shown).inner_text(),
            f"it is {words}",
            every=0.5,
        )
    assert len(desk.stage.simulator.accepted(phone=phone)) == 1
    assert acts(page)[0] == "job.retry"


def test_all_are_sent_again(desk: Desk, person: Person) -> None:
    """All that a filter finds are shown, sent again on a word, each once; what was cancelled stays so."""
    page = person()
    desk.stage.simulator.fault("code", code="isv.OUT_OF_SERVICE", message="x", times=3)
    jobs = [desk.stage.send(desk.element) for _ in range(3)]
    assert {outcome(each).outcome for each in jobs} == {"rejected"}
    cancelled = desk.stage.send(desk.element, countdown=600)
    cancelled.cancel()
    page.goto("/jobs?code=isv.OUT_OF_SERVICE")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.click("a:has-text('Send them again')")
    page.click("button:has-text('Send again: 3')")
    expect(page.locator("main .notice")).to_have_text("Sent again: 3.")
    new = [each.info().retried_as for each in jobs]
    assert {outcome(desk.stage.sms.job(str(each))).outcome for each in new} == {"accepted"}
    assert cancelled.info().retried_as is None
    page.goto("/jobs/retry?status=not_sent")
    expect(page.locator("main")).to_contain_text("There is no job to send again")


def test_each_try(desk: Desk, person: Person) -> None:
    """A job whose answer was lost shows its requests and look-ups in their order, each with its time, in both languages."""
    phone = new_phone()
    desk.stage.simulator.fault("code", code="isp.GATEWAY_ERROR", message="x", phone=phone, times=1)
    job = desk.stage.send(desk.element, phone, on_unknown="resend")
    assert outcome(job).attempts == 2
    for locale, lost, absent, accepted in (
        (
            "en-US",
            "request: its answer was lost",
            "look-up: not in Aliyun's record",
            "request: accepted by Aliyun",
        ),
        ("zh-CN", "请求：响应丢失", "反查：阿里云记录中没有", "请求：阿里云已受理"),
    ):
        page = person(locale=locale)
        page.goto(f"/jobs/{job.id}")
        shown = page.locator(".timeline li").all_inner_texts()
        tries = [each for each in shown if any(word in each for word in (lost, absent, accepted))]
        assert lost in tries[0]
        assert "no_answer isp.GATEWAY_ERROR" in tries[0]
        assert accepted in tries[-1]
        assert len(tries) >= 4
        assert all(absent in each for each in tries[1:-1])
        assert all(re.search(r"\d\d:\d\d:\d\d", each) for each in tries)
    desk.stage.client().hset(job_key(job.id), "tries", b"\xff\n1 lost\xff")
    page.reload()
    expect(page.locator("h1 .badge")).to_have_text("已受理")
    expect(page.locator(".timeline")).not_to_contain_text("请求：")


def test_cancel(desk: Desk, person: Person) -> None:
    """A job that waits is found by its key, and cancelled."""
    page = person()
    job = desk.stage.send(desk.element, countdown=600, idempotency_key="order:17")
    page.fill("input[name=q]", "order:17")
    page.keyboard.press("Enter")
    expect(page.locator("dl.facts")).to_contain_text(job.id)
    expect(page.locator(".timeline")).to_contain_text("is tried next")
    confirm(page, "Cancel")
    expect(page.locator("h1 .badge")).to_have_text("not sent")
    assert outcome(job).reason == "cancelled"  # type: ignore[union-attr]


def test_numbers(desk: Desk, person: Person) -> None:
    """A number is masked until somebody who may asks for it, which is written down without the number."""
    page, phone = person(), new_phone()
    desk.stage.simulator.fault("code", code="isv.AMOUNT_NOT_ENOUGH", message="x", phone=phone, times=1)
    job = desk.stage.send(desk.element, phone)
    outcome(job)
    page.fill("input[name=q]", phone)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("****")
    assert phone not in page.content()
    page.goto(f"/jobs/{job.id}")
    assert phone not in page.content()
    confirm(page, "Show the numbers")
    expect(page.locator("main")).to_contain_text(phone)
    assert acts(page)[:2] == ["job.show_numbers", "search.number"]
    assert phone not in page.content()


def test_suppression(desk: Desk, person: Person) -> None:
    """A number is put on the list, found there, and taken off, after the box that asks is ticked."""
    page, phone = person(), new_phone()

    def change(kind: str) -> None:
        page.goto("/suppression")
        page.fill(f"#{kind}-phone", phone)
        page.check(f"form[action='/suppression/{kind}'] [name=sure]")
        with page.expect_navigation():
            page.click(f"form[action='/suppression/{kind}'] button")

    change("add")
    expect(page.locator("main .notice")).to_have_text("The number is on the list now.")
    assert desk.stage.sms.suppression.has(phone)
    page.fill("#look", phone)
    page.keyboard.press("Enter")
    expect(page.locator("main .notice")).to_contain_text("suppressed for promotional messages")
    assert phone not in page.content()
    change("remove")
    assert not desk.stage.sms.suppression.has(phone)
    assert acts(page)[:3] == ["suppression.remove", "search.number", "suppression.add"]


def test_viewer(desk: Desk, person: Person, tmp_path: Path) -> None:
    """A viewer sees all pages and no button that acts, and is refused where he sends such a form by himself."""
    page = person(VIEW)
    desk.stage.simulator.fault("code", code="isv.AMOUNT_NOT_ENOUGH", message="x", times=1)
    job = desk.stage.send(desk.element)
    outcome(job)
    for path in ("/", "/jobs", f"/jobs/{job.id}", "/campaigns", "/suppression", "/installation", "/audit"):
        page.goto(path)
        acting = page.locator(
            "form[method=post]:not([action='/search'], [action='/logout'], [action='/suppression/look'])"
        )
        assert acting.count() == 0, path
    csrf = page.locator("input[name=csrf]").first.input_value()
    paths = [f"/jobs/{job.id}/{word}" for word in ("retry", "cancel", "numbers")]
    paths += [
        "/jobs/retry",
        "/campaigns/start",
        "/suppression/add",
        "/suppression/remove",
        "/installation/check",
    ]
    paths += [f"/campaigns/x/{word}" for word in ("pause", "resume", "cancel", "report")]
    for path in paths:
        assert page.request.post(path, form={"csrf": csrf, "sure": "yes"}).status == 403, path
    file = {"name": "a.csv", "mimeType": "text/csv", "buffer": b"phone\n13800138000\n"}
    assert page.request.post("/campaigns/check", multipart={"csrf": csrf, "file": file}).status == 403
    assert page.request.get("/campaigns/new").status == 403
    assert job.info().retried_as is None


def test_attack(desk: Desk, person: Person, tmp_path: Path) -> None:
    """What somebody wrote into a file, a name or a parameter is shown as text, and nothing of it runs."""
    page = person()
    for number, attack in enumerate(ATTACKS):
        file = tmp_path / f"f{number}.csv"
        with file.open("w", encoding="utf-8", newline="") as opened:
            csv.writer(opened).writerows([["phone", attack], [new_phone(), attack], [attack, "x"]])
        shared = {"params": f"p=x{attack}"} if "\x1b" not in attack else {}
        upload(
            page, file, desk.element, name=f"{number}{attack}", sign=attack, template_text="t${p}", **shared
        )
        assert page.locator("main").inner_text()
        assert "hacked" not in page.title()
        assert "49" not in page.locator("main").inner_text()
        if page.locator("input[name=accept]").count():
            page.check("input[name=accept]")
        if page.locator("button:has-text('Send to')").count():
            with page.expect_navigation():
                page.click("button:has-text('Send to')")
        assert "hacked" not in page.title()
    page.goto("/campaigns")
    page.wait_for_timeout(1_500)  # an event has replaced the list
    assert "hacked" not in page.title()
    assert not re.search("[\x00-\x08\x0e-\x1f\u202a-\u202e\u2066-\u2069]", page.content())
    for path in (
        f"/jobs?code={ATTACKS[0]}",
        f"/jobs/{ATTACKS[1]}",
        f"/campaigns/{ATTACKS[0]}",
        "/jobs?page=-1&status=<b>",
    ):
        page.goto(path)
        assert "hacked" not in page.title()
    for attack in ATTACKS[:2]:
        page.fill("input[name=q]", attack)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert "hacked" not in page.title()


def test_strange_files(desk: Desk, person: Person) -> None:
    """Every strange file gets a preview or a reason, nothing is sent, and its copy is gone when it is given up."""
    page = person()
    before, kept = len(desk.stage.sms.campaigns()), uploads(desk)
    for file in sorted(each for each in CASES.iterdir() if each.suffix in (".csv", ".xlsx", ".jsonl")):
        upload(page, file, desk.element, name=file.name)
        if page.locator("button:has-text('Give it up')").count():
            page.click("button:has-text('Give it up')")
            expect(page.locator("main .notice")).to_have_text("Given up. Nothing was sent.")
        else:
            expect(page.locator("main .notice.bad")).not_to_be_empty()
    assert len(desk.stage.sms.campaigns()) == before
    assert uploads(desk) <= kept


def test_chinese(desk: Desk, person: Person) -> None:
    """Somebody whose browser wants Chinese reads Chinese, also in what changes while the page is open."""
    page = person(locale="zh-CN")
    for path, words in [
        ("/", "今日"),
        ("/jobs", "未成功的任务"),
        ("/campaigns", "群发"),
        ("/installation", "安装"),
    ]:
        page.goto(path)
        expect(page.locator("h1").first).to_contain_text(words)
    page.goto("/installation")
    page.set_default_timeout(60_000)  # it starts two processes, and tries what it claims
    confirm(page, "立即检查")
    page.wait_for_selector("main .notice")
    findings = page.locator("section", has_text="doctor 的结果").locator("tbody tr")
    expect(findings.filter(has_text="它自己的任务已记录").locator("td").nth(1)).to_have_text("账本")
    shown = findings.locator("td:nth-child(3)").all_inner_texts()
    assert len(shown) > 10
    assert [each for each in shown if not re.search("[\u4e00-\u9fff]", each)] == []
    page.goto("/")
    page.wait_for_timeout(500)
    expect(page.locator(".tiles")).to_contain_text("已受理")

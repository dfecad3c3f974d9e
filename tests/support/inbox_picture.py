"""Makes the README's picture of the inbox anew: ``PYTHONPATH=tests python -m support.inbox_picture``."""

import json
import os
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from aliyun_sms_simulator import SimulatorControl
from smsjobs import SmsError, connect
from support.browser import opened, opened_browser
from support.dev import Dev

FILE = Path(__file__).parents[2] / "docs" / "images" / "inbox.png"
PHONE = "13800138000"
CATALOGUE = {
    "templates": [
        {
            "code": "SMS_100000001",
            "kind": "verification",
            "content": "您的验证码是${code}，5分钟内有效，请勿泄露。",
        },
        {"code": "SMS_100000002", "content": "${name}您好，今晚22点至24点进行${event}，敬请谅解。"},
        {"code": "SMS_100000003", "kind": "promotional", "content": "会员日全场五折，拒收请回复R"},
    ]
}
MESSAGES = [
    ("13800138002", "SMS_100000002", {"name": "李四", "event": "系统维护"}),
    ("13800138001", "SMS_100000003", {}),
    (PHONE, "SMS_100000002", {"name": "张三", "event": "系统维护"}),
    (PHONE, "SMS_100000009", {"name": "张三"}),
    (PHONE, "SMS_100000001", {"code": "246810"}),
]


def main() -> None:
    """Start everything, send some messages, and take the picture."""
    with tempfile.TemporaryDirectory() as directory:
        catalogue = Path(directory) / "catalogue.json"
        catalogue.write_text(json.dumps(CATALOGUE), "utf-8")
        with Dev(Path(directory), "--catalogue", str(catalogue)) as dev:
            os.environ.update(dev.environment)
            simulator = SimulatorControl(dev.control_url)
            simulator.set(delivery_delay_s=0)
            with closing(connect()) as sms:
                for phone, template, params in MESSAGES:
                    element = sms.getElement("SMS.YourSmsName")
                    with suppress(SmsError):
                        element.sendMessage(
                            phoneList=[phone], params=params, verifyTemplateCode=template
                        ).get(20)
                    if template == "SMS_100000003":
                        simulator.reply(phone, "R")
                with opened_browser() as browser, opened(browser, width=1040, height=640) as page:
                    page.goto(f"{dev.inbox}?phone={PHONE}")
                    page.locator(".code output").wait_for()
                    page.wait_for_timeout(1_000)
                    page.screenshot(path=FILE)


if __name__ == "__main__":
    main()

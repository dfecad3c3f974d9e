"""Every argument that an application may pass wrongly is named by the error, in its field and first in its message."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from smsjobs import Element, InvalidArguments, Sms, connect
from smsjobs.verification import Limit

PHONE = "13800138000"


def nested() -> Any:
    endless: list[Any] = []
    endless.append(endless)
    return endless


@pytest.fixture(scope="module")
def sms() -> Sms:
    """Nothing here reaches a Redis: the port is nobody's."""
    return connect(broker_url="redis://127.0.0.1:1/0", timeout=0.1)


def send(element: Element, **arguments: Any) -> Any:
    good = {"phoneList": [PHONE], "params": {"code": "123456"}, "verifyTemplateCode": "SMS_1"}
    return element.sendMessage(**good | arguments)


def campaign(element: Element, **arguments: Any) -> Any:
    good: dict[str, Any] = {"name": "n", "recipients": [PHONE], "verifyTemplateCode": "SMS_1", "params": {}}
    return element.campaign(**good | arguments)


def login(element: Element, **arguments: Any) -> Any:
    good: dict[str, Any] = {"purpose": "login", "verifyTemplateCode": "SMS_1", "secret": "s123" * 8}
    return element.verification(**good | arguments)


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("job_id", lambda sms, _: sms.job("")),
        ("campaign_id", lambda sms, _: sms.campaign("")),
        ("element", lambda sms, _: sms.getElement("../x")),
        ("element", lambda sms, _: sms.getElement(nested())),
        ("phoneList", lambda _, element: send(element, phoneList=PHONE)),
        ("phoneList", lambda _, element: send(element, phoneList=nested())),
        ("params", lambda _, element: send(element, params={"code": 123456})),
        ("params", lambda _, element: send(element, params=None)),
        ("verifyTemplateCode", lambda _, element: send(element, verifyTemplateCode="")),
        ("extend", lambda _, element: send(element, extend="SMS_1")),
        ("lane", lambda _, element: send(element, lane="express")),
        ("expires", lambda _, element: send(element, expires=0)),
        ("expires", lambda _, element: send(element, expires=30, countdown=60)),
        ("expires", lambda _, element: send(element, expires="soon")),
        ("countdown", lambda _, element: send(element, countdown=-1)),
        ("eta", lambda _, element: send(element, eta=datetime.now(UTC).replace(tzinfo=None))),
        ("eta", lambda _, element: send(element, eta=datetime.now(UTC), countdown=1)),
        ("on_unknown", lambda _, element: send(element, on_unknown="drop")),
        ("idempotency_key", lambda _, element: send(element, idempotency_key="")),
        ("name", lambda _, element: campaign(element, name="")),
        ("at", lambda _, element: campaign(element, at=datetime.now(UTC).replace(tzinfo=None))),
        ("template_text", lambda _, element: campaign(element, template_text=5)),
        ("recipients", lambda _, element: campaign(element, recipients=5)),
        ("recipients", lambda _, element: campaign(element, recipients="absent.csv")),
        ("recipients", lambda _, element: campaign(element, recipients=[{"name": "张三"}])),
        ("recipients", lambda _, element: campaign(element, recipients=[nested()])),
        ("params", lambda _, element: campaign(element, params="x")),
        ("promotional", lambda _, element: campaign(element, promotional="no")),
        ("phone", lambda sms, _: sms.suppression.add(nested())),
        ("phone", lambda sms, _: sms.suppression.has("12")),
        ("phone", lambda sms, _: sms.suppression.remove(None)),
        ("scope", lambda sms, _: sms.suppression.add(PHONE, scope=nested())),
        ("scope", lambda sms, _: sms.suppression.has(PHONE, scope="bulk")),
        ("scope", lambda sms, _: sms.suppression.remove(PHONE, scope="")),
        ("source", lambda sms, _: sms.suppression.add(PHONE, source=nested())),
        ("note", lambda sms, _: sms.suppression.add(PHONE, note=5)),
        ("verifyTemplateCode", lambda _, element: campaign(element, verifyTemplateCode=None)),
        ("purpose", lambda _, element: login(element, purpose="log in")),
        ("ttl", lambda _, element: login(element, ttl=0)),
        ("digits", lambda _, element: login(element, digits=3)),
        ("param", lambda _, element: login(element, param="")),
        ("max_checks", lambda _, element: login(element, max_checks=0)),
        ("per_number", lambda _, element: login(element, per_number=5)),
        ("per_client", lambda _, element: login(element, per_client=5)),
        ("ceiling", lambda _, element: login(element, ceiling=5)),
        ("countries", lambda _, element: login(element, countries=["+86"])),
        ("guard", lambda _, element: login(element, guard="no")),
        ("minute", lambda _, __: Limit(minute=0)),
        ("verifyTemplateCode", lambda _, element: login(element, verifyTemplateCode="")),
        ("phone", lambda _, element: login(element).send("12")),
        ("client_ip", lambda _, element: login(element).send(PHONE, client_ip="here")),
        ("code", lambda _, element: login(element).check(PHONE, 123456)),
        ("guard", lambda _, element: login(element, guard=lambda _: True).send(PHONE)),
    ],
)
def test_the_wrong_argument_is_named(sms: Sms, argument: str, call: Callable[[Sms, Element], Any]) -> None:
    """The error's field has the name of the argument that was wrong, and its message begins with it."""
    with pytest.raises(InvalidArguments) as refused:
        call(sms, sms.getElement("SMS.YourSmsName"))
    assert refused.value.argument == argument
    assert refused.value.message.startswith(argument)

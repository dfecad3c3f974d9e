"""The built-in Types and their sms.json."""

import subprocess
import sys

import pytest

from smsjobs.contract import InvalidArguments
from smsjobs_worker.aliyun import AliyunSms
from smsjobs_worker.elements import App, loaded
from smsjobs_worker.provider import Provider

INSTANCE = {"title": "Mine", "type": "SMS.Aliyun", "backendBundleEntry": "."}


def test_example_files(root, write):
    """The two example files of the documentation work unchanged."""
    write(
        "SMS.YourSmsName",
        e='{"title": "My Alibaba Cloud SMS", "type": "SMS.Aliyun", "backendBundleEntry": "."}',
        sms='{"accessKey": "your_access_key", "accessSecret": "your_access_secret", "verifySign": "your_signature"}',
    )
    app = App(root)
    element = app.getElement("SMS.YourSmsName")
    sender = loaded(element)
    assert app.check() == []
    assert isinstance(sender, AliyunSms)
    assert isinstance(sender, Provider)
    assert (sender.looks_up, sender.sends_batches) == (True, True)
    assert sender.account.endpoint.url == "https://dysmsapi.aliyuncs.com"
    assert (sender.account.connect_timeout_ms, sender.account.read_timeout_ms) == (5000, 10_000)
    assert element.max_qps is None
    assert element.define["title"] == "My Alibaba Cloud SMS"
    assert (element.fullName, element.name, element.app) == ("SMS.YourSmsName", "YourSmsName", app)


def test_environment(root, write, account, monkeypatch):
    """A value that is wholly ${NAME} is the variable's, without blanks around it, and a part of a value is not."""
    monkeypatch.setenv("EXAMPLE_SECRET", " from-the-environment\r\n")
    monkeypatch.setenv("EXAMPLE_QPS", "12.5")
    account |= {
        "accessSecret": "${EXAMPLE_SECRET}",
        "accessKey": "x${EXAMPLE_SECRET}",
        "maxQps": "${EXAMPLE_QPS}",
    }
    write("SMS.A", e=INSTANCE, sms=account)
    sender = loaded(App(root).getElement("SMS.A"))
    assert sender.account.access_secret == "from-the-environment"
    assert sender.account.access_key == "x${EXAMPLE_SECRET}"
    assert sender.max_qps == 12.5


def test_variable_not_set(root, write, account, monkeypatch):
    """An unset variable is named together with its key, where an empty one would have been a wrong secret."""
    monkeypatch.delenv("EXAMPLE_UNSET", raising=False)
    write("SMS.A", e=INSTANCE, sms=account | {"accessSecret": "${EXAMPLE_UNSET}"})
    with pytest.raises(InvalidArguments, match=r"sms.json, key accessSecret: .*EXAMPLE_UNSET") as caught:
        App(root).getElement("SMS.A").sendMessage()
    assert caught.value.reason == "element_invalid"


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"accessKey": None}, "accessKey"),
        ({"accessKey": " "}, "accessKey"),
        ({"accessKey": "with blank"}, "accessKey"),
        ({"accessSecret": 42}, "accessSecret"),
        ({"accessSecret": "中文"}, "accessSecret"),
        ({"verifySign": ""}, "verifySign"),
        ({"verifySign": "【示例签名】"}, "verifySign"),
        ({"verifySign": "[example]"}, "verifySign"),
        ({"endpoint": "ftp://example.com"}, "endpoint"),
        ({"endpoint": "https://user:word@example.com"}, "endpoint"),
        ({"endpoint": "https://example.com/path"}, "endpoint"),
        ({"endpoint": "example.com:99999"}, "endpoint"),
        ({"readTimeoutMs": 0}, "readTimeoutMs"),
        ({"readTimeoutMs": 1500.5}, "readTimeoutMs"),
        ({"connectTimeoutMs": 0}, "connectTimeoutMs"),
        ({"connectTimeoutMs": True}, "connectTimeoutMs"),
        ({"maxQps": 0}, "maxQps"),
        ({"maxQps": "fast"}, "maxQps"),
        ({"maxQps": "nan"}, "maxQps"),
        ({"securityToken": ""}, "securityToken"),
        ({"receipts": "mns"}, "receipts"),
        ({"receipts": "queue"}, "accountId"),
        ({"receipts": "queue", "accountId": "Alicom-Queue-1"}, "accountId"),
        ({"receipts": "queue", "accountId": "1000000000000001", "queueEndpoint": "/queues"}, "queueEndpoint"),
    ],
)
def test_wrong_value(root, write, account, change, key):
    """A wrong value of sms.json names file and key, in the error and in the check alike, and shows no value."""
    write("SMS.A", e=INSTANCE, sms=account | change)
    app = App(root)
    with pytest.raises(InvalidArguments) as caught:
        app.getElement("SMS.A").sendMessage()
    assert caught.value.reason == "element_invalid"
    assert f"SMS.A: SMS/A/sms.json, key {key}: " in caught.value.message
    [problem] = app.check()
    assert (problem.element, problem.file, problem.key) == ("SMS.A", "SMS/A/sms.json", key)
    for text in ("example-secret", "user:word", "with blank", "中文"):
        assert text not in f"{caught.value} {problem}"


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("dysmsapi.aliyuncs.com", "https://dysmsapi.aliyuncs.com"),
        ("https://dysmsapi.aliyuncs.com/", "https://dysmsapi.aliyuncs.com"),
        ("http://127.0.0.1:9400", "http://127.0.0.1:9400"),
        ("HTTP://[::1]:9400", "http://[::1]:9400"),
        ("http://simulator:9400", "http://simulator:9400"),
    ],
)
def test_endpoint(root, write, account, endpoint, url):
    """An endpoint is a host or a URL."""
    write("SMS.A", e=INSTANCE, sms=account | {"endpoint": endpoint})
    assert loaded(App(root).getElement("SMS.A")).account.endpoint.url == url


def test_queues(root, write, account):
    """Where receipts come by queue, a provider has Aliyun's queues of the account, at Aliyun's own addresses unless told otherwise."""
    write("SMS.A", e=INSTANCE, sms=account | {"receipts": "queue", "accountId": "1000000000000001"})
    sender = loaded(App(root).getElement("SMS.A"))
    assert [each.name for each in sender.receipt_queues()] == [
        "Alicom-Queue-1000000000000001-SmsReport",
        "Alicom-Queue-1000000000000001-SmsUp",
        "Alicom-Queue-1000000000000001-SignSmsReport",
        "Alicom-Queue-1000000000000001-TemplateSmsReport",
    ]
    queues = sender.account.queues
    assert queues.token_endpoint.url == "https://dybaseapi.aliyuncs.com"
    assert queues.queue_endpoint.url == "https://1943695596114318.mns.cn-hangzhou.aliyuncs.com"


def test_warnings(root, write, account):
    """A likely typo, an unencrypted endpoint and a hasty time-out are told by the check, and the element loads."""
    more = {"maxQPS": 5, "endpoint": "http://example.com", "readTimeoutMs": 300}
    write("SMS.A", e=INSTANCE, sms=account | more)
    app = App(root)
    assert {(each.key, each.level) for each in app.check()} == {
        ("maxQPS", "warning"),
        ("endpoint", "warning"),
        ("readTimeoutMs", "warning"),
    }
    assert loaded(app.getElement("SMS.A")).max_qps is None


def test_nothing_secret_in_a_repr(root, write, account):
    """No repr of an element, its sender or its account shows a key, a secret or a token."""
    write("SMS.A", e=INSTANCE, sms=account | {"securityToken": "example-token"})
    element = App(root).getElement("SMS.A")
    shown = repr([element, loaded(element), loaded(element).account, element.app])
    assert "SMS.A" in shown
    for each in ("example-key", "example-secret", "example-token"):
        assert each not in shown


def test_check_tells_everything(root, write, account):
    """The check reports what is wrong with every element at once, and an app without any."""
    assert [each.element for each in App(root).check()] == ["app"]
    write("SMS.A", e=INSTANCE, sms={})
    write("SMS.B", e=INSTANCE)
    write("SMS.C", e="{", sms=account)
    write("SMS.D", e={"type": "SMS.Nowhere"})
    write("SMS.Good", e=INSTANCE, sms=account)
    problems = App(root).check()
    assert [(each.element, each.file, each.key) for each in problems] == [
        ("SMS.C", "SMS/C/e.json", ""),
        ("SMS.D", "SMS/D/e.json", "type"),
        ("SMS.A", "SMS/A/sms.json", "accessKey"),
        ("SMS.A", "SMS/A/sms.json", "accessSecret"),
        ("SMS.A", "SMS/A/sms.json", "verifySign"),
        ("SMS.B", "SMS/B/sms.json", ""),
    ]
    assert all(each.cause and each.hint for each in problems)
    assert [each.fullName for each in App(root).elements()] == ["SMS.A", "SMS.B", "SMS.Good"]


@pytest.mark.parametrize("python", ["", "HELPER = 1\n"])
def test_instance_with_python_of_its_own(root, write, account, python):
    """An Instance stays one when there is Python in its directory, as long as that has no Loader."""
    write("SMS.A", e=INSTANCE, sms=account)
    (root / "SMS" / "A" / "__init__.py").write_text(python, "utf-8")
    app = App(root)
    assert app.check() == []
    assert [each.fullName for each in app.elements()] == ["SMS.A"]
    assert loaded(app.getElement("SMS.A")).account.sign == account["verifySign"]


CODES = {"title": "Codes", "type": "SMS.AliyunVerify", "backendBundleEntry": "."}


def test_verification_product(root, write, account):
    """An element of SMS.AliyunVerify has the same file, goes to its own endpoint, and sends no campaigns."""
    write("SMS.Login", e=CODES, sms=account | {"schemeName": "登录"})
    app = App(root)
    assert app.check() == []
    sender = loaded(app.getElement("SMS.Login"))
    assert isinstance(sender, AliyunSms)
    assert (sender.looks_up, sender.reports, sender.sends_batches) == (True, True, False)
    assert sender.account.endpoint.url == "https://dypnsapi.aliyuncs.com"
    assert sender.account.scheme == "登录"


@pytest.mark.parametrize("name", ["", "x" * 21, 7])
def test_wrong_scheme(root, write, account, name):
    """A scheme's name that Aliyun would refuse is told with its key."""
    write("SMS.Login", e=CODES, sms=account | {"schemeName": name})
    [problem] = App(root).check()
    assert (problem.key, problem.level) == ("schemeName", "error")


def test_scheme_of_another_type(root, write, account):
    """For SMS.Aliyun the scheme's name is an unknown key."""
    write("SMS.A", e=INSTANCE, sms=account | {"schemeName": "登录"})
    [problem] = App(root).check()
    assert (problem.key, problem.level) == ("schemeName", "warning")


@pytest.mark.parametrize(("kind", "loads"), [("SMS.Aliyun", False), ("SMS.AliyunVerify", True)])
def test_second_sdk_is_loaded_where_it_is_used(root, write, account, kind, loads):
    """Only an app with an element of SMS.AliyunVerify imports that product's SDK."""
    write("SMS.A", e=INSTANCE | {"type": kind}, sms=account)
    program = (
        "import sys; from smsjobs_worker.elements import App, loaded;"
        "app = App(sys.argv[1]); app.check(); loaded(app.getElement('SMS.A'));"
        "print(any(each.startswith('alibabacloud_dypnsapi') for each in sys.modules))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True
    ).stdout
    assert said.strip() == str(loads)

"""The limits of SendSms and SendBatchSms."""

import pytest

_NOTICE = {"template": "SMS_2", "params": '{"name":"张三","event":"系统维护"}'}


def _numbers(count):
    return [f"13800138{index:03d}" if index < 1000 else f"1380014{index:04d}" for index in range(count)]


REFUSED = [
    ("no signature", {"sign": None}, "MissingSignName"),
    ("no template", {"template": ""}, "MissingTemplateCode"),
    ("illegal number", {"phones": ["13800138000", "1380013800"]}, "isv.MOBILE_NUMBER_ILLEGAL"),
    ("1,001 numbers", {"phones": _numbers(1001)}, "isv.MOBILE_COUNT_OVER_LIMIT"),
    ("unknown signature", {"sign": "别人"}, "isv.SMS_SIGNATURE_ILLEGAL"),
    ("unapproved signature", {"sign": "未审"}, "isv.SIGN_STATE_ILLEGAL"),
    ("verification signature", {"sign": "登录", **_NOTICE}, "isv.SMS_SIGNATURE_SCENE_ILLEGAL"),
    ("malformed template", {"template": "SMS-1"}, "isv.SMS_TEMPLATE_ILLEGAL"),
    ("unknown template", {"template": "SMS_99"}, "isv.SMS_TEMPLATE_ILLEGAL"),
    ("unapproved template", {"template": "SMS_4"}, "isv.SMS_TEMPLATE_ILLEGAL"),
    ("two variables in a code", {"template": "SMS_5"}, "template_parameter_count_illegal"),
    ("no JSON", {"params": "{code:1234}"}, "isv.INVALID_JSON_PARAM"),
    ("JSON list", {"params": '["1234"]'}, "isv.INVALID_JSON_PARAM"),
    ("JSON too deep", {"params": "[" * 100_000}, "isv.INVALID_JSON_PARAM"),
    ("number as value", {"params": '{"code":1234}'}, "isv.INVALID_JSON_PARAM"),
    ("no parameters", {"params": None}, "isv.TEMPLATE_MISSING_PARAMETERS"),
    ("other parameter", {"params": '{"kode":"1234"}'}, "isv.TEMPLATE_MISSING_PARAMETERS"),
    ("code of 3", {"params": '{"code":"123"}'}, "isv.PARAM_LENGTH_LIMIT"),
    ("code of 7", {"params": '{"code":"1234567"}'}, "isv.PARAM_LENGTH_LIMIT"),
    ("code with a dash", {"params": '{"code":"12-34"}'}, "isv.TEMPLATE_PARAMS_ILLEGAL"),
    ("latin name", {**_NOTICE, "params": '{"name":"Bob","event":"a"}'}, "isv.TEMPLATE_PARAMS_ILLEGAL"),
    ("money with a unit", {"template": "SMS_6", "params": '{"money":"5元"}'}, "isv.TEMPLATE_PARAMS_ILLEGAL"),
    ("empty value", {**_NOTICE, "params": '{"name":"张三","event":""}'}, "isv.PARAM_LENGTH_LIMIT"),
    (
        "value of 36",
        {**_NOTICE, "params": '{"name":"张三","event":"%s"}' % ("a" * 36)},
        "isv.PARAM_LENGTH_LIMIT",
    ),
    (
        "URL",
        {**_NOTICE, "params": '{"name":"张三","event":"see a.example.com"}'},
        "isv.PARAM_NOT_SUPPORT_URL",
    ),
    ("brackets", {**_NOTICE, "params": '{"name":"张三","event":"【x】"}'}, "isv.UNSUPPORTED_CONTENT"),
    ("emoji", {**_NOTICE, "params": '{"name":"张三","event":"好😀"}'}, "isv.UNSUPPORTED_CONTENT"),
    (
        "501 characters",
        {"template": "SMS_7", "params": '{"tail":"%s"}' % ("a" * 16)},
        "isv.SMS_CONTENT_ILLEGAL",
    ),
    ("foreign number", {"phones": ["85200001234"]}, "isv.MOBILE_NUMBER_ILLEGAL"),
    (
        "mainland number",
        {"template": "SMS_3", "params": '{"order":"7"}'},
        "isv.DOMESTIC_NUMBER_NOT_SUPPORTED",
    ),
    ("OutId of 256", {"OutId": "x" * 256}, "isv.INVALID_PARAMETERS"),
    ("extension of letters", {"SmsUpExtendCode": "9x"}, "isv.EXTEND_CODE_ERROR"),
]


@pytest.mark.parametrize(("changes", "code"), [pytest.param(*row[1:], id=row[0]) for row in REFUSED])
def test_refused(call, changes, code):
    """Each limit has its code, gives no BizId, and leaves nothing in the record."""
    changes = dict(changes)
    answer = call.sms(*changes.pop("phones", ()), **changes)
    assert answer["Code"] == code
    assert "BizId" not in answer
    assert call.world.record.accepted_requests == 0


ACCEPTED = [
    ("1,000 numbers", {"phones": _numbers(1000)}),
    ("prefixes", {"phones": ["+8613800138000", "008613800138001", "8613800138002", "+13800138003"]}),
    ("code of 4", {"params": '{"code":"12a4"}'}),
    ("code of 6", {"params": '{"code":"123456"}'}),
    ("verification signature", {"sign": "登录"}),
    ("notice", _NOTICE),
    ("value of 35", {**_NOTICE, "params": '{"name":"张三","event":"%s"}' % ("a" * 35)}),
    ("500 characters", {"template": "SMS_7", "params": '{"tail":"%s"}' % ("a" * 15)}),
    ("extra parameter", {"params": '{"code":"1234","other":"x"}'}),
    ("foreign number", {"phones": ["85200001234"], "template": "SMS_3", "params": '{"order":"7"}'}),
    ("OutId of 255", {"OutId": "x" * 255}),
    ("extension", {"SmsUpExtendCode": "90999"}),
]


@pytest.mark.parametrize("changes", [pytest.param(row[1], id=row[0]) for row in ACCEPTED])
def test_accepted(call, changes):
    """What is just inside a limit is accepted and recorded once."""
    changes = dict(changes)
    answer = call.sms(*changes.pop("phones", ()), **changes)
    assert answer["Code"] == "OK"
    (accepted,) = call.world.record.accepted()
    assert accepted.biz_id == answer["BizId"]


def test_each_request_has_its_own_biz_id(call):
    """One request has one BizId for all its numbers, and two requests have two."""
    first, second = call.sms("13800138000", "13800138001"), call.sms()
    assert first["BizId"] != second["BizId"]
    assert call.world.record.accepted_numbers == 3


def test_batch_pairs_by_position(call):
    """Each number of a batch gets the signature and the parameters of its own position."""
    people = [{"name": "张三", "event": "维护"}, {"name": "李四", "event": "升级"}]
    assert (
        call.batch(["13800138000", "13800138001"], ["阿里云", "阿里云"], people, OutId="b1")["Code"] == "OK"
    )
    detail = call.query("13800138001")["SmsSendDetailDTOs"]["SmsSendDetailDTO"][0]
    assert detail["Content"] == "【阿里云】李四您好，升级将于今晚进行。"
    assert detail["OutId"] == "b1"


_ONE = {"name": "张三", "event": "维护"}
BATCH_REFUSED = [
    ("101 numbers", (_numbers(101), ["阿里云"] * 101, [_ONE] * 101), "isv.MOBILE_COUNT_OVER_LIMIT"),
    ("signature short", (_numbers(2), ["阿里云"], [_ONE] * 2), "isv.INVALID_PARAMETERS"),
    ("parameters short", (_numbers(2), ["阿里云"] * 2, [_ONE]), "isv.INVALID_PARAMETERS"),
    ("nobody", ([], [], []), "isv.INVALID_PARAMETERS"),
    ("an object", ({"a": "b"}, ["阿里云"], [_ONE]), "isv.INVALID_JSON_PARAM"),
    ("one bad signature", (_numbers(2), ["阿里云", "别人"], [_ONE] * 2), "isv.SMS_SIGNATURE_ILLEGAL"),
    (
        "one bad parameter",
        (_numbers(2), ["阿里云"] * 2, [_ONE, {"name": "张三"}]),
        "isv.TEMPLATE_MISSING_PARAMETERS",
    ),
]


@pytest.mark.parametrize(("arguments", "code"), [pytest.param(*row[1:], id=row[0]) for row in BATCH_REFUSED])
def test_batch_refused_whole(call, arguments, code):
    """A batch with anything wrong in it is refused as a whole."""
    assert call.batch(*arguments)["Code"] == code
    assert call.world.record.accepted_requests == 0


def test_batch_of_a_hundred(call):
    """A hundred numbers are the most a batch may have."""
    assert call.batch(_numbers(100), ["阿里云"] * 100, [_ONE] * 100)["Code"] == "OK"


def test_lenient_world_takes_any_signature_and_template(lenient):
    """Without a catalogue any signature and any SMS_ template is good, and a malformed template code is not."""
    assert lenient.sms(sign="whatever", template="SMS_42", params='{"a":"b"}')["Code"] == "OK"
    assert lenient.sms("85200001234")["Code"] == "OK"
    assert lenient.sms(template="42")["Code"] == "isv.SMS_TEMPLATE_ILLEGAL"
    assert lenient.sms(params='{"a":"http://x"}')["Code"] == "isv.PARAM_NOT_SUPPORT_URL"


def test_unknown_action(call):
    """An action the simulator does not have is the gateway's InvalidAction.NotFound, with its extra fields."""
    answer = call("QuerySmsTemplate")
    assert answer["Code"] == "InvalidAction.NotFound"
    assert {"HostId", "Recommend", "RequestId", "Message"} <= answer.keys()

"""Legal calls of the public interface; mypy checks that they stay legal. Nothing here is run."""

from datetime import UTC, datetime, timedelta
from typing import Any, assert_type

from smsjobs import (
    AliyunRejected,
    Deliveries,
    Delivery,
    Element,
    IdempotencyConflict,
    InvalidArguments,
    Job,
    JobInfo,
    QueueUnavailable,
    RequestFailed,
    SendResult,
    SettingsError,
    Sms,
    SmsError,
    Try,
    connect,
)


class Wrapper:
    """A value as the elements that this stands in for hand it over."""

    value: Any


def connecting() -> Sms:
    """Each way to connect."""
    connect()
    connect(broker_url="redis://127.0.0.1:6379/0")
    connect(broker_url="embedded", timeout=1)
    try:
        return connect(
            broker_url="amqp://127.0.0.1//",
            redis_url="redis://127.0.0.1:6379/1",
            timeout=2.5,
        )
    except SettingsError as error:
        raise SystemExit(str(error)) from None


def listing(sms: Sms) -> list[str]:
    """Each filter of the jobs that did not end well."""
    sms.jobs("rejected", since=datetime.now(UTC), element="SMS.YourSmsName", lane="bulk")
    sms.jobs(status="failed", since=timedelta(hours=2), aliyun_code="isv.AMOUNT_NOT_ENOUGH", limit=10)
    return [info.id for info in sms.jobs()]


def sending(sms: Sms, wrapped: Wrapper) -> Job:
    """Each way to send."""
    element = sms.getElement("SMS.YourSmsName")
    assert_type(element, Element)
    assert_type(element.fullName, str)
    element.sendMessage(["13800138000"], {"code": "123456"}, "SMS_123456789")
    element.sendMessage(("13800138000",), {}, extend={"verifyTemplateCode": "SMS_123456789"})
    element.sendMessage(wrapped, wrapped, wrapped)
    element.sendMessage(["13800138000"], {}, "SMS_1", countdown=60)
    element.sendMessage(["13800138000"], {}, "SMS_1", eta=datetime.now(UTC))
    return element.sendMessage(
        phoneList=["13800138000"],
        params={"code": "123456"},
        verifyTemplateCode="SMS_123456789",
        lane="verification",
        expires=300,
        on_unknown="hold",
        idempotency_key="login:42:1",
    )


def reading(sms: Sms) -> str:
    """What a job tells."""
    job = sms.job("b6d0a1f0-7c54-4b0e-9d55-000000000001")
    assert_type(job.id, str)
    assert_type(job.status(), str)
    assert_type(job.delivery(), Delivery)
    assert_type(job.delivery("13800138000").err_code, str | None)
    assert_type(job.deliveries(), Deliveries)
    assert_type(job.info(), JobInfo)
    assert_type(job.info().next_try, datetime | None)
    assert_type(job.info().tries, tuple[Try, ...])
    assert_type(job.cancel(), bool)
    assert_type(job.retry(), Job)
    assert_type(job.retry(expires=60).id, str)
    assert_type(job.get(), SendResult)
    result = job.get(timeout=10)
    assert_type(result.biz_id, str | None)
    assert_type(result.request_id, str | None)
    assert_type(result.attempts, int)
    assert_type(result.out_id, str)
    return f"{result.outcome} {result.resolved_by} {result.response.get('Code')}"


def looking_at_templates(element: Element) -> list[str]:
    """What is known of a template."""
    template = element.template("SMS_123456789", timeout=5)
    if template is None or template.signature is None:
        return []
    return [f"{each.carrier} {each.state}" for each in template.signature.filing if not each.is_good]


async def awaiting(element: Element) -> SendResult:
    """The async twins."""
    job = await element.send_message_async(["13800138000"], {}, "SMS_1", lane="bulk")
    assert_type(job, Job)
    return await job.get_async(timeout=10)


def verifying(element: Element) -> str:
    """Verification codes."""
    login = element.verification(
        "login", verifyTemplateCode="SMS_1", ttl=300, countries=["86"], params={"min": "5"}
    )
    sent = login.send("13800138000", client_ip="203.0.113.7")
    assert_type(sent.job, Job)
    assert_type(sent.phone, str)
    result = login.check("13800138000", "123456")
    assert_type(result.phone, str)
    return f"{result.status} {result.tries_left}" if result else sent.phone


def campaigning(element: Element) -> str:
    """Campaigns, and what of a file is meant."""
    element.campaign("list", recipients=["13800138000"], verifyTemplateCode="SMS_1")
    found = element.campaign(
        "file",
        recipients="people.xlsx",
        verifyTemplateCode="SMS_1",
        params={"name": "{姓名}"},
        sheet="名单",
        phone_column="号码",
        countries=["86", "852"],
        ignore_columns=["备注"],
        promotional=False,
    )
    return found.id


def suppressing(sms: Sms) -> list[str]:
    """Numbers that must not be sent to."""
    assert_type(sms.suppression.add("13800138000", scope="promotional", source="reply", note=""), bool)
    assert_type(sms.suppression.has("13800138000", scope="all"), bool)
    assert_type(sms.suppression.remove("13800138000"), bool)
    assert_type(sms.suppression.count(), int)
    return [
        f"{each.phone} {each.scope} {each.source} {each.note} {each.at}" for each in sms.suppression.export()
    ]


def failing(job: Job) -> str:
    """What each error tells."""
    try:
        job.get(timeout=10)
    except AliyunRejected as error:
        assert_type(error.retry_after, float | None)
        assert_type(error.request_id, str | None)
        return f"{error.aliyun_code} {error.aliyun_message} {error.advice}"
    except IdempotencyConflict as error:
        assert_type(error.out_id, str | None)
        return error.reason
    except InvalidArguments as error:
        return error.message
    except QueueUnavailable:
        return "again, with the same key"
    except RequestFailed as error:
        return error.outcome
    except SmsError as error:
        assert_type(error.code, int)
        assert_type(error.attempts, int)
        return str(error)
    except TimeoutError:
        return job.status()
    return "accepted"

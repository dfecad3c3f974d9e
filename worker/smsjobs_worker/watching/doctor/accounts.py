"""What sends: the SDK, the elements, their credentials and Aliyun's clock."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Final

from redis.exceptions import RedisError

from smsjobs.contract import InvalidArguments
from smsjobs.redis_store import connect_redis
from smsjobs.templates import CARRIERS, TemplateStore
from smsjobs_worker.aliyun.client import AliyunSms
from smsjobs_worker.elements import App, LoadedElement, Problem, loaded
from smsjobs_worker.logs.privacy import describe
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.provider import NotSent
from smsjobs_worker.sending.providers import Providers
from smsjobs_worker.watching.doctor.finding import Finding
from smsjobs_worker.watching.doctor.templates import templates
from smsjobs_worker.watching.doctor.versions import numbers

__all__ = ["elements", "sdk"]

#: Aliyun refuses requests whose time is 15 minutes off.
_SKEW_REFUSED_S: Final = 900
_SKEW_WARNED_S: Final = 60

#: Older lines of the SDK sent again by themselves after a read time-out.
_SDK: Final = {"alibabacloud-dysmsapi20170525": (4, 4), "alibabacloud-tea-openapi": (0, 4)}


def sdk() -> Iterator[Finding]:
    """Look at the versions of Aliyun's SDK."""
    for name, at_least in _SDK.items():
        number = version(name)
        if numbers(number) < at_least:
            yield Finding(
                subject="SDK",
                verdict="bad",
                text=f"{name} {number} sends again by itself when an answer is late",
                hint=f"pip install --upgrade {name}",
            )
        else:
            yield Finding(subject="SDK", verdict="good", text=f"{name} {number} makes one request a call")


#: Seconds without a message after which a signature's filing lapses soon: carriers let it lapse after six months.
_LAPSES_SOON_S: Final = 150 * 24 * 3600


def elements(settings: WorkerSettings) -> Iterator[Finding]:
    """Look at every element, and ask Aliyun by its credentials."""
    if not settings.app_dir.is_dir():
        yield Finding(
            subject="elements",
            verdict="bad",
            text=f"SMS_APP: there is no directory {settings.app_dir}",
            hint="set SMS_APP to the directory that holds SMS/",
        )
        return
    try:
        app = App(settings.app_dir)
        problems = app.check()
        elements = app.elements()
    except InvalidArguments as error:
        yield Finding(subject="elements", verdict="bad", text=error.message, hint="fix SMS_APP")
        return
    for each in problems:
        yield Finding(
            subject=each.element or "elements",
            verdict="bad" if each.level == "error" else "doubtful",
            text=f"{_where(each)}{each.cause}",
            hint=each.hint,
        )
    broken = {each.element for each in problems if each.level == "error"}
    for element in elements:
        if element.fullName not in broken:
            yield from _element(element)
            store = TemplateStore(connect_redis(settings.connection.redis_url, timeout_s=3))
            yield from _idle(element, store)
            yield from templates(element, store)


def _where(problem: Problem) -> str:
    place = ", ".join(filter(None, (problem.file, problem.key and f"key {problem.key}")))
    return f"{place}: " if place else ""


def _element(element: LoadedElement) -> Iterator[Finding]:
    name = element.fullName
    try:
        thing = loaded(element)
    except Exception as error:  # noqa: BLE001  a Type's own code
        yield Finding(
            subject=name, verdict="bad", text=f"it does not load ({describe(error)})", hint="fix its type"
        )
        return
    if not isinstance(thing, AliyunSms):
        yield Finding(subject=name, verdict="good", text="it loads")
        return
    yield _destination(name, thing)
    yield from _identity(name, thing)
    yield _credentials(name, thing)
    yield from _signature(name, thing)
    yield from _aliyun_clock(name, thing)


def _destination(name: str, sms: AliyunSms) -> Finding:
    endpoint = sms.account.endpoint
    if endpoint.is_aliyun:
        return Finding(subject=name, verdict="good", text=f"it sends to Aliyun, at {endpoint.host}")
    return Finding(
        subject=name,
        verdict="doubtful",
        text=f"it sends to {endpoint.host}, not to Aliyun: no phone gets a message from a simulator",
        hint="leave endpoint out of sms.json, unless this is meant",
    )


def _identity(name: str, sms: AliyunSms) -> Iterator[Finding]:
    """Who signs, where that does not stand in ``sms.json``."""
    try:
        identity = sms.identity()
    except NotSent as error:
        hint = "see docs/credentials.md"
        yield Finding(subject=name, verdict="bad", text=error.detail, hint=hint)
        return
    if identity is None:
        return
    known = (
        f"Aliyun knows it as {identity.arn}"
        if identity.arn
        else f"STS does not say whose ({identity.detail})"
    )
    yield Finding(subject=name, verdict="good", text=f"it signs with keys of {identity.source}; {known}")


def _credentials(name: str, sms: AliyunSms) -> Finding:
    checked = sms.check_credentials()
    if checked.accepted:
        return Finding(subject=name, verdict="good", text=f"{_answering(sms)} accepts its AccessKey")
    if checked.accepted is None:
        return Finding(
            subject=name,
            verdict="bad",
            text=f"{_answering(sms)} gives no clear answer: {checked.detail}",
            hint="see that this machine reaches the endpoint in sms.json, then try again",
        )
    return Finding(
        subject=name,
        verdict="bad",
        text=f"{_answering(sms)} refuses its AccessKey ({checked.aliyun_code})",
        hint=checked.detail or "fix accessKey and accessSecret in sms.json",
    )


def _signature(name: str, sms: AliyunSms) -> Iterator[Finding]:
    """Whether the signature is approved and filed, where Aliyun tells."""
    signature = sms.signature() if sms.knows_templates else None
    if signature is None:
        return
    if signature.state not in ("approved", "unknown"):
        why = f": {signature.reason}" if signature.reason else ""
        yield Finding(
            subject=name,
            verdict="bad",
            text=f"its signature is not approved ({signature.state.replace('_', ' ')}{why})",
            hint="see the console; every message is refused until it is approved",
        )
    for each in signature.filing:
        carrier = CARRIERS.get(each.carrier, each.carrier)
        if each.is_good:
            continue
        yield Finding(
            subject=name,
            verdict="doubtful",
            text=f"{carrier} has not filed its signature ({each.state.replace('_', ' ')}), and may hold its messages back",
            hint="; ".join(each.reasons) or "see the console",
        )


def _idle(element: LoadedElement, store: TemplateStore) -> Iterator[Finding]:
    """Whether the signature's filing lapses soon, because nothing is sent under it."""
    name = element.fullName
    try:
        signed_by = Providers(element.app).provider(name).signed_by
        idle_s = signed_by and store.idle_s(name, signed_by.signature)
    except (InvalidArguments, RedisError, OSError):
        return
    if idle_s and idle_s >= _LAPSES_SOON_S:
        yield Finding(
            subject=name,
            verdict="doubtful",
            text=f"nothing was sent under its signature for {idle_s / 86_400:.0f} days; after six months the carriers let its filing lapse",
            hint="send a few messages to numbers of each carrier",
        )


def _answering(sms: AliyunSms) -> str:
    return "Aliyun" if sms.account.endpoint.is_aliyun else sms.account.endpoint.host


def _aliyun_clock(name: str, sms: AliyunSms) -> Iterator[Finding]:
    skew_s = sms.clock_skew_s()
    if skew_s is None:
        return
    if abs(skew_s) < _SKEW_WARNED_S:
        yield Finding(
            subject=name, verdict="good", text=f"this machine's clock agrees with that of {_answering(sms)}"
        )
        return
    yield Finding(
        subject=name,
        verdict="bad" if abs(skew_s) >= _SKEW_REFUSED_S else "doubtful",
        text=f"this machine's clock is {abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} that of "
        f"{_answering(sms)}; from 900 s on every request is refused",
        hint="let it keep time by NTP",
    )

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
from smsjobs_worker.watching.doctor.finding import Finding, Said, bad, doubtful, good, say
from smsjobs_worker.watching.doctor.templates import templates
from smsjobs_worker.watching.doctor.versions import numbers

__all__ = ["elements", "sdk"]

#: Aliyun refuses requests whose time is 15 minutes off.
_SKEW_REFUSED_S: Final = 900
_SKEW_WARNED_S: Final = 60

#: Seconds without a message after which a signature's filing lapses soon: carriers let it lapse after six months.
_LAPSES_SOON_S: Final = 150 * 24 * 3600

#: Older lines of the SDK sent again by themselves after a read time-out.
_SDK: Final = {"alibabacloud-dysmsapi20170525": (4, 4), "alibabacloud-tea-openapi": (0, 4)}


def sdk() -> Iterator[Finding]:
    """Look at the versions of Aliyun's SDK."""
    for name, at_least in _SDK.items():
        number = version(name)
        if numbers(number) < at_least:
            yield bad(
                "SDK",
                "{name} {version} sends again by itself when an answer is late",
                "pip install --upgrade {name}",
                name=name,
                version=number,
            )
        else:
            yield good("SDK", "{name} {version} makes one request a call", name=name, version=number)


def elements(settings: WorkerSettings) -> Iterator[Finding]:
    """Look at every element, and ask Aliyun by its credentials."""
    if not settings.app_dir.is_dir():
        yield bad(
            "elements",
            "SMS_APP: there is no directory {path}",
            "set SMS_APP to the directory that holds SMS/",
            path=str(settings.app_dir),
        )
        return
    try:
        app = App(settings.app_dir)
        problems = app.check()
        elements = app.elements()
    except InvalidArguments as error:
        yield bad("elements", say(error.message), "fix SMS_APP")
        return
    for each in problems:
        finding = bad if each.level == "error" else doubtful
        # Files of one's own have many ways to be wrong, and these texts stand in the room of elements.
        yield finding(each.element or "elements", say(f"{_where(each)}{each.cause}"), say(each.hint))
    broken = {each.element for each in problems if each.level == "error"}
    providers = Providers(app)
    store = TemplateStore(connect_redis(settings.connection.redis_url, timeout_s=3))
    for element in elements:
        if element.fullName not in broken:
            yield from _element(element)
            yield from _idle(element.fullName, providers, store)
            yield from templates(element.fullName, providers, store)


def _where(problem: Problem) -> str:
    place = ", ".join(filter(None, (problem.file, problem.key and f"key {problem.key}")))
    return f"{place}: " if place else ""


def _element(element: LoadedElement) -> Iterator[Finding]:
    name = element.fullName
    try:
        thing = loaded(element)
    except Exception as error:  # noqa: BLE001  a Type's own code
        yield bad(name, "it does not load ({error})", "fix its type", error=describe(error))
        return
    if not isinstance(thing, AliyunSms):
        yield good(name, "it loads")
        return
    yield _destination(name, thing)
    yield from _identity(name, thing)
    yield _credentials(name, thing)
    yield from _signature(name, thing)
    yield from _aliyun_clock(name, thing)


def _destination(name: str, sms: AliyunSms) -> Finding:
    endpoint = sms.account.endpoint
    if endpoint.is_aliyun:
        return good(name, "it sends to Aliyun, at {host}", host=endpoint.host)
    return doubtful(
        name,
        "it sends to {host}, not to Aliyun: no phone gets a message from a simulator",
        "leave endpoint out of sms.json, unless this is meant",
        host=endpoint.host,
    )


def _identity(name: str, sms: AliyunSms) -> Iterator[Finding]:
    """Who signs, where that does not stand in ``sms.json``."""
    try:
        identity = sms.identity()
    except NotSent as error:
        yield bad(name, say(error.detail), "see docs/credentials.md")
        return
    if identity is None:
        return
    source = identity.source
    if identity.arn:
        text = say(
            "it signs with keys of {source}; Aliyun knows it as {arn}", source=source, arn=identity.arn
        )
    else:
        text = say(
            "it signs with keys of {source}; STS does not say whose ({why})",
            source=source,
            why=identity.detail,
        )
    yield good(name, text)
    yield good(name, "its role or user needs these rights, and no others: {rights}", rights=_rights(sms))


def _rights(sms: AliyunSms) -> str:
    queue = ("dysms:QueryTokenForMnsQueue",) if sms.account.queues else ()
    return ", ".join((*sms.rights, *queue))


def _credentials(name: str, sms: AliyunSms) -> Finding:
    checked = sms.check_credentials()
    if checked.accepted:
        return good(name, "{who} accepts its AccessKey", who=_answering(sms))
    if checked.accepted is None:
        return bad(
            name,
            "{who} gives no clear answer: {detail}",
            "see that this machine reaches the endpoint in sms.json, then try again",
            who=_answering(sms),
            detail=checked.detail,
        )
    return bad(
        name,
        "{who} refuses its AccessKey ({code})",
        # The meaning of Aliyun's code, which pages have in other languages.
        say(checked.detail) if checked.detail else say("fix accessKey and accessSecret in sms.json"),
        who=_answering(sms),
        code=checked.aliyun_code,
    )


def _signature(name: str, sms: AliyunSms) -> Iterator[Finding]:
    """Whether the signature is approved and filed, where Aliyun tells."""
    signature = sms.signature() if sms.knows_templates else None
    if signature is None:
        return
    if not signature.is_good:
        why = f": {signature.reason}" if signature.reason else ""
        yield bad(
            name,
            "its signature is not approved ({state})",
            "see the console; every message is refused until it is approved",
            state=signature.state.replace("_", " ") + why,
        )
    for each in signature.filing:
        carrier = CARRIERS.get(each.carrier, each.carrier)
        if each.is_good:
            continue
        reasons = "; ".join(each.reasons)
        yield doubtful(
            name,
            "{carrier} has not filed its signature ({state}), and may hold its messages back",
            say(reasons) if reasons else say("see the console"),
            carrier=say(carrier),
            state=each.state.replace("_", " "),
        )


def _idle(name: str, providers: Providers, store: TemplateStore) -> Iterator[Finding]:
    """Whether the signature's filing lapses soon, because nothing is sent under it."""
    try:
        signed_by = providers.provider(name).signed_by
        idle_s = signed_by and store.idle_s(name, signed_by.signature)
    except (InvalidArguments, RedisError, OSError):
        return
    if idle_s and idle_s >= _LAPSES_SOON_S:
        yield doubtful(
            name,
            "nothing was sent under its signature for {days} days; after six months the carriers let its filing lapse",
            "send a few messages to numbers of each carrier",
            days=f"{idle_s / 86_400:.0f}",
        )


def _answering(sms: AliyunSms) -> str | Said:
    return say("Aliyun") if sms.account.endpoint.is_aliyun else sms.account.endpoint.host


def _aliyun_clock(name: str, sms: AliyunSms) -> Iterator[Finding]:
    skew_s = sms.clock_skew_s()
    if skew_s is None:
        return
    if abs(skew_s) < _SKEW_WARNED_S:
        yield good(name, "this machine's clock agrees with that of {who}", who=_answering(sms))
        return
    values: dict[str, str | int | Said] = {"who": _answering(sms), "seconds": f"{abs(skew_s):.0f}"}
    if skew_s > 0:
        text = say(
            "this machine's clock is {seconds} s ahead of that of {who}; from 900 s on every request is refused",
            **values,
        )
    else:
        text = say(
            "this machine's clock is {seconds} s behind that of {who}; from 900 s on every request is refused",
            **values,
        )
    finding = bad if abs(skew_s) >= _SKEW_REFUSED_S else doubtful
    yield finding(name, text, say("let it keep time by NTP"))

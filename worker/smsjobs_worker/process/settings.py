"""What a worker is told by its environment, beyond the addresses that it shares with producers."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from smsjobs.addresses import is_loopback
from smsjobs.contract import LANES, Lane
from smsjobs.events import Hook, InvalidHook
from smsjobs.log_formats import LogFormat, read_log_format
from smsjobs.metrics import Guard, read_metrics_token
from smsjobs.settings import ConnectionSettings, SettingsError, read_number
from smsjobs_worker.process.transport import Choice

__all__ = ["WorkerSettings"]

#: The name of a task or a queue.
_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,200}", re.ASCII)


#: The longest time after which something is looked up or pulled, in seconds: a month.
_LONGEST_S: Final = 2_678_400

_LAST_PORT: Final = 65_535


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """A worker's settings."""

    #: Broker, result backend and ledger.
    connection: ConnectionSettings
    #: The directory that holds SMS/ (SMS_APP).
    app_dir: Path
    #: Every lane by its name, with this worker's look-up schedules (SMS_LOOKUPS_<LANE>).
    lanes: Mapping[str, Lane]
    #: Seconds for which a claim holds unless it is renewed; it is renewed at a third of that (SMS_LEASE).
    lease_s: float = 30.0
    #: Seconds between two sweeps (SMS_SWEEP).
    sweep_s: float = 1.0
    #: Seconds for which a worker tries to write an outcome down while Redis is unreachable (SMS_PATIENCE).
    patience_s: float = 60.0
    #: Seconds after which Celery hands an unacknowledged message out again, at least four leases (SMS_VISIBILITY).
    #: No job waits for it; it only tells when Celery's result follows of a job whose worker died after settling it.
    visibility_s: float = 120.0
    #: Whether messages come by our transport, or by kombu's own (SMS_TRANSPORT).
    transport: Choice = "own"
    #: Whether `celery control shutdown` ends the worker (SMS_REMOTE_SHUTDOWN).
    remote_shutdown: bool = False
    #: Seconds from a job's acceptance to each pull of its deliveries (SMS_PULLS).
    pulls_s: tuple[float, ...] = (120.0, 1800.0, 21_600.0, 259_200.0)
    #: Requests a second for that, over all workers together; 0: nothing is pulled (SMS_PULL_QPS).
    pull_qps: float = 10.0
    #: The share of a campaign's recipients whose deliveries are pulled, from 0 to 1 (SMS_PULL_CAMPAIGNS).
    pull_campaigns: float = 0.0
    #: Whether numbers are kept for it that are not sealed (SMS_PULL_PLAIN).
    pull_plain: bool = False
    #: Whether the last job to each number is noted, for replies (SMS_REPLIES).
    notes_jobs: bool = False
    #: The application's task that events are handed over to, and the queue that its workers read (SMS_EVENTS_TASK,
    #: SMS_EVENTS_QUEUE); None: to none.
    events_task: tuple[str, str] | None = None
    #: The application's address that events are handed over to (SMS_WEBHOOK_URL, SMS_WEBHOOK_SECRET); None: to none.
    webhook: Hook | None = None
    #: How the log is written (SMS_LOG).
    log: LogFormat = "text"
    #: Who may read this worker's figures, and the port on which they are served (SMS_METRICS_PORT, SMS_METRICS_TOKEN);
    #: None: they are not counted.
    metrics: tuple[Guard, int] | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> WorkerSettings:
        """From ``SMS_…`` in the environment, else the defaults.

        Raises:
            SettingsError: Naming the setting and the fix.
        """
        env = os.environ if environ is None else environ
        return cls(
            connection=ConnectionSettings.read(environ=env),
            app_dir=Path(env.get("SMS_APP") or "."),
            lanes={name: replace(lane, lookups_s=_lookups(env, lane)) for name, lane in LANES.items()},
            lease_s=read_number(env, "SMS_LEASE", 30.0, at_least=1),
            sweep_s=read_number(env, "SMS_SWEEP", 1.0, at_least=0.05),
            patience_s=read_number(env, "SMS_PATIENCE", 60.0, at_least=0),
            visibility_s=read_number(env, "SMS_VISIBILITY", 120.0, at_least=1),
            transport=_transport(env),
            remote_shutdown=_yes(env, "SMS_REMOTE_SHUTDOWN"),
            pulls_s=_rising(env, "SMS_PULLS", cls.pulls_s),
            pull_qps=read_number(env, "SMS_PULL_QPS", cls.pull_qps, at_least=0),
            pull_campaigns=_share(env, "SMS_PULL_CAMPAIGNS"),
            pull_plain=_yes(env, "SMS_PULL_PLAIN"),
            notes_jobs=_yes(env, "SMS_REPLIES"),
            events_task=_events_task(env),
            webhook=_webhook(env),
            log=read_log_format(env),
            metrics=_metrics(env),
        )


def _lookups(environ: Mapping[str, str], lane: Lane) -> tuple[float, ...]:
    return _rising(environ, f"SMS_LOOKUPS_{lane.name.upper()}", lane.lookups_s)


def _rising(environ: Mapping[str, str], name: str, default: tuple[float, ...]) -> tuple[float, ...]:
    text = environ.get(name)
    if not text:
        return default
    try:
        offsets = tuple(float(each) for each in text.split(","))
    except ValueError:
        offsets = ()
    rising = list(offsets) == sorted(set(offsets)) and all(0 < each <= _LONGEST_S for each in offsets)
    if not offsets or not rising:
        raise SettingsError(
            f"{name} must be rising seconds separated by commas, such as 30,120,600, up to {_LONGEST_S}"
        )
    return offsets


def _transport(environ: Mapping[str, str]) -> Choice:
    given = environ.get("SMS_TRANSPORT") or "own"
    if given not in ("own", "plain"):
        raise SettingsError("SMS_TRANSPORT must be own or plain")
    return "plain" if given == "plain" else "own"


def _events_task(environ: Mapping[str, str]) -> tuple[str, str] | None:
    task, queue = environ.get("SMS_EVENTS_TASK", ""), environ.get("SMS_EVENTS_QUEUE", "")
    if not task and not queue:
        return None
    if not (task and queue):
        raise SettingsError(
            "SMS_EVENTS_TASK and SMS_EVENTS_QUEUE belong together: the name of a Celery task of your application, and the "
            "queue that its workers read"
        )
    for name, value in (("SMS_EVENTS_TASK", task), ("SMS_EVENTS_QUEUE", queue)):
        if not _NAME.fullmatch(value):
            raise SettingsError(f"{name} must be 1 to 200 letters, digits and -_.: such as shop.on_sms_event")
    if task.startswith("smsjobs.") or queue in {each.queue for each in LANES.values()}:
        raise SettingsError(
            "SMS_EVENTS_TASK and SMS_EVENTS_QUEUE must be your application's own, not those of smsjobs"
        )
    return task, queue


def _webhook(environ: Mapping[str, str]) -> Hook | None:
    # Without the line end that a file of secrets has.
    url, secret = environ.get("SMS_WEBHOOK_URL", "").strip(), environ.get("SMS_WEBHOOK_SECRET", "").strip()
    if not url:
        return None
    try:
        return Hook(url=url, secret=secret)
    except InvalidHook as error:
        raise SettingsError(f"SMS_WEBHOOK_{error.argument.upper()} {error}") from None


def _share(environ: Mapping[str, str], name: str) -> float:
    given = (environ.get(name) or "off").strip().lower()
    try:
        share = {"off": 0.0, "all": 1.0}[given] if given in ("off", "all") else float(given)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise SettingsError(f"{name} must be off, all, or a share from 0 to 1, such as 0.01")
    return share


def _yes(environ: Mapping[str, str], name: str) -> bool:
    given = environ.get(name) or "0"
    if given not in ("0", "1"):
        raise SettingsError(f"{name} must be 1 or 0")
    return given == "1"


def _metrics(environ: Mapping[str, str]) -> tuple[Guard, int] | None:
    given, token = environ.get("SMS_METRICS_PORT", ""), read_metrics_token(environ)
    if not given:
        return None
    host, separator, port = given.rpartition(":")
    if (
        not re.fullmatch("[0-9]{1,5}", port, re.ASCII)
        or int(port) > _LAST_PORT
        or bool(host) != bool(separator)
    ):
        raise SettingsError(
            "SMS_METRICS_PORT must be a port, such as 9500, or an address and a port, such as 0.0.0.0:9500"
        )
    guard = Guard(host=host.strip("[]") or "127.0.0.1", token=token)
    if token is None and not is_loopback(guard.host):
        raise SettingsError(
            "SMS_METRICS_TOKEN is missing: without it, figures are served on 127.0.0.1 only; make one with: "
            "python -c 'import secrets; print(secrets.token_urlsafe(24))'"
        )
    return guard, int(port)

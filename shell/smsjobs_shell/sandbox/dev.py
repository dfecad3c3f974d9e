"""``smsjobs dev``: runs Redis, the simulator and workers, for the development of a web application."""

from __future__ import annotations

import fcntl
import secrets
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import click

from smsjobs.contract import LANES, mask_phone
from smsjobs.embedded import EmbeddedRedis, UnusableDirectory
from smsjobs.settings import SettingsError
from smsjobs_shell.elements import read_elements
from smsjobs_shell.sandbox.children import Children
from smsjobs_shell.sandbox.stage import (
    ACCOUNT,
    Inbox,
    Simulator,
    hold_redis,
    start_inbox,
    start_simulator,
    start_worker,
    wait_for_inbox,
    wait_for_simulator,
    wait_for_workers,
    worker_environment,
    write_element,
)
from smsjobs_shell.terminal.extras import need_extras
from smsjobs_shell.terminal.failure import CommandFailed
from smsjobs_shell.terminal.language import tr
from smsjobs_shell.terminal.options import PORT, app_option, with_screen
from smsjobs_shell.terminal.screen import Screen
from smsjobs_shell.terminal.signals import ending_in_order

__all__ = ["dev"]

#: Seconds between two looks at what the simulator accepted.
_LOOK_S: Final = 0.3

#: In the directory of logs: where the simulator is.
_SIMULATOR_FILE: Final = "simulator.json"

#: The element of the example app, which is made where no app is named. All examples in the documentation use it, so
#: they run unchanged. The worker's environment says where the simulator is.
_EXAMPLE: Final = "SMS.YourSmsName"
_EXAMPLE_ACCOUNT: Final = {**ACCOUNT, "endpoint": "${SMS_SIMULATOR_URL}"}


@click.command(
    short_help="The same pieces, left running for your code.",
    epilog="""\b
Examples:
  smsjobs dev
  smsjobs dev --app path/to/app --simulator-port 9500
  smsjobs dev --single
  eval "$(cat .smsjobs/env)"     # in another shell, or in a script

The inbox shows what the phones saw, at http://127.0.0.1:9402/inbox.

The simulator takes the access key demo_access_key with the secret
demo_access_secret. An element of your own sends to it if its sms.json has
these and "endpoint": "${SMS_SIMULATOR_URL}".""",
)
@app_option(otherwise="an example in .smsjobs/app")
@click.option("--single", is_flag=True, help="Start one worker for all lanes instead of one for each.")
@click.option(
    "--simulator-port",
    type=PORT,
    default=9400,
    show_default=True,
    help="The simulator's port. The next ones are its control API and the inbox. 0 takes free ones.",
)
@click.option(
    "--inbox-port",
    type=PORT,
    help="The inbox's port. 0 takes a free one. [default: two above the simulator's]",
)
@click.option(
    "--price",
    type=float,
    default=0.045,
    show_default=True,
    help="What a part costs, in yuan; the inbox shows it.",
)
@click.option(
    "--catalogue",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The simulator's accounts, signatures and templates.",
)
@with_screen
def dev(
    screen: Screen,
    *,
    app: Path | None,
    single: bool,
    simulator_port: int,
    inbox_port: int | None,
    price: float,
    catalogue: Path | None,
) -> None:
    """Run Redis, a simulated Aliyun with an inbox, and workers for your own web application, until Ctrl-C."""
    need_extras("worker", "simulator", "server")
    if inbox_port is None:
        inbox_port = simulator_port and simulator_port + 2
    ports = (simulator_port, inbox_port)
    with suppress(_Ended):
        _run(screen, app, single=single, ports=ports, price=price, catalogue=catalogue)
    screen.line(tr("Everything is stopped."))


class _Ended(Exception):
    """Ctrl-C while everything ran: the way in which `dev` is meant to end."""


def _run(
    screen: Screen,
    app: Path | None,
    *,
    single: bool,
    ports: tuple[int, int],
    price: float,
    catalogue: Path | None,
) -> None:
    with ending_in_order(), ExitStack() as stack:
        redis = EmbeddedRedis()
        stack.enter_context(_alone_in(redis.directory))
        with screen.working(tr("Starting Redis, a simulated Aliyun and the workers")):
            redis_url = hold_redis(stack, lambda: redis)
            logs = redis.directory / "logs"
            logs.mkdir(exist_ok=True)
            servers = stack.enter_context(Children(logs, grace_s=5))
            inbox = _start_inbox(servers, logs, ports[1], redis_url, price)
            simulator = _start_simulator(servers, logs, ports[0], catalogue, inbox)
            app = _find_app(app, redis.directory)
            env = worker_environment(redis_url=redis_url, app=app, SMS_SIMULATOR_URL=simulator.url)
            report = _check(app, env)
            workers = stack.enter_context(Children(logs, grace_s=15))
            for name, queues in _workers(single=single).items():
                start_worker(workers, name, queues, env)
            wait_for_workers(workers, redis_url)
            wait_for_inbox(servers, inbox)
        groups = (servers, workers)
        _tell(screen, report, simulator, inbox, redis.directory, groups)
        try:
            _watch(screen, simulator, groups)
        except KeyboardInterrupt:
            raise _Ended from None
        finally:
            screen.line("\n" + tr("Stopping the workers, the simulator and Redis ..."))


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Keeps a second `dev` out of the directory. It would take the messages of the first and overwrite its logs.

    Raises:
        CommandFailed: Another `dev` uses the directory.
        SettingsError: The directory cannot be written to.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (directory / "dev.lock").open("w")
    except OSError as error:
        raise SettingsError(str(UnusableDirectory(directory, error))) from None
    # The kernel releases the lock when this process ends, however it ends. No child inherits it.
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandFailed(
                tr(
                    "another smsjobs dev runs in {directory}: end it first, or set SMS_EMBEDDED_DIR to another "
                    "directory and choose another --simulator-port",
                    directory=directory,
                ),
                "already_running",
            ) from None
        yield


def _start_inbox(servers: Children, directory: Path, port: int, redis_url: str, price: float) -> Inbox:
    # First: the simulator has to know where receipts go.
    file = directory / _SIMULATOR_FILE
    try:
        return start_inbox(servers, port=port, simulator_file=file, redis_url=redis_url, price=price)
    except OSError as error:
        raise CommandFailed(
            tr(
                "the inbox cannot have port {port} ({why}); choose another with --inbox-port",
                port=port,
                why=error.strerror,
            ),
            "cannot_listen",
        ) from None


def _start_simulator(
    servers: Children, directory: Path, port: int, catalogue: Path | None, inbox: Inbox
) -> Simulator:
    ready_file = directory / _SIMULATOR_FILE
    arguments = ["--port", str(port), "--control-port", str(port and port + 1)]
    arguments += ["--set", f"callback_url={inbox.receipts_url}"]
    if catalogue is not None:
        arguments += ["--catalogue", str(catalogue.absolute())]
    start_simulator(servers, ready_file, arguments)
    try:
        return wait_for_simulator(servers, ready_file)
    except CommandFailed as failure:
        told = tr(
            "{error}. Its port is set with --simulator-port, and the next one is its control API",
            error=failure,
        )
        raise CommandFailed(told, failure.reason, log=failure.log) from None


def _find_app(chosen: Path | None, directory: Path) -> Path:
    """The app that was named, or the example. The example is made once; then the user may change it."""
    if chosen is not None:
        return chosen.absolute()
    example = directory / "app"
    if not (example / "SMS").exists():
        write_element(example, _EXAMPLE, "示例短信", _EXAMPLE_ACCOUNT)
    return example


def _check(app: Path, env: Mapping[str, str]) -> dict[str, Any]:
    """Check that workers can start with the app. Their own refusal would only stand in a log."""
    report = read_elements(app, env)
    broken = [each["name"] for each in report["elements"] if each["state"] == "problem"]
    if broken:
        raise CommandFailed(
            tr(
                "workers would not start, because of {names}: {command}",
                names=", ".join(broken),
                command=f"smsjobs elements --app {shlex.quote(str(app))}",
            ),
            "element_invalid",
        )
    return report


def _workers(*, single: bool) -> dict[str, list[str]]:
    # One process for each lane, with the worker's own 32 threads, sends 300 messages a second at Aliyun's 0.1 s
    # (measured). Development needs no more, and each further process costs 80 MB and another import of the SDK.
    if single:
        return {"all": [lane.queue for lane in LANES.values()]}
    return {name: [lane.queue] for name, lane in LANES.items()}


def _tell(
    screen: Screen,
    report: Mapping[str, Any],
    simulator: Simulator,
    inbox: Inbox,
    directory: Path,
    groups: tuple[Children, ...],
) -> None:
    elements = report["elements"]
    environment = {
        "SMS_BROKER_URL": "embedded",
        "SMS_EMBEDDED_DIR": str(directory),
        "SMS_APP": report["app"],
        "SMS_SIMULATOR_URL": simulator.url,
        "SMS_INBOX_URL": inbox.url,
        "SMS_CODE_SECRET": _code_secret(directory),
    }
    file = _write_environment(directory, environment)
    screen.document(
        {
            "environment": environment,
            "environment_file": str(file),
            "inbox": f"{inbox.url}/inbox",
            "elements": [{"name": each["name"], "endpoint": each["endpoint"]} for each in elements],
            "simulator": {"url": simulator.url, "control_url": simulator.control_url},
            "processes": {each.name: each.process.pid for group in groups for each in group},
            "logs": str(directory / "logs"),
        }
    )
    screen.pairs(
        [
            (tr("Inbox"), f"{inbox.url}/inbox"),
            (tr("App"), report["app"]),
            (tr("Elements"), ", ".join(each["name"] for each in elements)),
            (
                tr("Simulator"),
                tr("{url}  (control API: {control})", url=simulator.url, control=simulator.control_url),
            ),
            (tr("Workers"), ", ".join(each.name.removesuffix(" worker") for each in groups[-1])),
            (tr("Logs"), str(directory / "logs")),
            (
                "Redis",
                tr("its URL, for a plain Celery client: {command}", command="python -m smsjobs.embedded"),
            ),
        ]
    )
    for each in elements:
        if each["endpoint"] != simulator.url:
            where = each["endpoint"] or tr("where its Type says")
            screen.line(
                tr("Warning: {name} sends to {where}, not to the simulator.", name=each["name"], where=where),
                style="yellow",
            )
    screen.line("\n" + tr("For your web application, and for smsjobs in other shells:") + "\n")
    screen.line(f'  eval "$(cat {shlex.quote(str(file))})"', exact=True)
    screen.line("\n" + tr("Try it in such a shell:") + "\n")
    screen.line(f"  smsjobs send --element {elements[0]['name']} --template SMS_100000001 \\", exact=True)
    screen.line("      --param code=123456 13800138000", exact=True)
    screen.line(
        "\n" + tr("Ctrl-C ends everything. Messages that the simulator accepts are shown here:") + "\n"
    )


def _write_environment(directory: Path, environment: Mapping[str, str]) -> Path:
    """The file that a shell evaluates. It has a secret, so nobody else may read it."""
    file = directory / "env"
    file.touch(mode=0o600)
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()]
    file.write_text("".join(lines), encoding="utf-8")
    return file


def _code_secret(directory: Path) -> str:
    """A key for verification codes. It is made once, so that codes survive a restart, as jobs do."""
    file = directory / "code-secret"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(32), encoding="utf-8")
    return file.read_text(encoding="utf-8")


def _watch(screen: Screen, simulator: Simulator, groups: tuple[Children, ...]) -> None:
    """Show messages as they are accepted, until a child ends or Ctrl-C is pressed."""
    seen = 0
    while True:
        for group in groups:
            group.check()
        try:
            items = simulator.accepted(after=seen)
        except OSError:
            items = []  # the next check tells whether the simulator has ended
        seen += len(items)
        for item in items:
            screen.line(f"{time.strftime('%H:%M:%S')}  {_shown(item)}")
        time.sleep(_LOOK_S)


def _shown(item: Mapping[str, Any]) -> str:
    """A request on one line: its first number, how many more there are, and the text for the first one."""
    first, *others = item["phones"]
    text = item["text"] if isinstance(item["text"], str) else item["text"][0]
    more = f" +{len(others)}" if others else ""
    return f"{mask_phone(first)}{more}  {text}"

"""The command ``aliyun-sms-simulator``."""

import argparse
import asyncio
import contextlib
import errno
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aliyun_sms_simulator.catalogue import Catalogue
from aliyun_sms_simulator.language import Formatter, Wrong, speaking, tr
from aliyun_sms_simulator.settings import Settings

__all__ = ["main", "parser"]


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line, in the language that is spoken."""
    made = argparse.ArgumentParser(
        prog="aliyun-sms-simulator",
        description=tr(
            "An Alibaba Cloud SMS endpoint for localhost. The official SDK works with it, and it sends no message."
        ),
        epilog=tr(
            'To use it, add "endpoint": "http://127.0.0.1:9400" to sms.json of your application. Without --catalogue it accepts '
            "the access keys your_access_key/your_access_secret and demo_access_key/demo_access_secret, any signature, and any "
            "template named SMS_ and digits. It never sends anything to a phone. Faults, clock and record are on the control "
            "port: see docs/simulator.md."
        ),
        formatter_class=Formatter,
    )
    add = made.add_argument
    add(
        "--host",
        default="127.0.0.1",
        help=tr("address to listen on (%(default)s); keep it private, because there are no passwords"),
    )
    add("--port", type=_port, default=9400, help=tr("port of the endpoint, 0 for a free one (%(default)s)"))
    add(
        "--control-port",
        type=_port,
        default=9401,
        help=tr("port of the control API, 0 for a free one (%(default)s)"),
    )
    add(
        "--verify-port",
        type=_port,
        help=tr("port of the verification product's endpoint (Dypnsapi), 0 for a free one; none without"),
    )
    add(
        "--catalogue",
        metavar="FILE",
        help=tr("JSON file with accounts, signatures and templates; each list in it is complete"),
    )
    add(
        "--account",
        action="append",
        default=[],
        metavar="KEY:SECRET",
        help=tr("one more access key; may be repeated"),
    )
    add("--flow-control", action="store_true", help=tr("limit messages for each number as Aliyun does"))
    add(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=tr("a setting, as in latency_ms=50; may be repeated"),
    )
    add(
        "--show-messages",
        action="store_true",
        help=tr("print each accepted message, number and text included"),
    )
    add("--ready-file", metavar="FILE", help=tr("write url, control_url and pid there as JSON when ready"))
    add("--magic", action="store_true", help=tr("print the table of magic phone numbers and end"))
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command until SIGINT or SIGTERM.

    Args:
        argv: arguments without the command's name; None takes the process's own.

    Returns:
        The exit status: 0 after a signal, 1 if it could not start or if nobody reads its output, 2 for wrong usage.
    """
    try:
        with speaking():
            return _main(parser().parse_args(argv))
    except KeyboardInterrupt:
        return 0  # the signal came before the server was started
    except BrokenPipeError:
        # The reader of our output is gone. Without this, Python would fail at its end to write what is buffered.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _main(arguments: argparse.Namespace) -> int:
    if arguments.magic:
        return _magic()
    try:
        catalogue = _catalogue(arguments)
        settings = Settings().changed(_settings(arguments))
    except Wrong as error:
        return _fail(tr(error), 2)
    try:
        return asyncio.run(_run(arguments, catalogue, settings))
    except ImportError as error:
        if error.name != "aiohttp":
            raise
        return _fail(tr("aiohttp is missing; install it with: pip install 'smsjobs[simulator]'"), 1)
    except BrokenPipeError:
        raise
    except OSError as error:
        return _fail(_startup_error(error, arguments), 1)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(tr("a port is a number from 0 to 65535"))
    return int(text)


async def _run(arguments: argparse.Namespace, catalogue: Catalogue, settings: Settings) -> int:
    from aliyun_sms_simulator.server import Server  # noqa: PLC0415  --help must work without aiohttp
    from aliyun_sms_simulator.world import World  # noqa: PLC0415  --help must work without aiohttp

    ending = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Not in a thread and not on Windows; there KeyboardInterrupt ends it.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            asyncio.get_running_loop().add_signal_handler(number, ending.set)
    world = World(catalogue, settings)
    if arguments.show_messages:
        world.on_accept = lambda accepted: _show(world, accepted)
    server = Server(world)
    await server.start(arguments.host, arguments.port, arguments.control_port, arguments.verify_port)
    try:
        where = {"url": server.url, "control_url": server.control_url}
        if server.verify_url:
            where["verify_url"] = server.verify_url
        if arguments.ready_file:
            _write_ready(Path(arguments.ready_file), where)
        _say(tr("Aliyun SMS simulator: endpoint {url}, control {control_url}", **where))
        if server.verify_url:
            _say(tr("Verification product (Dypnsapi): endpoint {verify_url}", **where))
        if not arguments.show_messages:
            _say(tr("Add --show-messages to see each message here. Ctrl-C ends it."))
        await ending.wait()
    finally:
        await server.stop()
    return 0


def _catalogue(arguments: argparse.Namespace) -> Catalogue:
    catalogue = Catalogue.read(arguments.catalogue) if arguments.catalogue else Catalogue()
    pairs = [text.partition(":") for text in arguments.account]
    if not all(key and secret for key, _, secret in pairs):
        raise Wrong("--account needs KEY:SECRET")
    return catalogue.with_accounts({key: secret for key, _, secret in pairs})


def _settings(arguments: argparse.Namespace) -> dict[str, Any]:
    changes: dict[str, Any] = {"flow_control": True} if arguments.flow_control else {}
    for text in arguments.set:
        name, equals, value = text.partition("=")
        if not equals:
            raise Wrong("--set needs NAME=VALUE")
        try:
            changes[name] = json.loads(value)
        except ValueError:
            changes[name] = (
                value  # a text, such as a URL; the settings refuse it where they need something else
            )
    return changes


def _startup_error(error: OSError, arguments: argparse.Namespace) -> str:
    port = error.filename
    if error.errno != errno.EADDRINUSE:
        return tr(
            "cannot listen on {host} port {port}: {why}; choose others with --host and the port options",
            host=arguments.host,
            port=port,
            why=error.strerror,
        )
    options = {arguments.control_port: "--control-port", arguments.verify_port: "--verify-port"}
    option = options.get(port, "--port")
    return tr(
        "port {port} is in use, perhaps by another simulator; stop that one, or choose another with {option} (0 takes a free one)",
        port=port,
        option=option,
    )


def _write_ready(path: Path, where: dict[str, Any]) -> None:
    # Renamed into place, so that nobody can read half of the file.
    written = path.with_name(f".{path.name}.{os.getpid()}")
    written.write_text(json.dumps({**where, "pid": os.getpid()}), encoding="utf-8")
    written.replace(path)


def _show(world: Any, accepted: Any) -> None:
    for index, phone in enumerate(accepted.phones):
        text = world.catalogue.text(
            accepted.template_code, accepted.sign_name(index), accepted.params_of(index)
        )
        # It may hold escape codes, which are not for this terminal.
        _say("".join(each if each.isprintable() else "\ufffd" for each in f"{phone}  {text}"))


def _magic() -> int:
    from aliyun_sms_simulator.magic import MAGIC  # noqa: PLC0415  only this option needs it

    for phone, (fault, *_) in MAGIC.items():
        facts = {
            name: value for name, value in fault.to_json().items() if name not in ("kind", "times", "phone")
        }
        _say(
            f"{phone}  {fault.kind:<16} {'  '.join(f'{name}={value}' for name, value in facts.items())}".rstrip()
        )
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _fail(why: str, status: int) -> int:
    sys.stderr.write(f"aliyun-sms-simulator: {why}\n")
    return status

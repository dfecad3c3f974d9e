"""What the command ``smsjobs`` asks of the worker's side: ``python -m smsjobs_worker.watching.inspection``, JSON on standard output.

It is another process because a producer never imports the worker.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from smsjobs.contract import InvalidArguments
from smsjobs.settings import SettingsError
from smsjobs_worker.aliyun import AliyunSms
from smsjobs_worker.elements import App, LoadedElement, Problem, loaded
from smsjobs_worker.elements.files import Reads
from smsjobs_worker.elements.node import read_chain
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.provider import LookupFailed, Provider
from smsjobs_worker.watching.doctor import examine

__all__ = ["list_elements", "list_findings", "list_templates", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Write one JSON document and give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m smsjobs_worker.watching.inspection", description=__doc__)
    commands = parser.add_subparsers(required=True, dest="command")
    elements = commands.add_parser("elements", help="all elements of an app, and what is wrong with them")
    elements.add_argument("--app", default=".", help="the directory that holds SMS/")
    commands.add_parser("doctor", help="whether this installation is safe to send with")
    templates = commands.add_parser("templates", help="what is known of an element's templates")
    templates.add_argument("--app", default=".", help="the directory that holds SMS/")
    templates.add_argument("--element", required=True, help="its full name")
    templates.add_argument("--code", help="one of them, with its signature; else a list of all")
    arguments = parser.parse_args(argv)
    try:
        if arguments.command == "templates":
            document, status = list_templates(arguments.app, arguments.element, arguments.code), 0
        elif arguments.command == "doctor":
            document, status = list_findings(), 0
        else:
            document, status = list_elements(arguments.app), 0
    except InvalidArguments as error:
        document, status = {"error": error.to_json()}, 1
    except LookupFailed as failure:
        document, status = {"error": {"reason": failure.reason, "message": failure.detail}}, 1
    except SettingsError as error:
        document, status = {"error": {"reason": "settings", "message": str(error)}}, 1
    # Escaped, so that no locale can spoil it.
    sys.stdout.write(json.dumps(document) + "\n")
    return status


def list_elements(path: str) -> dict[str, Any]:
    """Every SMS Instance of the app, loaded as a worker loads it, and every problem.

    Raises:
        InvalidArguments: There is no such app.
    """
    app = App(path)
    problems: dict[str, list[Problem]] = {}
    for each in app.check():
        problems.setdefault(each.element, []).append(each)
    found = {each.fullName: each for each in app.elements()}
    names = sorted({*found, *problems})
    return {
        "app": str(app.path),
        "elements": [_describe(name, found.get(name), problems.get(name, [])) for name in names],
    }


def list_templates(path: str, name: str, code: str | None) -> dict[str, Any]:
    """What an element's provider knows of one template and the element's signature, or of all templates.

    Raises:
        InvalidArguments: There is no such app or element, or it does not load.
        LookupFailed: The provider does not know it, or does not answer.
    """
    thing = loaded(App(path).getElement(name))
    provider = thing if isinstance(thing, Provider) else None
    if provider is None or not provider.knows_templates:
        raise LookupFailed("no_templates", "the element's type knows nothing of templates")
    found = provider.templates() if code is None else [provider.template(code)]
    return {"element": name, "templates": [each.to_json() for each in found]}


def list_findings() -> dict[str, Any]:
    """What the doctor finds, with the environment's settings.

    Raises:
        SettingsError: A setting is wrong.
    """
    findings = [each.to_json() for each in examine(WorkerSettings.read())]
    worst = max((_VERDICTS.index(each["verdict"]) for each in findings), default=0)
    return {"verdict": _VERDICTS[worst], "findings": findings}


_VERDICTS = ("good", "doubtful", "bad")


def _describe(name: str, element: LoadedElement | None, problems: list[Problem]) -> dict[str, Any]:
    state = _state(problems)
    return {
        "name": name,
        "title": str(element.define.get("title", "")) if element else "",
        "types": [each.fullName for each in read_chain(element.app, name, Reads())[1:]] if element else [],
        "state": state,
        "endpoint": _endpoint(element) if element and state != "problem" else None,
        "problems": [
            {"file": each.file, "key": each.key, "cause": each.cause, "hint": each.hint, "level": each.level}
            for each in problems
        ],
    }


def _endpoint(element: LoadedElement) -> str | None:
    """Where an element of the official Type sends to. Of others it is unknown."""
    thing = loaded(element)
    return thing.account.endpoint.url if isinstance(thing, AliyunSms) else None


def _state(problems: list[Problem]) -> str:
    if any(each.level == "error" for each in problems):
        return "problem"
    return "warning" if problems else "ok"


if __name__ == "__main__":
    sys.exit(main())

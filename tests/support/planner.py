"""An application that starts a campaign, and is killed at a step of its planning: "before write 2", "after create 1"."""

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from smsjobs import connect
from smsjobs.campaign import Order, campaign_store, start


class Mortal:
    """A store of campaigns whose caller dies before or after a certain call of one of its steps."""

    def __init__(self, store: Any, dies: str) -> None:
        self._store, self._dies, self._calls = store, dies, Counter[str]()

    def __getattr__(self, step: str) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            self._calls[step] += 1
            self._may_die("before", step)
            answer = getattr(self._store, step)(*args, **more)
            self._may_die("after", step)
            return answer

        return call

    def _may_die(self, when: str, step: str) -> None:
        if self._dies == f"{when} {step} {self._calls[step]}":
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Start the campaign of the command line, and print its id."""
    path, template, name, dies, page_size = sys.argv[1:]
    order = replace(Order.read(path, template, {"event": "维护"}), page_size=int(page_size))
    store: Any = Mortal(campaign_store(connect().connection), dies)
    print(start(store, order, element="SMS.Example", name=name).id)

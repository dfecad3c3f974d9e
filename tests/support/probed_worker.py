"""The product's worker with a hand on its points: ``POINT=after_claim=kill celery -A support.probed_worker worker``.

What is installed knows nothing of this: the ledger's steps are wrapped from outside, and Celery tells when a task ends.
"""

import os
from collections.abc import Callable
from typing import Any

from celery.signals import task_postrun

from smsjobs.ledger import Granted, Ledger
from smsjobs_worker import create_app
from support.points import Points


def wrap(ledger: Ledger, points: Points) -> None:
    """Have the points passed before and after the ledger's steps."""
    claim, settle, wait, put_back = ledger.claim, ledger.settle, ledger.wait, ledger.put_back

    def claimed(*args: Any, **more: Any) -> Any:
        points.pass_("before_claim")
        answer = claim(*args, **more)
        if isinstance(answer, Granted):
            points.pass_("after_claim")
        return answer

    def settled(*args: Any, **more: Any) -> Any:
        points.pass_("after_answer")
        answer = settle(*args, **more)
        points.pass_("after_settle")
        return answer

    def answered(step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **more: Any) -> Any:
            points.pass_("after_answer")
            return step(*args, **more)

        return run

    write_member = ledger.write_member

    def member_written(*args: Any, **more: Any) -> Any:
        answer = write_member(*args, **more)
        # The member that refuses everybody comes first.
        if not args[2].endswith("Poor"):
            points.pass_("after_member")
        return answer

    ledger.write_member = member_written  # type: ignore[method-assign]
    steps = {"claim": claimed, "settle": settled, "wait": answered(wait), "put_back": answered(put_back)}
    for name, step in steps.items():
        setattr(ledger, name, step)


app = create_app()

if told := os.environ.get("POINT"):
    _points = Points(told)
    wrap(app.runtime.ledger, _points)

    @task_postrun.connect(weak=False)
    def before_ack(*, state: str, **_: Any) -> None:
        """A task has its result, and its message is not acknowledged yet."""
        if state in ("SUCCESS", "FAILURE"):
            _points.pass_("before_ack")

"""Steps in any order: state machines that hypothesis drives."""

import os
from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

#: How many runs of each machine. Many more, for a change of a script:
#: ``SMS_TEST_EXAMPLES=2000 make test ARGS="-k any_order --timeout 0"``.
EXAMPLES = int(os.environ.get("SMS_TEST_EXAMPLES", "30"))


def play(machine: Callable[[], RuleBasedStateMachine]) -> None:
    """Run fresh machines, each through up to 50 steps, and fail with the shortest sequence that breaks one."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=50,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

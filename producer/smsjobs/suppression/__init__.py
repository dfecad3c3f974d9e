"""Numbers that must not be sent to: for promotional messages, or for all. `sms.suppression` is its face to applications.

A number is checked when its job is enqueued, and again just before each request.
"""

from typing import TYPE_CHECKING

from smsjobs.on_demand import on_demand
from smsjobs.suppression.numbers import LIST_ITEM, ListDamaged, SuppressedNumbers
from smsjobs.suppression.values import Suppressed, check_scope, suppressed_error

if TYPE_CHECKING:
    from smsjobs.suppression.feeding import Feeding
    from smsjobs.suppression.suppression import Suppression
else:
    # Whoever enqueues only asks the list.
    __getattr__ = on_demand(__name__, feeding=("Feeding",), suppression=("Suppression",))

__all__ = [
    "LIST_ITEM",
    "Feeding",
    "ListDamaged",
    "Suppressed",
    "SuppressedNumbers",
    "Suppression",
    "check_scope",
    "suppressed_error",
]

"""Numbers that must not be sent to: for promotional messages, or for all. `sms.suppression` is its face to applications.

A number is checked when its job is enqueued, and again just before each request.
"""

from smsjobs.suppression.feeding import Feeding
from smsjobs.suppression.numbers import LIST_ITEM, ListDamaged, SuppressedNumbers
from smsjobs.suppression.suppression import Suppression
from smsjobs.suppression.values import Suppressed, check_scope, suppressed_error

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

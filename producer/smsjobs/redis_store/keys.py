"""Names of keys. All that belongs to one element shares its tag in braces, so that a Redis Cluster keeps it on one node.

=======================  ======  ============================================================
``sms:elements``         hash    tag -> full name, of every element that something was sent on
``sms:at:<job id>``      string  the tag of a job whose id a plain Celery client chose
``sms:{<tag>}:…``                everything else: the rooms' scripts name it
=======================  ======  ============================================================
"""

from __future__ import annotations

from typing import Final

from smsjobs.contract import KEY_PREFIX

__all__ = ["ELEMENTS", "NO_ELEMENT", "key", "pointer"]

#: Every element that something was sent on.
ELEMENTS: Final = f"{KEY_PREFIX}:elements"

#: The tag of what belongs to no element, such as a message that cannot be read. No element has it: 0 is in no tag.
NO_ELEMENT: Final = "000000"


def key(tag: str, *parts: str) -> str:
    """A key of the element of that tag."""
    return ":".join((f"{KEY_PREFIX}:{{{tag}}}", *parts))


def pointer(job_id: str) -> str:
    """The key that tells the tag of a job whose id does not."""
    return f"{KEY_PREFIX}:at:{job_id}"

"""Names of keys. All keys of one element share its tag in braces, so a Redis Cluster keeps them on one node.

=======================  ======  ============================================================
``sms:elements``         hash    tag -> full name, of every element that has had a job
``sms:offered``          zset    which elements workers have; see `smsjobs.offers`
``sms:qps…``             list    the windows of ``maxQps``, written by the library limits
``sms:at:<job id>``      string  the tag of a job whose id a plain Celery client chose
``sms:replicated…``      string  written before each wait for replicas; its value means nothing
``sms:whole:…``                  never exists; see `smsjobs.redis_store.cluster`
``sms:{<tag>}:…``                everything else; the rooms' scripts describe it
=======================  ======  ============================================================
"""

from __future__ import annotations

from typing import Final

from smsjobs.contract import KEY_PREFIX

__all__ = ["ELEMENTS", "NO_ELEMENT", "OFFERED", "key", "pointer"]

#: Every element that has had a job.
ELEMENTS: Final = f"{KEY_PREFIX}:elements"

#: Which elements workers have.
OFFERED: Final = f"{KEY_PREFIX}:offered"

#: The tag of what belongs to no element, such as an unreadable message. No element has it, because no tag contains a 0.
NO_ELEMENT: Final = "000000"


def key(tag: str, *parts: str) -> str:
    """Return a key of the element with this tag."""
    return ":".join((f"{KEY_PREFIX}:{{{tag}}}", *parts))


def pointer(job_id: str) -> str:
    """Return the key that holds the tag of a job, for ids that do not contain it."""
    return f"{KEY_PREFIX}:at:{job_id}"

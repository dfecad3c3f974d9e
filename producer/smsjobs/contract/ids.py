"""Ids of jobs, campaigns and chunks. Each holds its element's tag, which says where in Redis it is kept.

==========  ==================================================  =======================================
job         ``<tag>-<UUID>``                                    or whatever a plain Celery client chose
campaign    ``<name>-<tag><six more>``                          the same name gives the same id
chunk       ``<campaign>-<generation>-<name>``                  the job of a campaign
==========  ==================================================  =======================================
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from functools import lru_cache
from typing import Final

__all__ = ["campaign_id", "chunk_id", "element_tag", "is_tag", "new_job_id", "tag_of_campaign", "tag_of_job"]

#: The length of a tag. Among a million elements some share one, which does no harm.
_LENGTH: Final = 6

#: What a campaign's id does not take from its name.
_READABLE: Final = re.compile(r"[^A-Za-z0-9]+")

_TAG: Final = f"([a-z2-7]{{{_LENGTH}}})"
_JOB: Final = re.compile(f"{_TAG}-[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}")
_CAMPAIGN: Final = re.compile(f"[a-zA-Z0-9-]+-{_TAG}[a-z2-7]{{{_LENGTH}}}")
_CHUNK: Final = re.compile(rf"{_CAMPAIGN.pattern}-[0-9a-z]{{8,}}-[0-9]+[ab]*")


@lru_cache(maxsize=1024)
def element_tag(full_name: str) -> str:
    """The tag of an element. All that Redis keeps of the element is on one node of a Redis Cluster."""
    return _digest(full_name)[:_LENGTH]


def is_tag(text: str) -> bool:
    """Whether the text may be an element's tag."""
    return re.fullmatch(_TAG, text) is not None


def new_job_id(element: str) -> str:
    """A new id for a job of that element."""
    return f"{element_tag(element)}-{uuid.uuid4()}"


def tag_of_job(job_id: str) -> str | None:
    """The tag in the id of a job or a chunk; None for an id that a plain Celery client chose."""
    found = _JOB.fullmatch(job_id) or _CHUNK.fullmatch(job_id)
    return found[1] if found else None


def campaign_id(element: str, name: str) -> str:
    """The id of the campaign of that name on that element. It begins with the name, as far as an id can show it."""
    readable = _READABLE.sub("-", name).strip("-").lower()[:24].strip("-") or "campaign"
    return f"{readable}-{element_tag(element)}{_digest(element, name)[:_LENGTH]}"


def tag_of_campaign(campaign_id: str) -> str | None:
    """The tag in a campaign's id; None where it is not a valid id."""
    found = _CAMPAIGN.fullmatch(campaign_id)
    return found[1] if found else None


def chunk_id(campaign_id: str, generation: str, name: str) -> str:
    """The id of a chunk's job, which is its OutId too. Lua's `chunk_id` makes the same.

    Args:
        campaign_id: The campaign's id. A later campaign of the same name has the same.
        generation: Tells such campaigns apart.
        name: The chunk's number, counted from 0 over the whole campaign. For a half of a refused chunk a letter follows,
            ``a`` or ``b``, and for a half of that one more.
    """
    return f"{campaign_id}-{generation}-{name}"


def _digest(*texts: str) -> str:
    # Any text has an id: the shell shows the id before `start` refuses a name that is not valid.
    whole = "\0".join(texts).encode("utf-8", "surrogatepass")
    return base64.b32encode(hashlib.sha256(whole).digest()).decode("ascii").lower()

"""Names of keys in Redis, for tests that look into it or damage it."""

from smsjobs.contract import element_tag, tag_of_campaign, tag_of_job
from smsjobs.redis_store import key

__all__ = ["agenda", "campaign_key", "campaigns", "in_element", "job_key", "open_campaigns"]


def agenda(element: str = "SMS.Test") -> str:
    """What the sweep of an element goes by."""
    return key(element_tag(element), "agenda")


def in_element(name: str, element: str = "SMS.Test") -> str:
    """A key of an element by the rest of its name."""
    return key(element_tag(element), name)


def campaigns(element: str = "SMS.Test") -> str:
    """All campaigns of an element."""
    return key(element_tag(element), "campaigns")


def open_campaigns(element: str = "SMS.Test") -> str:
    """The campaigns of an element that have something to be sent."""
    return key(element_tag(element), "campaigns", "open")


def job_key(job_id: str, element: str = "SMS.Test") -> str:
    """A job's entry. The element counts where the id does not tell it."""
    return key(tag_of_job(job_id) or element_tag(element), "job", job_id)


def campaign_key(campaign_id: str, *parts: str) -> str:
    """One of a campaign's keys."""
    tag = tag_of_campaign(campaign_id)
    assert tag is not None
    return key(tag, "campaign", campaign_id, *parts)

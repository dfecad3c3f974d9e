"""A planner: one call that reads a campaign's file and writes its plan. Several may be at the same plan."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Planner"]


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Who writes which campaign's plan, as `CampaignStore.create` gives it."""

    campaign_id: str
    #: The campaign's own: what was written for an earlier campaign of the name is not written into this one.
    generation: str
    #: Tells it from the others that are at the same plan.
    token: str
    #: Keys the digests of its pages, where recipients are sealed; else empty.
    secret: str = field(repr=False)

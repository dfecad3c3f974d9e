"""A planner: one call that reads a campaign's file and writes its plan. Several may write the same plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Planner"]


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Who writes which campaign's plan, as `CampaignStore.create` returns it."""

    campaign_id: str
    #: Distinguishes this campaign from an earlier one of the same name. A page of the earlier one is refused.
    generation: str
    #: Distinguishes this planner from others that write the same plan.
    token: str
    #: The secret of the digests of its pages, if recipients are sealed; else empty.
    secret: str = field(repr=False)
    #: The types of the template's variables that were known when the campaign was begun.
    types: Mapping[str, str] = field(default_factory=dict)
    #: Whether a row with a value that does not fit them stops it, as it was set then.
    strict_types: bool = False

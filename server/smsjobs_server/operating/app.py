"""The operator's pages as one application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette

from smsjobs.days import Days
from smsjobs_server.access import Access, Audit
from smsjobs_server.operating.audit_page import AuditPage
from smsjobs_server.operating.campaigns import Campaigns
from smsjobs_server.operating.desk import Desk
from smsjobs_server.operating.installation import Installation
from smsjobs_server.operating.jobs import Jobs
from smsjobs_server.operating.overview import Overview
from smsjobs_server.operating.suppression_page import SuppressionPage
from smsjobs_server.pages import Pages, Secured

if TYPE_CHECKING:
    from smsjobs import Sms
    from smsjobs_server.access import AccessSettings
    from smsjobs_server.figures import Sample

__all__ = ["OperatorPages"]


class OperatorPages:
    """The pages.

    Args:
        sms: What `smsjobs.connect` gave.
        settings: Who may see them.
        samples: Gives the ledger's figures, which are read once for all who ask.
    """

    def __init__(
        self, sms: Sms, settings: AccessSettings, samples: Callable[[], Awaitable[Sequence[Sample]]]
    ) -> None:
        pages = Pages("smsjobs_server.operating", "smsjobs_server.access")
        access = Access(settings, pages)
        desk = Desk(sms, access, Audit(sms.connection.redis()), pages)
        self._overview = Overview(desk, samples, Days(sms.connection.redis()))
        self._campaigns = Campaigns(desk)
        parts = (
            self._overview,
            Jobs(desk),
            self._campaigns,
            SuppressionPage(desk),
            Installation(desk),
            AuditPage(desk),
        )
        routes = [*access.routes(), *(route for part in parts for route in part.routes()), pages.static]
        app = Starlette(routes=routes, middleware=access.middleware())
        app.router.redirect_slashes = False
        #: The ASGI application.
        self.app: Any = Secured(app)

    def close(self) -> None:
        """End what would go on for as long as a page is open."""
        self._overview.live.close()
        self._campaigns.close()

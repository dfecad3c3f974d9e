"""Who may see the operator's pages, and who may act there.

Nothing lets anybody in by default. A token of a role, a header of a reverse proxy, or OpenID Connect does, each by its
settings. Whatever is not sure fails closed. What somebody does is written down before it is done: `Audit`.
"""

from smsjobs_server.access.access import Access
from smsjobs_server.access.audit import Audit, Entry
from smsjobs_server.access.settings import AccessSettings
from smsjobs_server.access.visitors import Role, Visitor

__all__ = ["Access", "AccessSettings", "Audit", "Entry", "Role", "Visitor"]

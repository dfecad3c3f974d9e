"""The developer's inbox: what the simulated phones saw, as a page and as JSON for tests. `smsjobs dev` starts it.

It keeps nothing. The simulator knows what was sent, and the ledger why something was not.
"""

from smsjobs_server.inbox.app import Inbox

__all__ = ["Inbox"]

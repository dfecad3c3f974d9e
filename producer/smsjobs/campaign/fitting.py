"""Whether a campaign fits what is known of its template. What would be refused for all is refused before it begins.

What is known changes nothing in the plan, so the same call finds the same campaign, whenever that was learned.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import RedisError

from smsjobs.campaign.store import campaign_store
from smsjobs.contract import InvalidArguments, campaign_id
from smsjobs.templates import TYPES, Template

if TYPE_CHECKING:
    from smsjobs.campaign.start import Order
    from smsjobs.connection import Connection

__all__ = ["find_misfits", "learn_template", "refuse_unfit"]

#: Seconds to wait for a worker, where there is one.
_LEARN_S: Final = 5.0

#: The states with which Aliyun refuses every message, in words.
_NOT_APPROVED: Final = {"in_review": "still in review", "refused": "refused", "cancelled": "cancelled"}


def refuse_unfit(
    connection: Connection, order: Order, *, element: str, name: Any, promotional: bool | None
) -> None:
    """Refuse a new campaign that does not fit its template. One that has begun is left alone.

    Where nothing is known, Redis does not tell, or ``SMS_PREFLIGHT`` is ``off``, every campaign passes.

    Raises:
        InvalidArguments: It does not fit. Nothing was sent.
    """
    if connection.settings.preflight == "off" or not isinstance(name, str):
        return
    if _has_begun(connection, campaign_id(element, name.strip())):
        return
    template = learn_template(connection, element, order.template)
    for each in find_misfits(order, template, promotional) if template else ():
        raise each


def learn_template(connection: Connection, element: str, code: str) -> Template | None:
    """What is known of the template. A worker, where there is one, has some seconds to learn it."""
    if connection.settings.preflight == "off":
        return None
    try:
        timeout_s = _LEARN_S if connection.offers.lanes() else 0.0
        return connection.templates.wait_for(element, code, timeout_s=timeout_s)
    except RedisError:
        return None


def find_misfits(order: Order, template: Template, promotional: bool | None) -> Iterator[InvalidArguments]:
    """Why Aliyun would refuse every message of the campaign, or what has to be said first."""
    about, code = InvalidArguments.about, template.code
    if template.state in _NOT_APPROVED:
        yield about(
            "verifyTemplateCode", f"is not approved: Aliyun has {code} as {_NOT_APPROVED[template.state]}"
        )
    if template.signature and template.signature.state in _NOT_APPROVED:
        state = _NOT_APPROVED[template.signature.state]
        yield InvalidArguments(f"the element's signature is not approved: Aliyun has it as {state}")
    given = {**order.recipients.shared, **dict.fromkeys(order.recipients.names)}
    missing = [name for name in template.variables if name not in given]
    if missing and template.text:
        yield about("params", f"lack what {code} asks for: {', '.join(missing)}")
    for name, value in order.recipients.shared.items():
        known = TYPES.get(template.types.get(name, ""))
        if name not in order.recipients.names and known is not None and not known.fits(value):
            yield about("params", f"do not fit {code}: {name} has to be {known.words}")
    if template.kind == "promotional" and promotional is None:
        yield about(
            "promotional",
            f"is not given, and {code} is a promotional template: say True to send from 8:00 to 20:00 only, or False",
        )


def _has_begun(connection: Connection, identity: str) -> bool:
    try:
        campaign_store(connection).progress(identity)
    except InvalidArguments:
        return False
    return True

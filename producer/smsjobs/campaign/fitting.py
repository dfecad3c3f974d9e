"""Whether a campaign fits what is known of its template. What would be refused for all is refused before it begins.

A row with a value that is not of its variable's type is left out, or stops it. A campaign keeps the types that were known when
it was begun, so the same call finds the same plan, whatever is learned later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import RedisError

from smsjobs.campaign.start import check_name
from smsjobs.campaign.store import campaign_store
from smsjobs.contract import InvalidArguments, campaign_id
from smsjobs.templates import TYPES, Template, checked_types

if TYPE_CHECKING:
    from smsjobs.campaign.start import Order
    from smsjobs.connection import Connection

__all__ = ["ensure_fits", "find_misfits", "fitted", "learn_template", "with_template"]

#: Seconds to wait for a worker, where there is one.
_LEARN_S: Final = 5.0

#: The states with which Aliyun refuses every message, in words.
_NOT_APPROVED: Final = {"in_review": "still in review", "refused": "refused", "cancelled": "cancelled"}


def fitted(
    connection: Connection, order: Order, *, element: str, name: Any, promotional: bool | None
) -> Order:
    """The order with what is known of its template. One that has begun keeps the types that were known then.

    Raises:
        InvalidArguments: As in `ensure_fits`.
    """
    if connection.settings.preflight == "off":
        return order
    if (begun := _begun(connection, element, name)) is not None:
        template = learn_template(connection, element, order.template, wait_s=0)
        order = order if template is None else with_template(connection, order, template)
        return replace(order, types=begun["types"], strict_types=begun["strict_types"])
    template = _fitting(connection, order, element, promotional)
    return order if template is None else with_template(connection, order, template)


def ensure_fits(
    connection: Connection, order: Order, *, element: str, name: Any, promotional: bool | None
) -> None:
    """Raise if a new campaign does not fit what is known of its template.

    Where nothing is known, Redis does not tell, or ``SMS_PREFLIGHT`` is ``off``, every campaign passes. One that has begun does.

    Raises:
        InvalidArguments: It does not fit, or its name is not valid. Nothing was sent.
    """
    if connection.settings.preflight != "off" and _begun(connection, element, name) is None:
        _fitting(connection, order, element, promotional)


def _fitting(connection: Connection, order: Order, element: str, promotional: bool | None) -> Template | None:
    """What is known of a new campaign's template, which it fits."""
    template = learn_template(connection, element, order.template)
    if template is not None:
        for each in find_misfits(order, template, promotional):
            raise each
    return template


def with_template(connection: Connection, order: Order, template: Template) -> Order:
    """The order, so that each row is checked by the types of the template's variables. With ``refuse`` a misfit stops it.

    Where no text was given, it has Aliyun's. Columns are chosen without it, else the plan would change when it is learned.
    """
    text = template.text or None if order.template_text is None else order.template_text
    return replace(
        order,
        types=checked_types(template),
        strict_types=connection.settings.preflight == "refuse",
        template_text=text,
    )


def learn_template(
    connection: Connection, element: str, code: str, *, wait_s: float = _LEARN_S
) -> Template | None:
    """What is known of the template. A worker, where there is one, has some seconds to learn it."""
    if connection.settings.preflight == "off":
        return None
    try:
        timeout_s = wait_s if wait_s and connection.offers.lanes() else 0.0
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
    for name, kind in checked_types(template).items():
        value = order.recipients.shared.get(name)
        if value is not None and not TYPES[kind].fits(value):
            yield about("params", f"do not fit {code}: {name} has to be {TYPES[kind].words}")
    if template.kind == "promotional" and promotional is None:
        yield about(
            "promotional",
            f"is not given, and {code} is a promotional template: say True to send from 8:00 to 20:00 only, or False",
        )


def _begun(connection: Connection, element: str, name: Any) -> dict[str, Any] | None:
    """What the campaign of that name shares; None where there is none."""
    identity = campaign_id(element, check_name(name))
    try:
        return campaign_store(connection).shared(identity)
    except InvalidArguments:
        return None

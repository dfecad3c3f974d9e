"""The provider of an element: what its Loader made, or a wrapper around a plain object with `sendMessage`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from smsjobs.contract import AliyunRejected, InvalidArguments, Message, RequestFailed, SmsError
from smsjobs_worker.elements import loaded
from smsjobs_worker.logs.privacy import describe
from smsjobs_worker.provider import AnswerLost, NotSent, Provider

if TYPE_CHECKING:
    from smsjobs_worker.elements.node import Application

__all__ = ["PlainProvider", "Providers"]


class Providers:
    """Finds the provider of an element by the element's full name."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def provider(self, full_name: str) -> Provider:
        """The provider of that element, loaded again if its files have changed.

        Raises:
            InvalidArguments: The element does not exist or cannot load.
        """
        thing = loaded(self._app.getElement(full_name))
        if isinstance(thing, Provider):
            return thing
        if callable(getattr(thing, "sendMessage", None)):
            return PlainProvider(thing)
        raise InvalidArguments(
            f"{full_name}: what its type's Loader loads is not a Provider (smsjobs_worker.provider) and has no sendMessage()",
            reason="element_invalid",
        )


class PlainProvider(Provider):
    """Wraps an object that has only `sendMessage(phoneList, params, verifyTemplateCode)`.

    It makes requests in its own way, so only what it says itself is believed: a `RequestFailed` with
    ``outcome="not_sent"`` is tried again, and any error that is not ours is an answer lost.
    """

    def __init__(self, thing: Any) -> None:
        self._thing = thing

    def send(self, message: Message, *, out_id: str, connect_within_s: float) -> Mapping[str, Any]:
        """Call `sendMessage` once."""
        del out_id, connect_within_s  # the plain interface has no place for them
        try:
            answer = self._thing.sendMessage(
                phoneList=list(message.phones),
                params=dict(message.params),
                verifyTemplateCode=message.template,
            )
        except (AliyunRejected, InvalidArguments, NotSent, AnswerLost):
            raise
        except RequestFailed as error:
            if error.outcome == "not_sent":
                raise NotSent(error.reason, error.message) from None
            raise AnswerLost(error.reason, error.message) from None
        except SmsError as error:
            raise AnswerLost(error.reason, error.message) from None
        except Exception as error:  # noqa: BLE001  somebody else's code: what it raises proves nothing
            raise AnswerLost("no_answer", f"sendMessage raised {describe(error)}") from None
        return _accepted(answer)


def _accepted(answer: Any) -> dict[str, Any]:
    body = dict(answer) if isinstance(answer, Mapping) else {}
    code = body.get("Code", "OK")
    if code != "OK":
        raise AliyunRejected(
            "the element's type answered an error",
            reason="unknown_code",
            aliyun_code=str(code),
            advice="operator",
        )
    return body | {"Code": "OK"}

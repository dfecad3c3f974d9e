"""What every page here does: show itself to a visitor, tell what became of a form, and act with a note in the audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from redis.exceptions import RedisError
from starlette.responses import RedirectResponse, Response

from smsjobs import IdempotencyConflict, InvalidArguments, QueueUnavailable, SmsError
from smsjobs.threads import in_thread
from smsjobs_server.pages import mark, told, translated

if TYPE_CHECKING:
    from starlette.requests import Request

    from smsjobs import Sms
    from smsjobs_server.access import Access, Audit, Visitor
    from smsjobs_server.pages import Pages

__all__ = ["Desk"]

T = TypeVar("T")

#: What a person is told of our reasons. Of others the reason itself.
_WHY: Final = {
    "job_not_found": mark("There is no such job, or its outcome is not kept any more."),
    "campaign_not_found": mark("There is no such campaign, or it ended too long ago."),
    "not_retryable": mark(
        "It cannot be sent again: it was accepted, may have been sent, or has no outcome yet."
    ),
    "payload_gone": mark("It cannot be sent again: its numbers and parameters are not kept any more."),
    "part_of_campaign": mark("It is a part of a campaign: steer the campaign."),
    "suppressed": mark("Its number is suppressed."),
    "job_unreadable": mark(
        "It cannot be read here: it is damaged, or sealed with a key that this server does not have."
    ),
    "redis_unreachable": mark("Redis does not answer. Try again in a moment."),
}


class Desk:
    """What the pages share.

    Args:
        sms: What `smsjobs.connect` gave.
        access: Who may see and act.
        audit: Where acts are written down.
        pages: Makes the pages.
    """

    def __init__(self, sms: Sms, access: Access, audit: Audit, pages: Pages) -> None:
        self.sms = sms
        self.access = access
        self.audit = audit
        self.pages = pages

    def show(self, request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
        """A page, with what became of the form before it."""
        return self.pages.answer(
            request,
            template,
            status=status,
            visitor=request.state.visitor,
            csrf=self.access.form_token(request),
            said=request.session.pop("said", None),
            **values,
        )

    def part(self, request: Request, template: str) -> Callable[..., str]:
        """What fills a part of a page in, for events: it has the visitor's language and rights."""
        language = self.pages.language(request)
        fixed = {"visitor": request.state.visitor, "csrf": self.access.form_token(request)}
        return lambda **values: self.pages.html(language, template, **fixed, **values)

    def back(
        self, request: Request, path: str, text: str, *, kind: str = "good", **values: object
    ) -> Response:
        """Lead to a page, and tell there what became of the form."""
        said = translated(self.pages.language(request), text, **values)
        request.session["said"] = [kind, said[:500]]
        # Not an address of somebody else.
        return RedirectResponse(f"/{path.lstrip('/')}", 303)

    def missing(self, request: Request, error: SmsError) -> Response:
        """The page that says why something cannot be shown."""
        status = 503 if isinstance(error, QueueUnavailable) else 404
        return self.show(request, "trouble.html", status=status, why=self.why(request, error))

    def why(self, request: Request, error: SmsError) -> str:
        """What a person is told of an error."""
        language = self.pages.language(request)
        text = _WHY.get("redis_unreachable" if isinstance(error, QueueUnavailable) else error.reason)
        if text is not None:
            return translated(language, text)
        if isinstance(error, InvalidArguments | IdempotencyConflict):
            return told(language, error.message)
        return error.reason

    async def act(self, request: Request, name: str, target: str, step: Callable[[], T]) -> T:
        """Write down what is done, and do it.

        Raises:
            SmsError: It failed, which is written down too; or it could not be written down, and is not done.
        """
        visitor: Visitor = request.state.visitor

        def noted() -> T:
            try:
                self.audit.note(visitor, name, target)
            except (RedisError, OSError):
                raise QueueUnavailable("the audit log could not be written", outcome="not_sent") from None
            try:
                return step()
            except SmsError as error:
                self._note_failure(visitor, name, target, error.reason)
                raise

        return await in_thread(noted)

    def _note_failure(self, visitor: Visitor, name: str, target: str, reason: str) -> None:
        try:
            self.audit.note(visitor, name, target, failed=reason)
        except (RedisError, OSError):
            return  # that it was asked for is written down

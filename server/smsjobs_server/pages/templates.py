"""Pages from templates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from importlib.resources import files
from typing import Any, Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from smsjobs.contract import mask_phone, visible
from smsjobs_server.pages.languages import (
    LANGUAGES,
    TRANSLATIONS,
    Language,
    chosen_language,
    said,
    told,
    translated,
)

__all__ = ["Pages"]

#: Dates are Aliyun's, everywhere in smsjobs.
_BEIJING: Final = timezone(timedelta(hours=8))


class Pages:
    """Answers with pages, in the browser's language.

    Args:
        packages: Rooms with ``templates/``; this room's own come last. A room may have ``static/`` too, which is served
            under ``/static/<the room's last name>``.
    """

    def __init__(self, *packages: str) -> None:
        rooms = (*packages, __package__)
        loader = ChoiceLoader([PackageLoader(each) for each in rooms])
        self._environments = {each: _environment(each, loader) for each in LANGUAGES}
        #: What browsers load beside the pages; a part of the application's routes.
        self.static = Mount("/static", routes=[_static(each) for each in rooms if _has_static(each)])

    def language(self, request: Request) -> Language:
        """The language of the answer."""
        return chosen_language(request.headers.get("Accept-Language"))

    def html(self, language: Language, template: str, **values: Any) -> str:
        """A template filled in. Every value is escaped."""
        return self._environments[language].get_template(template).render(values)

    def answer(self, request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A template filled in, as an answer."""
        language = self.language(request)
        headers = {"Content-Language": language, "Vary": "Accept-Language"}
        return HTMLResponse(self.html(language, template, **values), status, headers)


def _environment(language: Language, loader: ChoiceLoader) -> Environment:
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    # newstyle: what is put into a text is escaped as everything else is.
    environment.install_gettext_translations(TRANSLATIONS[language], newstyle=True)  # type: ignore[attr-defined]
    environment.globals["language"] = language
    environment.filters["time"] = _time
    environment.filters["visible"] = visible
    # For a text of a table, which may have a % of its own.
    environment.filters["translated"] = partial(translated, language)
    environment.filters["said"] = partial(said, language)
    environment.filters["told"] = partial(told, language)
    environment.filters["mask"] = mask_phone
    return environment


def _time(moment: datetime | float) -> Markup:
    """A time of day in Beijing, with the date where it is not today; the whole of it is shown on hovering."""
    if not isinstance(moment, datetime):
        moment = datetime.fromtimestamp(moment, UTC)
    shown = moment.astimezone(_BEIJING)
    today = datetime.now(_BEIJING).date() == shown.date()
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        shown.isoformat(timespec="seconds"),
        shown.strftime("%Y-%m-%d %H:%M:%S UTC+8"),
        shown.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S"),
    )


def _has_static(package: str) -> bool:
    return files(package).joinpath("static").is_dir()


def _static(package: str) -> Mount:
    served = StaticFiles(packages=[(package, "static")])
    return Mount(f"/{package.rpartition('.')[2]}", app=served)

"""What all pages stand on: templates in the browser's language, live fragments, forms, and what a browser may do.

A room with pages has its templates in ``templates/``, which extend ``base.html`` of this room. Every text that a person
reads stands in one catalogue, in ``locale/``; `make strings` finds the texts and compiles the catalogue.
"""

from smsjobs_server.pages.forms import FormRefused, Forms
from smsjobs_server.pages.languages import LANGUAGES, Language, chosen_language, mark, told, translated
from smsjobs_server.pages.live import Live
from smsjobs_server.pages.secured import NearOnly, Secured
from smsjobs_server.pages.templates import Pages

__all__ = [
    "LANGUAGES",
    "FormRefused",
    "Forms",
    "Language",
    "Live",
    "NearOnly",
    "Pages",
    "Secured",
    "chosen_language",
    "mark",
    "told",
    "translated",
]

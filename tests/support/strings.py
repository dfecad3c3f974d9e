"""The catalogue of what pages say: finds the texts, keeps their translations, compiles them. `make strings` runs it."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from smsjobs.campaign.reasons import MEANINGS
from smsjobs.delivery.err_codes import ERR_CODES, UNKNOWN_CODE
from smsjobs.delivery.err_codes import FAMILIES as ERR_FAMILIES
from smsjobs_worker.aliyun.codes import CODES, FAMILIES

__all__ = ["CATALOGUE", "compiled", "found", "kept", "untranslated"]

SOURCE = Path(__file__).parents[2] / "server" / "smsjobs_server"

#: The Chinese catalogue, as people edit it. The compiled one stands beside it.
CATALOGUE = SOURCE / "pages" / "locale" / "zh" / "LC_MESSAGES" / "smsjobs.po"

#: By what a text is found: a function, and which of its arguments it is.
_KEYWORDS = {"translated": (2,), "mark": (1,), "_": (1,), "gettext": (1,), "ngettext": (1, 2)}


def found() -> Catalog:
    """Every text in the source, with the files that have it."""
    catalogue = Catalog(locale="zh", fuzzy=False)
    methods = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
    options = {"**/templates/**.html": {"trimmed": "true", "silent": "false"}}
    for file, _, text, _, context in extract_from_dir(SOURCE, methods, options, _KEYWORDS):
        catalogue.add(text, locations=[(file, None)], context=context)
    # What pages show of tables that stand elsewhere: what Aliyun's codes mean, and the carriers'.
    for code in (*CODES.values(), *FAMILIES):
        catalogue.add(code.meaning, locations=[("aliyun/codes.py", None)])
    for err_code in (*ERR_CODES.values(), *ERR_FAMILIES, UNKNOWN_CODE):
        for text in (err_code.meaning, err_code.advice):
            catalogue.add(text, locations=[("delivery/err_codes.py", None)])
    for text in MEANINGS.values():
        catalogue.add(text, locations=[("campaign/reasons.py", None)])
    return catalogue


def kept() -> Catalog:
    """The catalogue as it is kept."""
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="zh")


def untranslated(catalogue: Catalog) -> list[str]:
    """The texts without a translation."""
    return [str(each.id) for each in catalogue if each.id and not all(_strings(each))]


def compiled(catalogue: Catalog) -> bytes:
    """The catalogue as Python's gettext reads it."""
    data = BytesIO()
    write_mo(data, catalogue)
    return data.getvalue()


def _strings(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string or "",)


def main() -> None:
    """Write both files anew. What has no translation yet is told."""
    catalogue = kept() if CATALOGUE.exists() else Catalog(locale="zh", fuzzy=False)
    catalogue.update(found(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    # The same texts give the same files, whenever they are written.
    catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    with CATALOGUE.open("wb") as file:
        write_po(file, catalogue, sort_by_file=True, width=110, omit_header=True)
    CATALOGUE.with_suffix(".mo").write_bytes(compiled(catalogue))
    for each in untranslated(catalogue):
        print(f"not translated: {each}")


if __name__ == "__main__":
    main()

"""The catalogues of what pages, the shell, the simulator and tables of the documentation say: finds the texts, keeps their translations, compiles them.

`make strings` runs it.
"""

from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from io import BytesIO, StringIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from smsjobs.campaign.reasons import MEANINGS
from smsjobs.contract.phones import WRONG_NUMBER
from smsjobs.delivery.err_codes import ERR_CODES, UNKNOWN_CODE
from smsjobs.delivery.err_codes import FAMILIES as ERR_FAMILIES
from smsjobs.redis_store.failures import HINTS, REFUSALS
from smsjobs.sentences import FORMS
from smsjobs.templates import CARRIERS, TYPES
from smsjobs_shell.program import program
from smsjobs_shell.terminal.help import help_texts
from smsjobs_worker.aliyun.codes import CODES, FAMILIES
from support import chinese_tables

__all__ = [
    "CATALOGUES",
    "DOCS",
    "PAGES",
    "SHELL",
    "SIMULATOR",
    "Strings",
    "chinese_pages",
    "compiled",
    "untranslated",
]

_ROOT = Path(__file__).parents[2]

#: By what a text is found: a function, and which of its arguments it is.
_KEYWORDS = {
    "translated": (2,),
    "mark": (1,),
    "tr": (1,),
    "tr_count": (1, 2),
    "_": (1,),
    "gettext": (1,),
    "ngettext": (1, 2),
    # The simulator's errors are translated where its command shows them.
    "Wrong": (1,),
    "CatalogueError": (1,),
}

#: Those of click's files that say something to whoever types a command.
_CLICK = ("core.py", "decorators.py", "exceptions.py", "formatting.py", "parser.py", "termui.py", "types.py")

#: Of argparse, which has others in each version of Python: what the simulator's command may show.
_ARGPARSE = (
    "usage: ",
    "options",
    "show this help message and exit",
    "%(prog)s: error: %(message)s\n",
    "argument %(argument_name)s: %(message)s",
    "expected one argument",
    "ignored explicit argument %r",
    "unrecognized arguments: %s",
    "ambiguous option: %(option)s could match %(matches)s",
)

#: A text, or its singular and plural, and the file that has it.
Found = tuple[str | tuple[str, ...], str]


@dataclass(frozen=True, kw_only=True)
class Strings:
    """One catalogue."""

    source: Path
    #: The Chinese catalogue, as people edit it, in `source`. The compiled one stands beside it.
    kept_in: str
    #: Texts that stand elsewhere.
    others: Callable[[], Iterator[Found]]
    #: Whether a program reads it.
    is_compiled: bool = True

    @property
    def file(self) -> Path:
        """The Chinese catalogue, as people edit it. The compiled one stands beside it."""
        return self.source / self.kept_in / "zh" / "LC_MESSAGES" / "smsjobs.po"

    def found(self) -> Catalog:
        """Every text in the source, with the files that have it."""
        catalogue = Catalog(locale="zh", fuzzy=False)
        methods = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
        options = {"**/templates/**.html": {"trimmed": "true", "silent": "false"}}
        # Babel would tell of every f-string that is a value. One that is a text is ruff's to find.
        with redirect_stderr(StringIO()):
            for file, _, text, _, context in extract_from_dir(self.source, methods, options, _KEYWORDS):
                catalogue.add(text, locations=[(file, None)], context=context)
        for text, file in self.others():
            catalogue.add(text, locations=[(file, None)])
        return catalogue

    def kept(self) -> Catalog:
        """The catalogue as it is kept."""
        with self.file.open("rb") as file:
            return read_po(file, locale="zh")


def _tables() -> Iterator[Found]:
    """What Aliyun's codes mean, the carriers', and the reasons of rows."""
    for code in (*CODES.values(), *FAMILIES):
        yield code.meaning, "aliyun/codes.py"
    for err_code in (*ERR_CODES.values(), *ERR_FAMILIES, UNKNOWN_CODE):
        for text in (err_code.meaning, err_code.advice):
            yield text, "delivery/err_codes.py"
    for text in MEANINGS.values():
        yield text, "campaign/reasons.py"


def _of_doctor() -> Iterator[Found]:
    """What the doctor finds: the texts that stand as literals in its calls, and what it says of Redis."""
    calls = (
        {"say": (1,), "good": (1,), "doubtful": (1,), "bad": (1,)},
        {"good": (2,), "doubtful": (2,), "bad": (2,)},
        {"doubtful": (3,), "bad": (3,)},
    )
    for path in sorted((_ROOT / "worker/smsjobs_worker/watching/doctor").glob("*.py")):
        for keywords in calls:
            # As above, of values that are f-strings.
            with path.open("rb") as file, redirect_stderr(StringIO()):
                for _, text, _, _ in extract("python", file, keywords):
                    yield text, f"doctor/{path.name}"
    for text in (*HINTS.values(), *REFUSALS.values()):
        yield text, "redis_store/failures.py"
    for text in CARRIERS.values():
        yield text, "templates/template.py"


def _of_errors() -> Iterator[Found]:
    """What errors and problems say."""
    yield from ((text, "sentences/forms.py") for text in FORMS)
    yield from ((each.words, "templates/variables.py") for each in TYPES.values())


def _of_pages() -> Iterator[Found]:
    yield from _tables()
    yield from _of_errors()
    yield from _of_doctor()


def _of_shell() -> Iterator[Found]:
    yield from ((text, "help") for text in help_texts(program))
    yield from _tables()
    yield from ((text, "contract/phones.py") for text in WRONG_NUMBER.values())
    yield from _of_errors()
    yield from _of_doctor()
    for name in _CLICK:
        with files("click").joinpath(name).open("rb") as file:
            for _, text, _, _ in extract("python", file, {"_": (1,), "ngettext": (1, 2)}):
                yield text, f"click/{name}"
    # These stand in click as values.
    for text in ("required", "[OPTIONS]", "COMMAND [ARGS]..."):
        yield text, "click/core.py"


def _of_docs() -> Iterator[Found]:
    """What tables of the documentation say, and pages do not."""
    known = {each.id for each in PAGES.kept()}
    for page, tables in chinese_tables.TABLES.items():
        for text in chinese_tables.texts(tables()):
            if text not in known:
                yield text, page.name.replace(".zh", "")


PAGES = Strings(source=_ROOT / "server" / "smsjobs_server", kept_in="pages/locale", others=_of_pages)
SHELL = Strings(source=_ROOT / "shell" / "smsjobs_shell", kept_in="locale", others=_of_shell)
SIMULATOR = Strings(
    source=_ROOT / "simulator" / "aliyun_sms_simulator",
    kept_in="locale",
    others=lambda: ((text, "argparse.py") for text in _ARGPARSE),
)
DOCS = Strings(source=_ROOT / "docs", kept_in="locale", others=_of_docs, is_compiled=False)
CATALOGUES = {"pages": PAGES, "shell": SHELL, "simulator": SIMULATOR, "docs": DOCS}


def untranslated(catalogue: Catalog) -> list[str]:
    """The texts without a translation."""
    return [str(each.id) for each in catalogue if each.id and not all(_strings(each))]


def compiled(catalogue: Catalog) -> bytes:
    """The catalogue as Python's gettext reads it."""
    data = BytesIO()
    write_mo(data, catalogue)
    return data.getvalue()


def chinese_pages() -> Iterator[tuple[Path, str]]:
    """The pages of the documentation with tables in Chinese, and what they should say."""
    chinese = {str(each.id): _strings(each)[0] for kept in (PAGES, DOCS) for each in kept.kept() if each.id}
    for page, tables in chinese_tables.TABLES.items():
        yield page, chinese_tables.renewed(page.read_text("utf-8"), tables(), chinese)


def _strings(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string or "",)


def _renew(strings: Strings) -> None:
    catalogue = strings.kept() if strings.file.exists() else Catalog(locale="zh", fuzzy=False)
    catalogue.update(strings.found(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    # The same texts give the same files, whenever they are written.
    catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    _take_from_others(strings, catalogue)
    with strings.file.open("wb") as file:
        write_po(file, catalogue, sort_by_file=True, width=110, omit_header=True)
    if strings.is_compiled:
        strings.file.with_suffix(".mo").write_bytes(compiled(catalogue))
    for each in untranslated(catalogue):
        print(f"not translated: {each}")


def _take_from_others(strings: Strings, catalogue: Catalog) -> None:
    """What another catalogue has translated already is not translated twice."""
    for other in CATALOGUES.values():
        if other is strings or not other.file.exists():
            continue
        for each in other.kept():
            if each.id in catalogue and not all(_strings(catalogue[each.id])):
                catalogue[each.id].string = each.string


def main() -> None:
    """Write the files anew. What has no translation yet is told."""
    for each in CATALOGUES.values():
        _renew(each)
    for page, text in chinese_pages():
        page.write_text(text, "utf-8")


if __name__ == "__main__":
    main()

"""The help of a command in the language that is spoken. Its texts are those of the command itself: the source is English."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar

import click

from smsjobs_shell.terminal.language import tr
from smsjobs_shell.terminal.screen import width_of, wrapped

__all__ = ["help_texts", "with_translated_help"]

C = TypeVar("C", bound=click.Command)

#: click's mark for lines that it must not reflow.
_AS_IT_IS: Final = "\b\n"

#: Lines that are to be copied. Only their heading is translated.
_EXAMPLES: Final = re.compile(r"\x08\n(Examples?:)\n(.*)", re.DOTALL)


def with_translated_help(command: C) -> C:
    """A copy of the command, and of those in it, whose help is in the language that is spoken."""
    shown = copy.copy(command)
    shown.context_class = _Context
    # click keeps the option --help with its text, once it was shown in the other language.
    shown._help_option = None  # noqa: SLF001
    shown.help, shown.epilog = _translated(command.help), _translated(command.epilog)
    shown.short_help = _translated(command.short_help)
    shown.options_metavar = _translated(command.options_metavar)
    shown.params = [_with_help(each) for each in command.params]
    if isinstance(shown, click.Group):
        shown.subcommand_metavar = tr(shown.subcommand_metavar)
        shown.commands = {name: with_translated_help(each) for name, each in shown.commands.items()}
    return shown


def help_texts(command: click.Command) -> Iterator[str]:
    """What `with_translated_help` asks the catalogue for, for the tool that fills it."""
    options = [each.help for each in command.params if isinstance(each, click.Option) and not each.hidden]
    for text in (command.help, command.short_help, command.epilog, *options):
        yield from (_id(each) for each in _paragraphs(text or ""))
    if isinstance(command, click.Group):
        for each in command.commands.values():
            yield from help_texts(each)


def _with_help(param: click.Parameter) -> click.Parameter:
    shown = copy.copy(param)
    if isinstance(shown, click.Option):
        shown.help = _translated(shown.help)
    if isinstance(shown.type, click.Path):
        # click has given it its name, such as "file", when it was made.
        shown.type = copy.copy(shown.type)
        shown.type.name = tr(shown.type.name)
    return shown


def _translated(text: str | None) -> str | None:
    return None if text is None else "\n\n".join(map(_in_language, _paragraphs(text)))


def _paragraphs(text: str) -> list[str]:
    return re.split(r"\n\n+", inspect.cleandoc(text)) if text else []


def _id(paragraph: str) -> str:
    """By what a paragraph stands in the catalogue. How its lines are broken in the source makes no difference."""
    if found := _EXAMPLES.fullmatch(paragraph):
        return found[1]
    return paragraph if paragraph.startswith(_AS_IT_IS) else " ".join(paragraph.split())


def _in_language(paragraph: str) -> str:
    told = tr(_id(paragraph))
    found = _EXAMPLES.fullmatch(paragraph)
    return f"{_AS_IT_IS}{told}\n{found[2]}" if found else told


class _Formatter(click.HelpFormatter):
    """click's own counts characters, and breaks lines at blanks only."""

    def write_text(self, text: str) -> None:
        indent = " " * self.current_indent
        blocks = (list(self._lines(each)) for each in _paragraphs(text))
        self.write("\n\n".join("\n".join(f"{indent}{line}" for line in lines) for lines in blocks) + "\n")

    def _lines(self, paragraph: str) -> Iterable[str]:
        if paragraph.startswith(_AS_IT_IS):
            return paragraph.removeprefix(_AS_IT_IS).split("\n")
        return wrapped(paragraph, self.width - self.current_indent)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        rows = list(rows)
        first = min(max(width_of(term) for term, _ in rows), col_max) + col_spacing
        indent = " " * self.current_indent
        for term, told in rows:
            lines = wrapped(told, max(self.width - first - self.current_indent, 10))
            if width_of(term) + col_spacing > first:
                lines.insert(0, "")
            self.write(f"{indent}{term}{' ' * (first - width_of(term))}{lines[0]}".rstrip() + "\n")
            self.write("".join(f"{indent}{' ' * first}{line}\n" for line in lines[1:]))


class _Context(click.Context):
    formatter_class: Any = _Formatter

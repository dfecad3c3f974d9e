"""What the library says, in the words of whoever typed a command."""

from __future__ import annotations

from typing import Final

from smsjobs.contract import InvalidArguments, SmsError, visible
from smsjobs_shell.terminal.library import in_language

__all__ = ["in_shell_words", "printable"]

#: What the shell calls the library's arguments.
_TYPED: Final = {
    "at": "--at",
    "countries": "--countries",
    "element": "--element",
    "expires": "--expires",
    "idempotency_key": "--key",
    "ignore_columns": "--ignore-column",
    "lane": "--lane",
    "name": "--name",
    "params": "--param",
    "phoneList": "PHONE",
    "phone_column": "--phone-column",
    "promotional": "--promotional",
    "recipients": "FILE",
    "sheet": "--sheet",
    "template_text": "--template-text",
    "verifyTemplateCode": "--template",
}


def in_shell_words(error: SmsError) -> str:
    """The error's message, which begins with what was typed in place of the argument's name in the library; in the language that is spoken."""
    argument = error.argument if isinstance(error, InvalidArguments) else None
    if argument in _TYPED and error.message.startswith(argument):
        return in_language(_TYPED[argument] + error.message.removeprefix(argument))
    return in_language(error.message)


def printable(text: str) -> str:
    """The text of a file or of Redis on one line, with a mark for each character that would control the terminal."""
    return visible(text)

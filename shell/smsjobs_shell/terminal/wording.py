"""What the library says, in the words of whoever typed a command."""

from __future__ import annotations

from typing import Final

from smsjobs.contract import InvalidArguments, SmsError, visible

__all__ = ["counted", "in_shell_words", "printable"]

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
    """The error's message, which begins with what was typed in place of the argument's name in the library."""
    argument = error.argument if isinstance(error, InvalidArguments) else None
    if argument in _TYPED and error.message.startswith(argument):
        return _TYPED[argument] + error.message.removeprefix(argument)
    return error.message


def counted(number: int, one: str, many: str = "") -> str:
    """A number of things, as in ``1 request`` and ``2,000 requests``."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def printable(text: str) -> str:
    """The text of a file or of Redis on one line, with a mark for each character that would control the terminal."""
    return visible(text)

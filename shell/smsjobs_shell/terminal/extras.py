"""The extras of smsjobs: parts that are not installed with the producer."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution

from smsjobs_shell.terminal.failure import BAD_USAGE, CommandFailed
from smsjobs_shell.terminal.language import tr, tr_count

__all__ = ["need_extras"]


def need_extras(*extras: str) -> None:
    """Check that everything that these extras need is installed.

    Raises:
        CommandFailed: Something is missing. The text has the command that installs it.
    """
    if missing := [each for each in extras if not _is_installed(each)]:
        raise CommandFailed(
            tr_count(
                "the {missing} is not installed here: pip install 'smsjobs[{extras}]'",
                "the {missing} are not installed here: pip install 'smsjobs[{extras}]'",
                len(missing),
                missing=tr(" and the ").join(missing),
                extras=",".join(missing),
            ),
            "extra_missing",
            status=BAD_USAGE,
        )


def _is_installed(extra: str) -> bool:
    wanted = re.compile(rf"""extra\s*==\s*['"]{extra}['"]""")
    needs = [each for each in distribution("smsjobs").requires or () if wanted.search(each)]
    try:
        for need in needs:
            distribution(re.split(r"[^A-Za-z0-9._-]", need, maxsplit=1)[0])
    except PackageNotFoundError:
        return False
    return True

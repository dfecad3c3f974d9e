"""What stands in the pages to be copied: commands that exist, JSON that parses, tests that are there."""

import json
import re
import shlex
from pathlib import Path

import click
import pytest

from smsjobs_shell.program import program
from support.pages import CHINESE, ENGLISH, ROOT, blocks, commands, name

PAGES = [*ENGLISH, *CHINESE.values()]

each_page = pytest.mark.parametrize("page", PAGES, ids=name)


def words(command: str) -> list[str]:
    """A command's words: without what is set before it, what it is piped into, and where its output goes."""
    typed = shlex.split(re.split(r" [|&]+ | > ", command)[0])
    while typed and re.fullmatch(r"[A-Z_]+=.*", typed[0]):
        typed.pop(0)
    return typed


def parse(typed: list[str]) -> None:
    """Read a command of `smsjobs` as click would, and run nothing."""
    command: click.Command = program
    context = click.Context(command, info_name="smsjobs")
    while isinstance(command, click.Group):
        assert typed, f"{command.name} needs a command"
        found = command.get_command(context, typed[0])
        assert found, f"{command.name} has no command {typed[0]}"
        command, typed = found, typed[1:]
        context = click.Context(command, info_name=command.name, parent=context)
    _, left_over, _ = command.make_parser(context).parse_args(list(typed))
    assert not left_over


@each_page
def test_commands(page: Path) -> None:
    """Each `smsjobs` command that a page types exists, and so does each of its options."""
    for command in commands(page):
        typed = words(command)
        if typed[:1] == ["smsjobs"]:
            parse(typed[1:])


def test_a_wrong_command_is_found() -> None:
    """A command, an option or an argument that does not exist is not taken for one that does."""
    for wrong in (["nothing"], ["status", "--nothing"], ["demo", "more"], ["campaign"]):
        with pytest.raises((click.UsageError, AssertionError)):
            parse(wrong)


@each_page
def test_json(page: Path) -> None:
    """Each block of JSON is JSON."""
    for block in blocks(page, "json"):
        json.loads(block.text)


@each_page
def test_extras(page: Path) -> None:
    """Each extra that a page says to install is in pyproject.toml."""
    extras = re.findall(r"^([a-z]+) = \[", (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    for asked in re.findall(r"pip install '(?:\.|smsjobs)\[([a-z,]+)\]'", page.read_text("utf-8")):
        assert set(asked.split(",")) <= set(extras)


def test_what_shows_it() -> None:
    """Each row of the comparison's tables of behaviours ends with what shows it: tests and commands that are there."""
    there = {
        found
        for file in (ROOT / "tests").rglob("test_*.py")
        for found in re.findall(r"^def (test_\w+)", file.read_text("utf-8"), re.MULTILINE)
    }
    for page in ROOT.glob("docs/comparison*.md"):
        rows = [line.split("|")[1:-1] for line in page.read_text("utf-8").splitlines() if line.count("|") > 8]
        shown_by = [row[-1] for row in rows if row[0].strip(" -")]
        assert len(shown_by) > 15
        for cell in shown_by:
            named = re.findall(r"`([^`]+)`", cell)
            assert named, cell
            for each in named:
                program_name, *typed = each.split()
                if program_name == "smsjobs":
                    parse(typed)
                else:
                    assert each in there or each == "make bench"

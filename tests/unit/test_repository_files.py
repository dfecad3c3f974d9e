"""What a contributor meets first: workflows, forms, hooks, pages and the lock file. What can be said without a forge."""

import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github/workflows"
LOCK = ROOT / "requirements/dev.lock"
PAGES = sorted(
    file
    for folder in (ROOT, ROOT / "docs", ROOT / "docs/howto", ROOT / ".github")
    for file in folder.glob("*.md")
)


@cache
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def project() -> dict[str, Any]:
    return pyproject()["project"]


def loaded(path: str) -> Any:
    """The YAML of a file; its key `on` is Python's True."""
    return yaml.safe_load((ROOT / path).read_text())


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("vendor.github-workflows", ".github/workflows/ci.yml"),
        ("vendor.github-workflows", ".github/workflows/release.yml"),
        ("vendor.dependabot", ".github/dependabot.yml"),
        ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/bug.yml"),
        ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/feature.yml"),
        ("vendor.github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
    ],
)
def test_schema(schema: str, path: str) -> None:
    """The forge understands each of its files."""
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    run = subprocess.run([*checker, ROOT / path], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_ci_has_every_supported_python() -> None:
    """CI runs the checks on each Python that the package says it supports."""
    prefix = "Programming Language :: Python :: "
    supported = [line.removeprefix(prefix) for line in project()["classifiers"] if line.startswith(prefix)]
    job = loaded(".github/workflows/ci.yml")["jobs"]["checks"]
    assert job["strategy"]["matrix"]["python"] == supported
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]


@pytest.mark.parametrize(("tag", "status"), [("right", 0), ("v0.0.99", 1), ("v", 1), ("", 1)])
def test_a_release_has_the_projects_version(tag: str, status: int) -> None:
    """A tag that is not the project's version stops the release before anything is built."""
    jobs = loaded(".github/workflows/release.yml")["jobs"]
    (script,) = [step["run"] for step in jobs["tag"]["steps"] if "run" in step]
    tag = f"v{project()['version']}" if tag == "right" else tag
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = os.environ | {"GITHUB_REF_NAME": tag, "PATH": path}
    run = subprocess.run(["bash", "-e", "-c", script], cwd=ROOT, env=env, check=False)
    assert run.returncode == status
    needs = {name: job.get("needs") for name, job in jobs.items()}
    assert needs == {
        "tag": None,
        "ci": "tag",
        "build": "ci",
        "attest": "build",
        "publish": ["build", "attest"],
        "images": "publish",
    }


def test_images_of_a_release() -> None:
    """Each stage of the Dockerfile that users run is built for amd64 and arm64; the example web application is not."""
    job = loaded(".github/workflows/release.yml")["jobs"]["images"]
    stages = set(re.findall(r"^FROM \S+ AS (\w+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert stages - {"wheels", "base", "web"} == set(job["strategy"]["matrix"]["target"])
    (build,) = [step["with"] for step in job["steps"] if "build-push" in step["uses"]]
    assert build["platforms"] == "linux/amd64,linux/arm64"


def test_one_version() -> None:
    """The newest section of the changelog, the bug report's example and the golden Redis know the project's version."""
    version = project()["version"]
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\] - ", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert newest[1] == version
    assert f"smsjobs {version}" in (ROOT / ".github/ISSUE_TEMPLATE/bug.yml").read_text()


def test_only_publishing_may_publish() -> None:
    """Three jobs may sign or publish. Those of the package index run no command and check nothing out; no password is stored."""
    permitted = {
        f"{file.stem}.{name}": job
        for file in WORKFLOWS.glob("*.yml")
        for name, job in yaml.safe_load(file.read_text())["jobs"].items()
        if "permissions" in job
    }
    assert {name: job["permissions"] for name, job in permitted.items()} == {
        "release.attest": {"attestations": "write", "id-token": "write"},
        "release.publish": {"id-token": "write"},
        "release.images": {"contents": "read", "packages": "write"},
    }
    assert permitted["release.publish"]["environment"] == {"name": "pypi"}
    for name in ("release.attest", "release.publish"):
        assert not any("run" in step or "checkout" in step["uses"] for step in permitted[name]["steps"])
    for file in WORKFLOWS.glob("*.yml"):
        assert yaml.safe_load(file.read_text())["permissions"] == {"contents": "read"}, file.name
        assert "secrets." not in file.read_text()


@pytest.mark.parametrize("file", sorted(WORKFLOWS.glob("*.yml")), ids=lambda file: file.name)
def test_actions_are_pinned(file: Path) -> None:
    """Each action of somebody else's stands at a major version, and what is checked out keeps no password."""
    for job in yaml.safe_load(file.read_text())["jobs"].values():
        for step in job.get("steps", ()):
            if "uses" in step:
                assert re.fullmatch(r"[\w-]+/[\w-]+@(release/)?v\d+", step["uses"]), step["uses"]
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_every_room_has_its_floor() -> None:
    """No room is missing in the one contract of imports: what it does not name may import anything."""
    contracts = pyproject()["tool"]["importlinter"]["contracts"]
    (floors,) = [each["layers"] for each in contracts if each["type"] == "layers"]
    named = {name for floor in floors for name in re.split(r" [|:] ", floor)}
    for package in ("producer/smsjobs", "worker/smsjobs_worker"):
        found = [*(ROOT / package).glob("*/__init__.py"), *(ROOT / package).glob("*.py")]
        rooms = {(file.parent if file.name == "__init__.py" else file).stem for file in found}
        prefix = Path(package).name
        assert {f"{prefix}.{room}" for room in rooms - {prefix}} <= named


def test_every_mutant_fits() -> None:
    """Each row of the mutants' table stands in the code once, so that code that moves takes its rows with it."""
    subprocess.run([sys.executable, "tests/mutants", "--check"], cwd=ROOT, check=True)


def test_hooks_download_nothing() -> None:
    """Each hook before a commit runs a tool that `make setup` has installed."""
    (repo,) = loaded(".pre-commit-config.yaml")["repos"]
    assert repo["repo"] == "local"
    for hook in repo["hooks"]:
        folder, tool = hook["entry"].split()[0].rsplit("/", 1)
        assert (hook["language"], folder) == ("system", ".venv/bin")
        assert (Path(sys.executable).parent / tool).exists(), tool


def locked() -> list[Requirement]:
    lines = [line for line in LOCK.read_text().splitlines() if line and not line.lstrip().startswith("#")]
    return [Requirement(line) for line in lines]


def test_the_lock_names_no_place() -> None:
    """The lock file has versions only: no index, no option, no path of the machine that wrote it."""
    text = LOCK.read_text()
    assert not re.search(r"https?:|file:|(^|\s)-\S|@", text, re.MULTILINE)
    assert not re.search(r"(^|\s)/\w", text)
    assert all(re.fullmatch(r"==[\w.]+", str(each.specifier)) for each in locked())


def test_the_lock_has_what_is_declared() -> None:
    """Everything that pyproject.toml asks for has a version in the lock file which it permits; else: make lock."""
    extras = project()["optional-dependencies"].values()
    declared = [
        Requirement(line) for line in [*project()["dependencies"], *(line for one in extras for line in one)]
    ]
    versions: dict[str, list[str]] = {}
    for each in locked():
        versions.setdefault(canonicalize_name(each.name), []).append(str(each.specifier).removeprefix("=="))
    for each in declared:
        name = canonicalize_name(each.name)
        if name != "smsjobs":
            assert versions.get(name), f"{name} is not in the lock file: make lock"
            assert all(each.specifier.contains(one) for one in versions[name]), f"{each}: make lock"


def test_setup_installs_the_lock() -> None:
    """`make setup` installs the versions of the lock file, and installs again when it changes."""
    run = subprocess.run(
        ["make", "--dry-run", "--what-if=requirements/dev.lock", "setup"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--constraint requirements/dev.lock --editable '.[dev]'" in run.stdout


def test_coverage_measures_what_is_shipped() -> None:
    """`make coverage` measures each package that the wheel has, and nothing else."""
    shipped = pyproject()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(pyproject()["tool"]["coverage"]["run"]["source"]) == sorted(
        package.partition("/")[0] for package in shipped
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page: Path) -> None:
    """Each link of a page to another file of ours leads to one, and to a heading that it has."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, heading = target.partition("#")
        if "://" in path:
            continue
        file = page.parent / path if path else page
        assert file.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            slugs = [re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in headings]
            # A translation keeps the English places by which others lead to it.
            slugs += re.findall(r'<a id="([^"]+)">', file.read_text())
            assert heading in slugs, target


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md", "docs/architecture.zh.md"])
def test_places(page: str) -> None:
    """Each file and folder that a page for contributors names is there."""
    named = re.findall(
        r"`((?:docs|producer|requirements|shell|simulator|tests|worker)/[^`\s]*)`", (ROOT / page).read_text()
    )
    assert named
    assert [place for place in named if not (ROOT / place).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_make_targets(page: Path) -> None:
    """Each `make …` that a page names is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", page.read_text()))
    assert named <= targets


def test_one_home() -> None:
    """Every address of the project is the one that pyproject.toml names, and it has the ones that an index shows."""
    urls = project()["urls"]
    assert sorted(urls) == ["Changelog", "Documentation", "Homepage", "Issues", "Source"]
    home = urls["Homepage"]
    assert all(url == home or url.startswith(f"{home}/") for url in urls.values())
    files = [ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md", *(ROOT / ".github").rglob("*.*")]
    for file in files:
        for url in re.findall(r"https://github\.com/[^\s)\"']+", file.read_text()):
            assert url == home or url.startswith(f"{home}/"), f"{file.name}: {url}"

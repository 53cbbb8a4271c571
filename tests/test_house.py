"""The house itself: sizes of files and functions, version floors, documented codes, plain words."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from fairihub_core.start_causes import CAUSES

ROOT = Path(__file__).parent.parent
PACKAGES = [
    "fairihub",
    "fairihub_core",
    "fairihub_auth",
    "fairihub_spawner",
    "fairihub_portal",
    "catalog_extension/fairihub_catalog",
    "headless/fairihub_headless",
]
ERRORS = {
    "FairihubError", "BadInput", "SignedOut", "Refused", "Missing", "Conflict", "TooLarge",
    "Unreadable", "TooMany", "Unavailable", "RunFailed", "RunLost", "Gone", "RunsError",
}  # fmt: skip
NOTES = {"error", "warning", "info"}

# The oldest versions without a published flaw that would matter here.
FLOORS = {
    "jupyterhub": "6.1.1",
    "jupyter-server": "2.20",
    "jupyterlab": "4.5.7",
    "nbconvert": "7.17.1",
}


def sources() -> list[Path]:
    return sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))


def files(*patterns: str) -> list[Path]:
    return sorted(p for pattern in patterns for p in ROOT.glob(pattern) if p.is_file())


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or 0) - node.lineno + 1


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_fits_in_the_head(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    assert [(name, lines) for name, lines in functions(path) if lines > 40] == []
    assert not text.strip() or ast.get_docstring(ast.parse(text)), "no sentence at its top"


def test_screen_sources_fit_in_the_head() -> None:
    screen = files("labextension/src/**/*.ts", "labextension/src/**/*.tsx")
    assert screen
    assert [f.name for f in screen if len(f.read_text().splitlines()) > 400] == []


@pytest.mark.parametrize(
    "module",
    [
        path.stem
        for path in sorted((ROOT / "benchmarks").glob("*.py"))
        # What a hub loads has names that only a hub brings; pygeoapi has its own environment.
        if not path.stem.endswith("_config") and path.stem not in ("__init__", "runs_pygeoapi")
    ],
)
def test_a_benchmark_finds_what_it_is_made_of(module: str) -> None:
    assert importlib.import_module(f"benchmarks.{module}").__doc__


def test_lower_bounds_leave_out_what_is_known_to_be_unsafe() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    wanted = [Requirement(m) for m in re.findall(r'^\s+"([a-z0-9-]+>=[\d.]+)"', text, re.M | re.I)]
    for name, floor in FLOORS.items():
        bounds = [str(r.specifier) for r in wanted if r.name == name]
        assert bounds, f"{name} is not required"
        assert all(Version(b.removeprefix(">=")) >= Version(floor) for b in bounds), name


@pytest.mark.parametrize(
    "lock", sorted((ROOT / "requirements").glob("*.lock")), ids=lambda p: p.name
)
def test_locks_are_pinned_by_hash_and_name_no_host(lock: Path) -> None:
    text = lock.read_text()
    pins = re.findall(r"^[a-z0-9][^\s]*==[^\s]+", text, re.M | re.I)
    assert pins
    assert "://" not in text
    assert len(re.findall(r"^[a-z0-9][^\n]*\\\n\s+--hash=", text, re.M | re.I)) == len(pins)


def codes() -> set[str]:
    """Every code that an error or a finding of the sources may carry."""
    found: set[str] = set()
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                found.update(_code_of(node))
    return found


def _code_of(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    place = 0 if name in ERRORS else 1 if name in NOTES else None
    positional = call.args[place : place + 1] if place is not None else []
    for code in [*positional, *(k.value for k in call.keywords if k.arg == "code")]:
        if isinstance(code, ast.Constant) and re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", str(code.value)):
            yield str(code.value)


def test_every_code_has_a_heading_in_the_docs() -> None:
    page = (ROOT / "docs/reference/errors.md").read_text()
    headings = re.findall(r"^### `([a-z0-9-]+)`$", page, re.M)
    # Of these, `start-failures.md` writes a heading each.
    assert sorted(codes() - set(headings) - set(CAUSES)) == []
    assert len(headings) == len(set(headings))


FORBIDDEN = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|shell=True|console\.log|/root/|/home/\w+/\w")


def test_no_loose_ends_in_the_sources() -> None:
    searched = files("labextension/src/**/*.ts*", "docs/*/*.md", "examples/**/*.*", "scripts/*.*")
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in [*sources(), *searched]
        if (match := FORBIDDEN.search(path.read_text()))
    ]
    assert found == []


SINCE_311 = {
    "asyncio": {"timeout", "timeout_at", "TaskGroup", "Runner", "Barrier"},
    "datetime": {"UTC"},
    "enum": {"StrEnum", "ReprEnum", "verify"},
    "typing": {
        "Self",
        "Never",
        "LiteralString",
        "Required",
        "NotRequired",
        "Unpack",
        "assert_never",
    },
    "contextlib": {"chdir"},
    "hashlib": {"file_digest"},
}


def _too_new(node: ast.AST) -> str | None:
    """What fails on Python 3.10 alone, which ruff and mypy let pass."""
    if isinstance(node, ast.Name) and node.id == "TimeoutError":
        return "TimeoutError (asyncio.TimeoutError is another class there)"
    if isinstance(node, ast.Attribute):
        module = getattr(node.value, "id", "")
        return f"{module}.{node.attr}" if node.attr in SINCE_311.get(module, ()) else None
    if isinstance(node, ast.ImportFrom):
        if node.module == "tomllib":
            return "tomllib"
        new = SINCE_311.get(node.module or "", set()) & {one.name for one in node.names}
        return f"{', '.join(sorted(new))} of {node.module}" if new else None
    if isinstance(node, ast.Import):
        return "tomllib" if any(one.name == "tomllib" for one in node.names) else None
    return None


@pytest.mark.parametrize(
    "line",
    [
        "from datetime import UTC",
        "asyncio.timeout(1)",
        "import tomllib",
        "from tomllib import loads",
        "x = TimeoutError",
    ],
)
def test_what_is_newer_is_seen(line: str) -> None:
    assert any(map(_too_new, ast.walk(ast.parse(line))))


def test_nothing_is_newer_than_the_oldest_python() -> None:
    assert 'requires-python = ">=3.10"' in (ROOT / "pyproject.toml").read_text()
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {name}"
        for path in [*sources(), *files("tests/**/*.py", "scripts/*.py")]
        for node in ast.walk(ast.parse(path.read_text()))
        if (name := _too_new(node))
    ]
    assert found == []

"""Which files make up a few of Debian's packages and all that they need, as installed here."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

INFO = Path("/var/lib/dpkg/info")
LEFT_OUT = re.compile(
    r"^/usr/share/(doc|man|info|locale|lintian|bug|menu|pixmaps)/.|^/etc/.|^/var/."
)
FORMAT = "${Package}\t${Version}\t${Architecture}\t${Provides}\t${Pre-Depends},${Depends}\n"


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    architecture: str
    needs: tuple[tuple[str, ...], ...]  # of each group, one will do


def with_what_they_need(names: list[str]) -> list[Package]:
    """The packages of that name, and of what they depend on whatever is installed."""
    installed, provided = _installed()
    found: dict[str, Package] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        name = name if name in installed else provided.get(name, name)
        if name in found:
            continue
        if name not in installed:
            raise SystemExit(f"Debian's package {name} is not installed")
        found[name] = installed[name]
        for group in installed[name].needs:
            waiting += [n for n in group if n in installed or n in provided][:1]
    return sorted(found.values(), key=lambda package: package.name)


def files_of(package: Package) -> Iterator[Path]:
    """Its files, links and folders, with what Python has compiled; no documents, no settings."""
    lists = (INFO / f"{package.name}.list", INFO / f"{package.name}:{package.architecture}.list")
    for line in next(path for path in lists if path.exists()).read_text().splitlines():
        path = Path(line)
        if line in ("", "/.") or LEFT_OUT.match(line) or not (path.exists() or path.is_symlink()):
            continue
        yield path
        if path.suffix == ".py":
            yield from (path.parent / "__pycache__").glob(f"{path.stem}.cpython-*.pyc")


def _installed() -> tuple[dict[str, Package], dict[str, str]]:
    shown = subprocess.run(
        ["dpkg-query", "--show", "--showformat", FORMAT],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    packages, provided = {}, {}
    for line in shown.stdout.splitlines():
        name, version, architecture, provides, depends = line.split("\t")
        needs = tuple(
            tuple(_bare(choice) for choice in group.split("|"))
            for group in depends.split(",")
            if group.strip()
        )
        packages[name] = Package(name, version, architecture, needs)
        for virtual in provides.split(","):
            if virtual.strip():
                provided[_bare(virtual)] = name
    return packages, provided


def _bare(relation: str) -> str:
    """`libc6:any (>= 2.36)` is `libc6`."""
    return relation.split("(")[0].split(":")[0].strip()

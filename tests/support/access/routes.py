"""The routes of a hub as its own code has them, each under a name that a person can read."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairihub.hub_settings import HubSettings
from fairihub.ports import choose_ports
from fairihub.settings import Settings
from fairihub.team_file_settings import FolderTeams
from fairihub_core.people import Provider
from fairihub_core.places import Places
from tests.support.ports import free_port

ROOT = Path(__file__).parent.parent.parent.parent
PARTS = ("hub", "catalog", "headless", "server")


@dataclass(frozen=True)
class Listed:
    """A route of the code."""

    part: str
    pattern: str
    methods: tuple[str, ...]
    handler: str

    @property
    def name(self) -> str:
        """The pattern without its regular expressions; of a default handler, `…`."""
        return readable(self.pattern) if self.pattern else "…"

    def takes(self, path: str) -> bool:
        return not self.pattern or re.fullmatch(self.pattern, path) is not None


def readable(pattern: str) -> str:
    """`/hub/api/users/([^/]+)/server` as `/hub/api/users/{}/server`; `{*}` may hold slashes."""
    out, group, depth = "", "", 0
    for letter in pattern.removeprefix("^").removesuffix("$").removesuffix("/?"):
        depth += letter == "("
        if depth:
            group += letter
        else:
            out += letter
        depth -= letter == ")"
        if group and not depth:
            out, group = out + _group(group), ""
    plain = re.sub(r"(?<=\})[?*]|/\?(?=\{\*)", "", out).replace(".*", "{*}")
    return re.sub(r"\\(.)", r"\1", plain)


def _group(text: str) -> str:
    """A group of a pattern: its words if it consists of such, else its name in braces."""
    named = re.match(r"\(\?P<(\w+)>", text)
    inside = re.sub(r"\\(.)", r"\1", re.sub(r"^\((\?P<\w+>|\?:)?|\)$", "", text))
    if re.fullmatch(r"[\w.|]+", inside) and "|" in inside:
        return "{" + inside + "}"
    if re.fullmatch(r"\w+(\.\w+)?", inside):
        return inside
    if text.startswith("(?!"):
        return ""
    rest = "*" if ".*" in inside or ".+" in inside else ""
    return "{" + (named[1] if named else "") + rest + "}"


def hub_settings(folder: Path, sign_in: Provider = "links", **settings: Any) -> str:
    """The file that `fairihub up` writes for the hub's process."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("hub", "teams", "tokens", "links", "s3"):
        (folder / part).mkdir(exist_ok=True)
    hub = HubSettings(
        settings=Settings(**settings),
        sign_in=sign_in,
        sources=(FolderTeams(folder=folder / "teams"),),
        data=Places(folder).data,
        ports=choose_ports(free_port()),
        proxy_command=("true",),
    )
    path = folder / "settings.json"
    path.write_text(hub.model_dump_json())
    return str(path)


@functools.cache
def listed(part: str, *arguments: str, **environment: str) -> tuple[Listed, ...]:
    """What a part of the hub says of its own routes, asked in a process of its own."""
    with tempfile.TemporaryDirectory() as home:
        ran = subprocess.run(
            [sys.executable, "-m", "tests.support.access.listing", part, *arguments],
            capture_output=True, text=True, timeout=120, check=False, cwd=ROOT,
            env={**os.environ, "HOME": home, "PYTHONPATH": str(ROOT), **environment},
        )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-4000:]
    answer = Path(ran.stdout.split()[-1])
    try:
        rules: Iterable[dict[str, Any]] = json.loads(answer.read_text())
    finally:
        answer.unlink()
    return tuple(
        Listed(part, rule["pattern"], tuple(rule["methods"]), rule["handler"]) for rule in rules
    )

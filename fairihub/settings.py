"""The settings of a hub: one file, `fairihub.yaml`, with a clear answer to a wrong key.

Secrets are not settings: they come from environment variables or from the data folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from fairihub.oidc_settings import GrantSetting, Oidc
from fairihub.operator_settings import Operators, OperatorSetting
from fairihub.setting_types import PublicAddress
from fairihub.team_file_settings import FolderTeams, GitTeams, KubernetesTeams, TeamFiles
from fairihub_core.errors import BadInput
from fairihub_core.notes import nearest
from fairihub_core.people import Provider
from fairihub_headless.settings import CheckoutSettings, RunSettings
from fairihub_spawner.kube.settings import KubeSettings


def _reachable(pods: KubeSettings) -> KubeSettings:
    if not pods.reach:
        raise ValueError("name in `reach` the address under which pods reach this machine")
    return pods


Pods = Annotated[KubeSettings, AfterValidator(_reachable)]
_MAX_BYTES = 256 * 1024


class Settings(BaseModel):
    """What an operator may choose; everything has a default that works on one machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("fairihub", max_length=60, description="The hub's name, on every page.")
    logo: Path | None = Field(None, description="An image file (SVG or PNG) for the top left.")
    colour: str = Field(
        "#0b7261",
        pattern=r"^#[0-9a-fA-F]{6}$",
        description="The accent colour of the hub's pages, as `#rrggbb`.",
    )
    contact: str = Field(
        "",
        max_length=200,
        description="Whom people ask: an address, a link or a name, shown where they are refused.",
    )
    catalog_name: str = Field(
        "Notebook Catalog",
        max_length=60,
        description="What the catalogue is called: its tile in JupyterLab and its page.",
    )
    idle_minutes: int = Field(
        60,
        ge=1,
        le=7 * 24 * 60,
        description="A server that has been idle for so long is stopped. "
        "A running cell, terminal or run counts as busy.",
    )
    link_hours: int = Field(
        24, ge=1, le=24 * 30, description="A sign-in link that was not used expires after this."
    )
    token_days: int = Field(
        30, ge=1, le=365, description="A token expires after this, and lives no longer than this."
    )
    removal_grace_minutes: float = Field(
        5,
        ge=0,
        le=24 * 60,
        description="Servers and runs of somebody who was removed go on for so long, then end.",
    )
    operators: Operators = Field(
        (),
        description="Who looks after the hub as a whole: the only admins of the hub. "
        "They come in without a team. Each is a login, or a login with the number of its account.",
    )
    address: PublicAddress | None = Field(
        None,
        description="Where people reach the hub, if not at `http://127.0.0.1:PORT`: "
        "`https://hub.example.org`.",
    )
    language: Literal["en", "de"] = Field(
        "en", description="The language of pages for browsers that ask for none of ours."
    )
    sign_in: Provider | None = Field(
        None,
        description="`links`, `github` or `oidc`. If unset: `github` where GITHUB_CLIENT_ID is "
        "set, `oidc` where `oidc` is, else `links`.",
    )
    oidc: Oidc | None = Field(None, description="Sign-in through OpenID Connect.")
    team_files: tuple[TeamFiles, ...] = Field(
        (),
        max_length=20,
        description="Where team files come from, several at once; `--teams` counts instead.",
    )
    kubernetes: Pods | None = Field(
        None,
        description="Servers are pods of the cluster of KUBECONFIG, or of the one that the hub "
        "runs in; else they are processes of this machine.",
    )
    runs: RunSettings = Field(
        RunSettings(), description="How many runs there may be, how they begin, what is kept."
    )

    @property
    def host(self) -> str:
        """Where this machine listens, so that servers can reach it."""
        return self.kubernetes.reach if self.kubernetes is not None else "127.0.0.1"

    @property
    def known_ports(self) -> dict[str, int]:
        """Ports that stay over a restart, since servers that go on meanwhile know them."""
        pods = self.kubernetes
        return {} if pods is None else {"hub": pods.hub_port, "s3": pods.s3_port}


def read_settings(path: Path | None) -> Settings:
    """The settings in `path`; the defaults if it is None.

    Raises:
        BadInput: `bad-settings`, naming the file, the key and what is wrong with it.
    """
    if path is None:
        return Settings()
    try:
        text = path.read_bytes()[: _MAX_BYTES + 1]
        given = yaml.safe_load(text) if len(text) <= _MAX_BYTES else "too large"
    except OSError as problem:
        raise BadInput("bad-settings", f"{path}: {problem.strerror}.") from None
    except (yaml.YAMLError, RecursionError) as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise BadInput("bad-settings", f"{path}{where}: this is not valid YAML.") from None
    if not isinstance(given, dict | None):
        raise BadInput("bad-settings", f"{path}: settings are written as `key: value`.")
    try:
        return _resolved(Settings.model_validate(given or {}), path.parent)
    except ValidationError as problem:
        said = " ".join(_said(error) for error in problem.errors()[:5])
        raise BadInput("bad-settings", f"{path}: {said}") from None


def _resolved(settings: Settings, folder: Path) -> Settings:
    """With paths that count from the folder of the settings file."""
    changed: dict[str, Any] = {
        "team_files": tuple(_found(source, folder) for source in settings.team_files)
    }
    names = [s.name for s in settings.team_files if not isinstance(s, FolderTeams)]
    if len(set(names)) < len(names):
        said = "team_files: give each repository and cluster a name of its own."
        raise BadInput("bad-settings", said)
    repository = settings.runs.checkout_git_repo
    if repository is not None and repository.credentials is not None:
        file = (folder / repository.credentials).resolve()
        found = repository.model_copy(update={"credentials": file})
        changed["runs"] = settings.runs.model_copy(update={"checkout_git_repo": found})
    if settings.logo is not None:
        changed["logo"] = (folder / settings.logo).resolve()
        if not changed["logo"].is_file():
            raise BadInput("bad-settings", f"logo: there is no file {changed['logo']}.")
    return settings.model_copy(update=changed)


def _found(source: TeamFiles, folder: Path) -> TeamFiles:
    if isinstance(source, FolderTeams):
        return source.model_copy(update={"folder": (folder / source.folder).resolve()})
    if isinstance(source, KubernetesTeams):
        file = source.kubeconfig and (folder / source.kubeconfig).resolve()
        return source.model_copy(update={"kubernetes": file or "auto"})
    if source.credentials is not None:
        return source.model_copy(update={"credentials": (folder / source.credentials).resolve()})
    return source


_BLOCKS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("", Settings),
    ("operators", OperatorSetting),
    ("oidc", Oidc),
    ("oidc.grants", GrantSetting),
    ("team_files", FolderTeams),
    ("team_files", GitTeams),
    ("team_files", KubernetesTeams),
    ("kubernetes", KubeSettings),
    ("runs", RunSettings),
    ("runs.checkout_git_repo", CheckoutSettings),
)
_KEYS = {name for _, block in _BLOCKS for name in block.model_fields}


def _said(error: Any) -> str:
    place = [str(part) for part in error["loc"]]
    if place[0] == "team_files":
        del place[2:3]  # the kind of source that it was taken for, which nobody has written
    key = ".".join(place)
    if error["type"] == "extra_forbidden":
        return f"“{key[:60]}” is no setting.{_hint(place) or ' See the reference.'}"
    return f"{key}: {error['msg'].removeprefix('Value error, ')}."


def _hint(place: list[str]) -> str:
    """Where the key belongs, if it is one of another block; else the nearest that there is."""
    last = place[-1]
    homes = [where for where, block in _BLOCKS if last in block.model_fields]
    if not homes:
        return nearest(last, _KEYS)
    elsewhere = [where for where in homes if where.partition(".")[0] != place[0]]
    if not elsewhere:
        return ""
    where = f"in `{elsewhere[0]}:`" if elsewhere[0] else "at the top, in no block"
    return f" It belongs {where}."

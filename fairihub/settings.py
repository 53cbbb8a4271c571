"""The settings of a hub: one file, `fairihub.yaml`, with a clear answer to a wrong key.

Secrets are not settings: they come from environment variables or from the data folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fairihub_core.errors import BadInput
from fairihub_core.notes import nearest

_MAX_BYTES = 256 * 1024
Login = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._@+-]{0,63}$")]


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
        30, ge=1, le=365, description="A token from `fairihub token` expires after this."
    )
    removal_grace_minutes: float = Field(
        5,
        ge=0,
        le=24 * 60,
        description="Servers and runs of somebody who was removed go on for so long, then end.",
    )
    operators: tuple[Login, ...] = Field(
        (), description="Logins that look after the hub as a whole."
    )
    runs_at_once: int | None = Field(
        None, ge=1, le=256, description="Runs at one time, in all; the number of cores if unset."
    )
    runs_per_member: int = Field(
        2, ge=1, le=256, description="Runs of one member at one time; more wait their turn."
    )


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
    if settings.logo is None:
        return settings
    logo = (folder / settings.logo).resolve()
    if not logo.is_file():
        raise BadInput("bad-settings", f"logo: there is no file {logo}.")
    return settings.model_copy(update={"logo": logo})


def _said(error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        known = Settings.model_fields
        return f"“{key[:60]}” is no setting.{nearest(key, known) or ' See the reference.'}"
    return f"{key}: {error['msg']}."

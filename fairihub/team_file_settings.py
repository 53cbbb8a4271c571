"""The settings of where team files come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from fairihub.setting_types import Block

SourceName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class FolderTeams(Block):
    """Team files in a folder, or one file."""

    folder: Path = Field(description="A folder of team files, or one team file.")


class GitTeams(Block):
    """Team files in a git repository; the last good commit stays in force while it is away."""

    git: str = Field(max_length=500, description="The repository: `https://…`, `ssh://…`, a path.")
    name: SourceName = Field("teams", description="Its name in the webhook's address.")
    branch: str | None = Field(
        None, max_length=200, description="The branch; the repository's default if unset."
    )
    path: str = Field("", max_length=500, description="A folder or a file in the repository.")
    interval_seconds: int = Field(
        60, ge=5, le=24 * 3600, description="How often it is asked for a new commit."
    )
    credentials: Path | None = Field(
        None, description="A file as git's own credential store writes it, kept private."
    )


def _kind(given: Any) -> str:
    has_git = "git" in given if isinstance(given, Mapping) else isinstance(given, GitTeams)
    return "git" if has_git else "folder"


TeamFiles = Annotated[
    Annotated[FolderTeams, Tag("folder")] | Annotated[GitTeams, Tag("git")], Discriminator(_kind)
]

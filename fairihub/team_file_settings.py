"""The settings of where team files come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, Tag

from fairihub.setting_types import Block
from fairihub_auth.git_address import usable_branch, usable_path, usable_url
from fairihub_core.units import counted

Repository = Annotated[str, AfterValidator(usable_url), Field(max_length=500)]
Branch = Annotated[str, AfterValidator(usable_branch), Field(max_length=200)]
Below = Annotated[
    str, AfterValidator(lambda path: usable_path(path.strip("/"))), Field(max_length=500)
]
SourceName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class FolderTeams(Block):
    """Team files in a folder, or one file."""

    folder: Path = Field(description="A folder of team files, or one team file.")


class GitTeams(Block):
    """Team files in a git repository; the last good commit stays in force while it is away."""

    git: Repository = Field(
        description="The repository: `https://…`, `ssh://…`, `user@host:path`, an absolute path. "
        "Never with a password in it."
    )
    name: SourceName = Field("teams", description="Its name in the webhook's address.")
    branch: Branch | None = Field(
        None, description="The branch; the repository's default if unset."
    )
    path: Below = Field("", description="A folder or a file in the repository.")
    interval_seconds: int = Field(
        60, ge=5, le=24 * 3600, description="How often it is asked for a new commit."
    )
    credentials: Path | None = Field(
        None, description="A file as git's own credential store writes it, kept private."
    )


def named(source: TeamFiles) -> str:
    """Where team files are, in words for who is to edit them."""
    if isinstance(source, FolderTeams):
        return str(source.folder)
    return f"{source.git} ({source.path})" if source.path else source.git


def counts_within(source: TeamFiles) -> str:
    """How soon an edit counts, in words for who starts the hub."""
    if isinstance(source, FolderTeams):
        return "an edit counts within seconds"
    minutes, seconds = divmod(source.interval_seconds, 60)
    if minutes and not seconds:
        return f"a commit counts within {counted(minutes, 'minute')}"
    return f"a commit counts within {counted(source.interval_seconds, 'second')}"


def _kind(given: Any) -> str:
    has_git = "git" in given if isinstance(given, Mapping) else isinstance(given, GitTeams)
    return "git" if has_git else "folder"


TeamFiles = Annotated[
    Annotated[FolderTeams, Tag("folder")] | Annotated[GitTeams, Tag("git")], Discriminator(_kind)
]

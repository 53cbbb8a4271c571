"""The settings of what runs are given."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from fairihub.setting_types import Block
from fairihub.team_file_settings import Repository


class RunRepository(Block):
    """A git repository that is checked out for runs that ask for it."""

    url: Repository = Field(
        description="`https://…`, `ssh://…`, `user@host:path` or an absolute path. Never with a "
        "password in it."
    )
    credentials: Path | None = Field(
        None, description="A file as git's own credential store writes it, kept private."
    )

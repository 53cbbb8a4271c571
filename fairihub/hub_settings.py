"""What `fairihub up` decides once and hands to the hub's process: one private JSON file."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fairihub.settings import Settings
from fairihub.team_file_settings import FolderTeams, TeamFiles
from fairihub_core.people import Provider
from fairihub_core.places import Places

VARIABLE = "FAIRIHUB_SETTINGS"
"""The environment variable that names the file."""


class Ports(BaseModel):
    """Where the parts listen; people only ever see `public`, pods also `hub` and `s3`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    public: int
    hub: int
    proxy_api: int
    catalog: int
    headless: int
    s3: int


class HubSettings(BaseModel):
    """A hub on one machine, ready to be started."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: Settings
    sign_in: Provider = "links"
    sources: tuple[TeamFiles, ...]
    """Where team files come from; of two that define one team the first counts."""
    data: Path
    ports: Ports
    proxy_command: tuple[str, ...]

    @property
    def places(self) -> Places:
        return Places(self.data)

    @property
    def team_state_file(self) -> Path:
        """Where the hub keeps the last good state of the team files."""
        return team_state_of(self.places)

    @property
    def snapshot_file(self) -> Path:
        """Where the hub leaves its last snapshot, for questions while it is off."""
        return self.places.hub / "snapshot.json"

    @property
    def host(self) -> str:
        """Where the hub, its proxy and its buckets listen."""
        return self.settings.host

    @property
    def address(self) -> str:
        """Where the hub answers on this machine."""
        return f"http://{self.host}:{self.ports.public}"

    @property
    def s3_endpoint(self) -> str:
        """Where the buckets are."""
        return f"http://{self.host}:{self.ports.s3}"

    @property
    def public_address(self) -> str:
        """Where people reach it."""
        return self.settings.address or self.address

    @property
    def folders(self) -> tuple[Path, ...]:
        """The team files that lie on this machine."""
        return tuple(s.folder for s in self.sources if isinstance(s, FolderTeams))


def team_state_of(places: Places) -> Path:
    return places.hub / "teams.json"


def from_environment() -> HubSettings:
    return HubSettings.model_validate_json(Path(os.environ[VARIABLE]).read_bytes())

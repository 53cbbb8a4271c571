"""What the hub's assembly tells the catalogue service."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

VARIABLE = "FAIRIHUB_SERVICE"


class ServiceSettings(BaseModel):
    """The file that `FAIRIHUB_SERVICE` names; an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Path = Field(description="The data folder of the hub.")
    name: str = Field(default="Notebook Catalog", description="What people call the catalogue.")
    hub_name: str = Field(default="fairihub", description="The hub's name, for the page.")
    colour: str = Field(default="#0b7261", description="The accent colour of the page.")
    has_logo: bool = Field(default=False, description="Whether the hub has a logo of its own.")


def read_settings(path: str | None) -> ServiceSettings:
    """The service's settings; ends the program with a clear message if there are none."""
    if not path:
        raise SystemExit(f"{VARIABLE} names no settings file; start this through the hub.")
    try:
        return ServiceSettings.model_validate(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as problem:
        raise SystemExit(f"{VARIABLE}: {path} is no settings file: {problem}") from None

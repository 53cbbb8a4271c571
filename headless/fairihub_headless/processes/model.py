"""What a process is: its inputs, its outputs and how it can be executed; frozen values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Schema = Mapping[str, Any]
"""A JSON Schema in the dialect of OpenAPI 3.0, as OGC API Processes 1.0 asks."""

SYNC, ASYNC, DISMISS = "sync-execute", "async-execute", "dismiss"
JSON = "application/json"
TEXT = "text/plain"


@dataclass(frozen=True)
class Input:
    """One input: what fits, and what a person should know of it."""

    schema: Schema
    description: str
    required: bool = False
    media_types: tuple[str, ...] = ()
    """What a qualified value may call itself, beside what the type of the schema allows."""

    @property
    def takes_objects(self) -> bool:
        return any(kind.get("type") == "object" for kind in self._forms)

    @property
    def accepted(self) -> tuple[str, ...]:
        """The media types that a qualified value may have."""
        text = (TEXT,) if any(kind.get("type") == "string" for kind in self._forms) else ()
        return (JSON, *text, *self.media_types)

    @property
    def _forms(self) -> Sequence[Schema]:
        return self.schema.get("oneOf") or (self.schema,)


@dataclass(frozen=True)
class Output:
    """One output: its form, and the media type that it has alone."""

    schema: Schema
    description: str
    media_type: str = JSON


@dataclass(frozen=True)
class Process:
    """A process, as whoever asks is offered it."""

    id: str
    title: str
    description: str
    inputs: Mapping[str, Input]
    outputs: Mapping[str, Output]
    controls: tuple[str, ...]
    example: Mapping[str, Any]
    """The body of a request that can be tried."""
    version: str = "1.0.0"
    keywords: tuple[str, ...] = field(default=())

    @property
    def runs_synchronously(self) -> bool:
        """Whether it is answered with its results, unless the request prefers otherwise."""
        return SYNC in self.controls

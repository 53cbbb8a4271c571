"""What the catalogue says over HTTP: entries, pages of them, contributions. Same names in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from fairihub_core.findings import Finding
from fairihub_core.parameters import Parameter
from fairihub_core.teams import Frozen

State = Literal["submitted", "published", "declined", "withdrawn"]
Origin = Literal["library", "contribution"]

MAX_TAGS = 20
MAX_BODY_BYTES = 64 * 1024
"""Of every request that does not carry a notebook."""


class Kernel(Frozen):
    """What a notebook wants to run in; empty texts where it does not say."""

    name: str = ""
    display_name: str = ""
    language: str = ""


class Facts(Frozen):
    """What a notebook says of itself, read in the reader's process."""

    slug: str
    declared_slug: bool = False
    """Whether the slug is its `properties.id`, not merely its path."""
    title: str
    description: str = ""
    tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    license: str = ""
    kernel: Kernel = Kernel()
    parameters: tuple[Parameter, ...] = ()
    text: str = ""
    """Its words, for search: the markdown, cut to a bound."""
    version: str
    """SHA-256 of the content."""
    size: int
    copy_of: str = ""
    """The id of the catalogue's notebook that it is a copy of, if it says so."""


class Entry(Frozen):
    """A notebook of the catalogue."""

    id: str
    slug: str
    team: str
    title: str
    description: str
    tags: tuple[str, ...]
    authors: tuple[str, ...]
    license: str
    kernel: Kernel
    parameters: tuple[Parameter, ...]
    size: int
    modified: datetime
    source: Origin
    version: str


class Count(Frozen):
    name: str
    count: int


class Page(Frozen):
    """One page of what was found; the counts are of everything that was found."""

    notebooks: tuple[Entry, ...]
    total: int
    tags: tuple[Count, ...]
    teams: tuple[Count, ...]


class TeamView(Frozen):
    name: str
    curator: bool


class Me(Frozen):
    """Who the caller is to the catalogue."""

    login: str
    catalog_name: str
    teams: tuple[TeamView, ...]
    hub: bool


class Contribution(Frozen):
    """A notebook on its way into the catalogue."""

    cid: str
    team: str
    title: str
    description: str
    tags: tuple[str, ...]
    message: str
    filename: str
    author: str
    state: State
    submitted: datetime
    decided: datetime | None = None
    decided_by: str | None = None
    reason: str | None = None
    note: str | None = None
    notebook_id: str | None = None
    findings: tuple[Finding, ...] = ()


class Edition(Frozen):
    """What a contribution would be published as; kept beside it."""

    version: str
    """SHA-256 of the content that was submitted."""
    slug: str
    replaces: str | None = None
    """The notebook of the same author that this would be a new version of."""


class _Request(BaseModel):
    """What a caller sends. Unknown keys are mistakes, texts are bounded."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


_Tag = Field(default=(), max_length=MAX_TAGS)


class About(_Request):
    """What the author of a contribution says of it."""

    team: str = Field(min_length=1, max_length=63)
    title: str = Field(default="", max_length=200)
    description: str = Field(default="", max_length=2_000)
    tags: tuple[str, ...] = _Tag
    message: str = Field(default="", max_length=2_000)


def _base_name(given: str) -> str:
    """The name of a file without the folders it came from, which are its author's own affair."""
    name = given.replace("\\", "/").rpartition("/")[2].strip()
    if name.strip(".") == "" or not name.isprintable():
        raise ValueError("it must be the name of a file, without control characters")
    return name


class Submission(About):
    """The body of `POST contributions`, beside the notebook itself."""

    filename: Annotated[str, AfterValidator(_base_name)] = Field(min_length=1, max_length=255)


class Share(About):
    """The body of `POST share`: a notebook of the home, by its path."""

    path: str = Field(min_length=1, max_length=1_024)


class Copy(_Request):
    """The body of `POST copy`: what to copy, and where to."""

    id: str = Field(min_length=1, max_length=1_024)
    path: str | None = Field(default=None, max_length=1_024)


class Publish(_Request):
    note: str = Field(default="", max_length=2_000)


class Decline(_Request):
    reason: str = Field(min_length=1, max_length=2_000)


class Withdraw(_Request):
    """Nothing to say; an empty body will do."""


def to_json(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json")

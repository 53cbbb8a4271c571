"""The settings of where team files come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from fairihub.setting_types import Block
from fairihub_core.git_address import usable_branch, usable_path, usable_url
from fairihub_core.units import counted

Repository = Annotated[str, AfterValidator(usable_url), Field(max_length=500)]
Branch = Annotated[str, AfterValidator(usable_branch), Field(max_length=200)]
Below = Annotated[
    str, AfterValidator(lambda path: usable_path(path.strip("/"))), Field(max_length=500)
]
SourceName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Namespace = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]


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


class KubernetesTeams(Block):
    """Customer objects of a Kubernetes cluster; what was seen last stays in force while its API
    is away."""

    kubernetes: Literal["auto"] | Path = Field(
        description="The cluster: a kubeconfig file; or `auto` for the one that the hub runs in, "
        "else the one that KUBECONFIG names."
    )
    name: SourceName = Field("customers", description="What findings and the log call it.")
    context: str | None = Field(
        None, max_length=200, description="The context in the kubeconfig; its current one if unset."
    )
    namespace: Namespace | None = Field(
        None, description="The namespace whose objects count; all namespaces if unset."
    )
    operators_namespace: Namespace | None = Field(
        None,
        description="The namespace whose objects may describe any team; `namespace` if unset. "
        "An object elsewhere describes the team of its own namespace only.",
    )

    @property
    def operators(self) -> str | None:
        """The namespace whose objects may describe any team."""
        return self.operators_namespace or self.namespace

    @property
    def kubeconfig(self) -> Path | None:
        """None for what there is."""
        return None if self.kubernetes == "auto" else Path(self.kubernetes)


_KINDS: Mapping[str, type[Block]] = {"git": GitTeams, "kubernetes": KubernetesTeams}


def named(source: TeamFiles) -> str:
    """Where team files are, in words for who is to edit them."""
    if isinstance(source, FolderTeams):
        return str(source.folder)
    if isinstance(source, KubernetesTeams):
        return f"Customer objects, “{source.name}”"
    return f"{source.git} ({source.path})" if source.path else source.git


def counts_within(source: TeamFiles) -> str:
    """How soon an edit counts, in words for who starts the hub."""
    if not isinstance(source, GitTeams):
        return "an edit counts within seconds"
    minutes, seconds = divmod(source.interval_seconds, 60)
    if minutes and not seconds:
        return f"a commit counts within {counted(minutes, 'minute')}"
    return f"a commit counts within {counted(source.interval_seconds, 'second')}"


def _kind(given: Any) -> str:
    for kind, block in _KINDS.items():
        if kind in given if isinstance(given, Mapping) else isinstance(given, block):
            return kind
    return "folder"


TeamFiles = Annotated[
    Annotated[FolderTeams, Tag("folder")]
    | Annotated[GitTeams, Tag("git")]
    | Annotated[KubernetesTeams, Tag("kubernetes")],
    Discriminator(_kind),
]

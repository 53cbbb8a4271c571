"""The settings of who says who somebody is, and of where team files come from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag

from fairihub_core.resolution import ClaimRules, Grant, RightsFrom
from fairihub_core.teams import Right

SourceName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Namespace = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]


class Block(BaseModel):
    """A part of the settings; a key that is none is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _secure(address: str) -> str:
    """An address whose answers nobody on the way can change."""
    url = urlsplit(address)
    local = url.hostname in ("localhost", "127.0.0.1", "::1")
    if not url.hostname or url.username or not (url.scheme == "https" or (local and url.scheme)):
        raise ValueError("an address is written as https://… without a user name")
    return address.rstrip("/")


Address = Annotated[str, Field(max_length=500), AfterValidator(_secure)]


Scope = Annotated[str, Field(pattern=r"^[!#-\[\]-~]{1,100}$")]


class GrantSetting(Block):
    """What one value of the claim gives."""

    team: str = Field(description="The team's name; its file must say `allowClaims: true`.")
    rights: tuple[Right, ...] = Field((), description="What to curate for it.")


class Oidc(Block):
    """Sign-in through an OpenID Connect provider, such as Keycloak.

    The client's id and secret come from OIDC_CLIENT_ID and OIDC_CLIENT_SECRET.
    """

    issuer: Address = Field(
        description="The provider, as its tokens name it: `https://…/realms/NAME` for Keycloak."
    )
    name: str = Field("OpenID Connect", max_length=40, description="What the button calls it.")
    scopes: tuple[Scope, ...] = Field(
        ("openid", "profile"),
        max_length=20,
        description="What the provider is asked for. With `offline_access`, where it knows that, "
        "claims are followed for longer than the session with the provider lasts.",
    )
    login_claim: str = Field(
        "preferred_username", max_length=60, description="The claim that holds the login."
    )
    claim: str = Field(
        "groups",
        max_length=100,
        description="The claim whose values are mapped to teams; a dot leads into an object.",
    )
    grants: Mapping[str, tuple[GrantSetting, ...]] = Field(
        default_factory=dict, description="By value of the claim: teams, and rights in them."
    )
    rights_from: RightsFrom = Field(
        "both", description="Whether rights come from the team `file`, the `claim`, or `both`."
    )
    refresh_minutes: float = Field(
        5, ge=0.01, le=24 * 60, description="How often the provider is asked for claims anew."
    )

    @property
    def rules(self) -> ClaimRules:
        """The grants as the core knows them."""
        return ClaimRules(
            grants={
                value: tuple(Grant(team=g.team, rights=frozenset(g.rights)) for g in grants)
                for value, grants in self.grants.items()
            },
            rights_from=self.rights_from,
        )


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


def public_address(address: str) -> str:
    """The address people use, without a path of its own."""
    if not re.fullmatch(r"https?://[^/\s@?#]+", address.rstrip("/")):
        raise ValueError("write it as https://hub.example.org, without a path")
    return address.rstrip("/")


PublicAddress = Annotated[str, Field(max_length=200), AfterValidator(public_address)]

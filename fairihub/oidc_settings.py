"""The settings of OpenID Connect: which provider says who somebody is, and what its claims give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from fairihub.setting_types import Address, Block
from fairihub_core.resolution import ClaimRules, Grant, RightsFrom
from fairihub_core.teams import Right

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

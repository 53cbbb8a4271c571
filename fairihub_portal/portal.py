"""What every page knows of the hub; `portal` in the templates."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from fairihub_core.access import Denial
from fairihub_core.palette import Palette
from fairihub_core.people import Provider
from fairihub_portal.asking import mail_address, mail_link, member_lines
from fairihub_portal.token_rights import RIGHTS, Scopes, TokenRight, lifetimes, scopes_in_words

USUAL_LIFETIME = 30
"""Days that a token lives if nobody chooses; fewer where settings allow fewer."""


@dataclass(frozen=True)
class Portal:
    """The hub as its settings describe it."""

    name: str
    contact: str
    logo_url: str | None
    idle_minutes: int
    link_hours: int
    limits: str
    services: Mapping[str, str]
    """What the navigation leads to besides: a path on this hub, and its name."""
    palette: Palette
    version: str
    """Changes with the static files, so that browsers may keep them."""
    provider: Provider
    provider_name: str
    """What people call the provider."""
    token_days: int
    """The longest life of a token."""
    language: str
    """For browsers that ask for none of ours."""

    @property
    def mail_address(self) -> str | None:
        """Whom to write to, if the contact is an address."""
        return mail_address(self.contact)

    def mail_link(self, subject: str, body: str) -> str:
        return mail_link(self.contact, subject, body)

    def request_lines(self, denial: Denial) -> str:
        return member_lines(denial.login, denial.number, self.provider)

    def member_lines(self, login: str) -> str:
        return member_lines(login)

    @property
    def lifetimes(self) -> tuple[int, ...]:
        return lifetimes(self.token_days)

    @property
    def usual_lifetime(self) -> int:
        return min(USUAL_LIFETIME, self.token_days)

    @property
    def token_rights(self) -> tuple[TokenRight, ...]:
        return RIGHTS

    def scopes_in_words(self, scopes: Collection[str]) -> Scopes:
        return scopes_in_words(scopes)

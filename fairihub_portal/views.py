"""What the profile page shows: the offers by team, in words, and what this machine can enforce."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from fairihub_core.access import Denial
from fairihub_core.errors import Refused
from fairihub_core.offers import Offer, chosen
from fairihub_core.teams import Profile, Team
from fairihub_core.units import cpu_range, human_hours, memory_range
from fairihub_portal.texts import N_


class Enforcement(Protocol):
    """What this machine can enforce of a profile; the spawner knows."""

    @property
    def memory(self) -> str: ...

    @property
    def cpu(self) -> str: ...


@dataclass(frozen=True)
class Fact:
    """One line of a profile: what, and how much; the page translates all but the value."""

    label: str
    value: str = ""
    pattern: str = "%(value)s"

    def __str__(self) -> str:
        return self.pattern % {"value": self.value}


@dataclass(frozen=True)
class ProfileCard:
    """A profile as a card with a radio button; `value` is the offer's name."""

    value: str
    title: str
    description: str
    facts: tuple[Fact, ...]
    checked: bool


@dataclass(frozen=True)
class TeamSection:
    """The cards of one team."""

    team: str
    until: date | None
    quota: str | None
    cards: tuple[ProfileCard, ...]


@dataclass(frozen=True)
class ProfilePage:
    """All that a member may start, what the machine says of limits, or why there is nothing."""

    sections: tuple[TeamSection, ...]
    notices: tuple[str, ...] = ()
    denial: Denial | None = None
    teamless: bool = False
    """Let in without a team, as an operator is."""


def profile_page(
    offers: Sequence[Offer],
    enforcement: Enforcement,
    last_choice: str | None = None,
    *,
    denial: Denial | None = None,
    teamless: bool = False,
    shares_system_user: bool = False,
) -> ProfilePage:
    """The page of `offers`, by team in their order, with one profile preselected.

    Preselected is what the member started last, if it is still on offer, else the first
    default, else the first. Without offers, `denial` or `teamless` says why.
    """
    notices = (
        (limits_sentence(enforcement), SHARED_USER)
        if shares_system_user
        else (limits_sentence(enforcement),)
    )
    selected = _preselected(offers, last_choice)
    teams = {offer.team.name: offer.team for offer in offers}
    return ProfilePage(
        sections=tuple(_section(team, offers, selected) for team in teams.values()),
        notices=notices if offers else (),
        denial=denial,
        teamless=teamless,
    )


SHARED_USER = N_(
    "All servers on this machine run as one system user, so members could read each other’s "
    "files. It is meant for people who trust each other."
)

_LIMITS = {
    ("enforced", "enforced"): N_("Memory and CPU limits are enforced."),
    ("enforced", "none"): N_("This machine enforces memory limits; CPU is not limited."),
    ("per-process", "enforced"): N_(
        "Memory is limited per process, not for a server as a whole; CPU limits are enforced."
    ),
    ("per-process", "none"): N_(
        "Memory is limited per process and CPU is not limited on this machine."
    ),
    ("none", "enforced"): N_("Memory is not limited on this machine; CPU limits are enforced."),
    ("none", "none"): N_(
        "This machine enforces neither memory nor CPU limits; the sizes say what to keep to."
    ),
}


def limits_sentence(enforcement: Enforcement) -> str:
    """What this machine does about the limits of a profile, in one sentence."""
    return _LIMITS[enforcement.memory, enforcement.cpu]


def facts_of(profile: Profile) -> tuple[Fact, ...]:
    """The size and equipment of a profile, in words; what it has not is left out."""
    gpu = Fact(N_("GPU"), str(profile.gpu)) if profile.gpu else Fact("GPU", pattern=N_("none"))
    equipment = (
        Fact(N_("Bucket"), profile.s3_bucket_name or ""),
        Fact(N_("Nodes"), profile.node_purpose or ""),
        Fact(N_("Secrets"), str(len(profile.secret_names) or "")),
        Fact(N_("Kernels"), ", ".join(profile.kernels)),
    )
    return (_memory(profile), _cpu(profile), gpu, *(fact for fact in equipment if fact.value))


def _memory(profile: Profile) -> Fact:
    low, high = profile.mem_guarantee, profile.mem_limit
    label = N_("Memory")
    if low is None and high is None:
        return Fact(label, pattern=N_("not limited"))
    # With one end only, the range is asked for as if it were both: it then says the number alone.
    value = memory_range(high if low is None else low, low if high is None else high) or ""
    if low is None:
        return Fact(label, value, N_("up to %(value)s"))
    return Fact(label, value, "%(value)s" if high is not None else N_("at least %(value)s"))


def _cpu(profile: Profile) -> Fact:
    low, high = profile.cpu_guarantee, profile.cpu_limit
    label = N_("CPU")
    if low is None and high is None:
        return Fact(label, pattern=N_("not limited"))
    said = cpu_range(high if low is None else low, low if high is None else high) or ""
    value, _, unit = said.partition(" ")
    one, several = _CORES[low is not None, high is not None]
    return Fact(label, value, one if unit == "core" else several)


_CORES = {
    (True, True): (N_("%(value)s core"), N_("%(value)s cores")),
    (True, False): (N_("at least %(value)s core"), N_("at least %(value)s cores")),
    (False, True): (N_("up to %(value)s core"), N_("up to %(value)s cores")),
}
"""By what is said: at least, at most."""


def _preselected(offers: Sequence[Offer], last_choice: str | None) -> Offer | None:
    if last_choice is not None:
        try:
            return chosen(last_choice, list(offers))
        except Refused:
            pass  # it is offered no more
    return next((o for o in offers if o.profile.default), offers[0] if offers else None)


def _section(team: Team, offers: Sequence[Offer], selected: Offer | None) -> TeamSection:
    seconds = team.seconds.get("user")
    return TeamSection(
        team=team.name,
        until=team.expires,
        quota=human_hours(seconds) if seconds else None,
        cards=tuple(_card(o, o is selected) for o in offers if o.team.name == team.name),
    )


def _card(offer: Offer, checked: bool) -> ProfileCard:
    profile = offer.profile
    return ProfileCard(
        value=offer.name,
        title=profile.display_name,
        description=profile.description,
        facts=facts_of(profile),
        checked=checked,
    )

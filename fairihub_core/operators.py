"""Who looks after the hub: what settings call the operators, and as whom the hub knows them."""

from __future__ import annotations

from collections.abc import Iterable

from fairihub_core.people import People, Person, Provider
from fairihub_core.resolution import person_of
from fairihub_core.teams import Frozen, Member


class Operator(Frozen):
    """An entry of the setting `operators`, and who that is as far as anybody knows."""

    login: str
    account: str | None = None
    """The number that settings name: no other account is meant."""
    person: Person | None = None
    """None while nobody has signed in as this operator."""

    @property
    def remarkable(self) -> bool:
        """Whether it is not plain from the settings who that is on this hub."""
        return self.person is None or self.person.name != self.login

    def is_called(self, name: str) -> bool:
        """Whether `name` is the login in the settings, or a name of that person's."""
        return name == self.login or (self.person is not None and name in self.person.logins)

    def said(self, provider: Provider) -> str:
        """How that operator stands, in a sentence or two."""
        if self.person is not None:
            known = f"“{self.person.name}” on this hub, account {self.person.id}"
            return f"The operator “{self.login}” of the settings is {known}."
        waits = f"Nobody has signed in as the operator “{self.login}” yet"
        if self.account is not None:
            return f"{waits}: only account {self.account} can."
        first = f"{waits}: whoever does so first is the operator from then on."
        return f"{first} Safer: say githubId in the settings." if provider == "github" else first


def operators_of(listed: Iterable[Member], people: People) -> tuple[Operator, ...]:
    """The operators as settings list them, each with the person that this is."""
    return tuple(
        Operator(
            login=entry.login,
            account=None if entry.github_id is None else str(entry.github_id),
            person=person_of(entry, people),
        )
        for entry in listed
    )

"""Who signed in with which account: a hub name is pinned to the provider's number for a person.

A login can be given up and taken by somebody else (GitHub frees it when an account is renamed);
the number cannot. A person keeps the hub name of their first sign-in, whatever they rename to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from fairihub_core.errors import Refused
from fairihub_core.teams import Frozen

Provider = Literal["links", "github", "oidc"]
"""Who says who somebody is; with links, the hub itself."""


@dataclass(frozen=True)
class Identity:
    """What a provider says at a sign-in. An e-mail address is no part of it."""

    id: str
    """GitHub's numeric id, or the subject of OpenID Connect: never given to another."""
    login: str
    claims: frozenset[str] = frozenset()
    """The values of the claim that settings map to teams."""


class Person(Frozen):
    """An account that has signed in."""

    name: str
    """The hub name: the login of the first sign-in."""
    id: str
    logins: tuple[str, ...]
    """What team files may call this account, the latest last: the hub name, and each later login
    that a file listed when the account came in by it. None of them is anybody else's."""
    claims: frozenset[str] = frozenset()

    @property
    def login(self) -> str:
        return self.logins[-1]


class AnotherPerson(Refused):
    """The login belongs to another account than the one that signs in with it now."""

    def __init__(self, login: str, given: str, pinned: str) -> None:
        super().__init__(
            "another-person",
            f"“{login}” is known here with another account number ({pinned}, not {given}). "
            "A login that was given up and taken by somebody else opens nothing.",
            login=login,
            given=given,
            pinned=pinned,
        )


class People(Frozen):
    """Everybody who has signed in, at one moment."""

    persons: tuple[Person, ...] = ()

    @cached_property
    def _by_id(self) -> Mapping[str, Person]:
        return {person.id: person for person in self.persons}

    @cached_property
    def _by_login(self) -> Mapping[str, Person]:
        return {login: person for person in self.persons for login in person.logins}

    @cached_property
    def _by_name(self) -> Mapping[str, Person]:
        return {person.name: person for person in self.persons}

    def with_id(self, number: str) -> Person | None:
        return self._by_id.get(number)

    def with_login(self, login: str) -> Person | None:
        """Whose `login` is, or was; a hub name is one of its person's logins."""
        return self._by_login.get(login)

    def named(self, name: str) -> Person | None:
        return self._by_name.get(name)

    def recognise(self, identity: Identity, listed: bool) -> Person:
        """The person that `identity` is, known or new, with the login and claims of today.

        Args:
            listed: whether a team file lists the login of today. Only then is it this person's
                from now on: whoever has borne a name for a day must not get what is given to the
                next one who bears it.

        Raises:
            AnotherPerson: the login is new to this account and belongs to another.
        """
        known, holder = self.with_id(identity.id), self.with_login(identity.login)
        if known is None:
            if holder is not None:
                raise AnotherPerson(identity.login, identity.id, holder.id)
            return Person(
                name=identity.login,
                id=identity.id,
                logins=(identity.login,),
                claims=identity.claims,
            )
        elsewhere = holder is not None and holder.id != known.id
        if elsewhere or (holder is None and not listed):
            # They come in as who they are; the name they bear today is not theirs here.
            return known.model_copy(update={"claims": identity.claims})
        others = tuple(login for login in known.logins if login != identity.login)
        return known.model_copy(
            update={"logins": (*others, identity.login), "claims": identity.claims}
        )

    def including(self, person: Person) -> People:
        """Everybody, with `person` as they are now."""
        others = tuple(p for p in self.persons if p.id != person.id)
        return People(persons=(*others, person))

    def releasing(self, login: str) -> Person | None:
        """Whoever holds `login` beside their hub name, as they are without it."""
        holder = self.with_login(login)
        if holder is None or holder.name == login:
            return None
        left = tuple(other for other in holder.logins if other != login)
        return holder.model_copy(update={"logins": left})

    def without(self, name: str) -> People:
        """Everybody but `name`, whose login and hub name are free again."""
        return People(persons=tuple(p for p in self.persons if p.name != name))

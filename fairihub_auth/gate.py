"""Who comes in: whatever proves the login, the team files decide, at sign-in and ever after."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from jupyterhub.auth import Authenticator
from tornado import web
from traitlets import Bool, Callable, Integer, TraitError, validate

from fairihub_auth.next_address import lead_to_addresses_only
from fairihub_auth.other_sites import refuse_other_sites
from fairihub_core import clock
from fairihub_core.access import Denial, denial_of
from fairihub_core.audit import Entry
from fairihub_core.logins import login_of, printable
from fairihub_core.teams import TeamDirectory

LOGIN_THERE = "login_there"
"""Of an authentication model: the login at the provider, which may be another than the hub name."""


class Denied(web.HTTPError):
    """A refusal at sign-in; the page `403.html` finds the reason in `exception.denial`."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(403, denial.message())
        self.denial = denial
        self.jupyterhub_message = denial.message()


def _unrecorded(entry: Entry) -> None:
    """Where nobody keeps an audit log."""


def _unfollowed(app: Any) -> None:
    """Where nothing has to begin with the hub."""


def _never_removed(name: str) -> bool:
    """Where nobody was ever removed."""
    return False


def _unknown(name: str) -> None:
    """Where accounts have no numbers."""


async def _as_it_was(name: str, app: Any) -> None:
    """Where no session is older than a removal."""


class Gate(Authenticator):
    """Put before any authenticator: `class GitHubGate(Gate, GitHubOAuthenticator)`.

    The other says who somebody is, the directory says whether they come in, which groups they
    have (their open teams), and whether they are an operator, which is the only hub-wide power.
    Nothing else lets anybody in or up: no `allow_all`, no list of users or admins in the
    configuration, no account from before, no word of the provider.
    """

    directory = Callable(
        TeamDirectory,
        config=True,
        help="Returns the TeamDirectory of this moment, by hub name; by default one without teams.",
    )
    record = Callable(
        _unrecorded,
        config=True,
        help="Takes an audit Entry for each sign-in and each refusal, and returns at once.",
    )
    begun = Callable(
        _unfollowed,
        config=True,
        help="Told once of the JupyterHub application, on its loop, while it starts.",
    )
    number_of = Callable(
        _unknown,
        config=True,
        help="The provider's number of a hub name's account, as far as it is known.",
    )
    stays_out = Callable(
        _never_removed,
        config=True,
        help="Whether a hub name that may come in again has to sign in for it.",
    )
    signs_in = Callable(
        _as_it_was,
        config=True,
        help="Awaited with a hub name that is let in, and the application, before its session.",
    )

    # From memory, so it costs next to nothing, and whoever is removed stays for seconds only.
    auth_refresh_age = Integer(1, config=True, help=Authenticator.auth_refresh_age.help)
    # Else the API tokens of removed logins would stay good.
    auth_refresh_strict = Bool(True, config=True, help=Authenticator.auth_refresh_strict.help)
    refresh_pre_spawn = Bool(True, config=True, help=Authenticator.refresh_pre_spawn.help)
    manage_groups = Bool(True, config=True, help=Authenticator.manage_groups.help)
    any_allow_config = Bool(True, config=True, help=Authenticator.any_allow_config.help)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        lead_to_addresses_only()
        refuse_other_sites()
        if self.parent is not None:
            self.begun(self.parent)

    @validate("allow_all", "allow_existing_users")
    def _never(self, proposal: dict[str, Any]) -> bool:
        if proposal["value"]:
            name = proposal["trait"].name
            raise TraitError(f"{name} cannot be set: only the team files say who comes in.")
        return False

    @validate("admin_users")
    def _nobody(self, proposal: dict[str, Any]) -> set[str]:
        if proposal["value"]:
            raise TraitError("admin_users cannot be set: name operators in fairihub's settings.")
        return set()

    def normalize_username(self, username: str) -> str:
        return login_of(username)

    def denial(self, login: str) -> Denial | None:
        """Why `login` (a hub name) does not come in today; None if it does."""
        denial = denial_of(login, self.directory(), clock.today())
        if denial is None:
            return None
        return replace(denial, login=printable(login), number=self.number_of(login))

    def check_allowed(self, username: str, authentication: Any = None) -> bool:
        """Does not ask the next class: what it allows on its own account does not count here."""
        denial = self.denial(username)
        if denial is not None:
            raise self.refused(denial)
        return True

    def refused(self, denial: Denial) -> Denied:
        """The refusal to raise, once it stands in the audit log."""
        said = denial.message()
        self.record(
            Entry(
                at=clock.now(),
                action="refused",
                login=denial.login,
                detail=f"{said} Account {denial.number}." if denial.number else said,
                code=denial.reason,
            )
        )
        return Denied(denial)

    async def run_post_auth_hook(self, handler: Any, auth_model: dict[str, Any]) -> Any:
        """The last step of a sign-in: groups and powers are the hub's business, whoever said what.

        A hook of the configuration may refuse, and may not promote.
        """
        auth_model["groups"] = self._groups_of(auth_model["name"])
        hooked = await super().run_post_auth_hook(handler, auth_model)
        if hooked:
            name = hooked["name"]
            self.check_allowed(name)
            hooked.update(groups=self._groups_of(name), admin=self._operates(name))
            await self.signs_in(name, self.parent)
            there = auth_model.get(LOGIN_THERE, name)
            said = f"Renamed: “{printable(there)}” at the provider." if there != name else ""
            self.record(Entry(at=clock.now(), action="signed-in", login=name, by=name, detail=said))
        return hooked

    async def refresh_user(self, user: Any, handler: Any = None) -> bool | dict[str, Any]:
        """Asked again and again while somebody is in; never asks the provider.

        False for whoever may not be in any longer: the hub then treats their cookies and
        tokens as if there were none, and starts no server for them.
        """
        if self.denial(user.name) is not None or self.stays_out(user.name):
            # JupyterHub 6.1.1 asks for this attribute of every handler that learns of a refusal,
            # and gives it to those with a token only: the log would fill with AttributeErrors.
            if handler is not None and not hasattr(handler, "_token_authenticated"):
                handler._token_authenticated = False
            return False
        groups, admin = self._groups_of(user.name), self._operates(user.name)
        if sorted(g.name for g in user.orm_user.groups) == groups and bool(user.admin) == admin:
            return True
        return {"name": user.name, "groups": groups, "admin": admin}

    def _groups_of(self, login: str) -> list[str]:
        return sorted(t.name for t in self.directory().open_teams_of(login, clock.today()))

    def _operates(self, login: str) -> bool:
        return login in self.directory().operators

"""A denial for who reloads its page, where the way back from a provider is good for one time."""

from __future__ import annotations

import json
from dataclasses import replace

from jupyterhub.handlers import BaseHandler
from tornado import web

from fairihub_auth.gate import Denied
from fairihub_core.access import Denial

COOKIE = "fairihub-denied"
MINUTES = 30


class DeniedAgain(BaseHandler):
    """For the address that a provider sends browsers back to."""

    def keep_denial(self, denial: Denial, state: str) -> None:
        """Lets this browser, and no other, come to the same address again."""
        kept = {
            "state": state,
            "login": denial.login,
            "number": denial.number,
            "known_as_another": denial.reason == "another-person",
        }
        self._set_cookie(COOKIE, json.dumps(kept), path=self.request.path, expires_days=None)

    def deny_again(self, state: str) -> None:
        """Does nothing where nobody was denied under this state.

        Raises:
            Denied: as it stands by now.
            Finish: they would be let in by now; the browser is on its way to sign in.
        """
        cookie = self.get_secure_cookie(COOKIE, max_age_days=MINUTES / (24 * 60))
        kept = json.loads(cookie) if cookie else {}
        if not kept or kept["state"] != state:
            return
        denial = self._now(kept["login"], kept["known_as_another"])
        if denial is not None:
            raise Denied(replace(denial, number=kept["number"]))
        self.redirect(self.authenticator.login_url(self.hub.base_url))
        raise web.Finish

    def _now(self, login: str, known_as_another: bool) -> Denial | None:
        if known_as_another:
            return Denial(login, "another-person")
        denial: Denial | None = self.authenticator.denial(login)
        return denial

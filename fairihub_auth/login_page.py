"""What sign-in pages have in common, whatever proves who somebody is."""

from __future__ import annotations

from typing import Any

from jupyterhub.handlers import BaseHandler

from fairihub_core.access import Denial


class OneSession(BaseHandler):
    """Where somebody signs in: the session of whoever used this browser before ends."""

    def set_login_cookie(self, user: Any) -> None:
        before = self.get_current_user_cookie()
        if before is not None and before.id != user.id:
            self.clear_login_cookie()
            self.set_session_cookie()
        super().set_login_cookie(user)

    def denied_cookie(self) -> Denial | None:
        """Why the login that this browser's cookie still names is not let in."""
        user = self.get_current_user_cookie()
        return None if user is None else self.authenticator.denial(user.name)

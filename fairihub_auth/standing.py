"""How somebody stands at this moment, for the pages that are open in their browser."""

from __future__ import annotations

from datetime import date, datetime

from fairihub_core.access import denial_of
from fairihub_core.logins import printable
from fairihub_core.teams import Frozen, TeamDirectory


class Standing(Frozen):
    """Whether somebody is let in at this moment, and until when their server runs."""

    login: str
    admitted: bool
    code: str | None = None
    message: str | None = None
    server_ends: datetime | None = None
    """When a server ends whose team does not admit its owner any more."""


def standing_of(
    login: str,
    directory: TeamDirectory,
    today: date,
    *,
    stays_out: bool = False,
    server_ends: datetime | None = None,
) -> Standing:
    """How `login` stands, for the pages that are open in their browser.

    Args:
        stays_out: let in again, but not signed in since.
        server_ends: when their server ends, if it does.
    """
    denial = denial_of(login, directory, today)
    code: str | None = None
    message: str | None = None
    if denial is not None:
        code, message = denial.reason, denial.message()
    elif stays_out:
        code, message = "signed-out", "You are let in again. Sign in once more."
    elif server_ends is not None:
        message = "The team of your server lets you in no more. You can start another one."
    return Standing(
        login=printable(login),
        admitted=code is None,
        code=code,
        message=message,
        server_ends=server_ends,
    )

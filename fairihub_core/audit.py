"""What was done about access and by whom: the entries of the audit log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from fairihub_core.logins import printable
from fairihub_core.teams import Frozen

Action = Literal[
    "signed-in",
    "signed-out",
    "refused",
    "admitted",  # a team file or claim lets a login in that it did not before
    "removed",
    "teams-changed",
    "rights-changed",
    "tokens-revoked",
    "token-made",
    "server-stopped",
    "run-dismissed",
    "contribution-published",
    "contribution-declined",
    "pin-removed",
    "leftover-deleted",
    "operator-acted",
    "link-made",
    "entries-lost",  # the log itself had to leave some out
]

# Names come from strangers: nothing of them may break a line of the log.
Name = Annotated[str, AfterValidator(lambda text: printable(text, 80))]
Text = Annotated[str, AfterValidator(lambda text: printable(text, 300))]


class Entry(Frozen):
    """One line of the audit log. No secret has a place in it."""

    at: datetime
    action: Action
    login: Name = ""
    """Whom it is about."""
    by: Name = ""
    """Who did it: a login, or a part of the hub."""
    team: Name = ""
    detail: Text = ""
    code: str = Field("", max_length=60, pattern=r"^[a-z0-9-]*$")
    """Of a refusal."""


Record = Callable[[Entry], None]
"""Takes an entry and returns at once; what becomes of it is the recorder's business."""


def line_of(entry: Entry) -> str:
    """The entry as people read it."""
    parts = (
        f"{entry.at:%Y-%m-%d %H:%M:%S}",
        entry.action,
        entry.login,
        f"by {entry.by}" if entry.by else "",
        f"team {entry.team}" if entry.team else "",
        entry.code,
        entry.detail,
    )
    return "  ".join(part for part in parts if part)

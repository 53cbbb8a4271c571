"""The one error type of the house: what a user may read, a status and a code.

Each surface has one translator that turns these into its own answer; anything else that is
raised is a defect, and its text stays in the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class FairihubError(Exception):
    """Something that a user may read and act on.

    Args:
        code: a stable name in kebab-case; every code has a heading in the docs.
        message: what was wrong, where, and what to do; never a secret.
        details: further facts for programs, JSON values only.
    """

    status: ClassVar[int] = 500

    def __init__(self, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details: Mapping[str, Any] = details

    def to_dict(self) -> dict[str, Any]:
        """The body of an error answer: code, message, and the details beside them."""
        return {**self.details, "code": self.code, "message": self.message}


def shortened(text: str, limit: int = 80) -> str:
    """What somebody wrote, as a message may repeat it."""
    return text if len(text) <= limit else f"{text[:limit]}…"


class BadInput(FairihubError):
    """The request says something that cannot be meant."""

    status = 400


class SignedOut(FairihubError):
    """Nobody is known to ask: no token, no session, or one that has ended."""

    status = 401


class Refused(FairihubError):
    """The caller may not."""

    status = 403


class Missing(FairihubError):
    """There is no such thing, or none that the caller may know of."""

    status = 404


class Conflict(FairihubError):
    """It is there already, or has moved on since the caller looked."""

    status = 409


class TooLarge(FairihubError):
    """Over a limit of size."""

    status = 413


class TooLong(FairihubError):
    """An address over the limit."""

    status = 414


class Unreadable(FairihubError):
    """Well-formed as a request, but its content is not what it should be."""

    status = 422


class TooMany(FairihubError):
    """Over a limit of number, which passes with time."""

    status = 429


class Unavailable(FairihubError):
    """A part is away for now; trying again later may help."""

    status = 503

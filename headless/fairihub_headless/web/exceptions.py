"""The one translator of this surface: errors of the house as exceptions of OGC API Processes."""

from __future__ import annotations

from typing import Any, ClassVar

from fairihub_core.errors import FairihubError

OGC = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
OURS = "urn:x-fairihub:error:"
"""Before a code of ours: what the standard has no type for."""
_OGC_TYPES = ("no-such-process", "no-such-job", "result-not-ready")


class NotAllowed(FairihubError):
    """The address knows no such method."""

    status: ClassVar[int] = 405


def no_such_method() -> NotAllowed:
    return NotAllowed("no-such-method", "This address does not know that method.")


def exception_of(error: FairihubError) -> dict[str, Any]:
    """The body of the error answer."""
    known = error.code in _OGC_TYPES
    return {
        **error.details,
        "type": (OGC if known else OURS) + error.code,
        "title": error.code.replace("-", " ").capitalize(),
        "status": error.status,
        "detail": error.message,
        "code": error.code,
    }

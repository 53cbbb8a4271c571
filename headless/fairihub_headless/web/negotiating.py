"""The form in which a request comes, and that in which its answer is wanted; pure."""

from __future__ import annotations

import re
from typing import ClassVar

from fairihub_core.errors import FairihubError

_GIVEN = frozenset({"", "*/*", "application/*", "text/*", "text/html", "application/xhtml+xml"})
_PAGES = ("text/html", "application/xhtml+xml")
_WEIGHT = re.compile(r"[01](\.[0-9]{0,3})?")


class UnsupportedType(FairihubError):
    """A body in a form that is not read."""

    status: ClassVar[int] = 415


class NotAcceptable(FairihubError):
    """An answer in a form that is not given."""

    status: ClassVar[int] = 406


def require_acceptable(accept: str) -> None:
    """Refuses to give what the client says it cannot take; every document is JSON or a page.

    Raises:
        NotAcceptable: `not-acceptable`.
    """
    wanted = _weights(accept)
    if any(weight and (kind in _GIVEN or kind.endswith("json")) for kind, weight in wanted.items()):
        return
    raise NotAcceptable(
        "not-acceptable", "This is given as `application/json` or `text/html`, as `Accept` says."
    )


def prefers_page(accept: str) -> bool:
    """Whether a client would rather read a page than JSON; among equals what it names first."""
    wanted = _weights(accept)
    page = max((wanted[kind] for kind in _PAGES if kind in wanted), default=0.0)
    plain = [kind for kind in wanted if kind.endswith("json")]
    other = plain or [kind for kind in ("application/*", "*/*") if kind in wanted][:1]
    json = max((wanted[kind] for kind in other), default=0.0)
    first = next((kind for kind in wanted if kind in _PAGES or kind in plain), "")
    return page > json or (0 < page == json and first in _PAGES)


def _weights(accept: str) -> dict[str, float]:
    """How much each media type is wanted, as the header `Accept` says, in its order."""
    found: dict[str, float] = {}
    for part in accept.split(","):
        kind, *about = (word.strip().lower() for word in part.split(";"))
        weight = next((word[2:] for word in about if word.startswith("q=")), "1")
        found[kind] = float(weight) if _WEIGHT.fullmatch(weight) else 1.0
    return found


def require_json(content_type: str) -> None:
    """Refuses a body that says it is anything else.

    Raises:
        UnsupportedType: `unsupported-type`.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ("application/json", ""):
        raise UnsupportedType(
            "unsupported-type", f"A request is JSON (`application/json`), not “{kind[:80]}”."
        )

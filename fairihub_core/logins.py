"""How a name becomes a login, and how a stranger's text becomes fit for a log or a page."""

from __future__ import annotations

import re
import unicodedata

from fairihub_core.errors import shortened

LOGIN = re.compile(r"[a-z0-9](?:[a-z0-9._@+-]{0,62}[a-z0-9_])?")
"""What can be a login here; whatever else a provider says, no team file can name."""
MAX_SHOWN = 80


def login_of(name: str) -> str:
    """The login that `name` means: stripped and in lower case.

    A name with look-alikes (full-width letters, the Kelvin sign) stays as it is: folded it would
    open another person's account, as it stands no team lists it, so it is denied.
    """
    bare = name.strip(" \t\r\n")
    return bare.lower() if unicodedata.normalize("NFKC", bare) == bare else bare


def printable(text: str, limit: int = MAX_SHOWN) -> str:
    """`text` on one line, without control characters, cut after `limit` characters."""
    return "".join(
        c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shortened(text, limit)
    )

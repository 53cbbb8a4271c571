"""The secrets that a profile names, read from the folders in which the operator laid them."""

from __future__ import annotations

import re
from pathlib import Path

from fairihub_core.errors import Refused, Unavailable
from fairihub_core.offers import Offer
from fairihub_core.places import Places

MAX_BYTES = 64 * 1024
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# What decides who may enter a server is the hub's to say, never a team's secret.
_RESERVED = re.compile(r"(JUPYTERHUB|JUPYTER|JPY|FAIRIHUB)_.*|PATH|HOME|USER|SHELL")


def secrets_of(offer: Offer, places: Places) -> dict[str, str]:
    """The keys of the profile's secrets, as environment variables. Reads files; blocks.

    Raises:
        Refused: `no-secret`, `bad-secret`: naming the secret, never what is in it. A server
            without its secret would fail later and further from the cause.
    """
    found: dict[str, str] = {}
    for name in offer.profile.secret_names:
        found.update(_read(name, offer, places))
    return found


def _read(name: str, offer: Offer, places: Places) -> dict[str, str]:
    folder = places.secret(offer.team.namespace, name)
    what = _called(name, offer)
    try:
        # Kubernetes' own `..data` links, and whatever else hides, are no keys.
        files = sorted(f for f in folder.iterdir() if not f.name.startswith(".") and f.is_file())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Refused(
            "no-secret",
            f"This hub has no folder for {what}, which profile “{offer.name}” names. "
            f"{_whom_to_ask(offer)}",
            secret=name,
        ) from error
    except OSError as error:
        raise Unavailable("unreadable-secret", f"{what.capitalize()} cannot be read.") from error
    return {file.name: _value(file, name, offer) for file in files if is_variable(file.name)}


def is_variable(name: str) -> bool:
    """Whether a key of that name may become an environment variable."""
    return bool(_VARIABLE.fullmatch(name)) and not _RESERVED.fullmatch(name)


def _value(file: Path, secret: str, offer: Offer) -> str:
    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
        text = raw.decode()
    except (OSError, UnicodeDecodeError) as error:
        problem = "cannot be read" if isinstance(error, OSError) else "is not text"
        raise _bad(file, secret, offer, problem) from None
    if len(raw) > MAX_BYTES:
        raise _bad(file, secret, offer, f"is over {MAX_BYTES // 1024} KiB")
    if "\0" in text:
        raise _bad(file, secret, offer, "is not text")
    # Editors end a file with a line break that nobody meant.
    return text[:-1].removesuffix("\r") if text.endswith("\n") else text


def _bad(file: Path, secret: str, offer: Offer, problem: str) -> Refused:
    return Refused(
        "bad-secret",
        f"Key “{file.name}” of {_called(secret, offer)} {problem}. {_whom_to_ask(offer)}",
        secret=secret,
    )


def _called(secret: str, offer: Offer) -> str:
    return f"the secret “{secret}” of team “{offer.team.name}”"


def _whom_to_ask(offer: Offer) -> str:
    admins = ", ".join(offer.team.admins)
    return f"Ask the operator of the hub{f', or {admins} of your team' if admins else ''}."

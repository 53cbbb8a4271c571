"""Where the hub is and with what token it is asked: as said, else as the environment says; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fairihub_headless.client.errors import RunsError

URL = "FAIRIHUB_URL"
TOKEN = "FAIRIHUB_TOKEN"  # noqa: S105 - the name of a variable
_SERVICE = "services/headless/"
_CATALOG = "services/catalog/api/"
_SERVERS_HUB = "FAIRIHUB_CATALOG_URL"
"""The hub gives it to each server: the catalogue stands beside the runs."""
_SERVERS_TOKEN = "JUPYTERHUB_API_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True)
class Place:
    """The address of the runs service, and the token to show there."""

    service: str
    """Ends in a slash."""
    token: str = field(repr=False)


def place_of(url: str | None, token: str | None, environment: Mapping[str, str]) -> Place:
    """The service that is meant: as given, as `FAIRIHUB_URL` and `FAIRIHUB_TOKEN` say, or the
    hub in whose server this runs.

    The token of a server is shown to the hub that gave it and to no other.

    Raises:
        RunsError: `no-hub-named`, `bad-hub-url` or `no-token`.
    """
    around = _around(environment)
    address = url or environment.get(URL) or around
    if not address:
        raise RunsError("no-hub-named", f"Say where the hub is: its address as `url`, or in {URL}.")
    service = _service(address)
    own = environment.get(_SERVERS_TOKEN) if around and service == _service(around) else None
    shown = token or environment.get(TOKEN) or own
    if not shown:
        raise RunsError(
            "no-token", f"Give a token of yours, or put it into {TOKEN}. The hub's page Tokens "
            "makes them.",
        )  # fmt: skip
    if not shown.isascii() or not shown.isprintable() or " " in shown:
        raise RunsError("no-token", "The token has characters that no token has.")
    return Place(service, shown)


def _around(environment: Mapping[str, str]) -> str | None:
    """The hub in whose server this runs, if it does."""
    catalog = environment.get(_SERVERS_HUB, "")
    return catalog.removesuffix(_CATALOG) if catalog.endswith(_CATALOG) else None


def _service(address: str) -> str:
    """The runs service of a hub, named by its own address or by the hub's."""
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise RunsError(
            "bad-hub-url", "The hub's address is one such as https://hub.example.org, without "
            "a name or password in it.",
        )  # fmt: skip
    path = parts.path.rstrip("/")
    path = path.removesuffix("/hub")
    if not path.endswith(f"/{_SERVICE.rstrip('/')}"):
        path = f"{path}/{_SERVICE.rstrip('/')}"
    return f"{parts.scheme}://{parts.netloc}{path}/"

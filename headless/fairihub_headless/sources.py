"""Where the notebook of a run comes from: the member's home, or the hub's catalogue."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from fairihub_core.errors import Missing, Refused, Unavailable
from fairihub_core.homes import behind_own_link
from fairihub_core.notebooks import MAX_NOTEBOOK_BYTES, is_home_path, too_large
from fairihub_core.offers import Offer
from fairihub_core.places import Places, confined

_TIMEOUT = 20.0


def notebook_in_home(places: Places, offer: Offer, login: str, path: str) -> bytes:
    """The content of a notebook in the member's home for that team. Blocks.

    Raises:
        BadInput: `bad-path`, it leads out of the home.
        Missing: `no-such-notebook`.
        TooLarge: `too-large`.
    """
    home = places.home(offer.team.name, login)
    confined(home, path)
    root, below = behind_own_link(home, path, _own_places(places, offer))
    missing = Missing("no-such-notebook", f"There is no notebook “{path[:200]}” in your home.")
    try:
        # Not through a link and not waiting for a pipe, whatever was put there since the check.
        descriptor = os.open(root / below, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise missing from None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise missing
    with os.fdopen(descriptor, "rb") as opened:
        if found.st_size > MAX_NOTEBOOK_BYTES:
            raise too_large(found.st_size)
        return opened.read(MAX_NOTEBOOK_BYTES + 1)


def folder_in_home(path: str) -> str:
    """The folder of a notebook, relative to the home: where its run takes place."""
    return PurePosixPath(path).parent.as_posix() if is_home_path(path) else "."


def _own_places(places: Places, offer: Offer) -> tuple[Path, ...]:
    bucket = offer.profile.s3_bucket_name
    return (places.library(offer.team.name), *([places.bucket(bucket)] if bucket else []))


@dataclass(frozen=True)
class CatalogSource:
    """The hub's catalogue over HTTP, always asked with the caller's own token."""

    url: str | None

    async def notebook(self, notebook_id: str, token: str) -> bytes:
        """The content of a notebook of the catalogue.

        Raises:
            Missing, Refused: as the catalogue answers the caller.
            Unavailable: `catalogue-away`, it does not answer; `no-catalogue`, there is none.
        """
        if self.url is None:
            raise Unavailable("no-catalogue", "This hub has no catalogue to take notebooks from.")
        request = HTTPRequest(
            f"{self.url.rstrip('/')}/notebooks/{quote(notebook_id, safe='')}/content",
            headers={"Authorization": f"token {token}", "Accept": "application/json"},
            connect_timeout=5.0,
            request_timeout=_TIMEOUT,
            # The token is for the catalogue, and for no other place that it might name.
            follow_redirects=False,
        )
        client = AsyncHTTPClient(force_instance=True, max_body_size=MAX_NOTEBOOK_BYTES + 4096)
        try:
            answer = await client.fetch(request)
        except HTTPClientError as problem:
            raise _refusal(problem, notebook_id) from None
        except OSError:
            raise _away() from None
        finally:
            client.close()
        return bytes(answer.body)


def _refusal(problem: HTTPClientError, notebook_id: str) -> Exception:
    shown = notebook_id[:120]
    if problem.code in (400, 404):
        return Missing("no-such-notebook", f"The catalogue has no notebook “{shown}” for you.")
    if problem.code in (302, 401, 403):
        return Refused("catalog-refused", "The notebook is in the catalogue, which this token may "
                       "not reach: it lacks “access:services!service=catalog”.")  # fmt: skip
    return _away()


def _away() -> Unavailable:
    return Unavailable("catalogue-away", "The catalogue does not answer. Try again in a minute.")

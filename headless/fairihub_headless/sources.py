"""Where the notebook of a run comes from: the request, the home, the catalogue, a repository."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from fairihub_core.errors import BadInput, Missing, Refused, Unavailable
from fairihub_core.files import open_below
from fairihub_core.homes import behind_own_link, own_places
from fairihub_core.notebooks import MAX_NOTEBOOK_BYTES, is_home_path, too_large
from fairihub_core.offers import Offer
from fairihub_core.places import Places, confined
from fairihub_headless.checkout import Repository, below_algorithm, no_repository
from fairihub_headless.models import Source
from fairihub_headless.processes.notebook_inputs import VERSION
from fairihub_headless.processes.notebook_request import NotebookRequest

_TIMEOUT = 20.0


class Taken(NamedTuple):
    """A notebook as it is at this moment, and where it was taken from."""

    content: bytes
    source: Source


@dataclass(frozen=True)
class Sources:
    """All places that a run can take its notebook from.

    Args:
        repository: the operator's, of which a request may name a revision.
    """

    places: Places
    catalog: CatalogSource
    repository: Repository | None = None

    async def taken(
        self, asked: NotebookRequest, login: str, token: str, sent: bytes | None
    ) -> Taken:
        """The notebook that a request asks for.

        Args:
            sent: the notebook that came with the request, if one did.

        Raises:
            FairihubError: there is none, or not for this member.
        """
        commit = await self.commit_of(asked.git_revision)
        inside = below_algorithm(asked.notebook)
        if asked.uploaded:
            if sent is None:
                raise BadInput("bad-notebook", "`inputs.notebook.value` must be the notebook.")
            return Taken(sent, Source(kind="upload", revision=commit))
        if inside is not None and commit is not None and self.repository is not None:
            content = await asyncio.to_thread(self.repository.file, commit, inside)
            return Taken(content, Source(kind="git", revision=commit))
        if is_home_path(asked.notebook):
            content = await asyncio.to_thread(
                notebook_in_home, self.places, asked.offer, login, asked.notebook
            )
            return Taken(content, Source(kind="home", revision=commit))
        edition = await self.catalog.notebook(asked.notebook, token, asked.notebook_version)
        return Taken(
            edition.content, Source(kind="catalog", version=edition.version, revision=commit)
        )

    async def commit_of(self, revision: str | None) -> str | None:
        """The commit that a revision means now; it is here afterwards.

        Raises:
            Refused: `no-repository`, the operator has set none.
            FairihubError: it is unknown, or the repository is away.
        """
        if revision is None:
            return None
        if self.repository is None:
            raise no_repository()
        return await asyncio.to_thread(self.repository.commit_of, revision)


def notebook_in_home(places: Places, offer: Offer, login: str, path: str) -> bytes:
    """The content of a notebook in the member's home for that team. Blocks.

    Raises:
        BadInput: `bad-path`, it leads out of the home.
        Missing: `no-such-notebook`.
        TooLarge: `too-large`.
    """
    home = places.home(offer.team.name, login)
    confined(home, path)
    root, below = behind_own_link(home, path, own_places(home, offer.profile.s3_bucket_name))
    missing = Missing("no-such-notebook", f"There is no notebook “{path[:200]}” in your home.")
    try:
        # Through no link on the way, whatever was put there since the check.
        opened = open_below(root, below)
    except Missing:
        raise missing from None
    with opened:
        size = os.fstat(opened.fileno()).st_size
        if size > MAX_NOTEBOOK_BYTES:
            raise too_large(size)
        return opened.read(MAX_NOTEBOOK_BYTES + 1)


class Edition(NamedTuple):
    """A notebook of the catalogue, and which version of it this is."""

    content: bytes
    version: str | None


@dataclass(frozen=True)
class CatalogSource:
    """The hub's catalogue over HTTP, always asked with the caller's own token."""

    url: str | None

    async def notebook(self, notebook_id: str, token: str, version: str | None = None) -> Edition:
        """A notebook of the catalogue, as it is now or at a version.

        Raises:
            Missing, Refused: as the catalogue answers the caller.
            Unavailable: `catalogue-away`, it does not answer; `no-catalogue`, there is none.
        """
        if self.url is None:
            raise Unavailable("no-catalogue", "This hub has no catalogue to take notebooks from.")
        address = f"{self.url.rstrip('/')}/notebooks/{quote(notebook_id, safe='')}/content"
        request = HTTPRequest(
            address if version is None else f"{address}?version={quote(version, safe='')}",
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
            raise _refusal(problem, notebook_id, version) from None
        except OSError:
            raise _away() from None
        finally:
            client.close()
        served = answer.headers.get("Notebook-Version", "")
        return Edition(bytes(answer.body), served if VERSION.fullmatch(served) else None)


def _refusal(problem: HTTPClientError, notebook_id: str, version: str | None) -> Exception:
    shown = notebook_id[:120]
    body = b"" if problem.response is None else problem.response.body or b""
    if problem.code == 404 and b'"no-such-version"' in body:
        return Missing("no-such-version", f"“{shown}” has no version “{version}”.")
    if problem.code in (400, 404):
        return Missing("no-such-notebook", f"The catalogue has no notebook “{shown}” for you.")
    if problem.code in (302, 401, 403):
        return Refused("catalogue-refused", "The notebook is in the catalogue, which this token "
                       "may not reach: it lacks “access:services!service=catalog”.")  # fmt: skip
    return _away()


def _away() -> Unavailable:
    return Unavailable("catalogue-away", "The catalogue does not answer. Try again in a minute.")

"""The catalogue as one thing: what is in the library, how it looks, what is on its way in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fairihub_catalog.callers import Caller
from fairihub_catalog.contributions import Contributions
from fairihub_catalog.index import Found, Index
from fairihub_catalog.library import Library, Source
from fairihub_catalog.models import Me, TeamView
from fairihub_catalog.preview import PREVIEW
from fairihub_catalog.reading import version_of
from fairihub_catalog.repository import Repository
from fairihub_catalog.store import Store
from fairihub_core.audit import Record
from fairihub_core.errors import Missing, Refused, shortened
from fairihub_core.files import read_below
from fairihub_core.notebooks import MAX_NOTEBOOK_BYTES
from fairihub_core.places import Places
from fairihub_core.renderings import Rendered, Renderings
from fairihub_core.teams import PUBLIC, TeamDirectory


class Catalogue:
    """A catalogue on this machine.

    Args:
        name: what people call it.
        folder: where its index and previews lie; they may be deleted at any time.
        sources: its sources at this moment; None while nobody can say which there are.
        contributions: the way in, on a hub; None where there is nobody to review.
        published: the repository of what came in that way.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        sources: Callable[[], tuple[Source, ...] | None],
        make_contributions: Callable[[Index, Library], Contributions] | None = None,
        published: Repository | None = None,
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.name = name
        self.index = Index(folder / "index.sqlite")
        self.library = Library(self.index, sources)
        self.previews = Renderings(folder / "previews", PREVIEW)
        self._contributions = make_contributions and make_contributions(self.index, self.library)
        self._published = published

    def start(self) -> None:
        self.library.start()

    def stop(self) -> None:
        self.library.stop()
        if self._contributions is not None:
            self._contributions.close()

    @property
    def contributions(self) -> Contributions:
        """The way into the catalogue.

        Raises:
            Refused: `no-hub`, there is no hub, so nobody could review.
        """
        if self._contributions is None:
            raise Refused("no-hub", "Sharing needs a hub with curators; this is JupyterLab alone.")
        return self._contributions

    def me(self, caller: Caller) -> Me:
        teams = tuple(TeamView(name=t, curator=t in caller.curates) for t in caller.teams)
        hub = self._contributions is not None
        return Me(login=caller.login, catalog_name=self.name, teams=teams, hub=hub)

    def find(self, caller: Caller, identifier: str) -> Found:
        """The notebook of that id.

        Raises:
            Missing: there is none that the caller may see.
        """
        found = self.index.find(identifier, caller.visible)
        if found is None:
            shown = identifier[:160]
            raise Missing("no-such-notebook", f"The catalogue has no notebook “{shown}” for you.")
        return found

    def content(self, found: Found) -> bytes:
        """The notebook itself, as it is now."""
        folder = self.library.folder_of(found.source)
        if folder is None:
            raise Missing("no-such-file", f"“{found.entry.id}” is not there any more.")
        return read_below(folder, found.path, MAX_NOTEBOOK_BYTES)

    def at_version(self, found: Found, version: str) -> tuple[bytes, str]:
        """The notebook at a version, and what that version is called; now, if none is named.

        A version is a commit of the catalogue's own repository; what did not come in through it
        has one version, the SHA-256 of its content.

        Raises:
            Missing: `no-such-version`.
        """
        path = f"{found.entry.team}/{found.path}"
        ours = found.source == f"published/{found.entry.team}"
        history = self._published if ours else None
        if version and history is not None and (kept := history.at(path, version)) is not None:
            return kept
        content = self.content(found)
        hashed = version_of(content)
        if version in ("", hashed):
            return content, (history and history.version_of(path, content)) or hashed
        raise Missing(
            "no-such-version",
            f"“{found.entry.id}” has no version “{shortened(version, 64)}”. A version is a commit "
            "that published it, or the SHA-256 of what is there now.",
        )

    def kept_preview(self, found: Found) -> Rendered | None:
        """The preview, if it was made before."""
        return self.previews.kept(found.entry.version)

    def preview(self, found: Found) -> Rendered:
        return self.previews.of(found.entry.version, lambda: self.content(found))

    def kept_contribution_preview(self, caller: Caller, cid: str) -> Rendered | None:
        return self.previews.kept(self.contributions.version(caller, cid))

    def contribution_preview(self, caller: Caller, cid: str) -> Rendered:
        version = self.contributions.version(caller, cid)
        return self.previews.of(version, lambda: self.contributions.content(cid))


def hub_catalogue(
    name: str, places: Places, directory: Callable[[], TeamDirectory | None], record: Record
) -> Catalogue:
    """The catalogue of a hub: its teams' library folders, the public one, what was published.

    Args:
        record: takes what curators decide, for the audit log.
    """
    repository = Repository(places.catalog / "published")

    def sources() -> tuple[Source, ...] | None:
        teams = directory()
        return None if teams is None else hub_sources(places, repository.folder, teams)

    def contributions(index: Index, library: Library) -> Contributions:
        store = Store(f"sqlite:///{places.catalog / 'contributions.sqlite'}")
        submitted = places.catalog / "submitted"
        return Contributions(submitted, store, repository, index.slugs, library.look_again, record)

    return Catalogue(name, places.catalog, sources, contributions, repository)


def hub_sources(places: Places, published: Path, directory: TeamDirectory) -> tuple[Source, ...]:
    """What was published comes first: where two notebooks claim one id, it keeps it."""
    teams = [t.name for t in directory.teams]
    ours = (Source(f"published/{t}", t, published / t, "contribution") for t in teams)
    shared = (Source(f"library/{t}", t, places.library(t)) for t in (*teams, PUBLIC))
    return (*ours, *shared)


def plain_catalogue(name: str, folder: Path, library: Path | None) -> Catalogue:
    """The catalogue of a JupyterLab on its own: one folder, read only; empty without one."""
    sources = () if library is None else (Source("library/public", PUBLIC, library),)
    return Catalogue(name, folder, lambda: sources)

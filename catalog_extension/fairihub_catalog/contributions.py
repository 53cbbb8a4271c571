"""Contributions: submitted by members, published or declined by curators of their team."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from fairihub_catalog.callers import Caller
from fairihub_catalog.models import Contribution, Edition, Facts, State
from fairihub_catalog.reader import Read, Reader
from fairihub_catalog.repository import Repository
from fairihub_catalog.store import Store
from fairihub_core.audit import Action, Entry, Record
from fairihub_core.clock import now
from fairihub_core.errors import Conflict, Missing, Refused
from fairihub_core.files import read_below, write_whole
from fairihub_core.findings import Finding
from fairihub_core.notebooks import MAX_NOTEBOOK_BYTES, notebook_id

MAX_WAITING = 20
_MAX_LISTED = 500


class Contributions:
    """The way into the catalogue: every step, and who may take it.

    Args:
        folder: where submitted notebooks are kept until and after they are decided.
        taken: the slugs that a team's library has already.
        published: called after a notebook was published.
        record: takes what curators decide, for the audit log.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        repository: Repository,
        taken: Callable[[str], frozenset[str]],
        published: Callable[[], None],
        record: Record,
    ) -> None:
        self._folder = folder
        self._store = store
        self._repository = repository
        self._taken = taken
        self._published = published
        self._record = record
        self._reader = Reader()
        self._deciding = threading.Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def close(self) -> None:
        self._reader.stop()
        self._store.close()

    # What authors do

    def submit(self, caller: Caller, body: bytes) -> Contribution:
        """Puts a notebook before the curators of a team.

        Raises:
            FairihubError: not the caller's team, too large, no notebook, too many waiting.
        """
        if self._store.count_waiting(caller.login) >= MAX_WAITING:
            raise Conflict(
                "too-many-waiting",
                f"{MAX_WAITING} of your contributions wait for a decision. Withdraw one first.",
            )
        cid = uuid.uuid4().hex
        try:
            read = self._read(cid, body)
            contribution, edition = self._received(caller, cid, read)
            self._store.add(contribution, edition)
        except BaseException:
            self._content(cid).unlink(missing_ok=True)
            raise
        return contribution

    def _read(self, cid: str, body: bytes) -> Read:
        stored = self._folder / f"{cid}.request"
        try:
            write_whole(stored, body)
            return self._reader.submission(stored, self._content(cid))
        finally:
            stored.unlink(missing_ok=True)

    def _received(self, caller: Caller, cid: str, read: Read) -> tuple[Contribution, Edition]:
        said, facts = read.submission, read.facts
        if said.team not in caller.teams:
            names = f": {', '.join(caller.teams)}" if caller.teams else ", and you have none"
            raise Refused("not-your-team", f"“{said.team}” is none of your teams{names}.")
        edition = Edition(
            version=facts.version,
            slug=facts.slug,
            replaces=self._replaced(caller, said.team, facts),
        )
        contribution = Contribution(
            cid=cid,
            team=said.team,
            title=said.title or facts.title,
            description=said.description or facts.description,
            tags=tuple(dict.fromkeys(t.strip()[:50] for t in said.tags or facts.tags if t.strip())),
            message=said.message,
            filename=said.filename,
            author=caller.login,
            state="submitted",
            submitted=now(),
            findings=(*read.findings, *self._about_name(said.team, edition)),
        )
        return contribution, edition

    def _replaced(self, caller: Caller, team: str, facts: Facts) -> str | None:
        """The published notebook that this is meant as a new version of.

        Only of the same author, and only when the notebook itself names it: a file that merely
        has the same name may be another notebook.
        """
        named = [facts.copy_of] if facts.copy_of.startswith(f"{team}.") else []
        named += [notebook_id(team, facts.slug)] if facts.declared_slug else []
        return next((n for n in named if self._is_of(n, caller.login)), None)

    def _is_of(self, identifier: str, login: str) -> bool:
        return self._store.author_of_published(identifier) == login

    def _about_name(self, team: str, edition: Edition) -> Iterable[Finding]:
        if edition.replaces:
            text = f"It will be a new version of “{edition.replaces}”, by the same author."
            yield Finding(severity="info", code="new-version", message=text)
        elif edition.slug in self._all_taken(team):
            text = f"“{notebook_id(team, edition.slug)}” is taken: it will get another id."
            yield Finding(severity="info", code="name-taken", message=text)

    def withdraw(self, caller: Caller, cid: str) -> Contribution:
        """Takes back what was not decided yet; only its author may."""
        found = self.get(caller, cid)
        if found.author != caller.login:
            raise Refused("not-author", "Only its author may withdraw a contribution.")
        return self._decide(caller, cid, "withdrawn")

    # What curators do

    def publish(self, caller: Caller, cid: str, note: str) -> Contribution:
        """Publishes it in the name of its author; its id is fixed from now on."""
        found = self._to_decide(caller, cid)
        with self._deciding:
            self._require_waiting(cid)
            edition = self._store.edition(cid)
            slug = self._slug_for(found, edition)
            identifier = notebook_id(found.team, slug)
            self._repository.publish(
                found.team,
                slug,
                self._reader.edition(self._content(cid), _properties(found, slug)),
                author=found.author,
                committer=caller.login,
                message=_commit_message(found, note),
            )
            decided = self._decide(
                caller, cid, "published", note=note or None, notebook_id=identifier
            )
        self._published()
        self._record(_entry("contribution-published", decided))
        return decided

    def decline(self, caller: Caller, cid: str, reason: str) -> Contribution:
        """Declines it, with a reason that its author reads."""
        self._to_decide(caller, cid)
        with self._deciding:
            decided = self._decide(caller, cid, "declined", reason=reason)
        self._record(_entry("contribution-declined", decided))
        return decided

    def _slug_for(self, found: Contribution, edition: Edition) -> str:
        if edition.replaces and self._is_of(edition.replaces, found.author):
            return edition.replaces.partition(".")[2]
        # A publication that broke off after its commit is completed, not repeated.
        for slug in _candidates(edition.slug):
            if self._repository.trailer(found.team, slug, "Contribution") == found.cid:
                return slug
            if slug not in self._all_taken(found.team):
                return slug
        raise Conflict("name-taken", f"Too many notebooks are called “{edition.slug}”.")

    def _all_taken(self, team: str) -> frozenset[str]:
        return self._taken(team) | self._repository.slugs(team)

    def _to_decide(self, caller: Caller, cid: str) -> Contribution:
        found = self.get(caller, cid)
        if found.team not in caller.curates:
            raise Refused("not-curator", f"Only curators of “{found.team}” decide on this.")
        return found

    def _decide(self, caller: Caller, cid: str, state: State, **more: str | None) -> Contribution:
        if not self._store.decide(cid, state, caller.login, _whole_second(now()), **more):
            self._require_waiting(cid)
        return self._known(cid)

    def _require_waiting(self, cid: str) -> None:
        found = self._known(cid)
        if found.state != "submitted":
            raise Conflict(
                "already-decided",
                f"It is {found.state} already, by “{found.decided_by}”. Reload to see it.",
                state=found.state,
            )

    # What both see

    def get(self, caller: Caller, cid: str) -> Contribution:
        """A contribution of the caller, or of a team that they curate.

        Raises:
            Missing: there is none that they may know of.
        """
        found = self._store.find(cid)
        if found is None or not (found.author == caller.login or found.team in caller.curates):
            raise Missing("unknown-contribution", "There is no such contribution.")
        return found

    def mine(self, caller: Caller) -> list[Contribution]:
        return self._store.of_author(caller.login, _MAX_LISTED)

    def of_teams(self, caller: Caller, team: str) -> list[Contribution]:
        """Those of one team, or of all that the caller curates."""
        if team and team not in caller.curates:
            raise Refused("not-curator", f"You are no curator of “{team[:63]}”.")
        return self._store.of_teams([team] if team else sorted(caller.curates), _MAX_LISTED)

    def version(self, caller: Caller, cid: str) -> str:
        self.get(caller, cid)
        return self._store.edition(cid).version

    def content(self, cid: str) -> bytes:
        return read_below(self._folder, f"{cid}.ipynb", 2 * MAX_NOTEBOOK_BYTES)

    def _content(self, cid: str) -> Path:
        return self._folder / f"{cid}.ipynb"

    def _known(self, cid: str) -> Contribution:
        found = self._store.find(cid)
        if found is None:
            raise Missing("unknown-contribution", "There is no such contribution.")
        return found


def _entry(action: Action, decided: Contribution) -> Entry:
    return Entry(
        at=decided.decided or now(),
        action=action,
        login=decided.author,
        by=decided.decided_by or "",
        team=decided.team,
        detail=f"{decided.notebook_id or decided.cid}: {decided.title}",
    )


def _candidates(slug: str) -> Iterable[str]:
    yield slug
    yield from (f"{slug[:75]}-{number}" for number in range(2, 1_000))


def _properties(found: Contribution, slug: str) -> dict[str, object]:
    return {
        "id": slug,
        "name": found.title,
        "description": found.description,
        "tags": list(found.tags),
        "authors": [{"id": found.author, "name": found.author}],
    }


def _commit_message(found: Contribution, note: str) -> str:
    title = " ".join(found.title.split())[:100]
    said = [text.strip() for text in (found.message, note) if text.strip()]
    # Only the last paragraph holds trailers, so that nothing in the texts can pass for one.
    return "\n\n".join([f"Publish {title}", *said, f"Contribution: {found.cid}"]) + "\n"


def _whole_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)

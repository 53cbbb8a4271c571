"""What lies in the cluster and belongs to no server or member any more.

It is told of, and deleted only where an operator says so: to a second hub of the same name, the
servers of the first look left over, too. Volumes are never deleted: what is in them is their
owners' work, and who is in no team today may be back tomorrow.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from fairihub_core.logins import printable
from fairihub_core.teams import Frozen, TeamDirectory
from fairihub_spawner.kube import names
from fairihub_spawner.kube.observed import created

YOUNG = timedelta(minutes=2)
"""What was made just now may be of a start that has not been written down yet."""

Kind = Literal["Pod", "Secret", "PersistentVolumeClaim"]
Object = Mapping[str, Any]
Key = tuple[str, str]
"""A namespace, and a name in it."""


class Leftover(Frozen):
    """An object without a server, or a volume without a member."""

    kind: Kind
    namespace: str
    name: str
    login: str
    team: str
    since: datetime
    why: str
    uid: str = Field("", exclude=True)
    """Of this very object, where another may come by its name."""

    @property
    def said(self) -> str:
        """The whole of it on one line."""
        whose = f"of “{printable(self.login)}”, " if self.login else ""
        about = f"{whose}team “{printable(self.team)}”. {printable(self.why, 300)}"
        return f"{self.kind} {self.namespace}/{self.name} {about}"

    @property
    def may_go(self) -> bool:
        """Whether it is deleted where an operator says so."""
        return self.kind != "PersistentVolumeClaim"


class Leftovers(Frozen):
    """What is left over, and what of it was deleted just now."""

    leftovers: tuple[Leftover, ...]
    deleted: tuple[Leftover, ...] = ()
    unread: tuple[str, ...] = ()
    """Namespaces of teams that did not let the hub look."""


def of_servers(
    kind: Kind, objects: Iterable[Object], held: Collection[Key], now: datetime
) -> Iterator[Leftover]:
    """Pods or Secrets that no server of this hub holds."""
    for found in objects:
        if _key(found) not in held and _is_old(found, now):
            yield _leftover(kind, found, "No server of this hub uses it.", now)


def of_members(
    claims: Iterable[Object], directory: TeamDirectory, now: datetime
) -> Iterator[Leftover]:
    """Volumes of teams that are gone, and of people whom their team lists no more."""
    for claim in claims:
        said = claim["metadata"].get("annotations") or {}
        name, login = said.get(names.TEAM, ""), said.get(names.LOGIN)
        team = directory.team(name)
        if team is None:
            yield _leftover("PersistentVolumeClaim", claim, f"There is no team “{name}”.", now)
        elif login is not None and team.member(login) is None:
            why = f"Team “{name}” does not list “{login}”."
            yield _leftover("PersistentVolumeClaim", claim, why, now)


def _leftover(kind: Kind, found: Object, why: str, now: datetime) -> Leftover:
    said = found["metadata"].get("annotations") or {}
    namespace, name = _key(found)
    return Leftover(
        kind=kind,
        namespace=namespace,
        name=name,
        login=said.get(names.LOGIN, ""),
        team=said.get(names.TEAM, ""),
        since=created(found) or now,
        why=why,
        uid=found["metadata"].get("uid") or "",
    )


def _is_old(found: Object, now: datetime) -> bool:
    made = created(found)
    return made is None or now - made > YOUNG


def _key(found: Object) -> Key:
    return found["metadata"]["namespace"], found["metadata"]["name"]

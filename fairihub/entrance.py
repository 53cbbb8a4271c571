"""Who may come in, put together: sources, accounts, the snapshot, and who hears of a change."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from dataclasses import dataclass

from fairihub.hub_settings import HubSettings
from fairihub.operator_settings import members_of
from fairihub.settings import Settings
from fairihub.team_file_settings import FolderTeams, KubernetesTeams, TeamFiles
from fairihub_auth.audit_entries import Known
from fairihub_auth.audit_log import Recorder
from fairihub_auth.continuity import Continuity
from fairihub_auth.git_source import GitSource
from fairihub_auth.github import GitHubGate
from fairihub_auth.link_store import LinkStore
from fairihub_auth.publication import Publication
from fairihub_auth.register import Register
from fairihub_auth.removal import Removal
from fairihub_auth.sources import FolderSource, Source
from fairihub_auth.store import AuthStore
from fairihub_auth.watch import TeamWatch
from fairihub_core.files import write_whole
from fairihub_core.people import Provider
from fairihub_core.resolution import ClaimRules
from fairihub_core.snapshot import Snapshot
from fairihub_core.teams import TeamDirectory
from fairihub_spawner.s3 import sync_keys

GITHUB = "https://github.com"
_BUCKETS_SECONDS = 600

log = logging.getLogger("fairihub.entrance")


@dataclass(frozen=True)
class Entrance:
    """What the rooms are given, in plain functions, of who may come in."""

    publication: Publication
    watch: TeamWatch
    register: Register
    removal: Removal
    recorder: Recorder
    store: AuthStore

    def snapshot(self) -> Snapshot:
        return self.publication.snapshot()

    def directory(self) -> TeamDirectory:
        return self.publication.snapshot().directory


def origin_of(provider: Provider, settings: Settings) -> str:
    """The provider with its address: what keeps its accounts apart from all others' accounts.

    Numbers are given by each issuer, and by each GitHub server, on its own.
    """
    if provider == "oidc" and settings.oidc is not None:
        return f"oidc {settings.oidc.issuer}"
    if provider == "github":
        address = GitHubGate().github_url.rstrip("/")
        return "github" if address == GITHUB else f"github {address}"
    return provider


def followed(hub: HubSettings) -> Entrance:
    """The team files, followed; each change reaches buckets, servers and the audit log at once."""
    store = AuthStore.in_folder(hub.places.hub)
    recorder = Recorder(hub.places.hub, store.record)
    atexit.register(recorder.close)
    publication = Publication()
    origin = origin_of(hub.sign_in, hub.settings)
    continuity = Continuity(
        hub.places.hub / "provider", origin, knows=lambda name: register.knows(name)
    )
    if continuity.before().startswith("oidc "):
        # Once accounts were kept without their issuer: it is the one that the hub had last.
        store.belong("oidc", continuity.before())
    register = Register(
        store,
        publication.put,
        provider=hub.sign_in,
        origin=origin,
        rules=hub.settings.oidc.rules if hub.settings.oidc else ClaimRules(),
        operators=members_of(hub.settings.operators),
    )
    kept = hub.places.hub / "removed.json"
    known = _known(hub, register)
    drop_links = LinkStore(hub.places.links).drop
    removal = Removal(publication.snapshot, recorder.record, kept, continuity, known, drop_links)
    publication.subscribe(lambda _, after: _published(hub, after))
    publication.subscribe(removal.told)
    watch = _watched(hub, publication, register)
    threading.Thread(target=_close_buckets, args=(hub, publication), daemon=True).start()
    return Entrance(publication, watch, register, removal, recorder, store)


def _known(hub: HubSettings, register: Register) -> Known:
    return Known(
        provider=hub.settings.oidc.name if hub.settings.oidc else "provider",
        written=register.written,
        has_account=register.knows,
    )


def _watched(hub: HubSettings, publication: Publication, register: Register) -> TeamWatch:
    """The sources, looked at from now on; each is told what became of what it said."""
    sources = [source_of(hub, source) for source in hub.sources]
    for source in sources:
        publication.subscribe(source.told)
    watch = TeamWatch(sources, changed=register.teams_are, kept=hub.team_state_file)
    watch.start()
    atexit.register(watch.stop)
    return watch


def source_of(hub: HubSettings, source: TeamFiles) -> Source:
    """The source that the settings describe."""
    if isinstance(source, FolderTeams):
        return FolderSource(source.folder)
    if isinstance(source, KubernetesTeams):
        return _customer_objects(source)
    return GitSource(
        source.git,
        name=source.name,
        cache=hub.places.hub / "team-repositories",
        branch=source.branch,
        path=source.path,
        interval_seconds=source.interval_seconds,
        credentials=source.credentials,
    )


def _customer_objects(source: KubernetesTeams) -> Source:
    # The client of Kubernetes takes its time to import: only where it is used.
    from fairihub_auth.customer_objects import CustomerObjects
    from fairihub_auth.kube_access import Access

    access = Access(source.kubeconfig, source.context, source.namespace)
    return CustomerObjects(access, name=source.name, operators=source.operators)


def _published(hub: HubSettings, snapshot: Snapshot) -> None:
    sync_keys(hub.places, snapshot.directory)
    _leave(hub, snapshot)


def _leave(hub: HubSettings, snapshot: Snapshot) -> None:
    """Leaves the snapshot for `fairihub why`, which also answers while the hub is off."""
    try:
        write_whole(hub.snapshot_file, snapshot.model_dump_json().encode())
    except OSError as problem:
        log.warning("%s cannot be written: %s", hub.snapshot_file, problem.strerror)


def _close_buckets(hub: HubSettings, publication: Publication) -> None:
    """A team that closes at midnight changes no file; its bucket closes all the same."""
    while True:
        time.sleep(_BUCKETS_SECONDS)
        sync_keys(hub.places, publication.snapshot().directory)

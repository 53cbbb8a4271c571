"""Who may come in, put together: sources, accounts, the snapshot, and who hears of a change."""

from __future__ import annotations

import logging
import threading
import time

from fairihub.hub_settings import HubSettings
from fairihub.sign_in_settings import FolderTeams, TeamFiles
from fairihub_auth.publication import Publication
from fairihub_auth.sources import FolderSource, Source
from fairihub_auth.watch import TeamWatch
from fairihub_core.errors import BadInput
from fairihub_core.files import write_whole
from fairihub_core.people import People
from fairihub_core.resolution import resolved
from fairihub_core.snapshot import Snapshot
from fairihub_spawner.s3 import sync_keys

_BUCKETS_SECONDS = 600

log = logging.getLogger("fairihub.access")


def followed(hub: HubSettings) -> Publication:
    """The team files, followed; what they say of buckets reaches the S3 server at once."""
    publication = Publication()
    publication.subscribe(lambda _, after: _published(hub, after))
    operators = frozenset(hub.settings.operators)
    TeamWatch(
        [source_of(s) for s in hub.sources],
        changed=lambda teams, files: publication.put(
            resolved(teams, People(), operators=operators), files
        ),
        kept=hub.snapshot_file,
    ).start()
    threading.Thread(target=_close_buckets, args=(hub, publication), daemon=True).start()
    return publication


def source_of(settings: TeamFiles) -> Source:
    """The source that `settings` describe."""
    if isinstance(settings, FolderTeams):
        return FolderSource(settings.folder)
    raise BadInput("bad-settings", "team_files: repositories are not followed yet.")


def _published(hub: HubSettings, snapshot: Snapshot) -> None:
    sync_keys(hub.places, snapshot.directory)
    _leave(hub, snapshot)


def _leave(hub: HubSettings, snapshot: Snapshot) -> None:
    """Leaves the snapshot for `fairihub why`, which also answers while the hub is off."""
    try:
        write_whole(hub.published_file, snapshot.model_dump_json().encode())
    except OSError as problem:
        log.warning("%s cannot be written: %s", hub.published_file, problem.strerror)


def _close_buckets(hub: HubSettings, publication: Publication) -> None:
    """A team that closes at midnight changes no file; its bucket closes all the same."""
    while True:
        time.sleep(_BUCKETS_SECONDS)
        sync_keys(hub.places, publication.snapshot().directory)

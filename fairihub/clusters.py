"""The clusters that a hub needs: there is a way to each before it starts."""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping
from pathlib import Path

from fairihub.settings import Settings
from fairihub.team_file_settings import KubernetesTeams, TeamFiles
from fairihub_core.errors import Unavailable

VARIABLE = "KUBECONFIG"


def require_clusters(settings: Settings, sources: tuple[TeamFiles, ...]) -> None:
    """Whether each kubeconfig that the hub will read is one; it may stand anywhere by then.

    Raises:
        Unavailable: `no-cluster`, naming the setting that asks for the cluster, and the file.
    """
    keep_whole_paths(os.environ, Path.cwd())
    listed = [source for source in sources if isinstance(source, KubernetesTeams)]
    if settings.kubernetes is None and not listed:
        return
    # The client of Kubernetes takes its time to import: only where it is used.
    from fairihub_auth.kube_access import Access, require_way

    ways = [("team_files", Access(source.kubeconfig, source.context)) for source in listed]
    if settings.kubernetes is not None:
        ways.insert(0, ("kubernetes", Access()))
    for setting, access in ways:
        try:
            require_way(access)
        except Unavailable as problem:
            raise Unavailable(problem.code, f"{setting}: {problem.message}") from None


def warnings(settings: Settings) -> Iterator[str]:
    """What keeps servers from starting on their cluster at this moment; the hub runs without."""
    if settings.kubernetes is None:
        return
    from fairihub_auth.kube_access import Access, what_keeps

    problem = what_keeps(Access())
    if problem is not None:
        yield f"No server can start now. {problem}"


def keep_whole_paths(environment: MutableMapping[str, str], folder: Path) -> None:
    """Makes what KUBECONFIG names whole, as the hub's processes run in folders of their own."""
    files = [f for f in environment.get(VARIABLE, "").split(os.pathsep) if f]
    if files:
        whole = (str(folder / Path(file).expanduser()) for file in files)
        environment[VARIABLE] = os.pathsep.join(whole)
    else:
        environment.pop(VARIABLE, None)

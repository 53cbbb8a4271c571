"""What a run is given when it begins: an offer that still holds, its home, equipment, order."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable
from datetime import date
from pathlib import Path, PurePosixPath

from fairihub_core.access import require_access
from fairihub_core.clock import today
from fairihub_core.errors import Refused
from fairihub_core.homes import own_places, prepare_home
from fairihub_core.notebooks import is_home_path
from fairihub_core.offers import Offer, offers_for
from fairihub_core.places import Places
from fairihub_core.teams import TeamDirectory
from fairihub_headless.checkout import Repository, below_algorithm, no_repository, repository_of
from fairihub_headless.equipment import Equipment, equipment_of
from fairihub_headless.folders import DELIVERY, RunFolder
from fairihub_headless.models import Run, WorkOrder
from fairihub_headless.settings import HeadlessSettings


def prepared(
    run: Run, folder: RunFolder, directory: TeamDirectory, settings: HeadlessSettings,
    ending: threading.Event,
) -> tuple[WorkOrder, Equipment]:  # fmt: skip
    """What the worker needs, by what the team files say at this moment; its home is made. Blocks.

    Args:
        ending: is set when the attempt is to end, and what takes long ends with it.

    Raises:
        Refused: as `offer_of`.
    """
    places = Places(settings.data)
    offer = offer_of(run, directory, today())
    equipment = equipment_of(run, offer, folder, places, settings.s3)
    home = prepare_home(places, offer.team.name, run.owner, equipment.bucket).path
    checkout = checked_out(run, folder, repository_of(settings, places), ending)
    cwd = working_folder(run, home, checkout)
    own = own_places(home, offer.profile.s3_bucket_name)
    return work_order(run, home, cwd, equipment, settings, own), equipment


def offer_of(run: Run, directory: TeamDirectory, today: date) -> Offer:
    """The offer that pays for `run`, if its owner may still use it.

    Raises:
        Refused: the owner has left, the team has closed, or the profile is gone.
    """
    require_access(run.owner, directory, today)
    for offer in offers_for(run.owner, directory, today):
        if offer.name == run.profile:
            return offer
    raise Refused("unknown-profile", f"Profile “{run.profile}” is no longer one of yours.")


def checked_out(
    run: Run, folder: RunFolder, repository: Repository | None, ending: threading.Event
) -> Path | None:
    """The files of the commit that the run was promised, in a folder of this attempt. Blocks.

    Raises:
        Missing: `no-such-revision`.
    """
    if run.source.revision is None:
        return None
    if repository is None:
        raise no_repository()
    folder.place.mkdir(mode=0o700, exist_ok=True)
    shutil.rmtree(folder.checkout, ignore_errors=True)
    repository.check_out(run.source.revision, folder.checkout, ending)
    return folder.checkout


def working_folder(run: Run, home: Path, checkout: Path | None) -> Path:
    """The folder of the notebook, where there is one; else the home."""
    inside = below_algorithm(run.notebook)
    if checkout is not None and inside is not None:
        wanted = checkout / PurePosixPath(inside).parent
    else:
        wanted = home / folder_in_home(run.notebook)
    return wanted if wanted.is_dir() else home


def folder_in_home(path: str) -> str:
    """The folder of a notebook, relative to the home: where its run takes place."""
    return PurePosixPath(path).parent.as_posix() if is_home_path(path) else "."


def work_order(
    run: Run, home: Path, cwd: Path, equipment: Equipment, settings: HeadlessSettings,
    own: Iterable[Path],
) -> WorkOrder:  # fmt: skip
    """What the worker of `run` is told."""
    wants_copy = run.output_dirname is not None
    return WorkOrder(
        run=run.id,
        again=_again(run),
        digest=run.digest,
        cwd=str(cwd),
        home=str(home),
        notebook_name=run.executed_name,
        kernel=run.kernel,
        packages=run.source.packages,
        parameters=run.parameters,
        deliver_to=f"{DELIVERY}/{run.output_dirname}" if wants_copy else None,
        results_to=results_folder(run),
        own_places=tuple(map(str, own)),
        mem_limit=run.limits.mem_limit,
        secret_names=equipment.secret_names,
        max_output_bytes=settings.max_output_bytes,
        max_log_bytes=settings.max_log_bytes,
    )


def results_folder(run: Run) -> str | None:
    """Where in the home the result files are copied to."""
    asked = run.result_data_directory
    return None if asked is None else asked.replace("{job_name}", run.id)


def _again(run: Run) -> str | None:
    if run.attempt < 2:
        return None
    why = f": {run.failure.message}" if run.failure else "."
    return f"The run begins again, as attempt {run.attempt}. The one before failed{why}"

"""What a run is given when it begins: an offer that still holds, its equipment, its order."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from fairihub_core.access import require_access
from fairihub_core.clock import today
from fairihub_core.errors import Refused
from fairihub_core.offers import Offer, offers_for
from fairihub_core.places import Places
from fairihub_core.teams import TeamDirectory
from fairihub_headless.equipment import Equipment, equipment_of
from fairihub_headless.folders import DELIVERY, EXECUTED, RunFolder
from fairihub_headless.models import Run, WorkOrder
from fairihub_headless.settings import HeadlessSettings
from fairihub_headless.sources import folder_in_home


def prepared(
    run: Run, folder: RunFolder, directory: TeamDirectory, settings: HeadlessSettings
) -> tuple[WorkOrder, Equipment]:
    """What the worker needs, by what the team files say at this moment. Blocks.

    Raises:
        Refused: as `offer_of`.
    """
    places = Places(settings.data)
    offer = offer_of(run, directory, today())
    equipment = equipment_of(run, offer, folder, places, settings.s3)
    home = places.home(run.team, run.owner)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    return work_order(run, home, equipment, settings), equipment


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


def work_order(run: Run, home: Path, equipment: Equipment, settings: HeadlessSettings) -> WorkOrder:
    """What the worker of `run` is told."""
    cwd = home / folder_in_home(run.notebook)
    wants_copy = run.output_dirname is not None
    return WorkOrder(
        run=run.id,
        again=_again(run),
        cwd=str(cwd if cwd.is_dir() else home),
        home=str(home),
        notebook_name=run.output_filename or EXECUTED,
        kernel=run.kernel,
        parameters=run.parameters,
        deliver_to=f"{DELIVERY}/{run.output_dirname}" if wants_copy else None,
        mem_limit=run.limits.mem_limit,
        secret_names=equipment.secret_names,
        max_output_bytes=settings.max_output_bytes,
        max_log_bytes=settings.max_log_bytes,
    )


def _again(run: Run) -> str | None:
    if run.attempt < 2:
        return None
    why = f": {run.failure.message}" if run.failure else "."
    return f"The run begins again, as attempt {run.attempt}. The one before failed{why}"

"""`execute-notebook` as a member is offered it: with their teams, profiles and ceilings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fairihub_core.offers import Offer
from fairihub_core.units import human_bytes
from fairihub_headless.models import PROCESS
from fairihub_headless.processes.model import ASYNC, DISMISS, Input, Process
from fairihub_headless.processes.notebook_inputs import INPUTS, OUTPUTS

EXAMPLE: dict[str, Any] = {
    "inputs": {"notebook": "public.monthly-summary", "parameters_json": {"station": "Graz"}}
}


def execute_notebook(offers: Sequence[Offer], max_hours: float | None) -> Process:
    """The process, described for whoever has these offers.

    Args:
        max_hours: how long a run may take at most, if that is known.
    """
    return Process(
        id=PROCESS,
        title="Run a notebook",
        description="Executes a notebook of your home folder or of the catalogue with the "
        "parameters that it declares, equipped as a server of your profile would be.",
        inputs={name: _described(name, told, offers, max_hours) for name, told in INPUTS.items()},
        outputs=OUTPUTS,
        controls=(ASYNC, DISMISS),
        example={"inputs": {**_team_needed(offers), **EXAMPLE["inputs"]}},
        keywords=("notebook", "papermill"),
    )


def _described(name: str, told: Input, offers: Sequence[Offer], max_hours: float | None) -> Input:
    """An input with what is particular to this member."""
    if name == "team":
        return replace(
            told, schema=_one_of(told, _teams(offers)), required=bool(_team_needed(offers))
        )
    if name == "profile":
        sizes = "; ".join(f"{offer.name}: {_size(offer)}" for offer in offers)
        more = f" Yours: {sizes}." if sizes else ""
        return replace(
            told,
            schema=_one_of(told, _profiles(offers)),
            description=f"{told.description}{more}",
        )
    if name in ("image", "node_purpose"):
        named = [value for o in offers if (value := getattr(o.profile, name)) is not None]
        return replace(told, schema=_one_of(told, list(dict.fromkeys(named))))
    if name == "deadline" and max_hours is not None:
        return replace(told, schema={**told.schema, "maximum": max_hours * 3600})
    return told


def _one_of(told: Input, values: Sequence[str]) -> dict[str, Any]:
    return {**told.schema, **({"enum": list(values)} if values else {})}


def _teams(offers: Sequence[Offer]) -> list[str]:
    return list(dict.fromkeys(offer.team.name for offer in offers))


def _profiles(offers: Sequence[Offer]) -> list[str]:
    """Every name by which a profile can be asked for."""
    return list(dict.fromkeys([*(o.name for o in offers), *(o.profile.slug for o in offers)]))


def _team_needed(offers: Sequence[Offer]) -> dict[str, str]:
    teams = _teams(offers)
    return {"team": teams[0]} if len(teams) > 1 else {}


def _size(offer: Offer) -> str:
    """What a run of this profile may use at most."""
    profile = offer.profile
    parts = [
        _cores(profile.cpu_limit) if profile.cpu_limit else "",
        human_bytes(profile.mem_limit) if profile.mem_limit else "",
        f"{profile.gpu} GPU" if profile.gpu else "",
    ]
    return ", ".join(part for part in parts if part) or profile.display_name


def _cores(count: float) -> str:
    return "1 core" if count == 1 else f"{count:g} cores"

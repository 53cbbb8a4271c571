"""What an execute request asks for, checked against the member's offers; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fairihub_core.errors import BadInput, shortened
from fairihub_core.notebooks import is_home_path
from fairihub_core.offers import Offer, chosen
from fairihub_core.places import require_relative
from fairihub_core.quantities import bytes_of, cores_of
from fairihub_core.units import human_bytes
from fairihub_headless.models import NOTEBOOK_TYPE, Limits, OutputChoice, Priority
from fairihub_headless.payload import parameters_in
from fairihub_headless.processes.asking import Asked, Response, asked_of
from fairihub_headless.processes.notebook_inputs import (
    INPUTS,
    MOST_RETRIES,
    OUTPUTS,
    REVISION,
    VERSION,
)

UPLOADED_AS = "upload.ipynb"
"""What a notebook in the request is called, if the request does not say."""
LEAST_MEMORY = 128 * 2**20
_LONGEST = 366 * 24 * 3600.0
_KERNEL = re.compile(r"[A-Za-z0-9._-]{1,120}")
_FILE_NAME = re.compile(r"[^\x00-\x1f\x7f/\\:]{1,120}")


@dataclass(frozen=True)
class NotebookRequest:
    """A request that makes sense for this member; the notebook has not been looked at yet."""

    notebook: str
    parameters: dict[str, Any]
    offer: Offer
    limits: Limits
    kernel: str | None
    output_filename: str | None
    output_dirname: str | None
    outputs: dict[str, OutputChoice] | None
    response: Response = "document"
    deadline: float | None = None
    retries: int = 0
    priority: Priority = Priority.normal
    uploaded: bool = False
    """Whether the notebook came with the request."""
    notebook_version: str | None = None
    result_data_directory: str | None = None
    git_revision: str | None = None


def asked_of_notebook(body: dict[str, Any]) -> Asked:
    """What a request says to execute a notebook, for whomever.

    Raises:
        BadInput: as `asked_of`.
    """
    return asked_of(body, INPUTS, OUTPUTS)


def request_of(asked: Asked, offers: Sequence[Offer], longest: float = _LONGEST) -> NotebookRequest:
    """The request with all that it means, paid for by one of `offers`.

    Args:
        longest: the seconds that any run may take; a longer `deadline` is cut to them.

    Raises:
        BadInput: a wrong type, or a value that this profile does not allow.
        Refused: no profile fits, or several do.
    """
    inputs = asked.inputs
    _no_fargate(inputs)
    offer = _offer(inputs, offers)
    for key, named in (
        ("image", offer.profile.image),
        ("node_purpose", offer.profile.node_purpose),
    ):
        _only_the_profiles(inputs, key, named, offer)
    return NotebookRequest(
        notebook=_notebook(inputs),
        parameters=_parameters(inputs),
        offer=offer,
        limits=limits_of(inputs, offer),
        kernel=_matching(inputs, "kernel", _KERNEL, "the name of a kernel"),
        output_filename=_file_name(inputs, "output_filename"),
        output_dirname=_file_name(inputs, "output_dirname"),
        outputs=asked.outputs,
        response=asked.response,
        deadline=_deadline(inputs, longest),
        retries=_retries(inputs),
        priority=_priority(inputs),
        uploaded=isinstance(inputs.get("notebook"), dict),
        notebook_version=_version(inputs),
        result_data_directory=_folder(inputs, "result_data_directory"),
        git_revision=_matching(inputs, "git_revision", REVISION, "a branch, tag or commit"),
    )


def limits_of(inputs: dict[str, Any], offer: Offer) -> Limits:
    """What is asked for, cut to the profile; the profile's own sizes where nothing is asked for.

    Cut, not refused: scripts written for services without ceilings go on to work.

    Raises:
        BadInput: `bad-quantity`, nothing could run with so little.
    """
    profile = offer.profile
    cpu = _least(_cores(inputs, "cpu_limit"), profile.cpu_limit)
    asked = _bytes(inputs, "mem_limit")
    if asked is not None and asked < LEAST_MEMORY:
        raise BadInput("bad-quantity", f"`mem_limit` must be {human_bytes(LEAST_MEMORY)} or more: "
                       "a kernel alone takes as much.")  # fmt: skip
    memory = _least(asked, profile.mem_limit)
    cpu_requests = _cores(inputs, "cpu_requests") or profile.cpu_guarantee
    mem_requests = _bytes(inputs, "mem_requests") or profile.mem_guarantee
    return Limits(
        cpu_limit=cpu,
        mem_limit=memory,
        cpu_requests=cpu_requests and _least(cpu_requests, cpu),
        mem_requests=mem_requests and _least(mem_requests, memory),
    )


def _offer(inputs: dict[str, Any], offers: Sequence[Offer]) -> Offer:
    team, profile = _string(inputs, "team"), _string(inputs, "profile")
    teams = list(dict.fromkeys(o.team.name for o in offers))
    if team is not None and team not in teams:
        raise BadInput(
            "unknown-team", f"“{team[:80]}” is not one of your teams: {', '.join(teams)}."
        )
    if team is None and profile is None and len(teams) > 1:
        raise BadInput(
            "team-needed",
            f"You are in several teams; say which with `team`: {', '.join(teams)}.",
            teams=teams,
        )
    fitting = [o for o in offers if team in (None, o.team.name)]
    return chosen(profile, fitting)


def _only_the_profiles(inputs: dict[str, Any], key: str, named: str | None, offer: Offer) -> None:
    asked = _string(inputs, key)
    if asked is not None and asked != named:
        has = f"“{named}”" if named else "none"
        raise BadInput(f"bad-{key.replace('_', '-')}",
                       f"`{key}` can only be what profile {offer.name} names: {has}.")  # fmt: skip


def _no_fargate(inputs: dict[str, Any]) -> None:
    if inputs.get("run_on_fargate") not in (None, False):
        raise BadInput("no-fargate", "This hub has no Fargate; leave `run_on_fargate` out.")


def _notebook(inputs: dict[str, Any]) -> str:
    given = inputs.get("notebook")
    if isinstance(given, dict):
        if given:  # it is taken out of the request where that is read
            form = f'{{"value": {{…}}, "mediaType": "{NOTEBOOK_TYPE}"}}'
            raise BadInput("bad-notebook", f"A notebook in the request is written as {form}.")
        return _file_name(inputs, "output_filename") or UPLOADED_AS
    named = _string(inputs, "notebook")
    if not named:
        raise BadInput("no-notebook-named", "`inputs.notebook` is missing: a path in your home "
                       "folder that ends in .ipynb, or an id of the catalogue.")  # fmt: skip
    return named


def _version(inputs: dict[str, Any]) -> str | None:
    version = _matching(inputs, "notebook_version", VERSION, "a version")
    named = inputs.get("notebook")
    if version is not None and (not isinstance(named, str) or is_home_path(named)):
        raise BadInput("bad-input", "`notebook_version` is for notebooks of the catalogue only.")
    return version


def _folder(inputs: dict[str, Any], key: str) -> str | None:
    """A folder below the home, as far as its words tell; `{job_name}` is all it may contain."""
    value = _string(inputs, key)
    if value is None:
        return None
    plain = value.removeprefix("~/").rstrip("/").replace("{job_name}", "x")
    if "{" in plain or "}" in plain:
        raise BadInput("bad-input", f"`{key}` may contain `{{job_name}}`, and no other braces.")
    require_relative(plain)
    return value.removeprefix("~/").rstrip("/")


def _parameters(inputs: dict[str, Any]) -> dict[str, Any]:
    if inputs.get("parameters_json") is None:
        _string(inputs, "parameters")
    return parameters_in(inputs)


def _deadline(inputs: dict[str, Any], longest: float) -> float | None:
    value = inputs.get("deadline")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise BadInput("bad-deadline", "`deadline` must be a number of seconds above 0.")
    return float(min(value, longest))


def _retries(inputs: dict[str, Any]) -> int:
    value = inputs.get("retries", 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_RETRIES:
        raise BadInput("bad-retries", f"`retries` must be a number from 0 to {MOST_RETRIES}.")
    return value


def _priority(inputs: dict[str, Any]) -> Priority:
    try:
        return Priority(_string(inputs, "priority") or "normal")
    except ValueError:
        known = ", ".join(p.value for p in Priority)
        raise BadInput("bad-priority", f"`priority` can be: {known}.") from None


def _string(inputs: dict[str, Any], key: str) -> str | None:
    value = inputs.get(key)
    if value is not None and not isinstance(value, str):
        raise BadInput("bad-input", f"`{key}` must be a text.")
    return value


def _matching(inputs: dict[str, Any], key: str, pattern: re.Pattern[str], what: str) -> str | None:
    value = _string(inputs, key)
    if value is not None and not pattern.fullmatch(value):
        raise BadInput("bad-input", f"`{key}` must be {what}, not “{shortened(value, 80)}”.")
    return value


def _file_name(inputs: dict[str, Any], key: str) -> str | None:
    value = _matching(inputs, key, _FILE_NAME, "a plain name without folders")
    if value is not None and (value.startswith(".") or value != value.strip()):
        raise BadInput("bad-input", f"`{key}` must not be hidden or begin or end with a blank.")
    if key == "output_filename" and value is not None and not value.endswith(".ipynb"):
        return f"{value}.ipynb"
    return value


def _cores(inputs: dict[str, Any], key: str) -> Any:
    return _quantity(inputs, key, cores_of, "cores, such as “500m” or 2")


def _bytes(inputs: dict[str, Any], key: str) -> Any:
    return _quantity(inputs, key, bytes_of, "memory, such as “512Mi” or a number of bytes")


def _quantity(inputs: dict[str, Any], key: str, read: Any, what: str) -> Any:
    value = inputs.get(key)
    if value is None:
        return None
    text = str(value) if isinstance(value, str | int | float) and value is not True else ""
    amount = read(text)
    if not amount:
        raise BadInput("bad-quantity", f"`{key}` must be {what}.")
    return amount


def _least(asked: Any, ceiling: Any) -> Any:
    return ceiling if asked is None else asked if ceiling is None else min(asked, ceiling)

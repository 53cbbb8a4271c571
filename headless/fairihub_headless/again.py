"""What a request that repeats a run asks for: all that the run was given, with changes; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fairihub_core.errors import BadInput
from fairihub_core.parameters import Parameter
from fairihub_headless.masking import STARS, is_telling, masked
from fairihub_headless.models import Limits, Run
from fairihub_headless.payload import parameters_in
from fairihub_headless.processes.asking import only_known

_FIXED = ("notebook", "notebook_version")
_PARAMETERS = ("parameters", "parameters_json")


def repeated(run: Run, changes: Mapping[str, Any], *, whole: bool = False) -> dict[str, Any]:
    """The execute request for the same as `run`, with `changes`.

    Args:
        changes: as `{"inputs": {…}}`, with `outputs` and `response` as of any request. Parameters
            that it names are set, the others stay; an input that is null is taken back, all
            parameters by `"parameters_json": null`. Of one parameter, null is a value.
        whole: the parameters are all there are to be: what is missing is taken back, too.

    Raises:
        BadInput: the changes cannot be understood, or are of another notebook.
    """
    only_known(changes, ("inputs", "outputs", "response"), "the request")
    inputs = changes.get("inputs", {})
    if not isinstance(inputs, dict):
        raise BadInput("no-inputs", "`inputs` must be an object of the inputs that change.")
    fixed = [name for name in _FIXED if name in inputs]
    if fixed:
        raise BadInput(
            "bad-input", f"A run is repeated with its own notebook: leave `{fixed[0]}` out."
        )
    others = {name: value for name, value in inputs.items() if name not in _PARAMETERS}
    kept = _inputs_of(run)
    if _is_elsewhere(run, others):
        # They were cut to the profile of then, or were its own.
        kept = {name: value for name, value in kept.items() if name not in Limits.model_fields}
    if others.get("team", run.team) != run.team:
        kept.pop("profile")  # it is one of the other team's
    asked = {**kept, **others, "parameters_json": _parameters(run, inputs, whole)}
    outputs = {n: choice.model_dump() for n, choice in (run.outputs or {}).items()}
    return {
        "inputs": {name: value for name, value in asked.items() if value is not None},
        "response": run.response,
        **({"outputs": outputs} if outputs else {}),
        **{name: value for name, value in changes.items() if name != "inputs"},
    }


def _is_elsewhere(run: Run, others: Mapping[str, Any]) -> bool:
    """Whether another profile is meant than that of `run`."""
    same = (run.profile, run.profile.removeprefix(f"{run.team}."))
    return (
        others.get("team", run.team) != run.team or others.get("profile", run.profile) not in same
    )


def shown_parameters(run: Run, declared: Iterable[Parameter]) -> dict[str, Any]:
    """The parameters as its owner may see them, to be changed: secrets are starred.

    What was left out stands there with its default, unless only the notebook knows it, or it is
    one that would be starred.
    """
    usual = {p.name: p.default for p in declared if not p.computed}
    open_to_all = {k: v for k, v in usual.items() if masked({k: v}) == {k: v}}
    return {**open_to_all, **masked(run.parameters)}


def _inputs_of(run: Run) -> dict[str, Any]:
    """The inputs that lead to the same run, all that were left out among them as None."""
    return {
        "notebook": run.notebook,
        "team": run.team,
        "profile": run.profile,
        "kernel": run.kernel,
        "output_filename": run.output_filename,
        "output_dirname": run.output_dirname,
        "result_data_directory": run.result_data_directory,
        "git_revision": run.git_revision,
        "deadline": run.deadline,
        "retries": run.retries or None,
        "priority": run.priority.value,
        **run.limits.model_dump(),
    }


def _parameters(run: Run, inputs: Mapping[str, Any], whole: bool) -> dict[str, Any]:
    """The stored parameters with those that are given; what is starred means the stored one."""
    given = parameters_in(inputs)
    taken_back = any(name in inputs and inputs[name] is None for name in _PARAMETERS)
    return {**({} if whole or taken_back else run.parameters), **unstarred(given, run.parameters)}


def unstarred(given: Any, stored: Any) -> Any:
    """`given` with the stored secret wherever somebody handed back the stars that they saw.

    Raises:
        BadInput: `bad-parameters`, there are stars where none were to be seen.
    """
    if isinstance(given, dict):
        known = stored if isinstance(stored, dict) else {}
        return {
            name: known[name]
            if value == STARS and is_telling(name) and name in known
            else unstarred(value, known.get(name))
            for name, value in given.items()
        }
    if isinstance(given, list):
        known_items = stored if isinstance(stored, list) else []
        beside = [*known_items, *[None] * len(given)]
        return [unstarred(value, before) for value, before in zip(given, beside, strict=False)]
    if isinstance(stored, str) and given == masked(stored):
        return stored
    if isinstance(given, str) and (given == STARS or f":{STARS}@" in given):
        raise BadInput(
            "bad-parameters",
            f"“{STARS}” stands for a secret of the run before, which had none there: write it out.",
        )
    return given

"""The parts of an execute request that every process has; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from fairihub_core.errors import BadInput, shortened
from fairihub_headless.models import OutputChoice
from fairihub_headless.processes.model import Input, Output

Response = Literal["document", "raw"]
Mode = Literal["sync", "async", "auto"]
_TOP_LEVEL = {"inputs", "outputs", "response", "mode", "job_id"}
_QUALIFIED = {"value", "mediaType", "encoding", "schema", "format"}
_LINK = {"href", "rel", "type", "hreflang", "title"}


@dataclass(frozen=True)
class Asked:
    """An execute request whose inputs have not been looked at one by one yet."""

    inputs: dict[str, Any]
    """By name; a qualified value is there as what it qualifies."""
    outputs: dict[str, OutputChoice] | None = None
    """None means all."""
    response: Response = "document"
    mode: Mode = "auto"
    """How drafts of the standard said what the header `Prefer` says now."""


def asked_of(
    body: dict[str, Any], known: Mapping[str, Input], brings: Mapping[str, Output]
) -> Asked:
    """What a request says to execute a process with these inputs and outputs.

    Raises:
        BadInput: an unknown key, or a part that has not its form.
    """
    only_known(body, _TOP_LEVEL, "the request")
    inputs = body.get("inputs")
    if not isinstance(inputs, dict):
        names = ", ".join(f"`{name}`" for name, told in known.items() if told.required)
        needed = f" with {names}" if names else ""
        raise BadInput("no-inputs", f"The request needs an object `inputs`{needed}.")
    only_known(inputs, known, "`inputs`")
    return Asked(
        inputs={n: _plain(n, value, known[n]) for n, value in inputs.items()},
        outputs=_outputs(body.get("outputs"), brings),
        response=_one_of(body, "response", get_args(Response), "document"),
        mode=_one_of(body, "mode", get_args(Mode), "auto"),
    )


def only_known(given: Iterable[str], known: Iterable[str], where: str) -> None:
    """Refuses what is not `known`.

    Raises:
        BadInput: `unknown-input`.
    """
    names = set(known)
    unknown = [shortened(key, 60) for key in given if key not in names]
    if unknown:
        raise BadInput(
            "unknown-input",
            f"Unknown in {where}: {', '.join(unknown[:20])}. Known: {', '.join(sorted(names))}.",
            unknown=unknown[:20],
        )


def _plain(name: str, given: Any, described: Input) -> Any:
    """The value of an input, whether it stands there bare or qualified.

    An object may stand there bare, as older clients write it: only what has all marks of a
    qualified value is taken for one.
    """
    if not isinstance(given, dict):
        return given
    if "href" in given and given.keys() <= _LINK:
        raise BadInput(
            "no-references",
            f"`{name}` is given by reference: this service fetches nothing from elsewhere. Give "
            "the value itself. An object with a member `href` is written "
            '`{"value": {"href": …}}`.',
        )
    if "value" not in given or not given.keys() <= _QUALIFIED:
        return given
    if described.takes_objects and not isinstance(given["value"], dict):
        return given
    _require_format(name, given, described)
    return given["value"]


def _require_format(name: str, given: dict[str, Any], described: Input) -> None:
    form = given.get("format")
    about = {**form, **given} if isinstance(form, dict) else given
    kind, encoding = about.get("mediaType"), about.get("encoding")
    if kind is not None and _essence(kind) not in described.accepted:
        known = ", ".join(described.accepted)
        raise BadInput(
            "bad-media-type", f"`{name}` cannot be {shortened(str(kind), 60)}; it can be: {known}."
        )
    expected = described.schema.get("contentEncoding")
    if encoding is not None and encoding not in ("utf-8", "UTF-8", expected):
        raise BadInput("bad-media-type", f"`{name}` cannot have the encoding it says.")


def _essence(kind: Any) -> str:
    """A media type without its parameters."""
    return str(kind).partition(";")[0].strip().lower()


def _outputs(asked: Any, brings: Mapping[str, Output]) -> dict[str, OutputChoice] | None:
    if asked is None:
        return None
    if not isinstance(asked, dict):
        raise BadInput("bad-outputs", "`outputs` must be an object of output names.")
    only_known(asked, brings, "`outputs`")
    return {n: _choice(n, choice, brings[n]) for n, choice in asked.items()} or None


def _choice(name: str, given: Any, described: Output) -> OutputChoice:
    said = {} if given is None else given
    if isinstance(said, dict):
        form = said.get("format", {})
        kind = form.get("mediaType") if isinstance(form, dict) else None
        if kind is not None and _essence(kind) != described.media_type:
            raise BadInput("bad-outputs", f"`{name}` can only be {described.media_type}.")
        said = {k: v for k, v in said.items() if k != "format"}
    try:
        return OutputChoice.model_validate(said)
    except ValueError:
        raise BadInput("bad-outputs", "An output can only say `transmissionMode`: "
                       "“value” or “reference”.") from None  # fmt: skip


def _one_of(body: dict[str, Any], key: str, known: tuple[str, ...], default: str) -> Any:
    said = body.get(key, default)
    if said not in known:
        raise BadInput(f"bad-{key}", f"`{key}` can be: {', '.join(known)}.")
    return said

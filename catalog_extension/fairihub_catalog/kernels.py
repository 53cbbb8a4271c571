"""Which kernel of a server a copied notebook should run in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from fairihub_catalog.models import Kernel
from fairihub_core.teams import Frozen


class Match(Frozen):
    """The kernel that was found for a notebook; without a name when none fits."""

    name: str | None = None
    display_name: str | None = None
    matched: bool = False
    wanted: str | None = None
    """What the notebook asks for, in words that a person knows."""
    by: Literal["name", "language", "nothing"] = "nothing"
    available: tuple[Kernel, ...] = ()
    """What there is to choose from, when nothing fits."""


def match_for(wanted: Kernel, available: Sequence[Kernel]) -> Match:
    """The kernel of the same name, else one of the same language."""
    asked = wanted.display_name or wanted.name or wanted.language or None
    named = next((k for k in available if wanted.name and k.name == wanted.name), None)
    if named is not None:
        return _found(named, asked, "name")
    language = wanted.language.lower()
    speaking = sorted(
        (k for k in available if language and k.language.lower() == language), key=_rank
    )
    if speaking:
        return _found(speaking[0], asked, "language")
    return Match(wanted=asked, available=tuple(available))


def _rank(kernel: Kernel) -> tuple[bool, str]:
    # A server's own kernel (`python3`, `ir`) before those of other environments.
    return ("-" in kernel.name, kernel.name)


def _found(kernel: Kernel, asked: str | None, by: Literal["name", "language"]) -> Match:
    return Match(
        name=kernel.name, display_name=kernel.display_name, matched=True, wanted=asked, by=by
    )


def kernels_of(specs: Mapping[str, Mapping[str, Any]]) -> tuple[Kernel, ...]:
    """The kernels of a server, from what its kernel spec manager says."""
    return tuple(
        Kernel(
            name=name,
            display_name=str(found["spec"].get("display_name", name)),
            language=str(found["spec"].get("language", "")),
        )
        for name, found in sorted(specs.items())
    )

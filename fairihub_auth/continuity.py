"""Who said who people are when the hub last ran: of another provider's people nothing goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from fairihub_core.files import write_whole

log = logging.getLogger("fairihub.removal")


@dataclass(frozen=True)
class Continuity:
    """Whose sessions of earlier are those of the same people today.

    A login means somebody else at another provider, and to a hub whose accounts were lost.
    """

    kept: Path
    """A file for the provider of last time."""
    provider: str
    """The present one, with its address."""
    knows: Callable[[str], bool]
    """Whether the account behind a hub name is known."""

    def before(self) -> str:
        """The provider of last time; empty if there was none or nobody can tell."""
        try:
            return self.kept.read_text(encoding="utf-8", errors="replace").strip()
        except FileNotFoundError:
            return ""
        except OSError as problem:
            log.warning("%s cannot be read: %s", self.kept, problem.strerror)
            return ""

    def strangers(self, names: Collection[str]) -> frozenset[str]:
        """Those of the hub names of earlier that may be somebody else's today."""
        if self.before() != self.provider:
            return frozenset(names)
        return frozenset(name for name in names if not self.knows(name))

    def keep(self) -> None:
        """To be called when all of them are out."""
        try:
            write_whole(self.kept, self.provider.encode())
        except OSError as problem:
            log.warning("%s cannot be written: %s", self.kept, problem.strerror)
